//! What a [`Directory`](super::Directory) looks things up in besides its sorted lists.

use std::sync::OnceLock;

use super::{Grant, Membership, Principal, ResourceId};

/// Rows grouped by a number: the rows of `n` are `rows[starts[n]..starts[n + 1]]`.
#[derive(Debug, Default)]
pub struct Grouped<T> {
    starts: Vec<u32>,
    rows: Vec<T>,
}

impl<T: Copy + Default> Grouped<T> {
    /// Groups rows by numbers below `groups`; two passes, no sort.
    pub fn new(groups: usize, rows: impl Iterator<Item = (u32, T)> + Clone) -> Self {
        let starts = starts(groups, rows.clone().map(|(group, _)| group));
        let mut fill = starts.clone();
        let mut out = vec![T::default(); starts.last().map_or(0, |n| *n as usize)];
        for (group, row) in rows {
            out[fill[group as usize] as usize] = row;
            fill[group as usize] += 1;
        }
        Self { starts, rows: out }
    }

    /// The rows of a group, in the order in which they came; none for an unknown number.
    #[must_use]
    pub fn of(&self, group: u32) -> &[T] {
        rows_of(&self.starts, &self.rows, group)
    }
}

/// Where the rows of each number below `groups` begin, and where the last ones end; nothing for none.
pub(super) fn starts(groups: usize, numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    if groups == 0 {
        return Vec::new();
    }
    let mut starts = vec![0_u32; groups + 1];
    for number in numbers {
        starts[number as usize + 1] += 1;
    }
    for i in 0..groups {
        starts[i + 1] += starts[i];
    }
    starts
}

/// The rows of a number; none for an unknown one.
pub(super) fn rows_of<'r, T>(starts: &[u32], rows: &'r [T], number: u32) -> &'r [T] {
    let at = |i: usize| starts.get(i).map(|s| *s as usize);
    match (at(number as usize), at(number as usize + 1)) {
        (Some(from), Some(to)) => rows.get(from..to).unwrap_or_default(),
        _ => &[],
    }
}

/// What follows from the lists of a directory and is made when it is first asked for. It is no part of
/// what a directory is: two are equal without it, and a copy makes its own.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_user: OnceLock<Grouped<u32>>,
    granted: OnceLock<ByPrincipal>,
}

/// A grant as its principal sees it: the resource, and the place in the list of grants.
pub type Granted = (ResourceId, u32);

/// The grants by principal.
#[derive(Debug, Default)]
struct ByPrincipal {
    users: Grouped<Granted>,
    teams: Grouped<Granted>,
    everyone: Vec<Granted>,
}

impl Clone for Index {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Index {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Index {}

impl Index {
    /// The places in the list of memberships that are a user's.
    pub(super) fn memberships(&self, users: usize, all: &[Membership], user: u32) -> &[u32] {
        let rows = all.iter().enumerate().map(|(i, m)| (m.user.0, i as u32));
        self.by_user.get_or_init(|| Grouped::new(users, rows)).of(user)
    }

    /// The grants of a principal, by resource.
    pub(super) fn granted(&self, users: usize, teams: usize, all: &[Grant], to: Principal) -> &[Granted] {
        let granted = self.granted.get_or_init(|| {
            let rows = all.iter().enumerate().map(|(place, g)| (g.principal, (g.resource, place as u32)));
            let of_user = |(principal, row)| match principal {
                Principal::User(user) => Some((user.0, row)),
                _ => None,
            };
            let of_team = |(principal, row)| match principal {
                Principal::Team(team) => Some((team.0, row)),
                _ => None,
            };
            let everyone = rows.clone().filter(|(principal, _)| *principal == Principal::Everyone);
            ByPrincipal {
                users: Grouped::new(users, rows.clone().filter_map(of_user)),
                teams: Grouped::new(teams, rows.clone().filter_map(of_team)),
                everyone: everyone.map(|(_, row)| row).collect(),
            }
        });
        match to {
            Principal::User(user) => granted.users.of(user.0),
            Principal::Team(team) => granted.teams.of(team.0),
            Principal::Everyone => &granted.everyone,
        }
    }
}
