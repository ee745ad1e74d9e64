//! Answers to questions about access, for people at a terminal: trees with the places at the right.

use std::collections::{BTreeMap, BTreeSet};

use super::Style;
use super::access_json::State;
use super::paint::{Row, Tone, paint};
use super::text::{listed, name, prose, thousands, width, wrap};
use crate::access::{Can, Edge, Explanation, Link, OnResource, Path, Source, Via, Who};
use crate::diagnostic::Location;
use crate::model::{PrincipalRecord, UserState};

/// Where places are aligned.
const RIGHT: usize = 100;
/// How many permissions of a way are named.
const PERMISSIONS: usize = 4;
/// How many people of a source are named.
const PEOPLE: usize = 12;
/// More grants to single users than these stand together.
const TOGETHER: usize = 3;
/// How many resources of a way are named.
const RESOURCES: usize = 10;

/// A piece of a tree.
struct Node {
    text: String,
    tone: Tone,
    place: Option<Location>,
    below: Vec<Node>,
}

impl Node {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Plain, place: None, below: Vec::new() }
    }
}

fn forest(out: &mut String, nodes: &[Node], margin: &str, style: Style) {
    for (index, node) in nodes.iter().enumerate() {
        let last = index + 1 == nodes.len();
        let (fork, rest) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let below = if node.below.is_empty() { "   " } else { "│  " };
        branch(out, &format!("{margin}{fork}"), &format!("{margin}{rest}{below}"), node, style);
        forest(out, &node.below, &format!("{margin}{rest}"), style);
    }
}

/// One node: its text in as many lines as it takes, and its place at the right of the last.
fn branch(out: &mut String, first: &str, further: &str, node: &Node, style: Style) {
    let right = RIGHT.min(style.width);
    let room = right.saturating_sub(width(further));
    let lines = wrap(&node.text, room);
    let count = lines.len();
    for (index, line) in lines.iter().enumerate() {
        let margin = if index == 0 { first } else { further };
        out.push_str(&paint(margin, Tone::Dim, style));
        out.push_str(&paint(line, node.tone, style));
        if let Some(place) = node.place.as_ref().filter(|_| index + 1 == count) {
            let place = name(&place.to_string());
            let used = width(margin) + width(line);
            if used + 2 + width(&place) <= right {
                out.push_str(&" ".repeat(right - used - width(&place)));
            } else {
                out.push('\n');
                out.push_str(&paint(further, Tone::Dim, style));
            }
            out.push_str(&paint(&place, Tone::Dim, style));
        }
        out.push('\n');
    }
}

/// The heading of an answer, with the target and the state at the right.
fn heading(out: &mut String, text: &str, target: &str, state: Option<State>, style: Style) {
    let state = state.map(|s| format!(", {}", s.words())).unwrap_or_default();
    let side = format!("{}{state}", name(target));
    let right = RIGHT.min(style.width);
    if width(text) + 2 + width(&side) <= right {
        let gap = " ".repeat(right - width(text) - width(&side));
        out.push_str(&format!("{}{gap}{}\n", paint(text, Tone::Heading, style), paint(&side, Tone::Dim, style)));
    } else {
        Row { tone: Tone::Heading, ..Row::plain(0, text) }.draw(out, style);
        out.push_str(&format!("  {}\n", paint(&side, Tone::Dim, style)));
    }
}

/// Permissions in words: all of a few, the first of many.
fn some(permissions: &[String]) -> String {
    let shown: Vec<String> = permissions.iter().take(PERMISSIONS).map(|p| name(p)).collect();
    match permissions.len().saturating_sub(PERMISSIONS) {
        0 => shown.join(", "),
        // One more is as short as saying so.
        1 => permissions.iter().map(|p| name(p)).collect::<Vec<_>>().join(", "),
        more => format!("{} and {} more", shown.join(", "), thousands(more)),
    }
}

