//! Which approvals count, and what is still missing.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{People, Requirement};
use crate::model::Moment;

/// What somebody said of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Who, by their handle.
    pub by: String,
    /// The commit that they looked at.
    pub head: String,
    /// When.
    pub at: Moment,
    /// Whether they agree; `None` for a remark, which takes nothing back.
    pub agrees: Option<bool>,
}

/// What approvals are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The commit that is planned.
    pub head: &'a str,
    /// When its plan was published; `None` where it has not been.
    pub published: Option<Moment>,
    /// Who wrote the change, by their handles: who opened it, and who pushed to it.
    pub authors: &'a [String],
    /// Who is who, at the base.
    pub people: &'a People,
}

/// An approval that does not count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// Whose, by their handle.
    pub by: String,
    /// Why, in words: a fragment in lower case without a full stop.
    pub why: String,
}

/// What became of one requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    /// The requirement.
    pub requirement: Requirement,
    /// Who agreed, by e-mail, sorted.
    pub given: Vec<String>,
    /// How many are missing.
    pub missing: u32,
    /// Who could still agree, by e-mail, sorted.
    pub open: Vec<String>,
    /// Approvals that do not count for it.
    pub refused: Vec<Refused>,
}

impl Judged {
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.missing == 0
    }

    /// Whether too few people could agree at all.
    #[must_use]
    pub fn is_out_of_reach(&self) -> bool {
        self.open.len() < self.missing as usize
    }
}

/// Judges what was said by what is required. Of several reviews of one person the last one counts.
#[must_use]
pub fn judge(requirements: &[Requirement], reviews: &[Review], situation: &Situation<'_>) -> Vec<Judged> {
    let mut last: BTreeMap<String, &Review> = BTreeMap::new();
    for review in reviews.iter().filter(|r| r.agrees.is_some()) {
        let kept = last.entry(review.by.to_lowercase()).or_insert(review);
        if review.at >= kept.at {
            *kept = review;
        }
    }
    let agreed: Vec<&Review> = last.into_values().filter(|r| r.agrees == Some(true)).collect();
    requirements.iter().map(|r| one(r, &agreed, situation)).collect()
}

fn one(requirement: &Requirement, agreed: &[&Review], situation: &Situation<'_>) -> Judged {
    let people = situation.people;
    let mut can = people.meant(&requirement.by);
    let is_author = |handle: &str| situation.authors.iter().any(|a| a.eq_ignore_ascii_case(handle));
    let authors: BTreeSet<&str> = situation.authors.iter().filter_map(|a| people.behind(a)).collect();
    let (mut given, mut refused) = (BTreeSet::new(), Vec::new());
    for review in agreed {
        let counts = match people.behind(&review.by) {
            _ if is_author(&review.by) => Err("wrote the change".to_owned()),
            None => Err("is nobody that the base declares: add `handles: {github: ...}` to the user first".to_owned()),
            Some(email) if authors.contains(email) => Err("wrote the change".to_owned()),
            Some(email) if requirement.gaining.iter().any(|g| g == email) => Err("gains by it".to_owned()),
            Some(email) if !can.contains(email) => Err("is not among those who can agree to this".to_owned()),
            _ if review.head != situation.head => Err("agreed to another commit".to_owned()),
            Some(email) => match situation.published {
                None => Err("agreed before there was a plan".to_owned()),
                Some(published) if review.at <= published => Err("agreed before the plan was there".to_owned()),
                Some(_) => Ok(email.to_owned()),
            },
        };
        match counts {
            Ok(email) => drop(given.insert(email)),
            Err(why) => refused.push(Refused { by: review.by.clone(), why }),
        }
    }
    refused.sort();
    can.retain(|email| {
        !given.contains(email) && !authors.contains(email.as_str()) && !requirement.gaining.iter().any(|g| g == email)
    });
    let missing = requirement.at_least.saturating_sub(u32::try_from(given.len()).unwrap_or(u32::MAX));
    Judged {
        requirement: requirement.clone(),
        given: given.into_iter().collect(),
        missing,
        open: can.into_iter().collect(),
        refused,
    }
}
