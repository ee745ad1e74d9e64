//! An account goes for good: what it owns is handed over first, and what rolecall cannot hand over keeps
//! it. Every step is looked at before it is made, so that an apply that was cut off goes on from there.

use serde_json::{Value, json};

use super::user::{again, path};
use super::{resource, until};
use crate::targets::TargetError;
use crate::targets::http::{Method, encode};
use crate::targets::omni::leaving::{documents_of, schedules_of};
use crate::targets::omni::session::Session;
use crate::targets::omni::shape::{PATCH, Person, Schedule};

/// How an account goes: to whoever looks, both are the same and cannot be undone (section b.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Its membership is revoked.
    Revoke,
    /// It is deleted.
    Delete,
}

/// Hands over what an account owns, and takes it away.
pub async fn leave(session: &Session, email: &str, way: Way) -> Result<(), TargetError> {
    let person = match again(session, email).await {
        Ok(person) => person,
        // Somebody else was faster.
        Err(TargetError::Gone(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let documents = documents_of(session, &person.id).await?;
    let personal: Vec<&str> = documents.iter().filter(|d| d.restricted).map(|d| d.title.as_str()).collect();
    if !personal.is_empty() {
        let message = format!(
            "{email} still has {} in a folder of their own ({}): move it as them first (Settings > Users, \
             Impersonate user)",
            if personal.len() == 1 { "a document" } else { "documents" },
            personal.join(", ")
        );
        return Err(TargetError::Refused(message));
    }
    let schedules = schedules_of(session, &person.id).await?;
    if !documents.is_empty() || !schedules.is_empty() {
        let successor = session.successor.as_deref();
        let to = successor.ok_or_else(|| {
            let message = format!("nobody takes over what {email} owns: name them in `removal: {{transfer_to: USER}}`");
            TargetError::Refused(message)
        })?;
        let to = session.user(to)?;
        if to == person.id {
            return Err(TargetError::Refused(format!("{email} cannot take over what they own themselves")));
        }
        // Documents first: who takes over a schedule must be able to see what it shows.
        for document in &documents {
            resource::give(session, &document.identifier, &to).await?;
        }
        for schedule in &schedules {
            let at = format!("/v1/schedules/{}", encode(&schedule.id));
            let transfer = format!("{at}/transfer-ownership");
            let body = json!({"userId": to});
            // One alone is shown in the same words as in a list.
            let moved = |v: Option<&Value>| v.and_then(Schedule::read).is_some_and(|s| s.owner.as_deref() == Some(&to));
            until(session, (Method::Put, &transfer, Some(&body)), &at, &moved).await?;
        }
        let left = schedules_of(session, &person.id).await?;
        if !left.is_empty() {
            let message = format!("{} of the schedules of {email} are still theirs", left.len());
            return Err(TargetError::NotVisible(message));
        }
    }
    let path = path(&person.id);
    let gone = |v: Option<&Value>| v.is_none_or(|v| Person::read(v).is_some_and(|p| !p.active));
    match way {
        Way::Delete => until(session, (Method::Delete, &path, None), &path, &gone).await?,
        Way::Revoke => {
            let operations = [json!({"op": "replace", "path": "active", "value": false})];
            let body = json!({"schemas": [PATCH], "Operations": operations});
            until(session, (Method::Patch, &path, Some(&body)), &path, &gone).await?;
        }
    }
    let mut index = session.index();
    index.users.remove(email);
    index.emails.remove(&person.id);
    Ok(())
}
