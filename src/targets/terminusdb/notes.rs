//! What was seen that rolecall does not manage, or that somebody should clean up, in sentences for people.

use std::collections::BTreeMap;

use super::documents::Documents;
use super::session::{ADMIN, ANONYMOUS, clean_path};

/// So many of those who are only counted are named.
const NAMED: usize = 3;

/// So many requests are written out.
const SPELLED: usize = 10;

/// The first few of several.
pub fn some(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// The sentences, as they come up.
#[derive(Debug, Default)]
pub struct Notes(Vec<String>);

impl Notes {
    /// One more.
    pub fn say(&mut self, text: String) {
        self.0.push(text);
    }

    /// Accounts that nobody can be made of, and whose `admin` is.
    pub fn accounts(&mut self, strangers: &[String], admin_is_known: bool) {
        if !strangers.is_empty() {
            let count = strangers.len();
            let (what, name) = if count == 1 { ("1 account is", "name is") } else { ("accounts are", "names are") };
            let what = if count == 1 { what.to_owned() } else { format!("{count} {what}") };
            self.say(format!(
                "{what} left alone, whose {name} no e-mail address: {}; say whose they are with `handles: \
                 {{terminusdb: NAME}}`",
                some(strangers)
            ));
        }
        if !admin_is_known {
            self.say(
                "the account `admin` is left alone: say whose it is with `handles: {terminusdb: admin}`".to_owned(),
            );
        }
    }

    /// All of them, with those that the documents alone tell; sorted.
    pub fn finish(mut self, documents: &Documents) -> Vec<String> {
        self.capabilities(documents);
        self.organizations(documents);
        self.databases(documents);
        let locked: Vec<String> = documents
            .users
            .iter()
            .filter(|(id, u)| !u.password && *id != ADMIN && *id != ANONYMOUS)
            .map(|(_, u)| u.name.clone())
            .collect();
        if !locked.is_empty() {
            let what = if locked.len() == 1 { "1 account has" } else { &format!("{} accounts have", locked.len()) };
            self.say(format!("{what} no password and can come in by a token only: {}", some(&locked)));
        }
        self.0.sort();
        self.0
    }

    fn capabilities(&mut self, documents: &Documents) {
        let name = |scope: &str| {
            let organization = documents.organizations.get(scope).map(|o| o.name.clone());
            organization.or_else(|| documents.databases.get(scope).map(|d| d.name.clone()))
        };
        let holders = documents.holders();
        let mut orphans = Vec::new();
        for (id, users) in &holders {
            match users.as_slice() {
                [] => orphans.push(*id),
                [_] => {}
                several => {
                    let names: Vec<String> =
                        several.iter().filter_map(|u| Some(documents.users.get(*u)?.name.clone())).collect();
                    self.say(format!(
                        "{} share one capability ({id}): what one of them is given or loses, all are",
                        some(&names)
                    ));
                }
            }
        }
        for id in orphans.iter().take(SPELLED) {
            let scope = documents.capabilities.get(*id).and_then(|c| name(&c.scope)).unwrap_or_default();
            self.say(format!(
                "nobody has the capability {id}, which is left over on `{scope}` and keeps it from being deleted; take \
                 it away with: DELETE /api{}",
                clean_path(id)
            ));
        }
        if orphans.len() > SPELLED {
            self.say(format!("{} more capabilities are left over like these", orphans.len() - SPELLED));
        }
        for user in documents.users.values() {
            let mut scopes: BTreeMap<&str, usize> = BTreeMap::new();
            for capability in user.capabilities.iter().filter_map(|c| documents.capabilities.get(c)) {
                *scopes.entry(&capability.scope).or_default() += 1;
            }
            for (scope, count) in scopes.into_iter().filter(|(_, n)| *n > 1) {
                let scope = name(scope).unwrap_or_default();
                self.say(format!("`{}` has {count} capabilities for `{scope}`: they count as one", user.name));
            }
        }
    }

    fn organizations(&mut self, documents: &Documents) {
        for organization in documents.organizations.values().filter(|o| !o.children.is_empty()) {
            let inner: Vec<String> = organization
                .children
                .iter()
                .filter_map(|c| Some(documents.organizations.get(c)?.name.clone()))
                .collect();
            self.say(format!(
                "in the organization `{0}` lie others ({1}): roles in `{0}` reach their data products as well, which \
                 rolecall does not count",
                organization.name,
                some(&inner)
            ));
        }
    }

    fn databases(&mut self, documents: &Documents) {
        let homes = documents.homes();
        for (id, database) in documents.databases.iter().filter(|(_, d)| !d.finalized) {
            let home = homes.get(id.as_str()).and_then(|h| documents.organizations.get(*h));
            let home = home.map(|o| o.name.as_str()).unwrap_or_default();
            self.say(format!(
                "the data product {home}/{} is half made or half deleted: finish it with DELETE /api/db/{home}/{0}?force=true",
                database.name
            ));
        }
    }
}
