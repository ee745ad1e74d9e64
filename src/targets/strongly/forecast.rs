//! How many requests an apply will need.

use std::collections::BTreeSet;

use super::session::Session;
use super::shape::{Kind, SignIn};
use crate::model::Change;

/// The requests of an apply of these changes, wave by wave: its reading, and for each thing that is changed
/// one to read it again, those that write, and one to read it back.
pub fn requests(session: &Session, waves: &[Vec<&Change>]) -> u64 {
    let index = session.index();
    let pages = 1 + (index.users.len() / super::paging::PAGE) as u64;
    let mut total = index.read_with;
    for wave in waves {
        // Whole lists are written once for all changes of a wave.
        let mut lists: BTreeSet<String> = BTreeSet::new();
        let mut opens = 0;
        for change in wave {
            total += match change {
                Change::CreateUser { user } => 3 + pages + u64::from(!user.attributes.is_empty()) * (1 + pages),
                Change::InviteUser { .. } => 4,
                Change::UpdateUser { before, after } => {
                    let place = before.attributes != after.attributes;
                    let account = before.role != after.role || before.name != after.name;
                    // Names are read back in the members list.
                    let name = u64::from(before.name != after.name) * pages;
                    u64::from(account) * 3 + name + u64::from(place) * (1 + 2 * pages)
                }
                // What they own, for the plan, and both lists before and after.
                Change::DisableUser { .. } => 6,
                Change::EnableUser { .. } => 5,
                Change::UpdateResource { after: record, .. } => {
                    lists.insert(record.name.clone());
                    0
                }
                Change::GiveGrant { resource, .. }
                | Change::ChangeGrant { resource, .. }
                | Change::RevokeGrant { resource, .. } => {
                    if Kind::of(resource).is_some_and(|k| k.flag().is_some()) {
                        lists.insert(resource.clone());
                        0
                    } else {
                        3
                    }
                }
                Change::AddDomain { .. } | Change::ChangeDomain { .. } | Change::RemoveDomain { .. } => {
                    if !matches!(change, Change::RemoveDomain { .. }) {
                        // Whether sign-up is on is looked at; where it is not, it is turned on and looked at.
                        let asks = |pages: &SignIn| if pages.signup { 1 } else { 3 };
                        opens = index.pages.values().map(asks).sum();
                    }
                    lists.extend(index.sign_in.keys().map(|app| format!("sign-in {app}")));
                    0
                }
                _ => 0,
            };
        }
        total += 3 * lists.len() as u64 + opens;
    }
    total
}
