//! Folders (fact sheet omni, section b.6).

use serde_json::{Value, json};

use super::api::{Cx, Done};
use super::error::{Refusal, Result};
use super::keys::acting;
use super::page::{self, Cursor, Paging};
use super::people::{member, name_of};
use super::world::{Access, Folder, State, maker};

const LIST: Paging = Paging { size: 20, most: 100, cursor: Cursor::Opaque };
/// How much can be deleted by force.
const FORCE_MAX: usize = 100;

/// A name as a part of a path: letters, digits and hyphens.
pub fn segment(name: &str) -> String {
    let sign = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = name.chars().map(sign).collect();
    let text = text.trim_matches('-');
    if text.is_empty() { "folder".to_owned() } else { text.to_owned() }
}

/// A segment that no folder beside it has.
pub fn free_segment(state: &State, parent: Option<&str>, wanted: &str, own: Option<&str>) -> String {
    let taken = |s: &str| {
        state.world.folders.iter().any(|(id, f)| f.parent.as_deref() == parent && f.segment == s && own != Some(id))
    };
    let numbered = (1..).map(|n| format!("{wanted}-{n}"));
    std::iter::once(wanted.to_owned()).chain(numbered).find(|s| !taken(s)).unwrap_or_default()
}

fn show(cx: &Cx<'_>, id: &str, f: &Folder) -> Value {
    let mut body = json!({
        "id": id, "name": f.name, "path": cx.state.world.path(id), "ownerId": f.access.owner, "scope": f.access.scope(),
        "url": format!("{}/f/{id}", cx.call.origin),
    });
    let include = cx.param("include").unwrap_or_default();
    let wants = |name: &str| include.split(',').any(|i| i.trim() == name);
    if let Some(map) = body.as_object_mut() {
        if wants("labels") {
            map.insert("labels".to_owned(), json!(f.labels));
        }
        if wants("_count") {
            let documents = cx.state.world.documents.iter().filter(|(_, d)| d.folder.as_deref() == Some(id)).count();
            map.insert("_count".to_owned(), json!({"documents": documents, "favorites": 0}));
        }
    }
    body
}

/// `GET /v1/folders`
pub fn list(cx: &Cx<'_>) -> Result<Done> {
    let mut all: Vec<(&str, &Folder)> = cx.state.world.folders.iter().collect();
    if let Some(path) = cx.param("path") {
        let below = cx.state.world.path(
            cx.state
                .world
                .folder_at(path)
                .ok_or_else(|| Refusal::missing(format!("Folder with path \"{path}\" not found")))?,
        );
        all.retain(|(id, _)| {
            let own = cx.state.world.path(id);
            own == below || own.starts_with(&format!("{below}/"))
        });
    }
    match cx.param("scope") {
        None => {}
        Some(scope @ ("organization" | "restricted")) => all.retain(|(_, f)| f.access.scope() == scope),
        Some(_) => return Err(Refusal::bad("scope: Invalid enum value")),
    }
    if let Some(owner) = cx.param("ownerId") {
        // Seen: it hides what belongs to the organization.
        all.retain(|(_, f)| f.access.restricted && f.access.owner == owner);
    }
    if let Some(labels) = cx.param("labels") {
        let wanted: Vec<&str> = labels.split(',').map(str::trim).collect();
        all.retain(|(_, f)| f.labels.iter().any(|l| wanted.contains(&l.as_str())));
    }
    page::sort(cx.call.request, &mut all, &[("name", &|o| o.1.name.clone()), ("path", &|o| cx.state.world.path(o.0))]);
    page::v1(cx.call.request, cx.call.faults, LIST, "records", all, |(id, f)| show(cx, id, f)).map(Done::of)
}

