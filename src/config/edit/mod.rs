//! Edits of files that people write: every byte that an edit is not about stays as it is.

mod text;
mod tree;
mod value;

pub use text::{append_item, insert, put, remove_entry, remove_item, replace};
pub use tree::{Found, Id, Shape, Tree};
pub use value::Value;

use super::document::{Document, Type};
use crate::diagnostic::{FileId, Sink};

/// A text as one value on a line: bare where nothing in it means anything to YAML, else in double quotes.
#[must_use]
pub fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@._%+-/".contains(c);
    let begins = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    // What reads as something else, in YAML 1.1 too, is quoted.
    let word =
        ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if begins && !word && text.chars().all(plain) { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// The same, and names with a target before them are bare: `home:admin`.
#[must_use]
pub fn word(text: &str) -> String {
    let parts: Vec<&str> = text.split(':').collect();
    let plain = |part: &&str| !part.is_empty() && scalar(&format!("x{part}")) == format!("x{part}");
    match parts.as_slice() {
        [target, name] if plain(target) && plain(name) && scalar(target) == *target => text.to_owned(),
        _ => scalar(text),
    }
}

/// The text with one more item at the end of a list that is a section of the file and has a line for each of
/// its items; nothing where the file has no such list, or writes it in another way.
#[must_use]
pub fn append(text: &str, section: &str, item: &str) -> Option<String> {
    let document = Document::parse(FileId(0), text, &mut Sink::default())?;
    let list = document.root()?.get(section).filter(|l| l.kind() == Type::List)?;
    let (count, last) = (list.items()?.len(), list.items()?.last()?);
    let line = |byte: usize| text[..byte].rfind('\n').map_or(0, |at| at + 1);
    // `  - ` before the item, and nothing else: not a list in brackets.
    let begin = last.span().start as usize;
    let before = &text[line(begin)..begin];
    let indent = before.strip_suffix("- ").filter(|i| i.chars().all(|c| c == ' '))?;
    // A text in block style ends where the next line begins.
    let end = begin + text[begin..last.span().end as usize].trim_end().len();
    let at = text[end..].find('\n').map_or(text.len(), |n| end + n + 1);
    let mut edited = text[..at].to_owned();
    if !edited.ends_with('\n') {
        edited.push('\n');
    }
    edited.push_str(&format!("{indent}- {item}\n"));
    edited.push_str(&text[at..]);
    // Read again: what ends otherwise than it seems is left to a person.
    let again = Document::parse(FileId(0), &edited, &mut Sink::default())?;
    let there = again.root()?.get(section)?.items()?.len();
    (there == count + 1).then_some(edited)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_added_and_nothing_else_moves() {
        let text = "# who\nblocks: # now\n    - {user: a@b.c} # gone\n    # more\n\nusers: {}\n";
        let edited = append(text, "blocks", "{user: d@e.f}").unwrap();
        assert_eq!(
            edited,
            "# who\nblocks: # now\n    - {user: a@b.c} # gone\n    - {user: d@e.f}\n    # more\n\nusers: {}\n"
        );
        let long = "blocks:\n- user: a@b.c\n  because: |\n    one\n    two\nusers: {}";
        let edited = append(long, "blocks", "{user: d@e.f}").unwrap();
        assert_eq!(edited, "blocks:\n- user: a@b.c\n  because: |\n    one\n    two\n- {user: d@e.f}\nusers: {}");
        assert_eq!(append("blocks:\n  - {user: a@b.c}", "blocks", "x").unwrap(), "blocks:\n  - {user: a@b.c}\n  - x\n");
        for other in ["blocks: [{user: a@b.c}]\n", "blocks: []\n", "users: {}\n", "", "blocks:\n", "blocks: [\n  x]\n"]
        {
            assert_eq!(append(other, "blocks", "x"), None, "{other}");
        }
    }

    #[test]
    fn scalars_are_read_as_what_they_are() {
        for text in
            ["ada@acme.com", "a#b@x.y", "*x@y.z", "INC-77: leak", "yes", "12:30", "", "a\"b\\", "line\nbreak", "ünï"]
        {
            let document = format!("k: {{v: {}}}\n", scalar(text));
            let read: serde_json::Value = serde_yaml::from_str(&document).unwrap();
            assert_eq!(read["k"]["v"], text, "{document}");
        }
        assert_eq!(scalar("ada@acme.com"), "ada@acme.com");
    }
}
