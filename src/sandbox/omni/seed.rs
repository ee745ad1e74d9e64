//! What is there at the beginning: what the file held, what a directory held before it became a
//! sandbox's, declarations, a file of things, or so many people.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, json};

use super::Options;
use super::api::{Omni, stamp};
use super::people::{new_group, user_body};
use super::project::Shadow;
use super::things::{self, AttributeSaid, ConnectionSaid, DocumentSaid};
use super::world::{Key, State};
use super::{definitions, folders, roles};
use crate::model::{Directory, PrincipalRecord, ResourceId, ResourceRecord, UserRecord, UserState};
use crate::sandbox::StartError;
use crate::sandbox::declared::declaration;
use crate::sandbox::keep::{Found, Keep};
use crate::sandbox::scim::project::{Mirror, Unknown, declared};
use crate::sandbox::scim::schema::Kind;
use crate::sandbox::scim::store::{Resource, Store};

type Result<T> = std::result::Result<T, String>;

/// The API with its first state.
pub fn begin(options: &Options) -> std::result::Result<Omni, StartError> {
    let time = jiff::Timestamp::now();
    let mut omni = Omni::new(options.limit, options.acting.clone());
    omni.mirror.attributes_in = Some(super::people::ATTRIBUTES);
    if let Some(path) = &options.state {
        let (keep, found) = Keep::open(path).map_err(|e| StartError::State(e.to_string()))?;
        restore(&mut omni, &found, time).map_err(StartError::State)?;
        omni.keep = Some(keep);
    }
    let empty =
        omni.state.people.is_empty() && omni.state.world.connections.len() + omni.state.world.folders.len() == 0;
    if empty {
        first(&mut omni.state, options, time).map_err(StartError::Seed)?;
    }
    definitions::begin(&mut omni.state);
    if omni.state.world.keys.len() == 0 {
        // The key that the token stands for.
        let (id, seq) = omni.state.fresh("key");
        let key = Key {
            name: "sandbox".to_owned(),
            kind: "organization".to_owned(),
            enabled: true,
            created: stamp(time),
            membership: None,
        };
        omni.state.world.keys.put(&id, seq, key);
    }
    omni.commit(time);
    Ok(omni)
}

fn first(state: &mut State, options: &Options, time: jiff::Timestamp) -> Result<()> {
    for path in &options.seeds {
        let directory = declaration(path, options.seed_target.as_deref(), "omni", time)?;
        let (users, teams) = declared(&directory);
        let users = users.iter().map(Unknown::user);
        let teams = teams.into_iter().map(|(team, members)| Unknown::Team(team, members));
        people(state, users.chain(teams).collect(), time, |_, _, _| {})?;
        resources(state, &directory, time)?;
    }
    if let Some(path) = &options.things {
        let things = read(path)?;
        things::add(state, things, time)?;
    }
    generate(state, options.users, options.groups, time);
    Ok(())
}

fn read(path: &Path) -> Result<things::Things> {
    let bytes = std::fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    things::read(&bytes).map_err(|e| format!("{}: {e}", path.display()))
}

fn restore(omni: &mut Omni, found: &Found, time: jiff::Timestamp) -> Result<()> {
    let mut teams: HashMap<String, String> = HashMap::new();
    let mut names: HashMap<String, String> = HashMap::new();
    for (kind, id, body) in &found.rows {
        let broken = || format!("what it holds of the {kind} `{id}` cannot be read");
        let text = || serde_json::from_str::<String>(body).map_err(|_| broken());
        match kind.as_str() {
            "user" => omni.state.people.restore(Resource::from_row(Kind::User, id, body).ok_or_else(broken)?),
            "group" => omni.state.people.restore(Resource::from_row(Kind::Group, id, body).ok_or_else(broken)?),
            "team-name" => drop(teams.insert(id.clone(), text()?)),
            "resource-name" => drop(names.insert(id.clone(), text()?)),
            "counter" => omni.state.people.after(body.parse().map_err(|_| broken())?),
            other => {
                let tables = omni.state.world.tables();
                let table = tables.into_iter().find(|(name, _)| *name == other);
                if let Some((_, table)) = table {
                    table.restore(id, body).ok_or_else(broken)?;
                }
            }
        }
    }
    let (mirror, unknown) = Mirror::of(&found.directory, &omni.state.people, &teams);
    let attributes_in = omni.mirror.attributes_in;
    omni.mirror = mirror;
    omni.mirror.attributes_in = attributes_in;
    let mirror = &mut omni.mirror;
    people(&mut omni.state, unknown, time, |id, thing, store| mirror.adopt(id, thing, store))?;
    if found.rows.is_empty() {
        names.extend(resources(&mut omni.state, &found.directory, time)?);
    }
    omni.shadow = Shadow::of(&found.directory, &names, &omni.mirror, &omni.state);
    Ok(())
}

