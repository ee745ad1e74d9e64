//! The people of the first workspace as the embedded directory holds them.

use std::collections::{BTreeSet, HashMap};

use super::world::{Account, Standing, State, key};
use crate::model::{Change, Directory, Email, RoleRecord, UserRecord, UserState, Why};

/// What the directory holds, as far as it comes from here.
#[derive(Debug, Default)]
pub struct Mirror {
    /// The workspace.
    workspace: String,
    /// Users by the key of their account.
    users: HashMap<String, UserRecord>,
    roles: BTreeSet<String>,
}

impl Mirror {
    /// What a directory holds of the people of this workspace.
    pub fn of(directory: &Directory, workspace: &str) -> Self {
        let users = (0..directory.users().len()).map(|index| {
            let id = crate::model::UserId(u32::try_from(index).unwrap_or(u32::MAX));
            let record = directory.user_record(id);
            (key(workspace, &record.email), record)
        });
        Self {
            workspace: workspace.to_owned(),
            users: users.collect(),
            roles: directory.roles().iter().map(|r| r.name.to_string()).collect(),
        }
    }

    /// What the directory must do to hold these accounts as they are now, in an order in which it can.
    pub fn follow<'a>(&mut self, touched: impl Iterator<Item = &'a String>, state: &State) -> Vec<Change> {
        let mut changes = Vec::new();
        for id in touched {
            let account = state.accounts.get(id);
            let wanted = account.filter(|a| a.workspace == self.workspace).and_then(record);
            let before = self.users.get(id).cloned();
            if before == wanted {
                continue;
            }
            if let Some(role) = wanted.iter().filter_map(|u| u.role.clone()).find(|r| !self.roles.contains(r)) {
                self.roles.insert(role.clone());
                changes.push(Change::CreateRole { role: RoleRecord { name: role, ..RoleRecord::default() } });
            }
            changes.extend(change(before.clone(), wanted.clone()));
            match wanted {
                Some(user) => drop(self.users.insert(id.clone(), user)),
                None => drop(self.users.remove(id)),
            }
        }
        changes
    }
}

/// An account as a user of the directory; nothing where its address is none.
fn record(account: &Account) -> Option<UserRecord> {
    let state = match account.standing {
        Standing::Active => UserState::Active,
        Standing::Invited => UserState::Invited,
        // The directory knows when an invitation runs out, and not that it has.
        Standing::Expired | Standing::Disabled => UserState::Disabled,
    };
    Some(UserRecord {
        email: Email::parse(&account.email).ok()?.as_str().to_owned(),
        name: Some(account.name.clone()),
        role: Some(account.role.clone()),
        state,
        ..UserRecord::default()
    })
}

fn change(before: Option<UserRecord>, after: Option<UserRecord>) -> Vec<Change> {
    let gone = |user| Change::DeleteUser { user, reason: Why::Undeclared };
    let (before, after) = match (before, after) {
        (Some(before), Some(after)) => (before, after),
        (before, after) => {
            let made = |user: UserRecord| match user.state {
                UserState::Invited => Change::InviteUser { user },
                _ => Change::CreateUser { user },
            };
            return before.map(gone).into_iter().chain(after.map(made)).collect();
        }
    };
    match (before.state, after.state) {
        (one, other) if one == other => vec![Change::UpdateUser { before, after }],
        (UserState::Active, UserState::Disabled) | (UserState::Disabled, UserState::Active) => {
            let moved = UserRecord { state: after.state, ..before.clone() };
            let update = (moved != after).then(|| Change::UpdateUser { before: moved, after: after.clone() });
            let first = match after.state {
                UserState::Disabled => Change::DisableUser { user: before, reason: Why::Declared },
                _ => Change::EnableUser { user: before },
            };
            std::iter::once(first).chain(update).collect()
        }
        // No change of a plan makes one of the other: somebody accepts, or is invited once more.
        _ if after.state == UserState::Invited => vec![gone(before), Change::InviteUser { user: after }],
        _ => vec![gone(before), Change::CreateUser { user: after }],
    }
}
