//! What the files of a revision declared and those of a later one do not, and which stays all the same because of
//! how it is managed: said where a plan is between the two.

use std::collections::{BTreeMap, BTreeSet};

use super::types::{Note, TargetPlan};
use super::{declared_renamings, renames::Renaming};
use crate::model::{
    Change, Desired, Directory, Effect, Kind, ObjectRef, Principal, PrincipalRecord, ResourceId, TeamId, UserId,
};

/// How many names of a kind are said.
const SHOWN: usize = 5;

/// Says what is no longer declared and stays.
#[must_use]
pub fn no_longer_declared<O>(desired: &Desired<O>, before: &Directory, plan: &TargetPlan) -> Vec<Note> {
    let renamed: BTreeMap<(Kind, String), String> = declared_renamings(&desired.directory)
        .into_iter()
        .map(|(kind, from, to): Renaming| ((kind, from), to))
        .collect();
    let now = &desired.directory;
    let called =
        |kind: Kind, name: &str| renamed.get(&(kind, name.to_owned())).cloned().unwrap_or_else(|| name.to_owned());
    let user = |id: UserId| called(Kind::User, &before.user(id).email);
    let team = |id: TeamId| called(Kind::Team, &before.team(id).name);
    let resource = |id: ResourceId| called(Kind::Resource, &before.resource(id).name);
    let changes = plan.steps.iter().map(|s| &s.change).chain(plan.observed.iter().map(|o| &o.change));
    let mut handled: BTreeSet<String> = BTreeSet::new();
    for change in changes {
        if change.effect() == Effect::Remove || matches!(change, Change::ChangeGrant { .. }) {
            handled.insert(change.object().to_string());
        }
    }
    // Who goes takes what they hold with them.
    let goes = |name: &str| handled.contains(&ObjectRef::user(name).to_string());

    let mut found: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    let mut stays = |object: ObjectRef, said: String| {
        if !handled.contains(&object.to_string()) {
            found.entry(object.kind).or_default().push(said);
        }
    };
    for id in (0..before.users().len() as u32).map(UserId) {
        if now.find_user(&user(id)).is_none() {
            stays(ObjectRef::user(&user(id)), user(id));
        }
    }
    for id in (0..before.teams().len() as u32).map(TeamId) {
        if now.find_team(&team(id)).is_none() {
            stays(ObjectRef::team(&team(id)), team(id));
        }
    }
    for member in before.memberships() {
        let (team, user) = (team(member.team), user(member.user));
        let there = now.find_team(&team).zip(now.find_user(&user)).and_then(|(t, u)| now.find_membership(t, u));
        if there.is_none() && !goes(&user) {
            stays(ObjectRef::member(&team, &user), format!("{user} in {team}"));
        }
    }
    for id in (0..before.resources().len() as u32).map(ResourceId) {
        if now.find_resource(&resource(id)).is_none() {
            stays(ObjectRef::resource(&resource(id)), resource(id));
        }
    }
    for grant in before.grants() {
        let to = match grant.principal {
            Principal::User(id) => PrincipalRecord::User(user(id)),
            Principal::Team(id) => PrincipalRecord::Team(team(id)),
            Principal::Everyone => PrincipalRecord::Everyone,
        };
        if matches!(&to, PrincipalRecord::User(user) if goes(user)) {
            continue;
        }
        let (on, role) = (resource(grant.resource), &before.role(grant.role).name);
        let principal = match &to {
            PrincipalRecord::User(name) => now.find_user(name).map(Principal::User),
            PrincipalRecord::Team(name) => now.find_team(name).map(Principal::Team),
            PrincipalRecord::Everyone => Some(Principal::Everyone),
        };
        let there = principal.zip(now.find_resource(&on)).is_some_and(|(principal, on)| {
            now.grants_on(on).iter().any(|g| g.principal == principal && now.role(g.role).name == *role)
        });
        if !there {
            stays(ObjectRef::grant(&on, &to.to_string()), format!("{role} for {to} on {on}"));
        }
    }
    for domain in before.domains() {
        if now.find_domain(&domain.name).is_none() {
            stays(ObjectRef::domain(&domain.name), domain.name.to_string());
        }
    }
    found.into_iter().map(|(kind, names)| note(kind, &names, &desired.target)).collect()
}

fn note(kind: Kind, names: &[String], target: &str) -> Note {
    let message = match names {
        [one] => format!("no longer declared, stays in {target}: {} {one}", kind.singular()),
        _ => {
            let first = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = names.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("no longer declared, stays in {target}: {}: {first}{more}", kind.count(names.len()))
        }
    };
    let help = format!("`manage:` of {target} says whether {} that are not declared are removed", kind.plural());
    Note { rule: None, message, help: Some(help), declared: None }
}
