//! Secrets in the lines that findings show. The files should hold none, but a finding about a line
//! must not be what carries one into a log.
//!
//! This reads text and not YAML, because files with mistakes are the ones that are shown. Where it is
//! not sure, it masks.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// The key under which everything is masked.
const SECTION: &str = "credentials";

/// How often aliases in credentials may lead to anchors with further aliases.
const ROUNDS: usize = 8;

/// The text with `*` for every byte of a value under `credentials:` and of a user or password in an
/// address. Names of variables, keys and line breaks stay, and so does the position of everything.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    // Most files have nothing of the kind; a misspelt key still begins or ends like the right one.
    if !["cred", "ential", "://", "\\"].iter().any(|p| lower.contains(p)) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut anchors = BTreeSet::new();
    let mut out = Vec::new();
    for round in 0..=ROUNDS {
        let known = anchors.len();
        let mut masker = Masker { bytes, out: bytes.to_vec(), aliases: anchors.clone() };
        masker.sections(&anchors);
        masker.addresses();
        anchors = masker.aliases;
        out = masker.out;
        if anchors.len() == known {
            break;
        }
        if round == ROUNDS {
            out = vec![b'*'; bytes.len()];
        }
    }
    if out == bytes {
        return Cow::Borrowed(text);
    }
    // Whole characters are masked, so this is always text; if it ever were not, nothing is shown.
    Cow::Owned(String::from_utf8(out).unwrap_or_else(|_| "*".repeat(text.len())))
}

/// Whether a key is the section of credentials, or was meant to be.
fn is_section(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    // An escape by number in a key can spell anything.
    ["\\x", "\\u"].iter().any(|e| lower.contains(e))
        || lower.starts_with("credential")
        || (word.len().abs_diff(SECTION.len()) <= 3 && strsim::damerau_levenshtein(&lower, SECTION) <= 3)
}

/// What may stand at a place within credentials.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A key, or an element of a list.
    Key,
    /// A value.
    Value,
    /// More of a value, until the next separator.
    Rest,
}

struct Masker<'a> {
    bytes: &'a [u8],
    out: Vec<u8>,
    /// The names of the aliases that stand under credentials.
    aliases: BTreeSet<String>,
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

