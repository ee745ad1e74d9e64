//! The access difference in sentences: what every plan says first, whatever it is drawn on. All texts
//! are clean.

use std::collections::BTreeMap;

use super::text::{listed, name, thousands};
use crate::access::{AccessDifference, AccessEffect, AccessLine, AccessRisk, AccountChange, Through};
use crate::model::{Kind, UserKind};
use crate::plan::{Step, TargetPlan};

/// How many people and resources are named within a sentence.
const NAMED: usize = 3;

/// How many permissions are named within a sentence.
const PERMISSIONS: usize = 4;

/// How many lines of a section are shown; administrators always are.
const LINES: usize = 40;

/// Lines of one risk.
#[derive(Debug)]
pub struct Section<'a> {
    /// Its title.
    pub title: &'static str,
    /// The lines that are shown.
    pub lines: Vec<&'a AccessLine>,
    /// How many more there are.
    pub more: usize,
}

/// The sections of a difference: administrators, then writes, then reads, then what only comes another
/// way.
#[must_use]
pub fn sections(access: &AccessDifference) -> Vec<Section<'_>> {
    let path = |l: &AccessLine| l.effect == AccessEffect::Path;
    let of = |risk: AccessRisk| access.lines.iter().filter(move |l| !path(l) && l.risk == risk).collect::<Vec<_>>();
    let all = [
        ("Administrators", of(AccessRisk::Administrator), usize::MAX),
        ("Who can change something", of(AccessRisk::Write), LINES),
        ("Who can look at something", of(AccessRisk::Read), LINES),
        ("The same access by another way", access.lines.iter().filter(|l| path(l)).collect(), LINES),
    ];
    let filled = all.into_iter().filter(|(_, lines, _)| !lines.is_empty());
    let mut sections: Vec<Section<'_>> = filled
        .map(|(title, mut lines, limit)| {
            let more = lines.len().saturating_sub(limit);
            lines.truncate(limit);
            Section { title, lines, more }
        })
        .collect();
    if let Some(last) = sections.last_mut() {
        last.more += access.left_out;
    }
    sections
}

/// The verdict: `3 people gain, 2 lose, 1 changes path`.
#[must_use]
pub fn verdict(access: &AccessDifference) -> String {
    let all =
        [(access.gain, "gains", "gain"), (access.lose, "loses", "lose"), (access.path, "changes path", "change path")];
    let mut parts: Vec<String> = Vec::new();
    for (n, singular, plural) in all.into_iter().filter(|(n, ..)| *n > 0) {
        let verb = if n == 1 { singular } else { plural };
        let noun = if n == 1 { " person" } else { " people" };
        parts.push(format!("{}{} {verb}", thousands(n), if parts.is_empty() { noun } else { "" }));
    }
    if parts.is_empty() {
        return "nobody's access changes".to_owned();
    }
    let pending = match access.pending {
        0 => String::new(),
        n => format!("; {} of them when they come", thousands(n)),
    };
    parts.join(", ") + &pending
}

/// That some changes, or all of them, change nobody's access: a few by name, many by their kinds.
#[must_use]
pub fn without_effect(plan: &TargetPlan) -> Option<String> {
    let all = plan.steps.len();
    let steps = plan.access.without_effect.iter().filter_map(|id| plan.steps.get((*id as usize).checked_sub(1)?));
    let none: Vec<&Step> = steps.collect();
    let which = if none.len() <= NAMED {
        let mut objects: Vec<String> = none.iter().map(|s| name(&s.change.object().to_string())).collect();
        objects.dedup();
        listed(&objects)
    } else {
        let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
        none.iter().for_each(|s| *kinds.entry(s.change.kind()).or_default() += 1);
        let word = |(kind, n): (Kind, usize)| {
            format!("{} {}", thousands(n), if n == 1 { kind.singular() } else { kind.plural() })
        };
        listed(&kinds.into_iter().map(word).collect::<Vec<_>>())
    };
    match none.len() {
        0 => None,
        n if n == all => Some(format!("Changes nobody's access: {which}")),
        1 => Some(format!("1 of {} changes changes nobody's access: {which}", thousands(all))),
        n => Some(format!("{} of {} changes change nobody's access: {which}", thousands(n), thousands(all))),
    }
}

