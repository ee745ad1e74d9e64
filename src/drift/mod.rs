//! Drift: how what is live differs from what the files declare. Every difference has a direction, says
//! whether it widens access, since when it has been seen and, where the target's own log tells, who did it.
//! Found from a reading alone: nothing here can change a target.

pub mod adopt;
mod allow;
mod find;
mod opposite;
mod since;
mod widen;

pub use allow::{Allowed, Entry, Standing, allow};
pub use find::{Reads, Subject, find};
pub use opposite::{direction, fields, seen_from_files};
pub use since::since;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::AccessDifference;
use crate::diagnostic::Location;
use crate::model::{Change, Kind, Moment, ObjectRef};
use crate::plan::Unread;
use crate::targets::ToldBy;

/// The name and version of the format.
pub const FORMAT: &str = "rolecall.drift/1";

/// On which side something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// It is live and not declared.
    Extra,
    /// It is declared and not live.
    Missing,
    /// It is both, and not the same.
    Different,
}

impl Direction {
    /// The word that people see.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Extra => "extra",
            Self::Missing => "missing",
            Self::Different => "different",
        }
    }
}

/// One attribute that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name.
    pub field: String,
    /// As it is declared; `null` where it is not.
    pub declared: Value,
    /// As it is live; `null` where it is not.
    pub live: Value,
}

/// Who has more than declared by a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Widens {
    /// How many people; 0 where nobody is known yet: whoever has an address of a domain may come.
    pub people: usize,
    /// Who, sorted: the first 20.
    pub who: Vec<String>,
    /// Whether one of them has everything, as an administrator.
    pub administrator: bool,
}

/// Who mends a difference at the next apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Mends {
    /// An apply does.
    Apply,
    /// Nobody: the kind is only observed.
    Nobody,
    /// People do, by hand.
    Hand {
        /// What is to be done.
        what: String,
        /// Where, and how.
        place: String,
    },
    /// It cannot be mended as it is declared.
    Never {
        /// Why.
        what: String,
        /// What to do.
        help: String,
    },
}

/// One difference between what is live and what is declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// On which side it is.
    pub direction: Direction,
    /// The thing.
    pub object: ObjectRef,
    /// What differs about it, attribute by attribute; for what is there on one side only, all that is known.
    pub fields: Vec<Field>,
    /// The change that would make the target as declared.
    pub change: Change,
    /// Who mends it.
    pub mends: Mends,
    /// Where it is declared; absent for what no file declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Location>,
    /// Who has more than declared by it; absent where nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub widens: Option<Widens>,
    /// Since when it has been seen; absent where nothing remembers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
    /// Who did it; absent where the target does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_by: Option<ToldBy>,
    /// Who allows it; absent where nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Allowed>,
}

impl Difference {
    /// Whether it is allowed, and so no drift to report: what widens access always is.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.allowed.is_some() && self.widens.is_none()
    }
}

/// The drift of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetDrift {
    /// The target.
    pub target: String,
    /// What kind of system it is.
    pub provider: String,
    /// Who has more than declared (`gains`), less (`loses`), or the same by another way.
    pub access: AccessDifference,
    /// The differences by kind and name, those that are allowed among them.
    pub differences: Vec<Difference>,
    /// Users who are invited and have not come yet, by e-mail: as declared.
    pub pending: Vec<String>,
    /// Users whose invitation has run out, by e-mail: as declared.
    pub expired_invitations: Vec<String>,
    /// How many live things of each kind are not declared and nobody's concern here.
    pub left_alone: BTreeMap<Kind, usize>,
    /// Why what was read may not be everything.
    pub doubts: Vec<String>,
    /// What is worth saying.
    pub notes: Vec<String>,
}

impl TargetDrift {
    /// The differences that are not allowed.
    pub fn reported(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|d| !d.is_hidden())
    }
}

/// Drift over all targets of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// `rolecall.drift/1`. Later minor changes only add keys.
    pub format: String,
    /// The time of the run.
    pub at: Moment,
    /// Whether there is a difference that is not allowed.
    pub drifted: bool,
    /// By target, in the order of their names.
    pub targets: Vec<TargetDrift>,
    /// The targets that could not be read.
    pub unread: Vec<Unread>,
    /// What the files allow, in their order.
    pub allowed: Vec<Entry>,
    /// What is worth saying of the run itself.
    pub notes: Vec<String>,
}

impl Drift {
    /// The drift of these targets.
    #[must_use]
    pub fn new(at: Moment, targets: Vec<TargetDrift>, unread: Vec<Unread>) -> Self {
        let drifted = targets.iter().any(|t| t.reported().next().is_some());
        Self { format: FORMAT.to_owned(), at, drifted, targets, unread, allowed: Vec::new(), notes: Vec::new() }
    }

    /// How many differences of a direction are not allowed.
    #[must_use]
    pub fn count(&self, direction: Direction) -> usize {
        self.targets.iter().flat_map(TargetDrift::reported).filter(|d| d.direction == direction).count()
    }
}
