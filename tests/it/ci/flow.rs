//! The whole way, through the action, with emulate as GitHub: opened, synchronized, approved, merged, applied; one
//! comment throughout.

use std::time::Duration;

use serde_json::json;

use super::world::{GRANT, GRANTED, STORE, Start, TEAM, World};
use crate::action::runner::{Ran, Runner};
use crate::common::has;
use crate::github::contract::Emulated;

/// Runs the action as a workflow would.
#[track_caller]
fn act(world: &World, start: &Start<'_>, with: &[(&str, &str)]) -> Ran {
    let mut runner = Runner::new(&start.at, &world.path("runner"));
    runner.env = world.github_env(start);
    // The action says it.
    runner.env.remove("ROLECALL_STORE");
    let usual =
        [("command", start.command), ("rolecall-path", env!("CARGO_BIN_EXE_rolecall")), ("token", "ghs_rolecall")];
    let ran = runner.run(&[&usual, with].concat());
    assert_eq!(ran.failed, None, "{}\n{}", ran.log, ran.summary);
    assert!(!ran.log.contains("ghs_rolecall") && !ran.summary.contains("ghs_rolecall"));
    ran
}

#[test]
fn from_opened_to_applied_with_one_comment() {
    let emulated = Emulated::start();
    let world = World::behind(TEAM, emulated.port);
    // emulate has a pull request of its own for the comments and reviews; its files nobody asks it for.
    let there = "/repos/rolecall-bot/access";
    let made = json!({"title": "Mary looks at one", "head": "change", "base": "main"});
    let number = emulated.by_hand("ghs_ana", "POST", &format!("{there}/pulls"), &made)["number"].as_u64().unwrap();
    let out = world.path("compiled.json");
    let out = out.to_str().unwrap();
    let comments = || {
        let all = emulated.by_hand("ghs_ana", "GET", &format!("{there}/issues/{number}/comments"), &json!(null));
        let all: Vec<(u64, String)> = all
            .as_array()
            .unwrap()
            .iter()
            .map(|c| (c["id"].as_u64().unwrap(), c["body"].as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(all.len(), 1, "{all:#?}");
        all.into_iter().next().unwrap()
    };

    // Opened.
    let mut pull = world.open_as("grace", &[GRANT], false, Some(number));
    let ran = act(&world, &world.compile_start(&pull, "opened", out.as_ref()), &[("out", out)]);
    assert_eq!(ran.outputs["compiled-path"], out);
    let first = act(&world, &world.plan_start(&pull, out.as_ref()), &[("compiled", out)]);
    let shown = ["gains", "losses", "to-add", "blocked", "required-approvers"].map(|o| first.outputs[o].as_str());
    assert_eq!(shown, ["1", "0", "1", "true", "ada@x.example"]);
    let (id, text) = comments();
    assert_eq!(first.outputs["comment-id"], id.to_string());
    has(&text, &["mary@x.example", "project/one", &first.outputs["plan-digest"]]);
    has(&first.summary, &["mary@x.example", "project/one"]);

    // Synchronized.
    world.push(&mut pull, &[("role: view}\n  - {to: alan", "role: edit}\n  - {to: alan")]);
    act(&world, &world.compile_start(&pull, "synchronize", out.as_ref()), &[("out", out)]);
    let second = act(&world, &world.plan_start(&pull, out.as_ref()), &[("compiled", out)]);
    assert_ne!(second.outputs["plan-digest"], first.outputs["plan-digest"]);
    let (same, text) = comments();
    assert_eq!(same, id);
    let old = format!("~~`{}…`~~ for `{}`, superseded", &first.outputs["plan-digest"][..15], &first.head(&world));
    has(&text, &[&second.outputs["plan-digest"], &old]);

    // Approved, after that. emulate tells times in whole seconds, as GitHub does.
    std::thread::sleep(Duration::from_millis(1_100));
    let review = json!({"event": "APPROVE", "body": "good", "commit_id": pull.head});
    emulated.by_hand("ghs_ada", "POST", &format!("{there}/pulls/{number}/reviews"), &review);
    let mut start = world.plan_start(&pull, out.as_ref());
    start.payload["workflow_run"]["event"] = json!("pull_request_review");
    let third = act(&world, &start, &[("compiled", out)]);
    assert_eq!((third.outputs["blocked"].as_str(), third.outputs["required-approvers"].as_str()), ("false", ""));
    assert_eq!(third.outputs["plan-digest"], second.outputs["plan-digest"]);
    has(&comments().1, &["given by `ada@x.example`"]);
    assert_eq!(world.hub.check("rolecall/plan")["conclusion"], "success");

    // Merged.
    let before = world.dump();
    let commit = world.merge(&pull);
    assert_eq!(world.dump(), before);
    let done = act(&world, &world.apply_start(), &[]);
    assert_eq!(done.outputs["plan-digest"], second.outputs["plan-digest"]);
    assert_eq!(done.outputs["pull-request"], number.to_string());
    let (same, text) = comments();
    assert_eq!(same, id);
    has(&text, &["Applied", &second.outputs["plan-digest"]]);
    world.is_live(&GRANTED.replace("| view |", "| edit |"), true);
    let at = world.checkout("main");
    let history = world.plain(&at, &["--store", STORE, "history", "--json"]).ended(0).stdout;
    has(&history, &[&commit, second.outputs["plan-digest"].trim_start_matches("sha256:")]);
    world.plain(&at, &["--store", STORE, "history", "verify"]).ended(0);

    // Once more: nothing is left to do, and nothing is written.
    let after = world.dump();
    let again = act(&world, &world.apply_start(), &[]);
    has(&again.log, &["Nothing was merged since the last apply"]);
    assert_eq!((world.dump(), comments()), (after, (id, text)));
}

impl Ran {
    /// The short name of the commit that a comment says was superseded.
    fn head(&self, world: &World) -> String {
        let json = self.outputs["json-plan-path"].clone();
        assert!(!json.is_empty());
        let known = world.hub.known();
        known.checks[0]["head_sha"].as_str().unwrap()[..7].to_owned()
    }
}
