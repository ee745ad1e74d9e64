//! A folder with a declaration, the binary in an environment that holds nothing else, and ways to look
//! at what it left behind that do not go through rolecall.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rolecall::invariants::Answer;
use rolecall::model::{Change, Moment};
use rolecall::plan::{Plan, TargetPlan};
use rolecall::store::{Outcome, SqliteStore, Status, Store};
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tempfile::TempDir;

/// The time of every run.
pub const NOW: &str = "2026-11-21T12:00:00Z";

/// The same, for the library.
pub fn now() -> Moment {
    Moment::parse(NOW).unwrap()
}

/// What a run of the binary left.
#[derive(Debug)]
pub struct Output {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn of(output: std::process::Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("rolecall writes UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Fails the test, with everything that was written, unless the run ended with `code`.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// Everything that a person saw.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Fails the test unless every text was seen.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        has(&self.text(), texts);
        self
    }
}

/// Fails the test unless every one of these is part of the text.
#[track_caller]
pub fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}

/// A folder with a declaration whose target `home` lies in `.rolecall/home.db`.
pub struct TestEnv {
    folder: TempDir,
}

impl TestEnv {
    pub fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("rolecall-it-").tempdir().unwrap() }
    }

    /// A folder whose `rolecall.yaml` is this.
    pub fn with(text: &str) -> Self {
        let env = Self::new();
        env.write("rolecall.yaml", text);
        env
    }

    /// A second folder with the same files.
    pub fn copy(&self) -> Self {
        let env = Self::new();
        copy_tree(self.path(), env.path());
        env
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    /// Replaces a text that stands in a file exactly once.
    #[track_caller]
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {name}");
        self.write(name, &text.replace(from, to));
    }

    /// The binary, with nothing of the tester's environment but the path.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
        command.args(args).current_dir(self.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs([("ROLECALL_NOW", NOW), ("ROLECALL_ACTOR", "tester"), ("NO_COLOR", "1")]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        Output::of(self.command(args).output().unwrap())
    }

    /// Applies without being asked, and to the end.
    #[track_caller]
    pub fn apply(&self) -> Output {
        self.run(&["apply", "--auto-approve"]).ended(0)
    }

    /// Fails the test unless there is nothing to do.
    #[track_caller]
    pub fn is_converged(&self) {
        self.run(&["plan", "--detailed-exitcode"]).ended(0);
    }

    /// `plan --json` with more arguments, whatever its exit code.
    #[track_caller]
    pub fn plan_json(&self, args: &[&str]) -> Value {
        let output = self.run(&[&["plan", "--json"], args].concat());
        serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}\n{output:?}"))
    }

    /// The plan as a value of the library.
    #[track_caller]
    pub fn plan(&self, args: &[&str]) -> Plan {
        serde_json::from_value(self.plan_json(args)).unwrap()
    }

    /// The only target of the plan.
    #[track_caller]
    pub fn target_plan(&self, args: &[&str]) -> TargetPlan {
        let mut plan = self.plan(args);
        assert_eq!(plan.targets.len(), 1);
        plan.targets.remove(0)
    }

    /// Fails the test unless plan and apply are stopped; what stops them, with the advice, and that
    /// nothing else is expected of the way in which it is shown.
    #[track_caller]
    pub fn stopped(&self, consents: &[&str]) -> String {
        let args: Vec<&str> = consents.iter().flat_map(|c| ["--accept", c]).collect();
        self.run(&[&["plan"], args.as_slice()].concat()).ended(3);
        self.run(&[&["apply", "--auto-approve"], args.as_slice()].concat()).ended(3);
        let plan = self.plan(&args);
        let verdicts = plan.targets.iter().flat_map(|t| &t.guards).chain(&plan.guards);
        let violated = verdicts.filter(|v| v.answer == Answer::Violated);
        violated.map(|v| format!("{}: {}\n{}\n", v.rule, v.message, v.help.as_deref().unwrap_or_default())).collect()
    }

    pub fn store(&self) -> SqliteStore {
        assert!(self.path().join(".rolecall/store.db").exists(), "there is a store");
        SqliteStore::open(self.path()).unwrap()
    }

    /// The directory of `home`.
    pub fn home(&self) -> PathBuf {
        self.file(".rolecall/home.db")
    }

    /// What is in the directory of `home`, without its audit trail.
    pub fn dump(&self) -> Vec<String> {
        dump(&self.home())
    }
}

