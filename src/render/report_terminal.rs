//! What became of a plan, for people at a terminal: first how many changes were made, then every one
//! that was not, and what to do next.

use std::collections::BTreeMap;

use super::Style;
use super::describe::describe;
use super::paint::{Row, Tone, paint};
use super::text::{name, prose, short_digest, thousands};
use crate::apply::{Fate, Report, StepReport, TargetReport};
use crate::plan::Promise;

/// How many changes of one fate and reason are shown.
const SHOWN: usize = 20;

/// The whole report as text.
#[must_use]
pub fn report(report: &Report, style: Style) -> String {
    let mut out = String::new();
    for target in &report.targets {
        one(&mut out, target, style);
        out.push('\n');
    }
    for unread in &report.unread {
        let text = format!("Not applied to {}: {}", name(&unread.target), prose(&unread.why));
        Row { tone: Tone::Alarm, head: Some("Not applied".len()), ..Row::plain(0, &text) }.draw(&mut out, style);
    }
    if report.targets.is_empty() {
        out.push_str("Nothing was to be applied.\n");
    }
    for text in next(report) {
        Row::plain(0, text).draw(&mut out, style);
    }
    out.push_str(&paint(&short_digest(&report.digest), Tone::Dim, style));
    out.push('\n');
    out
}

/// `Applied 9 of 9 changes to home.`, or what stopped it.
#[must_use]
pub fn verdict(target: &TargetReport) -> String {
    let TargetReport { target: called, status, applied, failed, set_aside, unknown, not_attempted, .. } = target;
    let all = applied + failed + set_aside + unknown + not_attempted;
    let called = name(called);
    if *applied == all {
        let word = if all == 1 { "change" } else { "changes" };
        return format!("Applied {} of {} {word} to {called}.", thousands(*applied), thousands(all));
    }
    let word = match status.as_str() {
        "interrupted" => "Interrupted",
        "failed" => "Failed",
        _ => "Stopped",
    };
    let mut parts = vec![format!("{} of {} applied", thousands(*applied), thousands(all))];
    let others = [
        (*failed, "failed"),
        (*set_aside, "set aside"),
        (*unknown, "with an unknown outcome"),
        (*not_attempted, "not attempted"),
    ];
    parts.extend(others.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", thousands(*n))));
    format!("{word}: {} ({called}, apply {}).", parts.join(", "), target.apply)
}

/// How far the promise about every moment reached, and what it took; nothing where the target is a file.
fn effort(target: &TargetReport) -> Option<String> {
    let requests = target.requests?;
    let word = if requests == 1 { "request" } else { "requests" };
    let requests = format!("{} {word}", thousands(usize::try_from(requests).unwrap_or(usize::MAX)));
    let level = match target.level? {
        Promise::Enforced => return Some(requests),
        Promise::Observed => "somebody else can still have written between a look and a change",
        Promise::BestEffort => "others can have written at the same time, unseen",
    };
    Some(format!("{requests}; {}: {level}", super::plan_parts::promise(target.level?)))
}

fn one(out: &mut String, target: &TargetReport, style: Style) {
    let text = verdict(target);
    let done = target.steps.iter().all(|s| s.fate == Fate::Applied);
    let tone = if done { Tone::Good } else { Tone::Alarm };
    let head = text.find([' ', ':']);
    Row { tone, head, ..Row::plain(0, &text) }.draw(out, style);
    if let Some(text) = effort(target) {
        Row::plain(2, &text).draw(out, style);
    }
    for note in &target.notes {
        Row { tone: Tone::Caution, head: Some("note".len()), ..Row::plain(2, &format!("note: {}", prose(note))) }
            .draw(out, style);
    }
    let fates = [
        (Fate::Failed, "Failed", Tone::Bad),
        (Fate::Unknown, "Nobody knows whether these were made", Tone::Bad),
        (Fate::SetAside, "Set aside because of the principal", Tone::Caution),
        (Fate::NotAttempted, "Not attempted", Tone::Caution),
    ];
    for (fate, title, tone) in fates {
        let steps: Vec<&StepReport> = target.steps.iter().filter(|s| s.fate == fate).collect();
        if steps.is_empty() {
            continue;
        }
        out.push('\n');
        Row { tone, ..Row::plain(2, &format!("{title} ({})", thousands(steps.len()))) }.draw(out, style);
        if fate == Fate::NotAttempted {
            by_reason(out, &steps, style);
            continue;
        }
        for step in steps.iter().take(SHOWN) {
            Row { hang: 4, ..Row::plain(4, &describe(&step.change)) }.draw(out, style);
            if let Some(why) = &step.why {
                Row::plain(8, &prose(why)).draw(out, style);
            }
        }
        more(out, 4, steps.len(), style);
    }
}

/// Many changes are not attempted for the same reason: it is said once.
fn by_reason(out: &mut String, steps: &[&StepReport], style: Style) {
    let mut reasons: Vec<(String, Vec<&StepReport>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for step in steps {
        let why = step.why.as_deref().map(prose).unwrap_or_default();
        let place = *places.entry(why.clone()).or_insert(reasons.len());
        if place == reasons.len() {
            reasons.push((why, Vec::new()));
        }
        reasons[place].1.push(step);
    }
    for (why, steps) in reasons {
        let indent = if why.is_empty() { 4 } else { 6 };
        if !why.is_empty() {
            Row::plain(4, &format!("{why}:")).draw(out, style);
        }
        for step in steps.iter().take(SHOWN) {
            Row { hang: 4, ..Row::plain(indent, &describe(&step.change)) }.draw(out, style);
        }
        more(out, indent, steps.len(), style);
    }
}

fn more(out: &mut String, indent: usize, all: usize, style: Style) {
    if all > SHOWN {
        let text = format!("... {} more; all of them are in --json", thousands(all - SHOWN));
        Row { tone: Tone::Dim, ..Row::plain(indent, &text) }.draw(out, style);
    }
}

/// What to do next.
fn next(report: &Report) -> Vec<&'static str> {
    let any = |fate: Fate| report.targets.iter().flat_map(|t| &t.steps).any(|s| s.fate == fate);
    let mut out = Vec::new();
    if any(Fate::SetAside) {
        out.push("See to the principals that were set aside, or take them out of the files.");
    }
    if report.targets.iter().flat_map(|t| &t.steps).any(|s| s.fate != Fate::Applied) {
        out.push("Run `rolecall apply` again: it continues from where reality stands.");
    }
    if any(Fate::Unknown) {
        out.push("It first finds out what became of the changes whose outcome is unknown.");
    }
    out
}
