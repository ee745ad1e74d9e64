//! SIGINT, SIGTERM and SIGKILL in the middle of an apply of the binary.

use std::process::Command;

use rolecall::apply::{Fate, Report};
use rolecall::store::{Holder, Status, Store};

use super::common::{Output, TestEnv, audit, ledger, line, now, rows, tally, wait_until};

const PEOPLE: usize = 2500;

/// An apply of so many people that got a signal after some of them: the folder, how many changes there
/// were to make, and what the binary left.
fn stopped_by(signal: &str) -> (TestEnv, usize, Output) {
    let people: String = (0..PEOPLE).map(|n| format!("  u{n:04}@x.example: {{role: viewer}}\n")).collect();
    let env = TestEnv::with(&format!(
        "version: 1
targets:
  home: {{provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}}
users:
  ada@x.example: {{role: admin}}
{people}"
    ));
    let total = env.target_plan(&[]).steps.len();
    assert!(total > PEOPLE);
    let apply = env.command(&["apply", "--auto-approve", "--json"]).spawn().unwrap();
    let count = || rows(&env.home(), "SELECT count(*) FROM sqlite_schema WHERE name = 'audit'");
    wait_until("the directory is made", || env.home().exists() && count() == ["Integer(1)"]);
    wait_until("some changes are made", || audit(&env.home()).len() > 100);
    let sent = Command::new("kill").args([signal, &apply.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = Output::of(apply.wait_with_output().unwrap());
    (env, total, output)
}

/// The lock is free, and a second apply makes what is left, and nothing twice.
fn second(env: &TestEnv, left: usize, total: usize) {
    let holder = Holder { who: "t".into(), pid: 1, command: "t".into(), since: now() };
    drop(env.store().try_lock("home", &holder).unwrap());
    assert_eq!(env.target_plan(&[]).steps.len(), left);
    env.apply();
    env.is_converged();
    assert_eq!(audit(&env.home()).len(), total, "nothing was done twice");
    let told = ledger(&env.store());
    assert_eq!(told.len(), 2);
    assert_eq!(tally(told.iter().flat_map(|t| &t.applied)).len(), total, "each change once");
    assert_eq!(told[1].status, Some(Status::Complete));
    env.run(&["history", "verify"]).ended(0);
}

fn politely(signal: &str) {
    let (env, total, output) = stopped_by(signal);
    let output = output.ended(5);
    // The report tells the truth, change by change.
    let report: Report = serde_json::from_str(&output.stdout).unwrap();
    let [target] = report.targets.as_slice() else { panic!("{report:?}") };
    assert_eq!(target.status, "interrupted");
    assert!(target.applied > 100 && target.not_attempted > 0, "{} of {total}", target.applied);
    assert_eq!((target.failed, target.set_aside, target.unknown), (0, 0, 0));
    assert_eq!(target.applied + target.not_attempted, total);
    let applied: Vec<String> =
        target.steps.iter().filter(|s| s.fate == Fate::Applied).map(|s| line(&s.change)).collect();
    assert_eq!(applied.len(), target.applied);
    assert_eq!(audit(&env.home()).len(), target.applied);
    let told = &ledger(&env.store())[0];
    assert_eq!(told.status, Some(Status::Interrupted));
    assert_eq!(told.applied, applied);
    assert!(told.others.iter().all(|(_, outcome)| outcome.is_none()), "{:?}", told.others);
    second(&env, target.not_attempted, total);
}

#[test]
fn interrupted() {
    politely("-INT");
}

#[test]
fn terminated() {
    politely("-TERM");
}

#[test]
fn killed() {
    let (env, total, output) = stopped_by("-KILL");
    assert_eq!(output.code, None, "it had no time to say anything");
    let done = audit(&env.home()).len();
    assert!(done > 100 && done < total, "{done} of {total}");
    second(&env, total - done, total);
    let first = &ledger(&env.store())[0];
    assert_eq!((first.status, first.applied.len()), (Some(Status::Resolved), done));
}
