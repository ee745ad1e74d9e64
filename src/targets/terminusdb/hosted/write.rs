//! Changing an organization: what is touched is read right before and after. An invitation and a new capability
//! are sent once, because a second could be a second; what sets a state is sent again.

use std::sync::Arc;

use super::calls::{Row, Session, refusal};
use super::{ADMIN, role_id, role_name};
use crate::model::{Change, GrantedRole, PrincipalRecord, Why};
use crate::targets::http::backoff;
use crate::targets::terminusdb::read::verified;
use crate::targets::terminusdb::session::{Sent, said};
use crate::targets::terminusdb::write::{not_visible, unended};
use crate::targets::{Stamp, TargetError, Task, Writer};

/// So many changes are recorded together.
const BATCH: usize = 10;

/// How often something is sent that sets a state, and of which nobody knows whether it was done.
const TRIES: u32 = 3;

/// Changes an organization.
pub struct HostedWriter {
    session: Arc<Session>,
}

impl HostedWriter {
    /// A writer over that conversation.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    async fn one(&self, change: &Change) -> Result<(), TargetError> {
        let session = &*self.session;
        match change {
            Change::InviteUser { user } => invite(session, &user.email).await,
            Change::AddMember { member } => {
                let role = role(member.role.as_deref())?;
                let open = session.invitations().await?.into_iter().find(|i| i.email == member.user);
                match (open, account(session, &member.user).await) {
                    // The invitation says the role: they are a member when they come.
                    (Some(open), Err(TargetError::Gone(_))) if open.role == role => Ok(()),
                    (Some(open), Err(TargetError::Gone(_))) => {
                        let was = role_name(&open.role).unwrap_or(&open.role);
                        Err(TargetError::Conflict(format!("{} is invited as {was}: plan again", member.user)))
                    }
                    (_, Err(error)) => Err(error),
                    (_, Ok(user)) => assign(session, &user, &session.scope(), None, role).await,
                }
            }
            Change::ChangeMember { before, after } => {
                let user = account(session, &after.user).await?;
                let before = before.role.as_deref().and_then(role_id);
                assign(session, &user, &session.scope(), before, role(after.role.as_deref())?).await
            }
            Change::RemoveMember { member, .. } => leave(session, &member.user).await,
            Change::DisableUser { user, .. } | Change::DeleteUser { user, .. } => leave(session, &user.email).await,
            Change::RevokeGrant { to: PrincipalRecord::User(user), reason: Why::Goes { .. }, .. } => {
                leave(session, user).await
            }
            Change::GiveGrant { to, resource, roles } => grant(session, to, resource, &[], roles).await,
            Change::ChangeGrant { to, resource, before, after } => grant(session, to, resource, before, after).await,
            other => Err(TargetError::Refused(format!("the hosted product has nothing for this: {}", other.object()))),
        }
    }
}

impl Writer for HostedWriter {
    fn batch(&self) -> usize {
        BATCH
    }

    fn sent(&self) -> Option<u64> {
        Some(self.session.client().sent())
    }

    /// One after the other: what one of them finds, another may have made.
    fn bundles(&self, changes: &[&Change]) -> Vec<Vec<usize>> {
        vec![(0..changes.len()).collect()]
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
            Ok(verified(&reading, change))
        })
    }
}

fn role(name: Option<&str>) -> Result<&'static str, TargetError> {
    name.and_then(role_id).ok_or_else(|| {
        TargetError::Refused(format!(
            "the hosted product does not give {}",
            name.unwrap_or("membership without a role")
        ))
    })
}

/// The id of the account of somebody in the organization.
async fn account(session: &Session, email: &str) -> Result<String, TargetError> {
    let rows = session.people().await?;
    let found = rows.into_iter().find(|r| r.email.as_deref() == Some(email));
    found.map(|r| r.user).ok_or_else(|| TargetError::Gone(format!("{email} is not in the organization")))
}

/// Invites somebody with the role that the files say, once.
async fn invite(session: &Session, email: &str) -> Result<(), TargetError> {
    let declared = session.wanted.members.get(&(session.organization.clone(), email.to_owned()));
    let role = role(declared.and_then(Option::as_deref))?;
    match account(session, email).await {
        Err(TargetError::Gone(_)) => {}
        Err(error) => return Err(error),
        Ok(_) => {
            return Err(TargetError::Conflict(format!("{email} is in the organization already: plan again")));
        }
    }
    if session.invitations().await?.iter().any(|i| i.email == email) {
        return Err(TargetError::Conflict(format!("{email} is invited already: plan again")));
    }
    let outcome = match session.invite(email, role).await? {
        Sent::Done => not_visible(),
        Sent::Maybe(why) => TargetError::Unknown(format!("{why}; there is no invitation, and nothing is sent twice")),
        Sent::No(answer) => return Err(refusal(&answer)),
    };
    let open = session.invitations().await.map_err(|e| unended(true, e))?;
    if open.iter().any(|i| i.email == email && i.role == role) { Ok(()) } else { Err(outcome) }
}

