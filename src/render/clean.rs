//! Text from files and systems on its way to a terminal or a page.

use std::borrow::Cow;

use crate::model::is_invisible;

/// The text with what cannot be seen spelled out, so that no name can recolour a terminal, hide a
/// line or turn its direction. Lines stay lines.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    let odd = |c: char| c != '\n' && is_invisible(c);
    if !text.chars().any(odd) {
        return Cow::Borrowed(text);
    }
    let spell = |c: char| if odd(c) { format!("<U+{:04X}>", c as u32) } else { c.to_string() };
    Cow::Owned(text.chars().map(spell).collect())
}

/// The text with what cannot be seen replaced byte by byte, so that positions stay.
#[must_use]
pub fn clean_in_place(text: &str) -> Cow<'_, str> {
    let odd = |c: char| is_invisible(c) && !matches!(c, '\n' | '\t' | '\r' | '\u{feff}');
    if !text.chars().any(odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if odd(c) { out.extend(std::iter::repeat_n('?', c.len_utf8())) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// A number with the right form of its word: `1 error`, `2 errors`.
#[must_use]
pub fn plural(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}
