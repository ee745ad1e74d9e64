//! `rolecall review`: what is listed and why, in every format; and the life of `until` from its
//! declaration to its end.

use rolecall::model::Why;
use rolecall::render::schemas;
use serde_json::Value;

use super::common::{TestEnv, by_hand, has, rows, word};
use super::life::small;

/// When everything of the fixture was applied.
const BEGAN: &str = "2026-06-01T09:00:00Z";

/// Something of every kind, applied half a year ago; then people were seen, or were not, and left.
fn rich() -> TestEnv {
    let env = TestEnv::with(&small(
        r#"policies: {review: {every: 120d, inactive: 60d}}
users:
  ada@x.example: {role: admin, name: Ada}
  emmy@x.example: {role: admin, kind: contractor}
  break@x.example: {role: admin, kind: break-glass}
  grace@x.example: {role: developer}
  mary@x.example: {role: viewer}
  kate@x.example: {role: viewer}
  alan@x.example: {role: developer}
  rose@x.example: {role: viewer}
  loader@x.example: {kind: service, owner: alan@x.example, role: viewer}
  ended@x.example: {role: viewer, until: 2026-11-30}
teams:
  "+ops|<b>": {members: [{user: ada@x.example, because: "=1+1\n@all | <script>"}]}
  data: {lead: alan@x.example, members: [ada@x.example, alan@x.example, {user: mary@x.example, until: 2026-11-24, because: "SEC-1"}]}
resources:
  project/one: {owner: alan@x.example}
  data-source/dw: {}
  "project/=cmd|'/c calc'!A1": {}
grants:
  - {to: kate@x.example, resource: project/one, role: edit, until: 2026-12-01, because: "SEC-2"}
  - {to: team/data, resource: data-source/dw, role: use}
  - {to: everyone, resource: project/one, role: view}
  - {to: ada@x.example, resource: "project/=cmd|'/c calc'!A1", role: view}
"#,
    ));
    env.run(&["apply", "--auto-approve", "--now", BEGAN]).ended(0);
    let home = env.home();
    for (email, seen) in [
        ("ada", "2026-11-20T08:00:00Z"),
        ("emmy", "2026-09-01T08:00:00Z"),
        ("grace", "2026-08-01T08:00:00Z"),
        ("mary", "2026-09-22T11:00:00Z"),
        ("alan", "2026-11-01T08:00:00Z"),
        ("loader", "2026-11-21T08:00:00Z"),
        ("ended", "2026-11-21T08:00:00Z"),
    ] {
        by_hand(&home, &format!("UPDATE users SET last_seen = '{seen}' WHERE email = '{email}@x.example'"), 1);
    }
    // Alan's last day was entered late, and applied later still.
    env.edit(
        "rolecall.yaml",
        "alan@x.example: {role: developer}",
        "alan@x.example: {role: developer, until: 2026-11-05}",
    );
    env.edit(
        "rolecall.yaml",
        "{lead: alan@x.example, members: [ada@x.example, alan@x.example",
        "{lead: ada@x.example, members: [ada@x.example, alan@x.example",
    );
    env.run(&["apply", "--auto-approve", "--now", "2026-11-10T12:00:00Z"]).ended(0);
    // These are in the files and not applied yet.
    env.edit("rolecall.yaml", "rose@x.example: {role: viewer}", "rose@x.example: {role: viewer, until: 2026-11-11}");
    by_hand(
        &home,
        "INSERT INTO users (email, role_id, state, invited_until) SELECT 'new@x.example', id, 'invited', '2026-07-01T00:00:00Z' FROM roles WHERE name = 'viewer'",
        1,
    );
    env
}

fn lines<'a>(text: &'a str, part: &str) -> Vec<&'a str> {
    text.lines().filter(|l| l.contains(part)).collect()
}

fn read(env: &TestEnv, args: &[&str]) -> Value {
    let schema = jsonschema::validator_for(&schemas::review()).unwrap();
    let output = env.run(&[&["review", "--json"], args].concat()).ended(0);
    let value: Value = serde_json::from_str(&output.stdout).unwrap();
    let wrong: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    value
}

