//! People whom the files do not know, and what they have in which system: who still has what after leaving.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Desired, Directory, Principal, UserId, UserState};

/// What is known of people over all targets of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Strangers {
    /// What each of them has, by e-mail, target by target.
    of: BTreeMap<String, Vec<(String, String)>>,
}

impl Strangers {
    /// The live people whom nobody declares, for any target. Protected accounts are known by that.
    #[must_use]
    pub fn of<'a, O: 'a>(
        declared: impl Iterator<Item = &'a Desired<O>>,
        live: impl Iterator<Item = (&'a Desired<O>, &'a Directory)>,
    ) -> Self {
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for desired in declared {
            for user in desired.directory.users() {
                known.insert(&user.email);
                known.extend(user.was.as_deref());
            }
        }
        let mut of: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for (desired, directory) in live {
            for (index, user) in directory.users().iter().enumerate() {
                if !known.contains(&*user.email) && !desired.manage.is_protected(&user.email) {
                    let holds = holds(directory, UserId(index as u32));
                    of.entry(user.email.to_string()).or_default().push((desired.target.clone(), holds));
                }
            }
        }
        Self { of }
    }

    /// What somebody has in a target, and in which others they are; nothing for those whom the files know.
    pub(super) fn told(&self, email: &str, target: &str) -> Option<String> {
        let all = self.of.get(email)?;
        let (_, here) = all.iter().find(|(name, _)| name == target)?;
        let others: Vec<String> =
            all.iter().filter(|(name, _)| name != target).map(|(name, what)| format!("{name} ({what})")).collect();
        Some(match others.as_slice() {
            [] => format!("no file knows them, and they have {here}"),
            _ => format!("no file knows them, and they have {here}; also in {}", others.join(", ")),
        })
    }
}

/// What somebody has, in words: `role viewer, 2 teams, 3 grants`.
fn holds(directory: &Directory, id: UserId) -> String {
    let user = directory.user(id);
    let mut parts = Vec::new();
    match user.state {
        UserState::Disabled => parts.push("a disabled account".to_owned()),
        UserState::Active => {}
        _ => parts.push("an invitation".to_owned()),
    }
    if let Some(role) = user.role.value() {
        parts.push(format!("the role {}", directory.role(*role).name));
    }
    let counted = |n: usize, one: &str| match n {
        0 => None,
        1 => Some(format!("1 {one}")),
        n => Some(format!("{n} {one}s")),
    };
    let teams = directory.memberships().iter().filter(|m| m.user == id).count();
    let grants = directory.grants().iter().filter(|g| g.principal == Principal::User(id)).count();
    let owned = directory.resources().iter().filter(|r| r.owner.value() == Some(&id)).count();
    parts.extend(counted(teams, "team"));
    parts.extend(counted(grants, "grant"));
    parts.extend(counted(owned, "resource").map(|t| format!("{t} of their own")));
    if parts.is_empty() { "an account".to_owned() } else { parts.join(", ") }
}
