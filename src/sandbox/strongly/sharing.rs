//! Applications, projects, workflows, workspaces and data sources, as far as they are shared (fact sheet
//! strongly, section 2.3).

use serde_json::{Value, json};

use super::api::{Cx, Done};
use super::error::{Refusal, Result};
use super::faults::{CROSSED, KEEPS_FIRST, LEVELS_IGNORED, NESTED, OWN_IDS};
use super::shape::{list, one};
use super::users::{email_of, own, shown};
use super::world::{Kind, Thing};

/// The levels of who works with something.
const LEVELS: [&str; 2] = ["viewer", "editor"];

fn thing(cx: &Cx<'_>, kind: Kind, id: &str) -> Result<Thing> {
    let found = cx.world.things.get(id).filter(|t| t.kind == kind).cloned();
    found.ok_or_else(|| Refusal::missing(format!("{} not found", kind.word())))
}

/// The key under which somebody may be let in by a flag.
fn flag(kind: Kind) -> &'static str {
    if kind == Kind::DataSource { "allowAllUsers" } else { "isPublic" }
}

fn auth(id: &str, thing: &Thing) -> Value {
    let s = &thing.sign_in;
    json!({
        "enabled": s.enabled, "slug": s.slug, "signupEnabled": s.signup, "access": s.access,
        "allowedDomains": s.domains, "pages": {"signIn": format!("/{}/", s.slug.as_deref().unwrap_or(id))},
    })
}

fn show(cx: &Cx<'_>, id: &str, thing: &Thing, whole: bool) -> Value {
    let mut body = json!({"_id": id, "name": thing.name, "ownerId": thing.owner});
    match thing.kind {
        Kind::Application | Kind::DataSource if whole => {
            let entry = |user: &String| {
                if cx.has(&OWN_IDS) { json!({"_id": own(user), "userId": user}) } else { json!(user) }
            };
            let (open, allowed) = (json!(thing.open), thing.allowed.iter().map(entry).collect::<Value>());
            if cx.has(&NESTED) {
                body["permissions"] = json!({flag(thing.kind): open, "allowedUsers": allowed});
            } else {
                body[flag(thing.kind)] = open;
                body["allowedUsers"] = allowed;
            }
            if thing.kind == Kind::Application {
                body["auth"] = auth(id, thing);
            } else {
                body["label"] = json!(thing.name);
            }
        }
        Kind::Workspace => body["projectId"] = json!(thing.project),
        _ => {}
    }
    body
}

/// An endpoint below the path of a kind.
pub fn route(cx: &mut Cx<'_>, kind: Kind, path: &[&str]) -> Result<Done> {
    let method = cx.call.request.method.clone();
    match (method.as_str(), path) {
        ("GET", []) => index(cx, kind, None),
        ("GET", [id]) => {
            let found = thing(cx, kind, id)?;
            Ok(Done::of(one(cx, show(cx, id, &found, true))))
        }
        ("PUT", [id, "permissions"]) if matches!(kind, Kind::Application | Kind::DataSource) => allow(cx, kind, id),
        (_, [id, "auth", rest @ ..]) if kind == Kind::Application => sign_in(cx, id, rest),
        (_, [id, "collaborators", rest @ ..]) if kind == Kind::Project => collaborators(cx, id, rest),
        ("GET", [id, "workspaces"]) if kind == Kind::Project => {
            thing(cx, kind, id)?;
            index(cx, Kind::Workspace, Some(id))
        }
        (_, [id, "share", rest @ ..]) if kind == Kind::Workflow => shares(cx, id, rest),
        _ => Err(cx.not_found()),
    }
}

fn index(cx: &Cx<'_>, kind: Kind, project: Option<&str>) -> Result<Done> {
    let search = cx.param("search").map(str::to_lowercase);
    let fits = |t: &Thing| {
        t.kind == kind
            && project.is_none_or(|p| t.project.as_deref() == Some(p))
            && search.as_ref().is_none_or(|s| t.name.to_lowercase().contains(s))
    };
    let all = cx.world.things.iter().filter(|(_, t)| fits(t)).map(|(id, t)| show(cx, id, t, false)).collect();
    Ok(Done::of(list(cx, kind.path(), all)?))
}

