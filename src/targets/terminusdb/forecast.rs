//! How many requests an apply will need.

use super::session::Session;
use crate::model::{Change, GrantedRole};

/// The requests of an apply of these changes: its reading, and for each change what is read before it, what
/// writes, and what is read back.
pub fn requests(session: &Session, waves: &[Vec<&Change>]) -> u64 {
    let read_with = session.index().read_with;
    read_with + waves.iter().flatten().map(|change| one(session, change)).sum::<u64>()
}

fn one(session: &Session, change: &Change) -> u64 {
    let member = |role: &Option<String>| role.iter().cloned().collect::<Vec<_>>();
    let names = |roles: &[GrantedRole]| roles.iter().map(|r| r.role.clone()).collect::<Vec<_>>();
    match change {
        Change::AddMember { .. } | Change::GiveGrant { .. } => looked_at(1),
        Change::ChangeMember { before, after } => {
            looked_at(writes(session, &member(&before.role), &member(&after.role), true))
        }
        Change::RemoveMember { member: m, .. } => looked_at(writes(session, &member(&m.role), &[], false)),
        Change::ChangeGrant { before, after, .. } => looked_at(writes(session, &names(before), &names(after), false)),
        Change::RevokeGrant { roles, .. } => looked_at(roles.len() as u64),
        // Looked at, written, looked at; what it held is a change of its own.
        Change::DisableUser { .. } | Change::DeleteUser { .. } => looked_at(1),
        // Its id is read as well.
        Change::CreateRole { .. } => looked_at(1) + 1,
        // The capabilities that nobody has are looked for.
        Change::DeleteTeam { .. } | Change::DeleteResource { .. } => looked_at(1) + 1,
        _ => looked_at(1),
    }
}

/// What is looked at before each write, and after the last.
fn looked_at(writes: u64) -> u64 {
    2 * writes + 1
}

/// New roles are given at once, old ones taken one by one; who keeps nothing and stays gets a capability anew.
fn writes(session: &Session, before: &[String], after: &[String], stays: bool) -> u64 {
    // A role that comes with the same apply is not known yet, and counts as itself.
    let ids = |roles: &[String]| session.roles(roles).unwrap_or_else(|_| roles.iter().cloned().collect());
    let (before, after) = (ids(before), ids(after));
    let gone = before.difference(&after).count() as u64;
    // Whoever has nothing to lose loses the capability itself.
    let capability = u64::from(after.is_empty() && (stays != before.is_empty()));
    gone + u64::from(after.difference(&before).next().is_some()) + capability
}
