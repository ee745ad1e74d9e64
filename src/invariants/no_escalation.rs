//! `no-escalation`: nobody gives more than they may.

use super::{Answer, RuleInfo, Scope, Verdict, some_of};
use crate::diagnostic::Code;
use crate::model::{
    Catalogue, Change, Directory, MemberRecord, Permissions, Principal, PrincipalRecord, RoleId, TeamId, UserId,
};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::NoEscalation,
    statement: "the identity that applies gives only roles that its own may give: by the catalogue's table, or else \
                those whose permissions it has itself",
    source: "Paradime: the table of who may invite whom",
    optional: true,
    scope: Scope::Change,
    example: "targets: {dbt: {provider: paradime, identity: ci@acme.com}}     # ci is WORKSPACE_ADMIN\n\
              users: {ada@acme.com: {role: ADMIN}}                             # which only an ADMIN may give",
    fix: "Let somebody apply who may give the role, or give a lesser one.",
};

/// Who applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applier<'a> {
    /// Whoever can write the store of the target, which asks for no account.
    Anyone,
    /// The account of that address.
    Named(&'a str),
    /// The target does not tell, and nobody has said it.
    Unknown,
}

/// What an account may give.
struct Giver {
    teams: Vec<TeamId>,
    user: UserId,
    /// What it holds, with the team outside of which that counts for nothing.
    roles: Vec<(RoleId, Option<TeamId>)>,
}

/// A role that a change gives.
struct Gift<'c> {
    role: &'c str,
    place: Where<'c>,
    /// How it is said.
    what: String,
}

/// Where a role is given.
#[derive(Clone, Copy)]
enum Where<'c> {
    Everywhere,
    Team(&'c str),
    Resource(&'c str),
}

/// What is needed to tell where a role counts.
struct Place<'a> {
    live: &'a Directory,
    catalogue: &'a Catalogue,
    /// The teams that get another name: the new one and the one that they have.
    renamed: Vec<(&'a str, &'a str)>,
}

impl Place<'_> {
    fn team(&self, name: &str) -> Option<TeamId> {
        let live = self.renamed.iter().rev().fold(name, |name, (to, from)| if name == *to { from } else { name });
        self.live.find_team(live)
    }

    /// Whether a role that counts for nothing outside of a team counts where one is given.
    fn is_in(&self, gift: &Gift<'_>, team: TeamId) -> bool {
        // Who gives a role that administers, gives it on everything.
        if self.live.find_role(gift.role).is_some_and(|r| self.live.role(r).administers) {
            return false;
        }
        let of = |name: &str| self.catalogue.team_of(name).and_then(|t| self.team(t)) == Some(team);
        match gift.place {
            Where::Everywhere => false,
            Where::Team(name) => self.team(name) == Some(team),
            Where::Resource(name) => {
                let mut next = self.live.find_resource(name);
                let around = std::iter::from_fn(|| {
                    next = self.live.resource(next?).parent.value().copied();
                    next
                });
                of(name) || around.take(self.live.resources().len()).any(|r| of(&self.live.resource(r).name))
            }
        }
    }

    /// What an account holds where a role is given.
    fn held(&self, giver: &Giver, gift: &Gift<'_>) -> Vec<RoleId> {
        let counts = |team: &Option<TeamId>| team.is_none_or(|t| self.is_in(gift, t));
        giver.roles.iter().filter(|(_, team)| counts(team)).map(|(role, _)| *role).collect()
    }
}

fn renamed<'c>(changes: &[&'c Change]) -> Vec<(&'c str, &'c str)> {
    let renaming = |change: &&'c Change| match change {
        Change::RenameTeam { from, to } => Some((to.as_str(), from.as_str())),
        _ => None,
    };
    changes.iter().filter_map(renaming).collect()
}

