//! Drift as GitHub Markdown, for an issue: who has more and who has less than declared, then what differs.

use std::fmt::Write as _;

use super::access;
use super::drift_parts as parts;
use super::markdown::{code, text};
use super::text::{name, prose, thousands};
use crate::diagnostic::Location;
use crate::drift::{Difference, Drift, Standing, TargetDrift};
use crate::model::Moment;

/// So many rows of access and of differences are shown of one target.
const ROWS: usize = 100;

/// So many of those who are only counted are named.
const NAMED: usize = 50;

/// The whole report as Markdown.
#[must_use]
pub fn drift(drift: &Drift) -> String {
    let mut out = format!("**{}**\n\n", text(&parts::summary(drift)));
    for one in &drift.targets {
        target(&mut out, one, drift.at);
    }
    for unread in &drift.unread {
        let (target, why) = (code(&name(&unread.target)), text(&prose(&unread.why)));
        let _ = writeln!(out, "### {target} · **cannot be read**\n\n{why}\n");
    }
    let listed: Vec<_> = drift.allowed.iter().filter(|e| e.standing != Standing::NotLooked).collect();
    if !listed.is_empty() {
        out.push_str("### Allowed\n\n");
        for entry in listed {
            let _ = writeln!(out, "- {} ({})", text(&parts::entry(entry)), place(Some(&entry.allowed.declared)));
        }
        out.push('\n');
    }
    for note in &drift.notes {
        let _ = writeln!(out, "{}\n", text(&prose(note)));
    }
    out
}

fn target(out: &mut String, drift: &TargetDrift, now: Moment) {
    let verdict = if drift.differences.is_empty() { "as declared".to_owned() } else { parts::verdict(&drift.access) };
    let _ = writeln!(out, "### {} · {}\n", code(&name(&drift.target)), text(&verdict));
    for side in parts::sides(&drift.access) {
        let _ = writeln!(out, "**{}**\n", side.title);
        for line in side.lines.iter().take(ROWS) {
            let said = text(&parts::sentence(line));
            let said = if line.administrator { format!("**{said}** ‼️") } else { said };
            let names = match access::is_counted(line) {
                true => format!(": {}", code(&access::names(line, NAMED))),
                false => String::new(),
            };
            let _ = writeln!(out, "- {said}{names}");
        }
        more(out, side.lines.len().saturating_sub(ROWS), "- … {} more");
        out.push('\n');
    }
    let reported: Vec<&Difference> = drift.reported().collect();
    if !reported.is_empty() {
        out.push_str("| | Difference | Declared | |\n|---|---|---|---|\n");
        for one in reported.iter().take(ROWS) {
            let remarks: Vec<String> = parts::remarks(one, now).iter().map(|r| text(r)).collect();
            let at = place(one.declared.as_ref());
            let line = code(&parts::line(one));
            let _ = writeln!(out, "| {} | {line} | {at} | {} |", one.direction.word(), remarks.join("<br>"));
        }
        more(out, reported.len().saturating_sub(ROWS), "| | … {} more | | |");
        out.push('\n');
    }
    let hidden = parts::hidden(drift);
    let mut asides: Vec<String> = parts::asides(drift).iter().map(|a| text(a)).collect();
    if hidden > 0 {
        let noun = if hidden == 1 { "difference is" } else { "differences are" };
        asides.insert(0, format!("{} {noun} allowed, and not shown", thousands(hidden)));
    }
    for aside in &asides {
        let _ = writeln!(out, "- {aside}");
    }
    if !asides.is_empty() {
        out.push('\n');
    }
}

fn more(out: &mut String, more: usize, row: &str) {
    if more > 0 {
        let _ = writeln!(out, "{}", row.replace("{}", &thousands(more)));
    }
}

fn place(at: Option<&Location>) -> String {
    at.map(|l| code(&name(&l.to_string()))).unwrap_or_default()
}
