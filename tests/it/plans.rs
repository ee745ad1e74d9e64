//! Plans: the same each time, saved, stale, altered, expected; and what the command line takes.

use super::common::{NOW, TestEnv, audit, by_hand};

const BEFORE: &str = "
version: 1
targets:
  home: {provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}
users:
  ada@x.example: {role: admin}
  grace@x.example: {role: viewer, name: Grace}
  alan@x.example: {role: viewer}
  mary@x.example: {role: viewer}
teams:
  all: {members: [ada@x.example, alan@x.example, mary@x.example]}
resources:
  project/one: {access: {view: [team/all]}}
";

/// `BEFORE` is live; grace becomes a developer and joins, alan leaves.
fn changed() -> TestEnv {
    let env = TestEnv::with(BEFORE);
    env.apply();
    env.edit("rolecall.yaml", "{role: viewer, name: Grace}", "{role: developer}");
    env.edit("rolecall.yaml", "alan@x.example, mary@x.example]", "grace@x.example, mary@x.example]");
    env
}

fn saved() -> TestEnv {
    let env = changed();
    env.run(&["plan", "--out", "plan.json"]).ended(0);
    assert_eq!(env.target_plan(&[]).steps.len(), 3);
    env
}

#[test]
fn a_plan_is_the_same_each_time() {
    let env = changed();
    let plan = || env.run(&["plan", "--json", "--now", NOW]).ended(0).stdout;
    let first = plan();
    assert!(first.len() > 1000 && first.contains("sha256:"));
    for _ in 0..9 {
        assert_eq!(plan(), first);
    }
    // Another time is another plan of the same content.
    let digest = |args: &[&str]| env.plan_json(args)["digest"].as_str().unwrap().to_owned();
    assert_eq!(digest(&["--now", "2027-01-01T00:00:00Z"]), digest(&[]));
}

#[test]
fn planning_leaves_nothing_behind() {
    let env = TestEnv::with(BEFORE);
    env.run(&["plan", "--detailed-exitcode"]).ended(2);
    let names: Vec<_> = std::fs::read_dir(env.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["rolecall.yaml"]);
}

#[test]
fn a_saved_plan_is_applied_as_it_was_reviewed() {
    let env = saved();
    let before = audit(&env.home()).len();
    env.run(&["apply", "plan.json"]).ended(0);
    assert_eq!(audit(&env.home()).len(), before + 3);
    env.is_converged();
    // Once more: it is done, and nothing is done twice.
    env.run(&["apply", "plan.json"]).ended(0);
    assert_eq!(audit(&env.home()).len(), before + 3);
}

#[test]
fn a_stale_plan_is_refused_with_what_moved() {
    let moves = [
        ("UPDATE users SET name = 'Another' WHERE email = 'grace@x.example'", "user grace@x.example"),
        ("UPDATE users SET timezone = 'Europe/Rome' WHERE email = 'alan@x.example'", "user alan@x.example"),
        (
            "UPDATE memberships SET because = 'by hand' WHERE user_id = (SELECT id FROM users WHERE email = 'alan@x.example')",
            "alan@x.example",
        ),
        ("UPDATE teams SET description = 'by hand'", "team all"),
    ];
    for (sql, named) in moves {
        let env = saved();
        by_hand(&env.home(), sql, 1);
        let before = env.dump();
        env.run(&["apply", "plan.json"]).ended(4).says(&[named]);
        assert_eq!(env.dump(), before, "nothing was done");
    }
    // What was declared meanwhile is not what was reviewed.
    let env = saved();
    env.edit("rolecall.yaml", "mary@x.example: {role: viewer}", "mary@x.example: {role: developer}");
    env.run(&["apply", "plan.json"]).ended(4).says(&["mary@x.example"]);
}

#[test]
fn what_the_plan_does_not_touch_may_move() {
    let env = saved();
    by_hand(&env.home(), "UPDATE users SET timezone = 'Europe/Rome' WHERE email = 'mary@x.example'", 1);
    env.run(&["apply", "plan.json"]).ended(0);
    env.is_converged();
}

#[test]
fn an_altered_plan_is_refused() {
    let env = saved();
    let whole = env.read("plan.json");
    let digest = env.plan(&[]).digest;
    let other = if digest.ends_with('0') { '1' } else { '0' };
    let altered_digest = format!("{}{other}", &digest[..digest.len() - 1]);
    let before = audit(&env.home()).len();
    for (from, to) in [("\"developer\"", "\"deweloper\""), (digest.as_str(), altered_digest.as_str())] {
        // What becomes of access stands first and is no part of the digest: it is computed again.
        let (access, changes) = whole.split_at(if from == digest { 0 } else { whole.find("\"steps\"").unwrap() });
        assert!(changes.contains(from));
        env.write("plan.json", &format!("{access}{}", changes.replacen(from, to, 1)));
        env.run(&["apply", "plan.json"]).ended(4).says(&["altered"]);
    }
    env.write("plan.json", &whole[..whole.len() / 2]);
    env.run(&["apply", "plan.json"]).ended(1);
    env.run(&["apply", "nowhere.json"]).ended(1);
    assert_eq!(audit(&env.home()).len(), before);
}

