//! What moved between the review and the apply: only what was shown is applied.

use rolecall::store::{Holder, lock_beside};
use serde_json::json;

use super::world::{GRANT, GRANTED, TEAM, World, git};
use crate::common::{by_hand, has};

/// Without approvals, so that a test has one reason to stop.
fn open() -> String {
    let text = TEAM.replace("policies:\n  approval:\n    - {for: any, by: owner}\n", "");
    assert_ne!(text, TEAM);
    text
}

const RENAMED: (&str, &str) = ("name: Mary", "name: Mary Q.");

#[test]
fn a_head_that_nobody_was_shown_is_not_applied() {
    let world = World::new(&open());
    let mut pull = world.open("grace", &[RENAMED]);
    world.plan(&pull).ended(0);
    world.force_push(&mut pull, &[("mary@x.example: {role: viewer", "mary@x.example: {role: admin")]);
    let before = world.dump();
    world.merge(&pull);
    let ran = world.apply().ended(4).says(&["no plan was shown", &pull.head]);
    assert_eq!(ran.outputs["failure-reason"], "plan-changed");
    assert_eq!(world.dump(), before);
    has(&world.hub.comment(pull.number), &["no plan was shown"]);
    assert_eq!(world.hub.check("rolecall/apply")["conclusion"], "failure");

    // Somebody looks at it, and starts it by hand with the digest.
    let digest = ran.outputs["plan-digest"].clone();
    world.run(&world.by_hand_start(&format!("sha256:{}", "0".repeat(64)))).ended(4);
    assert_eq!(world.dump(), before);
    world.run(&world.by_hand_start(&digest)).ended(0);
    assert_ne!(world.dump(), before);
}

#[test]
fn what_does_not_touch_it_may_be_merged_in_between() {
    let world = World::new(&open());
    let one = world.open("grace", &[GRANT]);
    let two = world.open("alan", &[("name: Alan", "name: Alan M.")]);
    world.plan(&one).ended(0);
    world.plan(&two).ended(0);
    world.merge(&two);
    world.apply().ended(0);
    world.merge(&one);
    world.apply().ended(0);
    world.is_live(GRANTED, true);
}

#[test]
fn what_it_depends_on_may_not() {
    let world = World::new(&open());
    // Each of them is fine; together, Mary edits more than anybody was shown.
    let one = world.open(
        "grace",
        &[(
            "  data: {lead: ada@x.example, members: [ada@x.example, grace@x.example]}",
            "  data: {lead: ada@x.example, members: [ada@x.example, grace@x.example, mary@x.example]}",
        )],
    );
    let two = world.open(
        "alan",
        &[(
            "project/two, role: view}\n",
            "project/two, role: view}\n  - {to: team/data, resource: project/two, role: edit}\n",
        )],
    );
    world.plan(&one).ended(0);
    world.plan(&two).ended(0);
    world.merge(&two);
    world.apply().ended(0);
    let before = world.dump();
    world.merge(&one);
    let more = "mary@x.example gains view on project/two, which was not shown";
    world.apply().ended(4).says(&["do more now than was shown", more]);
    assert_eq!(world.dump(), before);
    has(&world.hub.comment(one.number), &["`project/two`, which was not shown"]);
}

#[test]
fn a_live_system_that_moved_stops_it() {
    let world = World::new(&open());
    let pull = world.open("grace", &[("mary@x.example: {role: viewer", "mary@x.example: {role: developer")]);
    let planned = world.plan(&pull).ended(0);
    by_hand(
        &world.live(),
        "UPDATE users SET role_id = (SELECT id FROM roles WHERE name = 'admin') WHERE email = 'mary@x.example'",
        1,
    );
    let before = world.dump();
    world.merge(&pull);
    let ran = world.apply().ended(4).says(&["what has moved since", "mary@x.example"]);
    assert_eq!(world.dump(), before);
    has(&world.hub.comment(pull.number), &["Nothing was applied", "mary@x.example", &ran.outputs["plan-digest"]]);
    // What is shown is what would be done now; who looks at it can start that.
    assert_ne!(ran.outputs["plan-digest"], planned.outputs["plan-digest"]);
    world.run(&world.by_hand_start(&ran.outputs["plan-digest"])).ended(0);
    assert!(world.dump().iter().any(|l| l.starts_with("user mary@x.example | Mary | person | developer")));
}

#[test]
fn what_had_drifted_before_is_shown_and_left_alone() {
    for mends in [false, true] {
        let world = World::new(&format!("{}{}", open(), if mends { "ci: {apply_drift: true}\n" } else { "" }));
        by_hand(&world.live(), "UPDATE users SET name = 'Clicked' WHERE email = 'alan@x.example'", 1);
        let pull = world.open("grace", &[GRANT]);
        let planned = world.plan(&pull).ended(0);
        assert_eq!(planned.outputs["drift"], if mends { "0" } else { "1" });
        has(&world.hub.comment(pull.number), &["alan@x.example"]);
        world.merge(&pull);
        world.apply().ended(0);
        world.is_live(GRANTED, true);
        assert_eq!(world.dump().iter().any(|l| l.contains("Clicked")), !mends);
    }
}

#[test]
fn two_merges_before_one_apply_are_applied_in_their_order() {
    let world = World::new(&open());
    let one = world.open("grace", &[GRANT]);
    world.plan(&one).ended(0);
    let two = world.open("alan", &[RENAMED]);
    world.plan(&two).ended(0);
    world.merge(&one);
    world.merge(&two);
    let ran = world.apply().ended(0);
    let text = ran.output.text();
    let at = |n: u64| text.find(&format!("Pull request #{n}")).unwrap();
    assert!(at(one.number) < at(two.number), "{text}");
    for pull in [&one, &two] {
        has(&world.hub.comment(pull.number), &["Applied"]);
    }
    world.is_live(GRANTED, true);
    assert!(world.dump().iter().any(|l| l.contains("Mary Q.")));
    // The ledger knows both.
    let history = world.plain(&world.checkout("main"), &["history"]).ended(0).text();
    assert!(history.lines().filter(|l| l.contains("complete")).count() >= 3, "{history}");
}

