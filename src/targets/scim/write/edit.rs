//! What is changed of a user, as a `PATCH` and as a change of the whole.
//!
//! One request changes one group of attributes, since no server can be trusted to make several or none
//! (fact sheet scim, section 2.5); operations are in lower case and name their attribute in `path`.

use serde_json::{Map, Value, json};

use crate::model::UserRecord;
use crate::targets::scim::resource::{ATTRIBUTES, ENTERPRISE, HANDLE, is_enterprise};
use crate::targets::scim::settings::RolesIn;
use crate::targets::scim::value::{get, quoted, text};

/// One thing that is changed of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Set {
    /// A simple attribute; nothing where it goes.
    Value(&'static str, Option<Value>),
    /// The name that people see.
    Name(Option<String>),
    /// The roles in that attribute: one is added, some go, others stay.
    Listed { attribute: &'static str, add: Option<String>, remove: Vec<String> },
    /// An e-mail gets another address.
    Mail { from: String, to: String },
}

/// The message of a `PATCH` (RFC 7644, section 3.5.2).
pub fn patch(operations: Vec<Value>) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// What has to be changed to get from one record to the other, by the requests that it takes. Roles that
/// groups stand for are not among it.
pub fn steps_of(before: &UserRecord, after: &UserRecord, roles: RolesIn) -> Vec<Vec<Set>> {
    let mut core = Vec::new();
    let mut enterprise = Vec::new();
    let mut names = Vec::new();
    if before.handles.get(HANDLE) != after.handles.get(HANDLE) {
        let name = after.handles.get(HANDLE).unwrap_or(&after.email);
        names.push(Set::Value("userName", Some(Value::from(name.as_str()))));
    }
    if before.name != after.name {
        names.push(Set::Name(after.name.clone()));
    }
    let value = |text: &Option<String>| text.as_deref().map(Value::from);
    if before.timezone != after.timezone {
        core.push(Set::Value("timezone", value(&after.timezone)));
    }
    for name in ATTRIBUTES {
        let (old, new) = (before.attributes.get(*name), after.attributes.get(*name));
        if old != new {
            let of = if is_enterprise(name) { &mut enterprise } else { &mut core };
            of.push(Set::Value(name, new.map(|v| Value::from(v.as_str()))));
        }
    }
    let attribute = match roles {
        RolesIn::Roles => Some("roles"),
        RolesIn::Entitlements => Some("entitlements"),
        RolesIn::Groups => None,
    };
    let listed = attribute.filter(|_| before.role != after.role).map(|attribute| Set::Listed {
        attribute,
        add: after.role.clone(),
        remove: before.role.iter().cloned().collect(),
    });
    let mut steps = vec![names, core, enterprise, listed.into_iter().collect()];
    steps.retain(|s| !s.is_empty());
    steps
}

impl Set {
    /// The operations of a `PATCH`. `display` says whether the name goes into `displayName`.
    pub fn operations(&self, display: bool) -> Vec<Value> {
        let simple = |path: String, value: &Option<Value>| match value {
            Some(value) => json!({"op": "replace", "path": path, "value": value}),
            None => json!({"op": "remove", "path": path}),
        };
        match self {
            Self::Value(name, value) if is_enterprise(name) => vec![simple(format!("{ENTERPRISE}:{name}"), value)],
            Self::Value(name, value) => vec![simple((*name).to_owned(), value)],
            Self::Name(name) => {
                let path = if display { "displayName" } else { "name.formatted" };
                vec![simple(path.to_owned(), &name.as_deref().map(Value::from))]
            }
            Self::Listed { attribute, add, remove } => {
                let add = add.as_ref().map(|v| json!({"op": "add", "path": attribute, "value": [{"value": v}]}));
                let path = |v: &String| format!("{attribute}[value eq {}]", quoted(v));
                let remove = remove.iter().map(|v| json!({"op": "remove", "path": path(v)}));
                add.into_iter().chain(remove).collect()
            }
            Self::Mail { from, to } => {
                let path = format!("emails[value eq {}].value", quoted(from));
                vec![json!({"op": "replace", "path": path, "value": to})]
            }
        }
    }

    /// Makes the change to the whole user.
    pub fn change(&self, user: &mut Map<String, Value>, display: bool) {
        match self {
            Self::Value(name, value) if is_enterprise(name) => {
                put_in(user, ENTERPRISE, name, value.clone());
                name_schema(user);
            }
            Self::Value(name, value) => put(user, name, value.clone()),
            Self::Name(name) if display => put(user, "displayName", name.as_deref().map(Value::from)),
            Self::Name(name) => put_in(user, "name", "formatted", name.as_deref().map(Value::from)),
            Self::Listed { attribute, add, remove } => {
                let mut values: Vec<Value> = Vec::new();
                if let Some(Value::Array(old)) = take(user, attribute) {
                    values.extend(old);
                }
                let is = |v: &Value, wanted: &String| {
                    text(v, "value").as_ref() == Some(wanted) || v.as_str() == Some(wanted.as_str())
                };
                values.retain(|v| !remove.iter().any(|r| is(v, r)));
                if let Some(add) = add.as_ref().filter(|add| !values.iter().any(|v| is(v, add))) {
                    values.push(json!({"value": add}));
                }
                user.insert((*attribute).to_owned(), Value::Array(values));
            }
            Self::Mail { from, to } => {
                let key = key_of(user, "emails");
                for mail in user.get_mut(&key).and_then(Value::as_array_mut).into_iter().flatten() {
                    if text(mail, "value").is_some_and(|v| v.eq_ignore_ascii_case(from))
                        && let Some(mail) = mail.as_object_mut()
                    {
                        put(mail, "value", Some(Value::from(to.as_str())));
                    }
                }
            }
        }
    }
}

/// The name of an attribute as this object spells it.
fn key_of(map: &Map<String, Value>, name: &str) -> String {
    map.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned())
}

