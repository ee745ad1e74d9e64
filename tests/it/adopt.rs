//! `rolecall drift --adopt`: the files say what is live afterwards, and every line that is not concerned is as
//! it was.

use std::collections::BTreeMap;
use std::fs;

use rusqlite::Connection;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::common::{TestEnv, by_hand};

const MAIN: &str = r#"# The head of it all.
version: 1   # the first

targets:
  home: {provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}
  away:
    provider: directory
    url: sqlite:.rolecall/away.db
    catalogue: strongly
    labels: [far]
    manage: authoritative

roles:
  boss: {as: {home: admin, away: admin}}
  engineer: {as: {home: developer}}
  reader: {as: {home: viewer, away: viewer}}   # in both

x-defaults: &defaults {role: engineer, timezone: Europe/London}

policies: {removal: {users: disable}}
"#;

/// In one line each, with an anchor, a merge and quotes.
const FLOW: &str = r#"users:
  # Those who run it.
  ada@x.example: {name: 'Ada', role: boss, attributes: {region: west}}   # since ever
  emmy: {email: emmy@x.example, name: "Emmy \"N\"", role: home:admin}
  grace@x.example: {<<: *defaults, name: Grace}
  mary@x.example: {role: reader, name: Mary, targets: [home], teams: &both [data, ops]}
  kate@x.example: {role: reader, name: Kate, teams: *both, targets: [home]}
  # The last of them.
  both@x.example: {role: reader, name: Both, attributes: {desk: "1", floor: 2}}
"#;

/// With a line for each key, an empty line between two, and the ends of lines of Windows.
const BLOCK: &str = "# People of the second file.\r\nusers:\r\n\r\n  alan@x.example:\r\n    name: Alan   # as he writes it\r\n    role: engineer\r\n    state: disabled\r\n\r\n  rose@x.example:\r\n    name: >-\r\n      Rose of\r\n      Sharon\r\n    role: engineer\r\n    kind: contractor\r\n\r\n  loader:\r\n    email: loader@x.example\r\n    kind: service\r\n    owner: ada@x.example\r\n    role: engineer\r\n    handles:\r\n      github: loader-bot\r\n";

const TEAMS: &str = r#"teams:
  home:data:
    description: Looks at data.
    lead: ada@x.example
    members:
      - ada@x.example
      # Emmy came later.
      - emmy
      - {user: grace@x.example, because: "SEC-1"}
  "home:ops": {description: 'Runs it.', role: viewer, members: [
      ada@x.example,   # on call
      rose@x.example
    ]}
  idle: {members: [], targets: [home]}
"#;

/// No end of the last line.
const RESOURCES: &str = r#"resources:
  home:project/one:
    visibility: restricted
    owner: ada@x.example
    access:
      edit: [team/data]   # all of them
      view:
        - kate@x.example
        - to: mary@x.example
          until: 2027-06-30
  home:project/two: {visibility: restricted, description: "Two: the second"}
  home:workspace/dev: {in: home:project/one}
grants:
  - {to: kate@x.example, resource: home:project/two, role: edit, because: "SEC-2"}
  - to: [grace@x.example, rose@x.example]
    resource: home:project/two
    role: view
  # The last.
  - to: emmy
    resource: home:project/two
    role: view
    until: 2027-01-31
domains: {x.example: {role: reader, targets: [home]}}"#;

fn fixture() -> TestEnv {
    let env = TestEnv::new();
    env.write("rolecall.yaml", MAIN);
    // Anchors hold for one file.
    env.write(
        "people/flow.yaml",
        &format!("x-defaults: &defaults {{role: engineer, timezone: Europe/London}}\n\n{FLOW}"),
    );
    env.write("people/windows.yaml", BLOCK);
    env.write("teams.yaml", TEAMS);
    env.write("things/resources.yaml", RESOURCES);
    env.apply();
    // Who is disabled is not made.
    let alan = format!(
        "INSERT INTO users (email, name, role_id, state) VALUES ('alan@x.example', 'Alan', {}, 'disabled')",
        role("developer")
    );
    by_hand(&env.home(), &alan, 1);
    env.run(&["drift"]).ended(0);
    env
}