async fn grant(
    session: &Session,
    to: &PrincipalRecord,
    resource: &str,
    before: &[GrantedRole],
    after: &[GrantedRole],
) -> Result<(), TargetError> {
    let (PrincipalRecord::User(email), [after]) = (to, after) else {
        return Err(TargetError::Refused(format!("{to} cannot be given this on {resource}: one role for one account")));
    };
    let scope = session.index().databases.get(resource).cloned();
    let scope = scope.ok_or_else(|| TargetError::Gone(format!("there is no {resource}")))?;
    let user = account(session, email).await?;
    let before = before.first().and_then(|b| role_id(&b.role));
    assign(session, &user, &scope, before, role(Some(&after.role))?).await
}

/// What an account has on something by itself.
async fn look(session: &Session, user: &str, scope: &str) -> Result<Vec<Row>, TargetError> {
    let rows = if scope == session.scope() { session.people().await? } else { session.databases(user).await? };
    Ok(rows.into_iter().filter(|r| r.user == user && r.scope == scope && r.capability.is_some()).collect())
}

/// Brings the role of an account on something from one to another.
async fn assign(
    session: &Session,
    user: &str,
    scope: &str,
    before: Option<&str>,
    after: &str,
) -> Result<(), TargetError> {
    let mut begun = false;
    rounds(session, (user, scope), (before, after), &mut begun).await.map_err(|e| unended(begun, e))
}

/// Looks and sends until it is so; `begun` says whether anything sent may have been done.
async fn rounds(
    session: &Session,
    (user, scope): (&str, &str),
    (before, after): (Option<&str>, &str),
    begun: &mut bool,
) -> Result<(), TargetError> {
    let mut outcome = not_visible();
    for tried in 0..=TRIES {
        let held = look(session, user, scope).await?;
        let (capability, role) = match held.as_slice() {
            [] => (None, None),
            [one] => (one.capability.as_deref(), one.role.as_deref()),
            _ => return Err(TargetError::Conflict("there are several roles where one is known".to_owned())),
        };
        if role == Some(after) {
            return Ok(());
        }
        if tried == 0 && role != before {
            let now = role.map_or("nothing", |r| role_name(r).unwrap_or(r));
            return Err(TargetError::Conflict(format!("there is {now} there now: plan again")));
        }
        // A second capability for the same thing would stay.
        if tried == TRIES || (tried > 0 && capability.is_none()) {
            break;
        }
        if after != ADMIN && role == Some(ADMIN) && scope == session.scope() {
            last_admin(&session.people().await?, user, scope)?;
        }
        match session.give(user, capability, scope, after).await? {
            Sent::Done => {
                *begun = true;
                outcome = not_visible();
            }
            Sent::Maybe(why) => {
                *begun = true;
                outcome = TargetError::Unknown(why);
                tokio::time::sleep(backoff(tried + 1)).await;
            }
            Sent::No(answer) => return Err(refusal(&answer)),
        }
    }
    Err(outcome)
}

/// Refuses to take the role of the last administrator, after whom nobody could give any.
fn last_admin(rows: &[Row], user: &str, scope: &str) -> Result<(), TargetError> {
    let administers = |r: &&Row| r.scope == scope && r.role.as_deref() == Some(ADMIN);
    let mut admins = rows.iter().filter(administers).map(|r| r.user.as_str());
    let (is_one, others) =
        admins.by_ref().fold((false, false), |(is, others), a| (is || a == user, others || a != user));
    if is_one && !others {
        return Err(TargetError::Refused("this is the last with Admin Role in the organization".to_owned()));
    }
    Ok(())
}

/// Takes somebody out, or their invitation back.
async fn leave(session: &Session, email: &str) -> Result<(), TargetError> {
    let mut begun = false;
    leaving(session, email, &mut begun).await.map_err(|e| unended(begun, e))
}

async fn leaving(session: &Session, email: &str, begun: &mut bool) -> Result<(), TargetError> {
    // A row may come without its address.
    let known = session.index().people.get(email).cloned();
    let mut outcome = not_visible();
    for tried in 0..=TRIES {
        let rows = session.people().await?;
        let open = session.invitations().await?;
        let is_theirs = |r: &&Row| r.email.as_deref() == Some(email) || known.as_ref() == Some(&r.user);
        let user = rows.iter().find(is_theirs).map(|r| r.user.clone());
        let open = open.into_iter().find(|i| i.email == email);
        let sent = match (user, open) {
            (None, None) => return Ok(()),
            _ if tried == TRIES => break,
            (Some(user), _) => {
                last_admin(&rows, &user, &session.scope())?;
                session.remove(&user).await?
            }
            (None, Some(open)) => session.withdraw(&open.id).await?,
        };
        match sent {
            Sent::Done => {
                *begun = true;
                outcome = not_visible();
            }
            Sent::Maybe(why) => {
                *begun = true;
                outcome = TargetError::Unknown(why);
                tokio::time::sleep(backoff(tried + 1)).await;
            }
            // Somebody else was faster, or the address is none of the calls: looked at again.
            Sent::No(answer) if answer.status == 404 => outcome = TargetError::Unavailable(said(&answer)),
            Sent::No(answer) => return Err(refusal(&answer)),
        }
    }
    Err(outcome)
}
