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

/// Where a store is kept in a test, and how it is opened.
trait Home {
    fn open(&self) -> Box<dyn Store>;
    /// The same store, opened by another runner.
    fn elsewhere(&self) -> Box<dyn Store>;
    fn existing(&self) -> Option<Box<dyn Store>>;
}

struct Folder(tempfile::TempDir);

impl Home for Folder {
    fn open(&self) -> Box<dyn Store> {
        Box::new(SqliteStore::open(self.0.path()).unwrap())
    }
    fn elsewhere(&self) -> Box<dyn Store> {
        self.open()
    }
    fn existing(&self) -> Option<Box<dyn Store>> {
        SqliteStore::open_existing(self.0.path()).unwrap().map(|s| Box::new(s) as Box<dyn Store>)
    }
}

impl Home for git::tests::Remote {
    fn open(&self) -> Box<dyn Store> {
        Box::new(self.store("one"))
    }
    fn elsewhere(&self) -> Box<dyn Store> {
        Box::new(self.store("two"))
    }
    fn existing(&self) -> Option<Box<dyn Store>> {
        let store = GitStore::open_existing(self.clone("one"), &self.branch()).unwrap();
        store.map(|s| Box::new(s) as Box<dyn Store>)
    }
}

/// What every store must do, wherever it lies.
macro_rules! every_store {
    ($($name:ident),* $(,)?) => {
        mod in_sqlite {
            $(#[test] fn $name() { super::$name(&super::Folder(tempfile::tempdir().unwrap())); })*
        }
        mod in_git {
            $(#[test] fn $name() { super::$name(&super::git::tests::Remote::new()); })*
        }
    };
}

every_store!(
    an_apply_from_begin_to_finish,
    what_a_crash_leaves_is_found,
    memory_of_a_target,
    two_locks_exclude_each_other,
    names_that_are_no_file_names_are_not_locked,
    what_is_remembered_is_recalled_until_it_is_forgotten,
    many_changes_take_seconds,
    what_is_done_under_a_lock_is_seen_at_once_and_kept,
    two_at_once_lose_nothing,
);

fn raw(dir: &Path) -> Connection {
    Connection::open(dir.join(".rolecall/store.db")).unwrap()
}

fn an_apply_from_begin_to_finish(home: &dyn Home) {
    let store = home.open();
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

fn what_a_crash_leaves_is_found(home: &dyn Home) {
    let [create, join, disable] = changes();
    let id = {
        let store = home.open();
        let id = store.begin(&apply("home")).unwrap();
        store.intend(id, &[(0, &create), (1, &join), (2, &disable)], at(1)).unwrap();
        store.outcome(id, 1, &Outcome::SetAside { why: "gone".into() }, at(2)).unwrap();
        id
    };
    let store = home.existing().unwrap();
    let open = store.unfinished("home").unwrap();
    assert_eq!(open[0].info.id, id);
    assert_eq!(open[0].pending, [(0, create), (2, disable)]);
    assert_eq!(store.applies(None, 1).unwrap()[0].finished, None);
    let store = home.elsewhere();
    store.finish(id, Status::Resolved, at(3)).unwrap();
    assert!(store.unfinished("home").unwrap().is_empty());
}

#[test]
fn what_is_opened_to_be_read_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let id = SqliteStore::open(dir.path()).unwrap().begin(&apply("home")).unwrap();
    let store = SqliteStore::open_existing(dir.path()).unwrap().unwrap();
    assert!(store.finish(id, Status::Resolved, at(3)).is_err());
}

fn what_is_done_under_a_lock_is_seen_at_once_and_kept(home: &dyn Home) {
    let [create, join, _] = changes();
    let store = home.open();
    let lock = store.lock("home", &holder(), Duration::ZERO).unwrap();
    assert!(lock.former().is_none());
    let id = store.begin(&apply("home")).unwrap();
    store.intend(id, &[(0, &create), (1, &join)], at(1)).unwrap();
    store.guard("home").unwrap();
    store.outcome(id, 0, &Outcome::Applied, at(2)).unwrap();
    assert_eq!(store.unfinished("home").unwrap()[0].pending, [(1, join.clone())]);
    store.outcome(id, 1, &Outcome::Applied, at(2)).unwrap();
    store.finish(id, Status::Complete, at(3)).unwrap();
    assert!(store.unfinished("home").unwrap().is_empty());
    store.remember_ownership("home", &Ownership::default()).unwrap();
    store.remember_read("home", &BTreeMap::from([(Kind::User, 3)]), at(3)).unwrap();
    assert_eq!(store.last_read("home").unwrap(), Some(BTreeMap::from([(Kind::User, 3)])));
    assert!(matches!(store.intend(id, &[(2, &create)], at(4)), Err(StoreError::Ended(1))));
    store.settle(vec![lock]).unwrap();
    let other = home.elsewhere();
    assert_eq!(other.applies(Some("home"), 9).unwrap()[0].finished, Some((Status::Complete, at(3))));
    assert_eq!(other.entries(id).unwrap().len(), 2);
    assert_eq!(other.ownership("home").unwrap(), Some(Ownership::default()));
    assert_eq!(other.verify().unwrap().rows, 6);
    assert_eq!(other.try_lock("home", &holder()).unwrap().fence(), 2);
}

/// Two runners that write at the same time, to the ledger and to one memory: every write is there once.
fn two_at_once_lose_nothing(home: &dyn Home) {
    const TIMES: usize = 6;
    let stores = [home.open(), home.elsewhere()];
    let [create, ..] = changes();
    std::thread::scope(|threads| {
        for (number, store) in stores.iter().enumerate() {
            let create = &create;
            threads.spawn(move || {
                for time in 0..TIMES {
                    let key = format!("{number}/{time}");
                    store.remember(Topic::Drift, "home", &BTreeMap::from([(key.clone(), Some(key))])).unwrap();
                    let id = store.begin(&apply(&format!("t{number}"))).unwrap();
                    store.intend(id, &[(0, create)], at(1)).unwrap();
                    store.outcome(id, 0, &Outcome::Applied, at(1)).unwrap();
                    store.finish(id, Status::Complete, at(1)).unwrap();
                }
            });
        }
    });
    let store = home.existing().unwrap();
    assert_eq!(store.recall(Topic::Drift, "home").unwrap().len(), 2 * TIMES);
    let applies = store.applies(None, usize::MAX).unwrap();
    assert_eq!(applies.len(), 2 * TIMES);
    assert!(applies.iter().all(|a| a.applied == 1 && a.finished.is_some()));
    let found = store.verify().unwrap();
    assert_eq!((found.rows as usize, found.broken), (2 * TIMES * 4, None));
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

fn memory_of_a_target(home: &dyn Home) {
    let store = home.open();
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
    assert_eq!(store.identities("home").unwrap(), Identities::default());
    drop(store);
    let store = home.elsewhere();
    assert!(store.ownership("home").unwrap().is_some());
    assert!(store.last_read("home").unwrap().is_some());
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

fn two_locks_exclude_each_other(home: &dyn Home) {
    let (one, two) = (home.open(), home.elsewhere());
    let lock = one.try_lock("home", &holder()).unwrap();
    assert_eq!(lock.fence(), 1);
    let other = Holder { who: "bob@laptop".into(), ..holder() };
    let error = two.try_lock("home", &other).unwrap_err();
    assert_eq!(error.holder(), Some(&holder()), "{error}");
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

fn names_that_are_no_file_names_are_not_locked(home: &dyn Home) {
    let store = home.open();
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

fn many_changes_take_seconds(home: &dyn Home) {
    let store = home.open();
    let [create, ..] = changes();
    let begin = Instant::now();
    let id = store.begin(&NewApply { changes: 5_000, ..apply("home") }).unwrap();
    for batch in 0..10 {
        let steps: Vec<(u32, &Change)> = (batch * 500..(batch + 1) * 500).map(|step| (step, &create)).collect();
        store.intend(id, &steps, at(1)).unwrap();
        for (step, _) in steps {
            store.outcome(id, step, &Outcome::Applied, at(2)).unwrap();
        }
    }
    store.finish(id, Status::Complete, at(3)).unwrap();
    assert_eq!(store.applies(None, 1).unwrap()[0].applied, 5_000);
    assert_eq!(store.verify().unwrap().rows, 10_002);
    let took = begin.elapsed();
    println!("5,000 changes: {took:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

fn what_is_remembered_is_recalled_until_it_is_forgotten(home: &dyn Home) {
    let entries = |list: &[(&str, Option<&str>)]| {
        list.iter().map(|(k, v)| ((*k).to_owned(), v.map(str::to_owned))).collect::<BTreeMap<_, _>>()
    };
    {
        let store = home.open();
        store.remember(Topic::Drift, "dbt", &entries(&[("user a", Some("1")), ("user b", Some("2"))])).unwrap();
        store.remember(Topic::Drift, "bi", &entries(&[("user a", Some("3"))])).unwrap();
        store
            .remember(Topic::Drift, "dbt", &entries(&[("user a", None), ("user b", Some("4")), ("user c", None)]))
            .unwrap();
    }
    let store = home.existing().unwrap();
    assert_eq!(store.recall(Topic::Drift, "dbt").unwrap(), BTreeMap::from([("user b".to_owned(), "4".to_owned())]));
    assert_eq!(store.recall(Topic::Drift, "bi").unwrap(), BTreeMap::from([("user a".to_owned(), "3".to_owned())]));
    assert!(store.recall(Topic::Reviewed, "dbt").unwrap().is_empty());
}
