//! Whose approval the gains of a plan need, and which approvals count.
//!
//! [`requirements`] says it of a plan: for each rule of `policies.approval`, which gains it is about and who
//! can agree to them. [`judge`] then looks at the approvals that were given: one counts when it was given on
//! the head that is planned, after its plan was published, by somebody who can give it, who did not write the
//! change and gains nothing by it. [`changed`] compares the rules and the people behind them at two revisions:
//! a change of who must agree needs the agreement that it changes.

mod changed;
mod judge;
mod people;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{Differences, Gained, World, extended, gained};
use crate::model::{ApprovalRule, Approver, Change, DomainRecord, Rules};

pub use changed::changed;
pub use judge::{Judged, Refused, Review, Situation, judge};
pub use people::People;

/// How many gains of one requirement are told.
const TOLD: usize = 5;

/// An agreement that a plan needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Which gains the rule is for, as the files say it.
    pub rule: String,
    /// Who can agree: users and teams. Where a gain has no owner or lead that the rule asks for,
    /// those of `policies.admins.required`.
    pub by: Vec<Approver>,
    /// How many of them must.
    pub at_least: u32,
    /// What is agreed to, in words; the first of it.
    pub to: Vec<String>,
    /// How much there is besides.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
    /// Who gains, by e-mail, sorted: they cannot agree for themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaining: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// What one requirement is put together from.
#[derive(Debug, Default)]
struct Parts {
    to: Vec<String>,
    gaining: BTreeSet<String>,
}

/// The agreements that the changes of one target need by the rules of the base and of the head: one for each
/// rule and for each set of people who can give it. An auto-join domain that is new, or gives another role or
/// other teams, is a gain of whoever has an address there; and so is a later end.
#[must_use]
pub fn requirements(
    world: &World<'_>,
    differences: &Differences,
    changes: &[&Change],
    rules: &[&Rules],
) -> Vec<Requirement> {
    if rules.iter().all(|r| r.approval.is_empty()) {
        return Vec::new();
    }
    let leads = leads(world);
    let longer = extended(world, changes);
    let mut all = Vec::new();
    for (rule, rules) in rules.iter().flat_map(|rules| rules.approval.iter().map(move |rule| (rule, rules))) {
        let mut found: BTreeMap<Vec<Approver>, Parts> = BTreeMap::new();
        for gain in gained(world, differences, rule.gains.as_deref()) {
            let parts = found.entry(who(rule, &gain, &leads)).or_default();
            parts.to.push(said(&gain, rule));
            parts.gaining.extend(gain.users);
        }
        for gain in &longer {
            let parts = found.entry(who(rule, gain, &leads)).or_default();
            let on = gain.on.as_ref().map_or(String::new(), |on| format!(" on {on}"));
            parts.to.push(format!("{} what they have{on} for longer", whom(gain, "keeps", "keep")));
            parts.gaining.extend(gain.users.iter().cloned());
        }
        for domain in changes.iter().filter_map(|c| joined(c)) {
            if rule.gains.is_none() || rule.gains == domain.role {
                let role = domain.role.as_ref().map_or(String::new(), |r| format!(" as {r}"));
                let parts = found.entry(fixed(rule)).or_default();
                parts.to.push(format!("whoever has an address at {} can join{role}", domain.name));
            }
        }
        for (by, parts) in found {
            let by = or_required(by, rules);
            let more = parts.to.len().saturating_sub(TOLD);
            let to = parts.to.into_iter().take(TOLD).collect();
            let gaining = parts.gaining.into_iter().collect();
            all.push(Requirement { rule: rule.said.clone(), by, at_least: rule.at_least, to, more, gaining });
        }
    }
    all.sort();
    all.dedup();
    all
}

/// A domain by which people can join in a way in which they could not.
fn joined(change: &Change) -> Option<&DomainRecord> {
    match change {
        Change::AddDomain { domain } => Some(domain),
        Change::ChangeDomain { after, .. } => Some(after),
        _ => None,
    }
}

/// The leads of each team that is there before: a change that makes a team does not choose who agrees to it.
fn leads(world: &World<'_>) -> BTreeMap<String, Vec<String>> {
    let live = world.live();
    let email = |id: &crate::model::UserId| live.user(*id).email.to_string();
    let of = |team: &crate::model::Team| team.leads.value().into_iter().flatten().map(email).collect();
    live.teams().iter().map(|team| (team.name.to_string(), of(team))).collect()
}

/// Where nobody answers for something, those do who must stay administrators (`policies.admins.required`).
fn or_required(by: Vec<Approver>, rules: &Rules) -> Vec<Approver> {
    if !by.is_empty() {
        return by;
    }
    rules.admins_required.iter().map(|email| Approver::User(email.to_string())).collect()
}

/// Who can agree whatever is gained.
fn fixed(rule: &ApprovalRule) -> Vec<Approver> {
    rule.by.iter().filter(|by| matches!(by, Approver::User(_) | Approver::Team(_))).cloned().collect()
}

/// Who can agree to a gain.
fn who(rule: &ApprovalRule, gain: &Gained, leads: &BTreeMap<String, Vec<String>>) -> Vec<Approver> {
    let mut all = fixed(rule);
    if rule.by.contains(&Approver::Owner) {
        all.extend(gain.owner.clone().map(Approver::User));
    }
    if rule.by.contains(&Approver::Lead) {
        all.extend(gain.teams.iter().filter_map(|t| leads.get(t)).flatten().cloned().map(Approver::User));
    }
    all.sort();
    all.dedup();
    all
}

fn whom(gain: &Gained, one: &str, several: &str) -> String {
    match gain.users.as_slice() {
        [] => format!("everyone {one}"),
        [user] => format!("{user} {one}"),
        many => format!("{} people {several}", crate::diagnostic::thousands(many.len())),
    }
}

fn said(gain: &Gained, rule: &ApprovalRule) -> String {
    let whom = whom(gain, "gains", "gain");
    let what = rule.gains.as_deref().map_or_else(|| "something".to_owned(), |_| rule.said.clone());
    match &gain.on {
        Some(on) => format!("{whom} {what} on {on}"),
        None => format!("{whom} {what} everywhere"),
    }
}