/// Every item as `risk topic object`.
fn listed(value: &Value) -> Vec<String> {
    let items = value["targets"][0]["items"].as_array().unwrap();
    let text = |i: &Value, key: &str| i[key].as_str().unwrap().to_owned();
    items
        .iter()
        .map(|i| format!("{} {} {}", text(i, "risk"), text(i, "topic"), i["object"]["name"].as_str().unwrap()))
        .collect()
}

#[test]
fn every_format() {
    let env = rich();
    let before = env.dump();
    for width in ["80", "100"] {
        let output = env.command(&["review"]).env("COLUMNS", width).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        for line in text.lines() {
            assert!(line.chars().count() <= width.parse().unwrap(), "{line}");
            assert_eq!(line, line.trim_end());
        }
        insta::assert_snapshot!(format!("review-{width}"), text);
    }
    for format in ["json", "csv", "markdown"] {
        let text = env.run(&["review", "--format", format]).ended(0).stdout;
        assert_eq!(env.run(&["review", "--format", format]).ended(0).stdout, text, "the same bytes each time");
        insta::assert_snapshot!(format!("review-{format}"), text);
    }
    assert_eq!(env.dump(), before, "nothing is written");
}

#[test]
fn what_is_listed_and_why() {
    let env = rich();
    let value = read(&env, &[]);
    assert_eq!(value["format"], "rolecall.review/1");
    assert_eq!(
        value["targets"][0]["policy"],
        serde_json::json!({"every": 120, "every_declared": true, "inactive": 60, "inactive_declared": true})
    );
    let found = listed(&value).join("\n");
    has(
        &found,
        &[
            "high administrator ada@x.example",
            "high should-be-gone rose@x.example",
            "high not-seen grace@x.example",
            "medium not-seen mary@x.example",
            "medium not-seen kate@x.example",
            "medium service-without-owner loader@x.example",
            "medium orphan alan@x.example",
            "low invitation-expired new@x.example",
            "low ended-late alan@x.example",
            "low membership data ada@x.example",
        ],
    );
    assert!(!found.contains("not-seen break@"), "an account for emergencies is not seen: {found}");
    // Risks come in their order, and every item says what to do.
    let risks: Vec<usize> =
        found.lines().map(|l| ["high", "medium", "low"].iter().position(|r| l.starts_with(r)).unwrap()).collect();
    assert!(risks.is_sorted(), "{found}");
    let items = value["targets"][0]["items"].as_array().unwrap();
    assert!(items.iter().all(|i| !i["advice"].as_str().unwrap().is_empty()));
    // Alan kept access from the end of the 5th until noon of the 10th.
    let late = items.iter().find(|i| i["topic"] == "ended-late").unwrap();
    assert_eq!((&late["days"], &late["since"]), (&4.into(), &"2026-11-05T23:59:59Z".into()));
}

#[test]
fn what_is_said_is_mended() {
    // The advice for those who should be gone is true.
    let env = rich();
    env.apply();
    let found = listed(&read(&env, &[])).join("\n");
    assert!(!found.contains("should-be-gone"), "{found}");
    has(&found, &["low ended-late rose@x.example"]);
}

#[test]
fn cells_of_a_spreadsheet_are_only_text() {
    let env = rich();
    let text = env.run(&["review", "--format", "csv"]).ended(0).stdout;
    assert!(text.ends_with("\r\n") && text.matches('\n').count() == text.matches("\r\n").count());
    let team = lines(&text, "+ops");
    assert_eq!(team.len(), 1);
    has(team[0], &["home,low,membership,member,'+ops|<b> ada@x.example,ada@x.example,", "because: =1+1"]);
    // Python reads what was meant.
    env.write("review.csv", &text);
    let script = "import csv; rows = list(csv.reader(open('review.csv', newline=''))); print({len(r) for r in rows}, len(rows)); \
                  assert not any(c[:1] in ('=', '+', '-', '@') for r in rows for c in r)";
    let output = std::process::Command::new("python3").args(["-c", script]).current_dir(env.path()).output().unwrap();
    let items = listed(&read(&env, &[])).len() + 3;
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{{13}} {}\n", items + 1), "{output:?}");
}

