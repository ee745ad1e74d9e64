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
    /// The organization, where the target is one of the hosted product.
    pub hosted: Option<String>,
}

impl Settings {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// When one means nothing, or asks for what is not built.
    pub fn read(said: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        let mut settings = Self::default();
        let hosted = said.get("mode").is_some_and(|m| m == "hosted");
        // The file language lets no other name through.
        for (name, value) in said {
            let wrong = |expected| SettingError { name: name.clone(), value: value.clone(), expected };
            match (name.as_str(), value.as_str()) {
                ("mode", "open" | "hosted") => {}
                ("mode", _) => return Err(wrong("open or hosted")),
                ("organization", _) if !hosted => return Err(wrong("for `mode: hosted` only")),
                ("organization", name) if is_plain(name) => settings.hosted = Some(name.to_owned()),
                ("organization", _) => return Err(wrong("a name of letters, digits, `-`, `_` and `.`")),
                ("delete_databases", _) if hosted => {
                    return Err(wrong("for `mode: open` only: the hosted product's calls delete none"));
                }
                ("delete_databases", "true") => settings.delete_databases = true,
                ("delete_databases", "false") => settings.delete_databases = false,
                ("delete_databases", _) => return Err(wrong("true or false")),
                _ => {}
            }
        }
        if hosted && settings.hosted.is_none() {
            let expected = "the organization that the target is, which `mode: hosted` needs";
            return Err(SettingError { name: "organization".to_owned(), value: String::new(), expected });
        }
        Ok(settings)
    }

    /// What the server can bear.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { concurrency: CONCURRENCY, ..Limits::default() }
    }
}

/// Whether a name of an organization stays as it is in ids and paths.
fn is_plain(name: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name.chars().all(inside) && name.chars().any(|c| c != '.')
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
        let hosted = read(&[("mode", "hosted"), ("organization", "acme")]).unwrap();
        assert_eq!(hosted.hosted.as_deref(), Some("acme"));
        let wrong: [&[(&str, &str)]; 4] = [
            &[("mode", "hosted")],
            &[("organization", "acme")],
            &[("mode", "hosted"), ("organization", "a/b")],
            &[("mode", "hosted"), ("organization", "acme"), ("delete_databases", "true")],
        ];
        for said in wrong {
            assert!(read(said).is_err(), "{said:?}");
        }
    }
}
