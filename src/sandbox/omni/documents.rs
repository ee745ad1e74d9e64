//! Documents: lists, transfer of ownership, and moving (fact sheet omni, section b.7).

use serde_json::{Value, json};

use super::api::{Cx, Done};
use super::content::manager;
use super::error::{Refusal, Result};
use super::page::{self, Cursor, Paging};
use super::people::{member, name_of};
use super::world::{Document, Permit};

const LIST: Paging = Paging { size: 50, most: 100, cursor: Cursor::Opaque };

fn show(cx: &Cx<'_>, id: &str, d: &Document) -> Value {
    let folder = d.folder.as_deref().and_then(|f| Some((f, cx.state.world.folders.get(f)?)));
    let folder = folder.map(|(f, found)| {
        json!({"id": f, "name": found.name, "path": cx.state.world.path(f), "scope": found.access.scope()})
    });
    let mut body = json!({
        "identifier": id, "name": d.name, "type": "document", "connectionId": d.connection, "scope": d.access.scope(),
        "folder": folder, "owner": {"id": d.access.owner, "name": d.access.owner_name}, "deleted": false,
        "hasDashboard": d.dashboard, "updatedAt": d.updated, "url": format!("{}/dashboards/{id}", cx.call.origin),
    });
    if let Some(map) = body.as_object_mut() {
        if let Some(text) = &d.description {
            map.insert("description".to_owned(), json!(text));
        }
        if cx.param("include").unwrap_or_default().split(',').any(|i| i.trim() == "labels") {
            map.insert("labels".to_owned(), json!(d.labels));
        }
    }
    body
}

/// `GET /v1/documents`
pub fn list(cx: &Cx<'_>) -> Result<Done> {
    let mut all: Vec<(&str, &Document)> = cx.state.world.documents.iter().collect();
    if let Some(folder) = cx.param("folderId") {
        all.retain(|(_, d)| d.folder.as_deref() == Some(folder));
    }
    if let Some(creator) = cx.param("creatorId") {
        all.retain(|(_, d)| d.access.owner == creator);
    }
    if let Some(labels) = cx.param("labels") {
        let wanted: Vec<&str> = labels.split(',').map(str::trim).collect();
        all.retain(|(_, d)| d.labels.iter().any(|l| wanted.contains(&l.as_str())));
    }
    page::sort(cx.call.request, &mut all, &[("name", &|o| o.1.name.clone()), ("updatedAt", &|o| o.1.updated.clone())]);
    page::v1(cx.call.request, cx.call.faults, LIST, "records", all, |(id, d)| show(cx, id, d)).map(Done::of)
}

fn found(cx: &Cx<'_>, id: &str) -> Result<Document> {
    let found = cx.state.world.documents.get(id).cloned();
    found.ok_or_else(|| Refusal::missing(format!("Document with identifier \"{id}\" not found")))
}

/// The membership in a body's `userId`.
pub fn new_owner(cx: &Cx<'_>) -> Result<(String, String)> {
    let id = cx.object()?.get("userId").and_then(Value::as_str).ok_or_else(|| Refusal::bad("userId: Required"))?;
    if !super::world::is_uuid(id) {
        return Err(Refusal::bad("userId: Invalid uuid"));
    }
    let user = member(cx.state, id).ok_or_else(|| Refusal::missing(format!("Membership {id} not found")))?;
    Ok((id.to_owned(), name_of(user).to_owned()))
}

/// `PUT /v1/documents/{id}/transfer-ownership`: whoever owned it manages it from then on.
pub fn transfer(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    let document = found(cx, id)?;
    manager(cx, "document")?;
    let (owner, name) = new_owner(cx)?;
    let access = document.access;
    if access.owner == owner {
        return Ok(Done::success());
    }
    let explicit = access.permits.iter().any(|p| p.principal == owner && p.role != "NO_ACCESS");
    if !explicit {
        return Err(Refusal::bad("The new owner must have explicit permission on the document"));
    }
    let former = member(cx.state, &access.owner).map(|_| access.owner.clone());
    cx.state.world.documents.change(id, |d| {
        d.access.owner = owner;
        d.access.owner_name = name;
        let permits = &mut d.access.permits;
        if let Some(former) = former {
            match permits.iter_mut().find(|p| p.principal == former) {
                Some(permit) => permit.role = "MANAGER".to_owned(),
                None => {
                    permits.push(Permit { principal: former, group: false, role: "MANAGER".to_owned(), boost: false })
                }
            }
        }
    });
    Ok(Done::success())
}

/// `POST` or `PUT /v1/documents/{id}/move`
pub fn relocate(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    found(cx, id)?;
    manager(cx, "document")?;
    let body = cx.object()?;
    let folder = match body.get("folderPath") {
        None => return Err(Refusal::bad("folderPath: Required")),
        Some(Value::Null) => None,
        Some(Value::String(path)) => {
            let found = cx.state.world.folder_at(path);
            Some(found.ok_or_else(|| Refusal::missing(format!("Folder with path \"{path}\" not found")))?.to_owned())
        }
        Some(_) => return Err(Refusal::bad("folderPath: Expected string")),
    };
    let scope = match body.get("scope").map(Value::as_str) {
        None => None,
        Some(Some("organization")) => Some(false),
        Some(Some("restricted")) => Some(true),
        Some(_) => return Err(Refusal::bad("scope: Invalid enum value")),
    };
    let outer = folder.as_deref().and_then(|f| cx.state.world.folders.get(f)).map(|f| f.access.restricted);
    if outer.is_some() && scope.is_some() && outer != scope {
        return Err(Refusal::bad("scope: must be that of the folder"));
    }
    let now = cx.stamp();
    cx.state.world.documents.change(id, |d| {
        d.folder = folder;
        d.access.restricted = outer.or(scope).unwrap_or(true);
        d.updated = now;
    });
    Ok(Done::success())
}