/// What a way gives.
fn gives(administers: bool, permissions: &[String], not_published: bool, role: &str) -> String {
    if administers {
        "everything, as an administrator".to_owned()
    } else if not_published {
        let rest = if permissions.is_empty() { String::new() } else { format!(", and {}", some(permissions)) };
        format!("what the role {} may do, which is not published{rest}", name(role))
    } else if permissions.is_empty() {
        "nothing".to_owned()
    } else {
        some(permissions)
    }
}

fn link(link: &Link, user: &str, state: State) -> Node {
    let text = link.edge.to_string();
    let text = text.strip_prefix(&format!("{user} ")).unwrap_or(&text);
    let mut text = name(text);
    if let Some(until) = link.until {
        text.push_str(&format!(" until {}", until.short()));
    }
    if let Some(because) = &link.because {
        text.push_str(&format!(": {}", prose(because)));
    }
    if state != State::Declared && link.declared.is_none() {
        text.push_str(" (not in the files)");
    }
    Node { place: link.declared.clone(), ..Node::new(text) }
}

fn way(path: &Path, user: &str, state: State) -> Node {
    let mut text = gives(path.administers, &path.permissions, path.not_published, &path.role);
    if path.everywhere && !path.administers {
        text.push_str(", everywhere");
    }
    if path.inferred.is_some() {
        text.push_str(" (inferred)");
    }
    let mut below: Vec<Node> = path.links.iter().map(|l| link(l, user, state)).collect();
    if !path.held_back.is_empty() {
        let text = format!("held back by the user's own roles: {}", some(&path.held_back));
        below.push(Node { tone: Tone::Caution, ..Node::new(text) });
    }
    if let Some(why) = &path.inferred {
        below.push(Node { tone: Tone::Caution, ..Node::new(format!("inferred: {}", prose(why))) });
    }
    Node { tone: if path.administers { Tone::Alarm } else { Tone::Plain }, below, ..Node::new(text) }
}

/// The answers of `explain`.
#[must_use]
pub fn explain(state: State, answers: &[Explanation], style: Style) -> String {
    let mut out = String::new();
    for (index, one) in answers.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        explanation(&mut out, state, one, style);
    }
    out
}

fn explanation(out: &mut String, state: State, one: &Explanation, style: Style) {
    let user = name(&one.user);
    let on = one.resource.as_ref().map(|r| format!(" on {}", name(r))).unwrap_or_default();
    let head = match &one.asked {
        Some(asked) => {
            let partly = one.resource.is_none() && one.can.is_yes() && !one.is_everywhere();
            let where_ = match (partly, one.not_published.is_empty()) {
                (false, _) => "",
                (true, true) => ", but not everywhere",
                (true, false) => ", on resources; everywhere cannot be known",
            };
            format!("{user} can {}{on}: {}{where_}", name(asked), one.can.word())
        }
        None => format!("{user}{on}"),
    };
    heading(out, &head, &one.target, Some(state), style);
    if let Some(until) = one.until.filter(|_| one.state == Some(UserState::Active)) {
        Row::plain(0, &format!("The account ends {}.", until.short())).draw(out, style);
    }
    if one.asked.is_none() && one.can.is_yes() {
        let text = if one.administers {
            "May do everything, as an administrator.".to_owned()
        } else if one.permissions.is_empty() && !one.resources.is_empty() {
            "There is nothing that they may do everywhere.".to_owned()
        } else if one.permissions.is_empty() {
            "What they may do is not published.".to_owned()
        } else {
            let where_ = if one.resource.is_none() { "everywhere" } else { "there" };
            let all: Vec<String> = one.permissions.iter().map(|p| name(p)).collect();
            format!("May do {where_}: {}", all.join(", "))
        };
        Row::plain(0, &text).draw(out, style);
    }
    if one.can == Can::Unknown {
        unknown(out, one, style);
    }
    // What gives nothing here explains nothing; what is held back does.
    let counts =
        |p: &&Path| one.resource.is_none() || !p.permissions.is_empty() || p.not_published || !p.held_back.is_empty();
    let nodes: Vec<Node> = one.paths.iter().filter(counts).map(|p| way(p, &one.user, state)).collect();
    if !nodes.is_empty() {
        out.push('\n');
        forest(out, &nodes, "", style);
    }
    if !one.resources.is_empty() {
        out.push('\n');
        Row { tone: Tone::Heading, ..Row::plain(0, "On resources") }.draw(out, style);
        forest(out, &by_origin(one, state), "", style);
    }
    if !one.to_end.is_empty() {
        out.push('\n');
        let text = if one.to_end.len() == 1 { "To end it, take away" } else { "To end it, take away all of these" };
        Row { tone: Tone::Heading, ..Row::plain(0, text) }.draw(out, style);
        for end in &one.to_end {
            let text = format!("- {}", name(&end.edge.thing()));
            Row { place: end.declared.as_ref(), ..Row::plain(2, &text) }.draw(out, style);
        }
    }
    missing(out, one, style);
}

