//! A change in one line: `~ user grace@acme.com  role viewer -> developer`.

use std::collections::BTreeMap;

use super::detail::{is_long_list, is_long_text, without};
use super::plural;
use super::text::{beginning, name, prose};
use crate::model::{
    Change, DomainRecord, Effect, GrantedRole, Kind, MemberRecord, Moment, PrincipalRecord, QuotaRecord,
    ResourceRecord, RoleRecord, TeamRecord, UserKind, UserRecord, UserState, Visibility, Why,
};

/// How much of a description is shown where a thing comes into being.
const DESCRIPTION: usize = 50;

/// The sign in front of the line of a change.
#[must_use]
pub fn sign(effect: Effect) -> char {
    match effect {
        Effect::Add => '+',
        Effect::Change => '~',
        Effect::Remove => '-',
    }
}

/// The change in one line of clean text: its sign, what kind of thing, which, and what becomes of it.
///
/// Every variant and record is taken apart field by field, so that a new field cannot be forgotten.
#[must_use]
pub fn describe(change: &Change) -> String {
    let text = words(change);
    format!("{} {text}", sign(change.effect()))
}

fn words(change: &Change) -> String {
    match change {
        Change::CreateRole { role } => with("role", &role.name, &of_role(role)),
        Change::UpdateRole { before, after } => changed("role", &before.name, &between_roles(before, after)),
        Change::DeleteRole { role, reason } => gone("role", &role.name, "", reason),
        Change::CreateUser { user } => with("user", &user.email, &of_user(user)),
        Change::InviteUser { user } => with("user", &user.email, &of_user(user)) + "  invited",
        Change::UpdateUser { before, after } => changed("user", &before.email, &between_users(before, after)),
        Change::RenameUser { from, to } => renamed("user", from, to),
        Change::EnableUser { user } => {
            with("user", &user.email, &of_user(&UserRecord { state: UserState::Active, ..user.clone() })) + "  enabled"
        }
        Change::DisableUser { user, reason } => gone("user", &user.email, "disabled, ", reason),
        Change::DeleteUser { user, reason } => gone("user", &user.email, "deleted, ", reason),
        Change::CreateTeam { team } => with("team", &team.name, &of_team(team)),
        Change::UpdateTeam { before, after } => changed("team", &before.name, &between_teams(before, after)),
        Change::RenameTeam { from, to } => renamed("team", from, to),
        Change::DeleteTeam { team, reason } => gone("team", &team.name, "", reason),
        Change::SetLeads { team, before, after } => {
            let mut parts = Vec::new();
            lists(&mut parts, "leads", before, after);
            changed("team", team, &parts)
        }
        Change::AddMember { member } => with("member", &edge(&member.team, &member.user), &of_member(member)),
        Change::ChangeMember { before, after } => {
            changed("member", &edge(&before.team, &before.user), &between_members(before, after))
        }
        Change::RemoveMember { member, reason } => {
            let MemberRecord { team, user, role, until: _, because: _ } = member;
            let role = role.as_deref().map(|r| format!(" ({})", name(r))).unwrap_or_default();
            format!("member {} {}{role}  {}", name(team), name(user), why(reason))
        }
        Change::CreateResource { resource } => with("resource", &resource.name, &of_resource(resource)),
        Change::UpdateResource { before, after } => {
            changed("resource", &before.name, &between_resources(before, after))
        }
        Change::RenameResource { from, to } => renamed("resource", from, to),
        Change::DeleteResource { resource, reason } => gone("resource", &resource.name, "", reason),
        Change::GiveGrant { to, resource, roles } => {
            let because = because(roles).map(|b| format!("  because {b}")).unwrap_or_default();
            format!("grant {} {}{because}", grant(to, resource), granted(roles))
        }
        Change::ChangeGrant { to, resource, before, after } => {
            let mut parts = Vec::new();
            let (old, new) = (granted(before), granted(after));
            if old != new {
                parts.push(format!("{old} -> {new}"));
            }
            let (old, new) = (because(before), because(after));
            field(&mut parts, "because", old, new);
            changed("grant", &grant(to, resource), &parts)
        }
        Change::RevokeGrant { to, resource, roles, reason } => {
            format!("grant {} {}  {}", grant(to, resource), granted_names(roles), why(reason))
        }
        Change::AddDomain { domain } => with("domain", &domain.name, &of_domain(domain)),
        Change::ChangeDomain { before, after } => changed("domain", &before.name, &between_domains(before, after)),
        Change::RemoveDomain { domain, reason } => gone("domain", &domain.name, "", reason),
        Change::SetPolicy { policy, before: Some(_), after: _ } => format!("policy {}", policy.name()),
        Change::SetPolicy { policy, before: None, after: _ } => format!("policy {}  set", policy.name()),
        Change::UnsetPolicy { policy, before: _ } => format!("policy {}  no longer set", policy.name()),
    }
}

/// Why something goes.
#[must_use]
pub fn why(reason: &Why) -> String {
    prose(&reason.to_string())
}

