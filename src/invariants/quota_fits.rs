//! `quota-fits`: what teams may use together is within what the team around them, and the organization,
//! may use.

use super::{Breach, Place, RuleInfo, Scope, Subject};
use crate::diagnostic::Code;
use crate::model::{Bytes, Change, QuotaRecord, TeamId};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::QuotaFits,
    statement: "the quotas of the teams inside a team do not exceed its own, those of all teams do not exceed the \
                organization's, and lowering a quota is said, because more may be in use",
    source: "Strongly, 3.3.9: use is limited when something is made; lowering a limit below use blocks what is new",
    optional: true,
    scope: Scope::File,
    example: "teams:\n\
              \x20 engineering: {quota: {cpu: 64}}\n\
              \x20 platform: {in: engineering, quota: {cpu: 48}}\n\
              \x20 product: {in: engineering, quota: {cpu: 32}}     # 80 together\n\
              policies: {quota: {cpu: 48}}                         # and engineering alone has 64",
    fix: "Raise the quota of the outer team or of the organization, or lower those inside it.",
};

/// The limits of a quota by name.
fn limits(quota: &QuotaRecord) -> [(&'static str, Option<u64>); 6] {
    let bytes = |b: Option<Bytes>| b.map(|b| b.0);
    [
        ("cpu", quota.cpu),
        ("memory", bytes(quota.memory)),
        ("storage", bytes(quota.storage)),
        ("apps", quota.apps),
        ("workflows", quota.workflows),
        ("workspaces", quota.workspaces),
    ]
}

/// A number of what a limit counts.
fn amount(what: &str, number: u64) -> String {
    match what {
        "memory" | "storage" => Bytes(number).to_string(),
        _ => number.to_string(),
    }
}

/// Finds the teams whose inner teams may use more than they may, and whether all may use more than the
/// organization. A team without a limit of its own stands for those inside it. Each team is looked at
/// once.
#[must_use]
pub(super) fn quota_fits(subject: &Subject<'_>) -> Vec<Breach> {
    let directory = subject.directory;
    let mut sums: Vec<[u128; 6]> = vec![[0; 6]; directory.teams().len()];
    let mut whole = [0_u128; 6];
    // A team adds to the nearest team around it that has a limit, or to the organization.
    for (index, team) in directory.teams().iter().enumerate() {
        let Some(quota) = team.quota.value() else { continue };
        for (field, (_, limit)) in limits(quota).into_iter().enumerate() {
            let Some(limit) = limit else { continue };
            let has_limit = |t: &TeamId| directory.team(*t).quota.value().is_some_and(|q| limits(q)[field].1.is_some());
            let around = directory.team_and_outer(TeamId(index as u32)).skip(1).find(has_limit);
            let sum = around.map_or(&mut whole, |t| &mut sums[t.index()]);
            sum[field] += u128::from(limit);
        }
    }
    let mut breaches = Vec::new();
    for (index, team) in directory.teams().iter().enumerate() {
        let Some(quota) = team.quota.value() else { continue };
        for (field, (what, limit)) in limits(quota).into_iter().enumerate() {
            let (sum, Some(limit)) = (sums[index][field], limit) else { continue };
            if sum > u128::from(limit) {
                let sum = u64::try_from(sum).unwrap_or(u64::MAX);
                let message = format!(
                    "the teams in {} may use {} {what} together, and {} itself {}",
                    team.name,
                    amount(what, sum),
                    team.name,
                    amount(what, limit)
                );
                breaches.push(
                    Breach::new(&RULE, Place::Team(TeamId(index as u32)), message)
                        .labelled("its quota")
                        .help("raise this quota, or lower those of the teams inside")
                        .keyed(format!("{} {what}", team.name), sum - limit),
                );
            }
        }
    }
    for (field, (what, limit)) in limits(&subject.rules.quota).into_iter().enumerate() {
        let (sum, Some(limit)) = (whole[field], limit) else { continue };
        if sum > u128::from(limit) {
            let sum = u64::try_from(sum).unwrap_or(u64::MAX);
            let message = format!(
                "all teams may use {} {what} together, and the organization {}",
                amount(what, sum),
                amount(what, limit)
            );
            breaches.push(
                Breach::new(&RULE, Place::Rule("quota".to_owned()), message)
                    .labelled("its quota")
                    .help("raise this quota, or lower those of teams")
                    .keyed(format!("the organization {what}"), sum - limit),
            );
        }
    }
    breaches
}

/// What a plan lowers: whether more is in use cannot be known.
#[must_use]
pub fn lowered_quotas<'c>(changes: impl Iterator<Item = &'c Change>) -> Vec<String> {
    let mut said = Vec::new();
    for change in changes {
        let Change::UpdateTeam { before, after } = change else { continue };
        let (old, new) = (before.quota.unwrap_or_default(), after.quota.unwrap_or_default());
        for ((what, old), (_, new)) in limits(&old).into_iter().zip(limits(&new)) {
            let Some(new) = new.filter(|n| old.is_none_or(|o| *n < o)) else { continue };
            let from = old.map_or("no limit".to_owned(), |o| amount(what, o));
            let to = amount(what, new);
            said.push(format!(
                "the {what} of team {} goes down from {from} to {to}: whether more is in use is not known here",
                after.name
            ));
        }
    }
    said
}
