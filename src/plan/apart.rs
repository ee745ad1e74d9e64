//! What a change of the files causes, apart from what had drifted before it: the difference between the files
//! and what is live is taken twice, with the files as they are and as they were. What both find, neither
//! caused. A change of which both find a part is taken apart as well, attribute by attribute and name by name.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::called::called;
use super::diff::Planned;
use super::renames::renamings;
use super::structure::structure;
use crate::diagnostic::Location;
use crate::model::{Change, Directory, GrantedRole, Kind, PrincipalRecord, Why};

/// The changes of a plan in two.
pub(super) struct Apart<O> {
    /// What the files of now cause, with what that needs of the rest.
    pub caused: Vec<Planned<O>>,
    /// What had drifted before, and stays as it is.
    pub drift: Vec<Planned<O>>,
    /// Of what is caused: what had drifted before, and has to go along.
    pub along: Vec<Change>,
}

/// What one change is.
enum Part {
    Caused,
    Drifted,
    /// A part each, on the same thing.
    Both {
        caused: Box<Change>,
        drift: Box<Change>,
    },
}

/// How much of a change is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    Nothing,
    /// What is caused of it.
    Part,
    Whole,
}

/// Takes the changes of a plan apart: `before` are those that a plan of the files as they were would make of
/// the same live state. Linear in both, apart from sorting.
pub(super) fn apart<O: Copy>(live: &Directory, changes: Vec<Planned<O>>, before: &[Change]) -> Apart<O> {
    if before.is_empty() {
        return Apart { caused: changes, drift: Vec::new(), along: Vec::new() };
    }
    let earlier = index(&changes, before);
    let parts: Vec<Part> =
        changes.iter().map(|p| earlier.get(&key(&p.change)).map_or(Part::Caused, |e| compare(&p.change, e))).collect();
    let takes = close(live, &changes, &parts);
    let mut apart = Apart { caused: Vec::new(), drift: Vec::new(), along: Vec::new() };
    for ((planned, part), take) in changes.into_iter().zip(parts).zip(takes) {
        match (part, take) {
            (Part::Caused, _) => apart.caused.push(planned),
            (Part::Drifted, Take::Whole) => {
                apart.along.push(planned.change.clone());
                apart.caused.push(planned);
            }
            (Part::Drifted, _) => apart.drift.push(planned),
            (Part::Both { drift, .. }, Take::Whole) => {
                apart.along.push(*drift);
                apart.caused.push(planned);
            }
            (Part::Both { caused, drift }, _) => {
                apart.caused.push(Planned { change: *caused, origin: planned.origin });
                apart.drift.push(Planned { change: *drift, origin: planned.origin });
            }
        }
    }
    apart
}

/// What a change is about, and in which way: changes of the same key are compared. The ways in which a grant
/// changes are one: it may be given by the one and changed by the other.
fn key(change: &Change) -> (u8, String) {
    let way = match change {
        Change::GiveGrant { .. } | Change::ChangeGrant { .. } | Change::RevokeGrant { .. } => 0,
        Change::EnableUser { .. } => 1,
        Change::DisableUser { .. } => 2,
        Change::UpdateUser { .. } => 3,
        Change::CreateUser { .. } | Change::InviteUser { .. } => 4,
        Change::RenameUser { to, .. } | Change::RenameTeam { to, .. } | Change::RenameResource { to, .. } => {
            return (5, format!("{} {to}", change.object()));
        }
        Change::SetLeads { .. } => 6,
        Change::CreateRole { .. }
        | Change::CreateTeam { .. }
        | Change::AddMember { .. }
        | Change::CreateResource { .. }
        | Change::AddDomain { .. } => 7,
        Change::UpdateRole { .. }
        | Change::UpdateTeam { .. }
        | Change::ChangeMember { .. }
        | Change::UpdateResource { .. }
        | Change::ChangeDomain { .. } => 8,
        Change::DeleteRole { .. }
        | Change::DeleteUser { .. }
        | Change::DeleteTeam { .. }
        | Change::RemoveMember { .. }
        | Change::DeleteResource { .. }
        | Change::RemoveDomain { .. } => 9,
        Change::SetPolicy { .. } | Change::UnsetPolicy { .. } => 10,
    };
    (way, change.object().to_string())
}

/// What a change makes that has a name of its own.
fn made(change: &Change) -> Option<(Kind, String)> {
    Some(match change {
        Change::CreateRole { role } => (Kind::Role, role.name.clone()),
        Change::CreateUser { user } | Change::InviteUser { user } => (Kind::User, user.email.clone()),
        Change::CreateTeam { team } => (Kind::Team, team.name.clone()),
        Change::CreateResource { resource } => (Kind::Resource, resource.name.clone()),
        _ => return None,
    })
}

