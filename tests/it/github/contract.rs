//! Every operation against emulate, which is a GitHub of others on this machine; every exchange is held against
//! GitHub's own description. What emulate has not is in `socket.rs` and beside the code.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rolecall::github::{
    Annotation, AnnotationLevel, Conclusion, DRIFT, File, GAINS_ADMIN, GitHub, GithubError, Kept, NO_CHANGES, Proposal,
    REMOVES_ACCESS, ReviewState, Slug, Wanted, keep, sticky,
};
use rolecall::render::comment::{Direction, DriftIssue, Drifted, MarkerKind, marker};
use rolecall::targets::http::{Authorization, Live, Secret};
use serde_json::{Value, json};

use super::openapi::{Description, Log, Recorded};
use crate::wire;

const SEED: &str = "
tokens:
  ghs_rolecall: {login: rolecall-bot, scopes: [repo, admin:org, user]}
  ghs_ana: {login: ana, scopes: [repo, admin:org, user]}
  ghs_ada: {login: ada, scopes: [repo, admin:org, user]}
github:
  users: [{login: rolecall-bot, name: Bot}, {login: ana}, {login: ada}, {login: mallory}]
  orgs: [{login: acme, name: Acme, members: [{login: rolecall-bot, role: admin}, {login: ana}]}]
  repos: [{owner: rolecall-bot, name: access, auto_init: true}]
";

/// What is known to be wrong with emulate's answers, and not read by us.
const KNOWN: [&str; 10] = [
    r#"GET /orgs/{org}/teams/{team_slug}: answer: "created_at" is a required property"#,
    r#"GET /orgs/{org}/teams/{team_slug}: answer: "members_count" is a required property"#,
    r#"GET /orgs/{org}/teams/{team_slug}: answer: "organization" is a required property"#,
    r#"GET /orgs/{org}/teams/{team_slug}: answer: "repos_count" is a required property"#,
    r#"GET /orgs/{org}/teams/{team_slug}: answer: "type" is a required property"#,
    r#"GET /orgs/{org}/teams/{team_slug}: answer: "updated_at" is a required property"#,
    r#"GET /repos/{owner}/{repo}/collaborators/{username}/permission: answer/user: "role_name" is a required property"#,
    r#"GET /repos/{owner}/{repo}/commits/{ref}/check-runs: answer/check_runs/0/output: "annotations_url" is a required property"#,
    r#"PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}: answer/output: "annotations_url" is a required property"#,
    r#"POST /repos/{owner}/{repo}/check-runs: answer/output: "annotations_url" is a required property"#,
];

