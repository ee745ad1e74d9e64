//! `rolecall drift`: what is found on which side, who has more by it, since when, what is allowed, and how
//! a run ends.

use rolecall::model::{Change, Effect};
use rolecall::render::schemas;
use serde_json::Value;

use super::common::{Output, TestEnv, by_hand, has};
use super::life::small;

const FILES: &str = r#"users:
  ada@x.example: {role: admin, name: Ada}
  emmy: {email: emmy@x.example, role: admin, name: Emmy}
  grace@x.example: {role: developer}
  mary@x.example: {role: viewer, name: Mary}
  kate@x.example: {role: viewer, name: Kate}
  alan@x.example: {role: developer, state: disabled}
teams:
  data: {lead: ada@x.example, members: [ada@x.example, emmy, mary@x.example]}
  ops: {description: Runs it., members: []}
resources:
  project/one: {visibility: restricted, access: {edit: [team/data]}}
  project/two: {visibility: restricted}
grants:
  - {to: kate@x.example, resource: project/two, role: edit, because: "SEC-2"}
  - {to: grace@x.example, resource: project/two, role: edit}
domains:
  x.example: {role: viewer}
"#;

/// What somebody clicked: the same folder with other files is applied, and the directory put back.
pub(crate) fn clicked(env: &TestEnv, edit: impl FnOnce(&TestEnv)) {
    let other = env.copy();
    edit(&other);
    let accept = ["removal.user=99", "removal.member=99", "removal.grant=99", "removal.team=99", "removal.resource=99"];
    let args: Vec<&str> = accept.iter().flat_map(|a| ["--accept", a]).collect();
    let first = other.run(&["plan", "--json"]);
    let plan: Value = serde_json::from_str(&first.stdout).unwrap_or_else(|e| panic!("{e}\n{first:?}"));
    let blocked = plan["targets"][0]["guards"].as_array().unwrap().iter().any(|g| g["answer"] == "violated");
    let more = if blocked { args.as_slice() } else { &[] };
    other.run(&[&["apply", "--auto-approve"], more].concat()).ended(0);
    std::fs::copy(other.home(), env.home()).unwrap();
}

/// Something on every side.
fn rich() -> TestEnv {
    let env = TestEnv::with(&small(FILES));
    env.apply();
    clicked(&env, |other| {
        let file = "rolecall.yaml";
        other.edit(file, "name: Mary", "name: Mary Q.");
        other.edit(file, "grace@x.example: {role: developer}", "grace@x.example: {role: admin}");
        other.edit(
            file,
            "alan@x.example: {role: developer, state: disabled}",
            "alan@x.example: {role: developer}\n  mallory@x.example: {role: admin}",
        );
        other.edit(file, "emmy, mary@x.example]", "emmy]");
        other.edit(file, "Runs it., members: []", "Runs it all., members: [kate@x.example]");
        other.edit(file, "edit, because: \"SEC-2\"", "view, because: \"SEC-2\"");
        other.edit(file, "  - {to: grace@x.example, resource: project/two, role: edit}\n", "");
        other.edit(file, "x.example: {role: viewer}\n", "x.example: {role: viewer}\n  y.example: {role: viewer}\n");
    });
    env
}

#[track_caller]
fn read(env: &TestEnv, args: &[&str], code: i32) -> Value {
    checked(&env.run(&[&["drift", "--json"], args].concat()).ended(code))
}

/// The JSON, as the published schema wants it.
#[track_caller]
fn checked(output: &Output) -> Value {
    let schema = jsonschema::validator_for(&schemas::drift()).unwrap();
    let value: Value = serde_json::from_str(&output.stdout).unwrap();
    let wrong: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    value
}

/// Every difference as `direction object`, with ` !` where it widens access.
fn listed(value: &Value) -> Vec<String> {
    let all = value["targets"].as_array().unwrap().iter().flat_map(|t| t["differences"].as_array().unwrap());
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    all.map(|d| {
        let widens = if d.get("widens").is_some() { " !" } else { "" };
        format!("{} {} {}{widens}", text(&d["direction"]), text(&d["object"]["kind"]), text(&d["object"]["name"]))
    })
    .collect()
}

