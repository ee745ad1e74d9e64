//! A plan for people at a terminal: who gains and who loses, what is done, what stands against it.

use super::Style;
use super::access;
use super::besides::besides;
use super::changes::{Effects, Line, of_steps, sections};
use super::paint::{Row as Drawn, Tone, paint};
use super::plan_parts as parts;
use super::text::{name, prose, thousands};
use crate::access::{AccessEffect, AccessLine};
use crate::invariants::{Answer, Verdict};
use crate::plan::{Note, Plan, TargetPlan};

/// So many of those who are only counted are named.
const NAMED: usize = 5;

/// So many things besides access are shown.
const BESIDES: usize = 40;

/// The whole plan as text.
#[must_use]
pub fn plan(plan: &Plan, style: Style) -> String {
    let mut out = String::new();
    let revisions = parts::revisions(plan);
    for text in &revisions {
        Drawn::plain(0, text).draw(&mut out, style);
    }
    if !revisions.is_empty() {
        out.push('\n');
    }
    let nothing = if plan.between.is_some() { parts::nothing_between } else { parts::nothing };
    for one in &plan.targets {
        target(&mut out, one, style);
        if one.is_empty() && plan.targets.len() > 1 {
            Drawn::plain(2, &nothing(one)).draw(&mut out, style);
        }
        out.push('\n');
    }
    for unread in &plan.unread {
        let text = format!("{}  cannot be read: {}", name(&unread.target), prose(&unread.why));
        Drawn { tone: Tone::Alarm, head: Some(name(&unread.target).len()), ..Drawn::plain(0, &text) }
            .draw(&mut out, style);
    }
    if !plan.unread.is_empty() {
        out.push('\n');
    }
    for verdict in parts::failing(&plan.guards) {
        guard(&mut out, 0, verdict, style);
    }
    if let Some(consents) = parts::consents(plan) {
        Drawn::plain(0, &consents).draw(&mut out, style);
    }
    let changed: Vec<&TargetPlan> = plan.targets.iter().filter(|t| !t.is_empty()).collect();
    if !changed.is_empty() {
        let effects = Effects::of(changed.iter().flat_map(|t| &t.steps));
        let within = if plan.targets.len() > 1 { format!(" in {} targets", changed.len()) } else { String::new() };
        let within = if changed.len() == 1 { within.replace("targets", "target") } else { within };
        heading(&mut out, 0, &format!("Plan: {effects}{within}."), style);
    } else if plan.targets.is_empty() {
        heading(&mut out, 0, "No changes. There is no target.", style);
    } else if let [one] = plan.targets.as_slice() {
        heading(&mut out, 0, &nothing(one), style);
    } else {
        heading(&mut out, 0, &format!("No changes in {} targets.", plan.targets.len()), style);
    }
    let stopped = parts::blocking(plan);
    if !stopped.is_empty() {
        let verb = if stopped.len() == 1 { "does" } else { "do" };
        let text = format!("Blocked: {} {verb} not hold. Nothing of this plan will be applied.", stopped.join(", "));
        Drawn { tone: Tone::Alarm, ..Drawn::plain(0, &text) }.draw(&mut out, style);
    }
    if !plan.unread.is_empty() {
        let text = format!("This is no plan for {}.", parts::unread(plan));
        Drawn { tone: Tone::Alarm, ..Drawn::plain(0, &text) }.draw(&mut out, style);
    }
    let (digest, commit) = parts::seal(plan);
    let seal = commit.map_or_else(|| digest.clone(), |of| format!("{digest} for {of}"));
    out.push_str(&paint(&seal, Tone::Dim, style));
    out.push('\n');
    out
}

fn heading(out: &mut String, indent: usize, text: &str, style: Style) {
    Drawn { tone: Tone::Heading, ..Drawn::plain(indent, text) }.draw(out, style);
}

fn target(out: &mut String, plan: &TargetPlan, style: Style) {
    let head = name(&plan.target);
    let text = format!("{head}  {}, {}", name(&plan.provider), parts::promise(plan.level));
    Drawn { tone: Tone::Heading, head: Some(head.len()), ..Drawn::plain(0, &text) }.draw(out, style);
    if !plan.is_empty() {
        Drawn::plain(0, &access::verdict(&plan.access)).draw(out, style);
    }
    if let Some(text) = parts::forecast(plan) {
        Drawn::plain(0, &text).draw(out, style);
    }
    for section in access::sections(&plan.access) {
        out.push('\n');
        heading(out, 2, section.title, style);
        difference(out, &section, style);
    }
    let approvals = parts::approvals(plan);
    if !approvals.is_empty() {
        out.push('\n');
        heading(out, 2, "Needs the approval of", style);
    }
    for approval in approvals {
        Drawn::plain(4, &prose(&approval)).draw(out, style);
    }
    let besides = besides(plan);
    if !besides.is_empty() {
        out.push('\n');
        heading(out, 2, "Besides access", style);
    }
    for one in besides.iter().take(BESIDES) {
        let tone = if one.administrator { Tone::Alarm } else { Tone::Plain };
        Drawn { tone, place: one.declared.as_ref(), ..Drawn::plain(4, &one.text) }.draw(out, style);
    }
    more(out, besides.len().saturating_sub(BESIDES), style);
    if let Some(text) = access::without_effect(plan) {
        out.push('\n');
        Drawn::plain(2, &text).draw(out, style);
    }
    for section in sections(of_steps(&plan.steps)) {
        out.push('\n');
        heading(out, 2, &capital(section.kind.plural()), style);
        lines(out, &section.lines, style);
    }
    for section in titled(out, "Different and not written", &plan.observed, style) {
        lines(out, &section, style);
    }
    for section in titled(out, &parts::drift(plan), &plan.drift, style) {
        lines(out, &section, style);
    }
    remarks(out, plan, style);
    guards(out, plan, style);
}

