//! Who has more than declared by which difference. A difference widens access where a way that it makes
//! gives somebody what the files do not give them.

use std::collections::{BTreeMap, BTreeSet};

use super::Widens;
use crate::access::{AccessDifference, AccessEffect, AccountChange, Cause, Differences, Entry, Group, Way, World};
use crate::model::{Change, Principal, PrincipalRecord, ResourceId, TeamId, UserId};

/// So many of those who have more are named.
const NAMED: usize = 20;

/// The access difference from the files to what is live: `of` leads the other way.
pub(super) fn turned(of: AccessDifference) -> AccessDifference {
    let AccessDifference { gain, lose, path, pending, lines, left_out, without_effect } = of;
    let lines = lines.into_iter().map(|mut line| {
        line.effect = match line.effect {
            AccessEffect::Gains => AccessEffect::Loses,
            AccessEffect::Loses => AccessEffect::Gains,
            AccessEffect::Path => AccessEffect::Path,
        };
        std::mem::swap(&mut line.through, &mut line.formerly);
        line.account = line.account.map(|account| match account {
            AccountChange::Created | AccountChange::Invited => AccountChange::Deleted,
            AccountChange::Deleted => AccountChange::Created,
            AccountChange::Enabled => AccountChange::Disabled,
            AccountChange::Disabled => AccountChange::Enabled,
            AccountChange::Extended => AccountChange::Ended,
            AccountChange::Ended => AccountChange::Extended,
        });
        line
    });
    AccessDifference { gain: lose, lose: gain, path, pending, lines: lines.collect(), left_out, without_effect }
}

/// For each of the changes of a world that lead to the declaration, who has more than declared without it.
pub(super) fn widens(world: &World<'_>, differences: &Differences, changes: &[&Change]) -> Vec<Option<Widens>> {
    let finder = Finder::new(world, differences);
    changes.iter().map(|change| finder.of(change)).collect()
}

/// What somebody has more than declared, and by which ways.
struct More<'d> {
    group: &'d Group,
    entry: &'d Entry,
}

struct Finder<'w, 'd> {
    world: &'w World<'w>,
    all: Vec<More<'d>>,
    /// What is more, by user; by the team or resource of one of its ways.
    of_user: BTreeMap<UserId, Vec<usize>>,
    of_team: BTreeMap<TeamId, Vec<usize>>,
    of_resource: BTreeMap<ResourceId, Vec<usize>>,
}

impl<'w, 'd> Finder<'w, 'd> {
    fn new(world: &'w World<'w>, differences: &'d Differences) -> Self {
        let mut finder = Self {
            world,
            all: Vec::new(),
            of_user: BTreeMap::new(),
            of_team: BTreeMap::new(),
            of_resource: BTreeMap::new(),
        };
        for group in &differences.groups {
            for entry in group.entries.iter().filter(|e| !e.lost.is_empty()) {
                let number = finder.all.len();
                finder.all.push(More { group, entry });
                for user in &group.users {
                    finder.of_user.entry(*user).or_default().push(number);
                }
                let mut on: BTreeSet<ResourceId> = entry.on.into_iter().collect();
                let mut teams: BTreeSet<TeamId> = BTreeSet::new();
                for cause in &entry.removed {
                    match cause.way {
                        Way::Role(_) => {}
                        Way::Team { team, .. } | Way::Member { team, .. } => drop(teams.insert(team)),
                        Way::Grant { to, on: place, .. } => {
                            on.insert(place);
                            if let Principal::Team(team) = to {
                                teams.insert(team);
                            }
                        }
                        Way::Owner { on: place } | Way::Visible { on: place } => drop(on.insert(place)),
                    }
                }
                teams.into_iter().for_each(|t| finder.of_team.entry(t).or_default().push(number));
                on.into_iter().for_each(|r| finder.of_resource.entry(r).or_default().push(number));
            }
        }
        finder
    }

