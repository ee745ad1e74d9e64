//! Where a run leaves what it found, and what happens where it may not, or where somebody is in the way.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::hub::refused;
use super::world::{GRANT, GRANTED, TEAM, World};
use crate::common::has;

#[test]
fn a_token_that_only_reads_leaves_the_summary_and_the_outputs() {
    let world = World::new(TEAM);
    let pull = world.open("grace", &[GRANT]);
    let ran = world.plan_with(&pull, &[("ROLECALL_CI_TOKEN", "ghs_read")]).ended(0).says(&["the token may only read"]);
    assert_eq!(ran.outputs["gains"], "1");
    assert!(ran.outputs["plan-digest"].starts_with("sha256:") && !ran.outputs.contains_key("comment-id"));
    has(&ran.summary, &["mary@x.example", &ran.outputs["plan-digest"]]);
    assert!(world.hub.comments(pull.number).is_empty());
    // Without any token nobody tells which pull request it is.
    world.plan_with(&pull, &[("ROLECALL_CI_TOKEN", "")]).ended(1).says(&["there is no token"]);
}

#[test]
fn what_somebody_writes_into_the_comment_is_gone_and_never_believed() {
    let world = World::new(TEAM);
    let pull = world.open("grace", &[GRANT]);
    let planned = world.plan(&pull).ended(0);
    let forged = format!("sha256:{}", "0".repeat(64));
    let edited = {
        let mut known = world.hub.known();
        let comment = &mut known.comments[0].1;
        let text = comment["body"].as_str().unwrap().replace(&planned.outputs["plan-digest"], &forged);
        comment["body"] = json!(text.replace("Approval", "✅ Approved by everybody. Approval"));
        comment["body"].clone()
    };
    has(edited.as_str().unwrap(), &[&forged, "Approved by everybody"]);
    // The same marker, by somebody else.
    let mine = json!({"id": 7, "body": edited, "user": {"login": "mallory", "type": "User"}, "html_url": "u",
        "created_at": "2026-11-21T12:00:00Z"});
    world.hub.known().comments.insert(0, (pull.number, mine));
    let again = world.plan(&pull).ended(0);
    assert_eq!(again.outputs["comment-id"], planned.outputs["comment-id"]);
    assert_eq!(again.outputs["plan-digest"], planned.outputs["plan-digest"]);
    let comments = world.hub.comments(pull.number);
    assert_eq!(comments.len(), 2);
    assert!(!comments[1]["body"].as_str().unwrap().contains("Approved by everybody"));

    // Once more, before the apply: it goes by what was remembered.
    world.hub.known().comments[1].1["body"] = edited;
    world.approve(&pull, "ada");
    world.merge(&pull);
    let ran = world.apply().ended(0);
    assert_eq!(ran.outputs["plan-digest"], planned.outputs["plan-digest"]);
    world.is_live(GRANTED, true);
    let text = world.hub.comments(pull.number)[1]["body"].as_str().unwrap().to_owned();
    assert!(!text.contains(&forged) && text.contains("Applied"), "{text}");
}

#[test]
fn a_comment_that_is_too_long_is_written_shorter() {
    let world = World::new(TEAM);
    let pull = world.open("grace", &[GRANT]);
    let lengths = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lengths);
    // How short is short enough, it does not say.
    world.hub.fault(move |asked| {
        let body =
            asked.body["body"].as_str().filter(|_| asked.method == "POST" && asked.path.ends_with("/comments"))?;
        let mut seen = seen.lock().unwrap();
        seen.push(body.len());
        (seen.len() < 3).then(|| refused(422, "Validation Failed: body is too long (maximum is 65536 characters)"))
    });
    let ran = world.plan(&pull).ended(0);
    let lengths = lengths.lock().unwrap().clone();
    assert!(lengths.len() == 3 && lengths.is_sorted_by(|a, b| a >= b), "{lengths:?}");
    has(&world.hub.comment(pull.number), &[&ran.outputs["plan-digest"]]);
}

