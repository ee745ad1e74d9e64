//! The order of the changes: a graph of "this before that" with reasons, and waves in which any
//! interleaving is safe.
//!
//! What must be in any case ([`structure`]) is a graph from the start. Where access, exclusive roles,
//! administrators or seats could be wrong for a moment, an order of all changes is looked for in which
//! they never are ([`search`]); then only those edges are kept that are needed to keep every wrong moment
//! away, whatever the interleaving and whatever fails ([`Cell::edges`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cell::{Cell, Judge, State};
use super::graph::Graph;
use super::headcount::{self, Count, Of};
use super::search::{Bounds, Stuck};
use super::structure::{split, structure};
use crate::access::{At, Invited, World};
use crate::diagnostic::Location;
use crate::invariants::Administrators;
use crate::model::{Catalogue, Change, Directory, Effect, Moment, ResourceId, RoleId, Rules, UserId, Why};

/// Why one change comes before another, the strongest reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A thing exists before something refers to it.
    ExistsBeforeUse,
    /// Nothing refers to a thing any more when it is deleted.
    FreeBeforeDelete,
    /// A thing has its new name before the name is used, and a name is free before it is given again.
    NameBeforeUse,
    /// Whoever leads a team is an active member of it.
    LeadIsMember,
    /// An account is as it should be before it can come in again.
    UpdateBeforeEnable,
    /// An account can no longer come in before it changes.
    DisableFirst,
    /// At no moment does anyone have access that neither the state before nor the state after gives.
    NothingGainedBetween,
    /// At no moment does anyone lack access that both the state before and the state after give.
    NothingLostBetween,
    /// At no moment does anyone hold two roles that exclude each other.
    RolesExclusive,
    /// New administrators are there before old ones go.
    AdminRemains,
    /// A paid seat is free before it is taken.
    SeatsFit,
    /// Who applies keeps the right to do so until the last change.
    NoSelfLockout,
}

impl Reason {
    /// The name in plans.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ExistsBeforeUse => "exists-before-use",
            Self::FreeBeforeDelete => "free-before-delete",
            Self::NameBeforeUse => "name-before-use",
            Self::LeadIsMember => "lead-is-member",
            Self::UpdateBeforeEnable => "update-before-enable",
            Self::DisableFirst => "disable-first",
            Self::NothingGainedBetween => "nothing-gained-between",
            Self::NothingLostBetween => "nothing-lost-between",
            Self::RolesExclusive => "roles-exclusive",
            Self::AdminRemains => "admin-remains",
            Self::SeatsFit => "seats-fit",
            Self::NoSelfLockout => "no-self-lockout",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExistsBeforeUse => "what is referred to has to exist first",
            Self::FreeBeforeDelete => "nothing may refer to what is deleted",
            Self::NameBeforeUse => "a name has to be free, and given, before it is used",
            Self::LeadIsMember => "whoever leads a team is an active member of it",
            Self::UpdateBeforeEnable => "an account is changed before it can come in again",
            Self::DisableFirst => "an account is disabled before it is changed",
            Self::NothingGainedBetween => "nobody may have in between what they have neither before nor after",
            Self::NothingLostBetween => "nobody may lack in between what they have before and after",
            Self::RolesExclusive => "nobody may hold two exclusive roles, not even for a moment",
            Self::AdminRemains => "new administrators are there before old ones go",
            Self::SeatsFit => "a seat has to be free before somebody takes it",
            Self::NoSelfLockout => "who applies keeps the right to do so until the last change",
        })
    }
}

/// That a step comes before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// The number of the earlier step.
    pub step: u32,
    /// Why it is earlier.
    pub reason: Reason,
}

/// One change of a plan with its place in the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its number in the order of execution, from 1.
    pub id: u32,
    /// The wave that it runs in, from 1. Inside a wave any interleaving is safe.
    pub wave: u32,
    /// What is done.
    pub change: Change,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Location>,
    /// The steps that must be done before; when one of them fails, this one is held back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Edge>,
}

/// What an order needs to know besides the changes.
#[derive(Clone, Copy)]
pub struct Situation<'a> {
    /// The target as it is.
    pub live: &'a Directory,
    /// Its catalogue.
    pub catalogue: &'a Catalogue,
    /// What rolecall holds to.
    pub rules: &'a Rules,
    /// The moment of the plan.
    pub now: Moment,
    /// The account that applies, by its address, where it is known.
    pub identity: Option<&'a str>,
}

