//! The kinds of changes, as plain data by name: what a plan holds, a journal records and a writer
//! carries out.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    DomainRecord, Kind, MemberRecord, Moment, ObjectRef, PolicyKey, PrincipalRecord, ResourceRecord, RoleRecord,
    TeamRecord, UserRecord,
};

/// Why something is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Why {
    /// The files do not declare it, and undeclared things of its kind are removed.
    Undeclared,
    /// The files declare it so (`state: disabled`).
    Declared,
    /// The person is blocked.
    Blocked {
        /// The reason given for the block.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
    /// Its last moment is past.
    Expired {
        /// That moment.
        until: Moment,
    },
    /// It goes with the thing it belongs to, which is deleted.
    Goes {
        /// That thing.
        with: ObjectRef,
    },
}

impl Why {
    /// Whether it counts as a removal for `blast-radius`: expiries and blocks are counted apart.
    #[must_use]
    pub fn counts(&self) -> bool {
        !matches!(self, Self::Blocked { .. } | Self::Expired { .. })
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undeclared => f.write_str("not declared"),
            Self::Declared => f.write_str("declared so"),
            Self::Blocked { because: Some(text) } => write!(f, "blocked: {text}"),
            Self::Blocked { because: None } => f.write_str("blocked"),
            Self::Expired { until } => write!(f, "ended {}", until.short()),
            Self::Goes { with } => write!(f, "goes with {with}"),
        }
    }
}

/// One role within a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantedRole {
    /// The role.
    pub role: String,
    /// The last moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// One change to a target. Every change names the state it starts from, so that a writer can refuse
/// when reality has moved, and a journal can tell what was there before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// A role comes into being.
    CreateRole {
        /// The role.
        role: RoleRecord,
    },
    /// A role may do something else, or has another description.
    UpdateRole {
        /// As it is.
        before: RoleRecord,
        /// As it becomes.
        after: RoleRecord,
    },
    /// A role goes.
    DeleteRole {
        /// As it is.
        role: RoleRecord,
        /// Why.
        reason: Why,
    },
    /// An account comes into being, able to come in at once (or disabled, where declared so).
    CreateUser {
        /// The account.
        user: UserRecord,
    },
    /// Somebody is invited; the account becomes active when they accept.
    InviteUser {
        /// The account.
        user: UserRecord,
    },
    /// Attributes or the role of an account change; never its state or address.
    UpdateUser {
        /// As it is.
        before: UserRecord,
        /// As it becomes.
        after: UserRecord,
    },
    /// An account gets another address and keeps everything else.
    RenameUser {
        /// The old address.
        from: String,
        /// The new address.
        to: String,
    },
    /// A disabled account can come in again.
    EnableUser {
        /// As it is.
        user: UserRecord,
    },
    /// An account can no longer come in; what it holds is kept.
    DisableUser {
        /// As it is.
        user: UserRecord,
        /// Why.
        reason: Why,
    },
    /// An account goes.
    DeleteUser {
        /// As it is.
        user: UserRecord,
        /// Why.
        reason: Why,
    },
    /// A team comes into being, without members and leads.
    CreateTeam {
        /// The team; its `leads` are empty.
        team: TeamRecord,
    },
    /// Attributes, base role, quotas or place of a team change; not its leads.
    UpdateTeam {
        /// As it is.
        before: TeamRecord,
        /// As it becomes.
        after: TeamRecord,
    },
    /// A team gets another name and keeps everything else.
    RenameTeam {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// A team goes.
    DeleteTeam {
        /// As it is.
        team: TeamRecord,
        /// Why.
        reason: Why,
    },
    /// A team gets other leads, in one step.
    SetLeads {
        /// The team.
        team: String,
        /// The leads as they are, sorted.
        before: Vec<String>,
        /// The leads as they become, sorted.
        after: Vec<String>,
    },
    /// Somebody joins a team.
    AddMember {
        /// The membership.
        member: MemberRecord,
    },
    /// A membership gets another role, end or reason, in one step.
    ChangeMember {
        /// As it is.
        before: MemberRecord,
        /// As it becomes.
        after: MemberRecord,
    },
    /// Somebody leaves a team.
    RemoveMember {
        /// As it is.
        member: MemberRecord,
        /// Why.
        reason: Why,
    },
    /// A resource comes into being.
    CreateResource {
        /// The resource.
        resource: ResourceRecord,
    },
    /// Attributes, visibility, owner or place of a resource change.
    UpdateResource {
        /// As it is.
        before: ResourceRecord,
        /// As it becomes.
        after: ResourceRecord,
    },
    /// A resource gets another name and keeps everything else.
    RenameResource {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// A resource goes.
    DeleteResource {
        /// As it is.
        resource: ResourceRecord,
        /// Why.
        reason: Why,
    },
    /// A principal gets roles on a resource where they had none.
    GiveGrant {
        /// Who.
        to: PrincipalRecord,
        /// On what.
        resource: String,
        /// Which roles, sorted.
        roles: Vec<GrantedRole>,
    },
    /// The roles of a principal on a resource change, in one step.
    ChangeGrant {
        /// Who.
        to: PrincipalRecord,
        /// On what.
        resource: String,
        /// The roles as they are, sorted.
        before: Vec<GrantedRole>,
        /// The roles as they become, sorted.
        after: Vec<GrantedRole>,
    },
    /// A principal loses all roles on a resource.
    RevokeGrant {
        /// Who.
        to: PrincipalRecord,
        /// On what.
        resource: String,
        /// The roles as they are, sorted.
        roles: Vec<GrantedRole>,
        /// Why.
        reason: Why,
    },
    /// An auto-join domain is added.
    AddDomain {
        /// The domain.
        domain: DomainRecord,
    },
    /// What those who join by a domain get changes.
    ChangeDomain {
        /// As it is.
        before: DomainRecord,
        /// As it becomes.
        after: DomainRecord,
    },
    /// An auto-join domain goes.
    RemoveDomain {
        /// As it is.
        domain: DomainRecord,
        /// Why.
        reason: Why,
    },
    /// A policy document is written.
    SetPolicy {
        /// Which.
        policy: PolicyKey,
        /// As it is; absent where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Value>,
        /// As it becomes.
        after: Value,
    },
    /// A policy document goes.
    UnsetPolicy {
        /// Which.
        policy: PolicyKey,
        /// As it is.
        before: Value,
    },
}

/// What a change does to the number of things: the sign in front of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Something is added.
    Add,
    /// Something is changed in place.
    Change,
    /// Something is removed.
    Remove,
}

