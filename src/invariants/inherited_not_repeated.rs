//! `inherited-not-repeated`: no grant to a team of what an outer team is given on the same resource.

use crate::diagnostic::{Code, Finding, Span};
use crate::model::{Desired, Directory, Grant, Permissions, Principal};

/// Finds the grants to teams that change nothing, because a team around them is given the same or more
/// on the same resource, for at least as long. Cost: the grants to teams times the depth of the teams.
#[must_use]
pub fn inherited_not_repeated(desired: &Desired<Span>) -> Vec<Finding> {
    let directory = &desired.directory;
    let mut findings = Vec::new();
    let mut from = 0;
    for on_resource in directory.grants().chunk_by(|a, b| a.resource == b.resource) {
        for (offset, grant) in on_resource.iter().enumerate() {
            let Principal::Team(team) = grant.principal else { continue };
            let outer = directory.team_and_outer(team).skip(1).find_map(|outer| {
                let principal = Principal::Team(outer);
                let start = on_resource.partition_point(|g| g.principal < principal);
                let end = on_resource.partition_point(|g| g.principal <= principal);
                let given = &on_resource[start..end];
                gives(directory, given, grant).then_some((outer, from + start))
            });
            let Some((outer, first)) = outer else { continue };
            let (inner_name, outer_name) = (&directory.team(team).name, &directory.team(outer).name);
            let Some(span) = desired.origins.grants.get(from + offset) else { continue };
            let mut finding = Finding::at(
                Code::InheritedNotRepeated,
                *span,
                format!(
                    "team {inner_name} has {} on {} already: it lies in team {outer_name}, which is given it",
                    directory.role(grant.role).name,
                    directory.resource(grant.resource).name
                ),
            )
            .labelled("changes nothing")
            .help("remove this grant");
            if let Some(other) = desired.origins.grants.get(first) {
                finding = finding.also(*other, format!("team {outer_name} is given it here"));
            }
            findings.push(finding);
        }
        from += on_resource.len();
    }
    findings
}

/// Whether the grants of an outer team give all that one grant does, and no shorter.
fn gives(directory: &Directory, given: &[Grant], grant: &Grant) -> bool {
    let lasts = |g: &&Grant| match (g.until, grant.until) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(outer), Some(inner)) => outer >= inner,
    };
    let lasting: Vec<&Grant> = given.iter().filter(lasts).collect();
    if lasting.iter().any(|g| g.role == grant.role) {
        return true;
    }
    let wanted = directory.role(grant.role).permissions;
    let all = lasting.iter().fold(Permissions::NONE, |all, g| all.union(directory.role(g.role).permissions));
    !wanted.is_empty() && wanted.is_subset(&all)
}
