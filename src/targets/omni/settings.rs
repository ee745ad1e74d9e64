//! The settings of an Omni target.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::targets::http::Limits;
use crate::targets::scim::SettingError;

/// The names of the settings, as they stand in the files.
pub const NAMES: &[&str] = &["requests_per_minute"];

/// What Omni takes from one key (fact sheet omni, section a).
const PER_MINUTE: u32 = 60;

/// How many requests are in flight: the budget lets one pass each second, and answers take less than that.
const CONCURRENCY: usize = 4;

/// How long a change may take to become visible: not published, and freshly made things were seen to be
/// missing for a moment.
pub const SETTLE: Duration = Duration::from_secs(5);

/// The settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How many requests a minute the key has: 60, or more where Omni has raised it for the instance.
    pub per_minute: u32,
}

impl Settings {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// When one means nothing.
    pub fn read(said: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        let mut settings = Self { per_minute: PER_MINUTE };
        // The file language lets no other name through.
        if let Some((name, value)) = said.get_key_value("requests_per_minute") {
            let number = value.parse::<u32>().ok().filter(|n| (1..=100_000).contains(n));
            settings.per_minute = number.ok_or_else(|| SettingError {
                name: name.clone(),
                value: value.clone(),
                expected: "a number from 1 to 100000",
            })?;
        }
        Ok(settings)
    }

    /// What the server can bear.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { per_minute: Some(self.per_minute), concurrency: CONCURRENCY, ..Limits::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_a_minute_without_a_word() {
        let read = |said: &[(&str, &str)]| {
            Settings::read(&said.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        assert_eq!(read(&[]).unwrap().limits().per_minute, Some(60));
        assert_eq!(read(&[("requests_per_minute", "500")]).unwrap().limits().per_minute, Some(500));
        let error = read(&[("requests_per_minute", "0")]).unwrap_err().to_string();
        assert_eq!(error, "`requests_per_minute: 0` means nothing: it is a number from 1 to 100000");
    }
}
