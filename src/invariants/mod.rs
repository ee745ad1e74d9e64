//! What must always hold: one file per rule, with its check. A check answers *holds*, *violated* or
//! *cannot be known*; the last is never taken for the first.

mod admin_remains;
mod blast_radius;
mod block_beats_all;
#[cfg(test)]
mod cases;
mod change_in_place;
mod elevate_only;
mod grant_expires;
mod inactive_holds_nothing;
mod inherited_not_repeated;
mod invite_once;
mod irreversible_is_confirmed;
mod join_is_least;
mod join_removal_known;
mod joiner_is_expected;
mod lead_is_member;
mod leaver_stays_out;
mod mfa_enforced;
mod no_escalation;
mod no_self_lockout;
mod nothing_gained_between;
mod nothing_lost_between;
mod ownership_is_said;
mod quota_fits;
mod return_restores;
mod review_is_due;
mod roles_exclusive;
mod seats_fit;
mod sources;
mod subject;
mod unreachable_is_manual;
mod visibility_agrees;

pub use admin_remains::{Administrators, admin_remains, untold};
pub use blast_radius::{Tally, count_removals, judge_removals};
pub use change_in_place::change_in_place;
pub use invite_once::{invite_once, not_invited_again};
pub use irreversible_is_confirmed::{count_irreversible, judge_irreversible};
pub use join_removal_known::join_removal_known;
pub use joiner_is_expected::expected_joiners;
pub use leaver_stays_out::leavers_that_can_return;
pub use mfa_enforced::mfa_enforced;
pub use no_escalation::{Applier, gives_more_than_own, no_escalation};
pub use no_self_lockout::no_self_lockout;
pub use nothing_lost_between::judge_losses;
pub use ownership_is_said::{judge_takeovers, newly_managed, takeover_names};
pub use quota_fits::lowered_quotas;
pub use return_restores::return_restores;
pub use review_is_due::review_is_due;
pub use subject::{Breach, Place, Subject};
pub use unreachable_is_manual::unreachable_is_manual;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Finding, Severity, Span};
use crate::model::{Desired, Moment, RuleName, Rules, Setting};

/// What a rule judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Every state that an apply passes through.
    State,
    /// A plan.
    Change,
    /// The declaration.
    File,
}

impl Scope {
    /// Every scope, in order.
    pub const ALL: [Self; 3] = [Self::State, Self::Change, Self::File];

    /// The word that people see.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Change => "change",
            Self::File => "file",
        }
    }
}

/// A rule that can be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleInfo {
    /// The code of its findings, which has its name and how bad they are.
    pub code: Code,
    /// What it says, in one sentence.
    pub statement: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Whether it can be set to `error`, `warn` or `off`.
    pub optional: bool,
    /// What it judges.
    pub scope: Scope,
    /// A case in which it speaks, as a file or as what a plan says.
    pub example: &'static str,
    /// What to do then.
    pub fix: &'static str,
}

impl RuleInfo {
    /// Its name, as it stands in findings.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.code.name()
    }

    /// How bad it is when nothing else is said.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// How bad it is under the settings of a target; `None` where it is not looked for.
    #[must_use]
    pub fn severity_under(&self, rules: &Rules) -> Option<Severity> {
        match rules.settings.get(self.name()).filter(|_| self.optional) {
            None => Some(self.severity()),
            Some(Setting::Error) => Some(Severity::Error),
            Some(Setting::Warn) => Some(Severity::Warning),
            Some(Setting::Off) => None,
        }
    }
}

/// Every rule, by name.
pub const RULES: [RuleInfo; 28] = [
    admin_remains::RULE,
    blast_radius::RULE,
    block_beats_all::RULE,
    change_in_place::RULE,
    elevate_only::RULE,
    grant_expires::RULE,
    inactive_holds_nothing::RULE,
    inherited_not_repeated::RULE,
    invite_once::RULE,
    irreversible_is_confirmed::RULE,
    join_is_least::RULE,
    join_removal_known::RULE,
    joiner_is_expected::RULE,
    lead_is_member::RULE,
    leaver_stays_out::RULE,
    mfa_enforced::RULE,
    no_escalation::RULE,
    no_self_lockout::RULE,
    nothing_gained_between::RULE,
    nothing_lost_between::RULE,
    ownership_is_said::RULE,
    quota_fits::RULE,
    return_restores::RULE,
    review_is_due::RULE,
    roles_exclusive::RULE,
    seats_fit::RULE,
    unreachable_is_manual::RULE,
    visibility_agrees::RULE,
];

/// The names of the rules, for the file language.
pub const RULE_NAMES: [RuleName; RULES.len()] = {
    let mut names = [RuleName { name: "", optional: false }; RULES.len()];
    let mut index = 0;
    while index < RULES.len() {
        names[index] = RuleName { name: RULES[index].name(), optional: RULES[index].optional };
        index += 1;
    }
    names
};

/// The rule of that name.
#[must_use]
pub fn rule(name: &str) -> Option<&'static RuleInfo> {
    static ALL: [RuleInfo; RULES.len()] = RULES;
    ALL.iter().find(|r| r.name() == name)
}

