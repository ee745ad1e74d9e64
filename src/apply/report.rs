//! What became of a plan: plain data that is shown and handed to programs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Change;
use crate::plan::{Plan, Promise, Unread};

/// The format of reports that this program writes.
pub const REPORT_FORMAT: &str = "rolecall.report/1";

/// What became of one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It was made, and read back.
    Applied,
    /// The target said no, and it was not made.
    Failed,
    /// It was left out because of the principal that it is about.
    SetAside,
    /// Nobody knows whether it was made.
    Unknown,
    /// It was not sent.
    NotAttempted,
}

/// What became of one step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepReport {
    /// Its number in the plan.
    pub step: u32,
    /// What was to be done.
    pub change: Change,
    /// What became of it.
    pub fate: Fate,
    /// Why it was not made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What became of the changes to one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetReport {
    /// The target.
    pub target: String,
    /// The number of the apply in the ledger.
    pub apply: i64,
    /// How far the promise about every moment reaches in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Promise>,
    /// How many requests were sent, those of the reading before included; absent where a target knows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// How it ended: `complete`, `partial`, `interrupted` or `failed`.
    pub status: String,
    /// How many changes were made.
    pub applied: usize,
    /// How many the target refused.
    pub failed: usize,
    /// How many were left out because of their principal.
    pub set_aside: usize,
    /// Of how many nobody knows whether they were made.
    pub unknown: usize,
    /// How many were not sent.
    pub not_attempted: usize,
    /// What the target did besides, and what was done about it: for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Every change, in the order of the plan.
    pub steps: Vec<StepReport>,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// `rolecall.report/1`. Later minor changes only add keys.
    pub format: String,
    /// The digest of the plan.
    pub digest: String,
    /// Why nothing was done, where the plan was not carried out: `blocked` or `stale`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// By target, in the order of the plan.
    pub targets: Vec<TargetReport>,
    /// The targets to which nothing was applied, because they could not be read or opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
}

impl Report {
    /// The report on a plan.
    #[must_use]
    pub fn new(plan: &Plan, targets: Vec<TargetReport>) -> Self {
        let (digest, unread) = (plan.digest.clone(), plan.unread.clone());
        Self { format: REPORT_FORMAT.to_owned(), digest, refused: None, targets, unread }
    }

    /// Whether any change was made, or may have been.
    #[must_use]
    pub fn has_applied(&self) -> bool {
        self.targets.iter().any(|t| t.applied + t.unknown > 0)
    }

    /// The report on a plan that was not carried out.
    #[must_use]
    pub fn refused(plan: &Plan, why: &str) -> Self {
        Self { refused: Some(why.to_owned()), ..Self::new(plan, Vec::new()) }
    }
}
