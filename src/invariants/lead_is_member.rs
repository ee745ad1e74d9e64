//! `lead-is-member`: a team's lead is a member of it.

use std::collections::BTreeSet;

use super::{Breach, Place, RuleInfo, Scope, Subject};
use crate::diagnostic::Code;
use crate::model::{TeamId, UserId};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::LeadIsMember,
    statement: "a team's lead is a member of it, or of a team inside it",
    source: "Strongly, 3.3.5: removing the lead from the members unsets the lead",
    optional: true,
    scope: Scope::File,
    example: "teams:\n\
              \x20 platform: {lead: bob@acme.com, members: [ada@acme.com]}",
    fix: "Add the lead to `members:`, or name another lead.",
};

/// Finds the leads who are no members. Where a team's members are not listed, whether the lead is one
/// cannot be known from the files.
///
/// Cost: linear in memberships and leads, times the depth of the teams.
#[must_use]
pub(super) fn lead_is_member(subject: &Subject<'_>) -> Vec<Breach> {
    let directory = subject.directory;
    let mut breaches = Vec::new();
    let mut open: Vec<(TeamId, UserId)> = Vec::new();
    for (index, team) in directory.teams().iter().enumerate() {
        let id = TeamId(index as u32);
        for lead in team.leads.value().into_iter().flatten() {
            if directory.find_membership(id, *lead).is_none() && subject.knows_members(id) {
                open.push((id, *lead));
            }
        }
    }
    if open.is_empty() {
        return breaches;
    }
    // Inner teams count as well, and an inner team of which not all members are known may hold anybody.
    let wanted: BTreeSet<TeamId> = open.iter().map(|(team, _)| *team).collect();
    let mut unknown: BTreeSet<TeamId> = BTreeSet::new();
    for (index, team) in directory.teams().iter().enumerate() {
        let id = TeamId(index as u32);
        if team.outer.value().is_some() && !subject.knows_members(id) {
            unknown.extend(directory.team_and_outer(id).skip(1).filter(|t| wanted.contains(t)));
        }
    }
    for (team, lead) in open {
        let inside =
            subject.directory.memberships_of(lead).any(|m| directory.team_and_outer(m.team).any(|t| t == team));
        if inside || unknown.contains(&team) {
            continue;
        }
        let name = &directory.team(team).name;
        let email = subject.email(lead);
        breaches.push(
            Breach::new(&RULE, Place::Team(team), format!("{email} leads team {name} and is no member of it"))
                .labelled("this team")
                .also(Place::User(lead), "its lead")
                .help(format!("add {email} to `members:`, or name another lead")),
        );
    }
    breaches
}
