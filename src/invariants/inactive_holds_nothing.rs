//! `inactive-holds-nothing`: who is disabled leads no team; what they hold rests.

use super::{Breach, Place, RuleInfo, Scope, Subject, some_of};
use crate::diagnostic::Code;
use crate::model::{Directory, Principal, TeamId, UserId, UserState};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::InactiveHoldsNothing,
    statement: "a disabled user leads no team and counts as no administrator; what they hold is inert, kept and noted",
    source: "Strongly, 3.3.4: deactivated users lose all access at once and keep ownership and memberships",
    optional: true,
    scope: Scope::File,
    example: "users: {ada@acme.com: {role: viewer, state: disabled}}\n\
              teams: {platform: {lead: ada@acme.com, members: [ada@acme.com]}}",
    fix: "Name another lead while they are away. Memberships, grants and ownership may stay: they give nothing until \
          the account is active again.",
};

/// Finds disabled leads, and notes what else disabled users hold.
#[must_use]
pub(super) fn inactive_holds_nothing(subject: &Subject<'_>) -> Vec<Breach> {
    let directory = subject.directory;
    let disabled = |user: UserId| directory.user(user).state == UserState::Disabled;
    let mut breaches = Vec::new();
    for (index, team) in directory.teams().iter().enumerate() {
        let id = TeamId(index as u32);
        for lead in team.leads.value().into_iter().flatten().filter(|lead| disabled(**lead)) {
            let email = subject.email(*lead);
            let why = match subject.blocks.and_then(|b| b.get(email)) {
                Some(_) => "is blocked",
                None => "is disabled",
            };
            breaches.push(
                Breach::new(&RULE, Place::Team(id), format!("{email} leads team {} and {why}", team.name))
                    .labelled("this team")
                    .also(Place::User(*lead), "its lead")
                    .help("name somebody else as lead while they cannot come in")
                    .keyed(format!("lead {email} {}", team.name), 1),
            );
        }
    }
    for (user, held) in held_by_disabled(directory) {
        let email = subject.email(user);
        let message = format!("{email} is disabled, and keeps what rests until they come back: {}", some_of(&held));
        breaches.push(
            Breach::new(&RULE, Place::User(user), message)
                .help("nothing has to be done; take the lines away if they are not to have it again")
                .note()
                .keyed(format!("held {email}"), 1),
        );
    }
    breaches
}

/// What disabled users hold besides their role, by user: one walk over the edges.
fn held_by_disabled(directory: &Directory) -> Vec<(UserId, Vec<String>)> {
    let mut held: Vec<(UserId, String)> = Vec::new();
    let disabled = |user: UserId| directory.user(user).state == UserState::Disabled;
    for member in directory.memberships().iter().filter(|m| disabled(m.user)) {
        held.push((member.user, format!("team {}", directory.team(member.team).name)));
    }
    for grant in directory.grants() {
        if let Principal::User(user) = grant.principal
            && disabled(user)
        {
            let what = format!("{} on {}", directory.role(grant.role).name, directory.resource(grant.resource).name);
            held.push((user, what));
        }
    }
    for resource in directory.resources() {
        if let Some(owner) = resource.owner.value().filter(|o| disabled(**o)) {
            held.push((*owner, format!("ownership of {}", resource.name)));
        }
    }
    held.sort_by_key(|(user, _)| *user);
    held.chunk_by(|a, b| a.0 == b.0).map(|of| (of[0].0, of.iter().map(|(_, what)| what.clone()).collect())).collect()
}
