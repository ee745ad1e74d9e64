//! `nothing-lost-between`: at no moment less than both before and after.

use super::{RuleInfo, Scope};
use crate::diagnostic::Code;

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::NothingLostBetween,
    statement: "at no moment of an apply does anyone lack access that both the state before and the state after give; \
                where no order allows it, the loss is named and needs a consent",
    source: "every moment of an apply: a grant that moves from a person to their team must not be missing meanwhile",
    optional: false,
    scope: Scope::State,
    example: "ada has `edit` by a grant before and by team platform after: the team's grant has to come first",
    fix: "The order of a plan sees to it. Where no order does, apply in two parts, or agree to the short loss: \
          `--accept loss=N`.",
};