/// Changes for which there is no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The rules that contradict each other there, sorted by name.
    pub rules: Vec<Reason>,
    /// What is changed, in the order of the plan.
    pub changes: Vec<String>,
    /// Whether every order has been looked at; else the search gave up, and there may be one.
    pub exhausted: bool,
}

/// Access that somebody lacks for a moment though they have it before and after.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// Who, by e-mail.
    pub user: String,
    /// On what; absent for what is held everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// The ordered steps, and what is to be said of the order.
#[derive(Debug, Default)]
pub struct Ordered {
    /// The steps, by number.
    pub steps: Vec<Step>,
    /// Who administers.
    pub administrators: Administrators,
    /// Where there is no order.
    pub conflict: Option<Conflict>,
    /// What is lost for a moment, because no order avoids it; sorted.
    pub losses: Vec<Loss>,
    /// What stands in the way of an order without these losses.
    pub without_loss: Option<Conflict>,
    /// What would have to be made after the identity has lost its right to apply.
    pub after_lockout: Vec<String>,
}

type Rows = Vec<(Change, Option<Location>)>;

/// Orders changes. Deterministic. Linear in the plan where changes do not meet; where they do, the cost
/// is that of the users and resources for which they meet.
#[must_use]
pub fn order(situation: &Situation<'_>, changes: Rows) -> Ordered {
    let mut changes = changes;
    let mut hard = structure(situation.live, &changes);
    let mut sorted = hard.sort();
    if let Err(stuck) = &sorted
        && split(&mut changes, stuck)
    {
        hard = structure(situation.live, &changes);
        sorted = hard.sort();
    }
    if let Err(stuck) = sorted {
        let conflict = circle(&hard, &changes, &stuck);
        return without_order(situation, changes, &hard, conflict);
    }
    match safe(situation, &changes, &hard) {
        Ok(found) => found.ordered(changes),
        Err(mut conflict) => {
            // Whether it is the right of the identity that is in the way.
            let anybody = Situation { identity: None, ..*situation };
            if situation.identity.is_some() && safe(&anybody, &changes, &hard).is_ok() {
                conflict.rules.push(Reason::NoSelfLockout);
                conflict.rules = by_name(conflict.rules);
            }
            // Taken apart, some changes can go around each other.
            let all: Vec<u32> = (0..changes.len() as u32).collect();
            let mut parts = changes.clone();
            if split(&mut parts, &all) {
                let hard = structure(situation.live, &parts);
                if hard.sort().is_ok()
                    && let Ok(found) = safe(situation, &parts, &hard)
                {
                    return found.ordered(parts);
                }
            }
            without_order(situation, changes, &hard, conflict)
        }
    }
}

/// A conflict of things that must be in any case.
fn circle(hard: &Graph, changes: &Rows, stuck: &[u32]) -> Conflict {
    let stuck: BTreeSet<u32> = stuck.iter().copied().collect();
    let inside = hard.edges.iter().filter(|(a, b, _)| stuck.contains(a) && stuck.contains(b));
    let rules = by_name(inside.map(|(.., r)| *r));
    let names = stuck.iter().map(|i| told(&changes[*i as usize].0));
    Conflict { rules, changes: names.collect(), exhausted: true }
}

/// Each rule once, sorted by name.
fn by_name(rules: impl IntoIterator<Item = Reason>) -> Vec<Reason> {
    let mut rules: Vec<Reason> = rules.into_iter().collect();
    rules.sort_unstable_by_key(|r| r.name());
    rules.dedup();
    rules
}

/// A change in a few words: what is done to what.
fn told(change: &Change) -> String {
    let verb = match (change, change.effect()) {
        (Change::DisableUser { .. }, _) => "disable",
        (Change::EnableUser { .. }, _) => "enable",
        (Change::RenameUser { .. } | Change::RenameTeam { .. } | Change::RenameResource { .. }, _) => "rename",
        (_, Effect::Add) => "add",
        (_, Effect::Change) => "change",
        (_, Effect::Remove) => "remove",
    };
    format!("{verb} {}", change.object())
}

