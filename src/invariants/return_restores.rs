//! `return-restores`: who is disabled and comes back has what they had.

use std::collections::{BTreeMap, BTreeSet};

use super::{RuleInfo, Scope, some_of};
use crate::diagnostic::Code;
use crate::model::{Change, PrincipalRecord};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::ReturnRestores,
    statement: "disabling somebody and enabling them again gives back exactly what they had: a plan that disables and \
                takes away at once says what will not come back",
    source: "Strongly, 3.3.4: reactivating restores exactly the former access",
    optional: true,
    scope: Scope::Change,
    example: "ada@acme.com is disabled, and will not come back to: team platform, edit on project/fraud",
    fix: "Leave their memberships and grants declared while they are away: what a disabled account holds is inert.",
};

/// What people who are disabled by a plan lose by the same plan, by person. `enables` says whether the
/// target can enable an account again.
#[must_use]
pub fn return_restores<'c>(changes: impl Iterator<Item = &'c Change> + Clone, enables: bool) -> Vec<String> {
    let disabled: BTreeSet<&str> = changes
        .clone()
        .filter_map(|c| match c {
            Change::DisableUser { user, .. } => Some(user.email.as_str()),
            _ => None,
        })
        .collect();
    if disabled.is_empty() {
        return Vec::new();
    }
    if !enables {
        let names: Vec<String> = disabled.iter().map(|n| (*n).to_owned()).collect();
        return vec![format!("{} cannot be enabled again: the target has no way to it", some_of(&names))];
    }
    let mut lost: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for change in changes {
        let (user, what) = match change {
            Change::RemoveMember { member, reason } if reason.counts() => {
                (member.user.as_str(), format!("team {}", member.team))
            }
            Change::RevokeGrant { to: PrincipalRecord::User(user), resource, roles, reason } if reason.counts() => {
                let roles: Vec<&str> = roles.iter().map(|r| r.role.as_str()).collect();
                (user.as_str(), format!("{} on {resource}", roles.join(", ")))
            }
            _ => continue,
        };
        if disabled.contains(user) {
            lost.entry(user).or_default().push(what);
        }
    }
    lost.into_iter()
        .map(|(user, what)| format!("{user} is disabled, and will not come back to: {}", some_of(&what)))
        .collect()
}
