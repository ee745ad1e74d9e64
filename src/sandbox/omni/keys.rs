//! API keys, and whose key it is (fact sheet omni, sections (a) and b.9).

use serde_json::{Map, Value, json};

use super::api::{Cx, Done};
use super::error::{Refusal, Result};
use super::faults::PERSONAL_TOKEN;
use super::page::{self, Cursor, Paging};
use super::people::{administrator, is_member, organization_role};
use super::roles;
use super::world::{Key, maker};
use crate::sandbox::scim::schema::Kind;
use crate::sandbox::scim::store::Resource;

const LIST: Paging = Paging { size: 20, most: 100, cursor: Cursor::Uuid };

/// Who made the key: whoever was said, or the first organization administrator. `None` where nobody is.
pub fn acting<'a>(cx: &'a Cx<'_>) -> Option<&'a Resource> {
    match cx.acting {
        Some(email) => {
            let id = cx.state.people.named(email)?;
            cx.state.people.get(Kind::User, id).map(AsRef::as_ref).filter(|u| is_member(u))
        }
        None => administrator(cx.state),
    }
}

/// What a base role may do with a model.
fn permissions(base: &str) -> Vec<&'static str> {
    const STEPS: [(&str, &str); 4] =
        [("VIEWER", "VIEW"), ("QUERY_TOPICS", "QUERY_TOPICS"), ("QUERIER", "QUERY_FULL_MODEL"), ("MODELER", "UPDATE")];
    let rank = |role: &str| roles::TIERS.iter().position(|(name, _)| *name == role).unwrap_or(0);
    let mut found: Vec<&str> = STEPS.iter().filter(|(from, _)| rank(base) >= rank(from)).map(|(_, p)| *p).collect();
    if rank(base) >= rank("QUERIER") {
        found.push("USE_WORKBOOKS");
    }
    found
}

/// `GET /v1/whoami`
pub fn whoami(cx: &Cx<'_>) -> Result<Done> {
    let found = acting(cx).map(|u| (u.id.clone(), organization_role(u).to_owned()));
    // A key outlives who made it; only an administrator can have made one.
    let (id, role) = found.unwrap_or_else(|| (maker(), "ORG_ADMIN".to_owned()));
    let wanted: Vec<&str> = cx.param("modelId").map(|m| m.split(',').map(str::trim).collect()).unwrap_or_default();
    let all = cx.state.world.models.iter().filter(|(_, m)| m.takes_roles()).map(|(id, _)| id);
    let models: Vec<&str> = if wanted.is_empty() { all.collect() } else { wanted };
    let mut by_model = Map::new();
    for model in models {
        if !cx.state.world.models.get(model).is_some_and(super::world::Model::takes_roles) {
            return Err(Refusal::missing(format!("Model {model} not found")));
        }
        let here = if role == "ORG_ADMIN" {
            Some((roles::ADMIN.to_owned(), roles::ADMIN.to_owned(), 450))
        } else {
            roles::effective(cx.state, &id, model)
        };
        if let Some((name, base, priority)) = here {
            by_model.insert(
                model.to_owned(),
                json!({
                    "roleName": name, "baseRole": base, "priority": priority, "permissions": permissions(&base),
                }),
            );
        }
    }
    Ok(Done::of(json!({
        "keyScope": if cx.has(&PERSONAL_TOKEN) { "user" } else { "organization" }, "orgRole": role,
        "user": {"id": roles::person(&id), "membershipId": id}, "rolesByModel": by_model,
    })))
}

fn show(id: &str, k: &Key) -> Value {
    json!({
        "id": id, "name": k.name, "type": k.kind, "enabled": k.enabled, "createdAt": k.created,
        "membershipId": k.membership,
    })
}

/// `GET /v1/api-keys`
pub fn list(cx: &Cx<'_>) -> Result<Done> {
    let mut all: Vec<(&str, &Key)> = cx.state.world.keys.iter().collect();
    match cx.param("type") {
        None => {}
        Some(kind @ ("organization" | "personal" | "mcp")) => all.retain(|(_, k)| k.kind == kind),
        Some(_) => return Err(Refusal::bad("type: Invalid enum value")),
    }
    page::sort(cx.call.request, &mut all, &[("name", &|o| o.1.name.clone())]);
    page::v1(cx.call.request, cx.call.faults, LIST, "records", all, |(id, k)| show(id, k)).map(Done::of)
}

fn found<'a>(cx: &'a Cx<'_>, id: &str) -> Result<&'a Key> {
    cx.state.world.keys.get(id).ok_or_else(|| Refusal::missing("API token not found"))
}

/// `GET /v1/api-keys/{id}`
pub fn get(cx: &Cx<'_>, id: &str) -> Result<Done> {
    Ok(Done::of(show(id, found(cx, id)?)))
}

/// `PUT /v1/api-keys/{id}`
pub fn enable(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    let key = found(cx, id)?.clone();
    let enabled =
        cx.object()?.get("enabled").and_then(Value::as_bool).ok_or_else(|| Refusal::bad("enabled: Required"))?;
    if key.kind != "organization" {
        return Err(Refusal::bad("Only organization API keys can be enabled or disabled"));
    }
    let key = Key { enabled, ..key };
    let shown = show(id, &key);
    cx.state.world.keys.change(id, |k| *k = key);
    Ok(Done::of(shown))
}

/// `DELETE /v1/api-keys/{id}`
pub fn revoke(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    found(cx, id)?;
    cx.state.world.keys.remove(id);
    Ok(Done::of(json!({"success": true, "message": "API token revoked"})))
}