/// The sign of a line.
#[must_use]
pub fn sign(line: &AccessLine) -> char {
    match line.effect {
        AccessEffect::Gains => '+',
        AccessEffect::Loses => '-',
        AccessEffect::Path => '~',
    }
}

/// Whether two lines are about the same people and what happens to them, so that the second need not
/// repeat it.
#[must_use]
pub fn continues(line: &AccessLine, before: &AccessLine) -> bool {
    let of = |l: &AccessLine| (l.effect, l.people, l.account, l.pending, l.accounts);
    of(line) == of(before) && line.who == before.who
}

/// The names in a sentence: all of a few, or the first of many with the number of the others.
fn first(names: &[String], shown: usize) -> String {
    match names.len().saturating_sub(shown) {
        0 | 1 => listed(names),
        more => format!("{} and {} more", names[..shown].join(", "), thousands(more)),
    }
}

fn clean(names: &[String]) -> Vec<String> {
    names.iter().map(|n| name(n)).collect()
}

/// Who: a few by name, many by their number.
#[must_use]
pub fn who(line: &AccessLine) -> String {
    let kind = match line.accounts {
        UserKind::Person => "",
        UserKind::Contractor => " (contractor)",
        UserKind::Service => " (service)",
        UserKind::BreakGlass => " (break-glass)",
    };
    if line.people <= NAMED && line.people == line.who.len() {
        return format!("{}{kind}", listed(&clean(&line.who)));
    }
    let noun = match line.accounts {
        UserKind::Person => "people",
        UserKind::Contractor => "contractors",
        UserKind::Service => "services",
        UserKind::BreakGlass => "break-glass accounts",
    };
    format!("{} {noun}", thousands(line.people))
}

/// Whether [`who`] only counts the people.
#[must_use]
pub fn is_counted(line: &AccessLine) -> bool {
    line.people > NAMED || line.people != line.who.len()
}

/// The first names of the people, where [`who`] only counts them.
#[must_use]
pub fn names(line: &AccessLine, shown: usize) -> String {
    let more = line.people.saturating_sub(line.who.len().min(shown));
    let shown = clean(line.who.get(..shown.min(line.who.len())).unwrap_or_default()).join(", ");
    if more > 0 { format!("{shown} and {} more", thousands(more)) } else { shown }
}

/// What becomes of them, as a verb: `joins and gains`.
#[must_use]
pub fn verb(line: &AccessLine) -> String {
    let one = line.people == 1;
    let pick = |singular: &str, plural: &str| if one { singular.to_owned() } else { plural.to_owned() };
    let account = line.account.map(|change| match change {
        AccountChange::Created => pick("joins and ", "join and "),
        AccountChange::Invited => pick("is invited and ", "are invited and "),
        AccountChange::Enabled | AccountChange::Extended => pick("comes back and ", "come back and "),
        AccountChange::Disabled => pick("is disabled and ", "are disabled and "),
        AccountChange::Deleted => pick("is deleted and ", "are deleted and "),
        AccountChange::Ended => pick("ends and ", "end and "),
    });
    let verb = match line.effect {
        AccessEffect::Gains => pick("gains", "gain"),
        AccessEffect::Loses => pick("loses", "lose"),
        AccessEffect::Path => pick("has the same", "have the same"),
    };
    format!("{}{verb}", account.unwrap_or_default())
}

/// What it is: roles with their permissions.
#[must_use]
pub fn what(line: &AccessLine) -> String {
    if line.administrator {
        return "everything as administrator".to_owned();
    }
    let ways = if line.effect == AccessEffect::Loses { &line.formerly } else { &line.through };
    let mut roles: Vec<String> = ways.iter().filter_map(role).map(name).collect();
    roles.sort_unstable();
    roles.dedup();
    let permissions = match line.permissions.len() {
        0 => String::new(),
        n if n <= PERMISSIONS => clean(&line.permissions).join(", "),
        n => format!("{} permissions", thousands(n)),
    };
    let unpublished = clean(&line.unpublished);
    let mut inside = Vec::new();
    let bare = roles.len() == 1 && line.permissions.len() == 1 && roles.first() == line.permissions.first();
    if !permissions.is_empty() && !bare {
        inside.push(permissions);
    }
    if !unpublished.is_empty() {
        let which = if unpublished == roles { "it".to_owned() } else { listed(&unpublished) };
        inside.push(format!("what {which} may do is not published"));
    }
    if roles.is_empty() {
        return inside.join("; ");
    }
    let inside = if inside.is_empty() { String::new() } else { format!(" ({})", inside.join("; ")) };
    format!("{}{inside}", first(&roles, NAMED))
}

