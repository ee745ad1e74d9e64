//! The nouns by name: what plans, journals and JSON hold, and what a writer is handed.
//!
//! A record names other things by their names, never by numbers of one process. Attributes that are
//! not known or not set are left out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bytes, Moment};

/// What kind of account a user has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserKind {
    /// An employee or member.
    #[default]
    Person,
    /// Somebody from outside with a contract.
    Contractor,
    /// A program; it has an owner.
    Service,
    /// An account for emergencies; protected, and never counted as the administrator that remains.
    BreakGlass,
}

impl UserKind {
    /// The word that stands in the files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Contractor => "contractor",
            Self::Service => "service",
            Self::BreakGlass => "break-glass",
        }
    }

    /// Whether such an account counts as an administrator that remains.
    #[must_use]
    pub fn counts_as_admin(self) -> bool {
        matches!(self, Self::Person | Self::Contractor)
    }
}

/// Whether a user can come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserState {
    /// Can come in.
    #[default]
    Active,
    /// Invited and not yet there. Live only.
    Invited,
    /// Invited, and the invitation has run out. Live only.
    InvitationExpired,
    /// Kept, without any access.
    Disabled,
}

impl UserState {
    /// The word that people see.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Invited => "invited",
            Self::InvitationExpired => "invitation expired",
            Self::Disabled => "disabled",
        }
    }
}

/// Who sees a resource without a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    /// Its owner and administrators.
    Private,
    /// Those with a grant.
    Restricted,
    /// Every active user.
    Everyone,
}

impl Visibility {
    /// The word that stands in the files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Restricted => "restricted",
            Self::Everyone => "everyone",
        }
    }
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleRecord {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it may do, sorted.
    pub permissions: Vec<String>,
    /// Whether its holders administer the target.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub administers: bool,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserRecord {
    /// The address, in its compared form.
    pub email: String,
    /// The name that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What kind of account it is.
    pub kind: UserKind,
    /// The role in the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whether they can come in.
    pub state: UserState,
    /// The last moment of their access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// The time zone, an IANA name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Who answers for a service: an e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Attributes by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Names in other systems.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub handles: BTreeMap<String, String>,
}

/// The quotas of a team; what is not given is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuotaRecord {
    /// Cores over all resources of the team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u64>,
    /// Memory over all resources of the team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Storage of the team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Bytes>,
    /// How many applications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apps: Option<u64>,
    /// How many workflows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflows: Option<u64>,
    /// How many workspaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspaces: Option<u64>,
}

/// A team, without its members.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamRecord {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The role that all its members hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The team it lies in.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub outer: Option<String>,
    /// Its quotas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaRecord>,
    /// Its leads, by e-mail, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leads: Vec<String>,
}

/// One user in one team.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberRecord {
    /// The team.
    pub team: String,
    /// The user, by e-mail.
    pub user: String,
    /// The role of this member in the team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The last moment of the membership.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceRecord {
    /// Kind and name: `project/fraud`.
    pub name: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The resource it lies in.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Who sees it without a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// The user it belongs to, by e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// Who holds a grant, as written in the files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalRecord {
    /// A user, by e-mail.
    User(String),
    /// A team, by name.
    Team(String),
    /// Everyone who can come in.
    Everyone,
}

impl std::fmt::Display for PrincipalRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(email) => f.write_str(email),
            Self::Team(name) => write!(f, "team/{name}"),
            Self::Everyone => f.write_str("everyone"),
        }
    }
}

/// One role of one principal on one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantRecord {
    /// Who.
    pub to: PrincipalRecord,
    /// On what.
    pub resource: String,
    /// Which role.
    pub role: String,
    /// The last moment of the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// An auto-join domain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DomainRecord {
    /// The domain, in ASCII.
    pub name: String,
    /// The role that those who join get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The teams that those who join become members of, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
}
