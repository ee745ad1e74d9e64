//! Who is meant, from one run to the next: a system's own id for a thing is what it is, its name is a label.
//! What rolecall knew by a name that the files still use, and that the system calls otherwise now, is the
//! same thing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{Change, Desired, Effect, Identities, Kind};
use crate::plan::mentions;

/// What was known when rolecall last applied to a target, as far as the files still speak of it.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The ids by kind and name, for names that are declared.
    ids: Identities,
    /// Every declared name.
    declared: BTreeSet<(Kind, String)>,
    /// Who is blocked.
    blocked: BTreeSet<String>,
}

/// What has become of the things that were known, in one reading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// The label of each thing that the system calls otherwise, by id.
    pub renamed: HashMap<String, String>,
    /// Names that were known and that another thing has now.
    pub replaced: Vec<String>,
    /// Names that were known, and neither they nor their things are there.
    pub vanished: Vec<String>,
}

impl Known {
    /// What was remembered, for these wishes.
    #[must_use]
    pub fn new<O>(mut ids: Identities, desired: &Desired<O>) -> Self {
        let users = desired.directory.users().iter().map(|u| (Kind::User, u.email.to_string()));
        let teams = desired.directory.teams().iter().map(|t| (Kind::Team, t.name.to_string()));
        let declared: BTreeSet<(Kind, String)> = users.chain(teams).collect();
        for (kind, names) in &mut ids {
            // A block is about somebody, whether or not the files declare them otherwise.
            let blocked = |name: &String| *kind == Kind::User && desired.blocks.contains_key(name);
            names.retain(|name, _| declared.contains(&(*kind, name.clone())) || blocked(name));
        }
        Self { ids, declared, blocked: desired.blocks.keys().cloned().collect() }
    }

    /// What has become of the things of a kind, which are called so now (name by id). A thing keeps the name
    /// by which it was known where the files use that and not its new one (or it is blocked), and nothing else
    /// has it.
    #[must_use]
    pub fn labels<'a>(&self, kind: Kind, now: impl Iterator<Item = (&'a str, &'a str)>) -> Labels {
        let mut labels = Labels::default();
        let Some(known) = self.ids.get(&kind).filter(|k| !k.is_empty()) else { return labels };
        let by_id: HashMap<&str, &str> = now.collect();
        let names: BTreeMap<&str, &str> = by_id.iter().map(|(id, name)| (*name, *id)).collect();
        for (name, id) in known {
            let called = by_id.get(id.as_str()).copied();
            let there = names.contains_key(name.as_str());
            match called {
                Some(called) if called == name => {}
                _ if there => labels.replaced.push(name.clone()),
                // A block stays on the account, also where that has somebody else's name now.
                Some(called)
                    if !self.declared.contains(&(kind, called.to_owned()))
                        || (kind == Kind::User && self.blocked.contains(name)) =>
                {
                    labels.renamed.insert(id.clone(), name.clone());
                }
                Some(called) => labels.replaced.push(called.to_owned()),
                None => labels.vanished.push(name.clone()),
            }
        }
        labels
    }
}

/// Whether a change may go on where these things are called otherwise than the files say: what takes away
/// does, what gives waits until files and system agree on who is meant.
#[must_use]
pub fn may_touch(change: &Change, aside: &BTreeSet<(Kind, String)>) -> bool {
    aside.is_empty()
        || change.effect() == Effect::Remove
        || !mentions(change).into_iter().any(|(kind, name)| aside.contains(&(kind, name.to_owned())))
}
