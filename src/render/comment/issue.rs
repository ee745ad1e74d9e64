//! The issue of drift: one for each declaration, kept up to date, closed when there is none.

use super::detail::{Detail, ladder};
use super::escape::{cut, link, named, said};
use super::page::{Left, minute, place};
use super::{Comment, Direction, Drifted, Made, MarkerKind, marker};
use crate::model::Moment;
use crate::render::text::{listed, name, thousands};

/// So many targets are named in a title.
const TARGETS: usize = 3;

/// A difference that is expected, because the files say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The target.
    pub target: String,
    /// What it is.
    pub what: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Option<Moment>,
}

/// Everything that the issue says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DriftIssue {
    /// Which declaration it is about, so that it is found again: the same for all runs.
    pub key: String,
    /// What differs.
    pub drift: Vec<Drifted>,
    /// What differs and is expected.
    pub allowed: Vec<Allowed>,
    /// The targets that could not be read, and why.
    pub unread: Vec<(String, String)>,
    /// What it was made from: `head` is the commit that was compared.
    pub made: Made,
    /// The page of a pull request that adopts it.
    pub adopted_by: Option<String>,
}

/// The title: plain text, in which GitHub sets nothing.
#[must_use]
pub fn drift_title(issue: &DriftIssue) -> String {
    // Titles are quoted in other places, where signs may mean something.
    let plain = |target: &str| -> String {
        let kept = |c: char| if c.is_alphanumeric() || "-_. ".contains(c) { c } else { '_' };
        name(target).chars().take(40).map(kept).collect()
    };
    let mut targets: Vec<String> = issue.drift.iter().map(|d| plain(&d.target)).collect();
    targets.sort_unstable();
    targets.dedup();
    let more = targets.len().saturating_sub(TARGETS);
    targets.truncate(TARGETS);
    let targets = if more > 0 { format!("{} and {more} more", targets.join(", ")) } else { listed(&targets) };
    let wide = issue.drift.iter().filter(|d| d.widens).count();
    let wide = match wide {
        0 => String::new(),
        1 => ", 1 widens access".to_owned(),
        n => format!(", {} widen access", thousands(n)),
    };
    match issue.drift.len() {
        0 => "rolecall: no drift".to_owned(),
        1 => format!("rolecall: 1 difference in {targets}{wide}"),
        n => format!("rolecall: {} differences in {targets}{wide}", thousands(n)),
    }
}

/// The body in at most `budget` bytes, where that is not less than [`super::BUDGET_MIN`].
#[must_use]
pub fn drift_issue(issue: &DriftIssue, budget: usize) -> String {
    let like = Comment {
        key: &issue.key,
        plan: None,
        problems: Vec::new(),
        tests: None,
        drift: Vec::new(),
        approvals: Vec::new(),
        superseded: Vec::new(),
        made: Made::default(),
        outcome: None,
        fork: false,
    };
    let mut ladder = ladder(&like, budget);
    let last = ladder.len().saturating_sub(1);
    let mut text = String::new();
    for (at, detail) in ladder.iter_mut().enumerate() {
        // Differences are what this is about: they are its rows.
        detail.list = detail.rows.max(detail.protected).min(2_000);
        text = body(issue, detail, if at == last { usize::MAX } else { budget });
        if text.len() <= budget {
            break;
        }
    }
    text
}

