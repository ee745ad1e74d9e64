//! The facts of a record, and what is different between two.

use std::collections::BTreeMap;

use super::detail::{is_long_list, is_long_text, without};
use super::plural;
use super::text::{beginning, name, prose};
use crate::model::{
    DomainRecord, Kind, MemberRecord, Moment, QuotaRecord, ResourceRecord, RoleRecord, TeamRecord, UserKind,
    UserRecord, UserState, Visibility,
};

/// How much of a description is shown where a thing comes into being.
const DESCRIPTION: usize = 50;

/// `label before -> after`, or nothing where both are the same.
pub(super) fn field(parts: &mut Vec<String>, label: &str, before: Option<String>, after: Option<String>) {
    if before != after {
        let text = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
        parts.push(format!("{label} {} -> {}", text(before), text(after)));
    }
}

fn names(parts: &mut Vec<String>, label: &str, before: Option<&str>, after: Option<&str>) {
    field(parts, label, before.map(name), after.map(name));
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", prose(text))
}

fn moments(parts: &mut Vec<String>, before: Option<Moment>, after: Option<Moment>) {
    field(parts, "until", before.map(Moment::short), after.map(Moment::short));
}

fn texts(parts: &mut Vec<String>, label: &str, before: Option<&str>, after: Option<&str>) {
    if before != after && is_long_text(before, after) {
        parts.push(format!("another {label}"));
    } else {
        field(parts, label, before.map(quoted), after.map(quoted));
    }
}

/// What goes from a list and what comes, or how much of it.
pub(super) fn lists(parts: &mut Vec<String>, label: &str, before: &[String], after: &[String]) {
    let (gone, new) = (without(before, after), without(after, before));
    if gone.is_empty() && new.is_empty() {
        return;
    }
    if is_long_list(before, after) {
        let count = |sign: char, list: &[&String]| (!list.is_empty()).then(|| format!(" {sign}{}", list.len()));
        let counts: Vec<String> = count('-', &gone).into_iter().chain(count('+', &new)).collect();
        parts.push(format!("{label}{}", counts.concat()));
    } else {
        let signed =
            |sign: char, list: &[&String]| list.iter().map(|i| format!(" {sign}{}", name(i))).collect::<String>();
        parts.push(format!("{label}{}{}", signed('-', &gone), signed('+', &new)));
    }
}

fn maps(parts: &mut Vec<String>, label: &str, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let value = |map: &BTreeMap<String, String>| map.get(key).map(|v| name(v));
        field(parts, &format!("{label} {}", name(key)), value(before), value(after));
    }
}

pub(super) fn of_role(role: &RoleRecord) -> Vec<String> {
    let RoleRecord { name: _, description, permissions, administers } = role;
    let mut facts = Vec::new();
    facts.extend((!permissions.is_empty()).then(|| plural(permissions.len(), "permission")));
    facts.extend(administers.then(|| "administers".to_owned()));
    facts.extend(description.as_deref().map(|d| beginning(&quoted(d), DESCRIPTION)));
    facts
}

pub(super) fn between_roles(before: &RoleRecord, after: &RoleRecord) -> Vec<String> {
    let RoleRecord { name: old_name, description, permissions, administers } = before;
    let mut parts = Vec::new();
    names(&mut parts, "name", Some(old_name), Some(&after.name));
    let word = |b: bool| Some(if b { "yes" } else { "no" }.to_owned());
    field(&mut parts, "administers", word(*administers), word(after.administers));
    lists(&mut parts, "permissions", permissions, &after.permissions);
    texts(&mut parts, "description", description.as_deref(), after.description.as_deref());
    parts
}

pub(super) fn of_user(user: &UserRecord) -> Vec<String> {
    let UserRecord { email: _, name: called, kind, role, state, until, timezone, owner, attributes, handles } = user;
    let mut facts = Vec::new();
    facts.extend(role.as_deref().map(name));
    facts.extend((*kind != UserKind::Person).then(|| kind.word().to_owned()));
    facts.extend((*state == UserState::Disabled).then(|| state.word().to_owned()));
    facts.extend(until.map(|u| format!("until {}", u.short())));
    facts.extend(owner.as_deref().map(|o| format!("owner {}", name(o))));
    facts.extend(called.as_deref().map(quoted));
    facts.extend(timezone.as_deref().map(name));
    facts.extend(attributes.iter().map(|(k, v)| format!("{}={}", name(k), name(v))));
    facts.extend(handles.iter().map(|(k, v)| format!("{} {}", name(k), name(v))));
    facts
}

pub(super) fn between_users(before: &UserRecord, after: &UserRecord) -> Vec<String> {
    let UserRecord { email, name: called, kind, role, state, until, timezone, owner, attributes, handles } = before;
    let mut parts = Vec::new();
    names(&mut parts, "address", Some(email), Some(&after.email));
    names(&mut parts, "role", role.as_deref(), after.role.as_deref());
    names(&mut parts, "kind", Some(kind.word()), Some(after.kind.word()));
    names(&mut parts, "state", Some(state.word()), Some(after.state.word()));
    moments(&mut parts, *until, after.until);
    names(&mut parts, "owner", owner.as_deref(), after.owner.as_deref());
    texts(&mut parts, "name", called.as_deref(), after.name.as_deref());
    names(&mut parts, "timezone", timezone.as_deref(), after.timezone.as_deref());
    maps(&mut parts, "attribute", attributes, &after.attributes);
    maps(&mut parts, "handle", handles, &after.handles);
    parts
}

