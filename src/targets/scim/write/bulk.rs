//! New accounts by the bulk endpoint (RFC 7644, section 3.7): only where the server offers one and the
//! target's settings ask for it. Each operation has its own outcome, and each account is read back by
//! itself.

use serde_json::{Value, json};

use super::user::{came_meanwhile, confirm, create as create_one, find, found, free, payload, sign_in_name, taken};
use super::{members, not_visible};
use crate::model::{Change, UserRecord};
use crate::targets::TargetError;
use crate::targets::http::{Answer, Method};
use crate::targets::scim::session::{Sent, Session, UserEntry, refusal, said};
use crate::targets::scim::settings::RolesIn;
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
    // Each as it would be alone; only who can be made is sent.
    let ready: Vec<Result<(), TargetError>> = users.iter().map(|u| may_be_made(session, u)).collect();
    let able: Vec<&UserRecord> = users.iter().zip(&ready).filter(|(_, r)| r.is_ok()).map(|(u, _)| *u).collect();
    let sent = match able.is_empty() {
        true => Ok(Reply::NotDone),
        false => send(session, &able).await,
    };
    let mut results = Vec::with_capacity(users.len());
    let mut index = 0;
    for (user, ready) in users.iter().zip(ready) {
        if let Err(error) = ready {
            results.push(Err(error));
            continue;
        }
        results.push(match &sent {
            Ok(Reply::NotDone) => create_one(session, user).await,
            Ok(Reply::Said(answer)) => {
                one(session, user, of(answer, index, &|said| session.client().scrub(said))).await
            }
            Ok(Reply::Maybe(why)) => one(session, user, Outcome::Unsaid(why.clone())).await,
            Err(error) => Err(error.clone()),
        });
        index += 1;
    }
    results
}

fn may_be_made(session: &Session, user: &UserRecord) -> Result<(), TargetError> {
    free(session, &user.email)?;
    match (session.settings.roles, &user.role) {
        (RolesIn::Groups, Some(role)) => members::role_group(session, role).map(drop),
        _ => Ok(()),
    }
}

/// What became of one account, by what was said of it.
async fn one(session: &Session, user: &UserRecord, outcome: Outcome) -> Result<(), TargetError> {
    let entry = match outcome {
        Outcome::Made(id) => UserEntry { id, user_name: sign_in_name(user).to_owned() },
        Outcome::Refused(error) => return Err(error),
        // Said once, so that it was not this request which has taken it.
        Outcome::Taken(why) => {
            return Err(match find(session, user).await {
                Ok(Some(_)) => came_meanwhile(user),
                _ => TargetError::Conflict(taken(user, &why)),
            });
        }
        // It may still be on its way: it is not said again.
        Outcome::Unsaid(why) => match found(session, user).await? {
            Some(found) => UserEntry { id: found.id, user_name: found.user_name },
            None => return Err(TargetError::Unknown(why)),
        },
        Outcome::Hidden => match found(session, user).await? {
            Some(found) => UserEntry { id: found.id, user_name: found.user_name },
            None => return Err(not_visible(session)),
        },
    };
    session.index().users.insert(user.email.clone(), entry.clone());
    confirm(session, user, &entry).await
}

/// What became of the whole request.
enum Reply {
    /// It says of each operation what became of it.
    Said(Value),
    /// It may have been done, in whole or in part.
    Maybe(String),
    /// None of it was done: one by one, then.
    NotDone,
}

/// Sends the request.
async fn send(session: &Session, users: &[&UserRecord]) -> Result<Reply, TargetError> {
    let schemas = session.schemas().await?;
    let operation = |(index, user): (usize, &&UserRecord)| {
        let data = payload(schemas, user, session.settings.roles);
        json!({"method": "POST", "path": "/Users", "bulkId": format!("u{index}"), "data": data})
    };
    let operations: Vec<Value> = users.iter().enumerate().map(operation).collect();
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
    match session.write(Method::Post, "/Bulk", Some(&body), None).await? {
        Sent::Done(answer) => Ok(match answer.json() {
            Ok(said) => Reply::Said(said),
            Err(error) => Reply::Maybe(error.to_string()),
        }),
        Sent::Maybe { why, .. } => Ok(Reply::Maybe(why)),
        // It is offered and not there, or too much at once: one by one.
        Sent::No(answer) if matches!(answer.status, 404 | 405 | 413 | 501) => Ok(Reply::NotDone),
        Sent::No(answer) => Err(refusal(&answer)),
    }
}

enum Outcome {
    Made(String),
    Refused(TargetError),
    /// Somebody has the name already; what is said of it.
    Taken(String),
    /// Said to be made, and not as what.
    Hidden,
    /// It may have been made; why nobody knows.
    Unsaid(String),
}

/// What an answer says of one operation; its refusals are those of a success, and scrubbed.
fn of(answer: &Value, index: usize, scrub: &dyn Fn(&str) -> String) -> Outcome {
    let id = format!("u{index}");
    let operation = list(answer, "Operations").iter().find(|o| text(o, "bulkId").as_deref() == Some(&id));
    let unsaid = || Outcome::Unsaid("the answer to the bulk request does not speak of it".to_owned());
    let Some(operation) = operation else { return unsaid() };
    // A text in version 2.0, an object with a `code` before it.
    let code = text(operation, "status").or_else(|| text(get(operation, "status")?, "code"));
    let Some(status) = code.and_then(|c| c.parse::<u16>().ok()) else { return unsaid() };
    let made = text(operation, "location").and_then(|l| l.rsplit('/').next().map(str::to_owned));
    let made = made.or_else(|| text(get(operation, "response")?, "id")).filter(|id| !id.is_empty());
    match (status, made) {
        (200..300, Some(id)) => Outcome::Made(id),
        (200..300, None) => Outcome::Hidden,
        _ => {
            let body = scrub(&get(operation, "response").map(Value::to_string).unwrap_or_default()).into_bytes();
            let answer = Answer { status, body, ..Answer::default() };
            match status {
                409 => Outcome::Taken(said(&answer)),
                // An error after it was done, perhaps: looked at.
                500.. => Outcome::Unsaid(said(&answer)),
                _ => Outcome::Refused(refusal(&answer)),
            }
        }
    }
}
