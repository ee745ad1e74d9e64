//! Who may do what with folders and documents (fact sheet omni, sections b.6, b.7 and (c), content level).

use serde_json::{Map, Value, json};

use super::api::{Cx, Done};
use super::error::{Refusal, Result};
use super::faults::{BOOST_CLEARED, BOOST_OFF, NO_DOCUMENT_REVOKE, NO_ORGANIZATION_ROLE, NOT_MANAGER};
use super::page::{self, Cursor, Paging};
use super::people::{group, member, name_of, organization_role};
use super::world::{Access, Permit, State, group_uuid, is_uuid, uuid};
use crate::sandbox::scim::schema::Kind;

/// Content roles from the weakest.
pub const ROLES: [&str; 5] = ["NO_ACCESS", "VIEWER", "EXPLORER", "EDITOR", "MANAGER"];
/// What can be said of a document besides roles.
const ABILITIES: [&str; 7] = [
    "canDownload",
    "canDrill",
    "canSchedule",
    "canUpload",
    "canUseDashboardAi",
    "canViewWorkbook",
    "requirePullRequestToPublish",
];
const LIST: Paging = Paging { size: 20, most: 100, cursor: Cursor::Opaque };

/// How strong a content role is.
pub fn rank(role: &str) -> usize {
    ROLES.iter().position(|r| *r == role).unwrap_or(0)
}

/// A folder or a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing<'a> {
    Folder(&'a str),
    Document(&'a str),
}

impl Thing<'_> {
    fn access(self, state: &State) -> Option<&Access> {
        match self {
            Self::Folder(id) => state.world.folders.get(id).map(|f| &f.access),
            Self::Document(id) => state.world.documents.get(id).map(|d| &d.access),
        }
    }

    /// The folders around it, from the inside.
    fn outer(self, state: &State) -> Vec<String> {
        let first = match self {
            Self::Folder(id) => state.world.folders.get(id).and_then(|f| f.parent.clone()),
            Self::Document(id) => state.world.documents.get(id).and_then(|d| d.folder.clone()),
        };
        let Some(first) = first else { return Vec::new() };
        state.world.folder_and_outer(&first).map(|(id, _)| id.to_owned()).collect()
    }

    fn change(self, cx: &mut Cx<'_>, change: impl FnOnce(&mut Access)) {
        match self {
            Self::Folder(id) => cx.state.world.folders.change(id, |f| change(&mut f.access)),
            Self::Document(id) => cx.state.world.documents.change(id, |d| change(&mut d.access)),
        };
    }

    fn word(self) -> (&'static str, &'static str) {
        match self {
            Self::Folder(_) => ("Folder", "folder"),
            Self::Document(_) => ("Document", "document"),
        }
    }
}

/// What a user may do with a document.
pub fn on_document(state: &State, user: &str, document: &str) -> usize {
    let thing = Thing::Document(document);
    let Some(found) = member(state, user) else { return 0 };
    if organization_role(found) == "ORG_ADMIN" {
        return rank("MANAGER");
    }
    let groups: Vec<String> = state.people.groups_of(user).map(|g| g.id.clone()).collect();
    let own = |access: &Access| {
        let owner = if access.owner == user { rank("MANAGER") } else { 0 };
        let everyone = access.everyone.as_ref().map_or(0, |(role, _)| rank(role));
        let permits = access.permits.iter().filter(|p| p.principal == user || groups.contains(&p.principal));
        permits.map(|p| rank(&p.role)).max().unwrap_or(0).max(owner).max(everyone)
    };
    let mut best = thing.access(state).map_or(0, own);
    for folder in thing.outer(state) {
        best = best.max(Thing::Folder(&folder).access(state).map_or(0, own));
    }
    best
}

/// The identifier that stands for everyone.
pub fn organization() -> String {
    uuid("organization")
}

/// Who is in a list of permits, as it is shown: identifier, name, e-mail, and whether it is a group.
struct Principal {
    id: String,
    name: String,
    email: Option<String>,
    group: bool,
}

fn principal(state: &State, id: &str, is_group: bool) -> Option<Principal> {
    if is_group {
        let name = group(state, id)?.text("displayName").unwrap_or_default().to_owned();
        return Some(Principal { id: group_uuid(id), name, email: None, group: true });
    }
    let user = member(state, id)?;
    let email = user.text("userName").map(str::to_owned);
    Some(Principal { id: id.to_owned(), name: name_of(user).to_owned(), email, group: false })
}

/// A line of permits.
struct Line {
    who: Option<Principal>,
    /// Role, boost, and whether it is the owner; `None` where it comes from a folder alone.
    direct: Option<(String, bool, bool)>,
}

