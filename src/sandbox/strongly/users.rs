//! Users (fact sheet strongly, section 2.2).

use serde_json::{Map, Value, json};

use super::api::{Cx, Done};
use super::error::{Refusal, Result};
use super::faults::{CHANGED_NAMES, IGNORED_FILTER, NOT_A_MEMBER, OWN_IDS, ROLE_IGNORED, SHAPE_D, TWIN};
use super::shape::{list, one};
use super::world::{User, World, organization};

/// The roles that can be written.
pub const ROLES: [&str; 4] = ["admin", "developer", "app", "user"];

/// What becomes of what somebody owns who is archived.
const ACTIONS: [&str; 4] = ["transfer", "transfer-to-admin", "delete", "leave-as-is"];

/// An address as it is shown.
pub fn shown(cx: &Cx<'_>, email: &str) -> String {
    let mut signs = email.chars();
    match signs.next() {
        Some(first) if cx.has(&CHANGED_NAMES) => first.to_uppercase().chain(signs).collect(),
        _ => email.to_owned(),
    }
}

fn show(cx: &Cx<'_>, id: &str, user: &User) -> Value {
    let email = shown(cx, &user.email);
    if !cx.has(&SHAPE_D) {
        return json!({"username": email, "email": email, "role": user.role});
    }
    let status = if user.archived { "archived" } else { "active" };
    let own = if cx.has(&OWN_IDS) { own(id) } else { id.to_owned() };
    json!({
        "id": own, "email": email, "name": user.name, "username": email, "role": user.role, "status": status,
        "organizationId": organization(), "avatarUrl": null, "lastLoginAt": null, "createdAt": user.created,
    })
}

pub fn index(cx: &Cx<'_>) -> Result<Done> {
    let flag = |name: &str| cx.param(name).filter(|_| !cx.has(&IGNORED_FILTER)).map(|v| v == "true");
    let archived = flag("archived").or(flag("active").map(|active| !active)).unwrap_or(false);
    let all = cx.has(&IGNORED_FILTER);
    let search = cx.param("search").map(str::to_lowercase);
    let found = |u: &User| {
        search.as_ref().is_none_or(|s| u.email.to_lowercase().contains(s) || u.name.to_lowercase().contains(s))
    };
    let users = cx.world.users.iter().filter(|(_, u)| (all || u.archived == archived) && found(u));
    let twin = twin(cx);
    let mut shown: Vec<Value> = Vec::new();
    for (id, user) in users {
        shown.push(show(cx, id, user));
        if Some(id) == twin {
            let second = User { role: Some("admin".to_owned()), ..user.clone() };
            shown.push(show(cx, &own(id), &second));
        }
    }
    Ok(Done::of(list(cx, "users", shown)?))
}

/// An identifier of its own, which opens nothing.
pub fn own(id: &str) -> String {
    format!("own-{id}")
}

/// Whom the lists show twice.
pub fn twin<'w>(cx: &'w Cx<'_>) -> Option<&'w str> {
    let last = cx.world.users.iter().rfind(|(_, u)| !u.archived && u.member.is_some());
    last.filter(|_| cx.has(&TWIN)).map(|(id, _)| id)
}

/// The user of an identifier.
pub fn user<'w>(world: &'w World, id: &str) -> Result<&'w User> {
    world.users.get(id).ok_or_else(|| Refusal::missing("User not found"))
}

pub fn get(cx: &Cx<'_>, id: &str) -> Result<Done> {
    let id = if id == "me" { cx.acting_id().ok_or_else(|| Refusal::missing("User not found"))? } else { id.to_owned() };
    Ok(Done::of(one(cx, show(cx, &id, user(cx.world, &id)?))))
}

fn role_of(body: &Map<String, Value>) -> Result<Option<String>> {
    match body.get("role") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(role)) if ROLES.contains(&role.as_str()) => Ok(Some(role.clone())),
        Some(other) => Err(Refusal::bad(format!("role: {other} is not one of {}", ROLES.join(", ")))),
    }
}

/// What an address looks like.
pub fn email_of(body: &Map<String, Value>) -> Result<String> {
    let email = body.get("email").and_then(Value::as_str).map(str::trim).unwrap_or_default();
    let fits = email.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'));
    if fits { Ok(email.to_owned()) } else { Err(Refusal::bad("email must be an address")) }
}

