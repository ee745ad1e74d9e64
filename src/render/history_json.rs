//! The ledger for programs: `schemas/history.schema.json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::plan_json::pretty;
use crate::model::{Change, Moment};
use crate::store::{ApplyEntry, Entry, NewApply, Outcome};

/// The name and version of the format.
pub const FORMAT: &str = "rolecall.history/1";

/// Some applies of the ledger.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryDocument {
    /// `rolecall.history/1`. Later minor changes only add keys.
    pub format: String,
    /// The applies, the newest first.
    pub applies: Vec<ApplyDocument>,
}

/// One apply.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyDocument {
    /// Its number in the store.
    pub apply: i64,
    /// The target.
    pub target: String,
    /// The person or program that applied.
    pub actor: String,
    /// The command.
    pub command: String,
    /// The commit of the files, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The digest of the plan.
    pub digest: String,
    /// How many changes the plan has.
    pub changes: usize,
    /// When it began.
    pub began: Moment,
    /// When it ended; not there while it runs, or where it was cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Moment>,
    /// `complete`, `partial`, `interrupted`, `failed`, `resolved` or `unfinished`.
    pub status: String,
    /// How many changes were made.
    pub applied: usize,
    /// How many the target refused.
    pub failed: usize,
    /// How many were left out because of their principal.
    pub set_aside: usize,
    /// Of how many nobody knows whether they were made.
    pub unknown: usize,
    /// How many have no outcome.
    pub not_attempted: usize,
    /// Its changes, where one apply was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<EntryDocument>>,
}

/// One change of an apply.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryDocument {
    /// Its step in the plan.
    pub step: u32,
    /// What was to be done.
    pub change: Change,
    /// `applied`, `failed`, `set-aside` or `unknown`; not there where none was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Why it was not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When that was recorded, or when it was about to be sent.
    pub at: Moment,
}

/// A list of applies, the newest first.
///
/// # Errors
/// Never, as far as the types go; the library cannot promise it.
pub fn applies(entries: &[ApplyEntry]) -> Result<String, serde_json::Error> {
    let mut applies: Vec<ApplyDocument> = entries.iter().map(document).collect();
    applies.sort_by_key(|a| std::cmp::Reverse(a.apply));
    pretty(&HistoryDocument { format: FORMAT.to_owned(), applies })
}

/// One apply with its changes.
///
/// # Errors
/// Never, as far as the types go; the library cannot promise it.
pub fn apply(entry: &ApplyEntry, changes: &[Entry]) -> Result<String, serde_json::Error> {
    let one = ApplyDocument { entries: Some(changes.iter().map(change).collect()), ..document(entry) };
    pretty(&HistoryDocument { format: FORMAT.to_owned(), applies: vec![one] })
}

fn document(entry: &ApplyEntry) -> ApplyDocument {
    let ApplyEntry { info, finished, applied, failed, set_aside, unknown, not_attempted } = entry;
    let NewApply { target, actor, commit, command, digest, changes, at } = info.begun.clone();
    ApplyDocument {
        apply: info.id,
        target,
        actor,
        command,
        commit,
        digest,
        changes,
        began: at,
        ended: finished.map(|(_, at)| at),
        status: finished.map_or("unfinished", |(status, _)| status.word()).to_owned(),
        applied: *applied,
        failed: *failed,
        set_aside: *set_aside,
        unknown: *unknown,
        not_attempted: *not_attempted,
        entries: None,
    }
}

fn change(entry: &Entry) -> EntryDocument {
    let (outcome, why) = match &entry.outcome {
        None => (None, None),
        Some(Outcome::Applied) => (Some("applied"), None),
        Some(Outcome::Failed { why }) => (Some("failed"), Some(why)),
        Some(Outcome::SetAside { why }) => (Some("set-aside"), Some(why)),
        Some(Outcome::Unknown { why }) => (Some("unknown"), Some(why)),
    };
    EntryDocument {
        step: entry.step,
        change: entry.change.clone(),
        outcome: outcome.map(str::to_owned),
        why: why.cloned(),
        at: entry.at,
    }
}
