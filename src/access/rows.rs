//! Which pairs of people and resources stand in one line of the access difference.

use std::collections::BTreeMap;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::difference::way_role;
use super::{AccessEffect, AccessRisk, AccountChange, Bits, Cause, Differences, Entry, Group, Through, Way, World};
use crate::model::{Principal, ResourceId, RoleId, TeamId, UserKind};

/// An edit of a role that reaches people in more different places than so many is told as one line:
/// wherever they hold it.
const PLACES_MAX: usize = 8;

/// A way without its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Label {
    Role(RoleId),
    Team(TeamId, RoleId),
    Member(TeamId, RoleId),
    Own(RoleId),
    OfTeam(TeamId, RoleId),
    Everyone(RoleId),
    Owner,
    Visible,
    Edit(RoleId),
}

impl Label {
    fn of(cause: &Cause) -> Self {
        match (cause.way, way_role(cause.way)) {
            (_, Some(role)) if cause.edited => Self::Edit(role),
            (Way::Role(role), _) => Self::Role(role),
            (Way::Team { team, role, .. }, _) => Self::Team(team, role),
            (Way::Member { team, role, .. }, _) => Self::Member(team, role),
            (Way::Grant { to: Principal::User(_), role, .. }, _) => Self::Own(role),
            (Way::Grant { to: Principal::Team(team), role, .. }, _) => Self::OfTeam(team, role),
            (Way::Grant { to: Principal::Everyone, role, .. }, _) => Self::Everyone(role),
            (Way::Owner { .. }, _) => Self::Owner,
            (Way::Visible { .. }, _) => Self::Visible,
        }
    }

    /// The ways without their resources, sorted, each once; into `labels`.
    fn all<'c>(causes: impl Iterator<Item = &'c Cause>, labels: &mut Vec<Self>) {
        labels.clear();
        labels.extend(causes.map(Self::of));
        labels.sort_unstable();
        labels.dedup();
    }

    pub(super) fn told(self, world: &World<'_>) -> Through {
        let role = |r| world.role_name(r).to_owned();
        let team = |t| world.team_name(t).to_owned();
        match self {
            Self::Role(r) => Through::OwnRole { role: role(r) },
            Self::Team(t, r) => Through::Team { team: team(t), role: role(r) },
            Self::Member(t, r) => Through::Membership { team: team(t), role: role(r) },
            Self::Own(r) => Through::OwnGrant { role: role(r) },
            Self::OfTeam(t, r) => Through::TeamGrant { team: team(t), role: role(r) },
            Self::Everyone(r) => Through::Everyone { role: role(r) },
            Self::Owner => Through::Ownership,
            Self::Visible => Through::Visibility,
            Self::Edit(r) => Through::RoleEdit { role: role(r) },
        }
    }
}

/// Values by number, each kept once.
#[derive(Debug)]
struct Kept<T> {
    numbers: FxHashMap<T, u32>,
    values: Vec<T>,
}

impl<T: Clone + Eq + Hash> Kept<T> {
    fn new() -> Self {
        Self { numbers: FxHashMap::default(), values: Vec::new() }
    }

    fn number<Q: Eq + Hash + ToOwned<Owned = T> + ?Sized>(&mut self, value: &Q) -> u32
    where
        T: std::borrow::Borrow<Q>,
    {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.values.len() as u32;
        self.numbers.insert(value.to_owned(), number);
        self.values.push(value.to_owned());
        number
    }

    fn value(&self, number: u32) -> T
    where
        T: Default,
    {
        self.values.get(number as usize).cloned().unwrap_or_default()
    }
}

/// What makes two pairs of people and resources stand in one line; lists by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    effect: AccessEffect,
    risk: AccessRisk,
    bits: u32,
    through: u32,
    formerly: u32,
    but_on: u32,
    account: Option<AccountChange>,
    pending: bool,
    kind: UserKind,
}

/// A line before it has names: which groups of people, and on what.
#[derive(Debug)]
pub(super) struct Row {
    pub effect: AccessEffect,
    pub risk: AccessRisk,
    pub bits: Bits,
    pub through: Vec<Label>,
    pub formerly: Vec<Label>,
    pub but_on: Vec<ResourceId>,
    pub account: Option<AccountChange>,
    pub pending: bool,
    pub kind: UserKind,
    /// The groups, rising.
    pub groups: Vec<u32>,
    /// The resources; none for everywhere.
    pub on: Vec<ResourceId>,
    /// Whether each holds for some of the people only.
    pub scattered: bool,
}

