//! A target that refuses: one account is set aside while the rest goes on, and one that refuses
//! everything is not asked a thousand times.

use rolecall::apply::{Budget, Fate, Job, Report, Stop, TargetReport};
use rolecall::model::Change;
use rolecall::plan::Plan;
use rolecall::store::{Holder, Outcome, SqliteStore, Status, Store};
use rolecall::targets::directory::DirectoryWriter;
use rolecall::targets::{Stamp, TargetError, Task, Writer};

use super::common::{TestEnv, audit, by_hand, ledger, line, now};
use super::crash::{Silent, block_on};

/// Twenty people in a team, each with a grant.
fn env() -> (TestEnv, Plan) {
    let names: Vec<String> = (0..20).map(|n| format!("u{n:02}@x.example")).collect();
    let people: String = names.iter().map(|n| format!("  {n}: {{role: viewer}}\n")).collect();
    let names = names.join(", ");
    let env = TestEnv::with(&format!(
        "version: 1
targets:
  home: {{provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}}
users:
  ada@x.example: {{role: admin}}
{people}teams: {{all: {{members: [{names}]}}}}
resources: {{project/one: {{access: {{edit: [{names}]}}}}}}
"
    ));
    let plan = env.plan(&[]);
    assert!(plan.targets[0].steps.len() > 63);
    (env, plan)
}

/// A writer that refuses some changes, and takes others without making them.
struct Stubborn<F, G> {
    inner: DirectoryWriter,
    refuses: F,
    loses: G,
}

impl<F: Fn(&Change) -> bool + Send + Sync, G: Fn(&Change) -> bool + Send + Sync> Writer for Stubborn<F, G> {
    fn write<'a>(&'a self, change: &'a Change, stamp: &'a Stamp) -> Task<'a, Result<(), TargetError>> {
        if (self.refuses)(change) {
            return Box::pin(async { Err(TargetError::Refused("not for me".to_owned())) });
        }
        if (self.loses)(change) {
            return Box::pin(async { Ok(()) });
        }
        self.inner.write(change, stamp)
    }

    fn verify<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>> {
        self.inner.verify(change)
    }
}

fn apply(
    env: &TestEnv,
    plan: &Plan,
    refuses: impl Fn(&Change) -> bool + Send + Sync,
    loses: impl Fn(&Change) -> bool + Send + Sync,
) -> TargetReport {
    let store = SqliteStore::open(env.path()).unwrap();
    let holder = Holder { who: "test".into(), pid: std::process::id(), command: "test".into(), since: now() };
    let _lock = store.try_lock("home", &holder).unwrap();
    let inner = DirectoryWriter::open(env.home(), now(), 14).unwrap();
    let job = Job {
        plan: &plan.targets[0],
        digest: &plan.digest,
        writer: &Stubborn { inner, refuses, loses },
        store: &store,
        actor: "test",
        command: "test",
        commit: None,
        at: now(),
        parallelism: 1,
        budget: Budget::default(),
        stop: &Stop::default(),
        progress: &Silent,
    };
    block_on(rolecall::apply::run(&job)).unwrap()
}

/// The report, the ledger and the target say the same.
fn agree(env: &TestEnv, plan: &Plan, report: &TargetReport, status: Status) {
    let total = plan.targets[0].steps.len();
    assert_eq!(report.steps.len(), total);
    assert_eq!(report.status, status.word());
    assert_eq!(report.applied + report.failed + report.set_aside + report.unknown + report.not_attempted, total);
    let of = |fate| report.steps.iter().filter(move |s| s.fate == fate);
    assert_eq!(of(Fate::Applied).count(), report.applied);
    assert!(report.steps.iter().all(|s| (s.fate == Fate::Applied) == s.why.is_none()), "what was not made says why");
    assert_eq!(audit(&env.home()).len(), report.applied);
    let told = ledger(&env.store()).remove(0);
    assert_eq!(told.status, Some(status));
    assert_eq!(told.applied, of(Fate::Applied).map(|s| line(&s.change)).collect::<Vec<_>>());
    let failed = told.others.iter().filter(|(_, o)| matches!(o, Some(Outcome::Failed { .. })));
    assert_eq!(failed.count(), report.failed);
}