/// The permits of one folder or document alone.
fn own_lines(state: &State, access: &Access) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some((role, boost)) = &access.everyone {
        lines.push(Line { who: None, direct: Some((role.clone(), *boost, false)) });
    }
    let owner = access.permits.iter().any(|p| p.principal == access.owner);
    if !owner && let Some(who) = principal(state, &access.owner, false) {
        lines.push(Line { who: Some(who), direct: Some(("MANAGER".to_owned(), false, true)) });
    }
    for permit in &access.permits {
        let is_owner = permit.principal == access.owner;
        if let Some(who) = principal(state, &permit.principal, permit.group) {
            lines.push(Line { who: Some(who), direct: Some((permit.role.clone(), permit.boost, is_owner)) });
        }
    }
    lines
}

fn lines(state: &State, thing: Thing<'_>) -> Vec<Line> {
    let mut lines = thing.access(state).map(|a| own_lines(state, a)).unwrap_or_default();
    let id = |line: &Line| line.who.as_ref().map(|w| w.id.clone());
    for folder in thing.outer(state) {
        let Some(access) = Thing::Folder(&folder).access(state) else { continue };
        for line in own_lines(state, access) {
            if !lines.iter().any(|known| id(known) == id(&line)) {
                lines.push(Line { direct: None, ..line });
            }
        }
    }
    lines
}

fn show(line: &Line) -> Value {
    let mut body = match &line.who {
        None => json!({"id": organization(), "name": "Organization", "description": "Organization", "type": "user"}),
        Some(who) if who.group => json!({"id": who.id, "name": who.name, "type": "userGroup", "isEmbed": false}),
        Some(who) => {
            json!({"id": who.id, "name": who.name, "description": who.email, "type": "user", "isEmbed": false})
        }
    };
    if let (Some((role, boost, owner)), Some(map)) = (&line.direct, body.as_object_mut()) {
        map.insert("direct".to_owned(), json!({"role": role, "accessBoost": boost, "isOwner": owner}));
    }
    body
}

/// `/v1/folders/{id}/permissions`
pub fn folder_permissions(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    permissions(cx, Thing::Folder(id), id)
}

/// `/v1/documents/{id}/permissions`
pub fn document_permissions(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    if cx.call.request.method == "DELETE" {
        cx.unless(&NO_DOCUMENT_REVOKE)?;
    }
    permissions(cx, Thing::Document(id), id)
}

/// Refuses who does not manage content.
pub fn manager(cx: &Cx<'_>, what: &str) -> Result<()> {
    if cx.has(&NOT_MANAGER) {
        return Err(Refusal::forbidden(format!("User does not have permission to manage {what} permissions")));
    }
    Ok(())
}

fn permissions(cx: &mut Cx<'_>, thing: Thing<'_>, id: &str) -> Result<Done> {
    let (capital, word) = thing.word();
    if thing.access(cx.state).is_none() {
        return Err(Refusal::missing(format!("{capital} with identifier \"{id}\" not found")));
    }
    match cx.call.request.method.as_str() {
        "GET" => {
            if cx.param("userId").is_none() {
                manager(cx, word)?;
            }
            read(cx, thing)
        }
        "POST" => {
            manager(cx, word)?;
            write(cx, thing, true)
        }
        "PATCH" => {
            manager(cx, word)?;
            write(cx, thing, false)
        }
        "DELETE" => {
            manager(cx, word)?;
            revoke(cx, thing)
        }
        "PUT" => {
            manager(cx, word)?;
            settings(cx, thing)
        }
        _ => Err(Refusal::bad("Method not allowed")),
    }
}

fn read(cx: &Cx<'_>, thing: Thing<'_>) -> Result<Done> {
    let mut all = lines(cx.state, thing);
    if let Some(user) = cx.param("userId") {
        user_id(cx, user, "userId")?;
        all.retain(|line| line.who.as_ref().is_some_and(|w| w.id == user));
    }
    let mut body = json!({"permits": all.iter().map(show).collect::<Vec<_>>()});
    if let (Thing::Document(id), Some(map)) = (thing, body.as_object_mut()) {
        let said = cx.state.world.documents.get(id).map(|d| &d.abilities);
        for name in ABILITIES {
            let default = Value::Bool(name != "requirePullRequestToPublish");
            map.insert(name.to_owned(), said.and_then(|a| a.get(name)).cloned().unwrap_or(default));
        }
    }
    Ok(Done::of(body))
}

/// Refuses what is no membership of somebody who is there.
fn user_id(cx: &Cx<'_>, id: &str, at: &str) -> Result<()> {
    if !is_uuid(id) {
        return Err(Refusal::bad(format!("{at}: Invalid uuid")));
    }
    if member(cx.state, id).is_none() {
        return Err(Refusal::missing(format!("Membership {id} not found")));
    }
    Ok(())
}

