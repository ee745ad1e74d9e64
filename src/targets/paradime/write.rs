//! Changing a workspace. Before each change a list tells that it starts from where it should, and after it one
//! tells that it is there: no error, and `ok: true`, are no proof, and there is nothing else to look at. The
//! list after a change is the one before the next.
//!
//! Cost: a list holds everybody, so many changes in a large workspace cost as much as both together; nothing
//! asks for one person.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::holds::holds;
use super::listing::Listing;
use super::session::{Sent, Session};
use super::settings::SETTLE;
use crate::model::Change;
use crate::targets::http::backoff;
use crate::targets::{Stamp, TargetError, Task, Writer};

/// So many changes are recorded together, and share a list before the first.
pub const BATCH: usize = 10;

/// How often something is sent that sets a state, and of which nobody knows whether it was done.
const TRIES: u32 = 3;

/// The first wait for something to become visible; each further one is twice as long.
const LOOK: Duration = Duration::from_millis(250);

const INVITE: &str = "mutation inviteUser($email: String!, $accountType: UserAccountType!) { \
                      inviteUser(email: $email, accountType: $accountType) { ok } }";
const UPDATE: &str = "mutation updateUserAccountType($uid: String!, $accountType: UserAccountType!) { \
                      updateUserAccountType(uid: $uid, accountType: $accountType) { ok } }";
const DISABLE: &str = "mutation disableUser($uid: String!) { disableUser(uid: $uid) { ok } }";

/// Changes a workspace.
pub struct ParadimeWriter {
    session: Arc<Session>,
}

/// A mutation that is to be sent.
struct Call {
    query: &'static str,
    field: &'static str,
    variables: Value,
    /// Whether a second time changes nothing.
    repeats: bool,
}

impl ParadimeWriter {
    /// A writer over that conversation.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    /// Makes one change, from what was just listed; what was listed after it.
    async fn one(&self, change: &Change, now: &Listing) -> (Result<(), TargetError>, Option<Listing>) {
        let call = match prepare(change, now) {
            Ok(Some(call)) => call,
            Ok(None) => return (Ok(()), Some(now.clone())),
            Err(error) => return (Err(error), Some(now.clone())),
        };
        let mut tried = 0;
        loop {
            tried += 1;
            let sent = match self.session.mutate(call.query, call.field, &call.variables).await {
                Ok(sent) => sent,
                // Nothing was done, and yet an earlier try may have been.
                Err(error) if tried == 1 => return (Err(error), Some(now.clone())),
                Err(error) => Sent::Maybe(error.to_string()),
            };
            // What is denied is looked at once: it says so at once.
            let patience = if matches!(sent, Sent::Denied(_)) { Duration::ZERO } else { SETTLE };
            let (done, seen) = match self.see(change, patience).await {
                Ok(seen) => seen,
                Err(error) => {
                    let error = TargetError::Unknown(format!("it was sent and could not be read back: {error}"));
                    return (Err(error), None);
                }
            };
            let error = match sent {
                _ if done => return (Ok(()), Some(seen)),
                Sent::Done => {
                    let seconds = SETTLE.as_secs();
                    let message = format!("Paradime took the change, and within {seconds} s it does not show it");
                    TargetError::NotVisible(message)
                }
                // The earlier try may have been made, and be late.
                Sent::Denied(why) if tried > 1 => TargetError::Unknown(why),
                Sent::Denied(why) => TargetError::Refused(why),
                // A second invitation would be a second letter, where the first is only late.
                Sent::Maybe(why) if !call.repeats => {
                    TargetError::Unknown(format!("{why}; they are in no list yet, and nothing is sent twice"))
                }
                Sent::Maybe(_) if tried < TRIES => {
                    tokio::time::sleep(backoff(tried)).await;
                    continue;
                }
                Sent::Maybe(why) => TargetError::Unknown(why),
            };
            return (Err(error), Some(seen));
        }
    }

