//! What was shown to the people who review: kept in the store, because what a comment says can be edited.
//!
//! The subject is a pull request (`pull/12`) or a commit (`commit/SHA`, of a merge queue), the key its head.
//! A plan that was shown is kept whole, so that an apply can say what moved, and go on after it was cut off.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::Moment;
use crate::plan::Plan;
use crate::render::comment::Superseded;
use crate::store::{Result, Store, StoreError, Topic};

/// So many heads are remembered for a subject.
const HEADS: usize = 20;

/// A plan that was shown for a head.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shown {
    /// The plan.
    pub plan: Plan,
    /// Since when it can be seen: approvals count from then on.
    pub published: Moment,
    /// The run that showed it.
    pub run_url: Option<String>,
    /// Who opened the pull request and who pushed to it, as far as runs have seen: their handles, sorted.
    pub authors: Vec<String>,
}

/// The subject of a pull request.
pub fn pull(number: u64) -> String {
    format!("pull/{number}")
}

/// The subject of a commit that no pull request is known of.
pub fn commit(sha: &str) -> String {
    format!("commit/{sha}")
}

/// The subject of one declaration (and selection of targets) among several of a repository.
pub fn within(subject: &str, key: &str) -> String {
    if key == "." { subject.to_owned() } else { format!("{subject} {key}") }
}

/// Everything that was shown about a subject, by head.
///
/// # Errors
/// When the store cannot be read, or holds what is no such record.
pub fn all(store: &dyn Store, subject: &str) -> Result<BTreeMap<String, Shown>> {
    let kept = store.recall(Topic::Reviewed, subject)?;
    kept.into_iter()
        .map(|(head, text)| {
            let shown =
                serde_json::from_str(&text).map_err(StoreError::record(format!("what was shown for {head}")))?;
            Ok((head, shown))
        })
        .collect()
}

/// Remembers what is shown now, and gives it back as it is remembered: the same plan keeps the time since which
/// it can be seen, so that the same run twice takes no approval back.
///
/// # Errors
/// When the store cannot be read or written.
pub fn remember(store: &dyn Store, subject: &str, head: &str, plan: &Plan, now: &Seen<'_>) -> Result<Shown> {
    let before = all(store, subject)?;
    let mut authors: Vec<String> = before.values().flat_map(|s| s.authors.iter().cloned()).collect();
    authors.extend(now.authors.iter().map(|a| a.to_lowercase()));
    authors.sort();
    authors.dedup();
    let same = before.get(head).filter(|s| s.plan.digest == plan.digest);
    let shown = Shown {
        plan: plan.clone(),
        published: same.map_or(now.at, |s| s.published),
        run_url: now.run_url.map(str::to_owned),
        authors,
    };
    let mut entries = BTreeMap::new();
    let text = serde_json::to_string(&shown).map_err(StoreError::record("a plan that was shown"))?;
    entries.insert(head.to_owned(), Some(text));
    let mut old: Vec<(&String, &Shown)> = before.iter().filter(|(h, _)| *h != head).collect();
    old.sort_by_key(|(_, s)| std::cmp::Reverse(s.published));
    entries.extend(old.into_iter().skip(HEADS - 1).map(|(head, _)| (head.clone(), None)));
    store.remember(Topic::Reviewed, subject, &entries)?;
    Ok(shown)
}

/// Who shows a plan, and when.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The time.
    pub at: Moment,
    /// The run.
    pub run_url: Option<&'a str>,
    /// Who opened the pull request, and who made this run: the handles of those who write the change.
    pub authors: &'a [String],
}

/// The plans of other heads, for the list of those that no longer count; the latest first.
pub fn superseded(all: &BTreeMap<String, Shown>) -> Vec<Superseded> {
    let mut rest: Vec<(&String, &Shown)> = all.iter().collect();
    rest.sort_by_key(|(head, s)| (std::cmp::Reverse(s.published), *head));
    rest.into_iter()
        .map(|(head, s)| Superseded { digest: s.plan.digest.clone(), head: head.clone(), run_url: s.run_url.clone() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SqliteStore;

    #[test]
    fn the_same_plan_keeps_its_time_and_another_one_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path()).unwrap();
        let at = Moment::from_second;
        let plan = |digest: &str| {
            let mut plan = Plan::new(Vec::new(), Vec::new(), None);
            plan.digest = digest.to_owned();
            plan
        };
        let seen = |second, who: &'static [String]| Seen { at: at(second), run_url: None, authors: who };
        let nobody: &'static [String] = &[];
        let first =
            remember(&store, &pull(7), "h1", &plan("a"), &seen(10, Box::leak(vec!["Ada".into()].into()))).unwrap();
        assert_eq!((first.published, first.authors), (at(10), vec!["ada".to_owned()]));
        assert_eq!(remember(&store, &pull(7), "h1", &plan("a"), &seen(20, nobody)).unwrap().published, at(10));
        assert_eq!(remember(&store, &pull(7), "h1", &plan("b"), &seen(30, nobody)).unwrap().published, at(30));
        // Who pushed an earlier head has written the change as well.
        let next =
            remember(&store, &pull(7), "h2", &plan("b"), &seen(40, Box::leak(vec!["bo".into()].into()))).unwrap();
        assert_eq!((next.published, next.authors), (at(40), vec!["ada".to_owned(), "bo".to_owned()]));
        assert!(all(&store, &pull(8)).unwrap().is_empty());
        let heads: Vec<String> = superseded(&all(&store, &pull(7)).unwrap()).into_iter().map(|s| s.head).collect();
        assert_eq!(heads, ["h2", "h1"]);
        for n in 0..30 {
            remember(&store, &pull(7), &format!("n{n}"), &plan("c"), &seen(50 + n, nobody)).unwrap();
        }
        assert_eq!(all(&store, &pull(7)).unwrap().len(), HEADS);
    }
}
