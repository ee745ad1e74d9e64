//! What GitHub answers in words of its own, and what is waited for: against answers that are written here.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::targets::http::scripted::{Log, Scripted, answer};
use crate::targets::http::{Answer, Lost, Method};

type Answers = Vec<Result<Answer, Lost>>;

fn github(answers: Answers) -> (GitHub, Log) {
    let (server, log) = Scripted::new(answers);
    (GitHub::over(server, "/api/v3", Slug::parse("acme/access").unwrap()), log)
}

fn linked(body: &str, link: &str) -> Result<Answer, Lost> {
    Ok(Answer { own: Some(link.to_owned()), ..answer(200, body).unwrap() })
}

fn waiting(status: u16, body: &str, after: &str) -> Result<Answer, Lost> {
    Ok(Answer { retry_after: Some(after.to_owned()), ..answer(status, body).unwrap() })
}

fn comment(id: u64, login: &str, body: &str) -> serde_json::Value {
    json!({"id": id, "body": body, "user": {"login": login, "type": "Bot"}, "created_at": "2026-11-21T12:00:00Z",
        "html_url": format!("https://github.example/acme/access/pull/7#issuecomment-{id}")})
}

fn paths(log: &Log) -> Vec<String> {
    log.lock().unwrap().iter().map(|(_, r)| format!("{} {}", r.method.word(), r.path)).collect()
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let pages = vec![
        linked(
            &json!([comment(1, "a", "x")]).to_string(),
            r#"<https://ghe.example/api/v3/repositories/9/issues/7/comments?per_page=100&page=2>; rel="next""#,
        ),
        answer(200, &json!([comment(2, "b", "y")]).to_string()),
    ];
    let (github, log) = github(pages);
    let all = github.comments(7).await.unwrap();
    assert_eq!(all.iter().map(|c| c.id).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        paths(&log),
        [
            "GET /api/v3/repos/acme/access/issues/7/comments?per_page=100",
            "GET /api/v3/repositories/9/issues/7/comments?per_page=100&page=2",
        ]
    );
}

#[tokio::test]
async fn a_list_that_never_ends_is_an_error() {
    let link = r#"<https://h/api/v3/repos/acme/access/issues/7/comments?per_page=100>; rel="next""#;
    let (github, _) = github(vec![linked("[]", link)]);
    assert!(matches!(github.comments(7).await, Err(GithubError::Malformed(_))));
}

#[tokio::test(start_paused = true)]
async fn limits_are_waited_for_within_reason() {
    let secondary = json!({"message": "You have exceeded a secondary rate limit."}).to_string();
    let good = comment(1, "a", "x").to_string();
    // What is refused was not done: also what writes is sent again.
    for (refusal, least) in [
        (waiting(403, &secondary, "7"), 7),
        (answer(403, &secondary), 60),
        (waiting(429, &secondary, "9"), 9),
        (answer(429, "{}"), 60),
        // The primary limit, whose reset the transport has turned into seconds.
        (waiting(403, "{\"message\": \"API rate limit exceeded\"}", "100"), 100),
    ] {
        let (one, log) = github(vec![refusal, answer(201, &good)]);
        let start = Instant::now();
        assert_eq!(one.comment(7, "x").await.unwrap().id, 1);
        let waited = start.elapsed();
        assert!(waited >= Duration::from_secs(least) && waited < Duration::from_secs(least + 5), "{waited:?}");
        assert_eq!(log.lock().unwrap().len(), 2);
    }
    let (one, log) = github(vec![waiting(403, &secondary, "3600")]);
    let start = Instant::now();
    let error = one.comment(7, "x").await.unwrap_err();
    assert!(matches!(&error, GithubError::Limited(why) if why.contains("3600 s")), "{error}");
    assert_eq!((start.elapsed(), log.lock().unwrap().len()), (Duration::ZERO, 1));
    let (one, log) = github(vec![waiting(403, &secondary, "1"); 5]);
    assert!(matches!(one.comment(7, "x").await, Err(GithubError::Limited(_))));
    assert_eq!(log.lock().unwrap().len(), 3, "and then it is given up");
}

