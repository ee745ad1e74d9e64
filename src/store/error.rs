//! Why a store did not do what it was asked.

use std::path::{Path, PathBuf};

use super::Holder;
use super::schema::SchemaError;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else applies to the target.
    #[error("another apply holds the lock: {0}")]
    Locked(Holder),
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

impl StoreError {
    /// For `map_err` on a file or folder.
    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |why| Self::File { path: path.to_owned(), why }
    }

    /// For `map_err` on a layout.
    pub(super) fn layout(path: &Path) -> impl FnOnce(SchemaError) -> Self + '_ {
        move |why| Self::Layout { path: path.to_owned(), why: why.to_string() }
    }

    /// For `map_err` on a record.
    pub(super) fn record<E: std::fmt::Display>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |why| Self::Record { what, why: why.to_string() }
    }
}
