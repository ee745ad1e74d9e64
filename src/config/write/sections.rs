//! The sections of an imported declaration.

use serde_yaml::{Mapping, Value};

use super::{Import, places};
use crate::model::{Email, Place, RoleId, TeamId, UserKind, UserState, is_invisible};

/// A list that is short stays on few lines; YAML writes it as a block all the same.
fn list<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Value {
    Value::Sequence(items.into_iter().map(Into::into).collect())
}

fn put(map: &mut Mapping, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(key.into(), value.into());
    }
}

/// Names that the file language cannot hold.
pub(super) fn troubles(import: &Import<'_>) -> Vec<String> {
    let live = import.live;
    let mut found = Vec::new();
    let mut check = |what: &str, name: &str| {
        let odd = name.is_empty() || name.trim() != name || name.chars().any(is_invisible) || name.contains("${");
        if odd {
            found.push(format!("the {what} {name:?} cannot be written in a file"));
        }
    };
    for team in live.teams() {
        check("team", &team.name);
    }
    for resource in live.resources() {
        check("resource", &resource.name);
    }
    for role in live.roles() {
        check("role", &role.name);
    }
    // A `:` stands between a target and what is in it.
    for (what, name) in
        live.teams().iter().map(|t| ("team", &t.name)).chain(live.roles().iter().map(|r| ("role", &r.name)))
    {
        if name.contains(':') {
            found.push(format!("the {what} {name:?} cannot be written in a file: `:` has a meaning there"));
        }
    }
    for user in live.users() {
        if !Email::parse(&user.email).is_ok_and(|e| *e.as_str() == *user.email) {
            found.push(format!("the user {:?} has no address that can be written in a file", user.email));
        }
    }
    for resource in live.resources() {
        if !import.catalogue.kinds.contains_key(resource.kind()) {
            found.push(format!("the resource {:?} is of a kind that the catalogue does not have", resource.name));
        }
    }
    found
}

pub(super) fn users(import: &Import<'_>) -> Mapping {
    let live = import.live;
    let mut out = Mapping::new();
    for index in 0..live.users().len() as u32 {
        let user = live.user_record(crate::model::UserId(index));
        let mut entry = Mapping::new();
        put(&mut entry, "name", user.name);
        if user.kind != UserKind::Person {
            entry.insert("kind".into(), user.kind.word().into());
        }
        put(&mut entry, "role", user.role);
        if user.state == UserState::Disabled {
            entry.insert("state".into(), "disabled".into());
        }
        put(&mut entry, "until", user.until.map(|m| m.short()));
        put(&mut entry, "timezone", user.timezone);
        put(&mut entry, "owner", user.owner);
        let table = |map: std::collections::BTreeMap<String, String>| {
            (!map.is_empty()).then(|| Value::Mapping(map.into_iter().map(|(k, v)| (k.into(), v.into())).collect()))
        };
        put(&mut entry, "attributes", table(user.attributes));
        put(&mut entry, "handles", table(user.handles));
        // An account without a role is put into the target by name.
        if !entry.contains_key("role") {
            let mut at = Mapping::new();
            at.insert(import.target.into(), Value::Mapping(Mapping::new()));
            entry.insert("at".into(), Value::Mapping(at));
        }
        out.insert(user.email.into(), Value::Mapping(entry));
    }
    out
}

pub(super) fn teams(import: &Import<'_>) -> Mapping {
    let live = import.live;
    let mut out = Mapping::new();
    for index in 0..live.teams().len() as u32 {
        let id = TeamId(index);
        let team = live.team_record(id);
        let mut entry = Mapping::new();
        put(&mut entry, "description", team.description);
        match team.leads.as_slice() {
            [] => {}
            [one] => put(&mut entry, "lead", Some(one.as_str())),
            several => put(&mut entry, "lead", Some(list(several.iter().map(String::as_str)))),
        }
        put(&mut entry, "role", team.role);
        put(&mut entry, "in", team.outer);
        if let Some(quota) = team.quota {
            let mut map = Mapping::new();
            put(&mut map, "cpu", quota.cpu);
            put(&mut map, "memory", quota.memory.map(|b| b.to_string()));
            put(&mut map, "storage", quota.storage.map(|b| b.to_string()));
            put(&mut map, "apps", quota.apps);
            put(&mut map, "workflows", quota.workflows);
            put(&mut map, "workspaces", quota.workspaces);
            if !map.is_empty() {
                entry.insert("quota".into(), Value::Mapping(map));
            }
        }
        let members = live.members_of(id).iter().map(|m| {
            let member = live.member_record(m);
            if member.role.is_none() && member.until.is_none() && member.because.is_none() {
                return Value::from(member.user);
            }
            let mut long = Mapping::new();
            put(&mut long, "user", Some(member.user));
            put(&mut long, "role", member.role);
            put(&mut long, "until", member.until.map(|m| m.short()));
            put(&mut long, "because", member.because);
            Value::Mapping(long)
        });
        entry.insert("members".into(), list(members));
        // A team without members does not tell by them where it belongs.
        out.insert(team.name.into(), Value::Mapping(entry));
    }
    out
}

