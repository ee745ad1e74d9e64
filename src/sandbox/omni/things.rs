//! What only Omni's own screens can make, as a file or a request of a test says it: attribute definitions,
//! connections, models, folders, documents, schedules, embed and e-mail-only users, keys, custom roles; and
//! what they say of users. Things name each other as a declaration does: users by address, groups by name,
//! folders by path, documents by path and name.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::api::stamp;
use super::people::{self, administrator, member, name_of, new_group, user_body};
use super::roles;
use super::seed::own_segment;
use super::world::{
    Access, Connection, Custom, Definition, Document, EmailOnly, Embed, Folder, Held, Key, Model, Permit, Role,
    Schedule, State, group_uuid, maker,
};
use super::{connections, content, definitions, folders};
use crate::sandbox::scim::schema::Kind;

/// What a file holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Things {
    pub custom_roles: BTreeMap<String, CustomSaid>,
    pub attributes: Vec<AttributeSaid>,
    pub users: Vec<UserSaid>,
    pub groups: BTreeMap<String, Vec<String>>,
    pub connections: Vec<ConnectionSaid>,
    pub models: Vec<ModelSaid>,
    pub folders: Vec<FolderSaid>,
    pub documents: Vec<DocumentSaid>,
    pub schedules: Vec<ScheduleSaid>,
    pub embed_users: Vec<EmbedSaid>,
    pub email_only_users: Vec<String>,
    pub api_keys: Vec<KeySaid>,
}

/// A role that the organization made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomSaid {
    pub base: String,
    /// Where it is not that of its base.
    pub priority: Option<u64>,
}

/// The definition of an attribute.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeSaid {
    pub name: String,
    pub label: Option<String>,
    pub description: Option<String>,
    pub number: bool,
    pub multiple: bool,
    pub value: Value,
}

/// What the screens say of a user; who is not there is made.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserSaid {
    pub email: String,
    pub name: Option<String>,
    /// `MEMBER` or `ORG_ADMIN`.
    pub role: Option<String>,
    pub timezone: Option<String>,
    pub last_login: Option<String>,
    pub attributes: Map<String, Value>,
}

/// A connection.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionSaid {
    pub name: String,
    pub dialect: Option<String>,
    pub database: Option<String>,
    pub schema: Option<String>,
    pub base_role: Option<String>,
    /// Roles on the connection as a whole: by user or `team/name`.
    pub roles: BTreeMap<String, String>,
}

/// A model.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSaid {
    pub name: String,
    /// The first that there is, where nothing is said.
    pub connection: Option<String>,
    /// `SHARED`, where nothing is said.
    pub kind: Option<String>,
    /// Roles: by user or `team/name`.
    pub roles: BTreeMap<String, String>,
}

/// A folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FolderSaid {
    pub path: String,
    pub name: Option<String>,
    pub owner: Option<String>,
    pub restricted: bool,
    pub labels: Vec<String>,
    /// Roles: by user, `team/name`, or `everyone`.
    pub permits: BTreeMap<String, String>,
}

/// A document.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DocumentSaid {
    pub name: String,
    /// Its short identifier; made where nothing is said.
    pub identifier: Option<String>,
    /// The path of its folder; nothing for the personal folder of its owner.
    pub folder: Option<String>,
    pub owner: Option<String>,
    pub connection: Option<String>,
    pub description: Option<String>,
    pub labels: Vec<String>,
    pub permits: BTreeMap<String, String>,
}

/// A schedule.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleSaid {
    pub name: String,
    /// By identifier, by path and name, or by name alone.
    pub document: String,
    pub owner: String,
    pub schedule: Option<String>,
    pub timezone: Option<String>,
    /// `email`, where nothing is said.
    pub destination: Option<String>,
    pub emails: Vec<String>,
    pub users: Vec<String>,
    pub groups: Vec<String>,
}

/// An embed user.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbedSaid {
    pub external_id: String,
    pub name: Option<String>,
    pub entity: Option<String>,
    pub email: Option<String>,
    pub groups: Vec<String>,
}

/// An API key.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeySaid {
    pub name: String,
    /// `organization`, where nothing is said, `personal` or `mcp`.
    pub kind: Option<String>,
    pub owner: Option<String>,
}

type Result<T> = std::result::Result<T, String>;

/// Reads what a file or a request says: YAML, or the JSON that is part of it.
pub fn read(bytes: &[u8]) -> Result<Things> {
    serde_yaml::from_slice(bytes).map_err(|e| e.to_string())
}

/// A user by address.
pub fn user(state: &State, email: &str) -> Result<String> {
    let found = state.people.named(email).filter(|id| member(state, id).is_some());
    found.map(str::to_owned).ok_or_else(|| format!("there is no user `{email}`"))
}

