//! Memberships and grants: the many small things. Both lists are sorted by numbers, so the declared
//! ones are renumbered as live ones and merged; no edge becomes a string unless it changes.

use rustc_hash::FxHashMap;

use super::work::{Fate, Work, granted};
use crate::model::{
    Change, Grant, GrantedRole, Kind, MemberRecord, Membership, Mode, Moment, ObjectRef, Principal, PrincipalRecord,
    ResourceId, Said, TeamId, UserId, Why,
};

// ---- memberships ----

pub(super) fn members<O: Copy>(work: &mut Work<'_, O>) {
    let desired = work.desired;
    let mut modes: Vec<Option<Mode>> = vec![None; desired.directory.teams().len()];
    let ended = ended_members(work);
    let mut declared: Vec<(u32, u32, usize)> = Vec::new();
    for (index, m) in desired.directory.memberships().iter().enumerate() {
        match (work.teams.live_of[m.team.index()], work.users.live_of[m.user.index()]) {
            (Some(team), Some(user)) => declared.push((team, user, index)),
            _ => add(work, &mut modes, index),
        }
    }
    // Sorted already, unless something is renamed: a stable sort sees that in one pass.
    declared.sort();
    let live = work.live.memberships();
    let (mut i, mut j) = (0, 0);
    loop {
        match (declared.get(i), live.get(j)) {
            (None, None) => break,
            (Some(&(.., index)), None) => {
                add(work, &mut modes, index);
                i += 1;
            }
            (None, Some(m)) => {
                surplus(work, &mut modes, &ended, m);
                j += 1;
            }
            (Some(&(team, user, index)), Some(m)) => match (team, user).cmp(&(m.team.0, m.user.0)) {
                std::cmp::Ordering::Less => {
                    add(work, &mut modes, index);
                    i += 1;
                }
                std::cmp::Ordering::Greater => {
                    surplus(work, &mut modes, &ended, m);
                    j += 1;
                }
                std::cmp::Ordering::Equal => {
                    change(work, &mut modes, index, m);
                    i += 1;
                    j += 1;
                }
            },
        }
    }
}

/// The mode for the memberships of a declared team. A listed team mentions the kind by being listed.
fn member_mode<O: Copy>(work: &Work<'_, O>, modes: &mut [Option<Mode>], team: TeamId) -> Mode {
    *modes[team.index()].get_or_insert_with(|| {
        let name = &work.desired.directory.team(team).name;
        if work.desired.manage.listed_members.contains(&team) {
            work.mode_of_list(Kind::Member, name)
        } else {
            work.desired.manage.mode_of(Kind::Member, name)
        }
    })
}

fn ended_members<O: Copy>(work: &Work<'_, O>) -> FxHashMap<(TeamId, UserId), Option<Moment>> {
    let found =
        work.desired.ended_members.iter().filter_map(|record| {
            Some(((live_team(work, &record.team)?, live_user(work, &record.user)?), record.until))
        });
    found.collect()
}

/// The live user that has, or gets, a name.
fn live_user<O: Copy>(work: &Work<'_, O>, email: &str) -> Option<UserId> {
    match work.desired.directory.find_user(email) {
        Some(d) => work.users.live_of[d.index()].map(UserId),
        None => work.live.find_user(email).filter(|l| work.users.desired_of[l.index()].is_none()),
    }
}

fn live_team<O: Copy>(work: &Work<'_, O>, name: &str) -> Option<TeamId> {
    match work.desired.directory.find_team(name) {
        Some(d) => work.teams.live_of[d.index()].map(TeamId),
        None => work.live.find_team(name).filter(|l| work.teams.desired_of[l.index()].is_none()),
    }
}

fn live_resource<O: Copy>(work: &Work<'_, O>, name: &str) -> Option<ResourceId> {
    match work.desired.directory.find_resource(name) {
        Some(d) => work.resources.live_of[d.index()].map(ResourceId),
        None => work.live.find_resource(name).filter(|l| work.resources.desired_of[l.index()].is_none()),
    }
}

