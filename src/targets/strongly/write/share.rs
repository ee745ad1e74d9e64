//! Who works with a project or a workflow. Collaborators of projects are added by address and changed by id
//! (fact sheet strongly, section 2.5); the fields of a workflow's share are not published.

use serde_json::json;

use super::{not_visible, until};
use crate::model::{GrantedRole, PrincipalRecord};
use crate::targets::TargetError;
use crate::targets::http::{Method, encode};
use crate::targets::strongly::read::shares;
use crate::targets::strongly::session::{Session, Thing};
use crate::targets::strongly::shape::{Kind, Share, api_level};

/// Gives, changes or takes what somebody has on something.
pub async fn set(
    session: &Session,
    to: &PrincipalRecord,
    resource: &str,
    before: &[GrantedRole],
    after: &[GrantedRole],
) -> Result<(), TargetError> {
    let PrincipalRecord::User(email) = to else {
        return Err(TargetError::Refused(format!("Strongly's API shares with single people, not with {to}")));
    };
    if let [first, second, ..] = after {
        let message =
            format!("Strongly keeps one role of {to} on {resource}, and not {} and {}", first.role, second.role);
        return Err(TargetError::Refused(message));
    }
    let thing = session.thing(resource)?;
    if !matches!(thing.kind, Kind::Project | Kind::Workflow) {
        return Err(TargetError::Refused(format!("Strongly's API does not share {resource}")));
    }
    // Projects are shared by address: their list says the id.
    let known = session.user(email)?.id;
    let user = known.as_deref();
    let wanted = after.first().map(|r| r.role.as_str());
    let now = find(session, &thing, user, email).await?;
    if now.as_ref().is_some_and(Share::owns) {
        return Err(TargetError::Refused(format!("{email} owns {resource}: take the grant away")));
    }
    let held = match now.as_ref().map(Share::level) {
        None => None,
        Some(Ok(role)) => Some(role),
        Some(Err(other)) => {
            return Err(TargetError::Conflict(format!(
                "{email} has `{other}` on {resource}, which rolecall does not know"
            )));
        }
    };
    if held == wanted {
        return Ok(());
    }
    if held.is_some_and(|role| !before.iter().any(|r| r.role == role)) || (held.is_none() && !before.is_empty()) {
        let held = held.unwrap_or("nothing");
        return Err(TargetError::Conflict(format!("{email} has {held} on {resource} now")));
    }
    let at = format!("/{}/{}", thing.kind.path(), encode(&thing.id));
    // What a share calls its id may be its own: the one that the members list shows is surer.
    let one = user.or_else(|| now.as_ref().and_then(|s| s.user.as_deref())).map(encode);
    let one = || one.clone().ok_or_else(|| session.id(email).err().unwrap_or_else(not_visible));
    let (method, path, body) = match (thing.kind, held, wanted) {
        (Kind::Project, None, Some(role)) => {
            let body = json!({"email": email, "role": api_level(role)});
            (Method::Post, format!("{at}/collaborators"), Some(body))
        }
        (Kind::Project, Some(_), Some(role)) => {
            (Method::Put, format!("{at}/collaborators/{}", one()?), Some(json!({"role": api_level(role)})))
        }
        (Kind::Project, _, None) => (Method::Delete, format!("{at}/collaborators/{}", one()?), None),
        (_, _, Some(role)) => {
            let body = json!({"userId": session.id(email)?, "role": api_level(role)});
            (Method::Post, format!("{at}/share"), Some(body))
        }
        (_, _, None) => (Method::Delete, format!("{at}/share/{}", one()?), None),
    };
    let look = || find(session, &thing, user, email);
    let good = |share: &Option<Share>| match (share, wanted) {
        (None, None) => true,
        (Some(share), Some(role)) => share.level() == Ok(role),
        _ => false,
    };
    match until(session, (method, &path, body.as_ref()), look, good).await {
        Err(TargetError::NotVisible(_)) => {
            let now = find(session, &thing, user, email).await?.and_then(|s| s.level().ok());
            match (now, wanted) {
                (Some(now), Some(role)) if now != role => Err(TargetError::NotVisible(format!(
                    "Strongly took {role} for {email} on {resource}, and shows {now}"
                ))),
                _ => Err(not_visible()),
            }
        }
        result => result,
    }
}

async fn find(session: &Session, thing: &Thing, user: Option<&str>, email: &str) -> Result<Option<Share>, TargetError> {
    let all = shares(session, thing).await?.items;
    Ok(all.into_iter().find(|s| is_of(s, user, email)))
}

/// Whether a share is that of somebody, by id or by address: its id may be its own, and its address not
/// shown.
fn is_of(share: &Share, user: Option<&str>, email: &str) -> bool {
    (user.is_some() && share.user.as_deref() == user) || share.email.as_deref() == Some(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_found_by_id_or_by_address() {
        let share = |user: Option<&str>, email: Option<&str>| Share {
            user: user.map(str::to_owned),
            email: email.map(str::to_owned),
            role: None,
        };
        let ada = "ada@x.example";
        assert!(is_of(&share(Some("u"), None), Some("u"), ada));
        assert!(is_of(&share(Some("share-1"), Some(ada)), Some("u"), ada), "an id of its own");
        assert!(is_of(&share(None, Some(ada)), Some("u"), ada));
        assert!(!is_of(&share(Some("v"), Some("bob@x.example")), Some("u"), ada));
        assert!(!is_of(&share(None, None), None, ada), "two ids that nobody knows are not the same");
    }
}
