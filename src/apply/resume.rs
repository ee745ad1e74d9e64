//! After a crash: what became of the changes whose outcome nobody recorded, and whether a reviewed
//! plan is what remains to be done.

use std::collections::BTreeMap;

use crate::model::{Change, Moment, Ownership};
use crate::plan::{Plan, renamings};
use crate::store::{self, Outcome, Status, Store, StoreError};
use crate::targets::{Reader, TargetError};

/// Why an interrupted apply could not be cleared up.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The ledger failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target could not be read.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// Finds out what became of the changes of applies that were cut off, records it, and closes them.
/// Gives back how many changes had to be looked up. The lock of the target must be held.
///
/// # Errors
/// When the ledger or the target fails.
pub async fn resolve(target: &str, reader: &dyn Reader, store: &dyn Store) -> Result<usize, ResumeError> {
    let mut looked_up = 0;
    for unfinished in store.unfinished(target)? {
        for (step, change) in &unfinished.pending {
            looked_up += 1;
            // What was not made has no outcome: it was not attempted, as far as anybody can tell.
            if reader.holds(change).await? {
                store.outcome(unfinished.info.id, *step, &Outcome::Applied, Moment::now())?;
            }
        }
        store.finish(unfinished.info.id, Status::Resolved, Moment::now())?;
    }
    Ok(looked_up)
}

/// What is remembered of a target: what was removable when it was last applied to, and which declared
/// renamings have been made, those of applies that did not come to their end among them.
///
/// # Errors
/// When the ledger cannot be read.
pub fn memory(target: &str, store: &dyn Store) -> store::Result<Option<Ownership>> {
    let known = store.ownership(target)?;
    let mut made: Vec<Change> = Vec::new();
    for apply in store.applies(Some(target), usize::MAX)? {
        if apply.finished.is_some_and(|(status, _)| status == Status::Complete) {
            break;
        }
        let entries = store.entries(apply.info.id)?;
        let applied = entries.into_iter().filter(|e| e.outcome == Some(Outcome::Applied)).map(|e| e.change);
        // Newest first: what was made earlier comes before.
        made.splice(0..0, applied.collect::<Vec<_>>());
    }
    let renamed = renamings(&made);
    if renamed.is_empty() {
        return Ok(known);
    }
    // A target that was never applied to its end keeps its takeovers to be agreed to.
    Ok(known.map(|mut known| {
        known.renamed.extend(renamed);
        known
    }))
}

/// How a reviewed plan stands to what would be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remainder {
    /// It is the rest of the reviewed plan: everything else of it has been made by an apply of that very
    /// plan.
    Rest,
    /// It is something else.
    Other,
}

/// Whether `now` is what remains of `reviewed` after an apply of it that did not come to its end.
///
/// # Errors
/// When the ledger cannot be read.
pub fn remainder(reviewed: &Plan, now: &Plan, store: &dyn Store) -> store::Result<Remainder> {
    let mut any = false;
    for target in &reviewed.targets {
        let mut left = Counts::of(target.steps.iter().map(|s| &s.change));
        for apply in store.applies(Some(&target.target), usize::MAX)? {
            if apply.info.begun.digest != reviewed.digest {
                continue;
            }
            // By change, not by step: the rest that a second apply was given has numbers of its own.
            for entry in store.entries(apply.info.id)? {
                any |= entry.outcome == Some(Outcome::Applied) && left.take(&entry.change);
            }
        }
        let now = now.targets.iter().filter(|t| t.target == target.target);
        if left != Counts::of(now.flat_map(|t| t.steps.iter().map(|s| &s.change))) {
            return Ok(Remainder::Other);
        }
    }
    let same_targets = now.targets.iter().all(|t| reviewed.targets.iter().any(|r| r.target == t.target));
    Ok(if any && same_targets { Remainder::Rest } else { Remainder::Other })
}

/// How often each change occurs.
#[derive(PartialEq)]
struct Counts(BTreeMap<String, usize>);

impl Counts {
    fn of<'c>(changes: impl Iterator<Item = &'c Change>) -> Self {
        let mut counts = BTreeMap::new();
        for change in changes {
            *counts.entry(Self::key(change)).or_default() += 1;
        }
        Self(counts)
    }

    fn key(change: &Change) -> String {
        serde_json::to_string(change).unwrap_or_default()
    }

    /// Takes one away, if it is there.
    fn take(&mut self, change: &Change) -> bool {
        let key = Self::key(change);
        let Some(count) = self.0.get_mut(&key) else { return false };
        *count -= 1;
        if *count == 0 {
            self.0.remove(&key);
        }
        true
    }
}
