//! The ledger for people at a terminal: a table of applies, and the changes of one of them.

use super::Style;
use super::describe::describe;
use super::paint::{Row, Tone, paint};
use super::text::{name, prose, short_digest, thousands, width};
use crate::store::{ApplyEntry, Entry, Outcome, Status};

/// Names are shown up to this width in the table: the whole is in the JSON.
const NAME: usize = 40;

/// How an apply ended, with its counts.
#[must_use]
pub fn outcome(entry: &ApplyEntry) -> String {
    let ApplyEntry { info: _, finished, applied, failed, set_aside, unknown, not_attempted } = entry;
    let status = finished.map_or("unfinished", |(status, _)| status.word());
    let counts = [
        (*applied, "applied"),
        (*failed, "failed"),
        (*set_aside, "set aside"),
        (*unknown, "unknown"),
        (*not_attempted, "not attempted"),
    ];
    let parts: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", thousands(*n))).collect();
    if parts.is_empty() { status.to_owned() } else { format!("{status}: {}", parts.join(", ")) }
}

fn tone(entry: &ApplyEntry) -> Tone {
    match entry.finished {
        Some((Status::Complete, _)) => Tone::Good,
        Some((Status::Partial | Status::Interrupted | Status::Resolved, _)) => Tone::Caution,
        Some((Status::Failed, _)) | None => Tone::Bad,
    }
}

/// A table of applies, the newest first, whatever order they come in.
#[must_use]
pub fn applies(entries: &[ApplyEntry], style: Style) -> String {
    if entries.is_empty() {
        return "Nothing has been applied yet.\n".to_owned();
    }
    let mut entries: Vec<&ApplyEntry> = entries.iter().collect();
    entries.sort_by_key(|e| std::cmp::Reverse(e.info.id));
    let head = ["apply", "when", "who", "target", "plan", "outcome"].map(str::to_owned);
    let cells = |e: &&ApplyEntry| {
        let begun = &e.info.begun;
        [
            e.info.id.to_string(),
            begun.at.to_string(),
            super::text::beginning(&name(&begun.actor), NAME),
            super::text::beginning(&name(&begun.target), NAME),
            short_digest(&begun.digest),
            outcome(e),
        ]
    };
    let table: Vec<[String; 6]> = entries.iter().map(cells).collect();
    let mut widths = [0; 5];
    for row in std::iter::once(&head).chain(&table) {
        for (wide, cell) in widths.iter_mut().zip(row) {
            *wide = (*wide).max(width(cell));
        }
    }
    let mut out = String::new();
    draw(&mut out, &head, &widths, Tone::Heading, style);
    for (row, entry) in table.iter().zip(&entries) {
        draw(&mut out, row, &widths, tone(entry), style);
    }
    out
}

/// One row. Only the last cell is broken into lines; it begins on its own where little room is left.
fn draw(out: &mut String, row: &[String; 6], widths: &[usize; 5], tone: Tone, style: Style) {
    const ROOM: usize = 20;
    let mut line = String::new();
    for (index, (cell, wide)) in row.iter().zip(widths).enumerate() {
        let gap = " ".repeat(wide - width(cell));
        line.push_str(&if index == 0 { format!("{gap}{cell}  ") } else { format!("{cell}{gap}  ") });
    }
    let margin = width(&line);
    let last = &row[5];
    if tone == Tone::Heading {
        let line = format!("{line}{last}");
        let text = if margin + ROOM <= style.width { line.as_str() } else { line.trim_end_matches(last.as_str()) };
        out.push_str(&paint(text.trim_end(), Tone::Heading, style));
        out.push('\n');
    } else if margin + ROOM <= style.width {
        let mut drawn = String::new();
        Row { hang: 0, tone, ..Row::plain(margin, last) }.draw(&mut drawn, style);
        out.push_str(&line);
        out.push_str(drawn.get(margin..).unwrap_or(&drawn));
    } else {
        out.push_str(line.trim_end());
        out.push('\n');
        Row { tone, ..Row::plain(widths[0] + 2, last) }.draw(out, style);
    }
}

/// One apply with its changes.
#[must_use]
pub fn apply(entry: &ApplyEntry, changes: &[Entry], style: Style) -> String {
    let mut out = String::new();
    let begun = &entry.info.begun;
    let title = format!("apply {} to {}", entry.info.id, name(&begun.target));
    Row { tone: Tone::Heading, ..Row::plain(0, &title) }.draw(&mut out, style);
    let mut facts = vec![
        ("who", name(&begun.actor)),
        ("command", name(&begun.command)),
        ("began", begun.at.to_string()),
        ("ended", entry.finished.map_or_else(|| "not yet, or cut off".to_owned(), |(_, at)| at.to_string())),
        ("plan", name(&begun.digest)),
        ("outcome", outcome(entry)),
    ];
    facts.extend(begun.commit.as_deref().map(|c| ("commit", name(c))));
    for (label, fact) in facts {
        Row { hang: 11, ..Row::plain(2, &format!("{label:<9}{fact}")) }.draw(&mut out, style);
    }
    if !changes.is_empty() {
        out.push('\n');
    }
    for change in changes {
        let (word, why, tone) = match &change.outcome {
            Some(Outcome::Applied) => ("applied", None, Tone::Good),
            Some(Outcome::Failed { why }) => ("failed", Some(why), Tone::Bad),
            Some(Outcome::SetAside { why }) => ("set aside", Some(why), Tone::Caution),
            Some(Outcome::Unknown { why }) => ("unknown", Some(why), Tone::Bad),
            None => ("no outcome", None, Tone::Bad),
        };
        let text = format!("{word:<10}  {}", describe(&change.change));
        Row { hang: 14, tone, head: Some(word.len()), ..Row::plain(2, &text) }.draw(&mut out, style);
        if let Some(why) = why {
            Row::plain(16, &prose(why)).draw(&mut out, style);
        }
    }
    out
}
