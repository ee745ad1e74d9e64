//! Cells: a few changes that meet in one place, and which sets of them may be made without the others.
//!
//! A set that leaves somebody with access that neither end gives, without access that both give, or
//! with two exclusive roles, is forbidden. With up to [`EXACT`] changes every set is looked at; with
//! more, sets are looked at as the search comes to them.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use super::order::Reason;
use crate::access::{At, Bits, Invited, Meeting, World};
use crate::model::{ResourceId, RoleId, UserId};

/// Up to so many changes, every set of them is judged beforehand: 2 to the power of it.
pub(super) const EXACT: usize = 8;

/// What is wrong with a set of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum State {
    /// Nothing.
    Fine,
    /// It cannot be reached: a change is in it without one that must come before.
    Unreachable,
    /// Somebody has what neither end gives.
    Gained,
    /// Somebody lacks what both ends give.
    Lost,
    /// Somebody holds two exclusive roles.
    Exclusive,
    /// Who applies has lost the right to, and something is still to be made.
    LockedOut,
}

impl State {
    /// The reason for which an edge keeps it away.
    pub fn reason(self) -> Reason {
        match self {
            Self::Exclusive => Reason::RolesExclusive,
            Self::LockedOut => Reason::NoSelfLockout,
            Self::Lost => Reason::NothingLostBetween,
            Self::Fine | Self::Unreachable | Self::Gained => Reason::NothingGainedBetween,
        }
    }
}

/// Where a cell comes from: the users and the resource.
pub(super) type Place = (Vec<UserId>, Option<ResourceId>);

/// Changes that meet.
#[derive(Debug)]
pub(super) struct Cell {
    /// By number, rising.
    pub changes: Vec<u32>,
    /// By set: bit `n` stands for the `n`th change. Empty where there are too many.
    table: Vec<State>,
    /// For each set whether everything can still be made from it.
    live: Vec<bool>,
    /// The places that are alike.
    pub places: Vec<Place>,
    /// What is accepted here.
    accepted: Vec<State>,
    /// What the ends give, where there is no table.
    ends: Option<Ends>,
    /// What was found of sets, where there is no table.
    memo: RefCell<FxHashMap<Vec<bool>, State>>,
}

/// What judges a set of changes in one place.
pub(super) struct Judge<'w, 'a> {
    pub world: &'w World<'a>,
    /// Groups of roles of which nobody may hold two.
    pub exclusive: &'w [Vec<RoleId>],
}

#[derive(Debug)]
struct Ends {
    before: Bits,
    after: Bits,
    clashes: Vec<(RoleId, RoleId)>,
}

impl Judge<'_, '_> {
    fn ends(&self, user: UserId, resource: Option<ResourceId>) -> Ends {
        let access = |at| self.world.access(user, resource, at, Invited::MayCome);
        let mut clashes = self.clashes(user, resource, At::Before);
        clashes.extend(self.clashes(user, resource, At::After));
        Ends { before: access(At::Before), after: access(At::After), clashes }
    }

    fn clashes(&self, user: UserId, resource: Option<ResourceId>, at: At<'_>) -> Vec<(RoleId, RoleId)> {
        if self.exclusive.is_empty() {
            return Vec::new();
        }
        let held = self.world.roles_held(user, resource, at, Invited::MayCome);
        let mut found = Vec::new();
        for group in self.exclusive {
            let both: Vec<RoleId> = group.iter().filter(|r| held.contains(r)).copied().collect();
            for (i, a) in both.iter().enumerate() {
                found.extend(both[i + 1..].iter().map(|b| (*a, *b)));
            }
        }
        found
    }

    fn state(&self, user: UserId, resource: Option<ResourceId>, ends: &Ends, at: At<'_>) -> State {
        let now = self.world.access(user, resource, at, Invited::MayCome);
        if !now.within(&ends.before.or(ends.after)) {
            State::Gained
        } else if self.clashes(user, resource, at).iter().any(|c| !ends.clashes.contains(c)) {
            State::Exclusive
        } else if !ends.before.and(ends.after).within(&now) {
            State::Lost
        } else {
            State::Fine
        }
    }
}