#[test]
fn every_format() {
    let env = rich();
    let (before, files) = (env.dump(), env.read("rolecall.yaml"));
    for width in ["80", "100"] {
        let output = Output::of(env.command(&["drift"]).env("COLUMNS", width).output().unwrap()).ended(2);
        for line in output.stdout.lines() {
            assert!(line.chars().count() <= width.parse().unwrap(), "{line}");
            assert_eq!(line, line.trim_end());
        }
        insta::assert_snapshot!(format!("drift-{width}"), output.stdout);
    }
    for format in ["json", "markdown"] {
        let text = env.run(&["drift", "--format", format]).ended(2).stdout;
        assert_eq!(env.run(&["drift", "--format", format]).ended(2).stdout, text, "the same bytes each time");
        insta::assert_snapshot!(format!("drift-{format}"), text);
    }
    assert_eq!(env.dump(), before, "nothing is written");
    assert_eq!(env.read("rolecall.yaml"), files);
}

#[test]
fn every_difference_has_a_side_and_says_whether_it_widens_access() {
    let value = read(&rich(), &[], 2);
    assert_eq!(
        listed(&value),
        [
            "different user alan@x.example !",
            "different user grace@x.example !",
            "extra user mallory@x.example !",
            "different user mary@x.example",
            "different team ops",
            "missing member data mary@x.example",
            "extra member ops kate@x.example",
            "missing grant project/two grace@x.example",
            "different grant project/two kate@x.example",
            "extra domain y.example !",
        ]
    );
    assert_eq!(value["format"], "rolecall.drift/1");
    let differences = value["targets"][0]["differences"].as_array().unwrap();
    let of = |name: &str| differences.iter().find(|d| d["object"]["name"] == name).unwrap();
    let role = &of("grace@x.example")["fields"][0];
    assert_eq!(
        (&role["field"], &role["declared"], &role["live"]),
        (&"role".into(), &"developer".into(), &"admin".into())
    );
    assert_eq!(of("grace@x.example")["widens"]["administrator"], true);
    assert_eq!(of("grace@x.example")["widens"]["who"][0], "grace@x.example");
    assert_eq!(of("mallory@x.example").get("declared"), None, "no file declares it");
    assert_eq!(of("data mary@x.example")["declared"]["line"], 12);
}

#[test]
fn nothing_differs() {
    let env = TestEnv::with(&small(FILES));
    // Nothing is live, and everything is missing.
    let value = read(&env, &[], 2);
    assert!(listed(&value).iter().all(|l| l.starts_with("missing ") && !l.ends_with('!')), "{value}");
    env.apply();
    env.run(&["drift"]).ended(0).says(&["home  directory\nas declared\n", "No drift in 1 target."]);
    assert_eq!(read(&env, &[], 0)["drifted"], false);
}

/// What is extra may be hidden behind something else that is extra, and widens access all the same.
#[test]
fn what_hides_behind_another_widens_as_well() {
    let env = TestEnv::with(&small(FILES));
    env.apply();
    clicked(&env, |other| {
        other.edit("rolecall.yaml", "Runs it., members: []", "Runs it., members: [mary@x.example]");
        // Twice the same for her, by two ways, one of them through the team.
        let more = "domains:\n";
        let grants = "  - {to: mary@x.example, resource: project/two, role: edit}\n  - {to: team/ops, resource: project/two, role: edit}\n  - {to: emmy, resource: project/one, role: view}\n";
        other.edit("rolecall.yaml", more, &format!("{grants}{more}"));
    });
    assert_eq!(
        listed(&read(&env, &[], 2)),
        [
            "extra member ops mary@x.example !",
            // Emmy has more by the team already: this gives nothing.
            "extra grant project/one emmy@x.example",
            "extra grant project/two mary@x.example !",
            "extra grant project/two team/ops !",
        ]
    );
}

#[test]
fn it_is_remembered_since_when() {
    let env = TestEnv::with(&small(FILES));
    env.apply();
    let since = |value: &Value, name: &str| {
        let all = value["targets"][0]["differences"].as_array().unwrap();
        let found = all.iter().find(|d| d["object"]["name"] == name);
        found.map(|d| d["since"].as_str().unwrap().to_owned())
    };
    let at = |day: &str| format!("2026-11-{day}T08:00:00Z");
    by_hand(&env.home(), "UPDATE users SET name = 'M' WHERE email = 'mary@x.example'", 1);
    let first = read(&env, &["--now", &at("22")], 2);
    assert_eq!(since(&first, "mary@x.example"), Some(at("22")));
    by_hand(&env.home(), "UPDATE users SET name = 'K' WHERE email = 'kate@x.example'", 1);
    let second = read(&env, &["--now", &at("23")], 2);
    assert_eq!(since(&second, "mary@x.example"), Some(at("22")));
    assert_eq!(since(&second, "kate@x.example"), Some(at("23")));
    env.run(&["drift", "--now", &at("24")]).ended(2).says(&["seen since 2026-11-22T08:00:00Z"]);
    // Gone, and there again: that is new. Another value is another difference.
    by_hand(&env.home(), "UPDATE users SET name = 'Mary' WHERE email = 'mary@x.example'", 1);
    by_hand(&env.home(), "UPDATE users SET name = 'L' WHERE email = 'kate@x.example'", 1);
    assert_eq!(since(&read(&env, &["--now", &at("25")], 2), "kate@x.example"), Some(at("25")));
    by_hand(&env.home(), "UPDATE users SET name = 'M' WHERE email = 'mary@x.example'", 1);
    assert_eq!(since(&read(&env, &["--now", &at("26")], 2), "mary@x.example"), Some(at("26")));
}

