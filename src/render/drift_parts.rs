//! The sentences of a drift report that every drawing of it says in the same words. All texts are clean.

use super::access;
use super::describe::{describe, why};
use super::text::{listed, name, prose, thousands};
use crate::access::{AccessDifference, AccessEffect, AccessLine};
use crate::drift::{Difference, Direction, Drift, Entry, Mends, Standing, TargetDrift, seen_from_files};
use crate::model::{Change, UserState, Why};

/// Who has more or less than declared.
pub(super) struct Side<'a> {
    /// Its title.
    pub title: &'static str,
    /// The lines: administrators first, then writes, then reads.
    pub lines: Vec<&'a AccessLine>,
}

/// The sides of an access difference that are not empty.
pub(super) fn sides(access: &AccessDifference) -> Vec<Side<'_>> {
    let of = |effect: AccessEffect| access.lines.iter().filter(move |l| l.effect == effect).collect::<Vec<_>>();
    let all = [
        ("More than declared", AccessEffect::Gains),
        ("Less than declared", AccessEffect::Loses),
        ("As declared, by another way", AccessEffect::Path),
    ];
    let all = all.into_iter().map(|(title, effect)| Side { title, lines: of(effect) });
    all.filter(|side| !side.lines.is_empty()).collect()
}

/// The verdict in people: `2 people have more than declared, 1 has less`.
pub(super) fn verdict(access: &AccessDifference) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (n, what) in [(access.gain, "more than declared"), (access.lose, "less than declared")] {
        if n > 0 {
            let noun = if n == 1 { "person has" } else { "people have" };
            let said = if parts.is_empty() { format!("{} {noun}", thousands(n)) } else { has(n) };
            parts.push(format!("{said} {what}"));
        }
    }
    if access.path > 0 {
        let said = match (parts.is_empty(), access.path) {
            (true, 1) => "1 person has".to_owned(),
            (true, n) => format!("{} people have", thousands(n)),
            (false, n) => has(n),
        };
        parts.push(format!("{said} the same by another way"));
    }
    if parts.is_empty() { "nobody has more or less than declared".to_owned() } else { parts.join(", ") }
}

fn has(n: usize) -> String {
    format!("{} {}", thousands(n), if n == 1 { "has" } else { "have" })
}

/// A line as a sentence: who, what, where and through what.
pub(super) fn sentence(line: &AccessLine) -> String {
    let verb = match (line.effect, line.people) {
        (AccessEffect::Gains, 1) => "has",
        (AccessEffect::Gains, _) => "have",
        (AccessEffect::Loses, 1) => "lacks",
        (AccessEffect::Loses, _) => "lack",
        (AccessEffect::Path, 1) => "has the same",
        (AccessEffect::Path, _) => "have the same",
    };
    let what = if line.effect == AccessEffect::Path { String::new() } else { access::what(line) };
    let words = [format!("{} {verb}", access::who(line)), what, access::place(line), access::through(line)];
    let said = words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    match access::but(line) {
        Some(but) => format!("{said}; {but}"),
        None => said,
    }
}

/// A difference in one line, in the words of a plan: `+` is live and not declared, `-` declared and not live,
/// `~` differs, with the declared value first.
pub(super) fn line(difference: &Difference) -> String {
    let change = &difference.change;
    let state = |live: UserState, declared: &str, reason: Option<&Why>| {
        let reason = reason.filter(|r| **r != Why::Declared).map(|r| format!("  {}", why(r))).unwrap_or_default();
        format!("~ {}  state {declared} -> {}{reason}", name(&difference.object.to_string()), live.word())
    };
    match (change, difference.direction) {
        (Change::DisableUser { user, reason }, Direction::Different) => state(user.state, "disabled", Some(reason)),
        (Change::EnableUser { user }, _) => state(user.state, "active", None),
        (_, Direction::Missing) => {
            let text = describe(&seen_from_files(change));
            format!("-{}", text.strip_prefix('+').unwrap_or(&text))
        }
        _ => {
            let reason = change.reason().filter(|r| **r != Why::Undeclared);
            let reason = reason.map(|r| format!("  {}", why(r))).unwrap_or_default();
            format!("{}{reason}", describe(&seen_from_files(change)))
        }
    }
}