const ALL: [&str; 5] =
    ["rolecall.yaml", "people/flow.yaml", "people/windows.yaml", "teams.yaml", "things/resources.yaml"];

fn texts(env: &TestEnv) -> BTreeMap<&'static str, String> {
    ALL.into_iter().map(|name| (name, env.read(name))).collect()
}

/// What is changed by hand in `home`, and the names that it is about.
type Click = (Vec<String>, Vec<&'static str>);

struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.roll(list.len())]
    }
}

const USERS: [(&str, &str); 9] = [
    ("ada@x.example", "ada@x.example"),
    ("emmy@x.example", "emmy"),
    ("grace@x.example", "grace@x.example"),
    ("mary@x.example", "mary@x.example"),
    ("kate@x.example", "kate@x.example"),
    ("both@x.example", "both@x.example"),
    ("alan@x.example", "alan@x.example"),
    ("rose@x.example", "rose@x.example"),
    ("loader@x.example", "loader"),
];
const TEAM_NAMES: [&str; 3] = ["data", "ops", "idle"];
const PLACES: [&str; 2] = ["project/one", "project/two"];
const NEW: [&str; 4] = ["new@x.example", "mallory@x.example", "o'hara@x.example", "yes@x.example"];

fn user(email: &str) -> String {
    format!("(SELECT id FROM users WHERE email = '{}')", email.replace('\'', "''"))
}

fn role(name: &str) -> String {
    format!("(SELECT id FROM roles WHERE name = '{name}')")
}

fn team(name: &str) -> String {
    format!("(SELECT id FROM teams WHERE name = '{name}')")
}

fn thing(name: &str) -> String {
    format!("(SELECT id FROM resources WHERE name = '{name}')")
}

/// Takes somebody away with everything that they hold.
fn without_user(email: &str) -> Vec<String> {
    let id = user(email);
    [
        format!("DELETE FROM memberships WHERE user_id = {id}"),
        format!("DELETE FROM team_leads WHERE user_id = {id}"),
        format!("DELETE FROM grants WHERE user_id = {id}"),
        format!("UPDATE resources SET owner_id = NULL WHERE owner_id = {id}"),
        format!("DELETE FROM user_attributes WHERE user_id = {id}"),
        format!("DELETE FROM user_handles WHERE user_id = {id}"),
        format!("DELETE FROM users WHERE id = {id}"),
    ]
    .into()
}

fn without_team(name: &str) -> Vec<String> {
    let id = team(name);
    [
        format!("DELETE FROM memberships WHERE team_id = {id}"),
        format!("DELETE FROM team_leads WHERE team_id = {id}"),
        format!("DELETE FROM grants WHERE team_id = {id}"),
        format!("DELETE FROM teams WHERE id = {id}"),
    ]
    .into()
}