/// The memberships and groups of a body: a group by its short identifier, whichever was sent.
fn principals(cx: &Cx<'_>, body: &Map<String, Value>) -> Result<Vec<(String, bool)>> {
    let list = |name: &str| -> Result<Vec<String>> {
        match body.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(list)) => {
                let one = |(at, v): (usize, &Value)| {
                    v.as_str().map(str::to_owned).ok_or_else(|| Refusal::bad(format!("{name}.{at}: Expected string")))
                };
                list.iter().enumerate().map(one).collect()
            }
            Some(_) => Err(Refusal::bad(format!("{name}: Expected array"))),
        }
    };
    let mut found = Vec::new();
    for (at, id) in list("userIds")?.into_iter().enumerate() {
        user_id(cx, &id, &format!("userIds.{at}"))?;
        found.push((id, false));
    }
    for id in list("userGroupIds")? {
        let short = if group(cx.state, &id).is_some() {
            Some(id.clone())
        } else {
            let groups = cx.state.people.list(Kind::Group);
            groups.into_iter().find(|g| group_uuid(&g.id) == id).map(|g| g.id.clone())
        };
        let short = short.ok_or_else(|| Refusal::missing(format!("User group with identifier \"{id}\" not found")))?;
        found.push((short, true));
    }
    if found.is_empty() {
        return Err(Refusal::bad("userIds.userGroupIds: userIds or userGroupIds must be provided"));
    }
    Ok(found)
}

/// Refuses keys that a body may not have.
pub fn only(body: &Map<String, Value>, known: &[&str]) -> Result<()> {
    match body.keys().find(|k| !known.contains(&k.as_str())) {
        Some(key) => Err(Refusal::bad(format!("Unrecognized key(s) in object: '{key}'"))),
        None => Ok(()),
    }
}

/// A content role in upper case, where it is one of these.
fn content_role(value: &Value, field: &str, known: &[&str]) -> Result<String> {
    let role = value.as_str().map(str::to_ascii_uppercase);
    role.filter(|r| known.contains(&r.as_str())).ok_or_else(|| Refusal::bad(format!("{field}: Invalid enum value")))
}

/// Whether a permit is to be boosted, where it was said.
fn boost(cx: &Cx<'_>, value: Option<&Value>, field: &str) -> Result<Option<bool>> {
    let Some(value) = value else { return Ok(None) };
    let wanted = value.as_bool().ok_or_else(|| Refusal::bad(format!("{field}: Expected boolean")))?;
    if wanted && cx.has(&BOOST_OFF) {
        return Err(Refusal::forbidden("AccessBoost is not enabled for this organization"));
    }
    Ok(Some(wanted && !cx.has(&BOOST_CLEARED)))
}

/// POST gives permits, PATCH changes those that are there.
fn write(cx: &mut Cx<'_>, thing: Thing<'_>, new: bool) -> Result<Done> {
    let body = cx.object()?.clone();
    only(&body, &["role", "userIds", "userGroupIds", "accessBoost"])?;
    let role = match body.get("role") {
        // Roles are upper case here; only the settings of documents know both.
        Some(Value::String(role)) if !ROLES.contains(&role.as_str()) => {
            return Err(Refusal::bad("role: Invalid enum value"));
        }
        Some(value) => Some(content_role(value, "role", &ROLES)?),
        None if new => return Err(Refusal::bad("role: Required")),
        None => None,
    };
    let boost = boost(cx, body.get("accessBoost"), "accessBoost")?;
    let who = principals(cx, &body)?;
    let access = thing.access(cx.state).cloned().unwrap_or_default();
    let mut permits = access.permits;
    for (id, is_group) in who {
        match permits.iter_mut().find(|p| p.principal == id) {
            Some(permit) => {
                permit.role = role.clone().unwrap_or_else(|| permit.role.clone());
                permit.boost = boost.unwrap_or(permit.boost && !new);
            }
            None if new => permits.push(Permit {
                principal: id,
                group: is_group,
                role: role.clone().unwrap_or_default(),
                boost: boost.unwrap_or(false),
            }),
            None => return Err(Refusal::missing(format!("Permit of \"{id}\" not found"))),
        }
    }
    thing.change(cx, |access| access.permits = permits);
    Ok(Done::success())
}

fn revoke(cx: &mut Cx<'_>, thing: Thing<'_>) -> Result<Done> {
    let body = cx.object()?.clone();
    only(&body, &["userIds", "userGroupIds"])?;
    let who = principals(cx, &body)?;
    thing.change(cx, |access| access.permits.retain(|p| !who.iter().any(|(id, _)| *id == p.principal)));
    Ok(Done::success())
}

