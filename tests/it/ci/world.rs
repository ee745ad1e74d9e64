//! What a flow happens in: a remote, the clone of whoever writes, a GitHub, a live system, and the clock.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rolecall::model::Moment;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::hub::Hub;
use crate::common::{self, Output, has};

/// Nobody but the owner of something says who gets to it.
pub const TEAM: &str = "users:
  ada@x.example: {role: admin, handles: {github: ada}}
  grace@x.example: {role: developer, name: Grace, handles: {github: grace}}
  mary@x.example: {role: viewer, name: Mary, handles: {github: mary}}
  alan@x.example: {role: developer, name: Alan, handles: {github: alan}}
teams:
  data: {lead: ada@x.example, members: [ada@x.example, grace@x.example]}
  ops: {members: [ada@x.example]}
resources:
  project/one: {owner: ada@x.example, visibility: restricted, access: {edit: [team/data]}}
  project/two: {owner: ada@x.example, visibility: restricted}
policies:
  approval:
    - {for: any, by: owner}
grants:
  - {to: alan@x.example, resource: project/two, role: view}
";

/// What a pull request of this module adds, unless it says otherwise.
pub const GRANT: (&str, &str) = ("grants:\n", "grants:\n  - {to: mary@x.example, resource: project/one, role: view}\n");

/// What the live system says of it.
pub const GRANTED: &str = "grant project/one | mary@x.example | - | Integer(0) | view | - | -";

/// The store of every run.
pub const STORE: &str = "git:rolecall-store";

pub struct World {
    folder: TempDir,
    pub hub: Hub,
    /// Seconds since the world began; none where the clock is the real one.
    clock: Option<Cell<i64>>,
    count: Cell<u64>,
    /// The main branch before the pushes that no apply has seen.
    before: RefCell<String>,
}

/// A pull request.
#[derive(Debug, Clone)]
pub struct Pull {
    pub number: u64,
    pub branch: String,
    pub head: String,
    pub author: String,
    /// The trial merge that its own run checks out.
    pub trial: String,
    pub fork: bool,
}

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    pub output: Output,
    pub outputs: BTreeMap<String, String>,
    pub summary: String,
}

impl Ran {
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.output.code, Some(code), "{}\n--- summary\n{}", self.output.text(), self.summary);
        self
    }

    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        has(&self.output.text(), texts);
        self
    }
}

/// A run to be.
pub struct Start<'a> {
    pub command: &'a str,
    pub at: PathBuf,
    pub event: &'a str,
    pub payload: Value,
    pub sha: String,
    pub actor: String,
    pub env: Vec<(&'a str, String)>,
}

impl World {
    /// A declaration that is live, with one target in a file.
    pub fn new(rest: &str) -> Self {
        Self::begin(rest, None, false)
    }

    /// The same behind emulate, by the real clock.
    pub fn behind(rest: &str, emulate: u16) -> Self {
        Self::begin(rest, Some(emulate), true)
    }

