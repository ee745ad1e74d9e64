//! New accounts by the bulk endpoint (RFC 7644, section 3.7): only where the server offers one and the
//! target's settings ask for it. Each operation has its own outcome, and each account is read back by
//! itself.

use serde_json::{Value, json};

use super::user::{confirm, create as create_one, find, payload};
use crate::model::{Change, UserRecord};
use crate::targets::TargetError;
use crate::targets::http::{Answer, Method};
use crate::targets::scim::session::{Sent, Session, UserEntry, refusal};
use crate::targets::scim::value::{get, list, text};

/// So many operations in one request are enough.
const MOST: usize = 100;

/// How many accounts one request may make; nothing where it is not offered or not asked for.
pub fn size(session: &Session) -> Option<usize> {
    let offered = session.known_features()?.bulk?;
    session.settings.bulk.then_some(offered.min(MOST))
}

/// Makes several accounts with one request, and reads each back.
pub async fn create(session: &Session, changes: &[&Change]) -> Vec<Result<(), TargetError>> {
    let users: Vec<&UserRecord> = changes
        .iter()
        .filter_map(|c| match c {
            Change::CreateUser { user } => Some(user),
            _ => None,
        })
        .collect();
    let sent = match send(session, &users).await {
        Ok(sent) => sent,
        Err(error) => return users.iter().map(|_| Err(error.clone())).collect(),
    };
    let mut results = Vec::with_capacity(users.len());
    for (index, user) in users.iter().enumerate() {
        let outcome = match &sent {
            Some(answer) => of(answer, index),
            None => Outcome::Unsaid,
        };
        results.push(match outcome {
            Outcome::Made(id) => {
                let entry = UserEntry { id, user_name: user.email.clone() };
                session.index().users.insert(user.email.clone(), entry.clone());
                confirm(session, user, &entry).await
            }
            Outcome::Refused(error) => Err(error),
            // The way that looks before it repeats.
            Outcome::Unsaid => match find(session, user).await {
                Ok(Some(found)) => {
                    let entry = UserEntry { id: found.id, user_name: found.user_name };
                    session.index().users.insert(user.email.clone(), entry.clone());
                    confirm(session, user, &entry).await
                }
                Ok(None) => create_one(session, user).await,
                Err(error) => Err(TargetError::Unknown(error.to_string())),
            },
        });
    }
    results
}

/// The answer to the request; nothing where it may or may not have been done, in whole or in part.
async fn send(session: &Session, users: &[&UserRecord]) -> Result<Option<Value>, TargetError> {
    let schemas = session.schemas().await?;
    let operation = |(index, user): (usize, &&UserRecord)| {
        let data = payload(schemas, user, session.settings.roles);
        json!({"method": "POST", "path": "/Users", "bulkId": format!("u{index}"), "data": data})
    };
    let operations: Vec<Value> = users.iter().enumerate().map(operation).collect();
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
    match session.write(Method::Post, "/Bulk", Some(&body), None).await? {
        Sent::Done(answer) => answer.json().map(Some).or(Ok(None)),
        Sent::Maybe { .. } => Ok(None),
        // It is offered and not there, or too much at once: one by one.
        Sent::No(answer) if matches!(answer.status, 404 | 405 | 413 | 501) => Ok(None),
        Sent::No(answer) => Err(refusal(&answer)),
    }
}

enum Outcome {
    Made(String),
    Refused(TargetError),
    Unsaid,
}

/// What an answer says of one operation.
fn of(answer: &Value, index: usize) -> Outcome {
    let id = format!("u{index}");
    let said = list(answer, "Operations").iter().find(|o| text(o, "bulkId").as_deref() == Some(&id));
    let Some(said) = said else { return Outcome::Unsaid };
    // A text in version 2.0, an object with a `code` before it.
    let code = text(said, "status").or_else(|| text(get(said, "status")?, "code"));
    let Some(status) = code.and_then(|c| c.parse::<u16>().ok()) else { return Outcome::Unsaid };
    let made = text(said, "location").and_then(|l| l.rsplit('/').next().map(str::to_owned));
    let made = made.or_else(|| text(get(said, "response")?, "id")).filter(|id| !id.is_empty());
    match (status, made) {
        (200..300, Some(id)) => Outcome::Made(id),
        // Taken, perhaps by this very request; or an error after it was done: looked at.
        (200..300 | 409 | 500.., _) => Outcome::Unsaid,
        _ => {
            let body = get(said, "response").map(Value::to_string).unwrap_or_default().into_bytes();
            Outcome::Refused(refusal(&Answer { status, body, ..Answer::default() }))
        }
    }
}