/// The lines of differences that are only reported, by kind; the title is drawn if there are any.
fn titled(out: &mut String, title: &str, observed: &[crate::plan::Observed], style: Style) -> Vec<Vec<Line>> {
    let found = sections(observed.iter().map(|o| (&o.change, o.declared.as_ref())));
    if !found.is_empty() {
        out.push('\n');
        heading(out, 2, title, style);
    }
    found.into_iter().map(|s| s.lines).collect()
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// The lines of one risk; what the same people get stands together.
fn difference(out: &mut String, section: &access::Section<'_>, style: Style) {
    let mut before: Option<&AccessLine> = None;
    for &line in &section.lines {
        let continues = before.is_some_and(|b| access::continues(line, b));
        let tone = match line.effect {
            _ if line.administrator => Tone::Alarm,
            AccessEffect::Gains => Tone::Good,
            AccessEffect::Loses => Tone::Bad,
            AccessEffect::Path => Tone::Caution,
        };
        let text = format!("{} {}", access::sign(line), access::sentence(line, continues));
        let head = (!line.administrator).then_some(1);
        Drawn { hang: 4, tone, head, ..Drawn::plain(4, &text) }.draw(out, style);
        if !continues && access::is_counted(line) {
            Drawn { tone: Tone::Dim, ..Drawn::plain(8, &access::names(line, NAMED)) }.draw(out, style);
        }
        before = Some(line);
    }
    more(out, section.more, style);
}

fn more(out: &mut String, more: usize, style: Style) {
    if more > 0 {
        let text = format!("... {} more; the whole plan is in --json", thousands(more));
        Drawn { tone: Tone::Dim, ..Drawn::plain(4, &text) }.draw(out, style);
    }
}

pub(super) fn lines(out: &mut String, lines: &[Line], style: Style) {
    for line in lines {
        let (tone, head) = line.effect.map_or((Tone::Dim, None), |e| (Tone::of(e), Some(1)));
        let row = Drawn { indent: 4, hang: 4, text: &line.text, tone, head, place: line.declared.as_ref() };
        row.draw(out, style);
        for detail in &line.details {
            let (tone, sign) = detail.effect.map_or((Tone::Dim, ' '), |e| (Tone::of(e), super::describe::sign(e)));
            let text = format!("{sign} {}", detail.text);
            Drawn { tone, ..Drawn::plain(8, &text) }.draw(out, style);
        }
    }
}

fn remarks(out: &mut String, plan: &TargetPlan, style: Style) {
    let takeovers = parts::takeovers(plan);
    let remarks = parts::remarks(plan);
    if takeovers.is_empty() && remarks.is_empty() && plan.notes.is_empty() {
        return;
    }
    out.push('\n');
    heading(out, 2, "Notes", style);
    for text in &takeovers {
        Drawn { tone: Tone::Bad, ..Drawn::plain(4, text) }.draw(out, style);
    }
    for Note { rule, message, help, declared } in &plan.notes {
        let rule = rule.as_deref().map(|r| format!("{}: ", name(r))).unwrap_or_default();
        let text = format!("{rule}{}", prose(message));
        Drawn { place: declared.as_ref(), ..Drawn::plain(4, &text) }.draw(out, style);
        if let Some(help) = help {
            Drawn { hang: 6, ..Drawn::plain(6, &format!("help: {}", prose(help))) }.draw(out, style);
        }
    }
    for text in &remarks {
        Drawn::plain(4, text).draw(out, style);
    }
}

fn guards(out: &mut String, plan: &TargetPlan, style: Style) {
    if plan.guards.is_empty() {
        return;
    }
    out.push('\n');
    for verdict in parts::failing(&plan.guards) {
        guard(out, 2, verdict, style);
    }
    let holding = parts::holding(&plan.guards);
    if !holding.is_empty() {
        let verb = if holding.len() == 1 { "holds" } else { "hold" };
        let text = format!("guards: {} {verb}", holding.join(", "));
        Drawn { tone: Tone::Good, head: Some("guards:".len()), ..Drawn::plain(2, &text) }.draw(out, style);
    }
}

fn guard(out: &mut String, indent: usize, verdict: &Verdict, style: Style) {
    let rule = name(&verdict.rule);
    let text = format!("{rule} {}: {}", parts::answer(verdict.answer), parts::message(verdict));
    let tone = if verdict.answer == Answer::Violated { Tone::Alarm } else { Tone::Caution };
    Drawn { tone, head: Some(rule.len()), ..Drawn::plain(indent, &text) }.draw(out, style);
    if let Some(help) = &verdict.help {
        Drawn { hang: 6, ..Drawn::plain(indent + 2, &format!("help: {}", prose(help))) }.draw(out, style);
    }
}
