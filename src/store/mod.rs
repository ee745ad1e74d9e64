//! What rolecall remembers between two runs: the ledger of every apply, who is applying now, what it
//! managed, and how much it last read. Records hold no secrets.
//!
//! A [`Store`] can lie in several places ([`Place`]): [`SqliteStore`] keeps it in `.rolecall/` beside the files,
//! [`GitStore`] on a branch of the repository that holds them.

mod error;
mod git;
mod ledger;
mod lock;
mod place;
pub(crate) mod schema;
mod sqlite;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub use error::StoreError;
pub use git::{GitStore, Lease};
pub use ledger::{ApplyEntry, ApplyInfo, Break, Entry, NewApply, Outcome, Status, Unfinished, Verification};
pub use lock::{Holder, Lock, lock_beside};
pub use place::{Branch, Place};
pub use sqlite::SqliteStore;

use crate::model::{Change, Identities, Kind, Moment, Ownership};

/// What a store says.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What a short memory is about: which drift has been seen since when, and which plans were shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The subject is a target, the key a difference, the text since when it has been seen.
    Drift,
    /// The subject is what was reviewed (a pull request), the key its head, the text the plan that was shown.
    Reviewed,
}

impl Topic {
    /// The word for it in a store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Reviewed => "reviewed",
        }
    }
}

/// How long a store on this machine is not asked again for a lock.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// The memory of rolecall. Every method blocks until it is done.
///
/// What is written about a target whose lock is held may be kept back until the next [`Store::intend`], until
/// the lock is let go of, or until [`Store::settle`], which alone says whether it was written; except for what
/// must not be lost, a store that is far away is written to as seldom as that. Reading shows it at once.
pub trait Store: Send + Sync {
    /// Begins an apply and hands out its number, which no other apply of this store has.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn begin(&self, apply: &NewApply) -> Result<i64>;

    /// Records the changes that are about to be sent, each with its step in the plan. Nothing may be
    /// sent before this returns: then they outlast a loss of power.
    ///
    /// # Errors
    /// When the store cannot be written, or the apply has not begun or is finished.
    fn intend(&self, apply: i64, changes: &[(u32, &Change)], at: Moment) -> Result<()>;

    /// Records what became of a change. The last outcome of a step counts. One that a loss of power
    /// takes is found again by reading the target.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn outcome(&self, apply: i64, step: u32, outcome: &Outcome, at: Moment) -> Result<()>;

    /// Ends an apply. One that was interrupted may be ended once more, as resolved.
    ///
    /// # Errors
    /// When the store cannot be written, or the apply has not begun.
    fn finish(&self, apply: i64, status: Status, at: Moment) -> Result<()>;

    /// The applies to a target that have not ended, oldest first, with the changes that may or may
    /// not have been made.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn unfinished(&self, target: &str) -> Result<Vec<Unfinished>>;

    /// The last applies, newest first: to one target or to all.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn applies(&self, target: Option<&str>, limit: usize) -> Result<Vec<ApplyEntry>>;

    /// Every change of an apply in the order of its steps.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn entries(&self, apply: i64) -> Result<Vec<Entry>>;

    /// Checks the chain of the ledger from its beginning.
    ///
    /// # Errors
    /// When the store cannot be read. A chain that breaks is an answer, not an error.
    fn verify(&self) -> Result<Verification>;

    /// What was removable in a target when it was last applied to; `None` before the first time.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn ownership(&self, target: &str) -> Result<Option<Ownership>>;

    /// Remembers what is removable in a target.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn remember_ownership(&self, target: &str, ownership: &Ownership) -> Result<()>;

    /// How many things of each kind the last reading of a target found; `None` before the first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn last_read(&self, target: &str) -> Result<Option<BTreeMap<Kind, usize>>>;

    /// Remembers how many things of each kind a reading found.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn remember_read(&self, target: &str, counts: &BTreeMap<Kind, usize>, at: Moment) -> Result<()>;

    /// The target's own ids of things when it was last applied to; empty before the first time.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn identities(&self, target: &str) -> Result<Identities>;

    /// Remembers the target's own ids of things, instead of those that were remembered.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn remember_identities(&self, target: &str, identities: &Identities) -> Result<()>;

    /// What is remembered under a topic about a subject (mostly a target), by key; empty where nothing is.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn recall(&self, topic: Topic, subject: &str) -> Result<BTreeMap<String, String>>;

    /// Remembers texts by key, and forgets the keys that stand for nothing here. All others stay as they are.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing of it was remembered.
    fn remember(&self, topic: Topic, subject: &str, entries: &BTreeMap<String, Option<String>>) -> Result<()>;

    /// Takes the lock of a target, which lasts until the [`Lock`] is dropped or the process ends.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder when somebody else has it.
    fn try_lock(&self, target: &str, holder: &Holder) -> Result<Lock>;

    /// Asked before something is sent to a target: whether its lock, where this store holds it, is still held.
    ///
    /// # Errors
    /// [`StoreError::LostLock`] where it is not, and when that cannot be found out.
    fn guard(&self, _target: &str) -> Result<()> {
        Ok(())
    }

    /// Lets go of locks of this store, all that it gave, and writes what was kept back.
    ///
    /// # Errors
    /// When that cannot be written.
    fn settle(&self, locks: Vec<Lock>) -> Result<()> {
        drop(locks);
        Ok(())
    }

    /// Whether writing is so dear that all changes of a wave are recorded at once before the first is sent,
    /// however many the target's writer takes together.
    fn records_whole_waves(&self) -> bool {
        false
    }

    /// How long to wait before asking again for a lock that somebody else has.
    fn lock_poll(&self) -> Duration {
        LOCK_POLL
    }

    /// As [`Store::try_lock`], waiting for up to `timeout`.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder when somebody else still has it then.
    fn lock(&self, target: &str, holder: &Holder, timeout: Duration) -> Result<Lock> {
        let end = Instant::now().checked_add(timeout);
        loop {
            match self.try_lock(target, holder) {
                Err(error) if error.holder().is_some() && end.is_none_or(|end| Instant::now() < end) => {
                    std::thread::sleep(self.lock_poll().min(timeout));
                }
                other => return other,
            }
        }
    }
}
