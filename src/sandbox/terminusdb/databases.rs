//! Databases: lists, making, changing and deleting one with its failure half way, and as much of what lies
//! in one as shows who can read and write it (fact sheet terminusdb, sections 2, 4 and 7).

use serde_json::{Map, Value, json};

use super::answer::{Out, SCHEMA, done, error, good, id_part, iri, no_parameter, not_here, schema_failure};
use super::api::{Cx, Sent, VERSION};
use super::faults::STUCK_DELETE;
use super::world::{ANONYMOUS, CONSUMER_ID, Database, State, hex};
use crate::sandbox::Answer;

/// Marks an answer to a deletion whose first half was done; it is never sent with a value.
pub const HALF: &str = "x-sandbox-half-done";

/// The databases of who asks: by each of their capabilities, so that some come twice (captured).
fn of_asker(cx: &Cx<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (_, capability) in cx.state.capabilities_of(&cx.who) {
        let inside = cx.state.inside(&capability.scope);
        found.extend(cx.state.databases.iter().map(|(id, _)| id.to_owned()).filter(|id| inside.contains(id)));
    }
    found
}

pub fn connect(cx: &mut Cx<'_>) -> Out {
    let shown = of_asker(cx).into_iter().filter_map(|id| cx.state.database_document(&id));
    Ok(good(&shown.collect()))
}

/// One line of a list.
fn row(state: &State, id: &str, verbose: bool, branches: bool) -> Option<Value> {
    let path = format!("{}/{}", state.home(id)?, state.databases.get(id)?.name);
    if !verbose {
        return Some(json!({"path": path}));
    }
    let mut row = state.database_document(id)?;
    row["path"] = json!(path);
    if branches {
        row["branches"] = json!(["main"]);
    }
    Some(row)
}

pub fn list(cx: &mut Cx<'_>, rest: &[&str]) -> Out {
    let (verbose, branches) = (cx.flag("verbose")?, cx.flag("branches")?);
    if let [organization, name] = rest {
        let mine = of_asker(cx);
        let found = cx.state.database(organization, name).map(|(id, _)| id.to_owned());
        let Some(id) = found.filter(|id| mine.contains(id)) else {
            let message = "Database does not exist, or you do not have permission";
            let body = json!({
                "@type": "api:DbListErrorResponse", "api:message": message, "api:status": "api:failure",
            });
            return Err(Answer::json(404, super::answer::MEDIA, &body));
        };
        return Ok(good(&row(cx.state, &id, verbose, branches).unwrap_or(Value::Null)));
    }
    let all =
        if cx.is_super() { cx.state.databases.iter().map(|(id, _)| id.to_owned()).collect() } else { of_asker(cx) };
    let home = rest.first().copied();
    let rows = all.iter().filter(|id| home.is_none_or(|o| cx.state.home(id) == Some(o)));
    Ok(good(&rows.filter_map(|id| row(cx.state, id, verbose, branches)).collect()))
}

fn unknown(whose: &str, organization: &str, name: &str) -> Answer {
    let about = json!({"database_name": name, "organization_name": organization});
    error(404, whose, "UnknownDatabase", about, format!("Unknown database: {organization}/{name}"))
}

pub fn one(cx: &mut Cx<'_>, method: &str, organization: &str, name: &str) -> Out {
    let found = cx.state.database(organization, name).map(|(id, _)| id.to_owned());
    match (method, found) {
        ("HEAD", None) => Err(Answer::empty(404)),
        ("HEAD", Some(id)) => Ok(Answer::empty(if cx.may("instance_read_access", &id) { 200 } else { 403 })),
        ("POST", found) => create(cx, organization, name, found.is_some()),
        ("PUT", None) => Err(unknown("DbUpdate", organization, name)),
        ("PUT", Some(id)) => update(cx, &id),
        (_, found) => delete(cx, organization, name, found),
    }
}

/// The organization, and that who asks may do this in it.
fn home(cx: &Cx<'_>, whose: &str, name: &str, actions: &[&str]) -> Result<String, Answer> {
    let message = format!("Unknown organization name: {name}");
    let missing = || error(404, whose, "UnknownOrganizationName", json!({"organization_name": name}), message);
    let id = cx.state.organization(name).map(|(id, _)| id.to_owned()).ok_or_else(missing)?;
    for action in actions {
        cx.only(action, &id, &format!("'{}'", iri(&id)))?;
    }
    Ok(id)
}

