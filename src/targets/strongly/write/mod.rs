//! Changing an instance: each thing is read again before it is changed and read back afterwards. There are no
//! ETags (fact sheet strongly, section 2.1), and some writes replace a whole list (section 2.5).

mod domain;
mod list;
mod share;
mod user;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::session::{Sent, Session};
use super::settings::SETTLE;
use super::shape::Kind;
use crate::model::{Change, Moment};
use crate::targets::http::{Method, backoff};
use crate::targets::settle::{settled, unread};
use crate::targets::{Stamp, TargetError, Task, Writer};

/// So many changes are recorded together.
const BATCH: usize = 50;

/// How often something is sent of which nobody knows whether it was done, looked at in between.
const TRIES: u32 = 3;

/// The first wait for something to become visible; each further one is twice as long.
const LOOK: Duration = Duration::from_millis(250);

/// Changes an instance.
pub struct StronglyWriter {
    session: Arc<Session>,
    now: Moment,
}

/// What is carried out together.
#[derive(Debug, PartialEq, Eq)]
enum Together<'c> {
    /// The list of who may use this.
    List(&'c str),
    /// The domains of the sign-in pages.
    Domains,
    /// One change after the other.
    Single,
}

fn together(change: &Change) -> Together<'_> {
    let listed = |name: &str| Kind::of(name).is_some_and(|k| k.flag().is_some());
    match change {
        Change::UpdateResource { after: record, .. } if listed(&record.name) => Together::List(&record.name),
        Change::GiveGrant { resource, .. }
        | Change::ChangeGrant { resource, .. }
        | Change::RevokeGrant { resource, .. }
            if listed(resource) =>
        {
            Together::List(resource)
        }
        Change::AddDomain { .. } | Change::ChangeDomain { .. } | Change::RemoveDomain { .. } => Together::Domains,
        _ => Together::Single,
    }
}

impl StronglyWriter {
    /// A writer over that conversation.
    #[must_use]
    pub fn new(session: Arc<Session>, now: Moment) -> Self {
        Self { session, now }
    }

    async fn one(&self, change: &Change) -> Result<(), TargetError> {
        let session = &*self.session;
        match change {
            Change::CreateUser { user } => user::create(session, user).await,
            Change::InviteUser { user } => user::invite(session, user).await,
            Change::UpdateUser { before, after } => user::update(session, before, after).await,
            Change::DisableUser { user, .. } => user::disable(session, user).await,
            Change::EnableUser { user } => user::enable(session, user).await,
            Change::GiveGrant { to, resource, roles } => share::set(session, to, resource, &[], roles).await,
            Change::ChangeGrant { to, resource, before, after } => {
                share::set(session, to, resource, before, after).await
            }
            Change::RevokeGrant { to, resource, roles, .. } => share::set(session, to, resource, roles, &[]).await,
            other => Err(TargetError::Refused(format!("Strongly's API has nothing for this: {}", other.object()))),
        }
    }

    async fn some(&self, changes: &[&Change]) -> Vec<Result<(), TargetError>> {
        let Some(first) = changes.first() else { return Vec::new() };
        match together(first) {
            Together::List(name) => list::write(&self.session, name, changes).await,
            Together::Domains => domain::write(&self.session, changes).await,
            Together::Single => {
                let mut results = Vec::with_capacity(changes.len());
                for change in changes {
                    results.push(self.one(change).await);
                }
                results
            }
        }
    }
}

impl Writer for StronglyWriter {
    fn batch(&self) -> usize {
        BATCH
    }

    fn sent(&self) -> Option<u64> {
        Some(self.session.client().sent())
    }

    /// What writes one list goes together; changes to one thing happen one after the other.
    fn bundles(&self, changes: &[&Change]) -> Vec<Vec<usize>> {
        let mut bundles: Vec<Vec<usize>> = Vec::new();
        let mut of: HashMap<String, usize> = HashMap::new();
        for (index, change) in changes.iter().enumerate() {
            let key = match together(change) {
                Together::List(name) => format!("list {name}"),
                Together::Domains => "domains".to_owned(),
                Together::Single => change.object().to_string(),
            };
            let at = *of.entry(key).or_insert_with(|| {
                bundles.push(Vec::new());
                bundles.len() - 1
            });
            if let Some(bundle) = bundles.get_mut(at) {
                bundle.push(index);
            }
        }
        bundles
    }

    fn carry_out<'a>(&'a self, bundle: &'a [&'a Change], _: &'a Stamp) -> Task<'a, Vec<Result<(), TargetError>>> {
        Box::pin(self.some(bundle))
    }

    fn write<'a>(&'a self, change: &'a Change, _: &'a Stamp) -> Task<'a, Result<(), TargetError>> {
        Box::pin(async move { self.some(&[change]).await.pop().unwrap_or(Ok(())) })
    }

    fn verify<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>> {
        Box::pin(async move {
            let reading = super::read::read(&self.session, self.now).await?;
            Ok(super::holds::holds(&reading.directory, change))
        })
    }
}

/// Sends what can be sent again, because a second time changes nothing, until `good` says of what `look`
/// sees that it is done.
async fn until<T, F: Future<Output = Result<T, TargetError>>>(
    session: &Session,
    request: (Method, &str, Option<&Value>),
    look: impl Fn() -> F,
    good: impl Fn(&T) -> bool,
) -> Result<(), TargetError> {
    let (method, path, body) = request;
    let mut tried = 0;
    loop {
        tried += 1;
        let sent = match session.write(method, path, body).await {
            Err(error) | Ok(Sent::No(error)) if tried == 1 => return Err(error),
            Err(error) => Sent::No(error),
            Ok(sent) => sent,
        };
        let (done, _) = settled(SETTLE, LOOK, &look, &good).await.map_err(unread)?;
        match sent {
            _ if done => return Ok(()),
            Sent::Done(_) => return Err(not_visible()),
            Sent::No(error) => return Err(later(tried, error)),
            Sent::Maybe(why) if tried >= TRIES => return Err(TargetError::Unknown(why)),
            Sent::Maybe(_) => tokio::time::sleep(backoff(tried)).await,
        }
    }
}

/// An error of this try: from the second on, an earlier one may have been done and not be seen yet, so that
/// nobody can say that nothing was.
fn later(tried: u32, error: TargetError) -> TargetError {
    match error {
        error if tried <= 1 => error,
        TargetError::Unknown(why) => TargetError::Unknown(why),
        error => TargetError::Unknown(format!("an earlier try may have been done, and the last one was not: {error}")),
    }
}

/// What is said where Strongly took a change that nobody can see.
fn not_visible() -> TargetError {
    let seconds = SETTLE.as_secs();
    TargetError::NotVisible(format!("Strongly took the change, and within {seconds} s it does not show it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_second_try_does_not_say_that_nothing_was_done() {
        for error in [
            TargetError::Refused("no".to_owned()),
            TargetError::Gone("no".to_owned()),
            TargetError::Conflict("no".to_owned()),
            TargetError::Throttled("no".to_owned()),
        ] {
            assert_eq!(later(1, error.clone()), error);
            let second = later(2, error.clone());
            assert!(matches!(&second, TargetError::Unknown(why) if why.contains(&error.to_string())), "{second}");
        }
    }
}
