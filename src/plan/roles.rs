//! Roles. They come first, because everything else holds them, and go last, when nothing does.

use rustc_hash::{FxHashMap, FxHashSet};

use super::work::{Fate, Work, apply};
use crate::model::{Change, Kind, Mode, RoleId, RoleRecord, Said, Why};

pub(super) fn create_and_update<O: Copy>(work: &mut Work<'_, O>) {
    let desired = work.desired;
    let mentioned = desired.manage.rule(Kind::Role).mentioned;
    let used = if mentioned { FxHashSet::default() } else { used_roles(work) };
    for index in 0..desired.directory.roles().len() {
        let id = RoleId(index as u32);
        let role = desired.directory.role(id);
        let mut mode = desired.manage.mode_of(Kind::Role, &role.name);
        let origin = desired.origins.roles.get(index).copied();
        let said = desired.directory.role_record(id);
        let Some(live_id) = work.roles.live_of[index].map(RoleId) else {
            // A role of the catalogue that somebody is to hold has to be there, also where no file
            // speaks of roles; one that nobody holds is left out then.
            if !mentioned && work.mode_of_list(Kind::Role, &role.name).writes() {
                if !used.contains(&id) {
                    continue;
                }
                mode = Mode::Additive;
            }
            work.role_there[index] = mode.writes() || desired.catalogue.roles.contains_key(&*role.name);
            work.put(mode, Change::CreateRole { role: said }, origin);
            continue;
        };
        let before = work.live.role_record(live_id);
        let mut after = RoleRecord { description: before.description.clone(), ..said };
        apply(&mut after.description, &role.description, |t| t.to_string());
        if before != after {
            work.put(mode, Change::UpdateRole { before, after }, origin);
        }
    }
}

/// The roles that the desired state gives to anybody.
fn used_roles<O: Copy>(work: &Work<'_, O>) -> FxHashSet<RoleId> {
    let d = &work.desired.directory;
    let said = |r: &Said<RoleId>| r.value().copied();
    let users = d.users().iter().filter_map(|x| said(&x.role));
    let teams = d.teams().iter().filter_map(|x| said(&x.role));
    let members = d.memberships().iter().filter_map(|x| said(&x.role));
    let domains = d.domains().iter().filter_map(|x| said(&x.role));
    users.chain(teams).chain(members).chain(domains).chain(d.grants().iter().map(|g| g.role)).collect()
}

/// Deletes undeclared roles that nothing holds when everything else is done, and keeps the rest.
pub(super) fn delete<O: Copy>(work: &mut Work<'_, O>) {
    let mut going: Vec<(RoleId, Mode)> = Vec::new();
    for index in 0..work.live.roles().len() {
        if work.roles.desired_of[index].is_some() {
            continue;
        }
        let id = RoleId(index as u32);
        match work.mode_of_undeclared(Kind::Role, &work.live.role(id).name) {
            mode @ (Mode::Authoritative | Mode::Observe) => going.push((id, mode)),
            _ => work.out.leave(Kind::Role),
        }
    }
    if going.is_empty() {
        return;
    }
    let holders = holders(work);
    let held_by = |id: RoleId| holders.get(&*work.live.role(id).name).copied().unwrap_or_default();
    let going: Vec<(RoleId, Mode, i64)> = going.into_iter().map(|(id, mode)| (id, mode, held_by(id))).collect();
    for (id, mode, held) in going {
        let role = work.live.role_record(id);
        if held > 0 && mode == Mode::Authoritative {
            work.out.leave(Kind::Role);
            let things = if held == 1 { "one thing that stays holds it" } else { "things that stay hold it" };
            work.out.note(format!("role `{}` is not declared and stays: {things}", role.name));
        } else {
            work.put(mode, Change::DeleteRole { role, reason: Why::Undeclared }, None);
        }
    }
}

/// How many things hold each live role once the changes so far are done.
fn holders<'w, O: Copy>(work: &'w Work<'_, O>) -> FxHashMap<&'w str, i64> {
    let live = work.live;
    let mut counts: Vec<i64> = vec![0; live.roles().len()];
    let mut hold = |role: &Said<RoleId>| {
        if let Some(role) = role.value() {
            counts[role.index()] += 1;
        }
    };
    for (index, user) in live.users().iter().enumerate() {
        if work.fates[index] != Fate::Goes {
            hold(&user.role);
        }
    }
    live.teams().iter().zip(&work.team_goes).filter(|(_, goes)| !**goes).for_each(|(t, _)| hold(&t.role));
    live.memberships().iter().for_each(|m| hold(&m.role));
    live.domains().iter().for_each(|d| hold(&d.role));
    live.grants().iter().for_each(|g| hold(&Said::Is(g.role)));
    let mut holders: FxHashMap<&str, i64> = live.roles().iter().zip(counts).map(|(r, n)| (&*r.name, n)).collect();
    for planned in &work.out.changes {
        let (before, after): (Vec<&str>, Vec<&str>) = match &planned.change {
            Change::UpdateUser { before, after } => (one(&before.role), one(&after.role)),
            Change::UpdateTeam { before, after } => (one(&before.role), one(&after.role)),
            Change::ChangeMember { before, after } => (one(&before.role), one(&after.role)),
            Change::RemoveMember { member, .. } => (one(&member.role), Vec::new()),
            Change::ChangeDomain { before, after } => (one(&before.role), one(&after.role)),
            Change::RemoveDomain { domain, .. } => (one(&domain.role), Vec::new()),
            Change::ChangeGrant { before, after, .. } => {
                (before.iter().map(|r| r.role.as_str()).collect(), after.iter().map(|r| r.role.as_str()).collect())
            }
            Change::RevokeGrant { roles, .. } => (roles.iter().map(|r| r.role.as_str()).collect(), Vec::new()),
            _ => continue,
        };
        for role in before {
            *holders.entry(role).or_default() -= 1;
        }
        for role in after {
            *holders.entry(role).or_default() += 1;
        }
    }
    holders
}

fn one(role: &Option<String>) -> Vec<&str> {
    role.as_deref().into_iter().collect()
}
