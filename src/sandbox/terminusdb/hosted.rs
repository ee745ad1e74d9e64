//! The calls that only the hosted product serves: invitations, one role for each scope, rows of databases
//! (fact sheet terminusdb, section 10). They come from its JavaScript client and were never recorded.

use serde_json::{Value, json};

use super::answer::{Out, done, error, good, id_part, not_here};
use super::api::{Cx, text};
use super::world::{Capability, Invite, State, User};
use super::{organizations, users};
use crate::sandbox::Answer;

/// The five roles by id, lowest first, with what the words of its page come to (section 2, inferred).
pub const ROLES: [(&str, &str, &[&str]); 4] = [
    ("infoReader", "Info Reader", &["class_frame", "schema_read_access", "commit_read_access", "meta_read_access"]),
    ("dataReader", "Data Reader", &["instance_read_access", "clone", "fetch"]),
    ("dataUpdater", "Data Updater", &["instance_write_access", "commit_write_access", "branch"]),
    (
        "collaborator",
        "Collaborator",
        &["create_database", "delete_database", "push", "rebase", "schema_write_access", "meta_write_access"],
    ),
];

/// Puts the five roles in, of which `Role/admin` is there already.
pub fn begin(state: &mut State) {
    let mut actions = std::collections::BTreeSet::new();
    for (id, name, more) in ROLES {
        actions.extend(more.iter().map(|a| (*a).to_owned()));
        state.put_role(&format!("Role/{id}"), super::world::Role { name: name.to_owned(), actions: actions.clone() });
    }
}

/// Answers what is a hosted call; `None` for all else.
pub fn route(cx: &mut Cx<'_>, method: &str, path: &[&str]) -> Option<Out> {
    Some(match (method, path) {
        ("GET", ["users", "info"]) => Ok(info(cx)),
        ("HEAD", ["private", "organizations", name]) => {
            Ok(Answer::empty(if cx.state.organization(name).is_some() { 200 } else { 404 }))
        }
        ("POST", ["private", "organizations", name]) => organizations::create(cx, name),
        ("POST", ["private", "organizations"]) => match cx.document(&["organization"]) {
            Ok(body) => organizations::create(cx, &body.get("organization").map(text).unwrap_or_default()),
            Err(refused) => Err(refused),
        },
        ("GET", ["organizations", name, "role"]) => role(cx, name),
        ("GET", ["organizations", name, "users"]) => people(cx, name),
        ("GET", ["organizations", name, "invites"]) => invites(cx, name),
        ("POST", ["organizations", name, "invites"]) => invite(cx, name),
        (_, ["organizations", name, "invites", id]) => one_invite(cx, method, name, id),
        ("DELETE", ["organizations", name, "users", user]) => remove(cx, name, user),
        ("GET", ["organizations", name, "users", user, "databases"]) => rows(cx, name, user),
        ("POST", ["organizations", name, "users", user, "capabilities"]) => give(cx, name, user, None),
        ("PUT", ["organizations", name, "users", user, "capabilities", id]) => give(cx, name, user, Some(id)),
        (_, ["organizations", _, "access_requests", ..]) => Err(not_here("requests for access")),
        _ => return None,
    })
}

fn info(cx: &Cx<'_>) -> Answer {
    let name = cx.state.users.get(&cx.who).map(|u| u.name.clone());
    good(&json!({"@id": cx.who, "name": name}))
}

/// The organization, that may be managed by who asks.
fn managed(cx: &Cx<'_>, name: &str) -> Result<String, Answer> {
    let id = organizations::named(cx, name)?;
    cx.only("manage_capabilities", &id, &format!("'{id}'"))?;
    Ok(id)
}

fn role(cx: &Cx<'_>, name: &str) -> Out {
    let id = organizations::named(cx, name)?;
    let held = cx.state.capabilities_of(&cx.who).into_iter().find(|(_, c)| c.scope == id);
    let role = held.and_then(|(_, c)| c.roles.first().cloned());
    Ok(good(&json!({"userRole": role.or_else(|| cx.is_super().then(|| "Role/admin".to_owned()))})))
}

fn shown(id: &str, invite: &Invite) -> Value {
    json!({
        "@id": id, "@type": "Invitation", "email_to": invite.email, "role": invite.role, "note": invite.note,
        "status": invite.status,
    })
}

fn invites(cx: &Cx<'_>, name: &str) -> Out {
    let organization = managed(cx, name)?;
    let of = cx.state.invites.iter().filter(|(_, i)| i.organization == organization && i.status == "pending");
    Ok(good(&of.map(|(id, i)| shown(id, i)).collect()))
}

fn no_role(role: &str) -> Answer {
    error(404, "Role", "DocumentNotFound", json!({"document_id": role}), format!("Document not found: '{role}'"))
}

fn invite(cx: &mut Cx<'_>, name: &str) -> Out {
    let document = cx.document(&["email_to", "role"])?;
    let organization = managed(cx, name)?;
    let of = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
    let (email, role) = (of("email_to").unwrap_or_default(), of("role").unwrap_or_default());
    if cx.state.roles.get(&role).is_none() {
        return Err(no_role(&role));
    }
    let id = format!("Invitation/{}", cx.state.random());
    let seq = cx.state.number();
    let invite = Invite { organization, email, role, note: of("note"), status: "pending".to_owned() };
    let body = shown(&id, &invite);
    cx.state.invites.put(&id, seq, invite);
    Ok(good(&body))
}

