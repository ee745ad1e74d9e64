//! The store that the flags name.

use std::path::Path;

use super::{Failure, Global};
use crate::store::{GitStore, Lease, Place, SqliteStore, Store, StoreError};

/// A store, wherever it lies.
pub type AnyStore = Box<dyn Store>;

/// Opens the store of a declaration, and makes it where it is missing.
///
/// # Errors
/// When it cannot be opened or made.
pub fn open(global: &Global, root: &Path) -> Result<AnyStore, Failure> {
    let opened: Result<AnyStore, StoreError> = match &global.store {
        Place::Sqlite => SqliteStore::open(root).map(|s| Box::new(s) as AnyStore),
        Place::Git(branch) => GitStore::open(root, branch, lease(global)).map(|s| Box::new(s) as AnyStore),
    };
    opened.map_err(|e| failure(&e))
}

/// Opens the store of a declaration to read it, if there is one.
///
/// # Errors
/// When it cannot be opened.
pub fn open_existing(global: &Global, root: &Path) -> Result<Option<AnyStore>, Failure> {
    let opened = match &global.store {
        Place::Sqlite => SqliteStore::open_existing(root).map(|s| s.map(|s| Box::new(s) as AnyStore)),
        Place::Git(branch) => GitStore::open_existing(root, branch).map(|s| s.map(|s| Box::new(s) as AnyStore)),
    };
    opened.map_err(|e| failure(&e))
}

/// The same to have it checked: that it was tampered with is an answer then, and no error.
///
/// # Errors
/// When it cannot be opened.
pub fn open_to_verify(global: &Global, root: &Path) -> Result<Option<AnyStore>, Failure> {
    let Place::Git(branch) = &global.store else { return open_existing(global, root) };
    let opened = GitStore::open_to_verify(root, branch).map_err(|e| failure(&e))?;
    Ok(opened.map(|s| Box::new(s) as AnyStore))
}

fn lease(global: &Global) -> Lease {
    global.lease.map_or_else(Lease::default, Lease::seconds)
}

/// Why a store failed, and what to do about it.
#[must_use]
pub fn failure(error: &StoreError) -> Failure {
    let locked = matches!(error, StoreError::Locked(_) | StoreError::Leased { .. });
    let failure = Failure { locked, ..Failure::error(error.to_string()) };
    match error {
        StoreError::Locked(_) => failure.help("wait for it to end, or wait here with `--lock-timeout 5m`"),
        StoreError::Leased { .. } => failure.help(
            "wait for it to end, or wait here with `--lock-timeout 20m`; a run that was killed keeps others out until the time above, and no longer",
        ),
        StoreError::Sqlite(_) | StoreError::Layout { .. } => failure.help(
            "if .rolecall/store.db is damaged, move it away: the history and what is remembered of earlier applies is lost with it, the targets are not",
        ),
        StoreError::LostLock { .. } => {
            failure.help("look at what the other run does (`rolecall history`), and plan again when it has ended")
        }
        StoreError::NoPlace { .. } => failure.help(
            "a store in Git needs the declaration in a repository that has that remote; `--store git:BRANCH@REMOTE` names another, `--store sqlite` keeps it beside the declaration",
        ),
        StoreError::Unreachable { .. } => failure.help(
            "`git ls-remote` in that repository shows whether this machine can reach it; in a workflow, the checkout must keep its credentials",
        ),
        StoreError::Refused { branch, .. } => failure.help(format!(
            "whoever runs this needs the right to push to `{branch}` (in a workflow: `permissions: {{contents: write}}`), and no rule for branches may forbid it"
        )),
        StoreError::Rewritten { anchor, seen, .. } => failure.help(format!(
            "find out who did that: `git push --force` to it is never right. `git push REMOTE {seen}:refs/heads/BRANCH` puts back what this clone has seen, with --force where something else is there now; to go on from what is there now instead, `git update-ref -d {anchor}`"
        )),
        StoreError::Crowded { .. } => failure.help("run it again when fewer others do"),
        _ => failure,
    }
}
