//! Which desired thing is which live thing: by name, and by the name that it says it had before.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{Domain, Resource, Role, Team, User};

/// A thing with a name that is its key.
pub(super) trait Named {
    /// The key.
    fn name(&self) -> &str;
    /// The key it had before, where the files say so.
    fn was(&self) -> Option<&str> {
        None
    }
}

macro_rules! named {
    ($type:ty, $key:ident) => {
        impl Named for $type {
            fn name(&self) -> &str {
                &self.$key
            }
        }
    };
    ($type:ty, $key:ident, was) => {
        impl Named for $type {
            fn name(&self) -> &str {
                &self.$key
            }
            fn was(&self) -> Option<&str> {
                self.was.as_deref()
            }
        }
    };
}

named!(Role, name);
named!(Domain, name);
named!(User, email, was);
named!(Team, name, was);
named!(Resource, name, was);

/// The pairs of one kind.
#[derive(Debug, Default)]
pub(super) struct Join {
    /// The live thing of each desired one.
    pub live_of: Vec<Option<u32>>,
    /// The desired thing of each live one.
    pub desired_of: Vec<Option<u32>>,
    /// The desired things whose live ones get another name.
    pub renamed: Vec<u32>,
}

/// What became of a `was:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Was {
    /// The live thing of the old name gets the new one.
    Rename,
    /// That has happened before.
    Done,
    /// Neither name is live.
    New,
    /// Both names are live, and nothing makes room.
    BothLive,
    /// The old name is declared as a thing of its own.
    Declared,
    /// Another thing says the same.
    Claimed,
}

/// Joins two sorted lists by name, in linear time.
pub(super) fn by_name<T: Named>(desired: &[T], live: &[T]) -> Join {
    let mut join = Join { live_of: vec![None; desired.len()], desired_of: vec![None; live.len()], renamed: Vec::new() };
    let (mut i, mut j) = (0, 0);
    while let (Some(d), Some(l)) = (desired.get(i), live.get(j)) {
        match d.name().cmp(l.name()) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                join.live_of[i] = Some(j as u32);
                join.desired_of[j] = Some(i as u32);
                i += 1;
                j += 1;
            }
        }
    }
    join
}

/// Follows every `was:` that `applies`, and changes the pairs accordingly. Says what became of each.
///
/// `former` gives the name that a live thing had before it was put aside: where an apply was cut off
/// while names changed places, the thing of the old name is found under the spare one. `made` tells which
/// renamings have been made before: of names in a circle nothing else tells.
pub(super) fn follow_was<T: Named>(
    desired: &[T],
    live: &[T],
    join: &mut Join,
    applies: impl Fn(&T, &str) -> bool,
    former: impl Fn(&str) -> Option<String>,
    made: impl Fn(&T, &str) -> bool,
) -> Vec<(u32, Was)> {
    let mut saying: Vec<u32> = Vec::new();
    let mut claimant: FxHashMap<&str, u32> = FxHashMap::default();
    let mut outcome: FxHashMap<u32, Was> = FxHashMap::default();
    for (index, thing) in desired.iter().enumerate() {
        let Some(old) = thing.was().filter(|old| *old != thing.name() && applies(thing, old)) else { continue };
        let index = index as u32;
        saying.push(index);
        if claimant.contains_key(old) {
            outcome.insert(index, Was::Claimed);
        } else {
            claimant.insert(old, index);
        }
    }
    if saying.is_empty() {
        return Vec::new();
    }
    let aside: FxHashMap<String, &str> = live.iter().filter_map(|t| Some((former(t.name())?, t.name()))).collect();
    let old_name = |i: u32| {
        let old = desired[i as usize].was().unwrap_or_default();
        aside.get(old).copied().unwrap_or(old)
    };
    let says: FxHashSet<u32> = saying.iter().copied().collect();
    let find = |list: &[T], name: &str| list.binary_search_by(|t| t.name().cmp(name)).ok();
    for &start in &saying {
        // A chain of names that make room for each other is followed to its end, then decided backwards.
        let mut path: Vec<u32> = Vec::new();
        let mut seen: FxHashSet<u32> = FxHashSet::default();
        let mut at = start;
        let mut last = loop {
            if let Some(known) = outcome.get(&at) {
                break *known;
            }
            if !seen.insert(at) {
                let all =
                    path.iter().all(|&i| made(&desired[i as usize], desired[i as usize].was().unwrap_or_default()));
                if all {
                    outcome.extend(path.drain(..).map(|i| (i, Was::Done)));
                }
                break Was::Rename;
            }
            let thing = &desired[at as usize];
            let old = old_name(at);
            let (new_live, old_live) = (join.live_of[at as usize].is_some(), find(live, old).is_some());
            let declared_old = find(desired, old);
            let old_says_was = declared_old.is_some_and(|d| says.contains(&(d as u32)));
            match (new_live, old_live) {
                (true, false) => outcome.insert(at, Was::Done),
                (false, false) => outcome.insert(at, Was::New),
                (false, true) if declared_old.is_some() && !old_says_was => outcome.insert(at, Was::Declared),
                (false, true) => outcome.insert(at, Was::Rename),
                (true, true) => match claimant.get(thing.name()) {
                    Some(next) => {
                        path.push(at);
                        at = *next;
                        continue;
                    }
                    None => outcome.insert(at, settled(desired, live, old)),
                },
            };
        };
        for &index in path.iter().rev() {
            let old = old_name(index);
            last = if last == Was::Rename { Was::Rename } else { settled(desired, live, old) };
            outcome.insert(index, last);
        }
    }
    let renamed: Vec<u32> = saying.iter().copied().filter(|i| outcome.get(i) == Some(&Was::Rename)).collect();
    for &index in &renamed {
        if let Some(l) = join.live_of[index as usize].take() {
            join.desired_of[l as usize] = None;
        }
    }
    for &index in &renamed {
        let old = old_name(index);
        let Some(l) = find(live, old) else { continue };
        if let Some(d) = join.desired_of[l].take() {
            join.live_of[d as usize] = None;
        }
        join.desired_of[l] = Some(index);
        join.live_of[index as usize] = Some(l as u32);
    }
    join.renamed = renamed;
    saying.into_iter().filter_map(|i| Some((i, *outcome.get(&i)?))).collect()
}

