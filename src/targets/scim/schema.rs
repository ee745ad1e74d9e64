//! What a server says of its attributes (RFC 7643, section 7): strict ones refuse what they do not list.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::resource::{ENTERPRISE, USER};
use super::value::{boolean, get, list, text};

/// The attributes of users; nothing is known where the server lists none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schemas {
    user: Option<Attributes>,
    enterprise: Option<Attributes>,
}

/// Attributes by their names in lower case.
type Attributes = HashMap<String, Attribute>;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Attribute {
    writable: bool,
    required: bool,
    parts: Attributes,
}

impl Schemas {
    /// Reads the answer of `/Schemas`.
    pub fn read(value: &Value) -> Self {
        let all = match value {
            Value::Array(items) => items.as_slice(),
            other => list(other, "Resources"),
        };
        let find = |id: &str| {
            let found = all.iter().find(|s| text(s, "id").is_some_and(|i| i.eq_ignore_ascii_case(id)))?;
            Some(attributes(found, "attributes")).filter(|a| !a.is_empty())
        };
        Self { user: find(USER), enterprise: find(ENTERPRISE) }
    }

    /// Whether users have the enterprise extension.
    pub fn has_enterprise(&self) -> bool {
        self.user.is_none() || self.enterprise.is_some()
    }

    /// Whether an attribute of users can be written.
    pub fn takes(&self, name: &str) -> bool {
        let known =
            |of: &Option<Attributes>| of.as_ref().is_none_or(|a| a.get(&lower(name)).is_some_and(|a| a.writable));
        if super::resource::is_enterprise(name) {
            self.has_enterprise() && known(&self.enterprise)
        } else {
            known(&self.user)
        }
    }

    /// Whether a part of an attribute of users is asked for.
    pub fn requires(&self, name: &str, part: &str) -> bool {
        let attribute = self.user.as_ref().and_then(|u| u.get(&lower(name)));
        attribute.is_some_and(|a| a.parts.get(&lower(part)).is_some_and(|p| p.required))
    }

    /// Takes out of a user that the server sent what is not to be sent back: what nobody can write. What it
    /// does not list and sends all the same stays, or it would be lost.
    pub fn strip(&self, user: &mut Map<String, Value>) {
        user.retain(|name, _| {
            let own = ["meta", "groups", "password"].iter().any(|n| n.eq_ignore_ascii_case(name));
            let known = self.user.as_ref().and_then(|u| u.get(&lower(name)));
            name == "id" || (!own && known.is_none_or(|a| a.writable))
        });
    }

    /// Takes out of a user what the server does not list or does not let anybody write.
    pub fn trim(&self, user: &mut Map<String, Value>) {
        let Some(known) = &self.user else { return };
        user.retain(|name, value| {
            if name.starts_with("urn:") || matches!(name.as_str(), "schemas" | "id" | "externalId") {
                return true;
            }
            let Some(attribute) = known.get(&lower(name)).filter(|a| a.writable) else { return false };
            if attribute.parts.is_empty() {
                return true;
            }
            let each: &mut dyn Iterator<Item = &mut Value> = match value {
                Value::Array(items) => &mut items.iter_mut(),
                one => &mut std::iter::once(one),
            };
            for part in each.filter_map(Value::as_object_mut) {
                part.retain(|name, _| attribute.parts.get(&lower(name)).is_some_and(|p| p.writable));
            }
            true
        });
    }
}

fn attributes(value: &Value, name: &str) -> Attributes {
    let read = |one: &Value| {
        let read_only = text(one, "mutability").is_some_and(|m| m.eq_ignore_ascii_case("readOnly"));
        let attribute = Attribute {
            writable: !read_only,
            required: boolean(one, "required").unwrap_or(false),
            parts: if get(one, "subAttributes").is_some() { attributes(one, "subAttributes") } else { HashMap::new() },
        };
        Some((lower(&text(one, "name")?), attribute))
    };
    list(value, name).iter().filter_map(read).collect()
}

fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_listed_is_not_sent() {
        let schemas = Schemas::read(&json!({"Resources": [{"id": USER, "attributes": [
            {"name": "userName", "required": true},
            {"name": "groups", "mutability": "readOnly"},
            {"name": "emails", "subAttributes": [{"name": "value"}, {"name": "display", "mutability": "readOnly"}]},
            {"name": "name", "subAttributes": [{"name": "familyName", "required": true}]},
        ]}]}));
        let mut user = json!({"schemas": [USER], "userName": "a", "groups": [], "title": "x",
            "emails": [{"value": "a", "display": "A", "primary": true}], "name": {"familyName": "A", "formatted": "A"}});
        schemas.trim(user.as_object_mut().unwrap());
        assert_eq!(
            user,
            json!({"schemas": [USER], "userName": "a", "emails": [{"value": "a"}], "name": {"familyName": "A"}})
        );
        assert!(schemas.takes("USERNAME") && !schemas.takes("title") && !schemas.takes("department"));
        assert!(schemas.requires("name", "familyName") && !schemas.requires("name", "givenName"));
    }

    #[test]
    fn where_nothing_is_listed_everything_is_sent() {
        let schemas = Schemas::read(&json!({}));
        let mut user = json!({"title": "x"});
        schemas.trim(user.as_object_mut().unwrap());
        assert_eq!(user, json!({"title": "x"}));
        assert!(schemas.takes("title") && schemas.takes("department") && schemas.has_enterprise());
    }
}