fn add<O: Copy>(work: &mut Work<'_, O>, modes: &mut [Option<Mode>], index: usize) {
    let desired = work.desired;
    let directory = &desired.directory;
    let m = &directory.memberships()[index];
    if !work.user_there[m.user.index()] {
        return work.lacks(ObjectRef::user(&directory.user(m.user).email));
    }
    if !work.team_there[m.team.index()] {
        return work.lacks(ObjectRef::team(&directory.team(m.team).name));
    }
    let role = work.role_said(&m.role).value().map(|r| work.role_text(*r));
    let member = MemberRecord { role, ..directory.member_record(m) };
    let mode = member_mode(work, modes, m.team);
    work.put(mode, Change::AddMember { member }, desired.origins.memberships.get(index).copied());
}

fn change<O: Copy>(work: &mut Work<'_, O>, modes: &mut [Option<Mode>], index: usize, live: &Membership) {
    let desired = work.desired;
    let directory = &desired.directory;
    let m = &directory.memberships()[index];
    if !work.options.kept.member_details {
        return;
    }
    let role = work.role_said(&m.role);
    let because = m.because.map(|b| directory.reason(b));
    let because_is_met = because.is_none_or(|b| live.because.is_some_and(|l| work.live.reason(l) == b));
    if work.role_is_met(&role, &live.role) && m.until.is_met_by(&live.until) && because_is_met {
        return;
    }
    let email = &directory.user(m.user).email;
    if desired.manage.is_protected(email) {
        return work.out.leave(Kind::Member);
    }
    let before = work.member_record(live);
    let mut after = before.clone();
    super::work::apply(&mut after.role, &role, |r| work.role_text(*r));
    super::work::apply(&mut after.until, &m.until, |u| *u);
    if let Some(because) = because {
        after.because = Some(because.to_owned());
    }
    let mode = member_mode(work, modes, m.team);
    work.put(mode, Change::ChangeMember { before, after }, desired.origins.memberships.get(index).copied());
}

/// A live membership that no file declares.
fn surplus<O: Copy>(
    work: &mut Work<'_, O>,
    modes: &mut [Option<Mode>],
    ended: &FxHashMap<(TeamId, UserId), Option<Moment>>,
    m: &Membership,
) {
    if work.team_goes[m.team.index()] {
        let with = ObjectRef::team(work.team_name(m.team));
        let member = work.member_record(m);
        return work.must(Change::RemoveMember { member, reason: Why::Goes { with } });
    }
    if work.fates[m.user.index()] == Fate::Goes {
        let with = ObjectRef::user(work.user_name(m.user));
        let member = work.member_record(m);
        return work.must(Change::RemoveMember { member, reason: Why::Goes { with } });
    }
    let protected = work.desired.manage.is_protected(&work.live.user(m.user).email);
    if let Some(until) = ended.get(&(m.team, m.user)).filter(|_| !protected) {
        let until = until.or(m.until.value().copied()).unwrap_or(work.options.now);
        let member = work.member_record(m);
        return work.must(Change::RemoveMember { member, reason: Why::Expired { until } });
    }
    let team = work.teams.desired_of[m.team.index()].map(TeamId);
    let listed = team.filter(|t| work.desired.manage.listed_members.contains(t));
    let mode = listed.map_or(Mode::Ignore, |t| member_mode(work, modes, t));
    let managed = matches!(mode, Mode::Authoritative | Mode::Observe);
    if !managed || protected || work.fates[m.user.index()] == Fate::Rests {
        return work.out.leave(Kind::Member);
    }
    let reason = match m.until.value() {
        Some(&until) if until <= work.options.now => Why::Expired { until },
        _ => Why::Undeclared,
    };
    let member = work.member_record(m);
    work.put(mode, Change::RemoveMember { member, reason }, None);
}

// ---- grants ----

