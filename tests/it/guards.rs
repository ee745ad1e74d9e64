//! What stops a plan, and what lets it pass.

use rolecall::invariants::Answer;
use rolecall::model::{Change, Kind};

use super::common::{TestEnv, audit, by_hand, has, rows};

const HEAD: &str = "
version: 1
targets:
  home: {provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}
";

fn people(count: usize) -> String {
    (0..count).map(|n| format!("  u{n:03}@x.example: {{role: viewer}}\n")).collect()
}

fn members(range: std::ops::Range<usize>) -> String {
    range.map(|n| format!("u{n:03}@x.example")).collect::<Vec<_>>().join(", ")
}

/// A hundred people and a team, with or without a list of its members.
fn grown(team: &str) -> String {
    format!("{HEAD}users:\n  ada@x.example: {{role: admin}}\n{}teams:\n  big: {team}\n", people(100))
}

fn in_team(env: &TestEnv) -> usize {
    rows(&env.home(), "SELECT user_id FROM memberships").len()
}

#[test]
fn what_begins_to_be_managed_is_not_removed_without_the_number() {
    let env = TestEnv::with(&grown("{description: Grown by hand}"));
    env.apply();
    by_hand(
        &env.home(),
        "INSERT INTO memberships (team_id, user_id) SELECT t.id, u.id FROM teams t, users u WHERE u.email LIKE 'u%'",
        100,
    );
    // Without `members:` they are nobody's business.
    env.is_converged();

    env.write("rolecall.yaml", &grown("{members: [ada@x.example]}"));
    let plan = env.target_plan(&[]);
    assert_eq!(plan.takeovers[&Kind::Member].len(), 100);
    assert!(plan.is_blocked());
    has(&env.stopped(&[]), &["100 members are not declared", "u000@x.example in big", "--accept takeover.member=100"]);
    has(&env.stopped(&["takeover.member=99"]), &["100 members are not declared", "which is 100"]);
    // Consent to another thing is none to this.
    has(&env.stopped(&["removal.member=100"]), &["100 members are not declared"]);
    assert_eq!(in_team(&env), 100);

    env.run(&["apply", "--auto-approve", "--accept", "takeover.member=100"]).ended(0);
    assert_eq!(in_team(&env), 1);
    env.is_converged();
    // The same again is no takeover any more: it is managed.
    by_hand(
        &env.home(),
        "INSERT INTO memberships (team_id, user_id) SELECT t.id, u.id FROM teams t, users u WHERE u.email = 'u001@x.example'",
        1,
    );
    assert!(env.target_plan(&[]).takeovers.is_empty());
    env.apply();
    assert_eq!(in_team(&env), 1);
}

#[test]
fn a_takeover_is_found_without_any_memory() {
    let first = TestEnv::with(&grown(&format!("{{members: [{}]}}", members(0..100))));
    first.apply();
    let second = TestEnv::with(
        &grown("{members: [u000@x.example]}")
            .replace("sqlite:.rolecall/home.db", &format!("sqlite:{}", first.home().display())),
    );
    has(&second.stopped(&[]), &["--accept takeover.member=99"]);
    second.run(&["apply", "--auto-approve", "--accept", "takeover.member=99"]).ended(0);
    assert_eq!(in_team(&first), 1);
}

#[test]
fn additive_never_removes() {
    let env = TestEnv::with(&grown(&format!("{{members: [{}]}}", members(0..100))));
    env.apply();
    env.write("rolecall.yaml", &grown("{members: [ada@x.example]}").replace("authoritative", "additive"));
    let plan = env.target_plan(&[]);
    assert!(matches!(plan.steps.as_slice(), [step] if matches!(step.change, Change::AddMember { .. })));
    assert_eq!(plan.left_alone[&Kind::Member], 100);
    env.apply();
    assert_eq!(in_team(&env), 101);
}

#[test]
fn more_removals_than_pass_need_the_exact_number() {
    let team = |from: usize| grown(&format!("{{members: [{}]}}", members(from..20)));
    let env = TestEnv::with(&team(0));
    env.apply();
    // Ten of twenty pass; eleven do not.
    env.write("rolecall.yaml", &team(10));
    env.run(&["plan", "--detailed-exitcode"]).ended(2);
    env.write("rolecall.yaml", &team(11));
    let before = audit(&env.home()).len();
    has(&env.stopped(&[]), &["11 members of 20 removed, at most 10 pass", "--accept removal.member=11"]);
    for wrong in ["removal.member=10", "removal.member=12", "removal.user=11", "takeover.member=11"] {
        has(&env.stopped(&[wrong]), &["11 members of 20 removed", "consent-mismatch"]);
    }
    assert_eq!(audit(&env.home()).len(), before, "nothing was done");
    env.run(&["apply", "--auto-approve", "--accept", "removal.member=11"]).ended(0);
    assert_eq!(audit(&env.home()).len(), before + 11);
    env.is_converged();
    // All of a kind never passes by itself, however few they are.
    env.write("rolecall.yaml", &grown("{members: []}"));
    has(&env.stopped(&[]), &["9 members of 9 removed: all there are", "--accept removal.member=9"]);
}

#[test]
fn the_last_administrator_stays_whatever_is_agreed_to() {
    let with = |ada: &str| {
        format!("{HEAD}policies: {{removal: {{users: delete}}}}\nusers:\n  u@x.example: {{role: viewer}}\n{ada}")
    };
    let env = TestEnv::with(&with("  ada@x.example: {role: admin}\n"));
    env.apply();
    let before = env.dump();
    let ways = [
        ("", "removal.user=1"),
        ("  ada@x.example: {role: viewer}\n", "removal.user=1"),
        ("  ada@x.example: {role: admin, state: disabled}\n", "removal.user=1"),
        ("  ada@x.example: {role: admin}\nblocks: [{user: ada@x.example}]\n", "removal.user=1"),
    ];
    for (ada, consent) in ways {
        env.write("rolecall.yaml", &with(ada));
        for args in [vec![], vec!["--accept", consent], vec!["--accept", "irreversible.user=1"]] {
            let plan = env.target_plan(&args);
            let verdict = plan.guards.iter().find(|g| g.rule == "admin-remains").unwrap();
            assert_eq!(verdict.answer, Answer::Violated, "{ada}: {verdict:?}");
            env.run(&[&["apply", "--auto-approve"], args.as_slice()].concat()).ended(3);
        }
    }
    assert_eq!(env.dump(), before);
    // With another one, the same passes.
    env.write("rolecall.yaml", &with("  ada@x.example: {role: viewer}\n  emmy@x.example: {role: admin}\n"));
    env.apply();
    env.is_converged();
}
