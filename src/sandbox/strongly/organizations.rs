//! The organization: who is in it and as what, and who was asked (fact sheet strongly, section 2.2).

use serde_json::{Value, json};

use super::api::{Cx, Done};
use super::error::{Refusal, Result};
use super::faults::{ARCHIVED_HIDDEN, NO_INVITATIONS};
use super::shape::{list, one};
use super::users::{email_of, own, shown, twin, user};
use super::world::{Invitation, member_id, organization};

/// The roles in the organization.
pub const ROLES: [&str; 3] = ["owner", "admin", "member"];

/// The name of the only organization.
const NAME: &str = "Sandbox";

fn show() -> Value {
    json!({"id": organization(), "name": NAME, "status": "active"})
}

pub fn whoami(cx: &Cx<'_>) -> Result<Done> {
    let me = cx.acting_id().and_then(|id| cx.world.users.get(&id).map(|u| (id, u.clone())));
    let (id, email, role, member) = match &me {
        Some((id, u)) => (json!(id), json!(shown(cx, &u.email)), json!(u.role), json!(u.member)),
        // Whoever made the key is gone, or there is nobody yet.
        None => (Value::Null, Value::Null, json!("admin"), json!("owner")),
    };
    let organization = json!({"id": organization(), "name": NAME, "role": member});
    let body = json!({
        "userId": id, "email": email, "role": role, "organization": organization, "isMultiTenant": false,
        "isSolo": false,
    });
    Ok(Done::of(one(cx, body)))
}

fn role_of(cx: &Cx<'_>, default: Option<&str>) -> Result<String> {
    match cx.object()?.get("role").and_then(Value::as_str).or(default) {
        Some(role) if ROLES.contains(&role) => Ok(role.to_owned()),
        _ => Err(Refusal::bad(format!("role must be one of {}", ROLES.join(", ")))),
    }
}

/// An endpoint below `/organizations`.
pub fn route(cx: &mut Cx<'_>, path: &[&str]) -> Result<Done> {
    let method = cx.call.request.method.clone();
    if let [id, ..] = path
        && *id != organization()
    {
        return Err(Refusal::missing("Organization not found"));
    }
    if method != "GET" {
        cx.manages()?;
    }
    match (method.as_str(), path) {
        ("GET", []) => Ok(Done::of(list(cx, "organizations", vec![show()])?)),
        ("GET", [_]) => Ok(Done::of(one(cx, show()))),
        ("PUT", [_]) => {
            cx.object()?;
            Ok(Done::of(one(cx, show())))
        }
        ("GET", [_, "members"]) => members(cx),
        ("POST", [_, "members"]) => add(cx),
        ("PUT", [_, "members", id]) => change(cx, id),
        ("DELETE", [_, "members", id]) => remove(cx, id),
        ("POST", [_, "invite"]) => invite(cx),
        ("GET", [_, "invitations"]) => invitations(cx),
        ("DELETE", [_, "invitations", id]) => {
            cx.unless(&NO_INVITATIONS)?;
            if cx.world.invitations.get(id).is_none() {
                return Err(Refusal::missing("Invitation not found"));
            }
            cx.world.invitations.remove(id);
            Ok(Done::of(one(cx, json!({"cancelled": true}))))
        }
        _ => Err(cx.not_found()),
    }
}

fn members(cx: &Cx<'_>) -> Result<Done> {
    let hidden = cx.has(&ARCHIVED_HIDDEN);
    let member = |id: &str, email: &str, name: &str, role: &str| json!({"id": member_id(id), "userId": id, "email": shown(cx, email), "name": name, "role": role});
    let all = cx.world.users.iter().filter(|(_, u)| !(hidden && u.archived));
    let mut all: Vec<Value> =
        all.filter_map(|(id, u)| Some(member(id, &u.email, &u.name, u.member.as_deref()?))).collect();
    let second = twin(cx).and_then(|id| Some((own(id), cx.world.users.get(id)?)));
    all.extend(second.and_then(|(id, u)| Some(member(&id, &u.email, &u.name, u.member.as_deref()?))));
    Ok(Done::of(list(cx, "members", all)?))
}

fn add(cx: &mut Cx<'_>) -> Result<Done> {
    let id = cx.object()?.get("userId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let role = role_of(cx, Some("member"))?;
    if user(cx.world, &id)?.member.is_some() {
        return Err(Refusal::conflict("User is already a member"));
    }
    cx.world.users.change(&id, |u| u.member = Some(role.clone()));
    Ok(Done::made(one(cx, json!({"id": member_id(&id), "userId": id, "role": role}))))
}

/// The user whose place in the organization has this identifier.
fn user_of(cx: &Cx<'_>, member: &str) -> Result<String> {
    let found = cx.world.users.iter().find(|(id, u)| u.member.is_some() && member_id(id) == member);
    found.map(|(id, _)| id.to_owned()).ok_or_else(|| Refusal::missing("Member not found"))
}

/// Refuses where nobody would own the organization any more.
fn keeps_an_owner(cx: &Cx<'_>, id: &str) -> Result<()> {
    let owns = |u: &super::world::User| u.member.as_deref() == Some("owner");
    let last = cx.world.users.get(id).is_some_and(owns) && cx.world.users.iter().filter(|(_, u)| owns(u)).count() == 1;
    if last { Err(Refusal::conflict("An organization needs an owner")) } else { Ok(()) }
}

fn change(cx: &mut Cx<'_>, member: &str) -> Result<Done> {
    let role = role_of(cx, None)?;
    let id = user_of(cx, member)?;
    if role != "owner" {
        keeps_an_owner(cx, &id)?;
    }
    cx.world.users.change(&id, |u| u.member = Some(role.clone()));
    Ok(Done::of(one(cx, json!({"id": member, "userId": id, "role": role}))))
}

fn remove(cx: &mut Cx<'_>, member: &str) -> Result<Done> {
    let id = user_of(cx, member)?;
    keeps_an_owner(cx, &id)?;
    cx.world.users.change(&id, |u| u.member = None);
    Ok(Done::of(one(cx, json!({"removed": true}))))
}

fn show_invitation(cx: &Cx<'_>, id: &str, invitation: &Invitation) -> Value {
    json!({
        "id": id, "email": shown(cx, &invitation.email), "role": invitation.role, "status": "pending",
        "createdAt": invitation.created, "expiresAt": invitation.expires,
    })
}

fn invitations(cx: &Cx<'_>) -> Result<Done> {
    cx.unless(&NO_INVITATIONS)?;
    let all = cx.world.invitations.iter().map(|(id, i)| show_invitation(cx, id, i)).collect();
    Ok(Done::of(list(cx, "invitations", all)?))
}

fn invite(cx: &mut Cx<'_>) -> Result<Done> {
    cx.unless(&NO_INVITATIONS)?;
    let email = email_of(cx.object()?)?;
    let role = role_of(cx, None)?;
    if cx.world.user_of(&email).is_some_and(|(_, u)| u.member.is_some()) {
        return Err(Refusal::conflict("User is already a member"));
    }
    // As services do that send a mail each time: a second one is a second invitation.
    let (id, number) = cx.world.fresh("invitation");
    let invitation = Invitation { email, role, created: cx.stamp(), expires: None };
    let body = one(cx, show_invitation(cx, &id, &invitation));
    cx.world.invitations.put(&id, number, invitation);
    Ok(Done::made(body))
}
