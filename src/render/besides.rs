//! What changes for people besides their access: who leads, for how long something is given, what
//! attributes and addresses there are, and what those get who come later.

use std::collections::BTreeMap;

use super::text::name;
use crate::diagnostic::Location;
use crate::model::{Change, DomainRecord, GrantedRole, MemberRecord, Moment, PrincipalRecord, RoleRecord, UserRecord};
use crate::plan::TargetPlan;

/// One thing besides access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Besides {
    /// Clean text.
    pub text: String,
    /// Whether it can make an administrator.
    pub administrator: bool,
    /// Where it is declared.
    pub declared: Option<Location>,
}

/// Everything besides access, what can make administrators first, otherwise in the order of the steps.
#[must_use]
pub fn besides(plan: &TargetPlan) -> Vec<Besides> {
    let facts = Facts::of(plan);
    let mut found = Vec::new();
    for step in &plan.steps {
        let from = found.len();
        facts.look(&step.change, &mut found);
        found[from..].iter_mut().for_each(|b: &mut Besides| b.declared.clone_from(&step.declared));
    }
    found.sort_by_key(|b| !b.administrator);
    found
}

/// The roles that administer, and those of teams, as far as the plan tells.
struct Facts {
    roles: BTreeMap<String, bool>,
    teams: BTreeMap<String, Option<String>>,
}

impl Facts {
    fn of(plan: &TargetPlan) -> Self {
        let mut facts = Self { roles: BTreeMap::new(), teams: BTreeMap::new() };
        for (key, value) in &plan.touched {
            match key.split_once(' ') {
                Some(("role", role)) => {
                    facts.roles.insert(role.to_owned(), value["administers"].as_bool().unwrap_or(false));
                }
                Some(("team", team)) => {
                    facts.teams.insert(team.to_owned(), value["role"].as_str().map(str::to_owned));
                }
                _ => {}
            }
        }
        for step in &plan.steps {
            match &step.change {
                Change::CreateRole { role } | Change::UpdateRole { after: role, .. } => {
                    let RoleRecord { name, administers, .. } = role;
                    facts.roles.insert(name.clone(), *administers);
                }
                Change::CreateTeam { team } | Change::UpdateTeam { after: team, .. } => {
                    facts.teams.insert(team.name.clone(), team.role.clone());
                }
                _ => {}
            }
        }
        facts
    }

    fn administers(&self, role: Option<&String>) -> bool {
        role.and_then(|r| self.roles.get(r)).copied().unwrap_or(false)
    }

    fn joins(&self, domain: &DomainRecord) -> bool {
        let of_team = |team: &String| self.administers(self.teams.get(team).and_then(Option::as_ref));
        self.administers(domain.role.as_ref()) || domain.teams.iter().any(of_team)
    }

    fn look(&self, change: &Change, found: &mut Vec<Besides>) {
        let mut put = |text: String, administrator: bool| {
            let text = if administrator { format!("{text} (administrator)") } else { text };
            found.push(Besides { text, administrator, declared: None });
        };
        match change {
            Change::RenameUser { from, to } => put(format!("{} has the address {} now", name(from), name(to)), false),
            Change::SetLeads { team, before, after } => {
                for user in before.iter().filter(|u| !after.contains(u)) {
                    put(format!("{} no longer leads team {}", name(user), name(team)), false);
                }
                for user in after.iter().filter(|u| !before.contains(u)) {
                    put(format!("{} leads team {}", name(user), name(team)), false);
                }
            }
            Change::UpdateUser { before, after } => update_user(before, after).into_iter().for_each(|t| put(t, false)),
            Change::ChangeMember { before, after } => {
                let MemberRecord { team, user, until, .. } = after;
                if let Some(text) = end(before.until, *until) {
                    put(format!("{}: membership in team {} {text}", name(user), name(team)), false);
                }
            }
            Change::ChangeGrant { to, resource, before, after } => {
                let who = match to {
                    PrincipalRecord::User(user) => name(user),
                    PrincipalRecord::Team(team) => format!("team {}", name(team)),
                    PrincipalRecord::Everyone => "everyone".to_owned(),
                };
                for GrantedRole { role, until, .. } in after {
                    let old = before.iter().find(|b| b.role == *role);
                    if let Some(text) = old.and_then(|old| end(old.until, *until)) {
                        put(format!("{who}: {} on {} {text}", name(role), name(resource)), false);
                    }
                }
            }
            Change::AddDomain { domain } => {
                put(format!("whoever joins by {} gets {}", name(&domain.name), gets(domain)), self.joins(domain));
            }
            Change::RemoveDomain { domain, .. } => {
                put(format!("nobody joins by {} any more", name(&domain.name)), false);
            }
            Change::ChangeDomain { before, after } => {
                let text = format!("whoever joins by {} gets {}", name(&after.name), gets(after));
                put(format!("{text}, no longer {}", gets(before)), self.joins(after));
            }
            _ => {}
        }
    }
}

fn gets(domain: &DomainRecord) -> String {
    let role = domain.role.as_deref().map(|r| format!(" with role {}", name(r))).unwrap_or_default();
    let teams: Vec<String> = domain.teams.iter().map(|t| name(t)).collect();
    let teams = if teams.is_empty() { String::new() } else { format!(" in {}", teams.join(", ")) };
    format!("an account{role}{teams}")
}

fn end(before: Option<Moment>, after: Option<Moment>) -> Option<String> {
    let text = |m: Option<Moment>| m.map_or_else(|| "no end".to_owned(), |m| m.short());
    let longer = after.is_none_or(|a| before.is_some_and(|b| a > b));
    let how = if longer { "is longer" } else { "is shorter" };
    (before != after).then(|| format!("{how}: {} -> {}", text(before), text(after)))
}

fn update_user(before: &UserRecord, after: &UserRecord) -> Vec<String> {
    let mut found = Vec::new();
    let who = name(&after.email);
    found.extend(end(before.until, after.until).map(|text| format!("{who}: access {text}")));
    if before.kind != after.kind {
        found.push(format!("{who}: kind {} -> {}", before.kind.word(), after.kind.word()));
    }
    // Systems decide by attributes which rows of data somebody sees.
    let keys: std::collections::BTreeSet<&String> = before.attributes.keys().chain(after.attributes.keys()).collect();
    for key in keys {
        let value = |user: &UserRecord| user.attributes.get(key).map_or_else(|| "none".to_owned(), |v| name(v));
        let (old, new) = (value(before), value(after));
        if before.attributes.get(key) != after.attributes.get(key) {
            found.push(format!("{who}: attribute {} {old} -> {new}", name(key)));
        }
    }
    found
}