pub fn create(cx: &mut Cx<'_>) -> Result<Done> {
    let body = cx.object()?.clone();
    let email = email_of(&body)?;
    let name = body.get("name").and_then(Value::as_str).filter(|n| !n.is_empty());
    let name = name.ok_or_else(|| Refusal::bad("name is required"))?.to_owned();
    if cx.world.user_of(&email).is_some() {
        return Err(Refusal::conflict("A user with this email already exists"));
    }
    let role = if cx.has(&ROLE_IGNORED) { None } else { role_of(&body)? };
    let (id, number) = cx.world.fresh("user");
    let user = User {
        email,
        name,
        role: Some(role.unwrap_or_else(|| "app".to_owned())),
        archived: false,
        member: (!cx.has(&NOT_A_MEMBER)).then(|| "member".to_owned()),
        created: cx.stamp(),
    };
    let mut shown = show(cx, &id, &user);
    // What the documentation site tells of: both are made up, and open nothing.
    shown["temporaryPassword"] = json!(format!("temporary-{number}"));
    shown["apiKey"] = json!({"name": "Default", "scopes": ["*"], "key": format!("sk-prod-sandbox-{number}")});
    cx.world.users.put(&id, number, user);
    Ok(Done::made(one(cx, shown)))
}

pub fn update(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    let body = cx.object()?.clone();
    user(cx.world, id)?;
    let name = body.get("name").and_then(Value::as_str).map(str::to_owned);
    if name.as_deref() == Some("") {
        return Err(Refusal::bad("name must not be empty"));
    }
    let role = role_of(&body)?;
    cx.world.users.change(id, |u| {
        u.name = name.unwrap_or_else(|| u.name.clone());
        u.role = role.or_else(|| u.role.clone());
    });
    get(cx, id)
}

/// One's own name, and nothing else.
pub fn update_me(cx: &mut Cx<'_>) -> Result<Done> {
    let id = cx.acting_id().ok_or_else(|| Refusal::missing("User not found"))?;
    let name = cx.object()?.get("name").and_then(Value::as_str).map(str::to_owned);
    let name = name.filter(|n| !n.is_empty()).ok_or_else(|| Refusal::bad("name is required"))?;
    cx.world.users.change(&id, |u| u.name = name);
    get(cx, &id)
}

pub fn assets(cx: &Cx<'_>, id: &str) -> Result<Done> {
    user(cx.world, id)?;
    let mut by_path: Map<String, Value> = Map::new();
    let mut total = 0;
    for (thing, found) in cx.world.things.iter().filter(|(_, t)| t.owner.as_deref() == Some(id)) {
        total += 1;
        let list = by_path.entry(found.kind.path()).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(json!({"_id": thing, "name": found.name}));
        }
    }
    Ok(Done::of(one(cx, json!({"assets": by_path, "total": total}))))
}

pub fn archive(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    let body = cx.object()?.clone();
    let found = user(cx.world, id)?;
    let action = body.get("assetAction").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !ACTIONS.contains(&action.as_str()) {
        return Err(Refusal::bad(format!("assetAction must be one of {}", ACTIONS.join(", "))));
    }
    if found.archived {
        return Err(Refusal::conflict("User is already archived"));
    }
    if cx.acting_id().as_deref() == Some(id) {
        return Err(Refusal::bad("You cannot archive yourself"));
    }
    let to = match action.as_str() {
        "transfer" => {
            let to = body.get("transferToUserId").and_then(Value::as_str).unwrap_or_default().to_owned();
            if to == id || cx.world.users.get(&to).is_none_or(|u| u.archived) {
                return Err(Refusal::bad("transferToUserId must be another active user"));
            }
            Some(to)
        }
        "transfer-to-admin" => cx.acting_id(),
        _ => None,
    };
    let owned: Vec<String> =
        cx.world.things.iter().filter(|(_, t)| t.owner.as_deref() == Some(id)).map(|(k, _)| k.to_owned()).collect();
    for thing in owned {
        match (&to, action.as_str()) {
            (Some(to), _) => drop(cx.world.things.change(&thing, |t| t.owner = Some(to.clone()))),
            (None, "delete") => cx.world.things.remove(&thing),
            (None, _) => {}
        }
    }
    cx.world.users.change(id, |u| u.archived = true);
    Ok(Done::of(one(cx, json!({"archived": true, "assetAction": action}))))
}

pub fn unarchive(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    user(cx.world, id)?;
    if !cx.world.users.change(id, |u| u.archived = false) {
        return Err(Refusal::conflict("User is not archived"));
    }
    Ok(Done::of(one(cx, json!({"archived": false}))))
}

pub fn reset_password(cx: &Cx<'_>, id: &str) -> Result<Done> {
    user(cx.world, id)?;
    Ok(Done::of(one(cx, json!({"sent": true}))))
}