#[test]
fn pages_hold_nothing_but_text() {
    let text = rich().run(&["review", "--format", "markdown"]).ended(0).stdout;
    assert!(!text.contains("<script>") && !text.contains("<b>"), "{text}");
    // No name ends a cell: every row has as many as its head.
    for line in text.lines().filter(|l| l.starts_with('|')) {
        let cells = line.matches('|').count();
        assert!(cells == 7 || cells == 5, "{line}");
    }
    assert_eq!(lines(&text, "☐ keep ☐ end").len(), text.matches("☐ keep").count());
    has(&text, &["### High risk", "### Medium risk", "### Low risk", "### Ends soon (3)"]);
}

#[test]
fn exit_codes_and_the_files_alone() {
    let env = TestEnv::with(&small("users: {ada@x.example: {role: viewer}}\n"));
    env.run(&["review", "--declared", "--detailed-exitcode"]).ended(0).says(&[
        "nothing to look at",
        "every 90 days (the default)",
        "after 60 days",
    ]);
    assert!(!env.home().exists(), "nothing was contacted");
    env.write("rolecall.yaml", &small("users: {ada@x.example: {role: admin}}\n"));
    env.run(&["review", "--declared", "--detailed-exitcode"]).ended(2).says(&["ada@x.example", "only the files"]);
    env.run(&["review", "--declared"]).ended(0);
    env.run(&["review", "--declared", "--target", "hom"]).ended(1).says(&["did you mean `home`?"]);
    env.run(&["review", "--target", "hom"]).ended(1).says(&["did you mean `home`?"]);
    // A directory that is not there yet holds nothing; nobody is said to be live in it.
    let live = env.run(&["review"]);
    assert!(!live.stdout.contains("ada@x.example"), "{live:?}");
    assert!(!env.home().exists());
}

#[test]
fn a_directory_that_tells_of_no_visits() {
    let env = TestEnv::with(&small("users: {ada@x.example: {role: admin}, bob@x.example: {role: viewer}}\n"));
    env.apply();
    let text = env.run(&["review"]).ended(0).stdout;
    assert_eq!(text.matches("this target does not tell it").count(), 1);
    assert!(!text.contains("Not seen"), "{text}");
    by_hand(&env.home(), "UPDATE users SET last_seen = '2026-11-20T00:00:00Z' WHERE email = 'ada@x.example'", 1);
    // The account of bob began with this apply: he is given time.
    let text = env.run(&["review"]).ended(0).stdout;
    assert!(!text.contains("does not tell") && !text.contains("Not seen"), "{text}");
    let text = env.run(&["review", "--now", "2027-02-01"]).ended(0).stdout;
    has(&text, &["bob@x.example  never seen since the account began 2026-11-21"]);
}

/// Everything that can end, with its end.
fn ends(until: &str) -> String {
    small(&format!(
        "users:
  ada@x.example: {{role: admin}}
  grace@x.example: {{role: developer}}
  mary@x.example: {{role: developer, until: '{until}'}}
teams:
  all: {{members: [ada@x.example, {{user: grace@x.example, until: '{until}'}}]}}
resources:
  project/one: {{access: {{view: [{{to: grace@x.example, until: '{until}'}}]}}}}
  project/two: {{}}
grants:
  - {{to: [grace@x.example, team/all], resource: project/two, role: edit, until: '{until}'}}
"
    ))
}

/// What a plan takes away because it has ended, sorted.
fn ended(env: &TestEnv, now: &str) -> Vec<String> {
    let steps = env.target_plan(&["--now", now]).steps;
    let gone = |s: &&rolecall::plan::Step| matches!(s.change.reason(), Some(Why::Expired { .. }));
    let mut found: Vec<String> =
        steps.iter().filter(gone).map(|s| format!("{} {}", word(&s.change), s.change.object().name)).collect();
    assert_eq!(found.len(), steps.len(), "nothing else changes: {steps:?}");
    found.sort();
    found
}

