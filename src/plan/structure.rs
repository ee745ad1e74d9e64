//! What must come before what in any case: things exist before they are used and are free before they
//! go, names are free before they are given, whoever leads a team is in it, and nothing lies in a circle.

use rustc_hash::FxHashMap;

use super::graph::Graph;
use super::mentions::mentions;
use super::order::Reason;
use crate::diagnostic::Location;
use crate::model::{Change, Directory, Kind, TeamRecord, Why};

/// The graph of what must be in any case.
pub(super) fn structure(live: &Directory, changes: &[(Change, Option<Location>)]) -> Graph {
    let mut graph = Graph { size: changes.len(), ..Graph::default() };
    let names = names(changes);
    for (index, (change, _)) in changes.iter().enumerate() {
        references(&mut graph, &names, index as u32, change);
    }
    leads(&mut graph, changes);
    accounts(&mut graph, changes);
    places(&mut graph, live, changes);
    graph
}

/// Takes changes apart that are on a circle and can be made in two steps: leads are set without those
/// who go, then with those who come; a team gets its role, then its place.
pub(super) fn split(changes: &mut Vec<(Change, Option<Location>)>, stuck: &[u32]) -> bool {
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
    // A block waits for nothing: until the other change is made, the team has a lead who cannot come in.
    let mut disabled: FxHashMap<&str, u32> = FxHashMap::default();
    for (index, (change, _)) in changes.iter().enumerate() {
        match change {
            Change::AddMember { member: m } => drop(joins.insert((&m.team, &m.user), index as u32)),
            Change::RemoveMember { member: m, .. } => drop(leaves.insert((&m.team, &m.user), index as u32)),
            Change::EnableUser { user } => drop(enabled.insert(&user.email, index as u32)),
            Change::DisableUser { user, reason } if !matches!(reason, Why::Blocked { .. }) => {
                disabled.insert(&user.email, index as u32);
            }
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
            if let Some(&disable) = disabled.get(lead.as_str()) {
                graph.edge(index, disable, Reason::LeadIsMember);
            }
        }
    }
}

/// Each change of an account starts from what the one before has left: it is disabled before anything
/// else of it changes, and enabled after.
fn accounts(graph: &mut Graph, changes: &[(Change, Option<Location>)]) {
    let mut updated: FxHashMap<&str, u32> = FxHashMap::default();
    for (index, (change, _)) in changes.iter().enumerate() {
        if let Change::UpdateUser { after, .. } = change {
            updated.insert(&after.email, index as u32);
        }
    }
    for (index, (change, _)) in changes.iter().enumerate() {
        let index = index as u32;
        match change {
            Change::EnableUser { user } => {
                if let Some(&update) = updated.get(user.email.as_str()) {
                    graph.edge(update, index, Reason::UpdateBeforeEnable);
                }
            }
            Change::DisableUser { user, .. } => {
                if let Some(&update) = updated.get(user.email.as_str()) {
                    graph.edge(index, update, Reason::DisableFirst);
                }
            }
            _ => {}
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