impl Masker<'_> {
    fn byte(&self, at: usize) -> u8 {
        // Behind the end everything is as at the end of a line.
        self.bytes.get(at).copied().unwrap_or(b'\n')
    }

    fn line_end(&self, from: usize) -> usize {
        self.bytes[from..].iter().position(|b| is_break(*b)).map_or(self.bytes.len(), |n| from + n)
    }

    /// The first byte of a line that is no space.
    fn first(&self, line: usize) -> usize {
        let mut at = line;
        while is_space(self.byte(at)) {
            at += 1;
        }
        at
    }

    fn hide(&mut self, from: usize, to: usize) {
        for byte in self.out.iter_mut().take(to).skip(from) {
            if !is_break(*byte) && !is_space(*byte) {
                *byte = b'*';
            }
        }
    }

    /// Hides even the spaces: those of a quoted text are part of it.
    fn hide_all(&mut self, from: usize, to: usize) {
        for byte in self.out.iter_mut().take(to).skip(from) {
            if !is_break(*byte) {
                *byte = b'*';
            }
        }
    }

    /// Finds the sections and what `anchors` stand for, and masks them.
    fn sections(&mut self, anchors: &BTreeSet<String>) {
        let mut line = 0;
        while line < self.bytes.len() {
            let end = self.line_end(line);
            let first = self.first(line);
            let begins = (first..end).find_map(|at| self.begins(at, first, end, anchors));
            line = match begins {
                Some(from) if self.byte(first) == b'#' => self.comments(from),
                Some(from) => self.section(from, first - line),
                None => end + 1,
            };
        }
    }

    /// Where a value to be masked begins, if its key ends at `at`.
    fn begins(&self, at: usize, first: usize, end: usize, anchors: &BTreeSet<String>) -> Option<usize> {
        match self.byte(at) {
            b':' if is_section(self.word_before(first, at)) => Some(at + 1),
            b'&' if !anchors.is_empty() => {
                let name = self.name(at + 1);
                anchors.contains(name).then_some(at + 1 + name.len())
            }
            // The `:` can stand in the next line, after `? key` or after a key in quotes.
            _ if at + 1 == end && is_section(self.word_before(first, end)) => {
                let mut next = end;
                while next < self.bytes.len() && (is_break(self.byte(next)) || is_space(self.byte(next))) {
                    next += 1;
                }
                (self.byte(first) == b'?' || self.byte(next) == b':').then_some(end)
            }
            _ => None,
        }
    }

    /// The word that ends before a byte, with or without quotes.
    fn word_before(&self, first: usize, at: usize) -> &str {
        let mut to = at;
        while to > first && is_space(self.byte(to - 1)) {
            to -= 1;
        }
        if to > first && matches!(self.byte(to - 1), b'"' | b'\'') {
            to -= 1;
        }
        let mut from = to;
        while from > first && (is_word(self.byte(from - 1)) || self.byte(from - 1) == b'\\') {
            from -= 1;
        }
        std::str::from_utf8(&self.bytes[from..to]).unwrap_or_default()
    }

    /// The name of an anchor or alias.
    fn name(&self, from: usize) -> &str {
        let ends = |b: &u8| is_break(*b) || is_space(*b) || b",[]{}".contains(b);
        let len = self.bytes[from..].iter().position(ends).unwrap_or(self.bytes.len() - from);
        std::str::from_utf8(&self.bytes[from..from + len]).unwrap_or_default()
    }

    /// Masks credentials in a comment, and the lines of comment that follow.
    fn comments(&mut self, from: usize) -> usize {
        let mut line = self.line_end(from) + 1;
        self.hide(from, line.min(self.bytes.len()));
        while line < self.bytes.len() && self.byte(self.first(line)) == b'#' {
            let end = self.line_end(line);
            self.hide(self.first(line) + 1, end);
            line = end + 1;
        }
        line
    }

    /// Masks what stands after a key in a line that is indented so far; gives back the line after it.
    fn section(&mut self, from: usize, indent: usize) -> usize {
        let (mut at, mut depth, mut next) = (from, 0usize, Next::Value);
        // Whether the section has any value yet, and the indent of the line whose value may go on.
        let (mut any, mut line_indent, mut going_on) = (false, indent, None::<usize>);
        while at < self.bytes.len() {
            let byte = self.byte(at);
            let before = if at == from { b' ' } else { self.byte(at - 1) };
            let apart = is_space(before) || is_break(before);
            if is_break(byte) {
                at += 1;
                if depth > 0 {
                    continue;
                }
                let first = self.first(at);
                let deep = first - at;
                match self.byte(first) {
                    b'\n' | b'\r' => {}
                    b'#' => {
                        let end = self.line_end(first);
                        // Wherever it stands: a line of the section may be commented out at its beginning.
                        self.hide(first + 1, end);
                        at = end;
                    }
                    b => {
                        let element = deep == indent && b == b'-' && is_space(self.byte(first + 1));
                        if any && deep <= indent && !element {
                            if self.begins_entry(first) {
                                return at;
                            }
                            // A stray quote or bracket: the section may go on behind it.
                            let end = self.line_end(first);
                            self.hide_all(first, end);
                            at = end;
                            continue;
                        }
                        let more = going_on.is_some_and(|of| deep > of);
                        next = match (more, any) {
                            (true, _) => Next::Rest,
                            (false, true) => Next::Key,
                            (false, false) => {
                                if deep > indent || element {
                                    Next::Key
                                } else {
                                    next
                                }
                            }
                        };
                        if !more {
                            going_on = None;
                            line_indent = deep;
                        }
                    }
                }
                continue;
            }
            if is_space(byte) {
                at += 1;
                continue;
            }
            if byte == b'#' && apart {
                let end = self.line_end(at);
                self.hide(at + 1, end);
                at = end;
                continue;
            }
            match byte {
                b'{' | b'[' if depth > 0 || next != Next::Rest || apart => {
                    (depth, next, any) = (depth + 1, Next::Key, true);
                    at += 1;
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    (next, any) = (Next::Rest, true);
                    at += 1;
                }
                b',' => {
                    if depth > 0 {
                        next = Next::Key;
                    }
                    at += 1;
                }
                b'-' | b'?' if next == Next::Key && (is_space(self.byte(at + 1)) || is_break(self.byte(at + 1))) => {
                    at += 1;
                }
                b':' if next == Next::Key && is_space(self.byte(at + 1)) => {
                    next = Next::Value;
                    at += 1;
                }
                b'&' | b'!' | b'*' if next != Next::Rest => {
                    let name = self.name(at + 1).to_owned();
                    let end = at + 1 + name.len();
                    self.hide(at + 1, end);
                    if byte == b'*' {
                        self.aliases.insert(name);
                        (next, any) = (Next::Rest, true);
                    }
                    at = end;
                }
                b'"' | b'\'' if next != Next::Rest => {
                    any = true;
                    let Some(close) = self.closing(at) else {
                        self.hide_all(at + 1, self.bytes.len());
                        return self.bytes.len();
                    };
                    let mut after = close + 1;
                    while is_space(self.byte(after)) {
                        after += 1;
                    }
                    let inner = &self.bytes[at + 1..close];
                    let key = next == Next::Key && self.byte(after) == b':';
                    let plain = !inner.is_empty() && inner.len() <= 40 && inner.iter().all(|b| is_word(*b));
                    if !(key && plain || is_variable(inner)) {
                        self.hide_all(at + 1, close);
                    }
                    if key {
                        next = Next::Value;
                        at = after + 1;
                        continue;
                    }
                    next = Next::Rest;
                    if depth == 0 {
                        going_on = Some(line_indent);
                    }
                    let ends = is_break(self.byte(after)) || b",}]#".contains(&self.byte(after));
                    if !ends {
                        // The quotes do not match: from here on nothing tells keys from values.
                        let to = if depth > 0 { self.bytes.len() } else { self.end_of_block(after, indent) };
                        self.hide_all(after, to);
                        return to;
                    }
                    at = close + 1;
                }
                _ => {
                    any = true;
                    if byte == b'*' && apart {
                        let name = self.name(at + 1).to_owned();
                        self.aliases.insert(name);
                    }
                    if next == Next::Key
                        && let Some(after) = self.plain_key(at)
                    {
                        next = Next::Value;
                        at = after;
                        continue;
                    }
                    let variable = if next == Next::Rest { None } else { self.plain_variable(at) };
                    match variable {
                        Some(end) => at = end,
                        None => {
                            self.hide(at, at + 1);
                            at += 1;
                        }
                    }
                    next = Next::Rest;
                    if depth == 0 && going_on.is_none() {
                        going_on = Some(line_indent);
                    }
                }
            }
        }
        self.bytes.len()
    }

    /// Whether a line begins like an entry of a map or list, or like another document.
    fn begins_entry(&self, first: usize) -> bool {
        let line = &self.bytes[first..self.line_end(first)];
        if line.starts_with(b"- ")
            || line == b"-"
            || line.starts_with(b"? ")
            || line == b"..."
            || line.starts_with(b"---")
        {
            return true;
        }
        let after = match line.first() {
            Some(b'"' | b'\'') => match self.closing(first) {
                Some(close) if close < first + line.len() => close + 1 - first,
                _ => return false,
            },
            _ => line.iter().position(|b| is_space(*b) || b"\"'{}[],#&*!|>%@`:".contains(b)).unwrap_or(line.len()),
        };
        // An address is a key as well.
        let rest = line[after..].iter().skip_while(|b| **b == b'@' || **b == b'.' || is_word(**b));
        let mut rest = rest.skip_while(|b| is_space(**b));
        after > 0 && rest.next() == Some(&b':') && rest.next().is_none_or(|b| is_space(*b))
    }

    /// The line after the block of lines that are indented further.
    fn end_of_block(&self, from: usize, indent: usize) -> usize {
        let mut line = self.line_end(from) + 1;
        while line < self.bytes.len() {
            let first = self.first(line);
            if !is_break(self.byte(first)) && first - line <= indent {
                return line;
            }
            line = self.line_end(line) + 1;
        }
        self.bytes.len()
    }

    /// The byte of the quote that closes the one at `at`.
    fn closing(&self, at: usize) -> Option<usize> {
        let quote = self.byte(at);
        let mut end = at + 1;
        while end < self.bytes.len() {
            match self.bytes[end] {
                b'\\' if quote == b'"' => end += 1,
                b if b == quote && quote == b'\'' && self.byte(end + 1) == quote => end += 1,
                b if b == quote => return Some(end),
                _ => {}
            }
            end += 1;
        }
        None
    }

    /// The byte after a key without quotes and its `:`.
    fn plain_key(&self, at: usize) -> Option<usize> {
        let mut end = at;
        while is_word(self.byte(end)) {
            end += 1;
        }
        if end == at || end - at > 40 {
            return None;
        }
        while is_space(self.byte(end)) {
            end += 1;
        }
        let after = self.byte(end + 1);
        (self.byte(end) == b':' && (is_space(after) || is_break(after))).then_some(end + 1)
    }

    /// The byte after `${NAME}`, if nothing else belongs to the value.
    fn plain_variable(&self, at: usize) -> Option<usize> {
        let end = at + self.bytes[at..].iter().position(|b| *b == b'}' || is_break(*b))? + 1;
        let mut after = end;
        while is_space(self.byte(after)) {
            after += 1;
        }
        let whole = is_break(self.byte(after)) || b",}]#".contains(&self.byte(after));
        (whole && is_variable(&self.bytes[at..end])).then_some(end)
    }

    /// Masks what stands between `://` and `@`.
    fn addresses(&mut self) {
        let mut from = 0;
        while let Some(found) = self.bytes[from..].windows(3).position(|w| w == b"://") {
            let at = from + found;
            let mut scheme = at;
            while scheme > 0 && (is_word(self.byte(scheme - 1)) || b"+.".contains(&self.byte(scheme - 1))) {
                scheme -= 1;
            }
            let quote = if scheme > 0 { self.byte(scheme - 1) } else { b' ' };
            let quoted = matches!(quote, b'"' | b'\'');
            let ends = |b: u8| is_break(b) || if quoted { b == quote } else { is_space(b) };
            let begin = at + 3;
            let end = self.bytes[begin..].iter().position(|b| ends(*b)).map_or(self.bytes.len(), |n| begin + n);
            if let Some(last) = self.bytes[begin..end].iter().rposition(|b| *b == b'@') {
                self.hide_all(begin, begin + last);
            }
            from = begin;
        }
    }
}

