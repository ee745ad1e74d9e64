//! Organizations, and who has something in one (fact sheet terminusdb, sections 1 and 4).

use serde_json::{Value, json};

use super::answer::{Out, done, error, good, id_part, iri, unexpected};
use super::api::Cx;
use super::world::{Organization, SYSTEM};
use crate::sandbox::Answer;

pub fn list(cx: &mut Cx<'_>) -> Out {
    cx.only_super()?;
    let all: Vec<Value> =
        cx.state.organizations.iter().filter_map(|(id, _)| cx.state.organization_document(id)).collect();
    Ok(good(&Value::Array(all)))
}

/// The id of the organization of this name.
pub fn named(cx: &Cx<'_>, name: &str) -> Result<String, Answer> {
    let message = format!("There is no organization with the name {name}.");
    let about = json!({"organization_name": name});
    let missing = || error(404, "Organization", "NoIdForOrganizationName", about, message);
    cx.state.organization(name).map(|(id, _)| id.to_owned()).ok_or_else(missing)
}

pub fn get(cx: &mut Cx<'_>, name: &str, rest: &[&str]) -> Out {
    match rest {
        [] => {
            cx.only_super()?;
            let id = named(cx, name)?;
            cx.state.organization_document(&id).map(|o| good(&o)).ok_or_else(unexpected)
        }
        ["users"] => {
            let id = named(cx, name)?;
            cx.only("manage_capabilities", &id, &format!("'{id}'"))?;
            let inside = cx.state.inside(&id);
            let has = |user: &str| cx.state.capabilities_of(user).iter().any(|(_, c)| inside.contains(&c.scope));
            let users = cx.state.users.iter().filter(|(user, _)| has(user));
            Ok(good(&users.map(|(user, _)| record(cx, &id, user)).collect()))
        }
        ["users", user] => {
            let id = named(cx, name)?;
            let found = cx.state.user(user).map(|(id, _)| id.to_owned());
            if found.as_deref() != Some(cx.who.as_str()) {
                cx.only("manage_capabilities", &id, &format!("'{id}'"))?;
            }
            let message = format!("There is no user with the name {user}.");
            let missing = || error(404, "Organization", "NoIdForRoleName", json!({"user_name": user}), message);
            let found = found.ok_or_else(missing)?;
            Ok(good(&record(cx, &id, &found)))
        }
        ["users", user, "databases"] => {
            cx.only_super()?;
            let id = named(cx, name)?;
            let user = super::users::named(cx, user, "Organization")?;
            let member = cx.state.capabilities_of(&user).iter().any(|(_, c)| c.scope == id);
            let all = cx.state.organizations.get(&id).map(|o| o.databases.clone()).unwrap_or_default();
            let shown = all.iter().filter(|_| member).filter_map(|d| cx.state.database_document(d));
            Ok(good(&shown.collect()))
        }
        ["users", _, ..] => Err(unexpected()),
        _ => {
            cx.only_super()?;
            named(cx, &[&[name], rest].concat().join("/"))?;
            Err(unexpected())
        }
    }
}

/// What a user has in an organization.
fn record(cx: &Cx<'_>, organization: &str, user: &str) -> Value {
    let inside = cx.state.inside(organization);
    let shown = cx.state.capabilities_of(user).into_iter().filter(|(_, c)| inside.contains(&c.scope));
    let shown: Vec<Value> = shown
        .map(|(id, c)| {
            let roles: Vec<Value> = c.roles.iter().filter_map(|r| cx.state.role_document(r)).collect();
            json!({"@id": id, "@type": "Capability", "role": roles, "scope": c.scope})
        })
        .collect();
    let name = cx.state.users.get(user).map(|u| u.name.as_str());
    json!({"@id": user, "capability": shown, "name": name})
}

pub fn create(cx: &mut Cx<'_>, name: &str) -> Out {
    cx.only_super()?;
    let id = format!("Organization/{}", id_part(name));
    if cx.state.organizations.get(&id).is_some() {
        let full = iri(&id);
        let message = format!(
            "An organization with the id '{full}' already exists.  Consider renaming, deleting the old role, or \
             updating the old role."
        );
        let about = json!({"organization_id": full});
        return Err(error(400, "Organization", "NoUniqueIdForOrganizationName", about, message));
    }
    let seq = cx.state.number();
    cx.state.organizations.put(&id, seq, Organization { name: name.to_owned(), ..Organization::default() });
    Ok(good(&json!(iri(&id))))
}

pub fn delete(cx: &mut Cx<'_>, name: &str, whose: &str) -> Out {
    cx.only_super()?;
    let id = match named(cx, name) {
        Ok(id) => id,
        Err(_) if whose != "Organization" => {
            let message = format!("Unknown organization name: {name}");
            return Err(error(404, whose, "UnknownOrganizationName", json!({"organization_name": name}), message));
        }
        Err(refused) => return Err(refused),
    };
    let databases = cx.state.organizations.get(&id).map(|o| o.databases.clone()).unwrap_or_default();
    let names: Vec<&str> = databases
        .iter()
        .filter_map(|d| if d == SYSTEM { Some("_system") } else { Some(cx.state.databases.get(d)?.name.as_str()) })
        .collect();
    if !names.is_empty() {
        let message = format!("The organization {name} still has databases: [{}].", names.join(","));
        let about = json!({"databases": names, "organization": name});
        return Err(error(400, whose, "OrganizationRefersToDatabases", about, message));
    }
    if let Some((capability, _)) = cx.state.capabilities.find(|c| c.scope == id) {
        let message = "The organization can not be removed as it is referred to by a capability. Remove the grant of \
                       this capability to the organization before removing.";
        let about = json!({"capability": iri(capability)});
        return Err(error(400, whose, "DanglingOrganizationReferencedError", about, message.to_owned()));
    }
    cx.state.organizations.remove(&id);
    let outer: Vec<String> =
        cx.state.organizations.iter().filter(|(_, o)| o.children.contains(&id)).map(|(o, _)| o.to_owned()).collect();
    for outer in outer {
        cx.state.organizations.change(&outer, |o| o.children.retain(|c| *c != id));
    }
    Ok(done("Organization"))
}

/// The organizations of who asks, the old way.
pub fn mine(cx: &mut Cx<'_>) -> Out {
    let scopes: Vec<String> = cx.state.capabilities_of(&cx.who).iter().map(|(_, c)| c.scope.clone()).collect();
    let shown = scopes.iter().filter_map(|scope| {
        let organization = cx.state.organizations.get(scope)?;
        let databases: Vec<Value> =
            organization.databases.iter().filter_map(|d| cx.state.resource_document(d)).collect();
        Some(json!({"@id": scope, "@type": "Organization", "databases": databases, "name": organization.name}))
    });
    Ok(good(&shown.collect()))
}
