//! Roles on connections and models: who holds which, and which decides (fact sheet omni, sections b.3 and
//! (c), combination rule).

use serde_json::{Value, json};

use super::api::{Cx, Done};
use super::error::{Refusal, Result};
use super::faults::SPEC_SHAPES;
use super::people::{group as group_of, is_member, member, organization_role};
use super::world::{Held, Role, State, is_uuid, uuid};
use crate::sandbox::scim::schema::Kind;

/// The six roles from the weakest, with their priorities.
pub const TIERS: [(&str, u64); 6] =
    [("NO_ACCESS", 0), ("VIEWER", 50), ("QUERY_TOPICS", 150), ("QUERIER", 250), ("MODELER", 350), (ADMIN, 450)];

/// The role on a connection as a whole.
pub const ADMIN: &str = "CONNECTION_ADMIN";
/// The role that gives nothing.
pub const NOTHING: &str = "NO_ACCESS";

/// The role that one is based on, and its priority; `None` where there is no such role.
pub fn tier(state: &State, role: &str) -> Option<(String, u64)> {
    let built_in = TIERS.iter().find(|(name, _)| *name == role).map(|(name, p)| ((*name).to_owned(), *p));
    built_in.or_else(|| state.world.customs.get(role).map(|c| (c.base.clone(), c.priority)))
}

/// The person of a membership: what `whoami` calls `user.id`.
pub fn person(membership: &str) -> String {
    uuid(&format!("person {membership}"))
}

/// Where a role comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    User,
    Group(String),
    Base,
    Organization,
}

/// One role on one model, or on a connection as a whole.
#[derive(Debug, Clone)]
struct Line {
    model: Option<String>,
    connection: String,
    role: String,
    from: From,
    resolved: bool,
}

/// The roles that a principal holds, each with its origin.
fn held<'a>(state: &'a State, id: &str, from: &'a From) -> impl Iterator<Item = (&'a Role, From)> {
    state.world.held.get(id).into_iter().flat_map(|h| &h.roles).map(move |r| (r, from.clone()))
}

/// The lines of a user: one for each role that counts, on each model and on each connection as a whole.
fn lines(state: &State, user: &str, wanted: &Scope) -> Vec<Line> {
    let own = From::User;
    let groups: Vec<From> = state.people.groups_of(user).map(|g| From::Group(g.id.clone())).collect();
    let mut all: Vec<(&Role, From)> = held(state, user, &own).collect();
    for group in &groups {
        if let From::Group(id) = group {
            all.extend(held(state, id, group));
        }
    }
    let administers = member(state, user).is_some_and(|u| organization_role(u) == "ORG_ADMIN");
    let mut found = Vec::new();
    for (connection, c) in state.world.connections.iter().filter(|(_, c)| c.deleted.is_none()) {
        if !wanted.has_connection(connection) {
            continue;
        }
        let line = |model: Option<&str>, role: &str, from: From| Line {
            model: model.map(str::to_owned),
            connection: connection.to_owned(),
            role: role.to_owned(),
            from,
            resolved: false,
        };
        let of = |model: Option<&str>| -> Vec<Line> {
            let here = all.iter().filter(|(r, _)| r.connection == connection && r.model.as_deref() == model);
            here.map(|(r, from)| line(model, &r.role, from.clone())).collect()
        };
        let mut whole = of(None);
        let best_whole = best(state, &whole);
        let mut decided = false;
        let models =
            state.world.models.iter().filter(|(_, m)| m.takes_roles() && m.connection.as_deref() == Some(connection));
        let mut on_models = Vec::new();
        for (model, _) in models.filter(|(id, _)| wanted.has_model(id)) {
            let mut here = of(Some(model));
            here.extend(c.base_role.as_ref().map(|base| line(Some(model), base, From::Base)));
            here.extend(administers.then(|| line(Some(model), ADMIN, From::Organization)));
            match (best(state, &here), best_whole) {
                (Some((_, here)), Some((_, whole))) if whole >= here => decided = true,
                (None, Some(_)) => decided = true,
                (Some((at, _)), _) => {
                    if let Some(line) = here.get_mut(at) {
                        line.resolved = true;
                    }
                }
                (None, None) => {}
            }
            on_models.extend(here);
        }
        if let Some(line) = best_whole.filter(|_| decided || on_models.is_empty()).and_then(|(at, _)| whole.get_mut(at))
        {
            line.resolved = true;
        }
        found.extend(whole);
        found.extend(on_models);
    }
    found
}