/// The changes as far as they can be ordered, for people to see: a plan with a conflict is not applied.
fn without_order(situation: &Situation<'_>, changes: Rows, hard: &Graph, conflict: Conflict) -> Ordered {
    let world = World::with(situation.live, situation.catalogue, situation.now, changes.iter().map(|(c, _)| c));
    let count = headcount::administrators(&world);
    let administrators = administrators(&world, &count, &[]);
    let (edges, waves) = match hard.sort() {
        Ok(order) => {
            let edges = hard.spelled_out(&order);
            let waves = waves(&changes, &order, &edges);
            (edges, waves)
        }
        Err(_) => (Vec::new(), vec![1; changes.len()]),
    };
    let steps = number(changes, &edges, &waves);
    Ordered { steps, administrators, conflict: Some(conflict), ..Ordered::default() }
}

/// A safe order.
struct Found {
    edges: Vec<(u32, u32, Reason)>,
    waves: Vec<u32>,
    administrators: Administrators,
    losses: Vec<Loss>,
    without_loss: Option<Conflict>,
    after_lockout: Vec<String>,
}

impl Found {
    fn ordered(self, changes: Rows) -> Ordered {
        let steps = number(changes, &self.edges, &self.waves);
        Ordered {
            steps,
            administrators: self.administrators,
            conflict: None,
            losses: self.losses,
            without_loss: self.without_loss,
            after_lockout: self.after_lockout,
        }
    }
}

fn safe(situation: &Situation<'_>, changes: &Rows, hard: &Graph) -> Result<Found, Conflict> {
    let (live, rules) = (situation.live, situation.rules);
    let world = World::with(live, situation.catalogue, situation.now, changes.iter().map(|(c, _)| c));
    let exclusive = exclusive(&world, rules);
    let judge = Judge { world: &world, exclusive: &exclusive };
    let mut graph = Graph { size: changes.len(), edges: hard.edges.clone(), gates: Vec::new() };
    graph.edges.sort_unstable();
    let (behind, last) = last_of_identity(situation, &world, &mut graph);
    let after_lockout = behind.iter().map(|c| told(&changes[*c as usize].0)).collect();
    if let Err(stuck) = graph.sort() {
        return Err(circle(&graph, changes, &stuck));
    }
    let given: FxHashSet<(u32, u32)> = graph.edges.iter().map(|(a, b, _)| (*a, *b)).collect();
    let first = |a: u32, b: u32| given.contains(&(a, b));

    let mut cells = cells(&judge, changes.len(), &first);
    if let (Some((user, last)), true) = (last, behind.is_empty()) {
        // Until the last change, whatever else decides it comes in an order that leaves the right in place.
        let fine = |made: &dyn Fn(u32) -> bool| {
            made(last) || world.access(user, None, At::Between(made), Invited::Nothing).is_administrator()
        };
        cells.extend(Cell::of(world.deciding(user), State::LockedOut, &first, fine).filter(|c| !c.is_harmless()));
    }
    let mut admins = headcount::administrators(&world);
    let needed = rules.admins_at_least.max(1).min(admins.bound);
    // A block does not wait for new administrators as long as enough old ones are left.
    if changes.iter().any(|(c, _)| matches!(c.reason(), Some(Why::Blocked { .. }))) {
        admins.bound = needed;
    }
    let mut counts: Vec<Count> =
        rules.seats.iter().map(|(class, n)| headcount::seats(&world, class, *n as usize)).collect();
    counts.push(admins);
    let ranks = ranks(changes, &graph);
    let mut before: Vec<Vec<u32>> = vec![Vec::new(); changes.len()];
    graph.edges.iter().for_each(|(a, b, _)| before[*b as usize].push(*a));
    before.iter_mut().for_each(|b| {
        b.sort_unstable();
        b.dedup();
    });
    let cells_of = by_change(changes.len(), cells.iter().map(|c| c.changes.clone()));
    let tight = |counts: &[Count]| {
        let groups = counts.iter().map(|c| if c.is_tight() { c.changes() } else { Vec::new() });
        by_change(changes.len(), groups)
    };
    let search = |cells: &[Cell], counts: &[Count], counts_of: &[Vec<u32>]| {
        let bounds = Bounds {
            size: changes.len(),
            before: &before,
            rank: &ranks,
            cells,
            cells_of: &cells_of,
            counts,
            counts_of,
            judge: &judge,
        };
        bounds.order()
    };
    let (mut losses, mut without_loss) = (Vec::new(), None);
    let mut found = search(&cells, &counts, &tight(&counts));
    if found.is_err()
        && let Some(admins) = counts.last_mut()
        && admins.bound > needed
    {
        admins.bound = needed;
        found = search(&cells, &counts, &tight(&counts));
    }
    let sequence = match found {
        Ok(sequence) => sequence,
        Err(stuck) => {
            let group: BTreeSet<u32> = stuck.changes.iter().copied().collect();
            let counts_of = tight(&counts);
            let again = |cells: &[Cell], counts_of: &[Vec<u32>]| search(cells, &counts, counts_of);
            let against = conflict(changes, &mut cells, &counts, &counts_of, &stuck, &again);
            accept(&mut cells, &group, &[State::Lost]);
            let Ok(sequence) = search(&cells, &counts, &counts_of) else { return Err(against) };
            losses = what_is_lost(&world, &judge, &mut cells, &sequence);
            without_loss = Some(against).filter(|_| !losses.is_empty());
            sequence
        }
    };

    let mut position = vec![0_u32; changes.len()];
    sequence.iter().enumerate().for_each(|(p, c)| position[*c as usize] = p as u32);
    let at = |c: u32| position[c as usize];
    let mut given = given;
    for cell in &cells {
        let edges = cell.edges(&at, &|a, b| given.contains(&(a, b)));
        given.extend(edges.iter().map(|(a, b, _)| (*a, *b)));
        graph.edges.extend(edges);
    }
    for count in counts.iter().filter(|c| c.is_tight()) {
        keep_count(&mut graph, count, &sequence);
    }
    let order = match graph.sort() {
        Ok(order) => order,
        // Every edge and gate keeps to one order, so this cannot be; the one order is safe as well.
        Err(_) => {
            let chain = sequence.windows(2).map(|p| (p[0], p[1], Reason::NothingGainedBetween));
            graph = Graph { size: changes.len(), edges: chain.collect(), gates: Vec::new() };
            sequence
        }
    };
    let edges = graph.spelled_out(&order);
    let waves = waves(changes, &order, &edges);
    let admins = counts.iter().find(|c| c.of == Of::Administrators);
    let administrators = admins.map(|c| administrators(&world, c, &waves)).unwrap_or_default();
    Ok(Found { edges, waves, administrators, losses, without_loss, after_lockout })
}

