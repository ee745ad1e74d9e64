//! Queries of `_system` by GraphQL: one selection, without arguments (fact sheet terminusdb, section 6).

use serde_json::{Map, Value, json};

use super::answer::{Out, forbidden, good, iri, not_here, unexpected};
use super::api::{Cx, Sent};
use super::world::State;

/// A field that is asked for, and what of it.
struct Field {
    name: String,
    inner: Vec<Field>,
}

pub fn query(cx: &mut Cx<'_>) -> Out {
    if !cx.is_super() {
        return Err(forbidden("system", "'@schema':'Action/manage_capabilities'", &cx.who));
    }
    let Sent::Json(body) = cx.sent()? else { return Err(unexpected()) };
    let text = body.get("query").and_then(Value::as_str).ok_or_else(unexpected)?;
    let spaced = text.replace('{', " { ").replace('}', " } ");
    let mut words = spaced.split_whitespace().peekable();
    if words.peek() == Some(&"query") {
        words.next();
    }
    let wanted = (words.next() == Some("{")).then(|| fields(&mut words, 0)).flatten();
    let Some(wanted) = wanted.filter(|_| words.next().is_none()) else {
        return Err(not_here("queries with arguments, names or fragments"));
    };
    let mut data = Map::new();
    for field in &wanted {
        let ids: Vec<&str> = match field.name.as_str() {
            "User" => cx.state.users.iter().map(|(id, _)| id).collect(),
            "Role" => cx.state.roles.iter().map(|(id, _)| id).collect(),
            "Organization" => cx.state.organizations.iter().map(|(id, _)| id).collect(),
            "UserDatabase" => cx.state.databases.iter().map(|(id, _)| id).collect(),
            "Capability" => cx.state.capabilities.iter().map(|(id, _)| id).collect(),
            other => {
                let message = format!("Unknown field \"{other}\" on type \"Query\"");
                return Ok(good(&json!({"errors": [{"message": message}]})));
            }
        };
        let rows = ids.iter().map(|id| one(cx.state, id, &field.inner)).collect();
        data.insert(field.name.clone(), Value::Array(rows));
    }
    Ok(good(&json!({"data": data})))
}

/// How deep a query may go.
const DEEPEST: usize = 12;

fn fields<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>, depth: usize) -> Option<Vec<Field>> {
    let mut found: Vec<Field> = Vec::new();
    loop {
        match words.next()? {
            "}" => return Some(found),
            "{" if depth < DEEPEST => found.last_mut()?.inner = fields(words, depth + 1)?,
            name if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                found.push(Field { name: name.to_owned(), inner: Vec::new() });
            }
            _ => return None,
        }
    }
}

/// The document of an id, as far as it is asked for.
fn one(state: &State, id: &str, wanted: &[Field]) -> Value {
    let document = match id.split('/').next() {
        Some("User") => state.user_document(id, false),
        Some("Role") => state.role_document(id),
        Some("Capability") => state.capability_document(id),
        _ => state.resource_document(id),
    };
    let document = document.unwrap_or(Value::Null);
    let mut found = Map::new();
    for field in wanted {
        let value = match (field.name.as_str(), document.get(field.name.as_str())) {
            ("_id", _) => json!(iri(id)),
            ("action", value) => value.cloned().unwrap_or_else(|| json!([])),
            (_, Some(Value::String(other))) if !field.inner.is_empty() => one(state, other, &field.inner),
            (_, Some(Value::Array(ids))) if !field.inner.is_empty() => {
                ids.iter().filter_map(Value::as_str).map(|other| one(state, other, &field.inner)).collect()
            }
            ("role" | "capability" | "database" | "child", None) => json!([]),
            (_, value) => value.cloned().unwrap_or(Value::Null),
        };
        found.insert(field.name.clone(), value);
    }
    Value::Object(found)
}
