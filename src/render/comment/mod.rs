//! The comment of a pull request: what a plan means for people, first of all; and the issue of drift. Both
//! are plain data here and Markdown afterwards; nothing is asked and nothing is decided.
//!
//! Every text that comes from files, systems and other people is set so that GitHub shows it and does
//! nothing else with it (`escape.rs`). What does not fit is left out part by part (`detail.rs`), never cut.

mod causes;
mod detail;
mod escape;
mod issue;
mod marker;
mod page;
mod rows;

pub use issue::{Allowed, DriftIssue, drift_issue, drift_title};
pub use marker::{Kind as MarkerKind, is as has_marker, line as marker};

use super::findings_json::place;
use crate::diagnostic::{Finding, Location, Severity, SourceMap};
use crate::model::{Change, Effect, Moment};
use crate::plan::Plan;

/// So many bytes fit into a comment or an issue. GitHub takes 65,536 characters and counts some of them as
/// bytes (`shared/lessons.md`, section 4.3): a text of so many bytes is below both.
pub const COMMENT_MAX: usize = 60_000;

/// So many bytes fit into the summary of a step: GitHub drops one of more than 1024 KiB altogether.
pub const SUMMARY_MAX: usize = 1_000_000;

/// So many bytes fit into the summary of a check run (65,535 characters).
pub const CHECK_MAX: usize = 60_000;

/// The least budget that is kept to.
pub const BUDGET_MIN: usize = 6_000;

/// Everything that a comment says.
#[derive(Debug, Clone)]
pub struct Comment<'a> {
    /// Which declaration and targets it is about, so that it is found again: the same for all runs.
    pub key: &'a str,
    /// What this pull request causes; none where there is no plan, because of `problems`.
    pub plan: Option<&'a Plan>,
    /// What is wrong with the files, or worth saying of them.
    pub problems: Vec<Problem>,
    /// How many access tests passed, and how many there are; none where there are none.
    pub tests: Option<(usize, usize)>,
    /// What differed before, and is not part of this plan.
    pub drift: Vec<Drifted>,
    /// Whose approval is needed, given or not.
    pub approvals: Vec<Approval>,
    /// Plans of this pull request that no longer count, the latest first.
    pub superseded: Vec<Superseded>,
    /// What it was made from.
    pub made: Made,
    /// What became of it.
    pub outcome: Option<Outcome>,
    /// Whether the pull request comes from a fork.
    pub fork: bool,
}

/// What a plan was made from, when and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Made {
    /// The commit that is proposed.
    pub head: String,
    /// The branch that it goes to.
    pub branch: String,
    /// The commit of that branch.
    pub base: String,
    /// When the live systems were read; none where two revisions are compared.
    pub read: Option<Moment>,
    /// The run.
    pub run: Run,
    /// The page of the repository, `https://github.com/acme/access`: places in files are linked below it.
    pub repository: Option<String>,
    /// The folder of the declaration within the repository, `""` or `access/`.
    pub folder: String,
}

/// A run of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// Its number with the attempt: `123/1`.
    pub id: String,
    /// Its page.
    pub url: Option<String>,
}

/// Something wrong with the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The name of the rule.
    pub rule: String,
    /// Where.
    pub at: Option<Location>,
    /// What.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Problem {
    /// What a finding says.
    #[must_use]
    pub fn of(finding: &Finding, files: &SourceMap) -> Self {
        let at = finding.primary.as_ref().map(|label| place(label, files));
        Self {
            severity: finding.severity,
            rule: finding.code.name().to_owned(),
            at: at.map(|p| Location { file: p.file, line: p.line }),
            message: finding.message.clone(),
            help: finding.help.clone(),
        }
    }
}

/// How what is live differs from what is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// There, and not declared.
    Extra,
    /// Declared, and not there.
    Missing,
    /// There, and not as declared.
    Different,
}

impl Direction {
    /// The direction of a difference that this change would mend.
    #[must_use]
    pub fn of(change: &Change) -> Self {
        match change.effect() {
            Effect::Add => Self::Missing,
            Effect::Change => Self::Different,
            Effect::Remove => Self::Extra,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Extra => "not declared",
            Self::Missing => "missing",
            Self::Different => "different",
        }
    }
}

/// A difference that a pull request has not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drifted {
    /// The target.
    pub target: String,
    /// How it differs.
    pub direction: Direction,
    /// What it is, in one line of text: the change that would mend it, or a sentence.
    pub what: String,
    /// Whether somebody can do more than is declared.
    pub widens: bool,
    /// Since when it has been seen.
    pub since: Option<Moment>,
    /// Who did it, where the system tells.
    pub by: Option<String>,
    /// Where the files say otherwise.
    pub declared: Option<Location>,
}

impl Drifted {
    /// The difference that a change would mend.
    #[must_use]
    pub fn of(target: &str, change: &Change, declared: Option<&Location>) -> Self {
        Self {
            target: target.to_owned(),
            direction: Direction::of(change),
            what: change.object().to_string(),
            widens: false,
            since: None,
            by: None,
            declared: declared.cloned(),
        }
    }
}

/// An approval that a plan needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// What needs it.
    pub what: String,
    /// Who can give it.
    pub who: String,
    /// How many of them have to.
    pub how_many: usize,
    /// Who has.
    pub given: Vec<String>,
}

impl Approval {
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.given.len() >= self.how_many
    }
}

/// A plan that no longer counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// Its digest.
    pub digest: String,
    /// The commit that it was made for.
    pub head: String,
    /// The page of its run.
    pub run_url: Option<String>,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was done.
    Applied {
        /// By which run.
        run: Run,
        /// How many changes were made.
        done: usize,
    },
    /// Some of it was done.
    Stopped {
        /// By which run.
        run: Run,
        /// How many changes were made.
        done: usize,
        /// How many failed.
        failed: usize,
        /// How many there are.
        of: usize,
        /// Why, in one sentence.
        why: String,
    },
    /// Nothing was done: it is no longer what was reviewed.
    Stale {
        /// The run that found it.
        run: Run,
        /// What moved, a line each.
        moved: Vec<String>,
    },
}

/// A sentence as Markdown that does nothing, whatever stands in it.
#[must_use]
pub fn sentence(text: &str) -> String {
    escape::said(text, 1_000)
}

/// The comment in at most `budget` bytes, where that is not less than [`BUDGET_MIN`].
#[must_use]
pub fn comment(comment: &Comment<'_>, budget: usize) -> String {
    let ladder = detail::ladder(comment, budget);
    let last = ladder.len().saturating_sub(1);
    let mut text = String::new();
    for (at, detail) in ladder.iter().enumerate() {
        text = page::page(comment, detail, if at == last { usize::MAX } else { budget });
        if text.len() <= budget {
            break;
        }
    }
    text
}