fn create(cx: &mut Cx<'_>, organization: &str, name: &str, is_there: bool) -> Out {
    const WHOSE: &str = "DbCreate";
    let document = match cx.sent()? {
        Sent::Json(Value::Object(map)) => map,
        _ => Map::new(),
    };
    let of = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
    let label = of("label").ok_or_else(|| no_parameter(WHOSE, "label"))?;
    let home = home(cx, WHOSE, organization, &["create_database"])?;
    if name.is_empty() || name.contains(['|', '/']) {
        let about = json!({"database_name": name});
        return Err(error(400, WHOSE, "InvalidDatabaseName", about, format!("Invalid database name: '{name}'")));
    }
    if is_there {
        let about = json!({"database_name": name, "organization_name": organization});
        return Err(error(400, WHOSE, "DatabaseAlreadyExists", about, "Database already exists.".to_owned()));
    }
    let id = format!("UserDatabase/{}", cx.state.random());
    let database = Database {
        name: name.to_owned(),
        label,
        comment: of("comment").unwrap_or_default(),
        created: format!("{:.3}", cx.call.time),
        state: "finalized".to_owned(),
        ..Database::default()
    };
    let seq = cx.state.number();
    cx.state.databases.put(&id, seq, database);
    cx.state.organizations.change(&home, |o| o.databases.push(id.clone()));
    if document.get("public") == Some(&Value::Bool(true)) {
        open(cx, &id)?;
    }
    Ok(good(&json!({
        "@type": "api:DbCreateResponse", "api:database_uri": iri(&id), "api:status": "api:success",
    })))
}

/// Makes a database public: Consumer Role for anonymous on it.
fn open(cx: &mut Cx<'_>, id: &str) -> Result<(), Answer> {
    if cx.state.roles.get(CONSUMER_ID).is_none() {
        return Err(schema_failure(&json!({
            "@type": "instance_not_of_class", "class": format!("{SCHEMA}Role"), "instance": iri(CONSUMER_ID),
        })));
    }
    let held = cx.state.capabilities_of(ANONYMOUS).into_iter().any(|(_, c)| c.scope == id);
    if !held {
        cx.state.give(ANONYMOUS, id, vec![CONSUMER_ID.to_owned()]);
    }
    Ok(())
}

fn update(cx: &mut Cx<'_>, id: &str) -> Out {
    let document = cx.document(&[])?;
    cx.only("manage_capabilities", id, &format!("'{id}'"))?;
    let of = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
    let (name, label, comment) = (of("name"), of("label"), of("comment"));
    cx.state.databases.change(id, |d| {
        d.name = name.unwrap_or_else(|| d.name.clone());
        d.label = label.unwrap_or_else(|| d.label.clone());
        d.comment = comment.unwrap_or_else(|| d.comment.clone());
    });
    match document.get("public") {
        Some(Value::Bool(true)) => open(cx, id)?,
        Some(Value::Bool(false)) => {
            // Whose it is the server does not look at; in the one recording it was anonymous's.
            let fits =
                |(_, c): &(&str, &super::world::Capability)| c.scope == id && c.roles.iter().any(|r| r == CONSUMER_ID);
            let hit = cx.state.capabilities.iter().find(fits).map(|(c, _)| c.to_owned());
            if let Some(hit) = hit {
                cx.state.drop_capability(&hit);
            }
        }
        _ => {}
    }
    Ok(done("DbUpdated"))
}

