//! `nothing-lost-between`: at no moment less than both before and after.

use super::{Answer, RuleInfo, Scope, Verdict, some_of};
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

/// Judges the losses that no order avoids: by people, each with what they lack for a moment. `why` says what
/// stands in the way of an order that does; `agreed` is
/// whether the consent of the whole plan names its number, `total`.
#[must_use]
pub fn judge_losses(people: &[String], why: Option<&str>, agreed: bool, total: usize) -> Option<Verdict> {
    if people.is_empty() {
        return None;
    }
    let message = format!(
        "{} for a moment what they have before and after: {}; {}",
        if people.len() == 1 { "1 person lacks".to_owned() } else { format!("{} people lack", people.len()) },
        some_of(people),
        why.unwrap_or("no order avoids it")
    );
    Some(if agreed {
        Verdict::new(RULE.name(), Answer::Holds, format!("{message}; agreed to"))
    } else {
        Verdict::new(RULE.name(), Answer::Violated, message).help(format!(
            "agree to the short loss: --accept loss={total}; or make it two applies, and declare in the first what \
                 is to hold in between"
        ))
    })
}
