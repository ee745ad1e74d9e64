//! Roles: read by name, deleted by the end of their id (fact sheet terminusdb, section 4).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::answer::{Out, done, error, good, id_part, iri, type_error, unexpected};
use super::api::{Cx, text};
use super::world::{ACTIONS, Role};
use crate::sandbox::Answer;

pub fn list(cx: &mut Cx<'_>) -> Out {
    cx.only_super()?;
    let all: Vec<Value> = cx.state.roles.iter().filter_map(|(id, _)| cx.state.role_document(id)).collect();
    Ok(good(&Value::Array(all)))
}

/// The id of the only role of this name; `whose` error it is where there is none.
pub fn named(cx: &Cx<'_>, name: &str, whose: &str) -> Result<String, Answer> {
    let mut found = cx.state.roles.iter().filter(|(_, r)| r.name == name).map(|(id, _)| id);
    let about = json!({"role_name": name});
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id.to_owned()),
        (None, _) => {
            let message = match whose {
                "Role" => format!("There is no role with the name {name}."),
                _ => format!("No id associated with role name {name}"),
            };
            Err(error(404, whose, "NoIdForRoleName", about, message))
        }
        (Some(_), Some(_)) => {
            let message = format!(
                "There is more than one id for role {name}. Consider deleting duplicates if you want to refer to \
                 them by name rather than id."
            );
            Err(error(404, whose, "NoUniqueIdForRoleName", about, message))
        }
    }
}

pub fn get(cx: &mut Cx<'_>, name: &str) -> Out {
    cx.only_super()?;
    let id = named(cx, name, "Role")?;
    cx.state.role_document(&id).map(|r| good(&r)).ok_or_else(unexpected)
}

/// The actions of a document: a list, or one by itself.
pub fn actions(document: &Map<String, Value>) -> Result<BTreeSet<String>, Answer> {
    let said: Vec<String> = match document.get("action") {
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(one) => vec![text(one)],
        None => Vec::new(),
    };
    let bad: Vec<&String> = said.iter().filter(|a| !ACTIONS.contains(&a.as_str())).collect();
    match bad.as_slice() {
        [] => Ok(said.into_iter().collect()),
        // One good one among them ends in another error.
        _ if bad.len() < said.len() => Err(type_error(&Value::Null, "dict")),
        [one] => {
            let message = format!("The action {one} is not a valid Action type for the system schema");
            Err(error(400, "Role", "InvalidActionType", json!({"action": bad}), message))
        }
        _ => {
            let shown = json!(bad);
            let message = format!("One of the actions {shown} is not a valid Action type for the system schema");
            Err(error(400, "Role", "InvalidActionType", json!({"action": bad}), message))
        }
    }
}

pub fn create(cx: &mut Cx<'_>) -> Out {
    let document = cx.document(&["name", "action"])?;
    cx.only_super()?;
    let name = document.get("name").map(text).unwrap_or_default();
    let id = format!("Role/{}", id_part(&name));
    if cx.state.roles.get(&id).is_some() {
        let full = iri(&id);
        let message = format!(
            "A role with the id '{full}' already exists.  Consider renaming, deleting the old role, or updating the \
             old role."
        );
        return Err(error(400, "Role", "NoUniqueIdForRoleName", json!({"role_id": full}), message));
    }
    let actions = actions(&document)?;
    cx.state.put_role(&id, Role { name, actions });
    Ok(good(&json!(iri(&id))))
}

pub fn update(cx: &mut Cx<'_>) -> Out {
    let mut document = cx.document(&["name", "action"])?;
    cx.only_super()?;
    let name = document.get("name").map(text).unwrap_or_default();
    let id = match document.get("@id") {
        Some(id) => text(id),
        None => named(cx, &name, "Role")?,
    };
    if cx.state.roles.get(&id).is_none() {
        document.insert("@type".to_owned(), json!("Role"));
        let about = json!({"document": document, "document_id": iri(&id)});
        let message = format!("Document not found: '{}'", iri(&id));
        return Err(error(404, "Role", "DocumentNotFound", about, message));
    }
    let actions = actions(&document)?;
    cx.state.roles.change(&id, |role| role.actions = actions);
    Ok(done("Roles"))
}

pub fn delete(cx: &mut Cx<'_>, tail: &str) -> Out {
    cx.only_super()?;
    let id = format!("Role/{}", id_part(tail));
    if cx.state.roles.get(&id).is_none() {
        let message = format!("Document not found: '{id}'");
        return Err(error(404, "Role", "DocumentNotFound", json!({"document_id": id}), message));
    }
    cx.state.drop_role(&id);
    Ok(done("Roles"))
}
