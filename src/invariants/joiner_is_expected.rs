//! `joiner-is-expected`: who came in by an auto-join domain is listed, and not removed.

use super::leaver_stays_out::domain_of;
use super::{RuleInfo, Scope};
use crate::diagnostic::Code;
use crate::model::{Desired, Directory, DomainId, Principal, UserKind, UserState};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::JoinerIsExpected,
    statement: "a person whom no file declares, and who has exactly what a declared auto-join domain gives to their \
                address, came in by it: listed, and not removed",
    source: "auto-join pages; peers.md: who came in by a domain is expected drift",
    optional: true,
    scope: Scope::Change,
    example: "new@acme.com came in by acme.com and is not declared: left as they are",
    fix: "Declare them, if they are to have more. To keep somebody out, declare them with `state: disabled` or block \
          them: a line that goes is not enough while their domain lets them in.",
};

/// By live user, whether they came in by a declared domain: active people in it with its role, in no
/// teams but its own, with no grants, leading and owning nothing. `declared` tells by number who is
/// declared. One walk over everything that somebody can hold.
#[must_use]
pub fn expected_joiners<O>(desired: &Desired<O>, live: &Directory, declared: impl Fn(usize) -> bool) -> Vec<bool> {
    let files = &desired.directory;
    if files.domains().is_empty() || RULE.severity_under(&desired.rules).is_none() {
        return vec![false; live.users().len()];
    }
    let domain = |email: &str| files.find_domain(domain_of(email));
    let mut found: Vec<bool> = live
        .users()
        .iter()
        .enumerate()
        .map(|(index, user)| {
            let person = user.state == UserState::Active && user.kind() == UserKind::Person && !declared(index);
            let given = domain(&user.email).and_then(|d| files.domains()[d.index()].role.value());
            let given = given.map(|r| &*files.role(*r).name);
            person && given.is_some() && given == user.role.value().map(|r| &*live.role(*r).name)
        })
        .collect();
    if !found.contains(&true) {
        return found;
    }
    let of_domain = |domain: DomainId, team: &str| {
        let teams = files.domains()[domain.index()].teams.value().into_iter().flatten();
        teams.into_iter().any(|t| *files.team(*t).name == *team)
    };
    for member in live.memberships().iter().filter(|m| m.role.value().is_none()) {
        let ours = domain(&live.user(member.user).email).is_some_and(|d| of_domain(d, &live.team(member.team).name));
        found[member.user.index()] &= ours;
    }
    for member in live.memberships().iter().filter(|m| m.role.value().is_some()) {
        found[member.user.index()] = false;
    }
    for grant in live.grants() {
        if let Principal::User(user) = grant.principal {
            found[user.index()] = false;
        }
    }
    let leads = live.teams().iter().filter_map(|t| t.leads.value()).flatten();
    for user in leads.chain(live.resources().iter().filter_map(|r| r.owner.value())) {
        found[user.index()] = false;
    }
    found
}