#[test]
fn what_came_without_a_pull_request_waits_for_somebody() {
    let world = World::new(&open());
    let commit = world.direct(&[GRANT]);
    let before = world.dump();
    world.apply().ended(4).says(&["came without a pull request", &commit[..7]]);
    assert_eq!(world.dump(), before);
}

#[test]
fn replaced_history_is_not_applied() {
    let world = World::new(&open());
    let pull = world.open("grace", &[GRANT]);
    world.plan(&pull).ended(0);
    world.merge(&pull);
    world.apply().ended(0);
    let work = world.work();
    git(&work, &["checkout", "-q", "main"]);
    git(&work, &["reset", "-q", "--hard", "main~1"]);
    world.edit(&[RENAMED]);
    git(&work, &["commit", "-q", "-a", "-m", "another"]);
    git(&work, &["push", "-q", "-f", "origin", "main"]);
    let before = world.dump();
    // Whether GitHub says so or not.
    let mut start = world.apply_start();
    world.run(&start).ended(4).says(&["history was replaced"]);
    start.payload["forced"] = json!(true);
    world.run(&start).ended(4).says(&["pushed with force"]);
    assert_eq!(world.dump(), before);
}

#[test]
fn of_two_runs_at_the_same_time_one_applies() {
    let world = World::new(&open());
    let pull = world.open("grace", &[GRANT]);
    world.plan(&pull).ended(0);
    world.merge(&pull);
    let start = [world.apply_start(), world.apply_start()];
    let children: Vec<_> = start.iter().map(|s| world.prepared(s).0.spawn().unwrap()).collect();
    let done: Vec<_> = children.into_iter().map(|c| crate::common::Output::of(c.wait_with_output().unwrap())).collect();
    for one in &done {
        assert_eq!(one.code, Some(0), "{}\n----\n{}", done[0].text(), done[1].text());
    }
    world.is_live(GRANTED, true);
    let made =
        crate::common::audit(&world.live()).iter().filter(|l| l.contains("project/one") && l.contains("mary")).count();
    assert_eq!(made, 1);
    assert_eq!(world.hub.comments(pull.number).len(), 1);
}

#[test]
fn who_holds_the_lock_is_named() {
    let world = World::new(&open());
    let pull = world.open("grace", &[GRANT]);
    world.plan(&pull).ended(0);
    world.merge(&pull);
    let holder =
        Holder { who: "mallory@laptop".into(), pid: 1, command: "rolecall apply".into(), since: crate::common::now() };
    let held = lock_beside(&world.path("live.db.lock"), &holder).unwrap();
    let mut start = world.apply_start();
    start.env = vec![("ROLECALL_LOCK_TIMEOUT", "0s".into())];
    let ran = world.run(&start).ended(1).says(&["mallory@laptop"]);
    assert_eq!(ran.outputs["failure-reason"], "locked");
    world.is_live(GRANTED, false);
    drop(held);
    // Nothing is lost: the next run takes it up.
    world.apply().ended(0);
    world.is_live(GRANTED, true);
    has(&world.hub.comment(pull.number), &["Applied"]);
}

#[test]
fn a_merge_that_was_stopped_is_not_skipped_by_the_next_one() {
    let world = World::new(TEAM);
    let one = world.open("grace", &[("name: Mary", "name: Mary Q."), GRANT]);
    world.plan(&one).ended(0);
    world.merge(&one);
    world.apply().ended(3);
    let two = world.open("grace", &[("name: Alan", "name: Alan M.")]);
    world.plan(&two).ended(0);
    world.merge(&two);
    let before = world.dump();
    world.apply().ended(3).says(&[&format!("Pull request #{}", one.number)]);
    assert_eq!(world.dump(), before);
    // Approved after all, both are applied.
    world.approve(&one, "ada");
    world.apply().ended(0);
    world.is_live(GRANTED, true);
    assert!(world.dump().iter().any(|l| l.contains("Alan M.")));
}

#[test]
fn a_guard_stops_the_apply_as_it_stopped_the_plan() {
    let world = World::new(&open());
    let pull = world.open("grace", &[("ada@x.example: {role: admin", "ada@x.example: {role: viewer")]);
    let planned = world.plan(&pull).ended(3);
    assert_eq!(planned.outputs["blocked"], "true");
    world.merge(&pull);
    let before = world.dump();
    world.apply().ended(3);
    assert_eq!(world.dump(), before);
    has(&world.hub.comment(pull.number), &["not applied", "a rule or a guard stops the plan"]);
}

#[test]
fn a_rebase_and_a_squash_are_merges_too() {
    for squash in [false, true] {
        let world = World::new(&open());
        let other = world.open("alan", &[("name: Alan", "name: Alan M.")]);
        let mut pull = world.open("grace", &[GRANT]);
        world.push(&mut pull, &[("role: view}\n  - {to: alan", "role: edit}\n  - {to: alan")]);
        world.plan(&other).ended(0);
        let planned = world.plan(&pull).ended(0);
        world.merge(&other);
        world.land(&pull, squash);
        let done = world.apply().ended(0);
        assert_eq!(done.outputs["plan-digest"], planned.outputs["plan-digest"]);
        has(&world.hub.comment(pull.number), &["Applied"]);
        world.is_live(&GRANTED.replace("| view |", "| edit |"), true);
    }
}