/// `POST /v1/folders`
pub fn create(cx: &mut Cx<'_>) -> Result<Done> {
    let body = cx.object()?;
    let text = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::bad(format!("{name}: Expected string"))),
    };
    let name = text("name")?.filter(|n| !n.trim().is_empty()).ok_or_else(|| Refusal::bad("name: Required"))?;
    let parent = text("parentFolderId")?;
    let outer = match &parent {
        None => None,
        Some(id) => Some(cx.state.world.folders.get(id).ok_or_else(|| missing(id))?.access.clone()),
    };
    let scope = match text("scope")?.as_deref() {
        None => None,
        Some("organization") => Some(false),
        Some("restricted") => Some(true),
        Some(_) => return Err(Refusal::bad("scope: Invalid enum value")),
    };
    let owner = match text("userId")? {
        Some(id) => {
            let user = member(cx.state, &id).ok_or_else(|| Refusal::missing(format!("Membership {id} not found")))?;
            (id.clone(), name_of(user).to_owned())
        }
        None => acting(cx).map_or_else(|| (maker(), String::new()), |u| (u.id.clone(), name_of(u).to_owned())),
    };
    let restricted = match (&outer, scope) {
        (Some(outer), Some(wanted)) if outer.restricted != wanted => {
            return Err(Refusal::bad("scope: must be that of the parent folder"));
        }
        (Some(outer), _) => outer.restricted,
        (None, wanted) => wanted.unwrap_or(false),
    };
    if outer.is_some_and(|o| o.restricted && o.owner != owner.0) {
        return Err(Refusal::bad("Cannot create a folder in another user's restricted folder"));
    }
    let segment = free_segment(cx.state, parent.as_deref(), &segment(&name), None);
    let access = Access { owner: owner.0, owner_name: owner.1, restricted, ..Access::default() };
    let folder = Folder { name, segment, parent, labels: Vec::new(), access };
    let (id, seq) = cx.state.fresh("folder");
    cx.state.world.folders.put(&id, seq, folder.clone());
    Ok(Done::made(json!({
        "id": id, "name": folder.name, "ownerId": folder.access.owner, "path": cx.state.world.path(&id),
        "scope": folder.access.scope(),
    })))
}

fn missing(id: &str) -> Refusal {
    Refusal::missing(format!("Folder with identifier \"{id}\" not found"))
}

/// `PATCH /v1/folders/{id}`
pub fn update(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    let folder = cx.state.world.folders.get(id).cloned().ok_or_else(|| missing(id))?;
    super::content::manager(cx, "folder")?;
    let body = cx.object()?;
    super::content::only(body, &["name", "path", "resolvePathConflict"])?;
    let text = |name: &str| match body.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::bad(format!("{name}: Expected string"))),
    };
    let (name, mut path) = (text("name")?, text("path")?);
    if let Some(wanted) = &path {
        if !wanted.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(Refusal::bad("path: Invalid"));
        }
        let free = free_segment(cx.state, folder.parent.as_deref(), wanted, Some(id));
        if free != *wanted && body.get("resolvePathConflict") != Some(&Value::Bool(true)) {
            return Err(Refusal::new(409, format!("A folder with the path \"{wanted}\" already exists")));
        }
        path = Some(free);
    }
    cx.state.world.folders.change(id, |f| {
        f.name = name.unwrap_or_else(|| f.name.clone());
        f.segment = path.unwrap_or_else(|| f.segment.clone());
    });
    let folder = cx.state.world.folders.get(id).ok_or_else(|| missing(id))?;
    Ok(Done::of(show(cx, id, folder)))
}

/// `DELETE /v1/folders/{id}`
pub fn delete(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    cx.state.world.folders.get(id).ok_or_else(|| missing(id))?;
    super::content::manager(cx, "folder")?;
    let world = &cx.state.world;
    let within = |f: Option<&str>| f.is_some_and(|f| world.folder_and_outer(f).any(|(outer, _)| outer == id));
    let folders: Vec<String> =
        world.folders.iter().filter(|(_, f)| within(f.parent.as_deref())).map(|(i, _)| i.to_owned()).collect();
    let documents: Vec<String> =
        world.documents.iter().filter(|(_, d)| within(d.folder.as_deref())).map(|(i, _)| i.to_owned()).collect();
    let count = folders.len() + documents.len();
    if count > 0 && !cx.flag("force") {
        return Err(Refusal::bad("Only empty folders can be deleted"));
    }
    if count > FORCE_MAX {
        return Err(Refusal::bad(format!("A folder with more than {FORCE_MAX} items cannot be deleted")));
    }
    let schedules: Vec<String> =
        world.schedules.iter().filter(|(_, s)| documents.contains(&s.document)).map(|(i, _)| i.to_owned()).collect();
    let world = &mut cx.state.world;
    for schedule in schedules {
        world.schedules.remove(&schedule);
    }
    for document in documents {
        world.documents.remove(&document);
    }
    for folder in folders {
        world.folders.remove(&folder);
    }
    world.folders.remove(id);
    Ok(Done::success())
}
