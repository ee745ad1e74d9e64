//! Which line of which file makes a line of the access difference, and until when it holds.

use std::collections::BTreeMap;

use crate::access::{AccessEffect, AccessLine, Through};
use crate::diagnostic::Location;
use crate::model::{Change, GrantedRole, MemberRecord, Moment, PrincipalRecord};
use crate::plan::TargetPlan;

/// So many people of a line are looked up.
const PEOPLE: usize = 20;

/// What a change is about, as far as a line can name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    User(String),
    Member(String, String),
    Team(String),
    Role(String),
    Grant(PrincipalRecord, String),
    Resource(String),
}

/// Where a step is declared, and until when what it gives holds.
type Said<'a> = (Option<&'a Location>, Option<Moment>);

/// The steps of a plan by what they are about.
pub(super) struct Causes<'a> {
    steps: BTreeMap<About, Said<'a>>,
}

/// Where a line comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cause {
    /// The first place in the files.
    pub place: Option<Location>,
    /// How many other places there are.
    pub more: usize,
    /// The last moment, where it is the same for all that was looked up.
    pub until: Option<Moment>,
}

impl<'a> Causes<'a> {
    pub fn of(plan: &'a TargetPlan) -> Self {
        let mut steps = BTreeMap::new();
        for step in &plan.steps {
            if let Some((about, until)) = about(&step.change) {
                steps.entry(about).or_insert((step.declared.as_ref(), until));
            }
        }
        Self { steps }
    }

    pub fn find(&self, line: &AccessLine) -> Cause {
        let mut found: Vec<Said<'a>> = Vec::new();
        let ways = if line.effect == AccessEffect::Loses { &line.formerly } else { &line.through };
        for who in line.who.iter().take(PEOPLE) {
            let before = found.len();
            for way in ways {
                found.extend(self.way(way, who, line.on.first().map(String::as_str)));
            }
            if found.len() == before || line.account.is_some() {
                found.extend(self.steps.get(&About::User(who.clone())));
            }
        }
        let mut places: Vec<&Location> = found.iter().filter_map(|(place, _)| *place).collect();
        places.sort_unstable_by_key(|l| (&l.file, l.line));
        places.dedup();
        let mut ends: Vec<Option<Moment>> = found.iter().map(|(_, until)| *until).collect();
        ends.dedup();
        let until = if let [one] = ends.as_slice() { *one } else { None };
        Cause { place: places.first().map(|l| (*l).clone()), more: places.len().saturating_sub(1), until }
    }

    fn way(&self, way: &Through, who: &str, on: Option<&str>) -> Option<Said<'a>> {
        let get = |about: About| self.steps.get(&about).copied();
        let member = |team: &str| get(About::Member(team.to_owned(), who.to_owned()));
        let of_team = |team: &str| get(About::Team(team.to_owned()));
        let grant = |to: PrincipalRecord| get(About::Grant(to, on?.to_owned()));
        match way {
            Through::OwnRole { .. } => get(About::User(who.to_owned())),
            Through::Team { team, .. } | Through::Membership { team, .. } => member(team).or_else(|| of_team(team)),
            Through::OwnGrant { .. } => grant(PrincipalRecord::User(who.to_owned())),
            Through::TeamGrant { team, .. } => {
                member(team).or_else(|| grant(PrincipalRecord::Team(team.clone()))).or_else(|| of_team(team))
            }
            Through::Everyone { .. } => grant(PrincipalRecord::Everyone),
            Through::Ownership | Through::Visibility => get(About::Resource(on?.to_owned())),
            Through::RoleEdit { role } => get(About::Role(role.clone())),
        }
    }
}

fn about(change: &Change) -> Option<(About, Option<Moment>)> {
    let member = |m: &MemberRecord| About::Member(m.team.clone(), m.user.clone());
    Some(match change {
        Change::CreateUser { user }
        | Change::InviteUser { user }
        | Change::EnableUser { user }
        | Change::DisableUser { user, .. }
        | Change::DeleteUser { user, .. }
        | Change::UpdateUser { after: user, .. } => (About::User(user.email.clone()), user.until),
        Change::AddMember { member: m } | Change::ChangeMember { after: m, .. } => (member(m), m.until),
        Change::RemoveMember { member: m, .. } => (member(m), None),
        Change::CreateTeam { team } | Change::UpdateTeam { after: team, .. } | Change::DeleteTeam { team, .. } => {
            (About::Team(team.name.clone()), None)
        }
        Change::CreateRole { role } | Change::UpdateRole { after: role, .. } | Change::DeleteRole { role, .. } => {
            (About::Role(role.name.clone()), None)
        }
        Change::GiveGrant { to, resource, roles } | Change::ChangeGrant { to, resource, after: roles, .. } => {
            (About::Grant(to.clone(), resource.clone()), end(roles))
        }
        Change::RevokeGrant { to, resource, .. } => (About::Grant(to.clone(), resource.clone()), None),
        Change::CreateResource { resource }
        | Change::UpdateResource { after: resource, .. }
        | Change::DeleteResource { resource, .. } => (About::Resource(resource.name.clone()), None),
        _ => return None,
    })
}

fn end(roles: &[GrantedRole]) -> Option<Moment> {
    let first = roles.first()?.until;
    roles.iter().all(|r| r.until == first).then_some(first).flatten()
}