fn unknown(out: &mut String, one: &Explanation, style: Style) {
    let roles: Vec<String> = one.not_published.iter().map(|r| name(r)).collect();
    let verb = if roles.len() == 1 { "the role" } else { "the roles" };
    let text = format!("It cannot be known: what {verb} {} may do is not published.", listed(&roles));
    Row { tone: Tone::Caution, ..Row::plain(0, &text) }.draw(out, style);
}

fn missing(out: &mut String, one: &Explanation, style: Style) {
    if one.missing.is_empty() || one.can != Can::No {
        return;
    }
    out.push('\n');
    Row { tone: Tone::Heading, ..Row::plain(0, "Why not") }.draw(out, style);
    for missing in &one.missing {
        let place = match missing {
            crate::access::Missing::HeldBack { link, .. }
            | crate::access::Missing::Ended { link }
            | crate::access::Missing::Member { link, .. } => link.declared.as_ref(),
            _ => None,
        };
        let text = format!("- {}", name(&missing.say(&one.user)));
        Row { place, ..Row::plain(2, &text) }.draw(out, style);
    }
}

/// A resource and a way that begins on it.
type Here<'e> = (&'e OnResource, &'e Path);

/// Access to resources, together where it comes by the same team, or in the same manner.
fn by_origin(one: &Explanation, state: State) -> Vec<Node> {
    let mut groups: Vec<(Vec<Link>, &'static str, Vec<Here<'_>>)> = Vec::new();
    for on in &one.resources {
        for path in &on.paths {
            let team = |l: &&Link| matches!(l.edge, Edge::Member { .. } | Edge::Inner { .. });
            let lead: Vec<Link> = path.links.iter().filter(team).cloned().collect();
            let manner = match path
                .links
                .iter()
                .map(|l| &l.edge)
                .find(|e| !matches!(e, Edge::Member { .. } | Edge::Inner { .. }))
            {
                Some(Edge::Grant { to: PrincipalRecord::User(_), .. }) => "granted to them",
                Some(Edge::Grant { to: PrincipalRecord::Everyone, .. }) => "granted to everyone",
                Some(Edge::Owner { .. }) => "owned by them",
                Some(Edge::Visible { .. }) => "visible to everyone",
                _ => "",
            };
            match groups.iter_mut().find(|(l, m, _)| *l == lead && *m == manner) {
                Some((_, _, rows)) => rows.push((on, path)),
                None => groups.push((lead, manner, vec![(on, path)])),
            }
        }
    }
    groups
        .into_iter()
        .map(|(lead, manner, rows)| {
            let texts: Vec<String> = lead.iter().map(|l| link(l, &one.user, state).text).collect();
            let text = if lead.is_empty() { manner.to_owned() } else { texts.join(", ") };
            let mut below: Vec<Node> = rows.iter().take(RESOURCES).map(|(on, path)| resource(on, path)).collect();
            let more = rows.len().saturating_sub(RESOURCES);
            if more > 0 {
                let text = format!("and {} more; --json has all", thousands(more));
                below.push(Node { tone: Tone::Dim, ..Node::new(text) });
            }
            let place = lead.first().and_then(|l| l.declared.clone());
            Node { place, below, ..Node::new(text) }
        })
        .collect()
}

