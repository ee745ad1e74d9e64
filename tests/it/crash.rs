//! `kill -9` at every position of an apply, and a second apply.
//!
//! A position lies before or after every write that outlasts the process: to the ledger (begin, intend,
//! outcome, finish) and to the target. What lies between two of them leaves the same behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rolecall::apply::{Budget, Fate, Job, Progress, Stop};
use rolecall::model::{Change, Identities, Kind, Moment, Ownership};
use rolecall::plan::Plan;
use rolecall::store::{
    ApplyEntry, Entry, Holder, Lock, NewApply, Outcome, Result as Stored, SqliteStore, Status, Store, Topic,
    Unfinished, Verification,
};
use rolecall::targets::directory::DirectoryWriter;
use rolecall::targets::{PROFILES, Stamp, TargetError, Task, Writer};

use super::common::{TestEnv, assert_same, audit, by_hand, ledger, line, now, tally, word};

/// What is there first.
const BEFORE: &str = "
version: 1
targets:
  home: {provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}
policies: {admins: {at_least: 2}, mfa: {require: all}, review: {every: 30d}, removal: {users: delete}}
users:
  ada@x.example: {role: admin}
  emmy@x.example: {role: admin}
  grace@x.example: {role: viewer, name: Grace}
  alan@x.example: {role: developer}
  mary@x.example: {role: developer}
  old-name@x.example: {role: viewer}
  gone1@x.example: {role: viewer}
  gone2@x.example: {role: developer}
  later@x.example: {role: viewer}
teams:
  stays: {description: As it was, lead: ada@x.example, members: [ada@x.example, grace@x.example, alan@x.example, gone1@x.example]}
  goes: {members: [emmy@x.example, mary@x.example]}
  old-team: {members: [old-name@x.example, gone2@x.example]}
resources:
  project/stays: {description: One, access: {view: [team/goes, grace@x.example], edit: [team/stays]}}
  project/goes: {access: {edit: [team/old-team]}}
  project/old: {owner: gone2@x.example, access: {view: [gone1@x.example, team/old-team]}}
domains:
  x.example: {role: viewer}
  y.example: {role: viewer}
";

/// What is declared then.
const AFTER: &str = "
version: 1
targets:
  home: {provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}
policies: {admins: {at_least: 2}, mfa: {require: [admin]}, passwords: {length: 14}, removal: {users: delete}, invariants: {irreversible-is-confirmed: warn}}
users:
  ada@x.example: {role: admin}
  emmy@x.example: {role: developer}
  noor@x.example: {role: admin}
  grace@x.example: {role: data-scientist, name: Grace Hopper, timezone: Europe/Berlin}
  alan@x.example: {role: viewer, state: disabled}
  mary@x.example: {role: developer, until: 2030-01-31}
  new-name@x.example: {role: developer, was: old-name@x.example}
  later@x.example: {role: viewer, state: disabled}
  one@x.example: {role: viewer}
  two@x.example: {role: developer}
  robot@x.example: {role: viewer, kind: service, owner: ada@x.example}
teams:
  stays: {description: As it is, lead: grace@x.example, members: [ada@x.example, {user: grace@x.example, until: 2030-01-31, because: a while}, one@x.example]}
  new-team: {was: old-team, description: Has another name, lead: new-name@x.example, members: [new-name@x.example, two@x.example, emmy@x.example]}
  fresh: {in: new-team, lead: noor@x.example, members: [noor@x.example, mary@x.example, two@x.example]}
resources:
  project/stays: {description: Two, owner: ada@x.example, access: {view: [team/new-team], edit: [grace@x.example, team/fresh]}}
  project/new: {was: project/old, owner: new-name@x.example, access: {edit: [team/new-team], view: [robot@x.example]}}
  project/fresh: {access: {edit: [team/fresh], view: [one@x.example]}}
domains:
  x.example: {role: viewer, teams: [fresh]}
  z.example: {role: viewer}
";

/// For the child: the folder, and the position at which it dies.
const FOLDER: &str = "ROLECALL_TEST_CRASH_FOLDER";
const POSITION: &str = "ROLECALL_TEST_CRASH_POSITION";
/// Where a child that was not killed says how many positions it passed.
const PASSED: &str = "passed.txt";

/// Counts positions and ends the process at one of them, as `kill -9` would: nothing is unwound.
struct Fuse {
    at: usize,
    passed: AtomicUsize,
}

impl Fuse {
    fn position(&self) {
        if self.passed.fetch_add(1, Ordering::SeqCst) == self.at {
            std::process::abort();
        }
    }

