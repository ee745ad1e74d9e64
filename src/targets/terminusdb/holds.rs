//! Whether the end state of a change is there, in what was read.

use crate::model::{Change, Directory, GrantedRole, MemberRecord, Principal, PrincipalRecord};

/// Whether it is there.
pub fn holds(live: &Directory, change: &Change) -> bool {
    let member = |m: &MemberRecord| {
        let ids = live.find_team(&m.team).zip(live.find_user(&m.user));
        let found = ids.and_then(|(team, user)| live.find_membership(team, user))?;
        Some(found.role.value().map(|r| live.role(*r).name.to_string()))
    };
    match change {
        Change::CreateRole { role } | Change::UpdateRole { after: role, .. } => {
            live.find_role(&role.name).is_some_and(|id| live.role_record(id).permissions == role.permissions)
        }
        Change::DeleteRole { role, .. } => live.find_role(&role.name).is_none(),
        Change::CreateUser { user } | Change::InviteUser { user } => live.find_user(&user.email).is_some(),
        // An account cannot be closed: it goes.
        Change::DisableUser { user, .. } | Change::DeleteUser { user, .. } => live.find_user(&user.email).is_none(),
        Change::CreateTeam { team } => live.find_team(&team.name).is_some(),
        Change::DeleteTeam { team, .. } => live.find_team(&team.name).is_none(),
        Change::AddMember { member: m } | Change::ChangeMember { after: m, .. } => member(m) == Some(m.role.clone()),
        Change::RemoveMember { member: m, .. } => member(m).is_none(),
        Change::CreateResource { resource } | Change::UpdateResource { after: resource, .. } => {
            let found = live.find_resource(&resource.name).map(|id| live.resource_record(id));
            found.is_some_and(|r| resource.description.is_none() || r.description == resource.description)
        }
        Change::DeleteResource { resource, .. } => live.find_resource(&resource.name).is_none(),
        Change::GiveGrant { to, resource, roles } => granted(live, to, resource, roles),
        Change::ChangeGrant { to, resource, after, .. } => granted(live, to, resource, after),
        Change::RevokeGrant { to, resource, .. } => granted(live, to, resource, &[]),
        _ => false,
    }
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
    let mut wanted: Vec<&str> = roles.iter().map(|r| r.role.as_str()).collect();
    wanted.sort_unstable();
    held == wanted
}
