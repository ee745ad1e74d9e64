//! What people should look at again: who administers, who should be gone, who was not seen, what
//! nobody answers for and what has no reason. Found from the files, the live state and the ledger;
//! whether it is right is for people to decide.

mod find;
mod past;
mod soon;
mod strangers;
#[cfg(test)]
mod tests;

pub use past::{Left, Past, past};
pub use strangers::Strangers;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::Location;
use crate::model::{Desired, Directory, Moment, ObjectRef};

/// The name and version of the format.
pub const FORMAT: &str = "rolecall.review/1";

/// How often each access is looked at where the files do not say.
pub const EVERY: u32 = 90;

/// After how many days without a sign of life somebody is asked about where the files do not say.
pub const INACTIVE: u32 = 60;

/// How many days before its end something is said to end soon.
pub const SOON: u32 = 14;

/// How much harm it can do that nobody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Look at it first.
    High,
    /// Look at it in this review.
    Medium,
    /// Look at it when there is time.
    Low,
}

impl Risk {
    /// Every risk, the highest first.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// The word that people see.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// What kind of question an item asks. In the order in which they are asked within one risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// Somebody administers the target.
    Administrator,
    /// Somebody whose access should have ended.
    ShouldBeGone,
    /// Somebody whom no file knows.
    Unknown,
    /// Somebody who was not seen for long.
    NotSeen,
    /// A service for which nobody answers.
    ServiceWithoutOwner,
    /// Things of somebody who cannot come in any more.
    Orphan,
    /// An invitation that has run out.
    InvitationExpired,
    /// Access that ended later than it should have.
    EndedLate,
    /// A grant without a reason.
    GrantWithoutReason,
    /// Somebody is in a team.
    Membership,
}

impl Topic {
    /// The word that programs see.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::ShouldBeGone => "should-be-gone",
            Self::Unknown => "unknown",
            Self::NotSeen => "not-seen",
            Self::ServiceWithoutOwner => "service-without-owner",
            Self::Orphan => "orphan",
            Self::InvitationExpired => "invitation-expired",
            Self::EndedLate => "ended-late",
            Self::GrantWithoutReason => "grant-without-reason",
            Self::Membership => "membership",
        }
    }

    /// Its title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Administrator => "Administrators",
            Self::ShouldBeGone => "Should be gone",
            Self::Unknown => "Unknown to the files",
            Self::NotSeen => "Not seen",
            Self::ServiceWithoutOwner => "Services without an owner",
            Self::Orphan => "Left behind",
            Self::InvitationExpired => "Invitations that have run out",
            Self::EndedLate => "Ended late",
            Self::GrantWithoutReason => "Grants without a reason",
            Self::Membership => "Memberships",
        }
    }

    /// Whether the question can be answered by yes, with which nothing is to be done.
    #[must_use]
    pub fn asks_whether(self) -> bool {
        !matches!(self, Self::ShouldBeGone | Self::Unknown | Self::ServiceWithoutOwner | Self::Orphan | Self::EndedLate)
    }

    /// What is to be decided.
    #[must_use]
    pub fn question(self) -> &'static str {
        match self {
            Self::Administrator => "Do they still need to administer?",
            Self::ShouldBeGone => "Why are they still there?",
            Self::Unknown => "Who are they, and what is it for?",
            Self::NotSeen => "Do they still need the account?",
            Self::ServiceWithoutOwner => "Who answers for it?",
            Self::Orphan => "Who takes it over?",
            Self::InvitationExpired => "Are they still to come?",
            Self::EndedLate => "Why did it take so long?",
            Self::GrantWithoutReason => "What is it for, and is it still needed?",
            Self::Membership => "Do they still belong to the team?",
        }
    }
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// How much harm it can do that nobody looks.
    pub risk: Risk,
    /// What kind of question it is.
    pub topic: Topic,
    /// The thing.
    pub object: ObjectRef,
    /// The person or program that it is about, by e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// What is to be decided.
    pub question: String,
    /// Why it is listed.
    pub because: String,
    /// The moment from which it is counted: the last day, the last time they were seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
    /// For how many whole days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Location>,
    /// What to do where it is not right.
    pub advice: String,
}

