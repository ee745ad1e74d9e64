//! Every moment of every apply, of many random organizations: checked with the naive model, over random
//! interleavings, and against an exhaustive search over all orders of a few changes.
//!
//! `ROLECALL_CASES` sets the number of cases (20,000 by default, over all tests here); `ROLECALL_SEED` the first
//! seed, to repeat one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::end::end_state;
use super::testing::{everything, planned, read, today};
use super::{Reason, Step, TargetPlan};
use crate::access::naive::Naive;
use crate::access::{self, Asker, At};
use crate::model::*;

/// A small and good enough source of numbers (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// What kind of system it is.
struct World {
    catalogue: Catalogue,
    /// Role lines.
    roles: Vec<(&'static str, &'static str)>,
    on_users: Vec<&'static str>,
    on_teams: Vec<&'static str>,
    on_resources: Vec<&'static str>,
}

impl World {
    /// The name of a resource: below a team where resources belong to teams.
    fn thing(&self, id: usize) -> String {
        if self.catalogue.binds_teams() { format!("p/t{}/{id}", id % 2) } else { format!("p/{id}") }
    }
}

/// A built-in catalogue, with what it says of its richest kind of resource said of the kind of these tests.
fn builtin(name: &str) -> World {
    // The tests read words: names without spaces, kept as long as the process.
    fn word(name: &str) -> &'static str {
        Box::leak(name.replace(' ', "_").into_boxed_str())
    }
    let mut catalogue = crate::config::builtin_catalogue(&crate::targets::PROFILES, name).unwrap();
    catalogue.roles = catalogue.roles.into_iter().map(|(n, r)| (word(&n).to_owned(), r)).collect();
    for role in catalogue.roles.values_mut() {
        role.caps_at = role.caps_at.take().map(|c| word(&c).to_owned());
    }
    let mut kind = catalogue.kinds.values().max_by_key(|k| k.roles.len()).cloned().unwrap_or_default();
    kind.roles = kind.roles.iter().map(|r| word(r).to_owned()).collect();
    kind.parents = vec!["p".to_owned()];
    let on_resources: Vec<&'static str> = kind.roles.iter().map(|r| word(r)).collect();
    catalogue.kinds.insert("p".to_owned(), kind);
    let places = |place: Place| {
        let mut all: Vec<&'static str> = catalogue.roles_for(place).map(word).collect();
        all.push("admin");
        all
    };
    let (on_users, on_teams) = (places(Place::User), places(Place::Team));
    let known = ["admin", "viewer", "use", "edit"];
    let lines = catalogue.roles.iter().filter(|(n, _)| !known.contains(&n.as_str()));
    let roles = lines.map(|(n, r)| (word(n), word(&r.permissions.clone().unwrap_or_default().join(",")))).collect();
    let on_resources = if on_resources.is_empty() { on_users.clone() } else { on_resources };
    World { roles, on_users, on_teams, on_resources, catalogue }
}

fn role(permissions: &str, places: &[Place]) -> CatalogueRole {
    CatalogueRole {
        permissions: Some(permissions.split(',').filter(|p| !p.is_empty()).map(str::to_owned).collect()),
        places: places.to_vec(),
        ..CatalogueRole::default()
    }
}

