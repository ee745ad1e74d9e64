//! How many requests an apply will need (README.md, "Requests").

use std::collections::BTreeMap;

use super::session::Session;
use super::settings::RolesIn;
use super::write::edit::steps_of;
use super::write::{BATCH, MEMBERS_MAX};
use crate::model::Change;

/// The requests of an apply of these changes, wave by wave: its reading, and for each thing that is changed
/// one to read it again, those that write, and one to read it back.
pub fn requests(session: &Session, waves: &[Vec<&Change>]) -> u64 {
    let learned = session.learned();
    let offered = session.known_features().is_none_or(|f| f.patch != Some(false));
    let (users, groups) = (offered && !learned.no_user_patch, offered && !learned.no_group_patch);
    // Without `PATCH`, the whole is read once more and put.
    let change = |patch: bool, parts: u64| 2 + if patch { parts } else { 2 };
    // A role that a group stands for is a membership.
    let role_groups = |before: Option<&String>, after: Option<&String>| match session.settings.roles {
        RolesIn::Groups if before != after => (before.iter().count() + after.iter().count()) as u64 * change(groups, 1),
        _ => 0,
    };
    let mut total = session.index().read_with;
    let of_users =
        |c: &&Change| matches!(c.object().kind, crate::model::Kind::User) && !matches!(c, Change::DeleteUser { .. });
    // What the server says of its attributes.
    total += u64::from(waves.iter().flatten().any(of_users));
    // A wave goes out in parts, and a group whose members are in two of them is written twice.
    for wave in waves.iter().flat_map(|w| w.chunks(BATCH)) {
        let mut members: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for one in wave {
            total += match one {
                Change::CreateUser { user } | Change::InviteUser { user } => 2 + role_groups(None, user.role.as_ref()),
                Change::UpdateUser { before, after } => {
                    let moves = role_groups(before.role.as_ref(), after.role.as_ref());
                    match steps_of(before, after, session.settings.roles).len() as u64 {
                        0 => 1 + moves,
                        steps => change(users, steps) + moves,
                    }
                }
                // The name and the e-mail.
                Change::RenameUser { .. } => change(users, 2),
                Change::EnableUser { .. } | Change::DisableUser { .. } => change(users, 1),
                Change::CreateTeam { team } if team.outer.is_some() => 2 + change(groups, 1),
                Change::CreateTeam { .. } => 2,
                Change::UpdateTeam { before, after } => {
                    let sides = u64::from(before.outer.is_some()) + u64::from(after.outer.is_some());
                    sides * change(groups, 1)
                }
                Change::RenameTeam { .. } => change(groups, 1),
                Change::DeleteUser { .. } | Change::DeleteTeam { .. } => 3,
                Change::AddMember { member } => {
                    members.entry(&member.team).or_default().0 += 1;
                    0
                }
                Change::RemoveMember { member, .. } => {
                    members.entry(&member.team).or_default().1 += 1;
                    0
                }
                _ => 0,
            };
        }
        let chunks = |n: usize| n.div_ceil(MEMBERS_MAX) as u64;
        total += members.values().map(|(adds, removes)| change(groups, chunks(*adds) + chunks(*removes))).sum::<u64>();
    }
    total
}
