//! Whose approval counts, and what happens without it: nothing.

use super::world::{GRANT, GRANTED, Pull, TEAM, World};
use crate::common::has;

/// The declaration with an approver by name.
fn named() -> World {
    World::new(&TEAM.replace("by: owner", "by: ada@x.example"))
}

/// Merges and applies: nothing is done, for this reason, and the comment says so.
#[track_caller]
fn stopped(world: &World, pull: &Pull, why: &[&str]) {
    let before = world.dump();
    world.merge(pull);
    let ran = world.apply().ended(3).says(&["approvals are missing"]).says(why);
    assert_eq!(ran.outputs["failure-reason"], "blocked");
    assert_eq!(world.dump(), before);
    has(&world.hub.comment(pull.number), &["Nothing was applied", "approvals are missing"]);
}

#[test]
fn without_approval_nothing_is_applied() {
    let world = World::new(TEAM);
    let pull = world.open("grace", &[GRANT]);
    let planned = world.plan(&pull).ended(0);
    assert_eq!(
        (planned.outputs["blocked"].as_str(), planned.outputs["required-approvers"].as_str()),
        ("true", "ada@x.example")
    );
    assert_eq!(world.hub.check("rolecall/plan")["conclusion"], "action_required");
    stopped(&world, &pull, &["1 of ada@x.example"]);
    // The next run tries again, and stops again.
    world.apply().ended(3);
    world.is_live(GRANTED, false);
}

#[test]
fn who_wrote_the_change_agrees_to_nothing() {
    let world = World::new(TEAM);
    let pull = world.open("ada", &[GRANT]);
    world.plan(&pull).ended(0);
    world.approve(&pull, "ada");
    stopped(&world, &pull, &["@ada wrote the change", "nobody is left who could"]);
}

#[test]
fn who_pushed_to_it_has_written_it_too() {
    let world = World::new(TEAM);
    let mut pull = world.open("grace", &[GRANT]);
    world.plan(&pull).ended(0);
    // Ada pushes to the branch of Grace.
    pull.author = "ada".into();
    world.push(&mut pull, &[("name: Alan", "name: Alan M.")]);
    world.hub.known().pulls.get_mut(&pull.number).unwrap()["user"]["login"] = "grace".into();
    world.plan(&pull).ended(0);
    world.approve(&pull, "ada");
    stopped(&world, &pull, &["@ada wrote the change"]);
}

#[test]
fn an_approval_before_the_plan_or_of_another_head_does_not_count() {
    let world = World::new(TEAM);
    let mut pull = world.open("grace", &[GRANT]);
    world.approve(&pull, "ada");
    let planned = world.plan(&pull).ended(0);
    assert_eq!(planned.outputs["required-approvers"], "ada@x.example");
    let early = world
        .open("grace", &[("name: Mary", "name: Mary Q."), ("project/two, role: view}", "project/two, role: edit}")]);
    world.approve(&early, "ada");
    world.plan(&early).ended(0);
    stopped(&world, &early, &["@ada agreed before the plan was there"]);

    let world = World::new(TEAM);
    pull = world.open("grace", &[GRANT]);
    world.plan(&pull).ended(0);
    world.approve(&pull, "ada");
    world.push(&mut pull, &[("name: Alan", "name: Alan M.")]);
    world.plan(&pull).ended(0);
    stopped(&world, &pull, &["@ada agreed to another commit"]);
}

#[test]
fn an_approval_that_is_taken_back_does_not_count() {
    let world = World::new(TEAM);
    let pull = world.open("grace", &[GRANT]);
    world.plan(&pull).ended(0);
    world.approve(&pull, "ada");
    world.review(&pull, "ada", &pull.head, "CHANGES_REQUESTED");
    stopped(&world, &pull, &["1 of ada@x.example"]);
}

#[test]
fn a_pull_request_does_not_weaken_what_it_needs() {
    for rule in [
        ("  approval:\n    - {for: any, by: ada@x.example}\n", "  approval: []\n"),
        ("by: ada@x.example", "by: alan@x.example"),
    ] {
        let world = named();
        let pull = world.open("grace", &[GRANT, rule]);
        let planned = world.plan(&pull).ended(0);
        assert_eq!(planned.outputs["blocked"], "true");
        world.approve(&pull, "alan");
        stopped(&world, &pull, &["ada@x.example", "the rule itself is taken away or made weaker"]);
    }
}

#[test]
fn the_rule_is_changed_by_whom_it_names() {
    let world = named();
    let pull = world.open("grace", &[("by: ada@x.example", "by: alan@x.example")]);
    let planned = world.plan(&pull).ended(0);
    assert_eq!(planned.outputs["blocked"], "true");
    world.approve(&pull, "ada");
    world.merge(&pull);
    world.apply().ended(0);
    // From now on it is his.
    let pull = world.open("grace", &[GRANT]);
    assert_eq!(world.plan(&pull).ended(0).outputs["required-approvers"], "alan@x.example");
}

#[test]
fn a_handle_of_an_approver_is_that_of_the_base() {
    let world = named();
    let pull = world.open("grace", &[GRANT, ("{github: ada}", "{github: mallory}")]);
    world.plan(&pull).ended(0);
    world.approve(&pull, "mallory");
    stopped(
        &world,
        &pull,
        &["@mallory is nobody that the base declares", "@mallory becomes a handle of ada@x.example"],
    );
}

#[test]
fn a_rule_is_not_changed_where_nothing_else_is() {
    let world = named();
    let pull = world.open("grace", &[("by: ada@x.example", "by: alan@x.example")]);
    world.plan(&pull).ended(0);
    world.approve(&pull, "alan");
    world.merge(&pull);
    world.apply().ended(3).says(&["approvals are missing", "the rule itself is taken away or made weaker"]);
    // It is not passed over by the next one.
    world.apply().ended(3);
}

#[test]
fn whoever_starts_an_apply_by_hand_is_one_approval() {
    let world = named();
    let pull = world.open("grace", &[GRANT]);
    world.plan(&pull).ended(0);
    world.merge(&pull);
    let digest = world.apply().ended(3).says(&["approvals are missing"]).outputs["plan-digest"].clone();
    let by = |who: &str| {
        let mut start = world.by_hand_start(&digest);
        start.actor = who.into();
        world.run(&start)
    };
    // Who wrote it, and who cannot agree.
    for who in ["grace", "alan"] {
        by(who).ended(3).says(&["approvals are missing"]);
        world.is_live(GRANTED, false);
    }
    by("ada").ended(0);
    world.is_live(GRANTED, true);
}
