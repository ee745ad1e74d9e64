//! Text from files and systems on its way to a terminal or a page.

use std::borrow::Cow;

/// Whether a character changes how others are shown: terminal control, direction marks, and
/// characters without width.
fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with what cannot be seen spelled out, so that no name can recolour a terminal, hide a
/// line or turn its direction. Lines stay lines.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let spell = |c: char| if is_hidden(c) { format!("<U+{:04X}>", c as u32) } else { c.to_string() };
    Cow::Owned(text.chars().map(spell).collect())
}

/// The text with what cannot be seen replaced byte by byte, so that positions stay.
#[must_use]
pub fn clean_in_place(text: &str) -> Cow<'_, str> {
    let odd = |c: char| is_hidden(c) && !matches!(c, '\t' | '\r' | '\u{feff}');
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
