use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::*;
use crate::model::{MemberRecord, UserRecord, Why};

fn at(second: i64) -> Moment {
    Moment::from_second(1_800_000_000 + second)
}

fn apply(target: &str) -> NewApply {
    NewApply {
        target: target.into(),
        actor: "ada@build-7".into(),
        commit: Some("1f0c".into()),
        command: "apply".into(),
        digest: "d1".into(),
        changes: 3,
        at: at(0),
    }
}

fn changes() -> [Change; 3] {
    let user = UserRecord { email: "ada@acme.com".into(), until: Some(at(9)), ..UserRecord::default() };
    let member = MemberRecord { team: "core".into(), user: "ada@acme.com".into(), ..MemberRecord::default() };
    [
        Change::CreateUser { user: user.clone() },
        Change::AddMember { member },
        Change::DisableUser { user, reason: Why::Expired { until: at(9) } },
    ]
}

fn holder() -> Holder {
    Holder { who: "ada@build-7".into(), pid: std::process::id(), command: "rolecall apply".into(), since: at(0) }
}

fn raw(dir: &Path) -> Connection {
    Connection::open(dir.join(".rolecall/store.db")).unwrap()
}

#[test]
fn an_apply_from_begin_to_finish() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let [create, join, disable] = changes();
    let id = store.begin(&apply("home")).unwrap();
    store.intend(id, &[(0, &create), (1, &join)], at(1)).unwrap();
    store.outcome(id, 0, &Outcome::Unknown { why: "timed out".into() }, at(2)).unwrap();
    store.outcome(id, 0, &Outcome::Applied, at(3)).unwrap();
    store.outcome(id, 1, &Outcome::Failed { why: "refused".into() }, at(4)).unwrap();

    let open = store.unfinished("home").unwrap();
    assert_eq!(open.len(), 1);
    assert!(open[0].pending.is_empty());
    assert!(store.unfinished("other").unwrap().is_empty());

    store.finish(id, Status::Partial, at(5)).unwrap();
    assert!(store.unfinished("home").unwrap().is_empty());
    assert!(matches!(store.intend(id, &[(2, &disable)], at(6)), Err(StoreError::Ended(1))));
    assert!(matches!(store.intend(7, &[], at(6)), Err(StoreError::NoApply(7))));
    assert!(matches!(store.entries(7), Err(StoreError::NoApply(7))));

    let second = store.begin(&NewApply { commit: None, ..apply("other") }).unwrap();
    let list = store.applies(None, 10).unwrap();
    assert_eq!(list.iter().map(|e| e.info.id).collect::<Vec<_>>(), [second, id]);
    assert_eq!(store.applies(None, 1).unwrap().len(), 1);
    let entry = &store.applies(Some("home"), 10).unwrap()[0];
    assert_eq!(entry.info.begun, apply("home"));
    assert_eq!((entry.applied, entry.failed, entry.set_aside, entry.unknown, entry.not_attempted), (1, 1, 0, 0, 1));
    assert_eq!(entry.finished, Some((Status::Partial, at(5))));

    let entries = store.entries(id).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0], Entry { step: 0, change: create, outcome: Some(Outcome::Applied), at: at(3) });
    assert_eq!(entries[1].change, join);
    assert_eq!(store.verify().unwrap().broken, None);
    assert_eq!(store.verify().unwrap().rows, 8);
}

#[test]
fn what_a_crash_leaves_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let [create, join, disable] = changes();
    let id = {
        let store = SqliteStore::open(dir.path()).unwrap();
        let id = store.begin(&apply("home")).unwrap();
        store.intend(id, &[(0, &create), (1, &join), (2, &disable)], at(1)).unwrap();
        store.outcome(id, 1, &Outcome::SetAside { why: "gone".into() }, at(2)).unwrap();
        id
    };
    let store = SqliteStore::open_existing(dir.path()).unwrap().unwrap();
    let open = store.unfinished("home").unwrap();
    assert_eq!(open[0].info.id, id);
    assert_eq!(open[0].pending, [(0, create), (2, disable)]);
    assert_eq!(store.applies(None, 1).unwrap()[0].finished, None);
    assert!(store.finish(id, Status::Resolved, at(3)).is_err(), "what is opened to be read cannot be written");
    let store = SqliteStore::open(dir.path()).unwrap();
    store.finish(id, Status::Resolved, at(3)).unwrap();
    assert!(store.unfinished("home").unwrap().is_empty());
}

