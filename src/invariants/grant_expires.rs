//! `grant-expires`: what ends soon is shown. What has ended is no longer in a desired state, and is
//! reported where it is read.

use super::{Breach, Place, RuleInfo, Scope, Subject};
use crate::diagnostic::Code;
use crate::model::{Moment, UserId, UserState};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::GrantExpires,
    statement: "access past its `until` is gone from the desired state, and what ends within 14 days is shown",
    source: "time-limited access: an end that nobody sees coming is renewed in a hurry, or missed",
    optional: true,
    scope: Scope::File,
    example: "grants:\n\
              \x20 - {to: grace@acme.com, resource: project/fraud, role: view, until: 2027-01-31}   # in a week",
    fix: "Let it end, or move `until:` with a reason in `because:`.",
};

/// How many days before its end something is shown.
const DAYS: i64 = 14;

/// Notes what ends soon.
#[must_use]
pub(super) fn grant_expires(subject: &Subject<'_>) -> Vec<Breach> {
    let directory = subject.directory;
    let horizon = subject.now.plus_days(DAYS);
    let soon = |until: Option<Moment>| until.filter(|end| !end.is_past(subject.now) && *end <= horizon);
    let mut breaches = Vec::new();
    let mut note = |place: Place, what: String, end: Moment| {
        let breach = Breach::new(&RULE, place, format!("{what} ends {}", end.short()));
        breaches.push(breach.help("let it end, or move `until:`").note());
    };
    for (index, user) in directory.users().iter().enumerate() {
        if let Some(end) = soon(user.until.value().copied()).filter(|_| user.state != UserState::Disabled) {
            note(Place::User(UserId(index as u32)), format!("the access of {}", user.email), end);
        }
    }
    for (number, member) in directory.memberships().iter().enumerate() {
        if let Some(end) = soon(member.until.value().copied()) {
            let team = &directory.team(member.team).name;
            note(Place::Membership(number), format!("{} in team {team}", subject.email(member.user)), end);
        }
    }
    for (number, grant) in directory.grants().iter().enumerate() {
        if let Some(end) = soon(grant.until) {
            let to = directory.principal_record(grant.principal);
            let (role, resource) = (&directory.role(grant.role).name, &directory.resource(grant.resource).name);
            note(Place::Grant(number), format!("{role} on {resource} for {to}"), end);
        }
    }
    breaches
}
