//! What does not fit into one line: the textual difference of documents and long lists.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::text::{beginning, name, width};
use crate::model::{Change, Effect};

/// How many lines of a difference are shown; the whole is in the JSON.
const SHOWN: usize = 40;

/// A list or text longer than this is shown as a difference, not within a line.
pub(super) const LONG: usize = 60;

/// How many columns of one line of a document are shown.
const COLUMNS: usize = 200;

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailLine {
    /// Whether it comes or goes; nothing where it stays.
    pub effect: Option<Effect>,
    /// The line, clean.
    pub text: String,
}

impl DetailLine {
    fn plain(text: impl Into<String>) -> Self {
        Self { effect: None, text: text.into() }
    }
}

/// What is to be shown beneath the line of a change: nothing for most.
#[must_use]
pub fn details(change: &Change) -> Vec<DetailLine> {
    let mut out = Vec::new();
    match change {
        Change::SetPolicy { policy: _, before, after } => {
            let before = before.as_ref().map(pretty).unwrap_or_default();
            difference(&mut out, &before, &pretty(after), 2);
        }
        Change::UnsetPolicy { policy: _, before } => difference(&mut out, &pretty(before), "", 2),
        Change::UpdateRole { before, after } => {
            list(&mut out, &before.permissions, &after.permissions);
            text(&mut out, before.description.as_deref(), after.description.as_deref());
        }
        Change::UpdateTeam { before, after } => {
            text(&mut out, before.description.as_deref(), after.description.as_deref());
        }
        Change::UpdateResource { before, after } => {
            text(&mut out, before.description.as_deref(), after.description.as_deref());
        }
        Change::SetLeads { team: _, before, after } => list(&mut out, before, after),
        Change::ChangeDomain { before, after } => list(&mut out, &before.teams, &after.teams),
        _ => {}
    }
    if out.len() > SHOWN {
        let more = out.len() - SHOWN;
        out.truncate(SHOWN);
        out.push(DetailLine::plain(format!("... {more} more lines; the whole plan is in --json")));
    }
    out
}

/// What is in one list and not in another.
pub(super) fn without<'l>(list: &'l [String], other: &[String]) -> Vec<&'l String> {
    let other: std::collections::BTreeSet<&String> = other.iter().collect();
    list.iter().filter(|item| !other.contains(item)).collect()
}

/// Whether what goes and comes is too long for one line.
pub(super) fn is_long_list(before: &[String], after: &[String]) -> bool {
    let columns = |list: &[&String]| list.iter().map(|i| width(i) + 2).sum::<usize>();
    columns(&without(before, after)) + columns(&without(after, before)) > LONG
}

/// Whether two texts are too long for one line.
pub(super) fn is_long_text(before: Option<&str>, after: Option<&str>) -> bool {
    let columns = |t: Option<&str>| t.map_or(0, width);
    columns(before) + columns(after) > LONG
}

fn list(out: &mut Vec<DetailLine>, before: &[String], after: &[String]) {
    if before != after && is_long_list(before, after) {
        let lines = |list: &[String]| list.iter().map(|i| name(i) + "\n").collect::<String>();
        difference(out, &lines(before), &lines(after), 0);
    }
}

fn text(out: &mut Vec<DetailLine>, before: Option<&str>, after: Option<&str>) {
    if before != after && is_long_text(before, after) {
        difference(out, before.unwrap_or_default(), after.unwrap_or_default(), 1);
    }
}

/// A document with its keys in order.
fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).map_or_else(|_| value.to_string(), |text| text + "\n")
}

fn difference(out: &mut Vec<DetailLine>, before: &str, after: &str, context: usize) {
    let found = TextDiff::from_lines(before, after);
    for (index, group) in found.grouped_ops(context).iter().enumerate() {
        if index > 0 && context > 0 {
            out.push(DetailLine::plain("..."));
        }
        for line in group.iter().flat_map(|op| found.iter_changes(op)) {
            let effect = match line.tag() {
                ChangeTag::Equal => None,
                ChangeTag::Delete => Some(Effect::Remove),
                ChangeTag::Insert => Some(Effect::Add),
            };
            let text = name(line.value().trim_end_matches(['\n', '\r']));
            out.push(DetailLine { effect, text: beginning(&text, COLUMNS) });
        }
    }
}
