//! Which gains of a plan are gains of one thing: a permission, a role, or anything at all. For whoever has
//! to agree to them, with who owns the resource and the teams through which they come.

use std::collections::BTreeSet;

use super::ask::{Asker, What};
use super::difference::way_role;
use super::{At, Differences, Entry, Group, Way, World};
use crate::model::{Change, GrantedRole, Moment, Principal, PrincipalRecord, ResourceId, TeamId, UserId};

/// Users who gain the same thing in the same place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gained {
    /// The users, by e-mail, sorted.
    pub users: Vec<String>,
    /// Where: a resource, or everywhere.
    pub on: Option<String>,
    /// Who owns the resource: before the plan, or after it where the resource is new; by e-mail.
    pub owner: Option<String>,
    /// The teams through which it comes, by the names before the plan, sorted.
    pub teams: Vec<String>,
}

/// The gains of a permission or role, or of anything (`None`). What a role that is not published may give
/// counts as given: that it does not give it cannot be known. A role is what it was before the changes and what
/// it is after them, so that it cannot be made to mean less in the same breath; one that is not known at all
/// stands for anything.
#[must_use]
pub fn gained(world: &World<'_>, differences: &Differences, of: Option<&str>) -> Vec<Gained> {
    let askers = [At::Before, At::After].map(|at| Asker::new(world, at, None));
    let whats = whats(&askers, of);
    let mut all = Vec::new();
    for group in &differences.groups {
        let is = |e: &Entry| whats.iter().any(|(asker, what)| is_gain(asker, what, e));
        let gains: Vec<bool> = group.entries.iter().map(is).collect();
        for (entry, _) in group.entries.iter().zip(&gains).filter(|(_, gain)| **gain) {
            // What is gained all around is told once, where it begins.
            let around = entry.around.and_then(|n| gains.get(n)).copied().unwrap_or(false);
            if !around {
                all.push(told(world, group, entry));
            }
        }
    }
    all.sort();
    all
}

fn whats<'k, 'w, 'a>(askers: &'k [Asker<'w, 'a>; 2], of: Option<&str>) -> Vec<(&'k Asker<'w, 'a>, What)> {
    let known = |asker: &'k Asker<'w, 'a>| Some((asker, asker.asked(of?)?.what));
    let mut whats: Vec<_> = askers.iter().filter_map(known).collect();
    if whats.is_empty() {
        whats.extend(askers.last().map(|asker| (asker, What::Anything)));
    }
    whats
}

fn is_gain(asker: &Asker<'_, '_>, what: &What, entry: &Entry) -> bool {
    if entry.gained.is_empty() {
        return false;
    }
    let world = asker.world();
    if what.can_be_hidden() && !world.measure().unpublished(&entry.gained).is_empty() {
        return true;
    }
    let after = entry.before.minus(entry.lost).or(entry.gained);
    let now = |name: &str| entry.added.iter().filter_map(|c| way_role(c.way)).any(|role| world.role_name(role) == name);
    // Anything that is gained is a gain of anything, also beside what was there.
    *what == What::Anything || asker.has(what, &after, &now) && !asker.has(what, &entry.before, &|_| false)
}

/// Whoever keeps for longer what they have, by a later end or by none: of roles on resources, of memberships and
/// of accounts. What they keep is not measured: it counts as a gain of anything that they have by it.
#[must_use]
pub fn extended(world: &World<'_>, changes: &[&Change]) -> Vec<Gained> {
    let later = |before: Option<Moment>, after: Option<Moment>| match (before, after) {
        (Some(before), Some(after)) => after > before,
        (Some(_), None) => true,
        (None, _) => false,
    };
    let members = |team: &str| {
        let teams = world.find_team(team).map(|t| world.team_and_inner(t)).unwrap_or_default();
        let users = teams.into_iter().flat_map(|t| world.possible_members(t)).map(|u| world.user_name(u).to_owned());
        users.collect::<BTreeSet<String>>().into_iter().collect::<Vec<String>>()
    };
    let one = |change: &&Change| match change {
        Change::ChangeGrant { to, resource, before, after } => {
            let kept = |a: &&GrantedRole| before.iter().any(|b| b.role == a.role && later(b.until, a.until));
            after.iter().find(kept)?;
            let (users, teams) = match to {
                PrincipalRecord::User(email) => (vec![email.clone()], Vec::new()),
                PrincipalRecord::Team(team) => (members(team), vec![team.clone()]),
                PrincipalRecord::Everyone => (Vec::new(), Vec::new()),
            };
            let owner = world.find_resource(resource).and_then(|r| owner_of(world, r));
            Some(Gained { users, on: Some(resource.clone()), owner, teams })
        }
        Change::ChangeMember { before, after } if later(before.until, after.until) => {
            let (users, teams) = (vec![after.user.clone()], vec![after.team.clone()]);
            Some(Gained { users, on: None, owner: None, teams })
        }
        Change::UpdateUser { before, after } if later(before.until, after.until) => {
            Some(Gained { users: vec![after.email.clone()], on: None, owner: None, teams: Vec::new() })
        }
        _ => None,
    };
    changes.iter().filter_map(one).collect()
}

fn told(world: &World<'_>, group: &Group, entry: &Entry) -> Gained {
    let mut users: Vec<String> = group.users.iter().map(|u| world.user_name(*u).to_owned()).collect();
    users.sort();
    let team = |way| match way {
        Way::Team { team, .. } | Way::Member { team, .. } => Some(team),
        Way::Grant { to: Principal::Team(team), .. } => Some(team),
        _ => None,
    };
    let teams: BTreeSet<&str> = entry.added.iter().filter_map(|c| team(c.way)).map(|t| name_before(world, t)).collect();
    Gained {
        users,
        on: entry.on.map(|r| world.resource_name(r).to_owned()),
        owner: entry.on.and_then(|r| owner_of(world, r)),
        teams: teams.into_iter().map(str::to_owned).collect(),
    }
}

/// A team by the name that it has before the changes: who leads it is asked of those who lead it then.
fn name_before<'w>(world: &'w World<'_>, team: TeamId) -> &'w str {
    world.live().teams().get(team.index()).map_or_else(|| world.team_name(team), |t| &*t.name)
}

fn owner_of(world: &World<'_>, on: ResourceId) -> Option<String> {
    let at = if (on.index()) < world.live().resources().len() { At::Before } else { At::After };
    world.resource(on).owner.at(at).map(|user: UserId| world.user_name(user).to_owned())
}
