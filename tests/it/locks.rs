//! One apply at a time for each target.

use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use rolecall::store::{Holder, SqliteStore, Store};

use super::common::{Output, TestEnv, assert_same, audit, ledger, now};
use super::life::small;

/// Twelve people in a team.
fn env() -> TestEnv {
    let people: String = (0..12).map(|n| format!("  u{n:02}@x.example: {{role: viewer, teams: [all]}}\n")).collect();
    TestEnv::with(&format!(
        "version: 1
targets:
  home: {{provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}}
teams: {{all: {{}}}}
users:
  ada@x.example: {{role: admin}}
{people}"
    ))
}

fn holder() -> Holder {
    Holder { who: "grace@build-7".into(), pid: 4711, command: "rolecall apply".into(), since: now() }
}

#[test]
fn the_second_is_told_who_holds_the_lock() {
    let env = env();
    let store = SqliteStore::open(env.path()).unwrap();
    let lock = store.try_lock("home", &holder()).unwrap();
    let refused = env.run(&["apply", "--auto-approve"]).ended(1);
    refused.says(&["grace@build-7", "process 4711", "--lock-timeout"]);
    assert!(!env.home().exists(), "nothing was done");
    // Waiting is in vain while it is held; looking is always possible.
    let start = Instant::now();
    env.run(&["apply", "--auto-approve", "--lock-timeout", "1s"]).ended(1).says(&["grace@build-7"]);
    assert!(start.elapsed() >= Duration::from_secs(1));
    env.run(&["plan", "--detailed-exitcode"]).ended(2);
    drop(lock);
    env.apply();
    env.is_converged();
}

#[test]
fn the_second_waits_until_the_lock_is_free() {
    let env = env();
    let store = SqliteStore::open(env.path()).unwrap();
    let lock = store.try_lock("home", &holder()).unwrap();
    let mut waiting = env.command(&["apply", "--auto-approve", "--lock-timeout", "60s"]).spawn().unwrap();
    let mut stderr = BufReader::new(waiting.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("grace@build-7") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "it says for whom it waits: {said}");
    }
    assert!(waiting.try_wait().unwrap().is_none(), "it waits");
    assert!(!env.home().exists(), "and does nothing");
    drop(lock);
    stderr.read_to_string(&mut said).unwrap();
    assert!(waiting.wait().unwrap().success(), "{said}");
    env.is_converged();
}

#[test]
fn a_target_is_locked_by_itself() {
    let env = env();
    let store = SqliteStore::open(env.path()).unwrap();
    let _lock = store.try_lock("another", &holder()).unwrap();
    env.apply();
    env.is_converged();
}

#[test]
fn two_at_the_same_moment_do_everything_once() {
    let alone = env();
    alone.apply();
    for _ in 0..5 {
        let env = env();
        let args = ["apply", "--auto-approve", "--lock-timeout", "60s"];
        let both: Vec<_> = (0..2).map(|_| env.command(&args).spawn().unwrap()).collect();
        for one in both {
            Output::of(one.wait_with_output().unwrap()).ended(0);
        }
        assert_eq!(env.dump(), alone.dump());
        let done = audit(&env.home());
        assert!(done.len() > 25, "{}", done.len());
        assert_same(("the two", done.clone()), ("one alone", audit(&alone.home())));
        let told = ledger(&env.store());
        assert_eq!(told.iter().map(|t| t.applied.len()).sum::<usize>(), done.len());
        assert!(told.iter().all(|t| t.others.is_empty()));
        env.run(&["history", "verify"]).ended(0);
    }
}

/// The first to come makes the store, and those who come in the same moment do not take what is half
/// made for something else.
#[test]
fn many_can_open_a_store_that_is_not_there_yet() {
    for _ in 0..40 {
        let env = TestEnv::new();
        let start = std::sync::Barrier::new(4);
        let open = || {
            start.wait();
            SqliteStore::open(env.path()).map(drop).map_err(|e| e.to_string())
        };
        let opened: Vec<_> = std::thread::scope(|threads| {
            let all: Vec<_> = (0..4).map(|_| threads.spawn(open)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(opened, vec![Ok(()); 4]);
    }
}

#[test]
fn one_file_reached_from_two_declarations_is_locked_once() {
    let declared = "users:\n  ada@x.example: {role: admin}\n";
    let one = TestEnv::with(&small(declared));
    one.apply();
    let other = TestEnv::with(
        &small(declared).replace("sqlite:.rolecall/home.db", &format!("sqlite:{}", one.home().display())),
    );
    let holder = Holder { who: "grace@other".into(), pid: 7, command: "rolecall apply".into(), since: now() };
    let mut path = one.home().into_os_string();
    path.push(".lock");
    let held = rolecall::store::lock_beside(path.as_ref(), &holder).unwrap();
    for env in [&one, &other] {
        env.run(&["apply", "--auto-approve"]).ended(1).says(&["grace@other"]);
    }
    drop(held);
    for env in [&one, &other] {
        env.run(&["apply", "--auto-approve"]).ended(0);
    }
}