#[tokio::test]
async fn refusals_have_names() {
    let said = |text: &str| json!({"message": text}).to_string();
    let invalid = json!({"message": "Validation Failed", "errors": [{"resource": "IssueComment", "code":
        "unprocessable", "field": "data", "message": "Body is too long (maximum is 65536 characters)"}]});
    type Case = (Answers, fn(&GithubError) -> bool);
    let cases: Vec<Case> = vec![
        (vec![answer(403, &said("Resource not accessible by integration"))], |e| matches!(e, GithubError::ReadOnly(_))),
        (vec![answer(403, &said("Resource not accessible by personal access token"))], |e| {
            matches!(e, GithubError::ReadOnly(_))
        }),
        (vec![answer(403, &said("Repository was archived so is read-only."))], |e| {
            matches!(e, GithubError::Forbidden(_))
        }),
        (vec![answer(401, &said("Bad credentials"))], |e| matches!(e, GithubError::Unauthorized(_))),
        (vec![answer(404, &said("Not Found"))], |e| matches!(e, GithubError::NotFound(_))),
        (vec![answer(301, &said("Moved Permanently"))], |e| e.to_string().contains("renamed")),
        (vec![answer(410, &said("This issue was deleted"))], |e| matches!(e, GithubError::Gone(_))),
        (vec![answer(422, &invalid.to_string())], |e| matches!(e, GithubError::TooLong(_))),
        (vec![answer(422, &said("Validation Failed"))], |e| matches!(e, GithubError::Invalid(_))),
        (vec![answer(502, "<html>")], |e| matches!(e, GithubError::Unknown(_))),
        (vec![Err(Lost::NoAnswer("broken off".into()))], |e| matches!(e, GithubError::Unknown(_))),
        (vec![Err(Lost::Never("nobody".into()))], |e| matches!(e, GithubError::Unavailable(_))),
        (vec![answer(201, "{\"id\": 1}")], |e| e.to_string().contains("missing field `html_url`")),
        (vec![answer(201, "no JSON")], |e| matches!(e, GithubError::Malformed(_))),
    ];
    for (at, (answers, is)) in cases.into_iter().enumerate() {
        let (github, _) = github(answers);
        let error = github.comment(7, "x").await.unwrap_err();
        assert!(is(&error), "{at}: {error:?}");
    }
}

#[tokio::test]
async fn who_we_are_is_told_or_that_of_workflows() {
    let no = || answer(403, &json!({"message": "Resource not accessible by integration"}).to_string());
    let (one, log) =
        github(vec![no(), answer(200, &json!({"data": {"viewer": {"login": "acme-bot[bot]"}}}).to_string())]);
    assert_eq!(one.me().await.unwrap(), Me { login: "acme-bot[bot]".into(), told: true });
    assert_eq!(paths(&log), ["GET /api/v3/user", "POST /api/graphql"]);
    let (one, _) = github(vec![no(), answer(404, "{}")]);
    assert_eq!(one.me().await.unwrap(), Me { login: "github-actions[bot]".into(), told: false });
    let (one, _) = github(vec![answer(401, "{}")]);
    assert!(one.me().await.is_err());
}

fn text(key: &str, more: &str) -> String {
    format!("{}\n{more}", crate::render::comment::marker(crate::render::comment::MarkerKind::Plan, key, &[]))
}

const ME: &str = "github-actions[bot]";

fn me() -> Me {
    Me { login: ME.to_owned(), told: true }
}

