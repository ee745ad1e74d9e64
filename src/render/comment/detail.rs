//! What is left out of a comment that would be too long, and in which order: rows of the same team and role
//! become one, then links go, then who has the same access another way, then the operations, then rows. The
//! verdict, the guards, new administrators and what is lost stay to the end (`shared/lessons.md`, section 4.3).

use super::Comment;

/// More people than this are counted, and only the riskiest rows shown.
const PEOPLE: usize = 1_000;

/// So many rows are shown then.
const RISKIEST: usize = 50;

/// A budget larger than this has room for all that is shown of so many people.
const ROOM: usize = 100_000;

/// How much is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Detail {
    /// Rows of the same team and role are one.
    pub grouped: bool,
    /// Gains and losses are counted by risk.
    pub counted: bool,
    /// Places in files are links.
    pub links: bool,
    /// Whether those are shown who have the same access another way.
    pub paths: bool,
    /// So many lines of operations; more are grouped.
    pub operations: usize,
    /// So many rows of new administrators and losses.
    pub protected: usize,
    /// So many other rows.
    pub rows: usize,
    /// So many guards, notes, differences and so on, of each list.
    pub list: usize,
    /// So many targets.
    pub targets: usize,
    /// So many characters of a name.
    pub name: usize,
    /// So many characters of a sentence.
    pub sentence: usize,
}

/// The ways to say it, from most to least.
pub(super) fn ladder(comment: &Comment<'_>, budget: usize) -> Vec<Detail> {
    let targets = comment.plan.iter().flat_map(|p| &p.targets);
    let people: usize = targets.map(|t| t.access.gain + t.access.lose + t.access.path).sum();
    let many = people > PEOPLE && budget < ROOM;
    let full = Detail {
        grouped: false,
        counted: false,
        links: true,
        paths: true,
        operations: if budget < ROOM { 300 } else { 20_000 },
        protected: 10_000,
        rows: 10_000,
        list: if budget < ROOM { 100 } else { 2_000 },
        targets: 500,
        name: 300,
        sentence: 2_000,
    };
    let mut all = Vec::new();
    if many {
        all.push(Detail { counted: true, protected: RISKIEST, rows: RISKIEST, ..full });
    } else {
        all.push(full.clone());
        all.push(Detail { grouped: true, ..full });
    }
    let mut step = |change: &dyn Fn(&mut Detail)| {
        if let Some(mut next) = all.last().cloned() {
            change(&mut next);
            all.push(next);
        }
    };
    step(&|d| d.links = false);
    step(&|d| d.paths = false);
    step(&|d| d.operations = 0);
    // From here on some rows are not shown: their numbers are.
    for (rows, protected, list) in [(200, 400, 60), (100, 300, 40), (50, 200, 30), (20, 150, 20), (0, 100, 15)] {
        step(&|d| {
            d.grouped = true;
            d.counted = true;
            (d.rows, d.protected, d.list) = (d.rows.min(rows), d.protected.min(protected), d.list.min(list));
            d.sentence = d.sentence.min(600);
        });
    }
    for (protected, list, targets, name, sentence) in [
        (50, 10, 100, 120, 300),
        (25, 6, 40, 80, 200),
        (10, 5, 20, 60, 160),
        (5, 4, 8, 40, 120),
        (3, 3, 3, 30, 80),
        (2, 2, 2, 20, 60),
        (1, 1, 1, 12, 30),
    ] {
        step(&|d| {
            (d.protected, d.list, d.targets) = (d.protected.min(protected), list, targets);
            (d.name, d.sentence) = (name, sentence);
        });
    }
    all
}