pub(super) fn grants<O: Copy>(work: &mut Work<'_, O>) {
    let desired = work.desired;
    let all = desired.directory.grants();
    let ended = ended_grants(work);
    let mut declared: Vec<(u32, Principal, usize, usize)> = Vec::new();
    let mut from = 0;
    for pair in all.chunk_by(same_pair) {
        let to = from + pair.len();
        let principal = match pair[0].principal {
            Principal::User(id) => work.users.live_of[id.index()].map(|l| Principal::User(UserId(l))),
            Principal::Team(id) => work.teams.live_of[id.index()].map(|l| Principal::Team(TeamId(l))),
            Principal::Everyone => Some(Principal::Everyone),
        };
        match (work.resources.live_of[pair[0].resource.index()], principal) {
            (Some(resource), Some(principal)) => declared.push((resource, principal, from, to)),
            _ => give(work, from, pair),
        }
        from = to;
    }
    declared.sort();
    let mut live = work.live.grants().chunk_by(same_pair).peekable();
    let mut declared = declared.into_iter().peekable();
    loop {
        let order = match (declared.peek(), live.peek()) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(&(resource, principal, ..)), Some(l)) => {
                (resource, principal).cmp(&(l[0].resource.0, l[0].principal))
            }
        };
        match order {
            std::cmp::Ordering::Less => {
                if let Some((.., from, to)) = declared.next() {
                    give(work, from, &all[from..to]);
                }
            }
            std::cmp::Ordering::Greater => {
                if let Some(l) = live.next() {
                    surplus_grant(work, &ended, l);
                }
            }
            std::cmp::Ordering::Equal => {
                if let (Some((.., from, to)), Some(l)) = (declared.next(), live.next()) {
                    change_grant(work, from, &all[from..to], l);
                }
            }
        }
    }
}

fn same_pair(a: &Grant, b: &Grant) -> bool {
    (a.resource, a.principal) == (b.resource, b.principal)
}

type Ended = FxHashMap<(ResourceId, Principal), Vec<(String, Option<Moment>)>>;

fn ended_grants<O: Copy>(work: &Work<'_, O>) -> Ended {
    let mut ended = Ended::default();
    for record in &work.desired.ended_grants {
        let principal = match &record.to {
            PrincipalRecord::User(email) => live_user(work, email).map(Principal::User),
            PrincipalRecord::Team(name) => live_team(work, name).map(Principal::Team),
            PrincipalRecord::Everyone => Some(Principal::Everyone),
        };
        if let (Some(resource), Some(principal)) = (live_resource(work, &record.resource), principal) {
            ended.entry((resource, principal)).or_default().push((record.role.clone(), record.until));
        }
    }
    ended
}

/// The mode for the grants on a declared resource, and whether those that no file declares go. Where
/// only `access:` keys declare grants, only the resources with such a key are managed.
fn grant_mode<O: Copy>(work: &Work<'_, O>, resource: ResourceId) -> Mode {
    let manage = &work.desired.manage;
    let name = &work.desired.directory.resource(resource).name;
    if manage.listed_access.contains(&resource) {
        work.mode_of_list(Kind::Grant, name)
    } else {
        manage.mode_of(Kind::Grant, name)
    }
}

/// The roles that a declaration gives, those that will not be there left out.
fn wanted<O: Copy>(work: &mut Work<'_, O>, pair: &[Grant]) -> Vec<GrantedRole> {
    let there: Vec<Grant> =
        pair.iter().filter(|g| work.role_said(&Said::Is(g.role)) != Said::Unsaid).copied().collect();
    granted(&work.desired.directory, &there)
}

fn give<O: Copy>(work: &mut Work<'_, O>, from: usize, pair: &[Grant]) {
    let desired = work.desired;
    let directory = &desired.directory;
    let Some(first) = pair.first() else { return };
    if !work.resource_there[first.resource.index()] {
        return work.lacks(ObjectRef::resource(&directory.resource(first.resource).name));
    }
    match first.principal {
        Principal::User(id) if !work.user_there[id.index()] => {
            return work.lacks(ObjectRef::user(&directory.user(id).email));
        }
        Principal::Team(id) if !work.team_there[id.index()] => {
            return work.lacks(ObjectRef::team(&directory.team(id).name));
        }
        _ => {}
    }
    let roles = wanted(work, pair);
    if roles.is_empty() {
        return;
    }
    let to = directory.principal_record(first.principal);
    let resource = directory.resource(first.resource).name.to_string();
    let mode = grant_mode(work, first.resource);
    work.put(mode, Change::GiveGrant { to, resource, roles }, desired.origins.grants.get(from).copied());
}

