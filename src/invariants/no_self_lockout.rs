//! `no-self-lockout`: whoever applies can finish.

use super::{RuleInfo, Scope};
use crate::diagnostic::Code;

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::NoSelfLockout,
    statement: "the identity that applies keeps its right to apply until the last change",
    source: "every reconciler: an apply that takes its own right away stops in the middle",
    optional: false,
    scope: Scope::State,
    example: "the account that applies, ci@acme.com, loses the role admin before the other changes are made",
    fix: "Let another account apply, or take its right away in an apply of its own.",
};
