//! Teams and their leads. Members are among the edges.

use super::work::{Fate, Work, apply};
use crate::model::{Change, Kind, Mode, ObjectRef, RoleId, Said, Team, TeamId, TeamRecord, UserId, Why};

pub(super) fn compare<O: Copy>(work: &mut Work<'_, O>) {
    let desired = work.desired;
    for (index, team) in desired.directory.teams().iter().enumerate() {
        let writes = desired.manage.mode_of(Kind::Team, &team.name).writes();
        work.team_there[index] = writes || work.teams.live_of[index].is_some();
    }
    for index in 0..desired.directory.teams().len() {
        declared(work, TeamId(index as u32));
    }
    for index in 0..work.live.teams().len() {
        if work.teams.desired_of[index].is_none() {
            undeclared(work, TeamId(index as u32));
        }
    }
}

fn declared<O: Copy>(work: &mut Work<'_, O>, id: TeamId) {
    let desired = work.desired;
    let team = desired.directory.team(id);
    let mode = desired.manage.mode_of(Kind::Team, &team.name);
    let origin = desired.origins.teams.get(id.index()).copied();
    let role = work.role_said(&team.role);
    let outer = match team.outer {
        Said::Is(outer) if !work.team_there[outer.index()] => {
            work.lacks(ObjectRef::team(&desired.directory.team(outer).name));
            Said::Unsaid
        }
        outer => outer,
    };
    let Some(live_id) = work.teams.live_of[id.index()].map(TeamId) else {
        let mut record = TeamRecord { name: team.name.to_string(), ..TeamRecord::default() };
        fill(work, team, &role, &outer, &mut record);
        work.put(mode, Change::CreateTeam { team: record }, origin);
        return;
    };
    let live = work.live.team(live_id);
    let outer_is_met = match (&outer, &live.outer) {
        (Said::Unsaid, Said::Is(l)) => !work.team_goes[l.index()],
        (Said::Is(d), Said::Is(l)) => work.teams.live_of[d.index()] == Some(l.0),
        (Said::Is(_), _) | (Said::Nothing, Said::Is(_)) => false,
        _ => true,
    };
    let kept = &work.options.kept;
    let met = outer_is_met
        && (!kept.team_roles || work.role_is_met(&role, &live.role))
        && (!kept.team_details || (team.description.is_met_by(&live.description) && team.quota.is_met_by(&live.quota)));
    if met {
        return;
    }
    let before = work.team_record(live_id);
    let mut after = before.clone();
    if live.outer.value().is_some_and(|l| work.team_goes[l.index()]) {
        after.outer = None;
    }
    fill(work, team, &role, &outer, &mut after);
    if before != after {
        work.put(mode, Change::UpdateTeam { before, after }, origin);
    }
}

fn fill<O: Copy>(work: &Work<'_, O>, team: &Team, role: &Said<RoleId>, outer: &Said<TeamId>, record: &mut TeamRecord) {
    apply(&mut record.outer, outer, |t| work.desired.directory.team(*t).name.to_string());
    if work.options.kept.team_roles {
        apply(&mut record.role, role, |r| work.role_text(*r));
    }
    if work.options.kept.team_details {
        apply(&mut record.description, &team.description, |t| t.to_string());
        apply(&mut record.quota, &team.quota, |q| *q);
    }
}

fn undeclared<O: Copy>(work: &mut Work<'_, O>, id: TeamId) {
    if work.team_goes[id.index()] {
        let team = TeamRecord { leads: Vec::new(), ..work.team_record(id) };
        work.must(Change::DeleteTeam { team, reason: Why::Undeclared });
    } else if work.mode_of_undeclared(Kind::Team, &work.live.team(id).name) == Mode::Observe {
        let team = work.team_record(id);
        work.put(Mode::Observe, Change::DeleteTeam { team, reason: Why::Undeclared }, None);
    } else {
        work.out.leave(Kind::Team);
    }
}

/// Who leads: declared leads are set in one step, and nobody leads who goes.
pub(super) fn leads<O: Copy>(work: &mut Work<'_, O>) {
    let desired = work.desired;
    for index in 0..desired.directory.teams().len() {
        let id = TeamId(index as u32);
        let team = desired.directory.team(id);
        let said: &[UserId] = match &team.leads {
            Said::Unsaid => continue,
            Said::Nothing => &[],
            Said::Is(leads) => leads,
        };
        if !work.team_there[index] {
            continue;
        }
        let live_id = work.teams.live_of[index].map(TeamId);
        let live_leads = live_id.and_then(|l| work.live.team(l).leads.value());
        let same = live_leads.map_or(said.is_empty(), |live| {
            live.len() == said.len()
                && said.iter().all(|d| work.users.live_of[d.index()].is_some_and(|l| live.contains(&UserId(l))))
        });
        if same {
            continue;
        }
        let mut after = Vec::with_capacity(said.len());
        for lead in said {
            let email = &desired.directory.user(*lead).email;
            if work.user_there[lead.index()] {
                after.push(email.to_string());
            } else {
                work.lacks(ObjectRef::user(email));
            }
        }
        after.sort_unstable();
        let before = live_id.map(|l| work.live_leads(l)).unwrap_or_default();
        if before != after {
            let mode = desired.manage.mode_of(Kind::Team, &team.name);
            let origin = desired.origins.teams.get(index).copied();
            work.put(mode, Change::SetLeads { team: team.name.to_string(), before, after }, origin);
        }
    }
    for index in 0..work.live.teams().len() {
        let id = TeamId(index as u32);
        let Some(leads) = work.live.team(id).leads.value() else { continue };
        let said = work.teams.desired_of[index].is_some_and(|d| {
            let team = desired.directory.team(TeamId(d));
            !team.leads.is_unsaid() && desired.manage.mode_of(Kind::Team, &team.name).writes()
        });
        let goes = |u: &UserId| work.team_goes[index] || work.fates[u.index()] == Fate::Goes;
        if said || !leads.iter().any(goes) {
            continue;
        }
        let mut after: Vec<String> = leads.iter().filter(|u| !goes(u)).map(|u| work.user_name(*u).to_owned()).collect();
        after.sort_unstable();
        let before = work.live_leads(id);
        work.must(Change::SetLeads { team: work.team_name(id).to_owned(), before, after });
    }
}