/// One random change, of every kind that an administrator can make on a screen.
fn click(dice: &mut Dice) -> Click {
    let (email, called) = dice.of(&USERS);
    let who = user(email);
    let (one, place) = (dice.of(&TEAM_NAMES), dice.of(&PLACES));
    let native = dice.of(&["admin", "developer", "data-scientist", "viewer"]);
    let level = dice.of(&["edit", "view"]);
    let text = dice.of(&["Plain", "It's: \"odd\" # {x}", "null", "12", "- dash", "zwei\u{e4}"]).replace('\'', "''");
    let sql = |text: String| vec![text];
    match dice.roll(24) {
        0 | 1 => (sql(format!("UPDATE users SET role_id = {} WHERE id = {who}", role(native))), vec![email, called]),
        2 => (sql(format!("UPDATE users SET name = '{text}' WHERE id = {who}")), vec![email, called]),
        3 => {
            let turned = "CASE state WHEN 'active' THEN 'disabled' ELSE 'active' END";
            (sql(format!("UPDATE users SET state = {turned} WHERE id = {who}")), vec![email, called])
        }
        4 | 5 => {
            let new = dice.of(&NEW);
            let name = new.replace('\'', "''");
            let state = dice.of(&["active", "active", "disabled"]);
            let insert = format!(
                "INSERT OR IGNORE INTO users (email, name, role_id, state) VALUES ('{name}', '{text}', {}, '{state}')",
                role(native)
            );
            (sql(insert), vec![new])
        }
        6 => (without_user(email), vec![email, called]),
        7 => {
            let until = dice.of(&["'2027-12-31T23:59:59Z'", "'2028-02-29T12:00:00Z'", "NULL"]);
            (sql(format!("UPDATE users SET until = {until} WHERE id = {who}")), vec![email, called])
        }
        8 => {
            let set = format!("INSERT OR REPLACE INTO user_attributes VALUES ({who}, 'region', '{text}')");
            (sql(set), vec![email, called])
        }
        9 => (sql(format!("UPDATE users SET timezone = 'Europe/Paris' WHERE id = {who}")), vec![email, called]),
        10 | 11 => {
            let add = format!("INSERT OR IGNORE INTO memberships (team_id, user_id) VALUES ({}, {who})", team(one));
            (sql(add), vec![email, called, one])
        }
        12 | 13 => {
            let drop = format!("DELETE FROM memberships WHERE team_id = {} AND user_id = {who}", team(one));
            (sql(drop), vec![email, called, one])
        }
        14 => {
            let set =
                format!("UPDATE memberships SET because = '{text}' WHERE team_id = {} AND user_id = {who}", team(one));
            (sql(set), vec![email, called, one])
        }
        15 => (sql(format!("UPDATE teams SET description = '{text}' WHERE name = '{one}'")), vec![one]),
        16 => {
            let make = "INSERT OR IGNORE INTO teams (name, description) VALUES ('fresh', 'Of today')".to_owned();
            let join =
                format!("INSERT OR IGNORE INTO memberships (team_id, user_id) VALUES ({}, {who})", team("fresh"));
            (vec![make, join], vec!["fresh"])
        }
        17 => (without_team(one), vec![one]),
        18 => {
            let visibility = dice.of(&["private", "everyone"]);
            (sql(format!("UPDATE resources SET visibility = '{visibility}' WHERE name = '{place}'")), vec![place])
        }
        19 => (sql(format!("UPDATE resources SET owner_id = {who} WHERE name = '{place}'")), vec![place]),
        20 => {
            let new = dice.of(&["project/three", "data-source/dw"]);
            let make = format!("INSERT OR IGNORE INTO resources (name, description) VALUES ('{new}', '{text}')");
            (sql(make), vec![new])
        }
        21 => {
            let until = dice.of(&["NULL", "'2027-12-31T23:59:59Z'"]);
            let give = format!(
                "INSERT OR IGNORE INTO grants (resource_id, user_id, role_id, until) VALUES ({}, {who}, {}, {until})",
                thing(place),
                role(level)
            );
            (sql(give), vec![email, called, place])
        }
        22 => {
            let take = format!("DELETE FROM grants WHERE resource_id = {} AND user_id = {who}", thing(place));
            (sql(take), vec![email, called, place])
        }
        _ => {
            let domain = dice.of(&["y.example", "z.example"]);
            let add = format!("INSERT OR IGNORE INTO domains (name, role_id) VALUES ('{domain}', {})", role("viewer"));
            (sql(add), vec![domain])
        }
    }
}

