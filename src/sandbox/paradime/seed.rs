//! What is there at the beginning: what the file held, what a directory held before it became a sandbox's,
//! declarations, a file of things, or so many people.

use std::collections::VecDeque;

use super::api::{Kind, Paradime};
use super::project::Mirror;
use super::world::{Account, Standing, State};
use super::{Options, ROLES, things};
use crate::model::{Directory, UserId, UserState};
use crate::sandbox::StartError;
use crate::sandbox::declared::declaration;
use crate::sandbox::keep::{Found, Keep};

/// The API with its first state.
pub fn begin(options: &Options) -> Result<Paradime, StartError> {
    let time = jiff::Timestamp::now();
    if let Some(acting) = options.acting.as_deref().filter(|role| !ROLES.contains(role)) {
        return Err(StartError::Seed(format!("`{acting}` is no role: there are {}", ROLES.join(", "))));
    }
    let mut paradime = Paradime {
        state: State::default(),
        mirror: Mirror::default(),
        keep: None,
        kind: Kind::of(&options.serve.token),
        key: options.key.clone(),
        bound: None,
        acting: options.acting.clone(),
        past: VecDeque::new(),
    };
    let mut held = None;
    if let Some(path) = &options.state {
        let (keep, found) = Keep::open(path).map_err(|e| StartError::State(e.to_string()))?;
        restore(&mut paradime.state, &found).map_err(StartError::State)?;
        paradime.keep = Some(keep);
        held = Some(found.directory);
    }
    let state = &mut paradime.state;
    if state.workspaces.len() == 0 {
        first(state, options, time).map_err(StartError::Seed)?;
        if let (Some(directory), Some(workspace)) = (&held, first_of(state)) {
            people(state, &workspace, directory);
        }
    }
    let workspace = first_of(state).unwrap_or_default();
    paradime.bound = match &options.workspace {
        None => None,
        Some(text) => {
            let found = state.workspace(text);
            Some(found.ok_or_else(|| StartError::Seed(format!("there is no workspace `{text}`")))?)
        }
    };
    paradime.mirror = held.map(|directory| Mirror::of(&directory, &workspace)).unwrap_or_default();
    paradime.commit(time);
    Ok(paradime)
}

fn first_of(state: &State) -> Option<String> {
    state.workspaces.iter().next().map(|(uid, _)| uid.to_owned())
}

fn restore(state: &mut State, found: &Found) -> Result<(), String> {
    for (kind, id, body) in &found.rows {
        let broken = || format!("what it holds of the {kind} `{id}` cannot be read");
        if kind == "counter" {
            state.last = body.parse().map_err(|_| broken())?;
            continue;
        }
        if let Some((_, table)) = state.tables().into_iter().find(|(name, _)| name == kind) {
            table.restore(id, body).ok_or_else(broken)?;
        }
    }
    Ok(())
}

fn first(state: &mut State, options: &Options, time: jiff::Timestamp) -> Result<(), String> {
    let said = match &options.things {
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
            things::read(&bytes).map_err(|e| format!("{}: {e}", path.display()))?
        }
        None => things::Things::default(),
    };
    things::add(state, said, time)?;
    let workspace = first_of(state).unwrap_or_default();
    for path in &options.seeds {
        let directory = declaration(path, options.seed_target.as_deref(), "paradime", time)?;
        people(state, &workspace, &directory);
    }
    for number in 0..options.users {
        let role = if number == 0 { "ADMIN" } else { "BUSINESS" };
        let email = format!("user-{number:05}@sandbox.example");
        let account = state.fresh(&workspace, &email, role, Standing::Active);
        state.put(Account { name: format!("User {number:05}"), ..account });
    }
    Ok(())
}

/// Takes in the users of a directory, who are not there yet.
fn people(state: &mut State, workspace: &str, directory: &Directory) {
    for index in 0..directory.users().len() {
        let record = directory.user_record(UserId(u32::try_from(index).unwrap_or(u32::MAX)));
        if state.account(workspace, &record.email).is_some() {
            continue;
        }
        let standing = match record.state {
            UserState::Active => Standing::Active,
            UserState::Invited => Standing::Invited,
            UserState::InvitationExpired => Standing::Expired,
            UserState::Disabled => Standing::Disabled,
        };
        let role = record.role.as_deref().unwrap_or("BUSINESS");
        let fresh = state.fresh(workspace, &record.email, role, standing);
        let name = record.name.unwrap_or_else(|| fresh.name.clone());
        state.put(Account { name, ..fresh });
    }
}
