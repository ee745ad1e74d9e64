//! Systems that hold users and their access. A target is read through a [`Reader`] and changed
//! through a [`Writer`]; these are different types, and only `apply` ever makes a writer.

pub mod directory;
pub mod http;
mod known;
pub mod omni;
mod open;
pub mod paradime;
mod profiles;
mod remains;
mod roles;
pub mod scim;
mod settle;
pub mod strongly;
pub mod terminusdb;
mod wanted;

pub use known::{Known, Labels, may_touch};
pub use open::{Address, Link, OpenError, Wire};
pub use profiles::PROFILES;
pub use remains::remains;
pub use wanted::Wanted;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Change, Directory, Identities, Kept, Kind, Moment};
use crate::plan::{Belongings, Note, Promise, Reach};

/// A future that can be kept behind a trait object.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a target did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It understood and said no; saying it again changes nothing.
    #[error("refused: {0}")]
    Refused(String),
    /// The thing to be changed is not there (any more).
    #[error("gone: {0}")]
    Gone(String),
    /// The thing is there and not as the change expects it.
    #[error("changed meanwhile: {0}")]
    Conflict(String),
    /// It takes no more requests for now, and the change was not made.
    #[error("throttled: {0}")]
    Throttled(String),
    /// It cannot be reached, or does not answer.
    #[error("out of reach: {0}")]
    Unavailable(String),
    /// It answered what cannot be understood.
    #[error("not understood: {0}")]
    Malformed(String),
    /// The change was sent and nobody knows whether it was done.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// The target said that the change was made, and within its settle time nobody could see it: it may
    /// still come.
    #[error("not visible yet: {0}")]
    NotVisible(String),
}

/// What a target can read, write and undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The kinds that it has.
    pub kinds: Vec<Kind>,
    /// Whether a user, a team and a resource can be renamed in place.
    pub renames: bool,
    /// Whether a disabled account can be enabled again.
    pub enables: bool,
    /// Whether every new user is invited by it, rather than created.
    pub invites: bool,
    /// Which attributes it keeps.
    pub kept: Kept,
    /// How many changes it takes at a time.
    pub concurrency: usize,
    /// How many requests it takes in a minute, where that is limited.
    pub requests_per_minute: Option<u32>,
    /// How many things one of its pages holds, where it is read in pages.
    pub page: Option<usize>,
    /// How long a change may take to become visible.
    pub settle: Duration,
    /// How far the promise about every moment reaches.
    pub level: Promise,
}

/// One reading of a target.
#[derive(Debug)]
pub struct Reading {
    /// What is there.
    pub directory: Directory,
    /// What was seen that rolecall does not understand or manage: for people, sorted.
    pub notes: Vec<String>,
    /// Why it may not be the whole state: nothing may be removed because of it.
    pub doubts: Vec<String>,
}

/// Who made something as it is, by the target's own log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToldBy {
    /// Who, in the words of the log.
    pub actor: String,
    /// When, in the words of the log.
    pub at: String,
    /// What the log calls it.
    pub what: String,
    /// Whether it is only inferred that the entry is about this difference.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
}

/// Reads a target. Nothing here can change it.
pub trait Reader: Send + Sync {
    /// What the target can do.
    fn capabilities(&self) -> &Capabilities;

    /// Reads the whole state, or fails: a partial reading is never handed out.
    fn read(&self) -> Task<'_, Result<Reading, TargetError>>;

    /// Tells the reader, before it reads, what was known of the target when rolecall last applied to it.
    fn recall(&self, known: Known) {
        let _ = known;
    }

    /// The target's own ids of what was read and made since, by name; nothing where names are all there is.
    fn identities(&self) -> Identities {
        Identities::default()
    }

    /// Whether the end state of a change is there: what a run that was cut off has left behind.
    fn holds<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>>;

    /// What the target makes of a planned change: where its interface cannot do all of it, what is left to
    /// people, or why it cannot be at all.
    fn reach(&self, change: &Change) -> Reach {
        let _ = change;
        Reach::Writes
    }

    /// Whether a blocked person is cut off by what can be undone (memberships and grants), because the
    /// account itself cannot be closed and opened again.
    fn contains_blocks(&self) -> bool {
        false
    }

