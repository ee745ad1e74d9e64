//! The documents of `_system`: the whole state in one answer, several changes in one transaction (fact sheet
//! terminusdb, section 6).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::answer::{IRI, Out, dangling, error, forbidden, good, id_part, iri, no_parameter, not_here, unexpected};
use super::api::{Cx, Sent, VERSION, text};
use super::databases::shown;
use super::faults::SHORT_READ;
use super::roles::actions;
use super::world::{Capability, Organization, Role, SYSTEM, State, User};
use crate::sandbox::Answer;

pub fn system(cx: &mut Cx<'_>, method: &str) -> Out {
    if !cx.is_super() {
        return Err(forbidden("system", "'@schema':'Action/manage_capabilities'", &cx.who));
    }
    let whose = match method {
        "GET" | "HEAD" => "GetDocument",
        "POST" => "InsertDocument",
        "PUT" => "ReplaceDocument",
        _ => "DeleteDocument",
    };
    meant(cx, whose)?;
    match method {
        "GET" | "HEAD" => get(cx, whose),
        "DELETE" => delete(cx, whose),
        _ => write(cx, whose, method == "POST"),
    }
}

/// Refuses where the version that the client means is not the one that is there.
fn meant(cx: &Cx<'_>, whose: &str) -> Result<(), Answer> {
    let Some(said) = cx.request().header(VERSION) else { return Ok(()) };
    let now = cx.state.version();
    if !said.contains(':') {
        let about = json!({"data_version": said});
        return Err(error(400, whose, "BadDataVersion", about, format!("Bad data version: {said}")));
    }
    if said != now {
        let about = json!({"actual_data_version": now, "requested_data_version": said});
        let message = "Requested data version in header does not match actual data version.".to_owned();
        return Err(error(400, whose, "DataVersionMismatch", about, message));
    }
    Ok(())
}

/// All documents of the graph, sorted by class.
fn all(state: &State) -> Vec<Value> {
    let ids = |ids: Vec<&str>, show: &dyn Fn(&str) -> Option<Value>| -> Vec<Value> {
        ids.into_iter().filter_map(show).collect()
    };
    let mut found = ids(state.capabilities.iter().map(|(id, _)| id).collect(), &|id| state.capability_document(id));
    found.extend(ids(state.organizations.iter().map(|(id, _)| id).collect(), &|id| state.organization_document(id)));
    found.extend(ids(state.roles.iter().map(|(id, _)| id).collect(), &|id| state.role_document(id)));
    found.extend(state.resource_document(SYSTEM));
    found.extend(ids(state.users.iter().map(|(id, _)| id).collect(), &|id| state.user_document(id, true)));
    found.extend(ids(state.databases.iter().map(|(id, _)| id).collect(), &|id| state.database_document(id)));
    found
}

fn is(document: &Value, key: &str, value: &str) -> bool {
    document.get(key).and_then(Value::as_str) == Some(value)
}

fn missing(whose: &str, id: &str) -> Answer {
    let about = json!({"document_id": iri(id)});
    error(404, whose, "DocumentNotFound", about, format!("Document not found: '{}'", iri(id)))
}

fn get(cx: &Cx<'_>, whose: &str) -> Out {
    let mut found = all(cx.state);
    if let Some(kind) = cx.request().param("type") {
        found.retain(|d| is(d, "@type", kind));
    }
    if let Some(id) = cx.request().param("id") {
        let id = id.strip_prefix(IRI).unwrap_or(id);
        found.retain(|d| is(d, "@id", id));
        if found.is_empty() {
            return Err(missing(whose, id));
        }
        return Ok(shown(found, false).header(VERSION, ""));
    }
    if cx.has(&SHORT_READ) {
        let mut number = 0;
        found.retain(|d| {
            number += usize::from(is(d, "@type", "Capability"));
            !is(d, "@type", "Capability") || number % 2 == 1
        });
    }
    Ok(shown(found, cx.flag("as_list")?).header(VERSION, ""))
}

fn delete(cx: &mut Cx<'_>, whose: &str) -> Out {
    let Some(id) = cx.request().param("id").map(str::to_owned) else {
        return Err(no_parameter(whose, "id"));
    };
    let id = id.strip_prefix(IRI).unwrap_or(&id).to_owned();
    if !all(cx.state).iter().any(|d| is(d, "@id", &id)) {
        return Err(missing(whose, &id));
    }
    match id.split('/').next() {
        Some("Capability") => cx.state.drop_capability(&id),
        Some("Role") => cx.state.drop_role(&id),
        Some("User") => cx.state.users.remove(&id),
        _ => return Err(not_here("deleting this as a document")),
    }
    Ok(Answer::empty(204).header(VERSION, ""))
}

