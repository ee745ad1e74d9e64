//! The store on a branch, end to end: a bare repository as the remote, and clones of it as runners that share
//! nothing else. What they apply to is a server, since a file would be locked by the machine that they share.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rolecall::plan::Plan;
use rolecall::sandbox::Handle;
use rolecall::sandbox::scim::{Options, serve};
use serde_json::Value;

use super::common::{NOW, Output, TestEnv, has, tally, wait_until};

const TOKEN: &str = "canary-91fe";
const STORE: &str = "git:rolecall";

/// A remote, a server, and what both are declared by.
struct Site {
    folder: TestEnv,
    handle: Handle,
}

fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "user.name=t", "-c", "user.email=t@x.example"]).args(args);
    let output = Output::of(command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap());
    assert_eq!(output.code, Some(0), "git {args:?}: {}", output.stderr);
    output.stdout.trim().to_owned()
}

impl Site {
    /// So many people; the declaration stands below `within` in the repository.
    fn new(people: usize, within: &str) -> Self {
        let folder = TestEnv::new();
        let mut options = Options::new(TOKEN).unwrap();
        options.serve.latency = Duration::from_millis(20);
        let handle = serve(&options).unwrap();
        git(folder.path(), &["init", "-q", "--bare", "remote.git"]);
        git(folder.path(), &["init", "-q", "-b", "main", "first"]);
        let users: String = (0..people).map(|n| format!("  u{n:02}@x.example: {{name: U{n:02}}}\n")).collect();
        let text = format!(
            "version: 1\ntargets:\n  sso:\n    provider: scim\n    url: {}\n    credentials: {{token: '${{SCIM_TOKEN}}'}}\n    manage: authoritative\nusers:\n{users}teams:\n  all: {{members: [u00@x.example, u01@x.example]}}\n",
            handle.url()
        );
        folder.write(&format!("first/{within}rolecall.yaml"), &text);
        let first = folder.file("first");
        git(&first, &["add", "."]);
        git(&first, &["commit", "-q", "-m", "People"]);
        let site = Self { folder, handle };
        git(&first, &["remote", "add", "origin", &site.address()]);
        git(&first, &["push", "-q", "origin", "main"]);
        git(&site.remote(), &["symbolic-ref", "HEAD", "refs/heads/main"]);
        site
    }

    fn remote(&self) -> PathBuf {
        self.folder.file("remote.git")
    }

    fn address(&self) -> String {
        format!("file://{}", self.remote().display())
    }

    /// A clone of that name.
    fn runner(&self, name: &str, args: &[&str]) -> PathBuf {
        git(self.folder.path(), &[&["clone", "-q"], args, &[&self.address(), name]].concat());
        self.folder.file(name)
    }

