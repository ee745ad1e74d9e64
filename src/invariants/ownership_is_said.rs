//! `ownership-is-said`: what a plan begins to manage, and what it would remove there at once.

use std::collections::{BTreeMap, HashSet};

use super::{Answer, RuleInfo, Scope, Verdict, blast_radius, some_of};
use crate::diagnostic::Code;
use crate::model::{Change, Kind, ObjectRef, Ownership, PrincipalRecord, Why};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::OwnershipIsSaid,
    statement: "a plan that begins to manage something names the live things that thereby become removable, and \
                removes none of them without a consent that names the number",
    source: "kubernetes/org#4365: a field that nobody had declared was taken as empty",
    optional: false,
    scope: Scope::Change,
    example: "this plan begins to manage members, and 100 members are not declared: u000@acme.com in big, ...",
    fix: "Declare what is to stay (`rolecall import` writes it). If the rest is to go, name the number: \
          `--accept takeover.member=100`.",
};

/// For each change, whether it removes something that was not managed when rolecall last applied
/// (`remembered`; `None` where it never has). What goes with another thing is judged with that thing.
/// `old_name` gives the name that a thing had before the renamings of the same plan.
#[must_use]
pub fn newly_managed(
    changes: &[&Change],
    remembered: Option<&Ownership>,
    old_name: impl Fn(Kind, &str) -> Option<String>,
) -> Vec<bool> {
    let empty = Ownership::default();
    let known = remembered.unwrap_or(&empty);
    // The edges of something that is renamed were covered by its old name.
    let covers = |kind: Kind, of: Kind, name: &str| {
        known.covers(kind, name) || old_name(of, name).is_some_and(|old| known.covers(kind, &old))
    };
    let was_listed = |list: &std::collections::BTreeSet<String>, kind: Kind, name: &str| {
        list.contains(name) || old_name(kind, name).is_some_and(|old| list.contains(&old))
    };
    let is_new = |change: &Change| -> bool {
        match change {
            Change::RemoveMember { member, .. } => {
                !covers(Kind::Member, Kind::Team, &member.team)
                    || !was_listed(&known.listed_members, Kind::Team, &member.team)
            }
            Change::RevokeGrant { resource, .. } => {
                !covers(Kind::Grant, Kind::Resource, resource)
                    && !was_listed(&known.listed_access, Kind::Resource, resource)
            }
            change => {
                let object = change.object();
                !covers(object.kind, object.kind, &object.name)
            }
        }
    };
    let direct = |change: &Change| match change {
        Change::UnsetPolicy { .. } => true,
        change => matches!(change.reason(), Some(Why::Undeclared)),
    };
    let mut taken: HashSet<ObjectRef> = HashSet::new();
    let mut found: Vec<bool> = Vec::with_capacity(changes.len());
    for change in changes {
        let new = direct(change) && is_new(change);
        if new {
            taken.insert(change.object());
        }
        found.push(new);
    }
    for (change, new) in changes.iter().zip(&mut found) {
        if let Some(Why::Goes { with }) = change.reason() {
            *new = taken.contains(with);
        }
    }
    debug_assert!(changes.iter().zip(&found).all(|(c, new)| !*new || blast_radius::removes(c)));
    found
}

/// The names of what would be taken over, by kind, sorted.
#[must_use]
pub fn takeover_names<'c>(changes: impl Iterator<Item = &'c Change>) -> BTreeMap<Kind, Vec<String>> {
    let mut names: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    for change in changes {
        let name = match change {
            Change::RemoveMember { member, .. } => format!("{} in {}", member.user, member.team),
            Change::RevokeGrant { to: PrincipalRecord::Team(team), resource, .. } => {
                format!("team/{team} on {resource}")
            }
            Change::RevokeGrant { to, resource, .. } => format!("{to} on {resource}"),
            change => change.object().name,
        };
        names.entry(change.kind()).or_default().push(name);
    }
    names.values_mut().for_each(|list| list.sort_unstable());
    names
}

/// Judges the takeovers of one target, by kind and name. `total` is the number of the whole plan.
#[must_use]
pub fn judge_takeovers(
    takeovers: &BTreeMap<Kind, Vec<String>>,
    consented: impl Fn(Kind) -> bool,
    total: impl Fn(Kind) -> usize,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (&kind, names) in takeovers {
        let what = format!(
            "this plan begins to manage {}, and {} {} not declared: {}",
            kind.plural(),
            kind.count(names.len()),
            if names.len() == 1 { "is" } else { "are" },
            some_of(names)
        );
        verdicts.push(if consented(kind) {
            Verdict::new("ownership-is-said", Answer::Holds, format!("{what}; removed with consent"))
        } else {
            Verdict::new("ownership-is-said", Answer::Violated, what).help(format!(
                "declare what is to stay (`rolecall import` writes it), or say that it goes: --accept takeover.{kind}={}",
                total(kind)
            ))
        });
    }
    verdicts
}