/// A second apply, by the binary and a target that takes everything, does what is left.
fn finishes(env: &TestEnv, plan: &Plan) {
    env.apply();
    env.is_converged();
    assert_eq!(audit(&env.home()).len(), plan.targets[0].steps.len(), "each change was made once");
    env.run(&["history", "verify"]).ended(0);
}

#[test]
fn who_cannot_be_served_is_set_aside() {
    let (env, plan) = env();
    let about = |change: &Change| line(change).contains("u07@x.example");
    let theirs = plan.targets[0].steps.iter().filter(|s| about(&s.change)).count();
    assert_eq!(theirs, 3, "an account, a membership and a grant");
    let report = apply(&env, &plan, about, |_| false);
    assert_eq!((report.failed, report.set_aside, report.not_attempted), (1, 2, 0));
    assert_eq!(report.applied, plan.targets[0].steps.len() - 3);
    for step in report.steps.iter().filter(|s| about(&s.change)) {
        assert!(step.why.as_deref().unwrap().contains("not for me"), "{step:?}");
    }
    agree(&env, &plan, &report, Status::Partial);
    finishes(&env, &plan);
}

#[test]
fn a_target_that_refuses_everything_is_left_alone() {
    let (env, plan) = env();
    let report = apply(&env, &plan, |_| true, |_| false);
    assert_eq!((report.applied, report.failed), (0, 8));
    assert_eq!(report.not_attempted, plan.targets[0].steps.len() - 8);
    agree(&env, &plan, &report, Status::Failed);
    finishes(&env, &plan);
}

#[test]
fn a_change_that_failed_holds_back_what_needs_it() {
    let (env, plan) = env();
    let report = apply(&env, &plan, |c| matches!(c, Change::CreateTeam { .. }), |_| false);
    assert_eq!((report.failed, report.set_aside, report.not_attempted), (1, 0, 20));
    for step in report.steps.iter().filter(|s| s.fate == Fate::NotAttempted) {
        assert!(matches!(step.change, Change::AddMember { .. }), "{step:?}");
    }
    agree(&env, &plan, &report, Status::Partial);
    finishes(&env, &plan);
}

#[test]
fn no_error_is_not_yet_success() {
    let (env, plan) = env();
    let report = apply(&env, &plan, |_| false, |c| matches!(c, Change::GiveGrant { .. }) && line(c).contains("u03@"));
    assert_eq!((report.failed, report.set_aside, report.not_attempted), (1, 0, 0));
    let lost = report.steps.iter().find(|s| s.fate == Fate::Failed).unwrap();
    assert!(
        line(&lost.change).contains("u03@") && lost.why.as_deref().unwrap().contains("it is not there"),
        "{lost:?}"
    );
    agree(&env, &plan, &report, Status::Partial);
    finishes(&env, &plan);
}

#[test]
fn the_binary_ends_with_five_and_says_what_was_refused() {
    let env = env().0;
    // The directory exists and refuses one person by itself.
    let whole = env.read("rolecall.yaml");
    let head = whole.split("users:").next().unwrap();
    env.write("rolecall.yaml", &format!("{head}users:\n  ada@x.example: {{role: admin}}\n"));
    env.apply();
    let before = audit(&env.home()).len();
    let trigger = "CREATE TRIGGER no BEFORE INSERT ON users WHEN new.email = 'u07@x.example'
                   BEGIN SELECT raise(ABORT, 'not this one'); END";
    by_hand(&env.home(), trigger, 0);
    env.write("rolecall.yaml", &whole);
    let total = env.target_plan(&[]).steps.len();
    let output = env.run(&["apply", "--auto-approve", "--json"]).ended(5);
    let report: Report = serde_json::from_str(&output.stdout).unwrap();
    let target = &report.targets[0];
    assert_eq!((target.applied, target.failed, target.set_aside), (total - 3, 1, 2));
    let failed = target.steps.iter().find(|s| s.fate == Fate::Failed).unwrap();
    assert!(failed.why.as_deref().unwrap().contains("not this one"), "{failed:?}");
    assert_eq!(audit(&env.home()).len(), before + total - 3);
    by_hand(&env.home(), "DROP TRIGGER no", 0);
    env.apply();
    env.is_converged();
    assert_eq!(audit(&env.home()).len(), before + total);
}
