//! Role catalogues for people at a terminal: a list of them, and one as a matrix.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::paint::{Row, Tone, paint};
use super::text::{name, prose, width};
use super::{Style, plural};
use crate::model::{Catalogue, CatalogueRole, Combine, Place, ResourceKind, Standing};

/// The marks of the matrix.
const HAS: &str = "●";
const HAS_NOT: &str = "·";
const UNKNOWN: &str = "?";

/// A table of catalogues, each with whether it is built in.
#[must_use]
pub fn list(catalogues: &[(&Catalogue, bool)], style: Style) -> String {
    let head = ["catalogue", "roles", "permissions", "kinds", ""].map(str::to_owned);
    let cells = |(catalogue, built_in): &(&Catalogue, bool)| {
        [
            name(&catalogue.name),
            catalogue.roles.len().to_string(),
            catalogue.permissions().len().to_string(),
            catalogue.kinds.len().to_string(),
            if *built_in { "built in" } else { "declared" }.to_owned(),
        ]
    };
    let table: Vec<[String; 5]> = catalogues.iter().map(cells).collect();
    let mut widths = [0; 5];
    for row in std::iter::once(&head).chain(&table) {
        for (wide, cell) in widths.iter_mut().zip(row) {
            *wide = (*wide).max(width(cell));
        }
    }
    let line = |row: &[String; 5]| {
        let mut text = String::new();
        for (index, (cell, wide)) in row.iter().zip(widths).enumerate() {
            let gap = " ".repeat(wide - width(cell));
            // Numbers to the right, names to the left.
            text.push_str(&if (1..4).contains(&index) { format!("{gap}{cell}  ") } else { format!("{cell}{gap}  ") });
        }
        text
    };
    let mut out = format!("{}\n", paint(&format!("{}source", line(&head)), Tone::Heading, style));
    for (cells, (catalogue, _)) in table.iter().zip(catalogues) {
        let source = catalogue.source.as_deref().map_or_else(|| "not said".to_owned(), prose);
        let begin = line(cells);
        let margin = width(&begin).min(style.width / 2);
        let mut drawn = String::new();
        Row { hang: 0, ..Row::plain(margin, &source) }.draw(&mut drawn, style);
        out.push_str(&begin);
        out.push_str(drawn.trim_start());
    }
    out
}

/// One catalogue.
#[must_use]
pub fn one(catalogue: &Catalogue, style: Style) -> String {
    let mut out = String::new();
    let roles = in_order(catalogue);
    head(&mut out, catalogue, style);
    if !roles.is_empty() {
        section(&mut out, "Roles", style);
        for (number, (role, facts)) in roles.iter().enumerate() {
            describe(&mut out, number + 1, roles.len(), role, facts, style);
        }
        matrix(&mut out, catalogue, &roles, style);
        order(&mut out, catalogue, &roles, style);
        gives(&mut out, catalogue, &roles, style);
    }
    if !catalogue.kinds.is_empty() {
        section(&mut out, "Kinds of resources", style);
        for (kind, facts) in &catalogue.kinds {
            describe_kind(&mut out, kind, facts, style);
        }
    }
    out
}

type Named<'a> = (&'a str, &'a CatalogueRole);

/// The roles as they are shown: by the places where they can be held, then from the highest down.
fn in_order(catalogue: &Catalogue) -> Vec<Named<'_>> {
    let mut roles: Vec<Named<'_>> = catalogue.roles.iter().map(|(n, r)| (n.as_str(), r)).collect();
    roles.sort_by_key(|(name, role)| {
        let first = role.places.iter().min().copied();
        let size = role.permissions.as_ref().map(Vec::len);
        (first, Reverse(role.administers), Reverse(role.tier), Reverse(size), *name)
    });
    roles
}

fn section(out: &mut String, title: &str, style: Style) {
    out.push('\n');
    Row { tone: Tone::Heading, ..Row::plain(0, title) }.draw(out, style);
}

fn fact(out: &mut String, label: &str, text: &str, style: Style) {
    Row { hang: 9, ..Row::plain(2, &format!("{label:<9}{text}")) }.draw(out, style);
}

fn head(out: &mut String, catalogue: &Catalogue, style: Style) {
    Row { tone: Tone::Heading, ..Row::plain(0, &name(&catalogue.name)) }.draw(out, style);
    if let Some(description) = &catalogue.description {
        Row::plain(2, &prose(description)).draw(out, style);
    }
    let source = catalogue.source.as_deref().map_or_else(|| "not said".to_owned(), prose);
    fact(out, "source", &source, style);
    let combine = match catalogue.combine {
        Combine::Union => "union: a person may do what all their roles together allow",
        Combine::Highest => "highest: of a person's roles on one thing, the highest alone decides",
    };
    fact(out, "combine", combine, style);
    let leads = match catalogue.leads_max {
        None => "any number of leads".to_owned(),
        Some(0) => "no leads".to_owned(),
        Some(1) => "at most one lead".to_owned(),
        Some(most) => format!("at most {most} leads"),
    };
    let nested = if catalogue.nested_teams { "can lie in teams" } else { "do not lie in teams" };
    fact(out, "teams", &format!("{nested}, {leads}"), style);
    let counted = |n: usize, what: &str| if n == 0 { format!("no {what}s") } else { plural(n, what) };
    let counts = [
        counted(catalogue.roles.len(), "role"),
        counted(catalogue.permissions().len(), "permission"),
        counted(catalogue.kinds.len(), "kind"),
    ];
    fact(out, "has", &counts.join(", "), style);
}