/// The changes of before by what they are about, in the names of the changes of now.
fn index<O>(changes: &[Planned<O>], before: &[Change]) -> FxHashMap<(u8, String), Change> {
    let was = renamings(before);
    let was: FxHashMap<(Kind, &str), &str> =
        was.iter().map(|(kind, from, to)| ((*kind, to.as_str()), from.as_str())).collect();
    let is = renamings(changes.iter().map(|p| &p.change));
    let is: FxHashMap<(Kind, &str), &str> =
        is.iter().map(|(kind, from, to)| ((*kind, from.as_str()), to.as_str())).collect();
    // What the earlier files call by a new name themselves is another thing than what is renamed to it now.
    let own: FxHashSet<(Kind, String)> = before.iter().filter_map(made).collect();
    let name = |kind: Kind, text: &str| {
        let live = was.get(&(kind, text)).copied().unwrap_or(text);
        let now = is.get(&(kind, live)).copied().filter(|now| !own.contains(&(kind, (*now).to_owned())));
        now.unwrap_or(live).to_owned()
    };
    let unnamed = was.is_empty() && is.is_empty();
    let one = |change: &Change| if unnamed { change.clone() } else { called(change, &name) };
    before.iter().map(one).map(|change| (key(&change), change)).collect()
}

fn compare(now: &Change, earlier: &Change) -> Part {
    use Change::{
        ChangeDomain, ChangeGrant, ChangeMember, DisableUser, EnableUser, GiveGrant, RevokeGrant, SetLeads,
        UpdateResource, UpdateRole, UpdateTeam, UpdateUser,
    };
    match (now, earlier) {
        // The account as it is then may differ: it comes back, or goes, in both.
        (EnableUser { .. }, EnableUser { .. }) => Part::Drifted,
        (DisableUser { reason: a, .. }, DisableUser { reason: b, .. }) if a == b => Part::Drifted,
        (now, earlier) if now == earlier => Part::Drifted,
        (UpdateRole { before, after }, UpdateRole { after: e, .. }) => {
            attributes(before, after, e, |before, after| UpdateRole { before, after })
        }
        (UpdateUser { before, after }, UpdateUser { after: e, .. }) => {
            attributes(before, after, e, |before, after| UpdateUser { before, after })
        }
        (UpdateTeam { before, after }, UpdateTeam { after: e, .. }) => {
            attributes(before, after, e, |before, after| UpdateTeam { before, after })
        }
        (ChangeMember { before, after }, ChangeMember { after: e, .. }) => {
            attributes(before, after, e, |before, after| ChangeMember { before, after })
        }
        (UpdateResource { before, after }, UpdateResource { after: e, .. }) => {
            attributes(before, after, e, |before, after| UpdateResource { before, after })
        }
        (ChangeDomain { before, after }, ChangeDomain { after: e, .. }) => {
            attributes(before, after, e, |before, after| ChangeDomain { before, after })
        }
        (SetLeads { team, before, after }, SetLeads { after: e, .. }) => {
            attributes(before, after, e, |before, after| SetLeads { team: team.clone(), before, after })
        }
        // What has to go whole goes whole.
        (RevokeGrant { reason, .. }, _) if *reason != Why::Undeclared => Part::Caused,
        (
            GiveGrant { to, resource, .. } | ChangeGrant { to, resource, .. } | RevokeGrant { to, resource, .. },
            GiveGrant { .. } | ChangeGrant { .. } | RevokeGrant { .. },
        ) => {
            let ((before, after), (_, e)) = (roles(now), roles(earlier));
            let parts = both(&before, &after, &e);
            parts.map_or(Part::Caused, |(caused, drift)| {
                let make = |after| grant(to, resource, &before, after);
                part(make(caused), make(drift))
            })
        }
        _ => Part::Caused,
    }
}

/// The roles that a change of a grant starts from and leads to.
fn roles(change: &Change) -> (Vec<GrantedRole>, Vec<GrantedRole>) {
    match change {
        Change::GiveGrant { roles, .. } => (Vec::new(), roles.clone()),
        Change::ChangeGrant { before, after, .. } => (before.clone(), after.clone()),
        Change::RevokeGrant { roles, .. } => (roles.clone(), Vec::new()),
        _ => (Vec::new(), Vec::new()),
    }
}

/// The change of a grant from some roles to others.
fn grant(to: &PrincipalRecord, resource: &str, before: &[GrantedRole], after: Vec<GrantedRole>) -> Option<Change> {
    let (to, resource, before) = (to.clone(), resource.to_owned(), before.to_vec());
    match (before.is_empty(), after.is_empty()) {
        _ if before == after => None,
        (true, _) => Some(Change::GiveGrant { to, resource, roles: after }),
        (_, true) => Some(Change::RevokeGrant { to, resource, roles: before, reason: Why::Undeclared }),
        _ => Some(Change::ChangeGrant { to, resource, before, after }),
    }
}

fn part(caused: Option<Change>, drift: Option<Change>) -> Part {
    match (caused, drift) {
        (Some(caused), Some(drift)) => Part::Both { caused: Box::new(caused), drift: Box::new(drift) },
        (None, Some(_)) => Part::Drifted,
        _ => Part::Caused,
    }
}