fn worlds() -> Vec<World> {
    let people = [Place::User, Place::Team, Place::Member];
    let plain = World {
        catalogue: Catalogue::default(),
        roles: vec![("left", "l"), ("right", "r"), ("both", "l,r"), ("mystery", "")],
        on_users: vec!["admin", "viewer", "left", "mystery"],
        on_teams: vec!["admin", "left", "right"],
        on_resources: vec!["use", "edit", "left", "right", "both", "mystery"],
    };
    let mut capped = Catalogue { name: "capped".into(), ..Catalogue::default() };
    let seat = Some("paid".to_owned());
    capped.roles.insert("admin".into(), CatalogueRole { administers: true, seat, ..role("use,edit,rule", &people) });
    capped.roles.insert("guest".into(), CatalogueRole { caps_at: Some("use".into()), ..role("look", &people) });
    capped.roles.insert("maker".into(), CatalogueRole { seat: Some("paid".into()), ..role("look,make", &people) });
    capped.roles.insert("use".into(), role("use", &[Place::Resource]));
    capped.roles.insert("edit".into(), role("edit,use", &[Place::Resource]));
    let kind = ResourceKind {
        roles: vec!["use".into(), "edit".into()],
        parents: vec!["p".into()],
        visibility: true,
        grants: true,
        owner: Some("edit".into()),
        everyone: Some("use".into()),
        ..ResourceKind::default()
    };
    capped.kinds.insert("p".into(), kind);
    let capped = World {
        catalogue: capped,
        roles: vec![("guest", "look"), ("maker", "look,make")],
        on_users: vec!["admin", "guest", "maker", "maker"],
        on_teams: vec!["maker", "guest"],
        on_resources: vec!["use", "edit"],
    };
    let mut highest = Catalogue { name: "highest".into(), combine: Combine::Highest, ..Catalogue::default() };
    highest.roles.insert("admin".into(), CatalogueRole { administers: true, ..role("use,edit,rule", &people) });
    for (name, permissions, tier) in [("see", "see", 1), ("ask", "ask", 2), ("model", "see,model", 3)] {
        highest.roles.insert(name.into(), CatalogueRole { tier: Some(tier), ..role(permissions, &[Place::Resource]) });
    }
    let roles = vec!["see".into(), "ask".into(), "model".into()];
    highest.kinds.insert("p".into(), ResourceKind { roles, grants: true, ..ResourceKind::default() });
    let highest = World {
        catalogue: highest,
        roles: vec![("see", "see"), ("ask", "ask"), ("model", "see,model")],
        on_users: vec!["admin", "viewer"],
        on_teams: vec!["viewer"],
        on_resources: vec!["see", "ask", "model"],
    };
    let mut bound = Catalogue { name: "bound".into(), ..Catalogue::default() };
    let kind = ResourceKind { parents: vec!["p".into()], grants: true, of_team: true, ..ResourceKind::default() };
    bound.kinds.insert("p".into(), kind);
    let bound = World {
        catalogue: bound,
        roles: plain.roles.clone(),
        on_users: plain.on_users.clone(),
        on_teams: plain.on_teams.clone(),
        on_resources: plain.on_resources.clone(),
    };
    let mut all = vec![plain, capped, highest, bound];
    all.extend(["strongly", "paradime", "omni", "terminusdb", "scim"].map(builtin));
    all
}

#[derive(Clone, Default)]
struct Account {
    role: Option<&'static str>,
    disabled: bool,
    service: bool,
}

#[derive(Clone, Default)]
struct Group {
    role: Option<&'static str>,
    outer: Option<usize>,
    lead: Option<usize>,
}

#[derive(Clone, Default)]
struct Thing {
    parent: Option<usize>,
    owner: Option<usize>,
    visibility: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum To {
    User(usize),
    Team(usize),
    Everyone,
}

/// An organization, by numbers.
#[derive(Clone, Default)]
struct Org {
    users: BTreeMap<usize, Account>,
    teams: BTreeMap<usize, Group>,
    members: BTreeMap<(usize, usize), Option<&'static str>>,
    things: BTreeMap<usize, Thing>,
    grants: BTreeMap<(usize, To), BTreeSet<(&'static str, bool)>>,
    /// The permissions of `left`, where they are edited.
    left: bool,
}

/// How many users, teams and resources there can be: where there are few, changes meet more often.
type Size = (usize, usize, usize);
const WIDE: Size = (5, 4, 3);
const DENSE: Size = (3, 2, 1);

impl Org {
    fn random(dice: &mut Dice, world: &World, size: Size) -> Self {
        let mut org = Self::default();
        for user in 0..size.0 {
            if !dice.one_in(4) {
                org.edit_user(dice, world, user);
            }
        }
        for _ in 0..14 {
            org.edit(dice, world, size);
        }
        org
    }

    fn edit_user(&mut self, dice: &mut Dice, world: &World, user: usize) {
        let role = (!dice.one_in(6)).then(|| dice.pick(&world.on_users));
        self.users.insert(user, Account { role, disabled: dice.one_in(5), service: dice.one_in(9) });
    }

