//! The store on a branch of the repository that holds the declaration, for runners that vanish: what one run
//! writes is pushed before it counts, and the next run, on another machine, fetches it.
//!
//! Every write is a commit on top of the head that was seen last, pushed without force. Where somebody else was
//! quicker, the remote does not take it; then their head is fetched and the same is done on top of it. So the
//! remote's rule that a branch only moves forward is the compare-and-swap, and its head is the ledger's anchor.
//!
//! What it costs: a push for the lock, one for the beginning of an apply, one for each wave before it is sent,
//! and one for everything at its end.

mod branch;
mod lease;
mod network;
mod verify;

#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use git2::{Oid, Repository};
use serde::{Deserialize, Serialize};

use self::branch::{Cache, Edit, escaped, target_file};
pub use self::lease::Lease;
use self::lease::{Mine, Tick};
use self::network::{Remote, Trouble};
use super::ledger::{Ended, Intent, Told, event};
use super::{
    ApplyEntry, Branch, Entry, Holder, Lock, NewApply, Outcome, Result, Status, Store, StoreError, Topic, Unfinished,
    Verification,
};
use crate::model::{Change, Identities, Kind, Moment, Ownership};

/// How often a write is done again on top of what others wrote.
const ATTEMPTS: u32 = 25;
/// How often it is sent again where the way to the remote breaks.
const RESENT: u32 = 3;

/// A store on a branch of a Git repository.
pub struct GitStore {
    inner: Arc<Inner>,
}

struct Inner {
    branch: Branch,
    /// Where in its repository the declaration lies: two that share a branch would take each other's memory for
    /// their own.
    declaration: String,
    lease: Lease,
    remote: Remote,
    state: Mutex<State>,
}

struct State {
    repo: Repository,
    /// The head of the branch, as far as is known here.
    head: Option<Oid>,
    /// What is to be written with the next commit.
    kept_back: Vec<Late>,
    /// The locks that this store has.
    mine: BTreeMap<String, Mine>,
    /// The locks that it had until somebody else took them, with whoever had them when that was noticed.
    lost: BTreeMap<String, Option<Holder>>,
    cache: Cache,
    /// The targets of the applies that are written to here.
    targets: BTreeMap<i64, String>,
}

/// Something that is written with what comes next.
struct Late {
    target: String,
    what: What,
}

enum What {
    Outcome { apply: i64, told: Told, at: Moment },
    Finish { apply: i64, status: Status, at: Moment },
    File { path: String, body: serde_json::Value },
}

/// `memory/TOPIC/SUBJECT.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    subject: String,
    entries: BTreeMap<String, String>,
}

/// `targets/NAME/last-read.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LastRead {
    counts: BTreeMap<Kind, usize>,
    at: Moment,
}

impl Late {
    fn replay(&self, edit: &mut Edit<'_>) -> Result<()> {
        match &self.what {
            What::Outcome { apply, told, at } => edit.append(*apply, event::OUTCOME, told, *at),
            What::Finish { apply, status, at } => edit.append(*apply, event::FINISH, &Ended { status: *status }, *at),
            What::File { path, body } => edit.write_json(path, body),
        }
    }
}

impl State {
    /// What there is, with what is not written yet.
    fn view(&self) -> Result<Edit<'_>> {
        let mut edit = Edit::on(&self.repo, self.head)?;
        for late in &self.kept_back {
            late.replay(&mut edit)?;
        }
        Ok(edit)
    }

    /// A lock that was ours is not any more. What was to be written about its target is forgotten: the one who has
    /// it now finds out by reading.
    fn lose(&mut self, target: &str, by: Option<Holder>) {
        self.mine.remove(target);
        self.kept_back.retain(|late| late.target != target);
        self.lost.insert(target.to_owned(), by);
    }

    /// Fails where the lock of a target was lost.
    fn check_lost(&self, target: &str) -> Result<()> {
        match self.lost.get(target) {
            Some(by) => Err(StoreError::LostLock { target: target.to_owned(), by: by.clone() }),
            None => Ok(()),
        }
    }
}

impl GitStore {
    /// Opens the store on a branch of the repository that `dir` lies in. The branch is made with the first write.
    ///
    /// # Errors
    /// When there is no such repository or remote, the remote cannot be reached, or the branch is something else
    /// or was rewritten.
    pub fn open(dir: impl AsRef<Path>, branch: &Branch, lease: Lease) -> Result<Self> {
        let store = Self::unread(dir.as_ref(), branch, lease)?;
        store.inner.refresh(&mut store.inner.state())?;
        Ok(store)
    }

