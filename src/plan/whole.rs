//! Whether what was read of a target is all of it: what a reading lacks is never taken for gone.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TargetPlan;
use crate::diagnostic::Code;
use crate::invariants::{Answer, Verdict};
use crate::model::{Change, Effect, Kind, Why};

/// A reading has shrunk where it found less than half of what the last one found, and at least so many
/// fewer: a small target may well lose half of its few.
const FEWER: usize = 5;

/// How much less a reading found than the last one that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shrunk {
    /// So many were found the last time.
    pub was: usize,
    /// And so many now.
    pub now: usize,
}

impl Shrunk {
    /// How many fewer.
    #[must_use]
    pub fn fewer(&self) -> usize {
        self.was.saturating_sub(self.now)
    }
}

/// The requests of an apply, foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forecast {
    /// About so many.
    pub requests: u64,
    /// How many the target takes in a minute, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<u32>,
}

impl Forecast {
    /// How many seconds the limit alone takes.
    #[must_use]
    pub fn seconds(&self) -> Option<u64> {
        self.per_minute.map(|n| (self.requests.saturating_mul(60)).div_ceil(u64::from(n.max(1))))
    }
}

/// What is much less than the last time: users and memberships are looked at.
#[must_use]
pub fn shrunk(last: &BTreeMap<Kind, usize>, now: &BTreeMap<Kind, usize>) -> BTreeMap<Kind, Shrunk> {
    let mut found = BTreeMap::new();
    for kind in [Kind::User, Kind::Member] {
        let (Some(&was), now) = (last.get(&kind), now.get(&kind).copied().unwrap_or(0)) else { continue };
        let one = Shrunk { was, now };
        if now < was.div_ceil(2) && one.fewer() >= FEWER {
            found.insert(kind, one);
        }
    }
    found
}

/// How many removals a doubtful reading stops. A block is none: it is about somebody who was seen.
fn removals(target: &TargetPlan) -> usize {
    let stopped = |w: Option<&Why>| !matches!(w, Some(Why::Blocked { .. }));
    target.steps.iter().filter(|s| s.change.effect() == Effect::Remove && stopped(s.change.reason())).count()
}

/// How many people a plan takes for new: whoever a short reading leaves out seems to be.
fn newcomers(target: &TargetPlan) -> usize {
    let new = |c: &Change| matches!(c, Change::CreateUser { .. } | Change::InviteUser { .. });
    target.steps.iter().filter(|s| new(&s.change)).count()
}

impl TargetPlan {
    /// What has shrunk, where something is removed because of it, or, of users, somebody seems to be new.
    pub fn shrunk_and_removing(&self) -> impl Iterator<Item = (Kind, Shrunk)> + '_ {
        let (removes, adds) = (removals(self) > 0, newcomers(self) > 0);
        let rests = move |kind: &Kind| removes || (adds && *kind == Kind::User);
        self.shrunk.iter().filter(move |(kind, _)| rests(kind)).map(|(kind, s)| (*kind, *s))
    }
}

/// Judges the reading of one target. `total` is the number of the whole plan.
pub(super) fn judge(
    target: &TargetPlan,
    consented: impl Fn(Kind) -> bool,
    total: impl Fn(Kind) -> usize,
) -> Vec<Verdict> {
    let name = Code::ReadIsWhole.name();
    let count = removals(target);
    let them = if count == 1 { "1 removal".to_owned() } else { format!("{count} removals") };
    let mut verdicts = Vec::new();
    if count > 0 && !target.doubts.is_empty() {
        let message = format!("{}: {them} would rest on a reading that may lack something", target.doubts.join("; "));
        let help = "plan again; if it stays so, the server cannot be trusted to list everything: take the removals out of the plan (`manage: additive`)";
        verdicts.push(Verdict::new(name, Answer::Violated, message).help(help));
    }
    let new = newcomers(target);
    for (kind, shrunk) in target.shrunk_and_removing() {
        let new = format!("{new} new {}", if new == 1 { "account" } else { "accounts" });
        let them = match (kind, count > 0, newcomers(target) > 0) {
            (Kind::User, true, true) => format!("{them} and {new}"),
            (Kind::User, false, true) => new,
            _ => them.clone(),
        };
        let message = format!("{} were read, and {} the last time", kind.count(shrunk.now), shrunk.was);
        verdicts.push(if consented(kind) {
            Verdict::new(name, Answer::Holds, format!("{message}; agreed to"))
        } else {
            Verdict::new(name, Answer::Violated, format!("{message}: {them} would rest on that")).help(format!(
                "look whether the target shows everything to these credentials; if so many are really gone: --accept shrunk.{kind}={}",
                total(kind)
            ))
        });
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_five_fewer() {
        let counts = |users: usize, members: usize| BTreeMap::from([(Kind::User, users), (Kind::Member, members)]);
        let kinds = |a, b| shrunk(&a, &b).into_keys().collect::<Vec<_>>();
        assert_eq!(kinds(counts(100, 100), counts(50, 49)), [Kind::Member]);
        assert_eq!(kinds(counts(8, 9), counts(4, 4)), [Kind::Member], "nine to four is less than half, five fewer");
        assert_eq!(kinds(counts(6, 4), counts(2, 0)), Vec::<Kind>::new(), "too few to tell");
        assert_eq!(kinds(counts(100, 0), BTreeMap::new()), [Kind::User], "an empty answer is the smallest");
        assert_eq!(kinds(BTreeMap::new(), counts(1, 1)), Vec::<Kind>::new(), "nothing is remembered");
    }

    #[test]
    fn time_is_what_the_limit_takes() {
        let forecast = |requests, per_minute| Forecast { requests, per_minute }.seconds();
        assert_eq!(forecast(40, Some(60)), Some(40));
        assert_eq!(forecast(41, Some(90)), Some(28));
        assert_eq!(forecast(40, None), None);
    }
}
