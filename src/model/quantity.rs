//! Amounts with their units: days, bytes, shares.

use std::fmt;

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// A bare number.
    #[error("a number without a unit")]
    NoUnit,
    /// A number with a unit that does not exist here.
    #[error("an unknown unit `{0}`")]
    UnknownUnit(String),
    /// No number at the beginning.
    #[error("not a number with a unit")]
    NotANumber,
    /// A number too large to keep.
    #[error("too large")]
    TooLarge,
}

/// Splits `64GiB` into 64 and `GiB`.
fn split(text: &str) -> Result<(u64, &str), QuantityError> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if number.is_empty() {
        return Err(QuantityError::NotANumber);
    }
    let number = number.parse().map_err(|_| QuantityError::TooLarge)?;
    if unit.is_empty() { Err(QuantityError::NoUnit) } else { Ok((number, unit)) }
}

/// A length of time in whole days, written `7d` or `2w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Days(pub u32);

impl Days {
    /// Reads `7d` or `2w`.
    ///
    /// # Errors
    /// When there is no number, no unit, another unit, or more than four billion days.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let (number, unit) = split(text)?;
        let days = match unit {
            "d" => Some(number),
            "w" => number.checked_mul(7),
            other => return Err(QuantityError::UnknownUnit(other.to_owned())),
        };
        days.and_then(|d| u32::try_from(d).ok()).map(Self).ok_or(QuantityError::TooLarge)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.0)
    }
}

/// A number of bytes, written `256GiB` or `10GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

const UNITS: [(&str, u64); 11] = [
    ("PiB", 1 << 50),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("PB", 1_000_000_000_000_000),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl Bytes {
    /// Reads a number with one of the units B, kB, MB, GB, TB, PB, KiB, MiB, GiB, TiB, PiB.
    ///
    /// # Errors
    /// When there is no number, no unit, another unit, or the amount does not fit 63 bits.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let (number, unit) = split(text)?;
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(QuantityError::UnknownUnit(unit.to_owned()));
        };
        number.checked_mul(*factor).filter(|n| i64::try_from(*n).is_ok()).map(Self).ok_or(QuantityError::TooLarge)
    }
}

impl fmt::Display for Bytes {
    /// In the unit that needs the fewest digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let best = UNITS
            .iter()
            .filter(|(_, factor)| self.0 > 0 && self.0.is_multiple_of(*factor))
            .min_by_key(|(_, factor)| self.0 / factor);
        match best {
            Some((name, factor)) => write!(f, "{}{name}", self.0 / factor),
            None => write!(f, "0B"),
        }
    }
}

/// A share in whole percent, written `5%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(pub u32);

impl Share {
    /// Reads `5%`.
    ///
    /// # Errors
    /// When it is not a whole number from 0 to 100 followed by `%`.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let (number, unit) = split(text)?;
        if unit != "%" {
            return Err(QuantityError::UnknownUnit(unit.to_owned()));
        }
        u32::try_from(number).ok().filter(|n| *n <= 100).map(Self).ok_or(QuantityError::TooLarge)
    }

    /// That share of `total`, rounded down.
    #[must_use]
    pub fn of(self, total: usize) -> usize {
        (total as u128 * u128::from(self.0) / 100) as usize
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// Serde and schema of an amount go through its text.
macro_rules! as_text {
    ($type:ident, $name:literal, $pattern:literal, $description:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $description, "pattern": $pattern })
            }
        }
    };
}

as_text!(Days, "Days", "^[0-9]+[dw]$", "A length of time in days or weeks: 7d, 2w.");
as_text!(
    Bytes,
    "Bytes",
    "^[0-9]+(B|kB|MB|GB|TB|PB|KiB|MiB|GiB|TiB|PiB)$",
    "A number of bytes with its unit: 256GiB, 10GB."
);
as_text!(Share, "Share", "^(100|[0-9]{1,2})%$", "A share in whole percent: 5%.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_need_units() {
        assert_eq!(Days::parse("7"), Err(QuantityError::NoUnit));
        assert_eq!(Days::parse("2w"), Ok(Days(14)));
        assert_eq!(Days::parse("7h"), Err(QuantityError::UnknownUnit("h".into())));
        assert_eq!(Bytes::parse("256GiB").unwrap().to_string(), "256GiB");
        assert_eq!(Bytes::parse("1500MB").unwrap().to_string(), "1500MB");
        assert_eq!(Bytes::parse("99999999999PiB"), Err(QuantityError::TooLarge));
        assert_eq!(Share::parse("5%").unwrap().of(87), 4);
        assert_eq!(Share::parse("101%"), Err(QuantityError::TooLarge));
    }
}