    fn after<T>(&self, done: T) -> T {
        self.position();
        done
    }
}

struct Fragile<'f, T> {
    inner: T,
    fuse: &'f Fuse,
}

impl Writer for Fragile<'_, DirectoryWriter> {
    fn write<'a>(&'a self, change: &'a Change, stamp: &'a Stamp) -> Task<'a, Result<(), TargetError>> {
        Box::pin(async move { self.fuse.after(self.inner.write(change, stamp).await) })
    }

    fn verify<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>> {
        self.inner.verify(change)
    }
}

impl Store for Fragile<'_, SqliteStore> {
    fn begin(&self, apply: &NewApply) -> Stored<i64> {
        self.fuse.position();
        self.fuse.after(self.inner.begin(apply))
    }
    fn intend(&self, apply: i64, changes: &[(u32, &Change)], at: Moment) -> Stored<()> {
        self.fuse.after(self.inner.intend(apply, changes, at))
    }
    fn outcome(&self, apply: i64, step: u32, outcome: &Outcome, at: Moment) -> Stored<()> {
        self.fuse.after(self.inner.outcome(apply, step, outcome, at))
    }
    fn finish(&self, apply: i64, status: Status, at: Moment) -> Stored<()> {
        self.fuse.after(self.inner.finish(apply, status, at))
    }
    fn unfinished(&self, target: &str) -> Stored<Vec<Unfinished>> {
        self.inner.unfinished(target)
    }
    fn applies(&self, target: Option<&str>, limit: usize) -> Stored<Vec<ApplyEntry>> {
        self.inner.applies(target, limit)
    }
    fn entries(&self, apply: i64) -> Stored<Vec<Entry>> {
        self.inner.entries(apply)
    }
    fn verify(&self) -> Stored<Verification> {
        self.inner.verify()
    }
    fn ownership(&self, target: &str) -> Stored<Option<Ownership>> {
        self.inner.ownership(target)
    }
    fn remember_ownership(&self, target: &str, ownership: &Ownership) -> Stored<()> {
        self.inner.remember_ownership(target, ownership)
    }
    fn identities(&self, target: &str) -> Stored<Identities> {
        self.inner.identities(target)
    }
    fn remember_identities(&self, target: &str, identities: &Identities) -> Stored<()> {
        self.inner.remember_identities(target, identities)
    }
    fn last_read(&self, target: &str) -> Stored<Option<BTreeMap<Kind, usize>>> {
        self.inner.last_read(target)
    }
    fn remember_read(&self, target: &str, counts: &BTreeMap<Kind, usize>, at: Moment) -> Stored<()> {
        self.inner.remember_read(target, counts, at)
    }
    fn recall(&self, topic: Topic, subject: &str) -> Stored<BTreeMap<String, String>> {
        self.inner.recall(topic, subject)
    }
    fn remember(&self, topic: Topic, subject: &str, entries: &BTreeMap<String, Option<String>>) -> Stored<()> {
        self.inner.remember(topic, subject, entries)
    }
    fn try_lock(&self, target: &str, holder: &Holder) -> Stored<Lock> {
        self.inner.try_lock(target, holder)
    }
}

/// Progress that nobody sees.
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _: &str, _: usize, _: usize, _: &Change, _: Fate) {}
}

/// Not a test: what [`kill_at`] runs in a process of its own. Without the variable it does nothing.
#[test]
#[ignore = "run by the tests of this module, in a process that dies"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let at = std::env::var(POSITION).unwrap().parse().unwrap();
    let plan = rolecall::plan::load(&std::fs::read(folder.join("plan.json")).unwrap()).unwrap();
    let fuse = Fuse { at, passed: AtomicUsize::new(0) };
    let store = Fragile { inner: SqliteStore::open(&folder).unwrap(), fuse: &fuse };
    let holder = Holder { who: "child".into(), pid: std::process::id(), command: "test".into(), since: now() };
    let _lock = store.try_lock("home", &holder).unwrap();
    let writer =
        Fragile { inner: DirectoryWriter::open(folder.join(".rolecall/home.db"), now(), 14).unwrap(), fuse: &fuse };
    let job = Job {
        plan: &plan.targets[0],
        digest: &plan.digest,
        writer: &writer,
        store: &store,
        actor: "child",
        command: "test",
        commit: None,
        at: now(),
        parallelism: 1,
        budget: Budget::default(),
        stop: &Stop::default(),
        progress: &Silent,
    };
    let report = block_on(rolecall::apply::run(&job)).unwrap();
    assert_eq!(report.status, "complete");
    let declared = rolecall::config::load(&folder, &PROFILES, now()).declaration.unwrap();
    let desired = &declared.targets[0].desired;
    store.remember_ownership("home", &desired.manage.ownership(&desired.directory)).unwrap();
    std::fs::write(folder.join(PASSED), fuse.passed.load(Ordering::SeqCst).to_string()).unwrap();
}

