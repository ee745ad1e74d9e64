//! Folders are made, and documents get another owner: the rest of resources is done by hand.

use serde_json::{Value, json};

use super::grant::{has_permit, owns};
use super::{LOOK, not_visible, until};
use crate::model::ResourceRecord;
use crate::targets::TargetError;
use crate::targets::http::{Method, encode};
use crate::targets::omni::paging::cursor;
use crate::targets::omni::read::OPEN;
use crate::targets::omni::session::{Sent, Session};
use crate::targets::omni::settings::SETTLE;
use crate::targets::omni::shape::{Folder, Thing};
use crate::targets::scim::refusal;
use crate::targets::scim::value::text;
use crate::targets::settle::{settled, unread};

/// Makes a folder. Omni makes its path of its name, and rolecall makes only those where both are the same.
pub async fn create(session: &Session, resource: &ResourceRecord) -> Result<(), TargetError> {
    let Some(path) = resource.name.strip_prefix("folder/") else {
        return Err(TargetError::Refused(format!("{} is made by hand", resource.name)));
    };
    let find = || cursor(session, "/v1/folders", OPEN, |v| Folder::read(v).filter(|f| !f.restricted && f.path == path));
    if !find().await?.items.is_empty() {
        return Err(TargetError::Conflict(format!("{} came into being meanwhile: plan again", resource.name)));
    }
    let (around, name) = path.rsplit_once('/').map_or((None, path), |(around, name)| (Some(around), name));
    let mut body = json!({"name": name, "scope": "organization"});
    if let Some(around) = around {
        match session.thing(&format!("folder/{around}"))? {
            Thing::Folder(id) => body["parentFolderId"] = Value::from(id),
            _ => return Err(TargetError::Gone(format!("there is no folder/{around}"))),
        }
    }
    let why = match session.write(Method::Post, "/v1/folders", Some(&body)).await? {
        Sent::Done(answer) => {
            let made = answer.json().ok().and_then(|v| text(&v, "path"));
            if let Some(other) = made.filter(|made| made.trim_matches('/') != path) {
                let message = format!("the folder was made, and its path is `{other}`: call it folder/{other}");
                return Err(TargetError::Refused(message));
            }
            None
        }
        Sent::Maybe(why) => Some(why),
        Sent::No(answer) => return Err(refusal(&answer)),
    };
    let (_, mut seen) = settled(SETTLE, LOOK, find, |seen| !seen.items.is_empty()).await.map_err(unread)?;
    match seen.items.pop() {
        Some(folder) => {
            session.index().things.insert(resource.name.clone(), Thing::Folder(folder.id));
            Ok(())
        }
        None => Err(why.map_or_else(not_visible, TargetError::Unknown)),
    }
}

/// Gives a document another owner.
pub async fn hand_over(session: &Session, before: &ResourceRecord, after: &ResourceRecord) -> Result<(), TargetError> {
    let (Some(owner), Thing::Document(identifier)) = (&after.owner, session.thing(&after.name)?) else {
        return Err(TargetError::Refused(format!("only the owner of a document can be changed: {}", after.name)));
    };
    if before.owner == after.owner {
        return Ok(());
    }
    give(session, &identifier, &session.user(owner)?).await
}

/// Makes somebody the owner of a document. They must have a permit of their own on it first
/// (section b.7).
pub async fn give(session: &Session, identifier: &str, to: &str) -> Result<(), TargetError> {
    let at = format!("/v1/documents/{}", encode(identifier));
    let permits = format!("{at}/permissions?userId={}", encode(to));
    let now = session.get(&permits).await?;
    if owns(&now, to) {
        return Ok(());
    }
    if !has_permit(&now, to) {
        let body = json!({"role": "MANAGER", "userIds": [to]});
        let path = format!("{at}/permissions");
        until(session, (Method::Post, &path, Some(&body)), &permits, &|v| v.is_some_and(|v| has_permit(v, to))).await?;
    }
    let body = json!({"userId": to});
    let path = format!("{at}/transfer-ownership");
    until(session, (Method::Put, &path, Some(&body)), &permits, &|v| v.is_some_and(|v| owns(v, to))).await
}
