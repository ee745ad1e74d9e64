//! Users and groups in Omni's dialect of SCIM (fact sheet omni, sections b.1 and b.2).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::api::{Cx, Done};
use super::definitions;
use super::error::{Refusal, Result};
use super::faults::{
    CHANGED_NAMES, DANGLING_MEMBERS, DUPLICATE_IS_500, EMAIL_CHANGES, EMPTY_FILTER, EMPTY_MEMBERS, IGNORED_FILTER,
    INACTIVE_SHOWN, NAME_STAYS_TAKEN, NO_FILTER, NO_MEMBERS_FILTER, NO_PATCH, SCHEDULES_DELETED, STRICT_REMOVE,
    SYSTEM_SHOWN, UNDEFINED_REFUSED,
};
use super::page::{self, Filter};
use super::world::{State, is_uuid};
use crate::sandbox::scim::patch::{self, Operation, Verb};
use crate::sandbox::scim::schema::Kind;
use crate::sandbox::scim::store::{Resource, stamp};

/// Where a user's attributes are.
pub const ATTRIBUTES: &str = "urn:omni:params:1.0:UserAttribute";
/// Where the last login is.
const LOGIN: &str = "urn:omni:params:scim:schemas:extension:user:2.0";
/// What a PATCH says that it is.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// How long the name of a group can be.
const NAME_MAX: usize = 64;

/// The organization role of a user; kept in the body, where SCIM itself keeps roles, and never shown.
pub fn organization_role(user: &Resource) -> &str {
    let first = user.body.get("roles").and_then(Value::as_array).and_then(|l| l.first());
    first.and_then(|r| r.get("value")).and_then(Value::as_str).unwrap_or("MEMBER")
}

/// Whether somebody is a member now.
pub fn is_member(user: &Resource) -> bool {
    user.body.get("active") != Some(&Value::Bool(false))
}

/// Whether a client sees this user.
fn is_shown(cx: &Cx<'_>, user: &Resource) -> bool {
    is_member(user) || cx.has(&INACTIVE_SHOWN)
}

/// A user who is a member now, by their membership.
pub fn member<'a>(state: &'a State, id: &str) -> Option<&'a Arc<Resource>> {
    state.people.get(Kind::User, id).filter(|u| is_member(u))
}

/// The first organization administrator.
pub fn administrator(state: &State) -> Option<&Resource> {
    let all = state.people.list(Kind::User);
    all.into_iter().map(AsRef::as_ref).find(|u| is_member(u) && organization_role(u) == "ORG_ADMIN")
}

/// The name that people see.
pub fn name_of(user: &Resource) -> &str {
    user.text("displayName").or_else(|| user.text("userName")).unwrap_or_default()
}

/// A new user's body.
pub fn user_body(email: &str, name: &str, role: &str, attributes: Map<String, Value>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("userName".to_owned(), json!(email));
    body.insert("displayName".to_owned(), json!(name));
    body.insert("active".to_owned(), json!(true));
    body.insert("emails".to_owned(), json!([{"primary": true, "value": email}]));
    body.insert("roles".to_owned(), json!([{"value": role, "primary": true}]));
    if !attributes.is_empty() {
        body.insert(ATTRIBUTES.to_owned(), Value::Object(attributes));
    }
    body
}

fn user<'a>(cx: &'a Cx<'_>, id: &str) -> Result<&'a Arc<Resource>> {
    let found = cx.state.people.get(Kind::User, id).filter(|u| is_shown(cx, u));
    found.ok_or_else(|| Refusal::missing("User not found"))
}

/// One who can be changed: who was revoked cannot.
fn changeable(cx: &Cx<'_>, id: &str) -> Result<Resource> {
    let found = member(cx.state, id).ok_or_else(|| Refusal::missing("User not found"))?;
    Ok((**found).clone())
}

fn show_user(cx: &Cx<'_>, user: &Resource) -> Value {
    let mut attributes = user.body.get(ATTRIBUTES).and_then(Value::as_object).cloned().unwrap_or_default();
    if cx.has(&SYSTEM_SHOWN) {
        for (name, place) in definitions::SETTABLE {
            if let Some(value) = user.body.get(place) {
                attributes.insert(name.to_owned(), value.clone());
            }
        }
    }
    let mut login = Map::new();
    if let Some(at) = user.body.get("lastLogin") {
        login.insert("lastLogin".to_owned(), at.clone());
    }
    let groups: Vec<Value> =
        cx.state.people.groups_of(&user.id).map(|g| json!({"display": g.text("displayName"), "value": g.id})).collect();
    let mut name = user.text("userName").unwrap_or_default().to_owned();
    if cx.has(&CHANGED_NAMES) {
        let mut chars = name.chars();
        let first: String = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        name = format!("{first}{}", chars.as_str());
    }
    json!({
        "id": user.id, "userName": name, "displayName": user.text("displayName"), "active": is_member(user),
        "emails": user.body.get("emails"), "groups": groups,
        "meta": {"resourceType": "User", "created": *user.created, "lastModified": *user.modified},
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ATTRIBUTES, LOGIN],
        ATTRIBUTES: attributes, LOGIN: login,
    })
}

