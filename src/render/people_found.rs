//! What each change gives to whom and takes from whom.

use std::collections::BTreeMap;

use super::describe::{because, granted, granted_names, why};
use super::people::{Circle, Item, Risk, Row};
use super::people_facts::{Compared, Facts};
use super::text::{name, prose, thousands};
use crate::diagnostic::Location;
use crate::model::{
    Change, DomainRecord, GrantedRole, MemberRecord, Moment, PrincipalRecord, ResourceRecord, RoleRecord, TeamRecord,
    UserRecord, UserState, Visibility,
};
use crate::plan::{Step, TargetPlan};

/// The rows of a plan in the order in which its steps speak of them; their risk is not judged yet.
pub(super) fn found(plan: &TargetPlan) -> Vec<Row> {
    let mut found = Found { facts: Facts::of(plan), rows: Vec::new(), places: BTreeMap::new() };
    for step in &plan.steps {
        found.step(step);
        found.facts.apply(&step.change);
    }
    found.rows
}

/// Whose row it is. The order is of no meaning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    User(String),
    Team(String),
    Everyone,
    Holders(String),
    Joiners(String),
    Inheritors(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Gains,
    Loses,
    Changes,
}

impl From<Compared> for Way {
    fn from(compared: Compared) -> Self {
        match compared {
            Compared::More => Self::Gains,
            Compared::Less => Self::Loses,
            Compared::Other => Self::Changes,
        }
    }
}

struct Found {
    facts: Facts,
    rows: Vec<Row>,
    places: BTreeMap<Who, usize>,
}

/// Puts items of one step into rows.
struct At<'a> {
    found: &'a mut Found,
    declared: Option<&'a Location>,
    why: Option<String>,
}

impl At<'_> {
    fn put(&mut self, who: Who, way: Way, what: impl Into<String>) {
        self.add(who, way, what.into(), false);
    }

    /// As `put`, for something that can make or unmake an administrator.
    fn add(&mut self, who: Who, way: Way, what: String, administrator: bool) {
        let row = self.found.row(who);
        let what = if administrator { format!("{what} (administrator)") } else { what };
        let item = Item { what, why: self.why.clone(), administrator, declared: self.declared.cloned() };
        match way {
            Way::Gains => row.gains.push(item),
            Way::Loses => row.loses.push(item),
            Way::Changes => row.changes.push(item),
        }
    }
}

impl Found {
    fn row(&mut self, who: Who) -> &mut Row {
        let next = self.rows.len();
        let place = *self.places.entry(who.clone()).or_insert(next);
        if place == next {
            let (circle, who) = match &who {
                Who::User(email) => (Circle::Person, name(email)),
                Who::Team(team) => {
                    let members = match self.facts.members(team) {
                        Some(1) => " (1 person)".to_owned(),
                        Some(n) => format!(" ({} people)", thousands(n)),
                        None => String::new(),
                    };
                    (Circle::Team, format!("team/{}{members}", name(team)))
                }
                Who::Everyone => (Circle::Many, "everyone".to_owned()),
                Who::Holders(role) => (Circle::Many, format!("whoever has role {}", name(role))),
                Who::Joiners(domain) => (Circle::Many, format!("whoever joins by {}", name(domain))),
                Who::Inheritors(resource) => (Circle::Many, format!("whoever has access to {}", name(resource))),
            };
            let none = Vec::new;
            let row =
                Row { who, circle, risk: Risk::Rest, gains: none(), loses: none(), changes: none(), declared: None };
            self.rows.push(row);
        }
        &mut self.rows[place]
    }

    /// From here on a row goes by another name.
    fn rename(&mut self, from: Who, to: Who, shown: String) {
        if let Some(place) = self.places.remove(&from) {
            self.rows[place].who = shown;
            self.places.insert(to, place);
        }
    }

