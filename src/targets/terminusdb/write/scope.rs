//! What an account holds on an organization or a database: brought from one set of roles to another.
//!
//! New roles are given first and old ones taken after it, one by one, each looked at: a revoke says no where a
//! role is gone already, and looks at one of several capabilities only (section 7, trap 4).

use std::collections::BTreeSet;

use super::unended;
use crate::model::PrincipalRecord;
use crate::targets::TargetError;
use crate::targets::http::backoff;
use crate::targets::terminusdb::session::{Held, Sent, Session, kind, refusal, said};

/// What a revoke says where there is nothing (left) to take.
const NOTHING_THERE: [&str; 2] = ["NoCapabilityForUserWithScope", "RevokedRolesDoNotExistForCapability"];

/// So often something is sent at most of which nobody knows whether it was done.
const LOST_MAX: u32 = 3;

/// What is to become of a scope.
struct Aim<'a> {
    session: &'a Session,
    /// Id and name of the account.
    user: (String, String),
    scope: String,
    /// The roles as they are, where that is known.
    before: Option<BTreeSet<String>>,
    /// The roles as they become; none where the capability is to go.
    after: Option<BTreeSet<String>>,
}

/// Brings a member of an organization to a role, or out of it. Without a role somebody is a member by a
/// capability that gives nothing.
pub async fn member(
    session: &Session,
    email: &str,
    team: &str,
    before: Option<&[String]>,
    after: Option<&[String]>,
) -> Result<(), TargetError> {
    let user = match session.user(email) {
        Err(TargetError::Gone(_)) if after.is_none() => return Ok(()),
        user => user?,
    };
    let scope = match session.organization(team) {
        Err(TargetError::Gone(_)) if after.is_none() => return Ok(()),
        scope => scope?,
    };
    let before = before.map(|b| session.roles(b)).transpose()?;
    let after = after.map(|a| session.roles(a)).transpose()?;
    bring(Aim { session, user, scope, before, after }).await
}

/// Brings what somebody holds on a data product to these roles.
pub async fn grant(
    session: &Session,
    to: &PrincipalRecord,
    resource: &str,
    before: &[String],
    after: &[String],
) -> Result<(), TargetError> {
    let user = match session.principal(to) {
        Err(TargetError::Gone(_)) if after.is_empty() => return Ok(()),
        user => user?,
    };
    let scope = match session.database(resource) {
        Err(TargetError::Gone(_)) if after.is_empty() => return Ok(()),
        scope => scope?,
    };
    // Where everything goes, it does not matter what it was.
    let before = if after.is_empty() { None } else { Some(session.roles(before)?) };
    let after = Some(session.roles(after)?).filter(|a| !a.is_empty());
    bring(Aim { session, user, scope, before, after }).await
}

/// Takes everything that an account holds on a scope.
pub async fn take_all(session: &Session, user: &str, name: &str, scope: &str) -> Result<(), TargetError> {
    let user = (user.to_owned(), name.to_owned());
    bring(Aim { session, user, scope: scope.to_owned(), before: None, after: None }).await
}

/// What is there now.
async fn look(aim: &Aim<'_>) -> Result<Option<Vec<Held>>, TargetError> {
    let held = aim.session.held(&aim.user.1).await?;
    Ok(held.map(|all| all.into_iter().filter(|h| h.scope == aim.scope).collect()))
}

async fn bring(aim: Aim<'_>) -> Result<(), TargetError> {
    let mut begun = false;
    rounds(&aim, &mut begun).await.map_err(|e| unended(begun, e))
}

