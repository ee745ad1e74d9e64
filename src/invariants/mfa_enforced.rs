//! `mfa-enforced`: where a second factor is required, everyone in scope has one.

use super::{Answer, RuleInfo, Scope, Verdict};
use crate::diagnostic::Code;
use crate::model::Rules;

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::MfaEnforced,
    statement: "where a policy requires a second factor for a role, everyone who holds it has one or is within the \
                grace period; where the target does not say who has one, that is said",
    source: "Strongly, 3.3.10: who is in scope and has none may only enrol after the grace period",
    optional: true,
    scope: Scope::Change,
    example: "policies: {mfa: {require: [admin], grace: 7d}}     # who has one cannot be read",
    fix: "See to it in the system. Say `invariants: {mfa-enforced: off}` when somebody does, so that it is not said \
          again.",
};

/// What is known of it: no target that can be read today says who has a second factor.
#[must_use]
pub fn mfa_enforced(rules: &Rules) -> Option<Verdict> {
    rules.mfa.then(|| {
        let message = "a second factor is required, and whether everybody in scope has one is not said by this target";
        Verdict::new(RULE.name(), Answer::Unknown, message).help(
            "see to it in the system; when somebody does, `policies: {invariants: {mfa-enforced: off}}` ends this note",
        )
    })
}