/// The roles of a grant with their ends: `edit, use until 2027-01-31`.
#[must_use]
pub fn granted(roles: &[GrantedRole]) -> String {
    let one = |granted: &GrantedRole| {
        let GrantedRole { role, until, because: _ } = granted;
        until.map_or_else(|| name(role), |u| format!("{} until {}", name(role), u.short()))
    };
    roles.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The roles of a grant alone: `edit, use`.
#[must_use]
pub fn granted_names(roles: &[GrantedRole]) -> String {
    roles.iter().map(|r| name(&r.role)).collect::<Vec<_>>().join(", ")
}

/// The reasons that are given for a grant, each once.
#[must_use]
pub fn because(roles: &[GrantedRole]) -> Option<String> {
    let mut reasons: Vec<String> = roles.iter().filter_map(|r| r.because.as_deref()).map(prose).collect();
    reasons.dedup();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

// ---- shapes of lines ----

fn with(kind: &str, what: &str, facts: &[String]) -> String {
    let what = name(what);
    if facts.is_empty() { format!("{kind} {what}") } else { format!("{kind} {what} ({})", facts.join(", ")) }
}

fn changed(kind: &str, what: &str, parts: &[String]) -> String {
    format!("{kind} {}  {}", name(what), parts.join(", ")).trim_end().to_owned()
}

fn renamed(kind: &str, from: &str, to: &str) -> String {
    format!("{kind} {} -> {}  renamed", name(from), name(to))
}

fn gone(kind: &str, what: &str, how: &str, reason: &Why) -> String {
    format!("{kind} {}  {how}{}", name(what), why(reason))
}

fn edge(team: &str, user: &str) -> String {
    format!("{team} {user}")
}

fn grant(to: &PrincipalRecord, resource: &str) -> String {
    format!("{} {}", name(resource), name(&to.to_string()))
}

/// `label before -> after`, or nothing where both are the same.
fn field(parts: &mut Vec<String>, label: &str, before: Option<String>, after: Option<String>) {
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
fn lists(parts: &mut Vec<String>, label: &str, before: &[String], after: &[String]) {
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

// ---- records ----

fn of_role(role: &RoleRecord) -> Vec<String> {
    let RoleRecord { name: _, description, permissions, administers } = role;
    let mut facts = Vec::new();
    facts.extend((!permissions.is_empty()).then(|| plural(permissions.len(), "permission")));
    facts.extend(administers.then(|| "administers".to_owned()));
    facts.extend(description.as_deref().map(|d| beginning(&quoted(d), DESCRIPTION)));
    facts
}

fn between_roles(before: &RoleRecord, after: &RoleRecord) -> Vec<String> {
    let RoleRecord { name: old_name, description, permissions, administers } = before;
    let mut parts = Vec::new();
    names(&mut parts, "name", Some(old_name), Some(&after.name));
    let word = |b: bool| Some(if b { "yes" } else { "no" }.to_owned());
    field(&mut parts, "administers", word(*administers), word(after.administers));
    lists(&mut parts, "permissions", permissions, &after.permissions);
    texts(&mut parts, "description", description.as_deref(), after.description.as_deref());
    parts
}

fn of_user(user: &UserRecord) -> Vec<String> {
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

fn between_users(before: &UserRecord, after: &UserRecord) -> Vec<String> {
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

fn of_team(team: &TeamRecord) -> Vec<String> {
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

fn between_teams(before: &TeamRecord, after: &TeamRecord) -> Vec<String> {
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

fn of_member(member: &MemberRecord) -> Vec<String> {
    let MemberRecord { team: _, user: _, role, until, because } = member;
    let mut facts = Vec::new();
    facts.extend(role.as_deref().map(name));
    facts.extend(until.map(|u| format!("until {}", u.short())));
    facts.extend(because.as_deref().map(|b| format!("because {}", prose(b))));
    facts
}

fn between_members(before: &MemberRecord, after: &MemberRecord) -> Vec<String> {
    let MemberRecord { team, user, role, until, because } = before;
    let mut parts = Vec::new();
    names(&mut parts, "team", Some(team), Some(&after.team));
    names(&mut parts, "user", Some(user), Some(&after.user));
    names(&mut parts, "role", role.as_deref(), after.role.as_deref());
    moments(&mut parts, *until, after.until);
    field(&mut parts, "because", because.as_deref().map(quoted), after.because.as_deref().map(quoted));
    parts
}

fn of_resource(resource: &ResourceRecord) -> Vec<String> {
    let ResourceRecord { name: _, description, parent, visibility, owner } = resource;
    let mut facts = Vec::new();
    facts.extend(parent.as_deref().map(|p| format!("in {}", name(p))));
    facts.extend(visibility.map(|v| format!("visibility {}", v.word())));
    facts.extend(owner.as_deref().map(|o| format!("owner {}", name(o))));
    facts.extend(description.as_deref().map(|d| beginning(&quoted(d), DESCRIPTION)));
    facts
}

fn between_resources(before: &ResourceRecord, after: &ResourceRecord) -> Vec<String> {
    let ResourceRecord { name: old_name, description, parent, visibility, owner } = before;
    let mut parts = Vec::new();
    names(&mut parts, "name", Some(old_name), Some(&after.name));
    names(&mut parts, "in", parent.as_deref(), after.parent.as_deref());
    names(&mut parts, "visibility", visibility.map(Visibility::word), after.visibility.map(Visibility::word));
    names(&mut parts, "owner", owner.as_deref(), after.owner.as_deref());
    texts(&mut parts, "description", description.as_deref(), after.description.as_deref());
    parts
}

fn of_domain(domain: &DomainRecord) -> Vec<String> {
    let DomainRecord { name: _, role, teams } = domain;
    let mut facts = Vec::new();
    facts.extend(role.as_deref().map(name));
    let teams: Vec<String> = teams.iter().map(|t| name(t)).collect();
    let word = if teams.len() == 1 { Kind::Team.singular() } else { Kind::Team.plural() };
    facts.extend((!teams.is_empty()).then(|| format!("{word} {}", teams.join(", "))));
    facts
}

fn between_domains(before: &DomainRecord, after: &DomainRecord) -> Vec<String> {
    let DomainRecord { name: old_name, role, teams } = before;
    let mut parts = Vec::new();
    names(&mut parts, "name", Some(old_name), Some(&after.name));
    names(&mut parts, "role", role.as_deref(), after.role.as_deref());
    lists(&mut parts, "teams", teams, &after.teams);
    parts
}