fn role(way: &Through) -> Option<&str> {
    match way {
        Through::OwnRole { role }
        | Through::Team { role, .. }
        | Through::Membership { role, .. }
        | Through::OwnGrant { role }
        | Through::TeamGrant { role, .. }
        | Through::Everyone { role } => Some(role),
        Through::Ownership | Through::Visibility | Through::RoleEdit { .. } => None,
    }
}

/// Where: `everywhere`, `on project/fraud`, `on 14 resources (project/a, project/b and 12 more)`; `on some
/// of 14 resources (...)` where it is another one for each.
#[must_use]
pub fn place(line: &AccessLine) -> String {
    let on = clean(&line.on);
    match line.resources {
        0 if line.administrator => String::new(),
        0 => "everywhere".to_owned(),
        n if n <= NAMED && n == on.len() && !line.scattered => format!("on {}", listed(&on)),
        n => {
            let shown = on.get(..2.min(on.len())).unwrap_or_default().join(", ");
            let some = if line.scattered { "some of " } else { "" };
            format!("on {some}{} resources ({shown} and {} more)", thousands(n), thousands(n - 2.min(on.len())))
        }
    }
}

/// Where not all of it holds: `and keeps some of it on project/a`.
#[must_use]
pub fn but(line: &AccessLine) -> Option<String> {
    let on = || first(&clean(&line.but_on), NAMED);
    match (line.but_on.len(), line.effect, line.people) {
        (0, ..) => None,
        (_, AccessEffect::Loses, 1) => Some(format!("keeps some of it on {}", on())),
        (_, AccessEffect::Loses, _) => Some(format!("they keep some of it on {}", on())),
        _ => Some(format!("some of it was there before on {}", on())),
    }
}

/// Through what: `through team data-platform`.
#[must_use]
pub fn through(line: &AccessLine) -> String {
    let path = line.effect == AccessEffect::Path;
    let list = |ways: &[Through]| {
        let mut ways: Vec<String> = ways.iter().map(|w| way(w, path)).collect();
        ways.sort_unstable();
        ways.dedup();
        first(&ways, NAMED)
    };
    let (now, then) = (list(&line.through), list(&line.formerly));
    let text = match (line.effect, now.is_empty(), then.is_empty()) {
        (AccessEffect::Gains, false, _) => format!("through {now}"),
        (AccessEffect::Loses, _, false) => format!("through {then}"),
        (AccessEffect::Path, false, false) => format!("through {now}, no longer through {then}"),
        (AccessEffect::Path, false, true) => format!("also through {now}"),
        (AccessEffect::Path, true, false) => format!("no longer also through {then}"),
        _ => String::new(),
    };
    if line.pending { format!("{text}{}when they come", if text.is_empty() { "" } else { ", " }) } else { text }
}

fn way(way: &Through, with_role: bool) -> String {
    let text = match way {
        Through::OwnRole { .. } => "own role".to_owned(),
        Through::Team { team, .. } | Through::TeamGrant { team, .. } => format!("team {}", name(team)),
        Through::Membership { team, .. } => format!("membership in team {}", name(team)),
        Through::OwnGrant { .. } => "own grant".to_owned(),
        Through::Everyone { .. } => "everyone".to_owned(),
        Through::Ownership => "ownership".to_owned(),
        Through::Visibility => "visibility everyone".to_owned(),
        Through::RoleEdit { role } => format!("role {}, which changes", name(role)),
    };
    match role(way).filter(|_| with_role) {
        Some(role) => format!("{text} as {}", name(role)),
        None => text,
    }
}

/// The line as a sentence; without its subject where it continues another.
#[must_use]
pub fn sentence(line: &AccessLine, continues: bool) -> String {
    let subject = if continues { "and".to_owned() } else { format!("{} {}", who(line), verb(line)) };
    let what = if line.effect == AccessEffect::Path { String::new() } else { what(line) };
    let words = [subject, what, place(line), through(line)];
    let said = words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    match but(line) {
        Some(but) => format!("{said}; {but}"),
        None => said,
    }
}