/// Makes users and groups, users first; tells of each.
fn people(
    state: &mut State,
    mut all: Vec<Unknown>,
    time: jiff::Timestamp,
    mut made: impl FnMut(&str, &Unknown, &Store),
) -> Result<()> {
    all.sort_by_key(|thing| matches!(thing, Unknown::Team(..)));
    for thing in &all {
        let id = match thing {
            Unknown::User(record) => user(state, record, time)?,
            Unknown::Team(team, _) if things::group(state, &team.name).is_ok() => continue,
            Unknown::Team(team, emails) => {
                let members: Vec<String> = emails.iter().filter_map(|e| things::user(state, e).ok()).collect();
                new_group(state, &team.name, &members, time)
            }
        };
        made(&id, thing, &state.people);
    }
    Ok(())
}

fn user(state: &mut State, record: &UserRecord, time: jiff::Timestamp) -> Result<String> {
    if let Some(id) = state.people.named(&record.email) {
        return Ok(id.to_owned());
    }
    let mut attributes = Map::new();
    for (name, text) in &record.attributes {
        things::define(state, name, AttributeSaid::default())?;
        let Some((_, definition)) = state.world.definitions.find(|d| d.name == *name) else { continue };
        if let Some(value) = definitions::value(definition, &json!(text)).map_err(|e| e.text)? {
            attributes.insert(name.clone(), value);
        }
    }
    let name = record.name.as_deref().unwrap_or(&record.email);
    let mut body = user_body(&record.email, name, record.role.as_deref().unwrap_or("MEMBER"), attributes);
    if let Some(zone) = &record.timezone {
        body.insert("timezone".to_owned(), json!(zone));
    }
    if record.state == UserState::Disabled {
        // As one who was revoked: hidden, and the address is free for somebody else.
        body.insert("active".to_owned(), json!(false));
    }
    let user = state.people.fresh(Kind::User, body, time);
    let id = user.id.clone();
    state.people.put(&id, Some(user.into()));
    Ok(id)
}

/// Makes resources and gives grants; the directory's name of each by its key.
fn resources(state: &mut State, directory: &Directory, time: jiff::Timestamp) -> Result<Vec<(String, String)>> {
    let mut all: Vec<(ResourceId, ResourceRecord)> = (0..directory.resources().len())
        .map(|index| ResourceId(u32::try_from(index).unwrap_or(u32::MAX)))
        .map(|id| (id, directory.resource_record(id)))
        .collect();
    let kind = |name: &str| ["connection/", "model/", "folder/", "document/"].iter().position(|k| name.starts_with(k));
    let depth = |record: &ResourceRecord| {
        let mut depth = 0;
        let mut next = record.parent.clone();
        while let Some(found) = next.as_deref().and_then(|p| directory.find_resource(p)).filter(|_| depth < 100) {
            depth += 1;
            next = directory.resource_record(found).parent;
        }
        depth
    };
    all.sort_by_cached_key(|(_, r)| (kind(&r.name), depth(r), r.name.clone()));
    let mut keys: HashMap<String, String> = HashMap::new();
    for (id, record) in &all {
        let Some((kind, name)) = record.name.split_once('/') else { continue };
        let outer = record.parent.as_ref().and_then(|p| keys.get(p)).and_then(|k| k.split_once(' '));
        let outer = outer.map(|(kind, id)| (kind.to_owned(), id.to_owned()));
        let made = match kind {
            "connection" => {
                things::new_connection(state, &ConnectionSaid { name: name.to_owned(), ..ConnectionSaid::default() })?
            }
            "model" => {
                let first = state.world.connections.iter().next().map(|(id, _)| id.to_owned());
                let connection = match outer.map(|(_, id)| id).or(first) {
                    Some(id) => id,
                    None => {
                        let said = ConnectionSaid { name: "sandbox".to_owned(), ..ConnectionSaid::default() };
                        things::new_connection(state, &said)?
                    }
                };
                things::model(state, name, "SHARED", &connection, time)
            }
            "folder" => {
                let path = match outer.map(|(_, id)| state.world.path(&id)) {
                    Some(outer) if !name.starts_with(&format!("{outer}/")) => format!("{outer}/{name}"),
                    _ => name.to_owned(),
                };
                let id = things::folder(state, &path, None)?;
                let access = things::owned(state, record.owner.as_deref())?;
                state.world.folders.change(&id, |f| f.access = access);
                id
            }
            "document" => {
                let outer = outer.map(|(_, id)| state.world.path(&id));
                let (folder, name) = match outer {
                    Some(outer) => {
                        let short = name.strip_prefix(&format!("{outer}/")).unwrap_or(name).to_owned();
                        (Some(outer), short)
                    }
                    None => match name.rsplit_once('/') {
                        Some((folder, name)) => (Some(folder.to_owned()), name.to_owned()),
                        None => (None, name.to_owned()),
                    },
                };
                let said = DocumentSaid {
                    identifier: is_identifier(&name).then(|| name.clone()),
                    name,
                    folder,
                    owner: record.owner.clone(),
                    description: record.description.clone(),
                    ..DocumentSaid::default()
                };
                things::new_document(state, &said, time)?
            }
            _ => continue,
        };
        grants(state, directory, *id, kind, &made)?;
        keys.insert(record.name.clone(), format!("{kind} {made}"));
    }
    Ok(keys.into_iter().map(|(name, key)| (key, name)).collect())
}

