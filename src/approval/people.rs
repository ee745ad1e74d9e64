//! Who is who: the people behind accounts of a code host, and behind the names of teams.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Declaration;
use crate::model::{Approver, UserState};

/// The system whose handles say who gave an approval.
const HANDLE: &str = "github";

/// People as a declaration knows them. Approvals are judged by those of the base: a change cannot say of
/// itself who its approvers are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct People {
    /// The e-mails behind a handle, which is in lower case.
    pub emails: BTreeMap<String, BTreeSet<String>>,
    /// The members of teams, by e-mail; those of teams within them among them.
    pub teams: BTreeMap<String, BTreeSet<String>>,
    /// Everybody who is declared in a target or has a handle, by e-mail.
    pub known: BTreeSet<String>,
    /// Who has no right to be here any more: disabled or blocked in every target that knows them.
    pub gone: BTreeSet<String>,
}

impl People {
    /// The people of a declaration.
    #[must_use]
    pub fn of(declaration: &Declaration) -> Self {
        let mut people = Self::default();
        let mut present: BTreeSet<String> = BTreeSet::new();
        for target in &declaration.targets {
            let wanted = &target.desired.directory;
            for user in wanted.users() {
                let email = user.email.to_string();
                people.known.insert(email.clone());
                if user.state == UserState::Active {
                    present.insert(email)
                } else {
                    people.gone.insert(email)
                };
            }
            let teams = wanted.teams();
            for member in wanted.memberships() {
                let email = wanted.user(member.user).email.to_string();
                let mut team = Some(member.team);
                // A circle ends where it began.
                for _ in 0..=teams.len() {
                    let Some(at) = team.and_then(|t| teams.get(t.index())) else { break };
                    people.teams.entry(at.name.to_string()).or_default().insert(email.clone());
                    team = at.outer.value().copied();
                }
            }
        }
        for (email, handle) in declaration.handles.get(HANDLE).into_iter().flatten() {
            people.known.insert(email.clone());
            people.emails.entry(handle.to_lowercase()).or_default().insert(email.clone());
        }
        people.gone = people.gone.difference(&present).cloned().collect();
        people
    }

    /// Everybody who is meant, by e-mail.
    #[must_use]
    pub fn meant(&self, by: &[Approver]) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for by in by {
            match by {
                Approver::User(email) => drop(all.insert(email.clone())),
                Approver::Team(team) => all.extend(self.teams.get(team).into_iter().flatten().cloned()),
                Approver::Owner | Approver::Lead => {}
            }
        }
        all.retain(|email| !self.gone.contains(email));
        all
    }

    /// The e-mail behind a handle. Nobody where two people claim it.
    #[must_use]
    pub fn behind(&self, handle: &str) -> Option<&str> {
        let emails = self.emails.get(&handle.to_lowercase())?;
        emails.iter().next().filter(|_| emails.len() == 1).map(String::as_str)
    }
}