fn show_group(cx: &Cx<'_>, group: &Resource) -> Value {
    let mut body = json!({
        "id": group.id, "displayName": group.text("displayName"),
        "meta": {"resourceType": "Group", "created": *group.created, "lastModified": *group.modified},
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    });
    let excluded = cx.param("excludedAttributes").unwrap_or_default();
    let wanted = !excluded.split(',').any(|n| n.trim().eq_ignore_ascii_case("members"));
    if let Some(map) = body.as_object_mut().filter(|_| wanted) {
        let one = |id: &str| {
            let user = cx.state.people.get(Kind::User, id).and_then(|u| u.text("userName"));
            let embed = || cx.state.world.embeds.get(id).map(|e| e.user_name.as_str());
            json!({"value": id, "display": user.or_else(embed)})
        };
        let members: Vec<Value> = if cx.has(&EMPTY_MEMBERS) { Vec::new() } else { group.members().map(one).collect() };
        map.insert("members".to_owned(), Value::from(members));
    }
    body
}

/// What a filter leaves of a list, with the faults of filters.
pub fn filtered<T>(
    cx: &Cx<'_>,
    known: &[(&str, &[&str])],
    all: Vec<T>,
    fits: impl Fn(&Filter, &T) -> bool,
) -> Result<Vec<T>> {
    let filter = Filter::of(cx.call.request, known)?;
    let Some(filter) = filter else { return Ok(all) };
    cx.unless(&NO_FILTER)?;
    if cx.has(&IGNORED_FILTER) {
        return Ok(all);
    }
    if cx.has(&EMPTY_FILTER) {
        return Ok(Vec::new());
    }
    Ok(all.into_iter().filter(|one| fits(&filter, one)).collect())
}

/// `GET /scim/v2/users`
pub fn list_users(cx: &Cx<'_>) -> Result<Done> {
    let shown = cx.state.people.list(Kind::User).into_iter().filter(|u| is_shown(cx, u)).collect();
    let all = filtered(cx, &[("userName", &["eq"])], shown, |filter, user: &&Arc<Resource>| {
        filter.fits(user.text("userName").unwrap_or_default(), false)
    })?;
    page::scim(cx.call.request, cx.call.faults, all, |user| show_user(cx, user)).map(Done::of)
}

/// `GET /scim/v2/users/{id}`
pub fn get_user(cx: &Cx<'_>, id: &str) -> Result<Done> {
    Ok(Done::of(show_user(cx, user(cx, id)?)))
}

/// An e-mail, as a text that has the form of one.
pub fn email(value: Option<&Value>, field: &str) -> Result<String> {
    let text = value.ok_or_else(|| Refusal::bad(format!("{field}: Required")))?;
    let fits = |t: &&str| {
        t.split_once('@').is_some_and(|(l, d)| !l.is_empty() && d.contains('.') && !d.contains('@'))
            && !t.contains(char::is_whitespace)
    };
    text.as_str().filter(fits).map(str::to_owned).ok_or_else(|| Refusal::bad(format!("{field}: Invalid email")))
}

fn is_taken(cx: &mut Cx<'_>, name: &str) -> Result<()> {
    let key = name.to_lowercase();
    let owner = cx.state.people.named(&key).map(str::to_owned);
    let active = owner.as_deref().is_some_and(|id| member(cx.state, id).is_some());
    let stays = cx.has(&NAME_STAYS_TAKEN) && cx.gone.contains(&key);
    if active || stays {
        return Err(if cx.has(&DUPLICATE_IS_500) {
            Refusal::new(500, "Internal Server Error")
        } else {
            Refusal::new(409, "User with this email already exists")
        });
    }
    // Who was revoked and is still shown makes place: the new user is somebody else.
    if let Some(id) = owner {
        cx.state.people.put(&id, None);
    }
    Ok(())
}