/// Runs a future of the library.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Applies the saved plan in a process that dies at a position. Whether it lived.
fn kill_at(folder: &Path, position: usize) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--quiet"])
        .env(FOLDER, folder)
        .env(POSITION, position.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success() || status.code().is_none(), "the child failed instead of dying: {status}");
    status.success()
}

/// What is live, what is declared then, and what was agreed to.
struct Scenario<'a> {
    /// Nothing at all, not even a directory, where this is empty.
    before: &'a str,
    after: &'a str,
    accept: &'a [&'a str],
    /// The declaration once everything is done, where that is another.
    settled: Option<&'a str>,
}

/// A folder with that, and the plan saved in `plan.json`.
fn seed(scenario: &Scenario<'_>) -> (TestEnv, Plan) {
    let env = TestEnv::with(scenario.before);
    if !scenario.before.is_empty() {
        env.apply();
    }
    env.write("rolecall.yaml", scenario.after);
    let accept: Vec<&str> = scenario.accept.iter().flat_map(|c| ["--accept", c]).collect();
    env.run(&[&["plan", "--out", "plan.json"], accept.as_slice()].concat()).ended(0);
    let plan = rolecall::plan::load(&std::fs::read(env.file("plan.json")).unwrap()).unwrap();
    (env, plan)
}

/// What an apply that nobody disturbs leaves behind.
struct Undisturbed {
    dump: Vec<String>,
    audit: Vec<String>,
    audit_before: usize,
    positions: usize,
}

fn undisturbed(seed: &TestEnv, plan: &Plan) -> Undisturbed {
    let env = seed.copy();
    assert!(kill_at(env.path(), usize::MAX));
    let steps = plan.targets[0].steps.len();
    let audit_before = if seed.home().exists() { audit(&seed.home()).len() } else { 0 };
    let rows = audit(&env.home());
    assert_eq!(rows.len(), audit_before + steps, "one row of the audit trail for each change");
    let positions: usize = env.read(PASSED).parse().unwrap();
    let waves = plan.targets[0].steps.chunk_by(|a, b| a.wave == b.wave);
    let intents: usize = waves.map(|wave| wave.len().div_ceil(64)).sum();
    assert_eq!(positions, 1 + 1 + intents + 2 * steps + 1, "begin, intents, each write and its outcome, finish");
    Undisturbed { dump: env.dump(), audit: rows, audit_before, positions }
}

/// Kills at every position, resumes with `resume`, and compares with an apply that nobody disturbed.
fn every_position(scenario: &Scenario<'_>, resume: &[&str]) -> Plan {
    let (seed, plan) = seed(scenario);
    let whole = undisturbed(&seed, &plan);
    let wanted: Vec<String> = plan.targets[0].steps.iter().map(|s| line(&s.change)).collect();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<String, Vec<usize>>::new()));
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                loop {
                    let position = next.fetch_add(1, Ordering::SeqCst);
                    if position >= whole.positions {
                        break;
                    }
                    let one = || at_position(&seed, &whole, &wanted, position, resume, scenario.settled);
                    if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(one)) {
                        let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                        failures.lock().unwrap().entry(text).or_default().push(position);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let text: String = failures.iter().map(|(text, at)| format!("at the positions {at:?}:\n{text}\n")).collect();
    assert!(failures.is_empty(), "of {} positions:\n{text}", whole.positions);
    plan
}

