//! What people do with it: begin, plan, apply, rename, disable and enable, let things end, block.

use rolecall::model::{Change, Why};
use rolecall::store::Store;

use super::common::{TestEnv, access, audit, by_hand, copy_example, has, rows, word};

fn quickstart() -> TestEnv {
    let env = TestEnv::new();
    copy_example("quickstart", &env);
    env
}

fn words(env: &TestEnv) -> Vec<String> {
    env.target_plan(&[]).steps.iter().map(|s| word(&s.change)).collect()
}

pub(crate) fn small(rest: &str) -> String {
    format!(
        "version: 1
targets:
  home: {{provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}}
{rest}"
    )
}

/// A small declaration that is live.
fn live(rest: &str) -> TestEnv {
    let env = TestEnv::with(&small(rest));
    env.apply();
    env
}

#[test]
fn the_quickstart() {
    let env = quickstart();
    env.run(&["validate"]).ended(0);
    env.run(&["plan", "--detailed-exitcode"]).ended(2);
    let steps = env.target_plan(&[]).steps.len();
    assert!(steps > 30, "{steps}");
    env.apply();
    assert_eq!(audit(&env.home()).len(), steps);
    env.is_converged();
    env.apply();
    assert_eq!(audit(&env.home()).len(), steps, "nothing is done twice");
    let seen = access(&env.home());
    has(&seen.join("\n"), &["grace@acme.example | data-source/warehouse | use", "emmy@acme.example | admin | user"]);
    assert!(!seen.iter().any(|line| line.contains("alan@")), "who is on leave has no access");

    env.run(&["import", "--target", "home", "--into", "imported"]).ended(0);
    env.run(&["-f", "imported", "plan", "--detailed-exitcode"]).ended(0);
    assert_eq!(env.store().applies(None, 9).unwrap().len(), 1);
    env.run(&["history", "verify"]).ended(0);
}

#[test]
fn disabled_and_enabled_again_is_as_before() {
    let env = quickstart();
    env.apply();
    let (dump, seen) = (env.dump(), access(&env.home()));
    let hers = |lines: &[String]| lines.iter().filter(|l| l.contains("katherine@")).count();
    assert!(hers(&seen) >= 3, "{seen:#?}");

    let (active, disabled) =
        ("Katherine Johnson, role: developer}", "Katherine Johnson, role: developer, state: disabled}");
    env.edit("people.yaml", active, disabled);
    assert_eq!(words(&env), ["disable-user"]);
    env.apply();
    env.is_converged();
    assert_eq!(hers(&access(&env.home())), 0);

    env.edit("people.yaml", disabled, active);
    assert_eq!(words(&env), ["enable-user"]);
    env.apply();
    env.is_converged();
    assert_eq!((env.dump(), access(&env.home())), (dump, seen));
}

#[test]
fn who_is_no_longer_declared_comes_back_to_everything() {
    let people = |extra: &str| small(&format!("users:\n  ada@x.example: {{role: admin}}\n{extra}"));
    let env = TestEnv::with(&people("  u@x.example: {role: developer}\nteams: {t: {}}\n"));
    env.apply();
    by_hand(
        &env.home(),
        "INSERT INTO memberships (team_id, user_id) SELECT t.id, u.id FROM teams t, users u WHERE u.email = 'u@x.example'",
        1,
    );
    let dump = env.dump();
    env.write("rolecall.yaml", &people("teams: {t: {}}\n"));
    assert_eq!(words(&env), ["disable-user"]);
    env.apply();
    env.is_converged();
    env.write("rolecall.yaml", &people("  u@x.example: {role: developer}\nteams: {t: {}}\n"));
    assert_eq!(words(&env), ["enable-user"]);
    env.apply();
    assert_eq!(env.dump(), dump);
}

