//! A search for an order: one change after the other, so that no cell and no count is ever wrong.
//!
//! First the straight way: the first change by rank that may be made now, and so on; what is held up
//! by a cell or a count waits until that moves. Where this gets stuck, the changes that hang together
//! with the stuck ones are gone through anew, every order of them if it must be, up to a limit.

use std::collections::{BTreeSet, BinaryHeap};

use rustc_hash::{FxHashMap, FxHashSet};

use super::cell::{Cell, Judge};
use super::headcount::Count;

/// How many states a search looks at before it gives up: all that twelve changes have.
pub(super) const STATES_MAX: usize = 4_096;

/// What the search keeps to.
pub(super) struct Bounds<'b, 'w, 'a> {
    /// How many changes there are.
    pub size: usize,
    /// For each change, those that must come before.
    pub before: &'b [Vec<u32>],
    /// Smaller is earlier, where there is a choice.
    pub rank: &'b [(u8, u32)],
    pub cells: &'b [Cell],
    /// By change: the cells it is in.
    pub cells_of: &'b [Vec<u32>],
    pub counts: &'b [Count],
    /// By change: the counts that it moves.
    pub counts_of: &'b [Vec<u32>],
    pub judge: &'b Judge<'w, 'a>,
}

/// Where a search ended without an order.
#[derive(Debug)]
pub(super) struct Stuck {
    /// The changes that hang together and could not all be made.
    pub changes: Vec<u32>,
    /// Those of them that were held up when the search had come farthest.
    pub waiting: Vec<u32>,
    /// The cells that held them up.
    pub cells: Vec<u32>,
    /// The counts that held them up.
    pub counts: Vec<u32>,
    /// Whether every order has been looked at.
    pub exhausted: bool,
}

/// Why a change cannot be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HeldUp {
    By(u32),
    Cell(u32),
    Count(u32),
}

/// What has been made so far, and the counts then.
struct Now {
    made: Vec<bool>,
    counts: Vec<isize>,
}

