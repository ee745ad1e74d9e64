//! Policies: what a target is told to enforce, and what rolecall itself holds to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, QuotaRecord, Share};

/// A policy that a target keeps and enforces. Its value is a JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyKey {
    /// Who needs a second factor, and within how many days.
    Mfa,
    /// What a password must have.
    Passwords,
    /// How people are invited, and how often again.
    Invitations,
    /// How often access is reviewed.
    Review,
}

impl PolicyKey {
    /// Every key, in order.
    pub const ALL: [Self; 4] = [Self::Mfa, Self::Passwords, Self::Invitations, Self::Review];

    /// Its name in the files and in targets.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mfa => "mfa",
            Self::Passwords => "passwords",
            Self::Invitations => "invitations",
            Self::Review => "review",
        }
    }
}

/// What happens to a user whom the files do not declare where users are authoritative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserRemoval {
    /// Disabled, keeping what they hold, so that enabling gives it back.
    #[default]
    Disable,
    /// Deleted, with everything they hold.
    Delete,
    /// Left as they are, and reported.
    Leave,
}

/// How strictly an invariant is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// A violation stops the plan.
    Error,
    /// A violation is said.
    Warn,
    /// A violation is not looked for.
    Off,
}

/// An invariant as far as the files must know it: which names `policies.invariants` has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleName {
    /// Its name.
    pub name: &'static str,
    /// Whether it can be set at all.
    pub optional: bool,
}

/// How many removals of one kind pass without a consent: the larger of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many.
    pub count: usize,
    /// Or this share of what is live.
    pub share: Share,
}

impl Default for Limits {
    /// 10 or 5 %: asks for a consent in about 3 % of the changes of a large organization
    /// (`shared/peers.md`, section 4, calibration).
    fn default() -> Self {
        Self { count: 10, share: Share(5) }
    }
}

impl Limits {
    /// How many removals pass where `live` things exist.
    #[must_use]
    pub fn allowed(&self, live: usize) -> usize {
        self.count.max(self.share.of(live))
    }
}

/// How removals are done and limited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removal {
    /// What happens to undeclared users.
    pub users: UserRemoval,
    /// The limit for every kind without its own.
    pub at_most: Limits,
    /// Limits by kind.
    pub by_kind: BTreeMap<Kind, Limits>,
    /// Who takes over what people own who go for good, by e-mail.
    pub transfer_to: Option<String>,
}

impl Removal {
    /// The limit for a kind.
    #[must_use]
    pub fn limits(&self, kind: Kind) -> Limits {
        self.by_kind.get(&kind).copied().unwrap_or(self.at_most)
    }
}

/// Who can agree to a gain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Approver {
    /// A user, by e-mail.
    User(String),
    /// Any member of a team.
    Team(String),
    /// Who owns the resource on which something is gained.
    Owner,
    /// Who leads the team through which something is gained.
    Lead,
}

/// Whose approval a gain needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApprovalRule {
    /// Which gains, as the files say it.
    pub said: String,
    /// The role or permission, as the target calls it; `None` for any gain.
    pub gains: Option<String>,
    /// Who can give it, sorted.
    pub by: Vec<Approver>,
    /// How many of them must: 1 or more.
    pub at_least: u32,
}

/// What rolecall holds to while it plans and applies: never sent to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How many active administrators must remain at every moment; at least 1.
    pub admins_at_least: usize,
    /// Whether that number was declared (the advice to have two is not given then).
    pub admins_declared: bool,
    /// How removals are done and limited.
    pub removal: Removal,
    /// Whether users of the embedded directory are invited first instead of being active at once.
    pub invitations_required: bool,
    /// How many days an invitation stays open.
    pub invitation_days: u32,
    /// How strictly each invariant is taken, by name; those that are not here as they are by themselves.
    pub settings: BTreeMap<String, Setting>,
    /// Who must stay administrator, by e-mail, sorted.
    pub admins_required: Vec<Box<str>>,
    /// Groups of roles of which nobody may hold two, by the names that they have in the target.
    pub exclusive: Vec<Vec<Box<str>>>,
    /// How many paid seats of each class there are.
    pub seats: BTreeMap<String, u32>,
    /// What all teams may use together; without a limit where nothing is declared.
    pub quota: QuotaRecord,
    /// Whether a second factor is required of anybody.
    pub mfa: bool,
    /// After how many days each access is looked at again.
    pub review_every: Option<u32>,
    /// After how many days without a sign of life somebody is asked about.
    pub review_inactive: Option<u32>,
    /// Whose approval which gains need.
    pub approval: Vec<ApprovalRule>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            admins_at_least: 1,
            admins_declared: false,
            removal: Removal::default(),
            invitations_required: false,
            invitation_days: 14,
            settings: BTreeMap::new(),
            admins_required: Vec::new(),
            exclusive: Vec::new(),
            seats: BTreeMap::new(),
            quota: QuotaRecord::default(),
            mfa: false,
            review_every: None,
            review_inactive: None,
            approval: Vec::new(),
        }
    }
}