impl Cell {
    /// Judges all sets of the changes that meet in a place; `first` says whether one change must come
    /// before another in any case.
    pub fn new(meeting: Meeting, judge: &Judge<'_, '_>, first: &impl Fn(u32, u32) -> bool) -> Self {
        let Meeting { users, resource, changes } = meeting;
        let mut cell = Self::unjudged(changes);
        if let Some(&user) = users.first().filter(|_| cell.changes.len() <= EXACT) {
            let ends = judge.ends(user, resource);
            let needs = cell.needs(first);
            let sets = 1_usize << cell.changes.len();
            cell.table = (0..sets)
                .map(|set| {
                    if needs.iter().any(|&(a, b)| set & b != 0 && set & a == 0) {
                        return State::Unreachable;
                    }
                    let made = |by: u32| cell.changes.binary_search(&by).is_ok_and(|i| set & (1 << i) != 0);
                    judge.state(user, resource, &ends, At::Between(&made))
                })
                .collect();
            cell.settle();
        } else if let Some(&user) = users.first() {
            cell.ends = Some(judge.ends(user, resource));
        }
        cell.places.push((users, resource));
        cell
    }

    fn unjudged(changes: Vec<u32>) -> Self {
        Self {
            changes,
            table: Vec::new(),
            live: Vec::new(),
            places: Vec::new(),
            accepted: Vec::new(),
            ends: None,
            memo: RefCell::new(FxHashMap::default()),
        }
    }

    /// A cell in which a set is fine where `fine` says so, for other things than access; `None` where there
    /// are too many changes to look at every set.
    pub fn of(
        changes: Vec<u32>,
        wrong: State,
        first: &impl Fn(u32, u32) -> bool,
        fine: impl Fn(&dyn Fn(u32) -> bool) -> bool,
    ) -> Option<Self> {
        if changes.len() > EXACT {
            return None;
        }
        let mut cell = Self::unjudged(changes);
        let needs = cell.needs(first);
        cell.table = (0..1_usize << cell.changes.len())
            .map(|set| {
                let made = |by: u32| cell.changes.binary_search(&by).is_ok_and(|i| set & (1 << i) != 0);
                match () {
                    () if needs.iter().any(|&(a, b)| set & b != 0 && set & a == 0) => State::Unreachable,
                    () if fine(&made) => State::Fine,
                    () => wrong,
                }
            })
            .collect();
        cell.settle();
        Some(cell)
    }

    /// The hard edges inside, as bits: the first before the second.
    fn needs(&self, first: &impl Fn(u32, u32) -> bool) -> Vec<(usize, usize)> {
        let mut needs = Vec::new();
        for (i, a) in self.changes.iter().enumerate() {
            for (j, b) in self.changes.iter().enumerate() {
                if i != j && first(*a, *b) {
                    needs.push((1 << i, 1 << j));
                }
            }
        }
        needs
    }

    /// Finds out from which sets everything can still be made.
    fn settle(&mut self) {
        self.live = vec![false; self.table.len()];
        for set in (0..self.table.len()).rev() {
            let last = set + 1 == self.table.len();
            let next = || (0..self.changes.len()).any(|i| set & (1 << i) == 0 && self.live[set | 1 << i]);
            self.live[set] = self.is_fine(self.table[set]) && (last || next());
        }
    }

    fn is_fine(&self, state: State) -> bool {
        state == State::Fine || self.accepted.contains(&state)
    }

    /// Accepts that something is wrong for a moment, or nothing any more.
    pub fn accept(&mut self, what: &[State]) {
        self.accepted = what.to_vec();
        self.memo.borrow_mut().clear();
        if !self.table.is_empty() {
            self.settle();
        }
    }

    /// Whether every set is fine, so that nothing can go wrong here.
    pub fn is_harmless(&self) -> bool {
        !self.table.is_empty() && self.table.iter().all(|s| matches!(s, State::Fine | State::Unreachable))
    }

