//! What is known and allowed for a time: it hides a difference until its end, and never widened access.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Drift;
use crate::config::Allowance;
use crate::diagnostic::{Location, Span};
use crate::model::Moment;

/// Who allows a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// Who answers for it, by e-mail.
    pub owner: String,
    /// Why.
    pub because: String,
    /// Until when.
    pub until: Moment,
    /// Where the files say so.
    pub declared: Location,
}

/// What an entry of the files does in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It hides a difference.
    Hides,
    /// Its difference widens access, and is reported all the same.
    Widens,
    /// It hides nothing: there is no such difference.
    Stale,
    /// It has ended.
    Ended,
    /// Not every target that it is about was looked at.
    NotLooked,
}

/// An entry of `drift.allow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The thing, as a plan names it.
    pub object: String,
    /// In which targets.
    pub targets: Vec<String>,
    /// Who allows it.
    pub allowed: Allowed,
    /// What it does.
    pub standing: Standing,
}

/// Marks the differences that are allowed, and says of every entry what it does.
pub fn allow(drift: &mut Drift, entries: &[Allowance], locate: &dyn Fn(Span) -> Location) {
    let looked: Vec<String> = drift.targets.iter().map(|t| t.target.clone()).collect();
    for entry in entries {
        let allowed = Allowed {
            owner: entry.owner.clone(),
            because: entry.because.clone(),
            until: entry.until,
            declared: locate(entry.span),
        };
        let ended = entry.until.is_past(drift.at);
        let (mut hides, mut widens) = (false, false);
        for target in drift.targets.iter_mut().filter(|t| entry.targets.contains(&t.target)) {
            let fits = target.differences.iter_mut().filter(|d| d.object.to_string() == entry.object);
            for difference in fits.filter(|_| !ended) {
                if difference.allowed.is_none() {
                    difference.allowed = Some(allowed.clone());
                }
                hides |= difference.widens.is_none();
                widens |= difference.widens.is_some();
            }
        }
        let standing = match (ended, widens, hides) {
            (true, ..) => Standing::Ended,
            (_, true, _) => Standing::Widens,
            (_, _, true) => Standing::Hides,
            _ if entry.targets.iter().all(|t| looked.contains(t)) => Standing::Stale,
            _ => Standing::NotLooked,
        };
        drift.allowed.push(Entry { object: entry.object.clone(), targets: entry.targets.clone(), allowed, standing });
    }
    drift.drifted = drift.targets.iter().any(|t| t.reported().next().is_some());
}
