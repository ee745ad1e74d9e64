//! What a run leaves for the steps after it and for whoever looks at its page: outputs, summary, workflow
//! commands. Everything goes through a writer that the caller has opened.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};

use crate::diagnostic::{Finding, SourceMap};
use crate::render::findings_github;

/// So many bytes all summaries of a step may have; GitHub drops them altogether when there are more.
pub const SUMMARY_LIMIT: usize = 1024 * 1024;

/// Writes an output of the step to the file that `GITHUB_OUTPUT` names. The end of the value is a word that
/// nobody can guess and that does not occur in it, so that no value can begin another output.
///
/// # Errors
/// When it cannot be written, or the name is none.
pub fn output(to: &mut dyn Write, name: &str, value: &str) -> io::Result<()> {
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if !is_name {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the name of an output is letters, digits, - and _"));
    }
    let end = unused(value);
    write!(to, "{name}<<{end}\n{value}\n{end}\n")
}

/// Appends to the summary of the step, in the file that `GITHUB_STEP_SUMMARY` names. `used` is how many bytes
/// it has already; what does not fit whole is not written, and the answer is `false`.
///
/// # Errors
/// When it cannot be written.
pub fn summary(to: &mut dyn Write, used: usize, markdown: &str) -> io::Result<bool> {
    if used.saturating_add(markdown.len()).saturating_add(1) > SUMMARY_LIMIT {
        return Ok(false);
    }
    writeln!(to, "{markdown}")?;
    Ok(true)
}

/// Has the runner hide a text in its log from now on, line by line.
///
/// # Errors
/// When it cannot be written.
pub fn mask(to: &mut dyn Write, secret: &str) -> io::Result<()> {
    for line in secret.lines().filter(|l| !l.trim().is_empty()) {
        writeln!(to, "::add-mask::{}", line.replace('%', "%25").replace('\r', "%0D"))?;
    }
    Ok(())
}

/// Findings as annotations: the ten worst, and how many are withheld.
///
/// # Errors
/// When it cannot be written.
pub fn annotations(to: &mut dyn Write, found: &[Finding], files: &SourceMap, prefix: &str) -> io::Result<()> {
    to.write_all(findings_github::annotations(found, files, prefix).as_bytes())
}

/// Writes a text to the log in which lines that look like workflow commands are not.
///
/// # Errors
/// When it cannot be written.
pub fn plain(to: &mut dyn Write, text: &str) -> io::Result<()> {
    // The runner looks for commands at the beginning of a line, after blanks, and in an old spelling anywhere.
    if !text.contains("::") && !text.contains("##[") {
        return to.write_all(text.as_bytes());
    }
    let end = unused(text);
    let line_end = if text.ends_with('\n') { "" } else { "\n" };
    write!(to, "::stop-commands::{end}\n{text}{line_end}::{end}::\n")
}

/// A word that does not occur in a text and that its author could not know.
fn unused(text: &str) -> String {
    loop {
        // Every `RandomState` has a seed of its own.
        let word = || RandomState::new().hash_one(text);
        let word = format!("rolecall_{:016x}{:016x}", word(), word());
        if !text.contains(&word) {
            return word;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(f: impl Fn(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        f(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_value_begins_another_output() {
        let value = "x\nEOF\nrolecall_\nblocked=false\nblocked<<EOF\nfalse\nEOF";
        let text = written(|w| output(w, "digest", value));
        let again = written(|w| output(w, "digest", value));
        let end = text.lines().next().unwrap().strip_prefix("digest<<").unwrap();
        assert_eq!(text, format!("digest<<{end}\n{value}\n{end}\n"));
        assert_ne!(text, again, "the end cannot be known before");
        assert!(end.len() > 40);
        for bad in ["", "a\nb", "a=b", "a<<b"] {
            assert!(output(&mut Vec::new(), bad, "x").is_err());
        }
    }

    #[test]
    fn a_summary_is_whole_or_not_there() {
        let mut out = Vec::new();
        assert!(summary(&mut out, 0, &"x".repeat(SUMMARY_LIMIT - 1)).unwrap());
        assert_eq!(out.len(), SUMMARY_LIMIT);
        assert!(!summary(&mut out, SUMMARY_LIMIT, "").unwrap());
        assert!(!summary(&mut out, 0, &"x".repeat(SUMMARY_LIMIT)).unwrap());
        assert_eq!(out.len(), SUMMARY_LIMIT);
    }

    #[test]
    fn secrets_and_commands() {
        assert_eq!(written(|w| mask(w, "one%\n\ntwo")), "::add-mask::one%25\n::add-mask::two\n");
        assert_eq!(written(|w| plain(w, "a plan\n")), "a plan\n");
        let text = written(|w| plain(w, "x\n::add-mask::a\n::error::b"));
        let word = text.lines().next().unwrap().strip_prefix("::stop-commands::").unwrap();
        assert_eq!(text, format!("::stop-commands::{word}\nx\n::add-mask::a\n::error::b\n::{word}::\n"));
    }
}