/// Whether a text is `${NAME}` and nothing else.
fn is_variable(text: &[u8]) -> bool {
    let name = text.strip_prefix(b"${").and_then(|t| t.strip_suffix(b"}"));
    name.is_some_and(|n| !n.is_empty() && n.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let out = mask(text).into_owned();
        assert_eq!(out.len(), text.len(), "{out}");
        let breaks = |t: &str| t.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i).collect::<Vec<_>>();
        assert_eq!(breaks(&out), breaks(text), "{out}");
        out
    }

    #[test]
    fn no_way_of_writing_it_shows_a_secret() {
        for text in [
            "a: {credentials: {token: SEKRET}, url: x}\n",
            "a: {credentials: {token: \"SEKRET\"}}\n",
            "a: {credentials: {token: 'it''s SEKRET'}}\n",
            "a: {credentials: {token: \"${S}SEKRET\"}}\n",
            "a: {credentials: {token: ${S}SEKRET}}\n",
            "a: {credentials: {token: SEKRET: x, b}}\n",
            "a: {credentials: {\"token\":\"SEKRET\"}}\n",
            "a: {credentials: {token: a}SEKRET}}\n",
            "a: {credentials: {token: a},SEKRET}\n",
            "a: {credentials: {token: a, SEKRET}}\n",
            "a: {credentials: SEKRET}\n",
            "a: {credentials: [SEKRET, {b: SEKRET}]}\n",
            "a:\n  credentials: {\n    token: SEKRET,\n    b: SEKRET\n  }\n  url: y\n",
            "a:\n  credentials: {\ntoken: SEKRET,\nb: SEKRET\n}\n",
            "a:\n  credentials:\n    {token: SEKRET}\n",
            "a:\n  credentials:\n  {token: SEKRET}\n",
            "a:\n  credentials:\n    token: SEKRET\n    other: x SEKRET\n",
            "a:\n  credentials:\n\n    # SEKRET\n    token: SEKRET\n",
            "a:\n  credentials:\n# note\n    token: SEKRET\n",
            "a:\n  credentials:\n    token: x\n    token: SEKRET\n",
            "a:\n  credentials:\n  - token: SEKRET\n  - SEKRET\n",
            "a:\n  credentials:\n    token: |\n      SEKRET: x\n      SEKRET\n",
            "a:\n  credentials:\n    token: >-\n\n      SEKRET: x\n",
            "a:\n  credentials:\n    token: x\n      SEKRET: y\n",
            "a:\n  credentials: SEKRET\n",
            "a:\n  credentials: x\n    SEKRET: x\n",
            "a: {credentials: {token: \"SEKRET, b: SEKRET}}\nb: 1\n",
            "a: {credentials: {token: \"x, b: \"SEKRET, SEKRET: x\"}}\nb: 1\n",
            "a:\n  credentials:\n    token: \"SEKRET\n    b: SEKRET\nc: d\n",
            "a:\n  credentials:\n    token: 'x\n      SEKRET: y'\n",
            "a:\n  credentials:\n    token: \"x\" SEKRET\n",
            "a: {credentials : {token : SEKRET}}\n",
            "a: {\"credentials\": {token: SEKRET}}\n",
            "a: {'credentials' : {token: SEKRET}}\n",
            "a: {\"credenti\\x61ls\": {token: SEKRET}}\n",
            "a: {\"credentials\"\n: {token: SEKRET}}\n",
            "a:\n  ? credentials\n  : {token: SEKRET}\n",
            "a:\r\n  credentials:\r\n    token: SEKRET\r\n    b: \"SEKRET\"\r\n",
            "a:\r  credentials:\r    token: SEKRET\r",
            "a: {credentials: &c {token: SEKRET}}\n",
            "a: {credentials: !!map {token: !!str SEKRET}}\n",
            "x-c: &c {token: SEKRET}\na: {credentials: *c}\n",
            "x-s: &s SEKRET\nx-c: &c {token: *s}\na: {credentials: {<<: *c}}\n",
            "a: {credential: {token: SEKRET}}\n",
            "a: {credentails: {token: SEKRET}}\n",
            "a: {Credentials: {token: SEKRET}}\n",
            "#  credentials:\n#    token: SEKRET\n",
            "a: {credentials: {token: SEKRET",
            "a: {credentials: {token: sé\u{1f4a5}SEKRET, é: SEKRET}}\n",
            "a: {url: \"postgres://ada:SEKRET@h/db\"}\n",
            "a: {url: postgres://SEKRET@h/db, b: c}\n",
            "a: {url: \"postgres://u:SEKRET/SEKRET@h/db\"}\n",
            "a: {url: 'postgres://u:a SEKRET@h/db'}\n",
            "a: {url: \"postgres://u:SEKRET@h/db\n",
        ] {
            assert!(!masked(text).contains("SEKRET"), "{text:?} shows {:?}", masked(text));
        }
    }

    #[test]
    fn damage_behind_the_key_shows_no_secret() {
        let texts = [
            "a: {p: omni, credentials: {token: SEKRET, b: \"x\"}, url: \"y\"}\nb: {c: \"d\"}\n",
            "a: {p: omni, credentials: {b: '${X}', token: \"SEKRET\"}}\nb: {c: 'd'}\n",
            "a:\n  credentials:\n    b: \"x\"\n    token: SEKRET\n  url: \"y\"\n",
            "a:\n  credentials:\n    - b: x\n      token: 'SEKRET'\n  url: 'y'\n",
            "a:\n  credentials: {\n    b: x,\n    token: SEKRET\n  }\n  url: y\n",
            "a:\n  credentials:\n    token: |\n      x: y\n      SEKRET\n  url: y\n",
        ];
        let pieces = [
            "\"", "'", "{", "}", "[", "]", ",", ", ", ": ", "# ", " #", "\\", "&a ", "*a ", "!x ", "- ", "${", "|",
            "\t", "é",
        ];
        for text in texts {
            let after = text.find("credentials:").unwrap() + "credentials:".len();
            for at in after..=text.len() {
                for piece in pieces {
                    // An element of an outer list does end the section.
                    if piece == "- " && text[..at].trim_end_matches(' ').ends_with('\n') {
                        continue;
                    }
                    let damaged = format!("{}{piece}{}", &text[..at], &text[at..]);
                    assert!(!masked(&damaged).contains("SEKRET"), "{damaged:?} shows {:?}", masked(&damaged));
                }
                let cut = format!("{}{}", &text[..after], &text[at..]);
                let still = text[after..at].lines().count() <= 1;
                assert!(!still || !masked(&cut).contains("SEKRET"), "{cut:?} shows {:?}", masked(&cut));
            }
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "bi: {provider: omni, url: \"https://acme.omniapp.co\", credentials: {token: \"${OMNI_API_KEY}\"}}\n",
            "bi:\n  credentials: {token: ${KEY}, other: '${B}'}\n  url: https://a.example/x\n",
            "bi:\n  credentials:\n    token: \"${KEY}\"\n    other: ${B}\n  url: \"https://a.example\"\n",
            "teams:\n  credit-risk: {members: [ada@acme.com]}\n  b: {description: \"the credentials of it\"}\n",
        ] {
            assert_eq!(masked(text), text);
        }
        let text = "bi:\n  credentials:\n    token: abc\n    toke: \"${KEY}\"\n  url: x\n";
        assert_eq!(masked(text), "bi:\n  credentials:\n    token: ***\n    toke: \"${KEY}\"\n  url: x\n");
        assert_eq!(masked("url: https://u:p@h.example/x\n"), "url: https://***@h.example/x\n");
    }
}