#[test]
fn what_a_saved_plan_says_of_access_is_not_trusted() {
    let env = saved();
    let shown = env.run(&["plan"]).ended(0).stdout;
    let whole = env.read("plan.json");
    let altered = whole.replace("\"effect\": \"gains\"", "\"effect\": \"loses\"").replace("\"gain\": ", "\"gain\": 7");
    assert!(altered != whole);
    env.write("plan.json", &altered);
    let applied = env.run(&["apply", "plan.json"]).ended(0).stdout;
    assert!(applied.starts_with(&shown), "{shown}\n{applied}");
    env.is_converged();
}

#[test]
fn an_expected_digest_takes_the_place_of_a_file() {
    let env = changed();
    let digest = env.plan(&[]).digest;
    let before = env.dump();
    let wrong = format!("sha256:{}", "0".repeat(64));
    for wrong in [wrong.as_str(), "", &digest[..10], "00000000"] {
        env.run(&["apply", "--expect-digest", wrong]).ended(4);
        env.run(&["apply", "--auto-approve", "--expect-digest", wrong]).ended(4);
    }
    assert_eq!(env.dump(), before);
    // The beginning of a digest can be met by trying.
    let short = &digest["sha256:".len()..][..12];
    env.run(&["apply", "--expect-digest", short]).ended(4);
    env.copy().run(&["apply", "--expect-digest", &digest["sha256:".len()..]]).ended(0);
    env.run(&["apply", "--expect-digest", &digest]).ended(0);
    env.is_converged();
}

#[test]
fn nobody_is_asked_where_nobody_is() {
    let env = changed();
    let before = env.dump();
    env.run(&["apply"]).ended(1).says(&["--auto-approve"]);
    assert_eq!(env.dump(), before);
}

#[test]
fn exit_codes_and_spellings() {
    let env = changed();
    env.run(&["plan"]).ended(0);
    env.run(&["plan", "--detailed-exitcode"]).ended(2);
    let one_dash = env.run(&["plan", "-out=one.json", "-json", "-detailed-exitcode", "-target", "home"]).ended(2);
    assert_eq!(one_dash.stdout, env.run(&["plan", "--out", "two.json", "--json", "--target=home"]).ended(0).stdout);
    assert_eq!(env.read("one.json"), env.read("two.json"));
    let wrong: [&[&str]; 8] = [
        &["plan", "--nonsense"],
        &["nonsense"],
        &[],
        &["plan", "--accept", "removal.member"],
        &["plan", "--target", "nowhere"],
        &["apply", "--lock-timeout", "soon"],
        &["apply", "one.json", "--accept", "removal.user=1"],
        &["-f", "nowhere", "plan"],
    ];
    for args in wrong {
        env.run(args).ended(1);
    }
    env.run(&["apply", "-auto-approve"]).ended(0);
    env.run(&["plan", "--detailed-exitcode"]).ended(0);
    env.run(&["--help"]).ended(0);
    env.run(&["--version"]).ended(0);
}

#[test]
fn whose_approval_a_plan_needs_is_said() {
    let env = TestEnv::with(
        "version: 1
targets: {home: {provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}}
users: {ada@acme.com: {role: admin}, bo@acme.com: {role: developer}, cy@acme.com: {role: developer}}
teams: {core: {members: [cy@acme.com, ada@acme.com]}}
resources: {project/fraud: {visibility: restricted, owner: cy@acme.com}}
policies: {approval: [{for: edit, by: [owner, team/core], at_least: 2}]}
",
    );
    env.apply();
    let text = std::fs::read_to_string(env.path().join("rolecall.yaml")).unwrap();
    let granted = text + "grants: [{to: bo@acme.com, resource: project/fraud, role: edit}]\n";
    std::fs::write(env.path().join("rolecall.yaml"), granted).unwrap();
    let said = env.run(&["plan"]).ended(0).text();
    let needed = "2 of cy@acme.com or team/core, because bo@acme.com gains edit on project/fraud";
    super::common::has(&said, &["Needs the approval of", needed]);
    let said = env.run(&["plan", "--format", "markdown"]).ended(0).text();
    super::common::has(&said, &["**Needs the approval of**", "gains edit on project/fraud"]);
    let json: serde_json::Value = serde_json::from_str(&env.run(&["plan", "--json"]).ended(0).stdout).unwrap();
    assert_eq!(json["targets"][0]["approvals"][0]["gaining"], serde_json::json!(["bo@acme.com"]));
}
