//! `no-escalation`: nobody gives more than they may.

use super::{Answer, RuleInfo, Scope, Verdict, some_of};
use crate::diagnostic::Code;
use crate::model::{Catalogue, Change, Directory, Permissions, Principal, RoleId, TeamId, UserId};

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
    roles: Vec<RoleId>,
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
    let gifts: Vec<(&str, Option<&str>, String)> = changes.flat_map(gifts).collect();
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
    let Some(giver) = live.find_user(named).map(|user| giver(live, user)) else {
        let message = format!("{named}, who applies, has no account here, so what they may give cannot be known");
        return Some(Verdict::new(RULE.name(), Answer::Unknown, message).help("mend `identity:` of the target"));
    };
    if giver.roles.iter().any(|r| live.role(*r).administers) {
        return Some(Verdict::new(RULE.name(), Answer::Holds, format!("{named} administers and may give every role")));
    }
    let (mut refused, mut unknown) = (Vec::new(), Vec::new());
    for (role, resource, what) in gifts {
        match may_give(live, catalogue, &giver, role, resource) {
            Some(true) => {}
            Some(false) => refused.push(what),
            None => unknown.push(what),
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
    let giver = giver(live, live.find_user(named)?);
    if giver.roles.iter().any(|r| live.role(*r).administers) {
        return None;
    }
    let has = giver.roles.iter().fold(Permissions::NONE, |all, r| all.union(live.role(*r).permissions));
    let gifts = changes.flat_map(gifts).filter(|(role, resource, _)| {
        let more = live.find_role(role).is_some_and(|r| !live.role(r).permissions.is_subset(&has));
        more && may_give(live, catalogue, &giver, role, *resource) == Some(true)
    });
    let odd: Vec<String> = gifts.map(|(_, _, what)| what).collect();
    let own: Vec<&str> = giver.roles.iter().map(|r| &*live.role(*r).name).collect();
    (!odd.is_empty()).then(|| {
        format!(
            "{named} gives more than their own role ({}), as the table lets them: {}",
            own.join(", "),
            some_of(&odd)
        )
    })
}

/// The roles that a change gives: the role, the resource where it is on one, and how it is said.
fn gifts(change: &Change) -> Vec<(&str, Option<&str>, String)> {
    let new = |before: &Option<String>, after: &'_ Option<String>| after.is_some() && before != after;
    match change {
        Change::CreateUser { user } | Change::InviteUser { user } => {
            user.role.iter().map(|r| (r.as_str(), None, format!("{r} to {}", user.email))).collect()
        }
        Change::UpdateUser { before, after } if new(&before.role, &after.role) => {
            after.role.iter().map(|r| (r.as_str(), None, format!("{r} to {}", after.email))).collect()
        }
        Change::CreateTeam { team } => {
            team.role.iter().map(|r| (r.as_str(), None, format!("{r} to team {}", team.name))).collect()
        }
        Change::UpdateTeam { before, after } if new(&before.role, &after.role) => {
            after.role.iter().map(|r| (r.as_str(), None, format!("{r} to team {}", after.name))).collect()
        }
        Change::AddMember { member } => {
            let said = |r: &String| format!("{r} in team {} to {}", member.team, member.user);
            member.role.iter().map(|r| (r.as_str(), None, said(r))).collect()
        }
        Change::ChangeMember { before, after } if new(&before.role, &after.role) => {
            let said = |r: &String| format!("{r} in team {} to {}", after.team, after.user);
            after.role.iter().map(|r| (r.as_str(), None, said(r))).collect()
        }
        Change::AddDomain { domain } => {
            domain.role.iter().map(|r| (r.as_str(), None, format!("{r} by domain {}", domain.name))).collect()
        }
        Change::ChangeDomain { before, after } if new(&before.role, &after.role) => {
            after.role.iter().map(|r| (r.as_str(), None, format!("{r} by domain {}", after.name))).collect()
        }
        Change::GiveGrant { to, resource, roles } => roles
            .iter()
            .map(|r| (r.role.as_str(), Some(resource.as_str()), format!("{} on {resource} to {to}", r.role)))
            .collect(),
        Change::ChangeGrant { to, resource, before, after } => after
            .iter()
            .filter(|r| before.iter().all(|b| b.role != r.role))
            .map(|r| (r.role.as_str(), Some(resource.as_str()), format!("{} on {resource} to {to}", r.role)))
            .collect(),
        _ => Vec::new(),
    }
}

/// What an account holds everywhere: its role, and those of its teams and memberships.
fn giver(live: &Directory, user: UserId) -> Giver {
    let (mut teams, mut roles) = (Vec::new(), Vec::new());
    roles.extend(live.user(user).role.value());
    for member in live.memberships().iter().filter(|m| m.user == user) {
        roles.extend(member.role.value());
        teams.extend(live.team_and_outer(member.team));
    }
    roles.extend(teams.iter().filter_map(|t| live.team(*t).role.value()));
    Giver { teams, user, roles }
}

/// Whether an account may give a role; `None` where that is not published.
fn may_give(
    live: &Directory,
    catalogue: &Catalogue,
    giver: &Giver,
    role: &str,
    resource: Option<&str>,
) -> Option<bool> {
    let of = |id: &RoleId| catalogue.roles.get(&*live.role(*id).name);
    let tables: Vec<&Vec<String>> = giver.roles.iter().filter_map(of).filter_map(|r| r.may_give.as_ref()).collect();
    if !tables.is_empty() {
        return Some(tables.iter().any(|table| table.iter().any(|r| r == role)));
    }
    let published = catalogue.roles.get(role).is_none_or(|r| r.permissions.is_some());
    let wanted = live.find_role(role).filter(|_| published).map(|r| live.role(r).permissions)?;
    let mut has = giver.roles.iter().fold(Permissions::NONE, |all, r| all.union(live.role(*r).permissions));
    if let Some(resource) = resource.and_then(|r| live.find_resource(r)) {
        for grant in live.grants_on(resource) {
            let theirs = match grant.principal {
                Principal::User(user) => user == giver.user,
                Principal::Team(team) => giver.teams.contains(&team),
                Principal::Everyone => true,
            };
            if theirs {
                has = has.union(live.role(grant.role).permissions);
            }
        }
    }
    Some(wanted.is_subset(&has))
}
