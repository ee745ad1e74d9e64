//! What must always hold: one file per rule, with its check. A check answers *holds*, *violated* or
//! *cannot be known*; the last is never taken for the first.

mod admin_remains;
mod blast_radius;
mod change_in_place;
mod inherited_not_repeated;
mod ownership_is_said;

pub use admin_remains::{Administrators, admin_remains};
pub use blast_radius::{Tally, count_removals, judge_removals};
pub use change_in_place::change_in_place;
pub use inherited_not_repeated::inherited_not_repeated;
pub use ownership_is_said::{judge_takeovers, newly_managed, takeover_names};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Sink, Span};
use crate::model::Desired;

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

/// A rule that can be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its name, as it stands in findings.
    pub name: &'static str,
    /// What it says, in one sentence.
    pub statement: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Whether it can be set to `warn` or `off`.
    pub optional: bool,
    /// What it judges.
    pub scope: Scope,
}

/// Every rule, by name.
pub const RULES: &[RuleInfo] = &[
    RuleInfo {
        name: "admin-remains",
        statement: "at least N active administrators remain at every moment (1 is required, 2 are advised); pending \
                    invitations, services and break-glass accounts are not counted",
        source: "every system can be locked for good by removing its last administrator",
        optional: false,
        scope: Scope::State,
    },
    RuleInfo {
        name: "blast-radius",
        statement: "a plan removes at most the declared count or share of each kind of thing (by default the larger \
                    of 10 and 5 %), and never all of a kind, without a consent that names the number",
        source: "the lesson of every mass deletion, calibrated on eight years of real changes",
        optional: true,
        scope: Scope::Change,
    },
    RuleInfo {
        name: "change-in-place",
        statement: "a role is changed in one step, never by removing and adding",
        source: "integrations/terraform-provider-github#2731: people lose access for a moment",
        optional: false,
        scope: Scope::Change,
    },
    RuleInfo {
        name: "inherited-not-repeated",
        statement: "no grant to a team gives what an outer team is given on the same resource already",
        source: "members of an inner team count as members of the outer one",
        optional: true,
        scope: Scope::File,
    },
    RuleInfo {
        name: "ownership-is-said",
        statement: "a plan that begins to manage something names the live things that thereby become removable, and \
                    removes none of them without a consent that names the number",
        source: "kubernetes/org#4365: a field that nobody had declared was taken as empty",
        optional: false,
        scope: Scope::Change,
    },
];

/// The rule of that name.
#[must_use]
pub fn rule(name: &str) -> Option<&'static RuleInfo> {
    RULES.iter().find(|r| r.name == name)
}

/// Judges what the files of all targets declare.
pub fn check_files<'a>(desired: impl Iterator<Item = &'a Desired<Span>>, sink: &mut Sink) {
    for one in desired {
        for finding in inherited_not_repeated(one) {
            sink.push(finding);
        }
    }
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
    use crate::diagnostic::Code;

    #[test]
    fn every_rule_has_a_code_and_a_place() {
        assert!(RULES.is_sorted_by_key(|r| r.name));
        assert!(RULES.iter().all(|r| Code::ALL.iter().any(|c| c.name() == r.name)));
        assert_eq!(rule("admin-remains").map(|r| r.optional), Some(false));
    }
}
