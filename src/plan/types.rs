//! What a plan is: plain data that can be shown, saved, judged and carried out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Consent, Forecast, Loss, Shrunk, Step};
use crate::access::AccessDifference;
use crate::approval::Requirement;
use crate::diagnostic::{Code, Finding, Location, Severity};
use crate::invariants::{Answer, Tally, Verdict};
use crate::model::{Change, Kind, Setting, Share, UserRemoval};

/// The format of plans that this program writes and reads.
pub const FORMAT: &str = "rolecall.plan/1";

/// How far the promise about every moment of an apply reaches in a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    /// The target checks and changes in one transaction.
    Enforced,
    /// What is touched is read right before and after.
    Observed,
    /// Changes can cross with those of others unseen.
    BestEffort,
}

/// A difference that is reported and not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// The change that would make the target as declared.
    pub change: Change,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Location>,
}

/// Something worth saying that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The kind of finding or the rule that says it; none for plain information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What it is.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The declaration it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Location>,
}

/// How many removals of a kind pass without a consent: the larger of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// So many.
    pub count: usize,
    /// Or this share of what is live.
    pub share: Share,
}

/// The rules and limits that judged a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// The rules by name.
    pub rules: Vec<String>,
    /// How many active administrators must remain.
    pub admins_at_least: usize,
    /// What happens to undeclared users.
    pub undeclared_users: UserRemoval,
    /// The limits of removals, by kind.
    pub limits: BTreeMap<Kind, Limit>,
    /// How strictly rules are taken that are set, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Setting>,
}

/// What is to be done to one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetPlan {
    /// The target's name.
    pub target: String,
    /// What kind of system it is.
    pub provider: String,
    /// How far the promise about every moment reaches in it.
    pub level: Promise,
    /// What becomes of effective access. Nothing is decided by it, and it is no part of the digest.
    #[serde(default)]
    pub access: AccessDifference,
    /// Whose agreement it needs. Only `rolecall ci apply` can see who agreed, and stops without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Requirement>,
    /// The changes in their order.
    pub steps: Vec<Step>,
    /// Differences that are reported and not written.
    pub observed: Vec<Observed>,
    /// Where a plan is only about what changed since a revision: what had drifted before, which a plan of that
    /// revision would write as well. This plan does not touch it, and it is no part of the digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Observed>,
    /// The numbers of the steps that had drifted before as well, and are made because others need them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub along: Vec<u32>,
    /// Access that somebody lacks for a moment though they have it before and after, because no order
    /// avoids it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
    /// What stands in the way of an order without these losses, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_lost: Option<String>,
    /// Users who are invited and have not come yet, by e-mail.
    pub pending: Vec<String>,
    /// Users whose invitation has run out, by e-mail.
    pub expired_invitations: Vec<String>,
    /// What is worth saying.
    pub notes: Vec<Note>,
    /// The removals by kind that count for `blast-radius`.
    pub removals: BTreeMap<Kind, Tally>,
    /// Why what was read may not be everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// What was read much less of than the last time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shrunk: BTreeMap<Kind, Shrunk>,
    /// What the apply will take; absent where there are no requests to count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// The names of what would be removed where rolecall begins to manage, by kind.
    pub takeovers: BTreeMap<Kind, Vec<String>>,
    /// The accounts that go for good, by e-mail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub irreversible: Vec<String>,
    /// How many live things of each kind are not declared and left as they are.
    pub left_alone: BTreeMap<Kind, usize>,
    /// What the rules say.
    pub guards: Vec<Verdict>,
    /// How many things of each kind are live.
    pub live: BTreeMap<Kind, usize>,
    /// How many things of each kind are declared.
    pub desired: BTreeMap<Kind, usize>,
    /// The live objects that the changes touch or refer to, as they are now; `null` for what is not
    /// there.
    pub touched: BTreeMap<String, Value>,
    /// The rules and limits that judged.
    pub judged: Judged,
}

impl TargetPlan {
    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a rule forbids it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.guards.iter().any(|v| v.answer == Answer::Violated)
    }

    /// What the rules have found, and notes that have a name of their own, in a fixed order.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let notes = self.notes.iter().filter_map(|note| {
            let at = note.declared.as_ref().map(|l| format!("{l}: ")).unwrap_or_default();
            let mut finding = Finding::nowhere(code(note.rule.as_deref()?)?, format!("{at}{}", note.message));
            finding.help.clone_from(&note.help);
            Some(finding.severity(Severity::Note))
        });
        verdict_findings(&self.guards).chain(notes).collect()
    }
}

/// The findings that stand for verdicts: nothing for what holds.
fn verdict_findings(verdicts: &[Verdict]) -> impl Iterator<Item = Finding> + '_ {
    verdicts.iter().filter_map(|verdict| {
        let severity = match verdict.answer {
            Answer::Holds => return None,
            Answer::Violated => Severity::Error,
            Answer::Unknown => Severity::Warning,
        };
        let mut finding = Finding::nowhere(code(&verdict.rule)?, verdict.message.clone()).severity(severity);
        finding.help.clone_from(&verdict.help);
        Some(finding)
    })
}

fn code(name: &str) -> Option<Code> {
    Code::ALL.iter().copied().find(|c| c.name() == name)
}

/// A target that could not be read, so that nothing is planned for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// The target.
    pub target: String,
    /// Why.
    pub why: String,
}

/// A revision of the files that a plan compares with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// As it was named: `origin/main`.
    pub named: String,
    /// The commit whose files are compared with: the last one that the named revision and the files of this plan
    /// have in common.
    pub commit: String,
    /// What is to be known of it: that the files were broken there, or lay in another folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// That a plan is between two revisions of the files. Nothing live was read for it, and it cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// The revision whose files are taken for what is live.
    pub base: Revision,
    /// The revision whose files are wanted; absent for the files as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Revision>,
    /// What changes for whole targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A plan over all targets of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// `rolecall.plan/1`.
    pub format: String,
    /// SHA-256 over the canonical JSON of what the plan does: the steps, the live objects they touch,
    /// the rules that judged them, and the consents.
    pub digest: String,
    /// The version of rolecall that made it.
    pub rolecall: String,
    /// The commit of the declaration, where it is known; with `-dirty` behind it where files differ from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Where it is only about what changed since a revision: which one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Revision>,
    /// Where it is between two revisions: which ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<Between>,
    /// What was agreed to, sorted.
    pub consents: Vec<Consent>,
    /// What is wrong with the consents.
    pub guards: Vec<Verdict>,
    /// By target, in the order of their names.
    pub targets: Vec<TargetPlan>,
    /// The targets that could not be read: this is no plan for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
}

impl Plan {
    /// The same plan, with the targets for which it is none.
    #[must_use]
    pub fn without(mut self, unread: Vec<Unread>) -> Self {
        self.unread = unread;
        self
    }

    /// The same plan, which is only about what changed since a revision.
    #[must_use]
    pub fn since(self, since: Option<Revision>) -> Self {
        Self { since, ..self }
    }

    /// The same plan, which is between two revisions.
    #[must_use]
    pub fn between(self, between: Between) -> Self {
        Self { between: Some(between), ..self }
    }

    /// Whether nothing is to be done anywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.iter().all(TargetPlan::is_empty)
    }

    /// Whether a rule forbids it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.guards.iter().any(|v| v.answer == Answer::Violated) || self.targets.iter().any(TargetPlan::is_blocked)
    }

    /// What the rules have found, target by target, then about the consents.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let of_targets = self.targets.iter().flat_map(TargetPlan::findings);
        of_targets.chain(verdict_findings(&self.guards)).collect()
    }
}
