//! The settings of a Strongly target, and where its API is.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::targets::TargetError;
use crate::targets::http::{Limits, encrypted};
use crate::targets::scim::SettingError;

/// The names of the settings, as they stand in the files.
pub const NAMES: &[&str] = &["organization", "sign_in", "assets", "requests_per_minute"];

/// How many requests are in flight. No limit is published (fact sheet strongly, section 2.1): a few.
const CONCURRENCY: usize = 4;

/// How long a change may take to become visible: not published.
pub const SETTLE: Duration = Duration::from_secs(5);

/// What becomes of what somebody owns who is archived (section 2.2). The API can also delete it: rolecall
/// never asks for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Assets {
    /// It stays theirs.
    #[default]
    LeaveAsIs,
    /// It moves to `removal: {transfer_to: USER}`.
    Transfer,
}

impl Assets {
    /// As the API spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::LeaveAsIs => "leave-as-is",
            Self::Transfer => "transfer",
        }
    }
}

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The organization by its id, where it is not that of whoever made the key.
    pub organization: Option<String>,
    /// The applications, by name, whose sign-in pages the declared domains are for.
    pub sign_in: Vec<String>,
    /// What becomes of what leavers own.
    pub assets: Assets,
    /// How many requests a minute, where somebody has told.
    pub per_minute: Option<u32>,
}

impl Settings {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// When one means nothing.
    pub fn read(said: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        let wrong = |name: &str, value: &str, expected: &'static str| SettingError {
            name: name.to_owned(),
            value: value.to_owned(),
            expected,
        };
        let mut settings = Self::default();
        for (name, value) in said {
            match name.as_str() {
                "organization" => settings.organization = Some(value.clone()).filter(|v| !v.is_empty()),
                "sign_in" => {
                    let names = value.split(',').map(str::trim).map(|n| n.strip_prefix("application/").unwrap_or(n));
                    settings.sign_in = names.filter(|n| !n.is_empty()).map(str::to_owned).collect();
                }
                "assets" => {
                    let known = [Assets::LeaveAsIs, Assets::Transfer];
                    let found = known.into_iter().find(|a| a.word() == value);
                    settings.assets =
                        found.ok_or_else(|| wrong(name, value, "leave-as-is or transfer; rolecall deletes nothing"))?;
                }
                // The file language lets no other name through.
                _ => {
                    let number = value.parse::<u32>().ok().filter(|n| (1..=100_000).contains(n));
                    let number = number.ok_or_else(|| wrong(name, value, "a number from 1 to 100000"))?;
                    settings.per_minute = Some(number);
                }
            }
        }
        Ok(settings)
    }

    /// What the server can bear.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { per_minute: self.per_minute, concurrency: CONCURRENCY, ..Limits::default() }
    }
}

/// The address of the API, from the address of the instance or of the API itself.
///
/// # Errors
/// When it would send a key unencrypted to another machine.
pub fn base_url(url: &str) -> Result<String, TargetError> {
    let base = url.trim_end_matches('/');
    encrypted(base, "Strongly")?;
    Ok(if base.ends_with("/api/v1") { base.to_owned() } else { format!("{base}/api/v1") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: &[(&str, &str)]) -> Result<Settings, String> {
        let said = said.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::read(&said).map_err(|e| e.to_string())
    }

    #[test]
    fn what_leavers_own_is_never_deleted() {
        assert_eq!(read(&[]).unwrap().assets, Assets::LeaveAsIs);
        assert_eq!(read(&[("assets", "transfer")]).unwrap().assets, Assets::Transfer);
        let error = read(&[("assets", "delete")]).unwrap_err();
        assert!(error.contains("leave-as-is") && error.contains("rolecall deletes nothing"), "{error}");
    }

    #[test]
    fn applications_are_named_with_or_without_their_kind() {
        let settings = read(&[("sign_in", "portal, application/docs ,")]).unwrap();
        assert_eq!(settings.sign_in, ["portal", "docs"]);
        assert!(read(&[("requests_per_minute", "0")]).is_err());
        assert_eq!(read(&[("requests_per_minute", "90")]).unwrap().limits().per_minute, Some(90));
    }

    #[test]
    fn the_address_of_the_instance_leads_to_its_api() {
        for (url, base) in [
            ("https://acme.strongly.example", "https://acme.strongly.example/api/v1"),
            ("https://acme.strongly.example/api/v1/", "https://acme.strongly.example/api/v1"),
            ("http://127.0.0.1:8734", "http://127.0.0.1:8734/api/v1"),
        ] {
            assert_eq!(base_url(url).as_deref(), Ok(base));
        }
        assert!(base_url("http://acme.strongly.example").is_err());
    }
}