/// Whether a name is itself the short identifier of a document: eight letters and digits, not of one kind.
fn is_identifier(name: &str) -> bool {
    let has = |fits: fn(&char) -> bool| name.chars().any(|c| fits(&c));
    name.len() == 8
        && name.chars().all(|c| c.is_ascii_alphanumeric())
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_digit)
}

fn grants(state: &mut State, directory: &Directory, resource: ResourceId, kind: &str, id: &str) -> Result<()> {
    for grant in directory.grants_on(resource) {
        let grant = directory.grant_record(grant);
        let to = match &grant.to {
            PrincipalRecord::User(email) if things::user(state, email).is_err() => continue,
            PrincipalRecord::User(email) => email.clone(),
            PrincipalRecord::Team(name) => format!("team/{name}"),
            PrincipalRecord::Everyone => "everyone".to_owned(),
        };
        let role = grant.role.as_str();
        let place = |e: String| format!("{}: {e}", grant.resource);
        match (kind, to.as_str()) {
            ("connection", "everyone") => {
                roles::tier(state, role).ok_or_else(|| place(format!("there is no role `{role}`")))?;
                state.world.connections.change(id, |c| c.base_role = Some(role.to_owned()));
            }
            ("connection", to) => things::give(state, to, id, None, role).map_err(place)?,
            ("model", "everyone") => {
                return Err(place("a role for everyone is that of the connection".to_owned()));
            }
            ("model", to) => {
                let connection = state.world.models.get(id).and_then(|m| m.connection.clone()).unwrap_or_default();
                things::give(state, to, &connection, Some(id), role).map_err(place)?;
            }
            ("folder", to) => {
                let Some(mut access) = state.world.folders.get(id).map(|f| f.access.clone()) else { continue };
                things::permit(state, &mut access, to, role).map_err(place)?;
                state.world.folders.change(id, |f| f.access = access);
            }
            (_, to) => {
                let Some(mut access) = state.world.documents.get(id).map(|d| d.access.clone()) else { continue };
                things::permit(state, &mut access, to, role).map_err(place)?;
                state.world.documents.change(id, |d| d.access = access);
            }
        }
    }
    Ok(())
}

/// People and groups for measuring: each is in two groups, where there are as many.
fn generate(state: &mut State, users: usize, groups: usize, time: jiff::Timestamp) {
    let mut members: Vec<Vec<String>> = vec![Vec::new(); groups];
    for number in 0..users {
        let email = format!("user-{number:05}@sandbox.example");
        let body = user_body(&email, &format!("User {number:05}"), "MEMBER", Map::new());
        let user = state.people.fresh(Kind::User, body, time);
        for step in 0..groups.min(2) {
            if let Some(list) = members.get_mut((number + step * 7 + step * (number / groups)) % groups)
                && list.last() != Some(&user.id)
            {
                list.push(user.id.clone());
            }
        }
        state.people.put(&user.id.clone(), Some(user.into()));
    }
    for (number, members) in members.into_iter().enumerate() {
        new_group(state, &format!("group-{number:04}"), &members, time);
    }
}

/// A folder's own part of its path, for a name of a seed.
pub fn own_segment(name: &str) -> String {
    let fits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits { name.to_owned() } else { folders::segment(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_identifiers() {
        assert!(is_identifier("mEhXj6ZI"));
        for name in ["finance1", "Overview", "12345678", "Q3-Sales", "aB3"] {
            assert!(!is_identifier(name), "{name}");
        }
        assert_eq!(own_segment("Finance Reports"), "finance-reports");
        assert_eq!(own_segment("Finance-1"), "Finance-1");
    }
}
