//! The whole state of a workspace: one list.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::forecast;
use super::holds::holds;
use super::listing::{Listing, Person};
use super::reach;
use super::remarks;
use super::session::{Index, Session};
use super::settings::SETTLE;
use super::write::BATCH;
use crate::model::{Builder, Change, Kept, Kind, RoleId, Said, User, UserState};
use crate::plan::{Note, Promise, Reach};
use crate::targets::{Capabilities, Reader, Reading, TargetError, Task, ToldBy, roles};

/// The attribute of the files that is the team label of Paradime's screen.
pub const TEAM: &str = "team";

/// So many of those who are only counted are named.
const NAMED: usize = 3;

/// Reads a workspace.
pub struct ParadimeReader {
    session: Arc<Session>,
    capabilities: Capabilities,
    /// What was read to find out what became of changes that were cut off.
    looked_up: Mutex<Option<Arc<Listing>>>,
}

impl ParadimeReader {
    /// A reader over that conversation.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        let limits = session.client().limits();
        let capabilities = Capabilities {
            // Domains cannot be read or written: each is a step by hand.
            kinds: vec![Kind::Role, Kind::User],
            renames: false,
            // The API has nothing for it (section c).
            enables: false,
            invites: true,
            kept: Kept {
                accounts: false,
                timezones: false,
                attributes: Some(&[TEAM]),
                handles: Some(&[]),
                team_details: false,
                team_roles: false,
                member_details: false,
            },
            concurrency: limits.concurrency,
            requests_per_minute: limits.per_minute,
            page: None,
            settle: SETTLE,
            // What is touched is read right before and after; nothing lets Paradime check it at once.
            level: Promise::Observed,
        };
        Self { session, capabilities, looked_up: Mutex::new(None) }
    }
}

impl Reader for ParadimeReader {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn read(&self) -> Task<'_, Result<Reading, TargetError>> {
        Box::pin(async move {
            *self.looked_up.lock().unwrap_or_else(PoisonError::into_inner) = None;
            let before = self.session.client().sent();
            let listing = self.session.list().await?;
            let mut others = Vec::new();
            if self.session.whole && self.session.opens_several() {
                // A key that may not list them is none the worse for it.
                others = self.session.workspaces().await.unwrap_or_default();
                others.retain(|(uid, _)| Some(uid.as_str()) != self.session.workspace());
            }
            let mut reading = read(&self.session, &listing)?;
            if !others.is_empty() {
                let names: Vec<String> = others.iter().map(|(uid, name)| format!("{name} ({uid})")).collect();
                let what = format!("this account token opens other workspaces as well: {}", names.join(", "));
                reading.notes.push(format!("{what}; each would be a target of its own"));
            }
            self.session.index().read_with = self.session.client().sent() - before;
            Ok(reading)
        })
    }

    fn holds<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>> {
        Box::pin(async move {
            let known = self.looked_up.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let listing = match known {
                Some(listing) => listing,
                None => {
                    let listing = Arc::new(self.session.list().await?);
                    let mut kept = self.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
                    Arc::clone(kept.insert(listing))
                }
            };
            Ok(holds(&listing, change))
        })
    }

    fn reach(&self, change: &Change) -> Reach {
        reach::reach(&self.session, change)
    }

    fn resends(&self) -> Option<&'static str> {
        Some(reach::RESEND)
    }

    fn remarks<'a>(&'a self, changes: &'a [&'a Change]) -> Task<'a, Result<Vec<Note>, TargetError>> {
        Box::pin(remarks::remarks(&self.session, changes))
    }

    fn told_by<'a>(&'a self, changes: &'a [&'a Change]) -> Task<'a, Result<Vec<Option<ToldBy>>, TargetError>> {
        Box::pin(remarks::told_by(&self.session, changes))
    }

    fn forecast(&self, waves: &[Vec<&Change>]) -> Option<u64> {
        Some(forecast::requests(&self.session, waves, BATCH))
    }
}

