//! Findings for people at a terminal: the line, the caret, what is wrong, what to do.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};

use super::clean::clean_in_place;
use super::mask::mask;
use super::{Style, clean, plural};
use crate::diagnostic::{FileId, Finding, Label, Severity, Source, SourceMap};

/// How many bytes of a line are shown around a place: a line can be a whole file.
const AROUND: usize = 160;

/// All findings, and a line that counts them.
#[must_use]
pub fn findings(found: &[Finding], files: &SourceMap, style: Style) -> String {
    let mut out = String::new();
    let mut pages: HashMap<FileId, Page<'_>> = HashMap::new();
    for finding in found {
        let labels = finding.primary.iter().chain(&finding.related);
        for label in labels {
            if let Some(source) = files.get(label.span.file) {
                pages.entry(label.span.file).or_insert_with(|| Page::new(source));
            }
        }
    }
    for finding in found {
        // The name of the rule takes the place of the icon: one line says how bad, which and what.
        let head = format!("{}[{}]:", finding.severity.word(), finding.code.name());
        let shown = Shown::new(finding, &pages);
        if handler(style, &head).render_report(&mut out, &shown).is_err() {
            // Writing to a string does not fail; a place that cannot be shown is still said.
            let _ = writeln!(out, "{}: {}", finding.severity.word(), clean(&finding.message));
        }
        for place in &shown.elsewhere {
            let _ = handler(style, "and:").render_report(&mut out, place);
        }
        while out.ends_with("\n\n") {
            out.pop();
        }
        out.push('\n');
    }
    out.push_str(&summary(found));
    // The handler fills lines with spaces up to a label; nobody needs those at the end.
    let mut trimmed: String = out.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    if found.is_empty() {
        trimmed.clear();
    }
    trimmed
}

/// A handler with `head` in the place of the icon.
fn handler(style: Style, head: &str) -> GraphicalReportHandler {
    let mut theme = if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    head.clone_into(&mut theme.characters.error);
    head.clone_into(&mut theme.characters.warning);
    head.clone_into(&mut theme.characters.advice);
    GraphicalReportHandler::new_themed(theme).with_width(style.width).with_links(false)
}

/// `2 errors, 1 warning`.
#[must_use]
pub fn summary(found: &[Finding]) -> String {
    let count = |severity| found.iter().filter(|f| f.severity == severity).count();
    let parts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")]
        .into_iter()
        .filter(|(severity, _)| count(*severity) > 0)
        .map(|(severity, word)| plural(count(severity), word))
        .collect();
    parts.join(", ")
}

/// A file as the handler reads it: without secrets, and without what cannot be seen.
#[derive(Debug)]
struct Page<'a> {
    source: &'a Source,
    text: Cow<'a, str>,
}

impl<'a> Page<'a> {
    fn new(source: &'a Source) -> Self {
        let text = match mask(&source.text) {
            Cow::Borrowed(text) => clean_in_place(text),
            Cow::Owned(text) => Cow::Owned(clean_in_place(&text).into_owned()),
        };
        Self { source, text }
    }

    /// The nearest character boundary at or before a byte.
    fn floor(&self, byte: usize) -> usize {
        self.text.floor_char_boundary(byte.min(self.text.len()))
    }
}

impl SourceCode for Page<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let starts = self.source.line_starts();
        let (from, to) = (span.offset(), (span.offset() + span.len()).min(self.text.len()));
        if from > self.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let line_of = |byte: usize| starts.partition_point(|&s| s as usize <= byte).saturating_sub(1);
        let end_of = |line: usize| starts.get(line + 1).map_or(self.text.len(), |&s| s as usize);
        let first = line_of(from).saturating_sub(before);
        let last = (line_of(to.saturating_sub(1).max(from)) + after).min(starts.len().saturating_sub(1));
        let mut start = if before == 0 { from } else { starts.get(first).map_or(0, |&s| s as usize) };
        let mut end = if after == 0 { to } else { end_of(last) };
        let mut line = if before == 0 { line_of(from) } else { first };
        if from.saturating_sub(start) > AROUND {
            start = self.floor(from - AROUND / 2);
            line = line_of(start);
        }
        if end.saturating_sub(to) > AROUND {
            end = self.floor(to + AROUND / 2);
        }
        let column = self.text.get(starts.get(line).map_or(0, |&s| s as usize)..start).map_or(0, |t| t.chars().count());
        let data = self.text.as_bytes().get(start..end.max(start)).unwrap_or_default();
        let lines = data.iter().filter(|b| **b == b'\n').count() + 1;
        let shown: SourceSpan = (start, data.len()).into();
        Ok(Box::new(MietteSpanContents::new_named(
            clean(&self.source.path).replace('\n', "<U+000A>"),
            data,
            shown,
            line,
            column,
            lines,
        )))
    }
}

/// A finding as the handler reads it.
struct Shown<'a> {
    finding: &'a Finding,
    message: String,
    page: Option<&'a Page<'a>>,
    labels: Vec<LabeledSpan>,
    elsewhere: Vec<Elsewhere<'a>>,
}

/// A place in another file than the finding's own.
struct Elsewhere<'a> {
    page: &'a Page<'a>,
    text: String,
    label: LabeledSpan,
}

impl<'a> Shown<'a> {
    fn new(finding: &'a Finding, pages: &'a HashMap<FileId, Page<'a>>) -> Self {
        let file = finding.primary.as_ref().map(|l| l.span.file);
        let page = file.and_then(|f| pages.get(&f));
        let mut labels = Vec::new();
        let mut elsewhere = Vec::new();
        for label in finding.primary.iter().chain(&finding.related) {
            if Some(label.span.file) == file {
                labels.push(labelled(label, page, labels.is_empty()));
            } else if let Some(page) = pages.get(&label.span.file) {
                let text = clean(&label.text).into_owned();
                elsewhere.push(Elsewhere {
                    page,
                    text,
                    label: labelled(&Label { span: label.span, text: String::new() }, Some(page), true),
                });
            }
        }
        Self { finding, message: clean(&finding.message).into_owned(), page, labels, elsewhere }
    }
}

/// The first line of a place is enough for a caret.
fn labelled(label: &Label, page: Option<&Page<'_>>, primary: bool) -> LabeledSpan {
    let (start, end) = (label.span.start as usize, label.span.end.max(label.span.start) as usize);
    let whole = page.and_then(|p| p.text.get(start..end)).unwrap_or("");
    let first = whole.split(['\n', '\r']).next().unwrap_or("");
    let length = if first.len() > AROUND { page.map_or(0, |p| p.floor(start + AROUND) - start) } else { first.len() };
    let text = (!label.text.is_empty()).then(|| clean(&label.text).into_owned());
    let span = SourceSpan::new(start.into(), length);
    if primary { LabeledSpan::new_primary_with_span(text, span) } else { LabeledSpan::new_with_span(text, span) }
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.finding.help.as_ref().map(|h| Box::new(clean(h)) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.page.map(|p| p as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.page.map(|_| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

impl std::fmt::Debug for Elsewhere<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::fmt::Display for Elsewhere<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Elsewhere<'_> {}

impl Diagnostic for Elsewhere<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.page)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(self.label.clone())))
    }
}
