//! The domains of sign-in pages: a list of each application, which every write replaces (fact sheet strongly,
//! section 2.3). Read right before, changed only in what the plan says, and read again right after.

use std::collections::BTreeSet;

use serde_json::json;

use super::until;
use crate::model::Change;
use crate::targets::TargetError;
use crate::targets::http::{Method, encode};
use crate::targets::strongly::session::Session;
use crate::targets::strongly::shape::SignIn;

/// Makes all these changes to the pages of every application that the settings name. One result for each, in
/// their order.
pub async fn write(session: &Session, changes: &[&Change]) -> Vec<Result<(), TargetError>> {
    let (mut add, mut remove): (BTreeSet<String>, BTreeSet<String>) = (BTreeSet::new(), BTreeSet::new());
    for change in changes {
        match change {
            Change::AddDomain { domain } | Change::ChangeDomain { after: domain, .. } => {
                add.insert(domain.name.clone());
            }
            Change::RemoveDomain { domain, .. } => {
                remove.insert(domain.name.clone());
            }
            _ => {}
        }
    }
    let (apps, lacks) = {
        let index = session.index();
        (index.sign_in.clone(), !index.no_sign_in.is_empty())
    };
    if apps.is_empty() || lacks {
        let gone = TargetError::Gone("an application of `sign_in` is not there".to_owned());
        return changes.iter().map(|_| Err(gone.clone())).collect();
    }
    let mut done = Ok(());
    for (number, (name, id)) in apps.iter().enumerate() {
        if let Err(error) = pages(session, id, &add, &remove).await {
            done = Err(match error {
                TargetError::NotVisible(why) => TargetError::NotVisible(why),
                // Other pages have been written: nobody can say that nothing was done.
                error if number > 0 => TargetError::Unknown(format!("the pages of application/{name}: {error}")),
                error => error,
            });
            break;
        }
    }
    changes.iter().map(|_| done.clone()).collect()
}

/// The list of one application, and sign-up where a domain is added.
async fn pages(
    session: &Session,
    id: &str,
    add: &BTreeSet<String>,
    remove: &BTreeSet<String>,
) -> Result<(), TargetError> {
    let path = format!("/apps/{}", encode(id));
    let look = || async {
        let hidden = || TargetError::Malformed("the sign-in domains are not shown".to_owned());
        SignIn::read(&session.get(&path).await?).ok_or_else(hidden)
    };
    let mut now = look().await?;
    let mut wanted: Vec<String> = now.domains.iter().filter(|d| !remove.contains(*d)).cloned().collect();
    wanted.extend(add.iter().filter(|d| !now.domains.contains(*d)).cloned());
    let writes = wanted != now.domains;
    if writes {
        list(session, &path, wanted, remove, look).await?;
    }
    // An error says that nothing was done only where nothing was.
    let half = |error| match error {
        error @ (TargetError::Unknown(_) | TargetError::NotVisible(_)) => error,
        error if writes => TargetError::Unknown(format!("the domains were written, and sign-up is not on: {error}")),
        error => error,
    };
    if add.is_empty() {
        return Ok(());
    }
    if writes {
        now = look().await.map_err(half)?;
    }
    if now.is_open() {
        return Ok(());
    }
    open(session, &path, &now, add, look).await.map_err(half)
}

/// Writes the list.
async fn list<F: Future<Output = Result<SignIn, TargetError>>>(
    session: &Session,
    path: &str,
    wanted: Vec<String>,
    remove: &BTreeSet<String>,
    look: impl Fn() -> F,
) -> Result<(), TargetError> {
    let mut body = json!({"allowedDomains": wanted});
    // What an empty list means is not published, and it may mean everybody: without a domain nobody is to
    // sign up.
    let closes = wanted.is_empty();
    if closes {
        body["signupEnabled"] = json!(false);
    }
    let wanted: BTreeSet<String> = wanted.into_iter().collect();
    let good = |seen: &SignIn| {
        let there: BTreeSet<String> = seen.domains.iter().cloned().collect();
        wanted.is_subset(&there) && remove.is_disjoint(&there) && !(closes && seen.signup)
    };
    until(session, (Method::Put, &format!("{path}/auth"), Some(&body)), look, good).await
}

/// Turns sign-up on: after the list, so that it is never on without one, and only where it lets in nobody whom
/// the files do not name.
async fn open<F: Future<Output = Result<SignIn, TargetError>>>(
    session: &Session,
    path: &str,
    now: &SignIn,
    add: &BTreeSet<String>,
    look: impl Fn() -> F,
) -> Result<(), TargetError> {
    let refuse = |why: &str| Err(TargetError::Conflict(format!("{why}: plan again")));
    if !now.enabled {
        return refuse("the sign-in pages are off");
    }
    if now.domains.iter().any(|d| !add.contains(d) && !session.wanted.domains.contains(d)) {
        return refuse("sign-up is off, and turning it on lets people of other domains in as well");
    }
    if now.domains.is_empty() {
        return refuse("sign-up is off, and no domain is listed now");
    }
    let body = json!({"signupEnabled": true});
    until(session, (Method::Put, &format!("{path}/auth"), Some(&body)), look, |seen| seen.signup).await
}
