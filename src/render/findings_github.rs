//! Findings as workflow commands, which GitHub shows beside the lines of a pull request.

use super::clean;
use super::findings_json::place;
use crate::diagnostic::{Finding, Severity, SourceMap};

/// How many annotations GitHub shows of one step and kind (`shared/lessons.md`, section 1.3).
pub const SHOWN: usize = 10;

/// One line per finding, the worst first, and a last one that counts what is not shown.
#[must_use]
pub fn annotations(found: &[Finding], files: &SourceMap, prefix: &str) -> String {
    let mut order: Vec<&Finding> = found.iter().collect();
    order.sort_by_key(|f| f.severity);
    let mut out = String::new();
    for finding in order.iter().take(SHOWN) {
        let word = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = Vec::new();
        if let Some(at) = finding.primary.as_ref().map(|l| place(l, files)) {
            properties.push(format!("file={}", property(&format!("{prefix}{}", at.file))));
            properties.push(format!("line={}", at.line));
            properties.push(format!("col={}", at.column));
            properties.push(format!("endLine={}", at.end_line));
            if at.end_line == at.line {
                properties.push(format!("endColumn={}", at.end_column));
            }
        }
        properties.push(format!("title={}", property(finding.code.name())));
        let mut text = finding.message.clone();
        if let Some(help) = &finding.help {
            text.push('\n');
            text.push_str(help);
        }
        out.push_str(&format!("::{word} {}::{}\n", properties.join(","), data(&text)));
    }
    if order.len() > SHOWN {
        let more = order.len() - SHOWN;
        out.push_str(&format!("::notice title=rolecall::{more} more findings are in the log\n"));
    }
    out
}

/// Escapes the text of a command.
fn data(text: &str) -> String {
    clean(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
