//! The lock of a target on the branch: who has it, until when if they do not go on, and its fencing number.
//!
//! It is written in the same step as everything else that its holder writes. A holder who was replaced finds
//! another number in the file and writes nothing more; one who has not looked for as long as the lease is asks
//! before anything is sent ([`Store::guard`](crate::store::Store::guard)).

use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::branch::Edit;
use crate::model::Moment;
use crate::store::{Holder, Result, StoreError, lock};

/// How long a lock lasts without its holder writing anything.
///
/// `until` is written by the clock of its holder and read by the clock of another machine. Others wait a margin
/// longer, and holders measure their own time from before they wrote it: as long as two clocks differ by less
/// than the margin, no two runs take themselves for the holder. If they differ by more, the fencing number still
/// decides who may write, and what the slower had in flight when it was replaced is all that both can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease(Duration);

impl Default for Lease {
    /// A quarter of an hour.
    fn default() -> Self {
        Self(Duration::from_secs(15 * 60))
    }
}

impl Lease {
    /// A lease of so many seconds, one at least: for tests that do not wait a quarter of an hour.
    #[must_use]
    pub fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds.clamp(1, 86_400)))
    }

    /// What is given to clocks that differ: a minute for a quarter of an hour.
    fn margin(self) -> Duration {
        self.0 / 15
    }

    fn until(self, now: Moment) -> Moment {
        later(now, self.0)
    }

    /// How long to wait before asking again for a lock that somebody has.
    pub(super) fn poll(self) -> Duration {
        (self.0 / 300).max(Duration::from_millis(50))
    }
}

fn later(at: Moment, by: Duration) -> Moment {
    let whole = by.as_secs() + u64::from(by.subsec_nanos() > 0);
    Moment::from_second(at.second().saturating_add(i64::try_from(whole).unwrap_or(i64::MAX)))
}

/// A moment of this machine, by the clock that people set and by the one that only runs: the one may be set
/// back, the other may stand still while the machine sleeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tick(Instant, SystemTime);

impl Tick {
    pub(super) fn now() -> Self {
        Self(Instant::now(), SystemTime::now())
    }

    fn elapsed(self) -> Duration {
        self.0.elapsed().max(self.1.elapsed().unwrap_or_default())
    }
}

/// `locks/NAME.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockFile {
    /// How often the lock was taken.
    fence: i64,
    /// Who has it; nobody where it is free.
    held: Option<HeldBy>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeldBy {
    holder: Holder,
    until: Moment,
}

/// A lock that this store has.
#[derive(Debug)]
pub(super) struct Mine {
    pub(super) fence: i64,
    holder: Holder,
    /// From when on the lease counts.
    renewed: Tick,
}

impl Mine {
    pub(super) fn new(fence: i64, holder: Holder, renewed: Tick) -> Self {
        Self { fence, holder, renewed }
    }

    /// Whether it is time to say that this run goes on.
    pub(super) fn is_aging(&self, lease: Lease) -> bool {
        self.renewed.elapsed() >= lease.0 / 3
    }

    /// Whether others may have taken it.
    pub(super) fn has_ended(&self, lease: Lease) -> bool {
        self.renewed.elapsed() >= lease.0
    }

    pub(super) fn renewed(&mut self, at: Tick) {
        self.renewed = at;
    }
}

fn path(target: &str) -> String {
    format!("locks/{target}.json")
}

fn read(edit: &Edit<'_>, target: &str) -> Result<LockFile> {
    Ok(edit.json(&path(target))?.unwrap_or(LockFile { fence: 0, held: None }))
}

/// Takes the lock: its number, and who left it behind.
pub(super) fn take(
    edit: &mut Edit<'_>,
    target: &str,
    holder: &Holder,
    lease: Lease,
    now: Moment,
) -> Result<(i64, Option<Holder>)> {
    lock::check_name(target)?;
    let file = read(edit, target)?;
    let former = match file.held {
        Some(HeldBy { holder, until }) => {
            let free = later(until, lease.margin());
            if now <= free {
                return Err(StoreError::Leased { holder, free });
            }
            Some(holder)
        }
        None => None,
    };
    let fence = file.fence.saturating_add(1);
    let held = Some(HeldBy { holder: holder.clone(), until: lease.until(now) });
    edit.write_json(&path(target), &LockFile { fence, held })?;
    Ok((fence, former))
}

/// Whether the lock is still ours; who has it, where it is not.
pub(super) fn check(edit: &Edit<'_>, target: &str, mine: &Mine) -> Result<()> {
    let file = read(edit, target)?;
    if file.fence == mine.fence && file.held.is_some() {
        return Ok(());
    }
    Err(StoreError::LostLock { target: target.to_owned(), by: file.held.map(|h| h.holder) })
}

/// Makes the lease of a lock that is ours longer.
pub(super) fn renew(edit: &mut Edit<'_>, target: &str, mine: &Mine, lease: Lease, now: Moment) -> Result<()> {
    let held = Some(HeldBy { holder: mine.holder.clone(), until: lease.until(now) });
    edit.write_json(&path(target), &LockFile { fence: mine.fence, held })
}

/// Lets go of a lock that is ours.
pub(super) fn release(edit: &mut Edit<'_>, target: &str, mine: &Mine) -> Result<()> {
    edit.write_json(&path(target), &LockFile { fence: mine.fence, held: None })
}
