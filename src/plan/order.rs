//! The order of the changes: a graph of "this before that" with reasons, and waves in which any
//! interleaving is safe.

use std::fmt;

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::mentions::mentions;
use crate::diagnostic::Location;
use crate::invariants::{Part, parts};
use crate::model::{
    Change, Directory, GrantedRole, Kind, Permissions, PrincipalRecord, Rules, TeamId, TeamRecord, UserId, Why,
};

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
    /// New administrators are there before old ones go.
    AdminRemains,
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
            Self::AdminRemains => "admin-remains",
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
            Self::AdminRemains => "new administrators are there before old ones go",
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

/// The ordered steps, and what each does to who administers, in the same order.
#[derive(Debug, Default)]
pub struct Ordered {
    /// The steps, by number.
    pub steps: Vec<Step>,
    /// By step.
    pub parts: Vec<Part>,
    /// Changes for which there is no order, with the reasons that contradict each other; empty unless
    /// rolecall is at its wit's end.
    pub conflicts: Vec<String>,
}

/// Orders changes. Deterministic, and linear but for a sort.
///
/// A circle of reasons is first broken by taking changes apart that can be made in two steps, then by giving up the order of
/// administrators inside it (the check of `admin-remains` judges the outcome), and is a conflict
/// otherwise.
#[must_use]
pub fn order(live: &Directory, changes: Vec<(Change, Option<Location>)>, rules: &Rules) -> Ordered {
    let mut changes = changes;
    let (mut graph, mut parts_of) = build(live, &changes, rules);
    let mut conflicts = Vec::new();
    let mut sorted = graph.sort();
    if let Err(stuck) = &sorted
        && split(&mut changes, stuck)
    {
        (graph, parts_of) = build(live, &changes, rules);
        sorted = graph.sort();
    }
    // The weakest reasons are given up first, and only among those that are stuck.
    let weakest = [
        Reason::AdminRemains,
        Reason::NothingGainedBetween,
        Reason::DisableFirst,
        Reason::UpdateBeforeEnable,
        Reason::LeadIsMember,
        Reason::NameBeforeUse,
        Reason::FreeBeforeDelete,
        Reason::ExistsBeforeUse,
    ];
    for reason in weakest {
        let Err(stuck) = &sorted else { break };
        let stuck: std::collections::BTreeSet<u32> = stuck.iter().copied().collect();
        if reason != Reason::AdminRemains && conflicts.is_empty() {
            conflicts = stuck.iter().take(6).map(|i| changes[*i as usize].0.object().to_string()).collect();
        }
        graph.edges.retain(|(a, b, r)| *r != reason || !stuck.contains(a) || !stuck.contains(b));
        for gate in graph.gates.iter_mut().filter(|g| g.reason == reason) {
            gate.before.retain(|n| !stuck.contains(n));
        }
        graph.gates.retain(|g| !g.before.is_empty());
        sorted = graph.sort();
    }
    let order = match sorted {
        Ok(order) => order,
        Err(_) => return Ordered { conflicts, ..Ordered::default() },
    };
    let edges = graph.spelled_out(&order);
    let waves = waves(&changes, &order, &edges);
    Ordered { conflicts, ..number(changes, &parts_of, &edges, &waves) }
}

/// The earliest wave of each change; blocks and what they need run before everything else.
fn waves(changes: &[(Change, Option<Location>)], order: &[u32], edges: &[(u32, u32, Reason)]) -> Vec<u32> {
    let before = |node: u32| {
        let from = edges.partition_point(|(_, after, _)| *after < node);
        edges[from..].iter().take_while(move |(_, after, _)| *after == node).map(|(b, ..)| *b)
    };
    let mut urgent = vec![false; changes.len()];
    let mut open: Vec<u32> = (0..changes.len() as u32)
        .filter(|i| matches!(changes[*i as usize].0.reason(), Some(Why::Blocked { .. })))
        .collect();
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut urgent[node as usize], true) {
            open.extend(before(node));
        }
    }
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

fn number(
    changes: Vec<(Change, Option<Location>)>,
    parts: &[Part],
    edges: &[(u32, u32, Reason)],
    waves: &[u32],
) -> Ordered {
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
    let mut ordered = Ordered::default();
    for &node in &sequence {
        let index = node as usize;
        let Some((change, declared)) = slots[index].take() else { continue };
        let mut after = std::mem::take(&mut after[index]);
        after.sort_unstable();
        ordered.steps.push(Step { id: id_of[index], wave: waves[index], change, declared, after });
        ordered.parts.push(parts[index]);
    }
    ordered
}

