//! Connections and models (fact sheet omni, section b.4).

use serde_json::{Value, json};

use super::api::{Cx, Done};
use super::error::{Refusal, Result};
use super::faults::TOPIC_SPELLING;
use super::page::{self, Cursor, Paging};
use super::roles;
use super::world::{Connection, Model, State};

const MODELS: Paging = Paging { size: 20, most: 100, cursor: Cursor::Opaque };
const KINDS: [&str; 6] = ["SCHEMA", "SHARED", "SHARED_EXTENSION", "BRANCH", "WORKBOOK", "QUERY"];

/// A base role as model roles spell it.
pub fn base_role(state: &State, text: &str) -> Result<String> {
    let name = if text == "RESTRICTED_QUERIER" { "QUERY_TOPICS" } else { text };
    roles::tier(state, name).map(|_| name.to_owned()).ok_or_else(|| Refusal::bad("baseRole: Invalid role"))
}

fn show(cx: &Cx<'_>, id: &str, c: &Connection) -> Value {
    let base = c.base_role.as_deref().map(|role| match role {
        "QUERY_TOPICS" if !cx.has(&TOPIC_SPELLING) => "RESTRICTED_QUERIER",
        role => role,
    });
    json!({
        "id": id, "name": c.name, "dialect": c.dialect, "database": c.database, "defaultSchema": c.schema,
        "baseRole": base, "deletedAt": c.deleted,
        "userAttributeNameForConnectionsEnvironments": c.environment.as_ref().map(|(name, _)| name),
        "userAttributeValuesForDefaultEnvironment": c.environment.as_ref().map(|(_, values)| values),
    })
}

fn contains(text: Option<&str>, part: Option<&str>) -> bool {
    part.is_none_or(|part| text.is_some_and(|t| t.to_lowercase().contains(&part.to_lowercase())))
}

/// `GET /v1/connections`
pub fn list(cx: &Cx<'_>) -> Result<Done> {
    let deleted = cx.flag("includeDeleted");
    let mut all: Vec<(&str, &Connection)> = cx
        .state
        .world
        .connections
        .iter()
        .filter(|(_, c)| deleted || c.deleted.is_none())
        .filter(|(_, c)| {
            contains(Some(&c.name), cx.param("name")) && contains(c.database.as_deref(), cx.param("database"))
        })
        .filter(|(_, c)| cx.param("dialect").is_none_or(|d| d.eq_ignore_ascii_case(&c.dialect)))
        .collect();
    page::sort(
        cx.call.request,
        &mut all,
        &[
            ("name", &|o| o.1.name.clone()),
            ("dialect", &|o| o.1.dialect.clone()),
            ("database", &|o| o.1.database.clone().unwrap_or_default()),
        ],
    );
    let all: Vec<Value> = all.into_iter().map(|(id, c)| show(cx, id, c)).collect();
    Ok(Done::of(json!({"connections": all})))
}

fn found<'a>(cx: &'a Cx<'_>, id: &str) -> Result<&'a Connection> {
    cx.state.world.connections.get(id).ok_or_else(|| Refusal::missing("Connection does not exist"))
}

/// `GET /v1/connections/{id}`
pub fn get(cx: &Cx<'_>, id: &str) -> Result<Done> {
    Ok(Done::of(json!({"connection": show(cx, id, found(cx, id)?)})))
}

/// `POST /v1/connections`
pub fn create(cx: &mut Cx<'_>) -> Result<Done> {
    let body = cx.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    let name = text("name").ok_or_else(|| Refusal::bad("name: Required"))?;
    let base_role = match text("baseRole") {
        Some(role)
            if role != "RESTRICTED_QUERIER"
                && !roles::TIERS.iter().any(|(n, _)| *n == role && role != "QUERY_TOPICS") =>
        {
            return Err(Refusal::bad("baseRole: Invalid enum value"));
        }
        Some(role) => Some(base_role(cx.state, &role)?),
        None => None,
    };
    let connection = Connection {
        name,
        dialect: text("dialect").unwrap_or_else(|| "postgres".to_owned()),
        database: text("database"),
        schema: text("defaultSchema"),
        base_role,
        deleted: None,
        environment: None,
    };
    let (id, seq) = cx.state.fresh("connection");
    cx.state.world.connections.put(&id, seq, connection);
    Ok(Done::made(json!({"success": true, "data": id})))
}