fn body(issue: &DriftIssue, detail: &Detail, budget: usize) -> String {
    let made = &issue.made;
    let mut left = Left::default();
    let mut out =
        marker(MarkerKind::Drift, &issue.key, &[("head", &cut(&made.head, 72)), ("run", &cut(&made.run.id, 72))]);
    let count = |direction: Direction| issue.drift.iter().filter(|d| d.direction == direction).count();
    let counts = [Direction::Extra, Direction::Missing, Direction::Different]
        .map(|d| (count(d), d.word()))
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{} {word}", thousands(n)))
        .collect::<Vec<_>>();
    let wide = issue.drift.iter().filter(|d| d.widens).count();
    let head = named(made.head.get(..7).unwrap_or(&made.head), 7);
    let read = made.read.map(|at| format!(", read {}", minute(at))).unwrap_or_default();
    out.push_str("\n### What is live differs from what is declared\n\n");
    if !counts.is_empty() {
        out.push_str(&format!("{} against {} at {head}{read}.", counts.join(", "), named(&made.branch, 100)));
        out.push_str(match wide {
            0 => "\n\n",
            1 => " **1 gives more access than is declared** ‼️\n\n",
            _ => "",
        });
        if wide > 1 {
            out.push_str(&format!(" **{} give more access than is declared** ‼️\n\n", thousands(wide)));
        }
    } else {
        out.push_str(&format!("Nothing differs at {head}{read}.\n\n"));
    }
    for (target, why) in left.first("targets that cannot be read", &issue.unread, detail.list.min(50)) {
        let (target, why) = (named(target, detail.name), said(why, detail.sentence));
        out.push_str(&format!("⛔ **{target} could not be read**, so nothing is said of it: {why}\n\n"));
    }
    let mut sorted: Vec<&Drifted> = issue.drift.iter().collect();
    sorted.sort_by_key(|d| !d.widens);
    if !sorted.is_empty() {
        let (table, rest) = table(&sorted, detail, made, budget);
        out.push_str(&table);
        out.push('\n');
        left.add("differences", rest);
    }
    if !issue.allowed.is_empty() {
        let title = thousands(issue.allowed.len());
        out.push_str(&format!("<details><summary>Expected, as the files say ({title})</summary>\n\n"));
        out.push_str("| Target | What | Owner | Why | Until |\n|---|---|---|---|---|\n");
        for one in left.first("expected differences", &issue.allowed, detail.list) {
            let (target, what) = (named(&one.target, detail.name), named(&one.what, detail.sentence));
            let (owner, reason) = (named(&one.owner, detail.name), said(&one.reason, detail.sentence));
            let until = one.until.map(Moment::short).unwrap_or_default();
            out.push_str(&format!("| {target} | {what} | {owner} | {reason} | {until} |\n"));
        }
        out.push_str("\n</details>\n\n");
    }
    let home = made.repository.as_deref();
    let run = link("the run", made.run.url.as_deref(), home);
    if let Some(said) = left.said() {
        out.push_str(&format!("{said} All of it is in the summary and the artifact of {run}.\n\n"));
    }
    match &issue.adopted_by {
        Some(url) => {
            out.push_str(&format!("{} makes the files say what is live.\n\n", link("A pull request", Some(url), home)))
        }
        None => out.push_str(
            "**To keep it**, make the files say so: `rolecall drift --adopt --open-pr`. **To undo it**, apply what is \
             declared: `rolecall apply`.\n\n",
        ),
    }
    out.push_str(&format!("Kept up to date by {run}; closed when nothing differs.\n"));
    out
}

/// Differences as a table, and how many are not in it. As soon as it has more bytes than `budget`, it goes on no
/// further: it is too long anyway.
pub(super) fn table(drift: &[&Drifted], detail: &Detail, made: &Made, budget: usize) -> (String, usize) {
    let mut out = String::from("| Target | What | How | Since | By | Declared |\n|---|---|---|---|---|---|\n");
    for one in drift.iter().take(detail.list) {
        if out.len() > budget {
            break;
        }
        let wide = if one.widens { " · **more access than declared** ‼️" } else { "" };
        let since = one.since.map(Moment::day).unwrap_or_default();
        let by = one.by.as_deref().map(|b| named(b, detail.name)).unwrap_or_default();
        let at = one.declared.as_ref().map(|l| place(l, made, detail)).unwrap_or_default();
        let (target, what) = (named(&one.target, detail.name), named(&one.what, detail.sentence));
        out.push_str(&format!("| {target} | {what} | {}{wide} | {since} | {by} | {at} |\n", one.direction.word()));
    }
    (out, drift.len().saturating_sub(detail.list))
}
