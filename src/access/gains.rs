//! Which gains of a plan are gains of one thing: a permission, a role, or anything at all. For whoever has
//! to agree to them, with who owns the resource and the teams through which they come.

use std::collections::BTreeSet;

use super::ask::{Asker, What};
use super::difference::way_role;
use super::{At, Differences, Entry, Group, Way, World};
use crate::model::{Principal, ResourceId, UserId};

/// Users who gain the same thing in the same place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gained {
    /// The users, by e-mail, sorted.
    pub users: Vec<String>,
    /// Where: a resource, or everywhere.
    pub on: Option<String>,
    /// Who owns the resource: before the plan, or after it where the resource is new; by e-mail.
    pub owner: Option<String>,
    /// The teams through which it comes, sorted.
    pub teams: Vec<String>,
}

/// The gains of a permission or role, or of anything (`None`). What a role that is not published may give
/// counts as given: that it does not give it cannot be known.
#[must_use]
pub fn gained(world: &World<'_>, differences: &Differences, of: Option<&str>) -> Vec<Gained> {
    let asker = Asker::new(world, At::After, None);
    let what = match of {
        None => What::Anything,
        Some(text) => match asker.asked(text) {
            Some(asked) => asked.what,
            None => return Vec::new(),
        },
    };
    let mut all = Vec::new();
    for group in &differences.groups {
        let gains: Vec<bool> = group.entries.iter().map(|e| is_gain(&asker, &what, e)).collect();
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

fn told(world: &World<'_>, group: &Group, entry: &Entry) -> Gained {
    let mut users: Vec<String> = group.users.iter().map(|u| world.user_name(*u).to_owned()).collect();
    users.sort();
    let team = |way| match way {
        Way::Team { team, .. } | Way::Member { team, .. } => Some(team),
        Way::Grant { to: Principal::Team(team), .. } => Some(team),
        _ => None,
    };
    let teams: BTreeSet<&str> = entry.added.iter().filter_map(|c| team(c.way)).map(|t| world.team_name(t)).collect();
    Gained {
        users,
        on: entry.on.map(|r| world.resource_name(r).to_owned()),
        owner: entry.on.and_then(|r| owner_of(world, r)),
        teams: teams.into_iter().map(str::to_owned).collect(),
    }
}

fn owner_of(world: &World<'_>, on: ResourceId) -> Option<String> {
    let at = if (on.index()) < world.live().resources().len() { At::Before } else { At::After };
    world.resource(on).owner.at(at).map(|user: UserId| world.user_name(user).to_owned())
}
