//! `roles-exclusive`: nobody holds two roles that exclude each other.

use rustc_hash::FxHashMap;

use super::{Breach, Place, RuleInfo, Scope, Subject};
use crate::diagnostic::Code;
use crate::model::{Grant, Principal, ResourceId, RoleId, TeamId, UserId};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::RolesExclusive,
    statement: "roles that `policies.exclusive` names together are never held together, not even for a moment: as own \
                role, by teams and memberships, and by grants on one resource with what it lies in (what ownership and \
                visibility give is not counted)",
    source: "separation of duties: who orders does not pay",
    optional: true,
    scope: Scope::State,
    example: "policies: {exclusive: [[payer, approver]]}\n\
              resources:\n\
              \x20 folder/invoices: {access: {payer: [ada@acme.com], approver: [ada@acme.com]}}",
    fix: "Take one of the two away from them, or from the team by which they hold it.",
};

/// Where somebody holds a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    Own(UserId),
    Team(TeamId),
    Grant(usize),
}

/// Finds who holds two roles of one group. Only the named roles are looked at.
///
/// Cost: for each resource with a grant of a named role, the holders of all such grants on it and on the
/// resources around it: the depth of the resources times their holders.
#[must_use]
pub(super) fn roles_exclusive(subject: &Subject<'_>) -> Vec<Breach> {
    let directory = subject.directory;
    let mut breaches = Vec::new();
    for (number, names) in subject.rules.exclusive.iter().enumerate() {
        let roles: Vec<RoleId> = names.iter().filter_map(|n| directory.find_role(n)).collect();
        if roles.len() < 2 {
            continue;
        }
        let everywhere = held_everywhere(subject, &roles);
        for (user, held) in &everywhere {
            report(subject, number, *user, held, None, &mut breaches);
        }
        let mut inside: Option<Vec<Vec<TeamId>>> = None;
        let mut from = 0;
        for on in directory.grants().chunk_by(|a, b| a.resource == b.resource) {
            let first = from;
            from += on.len();
            if !on.iter().any(|g| roles.contains(&g.role)) {
                continue;
            }
            let inside = inside.get_or_insert_with(|| inner_teams(subject));
            let mut here: FxHashMap<UserId, Vec<(RoleId, Held)>> = FxHashMap::default();
            for (offset, grant) in on.iter().enumerate().filter(|(_, g)| roles.contains(&g.role)) {
                for user in holders(subject, grant, inside) {
                    here.entry(user).or_default().push((grant.role, Held::Grant(first + offset)));
                }
            }
            for outer in subject.around(on[0].resource) {
                let start = directory.grants().partition_point(|g| g.resource < outer);
                let these = directory.grants()[start..].iter().take_while(|g| g.resource == outer);
                for (offset, grant) in these.enumerate().filter(|(_, g)| roles.contains(&g.role)) {
                    for user in holders(subject, grant, inside) {
                        if let Some(held) = here.get_mut(&user) {
                            held.push((grant.role, Held::Grant(start + offset)));
                        }
                    }
                }
            }
            let mut people: Vec<UserId> = here.keys().copied().collect();
            people.sort_unstable();
            for user in people {
                let mut held = here.remove(&user).unwrap_or_default();
                if let Ok(at) = everywhere.binary_search_by_key(&user, |(u, _)| *u) {
                    held.extend(everywhere[at].1.iter().copied());
                }
                report(subject, number, user, &held, Some(on[0].resource), &mut breaches);
            }
        }
    }
    breaches
}

