//! Which renamings some changes amount to.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Change, Directory, Kind};

/// A renaming: what kind of thing, the old name, the new one.
pub type Renaming = (Kind, String, String);

/// The renamings that changes amount to when they have been made in this order. A name that changes
/// places goes through a spare one and counts with its first and its last name.
pub fn renamings<'c>(changes: impl IntoIterator<Item = &'c Change>) -> BTreeSet<Renaming> {
    let mut first: BTreeMap<(Kind, &str), &str> = BTreeMap::new();
    for change in changes {
        let (Change::RenameUser { from, to } | Change::RenameTeam { from, to } | Change::RenameResource { from, to }) =
            change
        else {
            continue;
        };
        let kind = change.kind();
        let origin = first.remove(&(kind, from.as_str())).unwrap_or(from);
        first.insert((kind, to), origin);
    }
    first.into_iter().map(|((kind, to), from)| (kind, from.to_owned(), to.to_owned())).collect()
}

/// The renamings that the files declare.
#[must_use]
pub fn declared_renamings(desired: &Directory) -> BTreeSet<Renaming> {
    let users = desired.users().iter().map(|u| (Kind::User, &u.was, &u.email));
    let teams = desired.teams().iter().map(|t| (Kind::Team, &t.was, &t.name));
    let resources = desired.resources().iter().map(|r| (Kind::Resource, &r.was, &r.name));
    users
        .chain(teams)
        .chain(resources)
        .filter_map(|(kind, was, now)| Some((kind, was.as_deref()?.to_owned(), now.to_string())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_is_two_renamings() {
        let rename = |from: &str, to: &str| Change::RenameTeam { from: from.into(), to: to.into() };
        let swap = [rename("a", "~1~a"), rename("b", "a"), rename("~1~a", "b")];
        let pair = |from: &str, to: &str| (Kind::Team, from.to_owned(), to.to_owned());
        assert_eq!(renamings(&swap), [pair("a", "b"), pair("b", "a")].into());
        assert_eq!(renamings(&swap[..2]), [pair("a", "~1~a"), pair("b", "a")].into());
    }
}
