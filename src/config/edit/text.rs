//! Edits of one text, each of which gives the whole text with nothing else touched. New lines are indented
//! like their neighbours and end as the lines of the file do.

use super::tree::{Id, Shape, Tree};
use super::{Value, word};

/// How lines end in a file.
fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn line_start(text: &str, byte: usize) -> usize {
    text[..byte].rfind('\n').map_or(0, |at| at + 1)
}

/// Where the line after the one with this byte begins; the end of the text where there is none.
fn next_line(text: &str, byte: usize) -> usize {
    text[byte..].find('\n').map_or(text.len(), |n| byte + n + 1)
}

fn spliced(text: &str, from: usize, to: usize, with: &str) -> String {
    format!("{}{with}{}", &text[..from], &text[to..])
}

/// Puts whole lines at the beginning of a line, or behind the last line of a text that does not end.
fn with_lines(text: &str, at: usize, lines: &[String]) -> String {
    let end = newline(text);
    let body = lines.join(end);
    if at == text.len() && !text.is_empty() && !text.ends_with('\n') {
        return format!("{text}{end}{body}");
    }
    spliced(text, at, at, &format!("{body}{end}"))
}

/// Only spaces before it on its line: their number.
fn indent(text: &str, byte: usize) -> Option<usize> {
    let before = &text[line_start(text, byte)..byte];
    before.chars().all(|c| c == ' ').then_some(before.len())
}

/// The colon after a key: the byte after it.
fn colon(text: &str, tree: &Tree, key: Id) -> usize {
    let end = tree.end(text, key, tree.start(key));
    end + text[end..].find(':').map_or(0, |n| n + 1)
}

fn entry_end(text: &str, tree: &Tree, (key, value): (Id, Id)) -> usize {
    tree.end(text, value, colon(text, tree, key))
}

/// A key and a value as lines of a block.
fn block_lines(column: usize, key: &str, value: &Value, deep: bool) -> Vec<String> {
    let margin = " ".repeat(column);
    match value {
        Value::Map(entries) if deep && !entries.is_empty() => {
            let mut lines = vec![format!("{margin}{}:", word(key))];
            lines.extend(entries.iter().map(|(k, v)| format!("{margin}  {}: {}", word(k), v.flow())));
            lines
        }
        _ => vec![format!("{margin}{}: {}", word(key), value.flow())],
    }
}

/// The text with one more entry in a map.
#[must_use]
pub fn insert(text: &str, tree: &Tree, map: Id, key: &str, value: &Value) -> Option<String> {
    match tree.shape(map) {
        Shape::Map { flow: true, entries } => {
            let new = format!("{}: {}", word(key), value.flow());
            let ends: Vec<(usize, usize)> =
                entries.iter().map(|e| (tree.start(e.0), entry_end(text, tree, *e))).collect();
            into_flow(text, tree.start(map), &ends, &new, '{')
        }
        Shape::Map { flow: false, entries } => {
            let (first, last) = (entries.first()?, entries.last()?);
            let start = tree.start(first.0);
            let column = text[line_start(text, start)..start].chars().count();
            let deep = matches!(tree.shape(last.1), Shape::Map { flow: false, .. });
            let mut lines = block_lines(column, key, value, deep);
            if let [.., before, last] = entries.as_slice() {
                let between = &text[entry_end(text, tree, *before)..tree.start(last.0)];
                if column == 2 && between.matches('\n').count() > 1 && between.trim().is_empty() {
                    lines.insert(0, String::new());
                }
            }
            Some(with_lines(text, next_line(text, entry_end(text, tree, *last)), &lines))
        }
        _ => None,
    }
}

/// The text with something more at the end of what stands in brackets.
fn into_flow(text: &str, start: usize, items: &[(usize, usize)], new: &str, bracket: char) -> Option<String> {
    let Some((begin, end)) = items.last().copied() else {
        let open = start + text.get(start..)?.find(bracket)? + 1;
        return Some(spliced(text, open, open, new));
    };
    // Where the last stands on a line of its own, so does the next.
    let Some(column) = indent(text, begin) else {
        return Some(spliced(text, end, end, &format!(", {new}")));
    };
    let margin = " ".repeat(column);
    let (rest, line) = (&text[end..next_line(text, end)], next_line(text, end));
    let lines = with_lines(text, line, &[format!("{margin}{new}{}", if rest.starts_with(',') { "," } else { "" })]);
    Some(if rest.starts_with(',') { lines } else { spliced(&lines, end, end, ",") })
}