/// Looks and sends until it is so; `begun` says whether anything sent may have been done.
async fn rounds(aim: &Aim<'_>, begun: &mut bool) -> Result<(), TargetError> {
    let none = BTreeSet::new();
    let after = aim.after.as_ref().unwrap_or(&none);
    let mut lost = 0;
    let mut last = String::new();
    // Each round gives something, takes one role or ends: what one scope can hold bounds them.
    for round in 0_u32..64 {
        let Some(held) = look(aim).await? else {
            if aim.after.is_none() {
                return Ok(());
            }
            return Err(TargetError::Gone(format!("there is no account `{}`", aim.user.1)));
        };
        let has: BTreeSet<String> = held.iter().flat_map(|h| h.roles.iter().cloned()).collect();
        let done = match aim.after {
            None => held.is_empty(),
            Some(_) => has == *after && !held.is_empty(),
        };
        if done {
            return Ok(());
        }
        if lost > LOST_MAX {
            return Err(TargetError::Unknown(last));
        }
        if round == 0
            && let Some(before) = &aim.before
            && (has.iter().any(|r| !before.contains(r) && !after.contains(r))
                || before.iter().any(|r| after.contains(r) && !has.contains(r)))
        {
            let names = aim.session.role_names();
            let now: Vec<&str> = has.iter().map(|r| names.get(r).map_or(r.as_str(), String::as_str)).collect();
            let now = if now.is_empty() { "nothing".to_owned() } else { now.join(", ") };
            return Err(TargetError::Conflict(format!("`{}` has {now} there now", aim.user.1)));
        }
        if round == 0 {
            aim.session.unshared(&aim.user.1, &held)?;
        }
        match step(aim, &held, &has, after).await? {
            Sent::Done => *begun = true,
            Sent::Maybe(why) => {
                *begun = true;
                lost += 1;
                last = why;
                tokio::time::sleep(backoff(lost)).await;
            }
            // Somebody else was faster, or the server looks at another of several capabilities.
            Sent::No(answer) if NOTHING_THERE.contains(&kind(&answer).as_str()) => {
                match aside(aim, &held, after).await? {
                    // One of several is as it should be: that is what a round is for.
                    Some(Sent::Done) => *begun = true,
                    Some(Sent::Maybe(why)) => {
                        *begun = true;
                        lost += 1;
                        last = why;
                    }
                    Some(Sent::No(_)) | None => {
                        lost += 1;
                        last = said(&answer);
                    }
                }
            }
            Sent::No(answer) => return Err(refusal(&answer)),
        }
    }
    Err(TargetError::NotVisible(format!("the server took the changes, and `{}` does not show them", aim.user.1)))
}

/// The next request: what is missing is given at once, what is too much goes one by one.
async fn step(
    aim: &Aim<'_>,
    held: &[Held],
    has: &BTreeSet<String>,
    after: &BTreeSet<String>,
) -> Result<Sent, TargetError> {
    let missing: Vec<&str> = after.difference(has).map(String::as_str).collect();
    if aim.after.is_some() && (held.is_empty() || !missing.is_empty()) {
        return aim.session.capability("grant", &aim.user.0, &aim.scope, &missing).await;
    }
    match has.difference(after).next() {
        Some(role) => {
            // Where somebody stays a member without a role, the last one takes the capability with it.
            aim.session.capability("revoke", &aim.user.0, &aim.scope, &[role]).await
        }
        None => aim.session.capability("revoke", &aim.user.0, &aim.scope, &[]).await,
    }
}

/// Takes the roles that are too much out of one of several capabilities by itself, where a revoke does not reach
/// them; what became of it, where anything was sent.
async fn aside(aim: &Aim<'_>, held: &[Held], after: &BTreeSet<String>) -> Result<Option<Sent>, TargetError> {
    if held.len() < 2 {
        return Ok(None);
    }
    let version = aim.session.documents().await?.version;
    for one in held {
        let left: BTreeSet<String> = one.roles.intersection(after).cloned().collect();
        if left != one.roles {
            match aim.session.replace(one, &left, version.as_deref()).await? {
                // Something else changed meanwhile, or it is gone: looked at again.
                Sent::No(answer) if answer.status != 404 && kind(&answer) != "DataVersionMismatch" => {
                    return Err(refusal(&answer));
                }
                sent => return Ok(Some(sent)),
            }
        }
    }
    Ok(None)
}
