//! `unreachable-is-manual`: what a target cannot change is no change of a plan.

use super::{Answer, RuleInfo, Scope, Verdict, some_of};
use crate::diagnostic::Code;
use crate::model::{Change, Kind};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::UnreachableIsManual,
    statement: "what the target's interface cannot write is never planned as a change",
    source: "Omni: organization administrators are made on the screen only; Paradime: auto-join domains",
    optional: false,
    scope: Scope::Change,
    example: "the target has no way to change domains: domain acme.com",
    fix: "Do it by hand in the system, and take it out of what rolecall manages: `manage: {domains: observe}`.",
};

/// Judges a plan: all its changes are of kinds that the target has.
#[must_use]
pub fn unreachable_is_manual<'c>(changes: impl Iterator<Item = &'c Change>, kinds: &[Kind]) -> Option<Verdict> {
    let mut out: Vec<(Kind, String)> =
        changes.map(|c| (c.kind(), c.object().to_string())).filter(|(kind, _)| !kinds.contains(kind)).collect();
    out.sort();
    let (first, _) = out.first()?;
    let names: Vec<String> = out.iter().map(|(_, name)| name.clone()).collect();
    let message = format!("the target has no way to change {}: {}", first.plural(), some_of(&names));
    let help = format!("do it by hand, and say `manage: {{{}: observe}}`", first.plural());
    Some(Verdict::new(RULE.name(), Answer::Violated, message).help(help))
}
