//! What runs by the clock, and the merge queue.

use serde_json::json;

use super::world::{GRANT, GRANTED, Start, TEAM, World, example, git};
use crate::common::{by_hand, has};

#[test]
fn a_merge_queue_is_planned_and_applied_by_its_commit() {
    let world = World::new(&TEAM.replace("policies:\n  approval:\n    - {for: any, by: owner}\n", ""));
    let pull = world.open("grace", &[GRANT]);
    let base = world.main();
    let mut payload = example("merge_group", None);
    payload["repository"]["full_name"] = json!("acme/access");
    payload["repository"]["default_branch"] = json!("main");
    payload["merge_group"]["head_sha"] = json!(pull.trial);
    payload["merge_group"]["base_sha"] = json!(base);
    payload["merge_group"]["head_ref"] = json!(format!("refs/heads/gh-readonly-queue/main/pr-{}-{base}", pull.number));
    world.later(10);
    let ran = world.run(&Start {
        command: "plan",
        at: world.checkout(&format!("refs/pull/{}/merge", pull.number)),
        event: "merge_group",
        payload,
        sha: pull.trial.clone(),
        actor: "grace".into(),
        env: Vec::new(),
    });
    let ran = ran.ended(0);
    assert_eq!(ran.outputs["gains"], "1");
    assert_eq!(world.hub.check("rolecall/plan")["head_sha"], json!(pull.trial));
    // The queue moves the main branch to this very commit.
    git(&world.path("remote.git"), &["update-ref", "refs/heads/main", &pull.trial]);
    {
        let mut known = world.hub.known();
        let told = known.pulls.get_mut(&pull.number).unwrap();
        told["state"] = json!("closed");
        told["merged_at"] = json!("2026-11-21T12:00:30Z");
        known.commits.get_mut(&pull.number).unwrap().push(pull.trial.clone());
    }
    let done = world.apply().ended(0);
    assert_eq!(done.outputs["plan-digest"], ran.outputs["plan-digest"]);
    world.is_live(GRANTED, true);
}

#[test]
fn what_is_over_is_taken_away_and_nothing_else() {
    let text = TEAM.replace("name: Alan,", "name: Alan, until: 2026-11-30,").replace(
        "grants:\n",
        "grants:\n  - {to: mary@x.example, resource: project/one, role: view, until: 2026-11-25}\n",
    );
    let world = World::new(&text);
    by_hand(&world.live(), "UPDATE users SET name = 'Clicked' WHERE email = 'mary@x.example'", 1);
    by_hand(
        &world.live(),
        "DELETE FROM memberships WHERE user_id = (SELECT id FROM users WHERE email = 'grace@x.example')",
        1,
    );
    let before = world.dump();
    let ran = world.scheduled("reconcile").ended(0);
    assert_eq!(ran.outputs["changes"], "false");
    assert_eq!(world.dump(), before);

    let lost = |before: &[String], after: &[String]| {
        let gone: Vec<String> = before.iter().filter(|l| !after.contains(l)).cloned().collect();
        let new: Vec<String> = after.iter().filter(|l| !before.contains(l)).cloned().collect();
        (gone, new)
    };
    world.later(6 * 86_400);
    let ran = world.scheduled("reconcile").ended(0);
    assert_eq!(ran.outputs["changes"], "true");
    let after = world.dump();
    let (gone, new) = lost(&before, &after);
    assert_eq!((gone.len(), new.len()), (1, 0), "{gone:?} {new:?}");
    has(&gone[0], &["grant project/one", "mary@x.example"]);

    world.later(10 * 86_400);
    world.scheduled("reconcile").ended(0);
    let later = world.dump();
    let (gone, new) = lost(&after, &later);
    assert!(gone.iter().chain(&new).all(|l| l.contains("alan@x.example")), "{gone:?} {new:?}");
    assert!(new.iter().any(|l| l.contains("disabled")), "{gone:?} {new:?}");
    assert!(later.iter().any(|l| l.contains("Clicked")) && !later.iter().any(|l| l.starts_with("member data | grace")));

    // A block.
    world.direct(&[("policies:\n", "blocks:\n  - {user: grace@x.example, because: SEC-9}\npolicies:\n")]);
    world.scheduled("reconcile").ended(0);
    let blocked = world.dump();
    let (gone, new) = lost(&later, &blocked);
    assert!(!gone.is_empty() && gone.iter().chain(&new).all(|l| l.contains("grace@x.example")), "{gone:?} {new:?}");
}

#[test]
fn reconcile_gives_nothing_that_was_merged_and_not_applied() {
    let world = World::new(TEAM);
    world.direct(&[GRANT]);
    let before = world.dump();
    world.scheduled("reconcile").ended(0);
    assert_eq!(world.dump(), before);
}

#[test]
fn one_issue_tells_of_drift() {
    let world = World::new(TEAM);
    let ran = world.scheduled("drift").ended(0);
    assert_eq!(ran.outputs["drift"], "0");
    assert!(world.hub.known().issues.is_empty());

    by_hand(&world.live(), "UPDATE users SET name = 'Clicked' WHERE email = 'mary@x.example'", 1);
    let ran = world.scheduled("drift").ended(0);
    assert_eq!(ran.outputs["drift"], "1");
    let url = ran.outputs["issue-url"].clone();
    let body = |world: &World| {
        let known = world.hub.known();
        assert_eq!(known.issues.len(), 1);
        (known.issues[0]["state"].as_str().unwrap().to_owned(), known.issues[0]["body"].as_str().unwrap().to_owned())
    };
    has(&body(&world).1, &["mary@x.example"]);

    by_hand(&world.live(), "UPDATE users SET name = 'Clicked too' WHERE email = 'alan@x.example'", 1);
    let ran = world.scheduled("drift").ended(0);
    assert_eq!((ran.outputs["drift"].as_str(), &ran.outputs["issue-url"]), ("2", &url));
    has(&body(&world).1, &["mary@x.example", "alan@x.example"]);

    // What cannot be read may differ still.
    let hidden = world.path("hidden.db");
    std::fs::rename(world.live(), &hidden).unwrap();
    std::fs::write(world.live(), "no database").unwrap();
    world.scheduled("drift").ended(1);
    assert_eq!(body(&world).0, "open");
    std::fs::rename(hidden, world.live()).unwrap();

    by_hand(&world.live(), "UPDATE users SET name = 'Mary' WHERE email = 'mary@x.example'", 1);
    by_hand(&world.live(), "UPDATE users SET name = 'Alan' WHERE email = 'alan@x.example'", 1);
    let ran = world.scheduled("drift").ended(0);
    assert_eq!(ran.outputs["drift"], "0");
    assert_eq!(body(&world).0, "closed");
}