/// Reports two roles that somebody holds; on a resource, only where a grant is one of the two.
fn report(
    subject: &Subject<'_>,
    number: usize,
    user: UserId,
    held: &[(RoleId, Held)],
    resource: Option<ResourceId>,
    breaches: &mut Vec<Breach>,
) {
    let mut held = held.to_vec();
    held.sort_unstable_by_key(|(role, way)| (*role, std::cmp::Reverse(*way)));
    held.dedup_by_key(|(role, _)| *role);
    let granted = |way: Held| matches!(way, Held::Grant(_));
    if held.len() < 2 || (resource.is_some() && !held.iter().any(|(_, way)| granted(*way))) {
        return;
    }
    let directory = subject.directory;
    let names: Vec<&str> = held.iter().map(|(role, _)| &*directory.role(*role).name).collect();
    let (last, first) = names.split_last().map_or((&"", &[][..]), |(l, f)| (l, f));
    let on = resource.map(|r| format!(" on {}", directory.resource(r).name)).unwrap_or_default();
    let email = subject.email(user);
    let message = format!("{email} holds {} and {last}{on}, which exclude each other", first.join(", "));
    let place = |way: Held| match way {
        Held::Own(user) => Place::User(user),
        Held::Team(team) => Place::Team(team),
        Held::Grant(number) => Place::Grant(number),
    };
    // Where a grant is one of the two, that is what somebody wrote down last.
    let at = held.iter().rposition(|(_, way)| granted(*way)).unwrap_or(held.len() - 1);
    let mut breach = Breach::new(&RULE, place(held[at].1), message)
        .labelled(format!("{} here", names[at]))
        .help(format!("take one of them away from {email}, or from the team by which they hold it"));
    for (index, (_, way)) in held.iter().enumerate().filter(|(index, _)| *index != at) {
        breach = breach.also(place(*way), format!("{} here", names[index]));
    }
    breaches.push(breach.also(Place::Rule(format!("exclusive {number}")), "never together"));
}

/// Who holds which of some roles everywhere: as their own, by a team or a membership. Sorted by user.
fn held_everywhere(subject: &Subject<'_>, roles: &[RoleId]) -> Vec<(UserId, Vec<(RoleId, Held)>)> {
    let directory = subject.directory;
    let base: Vec<Vec<(RoleId, Held)>> = (0..directory.teams().len() as u32)
        .map(|team| {
            let around = directory.team_and_outer(TeamId(team));
            let of = around.filter_map(|t| Some((*directory.team(t).role.value()?, Held::Team(t))));
            of.filter(|(role, _)| roles.contains(role)).collect()
        })
        .collect();
    let mut found = Vec::new();
    for (index, user) in directory.users().iter().enumerate() {
        let id = UserId(index as u32);
        if !subject.may_come(id) {
            continue;
        }
        let mut held: Vec<(RoleId, Held)> = Vec::new();
        held.extend(user.role.value().filter(|r| roles.contains(r)).map(|r| (*r, Held::Own(id))));
        for member in subject.directory.memberships_of(id) {
            held.extend(base[member.team.index()].iter().copied());
            let role = member.role.value().filter(|r| roles.contains(r));
            held.extend(role.map(|r| (*r, Held::Team(member.team))));
        }
        if !held.is_empty() {
            found.push((id, held));
        }
    }
    found
}

/// The teams inside each team, itself among them.
fn inner_teams(subject: &Subject<'_>) -> Vec<Vec<TeamId>> {
    let directory = subject.directory;
    let mut inside: Vec<Vec<TeamId>> = vec![Vec::new(); directory.teams().len()];
    for team in (0..directory.teams().len() as u32).map(TeamId) {
        for outer in directory.team_and_outer(team) {
            inside[outer.index()].push(team);
        }
    }
    inside
}

/// Who holds a grant, of those who can come in.
fn holders(subject: &Subject<'_>, grant: &Grant, inside: &[Vec<TeamId>]) -> Vec<UserId> {
    let directory = subject.directory;
    let mut found: Vec<UserId> = match grant.principal {
        Principal::User(user) => vec![user],
        Principal::Team(team) => {
            inside[team.index()].iter().flat_map(|t| directory.members_of(*t)).map(|m| m.user).collect()
        }
        Principal::Everyone => (0..directory.users().len() as u32).map(UserId).collect(),
    };
    found.retain(|user| subject.may_come(*user));
    found.sort_unstable();
    found.dedup();
    found
}