/// Both names are live and the new one stays: done, where the old name has come to another thing by a
/// renaming that is done as well.
fn settled<T: Named>(desired: &[T], live: &[T], old: &str) -> Was {
    let find = |list: &[T], name: &str| list.binary_search_by(|t| t.name().cmp(name)).ok();
    let came = find(desired, old).and_then(|d| desired[d].was()).is_some_and(|older| find(live, older).is_none());
    if came { Was::Done } else { Was::BothLive }
}

/// The renamings as single steps `(from, to)` in an order in which every new name is free. Names that
/// change places in a circle go through `spare`, which is handed a number and a name.
pub(super) fn steps(pairs: &[(&str, &str)], spare: impl Fn(usize, &str) -> String) -> Vec<(String, String, usize)> {
    let by_from: FxHashMap<&str, usize> = pairs.iter().enumerate().map(|(i, (from, _))| (*from, i)).collect();
    let mut done = vec![false; pairs.len()];
    let mut out = Vec::with_capacity(pairs.len());
    let mut circles = 0;
    for start in 0..pairs.len() {
        // Whoever holds the wanted name goes first.
        let mut chain = Vec::new();
        let mut at = Some(start);
        let mut circle = false;
        while let Some(i) = at.filter(|i| !done[*i]) {
            if chain.first() == Some(&i) {
                circle = true;
                break;
            }
            chain.push(i);
            at = by_from.get(pairs[i].1).copied();
        }
        let Some(&first) = chain.first() else { continue };
        if circle {
            circles += 1;
            let aside = spare(circles, pairs[first].0);
            out.push((pairs[first].0.to_owned(), aside.clone(), first));
            for &i in chain.iter().skip(1).rev() {
                out.push((pairs[i].0.to_owned(), pairs[i].1.to_owned(), i));
            }
            out.push((aside, pairs[first].1.to_owned(), first));
        } else {
            for &i in chain.iter().rev() {
                out.push((pairs[i].0.to_owned(), pairs[i].1.to_owned(), i));
            }
        }
        for i in chain {
            done[i] = true;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renamings_make_room_for_each_other() {
        let spare = |n: usize, name: &str| format!("~{n}~{name}");
        let plain = |pairs: &[(&str, &str)]| {
            steps(pairs, spare).into_iter().map(|(a, b, _)| format!("{a}>{b}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(plain(&[("a", "b"), ("b", "c")]), "b>c a>b");
        assert_eq!(plain(&[("b", "c"), ("a", "b")]), "b>c a>b");
        assert_eq!(plain(&[("a", "b"), ("b", "a")]), "a>~1~a b>a ~1~a>b");
        assert_eq!(plain(&[("a", "b"), ("b", "c"), ("c", "a"), ("x", "y")]), "a>~1~a c>a b>c ~1~a>b x>y");
    }

    fn team(name: &str, was: Option<&str>) -> Team {
        Team { was: was.map(Into::into), ..Team::new(name) }
    }

    fn outcome(desired: &[Team], live: &[Team]) -> Vec<Was> {
        let mut join = by_name(desired, live);
        let former = |name: &str| name.strip_prefix("~1~").map(str::to_owned);
        follow_was(desired, live, &mut join, |_, _| true, former, |_, _| false).into_iter().map(|(_, w)| w).collect()
    }

    #[test]
    fn what_becomes_of_was() {
        let t = |n: &str| team(n, None);
        assert_eq!(outcome(&[team("b", Some("a"))], &[t("a")]), [Was::Rename]);
        assert_eq!(outcome(&[team("b", Some("a"))], &[t("b")]), [Was::Done]);
        assert_eq!(outcome(&[team("b", Some("a"))], &[]), [Was::New]);
        assert_eq!(outcome(&[team("b", Some("a"))], &[t("a"), t("b")]), [Was::BothLive]);
        assert_eq!(outcome(&[t("a"), team("b", Some("a"))], &[t("a")]), [Was::Declared]);
        let swap = [team("a", Some("b")), team("b", Some("a"))];
        assert_eq!(outcome(&swap, &[t("a"), t("b")]), [Was::Rename, Was::Rename]);
        assert_eq!(outcome(&swap, &[t("a"), t("~1~b")]), [Was::Rename, Was::Rename]);
        assert_eq!(outcome(&swap, &[t("b"), t("~1~b")]), [Was::Rename, Was::Done]);
        let chain = [team("a", Some("c")), team("b", Some("a"))];
        assert_eq!(outcome(&chain, &[t("a"), t("c")]), [Was::Rename, Was::Rename]);
        assert_eq!(outcome(&chain, &[t("b"), t("c")]), [Was::Rename, Was::Done]);
        assert_eq!(outcome(&chain, &[t("a"), t("b")]), [Was::Done, Was::Done]);
        assert_eq!(outcome(&chain, &[t("a"), t("b"), t("c")]), [Was::BothLive, Was::BothLive]);
        assert_eq!(outcome(&[team("b", Some("a")), team("c", Some("a"))], &[t("a")]), [Was::Rename, Was::Claimed]);
    }
}