#[test]
fn the_ledger_is_only_added_to_and_an_edit_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let id = store.begin(&apply("home")).unwrap();
    for step in 0..5 {
        store.outcome(id, step, &Outcome::Applied, at(1)).unwrap();
    }
    let raw = raw(dir.path());
    assert!(raw.execute("UPDATE ledger SET at = 'x'", []).is_err());
    assert!(raw.execute("DELETE FROM ledger WHERE seq = 6", []).is_err());
    assert_eq!(store.verify().unwrap().broken, None);

    raw.execute_batch("DROP TRIGGER ledger_is_not_changed; DROP TRIGGER ledger_is_not_shortened").unwrap();
    let edit = |sql: &str| {
        raw.execute_batch("SAVEPOINT edit").unwrap();
        raw.execute(sql, []).unwrap();
        raw.execute_batch("RELEASE edit").unwrap();
        store.verify().unwrap().broken.unwrap()
    };
    raw.execute_batch("CREATE TEMP TABLE kept AS SELECT * FROM ledger").unwrap();
    let back = || raw.execute_batch("DELETE FROM ledger; INSERT INTO ledger SELECT * FROM kept").unwrap();
    assert_eq!(edit("UPDATE ledger SET body = replace(body, 'applied', 'failed') WHERE seq = 4").row, 4);
    back();
    assert_eq!(edit("DELETE FROM ledger WHERE seq = 3"), Break { row: 3, what: "row 3 is missing".into() });
    back();
    assert_eq!(edit("UPDATE ledger SET hash = upper(hash) WHERE seq = 2").row, 2);
    back();
    assert_eq!(edit("UPDATE ledger SET previous = '00' WHERE seq = 5").row, 5);
    back();
    assert_eq!(store.verify().unwrap().rows, 6);
}

#[test]
fn memory_of_a_target() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    assert_eq!(store.ownership("home").unwrap(), None);
    assert_eq!(store.last_read("home").unwrap(), None);
    let mut ownership = Ownership::default();
    ownership.kinds.insert(Kind::User, vec!["*@acme.com".into()]);
    ownership.listed_members.insert("core".into());
    store.remember_ownership("home", &Ownership::default()).unwrap();
    store.remember_ownership("home", &ownership).unwrap();
    assert_eq!(store.ownership("home").unwrap(), Some(ownership));
    let counts = BTreeMap::from([(Kind::User, 10), (Kind::Grant, 0)]);
    store.remember_read("home", &counts, at(0)).unwrap();
    assert_eq!(store.last_read("home").unwrap(), Some(counts));
    assert_eq!(store.last_read("other").unwrap(), None);
}

#[test]
fn looking_makes_nothing_and_opening_makes_a_private_folder() {
    let dir = tempfile::tempdir().unwrap();
    assert!(SqliteStore::open_existing(dir.path()).unwrap().is_none());
    assert!(!dir.path().join(".rolecall").exists());
    drop(SqliteStore::open(dir.path()).unwrap());
    assert_eq!(std::fs::read_to_string(dir.path().join(".rolecall/.gitignore")).unwrap(), "*\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path().join(".rolecall")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    assert!(SqliteStore::open_existing(dir.path()).unwrap().is_some());
}

#[test]
fn stores_of_others_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path()).unwrap());
    raw(dir.path()).execute_batch("PRAGMA user_version = 99").unwrap();
    let error = SqliteStore::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("a newer rolecall made it (layout 99"), "{error}");
    raw(dir.path()).execute_batch("PRAGMA user_version = 1; PRAGMA application_id = 7").unwrap();
    let error = SqliteStore::open_existing(dir.path()).unwrap_err().to_string();
    assert!(error.contains("another program"), "{error}");
    std::fs::write(dir.path().join(".rolecall/store.db"), "users: {}\n".repeat(100)).unwrap();
    let error = SqliteStore::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("not a database"), "{error}");
}