fn place(place: Place) -> &'static str {
    match place {
        Place::User => "user",
        Place::Team => "team",
        Place::Member => "member",
        Place::Resource => "resource",
    }
}

fn describe(out: &mut String, number: usize, count: usize, role: &str, facts: &CatalogueRole, style: Style) {
    let digits = count.to_string().len();
    let places: Vec<&str> = facts.places.iter().map(|p| place(*p)).collect();
    let mut said = vec![format!("on {}", places.join(", "))];
    if facts.administers {
        said.push("administers".to_owned());
    }
    said.extend(facts.tier.map(|tier| format!("tier {tier}")));
    said.extend(facts.seat.as_deref().map(|seat| format!("seat {}", name(seat))));
    said.extend(facts.caps_at.as_deref().map(|cap| format!("caps at {}", name(cap))));
    if facts.permissions.is_none() {
        said.push("permissions not published".to_owned());
    }
    if !facts.aliases.is_empty() {
        said.push(format!("also {}", names(&facts.aliases)));
    }
    let title = format!("{number:>digits$}  {}", name(role));
    let text = format!("{title}  {}", said.join("; "));
    let margin = digits + 2;
    Row { hang: margin, tone: Tone::Heading, head: Some(title.len()), ..Row::plain(2, &text) }.draw(out, style);
    if let Some(description) = &facts.description {
        Row { hang: 0, ..Row::plain(2 + margin, &prose(description)) }.draw(out, style);
    }
    inferred(out, 2 + margin, facts.inferred.as_deref(), style);
}

fn inferred(out: &mut String, indent: usize, why: Option<&str>, style: Style) {
    const LABEL: &str = "inferred:";
    if let Some(why) = why {
        let text = format!("{LABEL} {}", prose(why));
        Row { tone: Tone::Caution, head: Some(LABEL.len()), ..Row::plain(indent, &text) }.draw(out, style);
    }
}

fn names(list: &[String]) -> String {
    list.iter().map(|n| name(n)).collect::<Vec<_>>().join(", ")
}

