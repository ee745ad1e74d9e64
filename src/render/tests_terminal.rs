//! What became of the access tests, for people at a terminal.

use super::access_json::{State, TestEntry};
use super::paint::{Row, Tone, paint};
use super::text::{listed, name, prose, thousands};
use super::{Style, findings_human};
use crate::access::Outcome;
use crate::diagnostic::{Finding, SourceMap};

/// A line for each test, then each failure with its place and path, then how many there are.
#[must_use]
pub fn tests(state: State, entries: &[TestEntry], findings: &[Finding], files: &SourceMap, style: Style) -> String {
    let mut out = String::new();
    for entry in entries {
        let (word, tone) = match entry.outcome {
            Outcome::Passed => ("ok     ", Tone::Good),
            Outcome::Failed => ("FAILED ", Tone::Alarm),
            Outcome::Unknown => ("UNKNOWN", Tone::Alarm),
        };
        let several = entry.targets.len() > 1;
        let targets: Vec<String> = entry.targets.iter().map(|t| name(&t.target)).collect();
        let within = if several { format!(" (in {})", listed(&targets)) } else { String::new() };
        let text = format!("{word}  {}{within}", prose(&entry.claim));
        let row = Row { tone, head: Some(word.len()), hang: 9, place: Some(&entry.declared), ..Row::plain(0, &text) };
        row.draw(&mut out, style);
    }
    if !findings.is_empty() {
        out.push('\n');
        let drawn = findings_human::findings(findings, files, style);
        // The findings count themselves in their last line; the tests are counted below.
        let kept = drawn.trim_end().rfind('\n').map_or(0, |end| end + 1);
        out.push_str(drawn.get(..kept).unwrap_or(&drawn));
    }
    if entries.is_empty() {
        out.push_str("There are no access tests. Write some under `tests:`.\n");
        return out;
    }
    let failed = entries.iter().filter(|e| e.outcome != Outcome::Passed).count();
    let word = if entries.len() == 1 { "access test" } else { "access tests" };
    let counts = match failed {
        0 => "all hold".to_owned(),
        n => format!("{} held, {} failed", thousands(entries.len() - n), thousands(n)),
    };
    let text = format!("{} {word}, {}: {counts}", thousands(entries.len()), state.words());
    if findings.is_empty() {
        out.push('\n');
    }
    out.push_str(&paint(&text, Tone::Heading, style));
    out.push('\n');
    out
}
