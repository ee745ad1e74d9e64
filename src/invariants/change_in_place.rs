//! `change-in-place`: nothing is removed and added again by one plan.

use std::collections::HashSet;

use super::{Answer, RuleInfo, Scope, Verdict, some_of};
use crate::diagnostic::Code;
use crate::model::{Change, Effect, Kind, ObjectRef};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::ChangeInPlace,
    statement: "a role is changed in one step, never by removing and adding",
    source: "integrations/terraform-provider-github#2731: people lose access for a moment",
    optional: false,
    scope: Scope::Change,
    example: "removed and added again: member platform ada@acme.com",
    fix: "Nothing that a declaration says makes such a plan: please report it.",
};

/// Judges a plan: no user, membership or grant of it is both removed and added. A bug-catcher; the
/// difference never makes such a plan.
#[must_use]
pub fn change_in_place<'c>(changes: impl Iterator<Item = &'c Change>) -> Verdict {
    let (mut added, mut removed) = (HashSet::new(), Vec::new());
    for change in changes {
        let object = change.object();
        if !matches!(object.kind, Kind::User | Kind::Member | Kind::Grant) {
            continue;
        }
        match change.effect() {
            Effect::Add => drop(added.insert(object)),
            Effect::Remove => removed.push(object),
            Effect::Change => {}
        }
    }
    let mut twice: Vec<String> = removed.iter().filter(|o| added.contains(*o)).map(ObjectRef::to_string).collect();
    twice.sort_unstable();
    if twice.is_empty() {
        Verdict::new("change-in-place", Answer::Holds, "everything that changes does so in one step")
    } else {
        Verdict::new("change-in-place", Answer::Violated, format!("removed and added again: {}", some_of(&twice)))
            .help("this is a fault of rolecall: please report it")
    }
}