    /// What identifies cells that are alike.
    pub fn likeness(&self) -> Option<(Vec<u32>, Vec<State>)> {
        (!self.table.is_empty()).then(|| (self.changes.clone(), self.table.clone()))
    }

    /// Whether some of the changes may be made without the others, so that the others can follow.
    pub fn allows(&self, judge: &Judge<'_, '_>, made: impl Fn(u32) -> bool) -> bool {
        if self.table.is_empty() {
            return self.is_fine(self.state(judge, made));
        }
        self.live.get(self.set(made)).copied().unwrap_or(true)
    }

    fn set(&self, made: impl Fn(u32) -> bool) -> usize {
        self.changes.iter().enumerate().filter(|(_, c)| made(**c)).fold(0, |set, (i, _)| set | 1 << i)
    }

    /// What is wrong with a set.
    pub fn state(&self, judge: &Judge<'_, '_>, made: impl Fn(u32) -> bool) -> State {
        if let Some(state) = self.table.get(self.set_or_none(&made)) {
            return *state;
        }
        let key: Vec<bool> = self.changes.iter().map(|c| made(*c)).collect();
        if let Some(state) = self.memo.borrow().get(&key) {
            return *state;
        }
        let at = |by: u32| self.changes.binary_search(&by).is_ok_and(|i| key[i]);
        // Without a table, a cell has one place.
        let found = self.places.first().and_then(|(users, resource)| {
            let (user, ends) = (users.first()?, self.ends.as_ref()?);
            Some(judge.state(*user, *resource, ends, At::Between(&at)))
        });
        let worst = found.unwrap_or(State::Fine);
        self.memo.borrow_mut().insert(key, worst);
        worst
    }

    fn set_or_none(&self, made: &impl Fn(u32) -> bool) -> usize {
        if self.table.is_empty() { usize::MAX } else { self.set(made) }
    }

    /// The edges that keep every forbidden set away, in keeping with an order in which no set of the
    /// first few changes is forbidden. `position` is that order; `given` are edges that are there anyway.
    pub fn edges(&self, position: &impl Fn(u32) -> u32, given: &impl Fn(u32, u32) -> bool) -> Vec<(u32, u32, Reason)> {
        let n = self.changes.len();
        if self.table.is_empty() {
            // One after the other: what is forbidden here is not known beforehand.
            let mut row = self.changes.clone();
            row.sort_by_key(|c| position(*c));
            let pairs = row.windows(2).filter(|p| !given(p[0], p[1]));
            return pairs.map(|p| (p[0], p[1], Reason::NothingGainedBetween)).collect();
        }
        let mut bounds: Vec<(usize, usize)> = self.needs(given);
        let closed = |set: usize, bounds: &[(usize, usize)]| bounds.iter().all(|&(a, b)| set & b == 0 || set & a != 0);
        let wrong = |s: State| s != State::Unreachable && !self.is_fine(s);
        let mut bad: Vec<usize> =
            (0..self.table.len()).filter(|s| wrong(self.table[*s]) && closed(*s, &bounds)).collect();
        let mut edges = Vec::new();
        while !bad.is_empty() {
            let mut best: Option<(usize, usize, usize)> = None;
            for i in 0..n {
                for j in 0..n {
                    if i == j || position(self.changes[i]) > position(self.changes[j]) {
                        continue;
                    }
                    let kept = bad.iter().filter(|s| **s & (1 << j) != 0 && **s & (1 << i) == 0).count();
                    if kept > best.map_or(0, |(most, ..)| most) {
                        best = Some((kept, i, j));
                    }
                }
            }
            let Some((_, i, j)) = best else { break };
            let first = bad.iter().find(|s| **s & (1 << j) != 0 && **s & (1 << i) == 0);
            let reason = first.map_or(Reason::NothingGainedBetween, |s| self.table[*s].reason());
            edges.push((self.changes[i], self.changes[j], reason));
            bounds.push((1 << i, 1 << j));
            bad.retain(|s| closed(*s, &bounds));
        }
        edges
    }
}
