//! Roles: read and written by name, deleted by id.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Next, TRIES, judged, not_visible, unended};
use crate::model::RoleRecord;
use crate::targets::TargetError;
use crate::targets::http::Method;
use crate::targets::terminusdb::session::{BUILT_IN, Session};

fn set(role: &RoleRecord) -> BTreeSet<String> {
    role.permissions.iter().cloned().collect()
}

async fn learn(session: &Session, name: &str) -> Result<(), TargetError> {
    let documents = session.documents().await?;
    if let Some((id, _)) = documents.roles.iter().find(|(_, r)| r.name == name) {
        session.index().roles.insert(name.to_owned(), id.clone());
    }
    Ok(())
}

/// Makes a role.
pub async fn create(session: &Session, role: &RoleRecord) -> Result<(), TargetError> {
    let wanted = set(role);
    let body = json!({"name": role.name, "action": wanted});
    let mut outcome = not_visible();
    for tried in 1..=TRIES {
        match session.actions(&role.name).await.map_err(|e| unended(tried > 1, e))? {
            Some(found) if found == wanted => {
                return learn(session, &role.name).await.map_err(|e| unended(tried > 1, e));
            }
            Some(_) => {
                let came = TargetError::Conflict(format!("the role `{}` came into being meanwhile", role.name));
                return Err(unended(tried > 1, came));
            }
            None if tried == TRIES => break,
            None => {}
        }
        let sent = session.write(Method::Post, "/roles", Some(&body)).await;
        let sent = sent.map_err(|e| unended(tried > 1, e))?;
        match judged(sent, &["NoUniqueIdForRoleName"], tried).await? {
            Next::Look => outcome = not_visible(),
            Next::Again(why) => outcome = TargetError::Unknown(why),
        }
    }
    Err(outcome)
}

/// Gives a role other actions: a list in the place of the one that is there, since there is no other way.
pub async fn update(session: &Session, before: &RoleRecord, after: &RoleRecord) -> Result<(), TargetError> {
    let (old, wanted) = (set(before), set(after));
    let body = json!({"name": after.name, "action": wanted});
    let mut outcome = not_visible();
    for tried in 1..=TRIES {
        match session.actions(&after.name).await.map_err(|e| unended(tried > 1, e))? {
            None => {
                let gone = TargetError::Gone(format!("there is no role `{}`", after.name));
                return Err(unended(tried > 1, gone));
            }
            Some(found) if found == wanted => return Ok(()),
            Some(found) if found != old => {
                let other = TargetError::Conflict(format!("the role `{}` has other actions now", after.name));
                return Err(unended(tried > 1, other));
            }
            Some(_) if tried == TRIES => break,
            Some(_) => {}
        }
        let sent = session.write(Method::Put, "/roles", Some(&body)).await;
        match judged(sent.map_err(|e| unended(tried > 1, e))?, &[], tried).await? {
            Next::Look => outcome = not_visible(),
            Next::Again(why) => outcome = TargetError::Unknown(why),
        }
    }
    Err(outcome)
}

/// Deletes a role that nobody holds: the server would take it from whoever does (section 7, trap 1).
pub async fn delete(session: &Session, name: &str) -> Result<(), TargetError> {
    let id = match session.role(name) {
        Ok(id) if BUILT_IN.contains(&id.as_str()) => {
            return Err(TargetError::Refused(format!("the role `{name}` belongs to the server")));
        }
        Ok(id) => id,
        Err(TargetError::Gone(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let tail = id.strip_prefix("Role/").unwrap_or(&id);
    let mut outcome = not_visible();
    for tried in 1..=TRIES {
        let documents = session.whole().await.map_err(|e| unended(tried > 1, e))?;
        if !documents.roles.contains_key(&id) {
            session.index().roles.remove(name);
            return Ok(());
        }
        let held = documents.capabilities.iter().filter(|(_, c)| c.roles.contains(&id)).count();
        if held > 0 {
            let message = format!("the role `{name}` is in {held} capabilities, from which the server would take it");
            return Err(unended(tried > 1, TargetError::Conflict(message)));
        }
        if tried == TRIES {
            break;
        }
        let sent = session.write(Method::Delete, &format!("/roles/{tail}"), None).await;
        let sent = sent.map_err(|e| unended(tried > 1, e))?;
        match judged(sent, &["DocumentNotFound"], tried).await? {
            Next::Look => outcome = not_visible(),
            Next::Again(why) => outcome = TargetError::Unknown(why),
        }
    }
    Err(outcome)
}