fn at_position(
    seed: &TestEnv,
    whole: &Undisturbed,
    wanted: &[String],
    position: usize,
    resume: &[&str],
    settled: Option<&str>,
) {
    let env = seed.copy();
    assert!(!kill_at(env.path(), position), "it was not killed");
    let done = audit(&env.home()).len() - whole.audit_before;
    let (begun, ended) = (position > 0, position + 1 == whole.positions);
    let settle = || settled.iter().for_each(|text| env.write("rolecall.yaml", text));
    if done == wanted.len() {
        settle();
    }
    env.run(resume).ended(0);

    assert_same(("resumed", env.dump()), ("undisturbed", whole.dump.clone()));
    assert_same(("resumed", audit(&env.home())), ("undisturbed", whole.audit.clone()));
    settle();
    env.is_converged();

    let store = env.store();
    let told = &ledger(&store)[usize::from(whole.audit_before > 0)..];
    let applied: Vec<String> = told.iter().flat_map(|t| t.applied.clone()).collect();
    assert_same(("the ledger", applied), ("the plan", wanted.to_vec()));
    if begun {
        let first = &told[0];
        assert_eq!(first.status, Some(if ended { Status::Complete } else { Status::Resolved }));
        assert_eq!(first.applied.len(), done, "what the ledger says was done before the crash");
        assert!(first.others.iter().all(|(_, o)| o.is_none()), "not attempted: {:?}", first.others);
    }
    let second = &told[usize::from(begun)..];
    assert_eq!(second.len(), usize::from(done < wanted.len()), "one apply for the rest, none where nothing is left");
    assert!(second.iter().all(|t| t.status == Some(Status::Complete) && t.others.is_empty()), "{second:?}");
    let chain = store.verify().unwrap();
    assert!(chain.broken.is_none() && chain.rows > wanted.len() as u64, "{chain:?}");
    let free =
        store.lock("home", &Holder { who: "t".into(), pid: 1, command: "t".into(), since: now() }, Duration::ZERO);
    assert!(free.is_ok(), "the lock is free again");
}

/// The plan is as mixed as it is meant to be.
fn is_mixed(plan: &Plan) {
    let steps = &plan.targets[0].steps;
    let kinds = tally(steps.iter().map(|s| word(&s.change)));
    assert!(steps.len() >= 30, "{}", steps.len());
    for kind in [
        "create-user",
        "update-user",
        "rename-user",
        "disable-user",
        "delete-user",
        "create-team",
        "update-team",
        "rename-team",
        "delete-team",
        "set-leads",
        "add-member",
        "change-member",
        "remove-member",
        "create-resource",
        "update-resource",
        "rename-resource",
        "delete-resource",
        "give-grant",
        "change-grant",
        "revoke-grant",
        "add-domain",
        "change-domain",
        "remove-domain",
        "set-policy",
        "unset-policy",
    ] {
        assert!(kinds.contains_key(kind), "no {kind} among {kinds:?}");
    }
}

const MIXED: Scenario<'_> = Scenario { before: BEFORE, after: AFTER, accept: &[], settled: None };
const AGAIN: &[&str] = &["apply", "--auto-approve"];
const SAVED: &[&str] = &["apply", "plan.json"];

#[test]
fn killed_anywhere_a_second_apply_finishes() {
    is_mixed(&every_position(&MIXED, AGAIN));
}

#[test]
fn killed_anywhere_the_saved_plan_finishes() {
    is_mixed(&every_position(&MIXED, SAVED));
}

/// Killed in the middle, and stopped in the middle of the rest.
#[test]
fn killed_and_stopped_the_saved_plan_finishes() {
    let (seed, plan) = seed(&MIXED);
    let whole = undisturbed(&seed, &plan);
    let steps = plan.targets[0].steps.len();
    for (first, second) in [(10, 10), (steps, 8), (2 * steps - 8, 2)] {
        let env = seed.copy();
        assert!(!kill_at(env.path(), first));
        let done = audit(&env.home()).len();
        // The rest is planned anew, with numbers of its own, and the target refuses after a part of it.
        let stop = "CREATE TRIGGER stop BEFORE INSERT ON audit WHEN (SELECT count(*) FROM audit) >= ?
                    BEGIN SELECT raise(ABORT, 'no more'); END";
        by_hand(&env.home(), &stop.replace('?', &(done + second).to_string()), 0);
        env.run(SAVED).ended(5);
        by_hand(&env.home(), "DROP TRIGGER stop", 0);
        assert!(audit(&env.home()).len() > done, "the second has done a part");
        assert!(audit(&env.home()).len() < whole.audit.len(), "and not all");
        env.run(SAVED).ended(0);
        assert_same(("resumed", env.dump()), ("undisturbed", whole.dump.clone()));
        assert_same(("resumed", audit(&env.home())), ("undisturbed", whole.audit.clone()));
        env.is_converged();
    }
}

const HEAD: &str = "
version: 1
targets:
  home: {provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}
users:
  ada@x.example: {role: admin}
";

/// Fourteen people and a team, with or without a list of its members.
fn team(team: &str) -> String {
    let people: String = (0..14).map(|n| format!("  u{n:02}@x.example: {{role: viewer, teams: [big]}}\n")).collect();
    let people = if team.contains("members") { people.replace(", teams: [big]", "") } else { people };
    format!("{HEAD}{people}teams:\n  big: {team}\n")
}