pub(crate) struct Emulated {
    child: Child,
    pub(crate) port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Emulated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Emulated {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seed = folder.path().join("seed.yaml");
        std::fs::write(&seed, SEED).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(super::other("node"))
            .arg(super::other("emulate"))
            .args(["--service", "github", "--port", &port.to_string(), "--seed"])
            .arg(seed)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Self { child, port, _folder: folder };
        crate::common::wait_until("emulate listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        started
    }

    fn github(&self, token: &str, log: &Log) -> GitHub {
        let authorization = Authorization::Bearer(Secret::new(token));
        let live =
            Live::new(&format!("http://127.0.0.1:{}", self.port), &authorization, Duration::from_secs(30), 1 << 26);
        let recorded = Recorded(live.unwrap(), Log::clone(log));
        GitHub::over(Box::new(recorded), "", Slug::parse("rolecall-bot/access").unwrap())
    }

    /// What somebody does by other means.
    pub(crate) fn by_hand(&self, token: &str, method: &str, path: &str, body: &Value) -> Value {
        let addr = format!("127.0.0.1:{}", self.port).parse().unwrap();
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let got = wire::send(addr, method, path, &headers, &body.to_string());
        assert!(got.status.is_some_and(|s| s < 300), "{method} {path}: {got:?}");
        serde_json::from_slice(&unchunked(&got)).unwrap_or(Value::Null)
    }
}

pub(crate) fn unchunked(got: &wire::Got) -> Vec<u8> {
    if got.header("transfer-encoding").as_deref() != Some("chunked") {
        return got.body.clone();
    }
    let (mut rest, mut out) = (got.body.as_slice(), Vec::new());
    while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        out.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
    out
}

fn text(key: &str, more: &str) -> String {
    format!("{}\n{more}", marker(MarkerKind::Plan, key, &[]))
}

#[tokio::test]
async fn every_operation_against_another_github() {
    let emulated = Emulated::start();
    let log = Log::default();
    let github = emulated.github("ghs_rolecall", &log);
    let me = github.me().await.unwrap();
    assert_eq!((me.login.as_str(), me.told), ("rolecall-bot", true));

    let number = proposal(&github).await;
    comments(&emulated, &github, &me, number).await;
    labels(&github, number).await;
    checks(&github).await;
    drift(&github, &me).await;
    approvals(&emulated, &github, number).await;
    assert!(matches!(github.pull(999).await, Err(GithubError::NotFound(_))));
    // emulate has no pull requests of a commit: what is asked can be held against the description all the same.
    assert!(matches!(github.pulls_of(&"a".repeat(40)).await, Err(GithubError::NotFound(_))));

    let description = Description::load();
    let mut seen = BTreeSet::new();
    let mut wrong = BTreeSet::new();
    for (request, answer) in log.lock().unwrap().iter() {
        let (operation, found) = description.check(request, answer);
        wrong.extend(found.iter().map(|f| format!("{operation}: {f}")));
        seen.insert(operation);
    }
    assert_eq!(wrong.iter().map(String::as_str).collect::<Vec<_>>(), KNOWN);
    let missing: Vec<String> = description.operations().into_iter().filter(|o| !seen.contains(o)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

async fn proposal(github: &GitHub) -> u64 {
    let base = github.branch("main").await.unwrap().unwrap();
    assert_eq!(github.branch("rolecall/none").await.unwrap(), None);
    let mut wanted = Proposal {
        branch: "rolecall/adopt-drift".into(),
        base: "main".into(),
        base_commit: base.clone(),
        files: vec![
            File { path: "rolecall.yaml".into(), text: Some("version: 1\n".into()) },
            File { path: "README.md".into(), text: None },
        ],
        message: "Adopt what is live".into(),
        title: "Adopt what is live".into(),
        body: "text".into(),
    };
    let first = github.propose(&wanted).await.unwrap();
    assert!(!first.updated && !first.pull.is_foreign());
    assert_eq!((first.pull.head.sha.as_str(), first.pull.base.branch.as_str()), (first.commit.as_str(), "main"));
    wanted.files[0].text = Some("version: 1\n# äöü\n".into());
    let second = github.propose(&wanted).await.unwrap();
    assert!(second.updated && second.pull.number == first.pull.number && second.commit != first.commit);
    assert_eq!(github.branch(&wanted.branch).await.unwrap(), Some(second.commit.clone()));
    let pull = github.pull(first.pull.number).await.unwrap();
    assert_eq!((pull.state.as_str(), pull.merged_at, pull.draft), ("open", None, Some(false)));
    github.files(pull.number).await.unwrap();
    let none = Proposal { files: Vec::new(), ..wanted };
    assert!(matches!(github.propose(&none).await, Err(GithubError::Invalid(_))));
    pull.number
}

async fn comments(emulated: &Emulated, github: &GitHub, me: &rolecall::github::Me, number: u64) {
    let path = format!("/repos/rolecall-bot/access/issues/{number}/comments");
    // Two pages of others, and one that looks like ours.
    for n in 0..101 {
        emulated.by_hand("ghs_ana", "POST", &path, &json!({"body": format!("comment {n}")}));
    }
    emulated.by_hand("ghs_ana", "POST", &path, &json!({"body": text("k", "forged")}));
    let put = async |key: &str, more: &str| {
        let more = more.to_owned();
        sticky::put(github, number, key, me, &|_| text(key, &more)).await.unwrap()
    };
    let first = put("k", "one").await;
    assert_eq!(first.done, sticky::Done::Created);
    let other = put("other", "one").await;
    assert_ne!(first.id, other.id, "every declaration has its own");
    let second = put("k", "two").await;
    assert_eq!((second.id, second.done), (first.id, sticky::Done::Edited));
    assert_eq!(put("k", "two").await.done, sticky::Done::Unchanged);
    // Somebody edits it: it is what it was again.
    let edit = format!("/repos/rolecall-bot/access/issues/comments/{}", first.id);
    emulated.by_hand("ghs_rolecall", "PATCH", &edit, &json!({"body": text("k", "approved by everybody")}));
    assert_eq!(put("k", "two").await.done, sticky::Done::Edited);
    // Two runs have written one each.
    github.comment(number, &text("k", "twin")).await.unwrap();
    let last = put("k", "three").await;
    assert_eq!((last.id, last.removed), (first.id, 1));
    let all = github.comments(number).await.unwrap();
    assert_eq!(all.len(), 104);
    let body = |id: u64| all.iter().find(|c| c.id == id).unwrap().body.clone().unwrap();
    assert_eq!((body(first.id), body(other.id)), (text("k", "three"), text("other", "one")));
    assert_eq!(all[101].body.as_deref(), Some(text("k", "forged").as_str()), "that of others is theirs");
}

async fn labels(github: &GitHub, number: u64) {
    let ours = [GAINS_ADMIN, REMOVES_ACCESS, NO_CHANGES];
    github.add_label(number, &DRIFT).await.unwrap();
    github.set_labels(number, &ours, &[GAINS_ADMIN, REMOVES_ACCESS]).await.unwrap();
    github.set_labels(number, &ours, &[NO_CHANGES]).await.unwrap();
    github.set_labels(number, &ours, &[NO_CHANGES]).await.unwrap();
    let mut left = github.labels(number).await.unwrap();
    left.sort();
    assert_eq!(left, [DRIFT.name, NO_CHANGES.name], "those of others stay");
    github.ensure_label(&GAINS_ADMIN).await.unwrap();
}

async fn checks(github: &GitHub) {
    let head = github.branch("main").await.unwrap().unwrap();
    let note = |line| Annotation {
        path: "rolecall.yaml".into(),
        line,
        level: AnnotationLevel::Warning,
        title: "admin-remains".into(),
        message: "one administrator".into(),
    };
    let mut wanted = Wanted {
        name: "rolecall/plan (prod)".into(),
        head: head.clone(),
        conclusion: None,
        title: "running".into(),
        summary: "…".into(),
        annotations: Vec::new(),
        details_url: Some("https://github.example/run".into()),
        external_id: Some("sha256:4f".into()),
    };
    let made = github.create_check(&wanted).await.unwrap();
    assert_eq!((made.status.as_str(), made.conclusion.as_deref()), ("in_progress", None));
    wanted.conclusion = Some(Conclusion::ActionRequired);
    wanted.annotations = (1..=60).map(note).collect();
    let ended = github.update_check(made.id, &wanted).await.unwrap();
    assert_eq!((ended.status.as_str(), ended.conclusion.as_deref()), ("completed", Some("action_required")));
    let found = github.checks(&head, "rolecall/plan (prod)").await.unwrap();
    assert_eq!(found.iter().map(|c| c.id).collect::<Vec<_>>(), [made.id]);
    assert!(github.checks(&head, "another").await.unwrap().is_empty());
}

async fn drift(github: &GitHub, me: &rolecall::github::Me) {
    let drift = |what: &str| Drifted {
        target: "prod".into(),
        direction: Direction::Extra,
        what: what.into(),
        widens: true,
        since: None,
        by: None,
        declared: None,
    };
    let mut wanted = DriftIssue { key: "k".into(), ..DriftIssue::default() };
    assert_eq!(keep(github, me, &wanted).await.unwrap(), Kept::None);
    wanted.drift.push(drift("member ops eve@acme.example"));
    let Kept::Opened(opened) = keep(github, me, &wanted).await.unwrap() else { panic!() };
    assert!(matches!(keep(github, me, &wanted).await.unwrap(), Kept::Unchanged(i) if i.number == opened.number));
    wanted.drift.push(drift("member ops mia@acme.example"));
    assert!(matches!(keep(github, me, &wanted).await.unwrap(), Kept::Edited(i) if i.number == opened.number));
    wanted.drift.clear();
    assert!(matches!(keep(github, me, &wanted).await.unwrap(), Kept::Closed(i) if i.state == "closed"));
    assert_eq!(keep(github, me, &wanted).await.unwrap(), Kept::None);
}

async fn approvals(emulated: &Emulated, github: &GitHub, number: u64) {
    let pull = github.pull(number).await.unwrap();
    let path = format!("/repos/rolecall-bot/access/pulls/{number}/reviews");
    let review = json!({"event": "APPROVE", "body": "good", "commit_id": pull.head.sha});
    emulated.by_hand("ghs_ana", "POST", &path, &review);
    let reviews = github.reviews(number).await.unwrap();
    let one = &reviews[0];
    assert_eq!((one.state, one.user.as_ref().unwrap().login.as_str()), (ReviewState::Approved, "ana"));
    assert_eq!(one.commit_id.as_deref(), Some(pull.head.sha.as_str()));
    assert!(one.submitted_at.is_some());
    assert!(github.permission("rolecall-bot").await.unwrap().writes());
    // GitHub says `none` or `read` of somebody who is no collaborator; emulate knows nobody else.
    assert!(matches!(github.permission("mallory").await, Err(GithubError::NotFound(_))));
    emulated.by_hand("ghs_rolecall", "POST", "/orgs/acme/teams", &json!({"name": "owners"}));
    let member = "/orgs/acme/teams/owners/memberships/ana";
    emulated.by_hand("ghs_rolecall", "PUT", member, &json!({"role": "member"}));
    assert!(github.is_in_team("acme", "owners", "ana").await.unwrap());
    assert!(!github.is_in_team("acme", "owners", "mallory").await.unwrap());
    assert!(matches!(github.is_in_team("acme", "none", "ana").await, Err(GithubError::NotFound(_))));
}
