//! The settings of a SCIM target.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::targets::http::Limits;

/// A setting that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}: {value}` means nothing: it is {expected}")]
pub struct SettingError {
    pub(in crate::targets) name: String,
    pub(in crate::targets) value: String,
    pub(in crate::targets) expected: &'static str,
}

/// How a server says which role a user has: SCIM defines no roles, only places where one can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RolesIn {
    /// As a value of the user's `roles` (RFC 7643, section 4.1.2).
    #[default]
    Roles,
    /// As a value of the user's `entitlements`.
    Entitlements,
    /// As membership in the group that is called like the role. Such groups are no teams.
    Groups,
}

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where roles stand.
    pub roles: RolesIn,
    /// Whether new accounts are made by the bulk endpoint, where the server offers one.
    pub bulk: bool,
    /// How long a change may take to become visible.
    pub settle: Duration,
    /// How many things to ask for in one page, where the server does not say.
    pub page: Option<usize>,
    per_minute: Option<u32>,
    concurrency: Option<usize>,
}

/// The names of the settings, as they stand in the files.
pub const NAMES: &[&str] = &["bulk", "concurrency", "page", "requests_per_minute", "roles", "settle"];

/// How long a change may take to become visible where nothing is said: most servers show it at once.
const SETTLE: Duration = Duration::from_secs(2);

/// How many requests are in flight where nothing is said.
const CONCURRENCY: usize = 8;

impl Settings {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// When one means nothing.
    pub fn read(said: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        let mut settings = Self {
            roles: RolesIn::default(),
            bulk: false,
            settle: SETTLE,
            page: None,
            per_minute: None,
            concurrency: None,
        };
        for (name, value) in said {
            let wrong = |expected| SettingError { name: name.clone(), value: value.clone(), expected };
            let number = |most: u32| value.parse::<u32>().ok().filter(|n| (1..=most).contains(n));
            match name.as_str() {
                "roles" => {
                    settings.roles = match value.as_str() {
                        "roles" => RolesIn::Roles,
                        "entitlements" => RolesIn::Entitlements,
                        "groups" => RolesIn::Groups,
                        _ => return Err(wrong("one of roles, entitlements and groups")),
                    }
                }
                "bulk" => settings.bulk = value.parse().map_err(|_| wrong("true or false"))?,
                "settle" => {
                    let seconds = value.strip_suffix('s').and_then(|n| n.parse::<u32>().ok()).filter(|n| *n <= 600);
                    let seconds = seconds.ok_or_else(|| wrong("a number of seconds up to 600, as in 10s"))?;
                    settings.settle = Duration::from_secs(seconds.into());
                }
                "page" => {
                    let page = number(10_000).ok_or_else(|| wrong("a number from 1 to 10000"))?;
                    settings.page = Some(page as usize);
                }
                "requests_per_minute" => {
                    settings.per_minute = Some(number(100_000).ok_or_else(|| wrong("a number from 1 to 100000"))?);
                }
                "concurrency" => {
                    let at_once = number(64).ok_or_else(|| wrong("a number from 1 to 64"))?;
                    settings.concurrency = Some(at_once as usize);
                }
                // The file language lets no other name through.
                _ => {}
            }
        }
        Ok(settings)
    }

    /// What the server can bear.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            per_minute: self.per_minute,
            concurrency: self.concurrency.unwrap_or(CONCURRENCY),
            ..Limits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::read(&said.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn settings_are_read() {
        let settings = read(&[]).unwrap();
        assert_eq!((settings.roles, settings.bulk, settings.settle), (RolesIn::Roles, false, SETTLE));
        assert_eq!(settings.limits().concurrency, CONCURRENCY);
        let all = [
            ("roles", "groups"),
            ("bulk", "true"),
            ("settle", "10s"),
            ("page", "50"),
            ("requests_per_minute", "60"),
            ("concurrency", "2"),
        ];
        let settings = read(&all).unwrap();
        assert_eq!((settings.roles, settings.bulk, settings.page), (RolesIn::Groups, true, Some(50)));
        assert_eq!(settings.settle, Duration::from_secs(10));
        assert_eq!((settings.limits().per_minute, settings.limits().concurrency), (Some(60), 2));
        let mut names: Vec<&str> = all.iter().map(|(n, _)| *n).collect();
        names.sort_unstable();
        assert_eq!(names, NAMES);
    }

    #[test]
    fn what_means_nothing_says_so() {
        let bad = [
            ("roles", "titles"),
            ("bulk", "yes"),
            ("settle", "10"),
            ("settle", "601s"),
            ("page", "0"),
            ("requests_per_minute", "-1"),
            ("concurrency", "65"),
        ];
        for (name, value) in bad {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{name}: {value}` means nothing: it is ")), "{error}");
        }
    }
}
