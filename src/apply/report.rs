//! What became of a plan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Change;

/// The name and version of the format.
pub const FORMAT: &str = "rolecall.report/1";

/// What became of a plan over all its targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// `rolecall.report/1`.
    pub format: String,
    /// The digest of the plan.
    pub digest: String,
    /// By target, in the order of the plan.
    pub targets: Vec<TargetReport>,
}

/// What became of the part of a plan that belongs to one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetReport {
    /// The target.
    pub target: String,
    /// The number of the apply in the ledger; 0 where nothing was to be done.
    pub apply: i64,
    /// `complete`, `partial`, `interrupted` or `failed`.
    pub status: String,
    /// How many changes were made.
    pub applied: usize,
    /// How many the target refused.
    pub failed: usize,
    /// How many were left out because of the principal that they are about.
    pub set_aside: usize,
    /// Of how many nobody knows whether they were made.
    pub unknown: usize,
    /// How many were not sent.
    pub not_attempted: usize,
    /// The changes in the order of the plan.
    pub steps: Vec<StepReport>,
}

/// What became of one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepReport {
    /// Its number in the plan.
    pub step: u32,
    /// The change.
    pub change: Change,
    /// What became of it.
    pub fate: Fate,
    /// Why, where it was not made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It was made, and read back.
    Applied,
    /// The target refused it, or it was not there when it was read back.
    Failed,
    /// It was left out because of the principal that it is about.
    SetAside,
    /// Nobody knows whether it was made.
    Unknown,
    /// It was not sent.
    NotAttempted,
}

impl Report {
    /// The report on a plan.
    #[must_use]
    pub fn new(plan: &crate::plan::Plan, targets: Vec<TargetReport>) -> Self {
        Self { format: FORMAT.to_owned(), digest: plan.digest.clone(), targets }
    }
}
