//! The settings of a TerminusDB target.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::targets::http::Limits;
use crate::targets::scim::SettingError;

/// The names of the settings, as they stand in the files.
pub const NAMES: &[&str] = &["mode", "organization", "delete_databases"];

/// Every write goes to one graph: parallel ones wait for each other, up to 5 s each, and parallel grants make
/// several capabilities (fact sheet terminusdb, section 7, trap 4).
pub const CONCURRENCY: usize = 1;

/// How long a change may take to become visible: a write is done when it is answered.
pub const SETTLE: Duration = Duration::ZERO;

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Whether databases that the files do not declare are deleted, with all that is in them, where resources
    /// are managed so. Otherwise they stay.
    pub delete_databases: bool,
}

impl Settings {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// When one means nothing, or asks for what is not built.
    pub fn read(said: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        let mut settings = Self::default();
        // The file language lets no other name through.
        for (name, value) in said {
            let wrong = |expected| SettingError { name: name.clone(), value: value.clone(), expected };
            match (name.as_str(), value.as_str()) {
                ("mode", "open") => {}
                ("mode", "hosted") => return Err(wrong("open; this version does not speak to the hosted product")),
                ("mode", _) => return Err(wrong("open")),
                ("organization", _) => {
                    return Err(wrong("for the hosted product, which this version does not speak to"));
                }
                ("delete_databases", "true") => settings.delete_databases = true,
                ("delete_databases", "false") => settings.delete_databases = false,
                ("delete_databases", _) => return Err(wrong("true or false")),
                _ => {}
            }
        }
        Ok(settings)
    }

    /// What the server can bear.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { concurrency: CONCURRENCY, ..Limits::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_stay_unless_it_is_said() {
        let read = |said: &[(&str, &str)]| {
            Settings::read(&said.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        assert!(!read(&[]).unwrap().delete_databases);
        assert!(read(&[("delete_databases", "true")]).unwrap().delete_databases);
        assert!(read(&[("delete_databases", "yes")]).is_err());
        assert!(read(&[("mode", "hosted"), ("organization", "acme")]).is_err());
    }
}