/// Judges a plan: every role that it gives may be given by whoever applies it. `None` where it gives
/// none, and where nobody's right is asked for.
#[must_use]
pub fn no_escalation<'c>(
    live: &Directory,
    catalogue: &Catalogue,
    applier: Applier<'_>,
    changes: impl Iterator<Item = &'c Change>,
) -> Option<Verdict> {
    let changes: Vec<&Change> = changes.collect();
    let gifts: Vec<Gift<'_>> = changes.iter().flat_map(|c| gifts(c)).collect();
    let named = match applier {
        Applier::Anyone => return None,
        _ if gifts.is_empty() => return None,
        Applier::Named(email) => email,
        Applier::Unknown => {
            let message = "who applies is not known, so what they may give cannot be known either";
            let verdict = Verdict::new(RULE.name(), Answer::Unknown, message);
            return Some(verdict.help("say it: `targets: {NAME: {identity: USER}}`"));
        }
    };
    let Some(giver) = live.find_user(named).map(|user| giver(live, catalogue, user)) else {
        let message = format!("{named}, who applies, has no account here, so what they may give cannot be known");
        return Some(Verdict::new(RULE.name(), Answer::Unknown, message).help("mend `identity:` of the target"));
    };
    if giver.administers(live) {
        return Some(Verdict::new(RULE.name(), Answer::Holds, format!("{named} administers and may give every role")));
    }
    let (mut refused, mut unknown) = (Vec::new(), Vec::new());
    let place = Place { live, catalogue, renamed: renamed(&changes) };
    for gift in gifts {
        match may_give(&place, &giver, &gift) {
            Some(true) => {}
            Some(false) => refused.push(gift.what),
            None => unknown.push(gift.what),
        }
    }
    Some(if !refused.is_empty() {
        let message = format!("{named}, who applies, may not give {}", some_of(&refused));
        Verdict::new(RULE.name(), Answer::Violated, message).help("let somebody apply who may, or give a lesser role")
    } else if !unknown.is_empty() {
        let message = format!("whether {named}, who applies, may give {} is not published", some_of(&unknown));
        Verdict::new(RULE.name(), Answer::Unknown, message).help("the target will say it when it is asked")
    } else {
        Verdict::new(RULE.name(), Answer::Holds, format!("{named} may give every role of this plan"))
    })
}

/// Says where the catalogue's table lets somebody give what is more than they have themselves: as published,
/// and worth knowing. `None` where it does not, and where nobody's right is asked for.
#[must_use]
pub fn gives_more_than_own<'c>(
    live: &Directory,
    catalogue: &Catalogue,
    applier: Applier<'_>,
    changes: impl Iterator<Item = &'c Change>,
) -> Option<String> {
    let Applier::Named(named) = applier else { return None };
    let giver = giver(live, catalogue, live.find_user(named)?);
    if giver.administers(live) {
        return None;
    }
    let changes: Vec<&Change> = changes.collect();
    let place = Place { live, catalogue, renamed: renamed(&changes) };
    let gifts = changes.iter().flat_map(|c| gifts(c)).filter(|gift| {
        let has = permissions(live, &place.held(&giver, gift));
        let more = live.find_role(gift.role).is_some_and(|r| !live.role(r).permissions.is_subset(&has));
        more && may_give(&place, &giver, gift) == Some(true)
    });
    let odd: Vec<String> = gifts.map(|gift| gift.what).collect();
    let mut own: Vec<&str> = giver.roles.iter().map(|(r, _)| &*live.role(*r).name).collect();
    own.dedup();
    (!odd.is_empty()).then(|| {
        format!(
            "{named} gives more than their own role ({}), as the table lets them: {}",
            own.join(", "),
            some_of(&odd)
        )
    })
}