/// Inserts documents, or puts them in the place of those that are there.
fn write(cx: &mut Cx<'_>, whose: &str, insert: bool) -> Out {
    for name in ["author", "message"] {
        if cx.request().param(name).is_none() {
            return Err(no_parameter(whose, name));
        }
    }
    let items = match cx.sent()? {
        Sent::Json(Value::Array(items)) => items,
        Sent::Json(one) => vec![one],
        _ => return Err(unexpected()),
    };
    let create = insert || cx.flag("create")?;
    let mut made = Vec::new();
    let mut written: BTreeSet<String> = BTreeSet::new();
    // Of what one transaction makes, the server finds the last first.
    cx.state.last += 1000;
    let mut place = cx.state.last;
    for item in &items {
        let Value::Object(document) = item else { return Err(unexpected()) };
        let id = document_id(cx, document);
        let is_there = all(cx.state).iter().any(|d| is(d, "@id", &id));
        if is_there && insert {
            let about = json!({"document_id": iri(&id)});
            let message = format!(
                "Tried to insert a new document with id {}, but an object with that id already exists",
                iri(&id)
            );
            return Err(error(400, whose, "DocumentIdAlreadyExists", about, message));
        }
        let nested: Vec<Map<String, Value>> = objects(document, "capability");
        // Without `create`, what a document holds inside must be there as well.
        let lost = (!is_there).then(|| id.clone());
        let lost = lost.or_else(|| nested.first().map(|n| document_id(cx, n))).filter(|_| !create);
        if let Some(lost) = lost {
            let about = json!({"document": document, "document_id": iri(&lost)});
            let message = format!("Document not found: '{}'", iri(&lost));
            return Err(error(404, whose, "DocumentNotFound", about, message));
        }
        put(cx, &id, document, &nested, &mut place, &mut written)?;
        made.push(json!(iri(&id)));
    }
    if let Some(witness) = broken(cx.state, &written) {
        let about = json!({"witnesses": [witness]});
        return Err(error(400, whose, "SchemaCheckFailure", about, "Schema check failure".to_owned()));
    }
    Ok(good(&Value::Array(made)).header(VERSION, ""))
}

fn document_id(cx: &mut Cx<'_>, document: &Map<String, Value>) -> String {
    if let Some(id) = document.get("@id").and_then(Value::as_str) {
        return id.strip_prefix(IRI).unwrap_or(id).to_owned();
    }
    let kind = document.get("@type").and_then(Value::as_str).unwrap_or_default();
    match document.get("name") {
        Some(name) if kind != "Capability" => format!("{kind}/{}", id_part(&text(name))),
        _ => format!("{kind}/{}", cx.state.random()),
    }
}

/// The objects of a list, which may also be one by itself.
fn objects(document: &Map<String, Value>, key: &str) -> Vec<Map<String, Value>> {
    let items = match document.get(key) {
        Some(Value::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    items.into_iter().filter_map(|item| if let Value::Object(map) = item { Some(map) } else { None }).collect()
}

/// The ids of a list.
fn ids(document: &Map<String, Value>, key: &str) -> Vec<String> {
    let items = match document.get(key) {
        Some(Value::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    items.iter().filter_map(Value::as_str).map(|id| id.strip_prefix(IRI).unwrap_or(id).to_owned()).collect()
}

fn put(
    cx: &mut Cx<'_>,
    id: &str,
    document: &Map<String, Value>,
    nested: &[Map<String, Value>],
    place: &mut u64,
    written: &mut BTreeSet<String>,
) -> Result<(), Answer> {
    let name = document.get("name").map(text).unwrap_or_default();
    let seq = *place;
    *place -= 1;
    match document.get("@type").and_then(Value::as_str) {
        Some("Role") => {
            let actions = actions(document)?;
            cx.state.roles.put(id, seq, Role { name, actions });
        }
        Some("Organization") => {
            let organization =
                Organization { name, databases: ids(document, "database"), children: ids(document, "child") };
            cx.state.organizations.put(id, seq, organization);
        }
        Some("Capability") => {
            let scope = ids(document, "scope").pop().unwrap_or_default();
            cx.state.capabilities.put(id, seq, Capability { scope, roles: ids(document, "role") });
        }
        Some("User") => {
            let mut capabilities = ids(document, "capability");
            for inner in nested {
                let inner_id = document_id(cx, inner);
                put(cx, &inner_id, inner, &[], place, written)?;
                capabilities.push(inner_id);
            }
            // A password that is not said is gone (captured); one that is said is a hash.
            let key = document.get("key_hash").and_then(Value::as_str).map(str::to_owned);
            cx.state.users.put(id, seq, User { name, key, capabilities, email: None });
        }
        _ => return Err(not_here("writing documents of this class")),
    }
    written.insert(id.to_owned());
    Ok(())
}

/// What of the written documents refers to something that is not there.
fn broken(state: &State, written: &BTreeSet<String>) -> Option<Value> {
    let capability = |id: &str| {
        let capability = state.capabilities.get(id)?;
        if let Some(role) = capability.roles.iter().find(|r| state.roles.get(r).is_none()) {
            return Some(dangling(id, "role", role));
        }
        let lost = state.resource_document(&capability.scope).is_none();
        lost.then(|| dangling(id, "scope", &capability.scope))
    };
    let user = |id: &str| {
        let lost = state.users.get(id)?.capabilities.iter().find(|c| state.capabilities.get(c).is_none())?;
        Some(dangling(id, "capability", lost))
    };
    let organization = |id: &str| {
        let found = state.organizations.get(id)?;
        let lost = found.databases.iter().find(|d| state.resource_document(d).is_none());
        let child = found.children.iter().find(|c| state.organizations.get(c).is_none());
        lost.map(|d| dangling(id, "database", d)).or_else(|| child.map(|c| dangling(id, "child", c)))
    };
    written.iter().find_map(|id| capability(id).or_else(|| user(id)).or_else(|| organization(id)))
}