/// Takes changes apart that are on a circle and can be made in two steps: leads are set without those
/// who go, then with those who come; a team gets its role, then its place.
fn split(changes: &mut Vec<(Change, Option<Location>)>, stuck: &[u32]) -> bool {
    let mut more = Vec::new();
    for &index in stuck {
        let (change, declared) = &mut changes[index as usize];
        match change {
            Change::SetLeads { team, before, after } => {
                let both: Vec<String> = after.iter().filter(|l| before.contains(l)).cloned().collect();
                if both.len() < before.len() && both.len() < after.len() {
                    let (team, before) = (team.clone(), both.clone());
                    let after = std::mem::replace(after, both);
                    more.push((Change::SetLeads { team, before, after }, declared.clone()));
                }
            }
            Change::UpdateTeam { before, after } if before.role != after.role && before.outer != after.outer => {
                let between = TeamRecord { outer: before.outer.clone(), ..after.clone() };
                let after = std::mem::replace(after, between.clone());
                more.push((Change::UpdateTeam { before: between, after }, declared.clone()));
            }
            _ => {}
        }
    }
    let split = !more.is_empty();
    changes.extend(more);
    split
}

/// Things by name, and the changes that make, delete or name them.
#[derive(Default)]
struct Names<'c> {
    created: FxHashMap<(Kind, &'c str), u32>,
    deleted: FxHashMap<(Kind, &'c str), u32>,
    named: FxHashMap<(Kind, &'c str), u32>,
    freed: FxHashMap<(Kind, &'c str), u32>,
}

fn build(live: &Directory, changes: &[(Change, Option<Location>)], rules: &Rules) -> (Graph, Vec<Part>) {
    let mut graph = Graph { size: changes.len(), ..Graph::default() };
    let names = names(changes);
    let parts = parts(live, changes.iter().map(|(c, _)| c));
    for (index, (change, _)) in changes.iter().enumerate() {
        let index = index as u32;
        references(&mut graph, &names, index, change);
    }
    leads(&mut graph, changes);
    accounts(&mut graph, changes, &parts);
    places(&mut graph, live, changes);
    joins_and_leaves(&mut graph, live, changes, &parts);
    administrators(&mut graph, changes, &parts, rules);
    (graph, parts.parts)
}

fn names(changes: &[(Change, Option<Location>)]) -> Names<'_> {
    let mut names = Names::default();
    for (index, (change, _)) in changes.iter().enumerate() {
        let index = index as u32;
        match change {
            Change::CreateRole { role } => drop(names.created.insert((Kind::Role, &role.name), index)),
            Change::CreateUser { user } | Change::InviteUser { user } => {
                names.created.insert((Kind::User, &user.email), index);
            }
            Change::CreateTeam { team } => drop(names.created.insert((Kind::Team, &team.name), index)),
            Change::CreateResource { resource } => {
                names.created.insert((Kind::Resource, &resource.name), index);
            }
            Change::DeleteRole { role, .. } => drop(names.deleted.insert((Kind::Role, &role.name), index)),
            Change::DeleteUser { user, .. } => drop(names.deleted.insert((Kind::User, &user.email), index)),
            Change::DeleteTeam { team, .. } => drop(names.deleted.insert((Kind::Team, &team.name), index)),
            Change::DeleteResource { resource, .. } => {
                names.deleted.insert((Kind::Resource, &resource.name), index);
            }
            Change::RenameUser { from, to } => {
                names.freed.insert((Kind::User, from), index);
                names.named.insert((Kind::User, to), index);
            }
            Change::RenameTeam { from, to } => {
                names.freed.insert((Kind::Team, from), index);
                names.named.insert((Kind::Team, to), index);
            }
            Change::RenameResource { from, to } => {
                names.freed.insert((Kind::Resource, from), index);
                names.named.insert((Kind::Resource, to), index);
            }
            _ => {}
        }
    }
    names
}

fn references(graph: &mut Graph, names: &Names<'_>, index: u32, change: &Change) {
    for key in mentions(change) {
        if let Some(&made) = names.created.get(&key) {
            graph.edge(made, index, Reason::ExistsBeforeUse);
        }
        if let Some(&deleted) = names.deleted.get(&key) {
            graph.edge(index, deleted, Reason::FreeBeforeDelete);
        }
        if let Some(&named) = names.named.get(&key) {
            graph.edge(named, index, Reason::NameBeforeUse);
        }
        if names.created.get(&key) == Some(&index)
            && let Some(&freed) = names.freed.get(&key)
        {
            graph.edge(freed, index, Reason::NameBeforeUse);
        }
    }
    let (kind, from, to) = match change {
        Change::RenameUser { from, to } => (Kind::User, from, to),
        Change::RenameTeam { from, to } => (Kind::Team, from, to),
        Change::RenameResource { from, to } => (Kind::Resource, from, to),
        _ => return,
    };
    // One side of a circle goes aside first: its name is taken before it is given up for good.
    let named = names.named.get(&(kind, from.as_str())).copied();
    let freed = names.freed.get(&(kind, to.as_str())).copied();
    if let Some(freed) = freed.filter(|f| *f < index) {
        graph.edge(freed, index, Reason::NameBeforeUse);
    }
    if let Some(named) = named.filter(|n| *n < index) {
        graph.edge(named, index, Reason::NameBeforeUse);
    }
}

fn leads(graph: &mut Graph, changes: &[(Change, Option<Location>)]) {
    let mut joins: FxHashMap<(&str, &str), u32> = FxHashMap::default();
    let mut leaves: FxHashMap<(&str, &str), u32> = FxHashMap::default();
    let mut enabled: FxHashMap<&str, u32> = FxHashMap::default();
    let mut set: FxHashMap<&str, u32> = FxHashMap::default();
    for (index, (change, _)) in changes.iter().enumerate() {
        match change {
            Change::AddMember { member: m } => drop(joins.insert((&m.team, &m.user), index as u32)),
            Change::RemoveMember { member: m, .. } => drop(leaves.insert((&m.team, &m.user), index as u32)),
            Change::EnableUser { user } => drop(enabled.insert(&user.email, index as u32)),
            _ => {}
        }
    }
    for (index, (change, _)) in changes.iter().enumerate() {
        let Change::SetLeads { team, before, after } = change else { continue };
        let index = index as u32;
        if let Some(first) = set.insert(team, index) {
            graph.edge(first, index, Reason::LeadIsMember);
        }
        for lead in after.iter().filter(|l| !before.contains(l)) {
            if let Some(&join) = joins.get(&(team.as_str(), lead.as_str())) {
                graph.edge(join, index, Reason::LeadIsMember);
            }
            if let Some(&enable) = enabled.get(lead.as_str()) {
                graph.edge(enable, index, Reason::LeadIsMember);
            }
        }
        for lead in before.iter().filter(|l| !after.contains(l)) {
            if let Some(&leave) = leaves.get(&(team.as_str(), lead.as_str())) {
                graph.edge(index, leave, Reason::LeadIsMember);
            }
        }
    }
}

/// Who comes back does so last, when nothing is left of what they are not to have; who can no longer
/// come in goes first, before anything is given to them.
fn accounts(graph: &mut Graph, changes: &[(Change, Option<Location>)], parts: &crate::invariants::Parts<'_>) {
    let mut enabled: FxHashMap<&str, u32> = FxHashMap::default();
    let mut disabled: FxHashMap<&str, u32> = FxHashMap::default();
    for (index, (change, _)) in changes.iter().enumerate() {
        match change {
            Change::EnableUser { user } => drop(enabled.insert(&user.email, index as u32)),
            Change::DisableUser { user, .. } => drop(disabled.insert(&user.email, index as u32)),
            _ => {}
        }
    }
    if enabled.is_empty() && disabled.is_empty() {
        return;
    }
    for (index, (change, _)) in changes.iter().enumerate() {
        let index = index as u32;
        let (email, takes, gives) = match change {
            Change::UpdateUser { after, .. } => {
                if let Some(&enable) = enabled.get(after.email.as_str()) {
                    graph.edge(index, enable, Reason::UpdateBeforeEnable);
                }
                (&after.email, false, true)
            }
            Change::RemoveMember { member, .. } => (&member.user, true, false),
            Change::AddMember { member } => (&member.user, false, true),
            Change::ChangeMember { after, .. } => (&after.user, true, true),
            Change::RevokeGrant { to: PrincipalRecord::User(email), .. } => (email, true, false),
            Change::GiveGrant { to: PrincipalRecord::User(email), .. } => (email, false, true),
            Change::ChangeGrant { to: PrincipalRecord::User(email), .. } => (email, true, true),
            _ => continue,
        };
        if let Some(&enable) = enabled.get(email.as_str()).filter(|_| takes && !parts.administers_after(email)) {
            graph.edge(index, enable, Reason::NothingGainedBetween);
        }
        if let Some(&disable) = disabled.get(email.as_str()).filter(|_| gives) {
            graph.edge(disable, index, Reason::DisableFirst);
        }
    }
}

/// A thing moves to its new place when all that lies around it there has: so there is never a circle.
fn places(graph: &mut Graph, live: &Directory, changes: &[(Change, Option<Location>)]) {
    let mut moved: FxHashMap<(Kind, &str), (u32, Option<&str>)> = FxHashMap::default();
    let mut updated: FxHashMap<&str, u32> = FxHashMap::default();
    let mut made: FxHashMap<(Kind, &str), Option<&str>> = FxHashMap::default();
    let mut old_name: FxHashMap<(Kind, &str), &str> = FxHashMap::default();
    let mut new_name: FxHashMap<(Kind, &str), &str> = FxHashMap::default();
    for (index, (change, _)) in changes.iter().enumerate() {
        let index = index as u32;
        if let Change::UpdateTeam { after, .. } = change
            && let Some(first) = updated.insert(&after.name, index)
        {
            graph.edge(first, index, Reason::ExistsBeforeUse);
        }
        match change {
            Change::UpdateTeam { before, after } if before.outer != after.outer => {
                moved.insert((Kind::Team, &after.name), (index, after.outer.as_deref()));
            }
            Change::UpdateResource { before, after } if before.parent != after.parent => {
                moved.insert((Kind::Resource, &after.name), (index, after.parent.as_deref()));
            }
            Change::CreateTeam { team } => drop(made.insert((Kind::Team, &team.name), team.outer.as_deref())),
            Change::CreateResource { resource } => {
                made.insert((Kind::Resource, &resource.name), resource.parent.as_deref());
            }
            // The steps of a renaming in two parts are followed from either end.
            Change::RenameTeam { from, to } => rename(&mut old_name, &mut new_name, Kind::Team, from, to),
            Change::RenameResource { from, to } => rename(&mut old_name, &mut new_name, Kind::Resource, from, to),
            _ => {}
        }
    }
    if moved.len() < 2 {
        return;
    }
    let live_around = |kind: Kind, name: &str| -> Option<&str> {
        let name = old_name.get(&(kind, name)).copied().unwrap_or(name);
        let around: &str = match kind {
            Kind::Team => &live.team(*live.team(live.find_team(name)?).outer.value()?).name,
            _ => &live.resource(*live.resource(live.find_resource(name)?).parent.value()?).name,
        };
        Some(new_name.get(&(kind, around)).copied().unwrap_or(around))
    };
    let limit = live.teams().len().max(live.resources().len()) + made.len() + 1;
    for (&(kind, _), &(index, around)) in &moved {
        let mut at = around;
        for _ in 0..limit {
            let Some(name) = at else { break };
            if let Some(&(outer, _)) = moved.get(&(kind, name)) {
                graph.edge(outer, index, Reason::ExistsBeforeUse);
                break;
            }
            at = match made.get(&(kind, name)) {
                Some(around) => *around,
                None => live_around(kind, name),
            };
        }
    }
    // The map has no order of its own.
    graph.edges.sort_unstable();
}

fn rename<'c>(
    old: &mut FxHashMap<(Kind, &'c str), &'c str>,
    new: &mut FxHashMap<(Kind, &'c str), &'c str>,
    kind: Kind,
    from: &'c str,
    to: &'c str,
) {
    // A second step starts from the name that the first has given.
    let first = old.remove(&(kind, from)).unwrap_or(from);
    old.insert((kind, to), first);
    new.insert((kind, first), to);
}

/// Per team: leaving it comes before it is given something, and something is taken from it before
/// anybody joins. The same for everyone who can come in. Administrators have everything anyway.
fn joins_and_leaves(
    graph: &mut Graph,
    live: &Directory,
    changes: &[(Change, Option<Location>)],
    parts: &crate::invariants::Parts<'_>,
) {
    const EVERYONE: u32 = u32::MAX;
    let permissions = Roles::of(live, changes);
    let mut taken: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    let mut given: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    let number = |to: &PrincipalRecord| match to {
        PrincipalRecord::User(_) => None,
        PrincipalRecord::Team(name) => parts.after.team_number(name),
        PrincipalRecord::Everyone => Some(EVERYONE),
    };
    for (index, (change, _)) in changes.iter().enumerate() {
        let index = index as u32;
        let (team, takes, gives) = match change {
            Change::RevokeGrant { to, .. } => (number(to), true, false),
            Change::GiveGrant { to, .. } => (number(to), false, true),
            Change::ChangeGrant { to, before, after, .. } => {
                (number(to), !permissions.within(before, after), !permissions.within(after, before))
            }
            Change::UpdateTeam { before, after } if before.role != after.role || before.outer != after.outer => {
                let takes = (before.role != after.role && before.role.is_some())
                    || (before.outer != after.outer && before.outer.is_some());
                let gives = (before.role != after.role && after.role.is_some())
                    || (before.outer != after.outer && after.outer.is_some());
                (parts.after.team_number(&after.name), takes, gives)
            }
            _ => continue,
        };
        let Some(team) = team else { continue };
        if takes {
            taken.entry(team).or_default().push(index);
        }
        if gives {
            given.entry(team).or_default().push(index);
        }
    }
    if taken.is_empty() && given.is_empty() {
        return;
    }
    let around = |team: u32| -> Vec<u32> {
        let mut all = parts.before.team_and_outer(team);
        all.extend(parts.after.team_and_outer(team));
        all.sort_unstable();
        all.dedup();
        all
    };
    let mut joins: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    let mut leaves: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    let mut enabled: FxHashMap<u32, u32> = FxHashMap::default();
    let mut disabled: FxHashMap<u32, u32> = FxHashMap::default();
    for (index, (change, _)) in changes.iter().enumerate() {
        let index = index as u32;
        match change {
            Change::AddMember { member } if !parts.administers_after(&member.user) => {
                let Some(team) = parts.after.team_number(&member.team) else { continue };
                for team in around(team).into_iter().filter(|t| taken.contains_key(t)) {
                    joins.entry(team).or_default().push(index);
                }
            }
            Change::RemoveMember { member, .. } if !parts.administers_before(&member.user) => {
                let Some(team) = parts.after.team_number(&member.team) else { continue };
                for team in around(team).into_iter().filter(|t| given.contains_key(t)) {
                    leaves.entry(team).or_default().push(index);
                }
            }
            Change::CreateUser { user } | Change::InviteUser { user } | Change::EnableUser { user }
                if !parts.administers_after(&user.email) =>
            {
                joins.entry(EVERYONE).or_default().push(index);
                if let (Change::EnableUser { .. }, Some(id)) = (change, parts.after.user_number(&user.email)) {
                    enabled.insert(id, index);
                }
            }
            Change::DisableUser { user, .. } | Change::DeleteUser { user, .. }
                if !parts.administers_before(&user.email) =>
            {
                leaves.entry(EVERYONE).or_default().push(index);
                if let (Change::DisableUser { .. }, Some(id)) = (change, parts.after.user_number(&user.email)) {
                    disabled.insert(id, index);
                }
            }
            _ => {}
        }
    }
    if !(enabled.is_empty() && disabled.is_empty()) {
        for m in live.memberships() {
            let (UserId(user), TeamId(team)) = (m.user, m.team);
            if let Some(&index) = enabled.get(&user) {
                for team in around(team).into_iter().filter(|t| taken.contains_key(t)) {
                    joins.entry(team).or_default().push(index);
                }
            }
            if let Some(&index) = disabled.get(&user) {
                for team in around(team).into_iter().filter(|t| given.contains_key(t)) {
                    leaves.entry(team).or_default().push(index);
                }
            }
        }
    }
    let mut teams: Vec<u32> = taken.keys().chain(given.keys()).copied().collect();
    teams.sort_unstable();
    teams.dedup();
    for team in teams {
        let list = |of: &FxHashMap<u32, Vec<u32>>| {
            let mut list = of.get(&team).cloned().unwrap_or_default();
            list.sort_unstable();
            list.dedup();
            list
        };
        graph.gate(&list(&taken), &list(&joins), Reason::NothingGainedBetween);
        graph.gate(&list(&leaves), &list(&given), Reason::NothingGainedBetween);
    }
}

/// What roles may do, as far as it is known, by name: to tell whether a change only raises or lowers.
struct Roles<'c> {
    live: &'c Directory,
    changed: std::collections::BTreeSet<&'c str>,
}

impl<'c> Roles<'c> {
    fn of(live: &'c Directory, changes: &'c [(Change, Option<Location>)]) -> Self {
        let changed = changes.iter().filter_map(|(change, _)| match change {
            Change::CreateRole { role } => Some(role.name.as_str()),
            Change::UpdateRole { after, .. } => Some(after.name.as_str()),
            _ => None,
        });
        Self { live, changed: changed.collect() }
    }

    /// Whether `some` roles surely give nothing that `others` do not.
    fn within(&self, some: &[GrantedRole], others: &[GrantedRole]) -> bool {
        if some.iter().all(|s| others.iter().any(|o| o.role == s.role)) {
            return true;
        }
        let all = |roles: &[GrantedRole]| {
            roles.iter().try_fold(Permissions::NONE, |all, r| {
                let id = self.live.find_role(&r.role).filter(|_| !self.changed.contains(r.role.as_str()))?;
                let own = self.live.role(id).permissions;
                (!own.is_empty()).then(|| all.union(own))
            })
        };
        matches!((all(some), all(others)), (Some(some), Some(others)) if some.is_subset(&others))
    }
}

fn administrators(
    graph: &mut Graph,
    changes: &[(Change, Option<Location>)],
    parts: &crate::invariants::Parts<'_>,
    rules: &Rules,
) {
    let all =
        |part: Part| -> Vec<u32> { (0..changes.len() as u32).filter(|i| parts.parts[*i as usize] == part).collect() };
    let (makes, moves, mut unmakes) = (all(Part::Makes), all(Part::Moves), all(Part::Unmakes));
    // A block does not wait for new administrators as long as enough old ones are left without it.
    let blocked = |i: &u32| matches!(changes[*i as usize].0.reason(), Some(Why::Blocked { .. }));
    let blocks = unmakes.iter().filter(|i| blocked(i)).count();
    if blocks > 0 && parts.before.count() >= blocks + rules.admins_at_least.max(1) {
        unmakes.retain(|i| !blocked(i));
    }
    graph.gate(&makes, &unmakes, Reason::AdminRemains);
    if moves.is_empty() {
        return;
    }
    // Who goes on administering by another way needs the new way before, and the old one until then.
    let mut updates: FxHashMap<u32, u32> = FxHashMap::default();
    let (mut roles_made, mut roles_unmade) = (Vec::new(), Vec::new());
    for (index, (change, _)) in changes.iter().enumerate() {
        let (index, part) = (index as u32, parts.parts[index]);
        match change {
            Change::UpdateRole { .. } if part == Part::Makes => roles_made.push(index),
            Change::UpdateRole { .. } if part == Part::Unmakes => roles_unmade.push(index),
            Change::UpdateTeam { after, .. } if part != Part::None => {
                if let Some(team) = parts.after.team_number(&after.name) {
                    updates.insert(team, index);
                }
            }
            _ => {}
        }
    }
    graph.gate(&roles_made, &moves, Reason::AdminRemains);
    graph.gate(&moves, &roles_unmade, Reason::AdminRemains);
    for &index in &moves {
        let Change::UpdateTeam { after, .. } = &changes[index as usize].0 else { continue };
        let Some(team) = parts.after.team_number(&after.name) else { continue };
        for outer in parts.after.team_and_outer(team).into_iter().skip(1) {
            if let Some(&update) = updates.get(&outer) {
                graph.edge(update, index, Reason::AdminRemains);
            }
        }
        for outer in parts.before.team_and_outer(team).into_iter().skip(1) {
            if let Some(&update) = updates.get(&outer).filter(|u| parts.parts[**u as usize] == Part::Unmakes) {
                graph.edge(index, update, Reason::AdminRemains);
            }
        }
    }
}