    fn edit(&mut self, dice: &mut Dice, world: &World, size: Size) {
        let (user, team, thing) = (dice.below(size.0), dice.below(size.1), dice.below(size.2));
        match dice.below(20) {
            0 | 1 => self.edit_user(dice, world, user),
            2 if dice.one_in(2) => drop(self.users.remove(&user)),
            3 | 4 => {
                let outer = (!dice.one_in(3)).then(|| dice.below(size.1)).filter(|o| *o < team);
                let role = dice.one_in(3).then(|| dice.pick(&world.on_teams));
                let lead = dice.one_in(3).then_some(user);
                self.teams.insert(team, Group { role, outer, lead });
            }
            5 if dice.one_in(2) => drop(self.teams.remove(&team)),
            6..=8 => {
                let role = dice.one_in(4).then(|| dice.pick(&world.on_users));
                self.members.insert((team, user), role);
            }
            9 | 10 => drop(self.members.remove(&(team, user))),
            11 | 12 => {
                let parent = (!dice.one_in(3)).then(|| dice.below(size.2)).filter(|p| *p < thing);
                let owner = dice.one_in(3).then_some(user);
                self.things.insert(thing, Thing { parent, owner, visibility: dice.below(4) });
            }
            13 if dice.one_in(3) => drop(self.things.remove(&thing)),
            14 if dice.one_in(2) => self.left = !self.left,
            n => {
                let to = match dice.below(5) {
                    0 | 1 => To::User(user),
                    2 | 3 => To::Team(team),
                    _ => To::Everyone,
                };
                if n > 17 {
                    self.grants.remove(&(thing, to));
                } else {
                    let ended = dice.one_in(12);
                    let mut roles = BTreeSet::from([(dice.pick(&world.on_resources), ended)]);
                    if dice.one_in(4) {
                        roles.insert((dice.pick(&world.on_resources), false));
                    }
                    let mut seen = BTreeSet::new();
                    roles.retain(|(r, _)| seen.insert(*r));
                    self.grants.insert((thing, to), roles);
                }
            }
        }
    }