impl Change {
    /// The thing that is changed, by the name it has before the change.
    #[must_use]
    pub fn object(&self) -> ObjectRef {
        match self {
            Self::CreateRole { role } | Self::DeleteRole { role, .. } | Self::UpdateRole { before: role, .. } => {
                ObjectRef::role(&role.name)
            }
            Self::CreateUser { user }
            | Self::InviteUser { user }
            | Self::EnableUser { user }
            | Self::DisableUser { user, .. }
            | Self::DeleteUser { user, .. }
            | Self::UpdateUser { before: user, .. } => ObjectRef::user(&user.email),
            Self::RenameUser { from, .. } => ObjectRef::user(from),
            Self::CreateTeam { team } | Self::DeleteTeam { team, .. } | Self::UpdateTeam { before: team, .. } => {
                ObjectRef::team(&team.name)
            }
            Self::RenameTeam { from: team, .. } | Self::SetLeads { team, .. } => ObjectRef::team(team),
            Self::AddMember { member }
            | Self::RemoveMember { member, .. }
            | Self::ChangeMember { before: member, .. } => ObjectRef::member(&member.team, &member.user),
            Self::CreateResource { resource }
            | Self::DeleteResource { resource, .. }
            | Self::UpdateResource { before: resource, .. } => ObjectRef::resource(&resource.name),
            Self::RenameResource { from, .. } => ObjectRef::resource(from),
            Self::GiveGrant { to, resource, .. }
            | Self::ChangeGrant { to, resource, .. }
            | Self::RevokeGrant { to, resource, .. } => ObjectRef::grant(resource, &to.to_string()),
            Self::AddDomain { domain }
            | Self::RemoveDomain { domain, .. }
            | Self::ChangeDomain { before: domain, .. } => ObjectRef::domain(&domain.name),
            Self::SetPolicy { policy, .. } | Self::UnsetPolicy { policy, .. } => ObjectRef::policy(policy.name()),
        }
    }

    /// The kind of thing that is changed. Leads are counted with their team.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.object().kind
    }

    /// Whether it adds, changes or removes. Disabling an account removes access and counts as removal.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::CreateRole { .. }
            | Self::CreateUser { .. }
            | Self::InviteUser { .. }
            | Self::EnableUser { .. }
            | Self::CreateTeam { .. }
            | Self::AddMember { .. }
            | Self::CreateResource { .. }
            | Self::GiveGrant { .. }
            | Self::AddDomain { .. } => Effect::Add,
            Self::UpdateRole { .. }
            | Self::UpdateUser { .. }
            | Self::RenameUser { .. }
            | Self::UpdateTeam { .. }
            | Self::RenameTeam { .. }
            | Self::SetLeads { .. }
            | Self::ChangeMember { .. }
            | Self::UpdateResource { .. }
            | Self::RenameResource { .. }
            | Self::ChangeGrant { .. }
            | Self::ChangeDomain { .. }
            | Self::SetPolicy { .. } => Effect::Change,
            Self::DeleteRole { .. }
            | Self::DisableUser { .. }
            | Self::DeleteUser { .. }
            | Self::DeleteTeam { .. }
            | Self::RemoveMember { .. }
            | Self::DeleteResource { .. }
            | Self::RevokeGrant { .. }
            | Self::RemoveDomain { .. }
            | Self::UnsetPolicy { .. } => Effect::Remove,
        }
    }

    /// Why something is taken away, where something is.
    #[must_use]
    pub fn reason(&self) -> Option<&Why> {
        match self {
            Self::DeleteRole { reason, .. }
            | Self::DisableUser { reason, .. }
            | Self::DeleteUser { reason, .. }
            | Self::DeleteTeam { reason, .. }
            | Self::RemoveMember { reason, .. }
            | Self::DeleteResource { reason, .. }
            | Self::RevokeGrant { reason, .. }
            | Self::RemoveDomain { reason, .. } => Some(reason),
            _ => None,
        }
    }
}
