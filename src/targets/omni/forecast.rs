//! How many requests an apply will need: at sixty a minute they are its time.

use std::collections::BTreeMap;

use super::session::Session;
use super::shape::Thing;
use super::write::MEMBERS_MAX;
use crate::model::{Change, PrincipalRecord};

/// The requests of an apply of these changes, wave by wave: its reading, and for each thing that is changed
/// one to read it again, those that write, and one to read it back.
pub fn requests(session: &Session, waves: &[Vec<&Change>]) -> u64 {
    let index = session.index();
    let mut total = index.read_with;
    let leavers =
        waves.iter().flatten().filter(|c| matches!(c, Change::DisableUser { .. } | Change::DeleteUser { .. }));
    let mut leaving = 0;
    for change in leavers {
        let (Change::DisableUser { user, .. } | Change::DeleteUser { user, .. }) = change else { continue };
        let documents = index.users.get(&user.email).and_then(|id| index.owned.get(id)).map_or(0, Vec::len);
        // Looked at by plan and writer: documents and schedules, each handed over and read back, then the end.
        leaving += 2 + 7 + 4 * documents as u64;
    }
    if leaving > 0 {
        // The list of all documents.
        total += 1 + leaving;
    }
    for wave in waves {
        let mut members: BTreeMap<&str, usize> = BTreeMap::new();
        for change in wave {
            total += match change {
                Change::CreateUser { .. } | Change::CreateTeam { .. } => 2,
                Change::UpdateUser { .. } | Change::RenameTeam { .. } | Change::DeleteTeam { .. } => 3,
                Change::CreateResource { .. } => 3,
                Change::UpdateResource { .. } => 5,
                Change::AddMember { member } | Change::RemoveMember { member, .. } => {
                    *members.entry(&member.team).or_default() += 1;
                    0
                }
                Change::GiveGrant { to, resource, .. } | Change::ChangeGrant { to, resource, .. } => {
                    // What a user is given on a model is asked for once more: which role counts.
                    let model = matches!(index.things.get(resource), Some(Thing::Model(_)));
                    3 + u64::from(model && matches!(to, PrincipalRecord::User(_)))
                }
                Change::RevokeGrant { .. } => 3,
                _ => 0,
            };
        }
        total += members.values().map(|n| 1 + 2 * n.div_ceil(MEMBERS_MAX) as u64).sum::<u64>();
    }
    total
}