    fn begin(rest: &str, upstream: Option<u16>, real: bool) -> Self {
        let world = Self {
            folder: tempfile::Builder::new().prefix("rolecall-ci-").tempdir().unwrap(),
            hub: Hub::start(upstream),
            clock: (!real).then(|| Cell::new(0)),
            count: Cell::new(1),
            before: RefCell::default(),
        };
        let live = world.live();
        fs::create_dir_all(world.path("home")).unwrap();
        git(world.folder.path(), &["init", "-q", "--bare", "remote.git"]);
        git(world.folder.path(), &["init", "-q", "work"]);
        git(&world.work(), &["remote", "add", "origin", world.path("remote.git").to_str().unwrap()]);
        let text = format!(
            "version: 1
targets:
  home: {{provider: directory, url: 'sqlite:{}', catalogue: strongly, manage: authoritative}}
{rest}",
            live.display()
        );
        fs::write(world.work().join("rolecall.yaml"), text).unwrap();
        world.commit("begin");
        git(&world.work(), &["push", "-q", "origin", "main"]);
        let done = world.plain(&world.work(), &["apply", "--auto-approve"]);
        assert_eq!(done.code, Some(0), "{}", done.text());
        world.seen();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    pub fn live(&self) -> PathBuf {
        self.path("live.db")
    }

    /// What is live.
    pub fn dump(&self) -> Vec<String> {
        common::dump(&self.live())
    }

    #[track_caller]
    pub fn is_live(&self, line: &str, is: bool) {
        let dump = self.dump();
        assert_eq!(dump.iter().any(|l| l == line), is, "{line}\n{}", dump.join("\n"));
    }

    pub fn now(&self) -> Option<String> {
        let at = self.clock.as_ref()?.get();
        Some(Moment::from_second(common::now().second() + at).to_string())
    }

    /// Time goes by.
    pub fn later(&self, seconds: i64) {
        if let Some(clock) = &self.clock {
            clock.set(clock.get() + seconds);
        }
    }

    fn next(&self) -> u64 {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }

    /// Another command of rolecall.
    pub fn plain(&self, at: &Path, args: &[&str]) -> Output {
        Output::of(self.command(at, args).output().unwrap())
    }

    fn command(&self, at: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
        command.args(args).current_dir(at).env_clear().stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.envs(self.env());
        command
    }

    /// The variables of every run.
    pub fn env(&self) -> BTreeMap<String, String> {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut all = BTreeMap::new();
        let mut set = |name: &str, value: String| drop(all.insert(name.to_owned(), value));
        set("PATH", path);
        set("HOME", self.path("home").display().to_string());
        set("NO_COLOR", "1".into());
        set("ROLECALL_STORE", STORE.into());
        set("HOSTNAME", "runner-1".into());
        set("GIT_CONFIG_NOSYSTEM", "1".into());
        if let Some(now) = self.now() {
            set("ROLECALL_NOW", now);
        }
        all
    }

    /// The variables that GitHub sets for a run.
    pub fn github_env(&self, start: &Start<'_>) -> BTreeMap<String, String> {
        let id = self.next();
        let event = self.path(&format!("event-{id}.json"));
        fs::write(&event, start.payload.to_string()).unwrap();
        let mut all = self.env();
        let mut set = |name: &str, value: String| drop(all.insert(name.to_owned(), value));
        set("GITHUB_ACTIONS", "true".into());
        set("GITHUB_EVENT_NAME", start.event.into());
        set("GITHUB_EVENT_PATH", event.display().to_string());
        set("GITHUB_REPOSITORY", "acme/access".into());
        set("GITHUB_SHA", start.sha.clone());
        set("GITHUB_API_URL", format!("http://{}", self.hub.addr));
        set("GITHUB_SERVER_URL", "https://github.example".into());
        set("GITHUB_RUN_ID", id.to_string());
        set("GITHUB_RUN_ATTEMPT", "1".into());
        set("GITHUB_ACTOR", start.actor.clone());
        all
    }

    /// A run of `rolecall ci` without the action.
    pub fn run(&self, start: &Start<'_>) -> Ran {
        let (mut command, left) = self.prepared(start);
        let output = Output::of(command.output().unwrap());
        ran(&left, output)
    }

    /// The same, not started yet, and where it leaves what it writes.
    pub fn prepared(&self, start: &Start<'_>) -> (Command, PathBuf) {
        let left = self.path(&format!("left-{}", self.next()));
        fs::create_dir_all(&left).unwrap();
        let mut command = self.command(&start.at, &["ci", start.command]);
        command.envs(self.github_env(start)).env("RUNNER_TEMP", &left);
        command.env("GITHUB_OUTPUT", left.join("output")).env("GITHUB_STEP_SUMMARY", left.join("summary"));
        command.env("ROLECALL_CI_TOKEN", "ghs_rolecall").env("ROLECALL_LOCK_TIMEOUT", "30s");
        command.envs(start.env.iter().map(|(k, v)| (*k, v.as_str())));
        (command, left)
    }

    /// A clone, at a commit.
    pub fn checkout(&self, reference: &str) -> PathBuf {
        let at = self.path(&format!("checkout-{}", self.next()));
        git(self.folder.path(), &["clone", "-q", "remote.git", at.to_str().unwrap()]);
        git(&at, &["fetch", "-q", "origin", reference]);
        git(&at, &["checkout", "-q", "--detach", "FETCH_HEAD"]);
        at
    }

    fn commit(&self, message: &str) -> String {
        git(&self.work(), &["add", "-A"]);
        git(&self.work(), &["commit", "-q", "-m", message]);
        git(&self.work(), &["rev-parse", "HEAD"])
    }

    pub fn main(&self) -> String {
        git(&self.path("remote.git"), &["rev-parse", "main"])
    }

    /// An apply has seen everything until now.
    fn seen(&self) {
        *self.before.borrow_mut() = self.main();
    }

    /// Replaces texts that stand in the declaration exactly once.
    #[track_caller]
    pub fn edit(&self, edits: &[(&str, &str)]) {
        let path = self.work().join("rolecall.yaml");
        let mut text = fs::read_to_string(&path).unwrap();
        for (from, to) in edits {
            assert_eq!(text.matches(from).count(), 1, "`{from}`");
            text = text.replace(from, to);
        }
        fs::write(path, text).unwrap();
    }

    /// A push to the main branch without a pull request.
    #[track_caller]
    pub fn direct(&self, edits: &[(&str, &str)]) -> String {
        git(&self.work(), &["checkout", "-q", "main"]);
        self.edit(edits);
        let commit = self.commit("directly");
        git(&self.work(), &["push", "-q", "origin", "main"]);
        commit
    }

    /// Opens a pull request.
    #[track_caller]
    pub fn open(&self, author: &str, edits: &[(&str, &str)]) -> Pull {
        self.open_as(author, edits, false, None)
    }

    #[track_caller]
    pub fn open_as(&self, author: &str, edits: &[(&str, &str)], fork: bool, number: Option<u64>) -> Pull {
        let number = number.unwrap_or_else(|| self.next());
        let branch = format!("change-{number}");
        git(&self.work(), &["checkout", "-q", "-B", &branch, "main"]);
        let author = author.to_owned();
        let mut pull = Pull { number, branch, head: String::new(), author, trial: String::new(), fork };
        self.push(&mut pull, edits);
        pull
    }

    /// Pushes to a pull request.
    #[track_caller]
    pub fn push(&self, pull: &mut Pull, edits: &[(&str, &str)]) {
        git(&self.work(), &["checkout", "-q", &pull.branch]);
        self.edit(edits);
        pull.head = self.commit("a change");
        self.pushed(pull);
    }

    /// Replaces the only commit of a pull request.
    #[track_caller]
    pub fn force_push(&self, pull: &mut Pull, edits: &[(&str, &str)]) {
        git(&self.work(), &["checkout", "-q", &pull.branch]);
        git(&self.work(), &["reset", "-q", "--hard", "main"]);
        self.push(pull, edits);
    }

    /// What GitHub does with a push: the trial merge, and what it says of the pull request.
    fn pushed(&self, pull: &mut Pull) {
        let (work, number) = (self.work(), pull.number);
        git(&work, &["push", "-q", "-f", "origin", &pull.branch, &format!("{}:refs/pull/{number}/head", pull.branch)]);
        git(&work, &["checkout", "-q", "--detach", "main"]);
        git(&work, &["merge", "-q", "--no-ff", "-m", "trial", &pull.head]);
        pull.trial = git(&work, &["rev-parse", "HEAD"]);
        git(&work, &["push", "-q", "-f", "origin", &format!("HEAD:refs/pull/{number}/merge")]);
        git(&work, &["checkout", "-q", "main"]);
        let mut known = self.hub.known();
        let commits = git(&work, &["rev-list", &format!("main..{}", pull.head)]);
        known.commits.insert(number, commits.lines().map(str::to_owned).collect());
        let of = if pull.fork { "stranger/access" } else { "acme/access" };
        let told = json!({"number": number, "state": "open", "draft": false, "merged_at": null,
            "merge_commit_sha": pull.trial, "user": {"login": pull.author, "type": "User"},
            "head": {"sha": pull.head, "ref": pull.branch, "repo": {"full_name": of}},
            "base": {"sha": self.main(), "ref": "main", "repo": {"full_name": "acme/access"}},
            "html_url": format!("https://github.example/acme/access/pull/{number}")});
        known.pulls.insert(number, told);
    }

    /// The run of the pull request itself: compiles it.
    pub fn compile_start(&self, pull: &Pull, action: &str, out: &Path) -> Start<'static> {
        Start {
            command: "compile",
            at: self.checkout(&format!("refs/pull/{}/merge", pull.number)),
            event: "pull_request",
            payload: self.pull_event(pull, action),
            sha: pull.trial.clone(),
            actor: pull.author.clone(),
            env: vec![("ROLECALL_CI_OUT", out.display().to_string())],
        }
    }

