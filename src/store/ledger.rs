//! What the ledger holds, as those who write and read it see it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Change, Moment};

/// An apply that begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewApply {
    /// The target.
    pub target: String,
    /// The person or program that applies.
    pub actor: String,
    /// The commit of the files, where they lie in a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The command: `apply`, `rollback`.
    pub command: String,
    /// The digest of the plan.
    pub digest: String,
    /// How many changes the plan has.
    pub changes: usize,
    /// When it begins.
    pub at: Moment,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It was made.
    Applied,
    /// The target said no, and it was not made.
    Failed {
        /// What the target said.
        why: String,
    },
    /// It was left out because of the principal that it is about.
    SetAside {
        /// What is with that principal.
        why: String,
    },
    /// Nobody knows whether it was made.
    Unknown {
        /// What happened.
        why: String,
    },
}

/// How an apply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Every change was made.
    Complete,
    /// Some changes were made and others were not.
    Partial,
    /// It was told to stop.
    Interrupted,
    /// No change was made.
    Failed,
    /// It was cut off, and a later run has found out what became of its changes.
    Resolved,
}

impl Status {
    /// The word that people see.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Resolved => "resolved",
        }
    }
}

/// An apply with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyInfo {
    /// Its number in this store.
    pub id: i64,
    /// How it began.
    pub begun: NewApply,
}

/// An apply that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Which.
    pub info: ApplyInfo,
    /// The changes that were about to be sent and have no outcome, by step.
    pub pending: Vec<(u32, Change)>,
}

/// An apply in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyEntry {
    /// Which.
    pub info: ApplyInfo,
    /// How it ended, and when; `None` while it runs, or where it was cut off.
    pub finished: Option<(Status, Moment)>,
    /// How many changes were made.
    pub applied: usize,
    /// How many the target refused.
    pub failed: usize,
    /// How many were left out because of their principal.
    pub set_aside: usize,
    /// Of how many nobody knows whether they were made.
    pub unknown: usize,
    /// How many have no outcome. In an apply that was cut off, those that were about to be sent are
    /// among them.
    pub not_attempted: usize,
}

/// One change of an apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its step in the plan.
    pub step: u32,
    /// What was to be done.
    pub change: Change,
    /// What became of it, if that was recorded.
    pub outcome: Option<Outcome>,
    /// When that was recorded, or when it was about to be sent.
    pub at: Moment,
}

/// What checking the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// How many rows are right, counted from the first.
    pub rows: u64,
    /// The hash of the last of them, in hexadecimal. The end of a ledger can be cut off without breaking
    /// its chain: whoever wrote this down elsewhere can tell.
    pub head: String,
    /// Where the chain breaks.
    pub broken: Option<Break>,
}

/// Where a chain breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The number of the first row that is not right.
    pub row: i64,
    /// What is wrong with it.
    pub what: String,
}

/// What stands in front of the first row.
pub(super) const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The hash of a row: over the hash of the row before it, a line feed, and the row as a JSON array.
/// The body goes in as the text that is kept, so that no second rule for writing JSON is needed.
pub(super) fn hash(previous: &str, row: (i64, i64, &str, &str, &str)) -> Result<String, serde_json::Error> {
    let mut hasher = Sha256::new();
    hasher.update(previous.as_bytes());
    hasher.update(b"\n");
    hasher.update(serde_json::to_string(&row)?.as_bytes());
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
