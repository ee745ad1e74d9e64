//! What a question about access is answered with: plain data by name, for texts and JSON.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnostic::Location;
use crate::model::{Moment, PrincipalRecord, UserState};

/// One fact on the way from a user to what they may do. Without it, the way is cut.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Edge {
    /// A user's own role.
    Role {
        /// The user.
        user: String,
        /// The role.
        role: String,
    },
    /// A user is a member of a team.
    Member {
        /// The team.
        team: String,
        /// The user.
        user: String,
    },
    /// The role of a membership.
    MemberRole {
        /// The team.
        team: String,
        /// The user.
        user: String,
        /// The role.
        role: String,
    },
    /// The base role of a team.
    TeamRole {
        /// The team.
        team: String,
        /// The role.
        role: String,
    },
    /// A team lies in another.
    Inner {
        /// The team.
        team: String,
        /// The one it lies in.
        outer: String,
    },
    /// A role on a resource.
    Grant {
        /// Who is given it.
        to: PrincipalRecord,
        /// The resource.
        resource: String,
        /// The role.
        role: String,
    },
    /// A user owns a resource.
    Owner {
        /// The resource.
        resource: String,
        /// The user.
        user: String,
    },
    /// Every active user sees a resource.
    Visible {
        /// The resource.
        resource: String,
    },
    /// A resource lies in another.
    Inside {
        /// The resource.
        resource: String,
        /// The one it lies in.
        parent: String,
    },
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role { role, .. } => write!(f, "has the role {role}"),
            Self::Member { team, .. } => write!(f, "is a member of team/{team}"),
            Self::MemberRole { team, role, .. } => write!(f, "has the role {role} in team/{team}"),
            Self::TeamRole { team, role } => write!(f, "team/{team} gives its members the role {role}"),
            Self::Inner { team, outer } => write!(f, "team/{team} lies in team/{outer}"),
            Self::Grant { to, resource, role } => write!(f, "{to} has {role} on {resource}"),
            Self::Owner { resource, .. } => write!(f, "owns {resource}"),
            Self::Visible { resource } => write!(f, "{resource} is visible to everyone"),
            Self::Inside { resource, parent } => write!(f, "{resource} lies in {parent}"),
        }
    }
}

impl Edge {
    /// What would be taken away: a noun phrase.
    #[must_use]
    pub fn thing(&self) -> String {
        match self {
            Self::Role { user, role } => format!("the role {role} of {user}"),
            Self::Member { team, user } => format!("the membership of {user} in team/{team}"),
            Self::MemberRole { team, user, role } => format!("the role {role} of {user} in team/{team}"),
            Self::TeamRole { team, role } => format!("the role {role} of team/{team}"),
            Self::Inner { team, outer } => format!("team/{team} from team/{outer}"),
            Self::Grant { to, resource, role } => format!("{role} on {resource} from {to}"),
            Self::Owner { resource, user } => format!("the ownership of {resource} from {user}"),
            Self::Visible { resource } => format!("the visibility `everyone` of {resource}"),
            Self::Inside { resource, parent } => format!("{resource} out of {parent}"),
        }
    }
}

/// An edge with what is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Link {
    /// The fact.
    pub edge: Edge,
    /// Its last moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// The reason given for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Where the files say it; absent for what they do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Location>,
}

/// One way in which a user has access, from the user to the role that gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Path {
    /// The role that gives it.
    pub role: String,
    /// Each fact that it hangs on, from the user outwards.
    pub links: Vec<Link>,
    /// The permissions that it gives, sorted. Everything there is for an administrator.
    pub permissions: Vec<String>,
    /// Whether it gives everything, because the role administers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub administers: bool,
    /// Whether it gives them on every resource, and not on this one alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everywhere: bool,
    /// The permissions of the role that a role of the user holds back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_back: Vec<String>,
    /// Whether the system does not publish what the role may do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_published: bool,
    /// Why what the role may do is inferred and not published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inferred: Option<String>,
    /// When the way ends by itself: the first end on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// The one fact whose removal ends it with the least other effect.
    pub ends_with: Edge,
}

/// Whether somebody may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Can {
    /// They may.
    Yes,
    /// They may, as far as is known: what a role may do is inferred.
    Inferred,
    /// It cannot be known: a role that they hold is not published. Never taken for a yes, nor for a no.
    Unknown,
    /// They may not.
    No,
}

impl Can {
    /// The word that people see.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Inferred => "yes (inferred)",
            Self::Unknown => "cannot be known",
            Self::No => "no",
        }
    }

    /// Whether it is a yes, be it inferred.
    #[must_use]
    pub fn is_yes(self) -> bool {
        matches!(self, Self::Yes | Self::Inferred)
    }
}