#[test]
fn without_a_store_it_says_so_and_goes_on() {
    let env = TestEnv::with(&small(FILES));
    env.apply();
    by_hand(&env.home(), "UPDATE users SET name = 'M' WHERE email = 'mary@x.example'", 1);
    env.write(".rolecall/store.db", "this is no store");
    let value = read(&env, &[], 2);
    assert_eq!(listed(&value), ["different user mary@x.example"]);
    assert!(value["targets"][0]["differences"][0].get("since").is_none());
    has(value["notes"][0].as_str().unwrap(), &["since when a difference is there is not remembered"]);
}

fn allow(entries: &str) -> String {
    format!("{FILES}drift:\n  allow:\n{entries}")
}

#[test]
fn what_is_allowed_is_hidden_until_its_end_and_never_widened_access() {
    let env = rich();
    env.write(
        "rolecall.yaml",
        &small(&allow(
            "    - {object: user mary@x.example, owner: emmy, because: She married., until: 2026-12-31}
    - {object: member data mary@x.example, target: home, owner: emmy, because: On leave., until: 2026-12-01}
    - {object: user mallory@x.example, owner: ada@x.example, because: Trust me., until: 2026-12-31}
    - {object: team nothing, owner: emmy, because: Was there once., until: 2026-12-31}
    - {object: grant project/two kate@x.example, owner: emmy, because: Over., until: 2026-11-20}
",
        )),
    );
    let output = env.run(&["drift"]).ended(2);
    insta::assert_snapshot!("drift-allowed", output.stdout);
    let value = read(&env, &[], 2);
    let standing: Vec<&str> =
        value["allowed"].as_array().unwrap().iter().map(|e| e["standing"].as_str().unwrap()).collect();
    assert_eq!(standing, ["hides", "hides", "widens", "stale", "ended"]);
    // A day later than its end, the second is reported again.
    env.run(&["drift", "--now", "2026-12-02T00:00:01Z"])
        .ended(2)
        .says(&["- member data mary@x.example", "member data mary@x.example  ended 2026-12-01"]);
}

#[test]
fn only_what_is_allowed_is_no_drift() {
    let env = TestEnv::with(&small(&allow(
        "    - {object: user emmy, owner: emmy, because: Her own wish., until: 2026-12-31}\n",
    )));
    env.apply();
    by_hand(&env.home(), "UPDATE users SET name = 'E' WHERE email = 'emmy@x.example'", 1);
    let text = env.run(&["drift"]).ended(0).stdout;
    has(
        &text,
        &[
            "1 difference is allowed, and not shown",
            "user emmy@x.example  hidden; emmy@x.example until 2026-12-31",
            "No drift in 1 target.",
        ],
    );
    assert_eq!(read(&env, &[], 0)["drifted"], false);
}

#[test]
fn what_is_not_managed_is_no_drift_and_what_is_observed_is() {
    let manage =
        "{users: additive, teams: observe, members: ignore, resources: {mode: authoritative, scope: [project/one*]}}";
    let env = TestEnv::with(&small(FILES));
    env.apply();
    clicked(&env, |other| {
        let more = "  kate@x.example: {role: viewer, name: Kate}\n";
        other.edit("rolecall.yaml", more, &format!("{more}  new@x.example: {{role: admin}}\n"));
        other.edit("rolecall.yaml", "Runs it., members: []", "Runs it all., members: [kate@x.example]");
        other.edit(
            "rolecall.yaml",
            "project/two: {visibility: restricted}",
            "project/two: {visibility: everyone}\n  project/one-more: {}",
        );
    });
    env.edit("rolecall.yaml", "manage: authoritative", &format!("manage: {manage}"));
    let value = read(&env, &[], 2);
    assert_eq!(listed(&value), ["different team ops", "extra resource project/one-more"]);
    assert_eq!(value["targets"][0]["differences"][0]["mends"]["by"], "nobody");
    assert_eq!(value["targets"][0]["left_alone"]["user"], 1);
    env.run(&["drift"])
        .ended(2)
        .says(&["only observed: an apply leaves it", "not declared, and left as it is: 1 user"]);
}