    fn words(&self, world: &World) -> String {
        let mut text = String::new();
        for (name, permissions) in &world.roles {
            let more = if *name == "left" && self.left { ",more" } else { "" };
            text += &format!("role {name} {permissions}{more}\n");
        }
        let said = |key: &str, value: Option<String>| value.map(|v| format!(" {key}={v}")).unwrap_or_default();
        for (id, user) in &self.users {
            let state = user.disabled.then(|| "disabled".to_owned());
            let kind = user.service.then(|| "service".to_owned());
            text += &format!(
                "user u{id}{}{}{}\n",
                said("role", user.role.map(str::to_owned)),
                said("state", state),
                said("kind", kind)
            );
        }
        let user = |id: &usize| self.users.contains_key(id);
        for (id, team) in &self.teams {
            let outer = team.outer.filter(|o| self.teams.contains_key(o)).map(|o| format!("t{o}"));
            let active = |u: &usize| self.users.get(u).is_some_and(|a| !a.disabled);
            let lead = team.lead.filter(|u| active(u) && self.members.contains_key(&(*id, *u)));
            let lead = lead.map(|u| format!("u{u}"));
            text += &format!(
                "team t{id}{}{}{}\n",
                said("role", team.role.map(str::to_owned)),
                said("in", outer),
                said("leads", lead)
            );
        }
        for ((team, who), role) in &self.members {
            if self.teams.contains_key(team) && user(who) {
                text += &format!("member t{team} u{who}{}\n", said("role", role.map(str::to_owned)));
            }
        }
        for (id, thing) in &self.things {
            let parent = thing.parent.filter(|p| self.things.contains_key(p)).map(|p| world.thing(p));
            let owner = thing.owner.filter(user).map(|u| format!("u{u}"));
            let seen = ["restricted", "restricted", "private", "everyone"][thing.visibility].to_owned();
            let name = world.thing(*id);
            text += &format!("res {name}{}{} vis={seen}\n", said("in", parent), said("owner", owner));
        }
        for ((thing, to), roles) in &self.grants {
            let to = match to {
                To::User(u) if user(u) => format!("u{u}"),
                To::Team(t) if self.teams.contains_key(t) => format!("team/t{t}"),
                To::Everyone => "everyone".to_owned(),
                _ => continue,
            };
            for (role, ended) in roles.iter().filter(|_| self.things.contains_key(thing)) {
                let until = if *ended { " until=2026-05-31" } else { "" };
                text += &format!("grant {} {to} {role}{until}\n", world.thing(*thing));
            }
        }
        text
    }
}

/// One case: from one organization to another.
struct Case {
    live: Directory,
    desired: Desired<()>,
    text: String,
}

fn case(seed: u64, worlds: &[World], edits: usize) -> Case {
    let mut dice = Dice(seed);
    // The built-in ones in one of four cases: the others have more of what can go wrong.
    let world = &worlds[if dice.one_in(4) { dice.below(worlds.len()) } else { dice.below(4) }];
    let size = if seed.is_multiple_of(2) { WIDE } else { DENSE };
    let before = Org::random(&mut dice, world, size);
    let mut after = before.clone();
    for _ in 0..edits {
        after.edit(&mut dice, world, size);
    }
    // Who is not there is as good as disabled.
    for (id, user) in &mut after.users {
        user.disabled &= before.users.contains_key(id);
    }
    let (was, is) = (before.words(world), after.words(world));
    let (live, _) = read(&was, true);
    let mut desired = everything(read(&is, true));
    desired.catalogue = Arc::new(world.catalogue.clone());
    desired.rules.removal.users = UserRemoval::Delete;
    desired.rules.admins_at_least = 1 + dice.below(2);
    if dice.one_in(if size == DENSE { 2 } else { 3 }) {
        // Some exclude each other and have a permission in common: what is kept is in the way then.
        let pairs = if world.catalogue.name == "capped" {
            [["guest", "maker"]; 2]
        } else {
            [["left", "right"], ["both", "left"]]
        };
        let pair = dice.pick(&pairs);
        desired.rules.exclusive = vec![pair.iter().map(|r| (*r).into()).collect()];
    }
    if dice.one_in(3) {
        desired.rules.seats.insert("paid".into(), dice.below(4) as u32);
    } else if size == DENSE {
        // Just as many as are taken.
        let taken = live.users().iter().filter(|u| {
            let role = u.role.value().map(|r| &*live.role(*r).name);
            u.state == UserState::Active && matches!(role, Some("maker" | "admin"))
        });
        desired.rules.seats.insert("paid".into(), taken.count() as u32);
    }
    Case { live, desired, text: format!("seed {seed}\n{was}\n{is}") }
}

/// What the naive model says of one state.
#[derive(Clone)]
struct Seen {
    resources: BTreeSet<String>,
    access: BTreeMap<(String, Option<String>), BTreeSet<String>>,
    admins: usize,
    seats: usize,
    clashes: BTreeSet<(String, Option<String>)>,
    stray_leads: BTreeSet<(String, String)>,
}

fn look(state: &Naive, desired: &Desired<()>) -> Seen {
    let catalogue = &desired.catalogue;
    let mut access = BTreeMap::new();
    let mut clashes = BTreeSet::new();
    let places: Vec<Option<String>> = std::iter::once(None).chain(state.resources.keys().cloned().map(Some)).collect();
    for user in state.users.keys() {
        for place in &places {
            let found = state.access(catalogue, today(), user, place.as_deref());
            if !desired.rules.exclusive.is_empty() {
                let held = state.roles_on(catalogue, user, place.as_deref(), today());
                for group in &desired.rules.exclusive {
                    if group.iter().filter(|r| held.contains(&***r)).count() > 1 {
                        clashes.insert((user.clone(), place.clone()));
                    }
                }
            }
            if !found.is_empty() {
                access.insert((user.clone(), place.clone()), found);
            }
        }
    }
    let admin = |u: &&UserRecord| {
        u.kind.counts_as_admin() && access.get(&(u.email.clone(), None)).is_some_and(|a| a.contains("ADMIN"))
    };
    let seat = |u: &&UserRecord| {
        let role = u.role.as_deref().and_then(|r| catalogue.role(r));
        u.state == UserState::Active && role.is_some_and(|(_, r)| r.seat.as_deref() == Some("paid"))
    };
    let mut stray_leads = BTreeSet::new();
    for team in state.teams.values() {
        for lead in &team.leads {
            let member = state.members.contains_key(&(team.name.clone(), lead.clone()));
            if !member || state.users.get(lead).is_none_or(|u| u.state != UserState::Active) {
                stray_leads.insert((team.name.clone(), lead.clone()));
            }
        }
    }
    Seen {
        resources: state.resources.keys().cloned().collect(),
        admins: state.users.values().filter(admin).count(),
        seats: state.users.values().filter(seat).count(),
        access,
        clashes,
        stray_leads,
    }
}

/// The bounds between two ends.
struct Ends<'d> {
    before: Seen,
    after: Seen,
    desired: &'d Desired<()>,
    universe: BTreeSet<String>,
}

impl<'d> Ends<'d> {
    fn new(before: &Naive, after: &Naive, desired: &'d Desired<()>) -> Self {
        let (before, after) = (look(before, desired), look(after, desired));
        let universe = before.access.values().chain(after.access.values()).flatten().cloned().collect();
        Self { before, after, desired, universe }
    }

