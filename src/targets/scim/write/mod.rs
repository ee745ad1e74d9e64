//! Changing a server: one thing at a time, read again before it is changed and read back afterwards.

mod bulk;
pub(super) mod edit;
mod members;
mod team;
mod user;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::session::Session;
use crate::model::Change;
use crate::targets::settle::{settled, unread};
use crate::targets::{Stamp, TargetError, Task, Writer};

/// So many members are added or taken out by one request (fact sheet scim, section 2.4).
pub const MEMBERS_MAX: usize = 100;

/// So many changes are recorded together: enough to keep every allowed request in flight.
pub const BATCH: usize = 1000;

/// How often something is sent that may or may not have been done, looked at in between.
const TRIES: u32 = 3;

/// The first wait for something to become visible; each further one is twice as long.
const LOOK: Duration = Duration::from_millis(100);

/// Changes a SCIM server.
pub struct ScimWriter {
    session: Arc<Session>,
}

impl ScimWriter {
    /// A writer over that conversation.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    async fn one(&self, change: &Change) -> Result<(), TargetError> {
        let session = &*self.session;
        match change {
            Change::CreateUser { user } | Change::InviteUser { user } => user::create(session, user).await,
            Change::UpdateUser { before, after } => user::update(session, before, after).await,
            Change::RenameUser { from, to } => user::rename(session, from, to).await,
            Change::EnableUser { user } => user::set_active(session, &user.email, true).await,
            Change::DisableUser { user, .. } => user::set_active(session, &user.email, false).await,
            Change::DeleteUser { user, .. } => user::delete(session, &user.email).await,
            Change::CreateTeam { team } => team::create(session, team).await,
            Change::UpdateTeam { before, after } => team::update(session, before, after).await,
            Change::RenameTeam { from, to } => team::rename(session, from, to).await,
            Change::DeleteTeam { team, .. } => team::delete(session, &team.name).await,
            Change::AddMember { .. } | Change::RemoveMember { .. } => {
                let mut results = members::change(session, &[change]).await;
                results.pop().unwrap_or(Ok(()))
            }
            other => Err(TargetError::Refused(format!("SCIM has nothing for this: {}", other.object()))),
        }
    }
}

impl Writer for ScimWriter {
    fn batch(&self) -> usize {
        BATCH
    }

    fn sent(&self) -> Option<u64> {
        Some(self.session.client().sent())
    }

    fn notes(&self) -> Vec<String> {
        self.session.notes()
    }

    /// Changes to one group, and changes to one user, go together: they happen one after the other.
    fn bundles(&self, changes: &[&Change]) -> Vec<Vec<usize>> {
        let mut bundles: Vec<Vec<usize>> = Vec::new();
        let mut of: HashMap<String, usize> = HashMap::new();
        let bulk = bulk::size(&self.session);
        for (index, change) in changes.iter().enumerate() {
            let key = match change {
                Change::AddMember { member } | Change::RemoveMember { member, .. } => format!("team {}", member.team),
                Change::CreateUser { .. } if bulk.is_some() => "bulk".to_owned(),
                other => other.object().to_string(),
            };
            let full = |bundle: &Vec<usize>| key == "bulk" && bulk.is_some_and(|most| bundle.len() >= most);
            match of.get(&key).map(|at| &mut bundles[*at]) {
                Some(bundle) if !full(bundle) => bundle.push(index),
                _ => {
                    of.insert(key, bundles.len());
                    bundles.push(vec![index]);
                }
            }
        }
        bundles
    }

    fn carry_out<'a>(&'a self, bundle: &'a [&'a Change], _: &'a Stamp) -> Task<'a, Vec<Result<(), TargetError>>> {
        Box::pin(async move {
            let mut results = Vec::with_capacity(bundle.len());
            let kind = |c: &&Change| match c {
                Change::AddMember { .. } | Change::RemoveMember { .. } => 1,
                Change::CreateUser { .. } if bulk::size(&self.session).is_some() => 2,
                _ => 0,
            };
            for run in bundle.chunk_by(|a, b| kind(a) == kind(b) && kind(a) != 0) {
                match kind(&run[0]) {
                    1 => results.extend(members::change(&self.session, run).await),
                    2 if run.len() > 1 => results.extend(bulk::create(&self.session, run).await),
                    _ => results.push(self.one(run[0]).await),
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

/// Reads one thing until it is as it should be, or the settle time is over: what it is then, and whether
/// it is as it should be. What cannot be read is not known.
async fn see(
    session: &Session,
    path: &str,
    good: impl Fn(Option<&Value>) -> bool,
) -> Result<(bool, Option<Value>), TargetError> {
    let look = || async { session.get_one(path).await.map_err(unread) };
    settled(session.settings.settle, LOOK, look, |v| good(v.as_ref())).await
}

/// Looks for something that may have been made, until it is there or the settle time is over: nothing found
/// at once is not yet nothing made.
async fn until_found<T, F: Future<Output = Result<Option<T>, TargetError>>>(
    session: &Session,
    find: impl Fn() -> F,
) -> Result<Option<T>, TargetError> {
    let look = || async { find().await.map_err(begun) };
    Ok(settled(session.settings.settle, LOOK, look, Option::is_some).await?.1)
}

/// What is said where the server took a change that nobody can see.
fn not_visible(session: &Session) -> TargetError {
    let seconds = session.settings.settle.as_secs();
    TargetError::NotVisible(format!("the server took the change, and within {seconds} s it does not show it"))
}

/// What an error means once something was sent: it was done in part, or may have been.
fn begun(error: TargetError) -> TargetError {
    match error {
        TargetError::Unknown(_) | TargetError::NotVisible(_) => error,
        error => TargetError::Unknown(format!("something was sent, and then: {error}")),
    }
}

/// What is said where only the whole of a group can be written, and it does not show who is in it.
fn unshown(session: &Session, name: &str) -> TargetError {
    let why = match session.learned().put_harms {
        true => "that has taken others out of a group",
        false => "it shows no members: whoever is in it would be taken out",
    };
    TargetError::Refused(format!(
        "`{name}` can be written only by putting the whole group, and {why}. Make the change on the server itself"
    ))
}

/// Whether a refusal may mean that the server does not know this way of saying it: then another is tried.
fn may_be_said_otherwise(status: u16) -> bool {
    matches!(status, 400 | 404 | 405 | 415 | 422 | 501)
}
