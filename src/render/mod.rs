//! One file per format, all from the same findings, plans and reports.

pub mod access;
pub mod access_json;
pub mod access_terminal;
pub mod besides;
pub mod blame_json;
pub mod blame_terminal;
pub mod catalogue;
pub mod catalogue_json;
pub mod changes;
mod clean;
pub mod comment;
mod describe;
mod describe_records;
mod detail;
pub mod drift_adopt;
pub mod drift_json;
pub mod drift_markdown;
mod drift_parts;
pub mod drift_terminal;
pub mod findings_github;
pub mod findings_human;
pub mod findings_json;
pub mod findings_sarif;
pub mod history_json;
pub mod history_terminal;
pub mod markdown;
mod mask;

pub mod order_text;
mod paint;
pub mod plan_json;
pub mod plan_markdown;
pub mod plan_parts;
pub mod plan_terminal;
pub mod report_terminal;
pub mod review_csv;
pub mod review_json;
pub mod review_markdown;
pub mod review_terminal;
pub mod rules_json;
pub mod rules_terminal;
pub mod schemas;
pub mod tests_terminal;
pub mod text;

#[cfg(test)]
mod tests;

pub use clean::{clean, plural};
pub use describe::{describe, sign, why};
pub use detail::{DetailLine, details};

/// How a terminal wants to be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are wanted.
    pub color: bool,
    /// How many columns there are.
    pub width: usize,
}