/// Whether a line of a text names one of these, or stands below a line that does, or in the same item of a list.
fn concerns(lines: &[&str], number: usize, names: &[&str]) -> bool {
    let depth = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let (mut least, mut in_item) = (usize::MAX, true);
    for line in lines[..=number].iter().rev() {
        let (here, head) = (depth(line), line.trim_start().starts_with("- "));
        if line.trim().is_empty() || here > least || here == least && !(in_item && head) {
            continue;
        }
        if names.iter().any(|n| line.contains(n)) {
            return true;
        }
        (least, in_item) = (here, !head);
        if least == 0 {
            break;
        }
    }
    false
}

/// Whether a line is another one with something put into it at one place.
fn within(short: &str, long: &str) -> bool {
    let same = short.bytes().zip(long.bytes()).take_while(|(a, b)| a == b).count();
    let rest = short.bytes().rev().zip(long.bytes().rev()).take_while(|(a, b)| a == b).count();
    short.len() <= long.len() && same + rest >= short.len()
}

/// Fails the test unless only lines that are about these differ.
fn only_concerned(before: &BTreeMap<&str, String>, after: &BTreeMap<&str, String>, names: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, old) in before {
        let new = &after[path];
        let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
        let diff = TextDiff::from_lines(old.as_str(), new.as_str());
        let bare = |line: &str| {
            line.trim_end()
                .trim_end_matches([',', ':'])
                .trim_end_matches([']', '[', '{', '}'])
                .trim_end()
                .trim_end_matches(':')
                .to_owned()
        };
        let changed: Vec<_> = diff.iter_all_changes().filter(|c| c.tag() != ChangeTag::Equal).collect();
        for change in &changed {
            // A comma behind the last item, `[]` behind a key that has nothing any more, and the end of a last
            // line that had none.
            let twin = |tag: ChangeTag| {
                let (line, same) = (change.value().trim_end(), bare(change.value()));
                changed.iter().filter(|c| c.tag() == tag).any(|c| {
                    let other = c.value().trim_end();
                    let named = names.iter().any(|n| other.contains(n));
                    bare(other) == same || named && (within(line, other) || within(other, line))
                })
            };
            let (lines, number, other) = match change.tag() {
                ChangeTag::Delete => (&old_lines, change.old_index().unwrap(), ChangeTag::Insert),
                _ => (&new_lines, change.new_index().unwrap(), ChangeTag::Delete),
            };
            let empty = change.value().trim().is_empty();
            if !(empty || concerns(lines, number, names) || twin(other)) {
                let (line, diff) = (change.value(), diff.unified_diff());
                wrong.push(format!("{path}:{} is about none of {names:?}: {line:?}\n{diff}", number + 1));
            }
        }
        let ends = |text: &str| (text.matches("\r\n").count() == text.matches('\n').count(), text.contains("\r\n"));
        if ends(old) != ends(new) {
            wrong.push(format!("{path} has other ends of lines"));
        }
    }
    wrong
}

/// Every difference as `kind name`.
fn differences(drift: &Value) -> Vec<String> {
    let all = drift["targets"].as_array().unwrap().iter().flat_map(|t| t["differences"].as_array().unwrap());
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    all.map(|d| format!("{} {}", text(&d["object"]["kind"]), text(&d["object"]["name"]))).collect()
}

