//! The HTTP client of all adapters: it keeps to the limits of a target, waits when it is asked to, sends
//! again only what is safe to send again, counts and traces every request, and shows no secret.
//!
//! What is traced (`RUST_LOG=rolecall=debug`) is the method, the path, the status, the time and the
//! attempt: never a header or a body.

mod address;
mod limits;
mod live;
mod message;
mod record;
mod retry;
mod secret;

#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
mod tests;

pub use address::encrypted;
pub use limits::Limits;
pub use live::Live;
pub use message::{Answer, Lost, Method, Request, Transport, encode};
pub use record::{RecordError, Recorder, Replayer};
pub use retry::{WAIT_MAX, backoff, retry_after};
pub use secret::{Authorization, MASK, Scrubber, Secret, without_hashes};

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::TargetError;
use crate::model::Moment;
use limits::Pace;

/// Talks to one target.
pub struct Client {
    transport: Box<dyn Transport>,
    limits: Limits,
    pace: Pace,
    places: Semaphore,
    sent: AtomicU64,
}

/// What to do about one attempt.
enum Next {
    Answer(Answer),
    Fail(TargetError),
    /// Send it again after this time, which the server asked for or not.
    Again(Duration, bool),
}

impl Client {
    /// A client that keeps to these limits.
    #[must_use]
    pub fn new(transport: Box<dyn Transport>, limits: Limits) -> Self {
        Self {
            transport,
            pace: Pace::new(limits.interval()),
            places: Semaphore::new(limits.concurrency.max(1)),
            sent: AtomicU64::new(0),
            limits,
        }
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What a system says in an answer of success, to be shown: without what opens it, should it repeat that.
    /// What it says in any other answer is without it already.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        self.transport.scrub(text)
    }

    /// How many requests have been sent, those that were sent again included.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Sends a request until there is an answer. A refusal for want of room (429) is waited for whatever
    /// the method, since nothing was done; a server error and a lost answer only for what
    /// can be repeated ([`Request::repeats`]). Any other status is an answer.
    ///
    /// # Errors
    /// [`TargetError::Unknown`] where something that writes was sent and no answer came: look before it
    /// is sent again. [`TargetError::Throttled`], [`TargetError::Unavailable`] and
    /// [`TargetError::Malformed`] where nothing was done.
    pub async fn send(&self, request: &Request) -> Result<Answer, TargetError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let result = self.once(request, attempt).await;
            match self.judge(request, result, attempt) {
                Next::Answer(answer) => {
                    // The caller decides what is sent again, and not before the server wants to be asked.
                    let asked = answer.retry_after.as_deref().filter(|_| answer.status == 503);
                    if let Some(wait) = asked.and_then(|v| retry_after(v, Moment::now())).filter(|w| *w <= WAIT_MAX) {
                        self.pace.hold(wait).await;
                    }
                    return Ok(answer);
                }
                Next::Fail(error) => return Err(error),
                Next::Again(wait, true) => self.pace.hold(wait).await,
                Next::Again(wait, false) => tokio::time::sleep(wait).await,
            }
        }
    }

    async fn once(&self, request: &Request, attempt: u32) -> Result<Answer, Lost> {
        // Nobody closes the semaphore, and a closed one would only mean that nobody waits.
        let _place = self.places.acquire().await.ok();
        self.pace.turn().await;
        self.sent.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        let result = self.transport.send(request).await;
        let (status, outcome) = match &result {
            Ok(answer) => (answer.status, "answered"),
            Err(Lost::NotSent(_)) => (0, "not sent"),
            Err(Lost::NoAnswer(_)) => (0, "no answer"),
            Err(Lost::TooLarge(_)) => (0, "too large"),
            Err(Lost::Never(_)) => (0, "nobody there"),
        };
        tracing::debug!(
            method = request.method.word(),
            path = request.path,
            status,
            outcome,
            attempt,
            milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request"
        );
        result
    }

    fn judge(&self, request: &Request, result: Result<Answer, Lost>, attempt: u32) -> Next {
        let last = attempt >= self.limits.attempts;
        let repeats = request.repeats;
        match result {
            Ok(answer) if answer.status == 429 || (answer.status == 503 && repeats) => {
                let asked = answer.retry_after.as_deref().and_then(|v| retry_after(v, Moment::now()));
                let wait = asked.unwrap_or_else(|| backoff(attempt));
                let throttled = answer.status == 429;
                if last || wait > WAIT_MAX {
                    return Next::Fail(too_much(throttled, asked, attempt));
                }
                Next::Again(wait, throttled || asked.is_some())
            }
            // A 500 is seldom over a moment later: once more, and then the caller may know another way.
            Ok(answer) if repeats && answer.status == 500 && attempt == 1 => Next::Again(backoff(attempt), false),
            Ok(answer) if repeats && matches!(answer.status, 502 | 504) && !last => {
                Next::Again(backoff(attempt), false)
            }
            Ok(answer) => Next::Answer(answer),
            Err(Lost::NotSent(_)) if !last => Next::Again(backoff(attempt), false),
            Err(Lost::NoAnswer(_)) if repeats && !last => Next::Again(backoff(attempt), false),
            Err(Lost::NoAnswer(why)) if !repeats => {
                Next::Fail(TargetError::Unknown(format!("it was sent, and no answer came: {why}")))
            }
            Err(Lost::NotSent(why) | Lost::NoAnswer(why) | Lost::Never(why)) => {
                Next::Fail(TargetError::Unavailable(why))
            }
            Err(Lost::TooLarge(most)) if repeats => {
                Next::Fail(TargetError::Malformed(format!("the answer is larger than {} MiB", most >> 20)))
            }
            Err(Lost::TooLarge(_)) => {
                Next::Fail(TargetError::Unknown("it was sent, and the answer is too large to be read".to_owned()))
            }
        }
    }
}

fn too_much(throttled: bool, asked: Option<Duration>, attempt: u32) -> TargetError {
    let tried = if attempt == 1 { "once".to_owned() } else { format!("{attempt} times") };
    let when = asked.map(|t| format!(", and asks to come back in {} s", t.as_secs())).unwrap_or_default();
    if throttled {
        TargetError::Throttled(format!("it takes no more requests for now{when}; it was asked {tried}"))
    } else {
        TargetError::Unavailable(format!("it is not available{when}; it was asked {tried}"))
    }
}