/// By change: the numbers of the groups that it is in.
fn by_change(size: usize, groups: impl Iterator<Item = Vec<u32>>) -> Vec<Vec<u32>> {
    let mut of: Vec<Vec<u32>> = vec![Vec::new(); size];
    for (number, group) in groups.enumerate() {
        group.into_iter().for_each(|c| of[c as usize].push(number as u32));
    }
    of
}

fn exclusive(world: &World<'_>, rules: &Rules) -> Vec<Vec<RoleId>> {
    let groups = rules.exclusive.iter();
    let known = groups.map(|g| g.iter().filter_map(|r| world.find_role(r)).collect::<Vec<RoleId>>());
    known.filter(|g| g.len() > 1).collect()
}

/// The cells in which something can be wrong; those that are alike together.
fn cells(judge: &Judge<'_, '_>, size: usize, first: &impl Fn(u32, u32) -> bool) -> Vec<Cell> {
    let mut alike: BTreeMap<(Vec<u32>, Vec<State>), usize> = BTreeMap::new();
    let mut cells: Vec<Cell> = Vec::new();
    for meeting in judge.world.meetings(size, !judge.exclusive.is_empty()) {
        let mut cell = Cell::new(meeting, judge, first);
        if cell.is_harmless() {
            continue;
        }
        if let Some(likeness) = cell.likeness() {
            if let Some(&known) = alike.get(&likeness) {
                let places = std::mem::take(&mut cell.places);
                cells[known].places.extend(places);
                continue;
            }
            alike.insert(likeness, cells.len());
        }
        cells.push(cell);
    }
    cells
}