fn change_grant<O: Copy>(work: &mut Work<'_, O>, from: usize, pair: &[Grant], live: &[Grant]) {
    let desired = work.desired;
    let directory = &desired.directory;
    let same = pair.len() == live.len()
        && pair.iter().zip(live).all(|(d, l)| {
            work.roles.live_of[d.role.index()] == Some(l.role.0)
                && d.until == l.until
                && d.because.is_none_or(|b| l.because.is_some_and(|l| directory.reason(b) == work.live.reason(l)))
        });
    let Some(first) = pair.first().filter(|_| !same) else { return };
    if let Principal::User(id) = first.principal
        && desired.manage.is_protected(&directory.user(id).email)
    {
        return work.out.leave(Kind::Grant);
    }
    let before = granted(work.live, live);
    let mut after = wanted(work, pair);
    for role in after.iter_mut().filter(|r| r.because.is_none()) {
        role.because = before.iter().find(|b| b.role == role.role).and_then(|b| b.because.clone());
    }
    if after.is_empty() || before == after {
        return;
    }
    let to = directory.principal_record(first.principal);
    let resource = directory.resource(first.resource).name.to_string();
    let mode = grant_mode(work, first.resource);
    work.put(mode, Change::ChangeGrant { to, resource, before, after }, desired.origins.grants.get(from).copied());
}

/// A live grant that no file declares.
fn surplus_grant<O: Copy>(work: &mut Work<'_, O>, ended: &Ended, live: &[Grant]) {
    let Some(first) = live.first() else { return };
    let now = work.options.now;
    let goes = match first.principal {
        Principal::User(id) if work.fates[id.index()] == Fate::Goes => Some(ObjectRef::user(work.user_name(id))),
        Principal::Team(id) if work.team_goes[id.index()] => Some(ObjectRef::team(work.team_name(id))),
        _ if work.resource_goes[first.resource.index()] => {
            Some(ObjectRef::resource(work.resource_name(first.resource)))
        }
        _ => None,
    };
    if let Some(with) = goes {
        return revoke(work, None, live, Why::Goes { with });
    }
    let (protected, rests) = match first.principal {
        Principal::User(id) => {
            (work.desired.manage.is_protected(&work.live.user(id).email), work.fates[id.index()] == Fate::Rests)
        }
        _ => (false, false),
    };
    if protected {
        return work.out.leave(Kind::Grant);
    }
    let manage = &work.desired.manage;
    let declared = work.resources.desired_of[first.resource.index()].map(ResourceId);
    let mode = match declared.filter(|r| manage.listed_access.contains(r)) {
        Some(resource) => grant_mode(work, resource),
        None => work.mode_of_undeclared(Kind::Grant, work.resource_name(first.resource)),
    };
    let managed = matches!(mode, Mode::Authoritative | Mode::Observe) && !rests;

    let over = ended.get(&(first.resource, first.principal));
    let end_of = |g: &Grant| -> Option<Moment> {
        let role = &*work.live.role(g.role).name;
        let (_, until) = over?.iter().find(|(r, _)| r == role)?;
        Some(until.or(g.until).unwrap_or(now))
    };
    let ends: Vec<Option<Moment>> = live.iter().map(end_of).collect();
    if ends.iter().all(Option::is_some) {
        let until = ends.iter().flatten().max().copied().unwrap_or(now);
        return revoke(work, None, live, Why::Expired { until });
    }
    if managed {
        let past = |g: &Grant| g.until.is_some_and(|u| u <= now);
        let all_past = live.iter().zip(&ends).all(|(g, end)| end.is_some() || past(g));
        let until = live.iter().filter_map(|g| g.until).max().unwrap_or(now);
        let reason = if all_past { Why::Expired { until } } else { Why::Undeclared };
        return revoke(work, Some(mode), live, reason);
    }
    if ends.iter().any(Option::is_some) {
        let kept: Vec<Grant> = live.iter().zip(&ends).filter(|(_, e)| e.is_none()).map(|(g, _)| *g).collect();
        let change = Change::ChangeGrant {
            to: work.principal_record(first.principal),
            resource: work.resource_name(first.resource).to_owned(),
            before: granted(work.live, live),
            after: granted(work.live, &kept),
        };
        return work.must(change);
    }
    work.out.leave(Kind::Grant);
}

fn revoke<O: Copy>(work: &mut Work<'_, O>, mode: Option<Mode>, live: &[Grant], reason: Why) {
    let Some(first) = live.first() else { return };
    let change = Change::RevokeGrant {
        to: work.principal_record(first.principal),
        resource: work.resource_name(first.resource).to_owned(),
        roles: granted(work.live, live),
        reason,
    };
    match mode {
        Some(mode) => work.put(mode, change, None),
        None => work.must(change),
    }
}