    /// What somebody has; everything stands for whatever there is. On what is not there, they have what
    /// they have everywhere.
    fn spread(&self, key: &(String, Option<String>), of: &Seen, now: &Seen) -> BTreeSet<String> {
        let there = key.1.as_ref().is_none_or(|r| of.resources.contains(r));
        let found = if there { of.access.get(key) } else { of.access.get(&(key.0.clone(), None)) };
        match found {
            None => BTreeSet::new(),
            Some(all) if all.contains("ADMIN") => {
                self.universe.iter().chain(now.access.values().flatten()).cloned().chain(["ADMIN".to_owned()]).collect()
            }
            Some(some) => some.clone(),
        }
    }

    /// What is wrong with a state, without losses; and whom it makes lose what.
    fn judge(&self, now: &Seen) -> (Option<String>, BTreeSet<(String, Option<String>)>) {
        let keys: BTreeSet<&(String, Option<String>)> =
            now.access.keys().chain(self.before.access.keys()).chain(self.after.access.keys()).collect();
        let mut losses = BTreeSet::new();
        for key in keys {
            let of = |seen: &Seen| self.spread(key, seen, now);
            let (before, after, now) = (of(&self.before), of(&self.after), of(now));
            let gained: Vec<&String> = now.iter().filter(|p| !before.contains(*p) && !after.contains(*p)).collect();
            if !gained.is_empty() {
                return (Some(format!("{key:?} gains {gained:?}")), losses);
            }
            if before.iter().any(|p| after.contains(p) && !now.contains(p)) {
                losses.insert(key.clone());
            }
        }
        let needed = self.desired.rules.admins_at_least.min(self.before.admins).min(self.after.admins);
        if now.admins < needed {
            return (Some(format!("{} administrators, {needed} needed", now.admins)), losses);
        }
        for cap in self.desired.rules.seats.values() {
            let most = (*cap as usize).max(self.before.seats).max(self.after.seats);
            if now.seats > most {
                return (Some(format!("{} seats taken of {most}", now.seats)), losses);
            }
        }
        let known = |c: &&(String, Option<String>)| {
            [&self.before, &self.after].into_iter().any(|seen| {
                let there = c.1.as_ref().is_none_or(|r| seen.resources.contains(r));
                seen.clashes.contains(&(c.0.clone(), c.1.clone().filter(|_| there)))
            })
        };
        if let Some(clash) = now.clashes.iter().find(|c| !known(c)) {
            return (Some(format!("{clash:?} holds exclusive roles")), losses);
        }
        let known = |l: &&(String, String)| self.before.stray_leads.contains(*l) || self.after.stray_leads.contains(*l);
        if let Some(lead) = now.stray_leads.iter().find(|l| !known(l)) {
            return (Some(format!("{lead:?} leads without being an active member")), losses);
        }
        (None, losses)
    }
}

/// A random order that keeps to the edges alone: whatever a wave, a failure or a crash can leave behind is
/// the beginning of one.
fn interleaving(steps: &[Step], dice: &mut Dice) -> Vec<usize> {
    let mut left: Vec<usize> = (0..steps.len()).collect();
    let mut made: BTreeSet<u32> = BTreeSet::new();
    let mut order = Vec::new();
    // Sometimes the last ones first: what is rare otherwise.
    let backwards = dice.one_in(3);
    while !left.is_empty() {
        let ready: Vec<usize> =
            left.iter().copied().filter(|i| steps[*i].after.iter().all(|e| made.contains(&e.step))).collect();
        let next = if backwards { *ready.last().unwrap() } else { dice.pick(&ready) };
        left.retain(|i| *i != next);
        made.insert(steps[next].id);
        order.push(next);
    }
    order
}

/// Whether there is any order at all, and whether there is one in which nothing is lost either: over every
/// order of the changes.
fn exhaustive(start: &Naive, steps: &[Step], ends: &Ends<'_>, may_lose: bool) -> bool {
    let mut seen: BTreeSet<u32> = BTreeSet::from([0]);
    let mut open: Vec<(u32, Naive)> = vec![(0, start.clone())];
    let full = (1_u32 << steps.len()) - 1;
    while let Some((set, state)) = open.pop() {
        if set == full {
            return true;
        }
        for (i, step) in steps.iter().enumerate().filter(|(i, _)| set & (1 << i) == 0) {
            let mut next = state.clone();
            if seen.contains(&(set | 1 << i)) || next.apply(&step.change).is_err() {
                continue;
            }
            let (wrong, losses) = ends.judge(&look(&next, ends.desired));
            if wrong.is_none() && (may_lose || losses.is_empty()) {
                seen.insert(set | 1 << i);
                open.push((set | 1 << i, next));
            }
        }
    }
    false
}

fn no_order(plan: &TargetPlan) -> bool {
    plan.guards
        .iter()
        .any(|v| v.message.starts_with("there is no order") || v.message.starts_with("the search for an order"))
}

/// How an order was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Any order would have done.
    Freely,
    /// Some changes had to come before others.
    Chosen,
    /// Only with a loss for a moment.
    WithLoss,
    /// Not at all.
    None,
}