pub(super) fn of_team(team: &TeamRecord) -> Vec<String> {
    let TeamRecord { name: _, description, role, outer, quota, leads } = team;
    let mut facts = Vec::new();
    facts.extend(role.as_deref().map(|r| format!("gives {}", name(r))));
    facts.extend(outer.as_deref().map(|o| format!("in {}", name(o))));
    facts.extend(
        (!leads.is_empty()).then(|| format!("leads {}", leads.iter().map(|l| name(l)).collect::<Vec<_>>().join(", "))),
    );
    facts.extend(quota.iter().flat_map(of_quota).map(|(label, value)| format!("{label} {value}")));
    facts.extend(description.as_deref().map(|d| beginning(&quoted(d), DESCRIPTION)));
    facts
}

fn of_quota(quota: &QuotaRecord) -> BTreeMap<&'static str, String> {
    let QuotaRecord { cpu, memory, storage, apps, workflows, workspaces } = quota;
    let all = [
        ("cpu", cpu.map(|n| n.to_string())),
        ("memory", memory.map(|n| n.to_string())),
        ("storage", storage.map(|n| n.to_string())),
        ("apps", apps.map(|n| n.to_string())),
        ("workflows", workflows.map(|n| n.to_string())),
        ("workspaces", workspaces.map(|n| n.to_string())),
    ];
    all.into_iter().filter_map(|(label, value)| Some((label, value?))).collect()
}

pub(super) fn between_teams(before: &TeamRecord, after: &TeamRecord) -> Vec<String> {
    let TeamRecord { name: old_name, description, role, outer, quota, leads } = before;
    let mut parts = Vec::new();
    names(&mut parts, "name", Some(old_name), Some(&after.name));
    names(&mut parts, "role", role.as_deref(), after.role.as_deref());
    names(&mut parts, "in", outer.as_deref(), after.outer.as_deref());
    lists(&mut parts, "leads", leads, &after.leads);
    let quotas = |q: &Option<QuotaRecord>| q.as_ref().map(of_quota).unwrap_or_default();
    let (old, new) = (quotas(quota), quotas(&after.quota));
    for label in ["cpu", "memory", "storage", "apps", "workflows", "workspaces"] {
        field(&mut parts, label, old.get(label).cloned(), new.get(label).cloned());
    }
    texts(&mut parts, "description", description.as_deref(), after.description.as_deref());
    parts
}

pub(super) fn of_member(member: &MemberRecord) -> Vec<String> {
    let MemberRecord { team: _, user: _, role, until, because } = member;
    let mut facts = Vec::new();
    facts.extend(role.as_deref().map(name));
    facts.extend(until.map(|u| format!("until {}", u.short())));
    facts.extend(because.as_deref().map(|b| format!("because {}", prose(b))));
    facts
}

pub(super) fn between_members(before: &MemberRecord, after: &MemberRecord) -> Vec<String> {
    let MemberRecord { team, user, role, until, because } = before;
    let mut parts = Vec::new();
    names(&mut parts, "team", Some(team), Some(&after.team));
    names(&mut parts, "user", Some(user), Some(&after.user));
    names(&mut parts, "role", role.as_deref(), after.role.as_deref());
    moments(&mut parts, *until, after.until);
    field(&mut parts, "because", because.as_deref().map(quoted), after.because.as_deref().map(quoted));
    parts
}

pub(super) fn of_resource(resource: &ResourceRecord) -> Vec<String> {
    let ResourceRecord { name: _, description, parent, visibility, owner } = resource;
    let mut facts = Vec::new();
    facts.extend(parent.as_deref().map(|p| format!("in {}", name(p))));
    facts.extend(visibility.map(|v| format!("visibility {}", v.word())));
    facts.extend(owner.as_deref().map(|o| format!("owner {}", name(o))));
    facts.extend(description.as_deref().map(|d| beginning(&quoted(d), DESCRIPTION)));
    facts
}

pub(super) fn between_resources(before: &ResourceRecord, after: &ResourceRecord) -> Vec<String> {
    let ResourceRecord { name: old_name, description, parent, visibility, owner } = before;
    let mut parts = Vec::new();
    names(&mut parts, "name", Some(old_name), Some(&after.name));
    names(&mut parts, "in", parent.as_deref(), after.parent.as_deref());
    names(&mut parts, "visibility", visibility.map(Visibility::word), after.visibility.map(Visibility::word));
    names(&mut parts, "owner", owner.as_deref(), after.owner.as_deref());
    texts(&mut parts, "description", description.as_deref(), after.description.as_deref());
    parts
}

pub(super) fn of_domain(domain: &DomainRecord) -> Vec<String> {
    let DomainRecord { name: _, role, teams } = domain;
    let mut facts = Vec::new();
    facts.extend(role.as_deref().map(name));
    let teams: Vec<String> = teams.iter().map(|t| name(t)).collect();
    let word = if teams.len() == 1 { Kind::Team.singular() } else { Kind::Team.plural() };
    facts.extend((!teams.is_empty()).then(|| format!("{word} {}", teams.join(", "))));
    facts
}

pub(super) fn between_domains(before: &DomainRecord, after: &DomainRecord) -> Vec<String> {
    let DomainRecord { name: old_name, role, teams } = before;
    let mut parts = Vec::new();
    names(&mut parts, "name", Some(old_name), Some(&after.name));
    names(&mut parts, "role", role.as_deref(), after.role.as_deref());
    lists(&mut parts, "teams", teams, &after.teams);
    parts
}