    fn step(&mut self, step: &Step) {
        let why = step.change.reason().map(why);
        let mut at = At { found: self, declared: step.declared.as_ref(), why };
        match &step.change {
            Change::CreateRole { .. } | Change::DeleteRole { .. } => {}
            Change::UpdateRole { before, after } => update_role(&mut at, before, after),
            Change::CreateUser { user } => account(&mut at, user, "an account"),
            Change::InviteUser { user } => account(&mut at, user, "an invitation"),
            Change::EnableUser { user } => account(&mut at, user, "the account again"),
            Change::UpdateUser { before, after } => update_user(&mut at, before, after),
            Change::RenameUser { from, to } => {
                at.put(Who::User(from.clone()), Way::Changes, format!("address {} -> {}", name(from), name(to)));
                at.found.rename(Who::User(from.clone()), Who::User(to.clone()), name(to));
            }
            Change::DisableUser { user, .. } => lose_account(&mut at, user, "disabled"),
            Change::DeleteUser { user, .. } => lose_account(&mut at, user, "deleted"),
            Change::CreateTeam { .. } => {}
            Change::UpdateTeam { before, after } => update_team(&mut at, before, after),
            Change::RenameTeam { from, to } => {
                let shown = format!("team/{}", name(to));
                at.found.rename(Who::Team(from.clone()), Who::Team(to.clone()), shown);
            }
            Change::DeleteTeam { team, .. } => {
                if let Some(role) = &team.role {
                    let administrator = at.found.facts.administers(Some(role));
                    at.add(Who::Team(team.name.clone()), Way::Loses, format!("role {}", name(role)), administrator);
                }
            }
            Change::SetLeads { team, before, after } => {
                let lead = format!("lead of team {}", name(team));
                for user in before.iter().filter(|u| !after.contains(u)) {
                    at.put(Who::User(user.clone()), Way::Loses, lead.clone());
                }
                for user in after.iter().filter(|u| !before.contains(u)) {
                    at.put(Who::User(user.clone()), Way::Gains, lead.clone());
                }
            }
            Change::AddMember { member } => {
                at.why = member.because.as_deref().map(prose);
                membership(&mut at, member, Way::Gains);
            }
            Change::ChangeMember { before, after } => change_member(&mut at, before, after),
            Change::RemoveMember { member, .. } => membership(&mut at, member, Way::Loses),
            Change::CreateResource { resource } => {
                let before = ResourceRecord { name: resource.name.clone(), ..ResourceRecord::default() };
                update_resource(&mut at, &before, resource);
            }
            Change::UpdateResource { before, after } => update_resource(&mut at, before, after),
            Change::RenameResource { .. } => {}
            Change::DeleteResource { resource, .. } => {
                let after = ResourceRecord { name: resource.name.clone(), ..ResourceRecord::default() };
                update_resource(&mut at, resource, &after);
            }
            Change::GiveGrant { to, resource, roles } => {
                at.why = because(roles);
                at.put(principal(to), Way::Gains, format!("{} on {}", granted(roles), name(resource)));
            }
            Change::ChangeGrant { to, resource, before, after } => {
                at.why = because(after);
                change_grant(&mut at, to, resource, before, after);
            }
            Change::RevokeGrant { to, resource, roles, .. } => {
                at.put(principal(to), Way::Loses, format!("{} on {}", granted_names(roles), name(resource)));
            }
            Change::AddDomain { domain } => join(&mut at, domain, Way::Gains),
            Change::ChangeDomain { before, after } => change_domain(&mut at, before, after),
            Change::RemoveDomain { domain, .. } => join(&mut at, domain, Way::Loses),
            Change::SetPolicy { .. } | Change::UnsetPolicy { .. } => {}
        }
    }
}

fn principal(to: &PrincipalRecord) -> Who {
    match to {
        PrincipalRecord::User(email) => Who::User(email.clone()),
        PrincipalRecord::Team(team) => Who::Team(team.clone()),
        PrincipalRecord::Everyone => Who::Everyone,
    }
}

fn none_or(text: Option<&str>) -> String {
    text.map_or_else(|| "none".to_owned(), name)
}

fn until(moment: Option<Moment>) -> String {
    moment.map(|m| format!(", until {}", m.short())).unwrap_or_default()
}

