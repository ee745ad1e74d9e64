//! Who may use an application or a data source: one list, which every write replaces (fact sheet strongly,
//! section 2.3). It is read right before, only what the plan says is changed in it, and it is read again
//! right after: nothing lets Strongly notice when somebody else writes in between.

use std::collections::BTreeSet;

use serde_json::json;

use super::{LOOK, TRIES, later, not_visible};
use crate::model::{Change, PrincipalRecord, Visibility};
use crate::targets::TargetError;
use crate::targets::http::{Method, backoff, encode};
use crate::targets::settle::{settled, unread};
use crate::targets::strongly::session::{Sent, Session, Thing};
use crate::targets::strongly::settings::SETTLE;
use crate::targets::strongly::shape::Access;

/// What one change wants of the list.
enum Wish {
    /// Somebody in it.
    In(String),
    /// Somebody not in it.
    Out(String),
    /// The flag that lets everybody in.
    Open(bool),
    /// Nobody in it, and not everybody either.
    Empty,
    /// Nothing.
    None,
}

impl Wish {
    fn of(session: &Session, change: &Change) -> Result<Self, TargetError> {
        let id = |to: &PrincipalRecord| match to {
            PrincipalRecord::User(email) => session.id(email),
            other => Err(TargetError::Refused(format!("Strongly's API shares with single people, not with {other}"))),
        };
        match change {
            Change::GiveGrant { to, .. } | Change::ChangeGrant { to, .. } => Ok(Self::In(id(to)?)),
            Change::RevokeGrant { to, .. } => Ok(Self::Out(id(to)?)),
            Change::UpdateResource { before, after } => {
                let open = |v: Option<Visibility>| v == Some(Visibility::Everyone);
                Ok(match after.visibility {
                    same if same == before.visibility => Self::None,
                    Some(Visibility::Private) => Self::Empty,
                    other => Self::Open(open(other)),
                })
            }
            _ => Ok(Self::None),
        }
    }

    fn is_met(&self, access: &Access) -> bool {
        match self {
            Self::In(user) => access.users.contains(user),
            Self::Out(user) => !access.users.contains(user),
            Self::Open(open) => access.open == *open,
            Self::Empty => !access.open && access.users.is_empty(),
            Self::None => true,
        }
    }

    fn apply(&self, access: &mut Access) {
        match self {
            Self::In(user) if !access.users.contains(user) => access.users.push(user.clone()),
            Self::Out(user) => access.users.retain(|u| u != user),
            Self::Open(open) => access.open = *open,
            Self::Empty => access.open = false,
            Self::In(_) | Self::None => {}
        }
    }
}

/// Makes all these changes to the list of one thing by one write. One result for each, in their order.
pub async fn write(session: &Session, name: &str, changes: &[&Change]) -> Vec<Result<(), TargetError>> {
    let wishes: Vec<Result<Wish, TargetError>> = changes.iter().map(|c| Wish::of(session, c)).collect();
    let good: Vec<&Wish> = wishes.iter().filter_map(|w| w.as_ref().ok()).collect();
    let done = match session.thing(name) {
        Ok(thing) => make(session, name, &thing, &good).await,
        Err(error) => Err(error),
    };
    let one = |wish: &Result<Wish, TargetError>| match wish {
        Ok(_) => done.clone(),
        Err(error) => Err(error.clone()),
    };
    wishes.iter().map(one).collect()
}

async fn look(session: &Session, name: &str, thing: &Thing) -> Result<Access, TargetError> {
    let value = session.get(&format!("/{}/{}", thing.kind.path(), encode(&thing.id))).await?;
    Access::read(thing.kind, &value)
        .ok_or_else(|| TargetError::Malformed(format!("{name} does not show who may use it")))
}

async fn make(session: &Session, name: &str, thing: &Thing, wishes: &[&Wish]) -> Result<(), TargetError> {
    let Some(flag) = thing.kind.flag() else {
        return Err(TargetError::Refused(format!("{name} has no list of who may use it")));
    };
    let path = format!("/{}/{}/permissions", thing.kind.path(), encode(&thing.id));
    let met = |access: &Access| wishes.iter().all(|w| w.is_met(access));
    let mut tried = 0;
    loop {
        tried += 1;
        // Fresh each time: what somebody else has put in meanwhile stays in.
        let now = look(session, name, thing).await.map_err(|e| later(tried, e))?;
        if met(&now) {
            return Ok(());
        }
        let mut wanted = now.clone();
        for wish in wishes {
            wish.apply(&mut wanted);
        }
        // The plan says of nobody in it that they lose it.
        if !wanted.users.is_empty() && wishes.iter().any(|w| matches!(w, Wish::Empty)) {
            let message = format!("{name} is to be private, and people are in its list now: plan again");
            return Err(later(tried, TargetError::Conflict(message)));
        }
        let body = json!({flag: wanted.open, "allowedUsers": wanted.users});
        let sent = session.write(Method::Put, &path, Some(&body)).await.map_err(|e| later(tried, e))?;
        if let Sent::No(error) = sent {
            return Err(later(tried, error));
        }
        let seen = settled(SETTLE, LOOK, || look(session, name, thing), met).await.map_err(unread)?;
        let (done, after) = seen;
        match sent {
            _ if done => return kept(session, name, &wanted, &after),
            Sent::Maybe(why) if tried >= TRIES => return Err(TargetError::Unknown(why)),
            Sent::Maybe(_) => tokio::time::sleep(backoff(tried)).await,
            // Part of it is there, so that it was written, and then by somebody else, or kept in part only.
            _ if after != now => {
                let message = format!("the list of {name} was written, and is another one afterwards: plan again");
                return Err(TargetError::Unknown(message));
            }
            _ => return Err(not_visible()),
        }
    }
}

/// Whether everybody who was to stay has stayed.
fn kept(session: &Session, name: &str, wanted: &Access, after: &Access) -> Result<(), TargetError> {
    let there: BTreeSet<&String> = after.users.iter().collect();
    let index = session.index();
    let lost = wanted.users.iter().filter(|u| !there.contains(u));
    let lost: Vec<String> = lost.map(|u| index.emails.get(u).unwrap_or(u).clone()).collect();
    if lost.is_empty() && wanted.open == after.open {
        return Ok(());
    }
    let what = if lost.is_empty() {
        "who everybody is has changed".to_owned()
    } else {
        format!("it lacks {}", lost.join(", "))
    };
    Err(TargetError::Unknown(format!("the list of {name} was written, and afterwards {what}: plan again")))
}
