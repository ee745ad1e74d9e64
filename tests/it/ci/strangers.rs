//! Pull requests that want something else than access: other addresses, artifacts that were tampered with, forks.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::world::{GRANT, GRANTED, TEAM, World};
use crate::common::has;

/// An address that counts who comes.
struct Trap {
    url: String,
    came: Arc<AtomicUsize>,
}

impl Trap {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let came = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&came);
        std::thread::spawn(move || {
            for _ in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { url, came }
    }

    #[track_caller]
    fn nobody_came(&self) {
        assert_eq!(self.came.load(Ordering::SeqCst), 0);
    }
}

/// The declaration with the people at one target by its name, so that another one can be added.
fn at_home() -> String {
    // Not every system has leads.
    let mut text = TEAM.replace("lead: ada@x.example, ", "");
    for role in ["admin", "developer", "viewer"] {
        text = text.replace(&format!("{{role: {role},"), &format!("{{at: {{home: {{role: {role}}}}},"));
    }
    text
}

#[test]
fn a_new_target_is_not_contacted() {
    let world = World::new(&at_home());
    let trap = Trap::new();
    let target = format!(
        "manage: authoritative}}\n  evil: {{provider: scim, url: '{}', credentials: {{token: '${{LIVE_TOKEN}}'}}, manage: authoritative}}\n",
        trap.url
    );
    let to_evil =
        ("mary@x.example: {at: {home: {role: viewer}}", "mary@x.example: {at: {home: {role: viewer}, evil: {}}");
    let pull =
        world.open("mallory", &[("manage: authoritative}\n", &target), to_evil, ("name: Alan", "name: Alan M.")]);
    let (compiled, out) = world.compile(&pull);
    compiled.ended(0);
    let mut start = world.plan_start(&pull, &out);
    start.env.push(("LIVE_TOKEN", "ghs_the-secret".into()));
    let ran = world.run(&start).ended(1);
    trap.nobody_came();
    has(&world.hub.comment(pull.number), &["evil", "the change adds this target"]);
    assert!(!ran.output.text().contains("the-secret"));
    // What is known is planned.
    assert_eq!(ran.outputs["to-change"], "1");
}

#[test]
fn a_target_that_moves_is_not_contacted() {
    let world = World::new(TEAM);
    let (trap, other) = (Trap::new(), world.path("other.db"));
    let live = format!("provider: directory, url: 'sqlite:{}', catalogue: strongly,", world.live().display());
    let moved = format!("provider: directory, url: 'sqlite:{}', catalogue: strongly,", other.display());
    let sent = format!("provider: strongly, url: '{}', credentials: {{key: '${{LIVE_TOKEN}}'}},", trap.url);
    for to in [moved, sent] {
        let pull = world.open("mallory", &[(live.as_str(), to.as_str())]);
        let (compiled, out) = world.compile(&pull);
        compiled.ended(0);
        let mut start = world.plan_start(&pull, &out);
        start.env.push(("LIVE_TOKEN", "ghs_the-secret".into()));
        let ran = world.run(&start).ended(1);
        trap.nobody_came();
        assert!(!other.exists());
        has(&world.hub.comment(pull.number), &["home", "not contacted"]);
        assert_eq!(ran.outputs["to-add"], "0");
    }
}

#[test]
fn an_artifact_is_not_believed() {
    let world = World::new(TEAM);
    let pull = world.open("mallory", &[GRANT]);
    let (compiled, out) = world.compile(&pull);
    compiled.ended(0);
    let text = std::fs::read_to_string(&out).unwrap();
    let main = world.main();
    assert!(text.contains(&main));
    let try_it = |text: &str| {
        std::fs::write(&out, text).unwrap();
        world.run(&world.plan_start(&pull, &out))
    };
    // A base that is none of the main branch: the head itself would make everything look unchanged.
    try_it(&text.replace(&main, &pull.head)).ended(1).says(&["is not on this branch"]);
    try_it(&text.replace(&main, &"0".repeat(40))).ended(1);
    try_it(&text.replace("rolecall.yaml", "../rolecall.yaml")).ended(1);
    try_it(&text.replace("rolecall.yaml", "/etc/rolecall.yaml")).ended(1);
    try_it(&text[..text.len() / 2]).ended(1);
    try_it("").ended(1);
    assert!(world.hub.comments(pull.number).iter().all(|c| !c["body"].as_str().unwrap().contains("etc/")));
    try_it(&text).ended(0);
}

