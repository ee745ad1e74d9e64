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
    /// By a team, and only on what belongs to it.
    Within(TeamId),
    Grant(usize),
}

/// Where roles are held together.
#[derive(Debug, Clone, Copy)]
enum Together {
    Everywhere,
    Team(TeamId),
    Resource(ResourceId),
}

/// What somebody holds of some roles, besides grants.
#[derive(Debug, Default)]
struct Person {
    everywhere: Vec<(RoleId, Held)>,
    /// What counts only on what belongs to a team.
    within: Vec<(TeamId, RoleId)>,
}

impl Person {
    fn within(&self, team: TeamId) -> impl Iterator<Item = (RoleId, Held)> + '_ {
        self.within.iter().filter(move |(t, _)| *t == team).map(|(t, role)| (*role, Held::Within(*t)))
    }
}

/// Finds who holds two roles of one group. Only the named roles are looked at.
///
/// Cost: for each resource with a grant of a named role, the holders of all such grants on it and on the
/// resources around it: the depth of the resources times their holders. Where resources belong to teams,
/// each resource that lies in another one as well.
#[must_use]
pub(super) fn roles_exclusive(subject: &Subject<'_>) -> Vec<Breach> {
    let directory = subject.directory;
    let mut breaches = Vec::new();
    for (number, names) in subject.rules.exclusive.iter().enumerate() {
        let roles: Vec<RoleId> = names.iter().filter_map(|n| directory.find_role(n)).collect();
        if roles.len() < 2 {
            continue;
        }
        let people = people(subject, &roles);
        let mut of_team: FxHashMap<TeamId, Vec<UserId>> = FxHashMap::default();
        for (user, person) in &people {
            report(subject, number, *user, &person.everywhere, Together::Everywhere, &mut breaches);
            let mut teams: Vec<TeamId> = person.within.iter().map(|(t, _)| *t).collect();
            teams.sort_unstable();
            teams.dedup();
            for team in teams {
                of_team.entry(team).or_default().push(*user);
                let held: Vec<_> = person.everywhere.iter().copied().chain(person.within(team)).collect();
                report(subject, number, *user, &held, Together::Team(team), &mut breaches);
            }
        }
        let mut inside: Option<Vec<Vec<TeamId>>> = None;
        for on in (0..directory.resources().len() as u32).map(ResourceId) {
            let team = team_of(subject, on);
            let around: Vec<ResourceId> = subject.around(on).collect();
            let teams_around: Vec<TeamId> = around.iter().filter_map(|r| team_of(subject, *r)).collect();
            // What of a team meets other things here for the first time.
            let entered = team.filter(|t| !around.is_empty() && !teams_around.contains(t));
            let grants = named_grants(subject, on, &roles);
            let joining = entered.and_then(|t| of_team.get(&t)).map_or(&[][..], Vec::as_slice);
            if grants.is_empty() && joining.is_empty() {
                continue;
            }
            let inside = inside.get_or_insert_with(|| inner_teams(subject));
            let mut here: FxHashMap<UserId, Vec<(RoleId, Held)>> = FxHashMap::default();
            for (at, grant) in grants {
                for user in holders(subject, grant, inside) {
                    here.entry(user).or_default().push((grant.role, Held::Grant(at)));
                }
            }
            for user in joining {
                here.entry(*user).or_default();
            }
            for (at, grant) in around.iter().flat_map(|r| named_grants(subject, *r, &roles)) {
                for user in holders(subject, grant, inside) {
                    if let Some(held) = here.get_mut(&user) {
                        held.push((grant.role, Held::Grant(at)));
                    }
                }
            }
            let mut users: Vec<UserId> = here.keys().copied().collect();
            users.sort_unstable();
            for user in users {
                let mut held = here.remove(&user).unwrap_or_default();
                if let Ok(at) = people.binary_search_by_key(&user, |(u, _)| *u) {
                    let person = &people[at].1;
                    held.extend(person.everywhere.iter().copied());
                    held.extend(team.iter().chain(&teams_around).flat_map(|t| person.within(*t)));
                }
                report(subject, number, user, &held, Together::Resource(on), &mut breaches);
            }
        }
    }
    breaches
}

