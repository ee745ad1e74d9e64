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
    for (name, id) in apps {
        let made = pages(session, &id, &add, &remove).await;
        if let Err(error) = made {
            // Some pages may have been written: nobody can say that nothing was done.
            done = Err(match error {
                TargetError::NotVisible(why) => TargetError::NotVisible(why),
                other => TargetError::Unknown(format!("the pages of application/{name}: {other}")),
            });
            break;
        }
    }
    changes.iter().map(|_| done.clone()).collect()
}

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
    let now = look().await?;
    let mut wanted: Vec<String> = now.domains.iter().filter(|d| !remove.contains(*d)).cloned().collect();
    wanted.extend(add.iter().filter(|d| !now.domains.contains(*d)).cloned());
    if wanted == now.domains {
        return Ok(());
    }
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
