//! Who declared what, for programs: `schemas/blame.schema.json`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::access::Explanation;
use crate::diagnostic::Location;
use crate::git::{Blame, Origin};
use crate::model::Kind;

/// Who declared what.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BlameDocument {
    /// `rolecall.blame/1`. Later minor changes only add keys.
    pub format: String,
    /// Why somebody has access, where that was asked: each way, as `explain` tells it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Explanation>,
    /// What is declared, by target, where whole targets were asked for: the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetBlame>,
    /// The origins of the places that occur above, sorted.
    pub origins: Vec<PlaceOrigin>,
    /// What could not be told, and why.
    pub notes: Vec<String>,
}

/// What is declared of a target.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TargetBlame {
    /// The target.
    pub target: String,
    /// The roles of users, memberships, grants and domains.
    pub declared: Vec<Declared>,
}

/// Something that gives access, and where it is declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Declared {
    /// What kind of thing it is.
    pub kind: Kind,
    /// What it says, in words.
    pub what: String,
    /// Where it is declared.
    pub declared: Location,
    /// How many days ago the line was written; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
}

/// Where a line comes from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlaceOrigin {
    /// The line.
    pub declared: Location,
    /// Where it comes from.
    pub origin: Origin,
}

/// The document, with the origins of every place in it.
#[must_use]
pub fn document(answers: Vec<Explanation>, targets: Vec<TargetBlame>, blame: &Blame) -> BlameDocument {
    let mut places = places(&answers);
    places.extend(targets.iter().flat_map(|t| &t.declared).map(|d| d.declared.clone()));
    places.sort();
    places.dedup();
    let origin = |declared: Location| {
        let origin = blame.of(&declared.file, declared.line)?.clone();
        Some(PlaceOrigin { declared, origin })
    };
    BlameDocument {
        format: "rolecall.blame/1".to_owned(),
        answers,
        targets,
        origins: places.into_iter().filter_map(origin).collect(),
        notes: blame.notes.clone(),
    }
}

/// The places that answers name.
#[must_use]
pub fn places(answers: &[Explanation]) -> Vec<Location> {
    let paths = answers.iter().flat_map(|a| a.paths.iter().chain(a.resources.iter().flat_map(|r| &r.paths)));
    paths.flat_map(|p| &p.links).filter_map(|l| l.declared.clone()).collect()
}
