//! The audit trail: one row beside every change, in the same transaction.

use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::{Value, json};

use super::error::sqlite;
use super::lookup::{Result, prepare};
use crate::model::{Change, UserState};
use crate::targets::{Stamp, TargetError};

/// Writes the row of a change.
pub(super) fn write(conn: &Connection, change: &Change, stamp: &Stamp) -> Result<()> {
    let (before, after) = sides(change);
    let whole = json_of(change)?;
    let word = whole.get("change").and_then(Value::as_str).unwrap_or_default();
    let object = change.object();
    let sql = "INSERT INTO audit (at, actor, apply, digest, change, kind, object, reason, before, after) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    prepare(conn, sql)?
        .execute(params![
            stamp.at.to_string(),
            stamp.actor,
            stamp.apply,
            stamp.digest,
            word,
            object.kind.singular(),
            object.name,
            change.reason().map(ToString::to_string),
            before?.map(|v| v.to_string()),
            after?.map(|v| v.to_string()),
        ])
        .map_err(|e| sqlite(&e))?;
    Ok(())
}

fn json_of(thing: &impl Serialize) -> Result<Value> {
    serde_json::to_value(thing).map_err(|e| TargetError::Refused(format!("the change cannot be recorded: {e}")))
}

type Side = Result<Option<Value>>;

/// What was there before a change and what is there after it.
fn sides(change: &Change) -> (Side, Side) {
    fn some(thing: &impl Serialize) -> Side {
        json_of(thing).map(Some)
    }
    let none = || Ok(None);
    let with_state = |user: &crate::model::UserRecord, state| some(&crate::model::UserRecord { state, ..user.clone() });
    match change {
        Change::CreateRole { role } => (none(), some(role)),
        Change::UpdateRole { before, after } => (some(before), some(after)),
        Change::DeleteRole { role, .. } => (some(role), none()),
        Change::CreateUser { user } => (none(), some(user)),
        Change::InviteUser { user } => (none(), with_state(user, UserState::Invited)),
        Change::UpdateUser { before, after } => (some(before), some(after)),
        Change::RenameUser { from, to } => (some(&json!({"email": from})), some(&json!({"email": to}))),
        Change::EnableUser { user } => (some(user), with_state(user, UserState::Active)),
        Change::DisableUser { user, .. } => (some(user), with_state(user, UserState::Disabled)),
        Change::DeleteUser { user, .. } => (some(user), none()),
        Change::CreateTeam { team } => (none(), some(team)),
        Change::UpdateTeam { before, after } => (some(before), some(after)),
        Change::RenameTeam { from, to } | Change::RenameResource { from, to } => {
            (some(&json!({"name": from})), some(&json!({"name": to})))
        }
        Change::DeleteTeam { team, .. } => (some(team), none()),
        Change::SetLeads { before, after, .. } => (some(&json!({"leads": before})), some(&json!({"leads": after}))),
        Change::AddMember { member } => (none(), some(member)),
        Change::ChangeMember { before, after } => (some(before), some(after)),
        Change::RemoveMember { member, .. } => (some(member), none()),
        Change::CreateResource { resource } => (none(), some(resource)),
        Change::UpdateResource { before, after } => (some(before), some(after)),
        Change::DeleteResource { resource, .. } => (some(resource), none()),
        Change::GiveGrant { roles, .. } => (none(), some(roles)),
        Change::ChangeGrant { before, after, .. } => (some(before), some(after)),
        Change::RevokeGrant { roles, .. } => (some(roles), none()),
        Change::AddDomain { domain } => (none(), some(domain)),
        Change::ChangeDomain { before, after } => (some(before), some(after)),
        Change::RemoveDomain { domain, .. } => (some(domain), none()),
        Change::SetPolicy { before, after, .. } => (Ok(before.clone()), Ok(Some(after.clone()))),
        Change::UnsetPolicy { before, .. } => (Ok(Some(before.clone())), none()),
    }
}
