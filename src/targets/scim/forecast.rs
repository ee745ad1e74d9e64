//! How many requests an apply will need (README.md, "Requests").

use std::collections::BTreeMap;

use super::session::Session;
use super::write::MEMBERS_MAX;
use super::write::edit::steps_of;
use crate::model::Change;

/// The requests of an apply of these changes: its reading, and for each thing that is changed one to read
/// it again, those that write, and one to read it back.
pub fn requests(session: &Session, changes: &[&Change]) -> u64 {
    let patch = !session.learned().no_user_patch;
    let mut total = session.index().read_with;
    let mut members: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for change in changes {
        match change {
            Change::CreateUser { .. } | Change::InviteUser { .. } => total += 2,
            Change::UpdateUser { before, after } => {
                let groups = steps_of(before, after, session.settings.roles).len().max(1) as u64;
                total += 2 + if patch { groups } else { 2 };
            }
            Change::CreateTeam { team } => total += 2 + 3 * u64::from(team.outer.is_some()),
            Change::UpdateTeam { before, after } => {
                total += 3 * (u64::from(before.outer.is_some()) + u64::from(after.outer.is_some()));
            }
            Change::AddMember { member } => members.entry(&member.team).or_default().0 += 1,
            Change::RemoveMember { member, .. } => members.entry(&member.team).or_default().1 += 1,
            _ => total += 3,
        }
    }
    let chunks = |n: usize| n.div_ceil(MEMBERS_MAX) as u64;
    total + members.values().map(|(adds, removes)| 2 + chunks(*adds) + chunks(*removes)).sum::<u64>()
}