/// Checks one case.
fn check(seed: u64, worlds: &[World], edits: usize, oracle: bool) -> How {
    let Case { live, desired, text } = case(seed, worlds, edits);
    let plan = planned(&desired, &live);
    let (start, goal) = (Naive::of(&live), Naive::of(&desired.directory));
    let ends = Ends::new(&start, &goal, &desired);
    if no_order(&plan) {
        if oracle && plan.steps.len() <= 7 {
            let any = exhaustive(&start, &plan.steps, &ends, true);
            assert!(!any, "there is an order, and none was found: {:?}\n{text}", plan.guards);
        }
        return How::None;
    }
    let losses: BTreeSet<(String, Option<String>)> =
        plan.losses.iter().map(|l| (l.user.clone(), l.resource.clone())).collect();
    if !losses.is_empty() && oracle && plan.steps.len() <= 7 {
        let any = exhaustive(&start, &plan.steps, &ends, false);
        assert!(!any, "there is an order without a loss: {losses:?}\n{text}");
    }
    let mut dice = Dice(seed ^ 0xABCD);
    for _ in 0..2 {
        let order = interleaving(&plan.steps, &mut dice);
        let mut now = start.clone();
        for (place, &index) in order.iter().enumerate() {
            now.apply(&plan.steps[index].change).unwrap_or_else(|e| panic!("{e}: {:?}\n{text}", plan.steps[index]));
            if place + 1 == order.len() {
                break;
            }
            let (wrong, lost) = ends.judge(&look(&now, &desired));
            let made: Vec<_> = order[..=place].iter().map(|i| super::testing::line(&plan.steps[*i])).collect();
            assert!(
                wrong.is_none(),
                "{} after {made:?}\n{:?}\n{text}",
                wrong.unwrap(),
                plan.steps.iter().map(|s| (super::testing::line(s), &s.after)).collect::<Vec<_>>()
            );
            // What follows from the loss of everything is not named again.
            let named = |l: &&(String, Option<String>)| losses.contains(*l) || losses.contains(&(l.0.clone(), None));
            assert!(lost.iter().all(|l| named(&l)), "{lost:?} after {made:?}, named {losses:?}\n{text}");
        }
        assert_eq!(now, goal, "{text}");
    }
    let case = Case { live, desired, text };
    access_agrees(&case, &plan, [&start, &goal], &mut dice);
    after_a_crash(&case, &plan, &goal, &mut dice);
    match () {
        () if !losses.is_empty() => How::WithLoss,
        () if plan.steps.iter().any(|s| s.after.iter().any(|e| is_chosen(e.reason))) => How::Chosen,
        () => How::Freely,
    }
}