fn one_invite(cx: &mut Cx<'_>, method: &str, name: &str, tail: &str) -> Out {
    let organization = managed(cx, name)?;
    let id = format!("Invitation/{tail}");
    let Some(invite) = cx.state.invites.get(&id).filter(|i| i.organization == organization).cloned() else {
        return Err(error(
            404,
            "Invitation",
            "DocumentNotFound",
            json!({"document_id": id}),
            "Document not found".to_owned(),
        ));
    };
    match method {
        "GET" => Ok(good(&shown(&id, &invite))),
        "DELETE" => {
            cx.state.invites.remove(&id);
            Ok(done("Organization"))
        }
        "PUT" => {
            let document = cx.document(&["accepted"])?;
            let accepted = document.get("accepted") == Some(&Value::Bool(true));
            cx.state.invites.remove(&id);
            if accepted {
                join(cx.state, &invite);
            }
            Ok(done("Organization"))
        }
        _ => Err(not_here("this of an invitation")),
    }
}

/// Somebody accepts: the account, where there is none yet, and the role.
fn join(state: &mut State, invite: &Invite) {
    let known = state.users.find(|u| u.email.as_deref() == Some(&invite.email) || u.name == invite.email);
    let id = match known.map(|(id, _)| id.to_owned()) {
        Some(id) => id,
        None => {
            let id = format!("User/{}", id_part(&invite.email));
            let seq = state.number();
            let user = User { name: invite.email.clone(), email: Some(invite.email.clone()), ..User::default() };
            state.users.put(&id, seq, user);
            id
        }
    };
    state.give(&id, &invite.organization, vec![invite.role.clone()]);
}

/// Takes somebody out of an organization, with all that they have in it.
fn remove(cx: &mut Cx<'_>, name: &str, user: &str) -> Out {
    let organization = managed(cx, name)?;
    let user = users::named(cx, user, "Organization")?;
    let inside = cx.state.inside(&organization);
    let held: Vec<String> = cx
        .state
        .capabilities_of(&user)
        .into_iter()
        .filter(|(_, c)| inside.contains(&c.scope))
        .map(|(id, _)| id.to_owned())
        .collect();
    for id in held {
        cx.state.drop_capability(&id);
    }
    Ok(done("Organization"))
}

/// A text as the client's comments show it.
fn typed(text: &str) -> Value {
    json!({"@type": "xsd:string", "@value": text})
}

/// A row for each capability in the organization, as the client's comments show them.
fn people(cx: &Cx<'_>, name: &str) -> Out {
    let organization = managed(cx, name)?;
    let inside = cx.state.inside(&organization);
    let mut rows = Vec::new();
    for (id, user) in cx.state.users.iter() {
        for (capability, held) in cx.state.capabilities_of(id).into_iter().filter(|(_, c)| inside.contains(&c.scope)) {
            rows.push(json!({
                "capability": capability, "email": typed(user.email.as_deref().unwrap_or(&user.name)),
                "role": held.roles.first(), "scope": held.scope, "user": id,
            }));
        }
    }
    Ok(good(&Value::Array(rows)))
}

/// A row for each database: with a role of its own, or that of the team and no capability.
fn rows(cx: &Cx<'_>, name: &str, user: &str) -> Out {
    let organization = managed(cx, name)?;
    let id = users::named(cx, user, "Organization")?;
    let held = cx.state.capabilities_of(&id);
    let on = |scope: &str| held.iter().find(|(_, c)| c.scope == scope);
    let role = |c: &Capability| c.roles.first().cloned();
    let team = on(&organization).and_then(|(_, c)| role(c));
    let databases = cx.state.organizations.get(&organization).map(|o| o.databases.clone()).unwrap_or_default();
    let row = |database: &String| {
        let name = &cx.state.databases.get(database)?.name;
        let own = on(database);
        Some(json!({
            "capability": own.map(|(id, _)| *id), "name": typed(name), "scope": database, "user": id,
            "role": own.and_then(|(_, c)| role(c)).or_else(|| team.clone()),
        }))
    };
    Ok(good(&databases.iter().filter_map(row).collect()))
}

/// Gives one role on a scope, or puts it in the place of the one that is there.
fn give(cx: &mut Cx<'_>, name: &str, user: &str, capability: Option<&str>) -> Out {
    let document = cx.document(&["scope", "role"])?;
    let organization = managed(cx, name)?;
    let user = users::named(cx, user, "Organization")?;
    let of = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned).unwrap_or_default();
    let (scope, role) = (of("scope"), of("role"));
    if cx.state.roles.get(&role).is_none() {
        return Err(no_role(&role));
    }
    if !cx.state.inside(&organization).contains(&scope) {
        let message = format!("No id associated with resource name {scope}");
        return Err(error(404, "Capability", "NoIdForResourceName", json!({"resource_name": scope}), message));
    }
    let held = cx.state.capabilities_of(&user).into_iter().find(|(_, c)| c.scope == scope);
    let held = held.map(|(id, _)| id.to_owned());
    match (capability, held) {
        (None, None) => {
            let id = cx.state.give(&user, &scope, vec![role]);
            Ok(good(&json!(id)))
        }
        (None, Some(id)) => {
            let message = "there is a capability already".to_owned();
            Err(error(400, "Capability", "CapabilityExists", json!({"capability": id}), message))
        }
        (Some(tail), Some(id)) if id.strip_prefix("Capability/") == Some(tail) => {
            cx.state.capabilities.change(&id, |c| c.roles = vec![role]);
            Ok(good(&json!(id)))
        }
        (Some(tail), _) => {
            let about = json!({"document_id": format!("Capability/{tail}")});
            Err(error(404, "Capability", "DocumentNotFound", about, "Document not found".to_owned()))
        }
    }
}
