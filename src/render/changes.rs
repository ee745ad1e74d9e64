//! The changes of a plan by kind, as every drawing of it lists them; a great many are counted, and
//! only the first of them shown.

use std::collections::{BTreeMap, BTreeSet};

use super::describe::{describe, sign};
use super::detail::{DetailLine, details};
use super::text::{name, thousands};
use crate::diagnostic::Location;
use crate::model::{Change, Effect, Kind};
use crate::plan::Step;

/// More changes of one kind than this are grouped.
pub const MANY: usize = 200;

/// How many of a group are shown.
pub const FIRST: usize = 20;

/// How many roles of one place are named.
const ROLES: usize = 8;

/// One line of the changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it does; nothing for a line that only counts what is not shown.
    pub effect: Option<Effect>,
    /// Clean text, with its sign in front.
    pub text: String,
    /// What is shown beneath.
    pub details: Vec<DetailLine>,
    /// Where it is declared.
    pub declared: Option<Location>,
}

/// The changes of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The kind.
    pub kind: Kind,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A change with its place.
pub type Placed<'a> = (&'a Change, Option<&'a Location>);

/// The changes of some steps.
pub fn of_steps(steps: &[Step]) -> impl Iterator<Item = Placed<'_>> {
    steps.iter().map(|s| (&s.change, s.declared.as_ref()))
}

/// The changes by kind and name.
#[must_use]
pub fn sections<'a>(changes: impl Iterator<Item = Placed<'a>>) -> Vec<Section> {
    let mut kinds: BTreeMap<Kind, Vec<Placed<'a>>> = BTreeMap::new();
    for placed in changes {
        kinds.entry(placed.0.kind()).or_default().push(placed);
    }
    let section = |(kind, mut changes): (Kind, Vec<Placed<'a>>)| {
        // Stable: what happens to one thing stays in the order in which it is done.
        changes.sort_by_cached_key(|(change, _)| change.object().name);
        let lines = match kind {
            _ if changes.len() > MANY => grouped(kind, &changes),
            Kind::Role => roles(changes),
            _ => changes.into_iter().map(line).collect(),
        };
        Section { kind, lines }
    };
    kinds.into_iter().map(section).collect()
}

fn line((change, declared): Placed<'_>) -> Line {
    Line {
        effect: Some(change.effect()),
        text: describe(change),
        details: details(change),
        declared: declared.cloned(),
    }
}

fn bare(effect: Option<Effect>, text: String) -> Line {
    Line { effect, text, details: Vec::new(), declared: None }
}

/// Roles that come from one place together are the catalogue of the target, made at first use.
fn roles(changes: Vec<Placed<'_>>) -> Vec<Line> {
    let mut created: BTreeMap<Option<&Location>, Vec<String>> = BTreeMap::new();
    for (change, declared) in &changes {
        if let Change::CreateRole { role } = change {
            created.entry(*declared).or_default().push(name(&role.name));
        }
    }
    created.retain(|_, names| names.len() > 1);
    let mut lines: Vec<Line> = Vec::new();
    for (declared, names) in &created {
        let first = names.iter().take(ROLES).cloned().collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(ROLES);
        let more = if more > 0 { format!(" and {} more", thousands(more)) } else { String::new() };
        let text = format!("+ {} roles of the catalogue: {first}{more}", names.len());
        lines.push(Line { declared: declared.cloned(), ..bare(Some(Effect::Add), text) });
    }
    let rest = changes
        .into_iter()
        .filter(|(change, at)| !(matches!(change, Change::CreateRole { .. }) && created.contains_key(at)));
    lines.extend(rest.map(line));
    lines
}

/// What goes comes first: it must not be hidden behind what comes.
fn grouped(kind: Kind, changes: &[Placed<'_>]) -> Vec<Line> {
    let mut lines = Vec::new();
    for effect in [Effect::Remove, Effect::Change, Effect::Add] {
        let of: Vec<Placed<'_>> = changes.iter().copied().filter(|(c, _)| c.effect() == effect).collect();
        if of.is_empty() {
            continue;
        }
        let word = if of.len() == 1 { kind.singular() } else { kind.plural() };
        let within = within(&of).map(|w| format!(" {w}")).unwrap_or_default();
        lines.push(bare(Some(effect), format!("{} {} {word}{within}", sign(effect), thousands(of.len()))));
        lines.extend(of.iter().take(FIRST).map(|placed| {
            let mut line = line(*placed);
            line.details.clear();
            line
        }));
        let more = of.len().saturating_sub(FIRST);
        if more > 0 {
            lines.push(bare(None, format!("... {} more; the whole plan is in --json", thousands(more))));
        }
    }
    lines
}

/// `in 312 teams`, `on 4 resources`.
fn within(changes: &[Placed<'_>]) -> Option<String> {
    let places: BTreeSet<&str> = changes
        .iter()
        .filter_map(|(change, _)| match change {
            Change::AddMember { member }
            | Change::RemoveMember { member, .. }
            | Change::ChangeMember { before: member, .. } => Some(member.team.as_str()),
            Change::GiveGrant { resource, .. }
            | Change::ChangeGrant { resource, .. }
            | Change::RevokeGrant { resource, .. } => Some(resource.as_str()),
            _ => None,
        })
        .collect();
    let (preposition, word) = match changes.first()?.0.kind() {
        Kind::Member => ("in", "team"),
        Kind::Grant => ("on", "resource"),
        _ => return None,
    };
    let s = if places.len() == 1 { "" } else { "s" };
    Some(format!("{preposition} {} {word}{s}", thousands(places.len())))
}

/// How many changes add, change and remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effects {
    /// That add.
    pub add: usize,
    /// That change.
    pub change: usize,
    /// That remove.
    pub remove: usize,
}

impl Effects {
    /// Of some steps.
    #[must_use]
    pub fn of<'a>(steps: impl Iterator<Item = &'a Step>) -> Self {
        let mut effects = Self::default();
        for step in steps {
            match step.change.effect() {
                Effect::Add => effects.add += 1,
                Effect::Change => effects.change += 1,
                Effect::Remove => effects.remove += 1,
            }
        }
        effects
    }
}

impl std::fmt::Display for Effects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { add, change, remove } = *self;
        write!(f, "{} to add, {} to change, {} to remove", thousands(add), thousands(change), thousands(remove))
    }
}
