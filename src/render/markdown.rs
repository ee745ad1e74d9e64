//! Text on its way into GitHub Markdown: nothing in it can end a cell, a fence or a paragraph, be
//! taken for a tag or a comment, or notify anybody.

use std::fmt::Write as _;

/// Keeps characters that begin a mention or a reference from touching what follows.
const APART: char = '\u{200b}';

/// Clean text within a paragraph, a list or a cell.
#[must_use]
pub fn text(clean: &str) -> String {
    let mut out = String::with_capacity(clean.len());
    let mut before = ' ';
    let mut begins = true;
    for c in clean.chars() {
        // What could begin a list, a line or a heading.
        if begins && "-+=.)".contains(c) {
            entity(&mut out, c);
        } else {
            escaped(&mut out, c);
        }
        begins &= c.is_ascii_digit() || c == ' ';
        // GitHub looks for mentions and references when entities are characters again.
        let refers = match c {
            '@' => !before.is_ascii_alphanumeric(),
            '#' => true,
            _ => false,
        };
        if refers {
            out.push(APART);
        }
        before = c;
    }
    unlinked(&out)
}

/// A clean name, set as code: nobody is mentioned from within code.
#[must_use]
pub fn code(clean: &str) -> String {
    let harmless = |c: char| c.is_alphanumeric() || " @._-+/:,=()'*#~$%!?…".contains(c);
    let edges = clean.starts_with(' ') || clean.ends_with(' ') || clean.is_empty();
    if clean.chars().all(harmless) && !edges {
        return format!("`{clean}`");
    }
    // Within backticks there are no entities, and a cell ends at a bar even there.
    let mut out = String::from("<code>");
    for c in clean.chars() {
        escaped(&mut out, c);
    }
    out.push_str("</code>");
    unlinked(&out)
}

/// Whoever can choose a name must not get a link into a comment that others trust.
fn unlinked(text: &str) -> String {
    text.replace("://", "&#58;//").replace("www.", "www&#46;")
}

fn escaped(out: &mut String, c: char) {
    match c {
        '\n' | '\r' => out.push(' '),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '@' | '!' | '$' | '{' | '}' | '^' => entity(out, c),
        c => out.push(c),
    }
}

fn entity(out: &mut String, c: char) {
    let _ = write!(out, "&#{};", c as u32);
}

/// Lines in a fence that none of them can close.
#[must_use]
pub fn fence(language: &str, lines: &[String]) -> String {
    let longest = lines.iter().map(|l| longest_run(l)).max().unwrap_or(0);
    let mark = "`".repeat(longest.max(2) + 1);
    let mut out = format!("{mark}{language}\n");
    for line in lines {
        // Comments are how a program finds its own comment again: nobody else writes them.
        out.push_str(&line.replace("<!--", "<! --").replace('\n', " "));
        out.push('\n');
    }
    out.push_str(&mark);
    out.push('\n');
    out
}

fn longest_run(line: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in line.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_only_text() {
        assert_eq!(text("plain, ada@acme.com."), "plain, ada&#64;acme.com.");
        assert_eq!(text("@org/team"), "&#64;\u{200b}org/team");
        assert_eq!(text("fixes #12"), "fixes &#35;\u{200b}12");
        assert_eq!(text("<!-- | `x` -->"), "&lt;&#33;-- &#124; &#96;x&#96; --&gt;");
        assert_eq!(text("http://a www.b"), "http&#58;//a www&#46;b");
        assert_eq!(text("- a"), "&#45; a");
        assert_eq!(text("12. a - b"), "12&#46; a - b");
        assert_eq!(text("1,204 (a)"), "1,204 (a)");
        assert_eq!(text("[a](b)"), "&#91;a&#93;(b)");
    }

    #[test]
    fn names_are_code() {
        assert_eq!(code("ada@acme.com"), "`ada@acme.com`");
        assert_eq!(code("a|b"), "<code>a&#124;b</code>");
        assert_eq!(code("`x`"), "<code>&#96;x&#96;</code>");
        assert_eq!(code("</code><script>"), "<code>&lt;/code&gt;&lt;script&gt;</code>");
        assert_eq!(code("a\\"), "<code>a&#92;</code>");
    }

    #[test]
    fn fences_hold() {
        assert_eq!(fence("diff", &["+ a".into()]), "```diff\n+ a\n```\n");
        assert_eq!(fence("", &["````".into()]), "`````\n````\n`````\n");
        assert_eq!(fence("", &["<!-- x".into()]), "```\n<! -- x\n```\n");
    }
}
