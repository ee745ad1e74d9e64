//! How many requests an apply will need.

use std::collections::BTreeSet;

use super::calls::{Index, Session};
use super::{ADMIN, role_id};
use crate::model::{Change, PrincipalRecord};

/// The requests of an apply of these changes: its reading, and for each change what is looked at before it, what
/// writes, and what is looked at after it.
pub fn requests(session: &Session, waves: &[Vec<&Change>]) -> u64 {
    let index = session.index();
    let mut out: BTreeSet<&str> = BTreeSet::new();
    let mut sum = index.read_with;
    for change in waves.iter().flatten() {
        sum += match leaver(change) {
            // Both lists, the call, and both lists; who is out already is looked for.
            Some(user) if is_there(&index, user) && out.insert(user) => 5,
            Some(_) => 2,
            None => other(&index, change),
        };
    }
    sum
}

/// Who leaves the organization with a change.
fn leaver<'c>(change: &&'c Change) -> Option<&'c str> {
    match change {
        Change::RemoveMember { member, .. } => Some(&member.user),
        Change::DisableUser { user, .. } | Change::DeleteUser { user, .. } => Some(&user.email),
        Change::RevokeGrant { to: PrincipalRecord::User(user), .. } => Some(user),
        _ => None,
    }
}

fn is_there(index: &Index, user: &str) -> bool {
    index.people.contains_key(user) || index.invited.contains_key(user)
}

fn other(index: &Index, change: &Change) -> u64 {
    match change {
        // The invitation of the same plan says the role: that it is there is looked at.
        Change::AddMember { member } if !index.people.contains_key(&member.user) => 2,
        Change::AddMember { .. } => 5,
        // That somebody else administers is looked at as well.
        Change::ChangeMember { before, .. } if before.role.as_deref().and_then(role_id) == Some(ADMIN) => 5,
        _ => 4,
    }
}
