//! One file per format, all from the same findings, plans and reports.

mod clean;
pub mod describe;
pub mod findings_github;
pub mod findings_human;
pub mod findings_json;
pub mod findings_sarif;
pub mod history_terminal;
pub mod plan_json;
pub mod plan_markdown;
pub mod plan_terminal;
pub mod report_terminal;
pub mod schemas;

pub use clean::{clean, plural};

/// How a terminal wants to be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are wanted.
    pub color: bool,
    /// How many columns there are.
    pub width: usize,
}
