//! What a target can bear: how many requests a minute, how many at a time, and when it asks to wait.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// The limits of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many requests a minute, where it says so.
    pub per_minute: Option<u32>,
    /// So many requests at a time.
    pub concurrency: usize,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How large an answer may be, unpacked, in bytes.
    pub body_max: usize,
    /// How often a request is sent at most, the first time included.
    pub attempts: u32,
    /// How long nothing is sent when it takes no more requests and does not say until when; where it is
    /// not known, a little, and longer each time.
    pub pause: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_minute: None,
            concurrency: 8,
            timeout: Duration::from_secs(30),
            body_max: 64 << 20,
            attempts: 5,
            pause: None,
        }
    }
}

impl Limits {
    /// The time between two requests.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.per_minute.map_or(Duration::ZERO, |n| Duration::from_secs(60) / n.max(1))
    }
}

/// Lets requests pass one by one, evenly: so no minute holds more than its number, also when two commands
/// follow each other.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub fn new(interval: Duration) -> Self {
        Self { interval, next: Mutex::new(None) }
    }

    /// Waits for the next turn.
    pub async fn turn(&self) {
        let at = {
            let mut next = self.next.lock().await;
            let at = next.map_or_else(Instant::now, |n| n.max(Instant::now()));
            *next = Some(at + self.interval);
            at
        };
        tokio::time::sleep_until(at).await;
    }

    /// Lets nobody pass before that much time is over: one refusal is for all.
    pub async fn hold(&self, time: Duration) {
        let mut next = self.next.lock().await;
        let until = Instant::now() + time;
        *next = Some(next.map_or(until, |n| n.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_minute_holds_more_than_its_number() {
        let limits = Limits { per_minute: Some(30), ..Limits::default() };
        let pace = Pace::new(limits.interval());
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..90 {
            pace.turn().await;
            times.push(start.elapsed());
        }
        for (index, from) in times.iter().enumerate() {
            let within = times[index..].iter().take_while(|t| **t < *from + Duration::from_secs(60)).count();
            assert!(within <= 30, "{within} in the minute after {from:?}");
        }
        assert_eq!(times[89], Duration::from_secs(178), "and none waits longer than it must");
    }

    #[tokio::test(start_paused = true)]
    async fn one_refusal_holds_all() {
        let pace = Pace::new(Duration::ZERO);
        pace.hold(Duration::from_secs(7)).await;
        let start = Instant::now();
        pace.turn().await;
        pace.turn().await;
        assert_eq!(start.elapsed(), Duration::from_secs(7));
    }
}
