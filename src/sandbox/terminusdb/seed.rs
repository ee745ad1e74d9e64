//! What is there at the beginning: what the file held, declarations, or so many people.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Options;
use super::answer::id_part;
use super::api::Terminus;
use super::world::{ACTIONS, ANONYMOUS, Database, Organization, Role, State, User};
use crate::model::{Directory, Principal, RoleId, Said, UserId};
use crate::sandbox::StartError;
use crate::sandbox::declared::declaration;
use crate::sandbox::keep::{Found, Keep};

/// Under which system the files say how somebody is called here.
const HANDLE: &str = "terminusdb";

/// The API with its first state.
pub fn begin(options: &Options) -> Result<Terminus, StartError> {
    let time = jiff::Timestamp::now();
    let mut api =
        Terminus { state: State::default(), keep: None, hosted: options.hosted, token: options.serve.token.clone() };
    let mut empty = true;
    if let Some(path) = &options.state {
        let (keep, found) = Keep::open(path).map_err(|e| StartError::State(e.to_string()))?;
        empty = found.rows.is_empty();
        restore(&mut api.state, &found).map_err(StartError::State)?;
        api.keep = Some(keep);
    }
    if empty {
        api.state = State::fresh();
        if options.hosted {
            super::hosted::begin(&mut api.state);
        }
        for path in &options.seeds {
            let directory = declaration(path, options.seed_target.as_deref(), "terminusdb", time);
            declared(&mut api.state, &directory.map_err(StartError::Seed)?, time);
        }
        generate(&mut api.state, options.users, options.groups);
    }
    api.commit(time);
    Ok(api)
}

fn restore(state: &mut State, found: &Found) -> Result<(), String> {
    for (kind, id, body) in &found.rows {
        if kind == "counter" {
            let counters: Value = serde_json::from_str(body).unwrap_or_default();
            let of = |key: &str| counters.get(key).and_then(Value::as_u64).unwrap_or(0);
            (state.last, state.layer) = (of("last"), of("layer"));
            continue;
        }
        let mut tables = state.tables().into_iter();
        let restored = tables.find(|(name, _)| name == kind).and_then(|(_, table)| table.restore(id, body));
        restored.ok_or_else(|| format!("the {kind} {id} in the file cannot be read"))?;
    }
    Ok(())
}

/// Puts in what a declaration wants.
fn declared(state: &mut State, directory: &Directory, time: jiff::Timestamp) {
    for (index, user) in directory.users().iter().enumerate() {
        let name = name_of(directory, UserId(u32::try_from(index).unwrap_or(u32::MAX)));
        let id = format!("User/{}", id_part(&name));
        if state.users.get(&id).is_none() {
            let seq = state.number();
            let email = Some(user.email.to_string());
            state.users.put(&id, seq, User { name, email, ..User::default() });
        }
    }
    for team in directory.teams() {
        organization(state, &team.name);
    }
    for resource in directory.resources() {
        let Some((home, name)) = resource.name.strip_prefix("data-product/").and_then(|n| n.split_once('/')) else {
            continue;
        };
        organization(state, home);
        if state.database(home, name).is_none() {
            let id = format!("UserDatabase/{}", state.random());
            let seq = state.number();
            let comment = resource.description.value().map(ToString::to_string).unwrap_or_default();
            let database = Database {
                name: name.to_owned(),
                label: name.to_owned(),
                comment,
                created: format!("{time:.3}"),
                state: "finalized".to_owned(),
                ..Database::default()
            };
            state.databases.put(&id, seq, database);
            state.organizations.change(&format!("Organization/{}", id_part(home)), |o| o.databases.push(id.clone()));
        }
    }
    for member in directory.memberships() {
        let user = format!("User/{}", id_part(&name_of(directory, member.user)));
        let scope = format!("Organization/{}", id_part(&directory.team(member.team).name));
        let roles = match &member.role {
            Said::Is(role) => vec![role_of(state, directory, *role)],
            _ => Vec::new(),
        };
        give(state, &user, &scope, roles);
    }
    for grant in directory.grants() {
        let user = match grant.principal {
            Principal::User(user) => format!("User/{}", id_part(&name_of(directory, user))),
            Principal::Everyone => ANONYMOUS.to_owned(),
            // There is no group that could hold one.
            Principal::Team(_) => continue,
        };
        let name = directory.resource(grant.resource).name.clone();
        let Some((home, name)) = name.strip_prefix("data-product/").and_then(|n| n.split_once('/')) else { continue };
        let Some(scope) = state.database(home, name).map(|(id, _)| id.to_owned()) else { continue };
        let role = role_of(state, directory, grant.role);
        give(state, &user, &scope, vec![role]);
    }
}

/// Merges into the capability of a user for a scope, or makes one.
fn give(state: &mut State, user: &str, scope: &str, roles: Vec<String>) {
    let held = state.capabilities_of(user).into_iter().find(|(_, c)| c.scope == scope).map(|(id, _)| id.to_owned());
    match held {
        Some(id) => drop(state.capabilities.change(&id, |c| {
            for role in roles {
                if !c.roles.contains(&role) {
                    c.roles.push(role);
                }
            }
        })),
        None => drop(state.give(user, scope, roles)),
    }
}

/// How somebody is called here: by their handle, or else their address.
fn name_of(directory: &Directory, user: UserId) -> String {
    let user = directory.user(user);
    let handle = user.handles.iter().find(|(system, _)| &**system == HANDLE).and_then(|(_, h)| h.value());
    handle.map_or_else(|| user.email.to_string(), ToString::to_string)
}

/// The id of a role, which is made with the actions that the files know where it is not there.
fn role_of(state: &mut State, directory: &Directory, role: RoleId) -> String {
    let role = directory.role(role);
    if let Some((id, _)) = state.roles.find(|r| r.name == *role.name) {
        return id.to_owned();
    }
    let id = format!("Role/{}", id_part(&role.name));
    let names = directory.permissions();
    let held = role.permissions.iter().filter_map(|p| names.get(p)).map(ToString::to_string);
    let actions: BTreeSet<String> = held.filter(|p| ACTIONS.contains(&p.as_str())).collect();
    state.put_role(&id, Role { name: role.name.to_string(), actions });
    id
}

fn organization(state: &mut State, name: &str) {
    let id = format!("Organization/{}", id_part(name));
    if state.organizations.get(&id).is_none() {
        let seq = state.number();
        state.organizations.put(&id, seq, Organization { name: name.to_owned(), ..Organization::default() });
    }
}

/// So many people, each in two of so many organizations.
fn generate(state: &mut State, users: usize, groups: usize) {
    for number in 0..groups {
        organization(state, &format!("team-{number:04}"));
    }
    for number in 0..users {
        let name = format!("user-{number:05}@sandbox.example");
        let id = format!("User/{}", id_part(&name));
        let seq = state.number();
        state.users.put(&id, seq, User { name, ..User::default() });
        for step in 0..groups.min(2) {
            let team = (number + step * 7 + step * (number / groups)) % groups;
            give(state, &id, &format!("Organization/team-{team:04}"), vec!["Role/consumer".to_owned()]);
        }
    }
}