/// The first apply of all: there is no directory yet.
#[test]
fn killed_anywhere_the_first_apply_finishes() {
    let after = team("{role: developer, lead: u01@x.example, members: [u01@x.example, u02@x.example]}");
    let after = format!("{after}resources: {{project/one: {{access: {{edit: [team/big]}}}}}}\n");
    let scenario = Scenario { before: "", after: &after, accept: &[], settled: None };
    for resume in [AGAIN, SAVED] {
        let words = tally(every_position(&scenario, resume).targets[0].steps.iter().map(|s| word(&s.change)));
        assert!(words["create-role"] > 0 && words["create-user"] == 15 && words["add-member"] == 2, "{words:?}");
    }
}

/// The consent was to fourteen; fewer are left after a crash.
#[test]
fn killed_anywhere_a_consent_holds_for_the_rest() {
    let all: Vec<String> = (0..14).map(|n| format!("u{n:02}@x.example")).collect();
    let before = team(&format!("{{members: [ada@x.example, {}]}}", all.join(", ")));
    let after = team("{members: [ada@x.example]}");
    let scenario = Scenario { before: &before, after: &after, accept: &["removal.member=14"], settled: None };
    assert_eq!(every_position(&scenario, SAVED).targets[0].steps.len(), 14);
}

/// What was a takeover is managed after a crash, and still agreed to.
#[test]
fn killed_anywhere_a_takeover_stays_agreed_to() {
    let (before, after) = (team("{}"), team("{members: [ada@x.example]}"));
    let scenario = Scenario { before: &before, after: &after, accept: &["takeover.member=14"], settled: None };
    assert_eq!(every_position(&scenario, SAVED).targets[0].steps.len(), 15);
}

/// The consent was to three accounts that go for good; fewer are left after a crash.
#[test]
fn killed_anywhere_what_cannot_be_undone_stays_agreed_to() {
    let text = |people: &str| format!("{HEAD}{people}policies: {{removal: {{users: delete}}}}\n");
    let people: String = (0..3).map(|n| format!("  u{n:02}@x.example: {{role: viewer}}\n")).collect();
    let (before, after) = (text(&people), text(""));
    let scenario = Scenario { before: &before, after: &after, accept: &["irreversible.user=3"], settled: None };
    assert_eq!(every_position(&scenario, SAVED).targets[0].steps.len(), 3);
}

/// Two things change names by way of a third name, and each keeps what it holds.
fn exchange(rename: &str, before: &str, after: &str, was: [&str; 2]) {
    const PAIR: &str = "  grace@x.example: {role: viewer}\n  mary@x.example: {role: viewer}\n";
    let people = if rename == "rename-user" { "" } else { PAIR };
    let (before, after) = (format!("{HEAD}{people}{before}"), format!("{HEAD}{people}{after}"));
    let settled = was.iter().fold(after.clone(), |text, was| text.replace(&format!("was: {was}, "), ""));
    assert_eq!(after.len() - settled.len(), was.iter().map(|w| w.len() + 7).sum::<usize>());
    for resume in [AGAIN, SAVED] {
        let scenario = Scenario { before: &before, after: &after, accept: &[], settled: Some(&settled) };
        let plan = every_position(&scenario, resume);
        let words: Vec<String> = plan.targets[0].steps.iter().map(|s| word(&s.change)).collect();
        assert_eq!(words, [rename; 3]);
    }
}

#[test]
fn killed_anywhere_two_teams_change_names() {
    exchange(
        "rename-team",
        "teams:
  one: {description: first, members: [grace@x.example]}
  two: {description: second, members: [mary@x.example]}
",
        "teams:
  one: {was: two, description: second, members: [mary@x.example]}
  two: {was: one, description: first, members: [grace@x.example]}
",
        ["one", "two"],
    );
}

#[test]
fn killed_anywhere_two_people_change_names() {
    exchange(
        "rename-user",
        "  one@x.example: {role: viewer, name: First}
  two@x.example: {role: viewer, name: Second}
teams: {t: {members: [one@x.example]}}
",
        "  one@x.example: {was: two@x.example, role: viewer, name: Second}
  two@x.example: {was: one@x.example, role: viewer, name: First}
teams: {t: {members: [two@x.example]}}
",
        ["one@x.example", "two@x.example"],
    );
}

#[test]
fn killed_anywhere_two_resources_change_names() {
    exchange(
        "rename-resource",
        "resources:
  project/one: {description: first, access: {view: [grace@x.example]}}
  project/two: {description: second, access: {edit: [mary@x.example]}}
",
        "resources:
  project/one: {was: project/two, description: second, access: {edit: [mary@x.example]}}
  project/two: {was: project/one, description: first, access: {view: [grace@x.example]}}
",
        ["project/one", "project/two"],
    );
}
