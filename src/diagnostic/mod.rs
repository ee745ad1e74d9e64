//! Findings: what is wrong, where, and what to do about it.
//!
//! A check pushes a [`Finding`] into a [`Sink`] and goes on; nothing stops at the first one. What a
//! finding is about is not known here: codes are in [`code`], files and positions in [`source`].

mod code;
mod source;
mod words;

pub use code::Code;
pub use source::{FileId, Location, Position, Source, SourceMap, Span};
pub use words::thousands;

use schemars::JsonSchema;
use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Nothing goes on until it is mended.
    Error,
    /// Work goes on; `--strict` makes it an error.
    Warning,
    /// Said for information only.
    Note,
}

impl Severity {
    /// The word that people see.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A place in a file and what it has to do with the finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The bytes meant.
    pub span: Span,
    /// What they have to do with it; may be empty for the primary place.
    pub text: String,
}

/// One thing that is wrong or worth saying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The stable name of this kind of finding.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in the user's words: a fragment in lower case without a full stop.
    pub message: String,
    /// Where: the caret. A finding about no file (a guard, a live object) has none.
    pub primary: Option<Label>,
    /// Other places that belong to it, such as the first of two duplicates.
    pub related: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
}

impl Finding {
    /// A finding at `span` with the code's own severity.
    #[must_use]
    pub fn at(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            primary: Some(Label { span, text: String::new() }),
            related: Vec::new(),
            help: None,
        }
    }

    /// A finding that belongs to no place in a file.
    #[must_use]
    pub fn nowhere(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            primary: None,
            related: Vec::new(),
            help: None,
        }
    }

    /// Writes `text` beside the caret.
    #[must_use]
    pub fn labelled(mut self, text: impl Into<String>) -> Self {
        if let Some(label) = &mut self.primary {
            label.text = text.into();
        }
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label { span, text: text.into() });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Overrides the severity of the code.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

/// Collects every finding of a run.
#[derive(Debug, Default)]
pub struct Sink {
    findings: Vec<Finding>,
    /// How many findings were dropped because [`Sink::LIMIT`] was reached.
    dropped: usize,
}

impl Sink {
    /// How many findings one run keeps: a file with a million mistakes needs no million carets.
    pub const LIMIT: usize = 10_000;

    /// An empty sink.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps `finding`.
    pub fn push(&mut self, finding: Finding) {
        if self.findings.len() < Self::LIMIT {
            self.findings.push(finding);
        } else {
            self.dropped += 1;
        }
    }

    /// Takes over everything from another sink.
    pub fn append(&mut self, other: Self) {
        self.dropped += other.dropped;
        for finding in other.findings {
            self.push(finding);
        }
    }

    /// Whether a finding of severity [`Severity::Error`] was pushed.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.dropped > 0 || self.findings.iter().any(|f| f.severity == Severity::Error)
    }

    /// The errors so far.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.severity == Severity::Error)
    }

    /// How many findings have been pushed, dropped ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.findings.len() + self.dropped
    }

    /// Whether nothing was pushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes every warning an error (`--strict`).
    pub fn make_strict(&mut self) {
        for finding in &mut self.findings {
            if finding.severity == Severity::Warning {
                finding.severity = Severity::Error;
            }
        }
    }

    /// Everything found, ordered by file, then position, then severity and message; findings
    /// without a place come last. `files` gives the order of the files.
    #[must_use]
    pub fn into_sorted(mut self, files: &SourceMap) -> Vec<Finding> {
        self.findings.sort_by(|a, b| {
            let place = |f: &Finding| f.primary.as_ref().map(|l| (files.path(l.span.file).to_owned(), l.span.start));
            match (place(a), place(b)) {
                (Some(x), Some(y)) => x.cmp(&y),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => std::cmp::Ordering::Equal,
            }
            .then_with(|| a.severity.cmp(&b.severity))
            .then_with(|| a.message.cmp(&b.message))
        });
        self.findings.dedup();
        if self.dropped > 0 {
            let text = format!("{} more findings are not shown", self.dropped);
            self.findings.push(
                Finding::nowhere(Code::TooManyFindings, text)
                    .help("mend the ones above first: many of the rest usually have the same cause"),
            );
        }
        self.findings
    }
}
