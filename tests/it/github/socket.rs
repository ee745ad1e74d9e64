//! What only a connection shows: the headers that are sent, those that are read, and what emulate has not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rolecall::github::{API_VERSION, GitHub, GithubError, Slug};
use rolecall::targets::http::Secret;
use serde_json::{Value, json};

const TOKEN: &str = "ghs_canary0123456789";

/// A server that gives these answers, one connection each, and what it was sent.
fn server(answers: Vec<(u16, String, Value)>) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let run = move || {
        let mut asked = Vec::new();
        for (status, headers, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
            let whole = |all: &[u8]| {
                let text = String::from_utf8_lossy(all).to_ascii_lowercase();
                let (head, body) = text.split_once("\r\n\r\n")?;
                let length = head.lines().find_map(|l| l.strip_prefix("content-length:"));
                let length: usize = length.map_or(0, |l| l.trim().parse().unwrap());
                (body.len() >= length).then_some(())
            };
            while whole(&all).is_none() {
                let n = stream.read(&mut buffer).unwrap();
                assert!(n > 0);
                all.extend_from_slice(&buffer[..n]);
            }
            asked.push(String::from_utf8(all).unwrap());
            let body = body.to_string();
            let head =
                format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).unwrap();
        }
        asked
    };
    (addr, std::thread::spawn(run))
}

fn github(addr: SocketAddr) -> GitHub {
    let slug = Slug::parse("acme/access").unwrap();
    GitHub::new(&format!("http://{addr}/api/v3"), &Secret::new(TOKEN), slug).unwrap()
}

fn comment(id: u64) -> Value {
    json!({"id": id, "body": "x", "user": {"login": "a", "type": "User"}, "html_url": "u",
        "created_at": "2026-11-21T12:00:00Z"})
}

#[tokio::test]
async fn headers_are_those_that_github_wants_and_pages_are_followed_on_this_host_alone() {
    let next =
        "link: <https://evil.example/api/v3/repos/acme/access/issues/7/comments?per_page=100&page=2>; rel=\"next\"\r\n";
    let (addr, asked) =
        server(vec![(200, next.into(), json!([comment(1)])), (200, String::new(), json!([comment(2)]))]);
    assert_eq!(github(addr).comments(7).await.unwrap().len(), 2);
    let asked = asked.join().unwrap();
    assert!(asked[1].starts_with("GET /api/v3/repos/acme/access/issues/7/comments?per_page=100&page=2 HTTP/1.1"));
    for one in asked {
        let one = one.to_ascii_lowercase();
        for header in [
            format!("authorization: bearer {TOKEN}"),
            format!("x-github-api-version: {API_VERSION}"),
            "accept: application/vnd.github+json".to_owned(),
            "user-agent: rolecall/".to_owned(),
        ] {
            assert!(one.contains(&header), "{header}: {one}");
        }
    }
}

#[tokio::test]
async fn the_primary_limit_is_waited_for_until_it_begins_anew() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let limit = |at: u64| format!("x-ratelimit-remaining: 0\r\nx-ratelimit-reset: {at}\r\n");
    let said = json!({"message": "API rate limit exceeded for installation ID 1."});
    let (addr, asked) = server(vec![(403, limit(now + 1), said.clone()), (201, String::new(), comment(1))]);
    let start = Instant::now();
    github(addr).comment(7, "text").await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1) && start.elapsed() < Duration::from_secs(20));
    assert_eq!(asked.join().unwrap().len(), 2);
    let (addr, asked) = server(vec![(403, limit(now + 3_000), said)]);
    let error = github(addr).comment(7, "text").await.unwrap_err();
    assert!(matches!(error, GithubError::Limited(_)), "{error}");
    asked.join().unwrap();
}

#[tokio::test]
async fn a_fork_may_only_read_and_no_answer_shows_the_token() {
    let said = json!({"message": format!("Resource not accessible by integration: {TOKEN}")});
    let (addr, asked) = server(vec![(403, String::new(), said)]);
    let error = github(addr).comment(7, "text").await.unwrap_err();
    assert!(matches!(error, GithubError::ReadOnly(_)) && !error.to_string().contains("canary"), "{error}");
    asked.join().unwrap();
}

#[tokio::test]
async fn the_pull_request_that_a_push_has_merged() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let pull = |number: u64, merged: &Value, merge: &str, base: &str| {
        let side = |branch: &str| json!({"sha": "a".repeat(40), "ref": branch, "repo": {"full_name": "acme/access"}});
        json!({"number": number, "state": "closed", "merged_at": merged, "merge_commit_sha": merge,
            "user": {"login": "ana", "type": "User"}, "head": side("x"), "base": side(base), "html_url": "u"})
    };
    let merged = json!("2026-11-21T12:00:00Z");
    let all = json!([
        pull(1, &Value::Null, commit, "main"),
        pull(2, &merged, "another", "main"),
        pull(3, &merged, commit, "release"),
        pull(4, &merged, commit, "main"),
    ]);
    let (addr, asked) = server(vec![(200, String::new(), all), (200, String::new(), json!([]))]);
    let github = github(addr);
    assert_eq!(github.merged_by(commit, "main").await.unwrap().unwrap().number, 4);
    assert_eq!(github.merged_by(commit, "main").await.unwrap(), None);
    assert!(
        asked.join().unwrap()[0]
            .starts_with(&format!("GET /api/v3/repos/acme/access/commits/{commit}/pulls?per_page=100"))
    );
}