/// Copies an example of the repository, or a folder of it, but not what a run of it has left there.
pub fn copy_example(name: &str, env: &TestEnv) {
    copy_tree(&example(name), env.path());
    let left = env.file(".rolecall");
    if left.exists() {
        fs::remove_dir_all(left).unwrap();
    }
}

/// Where tests/python/others.py has installed a program of others, from PyPI.
#[track_caller]
pub fn installed(name: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/others.py");
    let done = Command::new("python3").arg(script).arg(name).output().unwrap();
    assert!(done.status.success(), "{name} cannot be installed: {}", String::from_utf8_lossy(&done.stderr));
    PathBuf::from(String::from_utf8(done.stdout).unwrap().trim())
}

/// One request by a client of a few lines that hides nothing: the status, where there was one, the head, and
/// the body as far as it came. `headers` end with a line break each.
pub fn http(addr: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> (Option<u16>, String, Vec<u8>) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut all = Vec::new();
    // What broke off has been read as far as it came.
    let _ = stream.read_to_end(&mut all);
    let end = all.windows(4).position(|w| w == b"\r\n\r\n");
    let body = end.map(|at| all.split_off(at + 4)).unwrap_or_default();
    let head = String::from_utf8_lossy(&all).into_owned();
    (head.split(' ').nth(1).and_then(|s| s.parse().ok()), head, body)
}

/// Copies the files below a folder.
fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = entry.map(|e| (e.path(), to.join(e.file_name()))).unwrap();
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// An example of the repository.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Waits until something is so, for a minute at most.
#[track_caller]
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Starts a run and kills it as soon as something is so: nothing of it is cleaned up.
#[track_caller]
pub fn kill_when(mut command: Command, what: &str, is_so: impl Fn() -> bool) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(what, is_so);
    child.kill().unwrap();
    let ended = child.wait().unwrap();
    assert!(!ended.success(), "it was over before {what}");
}

/// Everything that a directory holds, by name, so that numbers of rows do not matter.
const CONTENT: [(&str, &str); 12] = [
    (
        "role",
        "SELECT r.name, r.description, r.administers, p.name FROM roles r
         LEFT JOIN role_permissions rp ON rp.role_id = r.id LEFT JOIN permissions p ON p.id = rp.permission_id",
    ),
    (
        "user",
        "SELECT u.email, u.name, u.kind, r.name, u.state, u.invited_until, u.until, u.timezone, u.owner
         FROM users u LEFT JOIN roles r ON r.id = u.role_id",
    ),
    ("attribute", "SELECT u.email, a.name, a.value FROM user_attributes a JOIN users u ON u.id = a.user_id"),
    ("handle", "SELECT u.email, h.system, h.handle FROM user_handles h JOIN users u ON u.id = h.user_id"),
    (
        "team",
        "SELECT t.name, t.description, r.name, o.name, t.quota_cpu, t.quota_memory, t.quota_storage, t.quota_apps,
         t.quota_workflows, t.quota_workspaces
         FROM teams t LEFT JOIN roles r ON r.id = t.role_id LEFT JOIN teams o ON o.id = t.outer_id",
    ),
    (
        "lead",
        "SELECT t.name, u.email FROM team_leads l JOIN teams t ON t.id = l.team_id JOIN users u ON u.id = l.user_id",
    ),
    (
        "member",
        "SELECT t.name, u.email, r.name, m.until, m.because FROM memberships m JOIN teams t ON t.id = m.team_id
         JOIN users u ON u.id = m.user_id LEFT JOIN roles r ON r.id = m.role_id",
    ),
    (
        "resource",
        "SELECT s.name, s.description, p.name, s.visibility, u.email FROM resources s
         LEFT JOIN resources p ON p.id = s.parent_id LEFT JOIN users u ON u.id = s.owner_id",
    ),
    (
        "grant",
        "SELECT s.name, u.email, t.name, g.everyone, r.name, g.until, g.because FROM grants g
         JOIN resources s ON s.id = g.resource_id LEFT JOIN users u ON u.id = g.user_id
         LEFT JOIN teams t ON t.id = g.team_id JOIN roles r ON r.id = g.role_id",
    ),
    ("domain", "SELECT d.name, r.name FROM domains d LEFT JOIN roles r ON r.id = d.role_id"),
    (
        "domain team",
        "SELECT d.name, t.name FROM domain_teams x JOIN domains d ON d.id = x.domain_id JOIN teams t ON t.id = x.team_id",
    ),
    ("policy", "SELECT key, value FROM policies"),
];