fn allow(cx: &mut Cx<'_>, kind: Kind, id: &str) -> Result<Done> {
    let before = thing(cx, kind, id)?;
    let body = cx.object()?;
    let open = body.get(flag(kind)).and_then(Value::as_bool);
    let allowed = body.get("allowedUsers").and_then(Value::as_array);
    let (Some(open), Some(allowed)) = (open, allowed) else {
        return Err(Refusal::bad(format!("{} and allowedUsers are required", flag(kind))));
    };
    let mut users: Vec<String> = Vec::new();
    for user in allowed {
        let user = user.as_str().filter(|u| cx.world.users.get(u).is_some());
        let user = user.ok_or_else(|| Refusal::bad("allowedUsers: there is no such user"))?;
        if !users.iter().any(|u| u == user) {
            users.push(user.to_owned());
        }
    }
    if let Some(most) = cx.call.faults.value(&KEEPS_FIRST) {
        users.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    }
    if cx.has(&CROSSED) {
        users.clone_from(&before.allowed);
    }
    cx.world.things.change(id, |t| (t.open, t.allowed) = (open, users));
    let after = thing(cx, kind, id)?;
    Ok(Done::of(one(cx, show(cx, id, &after, true))))
}

fn sign_in(cx: &mut Cx<'_>, id: &str, path: &[&str]) -> Result<Done> {
    let app = thing(cx, Kind::Application, id)?;
    let method = cx.call.request.method.clone();
    match (method.as_str(), path) {
        ("PUT", []) => {
            let body = cx.object()?.clone();
            let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
            let flag = |name: &str| body.get(name).and_then(Value::as_bool);
            let mut after = app.sign_in.clone();
            after.enabled = flag("enabled").unwrap_or(after.enabled);
            after.signup = flag("signupEnabled").unwrap_or(after.signup);
            after.slug = text("slug").or(after.slug);
            if let Some(access) = text("access") {
                if !["instant", "approval"].contains(&access.as_str()) {
                    return Err(Refusal::bad("access must be instant or approval"));
                }
                after.access = access;
            }
            if let Some(domains) = body.get("allowedDomains") {
                let list = domains.as_array().ok_or_else(|| Refusal::bad("allowedDomains must be a list"))?;
                let one = |v: &Value| v.as_str().filter(|d| d.contains('.') && !d.contains('@')).map(str::to_lowercase);
                let list: Option<Vec<String>> = list.iter().map(one).collect();
                after.domains = list.ok_or_else(|| Refusal::bad("allowedDomains must hold domains"))?;
            }
            cx.world.things.change(id, |t| t.sign_in = after);
            let after = thing(cx, Kind::Application, id)?;
            Ok(Done::of(one(cx, json!({"auth": auth(id, &after)}))))
        }
        // Who signs up becomes a user whose home this application is: those are not told apart here.
        ("GET", ["users"]) => {
            let users = cx
                .world
                .users
                .iter()
                .filter(|(id, u)| u.role.as_deref() == Some("app") && app.allowed.iter().any(|a| a == id));
            let wanted = cx.param("status").unwrap_or("active");
            let status = |archived: bool| if archived { "archived" } else { "active" };
            let users = users.filter(|(_, u)| status(u.archived) == wanted);
            let all =
                users.map(|(id, u)| json!({"_id": id, "email": shown(cx, &u.email), "status": status(u.archived)}));
            Ok(Done::of(list(cx, "users", all.collect())?))
        }
        ("POST", ["users", user, word @ ("activate" | "deactivate")]) => {
            let archived = *word == "deactivate";
            if cx.world.users.get(user).is_none() || !app.allowed.iter().any(|a| a == user) {
                return Err(Refusal::missing("User not found"));
            }
            cx.world.users.change(user, |u| u.archived = archived);
            Ok(Done::of(one(cx, json!({"status": if archived { "archived" } else { "active" }}))))
        }
        ("POST", ["users", user, "password-reset"]) if app.allowed.iter().any(|a| a == user) => {
            Ok(Done::of(one(cx, json!({"sent": true}))))
        }
        ("DELETE", ["users", user]) => {
            if !app.allowed.iter().any(|a| a == user) {
                return Err(Refusal::missing("User not found"));
            }
            cx.world.things.change(id, |t| t.allowed.retain(|a| a != user));
            Ok(Done::of(one(cx, json!({"removed": true}))))
        }
        _ => Err(cx.not_found()),
    }
}

