//! Rows of the tables of gains and losses: who, what, on what, by what; one for each line of the access
//! difference, or for all lines of one team and role together.

use std::collections::{BTreeMap, BTreeSet};

use super::causes::{Cause, Causes};
use super::escape::named;
use crate::access::{AccessEffect, AccessLine, AccessRisk, AccountChange, Through};
use crate::model::UserKind;
use crate::render::text::{listed, thousands};

/// So many people and resources are named in a cell.
const NAMED: usize = 3;

/// So many permissions are named in a cell.
const PERMISSIONS: usize = 4;

/// Some people to whom the same happens.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub effect: AccessEffect,
    pub risk: AccessRisk,
    pub administrator: bool,
    people: usize,
    who: Vec<String>,
    resources: usize,
    on: Vec<String>,
    scattered: bool,
    permissions: Vec<String>,
    unpublished: Vec<String>,
    through: Vec<Through>,
    formerly: Vec<Through>,
    but_on: Vec<String>,
    account: Option<AccountChange>,
    pending: bool,
    accounts: UserKind,
    pub cause: Cause,
}

impl Row {
    /// A row of one line.
    pub fn of(line: &AccessLine) -> Self {
        Self {
            effect: line.effect,
            risk: line.risk,
            administrator: line.administrator,
            people: line.people,
            who: line.who.clone(),
            resources: line.resources,
            on: line.on.clone(),
            scattered: line.scattered,
            permissions: line.permissions.clone(),
            unpublished: line.unpublished.clone(),
            through: line.through.clone(),
            formerly: line.formerly.clone(),
            but_on: line.but_on.clone(),
            account: line.account,
            pending: line.pending,
            accounts: line.accounts,
            cause: Cause::default(),
        }
    }

    /// The same with its places in the files.
    pub fn caused(mut self, line: &AccessLine, causes: &Causes<'_>) -> Self {
        self.cause = causes.find(line);
        self
    }

    /// Whether it is never left out while others are shown: administrators who come, and everybody who loses.
    pub fn is_protected(&self) -> bool {
        self.effect == AccessEffect::Loses || self.risk == AccessRisk::Administrator
    }

    /// Whether it is about several people.
    pub fn is_many(&self) -> bool {
        self.people > 1
    }

    /// A number that is smaller for more people.
    pub fn fewest_people(&self) -> std::cmp::Reverse<usize> {
        std::cmp::Reverse(self.people)
    }

    /// Whether they gain: said where gains and losses stand in one table.
    pub fn verb(&self) -> &'static str {
        match self.effect {
            AccessEffect::Gains => "gain ",
            AccessEffect::Loses => "lose ",
            AccessEffect::Path => "",
        }
    }

    /// Who, as a cell.
    pub fn who(&self, most: usize) -> String {
        let kind = match self.accounts {
            UserKind::Person => "",
            UserKind::Contractor => " (contractor)",
            UserKind::Service => " (service)",
            UserKind::BreakGlass => " (break-glass)",
        };
        if self.people <= NAMED && self.people == self.who.len() {
            return format!("{}{kind}", listed(&all(&self.who, most)));
        }
        let noun = if self.accounts == UserKind::Service { "accounts" } else { "people" };
        let first = all(self.who.get(..2.min(self.who.len())).unwrap_or_default(), most);
        let shown = first.len();
        let names = if first.is_empty() { String::new() } else { format!(": {}", first.join(", ")) };
        let more = if shown > 0 && self.people > shown {
            format!(" and {} more", thousands(self.people - shown))
        } else {
            String::new()
        };
        format!("**{} {noun}**{kind}{names}{more}", thousands(self.people))
    }

    /// What they get or no longer have, as a cell.
    pub fn what(&self, most: usize) -> String {
        let account = self.account.map(|change| match change {
            AccountChange::Created => "new account, ",
            AccountChange::Invited => "invited, ",
            AccountChange::Enabled | AccountChange::Extended => "comes back, ",
            AccountChange::Disabled => "disabled, ",
            AccountChange::Deleted => "deleted, ",
            AccountChange::Ended => "ends, ",
        });
        let account = account.unwrap_or_default();
        if self.administrator {
            return format!("{account}**everything as administrator** ‼️");
        }
        let mut roles: Vec<&str> = self.ways().iter().filter_map(role).collect();
        roles.sort_unstable();
        roles.dedup();
        let permissions = match self.permissions.len() {
            0 => String::new(),
            1 if roles == [self.permissions[0].as_str()] => String::new(),
            n if n <= PERMISSIONS => all(&self.permissions, most).join(", "),
            n => format!("{} permissions", thousands(n)),
        };
        let unknown = if self.unpublished.is_empty() { "" } else { "what it may do is not published" };
        let inside: Vec<&str> = [permissions.as_str(), unknown].into_iter().filter(|t| !t.is_empty()).collect();
        let roles = some(&roles, most);
        let inside = match (roles.is_empty(), inside.is_empty()) {
            (_, true) => String::new(),
            (true, false) => inside.join("; "),
            (false, false) => format!(" ({})", inside.join("; ")),
        };
        let mark = if self.risk == AccessRisk::Administrator { " ‼️" } else { "" };
        format!("{account}{roles}{inside}{mark}")
    }

    /// On what, as a cell.
    pub fn place(&self, most: usize) -> String {
        let some_of = if self.scattered { "some of " } else { "" };
        let on = match self.resources {
            0 => "everywhere".to_owned(),
            n if n <= NAMED && n == self.on.len() => format!("{some_of}{}", listed(&all(&self.on, most))),
            n => {
                let shown = all(self.on.get(..2.min(self.on.len())).unwrap_or_default(), most);
                let more = n.saturating_sub(shown.len());
                format!("{some_of}**{} resources**: {} and {} more", thousands(n), shown.join(", "), thousands(more))
            }
        };
        if self.but_on.is_empty() {
            return on;
        }
        let but: Vec<&str> = self.but_on.iter().map(String::as_str).collect();
        match self.effect {
            AccessEffect::Loses => format!("{on}; some of it stays on {}", some(&but, most)),
            _ => format!("{on}; some of it was there before on {}", some(&but, most)),
        }
    }

    /// By what, as a cell.
    pub fn because(&self, most: usize) -> String {
        let path = self.effect == AccessEffect::Path;
        let list = |ways: &[Through]| {
            let mut ways: Vec<String> = ways.iter().map(|w| way(w, path, most)).collect();
            ways.sort_unstable();
            ways.dedup();
            let more = ways.len().saturating_sub(NAMED);
            ways.truncate(NAMED);
            if more > 0 { format!("{} and {more} more", ways.join(", ")) } else { listed(&ways) }
        };
        let (now, then) = (list(&self.through), list(&self.formerly));
        let text = match self.effect {
            AccessEffect::Gains => now,
            AccessEffect::Loses => then,
            AccessEffect::Path if then.is_empty() => format!("also {now}"),
            AccessEffect::Path if now.is_empty() => format!("no longer also {then}"),
            AccessEffect::Path => format!("{now}, no longer {then}"),
        };
        if self.pending { format!("{text}{}when they come", if text.is_empty() { "" } else { ", " }) } else { text }
    }

    fn ways(&self) -> &[Through] {
        if self.effect == AccessEffect::Loses { &self.formerly } else { &self.through }
    }
}

