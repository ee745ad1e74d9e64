//! PATCH (RFC 7644, section 3.5.2): the operations of a request, one after the other, on the attributes
//! of a resource. The caller keeps the result or, when one of them fails, none of it.

use serde_json::{Map, Value};

use super::error::{Result, ScimError};
use super::filter::{At, Filter, Path, path};
use super::schema::{Attr, Kind, Mutability, Schema, Type, extension, is_main, is_nothing, normal, normal_one};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Adds values, or sets one.
    Add,
    /// Takes values away.
    Remove,
    /// Sets values.
    Replace,
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// What is done.
    pub verb: Verb,
    /// Where; `None` for the resource as a whole.
    pub path: Option<String>,
    /// With what.
    pub value: Value,
}

/// Reads the operations of a body.
///
/// # Errors
/// 400 `invalidSyntax`.
pub fn operations(body: &Map<String, Value>) -> Result<Vec<Operation>> {
    let get = |map: &Map<String, Value>, name: &str| {
        map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    let Some(Value::Array(list)) = get(body, "Operations") else {
        return Err(ScimError::syntax("`Operations` must be a list"));
    };
    let mut found = Vec::new();
    for one in &list {
        let Value::Object(one) = one else { return Err(ScimError::syntax("an operation must be an object")) };
        let word = get(one, "op").and_then(|op| op.as_str().map(str::to_ascii_lowercase)).unwrap_or_default();
        let verb = match word.as_str() {
            "add" => Verb::Add,
            "remove" => Verb::Remove,
            "replace" => Verb::Replace,
            _ => return Err(ScimError::syntax("`op` must be add, remove or replace")),
        };
        let path = match get(one, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.trim().is_empty() => None,
            Some(Value::String(path)) => Some(path),
            Some(_) => return Err(ScimError::bad("invalidPath", "`path` must be a text")),
        };
        if verb == Verb::Remove && path.is_none() {
            return Err(ScimError::bad("noTarget", "`remove` needs a path"));
        }
        found.push(Operation { verb, path, value: get(one, "value").unwrap_or(Value::Null) });
    }
    if found.is_empty() { Err(ScimError::syntax("`Operations` is empty")) } else { Ok(found) }
}

/// Does one operation.
///
/// # Errors
/// 400 with the SCIM type that says why.
pub fn apply(kind: Kind, body: &mut Map<String, Value>, operation: &Operation) -> Result<()> {
    if let Some(text) = &operation.path {
        return at_path(body, operation.verb, &path(text, kind)?, &operation.value);
    }
    let Value::Object(values) = &operation.value else {
        return Err(ScimError::value("without a path, the value must be an object"));
    };
    for (name, value) in values {
        // What a resource shows and nobody can change is often sent back as it was.
        if name.eq_ignore_ascii_case("schemas") || name.eq_ignore_ascii_case("id") || name.eq_ignore_ascii_case("meta")
        {
            continue;
        }
        at_path(body, operation.verb, &path(name, kind)?, value)?;
    }
    Ok(())
}

fn at_path(body: &mut Map<String, Value>, verb: Verb, path: &Path, value: &Value) -> Result<()> {
    match path {
        Path::Extension(schema) => at_extension(body, schema, verb, value),
        Path::Attr(at, filter) => {
            let read_only = |a: &Attr| a.mutability == Mutability::ReadOnly;
            if read_only(at.attr) || at.sub.is_some_and(read_only) {
                return Err(ScimError::bad("mutability", format!("`{}` is read-only", at.attr.name)));
            }
            if at.attr.mutability == Mutability::WriteOnly {
                return Ok(());
            }
            let Some(schema) = at.extension else { return at_attr(body, *at, filter.as_ref(), verb, value) };
            let mut inner = match body.remove(schema.id) {
                Some(Value::Object(inner)) => inner,
                _ => Map::new(),
            };
            let done = at_attr(&mut inner, *at, filter.as_ref(), verb, value);
            if !inner.is_empty() {
                body.insert(schema.id.to_owned(), Value::Object(inner));
            }
            done
        }
    }
}

fn at_extension(body: &mut Map<String, Value>, schema: &Schema, verb: Verb, value: &Value) -> Result<()> {
    if verb == Verb::Remove || is_nothing(value) {
        body.remove(schema.id);
        return Ok(());
    }
    let Some(Value::Object(new)) = extension(schema, value, false)? else { return Ok(()) };
    let kept = body.entry(schema.id.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(kept) = kept {
        kept.extend(new);
    }
    Ok(())
}

/// Sets a value, or takes it away where it is none.
fn set(map: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => map.insert(name.to_owned(), value),
        None => map.remove(name),
    };
}

fn at_attr(map: &mut Map<String, Value>, at: At, filter: Option<&Filter>, verb: Verb, value: &Value) -> Result<()> {
    let attr = at.attr;
    if let Some(filter) = filter {
        return at_values(map, at, filter, verb, value);
    }
    if let Some(sub) = at.sub {
        return at_part(map, at, sub, verb, value);
    }
    match verb {
        Verb::Remove if attr.required => {
            Err(ScimError::bad("mutability", format!("`{}` is required and cannot be removed", attr.name)))
        }
        // Entra ID names the values to be removed from a list.
        Verb::Remove if attr.multi && !is_nothing(value) => {
            let gone = listed(attr, value)?;
            let same = |kept: &Value| gone.iter().any(|g| is_same_value(kept, g));
            keep(map, attr, |kept| !same(kept));
            Ok(())
        }
        Verb::Remove => {
            map.remove(attr.name);
            Ok(())
        }
        Verb::Add if attr.multi => {
            let new = listed(attr, value)?;
            if new.is_empty() {
                return Ok(());
            }
            let mut list = taken(map, attr);
            let at = list.len();
            let mut known: std::collections::HashSet<String> = list.iter().filter_map(value_of).collect();
            for one in new {
                let is_there = match value_of(&one) {
                    Some(value) if attr.name == "members" => !known.insert(value),
                    _ => list.contains(&one),
                };
                if !is_there {
                    list.push(one);
                }
            }
            one_main(&mut list, at);
            map.insert(attr.name.to_owned(), Value::Array(list));
            Ok(())
        }
        // Of a single complex value, the parts that are not named stay.
        Verb::Add | Verb::Replace if attr.of == Type::Complex && !attr.multi => match value {
            Value::Object(parts) => {
                for (name, part) in parts {
                    if let Some(sub) = attr.sub(name).filter(|s| s.mutability != Mutability::ReadOnly) {
                        at_part(map, at, sub, verb, part)?;
                    }
                }
                Ok(())
            }
            Value::Null if verb == Verb::Replace => {
                map.remove(attr.name);
                Ok(())
            }
            _ => Err(ScimError::value(format!("`{}` must be an object", attr.name))),
        },
        Verb::Add if is_nothing(value) => Err(ScimError::value(format!("there is no value for `{}`", attr.name))),
        Verb::Add | Verb::Replace => {
            set(map, attr.name, normal(attr, value, false)?);
            Ok(())
        }
    }
}

/// The values of a list as they are kept.
fn listed(attr: &Attr, value: &Value) -> Result<Vec<Value>> {
    Ok(match normal(attr, value, false)? {
        Some(Value::Array(list)) => list,
        Some(one) => vec![one],
        None => Vec::new(),
    })
}

fn taken(map: &mut Map<String, Value>, attr: &Attr) -> Vec<Value> {
    match map.remove(attr.name) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

fn keep(map: &mut Map<String, Value>, attr: &Attr, wanted: impl Fn(&Value) -> bool) {
    let mut list = taken(map, attr);
    list.retain(wanted);
    set(map, attr.name, (!list.is_empty()).then_some(Value::Array(list)));
}

fn value_of(value: &Value) -> Option<String> {
    value.get("value").and_then(Value::as_str).map(str::to_owned)
}

fn is_same_value(a: &Value, b: &Value) -> bool {
    match (value_of(a), value_of(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// Where a new value is the main one, those that were there before it are so no longer.
fn one_main(list: &mut [Value], from: usize) {
    if list.iter().skip(from).any(is_main) {
        for old in list.iter_mut().take(from) {
            if let Some(map) = old.as_object_mut().filter(|m| m.get("primary") == Some(&Value::Bool(true))) {
                map.insert("primary".to_owned(), Value::Bool(false));
            }
        }
    }
}

/// A part of a complex value, or of all values of a list.
fn at_part(map: &mut Map<String, Value>, at: At, sub: &Attr, verb: Verb, value: &Value) -> Result<()> {
    let new = if verb == Verb::Remove { None } else { normal(sub, value, false)? };
    if at.attr.multi {
        if sub.mutability == Mutability::Immutable {
            return Err(immutable(at.attr, sub));
        }
        let mut list = taken(map, at.attr);
        if list.is_empty() {
            return match verb {
                Verb::Remove => Ok(()),
                Verb::Replace | Verb::Add => {
                    Err(ScimError::bad("noTarget", format!("`{}` has no values to change", at.attr.name)))
                }
            };
        }
        for one in &mut list {
            if let Value::Object(one) = one {
                set(one, sub.name, new.clone());
            }
        }
        list.retain(|v| !is_nothing(v));
        let list = normal(at.attr, &Value::Array(list), false)?;
        set(map, at.attr.name, list);
        return Ok(());
    }
    let mut inner = match map.remove(at.attr.name) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    set(&mut inner, sub.name, new);
    if !inner.is_empty() {
        map.insert(at.attr.name.to_owned(), Value::Object(inner));
    }
    Ok(())
}

fn immutable(attr: &Attr, sub: &Attr) -> ScimError {
    ScimError::bad(
        "mutability",
        format!("`{}.{}` cannot be changed: remove the value and add another", attr.name, sub.name),
    )
}

/// Those values of a list that fit a filter.
fn at_values(map: &mut Map<String, Value>, at: At, filter: &Filter, verb: Verb, value: &Value) -> Result<()> {
    let attr = at.attr;
    let mut list = taken(map, attr);
    let hit: Vec<usize> = list.iter().enumerate().filter(|(_, v)| filter.fits(*v)).map(|(i, _)| i).collect();
    if hit.is_empty() {
        set(map, attr.name, (!list.is_empty()).then_some(Value::Array(list)));
        // What is to be removed and is not there is removed.
        return if verb == Verb::Remove {
            Ok(())
        } else {
            Err(ScimError::bad("noTarget", format!("no value of `{}` fits the filter", attr.name)))
        };
    }
    match (at.sub, verb) {
        (None, Verb::Remove) => {
            let mut index = 0;
            list.retain(|_| {
                index += 1;
                hit.binary_search(&(index - 1)).is_err()
            });
        }
        (None, Verb::Replace | Verb::Add) => {
            for &i in &hit {
                let Some(place) = list.get_mut(i) else { continue };
                let Some(Value::Object(new)) = normal_one(attr, value, false)? else {
                    return Err(ScimError::value(format!("a value of `{}` must be an object", attr.name)));
                };
                let fixed = attr.subs.iter().find(|s| {
                    s.mutability == Mutability::Immutable
                        && new.get(s.name).is_some_and(|v| place.get(s.name) != Some(v))
                });
                if let Some(sub) = fixed {
                    return Err(immutable(attr, sub));
                }
                match place {
                    Value::Object(old) if verb == Verb::Add => old.extend(new),
                    _ => *place = Value::Object(new),
                }
            }
        }
        (Some(sub), _) => {
            if sub.mutability == Mutability::Immutable {
                return Err(immutable(attr, sub));
            }
            let new = if verb == Verb::Remove { None } else { normal(sub, value, false)? };
            for (i, one) in list.iter_mut().enumerate() {
                let Value::Object(one) = one else { continue };
                if hit.binary_search(&i).is_ok() {
                    set(one, sub.name, new.clone());
                } else if sub.name == "primary" && new == Some(Value::Bool(true)) && one.contains_key("primary") {
                    one.insert("primary".to_owned(), Value::Bool(false));
                }
            }
        }
    }
    list.retain(|v| !is_nothing(v));
    let list = normal(attr, &Value::Array(list), false)?;
    set(map, attr.name, list);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i32>().prop_map(Value::from),
            "[a-zA-Z@.]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            let key = "value|type|primary|emails|name|givenName|members|op|path|Operations|[a-z.\\[]{0,3}";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..3).prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    const PATHS: [&str; 11] = [
        "emails",
        "emails.type",
        "emails[type eq \"work\"]",
        "emails[primary eq true].value",
        "name",
        "name.givenName",
        "active",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        "roles",
        "addresses",
        "userName",
    ];

    proptest! {
        /// Whatever is sent: no panic, and what is kept is what would be kept again.
        #[test]
        fn what_is_kept_is_in_order(
            sent in prop::collection::vec((0..3_usize, prop::option::of(0..PATHS.len()), value()), 1..5),
        ) {
            let first = json!({"userName": "ada", "emails": [{"value": "a", "type": "work", "primary": true}, {"value": "b"}]});
            let mut body = first.as_object().cloned().unwrap();
            for (verb, place, value) in sent {
                let verb = [Verb::Add, Verb::Remove, Verb::Replace][verb];
                let operation = Operation { verb, path: place.map(|p| PATHS[p].to_owned()), value };
                let mut tried = body.clone();
                if apply(Kind::User, &mut tried, &operation).is_ok() {
                    body = tried;
                }
                let again = super::super::schema::body(Kind::User, &body, true);
                prop_assert_eq!(again.as_ref(), Ok(&body));
            }
        }
    }
}