impl Bounds<'_, '_, '_> {
    fn start(&self) -> Now {
        Now { made: vec![false; self.size], counts: self.counts.iter().map(|c| c.before() as isize).collect() }
    }

    /// Makes a change, or takes it back.
    fn turn(&self, change: u32, now: &mut Now, on: bool) {
        now.made[change as usize] = false;
        for &count in &self.counts_of[change as usize] {
            let moves = self.counts[count as usize].moves(self.judge.world, change, &|c| now.made[c as usize]);
            now.counts[count as usize] += if on { moves } else { -moves };
        }
        now.made[change as usize] = on;
    }

    fn held_up(&self, change: u32, now: &Now) -> Option<HeldUp> {
        let made = &now.made;
        if let Some(&first) = self.before[change as usize].iter().find(|b| !made[**b as usize]) {
            return Some(HeldUp::By(first));
        }
        let then = |c: u32| c == change || made[c as usize];
        for &cell in &self.cells_of[change as usize] {
            if !self.cells[cell as usize].allows(self.judge, then) {
                return Some(HeldUp::Cell(cell));
            }
        }
        for &count in &self.counts_of[change as usize] {
            let count_of = &self.counts[count as usize];
            let moves = count_of.moves(self.judge.world, change, &|c| made[c as usize]);
            if !count_of.keeps((now.counts[count as usize] + moves).max(0) as usize) {
                return Some(HeldUp::Count(count));
            }
        }
        None
    }

    /// An order of all changes.
    pub fn order(&self) -> Result<Vec<u32>, Stuck> {
        let all: Vec<u32> = (0..self.size as u32).collect();
        let (mut order, left) = self.straight(&all);
        if left.is_empty() {
            return Ok(order);
        }
        let group = self.hanging_together(&left);
        let inner = self.thorough(&group)?;
        let members: FxHashSet<u32> = group.iter().copied().collect();
        order.retain(|c| !members.contains(c));
        order.extend(inner);
        Ok(order)
    }

    /// The straight way: what can be made, in order, and what is left.
    fn straight(&self, of: &[u32]) -> (Vec<u32>, Vec<u32>) {
        let mut now = self.start();
        let key = |c: u32| std::cmp::Reverse((self.rank[c as usize], c));
        let mut open: BinaryHeap<_> = of.iter().map(|c| key(*c)).collect();
        let mut by_change: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut by_cell: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut by_count: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut order = Vec::new();
        while let Some(std::cmp::Reverse((_, change))) = open.pop() {
            match self.held_up(change, &now) {
                Some(HeldUp::By(first)) => by_change.entry(first).or_default().push(change),
                Some(HeldUp::Cell(cell)) => by_cell.entry(cell).or_default().push(change),
                Some(HeldUp::Count(count)) => by_count.entry(count).or_default().push(change),
                None => {
                    self.turn(change, &mut now, true);
                    order.push(change);
                    open.extend(by_change.remove(&change).unwrap_or_default().into_iter().map(key));
                    for cell in &self.cells_of[change as usize] {
                        open.extend(by_cell.remove(cell).unwrap_or_default().into_iter().map(key));
                    }
                    for count in &self.counts_of[change as usize] {
                        open.extend(by_count.remove(count).unwrap_or_default().into_iter().map(key));
                    }
                }
            }
        }
        let left = of.iter().copied().filter(|c| !now.made[*c as usize]).collect();
        (order, left)
    }

    /// The changes that hang together with some: by what must come before, by cells and by counts.
    fn hanging_together(&self, some: &[u32]) -> Vec<u32> {
        let mut after: Vec<Vec<u32>> = vec![Vec::new(); self.size];
        for (change, before) in self.before.iter().enumerate() {
            before.iter().for_each(|b| after[*b as usize].push(change as u32));
        }
        let mut of_count: Vec<Vec<u32>> = vec![Vec::new(); self.counts.len()];
        for (change, counts) in self.counts_of.iter().enumerate() {
            counts.iter().for_each(|c| of_count[*c as usize].push(change as u32));
        }
        let mut seen: BTreeSet<u32> = some.iter().copied().collect();
        let mut open: Vec<u32> = some.to_vec();
        let (mut cells, mut counts) = (FxHashSet::default(), FxHashSet::default());
        while let Some(change) = open.pop() {
            let index = change as usize;
            let mut near: Vec<u32> = self.before[index].iter().chain(&after[index]).copied().collect();
            for cell in self.cells_of[index].iter().filter(|c| cells.insert(**c)) {
                near.extend(&self.cells[*cell as usize].changes);
            }
            for count in self.counts_of[index].iter().filter(|c| counts.insert(**c)) {
                near.extend(&of_count[*count as usize]);
            }
            open.extend(near.into_iter().filter(|c| seen.insert(*c)));
        }
        let mut group: Vec<u32> = seen.into_iter().collect();
        group.sort_unstable_by_key(|c| (self.rank[*c as usize], *c));
        group
    }

    /// Every order of some changes, depth first, no state twice.
    fn thorough(&self, group: &[u32]) -> Result<Vec<u32>, Stuck> {
        let mut now = self.start();
        let mut seen: FxHashSet<Vec<u64>> = FxHashSet::default();
        let mut order: Vec<u32> = Vec::new();
        // For each depth, the next of the group to be tried.
        let mut next: Vec<usize> = vec![0];
        let mut farthest: Vec<u32> = Vec::new();
        let mut states = 0_usize;
        while let Some(from) = next.last_mut() {
            if order.len() == group.len() {
                return Ok(order);
            }
            let Some(at) = (*from..group.len()).find(|i| {
                let change = group[*i];
                !now.made[change as usize] && self.held_up(change, &now).is_none()
            }) else {
                if order.len() >= farthest.len() {
                    farthest.clone_from(&order);
                }
                next.pop();
                if let Some(change) = order.pop() {
                    self.turn(change, &mut now, false);
                }
                continue;
            };
            *from = at + 1;
            let change = group[at];
            let mut key = vec![0_u64; group.len().div_ceil(64)];
            for (i, _) in group.iter().enumerate().filter(|(_, c)| **c == change || now.made[**c as usize]) {
                key[i / 64] |= 1 << (i % 64);
            }
            if !seen.insert(key) {
                continue;
            }
            states += 1;
            self.turn(change, &mut now, true);
            order.push(change);
            next.push(0);
            if states >= STATES_MAX {
                farthest = if order.len() > farthest.len() { order.clone() } else { farthest };
                return Err(self.stuck(group, &farthest, false));
            }
        }
        Err(self.stuck(group, &farthest, true))
    }

    fn stuck(&self, group: &[u32], farthest: &[u32], exhausted: bool) -> Stuck {
        let mut now = self.start();
        farthest.iter().for_each(|c| self.turn(*c, &mut now, true));
        let waiting: Vec<u32> = group.iter().copied().filter(|c| !now.made[*c as usize]).collect();
        let (mut cells, mut counts) = (Vec::new(), Vec::new());
        for &change in &waiting {
            match self.held_up(change, &now) {
                Some(HeldUp::Cell(cell)) => cells.push(cell),
                Some(HeldUp::Count(count)) => counts.push(count),
                Some(HeldUp::By(_)) | None => {}
            }
        }
        cells.sort_unstable();
        cells.dedup();
        counts.sort_unstable();
        counts.dedup();
        Stuck { changes: group.to_vec(), waiting, cells, counts, exhausted }
    }
}
