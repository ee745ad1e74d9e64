//! `irreversible-is-confirmed`: what cannot be undone is done only with a consent.

use super::{Answer, RuleInfo, Scope, Verdict, some_of};
use crate::diagnostic::Code;
use crate::model::Change;

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::IrreversibleIsConfirmed,
    statement: "accounts are deleted, or disabled where the target cannot enable them again, only with a consent that \
                names the number",
    source: "Omni, before deletion: what an account holds goes with it; Paradime: the API cannot enable again",
    optional: true,
    scope: Scope::Change,
    example: "2 accounts go for good, with what they hold: ada@acme.com, bob@acme.com",
    fix: "Hand over what they own. If they are to go, name the number: `--accept irreversible.user=2`. \
          `policies: {removal: {users: disable}}` keeps accounts where they can be enabled again, and \
          `{users: leave}` everywhere.",
};

/// The accounts that a plan takes away for good, by name. `enables` says whether the target can enable
/// what it has disabled.
#[must_use]
pub fn count_irreversible<'c>(changes: impl Iterator<Item = &'c Change>, enables: bool) -> Vec<String> {
    let gone = |change: &'c Change| match change {
        Change::DeleteUser { user, .. } => Some(user.email.clone()),
        // Who is blocked goes by whatever means there are: a block waits for no consent.
        Change::DisableUser { user, reason } if !enables && reason.counts() => Some(user.email.clone()),
        _ => None,
    };
    let mut names: Vec<String> = changes.filter_map(gone).collect();
    names.sort_unstable();
    names
}

/// Judges the accounts of one target that go for good. `deleted` says that they are deleted, and not
/// disabled where that is for good; `total` is the number of the whole plan.
#[must_use]
pub fn judge_irreversible(names: &[String], deleted: bool, consented: bool, total: usize) -> Option<Verdict> {
    let (accounts, go) = if names.len() == 1 { ("account", "goes") } else { ("accounts", "go") };
    let what = format!("{} {accounts} {go} for good, with what they hold: {}", names.len(), some_of(names));
    match names.len() {
        0 => None,
        _ if consented => Some(Verdict::new(RULE.name(), Answer::Holds, format!("{what}; with consent"))),
        _ => {
            let keeps = if deleted {
                "`removal: {users: disable}` keeps accounts where the system can enable them again, `{users: leave}` \
                 everywhere"
            } else {
                "this system enables no account again. Who is in no file stays with `removal: {users: leave}`, and \
                 who is in one without `state: disabled` and a past `until:`"
            };
            let help = format!("if that is meant, say so: --accept irreversible.user={total}; {keeps}");
            Some(Verdict::new(RULE.name(), Answer::Violated, what).help(help))
        }
    }
}
