//! The order of a plan: wave by wave, and for every change that waits what it waits for and why.

use std::collections::BTreeMap;

use super::Style;
use super::clean::plural;
use super::describe::describe;
use super::paint::{Row, Tone};
use super::text::name;
use crate::plan::{Edge, Plan, Reason, Step, TargetPlan};

/// In a wave with more changes than this, those that wait for nothing are only counted.
const MANY: usize = 40;

/// How many of the changes that are waited for are named.
const NAMED: usize = 8;

/// The order as text for a terminal.
#[must_use]
pub fn order(plan: &Plan, style: Style) -> String {
    let mut out = String::new();
    for (indent, tone, text) in plan.targets.iter().filter(|t| !t.is_empty()).flat_map(lines) {
        if tone == Tone::Heading {
            out.push('\n');
        }
        Row { tone, ..Row::plain(indent, &text) }.draw(&mut out, style);
    }
    out
}

/// The order as lines of a fenced block.
#[must_use]
pub fn order_lines(plan: &Plan) -> Vec<String> {
    let all = plan.targets.iter().filter(|t| !t.is_empty()).flat_map(lines);
    all.map(|(indent, _, text)| format!("{}{text}", " ".repeat(indent))).collect()
}

/// The lines of one target: how far they are indented, how they are drawn, and clean text.
fn lines(plan: &TargetPlan) -> Vec<(usize, Tone, String)> {
    let waves = plan.steps.iter().map(|s| s.wave).max().unwrap_or(0) as usize;
    let head =
        format!("Order of {}: {} in {}", name(&plan.target), plural(plan.steps.len(), "change"), plural(waves, "wave"));
    let mut lines = vec![(0, Tone::Heading, head)];
    lines.push((
        0,
        Tone::Plain,
        "A change is made when those that it waits for are. Others are made in any order.".into(),
    ));
    for wave in plan.steps.chunk_by(|a, b| a.wave == b.wave) {
        lines.push((2, Tone::Heading, format!("Wave {}", wave[0].wave)));
        let (waiting, free): (Vec<&Step>, Vec<&Step>) = wave.iter().partition(|s| !s.after.is_empty());
        let shown = if wave.len() > MANY { &waiting } else { &wave.iter().collect::<Vec<_>>() };
        for step in shown {
            lines.push((4, Tone::Plain, format!("{}  {}", step.id, describe(&step.change))));
            for (reason, steps) in by_reason(&step.after) {
                lines.push((8, Tone::Dim, format!("after {}: {reason} ({})", numbers(&steps), reason.name())));
            }
        }
        if wave.len() > MANY && !free.is_empty() {
            lines.push((4, Tone::Dim, format!("{} for nothing", waits(free.len()))));
        }
    }
    lines
}

fn waits(n: usize) -> String {
    if n == 1 { "1 change waits".to_owned() } else { format!("{} wait", plural(n, "change")) }
}

fn by_reason(edges: &[Edge]) -> BTreeMap<Reason, Vec<u32>> {
    let mut by: BTreeMap<Reason, Vec<u32>> = BTreeMap::new();
    edges.iter().for_each(|e| by.entry(e.reason).or_default().push(e.step));
    by
}

fn numbers(steps: &[u32]) -> String {
    let first: Vec<String> = steps.iter().take(NAMED).map(u32::to_string).collect();
    match steps.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
