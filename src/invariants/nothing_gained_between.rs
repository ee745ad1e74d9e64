//! `nothing-gained-between`: at no moment more than before or after.

use super::{RuleInfo, Scope};
use crate::diagnostic::Code;

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::NothingGainedBetween,
    statement: "at no moment of an apply does anyone have access that neither the state before nor the state after \
                gives",
    source: "every moment of an apply: joining a team before its grant is revoked hands the grant out in between",
    optional: false,
    scope: Scope::State,
    example: "bob joins team platform in the run in which platform loses `edit` on project/fraud: the removal has to \
              come first",
    fix: "The order of a plan sees to it. Where no order does, apply in two parts: first what takes away, then what \
          gives.",
};