/// Two directories, a server that nobody serves, and one whose secret is not set.
const FOUR: &str = "
version: 1
targets:
  one: {provider: directory, url: 'sqlite:.rolecall/one.db', catalogue: strongly, manage: authoritative}
  gone: {provider: scim, url: 'http://127.0.0.1:1/scim/v2', credentials: {token: '${SCIM_TOKEN}'}, manage: authoritative}
  shut: {provider: scim, url: 'http://127.0.0.1:1/scim/v2', credentials: {token: '${OTHER_TOKEN}'}, manage: authoritative}
  two: {provider: directory, url: 'sqlite:.rolecall/two.db', catalogue: strongly, manage: authoritative}
users:
  ada@x.example: {name: Ada, at: {one: {role: admin}, two: {role: admin}, gone: {}, shut: {}}}
drift: {allow: [{object: user ada@x.example, owner: ada@x.example, because: Soon., until: 2026-12-31}]}
";

#[test]
fn one_that_cannot_be_read_does_not_hide_the_others() {
    let env = TestEnv::with(FOUR);
    let run = |args: &[&str]| Output::of(env.command(args).env("SCIM_TOKEN", "t").output().unwrap());
    run(&["apply", "--auto-approve", "--target", "one", "--target", "two"]).ended(0);
    by_hand(&env.file(".rolecall/two.db"), "UPDATE users SET name = 'A' WHERE email = 'ada@x.example'", 1);
    run(&["drift"]).ended(1).says(&[
        "gone  cannot be read: out of reach",
        "shut  cannot be read: the variable OTHER_TOKEN",
        "one  directory\nas declared",
        "1 difference is allowed",
    ]);
    let value = checked(&run(&["drift", "--json"]).ended(1));
    assert_eq!(listed(&value), ["different user ada@x.example"]);
    assert_eq!(value["unread"].as_array().unwrap().len(), 2);
    // It hides something, although not all it is about was looked at.
    assert_eq!(value["allowed"][0]["standing"], "hides");
    let value = checked(&run(&["drift", "--json", "--target", "one"]).ended(0));
    assert_eq!(value["allowed"][0]["standing"], "not-looked");
    run(&["drift", "--target", "one", "--target", "two"]).ended(0);
    run(&["drift", "--target", "three"]).ended(1).says(&["there is no target or label `three`"]);
}

#[test]
fn wrong_files_end_it() {
    let env = TestEnv::with(&small("users:\n  ada@x.example: {role: nothing}\n"));
    env.run(&["drift"]).ended(1).says(&["there is no role `nothing`"]);
    env.run(&["drift", "--format", "csv"]).ended(1);
    let nowhere = TestEnv::new();
    nowhere.run(&["drift"]).ended(1).says(&["there is no declaration"]);
}

/// Names that would be something else in a terminal or a comment.
#[test]
fn names_stay_names() {
    let env = TestEnv::with(&small("users:\n  ada@x.example: {role: admin, name: Ada}\n"));
    env.apply();
    let name = "<!-- x --> @all ](http://x) `a` \u{202e}| ::error::x\n## head";
    by_hand(&env.home(), &format!("UPDATE users SET name = '{name}'"), 1);
    let text = env.run(&["drift", "--format", "markdown"]).ended(2).stdout;
    assert!(!text.contains("<!--") && !text.contains("\u{202e}") && !text.contains("\n## head"), "{text}");
    insta::assert_snapshot!("drift-hostile", text);
    let text = env.run(&["drift"]).ended(2).stdout;
    assert!(!text.contains('\u{202e}') && !text.contains("\n## head"), "{text}");
}

/// The direction of a change is what its effect says, but for accounts that are closed or opened.
#[test]
fn sides_follow_from_changes() {
    use rolecall::drift::{Direction, direction};
    let env = rich();
    for step in env.target_plan(&[]).steps {
        let expected = match (step.change.effect(), &step.change) {
            (_, Change::EnableUser { .. }) => Direction::Different,
            (Effect::Remove, Change::DisableUser { user, .. }) if user.email == "alan@x.example" => {
                Direction::Different
            }
            (Effect::Add, _) => Direction::Missing,
            (Effect::Remove, _) => Direction::Extra,
            (Effect::Change, _) => Direction::Different,
        };
        assert_eq!(direction(&step.change), expected, "{:?}", step.change);
    }
}