fn put(map: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    let key = key_of(map, name);
    match value {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.remove(&key)),
    }
}

fn take(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = key_of(map, name);
    map.remove(&key)
}

/// Puts a part into an attribute that has parts.
fn put_in(map: &mut Map<String, Value>, name: &str, part: &str, value: Option<Value>) {
    let key = key_of(map, name);
    let mut inner = match map.remove(&key) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    put(&mut inner, part, value);
    map.insert(key, Value::Object(inner));
}

/// A user with attributes of the enterprise extension names its schema.
fn name_schema(user: &mut Map<String, Value>) {
    let whole = Value::Object(user.clone());
    let named = get(&whole, "schemas").and_then(Value::as_array).is_some_and(|all| all.iter().any(|s| s == ENTERPRISE));
    if !named && let Some(Value::Array(all)) = user.get_mut(&key_of(user, "schemas").clone()) {
        all.push(Value::from(ENTERPRISE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, role: Option<&str>, attributes: &[(&str, &str)]) -> UserRecord {
        UserRecord {
            email: "ada@acme.com".to_owned(),
            name: Some(name.to_owned()),
            role: role.map(str::to_owned),
            attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..UserRecord::default()
        }
    }

    #[test]
    fn one_request_changes_one_group_of_attributes() {
        let before = record("Ada", Some("viewer"), &[("title", "Miss"), ("department", "Engines")]);
        let after = record("Ada L", Some("admin"), &[("locale", "en-GB"), ("department", "Looms")]);
        let steps = steps_of(&before, &after, RolesIn::Roles);
        let operations: Vec<Vec<Value>> =
            steps.iter().map(|s| s.iter().flat_map(|set| set.operations(true)).collect()).collect();
        assert_eq!(
            operations,
            [
                vec![json!({"op": "replace", "path": "displayName", "value": "Ada L"})],
                vec![
                    json!({"op": "remove", "path": "title"}),
                    json!({"op": "replace", "path": "locale", "value": "en-GB"}),
                ],
                vec![json!({"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Looms"})],
                vec![
                    json!({"op": "add", "path": "roles", "value": [{"value": "admin"}]}),
                    json!({"op": "remove", "path": "roles[value eq \"viewer\"]"}),
                ],
            ]
        );
        assert_eq!(steps_of(&before, &before, RolesIn::Roles), Vec::<Vec<Set>>::new());
        let role_only = record("Ada", Some("admin"), &[("title", "Miss"), ("department", "Engines")]);
        assert!(steps_of(&before, &role_only, RolesIn::Groups).is_empty());
    }

    #[test]
    fn the_whole_keeps_what_is_not_changed() {
        let mut user = json!({"Schemas": ["urn:x"], "Title": "Miss", "nickName": "A", "emails": [{"value": "Ada@acme.com", "primary": true}],
            "roles": [{"value": "viewer", "display": "V"}, {"value": "other"}]});
        let map = user.as_object_mut().unwrap();
        Set::Value("title", None).change(map, true);
        Set::Value("department", Some(json!("Looms"))).change(map, true);
        Set::Name(Some("Ada".into())).change(map, false);
        Set::Listed { attribute: "roles", add: Some("admin".into()), remove: vec!["viewer".into()] }.change(map, true);
        Set::Mail { from: "ada@acme.com".into(), to: "ada@new.com".into() }.change(map, true);
        assert_eq!(
            user,
            json!({"Schemas": ["urn:x", ENTERPRISE], "nickName": "A", "emails": [{"value": "ada@new.com", "primary": true}],
                "roles": [{"value": "other"}, {"value": "admin"}], "name": {"formatted": "Ada"}, ENTERPRISE: {"department": "Looms"}})
        );
    }
}