/// What else is said of a difference, a sentence each.
pub(super) fn remarks(difference: &Difference, now: crate::model::Moment) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(widens) = &difference.widens {
        let whom = match widens.people {
            0 => "for whoever joins by it".to_owned(),
            n if n > widens.who.len() || n > 3 => format!("for {} people", thousands(n)),
            _ => format!("for {}", listed(&widens.who.iter().map(|w| name(w)).collect::<Vec<_>>())),
        };
        let admin = if widens.administrator { ", to everything, as an administrator" } else { "" };
        let allowed = difference
            .allowed
            .as_ref()
            .map(|a| format!("; allowed by {} until {}, but it widens access", name(&a.owner), a.until.short()));
        out.push(format!("widens access {whom}{admin}{}", allowed.unwrap_or_default()));
    }
    if let Some(since) = difference.since {
        let said = if since == now { "seen for the first time".to_owned() } else { format!("seen since {since}") };
        out.push(said);
    }
    if let Some(told) = &difference.told_by {
        let inferred = if told.inferred { "; that this is about it is inferred" } else { "" };
        out.push(format!(
            "the log of the target says: {} by {} at {}{inferred}",
            prose(&told.what),
            prose(&told.actor),
            prose(&told.at)
        ));
    }
    match &difference.mends {
        Mends::Apply => {}
        Mends::Nobody => out.push("only observed: an apply leaves it".to_owned()),
        Mends::Hand { what, place } => out.push(format!("by hand: {} ({})", prose(what), prose(place))),
        Mends::Never { what, help } => out.push(format!("cannot be mended: {} ({})", prose(what), prose(help))),
    }
    out
}

/// What is said of people who have been invited, and of what is nobody's concern here.
pub(super) fn asides(drift: &TargetDrift) -> Vec<String> {
    let mut out: Vec<String> =
        drift.doubts.iter().map(|d| format!("this may not be everything: {}", prose(d))).collect();
    let some = |names: &[String]| super::plan_parts::some(names);
    if !drift.pending.is_empty() {
        out.push(format!("invited and not here yet ({}): {}", thousands(drift.pending.len()), some(&drift.pending)));
    }
    let expired = &drift.expired_invitations;
    if !expired.is_empty() {
        out.push(format!("the invitation has run out ({}): {}", thousands(expired.len()), some(expired)));
    }
    let left: Vec<String> = drift.left_alone.iter().filter(|(_, n)| **n > 0).map(|(k, n)| k.count(*n)).collect();
    if !left.is_empty() {
        out.push(format!("not declared, and left as it is: {}", left.join(", ")));
    }
    out.extend(drift.notes.iter().map(|n| prose(n)));
    out
}

/// How many differences are allowed.
pub(super) fn hidden(drift: &TargetDrift) -> usize {
    drift.differences.iter().filter(|d| d.is_hidden()).count()
}

/// An entry of the allow-list in one line.
pub(super) fn entry(entry: &Entry) -> String {
    let Entry { object, targets: _, allowed, standing } = entry;
    let says = match standing {
        Standing::Hides => "hidden".to_owned(),
        Standing::Widens => "shown, because it widens access".to_owned(),
        Standing::Stale => "hides nothing: take the line away".to_owned(),
        Standing::Ended => format!("ended {}: mend the difference, or take the line away", allowed.until.short()),
        Standing::NotLooked => "not every target it is about was looked at".to_owned(),
    };
    let until = if *standing == Standing::Ended { String::new() } else { format!(" until {}", allowed.until.short()) };
    format!("{}  {says}; {}{until}: {}", name(object), name(&allowed.owner), prose(&allowed.because))
}

/// The last line: `Drift: 1 extra, 2 missing, 1 different in 1 target.`
pub(super) fn summary(drift: &Drift) -> String {
    let all = [Direction::Extra, Direction::Missing, Direction::Different];
    let counts: Vec<String> = all
        .into_iter()
        .map(|d| (d, drift.count(d)))
        .filter(|(_, n)| *n > 0)
        .map(|(d, n)| format!("{} {}", thousands(n), d.word()))
        .collect();
    let within = drift.targets.iter().filter(|t| t.reported().next().is_some()).count();
    let (n, s) = (drift.targets.len(), if drift.targets.len() == 1 { "" } else { "s" });
    match (counts.is_empty(), within) {
        (true, _) if drift.targets.is_empty() => "Nothing was looked at.".to_owned(),
        (true, _) => format!("No drift in {n} target{s}."),
        (false, 1) => format!("Drift: {} in 1 target.", counts.join(", ")),
        (false, within) => format!("Drift: {} in {within} targets.", counts.join(", ")),
    }
}