#[test]
fn a_rename_keeps_everything() {
    let env = live(
        "users:
  ada@x.example: {role: admin}
  maiden@x.example: {role: developer, name: Grace}
teams:
  old: {lead: maiden@x.example, members: [maiden@x.example]}
resources:
  project/old: {owner: maiden@x.example, access: {edit: [team/old], view: [maiden@x.example]}}
",
    );
    let numbers = |env: &TestEnv| {
        let of = |table: &str| rows(&env.home(), &format!("SELECT id FROM {table} ORDER BY id"));
        [of("users"), of("teams"), of("resources"), of("grants")]
    };
    let (before, dump) = (numbers(&env), env.dump());
    env.write(
        "rolecall.yaml",
        &small(
            "users:
  ada@x.example: {role: admin}
  married@x.example: {was: maiden@x.example, role: developer, name: Grace}
teams:
  new: {was: old, lead: married@x.example, members: [married@x.example]}
resources:
  project/new: {was: project/old, owner: married@x.example, access: {edit: [team/new], view: [married@x.example]}}
",
        ),
    );
    let mut done = words(&env);
    done.sort();
    assert_eq!(done, ["rename-resource", "rename-team", "rename-user"]);
    env.apply();
    env.is_converged();
    assert_eq!(numbers(&env), before, "the same rows, with other names");
    let renamed: Vec<String> = dump
        .iter()
        .map(|l| l.replace("maiden@", "married@").replace("project/old", "project/new").replace(" old", " new"))
        .collect();
    let (mut found, mut expected) = (env.dump(), renamed);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn two_teams_change_names() {
    let users = "users:\n  ada@x.example: {role: admin}\n  grace@x.example: {role: viewer}\n";
    let env =
        live(&format!("{users}teams:\n  red: {{members: [ada@x.example]}}\n  blue: {{members: [grace@x.example]}}\n"));
    let swapped = |red: &str, blue: &str| {
        small(&format!(
            "{users}teams:\n  red: {{{red}members: [grace@x.example]}}\n  blue: {{{blue}members: [ada@x.example]}}\n"
        ))
    };
    let ids = "SELECT name, id FROM teams ORDER BY id";
    let before = rows(&env.home(), ids);
    env.write("rolecall.yaml", &swapped("was: blue, ", "was: red, "));
    assert_eq!(words(&env), ["rename-team", "rename-team", "rename-team"]);
    env.apply();
    let exchanged = |row: &String| row.replace("red", "~").replace("blue", "red").replace('~', "blue");
    assert_eq!(rows(&env.home(), ids), before.iter().map(exchanged).collect::<Vec<_>>());
    // With both `was:` still there nothing tells before from after but what is remembered.
    env.is_converged();
    env.apply();
    assert_eq!(rows(&env.home(), ids), before.iter().map(exchanged).collect::<Vec<_>>());
    env.write("rolecall.yaml", &swapped("", ""));
    env.is_converged();
    env.apply();
    // Said again after it was gone, it is meant again.
    env.write("rolecall.yaml", &swapped("was: blue, ", "was: red, "));
    assert_eq!(words(&env)[..3], ["rename-team", "rename-team", "rename-team"]);
}

#[test]
fn what_has_ended_goes_whatever_the_limit() {
    let declared = |until: &str| {
        small(&format!(
            "policies: {{removal: {{at_most: {{count: 0, share: 0%}}}}}}
users:
  ada@x.example: {{role: admin}}
  grace@x.example: {{role: viewer}}
  mary@x.example: {{role: viewer, until: {until}}}
teams:
  all: {{members: [ada@x.example, {{user: grace@x.example, until: {until}}}]}}
resources:
  project/one: {{}}
grants:
  - {{to: grace@x.example, resource: project/one, role: edit, until: {until}}}
"
        ))
    };
    let env = TestEnv::with(&declared("2026-12-31"));
    env.apply();
    env.is_converged();
    // The day has come.
    let later = ["--now", "2027-01-01T00:00:00Z"];
    let mut ended = Vec::new();
    for step in env.target_plan(&later).steps {
        assert!(matches!(step.change.reason(), Some(Why::Expired { .. })), "{step:?}");
        ended.push(word(&step.change));
    }
    ended.sort();
    assert_eq!(ended, ["disable-user", "remove-member", "revoke-grant"]);
    env.run(&[&["apply", "--auto-approve"], later.as_slice()].concat()).ended(0);
    env.run(&[&["plan", "--detailed-exitcode"], later.as_slice()].concat()).ended(0);
    // The last second of the day before is still part of it.
    let fresh = TestEnv::with(&declared("2026-11-21"));
    fresh.apply();
    fresh.run(&["plan", "--detailed-exitcode", "--now", "2026-11-21T23:59:58Z"]).ended(0);
    fresh.run(&["plan", "--detailed-exitcode", "--now", "2026-11-22T00:00:00Z"]).ended(2);
}

#[test]
fn a_block_comes_first_whatever_the_limit() {
    let base = "policies: {removal: {at_most: {count: 0, share: 0%}}}
users:
  ada@x.example: {role: admin}
  grace@x.example: {role: viewer}
  eve@x.example: {role: developer}
teams:
  all: {members: [eve@x.example, grace@x.example]}
resources:
  project/one: {access: {edit: [team/all]}}
";
    let env = live(base);
    let before = (env.dump(), access(&env.home()));
    assert!(before.1.iter().any(|l| l.starts_with("eve@")));
    // Without a block, such a removal is stopped.
    env.write(
        "rolecall.yaml",
        &small(&base.replace("  eve@x.example: {role: developer}\n", "").replace("eve@x.example, ", "")),
    );
    has(&env.stopped(&[]), &["1 user of 3 removed"]);

    env.write("rolecall.yaml", &small(&format!("{base}blocks: [{{user: eve@x.example, because: INC-77}}]\n")));
    let plan = env.target_plan(&[]);
    let [step] = plan.steps.as_slice() else { panic!("{:?}", plan.steps) };
    assert!(
        matches!(&step.change, Change::DisableUser { reason: Why::Blocked { because }, .. } if because.as_deref() == Some("INC-77"))
    );
    env.apply();
    env.is_converged();
    assert!(!access(&env.home()).iter().any(|l| l.starts_with("eve@")));
    // Lifted, everything is as before.
    env.write("rolecall.yaml", &small(base));
    env.apply();
    assert_eq!((env.dump(), access(&env.home())), before);
}

#[test]
fn absent_empty_and_declared_are_three_things() {
    let with = |team: &str, rest: &str| {
        small(&format!(
            "users:\n  ada@x.example: {{role: admin}}\n  grace@x.example: {{role: viewer}}\nteams:\n  t: {team}\n{rest}"
        ))
    };
    let both = "{members: [ada@x.example, grace@x.example]}";
    let grants = "resources:\n  project/one: {access: {view: [grace@x.example], edit: [ada@x.example]}}\n";
    let env = TestEnv::with(&with(both, grants));
    env.apply();
    let declare = |team: &str, rest: &str| env.write("rolecall.yaml", &with(team, rest));
    // Absent: not managed.
    declare("{}", "resources:\n  project/one: {}\n");
    env.is_converged();
    let plan = env.target_plan(&[]);
    assert_eq!(plan.left_alone.values().sum::<usize>(), 4, "{:?}", plan.left_alone);
    // Declared in part: the others go.
    declare("{members: [ada@x.example]}", "resources:\n  project/one: {access: {edit: [ada@x.example]}}\n");
    assert_eq!(words(&env), ["remove-member", "revoke-grant"]);
    // Empty: all go, which somebody has to say.
    declare("{members: []}", "resources:\n  project/one: {access: {}}\n");
    let stopped = env.stopped(&[]);
    has(&stopped, &["2 members of 2 removed: all", "2 grants of 2 removed: all"]);
    env.run(&["apply", "--auto-approve", "--accept", "removal.member=2", "--accept", "removal.grant=2"]).ended(0);
    env.is_converged();
    assert!(env.dump().iter().all(|l| !l.starts_with("member ") && !l.starts_with("grant ")));
}

#[test]
fn init_makes_something_that_works() {
    let env = TestEnv::new();
    env.run(&["init", "--admin", "Ada@Acme.example"]).ended(0);
    env.run(&["validate", "--strict"]).ended(0);
    env.run(&["plan", "--detailed-exitcode"]).ended(2);
    env.apply();
    env.is_converged();
    has(&env.dump().join("\n"), &["user ada@acme.example", "team everybody", "grant project/first"]);
    has(&env.read(".gitignore"), &[".rolecall/"]);
    let before = env.read("rolecall.yaml");
    env.run(&["init"]).ended(1);
    assert_eq!(env.read("rolecall.yaml"), before);
    env.run(&["init", "below/deeper"]).ended(0);
    env.run(&["-f", "below/deeper", "validate"]).ended(0);
}

#[test]
fn a_block_holds_also_where_users_are_left_alone() {
    let declared = |more: &str| {
        small(&format!("users:\n  ada@x.example: {{role: admin}}\n  bob@x.example: {{role: viewer}}\n{more}"))
            .replace("manage: authoritative", "manage: {users: {mode: authoritative, scope: [\"a*\"]}}")
    };
    let env = live("users:\n  ada@x.example: {role: admin}\n  bob@x.example: {role: viewer}\n");
    env.write("rolecall.yaml", &declared(""));
    env.is_converged();
    env.write("rolecall.yaml", &declared("blocks:\n  - {user: bob@x.example}\n"));
    assert_eq!(words(&env), ["disable-user"]);
    let protected =
        declared("blocks:\n  - {user: bob@x.example}\n").replace("manage:", "protected: [\"bob@*\"], manage:");
    env.write("rolecall.yaml", &protected);
    env.run(&["plan"]).ended(3).says(&["block-beats-all"]);
}

#[test]
fn what_ends_now_has_not_ended() {
    // The files, the plan, the answers and the views of the directory agree about the last moment.
    let with = |until: &str| {
        format!(
            "version: 1\ntargets: {{home: {{provider: directory, url: \"sqlite:.rolecall/home.db\", catalogue: strongly, manage: \
             authoritative}}}}\nusers:\n  ada@x.example: {{role: admin}}\n  bob@x.example: {{role: developer, until: {until}}}\nteams:\n  \
             t: {{members: [{{user: bob@x.example, until: {until}}}]}}\nresources: {{project/a: {{}}}}\ngrants:\n  - {{to: \
             bob@x.example, resource: project/a, role: edit, until: {until}}}\npolicies: {{invariants: {{blast-radius: off}}}}\n"
        )
    };
    let env = TestEnv::with(&with(crate::common::NOW));
    assert!(!env.run(&["validate"]).ended(0).text().contains("ended"));
    env.apply();
    env.is_converged();
    let can = ["can", "bob@x.example", "edit", "project/a"];
    env.run(&can).ended(0);
    env.run(&[&can[..], &["--live"]].concat()).ended(0);
    // A second later it has.
    let over = with("2026-11-21T11:59:59Z");
    env.write("rolecall.yaml", &over);
    env.run(&can).ended(3);
    env.run(&["validate"]).ended(0).says(&["this grant ended", "this membership ended"]);
    env.apply();
    env.run(&[&can[..], &["--live"]].concat()).ended(3);
}