/// More than 200 live changes, a few at a time: afterwards the plan is empty, or what is left was listed.
#[test]
fn what_is_live_is_written_down_and_nothing_else_moves() {
    const CASES: u64 = 40;
    const CLICKS: usize = 7;
    let env = fixture();
    let (files, db) = (texts(&env), fs::read(env.home()).unwrap());
    let (mut left, mut wrong, mut differed) = (Vec::new(), Vec::new(), 0);
    for seed in 1..=CASES {
        for (name, text) in &files {
            env.write(name, text);
        }
        fs::write(env.home(), &db).unwrap();
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let conn = Connection::open(env.home()).unwrap();
        let mut names: Vec<&str> = Vec::new();
        for _ in 0..CLICKS {
            let (statements, about) = click(&mut dice);
            for sql in statements {
                conn.execute(&sql, []).unwrap_or_else(|e| panic!("{sql}: {e}"));
            }
            names.extend(about);
        }
        drop(conn);
        let live = env.dump();
        let found = env.run(&["drift", "--json"]);
        let found: Value = serde_json::from_str(&found.stdout).unwrap_or_else(|e| panic!("{e}: {found:?}"));
        let found = differences(&found);
        differed += found.len();
        let output = env.run(&["drift", "--adopt", "--auto-approve"]);
        assert!(matches!(output.code, Some(0 | 2)), "seed {seed}: {output:?}");
        if output.code == Some(0) {
            // Observed differences count as well, and there is none: `home` is managed whole.
            env.run(&["plan"]).says(&["No changes in 2 targets."]);
        } else {
            let rest = env.run(&["drift", "--json"]);
            let rest: Value = serde_json::from_str(&rest.stdout)
                .unwrap_or_else(|e| panic!("seed {seed}: {e}: {rest:?}\n{}", output.stdout));
            let open = differences(&rest);
            assert!(!open.is_empty(), "seed {seed}: {}", output.stdout);
            for object in open {
                let line = output.stdout.lines().find(|l| l.starts_with(&format!("  {object} in home, because ")));
                left.push(format!("{seed}: {}", line.unwrap_or_else(|| panic!("{object}:\n{}", output.stdout))));
            }
        }
        assert_eq!(env.dump(), live, "seed {seed}: nothing is written to a target");
        names.extend(found.iter().flat_map(|object| object.split(' ').skip(1)));
        let short: Vec<&str> = USERS.iter().filter(|(long, _)| names.contains(long)).map(|(_, short)| *short).collect();
        names.extend(short);
        names.sort_unstable();
        names.dedup();
        wrong.extend(only_concerned(&files, &texts(&env), &names).into_iter().map(|w| format!("seed {seed}: {w}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(differed >= 200, "{differed} differences");
    // What an anchor gives to others as well is left to people.
    assert!(left.len() * 10 <= differed, "{} of {differed} differences are left:\n{}", left.len(), left.join("\n"));
}

#[test]
fn every_kind_at_once() {
    let env = fixture();
    let conn = Connection::open(env.home()).unwrap();
    for sql in [
        format!("UPDATE users SET role_id = {} WHERE email = 'grace@x.example'", role("admin")),
        format!("UPDATE users SET name = 'Both of us', role_id = {} WHERE email = 'both@x.example'", role("developer")),
        "UPDATE users SET state = 'active' WHERE email = 'alan@x.example'".to_owned(),
        format!("INSERT INTO users (email, name, role_id) VALUES ('new@x.example', 'New', {})", role("developer")),
        format!(
            "INSERT INTO memberships (team_id, user_id, because) VALUES ({}, {}, 'Helps')",
            team("ops"),
            user("new@x.example")
        ),
        format!("DELETE FROM memberships WHERE team_id = {} AND user_id = {}", team("data"), user("emmy@x.example")),
        format!(
            "INSERT INTO grants (resource_id, user_id, role_id) VALUES ({}, {}, {})",
            thing("project/one"),
            user("rose@x.example"),
            role("edit")
        ),
        format!(
            "DELETE FROM grants WHERE resource_id = {} AND user_id = {}",
            thing("project/two"),
            user("rose@x.example")
        ),
        format!(
            "UPDATE grants SET role_id = {} WHERE resource_id = {} AND user_id = {}",
            role("view"),
            thing("project/two"),
            user("kate@x.example")
        ),
        "INSERT INTO resources (name, description) VALUES ('project/three', 'The third')".to_owned(),
        format!("INSERT INTO domains (name, role_id) VALUES ('y.example', {})", role("viewer")),
    ] {
        assert_eq!(conn.execute(&sql, []).unwrap(), 1, "{sql}");
    }
    drop(conn);
    let before = texts(&env);
    let shown = env.run(&["drift", "--adopt", "--dry-run"]).ended(2);
    assert_eq!(texts(&env), before, "--dry-run writes nothing");
    insta::assert_snapshot!("adopt", shown.stdout);
    // Nobody is there to ask.
    env.run(&["drift", "--adopt"]).ended(1).says(&["nobody is there to agree to these edits"]);
    assert_eq!(texts(&env), before);
    let done = env.run(&["drift", "--adopt", "--auto-approve"]).ended(0);
    assert_eq!(done.stdout, shown.stdout, "what is written is what was shown");
    env.is_converged();
    env.run(&["drift", "--adopt", "--auto-approve"]).ended(0).says(&["Nothing is to be adopted"]);
}

/// What cannot be said by an edit is listed with its reason, and left.
#[test]
fn what_is_not_adopted_says_why() {
    let env = TestEnv::with(
        "version: 1
targets:
  home: {provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}
users:
  ada@x.example: {role: admin, name: Ada}
  emmy: {email: emmy@x.example, role: admin, name: Emmy}
  grace@x.example: &same {role: developer, name: Grace}
  mary@x.example: *same
  kate@x.example: {role: viewer, name: Kate}
drift:
  allow: [{object: user kate@x.example, owner: emmy, because: Her own wish., until: 2026-12-31}]
tests:
  - {user: emmy, role: admin}
",
    );
    env.apply();
    let conn = Connection::open(env.home()).unwrap();
    for sql in [
        // Mary takes her name from there as well.
        "UPDATE users SET name = 'Grace H' WHERE email = 'grace@x.example'",
        "UPDATE users SET name = 'Kate W' WHERE email = 'kate@x.example'",
        "UPDATE roles SET description = 'Other' WHERE name = 'viewer'",
        "DELETE FROM users WHERE email = 'emmy@x.example'",
        "UPDATE users SET name = 'Ada L' WHERE email = 'ada@x.example'",
    ] {
        assert_eq!(conn.execute(sql, []).unwrap(), 1, "{sql}");
    }
    let before = env.read("rolecall.yaml");
    env.run(&["drift", "--adopt", "--dry-run", "--only", "user nobody@x.example"])
        .ended(1)
        .says(&["`user nobody@x.example` does not differ"]);
    let output = env.run(&["drift", "--adopt", "--auto-approve"]).ended(2);
    insta::assert_snapshot!("adopt-not", output.stdout);
    assert_eq!(env.read("rolecall.yaml"), before.replace("name: Ada}", "name: \"Ada L\"}"));
    // By its name, what is allowed is adopted as well; short names do.
    conn.execute("UPDATE users SET name = 'Ada Q' WHERE email = 'ada@x.example'", []).unwrap();
    env.run(&["drift", "--adopt", "--auto-approve", "--only", "user kate@x.example"]).ended(2);
    let text = env.read("rolecall.yaml");
    assert!(text.contains("name: \"Kate W\"}") && text.contains("name: \"Ada L\"}"), "{text}");
}

/// Whoever is blocked is not let in again by what is live.
#[test]
fn a_block_is_not_adopted() {
    let env = TestEnv::with(&super::life::small(
        "users:\n  ada@x.example: {role: admin}\n  bo@x.example: {role: viewer}\nblocks: [{user: bo@x.example}]\n",
    ));
    env.apply();
    let add = format!("INSERT INTO users (email, role_id) VALUES ('bo@x.example', {})", role("viewer"));
    by_hand(&env.home(), &add, 1);
    let before = env.read("rolecall.yaml");
    env.run(&["drift", "--adopt", "--auto-approve"])
        .ended(2)
        .says(&["user bo@x.example in home, because they are blocked: take the block away first"]);
    assert_eq!(env.read("rolecall.yaml"), before);
}
