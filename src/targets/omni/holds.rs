//! Whether the end state of a change is there, in what was read.

use crate::model::{Change, Directory, GrantedRole, Principal, PrincipalRecord, UserRecord, UserState};

/// Whether it is there.
pub fn holds(live: &Directory, change: &Change) -> bool {
    let user = |email: &str| live.find_user(email).map(|id| live.user_record(id));
    let gone = |email: &str| user(email).is_none_or(|found| found.state == UserState::Disabled);
    let member = |team: &str, user: &str| {
        let ids = live.find_team(team).zip(live.find_user(user));
        ids.is_some_and(|(team, user)| live.find_membership(team, user).is_some())
    };
    let owner = |name: &str| {
        let id = live.find_resource(name)?;
        live.resource_record(id).owner
    };
    match change {
        Change::CreateUser { user: wanted } | Change::UpdateUser { after: wanted, .. } => {
            user(&wanted.email).is_some_and(|found| found.state == UserState::Active && shows(&found, wanted))
        }
        // Nothing brings a revoked account back, and an inactive one is revoked.
        Change::DisableUser { user, .. } | Change::DeleteUser { user, .. } => gone(&user.email),
        Change::CreateTeam { team } => live.find_team(&team.name).is_some(),
        Change::RenameTeam { from, to } => live.find_team(from).is_none() && live.find_team(to).is_some(),
        Change::DeleteTeam { team, .. } => live.find_team(&team.name).is_none(),
        Change::AddMember { member: m } => member(&m.team, &m.user),
        Change::RemoveMember { member: m, .. } => !member(&m.team, &m.user),
        Change::CreateResource { resource } => live.find_resource(&resource.name).is_some(),
        Change::UpdateResource { after, .. } => owner(&after.name) == after.owner,
        Change::GiveGrant { to, resource, roles } => granted(live, to, resource, roles),
        Change::ChangeGrant { to, resource, after, .. } => granted(live, to, resource, after),
        Change::RevokeGrant { to, resource, .. } => granted(live, to, resource, &[]),
        _ => false,
    }
}

/// Whether two records are the same in what Omni keeps and shows.
pub fn shows(found: &UserRecord, wanted: &UserRecord) -> bool {
    (wanted.name.is_none() || found.name == wanted.name)
        && (wanted.timezone.is_none() || found.timezone == wanted.timezone)
        && found.attributes == wanted.attributes
}

fn granted(live: &Directory, to: &PrincipalRecord, resource: &str, roles: &[GrantedRole]) -> bool {
    let Some(resource) = live.find_resource(resource) else { return roles.is_empty() };
    let principal = match to {
        PrincipalRecord::User(email) => live.find_user(email).map(Principal::User),
        PrincipalRecord::Team(name) => live.find_team(name).map(Principal::Team),
        PrincipalRecord::Everyone => Some(Principal::Everyone),
    };
    let Some(principal) = principal else { return roles.is_empty() };
    let held = live.grants_on(resource).iter().filter(|g| g.principal == principal);
    let mut held: Vec<&str> = held.map(|g| &*live.role(g.role).name).collect();
    held.sort_unstable();
    let mut wanted: Vec<&str> = roles.iter().map(|r| r.role.as_str()).filter(|r| *r != "NO_ACCESS").collect();
    wanted.sort_unstable();
    held == wanted
}