/// Something that ends soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// Its last moment.
    pub until: Moment,
    /// How many whole days are left.
    pub days: i64,
    /// The thing.
    pub object: ObjectRef,
    /// The role that ends with it, where it is a grant or a membership with a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Location>,
}

/// The policy of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How often each access is looked at, in days.
    pub every: u32,
    /// Whether the files say so; otherwise it is the default.
    pub every_declared: bool,
    /// After how many days without a sign of life somebody is asked about.
    pub inactive: u32,
    /// Whether the files say so; otherwise it is the default.
    pub inactive_declared: bool,
}

/// What is to be looked at in one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetReview {
    /// The target.
    pub target: String,
    /// What kind of system it is.
    pub provider: String,
    /// The policy.
    pub policy: Policy,
    /// Everything to look at, by risk, topic and name.
    pub items: Vec<Item>,
    /// What ends within 14 days, the first first.
    pub ends_soon: Vec<Ending>,
    /// What could not be told, and why.
    pub notes: Vec<String>,
}

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// `rolecall.review/1`. Later minor changes only add keys.
    pub format: String,
    /// The time of the review.
    pub at: Moment,
    /// Whether only the files were looked at, and no target.
    pub files_only: bool,
    /// By target.
    pub targets: Vec<TargetReview>,
}

impl Review {
    /// A review of these targets.
    #[must_use]
    pub fn new(at: Moment, files_only: bool, targets: Vec<TargetReview>) -> Self {
        Self { format: FORMAT.to_owned(), at, files_only, targets }
    }

    /// Whether there is nothing to look at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.iter().all(|t| t.items.is_empty())
    }
}

/// What a review is made from.
pub struct Subject<'a, O> {
    /// What the files want.
    pub desired: &'a Desired<O>,
    /// What is live; `None` to look at the files alone.
    pub live: Option<&'a Directory>,
    /// What kind of system it is.
    pub provider: &'a str,
    /// Whom no file knows, over all targets; `None` to leave them out.
    pub strangers: Option<&'a Strangers>,
    /// What the ledger tells; `None` where nothing has been applied from here.
    pub past: Option<&'a Past>,
    /// The time.
    pub now: Moment,
    /// Says where something is declared.
    pub locate: &'a dyn Fn(O) -> Location,
}

/// The policy of a target, with what holds where the files say nothing.
#[must_use]
pub fn policy<O>(desired: &Desired<O>) -> Policy {
    let rules = &desired.rules;
    Policy {
        every: rules.review_every.unwrap_or(EVERY),
        every_declared: rules.review_every.is_some(),
        inactive: rules.review_inactive.unwrap_or(INACTIVE),
        inactive_declared: rules.review_inactive.is_some(),
    }
}

/// Reviews one target.
#[must_use]
pub fn review<O: Copy>(subject: &Subject<'_, O>) -> TargetReview {
    let (mut items, notes) = find::items(subject);
    items.sort_by(|a, b| {
        let key = |i: &Item| (i.risk, i.topic, std::cmp::Reverse(i.days));
        key(a).cmp(&key(b)).then_with(|| a.object.cmp(&b.object)).then_with(|| a.because.cmp(&b.because))
    });
    TargetReview {
        target: subject.desired.target.clone(),
        provider: subject.provider.to_owned(),
        policy: policy(subject.desired),
        items,
        ends_soon: soon::ends_soon(subject),
        notes,
    }
}

/// Whole days from one moment to another.
fn days_between(from: Moment, to: Moment) -> i64 {
    to.second().saturating_sub(from.second()).div_euclid(86_400)
}

/// A number of days in words.
fn days(n: i64) -> String {
    match n {
        i64::MIN..=0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        n => format!("{n} days"),
    }
}