/// The role of the organization, and what else can be said of a document.
fn settings(cx: &mut Cx<'_>, thing: Thing<'_>) -> Result<Done> {
    let body = cx.object()?.clone();
    let mut known = vec!["organizationRole", "organizationAccessBoost"];
    let mut roles: Vec<&str> = ROLES.to_vec();
    if let Thing::Document(_) = thing {
        known.extend(ABILITIES);
        roles.retain(|r| *r != "EXPLORER");
    } else {
        cx.unless(&NO_ORGANIZATION_ROLE)?;
    }
    only(&body, &known)?;
    let role = body.get("organizationRole").map(|r| content_role(r, "organizationRole", &roles)).transpose()?;
    if role.is_none() && !matches!(thing, Thing::Document(_)) {
        return Err(Refusal::bad("organizationRole: Required"));
    }
    if body.is_empty() {
        return Err(Refusal::bad("At least one field must be provided"));
    }
    let boost = boost(cx, body.get("organizationAccessBoost"), "organizationAccessBoost")?;
    let abilities: Vec<(&str, &Value)> = ABILITIES.iter().filter_map(|n| Some((*n, body.get(*n)?))).collect();
    if let Some((name, _)) = abilities.iter().find(|(_, v)| !v.is_boolean()) {
        return Err(Refusal::bad(format!("{name}: Expected boolean")));
    }
    if let Thing::Document(id) = thing {
        cx.state.world.documents.change(id, |d| {
            for (name, value) in abilities {
                d.abilities.insert(name.to_owned(), value.clone());
            }
        });
    }
    thing.change(cx, |access| {
        let (old, boosted) = access.everyone.clone().unwrap_or((String::new(), false));
        let role = role.unwrap_or(old);
        let boosted = boost.unwrap_or(boosted);
        access.everyone = (!role.is_empty() && role != "NO_ACCESS").then_some((role, boosted));
    });
    Ok(Done::success())
}

/// `GET /v1/documents/{id}/access-list`
pub fn access_list(cx: &Cx<'_>, id: &str) -> Result<Done> {
    let thing = Thing::Document(id);
    let Some(access) = thing.access(cx.state) else {
        return Err(Refusal::missing(format!("Document with identifier \"{id}\" not found")));
    };
    struct Entry {
        line: Line,
        folder: Option<String>,
    }
    let mut all: Vec<Entry> =
        own_lines(cx.state, access).into_iter().map(|line| Entry { line, folder: None }).collect();
    for folder in thing.outer(cx.state) {
        let Some(access) = Thing::Folder(&folder).access(cx.state) else { continue };
        all.extend(own_lines(cx.state, access).into_iter().map(|line| Entry { line, folder: Some(folder.clone()) }));
    }
    // Everyone is no principal of this list.
    all.retain(|e| e.line.who.is_some());
    let one_of = |name: &str, known: [&str; 2]| match cx.param(name) {
        None => Ok(None),
        Some(value) if known.contains(&value) => Ok(Some(value.to_owned())),
        Some(_) => Err(Refusal::bad(format!("{name}: Invalid enum value"))),
    };
    if let Some(kind) = one_of("type", ["user", "userGroup"])? {
        all.retain(|e| e.line.who.as_ref().is_some_and(|w| w.group == (kind == "userGroup")));
    }
    if let Some(source) = one_of("accessSource", ["direct", "folder"])? {
        all.retain(|e| e.folder.is_some() == (source == "folder"));
    }
    let role = |e: &Entry| e.line.direct.as_ref().map(|(r, ..)| r.clone()).unwrap_or_default();
    let text = |e: &Entry, email: bool| {
        let who = e.line.who.as_ref();
        who.and_then(|w| if email { w.email.clone() } else { Some(w.name.clone()) }).unwrap_or_default()
    };
    match cx.param("sortField") {
        Some("email") => all.sort_by_key(|e| text(e, true)),
        Some("role") => all.sort_by_key(|e| rank(&role(e))),
        _ => all.sort_by_key(|e| text(e, false)),
    }
    let show = |e: Entry| {
        let (role, boost, owner) = e.line.direct.clone().unwrap_or_default();
        let Some(who) = e.line.who else { return Value::Null };
        let mut body = json!({
            "id": who.id, "name": who.name, "type": if who.group { "userGroup" } else { "user" }, "role": role,
            "accessBoost": boost, "accessSource": if e.folder.is_some() { "folder" } else { "direct" }, "isOwner": owner,
        });
        if let Some(map) = body.as_object_mut() {
            if let Some(email) = who.email {
                map.insert("email".to_owned(), json!(email));
            }
            if let Some(folder) = e.folder {
                let name = cx.state.world.folders.get(&folder).map(|f| f.name.clone());
                let path = cx.state.world.path(&folder);
                map.insert("folderInfo".to_owned(), json!({"id": folder, "name": name, "path": path}));
            }
        }
        body
    };
    page::v1(cx.call.request, cx.call.faults, LIST, "principals", all, show).map(Done::of)
}
