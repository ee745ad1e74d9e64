//! What else gives what a grant gives: for `elevate-only` (on the same resource) and for
//! `inherited-not-repeated` (around the team, or around the resource).

use rustc_hash::FxHashMap;

use super::{Breach, Place, Subject, elevate_only, inherited_not_repeated};
use crate::model::{Combine, Grant, Moment, Permissions, Principal, ResourceId, RoleId, TeamId, UserId, Visibility};

/// The way that something else takes.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Another role of the same grant.
    Beside(usize),
    /// The user's own role.
    Own,
    /// The base role of a team.
    Base(TeamId),
    /// The role of a membership.
    Member(TeamId),
    /// A grant to the principal, a team of it, or everyone: by its number.
    Given(usize),
    /// Ownership of a resource.
    Owner(ResourceId),
}

/// Another way to what a grant gives.
struct Source {
    /// The role that it gives.
    role: RoleId,
    /// Its end.
    until: Option<Moment>,
    /// Which way.
    way: Way,
    /// Whether it lies around the team or the resource, and not beside the grant.
    around: bool,
}

/// What is known of a user for all their grants.
struct Person {
    teams: Vec<(TeamId, Option<Moment>)>,
    /// The role that bounds what grants give to them, with the role that says so.
    cap: Option<(RoleId, RoleId)>,
}

/// Finds the grants that give no more than the principal has without them, for at least as long; and
/// those that a cap bounds.
///
/// Cost: for a grant to a user, the user's teams times the depth of the resource, each a binary search;
/// for one to a team, the depth of both.
#[must_use]
pub(super) fn grants_without_effect(subject: &Subject<'_>) -> Vec<Breach> {
    let directory = subject.directory;
    let mut people: FxHashMap<UserId, Person> = FxHashMap::default();
    let mut breaches = Vec::new();
    let (mut sources, mut principals) = (Vec::new(), Vec::new());
    for (number, grant) in directory.grants().iter().enumerate() {
        if directory.resource(grant.resource).visibility.value() == Some(&Visibility::Private) {
            continue;
        }
        let person = match grant.principal {
            Principal::User(user) if !subject.may_come(user) => continue,
            Principal::User(user) => Some(&*people.entry(user).or_insert_with(|| person(subject, user))),
            Principal::Team(_) | Principal::Everyone => None,
        };
        let cap = person.and_then(|p| p.cap).filter(|(cap, _)| is_above(subject, grant.role, *cap));
        let wanted = cap.map_or(grant.role, |(cap, _)| cap);
        find(subject, number, person, &mut principals, &mut sources);
        sources.retain(|s: &Source| lasts(s.until, grant.until));
        let one = sources.iter().find(|s| gives(subject, s, wanted));
        if let Some(source) = one {
            let message = format!("{}: {}", has_already(subject, grant, cap), why(subject, grant, source));
            let mut breach = breach(subject, number, source.around, message);
            if let Some((place, text)) = place(source.way) {
                breach = breach.also(place, text);
            }
            breaches.push(breach);
        } else if together(subject, &sources, wanted) {
            sources.sort_by_key(|s| s.around);
            let here = sources.iter().take_while(|s| !s.around).count();
            let around = !together(subject, &sources[..here], wanted);
            let message = format!("{}: other roles give it together", has_already(subject, grant, cap));
            let mut breach = breach(subject, number, around, message);
            for (place, text) in sources.iter().filter_map(|s| place(s.way)).take(3) {
                breach = breach.also(place, text);
            }
            breaches.push(breach);
        } else if let Some((cap, by)) = cap {
            let role = |r: RoleId| &directory.role(r).name;
            let message = format!(
                "{} for {} on {} gives no more than {}: the role {} caps it",
                role(grant.role),
                directory.principal_record(grant.principal),
                directory.resource(grant.resource).name,
                role(cap),
                role(by)
            );
            let help = format!("grant {}, or give them another role than {}", role(cap), role(by));
            breaches.push(breach(subject, number, false, message).labelled("capped").help(help).note());
        }
    }
    breaches
}