/// Puts attributes into a body. What has no definition, or is the system's own, is left out.
fn set_attributes(cx: &Cx<'_>, body: &mut Map<String, Value>, sent: &Map<String, Value>) -> Result<()> {
    let mut kept = match body.remove(ATTRIBUTES) {
        Some(Value::Object(kept)) => kept,
        _ => Map::new(),
    };
    for (name, value) in sent {
        if let Some((_, place)) = definitions::SETTABLE.iter().find(|(n, _)| n == name) {
            match value {
                Value::Null => body.remove(*place),
                value => body.insert((*place).to_owned(), value.clone()),
            };
            continue;
        }
        let definition = cx.state.world.definitions.find(|d| d.name == *name).map(|(_, d)| d);
        match definition.filter(|d| !d.system) {
            None if definition.is_none() && cx.has(&UNDEFINED_REFUSED) => {
                return Err(Refusal::bad(format!("User attribute \"{name}\" does not exist")));
            }
            None => {}
            Some(definition) => match definitions::value(definition, value)? {
                Some(value) => drop(kept.insert(name.clone(), value)),
                None => drop(kept.remove(name)),
            },
        }
    }
    if !kept.is_empty() {
        body.insert(ATTRIBUTES.to_owned(), Value::Object(kept));
    }
    Ok(())
}

/// The attributes of a body, where there are some.
fn sent_attributes(body: &Map<String, Value>) -> Result<Option<&Map<String, Value>>> {
    match body.get(ATTRIBUTES) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(Refusal::bad(format!("{ATTRIBUTES}: Expected object"))),
    }
}

fn name(value: Option<&Value>, field: &str) -> Result<String> {
    match value {
        None => Err(Refusal::bad(format!("{field}: Required"))),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(Refusal::bad(format!("{field}: Expected string"))),
    }
}

/// `POST /scim/v2/users`: an organization member, never an administrator.
pub fn create_user(cx: &mut Cx<'_>) -> Result<Done> {
    let sent = cx.object()?.clone();
    let email = email(sent.get("userName"), "userName")?;
    let mut body = user_body(&email, &name(sent.get("displayName"), "displayName")?, "MEMBER", Map::new());
    is_taken(cx, &email)?;
    if let Some(attributes) = sent_attributes(&sent)? {
        set_attributes(cx, &mut body, attributes)?;
    }
    let user = cx.state.people.fresh(Kind::User, body, cx.call.time);
    let user = Arc::new(user);
    cx.state.people.put(&user.id.clone(), Some(Arc::clone(&user)));
    Ok(Done::made(show_user(cx, &user)))
}

/// `PUT /scim/v2/users/{id}`: what is not said goes back to its default.
pub fn replace_user(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    let sent = cx.object()?.clone();
    let mut new = changeable(cx, id)?;
    let email = email(sent.get("userName"), "userName")?;
    new.body.remove(ATTRIBUTES);
    let display = sent.get("displayName").filter(|d| !d.is_null());
    let display = display.map_or_else(|| Ok(email.clone()), |d| name(Some(d), "displayName"))?;
    new.body.insert("displayName".to_owned(), json!(display));
    rename(cx, &mut new, &email)?;
    if let Some(attributes) = sent_attributes(&sent)? {
        set_attributes(cx, &mut new.body, attributes)?;
    }
    let active = sent.get("active").map_or(Ok(true), boolean)?;
    finish_user(cx, new, active)
}

fn boolean(value: &Value) -> Result<bool> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Refusal::bad("active: Expected boolean")),
    }
}

fn rename(cx: &mut Cx<'_>, user: &mut Resource, email: &str) -> Result<()> {
    if user.text("userName").is_some_and(|old| old.eq_ignore_ascii_case(email)) {
        return Ok(());
    }
    if !cx.has(&EMAIL_CHANGES) {
        return Err(Refusal::bad("userName cannot be changed"));
    }
    is_taken(cx, email)?;
    user.body.insert("userName".to_owned(), json!(email));
    user.body.insert("emails".to_owned(), json!([{"primary": true, "value": email}]));
    Ok(())
}

fn finish_user(cx: &mut Cx<'_>, mut user: Resource, active: bool) -> Result<Done> {
    let before = cx.state.people.get(Kind::User, &user.id).cloned();
    if before.is_none_or(|b| b.body != user.body) {
        user.modified = stamp(cx.call.time);
        cx.state.people.put(&user.id.clone(), Some(Arc::new(user.clone())));
    }
    if active {
        return Ok(Done::of(show_user(cx, &user)));
    }
    user.body.insert("active".to_owned(), json!(false));
    let shown = show_user(cx, &user);
    let keep = cx.has(&INACTIVE_SHOWN);
    revoke(cx, &user.id)?;
    if keep {
        cx.state.people.put(&user.id.clone(), Some(Arc::new(user)));
    }
    Ok(Done::of(shown))
}