    fn of(&self, change: &Change) -> Option<Widens> {
        let world = self.world;
        match change {
            Change::CreateRole { .. }
            | Change::CreateUser { .. }
            | Change::InviteUser { .. }
            | Change::CreateTeam { .. }
            | Change::SetLeads { .. }
            | Change::AddMember { .. }
            | Change::CreateResource { .. }
            | Change::GiveGrant { .. }
            | Change::AddDomain { .. }
            | Change::SetPolicy { .. }
            | Change::UnsetPolicy { .. }
            | Change::RenameUser { .. }
            | Change::RenameTeam { .. }
            | Change::RenameResource { .. } => None,
            Change::DisableUser { user, .. } | Change::DeleteUser { user, .. } | Change::EnableUser { user } => {
                self.user(&user.email, |_| true)
            }
            Change::UpdateUser { before, after } => {
                let role = before.role != after.role;
                let other = before.until != after.until || before.kind != after.kind;
                let own = |more: &More<'_>| has(more, |c| matches!(c.way, Way::Role(_)));
                // A role may also bound what else somebody is given.
                let capped = role && world.measure().catalogue().roles.values().any(|r| r.caps_at.is_some());
                self.user(&after.email, |more| other || capped || role && own(more))
            }
            Change::RemoveMember { member, .. } | Change::ChangeMember { before: member, .. } => {
                let teams = self.around(&member.team);
                self.user(&member.user, |more| has(more, |c| team_of(c).is_some_and(|t| teams.contains(&t))))
            }
            Change::DeleteTeam { team, .. } => self.teams(&[&team.name], &[]),
            Change::UpdateTeam { before, after } if before.role != after.role || before.outer != after.outer => {
                let outer: Vec<&str> = before.outer.as_deref().into_iter().collect();
                self.teams(&[&before.name], &outer)
            }
            Change::UpdateTeam { .. } => None,
            Change::DeleteResource { resource, .. } => self.resource(&resource.name, |_, _| true),
            Change::UpdateResource { before, after } => {
                let moved = before.parent != after.parent || before.visibility != after.visibility;
                let owner = before.owner != after.owner;
                let owned = |c: &Cause| matches!(c.way, Way::Owner { .. });
                self.resource(&before.name, |_, more| moved || owner && has(more, owned))
            }
            Change::ChangeGrant { to, resource, .. } | Change::RevokeGrant { to, resource, .. } => {
                let to = self.principal(to)?;
                self.resource(resource, |on, more| {
                    has(more, |c| matches!(c.way, Way::Grant { to: t, on: r, .. } if t == to && r == on))
                })
            }
            Change::UpdateRole { before: role, .. } | Change::DeleteRole { role, .. } => {
                let id = world.find_role(&role.name)?;
                let of = |c: &Cause| {
                    matches!(c.way, Way::Role(r) | Way::Team { role: r, .. } | Way::Member { role: r, .. }
                        | Way::Grant { role: r, .. } if r == id)
                };
                let capped = world.measure().catalogue().role(&role.name).is_some_and(|(_, r)| r.caps_at.is_some());
                said(self.world, self.all.iter().filter(|more| capped || has(more, of)))
            }
            // Nobody is known who came by it, and everybody with such an address may.
            Change::RemoveDomain { .. } => Some(Widens { people: 0, who: Vec::new(), administrator: false }),
            Change::ChangeDomain { before, after } => {
                let fewer = before.teams.iter().all(|t| after.teams.contains(t)) && before.role == after.role;
                (!fewer).then_some(Widens { people: 0, who: Vec::new(), administrator: false })
            }
        }
    }

    fn numbered<'a>(&'a self, numbers: Option<&'a Vec<usize>>) -> impl Iterator<Item = &'a More<'d>> {
        numbers.into_iter().flatten().filter_map(|n| self.all.get(*n))
    }

    /// What one user has more, where it fits: nobody else is named.
    fn user(&self, email: &str, fits: impl Fn(&More<'_>) -> bool) -> Option<Widens> {
        let id = self.world.find_user(email)?;
        let mut found = self.numbered(self.of_user.get(&id)).filter(|more| fits(more)).peekable();
        found.peek()?;
        let administrator = found.any(|more| more.entry.lost.is_administrator());
        Some(Widens { people: 1, who: vec![self.world.user_name(id).to_owned()], administrator })
    }

    /// A team and those around it, as they are live.
    fn around(&self, name: &str) -> Vec<TeamId> {
        let Some(team) = self.world.find_team(name).filter(|t| t.index() < self.world.live().teams().len()) else {
            return Vec::new();
        };
        self.world.live().team_and_outer(team).collect()
    }

    /// What comes by these teams and those around them, where somebody has it by one of them.
    fn teams(&self, names: &[&str], outer: &[&str]) -> Option<Widens> {
        let mut teams: BTreeSet<TeamId> = names.iter().filter_map(|n| self.world.find_team(n)).collect();
        teams.extend(names.iter().chain(outer).flat_map(|n| self.around(n)));
        let numbers: BTreeSet<usize> = teams.iter().filter_map(|t| self.of_team.get(t)).flatten().copied().collect();
        said(self.world, numbers.into_iter().filter_map(|n| self.all.get(n)))
    }

    fn resource(&self, name: &str, fits: impl Fn(ResourceId, &More<'_>) -> bool) -> Option<Widens> {
        let id = self.world.find_resource(name)?;
        said(self.world, self.numbered(self.of_resource.get(&id)).filter(|more| fits(id, more)))
    }

    fn principal(&self, record: &PrincipalRecord) -> Option<Principal> {
        self.world.find_principal(record)
    }
}

fn team_of(cause: &Cause) -> Option<TeamId> {
    match cause.way {
        Way::Team { team, .. } | Way::Member { team, .. } | Way::Grant { to: Principal::Team(team), .. } => Some(team),
        _ => None,
    }
}

fn has(more: &More<'_>, fits: impl Fn(&Cause) -> bool) -> bool {
    more.entry.removed.iter().any(fits)
}

fn said<'a, 'd: 'a>(world: &World<'_>, found: impl Iterator<Item = &'a More<'d>>) -> Option<Widens> {
    let mut users: BTreeSet<UserId> = BTreeSet::new();
    let mut administrator = false;
    for more in found {
        users.extend(more.group.users.iter().copied());
        administrator |= more.entry.lost.is_administrator();
    }
    let mut who: Vec<String> = users.iter().map(|u| world.user_name(*u).to_owned()).collect();
    who.sort_unstable();
    let people = who.len();
    who.truncate(NAMED);
    (people > 0).then_some(Widens { people, who, administrator })
}