fn account(at: &mut At<'_>, user: &UserRecord, what: &str) {
    let role = user.role.as_deref().map(|r| format!(" with role {}", name(r))).unwrap_or_default();
    let who = Who::User(user.email.clone());
    if user.state == UserState::Disabled && what == "an account" {
        return at.put(who, Way::Changes, format!("{what}{role}, disabled"));
    }
    let administrator = at.found.facts.administers(user.role.as_deref());
    at.add(who, Way::Gains, format!("{what}{role}{}", until(user.until)), administrator);
}

fn lose_account(at: &mut At<'_>, user: &UserRecord, how: &str) {
    let role = user.role.as_deref().map(|r| format!(" with role {}", name(r))).unwrap_or_default();
    let administrator = at.found.facts.administers(user.role.as_deref());
    at.add(Who::User(user.email.clone()), Way::Loses, format!("all access: the account{role} is {how}"), administrator);
}

/// One role becomes another: more, less, or neither as far as that can be known.
fn role_change(at: &mut At<'_>, who: Who, label: &str, before: Option<&str>, after: Option<&str>) {
    if before == after {
        return;
    }
    let facts = &at.found.facts;
    let way = Way::from(facts.compare(before.as_slice(), after.as_slice()));
    let administrator = facts.administers(before) != facts.administers(after);
    at.add(who, way, format!("{label} {} -> {}", none_or(before), none_or(after)), administrator);
}

fn until_change(at: &mut At<'_>, who: Who, label: &str, before: Option<Moment>, after: Option<Moment>) {
    if before != after {
        let text = |m: Option<Moment>| m.map_or_else(|| "no end".to_owned(), |m| m.short());
        let longer = after.is_none_or(|a| before.is_some_and(|b| a > b));
        let how = if longer { "longer" } else { "shorter" };
        at.put(who, Way::Changes, format!("{label} {how}: {} -> {}", text(before), text(after)));
    }
}

fn update_user(at: &mut At<'_>, before: &UserRecord, after: &UserRecord) {
    let who = || Who::User(after.email.clone());
    role_change(at, who(), "role", before.role.as_deref(), after.role.as_deref());
    until_change(at, who(), "access", before.until, after.until);
    if before.kind != after.kind {
        at.put(who(), Way::Changes, format!("kind {} -> {}", before.kind.word(), after.kind.word()));
    }
    // Systems decide by attributes which rows of data somebody sees.
    let keys: std::collections::BTreeSet<&String> = before.attributes.keys().chain(after.attributes.keys()).collect();
    for key in keys {
        let value = |user: &UserRecord| user.attributes.get(key).cloned();
        let (old, new) = (value(before), value(after));
        if old != new {
            let text = format!("{} -> {}", none_or(old.as_deref()), none_or(new.as_deref()));
            at.put(who(), Way::Changes, format!("attribute {} {text}", name(key)));
        }
    }
}

fn update_role(at: &mut At<'_>, before: &RoleRecord, after: &RoleRecord) {
    const SHOWN: usize = 5;
    let who = || Who::Holders(before.name.clone());
    if before.administers != after.administers {
        let way = if after.administers { Way::Gains } else { Way::Loses };
        at.add(who(), way, "the administration of this target".to_owned(), true);
    }
    for (way, of, other) in [(Way::Gains, after, before), (Way::Loses, before, after)] {
        let found: Vec<String> =
            of.permissions.iter().filter(|p| !other.permissions.contains(p)).map(|p| name(p)).collect();
        if !found.is_empty() {
            let first = found.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            let more = found.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let word = if found.len() == 1 { "permission" } else { "permissions" };
            at.put(who(), way, format!("{word} {first}{more}"));
        }
    }
}

fn update_team(at: &mut At<'_>, before: &TeamRecord, after: &TeamRecord) {
    let who = || Who::Team(after.name.clone());
    role_change(at, who(), "role", before.role.as_deref(), after.role.as_deref());
    if before.outer == after.outer {
        return;
    }
    for (way, outer) in [(Way::Loses, &before.outer), (Way::Gains, &after.outer)] {
        if let Some(outer) = outer {
            let administrator = at.found.facts.team_administers(outer);
            at.add(who(), way, format!("membership in team {}", name(outer)), administrator);
        }
    }
}

