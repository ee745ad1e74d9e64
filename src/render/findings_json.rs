//! Findings for programs: `schemas/diagnostics.schema.json`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnostic::{Finding, Label, Severity, SourceMap};

/// The name and version of the format.
pub const FORMAT: &str = "rolecall.diagnostics/1";

/// Everything that was found in one run.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiagnosticsDocument {
    /// `rolecall.diagnostics/1`. Later minor changes only add keys.
    pub format: String,
    /// The way from the folder in which the program ran to that of `rolecall.yaml`, with a `/` at its end: put
    /// in front of a file, it names it from there, as SARIF and GitHub annotations do. Empty where both are
    /// the same, or where the program ran elsewhere.
    #[serde(default)]
    pub below: String,
    /// How many findings of each severity there are.
    pub summary: Summary,
    /// The findings, by file and position.
    pub findings: Vec<FindingDocument>,
}

/// How many findings of each severity there are.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Findings that stop everything.
    pub errors: usize,
    /// Findings that `--strict` makes errors.
    pub warnings: usize,
    /// Findings for information.
    pub notes: usize,
}

/// One finding.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingDocument {
    /// The stable name of this kind of finding.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where it is, unless it belongs to no place in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceDocument>,
    /// Other places that belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<PlaceDocument>,
}

/// A place in a file. Lines and columns are counted from 1, columns in characters.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceDocument {
    /// The file, relative to the folder of `rolecall.yaml`, with `/` between folders.
    pub file: String,
    /// The first line.
    pub line: u32,
    /// The first column.
    pub column: u32,
    /// The last line.
    pub end_line: u32,
    /// The column after the last character.
    pub end_column: u32,
    /// What this place has to do with the finding.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// The document for some findings. `below` is the way to the folder of `rolecall.yaml` from where the program
/// runs, with a `/` at its end, or nothing.
#[must_use]
pub fn document(found: &[Finding], files: &SourceMap, below: &str) -> DiagnosticsDocument {
    let count = |severity| found.iter().filter(|f| f.severity == severity).count();
    DiagnosticsDocument {
        format: FORMAT.to_owned(),
        below: below.to_owned(),
        summary: Summary {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
        },
        findings: found
            .iter()
            .map(|f| FindingDocument {
                code: f.code.name().to_owned(),
                severity: f.severity,
                message: f.message.clone(),
                help: f.help.clone(),
                place: f.primary.as_ref().map(|l| place(l, files)),
                related: f.related.iter().map(|l| place(l, files)).collect(),
            })
            .collect(),
    }
}

/// A place as lines and columns.
#[must_use]
pub fn place(label: &Label, files: &SourceMap) -> PlaceDocument {
    let start = files.position(label.span);
    let end = files.get(label.span.file).map_or(start, |s| s.position(label.span.end.max(label.span.start)));
    PlaceDocument {
        file: files.path(label.span.file).to_owned(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        text: label.text.clone(),
    }
}
