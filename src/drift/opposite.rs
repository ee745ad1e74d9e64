//! A change towards the declaration, seen from the declaration: what is live more, less or otherwise.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Direction, Field};
use crate::model::{Change, UserRecord, UserState, Why};

/// On which side the thing is that a change would mend.
#[must_use]
pub fn direction(change: &Change) -> Direction {
    match change {
        Change::CreateRole { .. }
        | Change::CreateUser { .. }
        | Change::InviteUser { .. }
        | Change::CreateTeam { .. }
        | Change::AddMember { .. }
        | Change::CreateResource { .. }
        | Change::GiveGrant { .. }
        | Change::AddDomain { .. }
        | Change::SetPolicy { before: None, .. } => Direction::Missing,
        Change::DeleteRole { .. }
        | Change::DisableUser { reason: Why::Undeclared, .. }
        | Change::DeleteUser { .. }
        | Change::DeleteTeam { .. }
        | Change::RemoveMember { .. }
        | Change::DeleteResource { .. }
        | Change::RevokeGrant { .. }
        | Change::RemoveDomain { .. }
        | Change::UnsetPolicy { .. } => Direction::Extra,
        Change::UpdateRole { .. }
        | Change::UpdateUser { .. }
        | Change::RenameUser { .. }
        | Change::EnableUser { .. }
        | Change::DisableUser { .. }
        | Change::UpdateTeam { .. }
        | Change::RenameTeam { .. }
        | Change::SetLeads { .. }
        | Change::ChangeMember { .. }
        | Change::UpdateResource { .. }
        | Change::RenameResource { .. }
        | Change::ChangeGrant { .. }
        | Change::ChangeDomain { .. }
        | Change::SetPolicy { .. } => Direction::Different,
    }
}

/// The change as one that would have led from the files to what is live: what is extra comes, what differs
/// changes. What is missing stays as it is: its coming is what did not happen.
#[must_use]
pub fn seen_from_files(change: &Change) -> Change {
    match change.clone() {
        Change::DeleteRole { role, .. } => Change::CreateRole { role },
        Change::DisableUser { user, reason: Why::Undeclared } | Change::DeleteUser { user, .. } => {
            Change::CreateUser { user }
        }
        Change::InviteUser { user } => Change::CreateUser { user },
        Change::DeleteTeam { team, .. } => Change::CreateTeam { team },
        Change::RemoveMember { member, .. } => Change::AddMember { member },
        Change::DeleteResource { resource, .. } => Change::CreateResource { resource },
        Change::RevokeGrant { to, resource, roles, .. } => Change::GiveGrant { to, resource, roles },
        Change::RemoveDomain { domain, .. } => Change::AddDomain { domain },
        Change::UnsetPolicy { policy, before } => Change::SetPolicy { policy, before: None, after: before },
        Change::UpdateRole { before, after } => Change::UpdateRole { before: after, after: before },
        Change::UpdateUser { before, after } => Change::UpdateUser { before: after, after: before },
        Change::RenameUser { from, to } => Change::RenameUser { from: to, to: from },
        Change::UpdateTeam { before, after } => Change::UpdateTeam { before: after, after: before },
        Change::RenameTeam { from, to } => Change::RenameTeam { from: to, to: from },
        Change::SetLeads { team, before, after } => Change::SetLeads { team, before: after, after: before },
        Change::ChangeMember { before, after } => Change::ChangeMember { before: after, after: before },
        Change::UpdateResource { before, after } => Change::UpdateResource { before: after, after: before },
        Change::RenameResource { from, to } => Change::RenameResource { from: to, to: from },
        Change::ChangeGrant { to, resource, before, after } => {
            Change::ChangeGrant { to, resource, before: after, after: before }
        }
        Change::ChangeDomain { before, after } => Change::ChangeDomain { before: after, after: before },
        Change::SetPolicy { policy, before: Some(before), after } => {
            Change::SetPolicy { policy, before: Some(after), after: before }
        }
        other => other,
    }
}

/// What differs, attribute by attribute.
#[must_use]
pub fn fields(change: &Change) -> Vec<Field> {
    let one = |field: &str, declared: Value, live: Value| vec![Field { field: field.to_owned(), declared, live }];
    let state = |user: &UserRecord| Value::from(user.state.word());
    match change {
        Change::CreateRole { role } => between(Some(role), None),
        Change::DeleteRole { role, .. } => between(None, Some(role)),
        Change::UpdateRole { before, after } => between(Some(after), Some(before)),
        Change::CreateUser { user } | Change::InviteUser { user } => between(Some(user), None),
        Change::DisableUser { user, reason: Why::Undeclared } | Change::DeleteUser { user, .. } => {
            between(None, Some(user))
        }
        Change::DisableUser { user, .. } => one("state", UserState::Disabled.word().into(), state(user)),
        Change::EnableUser { user } => one("state", UserState::Active.word().into(), state(user)),
        Change::UpdateUser { before, after } => between(Some(after), Some(before)),
        Change::RenameUser { from, to } => one("email", to.as_str().into(), from.as_str().into()),
        Change::CreateTeam { team } => between(Some(team), None),
        Change::DeleteTeam { team, .. } => between(None, Some(team)),
        Change::UpdateTeam { before, after } => between(Some(after), Some(before)),
        Change::RenameTeam { from, to } | Change::RenameResource { from, to } => {
            one("name", to.as_str().into(), from.as_str().into())
        }
        Change::SetLeads { before, after, .. } => one("leads", value(after), value(before)),
        Change::AddMember { member } => between(Some(member), None),
        Change::RemoveMember { member, .. } => between(None, Some(member)),
        Change::ChangeMember { before, after } => between(Some(after), Some(before)),
        Change::CreateResource { resource } => between(Some(resource), None),
        Change::DeleteResource { resource, .. } => between(None, Some(resource)),
        Change::UpdateResource { before, after } => between(Some(after), Some(before)),
        Change::GiveGrant { roles, .. } => one("roles", value(roles), Value::Null),
        Change::RevokeGrant { roles, .. } => one("roles", Value::Null, value(roles)),
        Change::ChangeGrant { before, after, .. } => one("roles", value(after), value(before)),
        Change::AddDomain { domain } => between(Some(domain), None),
        Change::RemoveDomain { domain, .. } => between(None, Some(domain)),
        Change::ChangeDomain { before, after } => between(Some(after), Some(before)),
        Change::SetPolicy { before, after, .. } => one("value", after.clone(), before.clone().unwrap_or(Value::Null)),
        Change::UnsetPolicy { before, .. } => one("value", Value::Null, before.clone()),
    }
}

fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or(Value::Null)
}

fn map<T: Serialize>(of: Option<&T>) -> Map<String, Value> {
    match of.map(value) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// The attributes in which two records differ, by name.
fn between<T: Serialize>(declared: Option<&T>, live: Option<&T>) -> Vec<Field> {
    let (mut declared, mut live) = (map(declared), map(live));
    let mut names: Vec<String> = declared.keys().chain(live.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    let take = |from: &mut Map<String, Value>, name: &str| from.remove(name).unwrap_or(Value::Null);
    let both = names.into_iter().map(|field| {
        let (declared, live) = (take(&mut declared, &field), take(&mut live, &field));
        Field { field, declared, live }
    });
    both.filter(|f| f.declared != f.live).collect()
}
