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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Builder, DomainRecord, Why};

    #[tokio::test]
    async fn a_doubtful_reading_confirms_no_removal() {
        let domain = || DomainRecord { name: "x.example".to_owned(), ..DomainRecord::default() };
        let gone = Change::RemoveDomain { domain: domain(), reason: Why::Undeclared };
        for doubts in [vec![], vec!["not all of it".to_owned()]] {
            let whole = doubts.is_empty();
            let looked_up = LookedUp::default();
            assert!(!looked_up.confirms(&gone), "nothing was read");
            let directory = Builder::<()>::new().finish().unwrap().0;
            let reading = Reading { directory, notes: Vec::new(), doubts };
            looked_up.or(async { Ok(reading) }).await.unwrap();
            assert_eq!(looked_up.confirms(&gone), whole);
            assert!(looked_up.confirms(&Change::AddDomain { domain: domain() }), "what is seen is there");
            looked_up.forget();
            assert!(!looked_up.confirms(&gone), "the state may be another");
        }
    }
}
