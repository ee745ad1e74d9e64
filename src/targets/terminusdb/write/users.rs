//! Accounts: made without a password, and deleted only when they hold nothing.

use serde_json::json;

use super::scope::take_all;
use super::{Next, TRIES, judged, not_visible, unended};
use crate::model::UserRecord;
use crate::targets::TargetError;
use crate::targets::http::{Method, encode};
use crate::targets::terminusdb::HANDLE;
use crate::targets::terminusdb::session::{ADMIN, ANONYMOUS, Session};

/// Makes an account.
pub async fn create(session: &Session, user: &UserRecord) -> Result<(), TargetError> {
    let name = user.handles.get(HANDLE).unwrap_or(&user.email);
    let body = json!({"name": name});
    let mut outcome = not_visible();
    let mut sent_before = false;
    for tried in 1..=TRIES {
        let documents = session.documents().await.map_err(|e| unended(tried > 1, e))?;
        if let Some((id, found)) = documents.users.iter().find(|(_, u)| u.name == *name) {
            if !sent_before {
                return Err(TargetError::Conflict(format!("the account `{name}` came into being meanwhile")));
            }
            session.index().users.insert(user.email.clone(), (id.clone(), found.name.clone()));
            return Ok(());
        }
        if tried == TRIES {
            break;
        }
        let sent = session.write(Method::Post, "/users", Some(&body)).await;
        let sent = sent.map_err(|e| unended(sent_before, e))?;
        sent_before = true;
        // Said to a second try, it was the first that made it.
        let tolerated: &[&str] = if tried > 1 { &["NoUniqueIdForUser"] } else { &[] };
        match judged(sent, tolerated, tried).await? {
            Next::Look => outcome = not_visible(),
            Next::Again(why) => outcome = TargetError::Unknown(why),
        }
    }
    Err(outcome)
}

/// Deletes an account, and before it everything that it holds: what is left behind nobody could see
/// (section 7, trap 3).
pub async fn delete(session: &Session, email: &str) -> Result<(), TargetError> {
    let (id, name) = match session.user(email) {
        Ok(found) => found,
        Err(TargetError::Gone(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    if id == ADMIN || id == ANONYMOUS {
        return Err(TargetError::Refused(format!("the account `{name}` belongs to the server")));
    }
    let mut outcome = not_visible();
    let mut begun = false;
    for tried in 1..=TRIES {
        let Some(held) = session.held(&name).await.map_err(|e| unended(begun, e))? else {
            session.index().users.remove(email);
            return Ok(());
        };
        if tried == TRIES {
            break;
        }
        session.unshared(&name, &held).map_err(|e| unended(begun, e))?;
        let mut scopes: Vec<String> = held.into_iter().map(|h| h.scope).collect();
        scopes.sort();
        scopes.dedup();
        for scope in scopes {
            take_all(session, &id, &name, &scope).await.map_err(|e| unended(begun, e))?;
            begun = true;
        }
        let sent = session.write(Method::Delete, &format!("/users/{}", encode(&name)), None).await;
        let sent = sent.map_err(|e| unended(begun, e))?;
        let next = judged(sent, &["NoIdForUserName"], tried).await.map_err(|e| unended(begun, e))?;
        begun = true;
        match next {
            Next::Look => outcome = not_visible(),
            Next::Again(why) => outcome = TargetError::Unknown(why),
        }
    }
    Err(outcome)
}