fn all(names: &[String], most: usize) -> Vec<String> {
    names.iter().map(|n| named(n, most)).collect()
}

/// The first few names, and how many more there are.
fn some(names: &[&str], most: usize) -> String {
    let shown: Vec<String> = names.iter().take(NAMED).map(|n| named(n, most)).collect();
    match names.len().saturating_sub(NAMED) {
        0 => listed(&shown),
        more => format!("{} and {} more", shown.join(", "), thousands(more)),
    }
}

fn role(way: &Through) -> Option<&str> {
    match way {
        Through::OwnRole { role }
        | Through::Team { role, .. }
        | Through::Membership { role, .. }
        | Through::OwnGrant { role }
        | Through::TeamGrant { role, .. }
        | Through::Everyone { role } => Some(role),
        Through::Ownership | Through::Visibility | Through::RoleEdit { .. } => None,
    }
}

fn way(way: &Through, with_role: bool, most: usize) -> String {
    let text = match way {
        Through::OwnRole { .. } => "own role".to_owned(),
        Through::Team { team, .. } | Through::TeamGrant { team, .. } => format!("team {}", named(team, most)),
        Through::Membership { team, .. } => format!("membership in team {}", named(team, most)),
        Through::OwnGrant { .. } => "own grant".to_owned(),
        Through::Everyone { .. } => "everyone".to_owned(),
        Through::Ownership => "ownership".to_owned(),
        Through::Visibility => "visible to everyone".to_owned(),
        Through::RoleEdit { role } => format!("role {}, which changes", named(role, most)),
    };
    match role(way).filter(|_| with_role) {
        Some(role) => format!("{text} as {}", named(role, most)),
        None => text,
    }
}

/// Lines of the same team and role as one row: how many people on how many resources.
pub(super) fn grouped(lines: &[&AccessLine]) -> Vec<Row> {
    let mut order = Vec::new();
    let mut groups: BTreeMap<String, (Row, BTreeSet<String>, BTreeSet<String>, usize)> = BTreeMap::new();
    for line in lines {
        let ways = (&line.through, &line.formerly);
        let what = (line.effect, line.risk, line.administrator, line.account, line.pending, line.accounts);
        let key = format!("{what:?}{ways:?}");
        let incomplete = line.people - line.who.len().min(line.people);
        let (row, who, on, more) = groups.entry(key.clone()).or_insert_with(|| {
            order.push(key);
            (Row::of(line), BTreeSet::new(), BTreeSet::new(), 0)
        });
        // Roles say it; the permissions of many lines are not one list.
        if row.permissions != line.permissions {
            row.permissions.clear();
        }
        row.scattered |= line.scattered || row.on != line.on;
        row.resources = row.resources.max(line.resources);
        row.but_on.clear();
        *more += incomplete;
        who.extend(line.who.iter().cloned());
        on.extend(line.on.iter().cloned());
    }
    let finish = |key: String| {
        let (mut row, who, on, more) = groups.remove(&key)?;
        row.people = row.people.max(who.len() + more);
        row.resources = row.resources.max(on.len());
        row.who = who.into_iter().collect();
        row.on = on.into_iter().collect();
        Some(row)
    };
    order.into_iter().filter_map(finish).collect()
}

/// How many people gain and lose, by risk.
pub(super) fn counts(lines: &[AccessLine]) -> Vec<(&'static str, usize, usize)> {
    let count = |risk: AccessRisk, effect: AccessEffect| {
        let of = || lines.iter().filter(move |l| l.risk == risk && l.effect == effect);
        let named: BTreeSet<&String> = of().flat_map(|l| &l.who).collect();
        let unnamed: usize = of().map(|l| l.people - l.who.len().min(l.people)).sum();
        named.len() + unnamed
    };
    [
        ("Administrators", AccessRisk::Administrator),
        ("Can change something", AccessRisk::Write),
        ("Can look at something", AccessRisk::Read),
    ]
    .map(|(title, risk)| (title, count(risk, AccessEffect::Gains), count(risk, AccessEffect::Loses)))
    .into_iter()
    .filter(|(_, gain, lose)| gain + lose > 0)
    .collect()
}