#[test]
fn a_fork_is_planned_by_the_second_run() {
    let world = World::new(TEAM);
    let pull = world.open_as("stranger", &[GRANT], true, None);
    // Its own run has a token that only reads.
    let out = world.path("fork.json");
    let mut start = world.compile_start(&pull, "opened", &out);
    start.env.push(("ROLECALL_CI_TOKEN", "ghs_read".into()));
    world.run(&start).ended(0);
    let ran = world.run(&world.plan_start(&pull, &out)).ended(0);
    assert_eq!(ran.outputs["pull-request"], pull.number.to_string());
    has(&world.hub.comment(pull.number), &["mary@x.example", "fork"]);
    world.approve(&pull, "ada");
    world.merge(&pull);
    world.apply().ended(0);
    world.is_live(GRANTED, true);
}

#[test]
fn a_run_for_a_head_that_is_not_the_head_any_more_shows_nothing() {
    let world = World::new(TEAM);
    let mut pull = world.open("grace", &[GRANT]);
    let (_, out) = world.compile(&pull);
    let start = world.plan_start(&pull, &out);
    world.push(&mut pull, &[("name: Mary", "name: Mary Q.")]);
    world.run(&start).ended(1).says(&["has moved on"]);
    assert!(world.hub.comments(pull.number).is_empty());
}

#[test]
fn events_that_are_refused() {
    let world = World::new(TEAM);
    let pull = world.open("grace", &[GRANT]);
    for event in ["pull_request_target", "issue_comment"] {
        let mut start = world.compile_start(&pull, "opened", "x".as_ref());
        start.event = event;
        start.command = "plan";
        world.run(&start).ended(1).says(&["does not run on"]);
    }
    let mut start = world.compile_start(&pull, "opened", "x".as_ref());
    start.command = "apply";
    world.run(&start).ended(1).says(&["runs on a push to the default branch"]);
    let mut start = world.apply_start();
    start.payload["ref"] = json!("refs/heads/another");
    world.run(&start).ended(1).says(&["runs on a push to the default branch"]);
}

/// Where credentials go is what the main branch says now, and not what it, or a commit below it, ever said.
#[test]
fn an_address_of_an_earlier_commit_is_not_believed() {
    let world = World::new(TEAM);
    let trap = Trap::new();
    let live = format!("provider: directory, url: 'sqlite:{}', catalogue: strongly,", world.live().display());
    let sent = format!("provider: strongly, url: '{}', credentials: {{key: '${{LIVE_TOKEN}}'}},", trap.url);
    // A commit of a pull request that undid itself, and one of the main branch.
    let mut harmless = world.open("mallory", &[(live.as_str(), sent.as_str())]);
    let side = harmless.head.clone();
    world.push(&mut harmless, &[(sent.as_str(), live.as_str()), ("name: Alan", "name: Alan M.")]);
    world.merge(&harmless);
    let once = world.direct(&[(live.as_str(), sent.as_str())]);
    world.direct(&[(sent.as_str(), live.as_str())]);
    let pull = world.open("mallory", &[GRANT]);
    let (compiled, out) = world.compile(&pull);
    compiled.ended(0);
    let text = std::fs::read_to_string(&out).unwrap();
    let on = |base: &str| {
        assert!(text.contains(&live));
        std::fs::write(&out, text.replace(&live, &sent).replace(&world.main(), base)).unwrap();
        let mut start = world.plan_start(&pull, &out);
        start.env.push(("LIVE_TOKEN", "ghs_the-secret".into()));
        world.run(&start)
    };
    on(&side).ended(1).says(&["is not on this branch"]);
    on(&once).ended(1);
    has(&world.hub.comment(pull.number), &["home", "not contacted"]);
    trap.nobody_came();
}

#[test]
fn what_is_merged_is_not_planned_again() {
    let world = World::new(TEAM);
    let pull = world.open("grace", &[GRANT]);
    let (compiled, out) = world.compile(&pull);
    compiled.ended(0);
    world.run(&world.plan_start(&pull, &out)).ended(0);
    let said = world.hub.comment(pull.number);
    let start = world.plan_start(&pull, &out);
    world.merge(&pull);
    world.run(&start).ended(0).says(&["merged or closed"]);
    assert_eq!(world.hub.comment(pull.number), said);
}