/// A check of one state.
type Check = fn(&Subject<'_>) -> Vec<Breach>;

/// The checks of one state, with the rules that they speak for. Each is linear in the state, but for what
/// its file says.
const CHECKS: [(Check, &[RuleInfo]); 11] = [
    (admin_remains::required_administrators, &[admin_remains::RULE]),
    (sources::grants_without_effect, &[elevate_only::RULE, inherited_not_repeated::RULE]),
    (grant_expires::grant_expires, &[grant_expires::RULE]),
    (inactive_holds_nothing::inactive_holds_nothing, &[inactive_holds_nothing::RULE]),
    (join_is_least::join_is_least, &[join_is_least::RULE]),
    (lead_is_member::lead_is_member, &[lead_is_member::RULE]),
    (leaver_stays_out::leaver_stays_out, &[leaver_stays_out::RULE]),
    (quota_fits::quota_fits, &[quota_fits::RULE]),
    (roles_exclusive::roles_exclusive, &[roles_exclusive::RULE]),
    (seats_fit::seats_fit, &[seats_fit::RULE]),
    (visibility_agrees::visibility_agrees, &[visibility_agrees::RULE]),
];

/// What is wrong with a state, each with how bad it is.
#[must_use]
pub fn breaches(subject: &Subject<'_>) -> Vec<(Breach, Severity)> {
    let found = CHECKS.iter().flat_map(|(check, _)| check(subject));
    found.filter_map(|b| b.severity(subject.rules).map(|severity| (b, severity))).collect()
}

/// What is wrong with a state by the rules whose breach is an error; no other check is made.
#[must_use]
pub fn errors(subject: &Subject<'_>) -> Vec<Breach> {
    let can = |rules: &[RuleInfo]| rules.iter().any(|r| r.severity_under(subject.rules) == Some(Severity::Error));
    let found = CHECKS.iter().filter(|(_, rules)| can(rules)).flat_map(|(check, _)| check(subject));
    found.filter(|b| b.severity(subject.rules) == Some(Severity::Error)).collect()
}

/// Judges what the files of all targets declare.
#[must_use]
pub fn check_files<'a>(desired: impl Iterator<Item = &'a Desired<Span>>, now: Moment) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in desired {
        let found = breaches(&Subject::declared(one, now));
        findings.extend(found.iter().map(|(breach, severity)| breach.finding(&one.origins, *severity)));
    }
    findings
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The rule holds.
    Holds,
    /// It does not.
    Violated,
    /// It cannot be known: the message says what is missing.
    Unknown,
}

/// What a rule says of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The rule, or another kind of finding that stops a plan.
    pub rule: String,
    /// What it found.
    pub answer: Answer,
    /// In the user's words.
    pub message: String,
    /// What to do, where something is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Verdict {
    /// A verdict without advice.
    #[must_use]
    pub fn new(rule: &str, answer: Answer, message: impl Into<String>) -> Self {
        Self { rule: rule.to_owned(), answer, message: message.into(), help: None }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// The first few of many names, and how many more there are.
#[must_use]
pub fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let first = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desired(text: &str) -> Desired<()> {
        crate::plan::testing::desired(text)
    }

    /// The rules that a plan breaks or leaves open, with what they say.
    fn spoken(plan: &crate::plan::TargetPlan) -> Vec<String> {
        let open = plan.guards.iter().filter(|v| v.answer != Answer::Holds);
        let guards = open.map(|v| format!("{}: {}", v.rule, v.message));
        let notes = plan.notes.iter().filter_map(|n| Some(format!("{}: {}", n.rule.as_ref()?, n.message)));
        guards.chain(notes).collect()
    }

    #[test]
    fn who_was_not_seen_is_to_be_looked_at() {
        use crate::plan::testing::{live, planned};
        let mut wanted = desired("user ada role=admin\nuser bob role=viewer\n");
        wanted.rules.review_inactive = Some(60);
        let was = live("user ada role=admin\nuser bob role=viewer seen=2026-01-01\n");
        insta::assert_snapshot!(spoken(&planned(&wanted, &was)).join("\n"), @"review-is-due: 1 account has not been seen for 60 days: bob");
    }

    #[test]
    fn an_open_invitation_is_not_sent_again() {
        use crate::model::{Change, UserRecord};
        let user = UserRecord { email: "bob".into(), ..UserRecord::default() };
        let was = crate::plan::testing::live("user ada role=admin\nuser bob role=viewer state=expired\n");
        let again = [Change::InviteUser { user: user.clone() }];
        let verdict = invite_once(&was, again.iter()).unwrap();
        insta::assert_snapshot!(format!("{:?} {}: {}", verdict.answer, verdict.rule, verdict.message), @"Violated invite-once: invited again: bob");
        let first = [Change::InviteUser { user: UserRecord { email: "eve".into(), ..user } }];
        assert_eq!(invite_once(&was, first.iter()).map(|v| v.answer), Some(Answer::Holds));
    }

    #[test]
    fn what_the_target_cannot_change_is_not_planned() {
        use crate::plan::testing::{lines, live, planned};
        let plan = planned(&desired("user ada role=admin\nteam t\n"), &live("user ada role=admin\n"));
        assert_eq!(lines(&plan), ["1 create-team t"]);
        let changes = || plan.steps.iter().map(|s| &s.change);
        let verdict = unreachable_is_manual(changes(), &[crate::model::Kind::User]).unwrap();
        insta::assert_snapshot!(format!("{:?} {}: {}", verdict.answer, verdict.rule, verdict.message), @"Violated unreachable-is-manual: the target has no way to change teams: team t");
        assert!(unreachable_is_manual(changes(), &crate::model::Kind::ALL).is_none());
    }

    #[test]
    fn every_rule_has_a_code_and_a_place() {
        assert!(RULES.is_sorted_by_key(RuleInfo::name));
        assert_eq!(rule("admin-remains").map(|r| r.optional), Some(false));
    }
}