/// The roles that a change gives.
fn gifts(change: &Change) -> Vec<Gift<'_>> {
    let new = |before: &Option<String>, after: &'_ Option<String>| after.is_some() && before != after;
    let in_team = |m: &MemberRecord| format!("in team {} to {}", m.team, m.user);
    match change {
        Change::CreateUser { user } | Change::InviteUser { user } => {
            one(&user.role, Where::Everywhere, format!("to {}", user.email))
        }
        Change::UpdateUser { before, after } if new(&before.role, &after.role) => {
            one(&after.role, Where::Everywhere, format!("to {}", after.email))
        }
        Change::CreateTeam { team } => one(&team.role, Where::Team(&team.name), format!("to team {}", team.name)),
        Change::UpdateTeam { before, after } if new(&before.role, &after.role) => {
            one(&after.role, Where::Team(&after.name), format!("to team {}", after.name))
        }
        Change::AddMember { member } => one(&member.role, Where::Team(&member.team), in_team(member)),
        Change::ChangeMember { before, after } if new(&before.role, &after.role) => {
            one(&after.role, Where::Team(&after.team), in_team(after))
        }
        Change::AddDomain { domain } => one(&domain.role, Where::Everywhere, format!("by domain {}", domain.name)),
        Change::ChangeDomain { before, after } if new(&before.role, &after.role) => {
            one(&after.role, Where::Everywhere, format!("by domain {}", after.name))
        }
        Change::GiveGrant { to, resource, roles } => roles.iter().map(|r| granted(&r.role, resource, to)).collect(),
        Change::ChangeGrant { to, resource, before, after } => {
            let added = after.iter().filter(|r| before.iter().all(|b| b.role != r.role));
            added.map(|r| granted(&r.role, resource, to)).collect()
        }
        _ => Vec::new(),
    }
}

fn one<'c>(role: &'c Option<String>, place: Where<'c>, to: String) -> Vec<Gift<'c>> {
    role.iter().map(|role| Gift { role, place, what: format!("{role} {to}") }).collect()
}

fn granted<'c>(role: &'c str, resource: &'c str, to: &PrincipalRecord) -> Gift<'c> {
    Gift { role, place: Where::Resource(resource), what: format!("{role} on {resource} to {to}") }
}

impl Giver {
    fn administers(&self, live: &Directory) -> bool {
        self.roles.iter().any(|(r, _)| live.role(*r).administers)
    }
}

fn permissions(live: &Directory, roles: &[RoleId]) -> Permissions {
    roles.iter().fold(Permissions::NONE, |all, r| all.union(live.role(*r).permissions))
}

/// What an account holds beyond what it is given on resources: its role, and those of its teams and
/// memberships, as far as these reach.
fn giver(live: &Directory, catalogue: &Catalogue, user: UserId) -> Giver {
    let (mut teams, mut roles) = (Vec::new(), Vec::new());
    let reach = |role: RoleId, team: TeamId| {
        let bound = catalogue.binds_teams() && !live.role(role).administers;
        (role, bound.then_some(team))
    };
    roles.extend(live.user(user).role.value().map(|r| (*r, None)));
    for member in live.memberships().iter().filter(|m| m.user == user) {
        roles.extend(member.role.value().map(|r| reach(*r, member.team)));
        teams.extend(live.team_and_outer(member.team));
    }
    roles.extend(teams.iter().filter_map(|t| Some(reach(*live.team(*t).role.value()?, *t))));
    Giver { teams, user, roles }
}

/// Whether an account may give a role; `None` where that is not published.
fn may_give(place: &Place<'_>, giver: &Giver, gift: &Gift<'_>) -> Option<bool> {
    let (live, catalogue) = (place.live, place.catalogue);
    let held = place.held(giver, gift);
    let of = |id: &RoleId| catalogue.roles.get(&*live.role(*id).name);
    let tables: Vec<&Vec<String>> = held.iter().filter_map(of).filter_map(|r| r.may_give.as_ref()).collect();
    if !tables.is_empty() {
        return Some(tables.iter().any(|table| table.iter().any(|r| r == gift.role)));
    }
    let published = catalogue.roles.get(gift.role).is_none_or(|r| r.permissions.is_some());
    let wanted = live.find_role(gift.role).filter(|_| published).map(|r| live.role(r).permissions)?;
    let mut has = permissions(live, &held);
    let on = match gift.place {
        Where::Resource(name) => live.find_resource(name),
        Where::Everywhere | Where::Team(_) => None,
    };
    for grant in on.map_or(&[][..], |on| live.grants_on(on)) {
        let theirs = match grant.principal {
            Principal::User(user) => user == giver.user,
            Principal::Team(team) => giver.teams.contains(&team),
            Principal::Everyone => true,
        };
        if theirs {
            has = has.union(live.role(grant.role).permissions);
        }
    }
    Some(wanted.is_subset(&has))
}