const ALL_ENDED: [&str; 5] = [
    "disable-user mary@x.example",
    "remove-member all grace@x.example",
    "revoke-grant project/one grace@x.example",
    "revoke-grant project/two grace@x.example",
    "revoke-grant project/two team/all",
];

#[test]
fn a_date_is_the_end_of_its_day_in_utc() {
    let env = TestEnv::with(&ends("2026-11-30"));
    env.apply();
    env.is_converged();
    assert_eq!(rows(&env.home(), "SELECT until FROM users WHERE until IS NOT NULL"), ["2026-11-30T23:59:59Z"]);
    assert_eq!(ended(&env, "2026-11-30T23:59:58Z"), [""; 0]);
    assert_eq!(ended(&env, "2026-12-01T00:00:00Z"), ALL_ENDED);
    // What ends is shown before it does, and not once it has.
    let soon = |now: &str| {
        let value = read(&env, &["--now", now]);
        value["targets"][0]["ends_soon"].as_array().unwrap().len()
    };
    assert_eq!(soon("2026-11-16T23:59:58Z"), 0, "more than 14 days before");
    assert_eq!(soon("2026-11-16T23:59:59Z"), ALL_ENDED.len());
    assert_eq!(soon("2026-11-30T23:59:58Z"), ALL_ENDED.len());
    assert_eq!(soon("2026-12-01T00:00:00Z"), 0);
}

#[test]
fn a_time_ends_at_its_second_wherever_it_was_written() {
    let env = TestEnv::with(&ends("2026-11-25T17:00:00+02:00"));
    env.apply();
    env.is_converged();
    assert_eq!(rows(&env.home(), "SELECT until FROM users WHERE until IS NOT NULL"), ["2026-11-25T15:00:00Z"]);
    assert_eq!(ended(&env, "2026-11-25T14:59:59Z"), [""; 0]);
    assert_eq!(ended(&env, "2026-11-25T15:00:01Z"), ALL_ENDED);
}

#[test]
fn what_has_ended_is_gone_for_good() {
    let env = TestEnv::with(&ends("2026-11-30"));
    env.apply();
    let later = ["--now", "2026-12-02T00:00:00Z"];
    env.run(&["validate", "--now", "2026-12-02T00:00:00Z"])
        .ended(0)
        .says(&["ended 2026-11-30", "is past (2026-11-30)"]);
    env.run(&[&["apply", "--auto-approve"], later.as_slice()].concat()).ended(0);
    env.run(&[&["plan", "--detailed-exitcode"], later.as_slice()].concat()).ended(0);
    assert_eq!(rows(&env.home(), "SELECT state FROM users WHERE email = 'mary@x.example'"), ["disabled"]);
    assert_eq!(rows(&env.home(), "SELECT team_id FROM memberships").len(), 1);
    assert_eq!(rows(&env.home(), "SELECT id FROM grants"), [""; 0]);
    // She did not keep access beyond the day, because the directory knew it: nothing ended late.
    let found = listed(&read(&env, &later)).join("\n");
    assert!(!found.contains("ended-late") && !found.contains("should-be-gone"), "{found}");
    // A new end gives it back.
    env.write("rolecall.yaml", &ends("2026-12-31"));
    env.run(&[&["apply", "--auto-approve"], later.as_slice()].concat()).ended(0);
    assert_eq!(rows(&env.home(), "SELECT state FROM users WHERE email = 'mary@x.example'"), ["active"]);
    assert_eq!(rows(&env.home(), "SELECT id FROM grants").len(), 3);
}

#[test]
fn what_ends_is_ended_also_where_undeclared_things_stay() {
    let additive = |until: &str| ends(until).replace("manage: authoritative", "manage: additive");
    let env = TestEnv::with(&additive("2026-11-30"));
    env.apply();
    assert_eq!(ended(&env, "2026-12-01T00:00:00Z"), ALL_ENDED);
}