    /// The binary as that runner, with a lease of so many seconds.
    fn command(&self, runner: &Path, lease: u64, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
        let who = runner.file_name().unwrap().to_str().unwrap().to_owned() + "@ci";
        command.args(args).current_dir(runner).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.envs([("ROLECALL_NOW", NOW), ("ROLECALL_ACTOR", &who), ("NO_COLOR", "1"), ("SCIM_TOKEN", TOKEN)]);
        command.envs([("ROLECALL_STORE", STORE), ("ROLECALL_LEASE", &lease.to_string())]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, runner: &Path, args: &[&str]) -> Output {
        let output = Output::of(self.command(runner, 900, args).output().unwrap());
        assert!(!output.text().contains(TOKEN), "{}", output.text());
        output
    }

    /// What was sent to the server to change something: the method and the path.
    fn writes(&self) -> Vec<String> {
        let all = self.handle.requests().into_iter();
        let writes = all.filter(|r| r.method != "GET" && !r.path.ends_with(".search"));
        writes.map(|r| format!("{} {}", r.method, r.path)).collect()
    }

    /// How many pushes the branch has taken.
    fn pushes(&self) -> usize {
        git(&self.remote(), &["rev-list", "--count", "rolecall"]).parse().unwrap()
    }

    /// Fails unless everybody was made once, nothing is left to do, and the ledger is whole.
    #[track_caller]
    fn is_done_once(&self, runner: &Path, people: usize) {
        let made = self.writes().into_iter().filter(|w| w.starts_with("POST") && w.ends_with("/Users")).count();
        assert_eq!(made, people, "{:?}", self.writes());
        self.run(runner, &["plan", "--detailed-exitcode"]).ended(0);
        self.run(runner, &["history", "verify"]).ended(0).says(&["The ledger is whole"]);
    }

    fn hook(&self, text: &str) {
        let path = self.remote().join("hooks/pre-receive");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

const APPLY: [&str; 2] = ["apply", "--auto-approve"];
const WAITING: [&str; 4] = ["apply", "--auto-approve", "--lock-timeout", "60s"];

fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

#[test]
fn an_apply_costs_a_push_for_each_wave_and_three_more() {
    let site = Site::new(12, "");
    let one = site.runner("one", &[]);
    let plan: Plan = serde_json::from_str(&site.run(&one, &["plan", "--json"]).stdout).unwrap();
    let waves = tally(plan.targets[0].steps.iter().map(|s| s.wave)).len();
    assert!(waves > 1);
    let start = Instant::now();
    site.run(&one, &APPLY).ended(0);
    println!("{waves} waves, {} pushes, {:?}", site.pushes(), start.elapsed());
    assert_eq!(site.pushes(), waves + 3);
    // Another runner knows all of it.
    let two = site.runner("two", &[]);
    site.is_done_once(&two, 12);
    site.run(&two, &["history"]).ended(0).says(&["sso", "complete", "one@ci"]);
    let shown = site.run(&two, &["history", "show", "1", "--json"]).ended(0).stdout;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert!(shown.to_string().contains("u11@x.example"));
    // Nothing to do costs the lock and its release.
    let before = site.pushes();
    site.run(&two, &APPLY).ended(0);
    assert_eq!(site.pushes(), before + 2);
    assert!(!two.join(".rolecall").exists());
    assert_eq!(git(&two, &["status", "--porcelain"]), "");
    assert_eq!(git(&two, &["branch", "--list"]), "* main");
}

#[test]
fn two_runners_at_the_same_moment_do_everything_once() {
    let site = Site::new(8, "");
    let runners = [site.runner("one", &[]), site.runner("two", &[])];
    let both: Vec<_> = runners.iter().map(|r| site.command(r, 900, &WAITING).spawn().unwrap()).collect();
    for one in both {
        Output::of(one.wait_with_output().unwrap()).ended(0);
    }
    site.is_done_once(&runners[0], 8);
}

#[test]
fn the_second_runner_is_told_who_holds_the_lock_and_until_when() {
    let site = Site::new(8, "");
    let (one, two) = (site.runner("one", &[]), site.runner("two", &[]));
    let first = site.command(&one, 900, &APPLY).spawn().unwrap();
    wait_until("the first applies", || !site.writes().is_empty());
    signal("-STOP", first.id());
    let refused = site.run(&two, &APPLY).ended(1);
    refused.says(&["another apply holds the lock: one@ci", "the lock is free at 20", "--lock-timeout"]);
    // Looking is always possible.
    site.run(&two, &["plan"]).ended(0);
    site.run(&two, &["history"]).ended(0);
    signal("-CONT", first.id());
    Output::of(first.wait_with_output().unwrap()).ended(0);
    site.run(&two, &APPLY).ended(0);
    site.is_done_once(&two, 8);
}

#[test]
fn what_a_killed_runner_began_the_next_one_finishes() {
    let site = Site::new(8, "");
    let (one, two) = (site.runner("one", &[]), site.runner("two", &[]));
    let mut first = site.command(&one, 3, &[&APPLY[..], &["--parallelism", "1"]].concat()).spawn().unwrap();
    wait_until("some are made", || site.writes().len() >= 3);
    first.kill().unwrap();
    first.wait().unwrap();
    // It may be going on, for all that anybody knows.
    let early = Output::of(site.command(&two, 3, &APPLY).output().unwrap());
    if early.code == Some(1) {
        has(&early.text(), &["another apply holds the lock: one@ci", "a run that was killed keeps others out until"]);
    }
    let second = Output::of(site.command(&two, 3, &WAITING).output().unwrap()).ended(0);
    if early.code == Some(1) {
        has(&second.text(), &["one@ci", "left the lock of sso", "An earlier apply to sso was cut off."]);
    }
    site.is_done_once(&two, 8);
    site.run(&two, &["history"]).ended(0).says(&["resolved", "complete"]);
}

#[test]
fn a_runner_that_stood_still_for_longer_than_its_lease_sends_nothing_more() {
    let site = Site::new(8, "");
    let (one, two) = (site.runner("one", &[]), site.runner("two", &[]));
    let first = site.command(&one, 2, &[&APPLY[..], &["--parallelism", "1"]].concat()).spawn().unwrap();
    wait_until("some are made", || site.writes().len() >= 3);
    signal("-STOP", first.id());
    Output::of(site.command(&two, 2, &WAITING).output().unwrap()).ended(0);
    site.is_done_once(&two, 8);
    let (writes, head) = (site.writes(), git(&site.remote(), &["rev-parse", "rolecall"]));
    signal("-CONT", first.id());
    let woken = Output::of(first.wait_with_output().unwrap()).ended(5);
    has(&woken.text(), &["the lock of `sso` was lost", "longer than its lease", "nothing more was sent"]);
    assert_eq!(site.writes(), writes, "it sent something");
    assert_eq!(git(&site.remote(), &["rev-parse", "rolecall"]), head, "it wrote something");
}

#[test]
fn a_remote_that_does_not_take_anything_stops_everything() {
    let site = Site::new(3, "");
    let one = site.runner("one", &[]);
    site.hook("echo 'GH006: Protected branch update failed for refs/heads/rolecall.' >&2; exit 1");
    let refused = site.run(&one, &APPLY).ended(1);
    refused.says(&[
        "does not take what is written to the branch `rolecall`",
        "GH006",
        "permissions: {contents: write}",
    ]);
    assert!(site.writes().is_empty());
    // Reading needs no such right.
    site.run(&one, &["plan", "--detailed-exitcode"]).ended(2);
    site.hook("exit 0");
    site.run(&one, &APPLY).ended(0);
    site.is_done_once(&one, 3);
}

/// The remote is there for the lock, the beginning and so many waves, and then takes nothing more.
#[test]
fn a_remote_that_stops_taking_stops_the_apply_where_it_is() {
    for taken in 2..6 {
        let site = Site::new(3, "");
        let one = site.runner("one", &[]);
        let count = site.folder.file("count");
        std::fs::write(&count, "").unwrap();
        let path = count.display();
        site.hook(&format!("echo x >> {path}; test $(wc -l < {path}) -le {taken}"));
        let stopped = Output::of(site.command(&one, 2, &APPLY).output().unwrap());
        let sent = site.writes().len();
        assert_eq!(stopped.code, Some(if taken == 2 { 5 } else { stopped.code.unwrap() }), "{}", stopped.text());
        assert!([0, 5].contains(&stopped.code.unwrap()), "{}", stopped.text());
        if taken == 2 {
            assert_eq!(sent, 0, "nothing is sent before it is written down");
            has(&stopped.text(), &["the ledger cannot be written, so nothing more was sent"]);
        }
        site.hook("exit 0");
        // From another machine, which knows only the branch.
        let two = site.runner("two", &[]);
        Output::of(site.command(&two, 2, &WAITING).output().unwrap()).ended(0);
        site.is_done_once(&two, 3);
    }
}

#[test]
fn a_remote_out_of_reach_is_told_without_its_password() {
    let site = Site::new(3, "");
    let one = site.runner("one", &[]);
    git(&one, &["remote", "set-url", "origin", "http://ada:pa55word@127.0.0.1:1/r.git"]);
    for command in [&APPLY[..], &["plan"], &["history"]] {
        let failed = site.run(&one, command).ended(1);
        assert!(!failed.text().contains("pa55word"), "{}", failed.text());
        failed.says(&["the remote `origin` cannot be reached", "127.0.0.1:1/r.git"]);
    }
    assert!(site.writes().is_empty());
}

#[test]
fn what_is_no_place_for_a_store_is_refused() {
    let site = Site::new(3, "");
    let one = site.runner("one", &[]);
    let with = |store: &str| {
        let output = site.command(&one, 900, &APPLY).env("ROLECALL_STORE", store).output().unwrap();
        Output::of(output).ended(1).text()
    };
    has(&with("git:main"), &["the branch `main`: it holds something else than a store of rolecall"]);
    has(&with("git:rolecall@up"), &["the repository has no remote `up`"]);
    has(&with("s3:bucket"), &["write sqlite, git:BRANCH or git:BRANCH@REMOTE"]);
    let nowhere = TestEnv::new();
    std::fs::copy(one.join("rolecall.yaml"), nowhere.file("rolecall.yaml")).unwrap();
    for command in [&APPLY[..], &["plan"], &["history"], &["history", "verify"]] {
        let refused = site.run(nowhere.path(), command).ended(1);
        refused.says(&["is in no Git repository", "--store sqlite"]);
    }
    assert!(site.writes().is_empty());
}

/// As a workflow checks a repository out: the last commit alone, no branch, and the files in a folder.
#[test]
fn a_shallow_clone_with_a_detached_head_is_enough() {
    let site = Site::new(3, "access/team/");
    let first = site.folder.file("first");
    site.folder.write("first/more", "more");
    git(&first, &["add", "."]);
    git(&first, &["commit", "-q", "-m", "More"]);
    git(&first, &["push", "-q", "origin", "main"]);
    let one = site.runner("one", &["--depth", "1"]);
    git(&one, &["checkout", "-q", "--detach"]);
    git(&one, &["branch", "-q", "-D", "main"]);
    let within = one.join("access/team");
    site.run(&within, &APPLY).ended(0);
    site.run(&one, &["-f", "access/team", "plan", "--detailed-exitcode"]).ended(0);
    let two = site.runner("two", &["--depth", "1", "--branch", "main"]).join("access/team");
    site.is_done_once(&two, 3);
    site.run(&two, &APPLY).ended(0);
    assert_eq!(git(&one, &["status", "--porcelain"]), "");
    // Another declaration of the repository does not take this memory for its own.
    std::fs::copy(within.join("rolecall.yaml"), one.join("rolecall.yaml")).unwrap();
    site.run(&one, &APPLY)
        .ended(1)
        .says(&["it is the store of the declaration in `access/team`, and this one is in `.`"]);
    std::fs::remove_file(one.join("rolecall.yaml")).unwrap();
    assert_eq!(git(&one, &["log", "--oneline"]).lines().count(), 1, "it is as shallow as before");
}

#[test]
fn a_rewritten_branch_is_noticed_by_a_clone_that_has_seen_it() {
    let site = Site::new(3, "");
    let one = site.runner("one", &[]);
    site.run(&one, &APPLY).ended(0);
    let head = git(&site.remote(), &["rev-parse", "rolecall"]);
    site.run(&one, &["history", "verify"]).ended(0).says(&["The ledger is whole", &head]);
    // Somebody amends the last commit.
    let mallory = site.runner("mallory", &["--branch", "rolecall"]);
    let file = mallory.join("ledger/000/000001.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("u02@x.example"));
    std::fs::write(&file, text.replace("u02@x.example", "u03@x.example")).unwrap();
    git(&mallory, &["commit", "-q", "-a", "--amend", "--no-edit"]);
    git(&mallory, &["push", "-q", "--force"]);
    site.run(&one, &["history", "verify"]).ended(1).says(&["the ledger is broken at row"]);
    site.run(&one, &APPLY).ended(1).says(&["was rewritten", &head, "git update-ref -d refs/rolecall/origin/rolecall"]);
    site.run(&one, &["plan"]).ended(1).says(&["was rewritten"]);
    // A runner that has seen nothing finds the row that was changed.
    let two = site.runner("two", &[]);
    site.run(&two, &["history", "verify"]).ended(1).says(&["its content is not what was written"]);
    // The way back.
    git(&one, &["push", "-q", "--force", "origin", &format!("{head}:refs/heads/rolecall")]);
    site.run(&one, &["history", "verify"]).ended(0);
}

#[test]
fn an_interrupted_apply_is_written_down_and_lets_go_of_the_lock() {
    let site = Site::new(30, "");
    let (one, two) = (site.runner("one", &[]), site.runner("two", &[]));
    let first = site.command(&one, 900, &[&APPLY[..], &["--parallelism", "1"]].concat()).spawn().unwrap();
    wait_until("some are made", || site.writes().len() >= 3);
    signal("-INT", first.id());
    Output::of(first.wait_with_output().unwrap()).ended(5);
    site.run(&two, &["history"]).ended(0).says(&["interrupted"]);
    site.run(&two, &APPLY).ended(0);
    site.is_done_once(&two, 30);
}

/// What a partial clone has left with its remote is fetched for the branch of the store.
#[test]
fn a_partial_clone_is_enough() {
    let site = Site::new(3, "");
    git(&site.remote(), &["config", "uploadpack.allowFilter", "true"]);
    let one = site.runner("one", &[]);
    site.run(&one, &APPLY).ended(0);
    let two = site.runner("two", &["--filter=blob:none"]);
    let missing = git(&two, &["rev-list", "--objects", "--missing=print", "origin/rolecall"]);
    assert!(missing.lines().any(|l| l.starts_with('?')), "it is partial: {missing}");
    site.is_done_once(&two, 3);
    site.run(&one, &APPLY).ended(0);
    site.run(&two, &APPLY).ended(0);
    site.is_done_once(&two, 3);
}

/// A server of Git over HTTP that wants a password: `git http-backend` behind a few lines.
struct Forge {
    address: String,
}

impl Forge {
    fn serve(root: PathBuf, password: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let root = root.clone();
                // A client that goes away is its own affair.
                std::thread::spawn(move || answer(stream.unwrap(), &root, password).ok());
            }
        });
        Self { address }
    }
}

fn answer(stream: TcpStream, root: &Path, password: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let mut out = stream;
    if header("authorization") != password {
        let close = "content-length: 0\r\nconnection: close\r\n\r\n";
        return write!(out, "HTTP/1.1 401 No\r\nwww-authenticate: Basic realm=\"forge\"\r\n{close}");
    }
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut backend = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .envs([("GIT_HTTP_EXPORT_ALL", "1"), ("REMOTE_USER", "ada"), ("REQUEST_METHOD", method)])
        .envs([("PATH_INFO", path), ("QUERY_STRING", query)])
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    backend.stdin.take().unwrap().write_all(&body)?;
    let said = backend.wait_with_output()?.stdout;
    let end = said.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(0);
    let head = String::from_utf8_lossy(&said[..end]).into_owned();
    let status = head.lines().find_map(|l| l.strip_prefix("Status: ")).unwrap_or("200 OK").to_owned();
    write!(out, "HTTP/1.1 {status}\r\n{head}\r\nconnection: close\r\n\r\n")?;
    out.write_all(&said[end + 4..])
}

/// As a workflow's checkout leaves its token: a header in the repository's configuration.
#[test]
fn a_token_in_the_configuration_of_git_is_used_and_never_shown() {
    const HEADER: &str = "basic Z2hzX2NhbmFyeS0yYjdm";
    let site = Site::new(3, "");
    git(&site.remote(), &["config", "http.receivepack", "true"]);
    let forge = Forge::serve(site.folder.path().to_owned(), HEADER);
    let one = site.runner("one", &[]);
    git(&one, &["remote", "set-url", "origin", &format!("{}/remote.git", forge.address)]);
    // Every call of `git` is written down: what it is called with, others on the machine can see.
    let called = site.folder.file("called");
    let real = Command::new("sh").args(["-c", "command -v git"]).output().unwrap().stdout;
    let real = String::from_utf8(real).unwrap();
    let wrapper = format!("#!/bin/sh\necho \"$@\" >> {}\nexec {} \"$@\"\n", called.display(), real.trim());
    site.folder.write("bin/git", &wrapper);
    std::fs::set_permissions(site.folder.file("bin/git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = |args: &[&str]| {
        let path = format!("{}:{}", site.folder.file("bin").display(), std::env::var("PATH").unwrap());
        let mut command = site.command(&one, 900, args);
        command.env("PATH", path).env("GIT_TRACE_CURL", "1").env("GIT_CURL_VERBOSE", "1");
        let output = Output::of(command.output().unwrap());
        assert!(!output.text().contains("Z2hz"), "{}", output.text());
        output
    };
    // Nobody is asked for a password.
    run(&APPLY).ended(1).says(&["the remote `origin` cannot be reached", "could not read Username"]);
    assert!(site.writes().is_empty());
    git(&one, &["config", &format!("http.{}/.extraheader", forge.address), &format!("AUTHORIZATION: {HEADER}")]);
    run(&APPLY).ended(0);
    run(&["plan", "--detailed-exitcode"]).ended(0);
    let called = std::fs::read_to_string(called).unwrap();
    assert!(called.lines().any(|l| l.contains(" push ")) && called.lines().any(|l| l.contains(" ls-remote ")));
    assert!(!called.contains("Z2hz") && !called.contains("127.0.0.1"), "{called}");
    let two = site.runner("two", &[]);
    site.is_done_once(&two, 3);
}
