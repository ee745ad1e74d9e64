//! Roles on connections and models, and permits on folders and documents.
//!
//! A role on a model is written over the one before; there is no way to take it away but to write
//! `NO_ACCESS`, which denies nothing: base role and groups still count (section c).

use serde_json::{Value, json};

use super::until;
use crate::model::{GrantedRole, PrincipalRecord};
use crate::targets::TargetError;
use crate::targets::http::{Method, encode};
use crate::targets::omni::session::Session;
use crate::targets::omni::shape::{From, Holder, Named, Permit, Row, Thing};
use crate::targets::scim::value::{get, list};

/// The role that takes a role away.
const NOTHING: &str = "NO_ACCESS";

/// How the base role between viewer and querier is called where a connection is written (section c).
const WRITTEN: (&str, &str) = ("QUERY_TOPICS", "RESTRICTED_QUERIER");

/// Gives, changes or takes the role of somebody on something.
pub async fn set(
    session: &Session,
    to: &PrincipalRecord,
    resource: &str,
    before: &[GrantedRole],
    after: &[GrantedRole],
) -> Result<(), TargetError> {
    if let [first, second, ..] = after {
        let message = format!("Omni keeps one role of {to} on {resource}, and not {} and {}", first.role, second.role);
        return Err(TargetError::Refused(message));
    }
    let wanted = after.first().map(|r| r.role.as_str()).filter(|r| *r != NOTHING);
    let thing = session.thing(resource)?;
    let place = Place::of(session, to, &thing)?;
    let now = session.get(&place.look).await?;
    let held = place.held(session, &now);
    if held.as_deref() == wanted {
        return Ok(());
    }
    if let (Some(role), Whose::User(id)) = (wanted, &place.whose)
        && owns(&now, id)
    {
        let message = format!("{to} owns {resource}, which is more than {role}: take the grant away");
        return Err(TargetError::Refused(message));
    }
    let from: Vec<&str> = before.iter().map(|r| r.role.as_str()).filter(|r| *r != NOTHING).collect();
    if held.as_deref().map_or(!from.is_empty(), |role| !from.contains(&role)) {
        let held = held.as_deref().unwrap_or("nothing");
        return Err(TargetError::Conflict(format!("{to} has {held} on {resource} now")));
    }
    let (method, path, body) = place.write(wanted, held.is_some());
    let good = |v: Option<&Value>| v.is_some_and(|v| place.held(session, v).as_deref() == wanted);
    let sent = until(session, (method, &path, Some(&body)), &place.look, &good).await;
    match sent {
        // Not everywhere can permits of documents be deleted (section b.7): the weakest role says the same.
        Err(TargetError::Gone(_) | TargetError::Refused(_)) if method == Method::Delete => {
            let mut body = body;
            body["role"] = Value::from(NOTHING);
            until(session, (Method::Patch, &path, Some(&body)), &place.look, &good).await?;
        }
        sent => sent?,
    }
    match wanted {
        Some(role) => counts(session, &place, role, to, resource).await,
        None => Ok(()),
    }
}

/// Whether the role that was given is the one that decides, or a higher one does.
async fn counts(
    session: &Session,
    place: &Place,
    role: &str,
    to: &PrincipalRecord,
    resource: &str,
) -> Result<(), TargetError> {
    let Whose::User(_) = &place.whose else { return Ok(()) };
    if !matches!(place.thing, Thing::Model(_)) {
        return Ok(());
    }
    let rows = Row::all(&session.get(&place.look).await?);
    let rows: Vec<&Row> = rows.iter().filter(|r| place.is_about(r)).collect();
    let Some(decides) = rows.iter().find(|r| r.resolved) else { return Ok(()) };
    let effective = session.role(&decides.role, decides.base.as_deref()).unwrap_or_default();
    if session.tier(&effective) < session.tier(role) {
        let message = format!("{to} was given {role} on {resource}, and {} is what counts", decides.role);
        return Err(TargetError::Refused(message));
    }
    Ok(())
}

/// Whose role it is, in the words of the instance.
enum Whose {
    User(String),
    /// The id of the group, and its name: permits know it by the name only.
    Group(String, String),
    Everyone,
}

/// Where a role is looked at and written.
struct Place {
    whose: Whose,
    thing: Thing,
    look: String,
}

impl Place {
    fn of(session: &Session, to: &PrincipalRecord, thing: &Thing) -> Result<Self, TargetError> {
        let whose = match to {
            PrincipalRecord::User(email) => Whose::User(session.user(email)?),
            PrincipalRecord::Team(name) => Whose::Group(session.group(name)?, name.clone()),
            PrincipalRecord::Everyone => Whose::Everyone,
        };
        let query = match thing {
            Thing::Model(id) => format!("?modelId={}", encode(id)),
            Thing::Connection(id) => format!("?connectionId={}", encode(id)),
            Thing::Folder(_) | Thing::Document(_) => String::new(),
        };
        let look = match (thing.permits(), &whose, thing) {
            (Some(permits), ..) => permits,
            (None, Whose::User(id), _) => format!("/v1/users/{}/model-roles{query}", encode(id)),
            (None, Whose::Group(id, _), _) => format!("/v1/user-groups/{}/model-roles{query}", encode(id)),
            (None, Whose::Everyone, Thing::Connection(_)) => "/v1/connections".to_owned(),
            (None, Whose::Everyone, _) => {
                return Err(TargetError::Refused("Omni has base roles of connections only".to_owned()));
            }
        };
        Ok(Self { whose, thing: thing.clone(), look })
    }