#[test]
fn two_locks_exclude_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (SqliteStore::open(dir.path()).unwrap(), SqliteStore::open(dir.path()).unwrap());
    let lock = one.try_lock("home", &holder()).unwrap();
    assert_eq!(lock.fence(), 1);
    let other = Holder { who: "bob@laptop".into(), ..holder() };
    let error = two.try_lock("home", &other).unwrap_err();
    assert!(matches!(&error, StoreError::Locked(held) if *held == holder()), "{error}");
    assert!(error.to_string().contains("ada@build-7 (`rolecall apply`, process "), "{error}");
    assert!(one.try_lock("home", &other).is_err());
    assert_eq!(two.try_lock("bi", &other).unwrap().fence(), 1);

    let begin = Instant::now();
    assert!(two.lock("home", &other, Duration::from_millis(250)).is_err());
    assert!(begin.elapsed() >= Duration::from_millis(250));
    assert!(two.lock("home", &other, Duration::ZERO).is_err());
    let waiting = std::thread::spawn(move || two.lock("home", &other, Duration::from_secs(20)).map(|l| l.fence()));
    std::thread::sleep(Duration::from_millis(50));
    drop(lock);
    assert_eq!(waiting.join().unwrap().unwrap(), 2);
    assert_eq!(one.try_lock("home", &holder()).unwrap().fence(), 3);
}

#[test]
fn names_that_are_no_file_names_are_not_locked() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    for name in ["", "../home", "Home", "a/b", "a.b", "é"] {
        assert!(matches!(store.try_lock(name, &holder()), Err(StoreError::TargetName(_))), "{name}");
    }
}

const CHILD: &str = "ROLECALL_TEST_LOCK_DIR";

/// Not a test of its own: what the process does that `a_killed_process_leaves_no_lock` starts.
#[test]
fn child_that_holds_a_lock() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let store = SqliteStore::open(dir).unwrap();
    let _lock = store.try_lock("home", &Holder { who: "the child".into(), ..holder() }).unwrap();
    println!("\nlocked");
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_killed_process_leaves_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::child_that_holds_a_lock", "--nocapture"])
        .env(CHILD, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "locked"));
    match store.try_lock("home", &holder()) {
        Err(StoreError::Locked(held)) => {
            assert_eq!((held.who.as_str(), held.pid), ("the child", child.id()));
        }
        other => panic!("{other:?}"),
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(store.lock("home", &holder(), Duration::from_secs(5)).unwrap().fence(), 2);
}

#[test]
fn ten_thousand_changes_take_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    let [create, ..] = changes();
    let begin = Instant::now();
    let id = store.begin(&NewApply { changes: 10_000, ..apply("home") }).unwrap();
    for batch in 0..100 {
        let steps: Vec<(u32, &Change)> = (batch * 100..(batch + 1) * 100).map(|step| (step, &create)).collect();
        store.intend(id, &steps, at(1)).unwrap();
        for (step, _) in steps {
            store.outcome(id, step, &Outcome::Applied, at(2)).unwrap();
        }
    }
    store.finish(id, Status::Complete, at(3)).unwrap();
    assert_eq!(store.applies(None, 1).unwrap()[0].applied, 10_000);
    assert_eq!(store.verify().unwrap().rows, 20_002);
    let took = begin.elapsed();
    println!("10,000 changes: {took:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn what_is_remembered_is_recalled_until_it_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let entries = |list: &[(&str, Option<&str>)]| {
        list.iter().map(|(k, v)| ((*k).to_owned(), v.map(str::to_owned))).collect::<BTreeMap<_, _>>()
    };
    {
        let store = SqliteStore::open(dir.path()).unwrap();
        store.remember(Topic::Drift, "dbt", &entries(&[("user a", Some("1")), ("user b", Some("2"))])).unwrap();
        store.remember(Topic::Drift, "bi", &entries(&[("user a", Some("3"))])).unwrap();
        store
            .remember(Topic::Drift, "dbt", &entries(&[("user a", None), ("user b", Some("4")), ("user c", None)]))
            .unwrap();
    }
    let store = SqliteStore::open_existing(dir.path()).unwrap().unwrap();
    assert_eq!(store.recall(Topic::Drift, "dbt").unwrap(), BTreeMap::from([("user b".to_owned(), "4".to_owned())]));
    assert_eq!(store.recall(Topic::Drift, "bi").unwrap(), BTreeMap::from([("user a".to_owned(), "3".to_owned())]));
    assert!(store.recall(Topic::Reviewed, "dbt").unwrap().is_empty());
}