fn accept(cells: &mut [Cell], group: &BTreeSet<u32>, what: &[State]) {
    for cell in cells.iter_mut().filter(|c| c.changes.iter().any(|x| group.contains(x))) {
        cell.accept(what);
    }
}

/// Blocks first, then what is added, what changes, and what goes.
fn ranks(changes: &Rows, hard: &Graph) -> Vec<(u8, u32)> {
    let mut before: Vec<Vec<u32>> = vec![Vec::new(); changes.len()];
    hard.edges.iter().for_each(|(a, b, _)| before[*b as usize].push(*a));
    let urgent = urgent(changes, |node| before[node as usize].clone());
    let rank = |(index, (change, _)): (usize, &(Change, Option<Location>))| {
        let class = match change.effect() {
            _ if urgent[index] => 0,
            Effect::Add => 1,
            Effect::Change => 2,
            Effect::Remove => 3,
        };
        (class, index as u32)
    };
    changes.iter().enumerate().map(rank).collect()
}

/// Blocks, and what must come before them.
fn urgent(changes: &[(Change, Option<Location>)], before: impl Fn(u32) -> Vec<u32>) -> Vec<bool> {
    let mut urgent = vec![false; changes.len()];
    let mut open: Vec<u32> = (0..changes.len() as u32)
        .filter(|i| matches!(changes[*i as usize].0.reason(), Some(Why::Blocked { .. })))
        .collect();
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut urgent[node as usize], true) {
            open.extend(before(node));
        }
    }
    urgent
}

/// Who applies loses the right to do so with the last change, if they lose it at all. Gives back the changes
/// for which that cannot be: those that depend on the loss, and those that take the right away as well.
///
/// Of the changes that decide whether the identity administers, the one is made last without which it still
/// does when everything else is made: with that one, the second part says who and which.
fn last_of_identity(
    situation: &Situation<'_>,
    world: &World<'_>,
    graph: &mut Graph,
) -> (Vec<u32>, Option<(UserId, u32)>) {
    let none = (Vec::new(), None);
    let Some(user) = situation.identity.and_then(|name| world.find_user(name)) else { return none };
    let administers = |at: At<'_>| world.access(user, None, at, Invited::Nothing).is_administrator();
    if !administers(At::Before) || administers(At::After) {
        return none;
    }
    let deciding = world.deciding(user);
    let keeps_all_but = |last: u32| administers(At::Between(&|c| c != last));
    let takes_alone = |one: u32| !administers(At::Between(&|c| c == one));
    // Where no single one is it, several take the right away: the account is disabled and gets another role.
    let several = || deciding.iter().copied().filter(|c| takes_alone(*c)).collect::<Vec<u32>>();
    let (last, others) = match deciding.iter().copied().find(|c| keeps_all_but(*c)) {
        Some(last) => (last, Vec::new()),
        // The first of them takes it, and the others come too late.
        None => match first_of(&several(), graph) {
            Some((last, others)) => (last, others),
            None => match deciding.last() {
                Some(last) => (*last, Vec::new()),
                None => return none,
            },
        },
    };
    let mut after: Vec<Vec<u32>> = vec![Vec::new(); graph.size];
    graph.edges.iter().for_each(|(a, b, _)| after[*a as usize].push(*b));
    let mut behind = BTreeSet::from([last]);
    let mut open = vec![last];
    while let Some(change) = open.pop() {
        open.extend(after[change as usize].iter().copied().filter(|c| behind.insert(*c)));
    }
    for other in (0..graph.size as u32).filter(|c| !behind.contains(c)) {
        graph.edge(other, last, Reason::NoSelfLockout);
    }
    (
        behind.into_iter().filter(|c| *c != last).chain(others).collect::<BTreeSet<u32>>().into_iter().collect(),
        Some((user, last)),
    )
}

/// Of some changes one that none of the others must come before, and the others.
fn first_of(some: &[u32], graph: &Graph) -> Option<(u32, Vec<u32>)> {
    let waits = |c: u32| graph.edges.iter().any(|(a, b, _)| *b == c && some.contains(a));
    let first = some.iter().copied().find(|c| !waits(*c)).or(some.first().copied())?;
    Some((first, some.iter().copied().filter(|c| *c != first).collect()))
}

