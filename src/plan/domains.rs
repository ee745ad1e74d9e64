//! Auto-join domains.

use super::work::{Work, apply};
use crate::model::{Change, DomainId, DomainRecord, Kind, Mode, ObjectRef, Said, TeamId, Why};

pub(super) fn compare<O: Copy>(work: &mut Work<'_, O>) {
    for index in 0..work.desired.directory.domains().len() {
        declared(work, index);
    }
    for index in 0..work.live.domains().len() {
        if work.domains.desired_of[index].is_some() {
            continue;
        }
        let domain = work.domain_record(DomainId(index as u32));
        match work.mode_of_undeclared(Kind::Domain, &domain.name) {
            mode @ (Mode::Authoritative | Mode::Observe) => {
                work.put(mode, Change::RemoveDomain { domain, reason: Why::Undeclared }, None);
            }
            _ => work.out.leave(Kind::Domain),
        }
    }
}

fn declared<O: Copy>(work: &mut Work<'_, O>, index: usize) {
    let desired = work.desired;
    let domain = &desired.directory.domains()[index];
    let mode = desired.manage.mode_of(Kind::Domain, &domain.name);
    let origin = desired.origins.domains.get(index).copied();
    let role = work.role_said(&domain.role);
    let teams: Said<Vec<TeamId>> = match &domain.teams {
        Said::Is(teams) => {
            let (there, lacking): (Vec<TeamId>, Vec<TeamId>) = teams.iter().partition(|t| work.team_there[t.index()]);
            for team in lacking {
                work.lacks(ObjectRef::team(&desired.directory.team(team).name));
            }
            Said::Is(there)
        }
        teams => teams.clone(),
    };
    let live_id = work.domains.live_of[index].map(DomainId);
    let before = live_id.map(|id| work.domain_record(id));
    let mut after =
        before.clone().unwrap_or_else(|| DomainRecord { name: domain.name.to_string(), ..DomainRecord::default() });
    if let Some(id) = live_id {
        let live = work.live.domains()[id.index()].teams.value().into_iter().flatten();
        after.teams = live.filter(|t| !work.team_goes[t.index()]).map(|t| work.team_name(*t).to_owned()).collect();
    }
    apply(&mut after.role, &role, |r| work.role_text(*r));
    match &teams {
        Said::Unsaid => {}
        Said::Nothing => after.teams.clear(),
        Said::Is(teams) => {
            after.teams = teams.iter().map(|t| desired.directory.team(*t).name.to_string()).collect();
        }
    }
    after.teams.sort_unstable();
    match before {
        None => work.put(mode, Change::AddDomain { domain: after }, origin),
        Some(before) if before != after => work.put(mode, Change::ChangeDomain { before, after }, origin),
        Some(_) => {}
    }
}