fn delete(cx: &mut Cx<'_>, organization: &str, name: &str, found: Option<String>) -> Out {
    const WHOSE: &str = "DbDelete";
    let home = home(cx, WHOSE, organization, &["create_database", "delete_database"])?;
    let id = found.ok_or_else(|| unknown(WHOSE, organization, name))?;
    let force = cx.flag("force")?;
    if cx.state.databases.get(&id).is_some_and(|d| d.state != "finalized") && !force {
        let about = json!({"database_name": name, "organization_name": organization});
        let message = format!("Database {organization}/{name} is not in a deletable state.");
        return Err(error(400, WHOSE, "DatabaseNotFinalized", about, message));
    }
    let holders: Vec<String> =
        cx.state.capabilities.iter().filter(|(_, c)| c.scope == id).map(|(c, _)| c.to_owned()).collect();
    let stuck = cx.has(&STUCK_DELETE);
    if holders.len() > 1 || stuck {
        cx.state.databases.change(&id, |d| "deleting".clone_into(&mut d.state));
        let last = holders.last().map_or(id.as_str(), String::as_str);
        let witness = json!({
            "@type": "instance_not_cardinality_one", "class": format!("{SCHEMA}Resource"), "instance": iri(last),
            "predicate": format!("{SCHEMA}scope"),
        });
        return Err(schema_failure(&witness).header(HALF, ""));
    }
    for holder in holders {
        cx.state.drop_capability(&holder);
    }
    cx.state.databases.remove(&id);
    cx.state.organizations.change(&home, |o| o.databases.retain(|d| *d != id));
    Ok(done(WHOSE))
}

pub fn no_log() -> Out {
    let message = "Resource has no history, so log unavailable: _system".to_owned();
    Err(error(400, "Log", "ResourceHasNoHistory", json!({"absolute_descriptor": "_system"}), message))
}

/// Schema and documents of a database.
pub fn documents(cx: &mut Cx<'_>, method: &str, organization: &str, name: &str) -> Out {
    let whose = match method {
        "GET" => "GetDocument",
        "POST" => "InsertDocument",
        _ => return Err(not_here("changing and deleting documents of a database")),
    };
    let found = cx.state.database(organization, name).map(|(id, _)| id.to_owned());
    let id = found.ok_or_else(|| unknown(whose, organization, name))?;
    let schema = cx.request().param("graph_type") == Some("schema");
    let graph = if schema { "schema" } else { "instance" };
    let verb = if method == "GET" { "read" } else { "write" };
    cx.only(&format!("{graph}_{verb}_access"), &id, &format!("'{id}'"))?;
    let version = |state: &State| {
        let number = state.databases.get(&id).map_or(0, |d| d.version);
        let digest: String = hex(&format!("{id} {number}")).chars().take(31).collect();
        format!("branch:{digest}")
    };
    if method == "GET" {
        let Some(database) = cx.state.databases.get(&id) else { return Err(unknown(whose, organization, name)) };
        let mut items = if schema { database.schema.clone() } else { database.documents.clone() };
        if schema {
            let context = json!({
                "@base": "terminusdb:///data/", "@schema": "terminusdb:///schema#", "@type": "@context",
            });
            items.insert(0, context);
        }
        return Ok(shown(items, cx.flag("as_list")?).header(VERSION, version(cx.state)));
    }
    for name in ["author", "message"] {
        if cx.request().param(name).is_none() {
            return Err(no_parameter(whose, name));
        }
    }
    let items = match cx.sent()? {
        Sent::Json(Value::Array(items)) => items,
        Sent::Json(one) => vec![one],
        _ => return Err(super::answer::unexpected()),
    };
    let mut made = Vec::new();
    for mut item in items {
        let kind = item.get("@type").and_then(Value::as_str).unwrap_or_default().to_owned();
        if schema {
            let class = item.get("@id").and_then(Value::as_str).unwrap_or_default().to_owned();
            made.push(json!(class));
            cx.state.databases.change(&id, |d| d.schema.push(item));
        } else {
            let document = format!("{}/{}", id_part(&kind), cx.state.random());
            item["@id"] = json!(document);
            made.push(json!(format!("terminusdb:///data/{document}")));
            cx.state.databases.change(&id, |d| d.documents.push(item));
        }
    }
    cx.state.databases.change(&id, |d| d.version += 1);
    Ok(good(&Value::Array(made)).header(VERSION, version(cx.state)))
}

/// Documents as one list, or a line each.
pub fn shown(items: Vec<Value>, as_list: bool) -> Answer {
    if as_list {
        return good(&Value::Array(items));
    }
    let lines: String = items.iter().map(|item| format!("{item}\n")).collect();
    let mut answer = good(&Value::Null);
    answer.body = lines.into_bytes();
    answer
}