/// A listing as a directory.
pub fn read(session: &Session, listing: &Listing) -> Result<Reading, TargetError> {
    let mut build: Builder<()> = Builder::new();
    let mut index = Index::default();
    let (mut notes, mut doubts) = (Vec::new(), Vec::new());
    let roles = roles::known(&mut build, &session.catalogue);
    if listing.active.is_empty() {
        doubts.push("Paradime lists nobody, not even whoever made the key".to_owned());
    }
    if !listing.nameless.is_empty() {
        let what = count(listing.nameless.len(), "entry has", "entries have");
        notes.push(format!("{what} no e-mail address that can be read, and left alone: {}", some(&listing.nameless)));
    }
    index.unidentified.extend(listing.unidentified.iter().cloned());
    for email in &index.unidentified {
        notes.push(format!("the account of {email} shows no identifier, and is left alone"));
    }
    let mut by_email: BTreeMap<&str, Vec<&Person>> = BTreeMap::new();
    for person in listing.active.iter().filter(|p| !index.unidentified.contains(&p.email)) {
        by_email.entry(&person.email).or_default().push(person);
    }
    for (email, same) in by_email {
        let [person] = same.as_slice() else {
            notes.push(format!("{} accounts have the address {email}: all of them are left alone", same.len()));
            index.twice.insert(email.to_owned());
            continue;
        };
        let mut user = User::new(email);
        user.name = Said::known(person.name.as_deref().map(Into::into));
        user.role = role(session, &roles, email, &person.role, &mut index);
        index.standing.insert(email.to_owned(), UserState::Active);
        build.user(user, ());
    }
    let mut odd: BTreeMap<&str, usize> = BTreeMap::new();
    for invitation in &listing.invited {
        let email = invitation.email.as_str();
        // Who has come in has accepted, whatever is still listed.
        if index.standing.contains_key(email) || index.twice.contains(email) || index.unidentified.contains(email) {
            continue;
        }
        if !["SENT", "ACTIVE", "EXPIRED"].iter().any(|known| invitation.status.eq_ignore_ascii_case(known)) {
            *odd.entry(&invitation.status).or_default() += 1;
        }
        let mut user = User::new(email);
        user.state = if invitation.is_expired() { UserState::InvitationExpired } else { UserState::Invited };
        user.role = role(session, &roles, email, &invitation.role, &mut index);
        index.standing.insert(email.to_owned(), user.state);
        build.user(user, ());
    }
    for (status, number) in odd {
        let what = count(number, "invitation has", "invitations have");
        notes.push(format!("{what} the status `{status}`, which rolecall does not know, and taken for open"));
    }
    let strange: Vec<String> = index.strange.iter().map(|(email, role)| format!("{email} ({role})")).collect();
    if !strange.is_empty() {
        let what = count(strange.len(), "account has a role", "accounts have roles");
        notes.push(format!("{what} that this plan of Paradime does not publish, and left alone: {}", some(&strange)));
    }
    let (directory, _, _) = build.finish().map_err(|twice| {
        let names: Vec<String> = twice.iter().take(NAMED).map(|t| t.object.to_string()).collect();
        TargetError::Malformed(format!("it holds some things twice: {}", names.join(", ")))
    })?;
    notes.sort();
    *session.index() = index;
    Ok(Reading { directory, notes, doubts })
}

/// The role of an account; nothing is known of one that the catalogue does not have.
fn role(
    session: &Session,
    roles: &BTreeMap<String, RoleId>,
    email: &str,
    said: &str,
    index: &mut Index,
) -> Said<RoleId> {
    let known = session.catalogue.role(said).and_then(|(name, _)| roles.get(name));
    if known.is_none() {
        index.strange.insert(email.to_owned(), if said.is_empty() { "none".to_owned() } else { said.to_owned() });
    }
    known.map_or(Said::Unsaid, |id| Said::Is(*id))
}

fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

fn some(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    if more > 0 { format!("{} and {more} more", first.join(", ")) } else { first.join(", ") }
}