/// The one that decides: the highest priority, and the first of those.
fn best(state: &State, lines: &[Line]) -> Option<(usize, u64)> {
    let priority = |line: &Line| tier(state, &line.role).map_or(0, |(_, p)| p);
    let mut best: Option<(usize, u64)> = None;
    for (at, line) in lines.iter().enumerate() {
        if best.is_none_or(|(_, p)| priority(line) > p) {
            best = Some((at, priority(line)));
        }
    }
    best
}

/// What a user may do on a model: the role that decides, its base and its priority.
pub fn effective(state: &State, user: &str, model: &str) -> Option<(String, String, u64)> {
    let connection = state.world.models.get(model)?.connection.clone()?;
    let wanted = Scope { model: Some(model.to_owned()), connection: Some(connection) };
    let line = lines(state, user, &wanted).into_iter().find(|l| l.resolved)?;
    let (base, priority) = tier(state, &line.role)?;
    Some((line.role, base, priority))
}

fn show(cx: &Cx<'_>, line: &Line, resolved: bool) -> Value {
    let (base, priority) = tier(cx.state, &line.role).unwrap_or_else(|| (line.role.clone(), 0));
    let spec = cx.has(&SPEC_SHAPES);
    let label = |wire: &'static str, in_spec: &'static str| if spec { in_spec } else { wire };
    let from = match &line.from {
        From::User => json!({"type": label("User Role", "USER")}),
        From::Group(id) => {
            let name = group_of(cx.state, id).and_then(|g| g.text("displayName"));
            json!({"type": label("Group Role", "GROUP"), "name": name, "miniUuid": id, "depth": 0})
        }
        From::Base => json!({"type": label("Connection Base Role", "BASE")}),
        From::Organization => json!({"type": label("Organization Role", "ORG")}),
    };
    let mut body = json!({
        "modelId": line.model, "connectionId": line.connection, "roleName": line.role, "baseRole": base,
        "priority": priority, "from": from,
    });
    if let Some(map) = body.as_object_mut().filter(|_| resolved) {
        map.insert("resolved".to_owned(), json!(line.resolved));
    }
    body
}

/// Which connection and model are asked for.
#[derive(Debug, Default)]
struct Scope {
    model: Option<String>,
    connection: Option<String>,
}

impl Scope {
    fn of(cx: &Cx<'_>) -> Result<Self> {
        let model = checked(cx, cx.param("modelId"), "model")?;
        let mut connection = checked(cx, cx.param("connectionId"), "connection")?;
        if let Some(model) = &model {
            let own = cx.state.world.models.get(model).and_then(|m| m.connection.clone());
            if connection.is_some() && connection != own {
                return Err(Refusal::unfit("Model does not belong to connection"));
            }
            connection = own;
        }
        Ok(Self { model, connection })
    }

    fn has_connection(&self, id: &str) -> bool {
        self.connection.as_deref().is_none_or(|c| c == id)
    }

    fn has_model(&self, id: &str) -> bool {
        self.model.as_deref().is_none_or(|m| m == id)
    }
}

/// The identifier of a model or connection that is there.
fn checked(cx: &Cx<'_>, id: Option<&str>, what: &str) -> Result<Option<String>> {
    let Some(id) = id else { return Ok(None) };
    if !is_uuid(id) {
        return Err(Refusal::bad(format!("Invalid {what} ID")));
    }
    let there = match what {
        "model" => cx.state.world.models.get(id).is_some_and(|m| m.deleted.is_none()),
        _ => cx.state.world.connections.get(id).is_some_and(|c| c.deleted.is_none()),
    };
    let capital = if what == "model" { "Model" } else { "Connection" };
    if there { Ok(Some(id.to_owned())) } else { Err(Refusal::missing(format!("{capital} does not exist"))) }
}

