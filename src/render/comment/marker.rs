//! The first line of what rolecall writes at GitHub: how it finds its own comment or issue again. Nothing in
//! it is believed: who can edit a comment can edit its first line.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Longer keys than this, in bytes, stand as their SHA-256.
const KEY_MAX: usize = 200;

/// What a marker stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The comment of a plan.
    Plan,
    /// The issue of drift.
    Drift,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Plan => "<!-- rolecall:plan v1 ",
            Self::Drift => "<!-- rolecall:drift v1 ",
        }
    }
}

/// The line, without its end. `facts` are for people who look behind the page.
#[must_use]
pub fn line(kind: Kind, key: &str, facts: &[(&str, &str)]) -> String {
    let mut object = serde_json::Map::from_iter([("key".to_owned(), json!(short(key)))]);
    object.extend(facts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    format!("{}{} -->", kind.prefix(), harmless(&Value::Object(object).to_string()))
}

/// Whether a text begins with the marker of this key.
#[must_use]
pub fn is(kind: Kind, key: &str, text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default().trim_end();
    let object = first.strip_prefix(kind.prefix()).and_then(|rest| rest.strip_suffix(" -->"));
    let object = object.and_then(|o| serde_json::from_str::<Value>(o).ok());
    object.is_some_and(|o| o["key"] == short(key))
}

fn short(key: &str) -> String {
    if key.len() <= KEY_MAX {
        return key.to_owned();
    }
    let bytes = Sha256::digest(key);
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}

/// JSON in which nothing ends a comment of HTML, and nothing is invisible.
fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        let plain = (' '..='~').contains(&c) && !matches!(c, '<' | '>' | '&') && !(c == '-' && out.ends_with('-'));
        if plain {
            out.push(c);
        } else {
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_found_again_and_cannot_be_left() {
        let long = "x".repeat(300);
        for key in ["rolecall.yaml", "a-->b<!--c--", "ü\u{202e}\n\"\\", &long, ""] {
            let line = line(Kind::Plan, key, &[("digest", "sha256:4f")]);
            assert!(is(Kind::Plan, key, &format!("{line}\n### x")), "{line}");
            assert!(!is(Kind::Drift, key, &line) && !is(Kind::Plan, "other", &line));
            let inner = &line[4..line.len() - 3];
            assert!(!inner.contains("--") && !inner.contains('>') && inner.is_ascii() && !inner.contains('\n'));
        }
        assert!(!is(Kind::Plan, "", "### x"));
        assert!(!is(Kind::Plan, "k", "text <!-- rolecall:plan v1 {\"key\":\"k\"} -->"));
        assert!(!is(Kind::Plan, "k", "<!-- rolecall:plan v1 {\"key\":7} -->"));
    }
}