    /// The same to read it, if there is one.
    ///
    /// # Errors
    /// The same.
    pub fn open_existing(dir: impl AsRef<Path>, branch: &Branch) -> Result<Option<Self>> {
        let store = Self::open(dir, branch, Lease::default())?;
        let there = store.inner.state().head.is_some();
        Ok(there.then_some(store))
    }

    /// Opens it to have it checked: a branch that was rewritten is no error here, but found by
    /// [`Store::verify`].
    ///
    /// # Errors
    /// As [`GitStore::open`].
    pub fn open_to_verify(dir: impl AsRef<Path>, branch: &Branch) -> Result<Option<Self>> {
        let store = Self::unread(dir.as_ref(), branch, Lease::default())?;
        let found = store.inner.look(&store.inner.state())?;
        let there = found.is_some() || store.inner.anchored(&store.inner.state())?.is_some();
        store.inner.state().head = found;
        Ok(there.then_some(store))
    }

    fn unread(dir: &Path, branch: &Branch, lease: Lease) -> Result<Self> {
        let wrong = |why: String| StoreError::NoPlace { place: branch.to_string(), why };
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        let repo = Repository::discover(dir).map_err(|e| match e.code() {
            git2::ErrorCode::NotFound => wrong(format!("{} is in no Git repository", dir.display())),
            _ => wrong(format!("the repository of {} cannot be used: {}", dir.display(), e.message())),
        })?;
        if repo.find_remote(&branch.remote).is_err() {
            return Err(wrong(format!("the repository has no remote `{}`", branch.remote)));
        }
        let declaration = within(&repo, dir).map_err(&wrong)?;
        let remote = Remote::new(&repo, branch.clone());
        let state = State {
            repo,
            head: None,
            kept_back: Vec::new(),
            mine: BTreeMap::new(),
            lost: BTreeMap::new(),
            cache: Cache::new(),
            targets: BTreeMap::new(),
        };
        Ok(Self {
            inner: Arc::new(Inner { branch: branch.clone(), declaration, lease, remote, state: Mutex::new(state) }),
        })
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // What a panic cut off was not taken for written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The local reference that remembers the head that was seen last: what is fetched next has to follow it, and
    /// need not be fetched again.
    fn anchor(&self) -> String {
        format!("refs/rolecall/{}/{}", self.branch.remote, self.branch.name)
    }

    fn anchored(&self, state: &State) -> Result<Option<Oid>> {
        match state.repo.refname_to_id(&self.anchor()) {
            Ok(id) => Ok(Some(id)),
            Err(e) if e.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// The head that the remote has now, with its objects here.
    fn look(&self, state: &State) -> Result<Option<Oid>> {
        // It can move between the question and the fetching, and be moved back.
        for _ in 0..3 {
            let Some(head) = self.remote.head()? else { return Ok(None) };
            let here = |state: &State| -> Result<bool> {
                let there = state.repo.odb()?.exists(head);
                Ok(there && (!self.remote.is_partial || has_files(&state.repo, head)?))
            };
            if here(state)? {
                return Ok(Some(head));
            }
            self.remote.fetch()?;
            if here(state)? {
                return Ok(Some(head));
            }
        }
        Err(self.remote.unreachable("the branch's head cannot be fetched"))
    }

    /// Takes over the head that the remote has now.
    fn refresh(&self, state: &mut State) -> Result<()> {
        // Looked up before the remote is asked: another process of this clone may be writing both.
        let anchored = self.anchored(state)?;
        let found = self.look(state)?;
        for seen in [state.head, anchored].into_iter().flatten() {
            if !follows(&state.repo, found, seen)? {
                let (branch, anchor) = (self.branch.name.clone(), self.anchor());
                return Err(StoreError::Rewritten { branch, seen: seen.to_string(), anchor });
            }
        }
        Edit::on(&state.repo, found)?.check(&self.branch, &self.declaration)?;
        state.head = found;
        self.remember_head(state);
        Ok(())
    }

    /// Remembers the head beyond this process. Where nothing can be written here, a rewritten branch is not
    /// noticed by the next one; that is no reason to stop.
    fn remember_head(&self, state: &State) {
        if let Some(head) = state.head {
            let _ = state.repo.reference(&self.anchor(), head, true, "rolecall");
        }
    }

    /// Writes: what was kept back, then what `f` does, in one commit on top of the head; again on top of the next
    /// where somebody else was quicker. `about` is the target whose lock has to be ours, where it was taken.
    fn edit<T>(&self, about: Option<&str>, message: &str, f: impl Fn(&mut Edit<'_>, &State) -> Result<T>) -> Result<T> {
        let mut state = self.state();
        let state = &mut *state;
        let (mut fresh, mut broken) = (false, 0);
        for attempt in 0..ATTEMPTS {
            std::thread::sleep(pause(attempt));
            let (tick, base) = (Tick::now(), state.head);
            let tried = self.compose(state, about, message, &f);
            let (done, commit, renewed) = match tried {
                Ok(tried) => tried,
                Err(StoreError::LostLock { target, by }) => {
                    state.lose(&target, by.clone());
                    if about == Some(target.as_str()) {
                        return Err(StoreError::LostLock { target, by });
                    }
                    continue;
                }
                // What is known here may be old: a lock that was taken then may be free now.
                Err(error) if !fresh => {
                    self.refresh(state)?;
                    fresh = true;
                    if state.head == base {
                        return Err(error);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Some(commit) = commit else {
                state.kept_back.clear();
                return Ok(done);
            };
            if let Err(trouble) = self.remote.push(commit) {
                // Whether it came through, and whether somebody else was quicker, only the remote knows.
                if let Err(error) = self.refresh(state) {
                    return Err(self.tell(trouble, Some(error)));
                }
                fresh = true;
                if !follows(&state.repo, state.head, commit)? {
                    broken += u32::from(matches!(trouble, Trouble::Unreachable(_)));
                    let moved = state.head != base || matches!(trouble, Trouble::Quicker);
                    if !moved && (matches!(trouble, Trouble::Refused(_)) || broken >= RESENT) {
                        return Err(self.tell(trouble, None));
                    }
                    continue;
                }
            } else {
                state.head = Some(commit);
                self.remember_head(state);
            }
            state.kept_back.clear();
            for target in renewed {
                if let Some(mine) = state.mine.get_mut(&target) {
                    mine.renewed(tick);
                }
            }
            return Ok(done);
        }
        Err(StoreError::Crowded { branch: self.branch.name.clone(), times: ATTEMPTS })
    }

    /// One try of [`Inner::edit`]: what it gives, the commit to push where there is something to write, and whose
    /// lease that makes longer.
    fn compose<T>(
        &self,
        state: &State,
        about: Option<&str>,
        message: &str,
        f: &impl Fn(&mut Edit<'_>, &State) -> Result<T>,
    ) -> Result<(T, Option<Oid>, Vec<String>)> {
        about.map_or(Ok(()), |target| state.check_lost(target))?;
        // The lock that this is about comes first, since its loss is what is told.
        let mut locks: Vec<(&String, &Mine)> = state.mine.iter().collect();
        locks.sort_by_key(|(target, _)| Some(target.as_str()) != about);
        let before = Edit::on(&state.repo, state.head)?;
        for (target, mine) in &locks {
            lease::check(&before, target, mine)?;
        }
        let mut edit = state.view()?;
        let mut renewed = Vec::new();
        for (target, mine) in locks {
            if mine.is_aging(self.lease) {
                lease::renew(&mut edit, target, mine, self.lease, Moment::now())?;
                renewed.push(target.clone());
            }
        }
        let done = f(&mut edit, state)?;
        let commit =
            if edit.is_unchanged()? { None } else { Some(edit.commit(state.head, message, &self.declaration)?) };
        Ok((done, commit, renewed))
    }

    fn tell(&self, trouble: Trouble, error: Option<StoreError>) -> StoreError {
        let (remote, branch) = (self.branch.remote.clone(), self.branch.name.clone());
        match (trouble, error) {
            // What is said when it was asked again is nearer to the cause, unless it only says the same.
            (_, Some(error @ (StoreError::Rewritten { .. } | StoreError::Branch { .. }))) => error,
            (Trouble::Refused(why), _) => StoreError::Refused { remote, branch, why },
            // It answers questions, and does not take this.
            (Trouble::Unreachable(why), None) => StoreError::Refused { remote, branch, why },
            (Trouble::Unreachable(why), _) => StoreError::Unreachable { remote, why },
            (Trouble::Quicker, Some(error)) => error,
            (Trouble::Quicker, None) => StoreError::Crowded { branch, times: 1 },
        }
    }

    /// Keeps something back where the lock of its target is ours; writes it at once otherwise.
    fn write_late(&self, target: &str, what: What, message: &str) -> Result<()> {
        let late = Late { target: target.to_owned(), what };
        let mut state = self.state();
        if state.mine.contains_key(target) {
            state.kept_back.push(late);
            return Ok(());
        }
        drop(state);
        self.edit(Some(target), message, |edit, _| late.replay(edit))
    }

    /// The target of an apply.
    fn target_of(&self, apply: i64) -> Result<String> {
        if let Some(target) = self.state().targets.get(&apply) {
            return Ok(target.clone());
        }
        let target = self.log(apply)?.info.begun.target.clone();
        self.state().targets.insert(apply, target.clone());
        Ok(target)
    }

    fn log(&self, apply: i64) -> Result<Arc<branch::Log>> {
        let mut state = self.state();
        let mut cache = std::mem::take(&mut state.cache);
        let log = state.view().and_then(|edit| edit.log(apply, &mut cache));
        state.cache = cache;
        log
    }

    /// Every apply, newest first, until `f` has seen enough.
    fn logs(&self, mut f: impl FnMut(&branch::Log) -> bool) -> Result<()> {
        let mut state = self.state();
        let mut cache = std::mem::take(&mut state.cache);
        let mut read = || -> Result<()> {
            let edit = state.view()?;
            for apply in (1..=edit.end()?.applies).rev() {
                if !f(&*edit.log(apply, &mut cache)?) {
                    break;
                }
            }
            Ok(())
        };
        let done = read();
        state.cache = cache;
        done
    }

    /// Writes what was kept back, makes aging leases longer, and lets go of these locks.
    fn close(&self, targets: &[String]) -> Result<()> {
        let first = targets.first().map(String::as_str);
        let message = match targets {
            [] => "What was kept back".to_owned(),
            some => format!("Let go of {}", some.join(", ")),
        };
        self.edit(first, &message, |edit, state| {
            for target in targets {
                if let Some(mine) = state.mine.get(target) {
                    lease::release(edit, target, mine)?;
                }
            }
            Ok(())
        })?;
        let mut state = self.state();
        for target in targets {
            state.mine.remove(target);
        }
        Ok(())
    }
}

/// Whether the files at a commit are here: a partial clone may have left them with its remote.
fn has_files(repo: &Repository, head: Oid) -> Result<bool> {
    let odb = repo.odb()?;
    let mut open = vec![repo.find_commit(head)?.tree_id()];
    while let Some(tree) = open.pop() {
        if !odb.exists(tree) {
            return Ok(false);
        }
        for entry in &repo.find_tree(tree)? {
            match entry.kind() {
                Some(git2::ObjectType::Tree) => open.push(entry.id()),
                _ if !odb.exists(entry.id()) => return Ok(false),
                _ => {}
            }
        }
    }
    Ok(true)
}

/// Where a folder lies in the worktree of a repository: `.`, `access/team`.
fn within(repo: &Repository, dir: &Path) -> std::result::Result<String, String> {
    let real = |path: &Path| path.canonicalize().map_err(|e| format!("{}: {e}", path.display()));
    let root = real(repo.workdir().ok_or("the repository has no worktree")?)?;
    let dir = real(dir)?;
    let inner = dir.strip_prefix(&root).map_err(|_| format!("{} is not in the worktree", dir.display()))?;
    let parts: Vec<_> = inner.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

/// Whether a commit is the other or comes after it.
fn follows(repo: &Repository, head: Option<Oid>, seen: Oid) -> Result<bool> {
    let Some(head) = head else { return Ok(false) };
    Ok(head == seen || repo.graph_descendant_of(head, seen)?)
}

/// How long to wait before the next attempt: a random part of a time that doubles.
fn pause(attempt: u32) -> Duration {
    if attempt == 0 {
        return Duration::ZERO;
    }
    let most = 20_u64 << attempt.min(6);
    let random = RandomState::new().hash_one((std::process::id(), attempt));
    Duration::from_millis(most / 4 + random % most)
}

/// A text of others in the message of a commit.
fn brief(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

fn steps(number: usize) -> String {
    if number == 1 { "1 change".to_owned() } else { format!("{number} changes") }
}

impl Store for GitStore {
    fn begin(&self, apply: &NewApply) -> Result<i64> {
        let target = brief(&apply.target);
        let message = format!("Apply to {target} begins: {}", steps(apply.changes));
        self.inner.edit(Some(&apply.target), &message, |edit, _| {
            let id = edit.next_apply()?;
            edit.append(id, event::BEGIN, apply, apply.at)?;
            Ok(id)
        })
    }

    fn intend(&self, apply: i64, changes: &[(u32, &Change)], at: Moment) -> Result<()> {
        let target = self.inner.target_of(apply)?;
        let message = format!("Apply {apply} to {}: {} about to be sent", brief(&target), steps(changes.len()));
        self.inner.edit(Some(&target), &message, |edit, _| {
            if edit.log(apply, &mut Cache::new())?.finished.is_some() {
                return Err(StoreError::Ended(apply));
            }
            for (step, change) in changes {
                let intent = Intent { step: *step, change: std::borrow::Cow::Borrowed(change) };
                edit.append(apply, event::INTEND, &intent, at)?;
            }
            Ok(())
        })
    }

    fn outcome(&self, apply: i64, step: u32, outcome: &Outcome, at: Moment) -> Result<()> {
        let target = self.inner.target_of(apply)?;
        let what = What::Outcome { apply, told: Told { step, outcome: outcome.clone() }, at };
        let mut state = self.inner.state();
        state.check_lost(&target)?;
        let aging = state.mine.get(&target).is_some_and(|mine| mine.is_aging(self.inner.lease));
        state.kept_back.push(Late { target: target.clone(), what });
        drop(state);
        // A wave that takes long is not taken for one that was cut off.
        if aging { self.inner.edit(Some(&target), &format!("Apply {apply} goes on"), |_, _| Ok(())) } else { Ok(()) }
    }

    fn finish(&self, apply: i64, status: Status, at: Moment) -> Result<()> {
        let target = self.inner.target_of(apply)?;
        let message = format!("Apply {apply} to {}: {}", brief(&target), status.word());
        self.inner.write_late(&target, What::Finish { apply, status, at }, &message)
    }

    fn unfinished(&self, target: &str) -> Result<Vec<Unfinished>> {
        let mut found = Vec::new();
        self.inner.logs(|log| {
            if log.info.begun.target == target && log.finished.is_none() {
                found.push(log.unfinished());
            }
            true
        })?;
        found.reverse();
        Ok(found)
    }

    fn applies(&self, target: Option<&str>, limit: usize) -> Result<Vec<ApplyEntry>> {
        let mut found = Vec::new();
        if limit > 0 {
            self.inner.logs(|log| {
                if target.is_none_or(|target| target == log.info.begun.target) {
                    found.push(log.entry());
                }
                found.len() < limit
            })?;
        }
        Ok(found)
    }

    fn entries(&self, apply: i64) -> Result<Vec<Entry>> {
        Ok(self.inner.log(apply)?.entries())
    }

    fn verify(&self) -> Result<Verification> {
        if !self.inner.state().kept_back.is_empty() {
            self.inner.close(&[])?;
        }
        let mut state = self.inner.state();
        // What is checked is what is there now.
        let seen = self.inner.anchored(&state)?;
        state.head = self.inner.look(&state)?;
        verify::verify(&state.repo, state.head, seen)
    }

    fn ownership(&self, target: &str) -> Result<Option<Ownership>> {
        self.inner.state().view()?.json(&target_file(target, "ownership"))
    }

    fn remember_ownership(&self, target: &str, ownership: &Ownership) -> Result<()> {
        let body = serde_json::to_value(ownership).map_err(StoreError::record("what is managed"))?;
        let what = What::File { path: target_file(target, "ownership"), body };
        self.inner.write_late(target, what, &format!("What is managed in {}", brief(target)))
    }

    fn last_read(&self, target: &str) -> Result<Option<BTreeMap<Kind, usize>>> {
        let read: Option<LastRead> = self.inner.state().view()?.json(&target_file(target, "last-read"))?;
        Ok(read.map(|read| read.counts))
    }

    fn remember_read(&self, target: &str, counts: &BTreeMap<Kind, usize>, at: Moment) -> Result<()> {
        let read = LastRead { counts: counts.clone(), at };
        let body = serde_json::to_value(read).map_err(StoreError::record("a reading"))?;
        let what = What::File { path: target_file(target, "last-read"), body };
        self.inner.write_late(target, what, &format!("How much there is in {}", brief(target)))
    }

    fn identities(&self, target: &str) -> Result<Identities> {
        Ok(self.inner.state().view()?.json(&target_file(target, "identities"))?.unwrap_or_default())
    }

    fn remember_identities(&self, target: &str, identities: &Identities) -> Result<()> {
        let body = serde_json::to_value(identities).map_err(StoreError::record("ids"))?;
        let what = What::File { path: target_file(target, "identities"), body };
        self.inner.write_late(target, what, &format!("The ids of {}", brief(target)))
    }

    fn recall(&self, topic: Topic, subject: &str) -> Result<BTreeMap<String, String>> {
        let memory: Option<Memory> = self.inner.state().view()?.json(&memory_file(topic, subject))?;
        Ok(memory.map(|memory| memory.entries).unwrap_or_default())
    }

    fn remember(&self, topic: Topic, subject: &str, entries: &BTreeMap<String, Option<String>>) -> Result<()> {
        let path = memory_file(topic, subject);
        let message = format!("Memory of {}: {}", topic.name(), brief(subject));
        self.inner.edit(None, &message, |edit, _| {
            let known: Option<Memory> = edit.json(&path)?;
            let mut memory = known.unwrap_or_else(|| Memory { subject: subject.to_owned(), entries: BTreeMap::new() });
            for (key, body) in entries {
                match body {
                    Some(body) => memory.entries.insert(key.clone(), body.clone()),
                    None => memory.entries.remove(key),
                };
            }
            edit.write_json(&path, &memory)
        })
    }

    fn try_lock(&self, target: &str, holder: &Holder) -> Result<Lock> {
        super::lock::check_name(target)?;
        let tick = Tick::now();
        let message = format!("Lock {target} for {}", brief(&holder.who));
        let (fence, former) = self
            .inner
            .edit(None, &message, |edit, _| lease::take(edit, target, holder, self.inner.lease, Moment::now()))?;
        let mut state = self.inner.state();
        state.lost.remove(target);
        state.mine.insert(target.to_owned(), Mine::new(fence, holder.clone(), tick));
        drop(state);
        let held = Held { inner: Arc::clone(&self.inner), target: target.to_owned(), fence };
        Ok(Lock::new(fence, Box::new(held)).after(former))
    }

    fn guard(&self, target: &str) -> Result<()> {
        let state = self.inner.state();
        state.check_lost(target)?;
        let ended = state.mine.get(target).map(|mine| mine.has_ended(self.inner.lease));
        drop(state);
        match ended {
            Some(true) => self.inner.edit(Some(target), &format!("Apply to {target} goes on"), |_, _| Ok(())),
            _ => Ok(()),
        }
    }

    fn settle(&self, locks: Vec<Lock>) -> Result<()> {
        let targets: Vec<String> = self.inner.state().mine.keys().cloned().collect();
        let open = !targets.is_empty() || !self.inner.state().kept_back.is_empty();
        let done = if open { self.inner.close(&targets) } else { Ok(()) };
        drop(locks);
        done
    }

    fn records_whole_waves(&self) -> bool {
        true
    }

    fn lock_poll(&self) -> Duration {
        self.inner.lease.poll()
    }
}

fn memory_file(topic: Topic, subject: &str) -> String {
    format!("memory/{}/{}.json", topic.name(), escaped(subject))
}

/// A lock that is let go of when this is dropped.
struct Held {
    inner: Arc<Inner>,
    target: String,
    fence: i64,
}

impl Drop for Held {
    fn drop(&mut self) {
        let ours = self.inner.state().mine.get(&self.target).is_some_and(|mine| mine.fence == self.fence);
        if ours {
            // If it cannot be written, the lease ends by itself.
            let _ = self.inner.close(std::slice::from_ref(&self.target));
            self.inner.state().mine.remove(&self.target);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.state().kept_back.is_empty() {
            // If it cannot be written, it is found out by reading.
            let _ = self.close(&[]);
        }
    }
}