/// The team to which a resource belongs, where roles in a team reach nothing else.
fn team_of(subject: &Subject<'_>, resource: ResourceId) -> Option<TeamId> {
    let name = subject.catalogue.team_of(&subject.directory.resource(resource).name)?;
    subject.directory.find_team(name)
}

/// The grants of some roles on a resource itself, with their numbers.
fn named_grants<'a>(subject: &Subject<'a>, on: ResourceId, roles: &[RoleId]) -> Vec<(usize, &'a Grant)> {
    let directory = subject.directory;
    let all = directory.grants_on(on);
    let first = if all.is_empty() { 0 } else { directory.grants().partition_point(|g| g.resource < on) };
    (first..).zip(all).filter(|(_, g)| roles.contains(&g.role)).collect()
}

/// Reports two roles that somebody holds; in a team and on a resource, only where they meet there.
fn report(
    subject: &Subject<'_>,
    number: usize,
    user: UserId,
    held: &[(RoleId, Held)],
    together: Together,
    breaches: &mut Vec<Breach>,
) {
    let mut held = held.to_vec();
    held.sort_unstable_by_key(|(role, way)| (*role, std::cmp::Reverse(*way)));
    held.dedup_by_key(|(role, _)| *role);
    let granted = |way: Held| matches!(way, Held::Grant(_));
    let within = |way: &Held| if let Held::Within(team) = way { Some(*team) } else { None };
    let mut teams: Vec<TeamId> = held.iter().filter_map(|(_, way)| within(way)).collect();
    teams.sort_unstable();
    teams.dedup();
    let meet = match together {
        Together::Everywhere => true,
        Together::Team(_) => !teams.is_empty(),
        Together::Resource(_) => held.iter().any(|(_, way)| granted(*way)) || teams.len() > 1,
    };
    if held.len() < 2 || !meet {
        return;
    }
    let directory = subject.directory;
    let names: Vec<&str> = held.iter().map(|(role, _)| &*directory.role(*role).name).collect();
    let (last, first) = names.split_last().map_or((&"", &[][..]), |(l, f)| (l, f));
    let on = match together {
        Together::Everywhere => String::new(),
        Together::Team(team) => format!(" in team {}", directory.team(team).name),
        Together::Resource(r) => format!(" on {}", directory.resource(r).name),
    };
    let email = subject.email(user);
    let message = format!("{email} holds {} and {last}{on}, which exclude each other", first.join(", "));
    let place = |way: Held| match way {
        Held::Own(user) => Place::User(user),
        Held::Team(team) | Held::Within(team) => Place::Team(team),
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

/// Who holds which of some roles as their own, by a team or a membership. Sorted by user.
fn people(subject: &Subject<'_>, roles: &[RoleId]) -> Vec<(UserId, Person)> {
    let directory = subject.directory;
    let base: Vec<Vec<(RoleId, TeamId)>> = (0..directory.teams().len() as u32)
        .map(|team| {
            let around = directory.team_and_outer(TeamId(team));
            let of = around.filter_map(|t| Some((*directory.team(t).role.value()?, t)));
            of.filter(|(role, _)| roles.contains(role)).collect()
        })
        .collect();
    let mut found = Vec::new();
    for (index, user) in directory.users().iter().enumerate() {
        let id = UserId(index as u32);
        if !subject.may_come(id) {
            continue;
        }
        let mut person = Person::default();
        person.everywhere.extend(user.role.value().filter(|r| roles.contains(r)).map(|r| (*r, Held::Own(id))));
        for member in subject.directory.memberships_of(id) {
            let own = member.role.value().filter(|r| roles.contains(r)).map(|r| (*r, member.team));
            for (role, team) in base[member.team.index()].iter().copied().chain(own) {
                if subject.is_bound(role) {
                    person.within.push((team, role));
                } else {
                    person.everywhere.push((role, Held::Team(team)));
                }
            }
        }
        if !person.everywhere.is_empty() || !person.within.is_empty() {
            found.push((id, person));
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
