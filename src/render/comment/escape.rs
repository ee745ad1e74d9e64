//! Text that anybody may have written, on its way into a comment that others trust: names are code, and so
//! is every word of a sentence that is more than a word. In code GitHub mentions nobody and links nothing.

use super::super::markdown;
use super::super::text::{name, prose};

/// Keeps what would be taken for an address from being one, where it cannot stand between backticks.
const APART: char = '\u{200b}';

/// A name as code, cut after `most` characters: what is cut off is counted, so that two long names do not
/// pass for one.
#[must_use]
pub fn named(text: &str, most: usize) -> String {
    code(&cut(&name(text), most))
}

/// A sentence cut after `most` characters. Whatever stands between its backticks is code, and every word in
/// it that is not made of letters alone or a small number: addresses, paths, hashes, `#1`, `GH-1`, `@team`.
#[must_use]
pub fn said(text: &str, most: usize) -> String {
    let text = cut(&prose(text), most);
    let parts: Vec<&str> = text.split('`').collect();
    // Without an end, a backtick is only a sign.
    if parts.len().is_multiple_of(2) {
        return words(&text);
    }
    let part = |(at, part): (usize, &&str)| match at % 2 {
        0 => words(part),
        _ if part.is_empty() => String::new(),
        _ => code(part),
    };
    let mut out = String::new();
    for piece in parts.iter().enumerate().map(part) {
        // Two runs of backticks that touch would be one.
        if out.ends_with('`') && piece.starts_with('`') {
            out.push(' ');
        }
        out.push_str(&piece);
    }
    out
}

fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            out.push(' ');
        }
        out.push_str(&one(word, at == 0));
    }
    out
}

fn one(word: &str, first: bool) -> String {
    let start = word.trim_start_matches(['(', '"', '\'']);
    let core = start.trim_end_matches(['.', ',', ';', ':', ')', '!', '?', '"', '\'']);
    let lead = word.get(..word.len() - start.len()).unwrap_or_default();
    let tail = start.get(core.len()..).unwrap_or_default();
    // Numbers at the beginning can begin a list.
    let listed = first && core.starts_with(|c: char| c.is_ascii_digit()) && tail.starts_with(['.', ')']);
    match core {
        "" => format!("{lead}{tail}"),
        _ if is_plain(core) && !listed => word.to_owned(),
        _ => format!("{lead}{}{tail}", code(core)),
    }
}

/// Whether a word is only a word, or a number too small for a commit.
fn is_plain(word: &str) -> bool {
    const SIGNS: [&str; 8] = ["·", "—", "–", "→", "…", "≤", "≥", "✓"];
    if SIGNS.contains(&word) {
        return true;
    }
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let number = word.strip_suffix('%').unwrap_or(word);
    if digits > 0 {
        let numeric = number.bytes().all(|b| b.is_ascii_digit() || b == b',' || b == b'.');
        return numeric && digits < 7 && number.starts_with(|c: char| c.is_ascii_digit()) && !number.contains("..");
    }
    // GitHub takes seven letters from a to f for the beginning of a commit.
    if word.len() >= 7 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return false;
    }
    let inner = |c: char| matches!(c, '\'' | '’' | '-');
    let edges = word.starts_with(char::is_alphabetic) && word.ends_with(char::is_alphabetic);
    edges && word.chars().all(|c| c.is_alphabetic() || inner(c)) && !word.contains("--")
}

/// Clean text as code.
fn code(clean: &str) -> String {
    if clean.is_empty() {
        return "`(empty)`".to_owned();
    }
    let set = markdown::code(clean);
    // Within the tag, GitHub still looks for e-mail addresses.
    if set.starts_with('<') { set.replace("&#64;", &format!("&#64;{APART}")) } else { set }
}

/// Clean text without its end, where it is longer than `most` characters.
#[must_use]
pub fn cut(clean: &str, most: usize) -> String {
    match clean.char_indices().nth(most) {
        Some((at, _)) => {
            let (kept, rest) = clean.split_at(at);
            format!("{}…+{}", kept.trim_end(), rest.chars().count())
        }
        None => clean.to_owned(),
    }
}

/// A link to a page of the repository; plain where there is no address, or one that lies elsewhere.
#[must_use]
pub fn link(shown: &str, url: Option<&str>, repository: Option<&str>) -> String {
    let is_web = |r: &&str| r.starts_with("https://") || r.starts_with("http://");
    let repository = repository.map(|r| r.trim_end_matches('/')).filter(is_web);
    let below = |u: &&str| repository.is_some_and(|r| u.strip_prefix(r).is_some_and(|rest| rest.starts_with('/')));
    match url.filter(below) {
        Some(url) => format!("[{shown}]({})", address(url)),
        None => shown.to_owned(),
    }
}

/// An address of which nothing ends the link around it.
fn address(url: &str) -> String {
    let keeps = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#@!$&'*+,;=%".contains(&b);
    url.bytes().map(|b| if keeps(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A path within an address: nothing of it can begin a query or leave its folder.
#[must_use]
pub fn path(text: &str) -> String {
    let keeps = |b: u8| b.is_ascii_alphanumeric() || b"-_~/".contains(&b) || b == b'.';
    let encoded = |part: &str| -> String {
        if part == "." || part == ".." {
            return part.replace('.', "%2E");
        }
        part.bytes().map(|b| if keeps(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
    };
    text.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_words_and_everything_else_is_code() {
        for (text, set) in [
            ("Only 1 of 1,204 people (5%) keep it.", "Only 1 of 1,204 people (5%) keep it."),
            ("ask ana@acme.io, please", "ask `ana@acme.io`, please"),
            ("@acme/owners: fixes #12", "`@acme/owners`: fixes `#12`"),
            ("GH-1 and acme/x#2 at 0123456", "`GH-1` and `acme/x#2` at `0123456`"),
            ("a defaced wall, deadbeef", "a `defaced` wall, `deadbeef`"),
            ("see (https://evil.example/)", "see (`https://evil.example/`)"),
            ("run `rolecall plan` or ``", "run `rolecall plan` or "),
            ("1. first", "`1`. first"),
            ("www.evil.example", "`www.evil.example`"),
            ("- x * y", "`-` x `*` y"),
            ("a `b", "a <code>&#96;b</code>"),
            ("ana's well-known --accept loss=2", "ana's well-known `--accept` `loss=2`"),
        ] {
            assert_eq!(said(text, 400), set);
        }
    }

    #[test]
    fn what_is_long_is_cut_and_counted() {
        assert_eq!(named(&"x".repeat(50), 10), "`xxxxxxxxxx…+40`");
        assert_eq!(named("", 10), "`(empty)`");
        assert_eq!(
            said("one two three", 7),
            "one two `…+6`".replace(" `…+6`", "`…+6`").replace("two`", "`two").as_str()
        );
    }

    #[test]
    fn links_are_ours() {
        let home = Some("https://github.com/a/b");
        let url = |u| link("run", Some(u), home);
        assert_eq!(url("https://github.com/a/b/c=(d) e"), "[run](https://github.com/a/b/c=%28d%29%20e)");
        for other in
            ["javascript:alert(1)", "https://evil.example/", "https://github.com/a/bc", "https://github.com/a/b"]
        {
            assert_eq!(url(other), "run");
        }
        assert_eq!(link("run", Some("javascript:x/y"), Some("javascript:x")), "run");
        assert_eq!(path("../a b/c?d#e/..x"), "%2E%2E/a%20b/c%3Fd%23e/..x");
    }
}