/// `PATCH /scim/v2/users/{id}`
pub fn patch_user(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    cx.unless(&NO_PATCH)?;
    let mut new = changeable(cx, id)?;
    let mut active = true;
    for operation in operations(cx)? {
        if operation.verb == Verb::Remove && operation.value.is_null() && cx.has(&STRICT_REMOVE) {
            return Err(Refusal::bad("Operations.0.value: Required"));
        }
        let value = if operation.verb == Verb::Remove { Value::Null } else { operation.value };
        match operation.path.as_deref() {
            None => {
                let Value::Object(values) = value else {
                    return Err(Refusal::bad("Operations.0.value: Expected object"));
                };
                for (name, value) in values {
                    set(cx, &mut new, &mut active, &name, value, false)?;
                }
            }
            Some(path) => set(cx, &mut new, &mut active, path, value, true)?,
        }
    }
    finish_user(cx, new, active)
}

/// Sets one thing of a user, by its path or by its name in an object.
fn set(cx: &mut Cx<'_>, user: &mut Resource, active: &mut bool, path: &str, value: Value, strict: bool) -> Result<()> {
    let lower = path.to_ascii_lowercase();
    let attributes = ATTRIBUTES.to_ascii_lowercase();
    match lower.as_str() {
        "active" => *active = boolean(&value)?,
        "displayname" => {
            user.body.insert("displayName".to_owned(), json!(name(Some(&value), "displayName")?));
        }
        "username" => rename(cx, user, &email(Some(&value), "userName")?)?,
        _ if lower == attributes => {
            let Value::Object(values) = value else {
                return Err(Refusal::bad(format!("{ATTRIBUTES}: Expected object")));
            };
            set_attributes(cx, &mut user.body, &values)?;
        }
        _ if lower.strip_prefix(&attributes).is_some_and(|rest| rest.starts_with(':') && rest.len() > 1) => {
            let reference = path.get(attributes.len() + 1..).unwrap_or_default();
            let one = Map::from_iter([(reference.to_owned(), value)]);
            set_attributes(cx, &mut user.body, &one)?;
        }
        _ if strict => return Err(Refusal::bad(format!("Unsupported path: {path}"))),
        _ => {}
    }
    Ok(())
}

fn operations(cx: &Cx<'_>) -> Result<Vec<Operation>> {
    let body = cx.object()?;
    let schemas = body.get("schemas").and_then(Value::as_array);
    if !schemas.is_some_and(|s| s.iter().any(|s| s == PATCH_OP)) {
        return Err(Refusal::bad(format!("schemas: must hold {PATCH_OP}")));
    }
    patch::operations(body).map_err(|e| Refusal::new(e.status, e.detail))
}

/// `DELETE /scim/v2/users/{id}`
pub fn delete_user(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    changeable(cx, id)?;
    revoke(cx, id)?;
    Ok(Done::nothing())
}

/// Ends a membership for good: what they hold goes, what they own stays (section (e)).
fn revoke(cx: &mut Cx<'_>, id: &str) -> Result<()> {
    let now = cx.stamp();
    let user = changeable(cx, id)?;
    if !cx.has(&DANGLING_MEMBERS) {
        leave_groups(cx, id);
    }
    forget(cx.state, id);
    let deleted = cx.has(&SCHEDULES_DELETED);
    let world = &mut cx.state.world;
    let schedules: Vec<String> =
        world.schedules.iter().filter(|(_, s)| s.owner == id).map(|(i, _)| i.to_owned()).collect();
    for schedule in schedules {
        if deleted {
            world.schedules.remove(&schedule);
        } else {
            world.schedules.change(&schedule, |s| s.stopped = Some((now.clone(), "noAccess".to_owned())));
        }
    }
    let personal = |k: &super::world::Key| k.kind != "organization" && k.membership.as_deref() == Some(id);
    let keys: Vec<String> = world.keys.iter().filter(|(_, k)| personal(k)).map(|(i, _)| i.to_owned()).collect();
    for key in keys {
        world.keys.change(&key, |k| k.enabled = false);
    }
    cx.gone.extend(user.name_key());
    cx.state.people.put(id, None);
    Ok(())
}

