//! Whether the end state of a change is there, in what was read.

use super::resource::{ATTRIBUTES, HANDLE};
use crate::model::{Change, Directory, UserRecord, UserState};

/// Whether it is there.
pub fn holds(live: &Directory, change: &Change) -> bool {
    let user = |email: &str| live.find_user(email).map(|id| live.user_record(id));
    let member = |team: &str, user: &str| {
        let ids = live.find_team(team).zip(live.find_user(user));
        ids.is_some_and(|(team, user)| live.find_membership(team, user).is_some())
    };
    let team_in = |name: &str, outer: Option<&str>| {
        live.find_team(name).is_some_and(|id| live.team_record(id).outer.as_deref() == outer)
    };
    match change {
        Change::CreateUser { user: wanted } | Change::InviteUser { user: wanted } => {
            user(&wanted.email).is_some_and(|found| same(&found, wanted, None) && found.state == UserState::Active)
        }
        Change::UpdateUser { before, after } => {
            user(&after.email).is_some_and(|found| same(&found, after, Some(before)))
        }
        Change::EnableUser { user: wanted } => {
            user(&wanted.email).is_some_and(|found| found.state == UserState::Active)
        }
        Change::DisableUser { user: wanted, .. } => {
            user(&wanted.email).is_some_and(|found| found.state == UserState::Disabled)
        }
        Change::DeleteUser { user: gone, .. } => live.find_user(&gone.email).is_none(),
        Change::RenameUser { from, to } => live.find_user(from).is_none() && live.find_user(to).is_some(),
        Change::CreateTeam { team } | Change::UpdateTeam { after: team, .. } => {
            team_in(&team.name, team.outer.as_deref())
        }
        Change::RenameTeam { from, to } => live.find_team(from).is_none() && live.find_team(to).is_some(),
        Change::DeleteTeam { team, .. } => live.find_team(&team.name).is_none(),
        Change::AddMember { member: m } | Change::ChangeMember { after: m, .. } => member(&m.team, &m.user),
        Change::RemoveMember { member: m, .. } => !member(&m.team, &m.user),
        _ => false,
    }
}

/// Whether a record is as wanted in what SCIM keeps, the state left out: what is said is there, and what was
/// said before and is not any more is gone. What a server adds by itself is no matter.
fn same(found: &UserRecord, wanted: &UserRecord, before: Option<&UserRecord>) -> bool {
    let kept = |of: &dyn Fn(&UserRecord) -> Option<String>| {
        let (live, said) = (of(found), of(wanted));
        live == said || (said.is_none() && before.and_then(of).is_none())
    };
    kept(&|r| r.name.clone())
        && kept(&|r| r.role.clone())
        && kept(&|r| r.timezone.clone())
        && kept(&|r| r.handles.get(HANDLE).cloned())
        && ATTRIBUTES.iter().all(|name| kept(&|r| r.attributes.get(*name).cloned()))
}
