//! `leaver-stays-out`: whose access ended does not come back by an auto-join domain.

use std::collections::{BTreeMap, BTreeSet};

use super::{Breach, Place, RuleInfo, Scope, Subject, some_of};
use crate::diagnostic::Code;
use crate::model::{Change, DomainId, Kind, Mode, UserRemoval, UserState};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::LeaverStaysOut,
    statement: "a person who is removed or disabled cannot come back by an auto-join domain: what prevents it is \
                named, or the gap is",
    source: "Kilo-Org/cloud#5437 (peers.md): somebody who was removed joined again by their address",
    optional: true,
    scope: Scope::File,
    example: "policies: {removal: {users: delete}}\n\
              domains: {acme.com: {role: viewer}}     # who is deleted may join again",
    fix: "Disable people instead of deleting them: the account that stays keeps the address from joining. Or end the \
          address first.",
};

/// The part of an address after the `@`.
pub(super) fn domain_of(email: &str) -> &str {
    email.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// Finds the domains by which deleted people can come back, and notes what keeps disabled ones out.
#[must_use]
pub(super) fn leaver_stays_out(subject: &Subject<'_>) -> Vec<Breach> {
    let directory = subject.directory;
    let mut breaches = Vec::new();
    if directory.domains().is_empty() {
        return breaches;
    }
    let users = subject.manage.map(|m| m.rule(Kind::User));
    let deletes = subject.rules.removal.users == UserRemoval::Delete
        && users.is_some_and(|rule| rule.mode == Mode::Authoritative && rule.mentioned);
    let mut out: BTreeMap<DomainId, Vec<String>> = BTreeMap::new();
    for user in directory.users().iter().filter(|u| u.state == UserState::Disabled) {
        if let Some(domain) = directory.find_domain(domain_of(&user.email)) {
            out.entry(domain).or_default().push(user.email.to_string());
        }
    }
    for (index, domain) in directory.domains().iter().enumerate() {
        let place = Place::Domain(DomainId(index as u32));
        let name = &domain.name;
        if deletes {
            let message = format!("people who are removed are deleted, and may join again by {name}");
            breaches.push(
                Breach::new(&RULE, place.clone(), message).labelled("whoever still has an address here").help(
                    "say `policies: {removal: {users: disable}}`: an account that stays keeps the address out. \
                         Where the system keeps no account that is closed, end the address first",
                ),
            );
        }
        if let Some(names) = out.get(&DomainId(index as u32)) {
            let message = format!(
                "{} may not come in and {} an address in {name}: only the disabled account keeps them from joining",
                some_of(names),
                if names.len() == 1 { "has" } else { "have" }
            );
            let help = "keep the account declared and disabled as long as the address is theirs";
            breaches.push(Breach::new(&RULE, place, message).help(help).note().keyed(format!("kept {name}"), 1));
        }
    }
    breaches
}

/// The people whom a plan deletes (or, where `enables` is false, disables for good), and the domain by
/// which they may join again when it is done.
#[must_use]
pub fn leavers_that_can_return<'c>(
    changes: impl Iterator<Item = &'c Change>,
    domains: &BTreeSet<String>,
    enables: bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for change in changes {
        let user = match change {
            Change::DeleteUser { user, .. } => user,
            Change::DisableUser { user, .. } if !enables => user,
            _ => continue,
        };
        let domain = domain_of(&user.email);
        if domains.contains(domain) {
            found.push(format!("{} by {domain}", user.email));
        }
    }
    found.sort_unstable();
    found
}
