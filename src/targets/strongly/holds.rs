//! Whether the end state of a change is there, in what was read.

use super::read::ORGANIZATION_ROLE;
use crate::model::{Change, Directory, GrantedRole, Principal, PrincipalRecord, UserRecord, UserState, Visibility};

/// Whether it is there.
pub fn holds(live: &Directory, change: &Change) -> bool {
    let user = |email: &str| live.find_user(email).map(|id| live.user_record(id));
    match change {
        Change::CreateUser { user: wanted } => {
            user(&wanted.email).is_some_and(|found| found.state == UserState::Active && shows(&found, wanted))
        }
        Change::InviteUser { user: wanted } => user(&wanted.email).is_some(),
        Change::UpdateUser { before, after } => user(&after.email).is_some_and(|found| {
            let moves = place(before) != place(after);
            shows(&found, after) && (!moves || least(&found) == least(after))
        }),
        Change::EnableUser { user: wanted } => user(&wanted.email).is_some_and(|u| u.state == UserState::Active),
        Change::DisableUser { user: gone, .. } | Change::DeleteUser { user: gone, .. } => {
            user(&gone.email).is_none_or(|found| found.state == UserState::Disabled)
        }
        Change::UpdateResource { after, .. } => {
            let open = |v: Option<Visibility>| v == Some(Visibility::Everyone);
            let found = live.find_resource(&after.name).map(|id| live.resource_record(id));
            let empty = || live.find_resource(&after.name).is_some_and(|id| live.grants_on(id).is_empty());
            found.is_some_and(|found| open(found.visibility) == open(after.visibility))
                && (after.visibility != Some(Visibility::Private) || empty())
        }
        Change::GiveGrant { to, resource, roles } => granted(live, to, resource, roles),
        Change::ChangeGrant { to, resource, after, .. } => granted(live, to, resource, after),
        Change::RevokeGrant { to, resource, .. } => granted(live, to, resource, &[]),
        // On all of the pages: a role is said of no other.
        Change::AddDomain { domain } | Change::ChangeDomain { after: domain, .. } => {
            live.find_domain(&domain.name).is_some_and(|id| live.domain_record(id).role.is_some())
        }
        Change::RemoveDomain { domain, .. } => live.find_domain(&domain.name).is_none(),
        _ => false,
    }
}

/// Whether two records are the same in what Strongly keeps.
pub fn shows(found: &UserRecord, wanted: &UserRecord) -> bool {
    (wanted.name.is_none() || found.name.is_none() || found.name == wanted.name)
        && (wanted.role.is_none() || found.role == wanted.role)
        && (place(wanted).is_none() || place(found) == place(wanted))
}

fn place(user: &UserRecord) -> Option<&str> {
    user.attributes.get(ORGANIZATION_ROLE).map(String::as_str)
}

/// The place that a write leaves somebody with: taken away, it is the least one.
fn least(user: &UserRecord) -> &str {
    place(user).unwrap_or("member")
}

fn granted(live: &Directory, to: &PrincipalRecord, resource: &str, roles: &[GrantedRole]) -> bool {
    let PrincipalRecord::User(email) = to else { return roles.is_empty() };
    let found = live.find_resource(resource).zip(live.find_user(email));
    let Some((resource, user)) = found else { return roles.is_empty() };
    let held = live.grants_on(resource).iter().filter(|g| g.principal == Principal::User(user));
    let mut held: Vec<&str> = held.map(|g| &*live.role(g.role).name).collect();
    held.sort_unstable();
    let mut wanted: Vec<&str> = roles.iter().map(|r| r.role.as_str()).collect();
    wanted.sort_unstable();
    held == wanted
}
