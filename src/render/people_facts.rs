//! What a plan tells about roles and teams at each of its steps: as they were live, with what
//! the steps so far have changed. What it does not tell is not known, and nothing is said about it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::model::{Change, RoleRecord, TeamRecord};
use crate::plan::TargetPlan;

/// How many teams lie in each other at most before this gives up: they may lie in a circle.
const DEPTH: usize = 32;

/// How two roles stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    /// The second gives more.
    More,
    /// The second gives less.
    Less,
    /// Neither includes the other, or it cannot be known.
    Other,
}

/// The state of what a plan speaks of.
#[derive(Debug, Default)]
pub(super) struct Facts {
    roles: BTreeMap<String, RoleRecord>,
    teams: BTreeMap<String, TeamRecord>,
    /// Teams whose members are all in the plan, with how many there are.
    counted: BTreeMap<String, usize>,
}

impl Facts {
    pub(super) fn of(plan: &TargetPlan) -> Self {
        let mut facts = Self::default();
        for (key, value) in &plan.touched {
            match key.split_once(' ') {
                Some(("role", name)) => keep(&mut facts.roles, name, value),
                Some(("team", name)) => keep(&mut facts.teams, name, value),
                _ => {}
            }
        }
        facts.count_members(plan);
        facts
    }

    /// Only of a team that this plan makes or deletes does it name all members, and only where no other
    /// team lies in it.
    fn count_members(&mut self, plan: &TargetPlan) {
        let mut outer: BTreeSet<&str> = BTreeSet::new();
        for step in &plan.steps {
            match &step.change {
                Change::CreateTeam { team } | Change::DeleteTeam { team, .. } => {
                    self.counted.insert(team.name.clone(), 0);
                    outer.extend(team.outer.as_deref());
                }
                Change::UpdateTeam { before, after } => {
                    outer.extend(before.outer.as_deref().into_iter().chain(after.outer.as_deref()));
                }
                _ => {}
            }
        }
        for step in &plan.steps {
            if let Change::AddMember { member } | Change::RemoveMember { member, .. } = &step.change
                && let Some(count) = self.counted.get_mut(&member.team)
            {
                *count += 1;
            }
        }
        self.counted.retain(|team, _| !outer.contains(team.as_str()));
    }

    /// How many members a team has, where the plan names them all.
    pub(super) fn members(&self, team: &str) -> Option<usize> {
        self.counted.get(team).copied()
    }

    /// Takes the change into account.
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::CreateRole { role } | Change::UpdateRole { after: role, .. } => {
                self.roles.insert(role.name.clone(), role.clone());
            }
            Change::CreateTeam { team } | Change::UpdateTeam { after: team, .. } => {
                self.teams.insert(team.name.clone(), team.clone());
            }
            Change::RenameTeam { from, to } => {
                rename(&mut self.teams, from, to);
                rename(&mut self.counted, from, to);
            }
            _ => {}
        }
    }

    /// Whether the holders of a role administer the target.
    pub(super) fn administers(&self, role: Option<&str>) -> bool {
        role.and_then(|r| self.roles.get(r)).is_some_and(|r| r.administers)
    }

    /// The role that a team gives to its members.
    pub(super) fn role_of_team(&self, team: &str) -> Option<&str> {
        self.teams.get(team)?.role.as_deref()
    }

    /// Whether the members of a team administer the target, by its own role or that of an outer team.
    pub(super) fn team_administers(&self, team: &str) -> bool {
        let mut at = Some(team);
        for _ in 0..DEPTH {
            let Some(team) = at else { return false };
            if self.administers(self.role_of_team(team)) {
                return true;
            }
            at = self.teams.get(team).and_then(|t| t.outer.as_deref());
        }
        false
    }

    /// Compares what two sets of roles may do.
    pub(super) fn compare(&self, before: &[&str], after: &[&str]) -> Compared {
        let all = |roles: &[&str], other: &[&str]| roles.iter().all(|r| other.contains(r));
        match (all(before, after), all(after, before)) {
            (true, false) => return Compared::More,
            (false, true) => return Compared::Less,
            (true, true) => return Compared::Other,
            (false, false) => {}
        }
        let administers = |roles: &[&str]| roles.iter().any(|r| self.administers(Some(r)));
        match (administers(before), administers(after)) {
            (false, true) => return Compared::More,
            (true, false) => return Compared::Less,
            _ => {}
        }
        let (Some(old), Some(new)) = (self.permissions(before), self.permissions(after)) else {
            return Compared::Other;
        };
        match (old.is_subset(&new), new.is_subset(&old)) {
            (true, false) => Compared::More,
            (false, true) => Compared::Less,
            _ => Compared::Other,
        }
    }

    /// The permissions of some roles; nothing where one of them is not known to have any.
    fn permissions(&self, roles: &[&str]) -> Option<BTreeSet<&str>> {
        let mut all = BTreeSet::new();
        for role in roles {
            let role = self.roles.get(*role).filter(|r| !r.permissions.is_empty())?;
            all.extend(role.permissions.iter().map(String::as_str));
        }
        Some(all)
    }
}

fn keep<T: for<'de> Deserialize<'de>>(records: &mut BTreeMap<String, T>, name: &str, value: &Value) {
    if let Ok(record) = T::deserialize(value) {
        records.insert(name.to_owned(), record);
    }
}

fn rename<T>(records: &mut BTreeMap<String, T>, from: &str, to: &str) {
    if let Some(record) = records.remove(from) {
        records.insert(to.to_owned(), record);
    }
}