fn breach(subject: &Subject<'_>, number: usize, around: bool, message: String) -> Breach {
    let directory = subject.directory;
    let grant = &directory.grants()[number];
    let rule = if around { &inherited_not_repeated::RULE } else { &elevate_only::RULE };
    let to = directory.principal_record(grant.principal);
    let key = format!("{} {to} {}", directory.resource(grant.resource).name, directory.role(grant.role).name);
    let breach = Breach::new(rule, Place::Grant(number), message).keyed(key, 1);
    breach.labelled("changes nothing").help("remove this grant: it gives nothing more, and takes nothing away either")
}

fn person(subject: &Subject<'_>, user: UserId) -> Person {
    let role = subject.directory.user(user).role.value().copied();
    let cap = role.and_then(|by| {
        let cap = subject.catalogue_role(by)?.caps_at.as_deref()?;
        Some((subject.directory.find_role(cap)?, by))
    });
    Person { teams: subject.teams_of(user), cap }
}

/// Whether something that ends at the first moment lasts as long as something that ends at the second.
fn lasts(source: Option<Moment>, grant: Option<Moment>) -> bool {
    match (source, grant) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(source), Some(grant)) => source >= grant,
    }
}

/// Whether a source gives all of a role: everything, where it administers the target.
fn gives(subject: &Subject<'_>, source: &Source, wanted: RoleId) -> bool {
    let everywhere = matches!(source.way, Way::Own | Way::Base(_) | Way::Member(_));
    (everywhere && subject.directory.role(source.role).administers) || covers(subject, source.role, wanted)
}

/// Whether who has a role has all of another one. What is not published is covered by itself alone.
fn covers(subject: &Subject<'_>, role: RoleId, wanted: RoleId) -> bool {
    if role == wanted {
        return true;
    }
    if subject.catalogue.combine == Combine::Highest {
        let tier = |r: RoleId| subject.catalogue_role(r).and_then(|r| r.tier);
        if let (Some(a), Some(b)) = (tier(role), tier(wanted)) {
            return a >= b;
        }
    }
    let (has, wanted) = (permissions(subject, role), permissions(subject, wanted));
    !wanted.is_empty() && wanted.is_subset(&has)
}

/// Whether a role gives all of another one, and more.
fn is_above(subject: &Subject<'_>, role: RoleId, other: RoleId) -> bool {
    role != other && covers(subject, role, other) && !covers(subject, other, role)
}

/// Whether several roles together give all of another one.
fn together(subject: &Subject<'_>, sources: &[Source], wanted: RoleId) -> bool {
    if subject.catalogue.combine == Combine::Highest || sources.len() < 2 {
        return false;
    }
    let wanted = permissions(subject, wanted);
    let all = sources.iter().fold(Permissions::NONE, |all, s| all.union(permissions(subject, s.role)));
    !wanted.is_empty() && wanted.is_subset(&all)
}

fn permissions(subject: &Subject<'_>, role: RoleId) -> Permissions {
    subject.directory.role(role).permissions
}

/// Whether a role in a team reaches a resource: everywhere, or only what belongs to the team.
fn reaches(subject: &Subject<'_>, role: RoleId, team: TeamId, resource: ResourceId) -> bool {
    let of = subject.catalogue.team_of(&subject.directory.resource(resource).name);
    !subject.is_bound(role) || of == Some(&*subject.directory.team(team).name)
}

