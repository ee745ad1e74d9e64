//! The kinds of things that a target holds, and how one thing is named across kinds.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of thing that can be managed, counted and limited by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A role of the catalogue.
    Role,
    /// A user account.
    User,
    /// A team.
    Team,
    /// One user in one team.
    Member,
    /// A resource.
    Resource,
    /// The roles of one principal on one resource.
    Grant,
    /// An auto-join domain.
    Domain,
    /// A policy document.
    Policy,
}

impl Kind {
    /// Every kind, in the order in which they are listed everywhere.
    pub const ALL: [Self; 8] =
        [Self::Role, Self::User, Self::Team, Self::Member, Self::Resource, Self::Grant, Self::Domain, Self::Policy];

    /// One of it, as in `--accept removal.member=104`.
    #[must_use]
    pub fn singular(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
            Self::Team => "team",
            Self::Member => "member",
            Self::Resource => "resource",
            Self::Grant => "grant",
            Self::Domain => "domain",
            Self::Policy => "policy",
        }
    }

    /// Several of it, as in `manage: {members: authoritative}`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Role => "roles",
            Self::User => "users",
            Self::Team => "teams",
            Self::Member => "members",
            Self::Resource => "resources",
            Self::Grant => "grants",
            Self::Domain => "domains",
            Self::Policy => "policies",
        }
    }

    /// Its number with the right word: `1 user`, `2 users`.
    #[must_use]
    pub fn count(self, n: usize) -> String {
        format!("{n} {}", if n == 1 { self.singular() } else { self.plural() })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.singular())
    }
}

/// One thing in a target, by kind and name: `user ada@acme.com`, `member platform ada@acme.com`,
/// `grant project/fraud team/platform`. Ordered by kind, then name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// What it is.
    pub kind: Kind,
    /// Its name within the kind and target.
    pub name: String,
}

impl ObjectRef {
    /// A reference to the thing of that kind and name.
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// A user.
    #[must_use]
    pub fn user(email: &str) -> Self {
        Self::new(Kind::User, email)
    }

    /// A team.
    #[must_use]
    pub fn team(name: &str) -> Self {
        Self::new(Kind::Team, name)
    }

    /// A role.
    #[must_use]
    pub fn role(name: &str) -> Self {
        Self::new(Kind::Role, name)
    }

    /// A resource, `kind/name`.
    #[must_use]
    pub fn resource(name: &str) -> Self {
        Self::new(Kind::Resource, name)
    }

    /// A membership: the team and the user.
    #[must_use]
    pub fn member(team: &str, user: &str) -> Self {
        Self::new(Kind::Member, format!("{team} {user}"))
    }

    /// A grant: the resource and the principal as written in the files.
    #[must_use]
    pub fn grant(resource: &str, principal: &str) -> Self {
        Self::new(Kind::Grant, format!("{resource} {principal}"))
    }

    /// An auto-join domain.
    #[must_use]
    pub fn domain(name: &str) -> Self {
        Self::new(Kind::Domain, name)
    }

    /// A policy.
    #[must_use]
    pub fn policy(name: &str) -> Self {
        Self::new(Kind::Policy, name)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}
