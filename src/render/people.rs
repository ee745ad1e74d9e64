//! Who gains and who loses what: what every plan says first, whatever it is drawn on.

use super::changes::MANY;
use super::people_found::found;
use super::text::thousands;
use crate::diagnostic::Location;
use crate::plan::TargetPlan;

/// How many things of one person are shown.
pub const ITEMS: usize = 12;

/// How many rows are shown of a list with a great many; administrators always are.
const PEOPLE: usize = 50;

/// What is most worth looking at comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Somebody becomes or stops being an administrator.
    Administrator,
    /// Something is taken away.
    Removal,
    /// Everything else.
    Rest,
}

/// Whose access changes, the largest circle first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Circle {
    /// Everyone, or whoever comes to be in some position: who that is cannot be known from a plan.
    Many,
    /// The members of a team.
    Team,
    /// One person.
    Person,
}

/// One thing that somebody gains, loses or has in another way. The texts are clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What.
    pub what: String,
    /// Why, where it is said.
    pub why: Option<String>,
    /// Whether it makes or unmakes an administrator.
    pub administrator: bool,
    /// Where it is declared.
    pub declared: Option<Location>,
}

/// The access of one person, of a team's members, or of everyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Who, in clean text.
    pub who: String,
    /// How many they are.
    pub circle: Circle,
    /// How much it is worth a look.
    pub risk: Risk,
    /// What they get.
    pub gains: Vec<Item>,
    /// What they lose.
    pub loses: Vec<Item>,
    /// What becomes another without being more or less, as far as that can be known.
    pub changes: Vec<Item>,
    /// Where the first of all this is declared.
    pub declared: Option<Location>,
}

/// How many gain, lose, and have something changed. Who gains and loses is counted in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// With gains.
    pub gain: usize,
    /// With losses.
    pub lose: usize,
    /// With neither, only with changes.
    pub change: usize,
}

/// The rows of a plan, the riskiest first, and then by name.
#[must_use]
pub fn people(plan: &TargetPlan) -> Vec<Row> {
    let mut rows = found(plan);
    rows.retain(|r| !(r.gains.is_empty() && r.loses.is_empty() && r.changes.is_empty()));
    for row in &mut rows {
        let mut items = row.loses.iter().chain(&row.gains).chain(&row.changes);
        row.declared = items.clone().find_map(|i| i.declared.clone());
        row.risk = if items.any(|i| i.administrator) {
            Risk::Administrator
        } else if row.loses.is_empty() {
            Risk::Rest
        } else {
            Risk::Removal
        };
        for items in [&mut row.gains, &mut row.loses, &mut row.changes] {
            items.sort_by_key(|i| !i.administrator);
        }
    }
    rows.sort_by(|a, b| (a.risk, a.circle, &a.who).cmp(&(b.risk, b.circle, &b.who)));
    rows
}

/// How many of these rows are shown.
#[must_use]
pub fn shown(rows: &[&Row]) -> usize {
    let administrators = rows.iter().filter(|r| r.risk == Risk::Administrator).count();
    if rows.len() > MANY { PEOPLE.max(administrators) } else { rows.len() }
}

/// Counts the people, and the teams and larger circles.
#[must_use]
pub fn count(rows: &[Row]) -> (Counts, Counts) {
    let (mut people, mut groups) = (Counts::default(), Counts::default());
    for row in rows {
        let counts = if row.circle == Circle::Person { &mut people } else { &mut groups };
        counts.gain += usize::from(!row.gains.is_empty());
        counts.lose += usize::from(!row.loses.is_empty());
        counts.change += usize::from(row.gains.is_empty() && row.loses.is_empty());
    }
    (people, groups)
}

/// The verdict: `3 people gain, 2 lose, 1 changes`.
#[must_use]
pub fn verdict(rows: &[Row]) -> String {
    let (people, groups) = count(rows);
    let parts: Vec<String> = [(people, "person", "people"), (groups, "group", "groups")]
        .into_iter()
        .filter_map(|(counts, one, many)| said(counts, one, many))
        .collect();
    if parts.is_empty() { "nobody's access changes".to_owned() } else { parts.join("; ") }
}

fn said(counts: Counts, one: &str, many: &str) -> Option<String> {
    let all = [(counts.gain, "gains", "gain"), (counts.lose, "loses", "lose"), (counts.change, "changes", "change")];
    let mut parts: Vec<String> = Vec::new();
    for (n, singular, plural) in all.into_iter().filter(|(n, ..)| *n > 0) {
        let verb = if n == 1 { singular } else { plural };
        let noun = if n == 1 { one } else { many };
        let noun = if parts.is_empty() { format!(" {noun}") } else { String::new() };
        parts.push(format!("{}{noun} {verb}", thousands(n)));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}