/// Finds every other way to what a grant gives, those beside it first.
fn find(
    subject: &Subject<'_>,
    number: usize,
    person: Option<&Person>,
    principals: &mut Vec<(Principal, Option<Moment>)>,
    found: &mut Vec<Source>,
) {
    found.clear();
    principals.clear();
    let directory = subject.directory;
    let grant = &directory.grants()[number];
    beside(subject, number, found);
    everywhere(subject, grant, person, found);
    match grant.principal {
        Principal::User(user) => {
            owned(subject, user, grant.resource, false, found);
            principals.extend(person.iter().flat_map(|p| &p.teams).map(|(t, until)| (Principal::Team(*t), *until)));
        }
        Principal::Team(team) => {
            principals.extend(directory.team_and_outer(team).skip(1).map(|t| (Principal::Team(t), None)));
        }
        Principal::Everyone => {}
    }
    if grant.principal != Principal::Everyone {
        principals.push((Principal::Everyone, None));
    }
    for (principal, until) in principals.iter() {
        let around = matches!((grant.principal, principal), (Principal::Team(_), Principal::Team(_)));
        given(subject, grant.resource, *principal, *until, around, found);
    }
    for outer in subject.around(grant.resource) {
        // What is private hears no grants and hands nothing on.
        if directory.resource(outer).visibility.value() == Some(&Visibility::Private) {
            break;
        }
        given(subject, outer, grant.principal, None, true, found);
        for (principal, until) in principals.iter() {
            given(subject, outer, *principal, *until, true, found);
        }
        if let Principal::User(user) = grant.principal {
            owned(subject, user, outer, true, found);
        }
    }
}

/// The other roles that the same principal is given on the same resource: those above, and of equal ones
/// the first.
fn beside(subject: &Subject<'_>, number: usize, found: &mut Vec<Source>) {
    let all = subject.directory.grants();
    let grant = &all[number];
    let same = |g: &Grant| (g.resource, g.principal) == (grant.resource, grant.principal);
    let from = number - all[..number].iter().rev().take_while(|g| same(g)).count();
    for (index, other) in all.iter().enumerate().skip(from).take_while(|(_, g)| same(g)) {
        let equal = covers(subject, other.role, grant.role) && covers(subject, grant.role, other.role);
        if index != number && (is_above(subject, other.role, grant.role) || (equal && index < number)) {
            found.push(Source { role: other.role, until: other.until, way: Way::Beside(index), around: false });
        }
    }
}

/// The roles that hold everywhere: of the user, of their teams, of their memberships.
fn everywhere(subject: &Subject<'_>, grant: &Grant, person: Option<&Person>, found: &mut Vec<Source>) {
    let directory = subject.directory;
    let base = |team: TeamId| {
        let role = directory.team(team).role.value().copied();
        role.filter(|r| reaches(subject, *r, team, grant.resource))
    };
    match grant.principal {
        Principal::User(user) => {
            if let Some(&role) = directory.user(user).role.value() {
                found.push(Source { role, until: None, way: Way::Own, around: false });
            }
            for (team, until) in person.iter().flat_map(|p| &p.teams) {
                if let Some(role) = base(*team) {
                    found.push(Source { role, until: *until, way: Way::Base(*team), around: false });
                }
            }
            for member in subject.directory.memberships_of(user) {
                if let Some(&role) = member.role.value().filter(|r| reaches(subject, **r, member.team, grant.resource))
                {
                    let until = member.until.value().copied();
                    found.push(Source { role, until, way: Way::Member(member.team), around: false });
                }
            }
        }
        Principal::Team(team) => {
            for outer in directory.team_and_outer(team) {
                if let Some(role) = base(outer) {
                    found.push(Source { role, until: None, way: Way::Base(outer), around: false });
                }
            }
        }
        Principal::Everyone => {}
    }
}

/// The role that the owner of a resource has on it.
fn owned(subject: &Subject<'_>, user: UserId, resource: ResourceId, around: bool, found: &mut Vec<Source>) {
    let of = subject.directory.resource(resource);
    if of.owner.value() != Some(&user) {
        return;
    }
    let role = subject.catalogue.kinds.get(of.kind()).and_then(|k| k.owner.as_deref());
    if let Some(role) = role.and_then(|r| subject.directory.find_role(r)) {
        found.push(Source { role, until: None, way: Way::Owner(resource), around });
    }
}