/// A group by name: its short identifier.
pub fn group(state: &State, name: &str) -> Result<String> {
    let all = state.people.list(Kind::Group);
    let found = all.into_iter().find(|g| g.text("displayName") == Some(name));
    found.map(|g| g.id.clone()).ok_or_else(|| format!("there is no group `{name}`"))
}

/// A principal as a declaration writes it: the identifier, and whether it is a group's.
pub fn principal(state: &State, text: &str) -> Result<(String, bool)> {
    match text.strip_prefix("team/") {
        Some(name) => group(state, name).map(|id| (id, true)),
        None => user(state, text).map(|id| (id, false)),
    }
}

/// A connection by name.
pub fn connection(state: &State, name: &str) -> Result<String> {
    let found = state.world.connections.find(|c| c.name == name).map(|(id, _)| id.to_owned());
    found.ok_or_else(|| format!("there is no connection `{name}`"))
}

/// A document by identifier, by path and name, or by name alone.
pub fn document(state: &State, text: &str) -> Result<String> {
    if state.world.documents.get(text).is_some() {
        return Ok(text.to_owned());
    }
    let fits = |(_, d): &(&str, &Document)| {
        let path = d.folder.as_deref().map(|f| format!("{}/{}", state.world.path(f), d.name));
        d.name == text || path.as_deref() == Some(text)
    };
    let found = state.world.documents.iter().find(fits).map(|(id, _)| id.to_owned());
    found.ok_or_else(|| format!("there is no document `{text}`"))
}

/// The folder of a path; what is missing of it is made.
pub fn folder(state: &mut State, path: &str, owner: Option<&str>) -> Result<String> {
    let mut parent: Option<String> = None;
    for part in path.split('/').filter(|p| !p.is_empty()) {
        let segment = own_segment(part);
        let known = state.world.folders.find(|f| f.parent == parent && f.segment == segment);
        let known = known.map(|(id, _)| id.to_owned());
        let id = match known {
            Some(id) => id,
            None => {
                let access = owned(state, owner)?;
                let (id, seq) = state.fresh("folder");
                let folder =
                    Folder { name: part.to_owned(), segment, parent: parent.clone(), labels: Vec::new(), access };
                state.world.folders.put(&id, seq, folder);
                id
            }
        };
        parent = Some(id);
    }
    parent.ok_or_else(|| "a folder has no path".to_owned())
}

/// Access with an owner alone: whoever is named, or the first organization administrator.
pub fn owned(state: &State, owner: Option<&str>) -> Result<Access> {
    let id = match owner {
        Some(owner) => user(state, owner)?,
        None => administrator(state).map_or_else(maker, |u| u.id.clone()),
    };
    let name = member(state, &id).map(|u| name_of(u).to_owned()).unwrap_or_default();
    Ok(Access { owner: id, owner_name: name, ..Access::default() })
}

/// Gives a role on content.
pub fn permit(state: &State, access: &mut Access, to: &str, role: &str) -> Result<()> {
    if !content::ROLES.contains(&role) {
        return Err(format!("`{role}` is no role on folders and documents"));
    }
    if to == "everyone" {
        access.everyone = (role != "NO_ACCESS").then(|| (role.to_owned(), false));
        return Ok(());
    }
    let (principal, group) = principal(state, to)?;
    match access.permits.iter_mut().find(|p| p.principal == principal) {
        Some(known) => known.role = role.to_owned(),
        None => access.permits.push(Permit { principal, group, role: role.to_owned(), boost: false }),
    }
    Ok(())
}

/// Gives a role on a model, or on a connection as a whole.
pub fn give(state: &mut State, to: &str, connection: &str, model: Option<&str>, role: &str) -> Result<()> {
    let (base, _) = roles::tier(state, role).ok_or_else(|| format!("there is no role `{role}`"))?;
    if (base == roles::ADMIN) != model.is_none() {
        return Err(format!("`{role}` for `{to}`: {} is for connections, other roles for models", roles::ADMIN));
    }
    let (id, group) = principal(state, to)?;
    let mut held = state.world.held.get(&id).cloned().unwrap_or(Held { group, roles: Vec::new() });
    held.roles.retain(|r| r.connection != connection || r.model.as_deref() != model);
    held.roles.push(Role { connection: connection.to_owned(), model: model.map(str::to_owned), role: role.to_owned() });
    let seq = state.people.number();
    state.world.held.put(&id, seq, held);
    Ok(())
}

/// Defines an attribute where it is not defined.
pub fn define(state: &mut State, name: &str, said: AttributeSaid) -> Result<()> {
    if state.world.definitions.find(|d| d.name == name).is_some() {
        return Ok(());
    }
    let mut definition = Definition {
        name: name.to_owned(),
        label: said.label.unwrap_or_else(|| name.to_owned()),
        description: said.description,
        number: said.number,
        multiple: said.multiple,
        default: Value::Null,
        system: false,
    };
    definition.default = definitions::value(&definition, &said.value).map_err(|e| e.text)?.unwrap_or(Value::Null);
    let (id, seq) = state.fresh("definition");
    state.world.definitions.put(&id, seq, definition);
    Ok(())
}

