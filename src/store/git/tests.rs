//! The store in Git: a bare repository as the remote, and clones that share nothing else.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use git2::{FileMode, Repository};

use super::*;
use crate::model::UserRecord;

/// A remote with clones of it.
pub(in crate::store) struct Remote {
    dir: tempfile::TempDir,
}

impl Remote {
    pub(in crate::store) fn new() -> Self {
        let remote = Self { dir: tempfile::tempdir().unwrap() };
        Repository::init_bare(remote.path()).unwrap();
        remote
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("remote.git")
    }

    fn bare(&self) -> Repository {
        Repository::open_bare(self.path()).unwrap()
    }

    /// A clone of that name, made where it is missing.
    pub(in crate::store) fn clone(&self, name: &str) -> PathBuf {
        let folder = self.dir.path().join(name);
        if !folder.exists() {
            let repo = Repository::init(&folder).unwrap();
            repo.remote("origin", self.path().to_str().unwrap()).unwrap();
        }
        folder
    }

    pub(in crate::store) fn branch(&self) -> Branch {
        Branch { name: "rolecall".into(), remote: "origin".into() }
    }

    pub(in crate::store) fn store(&self, clone: &str) -> GitStore {
        self.open(clone, Lease::default()).unwrap()
    }

    fn open(&self, clone: &str, lease: Lease) -> Result<GitStore> {
        GitStore::open(self.clone(clone), &self.branch(), lease)
    }

    fn head(&self) -> Oid {
        self.bare().refname_to_id("refs/heads/rolecall").unwrap()
    }

    /// How many commits the branch has: one for each push.
    fn commits(&self) -> usize {
        let bare = self.bare();
        let mut walk = bare.revwalk().unwrap();
        walk.push(self.head()).unwrap();
        walk.count()
    }

    /// A file at the head of the branch.
    fn file(&self, path: &str) -> String {
        let bare = self.bare();
        let tree = bare.find_commit(self.head()).unwrap().tree().unwrap();
        let blob = bare.find_blob(tree.get_path(path.as_ref()).unwrap().id()).unwrap();
        String::from_utf8(blob.content().to_vec()).unwrap()
    }

