//! A review for people at a terminal: by risk and question, with what to do if the answer is no.

use super::Style;
use super::paint::{Row, Tone, paint};
use super::text::{name, prose, thousands};
use crate::model::Moment;
use crate::review::{Item, Policy, Review, Risk, SOON, TargetReview, Topic};

/// How many items of one question are shown: a spreadsheet is better for more.
const SHOWN: usize = 50;

/// The whole review.
#[must_use]
pub fn review(review: &Review, style: Style) -> String {
    let mut out = String::new();
    for one in &review.targets {
        target(&mut out, review, one, style);
        out.push('\n');
    }
    Row { tone: Tone::Heading, ..Row::plain(0, &counts(review)) }.draw(&mut out, style);
    out
}

fn target(out: &mut String, review: &Review, target: &TargetReview, style: Style) {
    let from = if review.files_only { "the files alone" } else { "live" };
    let head = name(&target.target);
    let line = format!("{head}  {}, {from}, {}", name(&target.provider), review.at.day());
    Row { tone: Tone::Heading, head: Some(head.len()), ..Row::plain(0, &line) }.draw(out, style);
    Row::plain(0, &policy(&target.policy)).draw(out, style);
    Row::plain(0, &record(review, &target.policy)).draw(out, style);
    for note in &target.notes {
        Row::plain(0, &format!("Note: {}", prose(note))).draw(out, style);
    }
    let mut rest = target.items.as_slice();
    while let Some(first) = rest.first() {
        let same = |i: &Item| (i.risk, i.topic) == (first.risk, first.topic);
        let (items, after) = rest.split_at(rest.iter().take_while(|i| same(i)).count());
        section(out, first.risk, first.topic, items, style);
        rest = after;
    }
    if !target.ends_soon.is_empty() {
        let title = format!("Ends within {SOON} days ({})", thousands(target.ends_soon.len()));
        heading(out, &title, None, Tone::Heading, style);
        for ending in target.ends_soon.iter().take(SHOWN) {
            let object = name(&ending.object.to_string());
            let line = format!("{object}  {}", name(&ends(ending.until, ending.days, ending.role.as_deref())));
            Row { head: Some(object.len()), place: ending.declared.as_ref(), ..Row::plain(4, &line) }.draw(out, style);
        }
        more(out, target.ends_soon.len(), style);
    }
}

fn section(out: &mut String, risk: Risk, topic: Topic, items: &[Item], style: Style) {
    let tone = match risk {
        Risk::High => Tone::Alarm,
        Risk::Medium => Tone::Caution,
        Risk::Low => Tone::Heading,
    };
    let title = format!("{}: {} ({})", risk.word().to_uppercase(), topic.title(), thousands(items.len()));
    heading(out, &title, Some(topic.question()), tone, style);
    let label = if topic.asks_whether() { "if not" } else { "to do" };
    for (index, item) in items.iter().take(SHOWN).enumerate() {
        let object = name(&item.object.name);
        let line = format!("{object}  {}", name(&item.because));
        let row = Row {
            tone: Tone::Heading,
            head: Some(object.len()),
            place: item.declared.as_ref(),
            ..Row::plain(4, &line)
        };
        row.draw(out, style);
        // The same advice for several items in a row is said once, after the last of them.
        let next = items.get(index + 1).filter(|_| index + 1 < SHOWN);
        if next.is_none_or(|next| next.advice != item.advice) {
            Row { tone: Tone::Dim, ..Row::plain(4, &format!("{label}: {}", name(&item.advice))) }.draw(out, style);
        }
    }
    more(out, items.len(), style);
}

fn heading(out: &mut String, title: &str, question: Option<&str>, tone: Tone, style: Style) {
    out.push('\n');
    let line = question.map_or_else(|| title.to_owned(), |question| format!("{title}  {question}"));
    Row { tone, head: Some(title.len()), ..Row::plain(2, &line) }.draw(out, style);
}

fn more(out: &mut String, all: usize, style: Style) {
    if all > SHOWN {
        let line = format!("and {} more: `--format csv` has all of them", thousands(all - SHOWN));
        out.push_str(&format!("    {}\n", paint(&line, Tone::Dim, style)));
    }
}

/// When something ends, in words.
pub(super) fn ends(until: Moment, days: i64, role: Option<&str>) -> String {
    let left = match days {
        i64::MIN..=0 => "in less than a day".to_owned(),
        1 => "in 1 day".to_owned(),
        n => format!("in {n} days"),
    };
    let role = role.map(|r| format!("{r}, ")).unwrap_or_default();
    format!("{role}until {}, {left}", until.short())
}

/// What is asked of a review, in words.
pub(super) fn policy(policy: &Policy) -> String {
    let from = |declared: bool| if declared { "as `policies.review` says" } else { "the default" };
    format!(
        "Access is reviewed every {} days ({}); people are asked about after {} days without a visit ({}).",
        policy.every,
        from(policy.every_declared),
        policy.inactive,
        from(policy.inactive_declared)
    )
}

/// That there is no record of reviews, and what follows.
pub(super) fn record(review: &Review, policy: &Policy) -> String {
    format!(
        "rolecall keeps no record of reviews, so everything is listed. If this is the review, the next is due {}.",
        review.at.plus_days(i64::from(policy.every)).day()
    )
}

/// How many items of each risk there are.
pub(super) fn counts(review: &Review) -> String {
    let count = |risk: Risk| review.targets.iter().flat_map(|t| &t.items).filter(|i| i.risk == risk).count();
    if review.is_empty() {
        return "Review: nothing to look at.".to_owned();
    }
    let parts: Vec<String> = Risk::ALL
        .into_iter()
        .map(|risk| (count(risk), risk))
        .filter(|(n, _)| *n > 0)
        .map(|(n, risk)| format!("{} of {} risk", thousands(n), risk.word()))
        .collect();
    let all = Risk::ALL.into_iter().map(count).sum();
    format!("Review: {} to look at, {}.", thousands(all), parts.join(", "))
}
