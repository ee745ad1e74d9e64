//! Questions about access, and access tests: asked of the files, of what is live, and of what a plan
//! leads to.

use serde_json::Value;

use super::common::{Output, TestEnv, by_hand, copy_example, has};

const ORG: &str = r#"version: 1
targets:
  home: {provider: directory, url: "sqlite:.rolecall/home.db", catalogue: forge, manage: authoritative}
catalogues:
  forge:
    nested_teams: true
    roles:
      owner: {on: [user], administers: true, permissions: all}
      member: {on: [user], permissions: []}
      read: {on: [resource], permissions: [pull]}
      write: {on: [resource, team], permissions: [pull, push]}
      guest: {on: [resource]}
    kinds:
      group: {roles: [read, write, guest], visibility: true}
      repository: {roles: [read, write, guest], in: [group], visibility: true}
users:
  ada: {email: ada@x.example, role: owner}
  emmy@x.example: {role: owner}
  grace@x.example: {role: member}
  alan@x.example: {role: member, state: disabled}
  mary@x.example: {role: member, until: 2030-06-30}
  joan@x.example: {role: member}
  linus@x.example: {role: member}
teams:
  engineering: {members: [alan@x.example]}
  platform: {in: engineering, members: [grace@x.example, {user: mary@x.example, until: 2027-01-31}]}
resources:
  group/core:
    access:
      write: [team/engineering, {to: joan@x.example, until: 2026-10-01, because: "OPS-1"}]
  repository/api: {in: group/core, access: {read: [joan@x.example]}}
  repository/secret: {in: group/core, visibility: private, owner: linus@x.example}
  repository/guests: {access: {guest: [joan@x.example]}}
"#;

fn org() -> TestEnv {
    TestEnv::with(ORG)
}

/// What was written, in one line: where lines break does not matter.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A JSON answer, which the published schema accepts.
#[track_caller]
fn json(output: Output) -> Value {
    let value: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}\n{output:?}"));
    let schema = rolecall::render::schemas::answers();
    let validator = jsonschema::validator_for(&schema).unwrap();
    if let Err(error) = validator.validate(&value) {
        panic!("{error}\n{value:#}");
    }
    value
}

#[test]
fn answers_as_people_read_them() {
    let env = org();
    let mut all = String::new();
    for line in [
        "explain grace@x.example repository/api",
        "explain mary@x.example repository/api --can push",
        "explain ada repository/api --can push",
        "explain joan@x.example",
        "explain joan@x.example --can pull",
        "explain joan@x.example --can push",
        "explain ada --can push",
        "explain linus@x.example --can guest",
        "explain joan@x.example repository/api --can push",
        "explain grace@x.example repository/secret",
        "explain joan@x.example repository/guests --can push",
        "explain alan@x.example repository/api",
        "who repository/api",
        "who repository/api --can write",
        "who repository/guests --can push",
        "can grace@x.example push repository/api",
        "can joan@x.example push repository/api",
        "can joan@x.example push repository/guests",
    ] {
        let output = env.run(&line.split(' ').collect::<Vec<_>>());
        all.push_str(&format!("$ rolecall {line}\n{}[{}]\n\n", output.text(), output.code.unwrap()));
    }
    insta::assert_snapshot!("questions", all);
}

#[test]
fn the_exit_code_answers() {
    let env = org();
    let can = |user: &str, what: &str, on: &str| env.run(&["can", user, what, on]);
    can("grace@x.example", "push", "repository/api").ended(0);
    can("grace@x.example", "write", "repository/api").ended(0);
    can("ada", "push", "repository/secret").ended(0);
    can("ada", "owner", "repository/api").ended(0);
    can("grace@x.example", "owner", "repository/api").ended(3);
    let ended = can("joan@x.example", "push", "repository/api").ended(3);
    has(&flat(&ended.stdout), &["no: joan@x.example cannot push", "ended 2026-10-01"]);
    can("alan@x.example", "pull", "repository/api").ended(3).says(&["is disabled"]);
    // A role that is not published may be held, and what it may do is not known.
    can("joan@x.example", "guest", "repository/guests").ended(0);
    can("joan@x.example", "push", "repository/guests").ended(3).says(&["cannot be known", "not taken for a yes"]);
    // What is private hears no grants, those around it among them.
    can("grace@x.example", "pull", "repository/secret").ended(3).says(&["repository/secret is private"]);
    can("grase@x.example", "pull", "repository/api").ended(1).says(&["did you mean `grace@x.example`?"]);
    can("adda", "pull", "repository/api").ended(1).says(&["did you mean `ada`?"]);
    can("grace", "pull", "repository/api").ended(1).says(&["did you mean `grace@x.example`?"]);
    can("ada", "pul", "repository/api").ended(1).says(&["no permission or role `pul`", "did you mean `pull`?"]);
    can("ada", "pull", "repository/apy").ended(1).says(&["did you mean `repository/api`?"]);
    env.run(&["can", "ada", "pull", "repository/api", "--target", "hom"]).ended(1).says(&["did you mean `home`?"]);
}

