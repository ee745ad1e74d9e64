//! `invite-once`: an invitation is not sent again and again.

use std::collections::BTreeSet;

use super::{Answer, RuleInfo, Scope, Verdict, some_of};
use crate::diagnostic::Code;
use crate::model::{Change, Directory, Rules, UserState};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::InviteOnce,
    statement: "who is invited, or was and let it run out, is not invited again by a plan; an invitation that has run \
                out is shown until somebody sends it again",
    source: "cncf/people#821: people who declined were invited again by every run",
    optional: true,
    scope: Scope::Change,
    example: "the invitation of ada@acme.com has run out, and is not sent again",
    fix: "Ask the person. To send it again, remove the old invitation in the system first.",
};

/// Judges a plan: nobody whose invitation is open or has run out is invited, and nobody twice.
#[must_use]
pub fn invite_once<'c>(live: &Directory, changes: impl Iterator<Item = &'c Change>) -> Option<Verdict> {
    let (mut seen, mut again) = (BTreeSet::new(), Vec::new());
    for change in changes {
        let Change::InviteUser { user } = change else { continue };
        let state = live.find_user(&user.email).map(|id| live.user(id).state);
        let open = matches!(state, Some(UserState::Invited | UserState::InvitationExpired));
        if open || !seen.insert(&user.email) {
            again.push(user.email.clone());
        }
    }
    if seen.is_empty() && again.is_empty() {
        return None;
    }
    Some(if again.is_empty() {
        Verdict::new(RULE.name(), Answer::Holds, "nobody is invited twice")
    } else {
        Verdict::new(RULE.name(), Answer::Violated, format!("invited again: {}", some_of(&again)))
            .help("ask them; to send it again, remove the old invitation in the system first")
    })
}

/// Says whose invitation has run out, and that no plan sends it again: with what to do.
#[must_use]
pub fn not_invited_again(expired: &[String], rules: &Rules) -> Option<(String, String)> {
    if expired.is_empty() || RULE.severity_under(rules).is_none() {
        return None;
    }
    let message = match expired {
        [one] => format!("the invitation of {one} has run out, and is not sent again"),
        many => format!("{} invitations have run out, and are not sent again: {}", many.len(), some_of(many)),
    };
    let help = "ask whether they want to come; to send it again, remove the old invitation in the system first";
    Some((message, help.to_owned()))
}