    /// Where an invitation that has run out is sent again, and how; `None` where that is not said.
    fn resends(&self) -> Option<&'static str> {
        None
    }

    /// What the target has to say of a plan beside what it makes of each change: what it leaves open, and who
    /// did what outside of rolecall, as far as it knows.
    fn remarks<'a>(&'a self, changes: &'a [&'a Change]) -> Task<'a, Result<Vec<Note>, TargetError>> {
        let _ = changes;
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Who made the target differ from what these changes lead to, outside of rolecall, as far as its own log
    /// tells: one answer for each change, in their order.
    fn told_by<'a>(&'a self, changes: &'a [&'a Change]) -> Task<'a, Result<Vec<Option<ToldBy>>, TargetError>> {
        let untold = changes.iter().map(|_| None).collect();
        Box::pin(async { Ok(untold) })
    }

    /// What accounts that are closed or go for good own in the target, by e-mail: what moves to somebody else,
    /// what stays theirs, and what somebody has to see to by hand.
    fn belongings<'a>(&'a self, users: &'a [String]) -> Task<'a, Result<BTreeMap<String, Belongings>, TargetError>> {
        let _ = users;
        Box::pin(async { Ok(BTreeMap::new()) })
    }

    /// How many requests an apply of these changes, wave by wave, will need, its own reading included;
    /// `None` where there are no requests to count. An estimate: what is refused or lost is sent again.
    fn forecast(&self, waves: &[Vec<&Change>]) -> Option<u64> {
        let _ = waves;
        None
    }
}

/// Who applies, for which plan: what a target's own audit trail is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The person or program that applies: `ada@build-7`.
    pub actor: String,
    /// The number of the apply in the ledger.
    pub apply: i64,
    /// The digest of the plan.
    pub digest: String,
    /// The time of the apply.
    pub at: Moment,
}

/// Changes a target. A change that returns `Ok` has been made exactly once, and one that returns anything
/// but [`TargetError::Unknown`], [`TargetError::NotVisible`] or [`TargetError::Unavailable`] has not been
/// made at all.
pub trait Writer: Send + Sync {
    /// How many changes are recorded together before they are sent: a crash leaves at most so many whose
    /// outcome has to be looked up.
    fn batch(&self) -> usize {
        64
    }

    /// How many requests the connection has sent so far; `None` where there are no requests to count.
    fn sent(&self) -> Option<u64> {
        None
    }

    /// What the target did besides what it was asked for, and what was done about it: for people, in the order
    /// in which it was noticed.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Which changes of one wave are carried out together, by their index: changes to one group in one
    /// request, for example. Bundles run at once, as many as the target takes; the changes of a bundle in
    /// their order.
    fn bundles(&self, changes: &[&Change]) -> Vec<Vec<usize>> {
        (0..changes.len()).map(|index| vec![index]).collect()
    }

    /// Carries out one bundle: reads again what it touches, makes the changes and reads them back, since no
    /// error is not yet success. One result for each change, in their order.
    fn carry_out<'a>(&'a self, bundle: &'a [&'a Change], stamp: &'a Stamp) -> Task<'a, Vec<Result<(), TargetError>>> {
        Box::pin(async move {
            let mut results = Vec::with_capacity(bundle.len());
            for change in bundle {
                results.push(make(self, change, stamp).await);
            }
            results
        })
    }

    /// Makes one change. Fails with [`TargetError::Conflict`] where reality is not what the change
    /// starts from.
    fn write<'a>(&'a self, change: &'a Change, stamp: &'a Stamp) -> Task<'a, Result<(), TargetError>>;

    /// Reads back what a change touched: whether its end state is there.
    fn verify<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>>;
}

/// Makes a change and reads it back.
async fn make<W: Writer + ?Sized>(writer: &W, change: &Change, stamp: &Stamp) -> Result<(), TargetError> {
    writer.write(change, stamp).await?;
    match writer.verify(change).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(TargetError::Refused("the target took the change, and it is not there".to_owned())),
        Err(error) => Err(TargetError::Unknown(format!("it was sent and could not be read back: {error}"))),
    }
}
