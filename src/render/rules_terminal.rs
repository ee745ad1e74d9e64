//! The rules for people at a terminal: the list of all, and one by itself.

use super::Style;
use super::paint::{Row, Tone};
use super::text::wrap;
use crate::invariants::{RULES, RuleInfo, Scope};

/// How many columns the names take.
const NAME: usize = 28;

/// What the rules of a scope judge.
fn heading(scope: Scope) -> &'static str {
    match scope {
        Scope::State => "Of every state that an apply passes through (state)",
        Scope::Change => "Of a plan (change)",
        Scope::File => "Of the files (file)",
    }
}

/// What can be set of a rule, in one word.
fn setting(rule: &RuleInfo) -> &'static str {
    if rule.optional { "can be set" } else { "always" }
}

/// All rules, by what they judge.
#[must_use]
pub fn rules(style: Style) -> String {
    let mut out = String::new();
    for scope in Scope::ALL {
        if !out.is_empty() {
            out.push('\n');
        }
        Row { tone: Tone::Heading, ..Row::plain(0, heading(scope)) }.draw(&mut out, style);
        for rule in RULES.iter().filter(|r| r.scope == scope) {
            let text = format!("{:NAME$}{:9}{}", rule.name(), rule.severity().word(), setting(rule));
            Row { tone: Tone::Heading, head: Some(rule.name().len()), ..Row::plain(2, &text) }.draw(&mut out, style);
            Row { hang: 0, ..Row::plain(4, rule.statement) }.draw(&mut out, style);
        }
    }
    out.push_str("\nMore of one: rolecall explain-rule NAME\n");
    out
}

/// One rule.
#[must_use]
pub fn rule(rule: &RuleInfo, style: Style) -> String {
    let mut out = String::new();
    let head = rule.name();
    let judges = match rule.scope {
        Scope::State => "judges every state that an apply passes through",
        Scope::Change => "judges a plan",
        Scope::File => "judges the files",
    };
    let text = format!("{head}  {}, {judges}", rule.severity().word());
    Row { tone: Tone::Heading, head: Some(head.len()), ..Row::plain(0, &text) }.draw(&mut out, style);
    let mut part = |title: &str, text: &str, verbatim: bool| {
        out.push('\n');
        Row { tone: Tone::Heading, ..Row::plain(0, title) }.draw(&mut out, style);
        if verbatim {
            text.lines().for_each(|line| out.push_str(&format!("  {line}\n")));
        } else {
            wrap(text, style.width.saturating_sub(2)).iter().for_each(|line| out.push_str(&format!("  {line}\n")));
        }
    };
    part("What it says", rule.statement, false);
    part("Where it comes from", rule.source, false);
    part("An example of what it finds", rule.example, true);
    part("What to do then", rule.fix, false);
    if rule.optional {
        let yaml = format!("policies:\n  invariants: {{{head}: warn}}     # error, warn or off");
        part("How to set it, for all targets or with `targets.NAME.policies` for one", &yaml, true);
    } else {
        part("How to set it", "It always holds and cannot be set.", false);
    }
    out
}
