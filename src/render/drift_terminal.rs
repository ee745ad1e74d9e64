//! Drift for people at a terminal: who has more and who has less than declared, then what differs.

use super::Style;
use super::access;
use super::drift_parts as parts;
use super::paint::{Row as Drawn, Tone};
use super::text::{name, prose, thousands};
use crate::access::AccessEffect;
use crate::drift::{Difference, Direction, Drift, Standing, TargetDrift};
use crate::model::Moment;

/// So many lines of access and of differences are shown of one target.
const LINES: usize = 200;

/// So many of those who are only counted are named.
const NAMED: usize = 5;

/// The whole report as text.
#[must_use]
pub fn drift(drift: &Drift, style: Style) -> String {
    let mut out = String::new();
    for one in &drift.targets {
        target(&mut out, one, drift.at, style);
        out.push('\n');
    }
    for unread in &drift.unread {
        let head = name(&unread.target);
        let text = format!("{head}  cannot be read: {}", prose(&unread.why));
        Drawn { tone: Tone::Alarm, head: Some(head.len()), ..Drawn::plain(0, &text) }.draw(&mut out, style);
    }
    if !drift.unread.is_empty() {
        out.push('\n');
    }
    // What hides and is in order needs no line of its own.
    let listed: Vec<_> = drift.allowed.iter().filter(|e| e.standing != Standing::NotLooked).collect();
    if !listed.is_empty() {
        heading(&mut out, 0, "Allowed", style);
        for entry in listed {
            let tone = if entry.standing == Standing::Hides { Tone::Plain } else { Tone::Caution };
            let text = parts::entry(entry);
            Drawn { tone, place: Some(&entry.allowed.declared), ..Drawn::plain(2, &text) }.draw(&mut out, style);
        }
        out.push('\n');
    }
    for note in &drift.notes {
        Drawn::plain(0, &format!("note: {}", prose(note))).draw(&mut out, style);
    }
    heading(&mut out, 0, &parts::summary(drift), style);
    out
}

fn heading(out: &mut String, indent: usize, text: &str, style: Style) {
    Drawn { tone: Tone::Heading, ..Drawn::plain(indent, text) }.draw(out, style);
}

fn target(out: &mut String, drift: &TargetDrift, now: Moment, style: Style) {
    let head = name(&drift.target);
    let text = format!("{head}  {}", name(&drift.provider));
    Drawn { tone: Tone::Heading, head: Some(head.len()), ..Drawn::plain(0, &text) }.draw(out, style);
    let reported: Vec<&Difference> = drift.reported().collect();
    let verdict = if drift.differences.is_empty() { "as declared".to_owned() } else { parts::verdict(&drift.access) };
    Drawn::plain(0, &verdict).draw(out, style);
    for side in parts::sides(&drift.access) {
        out.push('\n');
        heading(out, 2, side.title, style);
        for line in side.lines.iter().take(LINES) {
            let tone = match line.effect {
                _ if line.administrator => Tone::Alarm,
                AccessEffect::Gains => Tone::Bad,
                AccessEffect::Loses | AccessEffect::Path => Tone::Caution,
            };
            let text = format!("{} {}", access::sign(line), parts::sentence(line));
            let head = (!line.administrator).then_some(1);
            Drawn { hang: 4, tone, head, ..Drawn::plain(4, &text) }.draw(out, style);
            if access::is_counted(line) {
                Drawn { tone: Tone::Dim, ..Drawn::plain(8, &access::names(line, NAMED)) }.draw(out, style);
            }
        }
        more(out, side.lines.len().saturating_sub(LINES), style);
    }
    for direction in [Direction::Extra, Direction::Missing, Direction::Different] {
        let of: Vec<&&Difference> = reported.iter().filter(|d| d.direction == direction).collect();
        if of.is_empty() {
            continue;
        }
        out.push('\n');
        heading(out, 2, title(direction), style);
        for one in of.iter().take(LINES) {
            difference(out, one, now, style);
        }
        more(out, of.len().saturating_sub(LINES), style);
    }
    let hidden = parts::hidden(drift);
    let mut asides = parts::asides(drift);
    if hidden > 0 {
        let (noun, are) = if hidden == 1 { ("difference", "is") } else { ("differences", "are") };
        asides.insert(0, format!("{} {noun} {are} allowed, and not shown", thousands(hidden)));
    }
    if !asides.is_empty() {
        out.push('\n');
        heading(out, 2, "Notes", style);
    }
    for aside in asides {
        Drawn::plain(4, &aside).draw(out, style);
    }
}

fn title(direction: Direction) -> &'static str {
    match direction {
        Direction::Extra => "Extra: live, not declared",
        Direction::Missing => "Missing: declared, not live",
        Direction::Different => "Different: declared -> live",
    }
}

fn difference(out: &mut String, one: &Difference, now: Moment, style: Style) {
    let tone = match one.direction {
        _ if one.widens.as_ref().is_some_and(|w| w.administrator) => Tone::Alarm,
        Direction::Extra => Tone::Bad,
        Direction::Missing | Direction::Different => Tone::Caution,
    };
    let text = parts::line(one);
    Drawn { hang: 4, tone, head: Some(1), place: one.declared.as_ref(), ..Drawn::plain(4, &text) }.draw(out, style);
    for detail in super::details(&crate::drift::seen_from_files(&one.change)) {
        let (tone, sign) = detail.effect.map_or((Tone::Dim, ' '), |e| (Tone::of(e), super::describe::sign(e)));
        Drawn { tone, ..Drawn::plain(8, &format!("{sign} {}", detail.text)) }.draw(out, style);
    }
    for remark in parts::remarks(one, now) {
        Drawn { tone: Tone::Dim, ..Drawn::plain(8, &remark) }.draw(out, style);
    }
}

fn more(out: &mut String, more: usize, style: Style) {
    if more > 0 {
        let text = format!("... {} more; all of it is in --json", thousands(more));
        Drawn { tone: Tone::Dim, ..Drawn::plain(4, &text) }.draw(out, style);
    }
}
