//! What is sent again and what is not, what is waited for, and what a recording holds.

use std::path::Path;
use std::time::Duration;

use super::scripted::{Scripted, answer};
use super::*;

const JSON: &str = "application/json";

fn get(path: &str) -> Request {
    Request::new(Method::Get, path, JSON)
}

fn post() -> Request {
    Request::new(Method::Post, "/things", JSON).json(&serde_json::json!({"a": 1}))
}

fn throttled(after: Option<&str>) -> Result<Answer, Lost> {
    Ok(Answer { status: 429, retry_after: after.map(str::to_owned), ..Answer::default() })
}

fn lost() -> Result<Answer, Lost> {
    Err(Lost::NoAnswer("reset".to_owned()))
}

async fn send(
    request: Request,
    answers: Vec<Result<Answer, Lost>>,
) -> (Result<Answer, TargetError>, Vec<Duration>, u64) {
    let (server, log) = Scripted::new(answers);
    let client = Client::new(server, Limits::default());
    let start = Instant::now();
    let result = client.send(&request).await;
    let times = log.lock().unwrap().iter().map(|(at, _)| *at - start).collect();
    (result, times, client.sent())
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_sent_again() {
    for first in [answer(500, ""), answer(502, ""), answer(503, ""), answer(504, ""), lost()] {
        let (result, times, sent) = send(get("/x"), vec![first, answer(200, "{}")]).await;
        assert_eq!(result.unwrap().status, 200);
        assert_eq!((times.len(), sent), (2, 2));
        assert!(times[1] >= Duration::from_millis(125) && times[1] <= Duration::from_millis(250));
    }
}

#[tokio::test(start_paused = true)]
async fn it_ends_at_the_last_attempt() {
    let (result, times, _) = send(get("/x"), (0..9).map(|_| answer(500, "")).collect()).await;
    assert_eq!(result.unwrap().status, 500, "the caller may know what to do about it");
    assert_eq!(times.len(), 5);
    let (result, ..) = send(get("/x"), (0..9).map(|_| lost()).collect()).await;
    assert!(matches!(result, Err(TargetError::Unavailable(_))));
    let (result, ..) = send(get("/x"), (0..9).map(|_| throttled(None)).collect()).await;
    assert!(matches!(result, Err(TargetError::Throttled(_))));
}

#[tokio::test(start_paused = true)]
async fn what_writes_is_not_sent_again() {
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        let request = Request { method, ..post() };
        let (result, times, _) = send(request.clone(), vec![lost(), answer(200, "{}")]).await;
        assert!(matches!(result, Err(TargetError::Unknown(_))), "{result:?}");
        assert_eq!(times.len(), 1);
        let (result, times, _) = send(request, vec![answer(503, ""), answer(200, "{}")]).await;
        assert_eq!((result.unwrap().status, times.len()), (503, 1), "it may have been done all the same");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_never_sent_or_refused_for_want_of_room_is() {
    let not_sent = || Err(Lost::NotSent("refused".to_owned()));
    let (result, times, _) = send(post(), vec![not_sent(), throttled(Some("7")), answer(201, "{}")]).await;
    assert_eq!((result.unwrap().status, times.len()), (201, 3));
    assert_eq!(times[2] - times[1], Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let (result, times, _) = send(get("/x"), vec![throttled(Some("86400")), answer(200, "{}")]).await;
    let error = result.unwrap_err();
    assert!(matches!(&error, TargetError::Throttled(why) if why.contains("86400 s")), "{error}");
    assert_eq!(times.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_holds_the_others() {
    let (server, log) = Scripted::new(vec![throttled(Some("30")), answer(200, ""), answer(200, "")]);
    let client = Client::new(server, Limits { concurrency: 1, ..Limits::default() });
    let start = Instant::now();
    let (one, other) = (get("/1"), get("/2"));
    let (a, b) = tokio::join!(client.send(&one), client.send(&other));
    assert!(a.is_ok() && b.is_ok());
    let times: Vec<u64> = log.lock().unwrap().iter().map(|(at, _)| (*at - start).as_secs()).collect();
    assert_eq!(times.iter().filter(|t| **t >= 30).count(), 2, "{times:?}");
}

#[tokio::test]
async fn answers_that_are_too_large_are_malformed() {
    let (result, ..) = send(get("/x"), vec![Err(Lost::TooLarge(1 << 20))]).await;
    assert!(matches!(result, Err(TargetError::Malformed(_))));
    let (result, ..) = send(post(), vec![Err(Lost::TooLarge(1 << 20))]).await;
    assert!(matches!(result, Err(TargetError::Unknown(_))));
}

fn text_of(folder: &Path) -> String {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect()
}

#[tokio::test]
async fn a_recording_answers_again_and_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let token = Authorization::Bearer(Secret::new("canary-token-1"));
    let script = vec![
        answer(200, r#"{"n": 1, "echo": "canary-token-1", "password": "canary-2"}"#),
        lost(),
        answer(200, r#"{"n": 2}"#),
        answer(404, "plain text"),
    ];
    let (server, _) = Scripted::new(script);
    let recorder = Recorder::new(server, folder.path(), Scrubber::new(&token)).unwrap();
    let requests = [get("/a?t=canary-token-1"), get("/a"), get("/a"), post()];
    for request in &requests {
        drop(recorder.send(request).await);
    }
    let text = text_of(folder.path());
    assert!(!text.contains("canary"), "{text}");
    assert!(text.contains("***"));

    let replayer = Replayer::new(folder.path()).unwrap();
    let again = |request: Request| {
        let replayer = &replayer;
        async move { replayer.send(&request).await }
    };
    assert_eq!(again(get("/a?t=***")).await.unwrap().json().unwrap()["n"], 1);
    assert!(matches!(again(get("/a")).await, Err(Lost::NoAnswer(_))));
    for _ in 0..3 {
        assert_eq!(again(get("/a")).await.unwrap().json().unwrap()["n"], 2);
    }
    let plain = again(post()).await.unwrap();
    assert_eq!((plain.status, plain.body.as_slice()), (404, b"plain text".as_slice()));
    assert!(matches!(again(get("/b")).await, Err(Lost::Never(_))));
    let other = Recorder::new(Scripted::new(vec![]).0, folder.path(), Scrubber::new(&token));
    assert!(matches!(other.err(), Some(RecordError::NotEmpty(_))), "a recording is not mixed with another");
}
