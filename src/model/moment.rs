//! Points in time, in whole seconds.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A second in UTC, counted from 1970. Written as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

/// Why a text is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MomentError {
    /// It has the shape of a date, but the calendar has no such day.
    #[error("there is no such day")]
    NoSuchDay,
    /// It is neither a date nor an RFC 3339 time.
    #[error("neither a date (2027-01-31) nor a time with its offset (2027-01-31T17:00:00Z)")]
    NotATime,
}

impl Moment {
    /// The moment so many seconds after the beginning of 1970, kept within years that can be written.
    #[must_use]
    pub fn from_second(second: i64) -> Self {
        let (min, max) = (jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
        Self(second.clamp(min, max))
    }

    /// Seconds since the beginning of 1970.
    #[must_use]
    pub fn second(self) -> i64 {
        self.0
    }

    /// Now, by the machine's clock. Only `cli` calls this; everything else is handed the time.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_second())
    }

    /// Reads a date, which means the end of that day in UTC, or an RFC 3339 time.
    ///
    /// # Errors
    /// When `text` is neither, or names a day that does not exist.
    pub fn parse(text: &str) -> Result<Self, MomentError> {
        let date_shaped = |t: &str| {
            let b = t.as_bytes();
            b.len() == 10
                && b.iter().enumerate().all(|(i, c)| if i == 4 || i == 7 { *c == b'-' } else { c.is_ascii_digit() })
        };
        if date_shaped(text) {
            let date: Date = text.parse().map_err(|_| MomentError::NoSuchDay)?;
            // By the calendar: the last days of the year 9999 lie beyond what the library takes for a time.
            let days = date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
            return Ok(Self::from_second(days * 86_400 + 86_399));
        }
        let has_day = text.get(..10).is_some_and(date_shaped);
        if !has_day {
            return Err(MomentError::NotATime);
        }
        match text.parse::<jiff::Timestamp>() {
            Ok(time) => Ok(Self(time.as_second())),
            Err(_) if text.get(..10).is_some_and(|d| d.parse::<Date>().is_err()) => Err(MomentError::NoSuchDay),
            // As with a date: what lies beyond the last moment is the last moment.
            Err(_) => match text.strip_prefix("9999").map(|rest| format!("9998{rest}").parse::<jiff::Timestamp>()) {
                Some(Ok(_)) => Ok(Self::from_second(i64::MAX)),
                _ => Err(MomentError::NotATime),
            },
        }
    }

    /// Whether a last moment is past. It still belongs to the time that it ends, as the last second of a day
    /// belongs to the day: so for files, plans, reviews and the views of a directory.
    #[must_use]
    pub fn is_past(self, now: Self) -> bool {
        self < now
    }

    /// The moment so many days later (or earlier, for a negative number).
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self::from_second(self.0.saturating_add(days.saturating_mul(86_400)))
    }

    /// The day alone, `2027-01-31`, in UTC.
    #[must_use]
    pub fn day(self) -> String {
        let text = self.to_string();
        text.get(..10).unwrap_or(&text).to_owned()
    }

    /// As a person would write it: the day alone where the moment is the end of a day.
    #[must_use]
    pub fn short(self) -> String {
        let text = self.to_string();
        text.strip_suffix("T23:59:59Z").map_or(text.clone(), str::to_owned)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            // The last that the library knows is 22:00 of the day before; nobody means that.
            Ok(_) if *self == Self::from_second(i64::MAX) => f.write_str("9999-12-31T23:59:59Z"),
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "{}s", self.0),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Moment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A date, which means the end of that day in UTC (2027-01-31), or an RFC 3339 time (2027-01-31T17:00:00Z).",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?))?$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_the_end_of_its_day() {
        let end = Moment::parse("2027-01-31").unwrap();
        assert_eq!(end.to_string(), "2027-01-31T23:59:59Z");
        assert_eq!(end.short(), "2027-01-31");
        assert_eq!(end.day(), "2027-01-31");
    }

    #[test]
    fn a_last_moment_is_not_past_before_it_is_over() {
        let [end, after] = ["2027-01-31T23:59:59Z", "2027-02-01T00:00:00Z"].map(|t| Moment::parse(t).unwrap());
        assert!(!end.is_past(end) && end.is_past(after) && !after.is_past(end));
        assert_eq!(Moment::parse("2027-01-31"), Ok(end));
    }

    #[test]
    fn times_carry_an_offset() {
        let time = Moment::parse("2027-01-31T17:00:00+02:00").unwrap();
        assert_eq!(time.to_string(), "2027-01-31T15:00:00Z");
        assert_eq!(Moment::parse("2027-01-31T17:00:00"), Err(MomentError::NotATime));
    }

    #[test]
    fn the_calendar_has_a_last_day() {
        let last = Moment::parse("9999-12-31").unwrap();
        assert_eq!((last.short(), last.to_string()), ("9999-12-31".into(), "9999-12-31T23:59:59Z".into()));
        assert_eq!(Moment::parse(&last.to_string()), Ok(last));
        assert_eq!(Moment::from_second(last.second()), last);
        assert_eq!(Moment::parse("9999-12-31T23:59:59+01:00"), Ok(last));
        assert_eq!(Moment::parse("9999-12-29").unwrap().to_string(), "9999-12-29T23:59:59Z");
        assert_eq!(Moment::parse("9999-12-32"), Err(MomentError::NoSuchDay));
        assert_eq!(Moment::parse("9999-12-31T25:00:00Z"), Err(MomentError::NotATime));
    }

    #[test]
    fn days_that_do_not_exist() {
        assert_eq!(Moment::parse("2027-02-30"), Err(MomentError::NoSuchDay));
        assert_eq!(Moment::parse("2027-02-30T10:00:00Z"), Err(MomentError::NoSuchDay));
        assert_eq!(Moment::parse("soon"), Err(MomentError::NotATime));
    }
}