fn level_of(cx: &Cx<'_>, default: Option<&str>) -> Result<String> {
    match cx.object()?.get("role").and_then(Value::as_str).or(default) {
        Some(level) if LEVELS.contains(&level) => Ok(level.to_owned()),
        _ => Err(Refusal::bad(format!("role must be one of {}", LEVELS.join(", ")))),
    }
}

fn put(cx: &mut Cx<'_>, id: &str, user: &str, level: &str) {
    cx.world.things.change(id, |t| {
        t.shared.retain(|(u, _)| u != user);
        t.shared.push((user.to_owned(), level.to_owned()));
    });
}

fn show_shared(cx: &Cx<'_>, thing: &Thing, owner: bool) -> Vec<Value> {
    let show = |user: &str, level: &str| {
        let known = cx.world.users.get(user);
        let email = known.map(|u| shown(cx, &u.email));
        let mut body = json!({"userId": user, "email": email, "name": known.map(|u| u.name.clone()), "role": level});
        if cx.has(&OWN_IDS) {
            body["_id"] = json!(own(user));
        }
        body
    };
    let first = thing.owner.iter().filter(|_| owner).map(|o| show(o, "owner"));
    first.chain(thing.shared.iter().map(|(user, level)| show(user, level))).collect()
}

fn collaborators(cx: &mut Cx<'_>, id: &str, path: &[&str]) -> Result<Done> {
    let project = thing(cx, Kind::Project, id)?;
    let method = cx.call.request.method.clone();
    let works = |user: &str| project.shared.iter().any(|(u, _)| u == user);
    match (method.as_str(), path) {
        ("GET", []) => Ok(Done::of(list(cx, "collaborators", show_shared(cx, &project, true))?)),
        ("POST", []) => {
            let email = email_of(cx.object()?)?;
            let level = level_of(cx, None)?;
            let found = cx.world.user_of(&email).filter(|(_, u)| !u.archived).map(|(id, _)| id.to_owned());
            let user = found.ok_or_else(|| Refusal::missing("There is no user with this email"))?;
            if works(&user) || project.owner.as_deref() == Some(&user) {
                return Err(Refusal::conflict("User is already a collaborator"));
            }
            put(cx, id, &user, &level);
            Ok(Done::made(one(cx, json!({"userId": user, "role": level}))))
        }
        (_, [user]) if project.owner.as_deref() == Some(*user) => Err(Refusal::bad("The owner stays")),
        (_, [user]) if !works(user) => Err(Refusal::missing("Collaborator not found")),
        ("PUT", [user]) => {
            let level = level_of(cx, None)?;
            put(cx, id, user, &level);
            Ok(Done::of(one(cx, json!({"userId": user, "role": level}))))
        }
        ("DELETE", [user]) => {
            cx.world.things.change(id, |t| t.shared.retain(|(u, _)| u != user));
            Ok(Done::of(one(cx, json!({"removed": true}))))
        }
        _ => Err(cx.not_found()),
    }
}

fn shares(cx: &mut Cx<'_>, id: &str, path: &[&str]) -> Result<Done> {
    let workflow = thing(cx, Kind::Workflow, id)?;
    let method = cx.call.request.method.clone();
    match (method.as_str(), path) {
        ("GET", []) => Ok(Done::of(list(cx, "shares", show_shared(cx, &workflow, false))?)),
        ("POST", []) => {
            let user = cx.object()?.get("userId").and_then(Value::as_str).unwrap_or_default().to_owned();
            if cx.world.users.get(&user).is_none_or(|u| u.archived) {
                return Err(Refusal::bad("userId: there is no such user"));
            }
            let level = if cx.has(&LEVELS_IGNORED) { "viewer".to_owned() } else { level_of(cx, Some("viewer"))? };
            put(cx, id, &user, &level);
            Ok(Done::made(one(cx, json!({"userId": user, "role": level}))))
        }
        ("DELETE", [user]) => {
            if !workflow.shared.iter().any(|(u, _)| u == user) {
                return Err(Refusal::missing("Share not found"));
            }
            cx.world.things.change(id, |t| t.shared.retain(|(u, _)| u != user));
            Ok(Done::of(one(cx, json!({"removed": true}))))
        }
        _ => Err(cx.not_found()),
    }
}