fn resource(on: &OnResource, path: &Path) -> Node {
    let within = match on.within {
        0 => String::new(),
        n => format!(" and {} within it", thousands(n)),
    };
    let mut text = format!(
        "{}{within}: {}",
        name(&on.resource),
        gives(path.administers, &path.permissions, path.not_published, &path.role)
    );
    let last = path.links.iter().rev().find(|l| matches!(l.edge, Edge::Grant { .. }));
    if let Some(until) = last.and_then(|l| l.until) {
        text.push_str(&format!(" until {}", until.short()));
    }
    if let Some(because) = last.and_then(|l| l.because.as_ref()) {
        text.push_str(&format!(": {}", prose(because)));
    }
    if !path.held_back.is_empty() {
        text.push_str(&format!(" (held back: {})", some(&path.held_back)));
    }
    let place = path.links.last().and_then(|l| l.declared.clone());
    Node { place, ..Node::new(text) }
}

/// The answers of `can`: a line each, with the way or what is missing.
#[must_use]
pub fn can(state: State, answers: &[Explanation], style: Style) -> String {
    let mut out = String::new();
    for one in answers {
        let within = if answers.len() > 1 { format!(" in {}", name(&one.target)) } else { String::new() };
        let word = one.can.word();
        let asked = one.asked.as_deref().unwrap_or_default();
        let on = one.resource.as_deref().unwrap_or_default();
        let why = match (one.can, one.paths.first(), one.missing.first()) {
            (Can::Unknown, _, _) => {
                let roles: Vec<String> = one.not_published.iter().map(|r| name(r)).collect();
                format!("what {} may do is not published, so this is not taken for a yes", listed(&roles))
            }
            (Can::Yes | Can::Inferred, Some(path), _) => {
                let links: Vec<String> = path.links.iter().map(|l| link(l, &one.user, state).text).collect();
                links.join(", ")
            }
            (_, _, Some(missing)) => name(&missing.say(&one.user)),
            _ => String::new(),
        };
        let verb = if one.can.is_yes() { "can" } else { "cannot" };
        let verb = if one.can == Can::Unknown { "may or may not be able to" } else { verb };
        let colon = if why.is_empty() { "" } else { ": " };
        let text = format!("{word}{within}: {} {verb} {} on {}{colon}{why}", name(&one.user), name(asked), name(on));
        let tone = if one.can.is_yes() { Tone::Good } else { Tone::Bad };
        Row { tone, head: Some(word.len()), ..Row::plain(0, &text) }.draw(&mut out, style);
    }
    out
}

/// The answers of `who`.
#[must_use]
pub fn who(state: State, answers: &[Who], style: Style) -> String {
    let mut out = String::new();
    for (index, one) in answers.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        whose(&mut out, state, one, style);
    }
    out
}

fn whose(out: &mut String, state: State, one: &Who, style: Style) {
    let resource = name(&one.resource);
    let head = match &one.asked {
        Some(asked) => format!("Who can {} on {resource}", name(asked)),
        None => format!("Who has access to {resource}"),
    };
    heading(out, &head, &one.target, Some(state), style);
    let admins = one.users.iter().filter(|u| u.administers).count();
    let open = one.users.iter().filter(|u| u.can == Can::Unknown).count();
    let mut text = match one.users.len() {
        0 => "Nobody.".to_owned(),
        1 => "1 user".to_owned(),
        n => format!("{} users", thousands(n)),
    };
    if admins > 0 {
        text.push_str(&format!(", {} of them administering", thousands(admins)));
    }
    if open > 0 {
        text.push_str(&format!(", {} of whom it cannot be known", thousands(open)));
    }
    Row::plain(0, &text).draw(out, style);
    let nodes = sources(one);
    if !nodes.is_empty() {
        out.push('\n');
        forest(out, &nodes, "", style);
    }
}