/// Keeps a count in its bound in every interleaving: as many changes as there is room for are free, the
/// others wait for all that make room.
fn keep_count(graph: &mut Graph, count: &Count, sequence: &[u32]) {
    let (comes, goes) = count.weights();
    let (makes_room, takes_room, room, reason) = match count.of {
        Of::Administrators => (comes, goes, count.before() - count.bound, Reason::AdminRemains),
        Of::Seats(_) => (goes, comes, count.bound - count.before(), Reason::SeatsFit),
    };
    let mut room = room;
    let (mut waiting, mut first_wait) = (Vec::new(), None);
    for (place, change) in sequence.iter().enumerate() {
        let Some(&weight) = takes_room.get(change) else { continue };
        if waiting.is_empty() && weight <= room {
            room -= weight;
        } else {
            first_wait = first_wait.or(Some(place));
            waiting.push(*change);
        }
    }
    let makers: Vec<u32> =
        sequence.iter().copied().filter(|c| makes_room.contains_key(c) && !waiting.contains(c)).collect();
    let last_maker = sequence.iter().rposition(|c| makers.contains(c));
    match (first_wait, last_maker) {
        (Some(first), Some(last)) if last > first => {
            // They take turns: one after the other.
            let part = |c: &&u32| makes_room.contains_key(c) || takes_room.contains_key(c);
            let row: Vec<u32> = sequence.iter().filter(part).copied().collect();
            row.windows(2).for_each(|pair| graph.edge(pair[0], pair[1], reason));
        }
        (Some(_), _) => {
            // A change that takes room and makes it waits for those before it.
            graph.gate(&makers, &waiting, reason);
            let both = waiting.iter().any(|c| makes_room.contains_key(c));
            if both {
                waiting.windows(2).for_each(|pair| graph.edge(pair[0], pair[1], reason));
            }
        }
        (None, _) => {}
    }
}

/// What is lost for a moment in an order that was found when losses were accepted; where nothing is lost
/// in a cell, losses are forbidden there again.
fn what_is_lost(world: &World<'_>, judge: &Judge<'_, '_>, cells: &mut [Cell], sequence: &[u32]) -> Vec<Loss> {
    let mut lost: BTreeSet<(UserId, Option<ResourceId>)> = BTreeSet::new();
    let mut position = vec![0_usize; sequence.len()];
    sequence.iter().enumerate().for_each(|(p, c)| position[*c as usize] = p);
    for cell in cells {
        let mut row = cell.changes.clone();
        row.sort_by_key(|c| position[*c as usize]);
        let loses = (0..row.len()).any(|n| cell.state(judge, |c| row[..n].contains(&c)) == State::Lost);
        if loses {
            for (users, resource) in &cell.places {
                lost.extend(users.iter().map(|u| (*u, *resource)));
            }
        } else {
            cell.accept(&[]);
        }
    }
    let name = |(user, resource): (UserId, Option<ResourceId>)| Loss {
        user: world.user_name(user).to_owned(),
        resource: resource.map(|r| world.resource_name(r).to_owned()),
    };
    let mut losses: Vec<Loss> = lost.into_iter().map(name).collect();
    losses.sort();
    losses
}