/// All that is said of every pair, put together.
struct Gathered<'w, 'a> {
    world: &'w World<'a>,
    reading: Bits,
    bits: Kept<Bits>,
    labels: Kept<Vec<Label>>,
    places: Kept<Vec<ResourceId>>,
    /// By key and resource: which of `met` it is.
    numbers: FxHashMap<(Key, Option<ResourceId>), u32>,
    /// The groups of each key and resource, in the order in which these were first met.
    met: Vec<(Key, Option<ResourceId>, Vec<u32>)>,
}

/// What is said of one pair, before it has a key.
struct Said<'s> {
    effect: AccessEffect,
    bits: Bits,
    through: &'s [Label],
    formerly: &'s [Label],
    but_on: &'s [ResourceId],
}

/// The lines without names, the riskiest first: first the people of one key and resource together, then
/// the resources of the same people.
pub(super) fn rows(world: &World<'_>, differences: &Differences) -> Vec<Row> {
    let mut all = Gathered {
        world,
        reading: world.measure().reading(),
        bits: Kept::new(),
        labels: Kept::new(),
        places: Kept::new(),
        numbers: FxHashMap::default(),
        met: Vec::new(),
    };
    for (number, group) in differences.groups.iter().enumerate() {
        all.take(number as u32, group);
    }
    all.rows()
}

impl Gathered<'_, '_> {
    /// Takes all pairs of a group.
    fn take(&mut self, number: u32, group: &Group) {
        let named: Vec<(Bits, Bits)> = group.entries.iter().map(|e| named(self.world, e)).collect();
        let but_on = but_on(&group.entries, &named);
        let but_on = |index, gains| but_on.get(&(index, gains)).map_or(&[][..], Vec::as_slice);
        let nothing = (Bits::NONE, Bits::NONE);
        let (mut new, mut old) = (Vec::new(), Vec::new());
        for (index, (entry, (gained, lost))) in group.entries.iter().zip(&named).enumerate() {
            if entry.is_path() {
                let outer = entry.around.and_then(|a| group.entries.get(a)).filter(|e| e.is_path());
                let beyond = |of: fn(&Entry) -> &Vec<Cause>, labels: &mut Vec<Label>| {
                    let said = outer.map_or(&[][..], |e| of(e));
                    Label::all(of(entry).iter().filter(|c| !said.contains(c)), labels);
                };
                beyond(|e| &e.added, &mut new);
                beyond(|e| &e.removed, &mut old);
                if !(new.is_empty() && old.is_empty()) {
                    let (effect, but_on) = (AccessEffect::Path, but_on(index, true));
                    let said = Said { effect, bits: Bits::NONE, through: &new, formerly: &old, but_on };
                    self.put(number, group, entry, &said);
                }
            }
            let around = entry.around.and_then(|a| named.get(a)).unwrap_or(&nothing);
            let bits = gained.minus(around.0);
            if !bits.is_empty() {
                Label::all(entry.added.iter(), &mut new);
                let (effect, but_on) = (AccessEffect::Gains, but_on(index, true));
                self.put(number, group, entry, &Said { effect, bits, through: &new, formerly: &[], but_on });
            }
            let bits = lost.minus(around.1);
            if !bits.is_empty() {
                Label::all(entry.removed.iter(), &mut old);
                let (effect, but_on) = (AccessEffect::Loses, but_on(index, false));
                self.put(number, group, entry, &Said { effect, bits, through: &[], formerly: &old, but_on });
            }
        }
    }

    fn put(&mut self, number: u32, group: &Group, entry: &Entry, said: &Said<'_>) {
        let risk = self.risk(if said.effect == AccessEffect::Path { &entry.before } else { &said.bits });
        let key = Key {
            effect: said.effect,
            risk,
            bits: self.bits.number(&said.bits),
            through: self.labels.number(said.through),
            formerly: self.labels.number(said.formerly),
            but_on: self.places.number(said.but_on),
            account: group.account,
            pending: group.pending,
            kind: group.kind,
        };
        let place = *self.numbers.entry((key, entry.on)).or_insert(self.met.len() as u32);
        match self.met.get_mut(place as usize) {
            Some((_, _, groups)) => groups.push(number),
            None => self.met.push((key, entry.on, vec![number])),
        }
    }

