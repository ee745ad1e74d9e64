//! Grants and revokes: one verb for both, by names or by ids (fact sheet terminusdb, section 4).

use serde_json::{Map, Value, json};

use super::answer::{IRI, Out, dangling, done, error, schema_failure, unexpected, unhandled};
use super::api::{Cx, text};
use super::faults::OWN_CAPABILITY;
use super::{roles, users};
use crate::sandbox::Answer;

const WHOSE: &str = "Capability";

/// Who is to get or lose what, by id.
struct Asked {
    user: String,
    scope: String,
    roles: Vec<String>,
}

pub fn change(cx: &mut Cx<'_>) -> Out {
    let document = cx.document(&["operation", "scope", "user", "roles"])?;
    let Some(Value::Array(said)) = document.get("roles") else { return Err(unexpected()) };
    let said: Vec<String> = said.iter().map(text).collect();
    let asked = match document.get("scope_type") {
        Some(kind) => by_name(cx, &document, &said, kind.as_str() == Some("database"))?,
        None => by_id(cx, &document, &said)?,
    };
    match document.get("operation").and_then(Value::as_str) {
        Some("grant") => grant(cx, &asked),
        Some("revoke") => revoke(cx, &asked),
        _ => Err(unhandled()),
    }
}

fn by_name(cx: &Cx<'_>, document: &Map<String, Value>, said: &[String], database: bool) -> Result<Asked, Answer> {
    cx.only_super()?;
    let of = |key: &str| document.get(key).map(text).unwrap_or_default();
    let user = users::named(cx, &of("user"), WHOSE)?;
    let scope = of("scope");
    let found =
        if database { database_of(cx, &scope)? } else { cx.state.organization(&scope).map(|(id, _)| id.to_owned()) };
    let message = format!("No id associated with resource name {scope}");
    let missing = || error(404, WHOSE, "NoIdForResourceName", json!({"resource_name": scope}), message);
    let scope = found.ok_or_else(missing)?;
    let roles = said.iter().map(|name| roles::named(cx, name, WHOSE)).collect::<Result<Vec<_>, _>>()?;
    Ok(Asked { user, scope, roles })
}

/// The database that a scope names: `organization/name`, whatever comes behind it, or a name alone where
/// only one has it.
fn database_of(cx: &Cx<'_>, scope: &str) -> Result<Option<String>, Answer> {
    let mut parts = scope.split('/');
    let (first, second) = (parts.next().unwrap_or_default(), parts.next());
    if let Some(second) = second {
        return Ok(cx.state.database(first, second).map(|(id, _)| id.to_owned()));
    }
    let mut found = cx.state.databases.iter().filter(|(_, d)| d.name == first).map(|(id, _)| id.to_owned());
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => {
            let message = format!(
                "There is more than one id for database {first}. Consider deleting duplicates if you want to refer \
                 to them by name rather than id, or specify the organization."
            );
            Err(error(404, WHOSE, "NoUniqueIdForDatabaseName", json!({"database_name": first}), message))
        }
        (found, _) => Ok(found),
    }
}

fn by_id(cx: &Cx<'_>, document: &Map<String, Value>, said: &[String]) -> Result<Asked, Answer> {
    let short = |id: &str| id.strip_prefix(IRI).unwrap_or(id).to_owned();
    let of = |key: &str| short(&document.get(key).map(text).unwrap_or_default());
    let asked = Asked { user: of("user"), scope: of("scope"), roles: said.iter().map(|r| short(r)).collect() };
    let known = asked.user.starts_with("User/")
        && asked.roles.iter().all(|r| r.starts_with("Role/"))
        && ["Organization/", "UserDatabase/", "SystemDatabase/"].iter().any(|kind| asked.scope.starts_with(kind));
    if !known {
        return Err(unexpected());
    }
    cx.only("manage_capabilities", &asked.scope, &format!("'{}'", asked.scope))?;
    Ok(asked)
}

fn grant(cx: &mut Cx<'_>, asked: &Asked) -> Out {
    if cx.state.users.get(&asked.user).is_none() {
        return Err(unexpected());
    }
    let own = cx.has(&OWN_CAPABILITY);
    let held = cx.state.capabilities_of(&asked.user).into_iter().find(|(_, c)| c.scope == asked.scope);
    let id = match held.map(|(id, _)| id.to_owned()).filter(|_| !own) {
        Some(id) => {
            cx.state.capabilities.change(&id, |c| {
                for role in &asked.roles {
                    if !c.roles.contains(role) {
                        c.roles.push(role.clone());
                    }
                }
            });
            id
        }
        None => {
            let mut roles = asked.roles.clone();
            roles.sort();
            roles.dedup();
            cx.state.give(&asked.user, &asked.scope, roles)
        }
    };
    if let Some(role) = asked.roles.iter().find(|r| cx.state.roles.get(r).is_none()) {
        return Err(schema_failure(&dangling(&id, "role", role)));
    }
    if cx.state.resource_document(&asked.scope).is_none() {
        return Err(schema_failure(&dangling(&id, "scope", &asked.scope)));
    }
    Ok(done(WHOSE))
}

fn revoke(cx: &mut Cx<'_>, asked: &Asked) -> Out {
    let held = cx.state.capabilities_of(&asked.user).into_iter().find(|(_, c)| c.scope == asked.scope);
    let Some((id, capability)) = held.map(|(id, c)| (id.to_owned(), c.clone())) else {
        let (user, scope) = (&asked.user, &asked.scope);
        let message = format!("There was no capability for the user {user} with scope {scope}");
        let about = json!({"scope": scope, "user": user});
        return Err(error(404, WHOSE, "NoCapabilityForUserWithScope", about, message));
    };
    let mut left = capability.roles;
    let mut not_held: Vec<&String> = Vec::new();
    let mut twice = false;
    for role in &asked.roles {
        match left.iter().position(|r| r == role) {
            Some(at) => drop(left.remove(at)),
            None if asked.roles.iter().filter(|r| *r == role).count() > 1 => twice = true,
            None => not_held.push(role),
        }
    }
    if twice || !not_held.is_empty() {
        let shown: Vec<String> = not_held.iter().map(|r| format!("'{r}'")).collect();
        let message = format!("Deleted roles [{}] do not exist for capability {id}", shown.join(","));
        let about = json!({"capability": id, "roles": not_held});
        return Err(error(400, WHOSE, "RevokedRolesDoNotExistForCapability", about, message));
    }
    if left.is_empty() {
        cx.state.drop_capability(&id);
    } else {
        cx.state.capabilities.change(&id, |c| c.roles = left);
    }
    Ok(done(WHOSE))
}
