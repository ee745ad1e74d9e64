//! Users: a name, a password that nobody sees again, and capabilities (fact sheet terminusdb, section 4).

use serde_json::{Value, json};

use super::answer::{Out, done, error, good, id_part, iri, type_error, unexpected};
use super::api::{Cx, text};
use super::world::{ADMIN, User, locked};
use crate::sandbox::Answer;

fn document(cx: &Cx<'_>, id: &str, full: bool) -> Value {
    let found = if full { cx.state.user_in_full(id) } else { cx.state.user_document(id, false) };
    found.unwrap_or(Value::Null)
}

pub fn list(cx: &mut Cx<'_>) -> Out {
    cx.only_super()?;
    let full = cx.flag("capability")?;
    let all: Vec<Value> = cx.state.users.iter().map(|(id, _)| document(cx, id, full)).collect();
    Ok(good(&Value::Array(all)))
}

/// The id of the user of this name; `whose` error it is where there is none.
pub fn named(cx: &Cx<'_>, name: &str, whose: &str) -> Result<String, Answer> {
    let message = format!("No id associated with user name {name}");
    let missing = || error(404, whose, "NoIdForUserName", json!({"user_name": name}), message);
    cx.state.user(name).map(|(id, _)| id.to_owned()).ok_or_else(missing)
}

pub fn get(cx: &mut Cx<'_>, name: &str) -> Out {
    cx.only_super()?;
    let id = named(cx, name, "User")?;
    let full = cx.flag("capability")?;
    Ok(good(&document(cx, &id, full)))
}

/// The password of a document, which must be a text.
fn password(value: &Value) -> Result<&str, Answer> {
    value.as_str().ok_or_else(|| type_error(&json!(value.to_string()), "text"))
}

pub fn create(cx: &mut Cx<'_>) -> Out {
    let document = cx.document(&["name"])?;
    cx.only_super()?;
    let name = document.get("name").map(text).unwrap_or_default();
    let id = format!("User/{}", id_part(&name));
    if cx.state.users.get(&id).is_some() {
        let full = iri(&id);
        let message = format!("A user with this name already exists with id {full}");
        return Err(error(400, "User", "NoUniqueIdForUser", json!({"user_id": full}), message));
    }
    let key = match document.get("password") {
        Some(said) => Some(locked(&name, password(said)?)),
        None => None,
    };
    let seq = cx.state.number();
    cx.state.users.put(&id, seq, User { name, key, ..User::default() });
    Ok(good(&json!(iri(&id))))
}

pub fn update(cx: &mut Cx<'_>) -> Out {
    let document = cx.document(&["name", "password"])?;
    cx.only_super()?;
    let name = document.get("name").map(text).unwrap_or_default();
    let said = document.get("password").ok_or_else(unexpected)?;
    set(cx, &name, password(said)?)?;
    Ok(done("Users"))
}

fn set(cx: &mut Cx<'_>, name: &str, password: &str) -> Result<(), Answer> {
    let id = named(cx, name, "User")?;
    let key = locked(name, password);
    cx.state.users.change(&id, |u| u.key = Some(key));
    Ok(())
}

/// The old way to change a password.
pub fn deprecated(cx: &mut Cx<'_>, name: &str) -> Out {
    let document = cx.document(&["password"])?;
    cx.only_super()?;
    let said = document.get("password").ok_or_else(unexpected)?;
    set(cx, name, password(said)?)?;
    Ok(done("UpdateUser"))
}

pub fn delete(cx: &mut Cx<'_>, name: &str) -> Out {
    cx.only_super()?;
    let id = named(cx, name, "User")?;
    if id == ADMIN {
        let message = "You can not delete the super user!".to_owned();
        return Err(error(400, "User", "CanNotDeleteSuperUser", Value::Null, message));
    }
    // Its capabilities stay, as orphans (section 7, trap 3).
    cx.state.users.remove(&id);
    Ok(done("Users"))
}