/// Which rules contradict each other: those without any of which there would be an order.
fn conflict(
    changes: &Rows,
    cells: &mut [Cell],
    counts: &[Count],
    counts_of: &[Vec<u32>],
    stuck: &Stuck,
    search: &impl Fn(&[Cell], &[Vec<u32>]) -> Result<Vec<u32>, Stuck>,
) -> Conflict {
    let group: BTreeSet<u32> = stuck.changes.iter().copied().collect();
    let mut rules: BTreeSet<Reason> = BTreeSet::new();
    for what in [State::Lost, State::Gained, State::Exclusive] {
        accept(cells, &group, &[what]);
        if search(cells, counts_of).is_ok() {
            rules.insert(what.reason());
        }
    }
    accept(cells, &group, &[]);
    for (number, count) in counts.iter().enumerate() {
        let without: Vec<Vec<u32>> =
            counts_of.iter().map(|of| of.iter().copied().filter(|c| *c as usize != number).collect()).collect();
        if search(cells, &without).is_ok() {
            rules.insert(match count.of {
                Of::Administrators => Reason::AdminRemains,
                Of::Seats(_) => Reason::SeatsFit,
            });
        }
    }
    let mut between: BTreeSet<u32> = BTreeSet::new();
    for &cell in &stuck.cells {
        between.extend(&cells[cell as usize].changes);
        if rules.is_empty() {
            rules.insert(Reason::NothingGainedBetween);
        }
    }
    for &count in &stuck.counts {
        let all = counts[count as usize].changes();
        between.extend(all.into_iter().filter(|c| stuck.waiting.contains(c)));
    }
    if between.is_empty() {
        between.extend(&stuck.waiting);
    }
    // What stands in the way in most places first, as a grant of a team before the people who are in it; and
    // what could not be made before what could.
    let places = |change: &u32| stuck.cells.iter().filter(|c| cells[**c as usize].changes.contains(change)).count();
    let mut between: Vec<u32> = between.into_iter().collect();
    between.sort_by_cached_key(|c| (std::cmp::Reverse(places(c)), !stuck.waiting.contains(c), *c));
    let names: Vec<String> = between.into_iter().map(|i| told(&changes[i as usize].0)).collect();
    Conflict { rules: by_name(rules), changes: names, exhausted: stuck.exhausted }
}

/// How many administer before, after, and at the worst moment: inside a wave, all who go first.
fn administrators(world: &World<'_>, count: &Count, waves: &[u32]) -> Administrators {
    let may = world.may_administer();
    let mut lowest = count.before().min(count.after());
    let (_, goes) = count.weights();
    let last = waves.iter().copied().max().unwrap_or(0);
    for wave in 1..=last {
        if goes.keys().any(|c| waves[*c as usize] == wave) {
            let made = |c: u32| waves[c as usize] < wave || (waves[c as usize] == wave && goes.contains_key(&c));
            lowest = lowest.min(count.at(world, At::Between(&made)));
        }
    }
    Administrators {
        known: may.is_known(),
        before: count.before(),
        lowest,
        after: count.after(),
        with_invited: headcount::administrators_with_invited(world),
        untold: 0,
    }
}

/// The earliest wave of each change; blocks and what they need run before everything else.
fn waves(changes: &[(Change, Option<Location>)], order: &[u32], edges: &[(u32, u32, Reason)]) -> Vec<u32> {
    let before = |node: u32| {
        let from = edges.partition_point(|(_, after, _)| *after < node);
        edges[from..].iter().take_while(move |(_, after, _)| *after == node).map(|(b, ..)| *b)
    };
    let urgent = urgent(changes, |node| before(node).collect());
    let mut waves = vec![0_u32; changes.len()];
    let mut base = 0;
    for pass in [true, false] {
        for &node in order.iter().filter(|n| urgent[**n as usize] == pass) {
            let earlier = before(node).map(|b| waves[b as usize]).max().unwrap_or(0);
            waves[node as usize] = earlier.max(base) + 1;
        }
        base = waves.iter().copied().max().unwrap_or(0);
    }
    waves
}

fn number(changes: Vec<(Change, Option<Location>)>, edges: &[(u32, u32, Reason)], waves: &[u32]) -> Vec<Step> {
    let mut sequence: Vec<u32> = (0..changes.len() as u32).collect();
    sequence.sort_by_cached_key(|&i| {
        let change = &changes[i as usize].0;
        let object = change.object();
        (waves[i as usize], object.kind, object.name, change.effect(), i)
    });
    let mut id_of = vec![0_u32; changes.len()];
    for (place, &node) in sequence.iter().enumerate() {
        id_of[node as usize] = place as u32 + 1;
    }
    let mut after: Vec<Vec<Edge>> = vec![Vec::new(); changes.len()];
    for &(b, a, reason) in edges {
        after[a as usize].push(Edge { step: id_of[b as usize], reason });
    }
    let mut slots: Vec<Option<(Change, Option<Location>)>> = changes.into_iter().map(Some).collect();
    let mut steps = Vec::with_capacity(sequence.len());
    for &node in &sequence {
        let index = node as usize;
        let Some((change, declared)) = slots[index].take() else { continue };
        let mut after = std::mem::take(&mut after[index]);
        after.sort_unstable();
        steps.push(Step { id: id_of[index], wave: waves[index], change, declared, after });
    }
    steps
}
