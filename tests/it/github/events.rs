//! Every example that GitHub gives of an event.

use std::collections::BTreeMap;

use rolecall::github::{Context, Event, EventError};
use serde_json::{Value, json};

const HEAD: &str = "0123456789abcdef0123456789abcdef01234567";

fn variables(event: &str, more: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<> {
    let mut all = BTreeMap::from(
        [
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_REPOSITORY", "Codertocat/Hello-World"),
            ("GITHUB_SHA", HEAD),
            ("GITHUB_RUN_ID", "123"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_ACTOR", "Codertocat"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned())),
    );
    all.extend(more.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    move |name| all.get(name).cloned()
}

fn examples(event: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(super::other("events")).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let of = all.into_iter().find(|e| e["name"] == event).unwrap_or_else(|| panic!("no examples of {event}"));
    serde_json::from_value(of["examples"].clone()).unwrap()
}

fn read(event: &str, payload: &Value) -> Context {
    Context::of(&variables(event, &[]), payload).unwrap_or_else(|e| panic!("{event}: {e}"))
}

#[test]
fn every_example_of_a_pull_request() {
    let all = examples("pull_request");
    assert!(all.len() >= 29);
    let mut drafts = 0;
    for payload in &all {
        let context = read("pull_request", payload);
        let Event::PullRequest(pull) = &context.event else { panic!("{context:?}") };
        let told = &payload["pull_request"];
        assert_eq!((pull.number, pull.head.as_str()), (2, told["head"]["sha"].as_str().unwrap()));
        assert_ne!(pull.head, context.sha, "what counts is the head, not the trial merge");
        assert_eq!((pull.base_branch.as_str(), pull.head_branch.as_str()), ("master", "changes"));
        assert_eq!((pull.fork, pull.merged, pull.author.as_deref()), (false, false, Some("Codertocat")));
        assert_eq!(pull.action, payload["action"].as_str().unwrap());
        drafts += u32::from(pull.draft);
    }
    assert_eq!(drafts, 3);
    for payload in examples("pull_request_review") {
        let Event::PullRequest(pull) = read("pull_request_review", &payload).event else { panic!() };
        assert!(pull.review && pull.number > 0);
    }
}

#[test]
fn a_fork_is_another_repository_or_one_that_is_gone() {
    let mut payload = examples("pull_request").remove(0);
    let fork = |payload: &Value| match read("pull_request", payload).event {
        Event::PullRequest(pull) => pull.fork,
        other => panic!("{other:?}"),
    };
    // A repository that is itself a fork has pull requests of its own.
    payload["pull_request"]["head"]["repo"]["fork"] = json!(true);
    payload["pull_request"]["base"]["repo"]["fork"] = json!(true);
    assert!(!fork(&payload));
    payload["pull_request"]["head"]["repo"]["full_name"] = json!("mallory/Hello-World");
    assert!(fork(&payload));
    payload["pull_request"]["head"]["repo"] = Value::Null;
    assert!(fork(&payload));
}

#[test]
fn every_example_of_a_push_a_group_and_a_run() {
    let pushes = examples("push");
    let mut branches = 0;
    for payload in &pushes {
        let Event::Push(push) = read("push", payload).event else { panic!() };
        assert_eq!(push.after.is_none(), payload["deleted"] == true);
        assert_eq!(push.before.is_none(), payload["created"] == true);
        branches += usize::from(push.branch.as_deref() == Some("master"));
    }
    assert!(pushes.len() >= 7 && branches == 2, "{branches} of {}", pushes.len());
    for payload in examples("merge_group") {
        let Event::MergeGroup(group) = read("merge_group", &payload).event else { panic!() };
        assert_eq!((group.number, group.base_branch.as_str()), (Some(104), "main"));
    }
    for payload in examples("workflow_dispatch") {
        let Event::Dispatch(dispatch) = read("workflow_dispatch", &payload).event else { panic!() };
        assert!(dispatch.reference.starts_with("refs/heads/"));
    }
    for payload in examples("workflow_run") {
        let Event::WorkflowRun(run) = read("workflow_run", &payload).event else { panic!() };
        assert_eq!(run.head, payload["workflow_run"]["head_sha"].as_str().unwrap());
        assert_eq!(run.number, None, "none of the examples belongs to a pull request");
    }
}

#[test]
fn the_run_of_a_pull_request_names_it_when_it_is_the_only_one() {
    let mut payload = examples("workflow_run").remove(0);
    let head = payload["workflow_run"]["head_sha"].clone();
    let pull = |number: u64, head: &Value| json!({"number": number, "head": {"sha": head}});
    let mut number = |pulls: Vec<Value>| {
        payload["workflow_run"]["pull_requests"] = json!(pulls);
        match read("workflow_run", &payload).event {
            Event::WorkflowRun(run) => run.number,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(number(vec![pull(7, &head), pull(8, &json!("other"))]), Some(7));
    assert_eq!(number(vec![pull(7, &head), pull(8, &head)]), None);
}

#[test]
fn other_events_are_refused_with_a_reason() {
    for payload in examples("issue_comment") {
        let error = Context::of(&variables("issue_comment", &[]), &payload).unwrap_err();
        assert!(error.to_string().contains("anybody who can comment"), "{error}");
    }
    let error = Context::of(&variables("pull_request_target", &[]), &json!({})).unwrap_err();
    assert!(matches!(error, EventError::Refused(..)));
    let text = std::fs::read_to_string(super::other("events")).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let known =
        ["pull_request", "pull_request_review", "push", "merge_group", "workflow_dispatch", "workflow_run", "schedule"];
    let mut unknown = 0;
    for event in all.iter().map(|e| e["name"].as_str().unwrap()).filter(|e| !known.contains(e)) {
        let error = Context::of(&variables(event, &[]), &json!({})).unwrap_err();
        assert!(error.to_string().contains(event), "{error}");
        unknown += 1;
    }
    assert!(unknown > 40);
}

#[test]
fn what_is_missing_is_named() {
    let payload = examples("pull_request").remove(0);
    for (path, field) in [
        ("/pull_request/head/sha", "pull_request.head.sha"),
        ("/pull_request/number", "pull_request.number"),
        ("/pull_request/base/ref", "pull_request.base.ref"),
    ] {
        for bad in [Value::Null, json!(""), json!([]), json!("--upload-pack=evil; x")] {
            if field == "pull_request.base.ref" && bad.as_str().is_some_and(|t| !t.is_empty()) {
                continue;
            }
            let mut broken = payload.clone();
            *broken.pointer_mut(path).unwrap() = bad;
            let error = Context::of(&variables("pull_request", &[]), &broken).unwrap_err();
            assert!(error.to_string().contains(field), "{error}");
        }
    }
    let error = |variables: &dyn Fn(&str) -> Option<String>| Context::of(variables, &payload).unwrap_err().to_string();
    assert!(error(&variables("pull_request", &[("GITHUB_REPOSITORY", "x")])).contains("owner/name"));
    assert!(error(&|_| None).contains("GITHUB_EVENT_NAME"));
    let evil = variables("pull_request", &[("GITHUB_API_URL", "http://evil.example")]);
    assert!(error(&evil).contains("GITHUB_API_URL"));
    let none = Context::read(&variables("pull_request", &[])).unwrap_err();
    assert_eq!(none, EventError::NoVariable("GITHUB_EVENT_PATH"));
}

#[test]
fn a_server_of_ones_own_and_the_file() {
    let payload = examples("pull_request").remove(0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    std::fs::write(&file, payload.to_string()).unwrap();
    let own = variables(
        "pull_request",
        &[
            ("GITHUB_EVENT_PATH", file.to_str().unwrap()),
            ("GITHUB_API_URL", "https://ghe.example/api/v3/"),
            ("GITHUB_SERVER_URL", "https://ghe.example"),
        ],
    );
    let context = Context::read(&own).unwrap();
    assert_eq!(context.api, "https://ghe.example/api/v3");
    assert_eq!(context.page(), "https://ghe.example/Codertocat/Hello-World");
    assert_eq!(context.run.id, "123/2");
    let page = "https://ghe.example/Codertocat/Hello-World/actions/runs/123/attempts/2";
    assert_eq!(context.run.url.as_deref(), Some(page));
    assert_eq!((context.default_branch.as_deref(), context.public), (Some("master"), Some(true)));
    std::fs::write(&file, "{").unwrap();
    assert!(matches!(Context::read(&own), Err(EventError::File(..))));
    let scheduled = Context::of(&variables("schedule", &[]), &json!({"schedule": "0 6 * * *"})).unwrap();
    assert_eq!(scheduled.event, Event::Schedule("0 6 * * *".into()));
}
