//! Schedules, called deliveries on the screen (fact sheet omni, section b.8).

use serde_json::{Value, json};

use super::api::{Cx, Done};
use super::content::on_document;
use super::documents::new_owner;
use super::error::{Refusal, Result};
use super::faults::NOT_MANAGER;
use super::page::{self, Cursor, Paging};
use super::people::member;
use super::world::{Schedule, group_uuid};
use crate::sandbox::scim::schema::Kind;

const LIST: Paging = Paging { size: 20, most: 100, cursor: Cursor::Page };

fn show(cx: &Cx<'_>, id: &str, s: &Schedule) -> Value {
    let document = cx.state.world.documents.get(&s.document).map(|d| d.name.clone());
    let count = s.emails.len() + s.users.len() + s.groups.len();
    json!({
        "id": id, "name": s.name, "ownerId": s.owner, "ownerName": s.owner_name, "identifier": s.document,
        "dashboardName": document, "schedule": s.cron, "timezone": s.timezone, "destinationType": s.destination,
        "format": s.format, "content": s.content,
        "recipientCount": if s.destination == "email" { json!(count) } else { json!(-1) },
        "disabledAt": s.disabled, "systemDisabledAt": s.stopped.as_ref().map(|(at, _)| at),
        "systemDisabledReason": s.stopped.as_ref().map(|(_, why)| why),
        "lastStatus": s.last_status, "lastCompletedAt": s.last_completed,
    })
}

/// `GET /v1/schedules`
pub fn list(cx: &Cx<'_>) -> Result<Done> {
    let mut all: Vec<(&str, &Schedule)> = cx.state.world.schedules.iter().collect();
    if let Some(owner) = cx.param("ownerId") {
        all.retain(|(_, s)| s.owner == owner);
    }
    if let Some(identifier) = cx.param("identifier") {
        all.retain(|(_, s)| s.document == identifier);
    }
    if let Some(destination) = cx.param("destination") {
        all.retain(|(_, s)| s.destination == destination);
    }
    if let Some(status) = cx.param("status") {
        all.retain(|(_, s)| s.last_status.as_deref() == Some(status));
    }
    if let Some(text) = cx.param("q") {
        all.retain(|(_, s)| s.name.to_lowercase().contains(&text.to_lowercase()));
    }
    page::sort(
        cx.call.request,
        &mut all,
        &[("name", &|o| o.1.name.clone()), ("ownerName", &|o| o.1.owner_name.clone())],
    );
    page::v1(cx.call.request, cx.call.faults, LIST, "records", all, |(id, s)| show(cx, id, s)).map(Done::of)
}

fn found(cx: &Cx<'_>, id: &str) -> Result<Schedule> {
    cx.state.world.schedules.get(id).cloned().ok_or_else(|| Refusal::missing(format!("Schedule {id} not found")))
}

/// Refuses who neither owns it nor manages its dashboard.
fn may_write(cx: &Cx<'_>) -> Result<()> {
    if cx.has(&NOT_MANAGER) {
        return Err(Refusal::forbidden("User does not have permission to manage this schedule"));
    }
    Ok(())
}

/// `GET /v1/schedules/{id}`
pub fn get(cx: &Cx<'_>, id: &str) -> Result<Done> {
    Ok(Done::of(show(cx, id, &found(cx, id)?)))
}

/// `PUT /v1/schedules/{id}`: what is not said goes back to its default.
pub fn update(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    let old = found(cx, id)?;
    may_write(cx)?;
    let body = cx.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    let must = |name: &str| text(name).ok_or_else(|| Refusal::bad(format!("{name}: Required")));
    let new = Schedule {
        name: must("name")?,
        cron: must("schedule")?,
        timezone: must("timezone")?,
        destination: text("destinationType").unwrap_or_else(|| "email".to_owned()),
        format: text("format").unwrap_or_else(|| "pdf".to_owned()),
        content: text("content").unwrap_or_else(|| "dashboard".to_owned()),
        emails: Vec::new(),
        users: Vec::new(),
        groups: Vec::new(),
        ..old
    };
    cx.state.world.schedules.change(id, |s| *s = new);
    Ok(Done::success())
}

/// `DELETE /v1/schedules/{id}`
pub fn delete(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    found(cx, id)?;
    may_write(cx)?;
    cx.state.world.schedules.remove(id);
    Ok(Done::success())
}

/// `PUT /v1/schedules/{id}/pause` and `/resume`
pub fn pause(cx: &mut Cx<'_>, id: &str, pause: bool) -> Result<Done> {
    found(cx, id)?;
    may_write(cx)?;
    let now = cx.stamp();
    cx.state.world.schedules.change(id, |s| s.disabled = pause.then_some(now));
    Ok(Done::success())
}

/// `PUT /v1/schedules/{id}/transfer-ownership`
pub fn transfer(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    let schedule = found(cx, id)?;
    may_write(cx)?;
    let (owner, name) = new_owner(cx)?;
    if schedule.owner == owner {
        return Err(Refusal::bad("The user already owns this schedule"));
    }
    // After the owner is gone, schedules must be made again (page: managing users).
    if member(cx.state, &schedule.owner).is_none() {
        return Err(Refusal::bad("The membership of the schedule's owner was revoked"));
    }
    if on_document(cx.state, &owner, &schedule.document) == 0 {
        return Err(Refusal::bad("The new owner cannot view the dashboard"));
    }
    cx.state.world.schedules.change(id, |s| {
        s.owner = owner;
        s.owner_name = name;
    });
    Ok(Done::success())
}

/// `GET /v1/schedules/{id}/recipients`
pub fn recipients(cx: &Cx<'_>, id: &str) -> Result<Done> {
    let schedule = found(cx, id)?;
    Ok(Done::of(json!({"emails": schedule.emails, "userIds": schedule.users, "userGroupIds": schedule.groups})))
}

/// `PUT /v1/schedules/{id}/add-recipients` and `/remove-recipients`
pub fn change_recipients(cx: &mut Cx<'_>, id: &str, add: bool) -> Result<Done> {
    found(cx, id)?;
    may_write(cx)?;
    let body = cx.object()?;
    let list = |name: &str| -> Result<Vec<String>> {
        let Some(list) = body.get(name) else { return Ok(Vec::new()) };
        let texts: Option<Vec<String>> =
            list.as_array().and_then(|l| l.iter().map(|v| v.as_str().map(str::to_owned)).collect());
        texts.ok_or_else(|| Refusal::bad(format!("{name}: Expected array")))
    };
    let (emails, users, groups) = (list("emails")?, list("userIds")?, list("userGroupIds")?);
    if emails.is_empty() && users.is_empty() && groups.is_empty() {
        return Err(Refusal::bad("emails, userIds or userGroupIds must be provided"));
    }
    if let Some(user) = users.iter().find(|u| add && member(cx.state, u).is_none()) {
        return Err(Refusal::missing(format!("Membership {user} not found")));
    }
    let known: Vec<String> = cx.state.people.list(Kind::Group).iter().map(|g| group_uuid(&g.id)).collect();
    if let Some(group) = groups.iter().find(|g| add && !known.contains(g)) {
        return Err(Refusal::bad(format!("userGroupIds: no group has the id {group}")));
    }
    cx.state.world.schedules.change(id, |s| {
        for (have, said) in [(&mut s.emails, emails), (&mut s.users, users), (&mut s.groups, groups)] {
            have.retain(|one| !said.contains(one));
            if add {
                have.extend(said);
            }
        }
    });
    Ok(Done::success())
}