/// Takes somebody out of all groups.
pub fn leave_groups(cx: &mut Cx<'_>, id: &str) {
    let groups: Vec<Arc<Resource>> = cx.state.people.groups_of(id).cloned().collect();
    for group in groups {
        let rest: Vec<String> = group.members().filter(|m| *m != id).map(str::to_owned).collect();
        put_members(cx, &group, &rest);
    }
}

/// Takes roles and permits of a user or group away.
fn forget(state: &mut State, id: &str) {
    let world = &mut state.world;
    if world.held.get(id).is_some() {
        world.held.remove(id);
    }
    let ids = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
    for folder in ids(world.folders.iter().map(|(i, _)| i).collect()) {
        world.folders.change(&folder, |f| f.access.permits.retain(|p| p.principal != id));
    }
    for document in ids(world.documents.iter().map(|(i, _)| i).collect()) {
        world.documents.change(&document, |d| d.access.permits.retain(|p| p.principal != id));
    }
}

// Groups

/// A group by its short identifier.
pub fn group<'a>(state: &'a State, id: &str) -> Option<&'a Arc<Resource>> {
    state.people.get(Kind::Group, id)
}

fn found_group(cx: &Cx<'_>, id: &str) -> Result<Resource> {
    group(cx.state, id).map(|g| (**g).clone()).ok_or_else(|| Refusal::missing("Group not found"))
}

/// `GET /scim/v2/groups`
pub fn list_groups(cx: &Cx<'_>) -> Result<Done> {
    let all = filtered(cx, &[("displayName", &["eq"])], cx.state.people.list(Kind::Group), |filter, group| {
        filter.fits(group.text("displayName").unwrap_or_default(), true)
    })?;
    page::scim(cx.call.request, cx.call.faults, all, |group| show_group(cx, group)).map(Done::of)
}

/// `GET /scim/v2/groups/{id}`
pub fn get_group(cx: &Cx<'_>, id: &str) -> Result<Done> {
    Ok(Done::of(show_group(cx, &found_group(cx, id)?)))
}

/// The name of a group, where it is free.
fn group_name(cx: &Cx<'_>, value: Option<&Value>, own: Option<&str>) -> Result<String> {
    let name = name(value, "displayName")?;
    if name.trim().is_empty() || name.chars().count() > NAME_MAX {
        return Err(Refusal::bad(format!("displayName: must have 1 to {NAME_MAX} characters")));
    }
    let other = |g: &&Arc<Resource>| g.text("displayName") == Some(&name) && own != Some(g.id.as_str());
    if cx.state.people.list(Kind::Group).into_iter().any(|g| other(&g)) {
        return Err(if cx.has(&DUPLICATE_IS_500) {
            Refusal::new(500, "Internal Server Error")
        } else {
            Refusal::new(409, "Group with this name already exists")
        });
    }
    Ok(name)
}

/// The identifiers of members in a list; with `display` where a PUT needs it.
fn member_ids(cx: &Cx<'_>, list: &[Value], display: bool) -> Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    for (at, one) in list.iter().enumerate() {
        let id = one.get("value").and_then(Value::as_str).filter(|id| is_uuid(id));
        let id = id.ok_or_else(|| Refusal::bad(format!("members.{at}.value: Invalid uuid")))?;
        if display && !one.get("display").is_some_and(Value::is_string) {
            return Err(Refusal::bad("members: Required"));
        }
        if member(cx.state, id).is_none() && cx.state.world.embeds.get(id).is_none() {
            return Err(Refusal::bad(format!("members.{at}.value: no user has the id {id}")));
        }
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    Ok(ids)
}

fn put_members(cx: &mut Cx<'_>, group: &Resource, ids: &[String]) {
    let mut group = group.clone();
    group.body.remove("members");
    if !ids.is_empty() {
        let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
        group.body.insert("members".to_owned(), Value::from(members));
    }
    finish_group(cx, group);
}

fn finish_group(cx: &mut Cx<'_>, mut group: Resource) -> Arc<Resource> {
    let before = cx.state.people.get(Kind::Group, &group.id).cloned();
    if before.as_ref().is_some_and(|b| b.body == group.body) {
        return Arc::new(group);
    }
    if before.is_some() {
        group.modified = stamp(cx.call.time);
    }
    let group = Arc::new(group);
    cx.state.people.put(&group.id.clone(), Some(Arc::clone(&group)));
    group
}

