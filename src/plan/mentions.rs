//! Which things a change speaks of: what must exist before it, and what cannot go before it is done.

use crate::model::{Change, GrantedRole, Kind, MemberRecord, PrincipalRecord, TeamRecord, UserRecord};

/// The things by kind and name that `change` is about or refers to, before or after. Owners of services
/// are not among them: they need not be users of the same target.
#[must_use]
pub fn mentions(change: &Change) -> Vec<(Kind, &str)> {
    let mut all: Vec<(Kind, &str)> = Vec::new();
    match change {
        Change::CreateRole { role } | Change::DeleteRole { role, .. } | Change::UpdateRole { after: role, .. } => {
            all.push((Kind::Role, &role.name));
        }
        Change::CreateUser { user: u }
        | Change::InviteUser { user: u }
        | Change::EnableUser { user: u }
        | Change::DisableUser { user: u, .. }
        | Change::DeleteUser { user: u, .. } => push_user(&mut all, u),
        Change::UpdateUser { before, after } => {
            push_user(&mut all, before);
            push_user(&mut all, after);
        }
        Change::RenameUser { .. } | Change::RenameTeam { .. } | Change::RenameResource { .. } => {}
        Change::CreateTeam { team } | Change::DeleteTeam { team, .. } => push_team(&mut all, team),
        Change::UpdateTeam { before, after } => {
            push_team(&mut all, before);
            push_team(&mut all, after);
        }
        Change::SetLeads { team, before, after } => {
            all.push((Kind::Team, team));
            all.extend(before.iter().chain(after).map(|u| (Kind::User, u.as_str())));
        }
        Change::AddMember { member } | Change::RemoveMember { member, .. } => push_member(&mut all, member),
        Change::ChangeMember { before, after } => {
            push_member(&mut all, before);
            push_member(&mut all, after);
        }
        Change::CreateResource { resource } | Change::DeleteResource { resource, .. } => {
            all.push((Kind::Resource, &resource.name));
            all.extend(resource.parent.as_deref().map(|p| (Kind::Resource, p)));
            all.extend(resource.owner.as_deref().map(|u| (Kind::User, u)));
        }
        Change::UpdateResource { before, after } => {
            for resource in [before, after] {
                all.push((Kind::Resource, &resource.name));
                all.extend(resource.parent.as_deref().map(|p| (Kind::Resource, p)));
                all.extend(resource.owner.as_deref().map(|u| (Kind::User, u)));
            }
        }
        Change::GiveGrant { to, resource, roles } | Change::RevokeGrant { to, resource, roles, .. } => {
            push_grant(&mut all, to, resource, roles);
        }
        Change::ChangeGrant { to, resource, before, after } => {
            push_grant(&mut all, to, resource, before);
            push_grant(&mut all, to, resource, after);
        }
        Change::AddDomain { domain } | Change::RemoveDomain { domain, .. } => {
            all.extend(domain.role.as_deref().map(|r| (Kind::Role, r)));
            all.extend(domain.teams.iter().map(|t| (Kind::Team, t.as_str())));
        }
        Change::ChangeDomain { before, after } => {
            for domain in [before, after] {
                all.extend(domain.role.as_deref().map(|r| (Kind::Role, r)));
                all.extend(domain.teams.iter().map(|t| (Kind::Team, t.as_str())));
            }
        }
        Change::SetPolicy { .. } | Change::UnsetPolicy { .. } => {}
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn push_user<'c>(all: &mut Vec<(Kind, &'c str)>, user: &'c UserRecord) {
    all.push((Kind::User, &user.email));
    all.extend(user.role.as_deref().map(|r| (Kind::Role, r)));
}

fn push_team<'c>(all: &mut Vec<(Kind, &'c str)>, team: &'c TeamRecord) {
    all.push((Kind::Team, &team.name));
    all.extend(team.role.as_deref().map(|r| (Kind::Role, r)));
    all.extend(team.outer.as_deref().map(|t| (Kind::Team, t)));
    all.extend(team.leads.iter().map(|u| (Kind::User, u.as_str())));
}

fn push_member<'c>(all: &mut Vec<(Kind, &'c str)>, member: &'c MemberRecord) {
    all.push((Kind::Team, &member.team));
    all.push((Kind::User, &member.user));
    all.extend(member.role.as_deref().map(|r| (Kind::Role, r)));
}

fn push_grant<'c>(
    all: &mut Vec<(Kind, &'c str)>,
    to: &'c PrincipalRecord,
    resource: &'c str,
    roles: &'c [GrantedRole],
) {
    match to {
        PrincipalRecord::User(email) => all.push((Kind::User, email)),
        PrincipalRecord::Team(name) => all.push((Kind::Team, name)),
        PrincipalRecord::Everyone => {}
    }
    all.push((Kind::Resource, resource));
    all.extend(roles.iter().map(|r| (Kind::Role, r.role.as_str())));
}