/// The sources; grants to single users of whom nothing else is to be said stand together where there are
/// many of the same role.
fn sources(one: &Who) -> Vec<Node> {
    let held: Vec<&Via> = one.users.iter().flat_map(|u| &u.via).collect();
    let said: BTreeSet<usize> = held.iter().filter(|v| v.until.is_some() || v.held_back).map(|v| v.source).collect();
    let plain = |index: usize, s: &Source| match &s.link.edge {
        _ if said.contains(&index) => None,
        Edge::Grant { to: PrincipalRecord::User(user), resource, role }
            if s.link.until.is_none() && s.link.because.is_none() =>
        {
            Some((resource.clone(), role.clone(), user.clone()))
        }
        _ => None,
    };
    let mut together: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (resource, role, user) in one.sources.iter().enumerate().filter_map(|(i, s)| plain(i, s)) {
        together.entry((resource, role)).or_default().push(user);
    }
    together.retain(|_, users| users.len() > TOGETHER);
    let mut nodes = Vec::new();
    for (index, each) in one.sources.iter().enumerate() {
        let Some((resource, role, _)) = plain(index, each) else {
            nodes.push(source(one, index, each));
            continue;
        };
        let key = (resource, role);
        match together.get_mut(&key) {
            None => nodes.push(source(one, index, each)),
            // Told with the first of them.
            Some(users) if users.is_empty() => {}
            Some(users) => {
                let what = gives(each.administers, &each.permissions, each.not_published, &each.role);
                let head =
                    format!("{what}: {} users have {} on {}", thousands(users.len()), name(&key.1), name(&key.0));
                let shown: Vec<String> = users.iter().take(PEOPLE).map(|u| name(u)).collect();
                let more = users.len().saturating_sub(PEOPLE);
                let rest =
                    if more > 0 { format!(" and {} more; --json has all", thousands(more)) } else { String::new() };
                let below = vec![Node::new(format!("{}{rest}", shown.join(", ")))];
                nodes.push(Node { below, ..Node::new(head) });
                users.clear();
            }
        }
    }
    nodes
}

fn source(one: &Who, index: usize, source: &Source) -> Node {
    let what = gives(source.administers, &source.permissions, source.not_published, &source.role);
    let everywhere = if source.everywhere && !source.administers { ", everywhere" } else { "" };
    let inferred = if source.inferred.is_some() { " (inferred)" } else { "" };
    let by = match &source.link.edge {
        Edge::Role { role, .. } => format!("role {}", name(role)),
        Edge::MemberRole { team, role, .. } => format!("role {} in team/{}", name(role), name(team)),
        edge => name(&edge.to_string()),
    };
    let mut text = format!("{what}{everywhere}{inferred}: {by}");
    if let Some(until) = source.link.until {
        text.push_str(&format!(" until {}", until.short()));
    }
    if let Some(because) = &source.link.because {
        text.push_str(&format!(": {}", prose(because)));
    }
    let mut node = Node { place: source.link.declared.clone(), ..Node::new(text) };
    if source.administers {
        node.tone = Tone::Alarm;
    }
    // What is given to one user, or owned, names that user already.
    let names_user = matches!(&source.link.edge, Edge::Grant { to: PrincipalRecord::User(_), .. })
        || matches!(source.link.edge, Edge::Owner { .. });
    let mut people = Vec::new();
    for user in &one.users {
        let Some(via) = user.via.iter().find(|v| v.source == index) else { continue };
        if people.len() == PEOPLE {
            break;
        }
        let mut remarks = Vec::new();
        if let Some(until) = via.until {
            remarks.push(format!("until {}", until.short()));
        }
        if via.held_back {
            remarks.push(format!("held back to {}", some(&user.permissions)));
        }
        if user.can == Can::Unknown {
            remarks.push("cannot be known".to_owned());
        }
        let remarks = if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join(", ")) };
        if !names_user || !remarks.is_empty() {
            people.push(format!("{}{remarks}", name(&user.user)));
        } else if matches!(source.link.edge, Edge::Owner { .. }) {
            people.push(name(&user.user));
        }
    }
    if !people.is_empty() {
        let more = source.users.saturating_sub(people.len());
        let rest = if more > 0 { format!(" and {} more; --json has all", thousands(more)) } else { String::new() };
        node.below.push(Node::new(format!("{}{rest}", people.join(", "))));
    }
    node
}
