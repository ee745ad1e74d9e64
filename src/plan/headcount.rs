//! Head counts: how many people administer, and how many seats are taken, at every moment.

use rustc_hash::FxHashMap;

use crate::access::{At, Invited, World};
use crate::model::{UserId, UserState};

/// Somebody whose part in a count changes.
#[derive(Debug)]
pub(super) struct Person {
    /// Who.
    pub user: UserId,
    /// The changes that decide it, rising.
    pub changes: Vec<u32>,
    /// Whether they are counted before.
    pub before: bool,
    /// Whether they are counted after.
    pub after: bool,
}

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Of {
    /// Active administrators.
    Administrators,
    /// Active users whose role takes a seat of this class.
    Seats(String),
}

/// A count that changes, and its bound.
#[derive(Debug)]
pub(super) struct Count {
    pub of: Of,
    /// How many are counted whom no change concerns.
    pub stable: usize,
    pub people: Vec<Person>,
    /// By change: the people in whose part it has a say.
    concerns: FxHashMap<u32, Vec<u32>>,
    /// For a lower bound the least, for an upper bound the most that is allowed at every moment.
    pub bound: usize,
}

impl Count {
    /// How many at a moment.
    pub fn at(&self, world: &World<'_>, at: At<'_>) -> usize {
        self.stable + self.people.iter().filter(|p| self.counts(world, p.user, at)).count()
    }

    fn counts(&self, world: &World<'_>, user: UserId, at: At<'_>) -> bool {
        match &self.of {
            Of::Administrators => world.administers(user, at),
            Of::Seats(class) => takes_seat(world, user, class, at),
        }
    }

    /// How many more or fewer there are by one change, after others.
    pub fn moves(&self, world: &World<'_>, change: u32, made: &dyn Fn(u32) -> bool) -> isize {
        let then = |c: u32| c == change || made(c);
        let people = self.concerns.get(&change).into_iter().flatten().filter_map(|i| self.people.get(*i as usize));
        people
            .map(|p| {
                let counts = |made: &dyn Fn(u32) -> bool| isize::from(self.counts(world, p.user, At::Between(made)));
                counts(&then) - counts(made)
            })
            .sum()
    }

    /// Whether the bound can be broken by any order of the changes.
    pub fn is_tight(&self) -> bool {
        let comes = self.people.iter().filter(|p| p.after && !p.before).count();
        let goes = self.people.iter().filter(|p| p.before && !p.after).count();
        match self.of {
            Of::Administrators => self.before() < self.bound + goes,
            Of::Seats(_) => self.before() + comes > self.bound,
        }
    }

    /// The changes that have a say, rising.
    pub fn changes(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.concerns.keys().copied().collect();
        all.sort_unstable();
        all
    }

    /// How many before all changes.
    pub fn before(&self) -> usize {
        self.stable + self.people.iter().filter(|p| p.before).count()
    }

    /// How many after all changes.
    pub fn after(&self) -> usize {
        self.stable + self.people.iter().filter(|p| p.after).count()
    }

    /// Whether a number keeps the bound.
    pub fn keeps(&self, number: usize) -> bool {
        match self.of {
            Of::Administrators => number >= self.bound,
            Of::Seats(_) => number <= self.bound,
        }
    }

    /// How many can be affected by each change: those who come, and those who go.
    pub fn weights(&self) -> (FxHashMap<u32, usize>, FxHashMap<u32, usize>) {
        let (mut comes, mut goes) = (FxHashMap::default(), FxHashMap::default());
        for person in self.people.iter().filter(|p| p.before != p.after) {
            let into = if person.after { &mut comes } else { &mut goes };
            for &change in &person.changes {
                *into.entry(change).or_insert(0) += 1;
            }
        }
        (comes, goes)
    }
}

fn takes_seat(world: &World<'_>, user: UserId, class: &str, at: At<'_>) -> bool {
    world.user_state(user, at) == UserState::Active
        && world.user_role(user, at).is_some_and(|role| {
            let entry = world.measure().catalogue().role(world.role_name(role));
            entry.and_then(|(_, r)| r.seat.as_deref()) == Some(class)
        })
}

/// How many would administer after all changes if everybody who is invited came.
pub(super) fn administrators_with_invited(world: &World<'_>) -> usize {
    let may = world.may_administer();
    let counts = |user: &UserId| {
        let state = world.user_state(*user, At::After);
        matches!(state, UserState::Active | UserState::Invited)
            && world.can_administer(*user, &may)
            && world.counts_as_admin(*user, At::After)
            && world.access(*user, None, At::After, Invited::MayCome).is_administrator()
    };
    (0..world.users_len()).map(UserId).filter(counts).count()
}

/// Counts the active administrators: once over all users. At every moment there are as many as before and
/// after, if that can be; `needed` in any case.
pub(super) fn administrators(world: &World<'_>) -> Count {
    let mut count =
        Count { of: Of::Administrators, stable: 0, people: Vec::new(), concerns: FxHashMap::default(), bound: 0 };
    collect(world, &mut count);
    count.bound = count.before().min(count.after());
    count
}

/// Counts the seats of a class that are taken.
pub(super) fn seats(world: &World<'_>, class: &str, there_are: usize) -> Count {
    let mut count = Count {
        of: Of::Seats(class.to_owned()),
        stable: 0,
        people: Vec::new(),
        concerns: FxHashMap::default(),
        bound: 0,
    };
    collect(world, &mut count);
    count.bound = there_are.max(count.before()).max(count.after());
    count
}

fn collect(world: &World<'_>, count: &mut Count) {
    let count_of = count.of.clone();
    let touched = world.touched_users();
    let may = world.may_administer();
    let never = |user| count_of == Of::Administrators && !world.can_administer(user, &may);
    for user in (0..world.users_len()).map(UserId) {
        if never(user) {
            continue;
        }
        if !touched.contains(&user) {
            count.stable += usize::from(count.counts(world, user, At::Before));
            continue;
        }
        let changes = world.deciding(user);
        let (before, after) = (count.counts(world, user, At::Before), count.counts(world, user, At::After));
        // Who is neither before nor after may be it in between, by a mixture: that gives access which
        // neither end gives, and is forbidden as such. Who is it at both ends loses it for a moment only
        // where that is forbidden as well, or has been agreed to.
        if before != after || (before && !changes.is_empty()) {
            let number = count.people.len() as u32;
            changes.iter().for_each(|c| count.concerns.entry(*c).or_default().push(number));
            count.people.push(Person { user, changes, before, after });
        } else {
            count.stable += usize::from(before);
        }
    }
}