/// `/v1/users/{id}/model-roles`
pub fn user(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    if member(cx.state, id).is_none() {
        let people = cx.state.people.list(Kind::User);
        let is_person = people.iter().any(|u| is_member(u) && person(&u.id) == id);
        return Err(Refusal::missing(if is_person {
            format!("Membership {id} not found")
        } else {
            "User not found in organization".to_owned()
        }));
    }
    match cx.call.request.method.as_str() {
        "GET" => {
            let lines = lines(cx.state, id, &Scope::of(cx)?);
            let results: Vec<Value> = lines.iter().map(|line| show(cx, line, true)).collect();
            Ok(Done::of(json!({"membershipId": id, "results": results})))
        }
        "POST" => {
            let key = if cx.has(&SPEC_SHAPES) { "membershipId" } else { "userId" };
            give(cx, id, false, key)
        }
        _ => Err(Refusal::bad("Method not allowed")),
    }
}

/// `/v1/user-groups/{id}/model-roles`
pub fn group(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    if group_of(cx.state, id).is_none() {
        return Err(Refusal::missing("User group not found in organization"));
    }
    match cx.call.request.method.as_str() {
        "GET" => {
            let wanted = Scope::of(cx)?;
            let from = From::Group(id.to_owned());
            let fits = |r: &Role| {
                wanted.has_connection(&r.connection) && r.model.as_deref().is_none_or(|m| wanted.has_model(m))
            };
            let lines = held(cx.state, id, &from).filter(|(r, _)| fits(r)).map(|(r, from)| Line {
                model: r.model.clone(),
                connection: r.connection.clone(),
                role: r.role.clone(),
                from,
                resolved: false,
            });
            let results: Vec<Value> = lines.map(|line| show(cx, &line, false)).collect();
            Ok(Done::of(json!({"userGroupId": id, "results": results})))
        }
        "POST" => give(cx, id, true, "userGroupId"),
        _ => Err(Refusal::bad("Method not allowed")),
    }
}

/// Gives a role, in the place of the one that the principal has on that model.
fn give(cx: &mut Cx<'_>, id: &str, group: bool, key: &str) -> Result<Done> {
    let body = cx.object()?;
    let text = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::bad(format!("{name}: Expected string"))),
    };
    let role = text("roleName")?.filter(|r| !r.is_empty()).ok_or_else(|| Refusal::bad("roleName: Required"))?;
    let (model, connection) = (text("modelId")?, text("connectionId")?);
    if model.is_none() && connection.is_none() {
        return Err(Refusal::bad("Either modelId or connectionId must be provided"));
    }
    let model = checked(cx, model.as_deref(), "model")?;
    let connection = checked(cx, connection.as_deref(), "connection")?;
    let (base, _) = tier(cx.state, &role).ok_or_else(|| Refusal::unfit("Invalid role"))?;
    let mut connection = connection;
    if let Some(found) = model.as_deref().and_then(|m| cx.state.world.models.get(m)) {
        if !found.takes_roles() {
            return Err(Refusal::unfit("Only shared and shared_extension models can be assigned model roles"));
        }
        if connection.is_some() && connection != found.connection {
            return Err(Refusal::unfit("Model does not belong to connection"));
        }
        connection.clone_from(&found.connection);
    }
    let Some(connection) = connection else { return Err(Refusal::unfit("Model does not belong to connection")) };
    let mut held = cx.state.world.held.get(id).cloned().unwrap_or(Held { group, roles: Vec::new() });
    let whole = |r: &Role| r.connection == connection && r.model.is_none();
    // A role on the connection as a whole has no model; and it is taken away where it was given.
    let model = if base == ADMIN { None } else { model };
    if model.is_none() && base != ADMIN && !(role == NOTHING && held.roles.iter().any(whole)) {
        return Err(Refusal::bad("modelId is required unless the role is CONNECTION_ADMIN"));
    }
    let new = Role { connection: connection.clone(), model: model.clone(), role: role.clone() };
    match held.roles.iter_mut().find(|r| r.connection == connection && r.model == model) {
        Some(old) => *old = new,
        None => held.roles.push(new),
    }
    if cx.state.world.held.get(id).is_some() {
        cx.state.world.held.change(id, |h| *h = held);
    } else {
        let seq = cx.state.people.number();
        cx.state.world.held.put(id, seq, held);
    }
    Ok(Done::of(json!({key: id, "connectionId": connection, "modelId": model, "roleName": role})))
}
