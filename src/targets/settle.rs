//! Reading again: until what was written is seen, and once for all changes whose outcome is looked up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Reading, TargetError};
use crate::model::{Change, Directory, Effect};

/// Looks, after each wait twice as long as before, until `good` says that it is as it should be, or the
/// settle time is over: whether it is, and what was seen last.
///
/// # Errors
/// Those of the look.
pub async fn settled<T, F: Future<Output = Result<T, TargetError>>>(
    settle: Duration,
    first: Duration,
    look: impl Fn() -> F,
    good: impl Fn(&T) -> bool,
) -> Result<(bool, T), TargetError> {
    let end = Instant::now() + settle;
    let mut wait = first;
    loop {
        let seen = look().await?;
        let done = good(&seen);
        if done || Instant::now() + wait > end {
            return Ok((done, seen));
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
}

/// What is said where something was sent and cannot be read back.
pub fn unread(error: TargetError) -> TargetError {
    TargetError::Unknown(format!("it was sent and could not be read back: {error}"))
}

/// The state as it was read to find out what became of changes that were cut off: once, however many there
/// are.
#[derive(Debug, Default)]
pub struct LookedUp(Mutex<Option<Seen>>);

/// What was read.
#[derive(Debug, Clone)]
struct Seen {
    directory: Arc<Directory>,
    /// Whether it is the whole state, without a doubt.
    whole: bool,
}

impl LookedUp {
    /// From here on the state may be another.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether what was read can tell that this change was made: what a doubtful reading lacks may be there
    /// all the same, and so it proves no removal.
    pub fn confirms(&self, change: &Change) -> bool {
        let whole = || self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|seen| seen.whole);
        change.effect() != Effect::Remove || whole()
    }

    /// The state, by `read` where it is not known.
    ///
    /// # Errors
    /// Those of the reading.
    pub async fn or(
        &self,
        read: impl Future<Output = Result<Reading, TargetError>>,
    ) -> Result<Arc<Directory>, TargetError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(seen) = known {
            return Ok(seen.directory);
        }
        let reading = read.await?;
        let seen = Seen { directory: Arc::new(reading.directory), whole: reading.doubts.is_empty() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen.clone());
        Ok(seen.directory)
    }
}