/// The text with one more item in a list.
#[must_use]
pub fn append_item(text: &str, tree: &Tree, list: Id, value: &Value) -> Option<String> {
    match tree.shape(list) {
        Shape::List { flow: true, items } => {
            let ends: Vec<(usize, usize)> =
                items.iter().map(|i| (tree.start(*i), tree.end(text, *i, tree.start(*i)))).collect();
            into_flow(text, tree.start(list), &ends, &value.flow(), '[')
        }
        Shape::List { flow: false, items } => {
            let last = *items.last()?;
            let dash = dash(text, tree.start(last))?;
            let column = text[line_start(text, dash)..dash].chars().count();
            let margin = " ".repeat(column);
            let deep = matches!(tree.shape(last), Shape::Map { flow: false, .. });
            let lines = match value {
                Value::Map(entries) if deep => {
                    let gap = tree.start(last) - dash;
                    let lead = |i: usize| if i == 0 { format!("-{}", " ".repeat(gap - 1)) } else { " ".repeat(gap) };
                    let line = |(i, (k, v)): (usize, &(String, Value))| {
                        format!("{margin}{}{}: {}", lead(i), word(k), v.flow())
                    };
                    entries.iter().enumerate().map(line).collect()
                }
                _ => vec![format!("{margin}- {}", value.flow())],
            };
            let end = tree.end(text, last, dash + 1);
            Some(with_lines(text, next_line(text, end), &lines))
        }
        _ => None,
    }
}

/// The dash before an item of a block.
fn dash(text: &str, item: usize) -> Option<usize> {
    let from = line_start(text, item);
    let before = &text[from..item];
    before.rfind('-').filter(|at| before[at + 1..].chars().all(|c| c == ' ')).map(|at| from + at)
}

/// The text without an entry of a map.
#[must_use]
pub fn remove_entry(text: &str, tree: &Tree, map: Id, index: usize) -> Option<String> {
    let Shape::Map { flow, entries } = tree.shape(map) else { return None };
    let spans: Vec<(usize, usize)> = entries.iter().map(|e| (tree.start(e.0), entry_end(text, tree, *e))).collect();
    if *flow {
        return without(text, &spans, index);
    }
    if spans.len() == 1 {
        return emptied(text, spans[0], "{}");
    }
    let (start, end) = *spans.get(index)?;
    match (indent(text, start), spans.get(index + 1)) {
        (Some(_), _) => Some(spliced(text, line_start(text, start), next_line(text, end), "")),
        // The first of an item of a list: what follows takes its place.
        (None, Some((next, _))) => Some(spliced(text, start, *next, "")),
        (None, None) => None,
    }
}

/// The text without an item of a list.
#[must_use]
pub fn remove_item(text: &str, tree: &Tree, list: Id, index: usize) -> Option<String> {
    let Shape::List { flow, items } = tree.shape(list) else { return None };
    let spans: Vec<(usize, usize)> =
        items.iter().map(|i| (tree.start(*i), tree.end(text, *i, tree.start(*i)))).collect();
    if *flow {
        return without(text, &spans, index);
    }
    let (start, end) = *spans.get(index)?;
    let dash = dash(text, start)?;
    if spans.len() == 1 {
        return emptied(text, (dash, end), "[]");
    }
    indent(text, dash)?;
    Some(spliced(text, line_start(text, dash), next_line(text, end), ""))
}

/// The text without one of the things in brackets, and without the comma that it had.
fn without(text: &str, spans: &[(usize, usize)], index: usize) -> Option<String> {
    let (start, end) = *spans.get(index)?;
    if let Some((next, _)) = spans.get(index + 1) {
        // On lines of its own: the lines go, with a remark at their end.
        if indent(text, start).is_some() && indent(text, *next).is_some() {
            return Some(spliced(text, line_start(text, start), next_line(text, end), ""));
        }
        return Some(spliced(text, start, *next, ""));
    }
    let Some((_, before)) = index.checked_sub(1).and_then(|i| spans.get(i)) else {
        // The only one; a comma after it goes with it.
        let rest = &text[end..];
        let comma = rest.trim_start().starts_with(',').then(|| rest.find(',').map_or(0, |n| n + 1));
        return Some(spliced(text, start, end + comma.unwrap_or(0), ""));
    };
    if indent(text, start).is_some() && text[end..next_line(text, end)].trim_start().starts_with([',', '#', '\r', '\n'])
    {
        let gone = spliced(text, line_start(text, start), next_line(text, end), "");
        let comma = text[*before..start].starts_with(',') && !text[end..].starts_with(',');
        return Some(if comma { spliced(&gone, *before, before + 1, "") } else { gone });
    }
    Some(spliced(text, *before, end, ""))
}