/// What stands between a user and access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "missing", rename_all = "kebab-case")]
pub enum Missing {
    /// They have no account in the target.
    Account,
    /// Their account cannot come in.
    Standing {
        /// Its state.
        state: UserState,
        /// Its last moment, where that is past.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Moment>,
        /// The reason of a block.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blocked: Option<String>,
    },
    /// A way that would give it is held back by a role of theirs.
    HeldBack {
        /// The role that gives it.
        role: String,
        /// The fact that would.
        link: Link,
    },
    /// The resource is private, which shuts out grants and inheritance.
    Private {
        /// The resource, the same or one around it.
        resource: String,
        /// Its owner.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
    /// A way that gave it has ended.
    Ended {
        /// Its last fact.
        link: Link,
    },
    /// Membership in a team that has it.
    Member {
        /// The team.
        team: String,
        /// What gives it to the team.
        link: Link,
    },
    /// A grant of one of these roles.
    Grant {
        /// The resource.
        resource: String,
        /// The roles that give it there.
        roles: Vec<String>,
    },
    /// No role that can be held here gives it.
    Nothing,
    /// Asked without a resource: nothing that they hold gives it, on whatever resource.
    Nowhere,
}

impl Missing {
    /// In the user's words: a fragment in lower case without a full stop.
    #[must_use]
    pub fn say(&self, user: &str) -> String {
        match self {
            Self::Account => format!("{user} has no account in this target"),
            Self::Standing { blocked: Some(why), .. } => format!("{user} is blocked: {why}"),
            Self::Standing { until: Some(until), .. } => format!("the account of {user} ended {}", until.short()),
            Self::Standing { state: UserState::Invited, .. } => format!("{user} is invited and has not come yet"),
            Self::Standing { state: UserState::InvitationExpired, .. } => {
                format!("the invitation of {user} has run out")
            }
            Self::Standing { state, .. } => format!("{user} is {}", state.word()),
            Self::HeldBack { role, link } => format!("{}, and the role {role} of {user} holds it back", link.edge),
            Self::Private { resource, owner } => {
                let owner = owner.as_ref().map_or_else(|| "its owner".to_owned(), |o| format!("its owner {o}"));
                format!("{resource} is private: only {owner} and administrators reach it, whatever is granted")
            }
            Self::Ended { link } => {
                let when = link.until.map_or_else(String::new, |u| format!(" {}", u.short()));
                match &link.edge {
                    Edge::Grant { to, resource, role } => format!("{to} had {role} on {resource}, which ended{when}"),
                    Edge::Member { team, .. } => format!("{user} was a member of team/{team}, which ended{when}"),
                    other => format!("{} ended{when}", other.thing()),
                }
            }
            Self::Member { team, link } => match &link.edge {
                Edge::Grant { role, resource, .. } => {
                    format!("{user} is no member of team/{team}, which has {role} on {resource}")
                }
                Edge::TeamRole { role, .. } => {
                    format!("{user} is no member of team/{team}, which gives its members the role {role}")
                }
                other => format!("{user} is no member of team/{team}: {other}"),
            },
            Self::Grant { resource, roles } => {
                let which = if roles.len() == 1 { "the role" } else { "any of the roles" };
                format!("{user} is not granted {which} {} on {resource}", roles.join(", "))
            }
            Self::Nothing => "no role that can be held here gives it".to_owned(),
            Self::Nowhere => {
                "nothing that they hold gives it, on any resource; name a resource to see what is missing there"
                    .to_owned()
            }
        }
    }
}

/// A resource on which somebody has access that begins there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OnResource {
    /// The resource.
    pub resource: String,
    /// How many resources lie within it and have this access as well.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub within: usize,
    /// The ways that begin on it.
    pub paths: Vec<Path>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// Why a user may do what they may do, in one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explanation {
    /// The target.
    pub target: String,
    /// The user.
    pub user: String,
    /// The state of the account; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<UserState>,
    /// The last moment of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// The resource asked about; absent for everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The permission or role asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// Whether they may do it; without a permission, whether they have any access. Without a resource,
    /// whether they may do it anywhere: where `resources` has something, they may there, and not everywhere.
    pub can: Can,
    /// Whether they administer the target.
    pub administers: bool,
    /// Everything that they may do here, sorted.
    pub permissions: Vec<String>,
    /// Roles that they hold here and of which the system does not publish what they may do.
    pub not_published: Vec<String>,
    /// The ways; of a permission asked about, those that give it.
    pub paths: Vec<Path>,
    /// The resources on which access begins, where none was asked about; of a permission asked about, those
    /// that give it, where it is not given everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<OnResource>,
    /// What would have to be taken away to end it: all of these.
    pub to_end: Vec<Link>,
    /// What is missing, the nearest first, where they may not.
    pub missing: Vec<Missing>,
}

impl Explanation {
    /// Whether a yes holds for the target as a whole, and not on some of its resources alone.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.resource.is_none() && self.can.is_yes() && (self.asked.is_none() || self.resources.is_empty())
    }
}

/// What gives access to several people: a row of [`Who`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Source {
    /// The last fact of the way: a grant, a role, ownership, visibility.
    pub link: Link,
    /// The role.
    pub role: String,
    /// What the role gives, before anything is held back.
    pub permissions: Vec<String>,
    /// Whether the role administers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub administers: bool,
    /// Whether it gives them on every resource.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everywhere: bool,
    /// Whether the system does not publish what the role may do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_published: bool,
    /// Why what the role may do is inferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inferred: Option<String>,
    /// How many users have it.
    pub users: usize,
}

/// A user and one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Via {
    /// The number of the source, from 0.
    pub source: usize,
    /// The team that they are a member of, where it comes by a team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_of: Option<String>,
    /// When it ends for them, where that is before the source itself ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// Whether a role of theirs holds some of it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_back: bool,
}

/// Somebody who has access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Holder {
    /// The user.
    pub user: String,
    /// Whether they may do what was asked about.
    pub can: Can,
    /// Whether they administer the target.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub administers: bool,
    /// What they may do there.
    pub permissions: Vec<String>,
    /// By what.
    pub via: Vec<Via>,
}

/// Who has access to a resource of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Who {
    /// The target.
    pub target: String,
    /// The resource.
    pub resource: String,
    /// The permission or role asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// What gives access: administrators first, then what begins at the resource or around it, then what
    /// holds everywhere.
    pub sources: Vec<Source>,
    /// Everyone who has it, by e-mail.
    pub users: Vec<Holder>,
}