#[test]
fn json_has_everything() {
    let env = org();
    let answer = json(env.run(&["explain", "grace@x.example", "repository/api", "--can", "push", "--json"]).ended(0));
    assert_eq!(answer["format"], "rolecall.explain/1");
    assert_eq!(answer["state"], "declared");
    let one = &answer["answers"][0];
    assert_eq!((&one["can"], &one["target"]), (&"yes".into(), &"home".into()));
    let links = one["paths"][0]["links"].as_array().unwrap();
    let kinds: Vec<&str> = links.iter().map(|l| l["edge"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["member", "inner", "grant", "inside"]);
    assert!(links.iter().all(|l| l["declared"]["file"] == "rolecall.yaml"), "{links:#?}");
    assert_eq!(one["to_end"][0]["edge"]["team"], "platform");

    // Without a resource: where they may.
    let answer = json(env.run(&["explain", "joan@x.example", "--can", "pull", "--json"]).ended(0));
    let one = &answer["answers"][0];
    assert_eq!((&one["can"], one["paths"].as_array().unwrap().len()), (&"yes".into(), 0));
    let resources = one["resources"].as_array().unwrap().iter();
    let names: Vec<&str> = resources.map(|r| r["resource"].as_str().unwrap()).collect();
    // What the other gives is not published.
    assert_eq!(names, ["repository/api", "repository/guests"]);

    let answer = json(env.run(&["who", "repository/api", "--format", "json"]).ended(0));
    let users: Vec<&str> =
        answer["answers"][0]["users"].as_array().unwrap().iter().map(|u| u["user"].as_str().unwrap()).collect();
    assert_eq!(users, ["ada@x.example", "emmy@x.example", "grace@x.example", "joan@x.example", "mary@x.example"]);
    let answer = json(env.run(&["can", "joan@x.example", "push", "repository/guests", "--json"]).ended(3));
    assert_eq!((&answer["format"], &answer["can"]), (&"rolecall.can/1".into(), &"unknown".into()));
    // The same question, the same bytes.
    let again = || env.run(&["who", "group/core", "--json"]).ended(0).stdout;
    assert_eq!(again(), again());
}

#[test]
fn of_the_files_of_what_is_live_and_of_what_a_plan_leads_to() {
    let env = org();
    env.apply();
    env.edit("rolecall.yaml", "read: [joan@x.example]", "write: [joan@x.example]");
    let can = |more: &[&str]| env.run(&[&["can", "joan@x.example", "push", "repository/api"], more].concat()).code;
    assert_eq!((can(&[]), can(&["--live"])), (Some(0), Some(3)));
    env.run(&["plan", "--out", "plan.json"]).ended(0);
    assert_eq!(can(&["--plan", "plan.json"]), Some(0));
    let planned = json(env.run(&["who", "repository/api", "--can", "push", "--plan", "plan.json", "--json"]).ended(0));
    assert_eq!(planned["state"], "planned");
    assert!(planned.to_string().contains("joan@x.example"));
    env.run(&["can", "ada", "pull", "repository/api", "--live", "--plan", "plan.json"]).ended(1);
    // Somebody gives access by hand: seen live, and nowhere declared.
    let give = "INSERT INTO grants (resource_id, user_id, role_id)
        SELECT s.id, u.id, r.id FROM resources s, users u, roles r
        WHERE s.name = 'repository/api' AND u.email = 'joan@x.example' AND r.name = 'write'";
    by_hand(&env.home(), give, 1);
    assert_eq!(can(&["--live"]), Some(0));
    let text = env.run(&["explain", "joan@x.example", "repository/api", "--live", "--can", "read"]).ended(0).stdout;
    has(&text, &["has read on repository/api (not in the files)"]);
    // The plan is not what would be done now.
    let stale = env.run(&["can", "joan@x.example", "push", "repository/api", "--plan", "plan.json"]).ended(4);
    has(&stale.stderr, &["is not what would be done now", "what has moved since"]);
}

#[test]
fn several_targets_answer_each_for_itself() {
    let two = ORG.replace(
        "  home: {",
        "  other: {provider: directory, url: \"sqlite:.rolecall/other.db\", catalogue: forge, labels: [spare]}\n  home: {",
    );
    let two = two.replace(
        "  ada: {email: ada@x.example, role: owner}",
        "  ada: {email: ada@x.example, role: home:owner, at: {other: {role: member}}}",
    );
    let two = two
        .replace("role: owner}", "role: home:owner}")
        .replace("role: member,", "role: home:member,")
        .replace("role: member}\n", "role: home:member}\n");
    let two = two.replace("  group/core:", "  home:group/core:").replace("in: group/core", "in: home:group/core");
    let two = two.replace("  repository/", "  home:repository/") + "  other:repository/api: {access: {read: [ada]}}\n";
    let env = TestEnv::with(&two);
    env.run(&["validate"]).ended(0);
    env.run(&["can", "ada", "push", "home:repository/api"]).ended(0);
    env.run(&["can", "ada", "push", "spare:repository/api"]).ended(3);
    env.run(&["can", "ada", "push", "repository/api", "--target", "home"]).ended(0);
    // In both: yes would have to hold in each of them.
    env.run(&["can", "ada", "push", "repository/api"]).ended(3).says(&["yes in home", "no in other"]);
    env.run(&["can", "ada", "pull", "repository/api"]).ended(0);
    let answer = json(env.run(&["explain", "ada", "--json"]).ended(0));
    let targets: Vec<&Value> = answer["answers"].as_array().unwrap().iter().map(|a| &a["target"]).collect();
    assert_eq!(targets, ["home", "other"]);
    // Who is in one of the targets only is not asked about in the other.
    env.run(&["can", "grace@x.example", "push", "repository/api"]).ended(0);
    env.run(&["can", "grace@x.example", "push", "other:repository/api"]).ended(3).says(&["has no account"]);
}

const TESTS: &str = r#"tests:
  - {user: grace@x.example, can: push, resource: repository/api}
  - {team: platform, can: write, resource: group/core}
  - {only: [team/engineering], can: push, resource: group/*}
  - {everyone: true, cannot: push, resource: repository/secret}
  - {only: [ada, emmy@x.example], can: owner, resource: repository/*}
  - {user: joan@x.example, role: read, resource: repository/api}
  - {user: grace@x.example, role: member}
"#;

#[test]
fn access_tests_hold() {
    let env = TestEnv::with(&format!("{ORG}{TESTS}"));
    let output = env.run(&["test"]).ended(0);
    has(
        &output.stdout,
        &["ok       grace@x.example can push on repository/api", "7 access tests, as declared: all hold"],
    );
    env.apply().says(&["access-test"]);
    env.run(&["test", "--live"]).ended(0).says(&["7 access tests, live: all hold"]);
    let answer = json(env.run(&["test", "--format", "json"]).ended(0));
    assert_eq!((&answer["passed"], &answer["failed"]), (&7.into(), &0.into()));
}

/// Each of these fails, and what it says of it.
#[test]
fn access_tests_fail_with_the_path_or_what_is_missing() {
    let failing: [(&str, &[&str]); 12] = [
        (
            "{user: grace@x.example, cannot: push, resource: repository/api, because: Two eyes}",
            &[
                "grace@x.example can push on repository/api: is a member of team/platform",
                "(Two eyes)",
                "rolecall.yaml:26",
            ],
        ),
        ("{user: joan@x.example, can: push, resource: repository/api}", &["cannot push", "ended 2026-10-01"]),
        ("{user: alan@x.example, can: pull, resource: repository/api}", &["alan@x.example is disabled"]),
        (
            "{team: engineering, cannot: pull, resource: group/core}",
            &["grace@x.example can pull", "mary@x.example can pull"],
        ),
        (
            "{only: [grace@x.example], can: push, resource: repository/api}",
            &["mary@x.example can push", "only grace@x.example may"],
        ),
        ("{only: [ada], can: owner, resource: group/core}", &["emmy@x.example can owner"]),
        ("{everyone: true, cannot: pull, resource: group/core}", &["grace@x.example can pull", "nobody may"]),
        ("{everyone: true, can: pull, resource: repository/api}", &["linus@x.example cannot pull"]),
        ("{user: ada, cannot: pull, resource: repository/secret}", &["ada@x.example can pull", "has the role owner"]),
        ("{user: grace@x.example, role: owner}", &["grace@x.example has member, and not exactly owner"]),
        (
            "{user: joan@x.example, role: write, resource: repository/api}",
            &["has read on repository/api, and not exactly write"],
        ),
        // What cannot be known is never taken for passed, whatever is claimed.
        (
            "{user: joan@x.example, cannot: push, resource: repository/guests}",
            &["cannot be known", "guest may do is not published"],
        ),
    ];
    for (test, says) in failing {
        let env = TestEnv::with(&format!("{ORG}tests:\n  - {test}\n"));
        let output = env.run(&["test"]).ended(3);
        has(&flat(&output.stdout.replace('│', " ")), says);
        has(&output.stdout, &["error[access-test]", "╭─[rolecall.yaml:35:", "0 held, 1 failed"]);
        // The same stops the plan and the apply.
        let found = env.stopped(&[]);
        has(&found, &["access-test: rolecall.yaml:35: "]);
        let answer = json(env.run(&["test", "--json"]).ended(3));
        assert_eq!((&answer["passed"], &answer["failed"]), (&0.into(), &1.into()), "{test}");
        assert_ne!(answer["tests"][0]["outcome"], "passed");
    }
}

#[test]
fn tests_are_judged_on_what_the_plan_leads_to() {
    // The files are fine by themselves; what is live and not managed breaks the test.
    let additive = ORG.replace("manage: authoritative", "manage: additive");
    let env = TestEnv::with(&additive);
    env.apply();
    let give = "INSERT INTO grants (resource_id, user_id, role_id)
        SELECT s.id, u.id, r.id FROM resources s, users u, roles r
        WHERE s.name = 'repository/secret' AND u.email = 'linus@x.example' AND r.name = 'write'";
    by_hand(&env.home(), "UPDATE resources SET visibility = 'restricted' WHERE name = 'repository/secret'", 1);
    by_hand(&env.home(), give, 1);
    let text = env.read("rolecall.yaml").replace(", visibility: private", "");
    env.write(
        "rolecall.yaml",
        &format!("{text}tests:\n  - {{user: linus@x.example, cannot: push, resource: repository/secret}}\n"),
    );
    env.run(&["test"]).ended(0);
    env.run(&["test", "--live"]).ended(3);
    env.run(&["plan"]).ended(3).says(&["linus@x.example can push on repository/secret", "Blocked: access-test"]);
    // Once the declaration takes it away, the plan leads to a state in which the test holds.
    env.edit("rolecall.yaml", "owner: linus@x.example}", "owner: linus@x.example, access: {}}");
    env.edit("rolecall.yaml", "manage: additive", "manage: {grants: authoritative}");
    let plan = env.run(&["plan", "--accept", "takeover.grant=1"]);
    has(&plan.text(), &["access-test"]);
    plan.ended(0);
}

#[test]
fn the_examples_hold() {
    for name in ["quickstart", "many-systems/declaration"] {
        let env = TestEnv::new();
        copy_example(name, &env);
        let output = env.run(&["test"]);
        assert_eq!(output.code, Some(0), "{name}: {}", output.text());
        // Who begins with them is not met by a warning.
        env.run(&["validate", "--strict"]).ended(0);
        has(&output.stdout, &["all hold"]);
    }
}

#[test]
fn the_readme_shows_what_is_printed() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let env = TestEnv::new();
    copy_example("quickstart", &env);
    let on = "workspace/fraud-notebooks";
    let explained = env.run(&["explain", "grace@acme.example", on, "--can", "edit"]).ended(0);
    has(&readme, &[&explained.stdout]);
    env.edit("teams/engineering.yaml", "ada, katherine@", "ada, katherin@");
    has(&readme, &[&env.run(&["validate"]).ended(1).stdout]);
}

#[test]
fn who_says_when_it_ends_by_whatever_way_it_comes() {
    let env = TestEnv::with(
        "version: 1\ntargets: {home: {provider: directory, url: \"sqlite:.rolecall/home.db\", catalogue: strongly}}\nusers:\n  \
         ada@x.example: {role: admin, until: 2027-03-31}\n  bob@x.example: {role: developer, until: 2027-01-31}\n  \
         cleo@x.example: {role: developer, until: 2027-05-31}\nteams:\n  t: {members: [{user: cleo@x.example, until: \
         2027-04-30}]}\nresources:\n  project/a: {access: {view: [team/t]}}\ngrants:\n  - {to: bob@x.example, resource: \
         project/a, role: edit}\n  - {to: cleo@x.example, resource: project/a, role: edit, until: 2027-02-28}\n",
    );
    insta::assert_snapshot!("who-ends", env.run(&["who", "project/a"]).ended(0).stdout);
}