/// The text where a block that has only this becomes an empty one: behind the colon of its key.
fn emptied(text: &str, (start, end): (usize, usize), empty: &str) -> Option<String> {
    let from = line_start(text, start);
    if indent(text, start).is_none() {
        return Some(spliced(text, start, end, empty));
    }
    let without = spliced(text, from, next_line(text, end), "");
    // The key stands on the nearest line above that is no remark.
    let mut at = from;
    while at > 0 {
        let above = line_start(text, at - 1);
        let line = text[above..at].trim_end();
        if !line.trim_start().starts_with('#') && !line.is_empty() {
            let bare = line.split(" #").next().unwrap_or(line).trim_end();
            let place = above + bare.len();
            return bare.ends_with(':').then(|| spliced(&without, place, place, &format!(" {empty}")));
        }
        at = above;
    }
    None
}

/// The text with another value in the place of one.
#[must_use]
pub fn replace(text: &str, tree: &Tree, key: Option<Id>, old: Id, value: &Value) -> Option<String> {
    let start = tree.start(old);
    match tree.shape(old) {
        Shape::Scalar { value: was, quote: None, .. } if was.is_empty() => {
            let after = colon(text, tree, key?);
            Some(spliced(text, after, after, &format!(" {}", value.flow())))
        }
        Shape::Scalar { quote, .. } => {
            let end = tree.end(text, old, start);
            Some(spliced(text, start, end, &value.quoted(*quote)))
        }
        Shape::Map { flow: false, .. } | Shape::List { flow: false, .. } => {
            let after = colon(text, tree, key?);
            let end = tree.end(text, old, after);
            // What stood on lines of its own comes behind the key; a remark there stays.
            let rest = text[after..next_line(text, after)].trim();
            if !(rest.is_empty() || rest.starts_with('#')) || start < next_line(text, after) {
                return None;
            }
            let without = spliced(text, line_start(text, start), next_line(text, end), "");
            Some(spliced(&without, after, after, &format!(" {}", value.flow())))
        }
        _ => Some(spliced(text, start, tree.end(text, old, start), &value.flow())),
    }
}

