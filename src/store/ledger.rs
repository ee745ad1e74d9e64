//! What the ledger holds, as those who write and read it see it.

use std::borrow::Cow;
use std::collections::BTreeMap;

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
    /// What the ledger hangs on where it is kept, for people: the commit at the head of a branch. `None` where
    /// there is nothing of the kind.
    pub anchor: Option<String>,
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

/// The events of the ledger.
pub(super) mod event {
    pub(in crate::store) const BEGIN: &str = "begin";
    pub(in crate::store) const INTEND: &str = "intend";
    pub(in crate::store) const OUTCOME: &str = "outcome";
    pub(in crate::store) const FINISH: &str = "finish";
}

/// The body of an `intend`.
#[derive(Serialize, Deserialize)]
pub(super) struct Intent<'a> {
    pub(super) step: u32,
    pub(super) change: Cow<'a, Change>,
}

/// The body of an `outcome`.
#[derive(Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) step: u32,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
}

/// The body of a `finish`.
#[derive(Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) status: Status,
}

/// The changes that were about to be sent, by step. One that was recorded twice counts as it was recorded last.
pub(super) type Intents = BTreeMap<u32, (Change, Moment)>;

/// The last outcome of each step.
pub(super) type Outcomes = BTreeMap<u32, (Outcome, Moment)>;

/// An apply for the history.
pub(super) fn entry(info: ApplyInfo, finished: Option<(Status, Moment)>, told: &Outcomes) -> ApplyEntry {
    let count = |is: fn(&Outcome) -> bool| told.values().filter(|(outcome, _)| is(outcome)).count();
    ApplyEntry {
        finished,
        applied: count(|o| matches!(o, Outcome::Applied)),
        failed: count(|o| matches!(o, Outcome::Failed { .. })),
        set_aside: count(|o| matches!(o, Outcome::SetAside { .. })),
        unknown: count(|o| matches!(o, Outcome::Unknown { .. })),
        not_attempted: info.begun.changes.saturating_sub(told.len()),
        info,
    }
}

/// The changes of which nobody knows yet what became of them.
pub(super) fn pending(intents: Intents, told: &Outcomes) -> Vec<(u32, Change)> {
    let open = intents.into_iter().filter(|(step, _)| !told.contains_key(step));
    open.map(|(step, (change, _))| (step, change)).collect()
}

/// Every change with what became of it.
pub(super) fn entries(intents: Intents, mut told: Outcomes) -> Vec<Entry> {
    let one = |(step, (change, sent)): (u32, (Change, Moment))| match told.remove(&step) {
        Some((outcome, at)) => Entry { step, change, outcome: Some(outcome), at },
        None => Entry { step, change, outcome: None, at: sent },
    };
    intents.into_iter().map(one).collect()
}

/// A row as it is kept.
pub(super) struct KeptRow<'r> {
    pub(super) seq: i64,
    pub(super) apply: i64,
    pub(super) event: &'r str,
    pub(super) at: &'r str,
    pub(super) body: &'r str,
    pub(super) previous: &'r str,
    pub(super) hash: &'r str,
}

/// Checks rows in their order, from the first.
pub(super) struct Chain {
    pub(super) found: Verification,
    expected: i64,
}

impl Chain {
    pub(super) fn new() -> Self {
        let found = Verification { rows: 0, head: FIRST.to_owned(), broken: None, anchor: None };
        Self { found, expected: 1 }
    }

    /// The next row; `false` when the chain breaks there.
    pub(super) fn follows(&mut self, row: &KeptRow<'_>) -> Result<bool, serde_json::Error> {
        let right = hash(&self.found.head, (row.seq, row.apply, row.event, row.at, row.body))?;
        let what = if row.seq > self.expected {
            format!("row {} is missing", self.expected)
        } else if row.seq < self.expected {
            format!("there are two rows {}", row.seq)
        } else if row.previous != self.found.head {
            "it does not follow from the row before it".to_owned()
        } else if right != row.hash {
            "its content is not what was written".to_owned()
        } else {
            (self.found.rows, self.found.head, self.expected) = (self.found.rows + 1, right, row.seq + 1);
            return Ok(true);
        };
        self.found.broken = Some(Break { row: self.expected.min(row.seq), what });
        Ok(false)
    }
}
