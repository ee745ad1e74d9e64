//! Names and texts in one line, how wide they are, and how they are broken.

use super::clean;
pub use crate::diagnostic::thousands;

/// A name in one line: what cannot be seen is spelled out, line breaks among it.
#[must_use]
pub fn name(text: &str) -> String {
    clean(text).replace('\n', "<U+000A>")
}

/// A text that somebody wrote, in one line.
#[must_use]
pub fn prose(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    name(&words.join(" "))
}

/// The beginning of a text, with `…` where something is left out. Not for names: two of them could
/// then look the same.
#[must_use]
pub fn beginning(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if width(&kept) + columns_of(c) >= columns {
            break;
        }
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

/// How many columns a text takes in a terminal, nearly: scripts that are drawn wide count twice, and
/// marks over other characters not at all.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(c: char) -> usize {
    match c as u32 {
        0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x610..=0x61a | 0x64b..=0x65f => 0,
        0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// The text in lines of at most `room` columns, broken between words where that is possible.
#[must_use]
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(10);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for (index, word) in text.split(' ').enumerate() {
        let wide = width(word);
        if index > 0 {
            if used + 1 + wide <= room || used == 0 {
                push(&mut lines, ' ');
                used += 1;
            } else if used > 0 {
                lines.push(String::new());
                used = 0;
            }
        }
        for c in word.chars() {
            let columns = columns_of(c);
            if used + columns > room {
                lines.push(String::new());
                used = 0;
            }
            push(&mut lines, c);
            used += columns;
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

fn push(lines: &mut [String], c: char) {
    if let Some(line) = lines.last_mut() {
        line.push(c);
    }
}

/// A digest that people compare by eye: `sha256:4f1c92ab…`.
#[must_use]
pub fn short_digest(digest: &str) -> String {
    const SHOWN: usize = 8;
    let digest = name(digest);
    let start = digest.find(':').map_or(0, |colon| colon + 1);
    match digest.char_indices().nth(start + SHOWN) {
        Some((end, _)) => format!("{}…", digest.get(..end).unwrap_or(&digest)),
        None => digest,
    }
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_to_their_room() {
        assert_eq!(wrap("one two three four", 10), ["one two", "three four"]);
        assert_eq!(wrap("a  b", 20), ["a  b"]);
        assert_eq!(wrap(&"x".repeat(25), 10), ["x".repeat(10), "x".repeat(10), "x".repeat(5)]);
        assert_eq!(wrap("全角の名前は広い", 10), ["全角の名前", "は広い"]);
    }

    #[test]
    fn digests_and_lists() {
        assert_eq!(short_digest("sha256:4f1c92abdeadbeef"), "sha256:4f1c92ab…");
        assert_eq!(short_digest("short"), "short");
        assert_eq!(listed(&["a".into(), "b".into(), "c".into()]), "a, b and c");
        assert_eq!(beginning("abcdefgh", 5), "abcd…");
        assert_eq!(name("a\nb\u{1b}"), "a<U+000A>b<U+001B>");
        assert_eq!(prose(" two\n  lines "), "two lines");
    }
}
