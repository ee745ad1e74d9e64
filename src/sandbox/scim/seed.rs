//! What is there at the beginning: what the file held, what a directory held before it became a
//! sandbox's, a declaration, or so many people.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::Options;
use super::api::Scim;
use super::project::{Mirror, Unknown, declared, user_body};
use super::schema::Kind;
use super::store::{Resource, Store};
use crate::sandbox::StartError;
use crate::sandbox::declared::declaration;
use crate::sandbox::keep::{Found, Keep};

/// The API with its first state, and what whoever starts it should know.
pub fn begin(options: &Options) -> Result<(Scim, Vec<String>), StartError> {
    let time = jiff::Timestamp::now();
    let mut scim = Scim::default();
    let mut notes = Vec::new();
    if let Some(path) = &options.state {
        let (keep, found) = Keep::open(path).map_err(|e| StartError::State(e.to_string()))?;
        restore(&mut scim, &found, time)?;
        scim.keep = Some(keep);
    }
    if scim.store.is_empty() {
        if let Some(path) = &options.seed {
            let directory =
                declaration(path, options.seed_target.as_deref(), "scim", time).map_err(StartError::Seed)?;
            let (users, teams) = declared(&directory);
            let users = users.iter().map(Unknown::user);
            let teams = teams.into_iter().map(|(team, members)| Unknown::Team(team, members));
            add(&mut scim.store, users.chain(teams).collect(), time, |_, _, _| {});
        }
        generate(&mut scim.store, options.users, options.groups, time);
    } else if options.seed.is_some() || options.users + options.groups > 0 {
        notes.push("the state holds people already, so nothing was added at the beginning".to_owned());
    }
    // What the file does not hold yet, or what others changed in it since, is written at once.
    scim.store.take_journal();
    let mut all: Vec<(String, Option<Kind>)> = Vec::new();
    for kind in Kind::ALL {
        all.extend(scim.store.list(kind).iter().map(|r| (r.id.clone(), Some(kind))));
    }
    scim.keep_all(all, time);
    Ok((scim, notes))
}

fn restore(scim: &mut Scim, found: &Found, time: jiff::Timestamp) -> Result<(), StartError> {
    let mut names: HashMap<String, String> = HashMap::new();
    for (kind, id, body) in &found.rows {
        let broken = || StartError::State(format!("what it holds of the {kind} `{id}` cannot be read"));
        match kind.as_str() {
            "user" => scim.store.restore(Resource::from_row(Kind::User, id, body).ok_or_else(broken)?),
            "group" => scim.store.restore(Resource::from_row(Kind::Group, id, body).ok_or_else(broken)?),
            "team-name" => {
                let name: String = serde_json::from_str(body).map_err(|_| broken())?;
                names.insert(id.clone(), name);
            }
            "counter" => scim.store.after(body.parse().map_err(|_| broken())?),
            _ => {}
        }
    }
    let (mirror, unknown) = Mirror::of(&found.directory, &scim.store, &names);
    scim.mirror = mirror;
    let mirror = &mut scim.mirror;
    add(&mut scim.store, unknown, time, |id, thing, store| mirror.adopt(id, thing, store));
    Ok(())
}

/// Makes resources of users and teams, users first; tells of each.
fn add(
    store: &mut Store,
    mut things: Vec<Unknown>,
    time: jiff::Timestamp,
    mut made: impl FnMut(&str, &Unknown, &Store),
) {
    things.sort_by_key(|thing| matches!(thing, Unknown::Team(..)));
    let mut teams: Vec<(String, String, Option<String>)> = Vec::new();
    for thing in &things {
        let (kind, body) = match thing {
            Unknown::User(record) => (Kind::User, user_body(record)),
            Unknown::Team(record, emails) => {
                let member = |email: &String| Some(json!({"value": store.named(email)?, "type": "User"}));
                (Kind::Group, group_body(&record.name, emails.iter().filter_map(member).collect()))
            }
        };
        let resource = store.fresh(kind, body, time);
        let id = resource.id.clone();
        if let Unknown::Team(record, _) = thing {
            teams.push((id.clone(), record.name.clone(), record.outer.clone()));
        }
        store.put(&id, Some(resource.into()));
        made(&id, thing, store);
    }
    // A team that lies in another is a member of it.
    let ids: HashMap<String, String> = teams.iter().map(|(id, name, _)| (name.clone(), id.clone())).collect();
    for (id, _, outer) in teams {
        let outer = outer.and_then(|name| ids.get(&name)).and_then(|o| store.get(Kind::Group, o));
        if let Some(outer) = outer {
            let mut outer = (**outer).clone();
            let members = outer.body.entry("members").or_insert_with(|| json!([]));
            if let Value::Array(members) = members {
                members.push(json!({"value": id, "type": "Group"}));
            }
            store.put(&outer.id.clone(), Some(outer.into()));
        }
    }
}

fn group_body(name: &str, members: Vec<Value>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("displayName".to_owned(), json!(name));
    if !members.is_empty() {
        body.insert("members".to_owned(), Value::Array(members));
    }
    body
}

/// People and groups for measuring: each is in two groups, where there are as many.
fn generate(store: &mut Store, users: usize, groups: usize, time: jiff::Timestamp) {
    let mut members: Vec<Vec<Value>> = vec![Vec::new(); groups];
    for number in 0..users {
        let email = format!("user-{number:05}@sandbox.example");
        let mut body = Map::new();
        body.insert("userName".to_owned(), json!(email));
        body.insert("displayName".to_owned(), json!(format!("User {number:05}")));
        body.insert("active".to_owned(), json!(true));
        body.insert("emails".to_owned(), json!([{"value": email, "type": "work", "primary": true}]));
        let user = store.fresh(Kind::User, body, time);
        for step in 0..groups.min(2) {
            if let Some(list) = members.get_mut((number + step * 7 + step * (number / groups)) % groups) {
                list.push(json!({"value": user.id, "type": "User"}));
            }
        }
        store.put(&user.id.clone(), Some(user.into()));
    }
    for (number, mut members) in members.into_iter().enumerate() {
        members.dedup();
        let group = store.fresh(Kind::Group, group_body(&format!("group-{number:04}"), members), time);
        store.put(&group.id.clone(), Some(group.into()));
    }
}
