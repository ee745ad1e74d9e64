//! A change in one line: `~ user grace@acme.com  role viewer -> developer`.

use super::describe_records::{
    between_domains, between_members, between_resources, between_roles, between_teams, between_users, field, lists,
    of_domain, of_member, of_resource, of_role, of_team, of_user,
};
use super::text::{name, prose};
use crate::model::{Change, Effect, GrantedRole, MemberRecord, PrincipalRecord, UserRecord, UserState, Why};

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