/// What a directory holds, a line each, sorted; without the audit trail.
pub fn dump(path: &Path) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (what, sql) in CONTENT {
        lines.extend(rows(path, sql).into_iter().map(|row| format!("{what} {row}")));
    }
    lines.sort();
    lines
}

/// Who can do what, as an application would ask the directory.
pub fn access(path: &Path) -> Vec<String> {
    let mut lines = rows(path, "SELECT email, resource, role, source, team, granted_on FROM effective_grants");
    lines.extend(rows(path, "SELECT email, role, source, team FROM effective_roles"));
    lines.sort();
    lines
}

/// The audit trail in its order: what was done, without by which apply.
pub fn audit(path: &Path) -> Vec<String> {
    rows(path, "SELECT change, kind, object, reason, before, after FROM audit ORDER BY id")
}

/// The rows of a query, a line each.
pub fn rows(path: &Path, sql: &str) -> Vec<String> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    conn.busy_timeout(Duration::from_secs(10)).unwrap();
    let mut statement = conn.prepare(sql).unwrap();
    let width = statement.column_count();
    let line = |row: &rusqlite::Row<'_>| {
        let cell = |i| match row.get::<_, Cell>(i)? {
            Cell::Null => Ok("-".to_owned()),
            Cell::Text(text) => Ok(text),
            other => Ok(format!("{other:?}")),
        };
        Ok((0..width).map(cell).collect::<rusqlite::Result<Vec<_>>>()?.join(" | "))
    };
    let found = statement.query_map([], line).unwrap();
    found.collect::<rusqlite::Result<_>>().unwrap()
}

/// Changes something behind rolecall's back; exactly `rows` rows.
#[track_caller]
pub fn by_hand(path: &Path, sql: &str, rows: usize) {
    let conn = Connection::open(path).unwrap();
    assert_eq!(conn.execute(sql, []).unwrap(), rows, "{sql}");
}

/// How often each thing occurs.
pub fn tally<T: Ord>(things: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for thing in things {
        *counts.entry(thing).or_default() += 1;
    }
    counts
}

/// Fails the test unless both hold the same things equally often; says what is too many on which side.
#[track_caller]
pub fn assert_same<T: Ord + std::fmt::Display>(
    left: (&str, impl IntoIterator<Item = T>),
    right: (&str, impl IntoIterator<Item = T>),
) {
    let (a, b) = (tally(left.1), tally(right.1));
    let only = |these: &BTreeMap<T, usize>, those: &BTreeMap<T, usize>| -> Vec<String> {
        let more = |thing: &T, n: usize| n.saturating_sub(those.get(thing).copied().unwrap_or(0));
        these.iter().filter(|(t, n)| more(t, **n) > 0).map(|(t, n)| format!("  {}x {t}", more(t, *n))).collect()
    };
    let (surplus, missing) = (only(&a, &b), only(&b, &a));
    assert!(
        surplus.is_empty() && missing.is_empty(),
        "only in {}:\n{}\nonly in {}:\n{}",
        left.0,
        surplus.join("\n"),
        right.0,
        missing.join("\n")
    );
}

/// A change as one line.
pub fn line(change: &Change) -> String {
    serde_json::to_string(change).unwrap()
}

/// The word of a change: `create-user`.
pub fn word(change: &Change) -> String {
    serde_json::to_value(change).unwrap()["change"].as_str().unwrap().to_owned()
}

/// An apply as the ledger tells it.
#[derive(Debug)]
pub struct Told {
    pub status: Option<Status>,
    /// What was applied, a line each.
    pub applied: Vec<String>,
    /// Changes that were about to be sent and have another outcome or none.
    pub others: Vec<(u32, Option<Outcome>)>,
}

/// The ledger, oldest apply first.
pub fn ledger(store: &dyn Store) -> Vec<Told> {
    let mut applies = store.applies(None, usize::MAX).unwrap();
    applies.reverse();
    let one = |apply: rolecall::store::ApplyEntry| {
        let entries = store.entries(apply.info.id).unwrap();
        let (good, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(|e| e.outcome == Some(Outcome::Applied));
        Told {
            status: apply.finished.map(|(status, _)| status),
            applied: good.iter().map(|e| line(&e.change)).collect(),
            others: others.into_iter().map(|e| (e.step, e.outcome)).collect(),
        }
    };
    applies.into_iter().map(one).collect()
}
