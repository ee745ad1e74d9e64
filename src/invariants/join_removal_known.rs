//! `join-removal-known`: when the last auto-join domain goes, that is said.

use super::{RuleInfo, Scope, some_of};
use crate::diagnostic::Code;
use crate::model::{Change, Directory};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::JoinRemovalKnown,
    statement: "a plan that removes the last auto-join domain says so: from then on people come in by invitation only",
    source: "Paradime, auto-join: removing all domains means explicit invitations",
    optional: true,
    scope: Scope::Change,
    example: "acme.com is the last auto-join domain and goes: from then on people come in by invitation only",
    fix: "Nothing has to be done. Keep the domain declared if people are to join by themselves.",
};

/// What is to be said of a plan that removes every domain that is live and adds none.
#[must_use]
pub fn join_removal_known<'c>(live: &Directory, changes: impl Iterator<Item = &'c Change>) -> Option<String> {
    let (mut removed, mut added) = (Vec::new(), false);
    for change in changes {
        match change {
            Change::RemoveDomain { domain, .. } => removed.push(domain.name.clone()),
            Change::AddDomain { .. } => added = true,
            _ => {}
        }
    }
    if removed.is_empty() || added || removed.len() < live.domains().len() {
        return None;
    }
    removed.sort_unstable();
    let (is, goes) = if removed.len() == 1 {
        ("is the last auto-join domain", "goes")
    } else {
        ("are the last auto-join domains", "go")
    };
    Some(format!("{} {is} and {goes}: from then on people come in by invitation only", some_of(&removed)))
}