/// The text where a key of a map has this value: there, or as a new key. An alias in the place of the map
/// becomes a map that merges it, so that what other places take from it stays.
#[must_use]
pub fn put(text: &str, tree: &Tree, key_of_map: Option<Id>, map: Id, key: &str, value: &Value) -> Option<String> {
    match tree.shape(map) {
        Shape::Alias(_) => {
            let (start, end) = (tree.start(map), tree.end(text, map, tree.start(map)));
            let alias = &text[start..end];
            Some(spliced(text, start, end, &format!("{{<<: {alias}, {}: {}}}", word(key), value.flow())))
        }
        Shape::Map { entries, .. } => match tree.get(map, key).and_then(|f| f.own) {
            Some(index) => {
                let (k, v) = entries[index];
                replace(text, tree, Some(k), v, value)
            }
            None => insert(text, tree, map, key, value),
        },
        Shape::Scalar { .. } if tree.is_nothing(map) => {
            let whole = Value::Map(vec![(key.to_owned(), value.clone())]);
            replace(text, tree, key_of_map, map, &whole)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tree: &Tree, path: &[&str]) -> (Option<Id>, Id) {
        let mut here = (None, tree.root().unwrap());
        for name in path {
            let found = tree.get(here.1, name).unwrap();
            here = (found.own.map(|i| tree.entries(here.1)[i].0), found.value);
        }
        here
    }

    fn tree(text: &str) -> Tree {
        Tree::parse(text).unwrap()
    }

    #[test]
    fn entries_come_like_their_neighbours() {
        for (text, after) in [
            ("a:\n  x: 1 # one\n  # last\nb: 2\n", "a:\n  x: 1 # one\n  k: v\n  # last\nb: 2\n"),
            ("a:\r\n  x: 1\r\n", "a:\r\n  x: 1\r\n  k: v\r\n"),
            ("a:\n  x: 1", "a:\n  x: 1\n  k: v"),
            ("a: {x: 1} # in\n", "a: {x: 1, k: v} # in\n"),
            ("a: { x: 1 }\n", "a: { x: 1, k: v }\n"),
            ("a: {}\n", "a: {k: v}\n"),
            ("a: # none\nb: 1\n", "a: {k: v} # none\nb: 1\n"),
            ("a: {\n  x: 1   # one\n}\n", "a: {\n  x: 1,   # one\n  k: v\n}\n"),
            ("a: {\n  x: 1,\n}\n", "a: {\n  x: 1,\n  k: v,\n}\n"),
            ("a:\n  x: |\n    text\n\nb: 1\n", "a:\n  x: |\n    text\n  k: v\n\nb: 1\n"),
            ("x: &x {y: 1}\na: *x\n", "x: &x {y: 1}\na: {<<: *x, k: v}\n"),
            ("a: {k: old}\n", "a: {k: v}\n"),
            ("a: {k: 'old'} # s\n", "a: {k: 'v'} # s\n"),
            ("a:\n  k: [1,\n    2]\n", "a:\n  k: v\n"),
            ("a:\n  k: # it\n    - 1\n    - 2\n  z: 1\n", "a:\n  k: v # it\n  z: 1\n"),
        ] {
            let tree = tree(text);
            let (key, map) = at(&tree, &["a"]);
            assert_eq!(put(text, &tree, key, map, "k", &Value::text("v")).unwrap(), after);
        }
    }

    #[test]
    fn items_come_like_their_neighbours() {
        for (text, after) in [
            ("a:\n  - x # one\nb: 2\n", "a:\n  - x # one\n  - v\nb: 2\n"),
            ("a:\n- x\n", "a:\n- x\n- v\n"),
            ("a: [x]\n", "a: [x, v]\n"),
            ("a: []\n", "a: [v]\n"),
            ("a: [\n  x,\n  y\n]\n", "a: [\n  x,\n  y,\n  v\n]\n"),
        ] {
            let tree = tree(text);
            let (_, list) = at(&tree, &["a"]);
            assert_eq!(append_item(text, &tree, list, &Value::text("v")).unwrap(), after);
        }
        let text = "a:\n  - to: x\n    at: y\n";
        let value = Value::Map(vec![("to".into(), Value::text("v")), ("at".into(), Value::text("w"))]);
        let tree = tree(text);
        let after = append_item(text, &tree, at(&tree, &["a"]).1, &value).unwrap();
        assert_eq!(after, "a:\n  - to: x\n    at: y\n  - to: v\n    at: w\n");
    }

    #[test]
    fn what_goes_takes_nothing_with_it() {
        for (text, index, after) in [
            ("a:\n  x: 1\n  # of y\n  y: 2\n", 0, "a:\n  # of y\n  y: 2\n"),
            ("a:\n  x: 1\n  y:\n    z: 1 # in\n  # end\n", 1, "a:\n  x: 1\n  # end\n"),
            ("a: # all\n  x: 1\nb: 1\n", 0, "a: {} # all\nb: 1\n"),
            ("a: {x: 1, y: 2}\n", 0, "a: {y: 2}\n"),
            ("a: {x: 1, y: 2}\n", 1, "a: {x: 1}\n"),
            ("a: {x: 1}\n", 0, "a: {}\n"),
            ("a: {\n  x: 1,\n  y: 2   # two\n}\n", 1, "a: {\n  x: 1\n}\n"),
            ("a: {\n  x: 1,\n  y: 2\n}\n", 0, "a: {\n  y: 2\n}\n"),
            ("a:\n  x: 1\n  y: 2", 1, "a:\n  x: 1\n"),
        ] {
            let tree = tree(text);
            let (_, map) = at(&tree, &["a"]);
            assert_eq!(remove_entry(text, &tree, map, index).unwrap(), after, "{text}");
        }
        for (text, index, after) in [
            ("a:\n  - x\n  - y: 1\n    z: 2\nb: 1\n", 1, "a:\n  - x\nb: 1\n"),
            ("a:\n  - x\n", 0, "a: []\n"),
            ("a: [x, y, z]\n", 1, "a: [x, z]\n"),
            ("a: [\n  x,   # one\n  y\n]\n", 0, "a: [\n  y\n]\n"),
        ] {
            let tree = tree(text);
            let (_, list) = at(&tree, &["a"]);
            assert_eq!(remove_item(text, &tree, list, index).unwrap(), after, "{text}");
        }
    }

    #[test]
    fn what_is_shared_is_known() {
        let text = "a: &x {k: 1}\nb: *x\nc: {<<: *x, z: 1}\nd: &y 1\n";
        let tree = tree(text);
        let (_, a) = at(&tree, &["a"]);
        assert_eq!(tree.shared(at(&tree, &["a", "k"]).1), Some(a));
        assert_eq!(tree.shared(at(&tree, &["c", "z"]).1), None);
        assert_eq!(tree.shared(at(&tree, &["d"]).1), None, "nobody takes it");
        assert_eq!(tree.get(at(&tree, &["c"]).1, "k").map(|f| f.own), Some(None));
    }
}