/// Makes a model.
pub fn model(state: &mut State, name: &str, kind: &str, connection: &str, time: jiff::Timestamp) -> String {
    let (id, seq) = state.fresh("model");
    let now = stamp(time);
    let model = Model {
        name: Some(name.to_owned()),
        kind: kind.to_owned(),
        connection: Some(connection.to_owned()),
        base: None,
        created: now.clone(),
        updated: now,
        deleted: None,
    };
    state.world.models.put(&id, seq, model);
    id
}

/// Makes a connection.
pub fn new_connection(state: &mut State, said: &ConnectionSaid) -> Result<String> {
    let base_role = match &said.base_role {
        Some(role) => Some(connections::base_role(state, role).map_err(|e| e.text)?),
        None => None,
    };
    let (id, seq) = state.fresh("connection");
    let connection = Connection {
        name: said.name.clone(),
        dialect: said.dialect.clone().unwrap_or_else(|| "postgres".to_owned()),
        database: said.database.clone(),
        schema: said.schema.clone(),
        base_role,
        deleted: None,
        environment: None,
    };
    state.world.connections.put(&id, seq, connection);
    Ok(id)
}

/// Makes a document.
pub fn new_document(state: &mut State, said: &DocumentSaid, time: jiff::Timestamp) -> Result<String> {
    let folder = match &said.folder {
        Some(path) => Some(folder(state, path, said.owner.as_deref())?),
        None => None,
    };
    let (made, seq) = state.fresh_short("document");
    let id = said.identifier.clone().unwrap_or(made);
    if state.world.documents.get(&id).is_some() {
        return Err(format!("there are two documents `{id}`"));
    }
    let mut access = owned(state, said.owner.as_deref())?;
    let outer = folder.as_deref().and_then(|f| state.world.folders.get(f));
    access.restricted = outer.map_or(folder.is_none(), |f| f.access.restricted);
    for (to, role) in &said.permits {
        permit(state, &mut access, to, role)?;
    }
    let connection = match &said.connection {
        Some(name) => Some(connection(state, name)?),
        None => state.world.connections.iter().next().map(|(id, _)| id.to_owned()),
    };
    let document = Document {
        name: said.name.clone(),
        description: said.description.clone(),
        connection,
        folder,
        dashboard: true,
        updated: stamp(time),
        labels: said.labels.clone(),
        access,
        abilities: Map::new(),
    };
    state.world.documents.put(&id, seq, document);
    Ok(id)
}

fn add_user(state: &mut State, said: UserSaid, time: jiff::Timestamp) -> Result<()> {
    let known = user(state, &said.email).ok().and_then(|id| state.people.get(Kind::User, &id).cloned());
    let mut resource = match known {
        Some(known) => (*known).clone(),
        None => {
            let name = said.name.clone().unwrap_or_else(|| said.email.clone());
            state.people.fresh(Kind::User, user_body(&said.email, &name, "MEMBER", Map::new()), time)
        }
    };
    let body = &mut resource.body;
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    if let Some(name) = said.name {
        put("displayName", json!(name));
    }
    match said.role.as_deref() {
        None => {}
        Some(role @ ("MEMBER" | "ORG_ADMIN")) => put("roles", json!([{"value": role, "primary": true}])),
        Some(role) => return Err(format!("`{role}` is no role in the organization")),
    }
    if let Some(zone) = said.timezone {
        put("timezone", json!(zone));
    }
    if let Some(at) = said.last_login {
        put("lastLogin", json!(at));
    }
    let mut kept = match body.remove(people::ATTRIBUTES) {
        Some(Value::Object(kept)) => kept,
        _ => Map::new(),
    };
    for (name, value) in said.attributes {
        define(state, &name, AttributeSaid { multiple: value.is_array(), ..AttributeSaid::default() })?;
        let Some((_, definition)) = state.world.definitions.find(|d| d.name == name) else { continue };
        match definitions::value(definition, &value).map_err(|e| e.text)? {
            Some(value) => drop(kept.insert(name, value)),
            None => drop(kept.remove(&name)),
        }
    }
    if !kept.is_empty() {
        resource.body.insert(people::ATTRIBUTES.to_owned(), Value::Object(kept));
    }
    state.people.put(&resource.id.clone(), Some(Arc::new(resource)));
    Ok(())
}