    fn is_about(&self, row: &Row) -> bool {
        match &self.thing {
            Thing::Model(id) => row.model.as_ref() == Some(id),
            Thing::Connection(id) => row.connection.as_ref() == Some(id) && row.is_of_connection(),
            Thing::Folder(_) | Thing::Document(_) => false,
        }
    }

    /// The role that is held directly, from what is at `look`; none where it is `NO_ACCESS`.
    fn held(&self, session: &Session, answer: &Value) -> Option<String> {
        let found = match (&self.thing, &self.whose) {
            (Thing::Folder(_) | Thing::Document(_), whose) => {
                let is = |holder: &Holder| match (holder, whose) {
                    (Holder::User(a), Whose::User(b)) => a == b,
                    (Holder::Group(a), Whose::Group(_, b)) => a == b,
                    (Holder::Organization, Whose::Everyone) => true,
                    _ => false,
                };
                let permits = Permit::all(answer);
                let permit = permits.into_iter().find(|p| is(&p.holder) && !p.owner)?;
                session.role(&permit.role, None).or(Some(permit.role))
            }
            (Thing::Connection(id), Whose::Everyone) => {
                let all = list(answer, "connections").iter().filter_map(Named::connection);
                let base = all.filter(|c| c.id == *id).find_map(|c| c.base)?;
                session.role(&base, None).or(Some(base))
            }
            (_, whose) => {
                let from = if matches!(whose, Whose::User(_)) { From::User } else { From::Group };
                let rows = Row::all(answer);
                let row = rows.iter().find(|r| r.from == from && self.is_about(r))?;
                session.role(&row.role, row.base.as_deref()).or_else(|| Some(row.role.clone()))
            }
        };
        found.filter(|role| role != NOTHING)
    }

    /// The request that gives the role, or takes what is held away.
    fn write(&self, role: Option<&str>, held: bool) -> (Method, String, Value) {
        match (&self.thing, &self.whose) {
            (Thing::Connection(id), Whose::Everyone) => {
                let role = role.unwrap_or(NOTHING);
                let role = if role == WRITTEN.0 { WRITTEN.1 } else { role };
                (Method::Patch, format!("/v1/connections/{}", encode(id)), json!({"baseRole": role}))
            }
            (Thing::Connection(_) | Thing::Model(_), whose) => {
                let path = match whose {
                    Whose::User(id) => format!("/v1/users/{}/model-roles", encode(id)),
                    Whose::Group(id, _) => format!("/v1/user-groups/{}/model-roles", encode(id)),
                    Whose::Everyone => String::new(),
                };
                let role = role.unwrap_or(NOTHING);
                let body = match &self.thing {
                    Thing::Model(id) => json!({"roleName": role, "modelId": id}),
                    Thing::Connection(id) | Thing::Folder(id) | Thing::Document(id) => {
                        json!({"roleName": role, "connectionId": id})
                    }
                };
                (Method::Post, path, body)
            }
            (Thing::Folder(_) | Thing::Document(_), whose) => {
                let path = self.look.clone();
                let mut body = match whose {
                    Whose::User(id) => json!({"userIds": [id]}),
                    Whose::Group(id, _) => json!({"userGroupIds": [id]}),
                    Whose::Everyone => {
                        let role = role.unwrap_or(NOTHING);
                        return (Method::Put, path, json!({"organizationRole": role}));
                    }
                };
                match role {
                    None => (Method::Delete, path, body),
                    Some(role) => {
                        body["role"] = Value::from(role);
                        (if held { Method::Patch } else { Method::Post }, path, body)
                    }
                }
            }
        }
    }
}

/// Whether somebody owns a document, from its permits.
pub fn owns(answer: &Value, id: &str) -> bool {
    let of = |v: &Value| get(v, "id").and_then(Value::as_str) == Some(id);
    list(answer, "permits").iter().filter(|v| of(v)).any(|v| {
        get(v, "direct").and_then(|d| get(d, "isOwner")).and_then(Value::as_bool) == Some(true)
            || get(v, "direct").and_then(|d| get(d, "role")).and_then(Value::as_str) == Some("OWNER")
    })
}

/// Whether somebody has a permit of their own on a document.
pub fn has_permit(answer: &Value, id: &str) -> bool {
    Permit::all(answer).iter().any(|p| p.holder == Holder::User(id.to_owned()) && p.role != NOTHING)
}