fn membership(at: &mut At<'_>, member: &MemberRecord, way: Way) {
    let MemberRecord { team, user, role, until: end, because: _ } = member;
    let facts = &at.found.facts;
    let administrator = facts.team_administers(team);
    let gives = facts.role_of_team(team).map(|r| format!(", which gives {}", name(r))).unwrap_or_default();
    let role = role.as_deref().map(|r| format!(" as {}", name(r))).unwrap_or_default();
    let end = if way == Way::Gains { until(*end) } else { String::new() };
    at.add(Who::User(user.clone()), way, format!("team {}{role}{gives}{end}", name(team)), administrator);
}

fn change_member(at: &mut At<'_>, before: &MemberRecord, after: &MemberRecord) {
    let who = || Who::User(after.user.clone());
    let team = format!("team {}", name(&after.team));
    if before.because != after.because {
        at.why = after.because.as_deref().map(prose);
    }
    role_change(at, who(), &format!("{team} as"), before.role.as_deref(), after.role.as_deref());
    until_change(at, who(), &format!("membership in {team}"), before.until, after.until);
}

fn update_resource(at: &mut At<'_>, before: &ResourceRecord, after: &ResourceRecord) {
    let resource = name(&after.name);
    if before.owner != after.owner {
        for (way, owner) in [(Way::Loses, &before.owner), (Way::Gains, &after.owner)] {
            if let Some(owner) = owner {
                at.put(Who::User(owner.clone()), way, format!("owner of {resource}"));
            }
        }
    }
    let open = |r: &ResourceRecord| r.visibility == Some(Visibility::Everyone);
    match (open(before), open(after)) {
        (false, true) => at.put(Who::Everyone, Way::Gains, format!("sees {resource}")),
        (true, false) => at.put(Who::Everyone, Way::Loses, format!("sees {resource} without a grant")),
        _ => {}
    }
    if before.parent != after.parent {
        for (way, parent) in [(Way::Loses, &before.parent), (Way::Gains, &after.parent)] {
            if let Some(parent) = parent {
                at.put(Who::Inheritors(parent.clone()), way, format!("the same on {resource}, which lies in it"));
            }
        }
    }
}

fn change_grant(at: &mut At<'_>, to: &PrincipalRecord, resource: &str, before: &[GrantedRole], after: &[GrantedRole]) {
    let roles = |list: &[GrantedRole]| list.iter().map(|g| g.role.clone()).collect::<Vec<_>>();
    let (old, new) = (roles(before), roles(after));
    if granted(before) == granted(after) {
        return;
    }
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let way = Way::from(at.found.facts.compare(&old, &new));
    let what = format!("{} -> {} on {}", granted(before), granted(after), name(resource));
    at.put(principal(to), way, what);
}

fn join(at: &mut At<'_>, domain: &DomainRecord, way: Way) {
    let DomainRecord { name: domain, role, teams } = domain;
    let who = || Who::Joiners(domain.clone());
    let facts = &at.found.facts;
    let administrator = facts.administers(role.as_deref()) || teams.iter().any(|t| facts.team_administers(t));
    let role = role.as_deref().map(|r| format!(" with role {}", name(r))).unwrap_or_default();
    let teams: Vec<String> = teams.iter().map(|t| name(t)).collect();
    let teams = if teams.is_empty() { String::new() } else { format!(" in {}", teams.join(", ")) };
    at.add(who(), way, format!("an account{role}{teams}"), administrator);
}

fn change_domain(at: &mut At<'_>, before: &DomainRecord, after: &DomainRecord) {
    let who = || Who::Joiners(after.name.clone());
    role_change(at, who(), "role", before.role.as_deref(), after.role.as_deref());
    for (way, of, other) in [(Way::Gains, after, before), (Way::Loses, before, after)] {
        for team in of.teams.iter().filter(|t| !other.teams.contains(t)) {
            let administrator = at.found.facts.team_administers(team);
            at.add(who(), way, format!("team {}", name(team)), administrator);
        }
    }
}