    fn risk(&self, bits: &Bits) -> AccessRisk {
        match () {
            () if bits.is_administrator() => AccessRisk::Administrator,
            () if bits.within(&self.reading) => AccessRisk::Read,
            () => AccessRisk::Write,
        }
    }

    fn rows(mut self) -> Vec<Row> {
        let mut rows: Vec<(Key, Row)> = Vec::new();
        let mut places: FxHashMap<(Key, Vec<u32>), usize> = FxHashMap::default();
        for (key, on, groups) in std::mem::take(&mut self.met) {
            // What holds everywhere stands alone: a resource beside it would say less.
            let place = match on {
                Some(_) => *places.entry((key, groups.clone())).or_insert(rows.len()),
                None => rows.len(),
            };
            match rows.get_mut(place) {
                Some((_, row)) => row.on.extend(on),
                None => rows.push((key, self.row(key, groups, on))),
            }
        }
        let mut rows = scatter(rows);
        rows.sort_by_key(|r| (r.effect == AccessEffect::Path, r.risk, r.effect));
        rows
    }

    fn row(&self, key: Key, groups: Vec<u32>, on: Option<ResourceId>) -> Row {
        Row {
            effect: key.effect,
            risk: key.risk,
            bits: self.bits.value(key.bits),
            through: self.labels.value(key.through),
            formerly: self.labels.value(key.formerly),
            but_on: self.places.value(key.but_on),
            account: key.account,
            pending: key.pending,
            kind: key.kind,
            groups,
            on: on.into_iter().collect(),
            scattered: false,
        }
    }
}

/// Puts the rows of one edit of a role together where they are many.
fn scatter(rows: Vec<(Key, Row)>) -> Vec<Row> {
    let is_edit = |row: &Row| {
        let mut labels = row.through.iter().chain(&row.formerly);
        !row.on.is_empty() && labels.clone().next().is_some() && labels.all(|l| matches!(l, Label::Edit(_)))
    };
    let mut counts: FxHashMap<Key, usize> = FxHashMap::default();
    for (key, row) in &rows {
        *counts.entry(*key).or_default() += usize::from(is_edit(row));
    }
    let mut kept: Vec<Row> = Vec::new();
    let mut wide: FxHashMap<Key, usize> = FxHashMap::default();
    for (key, row) in rows {
        if !is_edit(&row) || counts.get(&key).is_none_or(|n| *n <= PLACES_MAX) {
            kept.push(row);
            continue;
        }
        let place = *wide.entry(key).or_insert(kept.len());
        match kept.get_mut(place) {
            Some(one) => {
                one.groups.extend(row.groups);
                one.on.extend(row.on);
            }
            None => kept.push(Row { scattered: true, ..row }),
        }
    }
    for row in kept.iter_mut().filter(|r| r.scattered) {
        row.groups.sort_unstable();
        row.groups.dedup();
        row.on.sort_unstable();
        row.on.dedup();
    }
    kept
}

/// By entry, and whether it gains: where not all of what it says holds.
fn but_on(entries: &[Entry], named: &[(Bits, Bits)]) -> BTreeMap<(usize, bool), Vec<ResourceId>> {
    let mut found: BTreeMap<(usize, bool), Vec<ResourceId>> = BTreeMap::new();
    let nothing = (Bits::NONE, Bits::NONE);
    for (entry, (gained, lost)) in entries.iter().zip(named) {
        let Some((outer, on)) = entry.around.zip(entry.on) else { continue };
        let around = named.get(outer).unwrap_or(&nothing);
        if !around.0.is_administrator() && !around.0.within(gained) {
            found.entry((outer, true)).or_default().push(on);
        }
        if !(around.1.within(lost) || around.1.is_administrator() && lost.is_administrator()) {
            found.entry((outer, false)).or_default().push(on);
        }
    }
    found
}

/// What is gained and lost, as far as it has names.
fn named(world: &World<'_>, entry: &Entry) -> (Bits, Bits) {
    let after = entry.before.minus(entry.lost).or(entry.gained);
    let [before, after] = [entry.before, after].map(|bits| world.measure().plain(&bits));
    (after.minus(before), before.minus(after))
}
