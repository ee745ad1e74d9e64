//! Systems that hold users and their access. A target is read through a [`Reader`] and changed
//! through a [`Writer`]; these are different types, and only `apply` ever makes a writer.

pub mod directory;
mod open;
mod profiles;

pub use open::{Address, OpenError, lock_file, reader, writer};
pub use profiles::PROFILES;

use std::future::Future;
use std::pin::Pin;

use crate::model::{Change, Directory, Kind, Moment};
use crate::plan::Promise;

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
    /// It cannot be reached, or does not answer.
    #[error("out of reach: {0}")]
    Unavailable(String),
    /// It answered what cannot be understood.
    #[error("not understood: {0}")]
    Malformed(String),
    /// The change was sent and nobody knows whether it was done.
    #[error("outcome unknown: {0}")]
    Unknown(String),
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
    /// How many changes it takes at a time.
    pub concurrency: usize,
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
}

/// Reads a target. Nothing here can change it.
pub trait Reader: Send + Sync {
    /// What the target can do.
    fn capabilities(&self) -> &Capabilities;

    /// Reads the whole state, or fails: a partial reading is never handed out.
    fn read(&self) -> Task<'_, Result<Reading, TargetError>>;

    /// Whether the end state of a change is there: what a run that was cut off has left behind.
    fn holds<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>>;
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

/// Changes a target. Every method is one change; a change that returns `Ok` has been made exactly
/// once, and one that returns anything but [`TargetError::Unknown`] or [`TargetError::Unavailable`]
/// has not been made at all.
pub trait Writer: Send + Sync {
    /// Makes one change. Fails with [`TargetError::Conflict`] where reality is not what the change
    /// starts from.
    fn write<'a>(&'a self, change: &'a Change, stamp: &'a Stamp) -> Task<'a, Result<(), TargetError>>;

    /// Reads back what a change touched: whether its end state is there.
    fn verify<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>>;
}
