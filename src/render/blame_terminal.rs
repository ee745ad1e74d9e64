//! Who declared what, for people at a terminal.

use super::Style;
use super::blame_json::TargetBlame;
use super::paint::{Row, Tone, paint};
use super::text::{beginning, name, prose, thousands, width};
use crate::access::{Explanation, Path};
use crate::git::{Blame, Origin};

/// How wide what is declared may be before it is cut.
const WHAT: usize = 60;
/// How wide a name may be before it is cut.
const WHO: usize = 24;

/// Every step of every way in which somebody has access, with who declared it.
#[must_use]
pub fn explained(answers: &[Explanation], blame: &Blame, style: Style) -> String {
    let mut out = String::new();
    for answer in answers {
        let on = answer.resource.as_deref().map(|r| format!(" on {}", name(r))).unwrap_or_default();
        let text = format!("{}{on}  {}", name(&answer.user), name(&answer.target));
        let head = text.len() - answer.target.len();
        Row { tone: Tone::Heading, head: Some(head), ..Row::plain(0, &text) }.draw(&mut out, style);
        ways(&mut out, &answer.paths, &answer.user, 2, blame, style);
        for on in &answer.resources {
            Row::plain(2, &name(&on.resource)).draw(&mut out, style);
            ways(&mut out, &on.paths, &answer.user, 4, blame, style);
        }
        if answer.paths.is_empty() && answer.resources.is_empty() {
            Row::plain(2, "has no access, so nobody declared it").draw(&mut out, style);
        }
        out.push('\n');
    }
    notes(&mut out, blame, style);
    out
}

fn ways(out: &mut String, paths: &[Path], user: &str, indent: usize, blame: &Blame, style: Style) {
    for path in paths {
        let gives = format!("the role {}, because {}", name(&path.role), name(user));
        Row { tone: Tone::Dim, ..Row::plain(indent, &gives) }.draw(out, style);
        for link in &path.links {
            let text = link.edge.to_string();
            let text = name(text.strip_prefix(&format!("{user} ")).unwrap_or(&text));
            Row { place: link.declared.as_ref(), ..Row::plain(indent + 2, &text) }.draw(out, style);
            let said = match &link.declared {
                None => "not in the files".to_owned(),
                Some(at) => blame.of(&at.file, at.line).map_or_else(|| "not known".to_owned(), sentence),
            };
            Row { tone: Tone::Dim, ..Row::plain(indent + 6, &said) }.draw(out, style);
        }
    }
}

/// One origin in one line: `3b92159  2026-01-03  Ada  #12  Add the team`.
fn sentence(origin: &Origin) -> String {
    let Some(commit) = &origin.commit else { return "not committed yet".to_owned() };
    let (commit, before) = (short(commit), if origin.or_before { " or before" } else { "" });
    let request = origin.pull_request.map(|n| format!("  #{n}")).unwrap_or_default();
    let (author, subject) = (name(&origin.author), prose(&origin.subject));
    format!("{commit}  {}{before}  {author}{request}  {subject}", origin.date.day())
}

fn short(commit: &str) -> String {
    name(commit.get(..7).unwrap_or(commit))
}

/// What is declared of targets, the oldest first.
#[must_use]
pub fn tables(targets: &[TargetBlame], blame: &Blame, style: Style) -> String {
    let mut out = String::new();
    for target in targets {
        let text = format!("{}  {} declared", name(&target.target), thousands(target.declared.len()));
        let text = if target.declared.is_empty() { text } else { format!("{text}, the oldest first") };
        Row { tone: Tone::Heading, head: Some(name(&target.target).len()), ..Row::plain(0, &text) }
            .draw(&mut out, style);
        table(&mut out, target, blame, style);
        out.push('\n');
    }
    notes(&mut out, blame, style);
    out
}

fn table(out: &mut String, target: &TargetBlame, blame: &Blame, style: Style) {
    let rows: Vec<[String; 7]> = target
        .declared
        .iter()
        .map(|one| {
            let origin = blame.of(&one.declared.file, one.declared.line);
            let committed = origin.filter(|o| o.commit.is_some());
            let of = |f: &dyn Fn(&Origin) -> String| committed.map(f).unwrap_or_default();
            let before = |o: &Origin| if o.or_before { "+" } else { "" };
            [
                one.days.map(|d| format!("{} d", thousands(usize::try_from(d).unwrap_or(0)))).unwrap_or_default(),
                match origin {
                    Some(o) if o.commit.is_some() => format!("{}{}", o.date.day(), before(o)),
                    Some(_) => "not committed".to_owned(),
                    None => "not known".to_owned(),
                },
                beginning(&name(&one.what), WHAT),
                of(&|o| o.commit.as_deref().map(short).unwrap_or_default()),
                of(&|o| beginning(&name(&o.author), WHO)),
                of(&|o| o.pull_request.map(|n| format!("#{n}")).unwrap_or_default()),
                name(&one.declared.to_string()),
            ]
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    let titles = ["age", "since", "what", "commit", "by", "request", "where"].map(str::to_owned);
    let mut widths = [0; 7];
    for row in std::iter::once(&titles).chain(&rows) {
        widths.iter_mut().zip(row).for_each(|(w, cell)| *w = (*w).max(width(cell)));
    }
    for (index, row) in std::iter::once(&titles).chain(&rows).enumerate() {
        let mut line = String::from(" ");
        for (column, cell) in row.iter().enumerate() {
            let gap = " ".repeat(widths[column] - width(cell));
            // Ages are numbers.
            line.push_str(&if column == 0 { format!(" {gap}{cell}") } else { format!("  {cell}{gap}") });
        }
        let tone = if index == 0 { Tone::Dim } else { Tone::Plain };
        out.push_str(&paint(line.trim_end(), tone, style));
        out.push('\n');
    }
}

fn notes(out: &mut String, blame: &Blame, style: Style) {
    for note in &blame.notes {
        Row { tone: Tone::Caution, ..Row::plain(0, &format!("note: {}", prose(note))) }.draw(out, style);
    }
}
