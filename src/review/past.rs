//! What the ledger tells of people: when an account began, and when it ended.

use std::collections::BTreeMap;

use crate::model::{Change, Moment, UserRecord, Why};
use crate::store::{Outcome, Result, Store};

/// Somebody whose account was ended by an apply, after their last day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Their address.
    pub email: String,
    /// Their last moment, as the files had it.
    pub last: Moment,
    /// When the target stopped letting them in.
    pub ended: Moment,
}

/// What the ledger tells of the people of one target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// When an account last began: was made, invited or enabled.
    pub began: BTreeMap<String, Moment>,
    /// Who was ended because of their last day, by the order of the ledger.
    pub left: Vec<Left>,
}

/// Reads what the ledger tells since a moment.
///
/// # Errors
/// When the ledger cannot be read.
pub fn past(store: &dyn Store, target: &str, since: Moment) -> Result<Past> {
    let mut applies = store.applies(Some(target), usize::MAX)?;
    applies.reverse();
    let mut reader = Teller::default();
    // The time of a change is that of its apply: what became of a change may have been found out long
    // after it was made.
    for apply in applies.iter().filter(|a| a.info.begun.at >= since) {
        for entry in store.entries(apply.info.id)? {
            if entry.outcome == Some(Outcome::Applied) {
                reader.hear(&entry.change, apply.info.begun.at);
            }
        }
    }
    Ok(reader.past)
}

/// Hears the changes in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Teller {
    pub(super) past: Past,
    /// Since when the target itself has known the last day of somebody.
    knows: BTreeMap<String, Moment>,
}

impl Teller {
    pub(super) fn hear(&mut self, change: &Change, at: Moment) {
        match change {
            Change::CreateUser { user } | Change::InviteUser { user } => {
                self.past.began.insert(user.email.clone(), at);
                self.learn(None, user, at);
            }
            Change::EnableUser { user } => drop(self.past.began.insert(user.email.clone(), at)),
            Change::UpdateUser { before, after } => self.learn(before.until, after, at),
            Change::DisableUser { user, reason } | Change::DeleteUser { user, reason } => self.end(user, reason, at),
            _ => {}
        }
    }

    fn learn(&mut self, before: Option<Moment>, user: &UserRecord, at: Moment) {
        if user.until != before {
            self.knows.insert(user.email.clone(), at);
        }
    }

    fn end(&mut self, user: &UserRecord, reason: &Why, at: Moment) {
        let last = match reason {
            Why::Expired { until } => Some(*until),
            _ => user.until,
        };
        let Some(last) = last.filter(|last| *last < at) else { return };
        // A target that knows the last day stops letting them in by itself; who was told too late, at
        // the moment at which it was told.
        let ended = match (self.knows.get(&user.email), user.until) {
            (Some(told), Some(_)) => (*told).max(last).min(at),
            (None, Some(until)) => until.min(at),
            (_, None) => at,
        };
        if ended > last {
            self.past.left.push(Left { email: user.email.clone(), last, ended });
        }
    }
}
