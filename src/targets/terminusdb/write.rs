//! Changing a server: each thing is read again before it is changed and read back afterwards. Writes go one
//! after the other; what is gone already when it is to be taken away is no error.

mod places;
mod roles;
mod scope;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::parts;
use super::session::{Sent, Session, refusal};
use crate::model::{Change, GrantedRole};
use crate::targets::http::backoff;
use crate::targets::{Stamp, TargetError, Task, Writer};

/// So many changes are recorded together.
const BATCH: usize = 50;

/// How often something is sent of which nobody knows whether it was done, looked at in between.
const TRIES: u32 = 3;

/// Changes a server.
pub struct TerminusWriter {
    session: Arc<Session>,
}

impl TerminusWriter {
    /// A writer over that conversation.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    async fn one(&self, change: &Change) -> Result<(), TargetError> {
        let session = &*self.session;
        let names = |roles: &[GrantedRole]| roles.iter().map(|r| r.role.clone()).collect::<Vec<_>>();
        match change {
            Change::CreateRole { role } => roles::create(session, role).await,
            Change::UpdateRole { before, after } => roles::update(session, before, after).await,
            Change::DeleteRole { role, .. } => roles::delete(session, &role.name).await,
            Change::CreateUser { user } => users::create(session, user).await,
            Change::DisableUser { user, .. } | Change::DeleteUser { user, .. } => {
                users::delete(session, &user.email).await
            }
            Change::CreateTeam { team } => places::create_organization(session, &team.name).await,
            Change::DeleteTeam { team, .. } => places::delete_organization(session, &team.name).await,
            Change::AddMember { member } => {
                let role: Vec<String> = member.role.iter().cloned().collect();
                scope::member(session, &member.user, &member.team, Some(&[]), Some(&role)).await
            }
            Change::ChangeMember { before, after } => {
                let of = |role: &Option<String>| role.iter().cloned().collect::<Vec<_>>();
                let (before, role) = (of(&before.role), of(&after.role));
                scope::member(session, &after.user, &after.team, Some(&before), Some(&role)).await
            }
            Change::RemoveMember { member, .. } => scope::member(session, &member.user, &member.team, None, None).await,
            Change::CreateResource { resource } => places::create_database(session, resource).await,
            Change::UpdateResource { before, after } => places::describe(session, before, after).await,
            Change::DeleteResource { resource, .. } => places::delete_database(session, &resource.name).await,
            Change::GiveGrant { to, resource, roles } => scope::grant(session, to, resource, &[], &names(roles)).await,
            Change::ChangeGrant { to, resource, before, after } => {
                scope::grant(session, to, resource, &names(before), &names(after)).await
            }
            Change::RevokeGrant { to, resource, roles, .. } => {
                scope::grant(session, to, resource, &names(roles), &[]).await
            }
            other => Err(TargetError::Refused(format!("TerminusDB's API has nothing for this: {}", other.object()))),
        }
    }
}

impl Writer for TerminusWriter {
    fn batch(&self) -> usize {
        BATCH
    }

    fn sent(&self) -> Option<u64> {
        Some(self.session.client().sent())
    }

    /// What touches one account goes together, in its order, so that no two grants meet; and organizations
    /// with their databases: made before them, and deleted after.
    fn bundles(&self, changes: &[&Change]) -> Vec<Vec<usize>> {
        let mut bundles: BTreeMap<String, Vec<(u8, usize)>> = BTreeMap::new();
        for (index, change) in changes.iter().enumerate() {
            let place = |name: &str| format!("place {name}");
            let home = |resource: &str| place(parts(resource).map_or(resource, |(home, _)| home));
            let (key, rank) = match change {
                Change::AddMember { member }
                | Change::RemoveMember { member, .. }
                | Change::ChangeMember { before: member, .. } => (format!("holder {}", member.user), 0),
                Change::GiveGrant { to, .. } | Change::ChangeGrant { to, .. } | Change::RevokeGrant { to, .. } => {
                    (format!("holder {}", to.to_string().trim_start_matches("user/")), 0)
                }
                Change::CreateTeam { team } => (place(&team.name), 0),
                Change::DeleteTeam { team, .. } => (place(&team.name), 2),
                Change::CreateResource { resource } | Change::DeleteResource { resource, .. } => {
                    (home(&resource.name), 1)
                }
                other => (other.object().to_string(), 0),
            };
            bundles.entry(key).or_default().push((rank, index));
        }
        let ordered = |mut bundle: Vec<(u8, usize)>| {
            bundle.sort_unstable();
            bundle.into_iter().map(|(_, index)| index).collect()
        };
        bundles.into_values().map(ordered).collect()
    }

    fn carry_out<'a>(&'a self, bundle: &'a [&'a Change], _: &'a Stamp) -> Task<'a, Vec<Result<(), TargetError>>> {
        Box::pin(async move {
            let mut results = Vec::with_capacity(bundle.len());
            for change in bundle {
                results.push(self.one(change).await);
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
            Ok(super::read::verified(&reading, change))
        })
    }
}

/// What to do after one attempt.
enum Next {
    /// Look whether it is there.
    Look,
    /// Look, and try again where it is not.
    Again(String),
}

/// Judges an attempt; `tolerated` are kinds of errors that say that it is there already.
async fn judged(sent: Sent, tolerated: &[&str], tried: u32) -> Result<Next, TargetError> {
    match sent {
        Sent::Done => Ok(Next::Look),
        Sent::Maybe(why) => {
            tokio::time::sleep(backoff(tried)).await;
            Ok(Next::Again(why))
        }
        Sent::No(answer) if tolerated.contains(&super::session::kind(&answer).as_str()) => {
            Ok(Next::Again(super::session::said(&answer)))
        }
        Sent::No(answer) => Err(unended(tried > 1, refusal(&answer))),
    }
}

/// An error once something was sent: whatever stopped it, what was sent may have been done.
pub(super) fn unended(begun: bool, error: TargetError) -> TargetError {
    match error {
        error if !begun => error,
        error @ (TargetError::Unknown(_) | TargetError::NotVisible(_)) => error,
        error => TargetError::Unknown(format!("it was begun, and not ended: {error}")),
    }
}

/// What is said where the server took a change that nobody can see.
pub(super) fn not_visible() -> TargetError {
    TargetError::NotVisible("the server took the change, and does not show it".to_owned())
}