/// Puts things in, and changes users who are there.
///
/// # Errors
/// What names something that is not there. Then the state is to be undone.
pub fn add(state: &mut State, things: Things, time: jiff::Timestamp) -> Result<()> {
    for (name, said) in things.custom_roles {
        let priority = roles::TIERS.iter().find(|(n, _)| *n == said.base).map(|(_, p)| *p);
        let priority = priority.ok_or_else(|| format!("`{}` is no role that another can be based on", said.base))?;
        let seq = state.people.number();
        state.world.customs.put(&name, seq, Custom { base: said.base, priority: said.priority.unwrap_or(priority) });
    }
    for said in things.attributes {
        define(state, &said.name.clone(), said)?;
    }
    for said in things.users {
        add_user(state, said, time)?;
    }
    for (name, emails) in things.groups {
        let members = emails.iter().map(|e| user(state, e)).collect::<Result<Vec<_>>>()?;
        if group(state, &name).is_ok() {
            return Err(format!("there is a group `{name}`"));
        }
        new_group(state, &name, &members, time);
    }
    for said in &things.connections {
        let id = new_connection(state, said)?;
        for (to, role) in &said.roles {
            give(state, to, &id, None, role)?;
        }
    }
    for said in &things.models {
        let id = match &said.connection {
            Some(name) => connection(state, name)?,
            None => state
                .world
                .connections
                .iter()
                .next()
                .map(|(id, _)| id.to_owned())
                .ok_or("a model needs a connection")?,
        };
        let made = model(state, &said.name, said.kind.as_deref().unwrap_or("SHARED"), &id, time);
        for (to, role) in &said.roles {
            give(state, to, &id, Some(&made), role)?;
        }
    }
    for said in &things.folders {
        let id = folder(state, &said.path, said.owner.as_deref())?;
        let Some(mut found) = state.world.folders.get(&id).cloned() else { continue };
        found.name = said.name.clone().unwrap_or(found.name);
        found.labels.clone_from(&said.labels);
        found.access.restricted = said.restricted;
        if said.owner.is_some() {
            let owner = owned(state, said.owner.as_deref())?;
            (found.access.owner, found.access.owner_name) = (owner.owner, owner.owner_name);
        }
        for (to, role) in &said.permits {
            permit(state, &mut found.access, to, role)?;
        }
        state.world.folders.change(&id, |f| *f = found);
    }
    for said in &things.documents {
        new_document(state, said, time)?;
    }
    for said in things.schedules {
        let owner = owned(state, Some(&said.owner))?;
        let schedule = Schedule {
            name: said.name,
            owner: owner.owner,
            owner_name: owner.owner_name,
            document: document(state, &said.document)?,
            cron: said.schedule.unwrap_or_else(|| "0 9 ? * MON *".to_owned()),
            timezone: said.timezone.unwrap_or_else(|| "UTC".to_owned()),
            destination: said.destination.unwrap_or_else(|| "email".to_owned()),
            format: "pdf".to_owned(),
            content: "dashboard".to_owned(),
            emails: said.emails,
            users: said.users.iter().map(|e| user(state, e)).collect::<Result<_>>()?,
            groups: said.groups.iter().map(|n| group(state, n).map(|g| group_uuid(&g))).collect::<Result<_>>()?,
            disabled: None,
            stopped: None,
            last_status: None,
            last_completed: None,
        };
        let (id, seq) = state.fresh("schedule");
        state.world.schedules.put(&id, seq, schedule);
    }
    for said in things.embed_users {
        let (id, seq) = state.fresh("embed");
        let embed = Embed {
            user_name: format!("{}@embed.sandbox.example", folders::segment(&said.external_id)),
            name: said.name.unwrap_or_else(|| said.external_id.clone()),
            external_id: said.external_id,
            entity: said.entity,
            email: said.email,
            attributes: Map::new(),
            created: stamp(time),
        };
        state.world.embeds.put(&id, seq, embed);
        for name in said.groups {
            let found = group(state, &name)?;
            let Some(found) = state.people.get(Kind::Group, &found) else { continue };
            let mut found = (**found).clone();
            let members = found.body.entry("members").or_insert_with(|| json!([]));
            if let Value::Array(members) = members {
                members.push(json!({"value": id}));
            }
            state.people.put(&found.id.clone(), Some(Arc::new(found)));
        }
    }
    for email in things.email_only_users {
        let (id, seq) = state.fresh("email-only");
        state.world.email_only.put(&id, seq, EmailOnly { email, attributes: Map::new() });
    }
    for said in things.api_keys {
        let kind = said.kind.unwrap_or_else(|| "organization".to_owned());
        if !["organization", "personal", "mcp"].contains(&kind.as_str()) {
            return Err(format!("`{kind}` is no kind of API key"));
        }
        let membership = said.owner.map(|e| user(state, &e)).transpose()?;
        let (id, seq) = state.fresh("key");
        state.world.keys.put(&id, seq, Key { name: said.name, kind, enabled: true, created: stamp(time), membership });
    }
    Ok(())
}