#[test]
fn a_limit_is_waited_for_or_said_and_changes_nothing_else() {
    let world = World::new(TEAM);
    let pull = world.open("grace", &[GRANT]);
    // 429 once, with a time.
    let mut left = 1;
    world.hub.fault(move |asked| {
        let hit = asked.writes() && asked.path.ends_with("/comments") && left > 0;
        hit.then(|| {
            left -= 1;
            (429, "retry-after: 1\r\n".into(), json!({"message": "slow down"}))
        })
    });
    world.plan(&pull).ended(0);
    has(&world.hub.comment(pull.number), &["mary@x.example"]);
    // A secondary limit for longer than anybody waits: nothing is published, and the plan is remembered.
    world.hub.fault(|asked| {
        let said = json!({"message": "You have exceeded a secondary rate limit."});
        asked.writes().then(|| (403, "retry-after: 3000\r\n".into(), said))
    });
    let mut other = world.open("alan", &[("name: Mary", "name: Mary Q.")]);
    let ran = world.plan(&other).ended(0).says(&["could not be published", "secondary rate limit"]);
    has(&ran.summary, &["mary@x.example"]);
    other.head.clear();
}

#[test]
fn broken_files_are_a_comment_with_what_is_wrong() {
    let world = World::new(TEAM);
    let pull = world
        .open("grace", &[("grants:\n", "grants:\n  - {to: nobody@x.example, resource: project/none, role: view}\n")]);
    let (compiled, _) = world.compile(&pull);
    let compiled = compiled.ended(1).says(&["::error"]);
    has(&compiled.summary, &["project/none"]);
    // Planned by its own run, of a branch that is trusted.
    let mut start = world.compile_start(&pull, "opened", "unused".as_ref());
    start.command = "plan";
    let ran = world.run(&start).ended(1);
    has(&world.hub.comment(pull.number), &["project/none", "rolecall.yaml"]);
    assert_eq!(world.hub.check("rolecall/plan")["conclusion"], "failure");
    assert_eq!(ran.outputs["blocked"], "true");

    let pull = world.open("grace", &[("grants:\n", "grants: [}\n")]);
    let mut start = world.compile_start(&pull, "opened", "unused".as_ref());
    start.command = "plan";
    world.run(&start).ended(1);
    has(&world.hub.comment(pull.number), &["rolecall.yaml"]);
}

#[test]
fn labels_are_kept_in_step() {
    let world = World::new(TEAM);
    let pull = world.open("grace", &[("mary@x.example: {role: viewer", "mary@x.example: {role: admin")]);
    world.plan_with(&pull, &[("ROLECALL_CI_LABELS", "true")]).ended(0);
    let labels = world.hub.known().labels[&pull.number].join(" ");
    has(&labels, &["admin"]);
}

#[test]
fn names_that_are_markdown_stay_text() {
    let world = World::new(&TEAM.replace("policies:\n", "policies:\n  admins: {required: [ada@x.example]}\n"));
    let hostile =
        r#""**@everyone** <img src=x onerror=alert(1)> [a](javascript:x) `b` | c \u202Egnp.exe ::error::x -->""#;
    let reason = r#""</details> ``` @acme/owners #1 ![x](http://evil.example) ~~~ \n::set-output name=a::b""#;
    // A file whose name is no better.
    let file = "a`b|<img src=x>@all [c](d) \u{202e}.yaml";
    let people = format!(
        "users:\n  eve@x.example: {{role: developer, name: {hostile}}}\nteams:\n  eves: {{description: {hostile}, members: [eve@x.example]}}\n"
    );
    std::fs::write(world.work().join(file), people).unwrap();
    let grant = format!(
        "grants:\n  - {{to: mary@x.example, resource: project/one, role: view, because: {reason}}}\n  - {{to: team/eves, resource: project/one, role: edit, because: {reason}}}\n"
    );
    let pull = world.open("grace", &[("name: Mary", &format!("name: {hostile}")), ("grants:\n", &grant)]);
    let ran = world.plan(&pull).ended(0);
    let log = &ran.output.stdout;
    assert!(!log.lines().any(|l| l.trim_start().starts_with("::set-output") || l.starts_with("::error::x")), "{log}");
    let comment = world.hub.comment(pull.number);
    assert!(!comment.contains('\u{202e}') && !ran.summary.contains('\u{202e}'), "{comment}");
    let main = world.main();
    let shown = comment
        .replace(&pull.head, "HEAD")
        .replace(&pull.head[..7], "HEAD")
        .replace(&main, "BASE")
        .replace(&main[..7], "BASE")
        .replace(&ran.outputs["plan-digest"], "sha256:DIGEST");
    insta::assert_snapshot!("names_that_are_markdown", shown);

    // Until it is applied.
    world.approve(&pull, "ada");
    world.merge(&pull);
    world.apply().ended(0);
    let comment = world.hub.comment(pull.number);
    assert!(comment.contains("Applied") && !comment.contains('\u{202e}'), "{comment}");
}