/// The access difference is the naive comparison of all users on all resources, and `explain` says of somebody
/// what the naive model says.
fn access_agrees(case: &Case, plan: &TargetPlan, ends: [&Naive; 2], dice: &mut Dice) {
    let Case { live, desired, text } = case;
    let changes: Vec<&Change> = plan.steps.iter().map(|s| &s.change).collect();
    let told = access::tests::check(live, &desired.catalogue, &changes, true);
    assert_eq!(told.as_ref(), Ok(&plan.access), "{text}");
    let world = access::World::with(live, &desired.catalogue, today(), changes.iter().copied());
    for (at, naive) in [(At::Before, ends[0]), (At::After, ends[1])] {
        let asker = Asker::new(&world, at, None);
        let users: Vec<&String> = naive.users.keys().collect();
        let resources: Vec<&String> = naive.resources.keys().collect();
        if users.is_empty() || resources.is_empty() {
            continue;
        }
        let (user, on) = (dice.pick(&users), dice.pick(&resources));
        let (id, resource) = (world.find_user(user).unwrap(), world.find_resource(on));
        let real = naive.access(&desired.catalogue, today(), user, Some(on));
        let told = asker.explain("home", id, resource, None);
        assert_eq!(told.administers, real.contains("ADMIN"), "{user} on {on}\n{text}");
        assert_eq!(told.can.is_yes(), !real.is_empty(), "{user} on {on}\n{text}");
        // Plain words are permissions; where roles stand for themselves, the names are not in them.
        if !told.administers && desired.catalogue.combine == Combine::Union {
            let plain: Vec<String> = real.iter().filter(|w| !w.starts_with('?')).cloned().collect();
            assert_eq!(told.permissions, plain, "{user} on {on}\n{text}");
        }
    }
}

/// Cut off anywhere, what is planned then leads to the end as well, and never out of the bounds of the plan
/// that was begun.
fn after_a_crash(case: &Case, plan: &TargetPlan, goal: &Naive, dice: &mut Dice) {
    let Case { live, desired, text } = case;
    if plan.steps.len() < 2 || !plan.losses.is_empty() {
        return;
    }
    let order = interleaving(&plan.steps, dice);
    let made = 1 + dice.below(order.len() - 1);
    let changes: Vec<&Change> = order[..made].iter().map(|i| &plan.steps[*i].change).collect();
    let middle = end_state(live, changes.iter().copied());
    let mut now = Naive::of(live);
    changes.iter().for_each(|c| now.apply(c).unwrap());
    assert_eq!(Naive::of(&middle), now, "{text}");
    let again = planned(desired, &middle);
    // What is bounded by two ends closer together can need a consent to a short loss, or two applies.
    if no_order(&again) || !again.losses.is_empty() {
        return;
    }
    let ends = Ends::new(&Naive::of(live), goal, desired);
    for index in interleaving(&again.steps, dice) {
        now.apply(&again.steps[index].change).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let (wrong, lost) = ends.judge(&look(&now, desired));
        assert!(wrong.is_none() && lost.is_empty(), "{wrong:?} {lost:?} after a crash\n{text}");
    }
    assert_eq!(now, *goal, "after a crash\n{text}");
}

fn is_chosen(reason: Reason) -> bool {
    !matches!(
        reason,
        Reason::ExistsBeforeUse
            | Reason::FreeBeforeDelete
            | Reason::NameBeforeUse
            | Reason::DisableFirst
            | Reason::UpdateBeforeEnable
    )
}

fn cases(default: u64) -> (u64, u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let all = number("ROLECALL_CASES").map_or(default, |n| n * default / 20_000);
    (number("ROLECALL_SEED").unwrap_or(1), all.max(1))
}

fn count(of: &[How], what: How) -> usize {
    of.iter().filter(|h| **h == what).count()
}

#[test]
fn a_few_changes_against_every_order_of_them() {
    let worlds = worlds();
    let (first, cases) = cases(12_000);
    let found: Vec<How> =
        (first..first + cases).map(|seed| check(seed, &worlds, 3 + (seed % 5) as usize, true)).collect();
    if cases >= 10_000 {
        let met = (count(&found, How::Chosen), count(&found, How::WithLoss), count(&found, How::None));
        assert!(met.0 > 500 && met.1 > 0 && met.2 > 0, "too few orders, losses and conflicts were met: {met:?}");
    }
}

#[test]
fn many_changes_in_random_interleavings() {
    let worlds = worlds();
    let (first, cases) = cases(8_000);
    let first = first + 1_000_000_000;
    let found: Vec<How> =
        (first..first + cases).map(|seed| check(seed, &worlds, 6 + (seed % 14) as usize, false)).collect();
    let met = (count(&found, How::Chosen), count(&found, How::WithLoss), count(&found, How::None));
    assert!(met.0 * 5 > found.len(), "too few orders were a matter of choice: {met:?}");
}
