//! What `drift --adopt` writes into the files, for people at a terminal.

use similar::{ChangeTag, TextDiff};

use super::Style;
use super::paint::{Row as Drawn, Tone, paint};
use super::text::{name, prose, thousands};
use crate::drift::adopt::Adopted;

/// How many lines around a change are shown.
const CONTEXT: usize = 2;

/// The difference of the files, and what is not in it.
#[must_use]
pub fn adopted(adopted: &Adopted, style: Style) -> String {
    let mut out = String::new();
    for (target, who) in adopted.administrators() {
        let text = format!(
            "{} has everything in {} as an administrator, and the files did not say so. They will.",
            name(who),
            name(target)
        );
        Drawn { tone: Tone::Alarm, ..Drawn::plain(0, &text) }.draw(&mut out, style);
    }
    if !out.is_empty() {
        out.push('\n');
    }
    for (path, (before, after)) in &adopted.files {
        file(&mut out, path, before, after, style);
    }
    if !adopted.not.is_empty() {
        Drawn { tone: Tone::Heading, ..Drawn::plain(0, "Not adopted") }.draw(&mut out, style);
        for one in &adopted.not {
            let text =
                format!("{} in {}, because {}", name(&one.object.to_string()), name(&one.target), prose(&one.why));
            Drawn { tone: Tone::Caution, ..Drawn::plain(2, &text) }.draw(&mut out, style);
        }
        out.push('\n');
    }
    let (all, files) = (adopted.adopted.len(), adopted.files.len());
    let text = match (all, files) {
        (0, _) => "Nothing can be adopted.".to_owned(),
        _ => format!(
            "{} of {} differences can be adopted, in {}.",
            thousands(all),
            thousands(all + adopted.not.len()),
            super::plural(files, "file")
        ),
    };
    Drawn { tone: Tone::Heading, ..Drawn::plain(0, &text) }.draw(&mut out, style);
    out
}

fn file(out: &mut String, path: &str, before: &str, after: &str, style: Style) {
    Drawn { tone: Tone::Heading, ..Drawn::plain(0, &name(path)) }.draw(out, style);
    let found = TextDiff::from_lines(before, after);
    for (index, group) in found.grouped_ops(CONTEXT).iter().enumerate() {
        if index > 0 {
            out.push_str("   ...\n");
        }
        for line in group.iter().flat_map(|op| found.iter_changes(op)) {
            let (sign, tone) = match line.tag() {
                ChangeTag::Equal => (' ', Tone::Dim),
                ChangeTag::Delete => ('-', Tone::Bad),
                ChangeTag::Insert => ('+', Tone::Good),
            };
            let number = line.new_index().or(line.old_index()).map_or(0, |n| n + 1);
            let text = format!("{number:>5} {sign} {}", name(line.value().trim_end_matches(['\n', '\r'])));
            out.push_str(&paint(text.trim_end(), tone, style));
            out.push('\n');
        }
    }
    out.push('\n');
}