    pub fn compile(&self, pull: &Pull) -> (Ran, PathBuf) {
        let out = self.path(&format!("compiled-{}.json", self.next()));
        let start = self.compile_start(pull, "synchronize", &out);
        (self.run(&start), out)
    }

    /// The run after it, on the main branch.
    pub fn plan_start(&self, pull: &Pull, compiled: &Path) -> Start<'static> {
        Start {
            command: "plan",
            at: self.checkout("main"),
            event: "workflow_run",
            payload: self.run_event(pull),
            sha: self.main(),
            actor: pull.author.clone(),
            env: vec![("ROLECALL_CI_COMPILED", compiled.display().to_string())],
        }
    }

    /// Both.
    #[track_caller]
    pub fn plan_with(&self, pull: &Pull, env: &[(&'static str, &str)]) -> Ran {
        let (compiled, out) = self.compile(pull);
        compiled.ended(0);
        let mut start = self.plan_start(pull, &out);
        start.env.extend(env.iter().map(|(k, v)| (*k, (*v).to_owned())));
        self.later(10);
        self.run(&start)
    }

    #[track_caller]
    pub fn plan(&self, pull: &Pull) -> Ran {
        self.plan_with(pull, &[])
    }

    /// Somebody reviews, at this head, now.
    pub fn review(&self, pull: &Pull, who: &str, head: &str, state: &str) {
        self.later(10);
        let review = json!({"id": self.next(), "user": {"login": who, "type": "User"}, "state": state,
            "commit_id": head, "submitted_at": self.now(), "html_url": "u"});
        self.hub.known().reviews.entry(pull.number).or_default().push(review);
        self.later(10);
    }

    pub fn approve(&self, pull: &Pull, who: &str) {
        self.review(pull, who, &pull.head, "APPROVED");
    }

    /// Merges, as the button does.
    #[track_caller]
    pub fn merge(&self, pull: &Pull) -> String {
        let work = self.work();
        git(&work, &["checkout", "-q", "main"]);
        git(&work, &["merge", "-q", "--no-ff", "-m", &format!("Merge #{}", pull.number), &pull.head]);
        let commit = git(&work, &["rev-parse", "HEAD"]);
        git(&work, &["push", "-q", "origin", "main"]);
        self.merged(pull, &commit);
        commit
    }

    /// Merges as the other two buttons do: the commits one by one onto the main branch, or all as one.
    #[track_caller]
    pub fn land(&self, pull: &Pull, squash: bool) -> String {
        let (work, range) = (self.work(), format!("main..{}", pull.head));
        git(&work, &["checkout", "-q", "main"]);
        let before = self.main();
        if squash {
            git(&work, &["merge", "-q", "--squash", &pull.head]);
            git(&work, &["commit", "-q", "-m", "All of it"]);
        } else {
            git(&work, &["cherry-pick", &range]);
        }
        git(&work, &["push", "-q", "origin", "main"]);
        let landed = git(&work, &["rev-list", "--reverse", &format!("{before}..main")]);
        landed.lines().for_each(|commit| self.merged(pull, commit));
        self.main()
    }

    fn merged(&self, pull: &Pull, commit: &str) {
        let mut known = self.hub.known();
        known.commits.entry(pull.number).or_default().push(commit.to_owned());
        let told = known.pulls.get_mut(&pull.number).unwrap();
        told["state"] = json!("closed");
        told["merged_at"] = json!(self.now().unwrap_or_else(|| Moment::now().to_string()));
        told["merge_commit_sha"] = json!(commit);
    }

    pub fn apply_start(&self) -> Start<'static> {
        let main = self.main();
        let mut payload = example("push", None);
        let before = self.before.borrow().clone();
        payload["ref"] = json!("refs/heads/main");
        payload["before"] = json!(before);
        payload["after"] = json!(main);
        payload["forced"] = json!(false);
        self.of_here(&mut payload);
        Start {
            command: "apply",
            at: self.checkout("main"),
            event: "push",
            payload,
            sha: main,
            actor: "grace".into(),
            env: Vec::new(),
        }
    }

    /// A person starts the apply, with the digest of what they looked at.
    pub fn by_hand_start(&self, digest: &str) -> Start<'static> {
        let mut payload = json!({"ref": "refs/heads/main", "inputs": null, "repository": {}});
        self.of_here(&mut payload);
        let env = vec![("ROLECALL_CI_EXPECT_DIGEST", digest.to_owned())];
        Start { event: "workflow_dispatch", payload, env, ..self.apply_start() }
    }

    /// The run for everything that was pushed to the main branch since the last one.
    #[track_caller]
    pub fn apply(&self) -> Ran {
        self.later(10);
        let ran = self.run(&self.apply_start());
        self.seen();
        ran
    }

    /// A run by the clock.
    pub fn scheduled(&self, command: &str) -> Ran {
        let mut payload = json!({"schedule": "0 3 * * *", "repository": {}});
        self.of_here(&mut payload);
        self.run(&Start {
            command: match command {
                "drift" => "drift",
                _ => "reconcile",
            },
            at: self.checkout("main"),
            event: "schedule",
            payload,
            sha: self.main(),
            actor: "github-actions[bot]".into(),
            env: Vec::new(),
        })
    }

    fn of_here(&self, payload: &mut Value) {
        payload["repository"]["full_name"] = json!("acme/access");
        payload["repository"]["name"] = json!("access");
        payload["repository"]["default_branch"] = json!("main");
    }

    pub fn pull_event(&self, pull: &Pull, action: &str) -> Value {
        let mut payload = example("pull_request", Some(action));
        let known = self.hub.known();
        let told = &known.pulls[&pull.number];
        payload["number"] = json!(pull.number);
        for field in ["number", "state", "draft", "merged_at", "merge_commit_sha", "user", "html_url"] {
            payload["pull_request"][field] = told[field].clone();
        }
        for side in ["head", "base"] {
            payload["pull_request"][side]["sha"] = told[side]["sha"].clone();
            payload["pull_request"][side]["ref"] = told[side]["ref"].clone();
            payload["pull_request"][side]["repo"]["full_name"] = told[side]["repo"]["full_name"].clone();
        }
        drop(known);
        self.of_here(&mut payload);
        payload
    }

    pub fn run_event(&self, pull: &Pull) -> Value {
        let mut payload = example("workflow_run", Some("completed"));
        let run = &mut payload["workflow_run"];
        run["event"] = json!("pull_request");
        run["conclusion"] = json!("success");
        run["head_sha"] = json!(pull.head);
        run["head_branch"] = json!(pull.branch);
        let of = if pull.fork { "stranger/access" } else { "acme/access" };
        run["head_repository"]["full_name"] = json!(of);
        // GitHub names none of forks.
        run["pull_requests"] =
            if pull.fork { json!([]) } else { json!([{"number": pull.number, "head": {"sha": pull.head}}]) };
        self.of_here(&mut payload);
        payload
    }
}

/// What a run left in its folder.
pub fn ran(left: &Path, output: Output) -> Ran {
    let read = |name: &str| fs::read_to_string(left.join(name)).unwrap_or_default();
    let outputs = crate::action::runner::assignments(&read("output")).into_iter().collect();
    Ran { output, outputs, summary: read("summary") }
}

/// An example of an event, by GitHub.
pub fn example(event: &str, action: Option<&str>) -> Value {
    static ALL: OnceLock<Vec<Value>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let text = fs::read_to_string(crate::github::other("events")).unwrap();
        serde_json::from_str(&text).unwrap()
    });
    let of = all.iter().find(|e| e["name"] == event).unwrap_or_else(|| panic!("no examples of {event}"));
    let fits = |e: &&Value| action.is_none_or(|a| e["action"] == a);
    of["examples"].as_array().unwrap().iter().find(fits).unwrap().clone()
}

/// Git, by itself: what it says.
#[track_caller]
pub fn git(at: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(at).args(["-c", "init.defaultBranch=main", "-c", "advice.detachedHead=false"]).args(args);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Grace").env(format!("GIT_{who}_EMAIL"), "grace@x.example");
    }
    let done = command.output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}