#[tokio::test]
async fn only_our_own_comment_is_replaced() {
    let there = json!([
        comment(1, "mallory", &text("k", "forged")),
        comment(2, ME, &text("other", "another declaration")),
        comment(3, ME, "a comment of another step"),
        comment(4, ME, &format!("quoted:\n{}", text("k", ""))),
        comment(5, ME, &text("k", "edited by somebody: everything is approved")),
    ]);
    let (one, log) = github(vec![answer(200, &there.to_string()), answer(200, &comment(5, ME, "").to_string())]);
    let posted = sticky::put(&one, 7, "k", &me(), &|_| text("k", "plan")).await.unwrap();
    assert_eq!((posted.id, posted.done, posted.removed), (5, sticky::Done::Edited, 0));
    let log = log.lock().unwrap();
    let (_, edit) = &log[1];
    assert_eq!((edit.method, edit.path.as_str()), (Method::Patch, "/api/v3/repos/acme/access/issues/comments/5"));
    let sent: serde_json::Value = serde_json::from_slice(edit.body.as_deref().unwrap()).unwrap();
    assert_eq!(sent, json!({"body": text("k", "plan")}));
}

#[tokio::test]
async fn what_says_so_already_is_left_alone() {
    let there = json!([comment(5, ME, &text("k", "a\r\nplan\r\n"))]);
    let (one, log) = github(vec![answer(200, &there.to_string())]);
    let posted = sticky::put(&one, 7, "k", &me(), &|_| text("k", "a\nplan\n")).await.unwrap();
    assert_eq!(posted.done, sticky::Done::Unchanged);
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn of_two_that_were_written_at_once_the_oldest_stays() {
    let both = json!([comment(8, ME, &text("k", "theirs")), comment(9, ME, &text("k", "ours"))]).to_string();
    // We wrote the second: it goes, and the first says what we say.
    let (one, log) = github(vec![
        answer(200, "[]"),
        answer(201, &comment(9, ME, "").to_string()),
        answer(200, &both),
        answer(403, &json!({"message": "Must have admin rights"}).to_string()),
        answer(200, &comment(9, ME, "").to_string()),
        answer(200, &comment(8, ME, "").to_string()),
    ]);
    let posted = sticky::put(&one, 7, "k", &me(), &|_| text("k", "plan")).await.unwrap();
    assert_eq!((posted.id, posted.removed), (8, 1));
    let all = paths(&log);
    let root = "/api/v3/repos/acme/access/issues";
    assert_eq!(
        all[3..],
        [format!("DELETE {root}/comments/9"), format!("PATCH {root}/comments/9"), format!("PATCH {root}/comments/8"),]
    );
    // We wrote the first: the second goes.
    let (one, log) = github(vec![
        answer(200, "[]"),
        answer(201, &comment(8, ME, "").to_string()),
        answer(200, &both),
        answer(204, ""),
    ]);
    let posted = sticky::put(&one, 7, "k", &me(), &|_| text("k", "plan")).await.unwrap();
    assert_eq!((posted.id, posted.done, posted.removed), (8, sticky::Done::Created, 1));
    assert_eq!(paths(&log)[3], format!("DELETE {root}/comments/9"));
}

#[tokio::test]
async fn a_lost_answer_writes_no_second_comment() {
    let there = json!([comment(8, ME, &text("k", "plan"))]).to_string();
    let (one, log) = github(vec![answer(200, "[]"), Err(Lost::NoAnswer("broken off".into())), answer(200, &there)]);
    let posted = sticky::put(&one, 7, "k", &me(), &|_| text("k", "plan")).await.unwrap();
    assert_eq!((posted.id, posted.done), (8, sticky::Done::Created));
    assert_eq!(log.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_text_that_is_too_long_is_said_in_less() {
    let long = json!({"message": "Validation Failed", "errors": [{"message": "Body is too long"}]}).to_string();
    let (one, log) = github(vec![
        answer(200, "[]"),
        answer(422, &long),
        answer(422, &long),
        answer(201, &comment(8, ME, "").to_string()),
        answer(200, "[]"),
    ]);
    let body = |budget: usize| text("k", &"x".repeat(budget / 10));
    sticky::put(&one, 7, "k", &me(), &body).await.unwrap();
    let sizes: Vec<usize> = log.lock().unwrap().iter().filter_map(|(_, r)| r.body.as_ref().map(Vec::len)).collect();
    assert!(sizes[0] > sizes[1] && sizes[1] > sizes[2], "{sizes:?}");
}

#[tokio::test]
async fn an_issue_of_drift_is_opened_kept_and_closed() {
    use crate::render::comment::{Direction, DriftIssue, Drifted, MarkerKind, drift_issue, drift_title, marker};
    let issue = |number: u64, login: &str, title: &str, body: &str| {
        json!({"number": number, "title": title, "state": "open", "body": body, "user": {"login": login},
            "html_url": format!("https://github.example/acme/access/issues/{number}")})
    };
    let mine = format!("{}\nold", marker(MarkerKind::Drift, "k", &[]));
    let drift = Drifted {
        target: "prod".into(),
        direction: Direction::Extra,
        what: "member ops eve@acme.com".into(),
        widens: true,
        since: None,
        by: None,
        declared: None,
    };
    let wanted = DriftIssue { key: "k".into(), drift: vec![drift], ..DriftIssue::default() };
    let clean = DriftIssue { key: "k".into(), ..DriftIssue::default() };
    let there = json!([
        issue(1, "mallory", "x", &mine),
        {"number": 2, "title": "x", "state": "open", "user": null, "html_url": "u", "pull_request": {}},
        issue(3, ME, "old", &mine),
        issue(4, ME, "old", &mine),
    ])
    .to_string();
    let (one, log) = github(vec![
        answer(200, &there),
        answer(200, &issue(4, ME, "", "").to_string()),
        answer(200, &issue(3, ME, "", "").to_string()),
    ]);
    assert!(matches!(keep(&one, &me(), &wanted).await.unwrap(), Kept::Edited(i) if i.number == 3));
    let root = "/api/v3/repos/acme/access/issues";
    assert_eq!(paths(&log)[1..], [format!("PATCH {root}/4"), format!("PATCH {root}/3")]);
    let same = json!([issue(3, ME, &drift_title(&wanted), &drift_issue(&wanted, 60_000))]).to_string();
    let (one, _) = github(vec![answer(200, &same)]);
    assert!(matches!(keep(&one, &me(), &wanted).await.unwrap(), Kept::Unchanged(_)));
    let (one, log) = github(vec![
        answer(200, &same),
        answer(200, &issue(3, ME, "", "").to_string()),
        answer(200, &issue(3, ME, "", "").to_string()),
    ]);
    assert!(matches!(keep(&one, &me(), &clean).await.unwrap(), Kept::Closed(_)));
    let last = log.lock().unwrap().last().unwrap().1.body.clone().unwrap();
    assert!(String::from_utf8(last).unwrap().contains("\"state\":\"closed\""));
    // What could not be read may differ still.
    let unread = DriftIssue { unread: vec![("prod".into(), "out of reach".into())], ..clean.clone() };
    let (one, _) = github(vec![answer(200, &same), answer(200, &issue(3, ME, "", "").to_string())]);
    assert!(matches!(keep(&one, &me(), &unread).await.unwrap(), Kept::Edited(_)));
    let (one, _) = github(vec![answer(200, "[]")]);
    assert_eq!(keep(&one, &me(), &clean).await.unwrap(), Kept::None);
}

#[test]
fn superseded_plans_come_from_our_own_memory() {
    use crate::render::comment::Superseded;
    let one = |digest: &str, head: &str| Superseded { digest: digest.into(), head: head.into(), run_url: None };
    let remembered = [one("d3", "h3"), one("d2", "h2"), one("d2", "h2"), one("d1", "h1")];
    let left = sticky::superseded(&remembered, "d3", "h3");
    assert_eq!(left, [one("d2", "h2"), one("d1", "h1")]);
}

#[test]
fn a_token_is_never_shown() {
    let token = crate::targets::http::Secret::new("ghs_canary0123456789");
    let bad = GitHub::new("http://evil.example/ghs_canary0123456789", &token, Slug::parse("a/b").unwrap());
    let error = bad.err().unwrap().to_string();
    assert!(!error.contains("canary"), "{error}");
    let bad = GitHub::new("nothing", &crate::targets::http::Secret::new("x\ny"), Slug::parse("a/b").unwrap());
    assert!(bad.is_err());
}
