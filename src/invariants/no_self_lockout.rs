//! `no-self-lockout`: whoever applies can finish.

use super::{Answer, Applier, RuleInfo, Scope, Verdict, some_of};
use crate::diagnostic::Code;
use crate::model::{Change, Directory, Effect};

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

/// Judges a plan with changes: what would have to be made after the identity has lost its right.
#[must_use]
pub fn no_self_lockout<'c>(
    live: &Directory,
    applier: Applier<'_>,
    after: &[String],
    mut changes: impl Iterator<Item = &'c Change>,
) -> Option<Verdict> {
    let name = RULE.name();
    match applier {
        // Whoever can write the file of a directory needs no account in it.
        Applier::Anyone => None,
        Applier::Named(email) if live.find_user(email).is_none() => {
            let message = format!("{email}, who applies, has no account here, so whether they can finish is not known");
            Some(Verdict::new(name, Answer::Unknown, message).help("mend `identity:` of the target"))
        }
        Applier::Named(email) if !after.is_empty() => {
            let message = format!(
                "{email}, who applies, would have lost the right to it before this is done: {}",
                some_of(after)
            );
            Some(
                Verdict::new(name, Answer::Violated, message).help(
                    "let another administrator apply this, or take the right away in an apply of its own, at last",
                ),
            )
        }
        Applier::Named(email) => {
            Some(Verdict::new(name, Answer::Holds, format!("{email} can apply until the last change")))
        }
        Applier::Unknown => changes.any(|c| c.effect() != Effect::Add).then(|| {
            let message = "who applies is not known, so whether they keep the right to finish cannot be known either";
            Verdict::new(name, Answer::Unknown, message).help("say it: `targets: {NAME: {identity: USER}}`")
        }),
    }
}
