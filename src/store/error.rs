//! Why a store did not do what it was asked.

use std::path::{Path, PathBuf};

use super::schema::SchemaError;
use super::{Holder, Moment};

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else applies to the target.
    #[error("another apply holds the lock: {0}")]
    Locked(Holder),
    /// Somebody else applies to the target, and has the lock for a time that it can make longer.
    #[error("another apply holds the lock: {holder}; unless it goes on, the lock is free at {free}")]
    Leased {
        /// Who.
        holder: Holder,
        /// When others may take the lock, if its holder does not make its lease longer.
        free: Moment,
    },
    /// This run held the lock of the target, and does not any more.
    #[error("the lock of `{target}` was lost: this run stood still for longer than its lease, {}", taken(by.as_ref()))]
    LostLock {
        /// The target.
        target: String,
        /// Who has it now.
        by: Option<Holder>,
    },
    /// A place for a store in Git that is none.
    #[error("no store can be kept at `git:{place}`: {why}")]
    NoPlace {
        /// The branch, and the remote where it is not `origin`.
        place: String,
        /// What is missing.
        why: String,
    },
    /// A branch that is no store of this rolecall.
    #[error("the branch `{branch}`: {why}")]
    Branch {
        /// Which.
        branch: String,
        /// What it is instead.
        why: String,
    },
    /// A branch from which something was taken away that this clone has seen.
    #[error("the branch `{branch}` was rewritten: {seen}, which this clone has seen, is not in its history any more")]
    Rewritten {
        /// Which.
        branch: String,
        /// The commit that this clone has seen at its head.
        seen: String,
        /// The local reference that remembers it.
        anchor: String,
    },
    /// A remote that does not answer, or not with what was asked for.
    #[error("the remote `{remote}` cannot be reached: {why}")]
    Unreachable {
        /// Which.
        remote: String,
        /// What `git` said, without credentials.
        why: String,
    },
    /// A remote that does not take what is written.
    #[error("the remote `{remote}` does not take what is written to the branch `{branch}`: {why}")]
    Refused {
        /// Which.
        remote: String,
        /// The branch.
        branch: String,
        /// What it said.
        why: String,
    },
    /// Others were quicker, again and again.
    #[error("the branch `{branch}` could not be written: others were quicker {times} times in a row")]
    Crowded {
        /// Which.
        branch: String,
        /// How often.
        times: u32,
    },
    /// The local part of a Git repository.
    #[error("the repository: {0}")]
    Git(#[from] git2::Error),
    /// A target's name that cannot stand in a file's name.
    #[error("`{0}` cannot be locked: a target's name consists of a-z, 0-9, `-` and `_`")]
    TargetName(String),
    /// An apply that the ledger does not know.
    #[error("the ledger has no apply {0}")]
    NoApply(i64),
    /// An apply that has already ended.
    #[error("apply {0} has already ended; nothing can be added to it")]
    Ended(i64),
    /// A file or folder that the system does not give.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// A file that is no store of this rolecall.
    #[error("{}: {why}", path.display())]
    Layout {
        /// Which.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// SQLite could not read or write.
    #[error("the store: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A record that cannot be understood.
    #[error("the store: {what} cannot be understood: {why}")]
    Record {
        /// Which record.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

fn taken(by: Option<&Holder>) -> String {
    by.map_or_else(|| "and somebody else has had it since".to_owned(), |by| format!("and it was taken by {by}"))
}

impl StoreError {
    /// Whether somebody else has a lock that may be free later, and who.
    #[must_use]
    pub fn holder(&self) -> Option<&Holder> {
        match self {
            Self::Locked(holder) | Self::Leased { holder, .. } => Some(holder),
            _ => None,
        }
    }

    /// For `map_err` on a file or folder.
    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |why| Self::File { path: path.to_owned(), why }
    }

    /// For `map_err` on a layout.
    pub(super) fn layout(path: &Path) -> impl FnOnce(SchemaError) -> Self + '_ {
        move |why| Self::Layout { path: path.to_owned(), why: why.to_string() }
    }

    /// For `map_err` on a record.
    pub(crate) fn record<E: std::fmt::Display>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |why| Self::Record { what, why: why.to_string() }
    }
}
