//! `review-is-due`: what has to be looked at again is listed.

use super::{RuleInfo, Scope, some_of};
use crate::diagnostic::Code;
use crate::model::{Directory, Moment, Rules, UserState};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::ReviewIsDue,
    statement: "accounts without a sign of life for longer than `policies.review.inactive` are listed",
    source: "Strongly, access reviews: administrators, inactive users and memberships, every quarter",
    optional: true,
    scope: Scope::Change,
    example: "3 accounts have not been seen for 60 days: ada@acme.com, bob@acme.com, carl@acme.com",
    fix: "Ask whether they are still needed, and declare `state: disabled` for those that are not.",
};

/// The active accounts that were last seen too long ago. Those that the target has never seen, or of
/// which it does not say so, are not among them.
#[must_use]
pub fn review_is_due(live: &Directory, rules: &Rules, now: Moment) -> Option<String> {
    let days = rules.review_inactive?;
    let before = now.plus_days(-i64::from(days));
    let gone = live.users().iter().filter(|u| u.state == UserState::Active);
    let gone = gone.filter(|u| u.last_seen.is_some_and(|seen| seen < before));
    let names: Vec<String> = gone.map(|u| u.email.to_string()).collect();
    let (accounts, have) = if names.len() == 1 { ("account", "has") } else { ("accounts", "have") };
    let text = || format!("{} {accounts} {have} not been seen for {days} days: {}", names.len(), some_of(&names));
    (!names.is_empty()).then(text)
}