/// `POST /scim/v2/groups`
pub fn create_group(cx: &mut Cx<'_>) -> Result<Done> {
    let sent = cx.object()?.clone();
    let name = group_name(cx, sent.get("displayName"), None)?;
    let members = match sent.get("members") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => member_ids(cx, list, false)?,
        Some(_) => return Err(Refusal::bad("members: Expected array")),
    };
    let id = new_group(cx.state, &name, &members, cx.call.time);
    Ok(Done::made(show_group(cx, &found_group(cx, &id)?)))
}

/// Makes a group; its short identifier.
pub fn new_group(state: &mut State, name: &str, members: &[String], time: jiff::Timestamp) -> String {
    let (id, _) = state.fresh_short("group");
    let mut body = Map::new();
    body.insert("displayName".to_owned(), json!(name));
    if !members.is_empty() {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        body.insert("members".to_owned(), Value::from(members));
    }
    let group = Resource { id: id.clone(), ..state.people.fresh(Kind::Group, body, time) };
    state.people.put(&id, Some(Arc::new(group)));
    id
}

/// `PUT /scim/v2/groups/{id}`: the list of members as a whole, each with its `display`.
pub fn replace_group(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    let sent = cx.object()?.clone();
    let mut group = found_group(cx, id)?;
    let name = group_name(cx, sent.get("displayName"), Some(id))?;
    let Some(Value::Array(list)) = sent.get("members") else { return Err(Refusal::bad("members: Required")) };
    let ids = member_ids(cx, list, true)?;
    group.body.insert("displayName".to_owned(), json!(name));
    put_members(cx, &group, &ids);
    get_group(cx, id)
}

/// `PATCH /scim/v2/groups/{id}`: the four forms of the OpenAPI document.
pub fn patch_group(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    cx.unless(&NO_PATCH)?;
    let mut group = found_group(cx, id)?;
    let mut ids: Vec<String> = group.members().map(str::to_owned).collect();
    for Operation { verb, path, value } in operations(cx)? {
        let path = path.unwrap_or_default();
        let lower = path.to_ascii_lowercase();
        match (verb, lower.as_str()) {
            (Verb::Replace, "") => {
                let Value::Object(map) = &value else {
                    return Err(Refusal::bad("Operations.0.value: Expected object"));
                };
                if let Some(other) = map.keys().find(|k| !["displayName", "id"].contains(&k.as_str())) {
                    return Err(Refusal::bad(format!("Operations.0.value: Unrecognized key: {other}")));
                }
                let name = group_name(cx, map.get("displayName"), Some(id))?;
                group.body.insert("displayName".to_owned(), json!(name));
            }
            (Verb::Replace, "displayname") => {
                let name = group_name(cx, Some(&value), Some(id))?;
                group.body.insert("displayName".to_owned(), json!(name));
            }
            (Verb::Add, "members") => {
                for new in member_ids(cx, list(&value)?, false)? {
                    if !ids.contains(&new) {
                        ids.push(new);
                    }
                }
            }
            (Verb::Replace, "members") => ids = member_ids(cx, list(&value)?, false)?,
            (Verb::Remove, _) if cx.has(&NO_MEMBERS_FILTER) => {
                return Err(Refusal::bad(format!("Unsupported path: {path}")));
            }
            (Verb::Remove, _) => {
                let gone = removed(&path).ok_or_else(|| Refusal::bad(format!("Unsupported path: {path}")))?;
                ids.retain(|id| *id != gone);
            }
            _ => return Err(Refusal::bad(format!("Unsupported operation on path: {path}"))),
        }
    }
    put_members(cx, &group, &ids);
    get_group(cx, id)
}

fn list(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().ok_or_else(|| Refusal::bad("members: Expected array"))
}

/// The identifier in `members[value eq "..."]`.
fn removed(path: &str) -> Option<String> {
    let inner = path.trim().strip_prefix("members[")?.strip_suffix(']')?;
    let mut parts = inner.split_whitespace();
    let (name, op, value) = (parts.next()?, parts.next()?, parts.next()?);
    let id = value.strip_prefix('"')?.strip_suffix('"')?;
    let fits = name.eq_ignore_ascii_case("value") && op.eq_ignore_ascii_case("eq") && parts.next().is_none();
    (fits && is_uuid(id)).then(|| id.to_owned())
}

/// `DELETE /scim/v2/groups/{id}`: its users stay, its roles and permits go.
pub fn delete_group(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    found_group(cx, id)?;
    forget(cx.state, id);
    cx.state.people.put(id, None);
    Ok(Done::nothing())
}