/// Takes a change of attributes apart.
fn attributes<T>(before: &T, after: &T, earlier: &T, change: impl Fn(T, T) -> Change) -> Part
where
    T: Serialize + DeserializeOwned + Clone + PartialEq,
{
    let Some((caused, drift)) = both(before, after, earlier) else { return Part::Caused };
    let make = |after: T| (after != *before).then(|| change(before.clone(), after));
    part(make(caused), make(drift))
}

/// What is live with what only the files of now want of it, and with what both want of it.
fn both<T: Serialize + DeserializeOwned>(live: &T, now: &T, earlier: &T) -> Option<(T, T)> {
    let value = |t: &T| serde_json::to_value(t).ok();
    let (live, now, earlier) = (value(live)?, value(now)?, value(earlier)?);
    let read = |value: Value| serde_json::from_value(value).ok();
    Some((read(pick(&live, &now, &earlier, false))?, read(pick(&live, &now, &earlier, true))?))
}

/// Part by part: where both want the same, that is drift, and it is as it is live unless `drift`.
fn pick(live: &Value, now: &Value, earlier: &Value, drift: bool) -> Value {
    let all = [live, now, earlier];
    if now == earlier {
        return if drift { now.clone() } else { live.clone() };
    }
    if all.iter().all(|v| v.is_object() || v.is_null()) && all.iter().filter(|v| v.is_object()).count() > 1 {
        let picked = fields(all, |v| v.as_object().cloned().unwrap_or_default(), drift);
        return if picked.is_empty() && live.is_null() { Value::Null } else { Value::Object(picked) };
    }
    if all.iter().all(|v| v.is_array()) {
        let picked =
            fields(all, |v| v.as_array().into_iter().flatten().map(|v| (element(v), v.clone())).collect(), drift);
        return picked.into_iter().map(|(_, value)| value).collect();
    }
    if drift { live.clone() } else { now.clone() }
}

/// What tells an element of a list from the others: its role, or itself.
fn element(value: &Value) -> String {
    let role = value.get("role").unwrap_or(value);
    role.as_str().map_or_else(|| role.to_string(), str::to_owned)
}

fn fields(all: [&Value; 3], read: impl Fn(&Value) -> Map<String, Value>, drift: bool) -> Map<String, Value> {
    let [live, now, earlier] = all.map(read);
    let mut keys: Vec<&String> = live.keys().chain(now.keys()).chain(earlier.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let of = |map: &Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or(Value::Null);
    let one = |key: &String| {
        let value = pick(&of(&live, key), &of(&now, key), &of(&earlier, key), drift);
        (!value.is_null()).then(|| (key.clone(), value))
    };
    keys.into_iter().filter_map(one).collect()
}

/// How much of each change is made: what is caused, and of the rest what has to come before it in any case.
fn close<O>(live: &Directory, changes: &[Planned<O>], parts: &[Part]) -> Vec<Take> {
    let mut takes: Vec<Take> = parts
        .iter()
        .map(|part| match part {
            Part::Caused => Take::Whole,
            Part::Drifted => Take::Nothing,
            Part::Both { .. } => Take::Part,
        })
        .collect();
    if takes.iter().all(|t| *t == Take::Nothing) {
        return takes;
    }
    let whole: Vec<(Change, Option<Location>)> = changes.iter().map(|p| (p.change.clone(), None)).collect();
    let caused = |(planned, part): (&Planned<O>, &Part)| match part {
        Part::Both { caused, .. } => ((**caused).clone(), None),
        _ => (planned.change.clone(), None),
    };
    let caused: Vec<(Change, Option<Location>)> = changes.iter().zip(parts).map(caused).collect();
    let of_whole = into(live, &whole);
    let of_caused = into(live, &caused);
    let mut open: Vec<usize> = (0..takes.len()).filter(|i| takes[*i] != Take::Nothing).collect();
    while let Some(at) = open.pop() {
        let whole = takes[at] == Take::Whole;
        let needs = if whole { &of_whole[at] } else { &of_caused[at] };
        // What goes for good has to be let go of whole, and an account comes back as it is to be.
        let all_of_it = matches!(
            changes[at].change,
            Change::EnableUser { .. }
                | Change::DeleteRole { .. }
                | Change::DeleteUser { .. }
                | Change::DeleteTeam { .. }
                | Change::DeleteResource { .. }
        );
        for &first in needs {
            let enough = match takes[first] {
                Take::Whole => true,
                Take::Part => !all_of_it && of_caused[at].contains(&first),
                Take::Nothing => false,
            };
            if !enough {
                takes[first] = Take::Whole;
                open.push(first);
            }
        }
    }
    takes
}

/// By change: those that must come before it in any case.
fn into(live: &Directory, changes: &[(Change, Option<Location>)]) -> Vec<FxHashSet<usize>> {
    let mut found = vec![FxHashSet::default(); changes.len()];
    for (before, after, _) in structure(live, changes).edges {
        found[after as usize].insert(before as usize);
    }
    found
}
