//! How many requests an apply will need.

use super::session::Session;
use crate::model::Change;

/// The requests of an apply of these changes: its reading, and for each change what is read before it, what
/// writes, and what is read back.
pub fn requests(session: &Session, waves: &[Vec<&Change>]) -> u64 {
    let one = |change: &&Change| -> u64 {
        match change {
            // Looked at, written, looked at.
            Change::GiveGrant { .. } | Change::AddMember { .. } => 3,
            Change::RevokeGrant { roles, .. } => 2 + roles.len() as u64,
            Change::RemoveMember { .. } => 3,
            Change::ChangeMember { .. } => 4,
            Change::ChangeGrant { before, after, .. } => {
                let gone = before.iter().filter(|b| !after.iter().any(|a| a.role == b.role)).count();
                3 + gone as u64
            }
            Change::DisableUser { .. } | Change::DeleteUser { .. } => 4,
            Change::CreateRole { .. } | Change::UpdateRole { .. } | Change::DeleteRole { .. } => 3,
            _ => 3,
        }
    };
    session.index().read_with + waves.iter().flatten().map(one).sum::<u64>()
}