/// `PATCH /v1/connections/{id}`
pub fn patch(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    found(cx, id)?;
    let body = cx.object()?;
    let mut base = None;
    if let Some(role) = body.get("baseRole") {
        let role = role.as_str().ok_or_else(|| Refusal::bad("baseRole: Expected string"))?;
        base = Some(base_role(cx.state, role)?);
    }
    let mut environment = None;
    if let Some(value) = body.get("environmentUserAttribute") {
        let name = value.get("attributeName").and_then(Value::as_str);
        let name = name.ok_or_else(|| Refusal::bad("environmentUserAttribute.attributeName: Required"))?;
        environment = Some((name.to_owned(), value.get("defaultValues").cloned().unwrap_or(Value::Null)));
    }
    // What opens the database is taken and thrown away: nothing is connected.
    let secret = body.contains_key("passwordUnencrypted") || body.contains_key("privateKey");
    if base.is_none() && environment.is_none() && !secret {
        return Err(Refusal::bad("At least one field must be provided"));
    }
    let message = if base.is_some() { "Updated connection default role." } else { "Updated connection." };
    cx.state.world.connections.change(id, |c| {
        if base.is_some() {
            c.base_role = base;
        }
        if environment.is_some() {
            c.environment = environment;
        }
    });
    Ok(Done::of(json!({"success": true, "message": message})))
}

fn show_model(id: &str, m: &Model) -> Value {
    json!({
        "id": id, "name": m.name, "modelKind": m.kind, "connectionId": m.connection, "baseModelId": m.base,
        "createdAt": m.created, "updatedAt": m.updated, "deletedAt": m.deleted,
    })
}

/// `GET /v1/models`
pub fn models(cx: &Cx<'_>) -> Result<Done> {
    let deleted = cx.flag("includeDeleted");
    let is = |name: &str, value: Option<&str>| cx.param(name).is_none_or(|wanted| value == Some(wanted));
    let mut all: Vec<(&str, &Model)> = cx
        .state
        .world
        .models
        .iter()
        .filter(|(_, m)| deleted || m.deleted.is_none())
        .filter(|(id, m)| is("modelId", Some(id)) && is("connectionId", m.connection.as_deref()))
        .filter(|(_, m)| is("baseModelId", m.base.as_deref()) && is("modelKind", Some(&m.kind)))
        .filter(|(_, m)| contains(m.name.as_deref(), cx.param("name")))
        .collect();
    page::sort(
        cx.call.request,
        &mut all,
        &[("name", &|o| o.1.name.clone().unwrap_or_default()), ("updatedAt", &|o| o.1.updated.clone())],
    );
    page::v1(cx.call.request, cx.call.faults, MODELS, "records", all, |(id, m)| show_model(id, m)).map(Done::of)
}

/// `POST /v1/models`
pub fn create_model(cx: &mut Cx<'_>) -> Result<Done> {
    let body = cx.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    let connection = text("connectionId").ok_or_else(|| Refusal::bad("connectionId: Required"))?;
    let kind = text("modelKind").unwrap_or_else(|| "SHARED".to_owned());
    if !KINDS.contains(&kind.as_str()) {
        return Err(Refusal::bad("modelKind: Invalid enum value"));
    }
    found(cx, &connection)?;
    let base = text("baseModelId");
    if base.as_ref().is_some_and(|b| cx.state.world.models.get(b).is_none()) {
        return Err(Refusal::missing("Model does not exist"));
    }
    let now = cx.stamp();
    let model = Model {
        name: text("modelName").or_else(|| text("name")),
        kind,
        connection: Some(connection),
        base,
        created: now.clone(),
        updated: now,
        deleted: None,
    };
    let (id, seq) = cx.state.fresh("model");
    let shown = show_model(&id, &model);
    cx.state.world.models.put(&id, seq, model);
    Ok(Done::made(shown))
}