    /// Lists until a change is there, or the time is over: whether it is, and the last list.
    async fn see(&self, change: &Change, patience: Duration) -> Result<(bool, Listing), TargetError> {
        let end = Instant::now() + patience;
        let mut wait = LOOK;
        loop {
            let listing = self.session.list().await?;
            let done = holds(&listing, change);
            if done || Instant::now() + wait > end {
                return Ok((done, listing));
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }
}

/// The mutation of a change; none where it is there already.
///
/// # Errors
/// When what is listed is not what the change starts from, or there is no mutation for it.
fn prepare(change: &Change, now: &Listing) -> Result<Option<Call>, TargetError> {
    if holds(now, change) {
        return Ok(None);
    }
    match change {
        Change::InviteUser { user } => {
            let other = match (now.person(&user.email)?, now.invitation(&user.email)) {
                (Some(person), _) => Some(format!("is there already, as {}", person.role)),
                (None, Some(invitation)) => Some(format!("is invited already, as {}", invitation.role)),
                (None, None) => None,
            };
            if let Some(other) = other {
                return Err(TargetError::Conflict(format!("{} {other}: plan again", user.email)));
            }
            let role = role(user.role.as_deref(), &user.email)?;
            let variables = json!({"email": user.email, "accountType": role});
            Ok(Some(Call { query: INVITE, field: "inviteUser", variables, repeats: false }))
        }
        Change::UpdateUser { before, after } => {
            let Some(person) = now.person(&after.email)? else {
                return Err(TargetError::Gone(format!("the account {} is not there any more", after.email)));
            };
            if before.role.as_deref() != Some(&person.role) {
                return Err(TargetError::Conflict(format!("{} is {} now", after.email, person.role)));
            }
            let role = role(after.role.as_deref(), &after.email)?;
            let variables = json!({"uid": person.uid, "accountType": role});
            Ok(Some(Call { query: UPDATE, field: "updateUserAccountType", variables, repeats: true }))
        }
        Change::DisableUser { user, .. } => {
            let Some(person) = now.person(&user.email)? else { return Ok(None) };
            let variables = json!({"uid": person.uid});
            Ok(Some(Call { query: DISABLE, field: "disableUser", variables, repeats: true }))
        }
        other => Err(TargetError::Refused(format!("Paradime's API has nothing for this: {}", other.object()))),
    }
}

fn role<'r>(role: Option<&'r str>, email: &str) -> Result<&'r str, TargetError> {
    role.ok_or_else(|| TargetError::Refused(format!("{email} is to have no role, and everybody in Paradime has one")))
}

impl Writer for ParadimeWriter {
    fn batch(&self) -> usize {
        BATCH
    }

    fn sent(&self) -> Option<u64> {
        Some(self.session.client().sent())
    }

    /// All together: each is looked at before the next is made.
    fn bundles(&self, changes: &[&Change]) -> Vec<Vec<usize>> {
        vec![(0..changes.len()).collect()]
    }

    fn carry_out<'a>(&'a self, bundle: &'a [&'a Change], _: &'a Stamp) -> Task<'a, Vec<Result<(), TargetError>>> {
        Box::pin(async move {
            let mut results = Vec::with_capacity(bundle.len());
            let mut now: Option<Listing> = None;
            for change in bundle {
                let listing = match now.take() {
                    Some(listing) => listing,
                    None => match self.session.list().await {
                        Ok(listing) => listing,
                        Err(error) => {
                            results.push(Err(error));
                            continue;
                        }
                    },
                };
                let (result, seen) = self.one(change, &listing).await;
                results.push(result);
                now = seen;
            }
            results
        })
    }

    fn write<'a>(&'a self, change: &'a Change, _: &'a Stamp) -> Task<'a, Result<(), TargetError>> {
        Box::pin(async move {
            let now = self.session.list().await?;
            self.one(change, &now).await.0
        })
    }

    fn verify<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>> {
        Box::pin(async move { Ok(holds(&self.session.list().await?, change)) })
    }
}