pub(super) fn resources(import: &Import<'_>) -> Mapping {
    let live = import.live;
    let mut out = Mapping::new();
    for index in 0..live.resources().len() as u32 {
        let id = crate::model::ResourceId(index);
        let resource = live.resource_record(id);
        let mut entry = Mapping::new();
        put(&mut entry, "description", resource.description);
        put(&mut entry, "in", resource.parent);
        put(&mut entry, "visibility", resource.visibility.map(|v| v.word()));
        put(&mut entry, "owner", resource.owner);
        let mut access = Mapping::new();
        for grant in live.grants_on(id) {
            let grant = live.grant_record(grant);
            let to = grant.to.to_string();
            let item = if grant.until.is_none() && grant.because.is_none() {
                Value::from(to)
            } else {
                let mut long = Mapping::new();
                put(&mut long, "to", Some(to));
                put(&mut long, "until", grant.until.map(|m| m.short()));
                put(&mut long, "because", grant.because);
                Value::Mapping(long)
            };
            let entry = access.entry(grant.role.into()).or_insert_with(|| Value::Sequence(Vec::new()));
            if let Value::Sequence(items) = entry {
                items.push(item);
            }
        }
        entry.insert("access".into(), Value::Mapping(access));
        out.insert(resource.name.into(), Value::Mapping(entry));
    }
    out
}

pub(super) fn domains(import: &Import<'_>) -> Mapping {
    let live = import.live;
    let mut out = Mapping::new();
    for index in 0..live.domains().len() as u32 {
        let domain = live.domain_record(crate::model::DomainId(index));
        let mut entry = Mapping::new();
        put(&mut entry, "role", domain.role);
        entry.insert("teams".into(), list(domain.teams));
        out.insert(domain.name.into(), Value::Mapping(entry));
    }
    out
}

pub(super) fn policies(import: &Import<'_>) -> Mapping {
    let mut out = Mapping::new();
    for (key, value) in import.live.policies() {
        if let Ok(value) = serde_yaml::to_value(value) {
            out.insert(key.name().into(), value);
        }
    }
    out
}

/// Roles that were made in the target beside those of its catalogue.
pub(super) fn custom_roles(import: &Import<'_>, names: &[String]) -> Mapping {
    let mut out = Mapping::new();
    for name in names {
        if let Some(id) = import.live.find_role(name) {
            let mut entry = role(import, id);
            put(&mut entry, "targets", Some(list([import.target])));
            out.insert(name.as_str().into(), Value::Mapping(entry));
        }
    }
    out
}

fn role(import: &Import<'_>, id: RoleId) -> Mapping {
    let record = import.live.role_record(id);
    let mut entry = Mapping::new();
    put(&mut entry, "description", record.description);
    entry.insert("permissions".into(), list(record.permissions));
    if record.administers {
        entry.insert("administers".into(), true.into());
    }
    entry
}

/// The catalogue with the roles that are live.
pub(super) fn catalogue(import: &Import<'_>, name: &str) -> Mapping {
    let own = import.catalogue;
    let mut roles = Mapping::new();
    for (index, live) in import.live.roles().iter().enumerate() {
        if name == own.name && !own.roles.contains_key(&*live.name) {
            continue;
        }
        let mut entry = role(import, RoleId(index as u32));
        let held = places(own, &live.name);
        let word = |p: &Place| match p {
            Place::User => "user",
            Place::Team => "team",
            Place::Member => "member",
            Place::Resource => "resource",
        };
        entry.insert("on".into(), list(held.iter().map(word)));
        let aliases = own.roles.get(&*live.name).map(|r| r.aliases.clone()).unwrap_or_default();
        if !aliases.is_empty() {
            entry.insert("aliases".into(), list(aliases));
        }
        roles.insert((*live.name).into(), Value::Mapping(entry));
    }
    let mut kinds = Mapping::new();
    for (kind, known) in &own.kinds {
        let mut entry = Mapping::new();
        let held = known.roles.iter().filter(|r| roles.contains_key(r.as_str()));
        entry.insert("roles".into(), list(held.map(String::as_str)));
        if !known.parents.is_empty() {
            entry.insert("in".into(), list(known.parents.iter().map(String::as_str)));
        }
        entry.insert("visibility".into(), known.visibility.into());
        entry.insert("grants".into(), known.grants.into());
        kinds.insert(kind.as_str().into(), Value::Mapping(entry));
    }
    let mut body = Mapping::new();
    put(&mut body, "source", own.source.as_deref());
    let combine = match own.combine {
        crate::model::Combine::Union => "union",
        crate::model::Combine::Highest => "highest",
    };
    body.insert("combine".into(), combine.into());
    body.insert("nested_teams".into(), own.nested_teams.into());
    put(&mut body, "leads", own.leads_max.map(|n| n as u64));
    body.insert("roles".into(), Value::Mapping(roles));
    body.insert("kinds".into(), Value::Mapping(kinds));
    let mut out = Mapping::new();
    out.insert(name.into(), Value::Mapping(body));
    out
}
