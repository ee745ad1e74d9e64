//! `blast-radius`: how much of each kind a plan removes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answer, RuleInfo, Scope, Verdict};
use crate::diagnostic::Code;
use crate::model::{Change, Directory, Effect, Kind, Removal, UserRemoval, UserState};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::BlastRadius,
    statement: "a plan removes at most the declared count or share of each kind of thing (by default the larger of 10 \
                and 5 %), and never all of a kind, without a consent that names the number",
    source: "the lesson of every mass deletion, calibrated on eight years of real changes",
    optional: true,
    scope: Scope::Change,
    example: "11 members of 20 removed, at most 10 pass without a consent",
    fix: "Look at what goes. If it is meant, name the number: `--accept removal.member=11`. Limits are raised with \
          `policies.removal.at_most`, or for one kind with `policies.removal.kinds`.",
};

/// The removals of one kind in one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// How many things of the kind the plan removes, without what ended, blocks, and what it begins to
    /// manage.
    pub removed: usize,
    /// How many could have been removed: what is live.
    pub live: usize,
    /// How many removals pass without a consent.
    pub allowed: usize,
}

impl Tally {
    /// Whether a consent is needed: more than allowed, or all of the kind.
    #[must_use]
    pub fn needs_consent(&self) -> bool {
        self.removed > self.allowed || (self.removed > 0 && self.removed >= self.live)
    }
}

/// Whether a change is a removal that is counted. A grant that only loses roles counts as one.
#[must_use]
pub fn removes(change: &Change) -> bool {
    match change {
        Change::ChangeGrant { before, after, .. } => {
            let kept = after.iter().all(|a| before.iter().any(|b| b.role == a.role));
            kept && after.len() < before.len()
        }
        change => change.effect() == Effect::Remove && change.reason().is_none_or(crate::model::Why::counts),
    }
}

/// Counts the removals by kind among changes that no other rule judges.
#[must_use]
pub fn count_removals<'c>(
    live: &Directory,
    changes: impl Iterator<Item = &'c Change>,
    removal: &Removal,
) -> BTreeMap<Kind, Tally> {
    let mut tallies: BTreeMap<Kind, Tally> = BTreeMap::new();
    for change in changes {
        if removes(change) {
            tallies.entry(change.kind()).or_default().removed += 1;
        }
    }
    for (&kind, tally) in &mut tallies {
        tally.live = count_live(live, kind, removal);
        tally.allowed = removal.limits(kind).allowed(tally.live);
    }
    tallies
}

/// How many things of a kind are live. A disabled account cannot be disabled again.
pub(crate) fn count_live(live: &Directory, kind: Kind, removal: &Removal) -> usize {
    match kind {
        Kind::Role => live.roles().len(),
        Kind::User if removal.users == UserRemoval::Delete => live.users().len(),
        Kind::User => live.users().iter().filter(|u| u.state != UserState::Disabled).count(),
        Kind::Team => live.teams().len(),
        Kind::Member => live.memberships().len(),
        Kind::Resource => live.resources().len(),
        Kind::Grant => live.grants().chunk_by(|a, b| (a.resource, a.principal) == (b.resource, b.principal)).count(),
        Kind::Domain => live.domains().len(),
        Kind::Policy => live.policies().len(),
    }
}

/// Judges the tallies of one target. `consented` says which kinds have a consent of the right number,
/// `total` how many the whole plan removes of a kind: the number that a consent must name.
#[must_use]
pub fn judge_removals(
    tallies: &BTreeMap<Kind, Tally>,
    consented: impl Fn(Kind) -> bool,
    total: impl Fn(Kind) -> usize,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (&kind, tally) in tallies {
        let &Tally { removed, live, allowed } = tally;
        let of = format!("{} of {live} removed", kind.count(removed));
        let verdict = if !tally.needs_consent() {
            Verdict::new("blast-radius", Answer::Holds, format!("{of}, at most {allowed} pass"))
        } else if consented(kind) {
            Verdict::new("blast-radius", Answer::Holds, format!("{of}, with consent"))
        } else {
            let message = if removed >= live {
                format!("{of}: all there are")
            } else {
                format!("{of}, at most {allowed} pass without a consent")
            };
            Verdict::new("blast-radius", Answer::Violated, message)
                .help(format!("if that is meant, say so: --accept removal.{kind}={}", total(kind)))
        };
        verdicts.push(verdict);
    }
    verdicts
}
