//! Definitions of user attributes, and values that fit them (fact sheet omni, section b.5).

use serde_json::{Map, Value, json};

use super::api::{Cx, Done};
use super::error::{Refusal, Result};
use super::people::ATTRIBUTES;
use super::world::{Definition, State};
use crate::sandbox::scim::schema::Kind;

/// The system attributes.
pub const SYSTEM: [&str; 8] = [
    "omni_user_id",
    "omni_user_email",
    "omni_user_name",
    "omni_user_groups",
    "omni_is_org_admin",
    "omni_user_embed_entity",
    "omni_user_timezone",
    "omni_allows_personal_content",
];

/// Those that can be written all the same, and where they are kept in a user's body.
pub const SETTABLE: [(&str, &str); 2] =
    [("omni_user_timezone", "timezone"), ("omni_allows_personal_content", "personalContent")];

/// Makes the definitions of the system.
pub fn begin(state: &mut State) {
    for name in SYSTEM {
        if state.world.definitions.find(|d| d.name == name).is_none() {
            let (id, seq) = state.fresh("definition");
            let definition = Definition {
                name: name.to_owned(),
                label: name.trim_start_matches("omni_").replace('_', " "),
                description: None,
                number: false,
                multiple: name == "omni_user_groups",
                default: Value::Null,
                system: true,
            };
            state.world.definitions.put(&id, seq, definition);
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// A value as it is kept: texts, also of numbers; `None` for no value.
pub fn value(definition: &Definition, value: &Value) -> Result<Option<Value>> {
    let wrong = |what: &str| Refusal::bad(format!("User attribute \"{}\": {what}", definition.name));
    let one = |value: &Value| {
        let text = text(value).ok_or_else(|| wrong("a value must be a text or a number"))?;
        if definition.number && text.trim().parse::<f64>().is_err() {
            return Err(wrong("a value must be a number"));
        }
        Ok(Value::from(text))
    };
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::Object(map) if map.is_empty() => Ok(None),
        Value::Array(list) if list.is_empty() => Ok(None),
        Value::Array(list) if definition.multiple => Ok(Some(list.iter().map(one).collect::<Result<Value>>()?)),
        Value::Array(_) => Err(wrong("takes one value, not several")),
        value if definition.multiple => Ok(Some(Value::Array(vec![one(value)?]))),
        value => one(value).map(Some),
    }
}

fn show(id: &str, d: &Definition) -> Value {
    json!({
        "id": if d.system { "" } else { id }, "name": d.name, "label": d.label, "description": d.description,
        "type": if d.number { "Number" } else { "String" }, "multiple_values": d.multiple,
        "default_value": d.default, "system": d.system,
    })
}

/// `GET /v1/user-attributes`
pub fn list(cx: &Cx<'_>) -> Result<Done> {
    let records: Vec<Value> = cx.state.world.definitions.iter().map(|(id, d)| show(id, d)).collect();
    Ok(Done::of(json!({"records": records})))
}

/// What a body says of a definition, over what it was.
fn read(body: &Map<String, Value>, old: Option<&Definition>) -> Result<Definition> {
    let text = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::bad(format!("{name}: Expected string"))),
    };
    let name = match (text("name")?, old) {
        (Some(name), None) => name,
        (None, None) => return Err(Refusal::bad("name: Required")),
        (Some(name), Some(old)) if name != old.name => return Err(Refusal::bad("name cannot be changed")),
        (_, Some(old)) => old.name.clone(),
    };
    let number = match text("type")?.as_deref() {
        None => old.is_some_and(|d| d.number),
        Some("String") => false,
        Some("Number") => true,
        Some(_) => return Err(Refusal::bad("type: must be String or Number")),
    };
    let multiple = match body.get("multiple_values") {
        None => old.is_some_and(|d| d.multiple),
        Some(value) => value.as_bool().ok_or_else(|| Refusal::bad("multiple_values: Expected boolean"))?,
    };
    let label = text("label")?.or_else(|| old.map(|d| d.label.clone())).unwrap_or_else(|| name.clone());
    let description =
        if body.contains_key("description") { text("description")? } else { old.and_then(|d| d.description.clone()) };
    let mut new = Definition { name, label, description, number, multiple, default: Value::Null, system: false };
    new.default = match body.get("default_value") {
        None => old.map_or(Value::Null, |d| d.default.clone()),
        Some(default) => value(&new, default)?.unwrap_or(Value::Null),
    };
    Ok(new)
}

/// `POST /v1/user-attributes`
pub fn create(cx: &mut Cx<'_>) -> Result<Done> {
    let new = read(cx.object()?, None)?;
    if cx.state.world.definitions.find(|d| d.name == new.name).is_some() || new.name.starts_with("omni_") {
        return Err(Refusal::new(409, format!("User attribute \"{}\" already exists", new.name)));
    }
    let (id, seq) = cx.state.fresh("definition");
    let shown = show(&id, &new);
    cx.state.world.definitions.put(&id, seq, new);
    Ok(Done::made(shown))
}

fn own<'a>(cx: &'a Cx<'_>, id: &str) -> Result<&'a Definition> {
    let found = cx.state.world.definitions.get(id).filter(|d| !d.system);
    found.ok_or_else(|| Refusal::missing("User attribute not found"))
}

/// `PATCH` or `PUT /v1/user-attributes/{id}`
pub fn update(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    let new = read(cx.object()?, Some(own(cx, id)?))?;
    let shown = show(id, &new);
    cx.state.world.definitions.put(id, 0, new);
    Ok(Done::of(shown))
}

/// `DELETE /v1/user-attributes/{id}`: every user's value goes with it.
pub fn delete(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    let name = own(cx, id)?.name.clone();
    cx.state.world.definitions.remove(id);
    let users: Vec<_> = cx.state.people.list(Kind::User).into_iter().cloned().collect();
    for user in users {
        let mut user = (*user).clone();
        let Some(Value::Object(values)) = user.body.get_mut(ATTRIBUTES) else { continue };
        if values.remove(&name).is_some() {
            if values.is_empty() {
                user.body.remove(ATTRIBUTES);
            }
            cx.state.people.put(&user.id.clone(), Some(user.into()));
        }
    }
    Ok(Done::success())
}