    /// Makes the branch something else: the tree of its head with other files, as a commit after `parent`.
    fn force(&self, files: &[(&str, &str)], parent: Option<Oid>) -> Oid {
        let bare = self.bare();
        let head = bare.refname_to_id("refs/heads/rolecall").ok();
        let base = match head {
            Some(head) => bare.find_commit(head).unwrap().tree().unwrap(),
            None => bare.find_tree(bare.treebuilder(None).unwrap().write().unwrap()).unwrap(),
        };
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, text) in files {
            update.upsert(*path, bare.blob(text.as_bytes()).unwrap(), FileMode::Blob);
        }
        let tree = bare.find_tree(update.create_updated(&bare, &base).unwrap()).unwrap();
        let who = git2::Signature::now("mallory", "m@x.example").unwrap();
        let parent = parent.map(|p| bare.find_commit(p).unwrap());
        let parents: Vec<_> = parent.iter().collect();
        let made = bare.commit(None, &who, &who, "by hand", &tree, &parents).unwrap();
        bare.reference("refs/heads/rolecall", made, true, "by hand").unwrap();
        made
    }

    /// Lets the remote answer every push with this.
    #[cfg(unix)]
    fn hook(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path().join("hooks").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn at(second: i64) -> Moment {
    Moment::from_second(1_800_000_000 + second)
}

fn holder(who: &str) -> Holder {
    Holder { who: who.into(), pid: 7, command: "rolecall apply".into(), since: at(0) }
}

fn apply(target: &str) -> NewApply {
    NewApply {
        target: target.into(),
        actor: "ada@build-7".into(),
        commit: None,
        command: "apply".into(),
        digest: "d1".into(),
        changes: 3,
        at: at(0),
    }
}

fn change() -> Change {
    Change::CreateUser { user: UserRecord { email: "ada@acme.com".into(), ..UserRecord::default() } }
}

/// Two applies, one after the other.
fn filled() -> Remote {
    let remote = Remote::new();
    let store = remote.store("one");
    for target in ["home", "bi"] {
        let id = store.begin(&apply(target)).unwrap();
        store.intend(id, &[(0, &change()), (1, &change())], at(1)).unwrap();
        store.outcome(id, 0, &Outcome::Applied, at(2)).unwrap();
        store.outcome(id, 1, &Outcome::Failed { why: "refused".into() }, at(2)).unwrap();
        store.finish(id, Status::Partial, at(3)).unwrap();
    }
    remote
}

fn text(result: Result<impl Sized>) -> String {
    result.err().map(|e| e.to_string()).unwrap_or_default()
}

#[test]
fn an_apply_costs_a_push_for_each_wave_and_three_more() {
    const WAVES: u32 = 5;
    let remote = Remote::new();
    let store = remote.store("one");
    let lock = store.try_lock("home", &holder("ada")).unwrap();
    let id = store.begin(&apply("home")).unwrap();
    for wave in 0..WAVES {
        let change = change();
        let steps: Vec<(u32, &Change)> = (wave * 20..(wave + 1) * 20).map(|step| (step, &change)).collect();
        store.intend(id, &steps, at(1)).unwrap();
        // Nothing may be sent before it is known elsewhere.
        let known = remote.store("two").unfinished("home").unwrap();
        assert_eq!(known[0].pending.len(), 20, "wave {wave}: the one before has its outcomes");
        for (step, _) in steps {
            store.guard("home").unwrap();
            store.outcome(id, step, &Outcome::Applied, at(2)).unwrap();
        }
    }
    store.finish(id, Status::Complete, at(3)).unwrap();
    store.remember_ownership("home", &Ownership::default()).unwrap();
    store.remember_read("home", &BTreeMap::new(), at(3)).unwrap();
    store.remember_identities("home", &Identities::default()).unwrap();
    store.settle(vec![lock]).unwrap();
    assert_eq!(remote.commits(), WAVES as usize + 3);
    assert_eq!(remote.store("two").applies(None, 1).unwrap()[0].applied, 100);
}

#[test]
fn the_branch_can_be_read_by_people() {
    let remote = Remote::new();
    let store = remote.store("one");
    let id = store.begin(&apply("home")).unwrap();
    store.outcome(id, 0, &Outcome::Applied, at(1)).unwrap();
    store.finish(id, Status::Partial, at(1)).unwrap();
    store.remember(Topic::Reviewed, "Pull/7 ../x", &BTreeMap::from([("a\"b".into(), Some("c".into()))])).unwrap();
    let lines = remote.file("ledger/000/000001.jsonl");
    let first = lines.lines().next().unwrap();
    assert!(
        first.starts_with(r#"{"seq":1,"apply":1,"event":"begin","at":"2027-01-15T08:00:00Z","body":{"target":"home","#),
        "{first}"
    );
    assert!(remote.file("README.md").contains("Do not edit"));
    assert!(remote.file("layout.json").contains("\"layout\": 1"));
    assert_eq!(
        remote.file("memory/reviewed/%50ull%2F7%20%2E%2E%2Fx.json"),
        "{\n  \"subject\": \"Pull/7 ../x\",\n  \"entries\": {\n    \"a\\\"b\": \"c\"\n  }\n}\n"
    );
    let bare = remote.bare();
    let head = bare.find_commit(remote.head()).unwrap();
    assert_eq!(head.author().name().unwrap(), "rolecall");
    assert!(head.message().unwrap().contains("[skip ci]"));
}

#[test]
fn nothing_of_the_user_is_touched() {
    let remote = Remote::new();
    let folder = remote.clone("one");
    std::fs::write(folder.join("staged"), "x").unwrap();
    let repo = Repository::open(&folder).unwrap();
    let mut index = repo.index().unwrap();
    index.add_path("staged".as_ref()).unwrap();
    index.write().unwrap();
    let look = || {
        let index = std::fs::read(folder.join(".git/index")).unwrap();
        let head = std::fs::read_to_string(folder.join(".git/HEAD")).unwrap();
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        let branches = repo.branches(Some(git2::BranchType::Local)).unwrap().count();
        (index, head, files, branches, folder.join(".git/FETCH_HEAD").exists())
    };
    let before = look();
    remote.store("two").begin(&apply("home")).unwrap();
    remote.store("one").begin(&apply("home")).unwrap();
    assert_eq!(look(), before);
}

#[test]
fn a_lease_that_has_ended_can_be_taken_and_its_holder_writes_nothing_more() {
    let remote = Remote::new();
    let lease = Lease::seconds(2);
    let (one, two) = (remote.open("one", lease).unwrap(), remote.open("two", lease).unwrap());
    let stale = one.try_lock("home", &holder("ada")).unwrap();
    let id = one.begin(&apply("home")).unwrap();
    one.intend(id, &[(0, &change())], at(1)).unwrap();
    one.guard("home").unwrap();
    one.outcome(id, 0, &Outcome::Applied, at(1)).unwrap();
    let refused = two.try_lock("home", &holder("bob")).unwrap_err();
    assert!(matches!(&refused, StoreError::Leased { holder, .. } if holder.who == "ada"), "{refused}");
    let taken = two.lock("home", &holder("bob"), Duration::from_secs(30)).unwrap();
    assert_eq!((taken.fence(), taken.former().map(|h| h.who.as_str())), (2, Some("ada")));

    let lost = |result: Result<()>| {
        let error = result.unwrap_err();
        assert!(matches!(&error, StoreError::LostLock { by: Some(by), .. } if by.who == "bob"), "{error}");
    };
    lost(one.guard("home"));
    lost(one.intend(id, &[(1, &change())], at(2)));
    lost(one.outcome(id, 1, &Outcome::Applied, at(2)));
    lost(one.finish(id, Status::Complete, at(2)));
    lost(one.remember_ownership("home", &Ownership::default()));
    lost(one.guard("home"));
    // What it has to do with other targets goes on.
    one.begin(&apply("bi")).unwrap();
    let head = remote.head();
    drop(stale);
    drop(one);
    assert_eq!(remote.head(), head, "and it does not let go of the lock of another");
    assert_eq!(two.unfinished("home").unwrap()[0].pending.len(), 1, "what became of it is found out by reading");
    two.settle(vec![taken]).unwrap();
}

#[test]
fn a_lease_is_made_longer_while_its_holder_goes_on() {
    let remote = Remote::new();
    let (one, two) = (remote.open("one", Lease::seconds(3)).unwrap(), remote.open("two", Lease::seconds(3)).unwrap());
    let lock = one.try_lock("home", &holder("ada")).unwrap();
    let id = one.begin(&apply("home")).unwrap();
    one.intend(id, &[(0, &change())], at(1)).unwrap();
    let start = Instant::now();
    let mut step = 0;
    while start.elapsed() < Duration::from_secs(7) {
        std::thread::sleep(Duration::from_millis(200));
        one.guard("home").unwrap();
        one.outcome(id, step, &Outcome::Applied, at(1)).unwrap();
        step += 1;
        assert!(two.try_lock("home", &holder("bob")).is_err());
    }
    let pushes = remote.commits();
    assert!(pushes < 3 + 10, "{pushes} pushes: one for each third of the lease, not one for each change");
    one.settle(vec![lock]).unwrap();
    assert_eq!(two.try_lock("home", &holder("bob")).unwrap().fence(), 2);
}

#[test]
fn tampering_is_found() {
    let found = |remote: &Remote, clone: &str| {
        let store = GitStore::open_to_verify(remote.clone(clone), &remote.branch()).unwrap().unwrap();
        store.verify().unwrap()
    };
    let remote = filled();
    let whole = found(&remote, "fresh");
    assert_eq!((whole.rows, whole.broken), (12, None));
    assert!(whole.anchor.unwrap().contains(&remote.head().to_string()));
    let first = "ledger/000/000001.jsonl";
    let text = remote.file(first);
    let edits: [(&str, String, i64); 4] = [
        ("a word", text.replacen("refused", "allowed", 1), 5),
        ("a row less", text.lines().filter(|l| !l.contains("\"seq\":4,")).map(|l| format!("{l}\n")).collect(), 4),
        ("no row", text.replacen("{\"seq\":2,", "{\"sec\":2,", 1), 2),
        ("nothing", String::new(), 1),
    ];
    for (what, edited, at) in edits {
        let remote = filled();
        remote.force(&[(first, &edited)], Some(remote.head()));
        let broken = found(&remote, "fresh").broken.unwrap_or_else(|| panic!("{what}"));
        assert_eq!(broken.row, at, "{what}: {}", broken.what);
    }

    // Whoever makes the chain anew as well leaves a commit in which rows are missing.
    let other = Remote::new();
    let store = other.store("one");
    for target in ["x", "y"] {
        let id = store.begin(&apply(target)).unwrap();
        store.finish(id, Status::Complete, at(9)).unwrap();
    }
    let forged = [first, "ledger/000/000002.jsonl", branch::END].map(|path| (path, other.file(path)));
    let forged: Vec<(&str, &str)> = forged.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let remote = filled();
    remote.force(&forged, Some(remote.head()));
    let broken = found(&remote, "fresh").broken.unwrap();
    assert!(broken.what.contains("changed what stood in"), "{}", broken.what);

    // And with a new history, one that only who has seen the old one can tell from it.
    remote.force(&forged, None);
    assert_eq!(found(&remote, "stranger").broken, None, "nobody can tell who has seen nothing");
    let broken = found(&remote, "one").broken.unwrap();
    assert!(broken.what.contains("the branch was rewritten"), "{}", broken.what);
    assert!(text_of_open(&remote, "one").contains("was rewritten"));
}

fn text_of_open(remote: &Remote, clone: &str) -> String {
    text(remote.open(clone, Lease::default()))
}

#[test]
fn a_branch_that_was_cut_or_deleted_is_noticed_by_who_has_seen_it() {
    let remote = filled();
    let head = remote.head();
    let bare = remote.bare();
    let earlier = bare.find_commit(head).unwrap().parent_id(0).unwrap();
    bare.reference("refs/heads/rolecall", earlier, true, "cut").unwrap();
    let error = text_of_open(&remote, "one");
    assert!(error.contains(&format!("{head}, which this clone has seen")), "{error}");
    assert!(remote.open("fresh", Lease::default()).is_ok());
    bare.find_reference("refs/heads/rolecall").unwrap().delete().unwrap();
    assert!(text_of_open(&remote, "one").contains("was rewritten"));
    let store = GitStore::open_to_verify(remote.clone("one"), &remote.branch()).unwrap().unwrap();
    assert!(store.verify().unwrap().broken.unwrap().what.contains("the branch is gone"));
    // The way back that the error names.
    let push = ["push", "-q", "origin", &format!("{head}:refs/heads/rolecall")];
    assert!(Command::new("git").arg("-C").arg(remote.clone("one")).args(push).status().unwrap().success());
    assert_eq!(remote.store("one").verify().unwrap().broken, None);
}

#[test]
fn branches_of_others_are_refused() {
    let remote = Remote::new();
    remote.force(&[("rolecall.yaml", "version: 1\n")], None);
    assert!(text_of_open(&remote, "one").contains("it holds something else"));
    let remote = Remote::new();
    remote.store("one").begin(&apply("home")).unwrap();
    let newer = [("layout.json", "{\"format\": \"rolecall.store\", \"layout\": 2, \"more\": 1}")];
    remote.force(&newer, Some(remote.head()));
    assert!(text_of_open(&remote, "one").contains("a newer rolecall made it (layout 2"));
    assert!(text_of_open(&remote, "two").contains("a newer rolecall made it (layout 2"));
}

#[test]
fn places_that_are_none_are_refused() {
    let remote = Remote::new();
    let nowhere = tempfile::tempdir().unwrap();
    let error = text(GitStore::open(nowhere.path(), &remote.branch(), Lease::default()));
    assert!(error.contains("is in no Git repository"), "{error}");
    let other = Branch { remote: "up".into(), ..remote.branch() };
    let error = text(GitStore::open(remote.clone("one"), &other, Lease::default()));
    assert!(error.contains("has no remote `up`"), "{error}");
    assert!(GitStore::open_existing(remote.clone("one"), &remote.branch()).unwrap().is_none());
    assert!(remote.bare().references().unwrap().next().is_none(), "looking makes nothing");
    std::fs::remove_dir_all(remote.path()).unwrap();
    let error = remote.open("one", Lease::default()).err().unwrap();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn a_remote_that_refuses_is_told_with_its_words() {
    let remote = Remote::new();
    remote.hook("pre-receive", "echo 'GH006: Protected branch update failed' >&2; exit 1");
    let store = remote.store("one");
    let error = store.begin(&apply("home")).unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    let error = error.to_string();
    assert!(error.contains("pre-receive hook declined") && error.contains("GH006: Protected branch"), "{error}");
    // Nothing that was refused is taken for written.
    remote.hook("pre-receive", "exit 0");
    assert_eq!(store.begin(&apply("home")).unwrap(), 1);
    assert_eq!(store.verify().unwrap().rows, 1);
}

/// The remote takes what it is sent, and the answer is lost.
#[cfg(unix)]
#[test]
fn a_push_of_which_nothing_is_heard_is_not_done_twice() {
    let remote = Remote::new();
    let store = remote.store("one");
    store.begin(&apply("home")).unwrap();
    remote.hook("post-receive", "kill -KILL $(ps -o ppid= -p $$)");
    assert_eq!(store.begin(&apply("home")).unwrap(), 2);
    let found = store.verify().unwrap();
    assert_eq!((found.rows, found.broken), (2, None));
    assert_eq!(remote.commits(), 2);
}