/// What a principal is given on a resource, for no longer than one belongs to it.
fn given(
    subject: &Subject<'_>,
    resource: ResourceId,
    principal: Principal,
    until: Option<Moment>,
    around: bool,
    found: &mut Vec<Source>,
) {
    let all = subject.directory.grants();
    let from = all.partition_point(|g| (g.resource, g.principal) < (resource, principal));
    let these = all[from..].iter().take_while(|g| (g.resource, g.principal) == (resource, principal));
    for (offset, grant) in these.enumerate() {
        let until = match (grant.until, until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        found.push(Source { role: grant.role, until, way: Way::Given(from + offset), around });
    }
}

/// Where a way is declared.
fn place(way: Way) -> Option<(Place, &'static str)> {
    match way {
        Way::Beside(number) | Way::Given(number) => Some((Place::Grant(number), "this gives it")),
        Way::Base(team) | Way::Member(team) => Some((Place::Team(team), "through this team")),
        Way::Owner(resource) => Some((Place::Resource(resource), "by its owner")),
        Way::Own => None,
    }
}

/// The beginning of a message: what is there without the grant.
fn has_already(subject: &Subject<'_>, grant: &Grant, cap: Option<(RoleId, RoleId)>) -> String {
    let directory = subject.directory;
    let who = match directory.principal_record(grant.principal) {
        crate::model::PrincipalRecord::Team(team) => format!("team {team}"),
        other => other.to_string(),
    };
    let role = |r: RoleId| &directory.role(r).name;
    let resource = &directory.resource(grant.resource).name;
    match cap {
        None => format!("{who} has {} on {resource} already", role(grant.role)),
        Some((cap, by)) => format!(
            "{who} has {} on {resource} already, and {} gives no more, because the role {} caps it",
            role(cap),
            role(grant.role),
            role(by)
        ),
    }
}

/// Why it is there.
fn why(subject: &Subject<'_>, grant: &Grant, source: &Source) -> String {
    let directory = subject.directory;
    let role = &directory.role(source.role).name;
    let they = if matches!(grant.principal, Principal::User(_)) { "they are" } else { "it is" };
    let does = if directory.role(source.role).administers { "administers everything" } else { "has it everywhere" };
    let there = if subject.is_bound(source.role) { "has it on all of that team" } else { does };
    match source.way {
        Way::Beside(_) => format!("{they} given {role} as well"),
        Way::Own => format!("their role {role} {does}"),
        Way::Base(team) => format!("the role {role} of team {} {there}", directory.team(team).name),
        Way::Member(team) => format!("their role {role} in team {} {there}", directory.team(team).name),
        Way::Owner(resource) if resource == grant.resource => format!("they own it, and its owner has {role}"),
        Way::Owner(resource) => {
            format!("it lies in {}, which they own, and its owner has {role}", directory.resource(resource).name)
        }
        Way::Given(number) => {
            let other = &directory.grants()[number];
            let inner = match (grant.principal, other.principal) {
                (_, Principal::Everyone) => format!("everyone is given {role}"),
                (Principal::User(_), Principal::Team(team)) => {
                    format!("team {}, which they belong to, is given {role}", directory.team(team).name)
                }
                (Principal::Team(a), Principal::Team(b)) if a != b && other.resource == grant.resource => {
                    return format!("it lies in team {}, which is given {role}", directory.team(b).name);
                }
                (Principal::Team(a), Principal::Team(b)) if a != b => {
                    format!("team {}, which the team lies in, is given {role}", directory.team(b).name)
                }
                (Principal::Team(_), _) => format!("the team is given {role}"),
                _ => format!("{they} given {role}"),
            };
            if other.resource == grant.resource {
                inner
            } else {
                format!("the resource lies in {}, where {inner}", directory.resource(other.resource).name)
            }
        }
    }
}