/// Permissions as rows, roles as columns: by name where all names fit, by number otherwise, and in as
/// many blocks as it takes.
fn matrix(out: &mut String, catalogue: &Catalogue, roles: &[Named<'_>], style: Style) {
    let permissions = catalogue.permissions();
    let Some(widest) = permissions.iter().map(|p| width(&name(p))).max() else { return };
    let labels = |by_name: bool| -> Vec<String> {
        let label =
            |(index, (role, _)): (usize, &Named<'_>)| if by_name { name(role) } else { (index + 1).to_string() };
        roles.iter().enumerate().map(label).collect()
    };
    let margin = 2 + widest;
    // A block of few columns helps nobody: then the lines are longer than the terminal is wide.
    let room = style.width.saturating_sub(margin).max(24);
    let mut columns = labels(true);
    if columns.iter().map(|c| width(c) + 2).sum::<usize>() > room {
        columns = labels(false);
    }
    let mut from = 0;
    while from < columns.len() {
        let mut used = 0;
        let rest = columns.iter().skip(from);
        let fitting = rest
            .take_while(|c| {
                used += width(c) + 2;
                used <= room
            })
            .count()
            .max(1);
        block(out, &permissions, widest, (roles, &columns), from..from + fitting, style);
        from += fitting;
    }
    if roles.iter().any(|(_, role)| role.permissions.is_none()) {
        out.push('\n');
        Row::plain(2, &format!("{UNKNOWN}  what this role may do is not published")).draw(out, style);
    }
}

fn block(
    out: &mut String,
    permissions: &[&str],
    widest: usize,
    (roles, columns): (&[Named<'_>], &[String]),
    shown: std::ops::Range<usize>,
    style: Style,
) {
    out.push('\n');
    let mut title = format!("{:<1$}", "Permissions", widest + 2);
    let shown: Vec<(&String, &CatalogueRole)> =
        columns.iter().zip(roles).map(|(c, (_, r))| (c, *r)).skip(shown.start).take(shown.len()).collect();
    for (column, _) in &shown {
        title.push_str(&format!("  {column}"));
    }
    out.push_str(&paint(&title, Tone::Heading, style));
    out.push('\n');
    for permission in permissions {
        let label = name(permission);
        let mut line = format!("  {label}{}", " ".repeat(widest - width(&label)));
        for (column, role) in &shown {
            let mark = match &role.permissions {
                None => UNKNOWN,
                Some(has) if has.iter().any(|p| p == permission) => HAS,
                Some(_) => HAS_NOT,
            };
            // Under the last digit of a number, or the first letter of a name.
            let number = column.bytes().all(|b| b.is_ascii_digit());
            let (left, right) = if number { (width(column), 1) } else { (1, width(column)) };
            line.push_str(&format!("{}{mark}{}", " ".repeat(left + 1), " ".repeat(right - 1)));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// Which role gives more than which, without what follows from the rest; then what has no order.
fn order(out: &mut String, catalogue: &Catalogue, roles: &[Named<'_>], style: Style) {
    let mut stands: BTreeMap<(&str, &str), Standing> = BTreeMap::new();
    for (first, second, standing) in catalogue.standings() {
        stands.insert((first, second), standing);
        stands.insert((second, first), standing.reversed());
    }
    if stands.is_empty() {
        return;
    }
    let title = match catalogue.combine {
        Combine::Union => "Order: by what they may do",
        Combine::Highest => "Order: by tiers, and without them by what they may do",
    };
    section(out, title, style);
    let is = |a: &str, b: &str, standing: Standing| stands.get(&(a, b)) == Some(&standing);
    let mut lines: Vec<String> = Vec::new();
    for (role, _) in roles {
        let below = || roles.iter().map(|(n, _)| *n).filter(|n| is(role, n, Standing::Above));
        let direct = |low: &&str| !below().any(|between| is(between, low, Standing::Above));
        let direct: Vec<String> = below().filter(direct).map(name).collect();
        if !direct.is_empty() {
            lines.push(format!("{} is above {}", name(role), direct.join(", ")));
        }
    }
    for (standing, words) in [
        (Standing::Equal, "gives the same as"),
        (Standing::Incomparable, "is incomparable with"),
        (Standing::Unknown, "stands in no known order to"),
    ] {
        for (index, (role, _)) in roles.iter().enumerate() {
            let others = roles.iter().skip(index + 1).map(|(n, _)| *n).filter(|n| is(role, n, standing));
            let others: Vec<String> = others.map(name).collect();
            if !others.is_empty() {
                lines.push(format!("{} {words} {}", name(role), others.join(", ")));
            }
        }
    }
    for line in lines {
        Row { hang: 4, ..Row::plain(2, &line) }.draw(out, style);
    }
}

/// Who may give what, where some role has a table of that, and what of it is more than the giver has.
fn gives(out: &mut String, catalogue: &Catalogue, roles: &[Named<'_>], style: Style) {
    if roles.iter().all(|(_, role)| role.may_give.is_none()) {
        return;
    }
    section(out, "Who may give what", style);
    for (role, facts) in roles {
        let mut given = match &facts.may_give {
            None if facts.permissions.is_none() => "what is not published".to_owned(),
            None => "what lies within its own permissions".to_owned(),
            Some(list) if list.is_empty() => "nothing".to_owned(),
            Some(list) if list.len() == roles.len() => "every role".to_owned(),
            Some(list) => names(list),
        };
        let beyond =
            |given: &&String| matches!(catalogue.compare(given, role), Standing::Above | Standing::Incomparable);
        let beyond: Vec<String> = facts.may_give.iter().flatten().filter(beyond).map(|n| name(n)).collect();
        if !beyond.is_empty() {
            given.push_str(&format!("; beyond its own permissions: {}", beyond.join(", ")));
        }
        Row { hang: 4, ..Row::plain(2, &format!("{} may give {given}", name(role))) }.draw(out, style);
    }
}

fn describe_kind(out: &mut String, kind: &str, facts: &ResourceKind, style: Style) {
    let mut said = Vec::new();
    if facts.roles.is_empty() {
        said.push("no roles".to_owned());
    } else {
        said.push(format!("roles {}", names(&facts.roles)));
    }
    if !facts.parents.is_empty() {
        said.push(format!("in {}", names(&facts.parents)));
    }
    if !facts.grants {
        said.push("no grants of its own".to_owned());
    }
    if facts.visibility {
        said.push("has a visibility".to_owned());
    }
    if facts.of_team {
        said.push("belongs to the team in its name, and roles in a team reach nothing else".to_owned());
    }
    said.extend(facts.everyone.as_deref().map(|role| format!("open to everyone: {}", name(role))));
    said.extend(facts.owner.as_deref().map(|role| format!("its owner: {}", name(role))));
    let title = name(kind);
    let text = format!("{title}  {}", said.join("; "));
    Row { hang: 4, tone: Tone::Heading, head: Some(title.len()), ..Row::plain(2, &text) }.draw(out, style);
    if let Some(description) = &facts.description {
        Row { hang: 0, ..Row::plain(4, &prose(description)) }.draw(out, style);
    }
    inferred(out, 4, facts.inferred.as_deref(), style);
}
