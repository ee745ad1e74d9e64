//! Changing an instance: each thing is read again before it is changed and read back afterwards, because
//! what a write answers is partial and no promise (fact sheet omni, section e).

mod grant;
mod group;
mod leave;
mod resource;
mod user;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::session::{Sent, Session};
use super::settings::SETTLE;
use crate::model::Change;
use crate::targets::http::{Method, backoff};
use crate::targets::scim::refusal;
use crate::targets::settle::{settled, unread};
use crate::targets::{Stamp, TargetError, Task, Writer};

/// So many members are added or taken out by one request: as with other SCIM servers.
pub const MEMBERS_MAX: usize = 100;

/// So many changes are recorded together: about those of two minutes.
const BATCH: usize = 50;

/// How often something is sent of which nobody knows whether it was done, looked at in between.
const TRIES: u32 = 3;

/// The first wait for something to become visible; each further one is twice as long.
const LOOK: Duration = Duration::from_millis(250);

/// Changes an instance.
pub struct OmniWriter {
    session: Arc<Session>,
}

impl OmniWriter {
    /// A writer over that conversation.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    async fn one(&self, change: &Change) -> Result<(), TargetError> {
        let session = &*self.session;
        match change {
            Change::CreateUser { user } => user::create(session, user).await,
            Change::UpdateUser { before, after } => user::update(session, before, after).await,
            Change::DisableUser { user, .. } => leave::leave(session, &user.email, leave::Way::Revoke).await,
            Change::DeleteUser { user, .. } => leave::leave(session, &user.email, leave::Way::Delete).await,
            Change::CreateTeam { team } => group::create(session, &team.name).await,
            Change::RenameTeam { from, to } => group::rename(session, from, to).await,
            Change::DeleteTeam { team, .. } => group::delete(session, &team.name).await,
            Change::AddMember { .. } | Change::RemoveMember { .. } => {
                let mut results = group::members(session, &[change]).await;
                results.pop().unwrap_or(Ok(()))
            }
            Change::CreateResource { resource } => resource::create(session, resource).await,
            Change::UpdateResource { before, after } => resource::hand_over(session, before, after).await,
            Change::GiveGrant { to, resource, roles } => grant::set(session, to, resource, &[], roles).await,
            Change::ChangeGrant { to, resource, before, after } => {
                grant::set(session, to, resource, before, after).await
            }
            Change::RevokeGrant { to, resource, roles, .. } => grant::set(session, to, resource, roles, &[]).await,
            other => Err(TargetError::Refused(format!("Omni's API has nothing for this: {}", other.object()))),
        }
    }
}

impl Writer for OmniWriter {
    fn batch(&self) -> usize {
        BATCH
    }

    fn sent(&self) -> Option<u64> {
        Some(self.session.client().sent())
    }

    /// Members of one group go together; changes to one thing happen one after the other.
    fn bundles(&self, changes: &[&Change]) -> Vec<Vec<usize>> {
        let mut bundles: Vec<Vec<usize>> = Vec::new();
        let mut of: HashMap<String, usize> = HashMap::new();
        for (index, change) in changes.iter().enumerate() {
            let key = match change {
                Change::AddMember { member } | Change::RemoveMember { member, .. } => format!("team {}", member.team),
                other => other.object().to_string(),
            };
            let at = *of.entry(key).or_insert_with(|| {
                bundles.push(Vec::new());
                bundles.len() - 1
            });
            bundles[at].push(index);
        }
        bundles
    }

    fn carry_out<'a>(&'a self, bundle: &'a [&'a Change], _: &'a Stamp) -> Task<'a, Vec<Result<(), TargetError>>> {
        Box::pin(async move {
            let mut results = Vec::with_capacity(bundle.len());
            let member = |c: &&Change| matches!(c, Change::AddMember { .. } | Change::RemoveMember { .. });
            for run in bundle.chunk_by(|a, b| member(a) && member(b)) {
                if member(&run[0]) {
                    results.extend(group::members(&self.session, run).await);
                } else {
                    results.push(self.one(run[0]).await);
                }
            }
            results
        })
    }

    fn write<'a>(&'a self, change: &'a Change, _: &'a Stamp) -> Task<'a, Result<(), TargetError>> {
        Box::pin(self.one(change))
    }

    fn verify<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>> {
        Box::pin(async move {
            let reading = super::read::read(&self.session).await?;
            Ok(super::holds::holds(&reading.directory, change))
        })
    }
}

/// Sends what can be sent again, because a second time changes nothing, until `good` says of what is at
/// `look` that it is done. `path` is `None` where it is not there.
async fn until(
    session: &Session,
    request: (Method, &str, Option<&Value>),
    look: &str,
    good: &(dyn Fn(Option<&Value>) -> bool + Sync),
) -> Result<(), TargetError> {
    let (method, path, body) = request;
    let mut tried = 0;
    loop {
        tried += 1;
        match session.write(method, path, body).await? {
            Sent::Done(_) => return if see(session, look, good).await?.0 { Ok(()) } else { Err(not_visible()) },
            Sent::Maybe(why) => {
                if see(session, look, good).await?.0 {
                    return Ok(());
                }
                if tried >= TRIES {
                    return Err(TargetError::Unknown(why));
                }
                tokio::time::sleep(backoff(tried)).await;
            }
            // A first try that was lost may have done it.
            Sent::No(answer) if tried > 1 && see(session, look, good).await?.0 => {
                drop(answer);
                return Ok(());
            }
            Sent::No(answer) => return Err(refusal(&answer)),
        }
    }
}

/// Reads one thing until it is as it should be, or the settle time is over: whether it is, and what it is.
async fn see(
    session: &Session,
    path: &str,
    good: &(dyn Fn(Option<&Value>) -> bool + Sync),
) -> Result<(bool, Option<Value>), TargetError> {
    let look = || async { session.get_one(path).await.map_err(unread) };
    settled(SETTLE, LOOK, look, |v| good(v.as_ref())).await
}

/// What is said where Omni took a change that nobody can see.
fn not_visible() -> TargetError {
    let seconds = SETTLE.as_secs();
    TargetError::NotVisible(format!("Omni took the change, and within {seconds} s it does not show it"))
}
