//! How long to wait before something is sent again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::model::Moment;

/// Longer than this nobody waits within one request: the caller is told.
pub const WAIT_MAX: Duration = Duration::from_secs(120);

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(250);

/// The longest wait that nobody asked for.
const LONGEST: Duration = Duration::from_secs(20);

/// The time that a `Retry-After` names: seconds, or a date (RFC 9110, section 10.2.3), from `now` on.
#[must_use]
pub fn retry_after(value: &str, now: Moment) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    // Some servers send parts of seconds, which the RFC does not know.
    if let Some(seconds) = value.parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::from_secs(u64::try_from(at.as_second() - now.second()).unwrap_or(0)))
}

/// How long to wait after attempt number `attempt` (the first is 1): doubling, and by chance between half
/// and all of it, so that several who were refused together do not come back together.
#[must_use]
pub fn backoff(attempt: u32) -> Duration {
    jittered(attempt, chance())
}

/// As [`backoff`], with the chance given, from 0 to 1.
fn jittered(attempt: u32, chance: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST);
    doubled.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// A number from 0 to 1: every `RandomState` has a seed of its own.
fn chance() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Moment::parse("2026-11-21T12:00:00Z").unwrap();
        let wait = |value: &str| retry_after(value, now);
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait(" 0 "), Some(Duration::ZERO));
        assert_eq!(wait("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(wait("Sat, 21 Nov 2026 12:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sat, 21 Nov 2026 11:00:00 GMT"), Some(Duration::ZERO), "past");
        for bad in ["", "soon", "-3", "NaN", "inf", "2026-11-21"] {
            assert_eq!(wait(bad), None, "{bad}");
        }
    }

    #[test]
    fn waits_double_and_end() {
        for (attempt, most) in [(1, 250), (2, 500), (3, 1000), (7, 16_000), (8, 20_000), (60, 20_000)] {
            assert_eq!(jittered(attempt, 1.0), Duration::from_millis(most));
            assert_eq!(jittered(attempt, 0.0), Duration::from_millis(most) / 2);
            let by_chance = backoff(attempt);
            assert!(by_chance >= Duration::from_millis(most) / 2 && by_chance <= Duration::from_millis(most));
        }
    }
}
