//! The settings of a Paradime target.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::targets::http::Limits;
use crate::targets::scim::SettingError;

/// The names of the settings, as they stand in the files. `plan` chooses the roles, before anything is read.
pub const NAMES: &[&str] = &["workspace", "plan", "audit_log"];

/// How long an answer may take: what Paradime's own clients wait (fact sheet paradime, section a).
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long a change may take to become visible: not published.
pub const SETTLE: Duration = Duration::from_secs(3);

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The workspace that an account token is used for, by its identifier.
    pub workspace: Option<String>,
    /// Whether the audit log is asked who changed what: it needs the Security pack, and a key that may read
    /// it.
    pub audit_log: bool,
}

impl Settings {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// When one means nothing.
    pub fn read(said: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        // The file language lets no other name through.
        let audit_log = match said.get("audit_log").map(String::as_str) {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                return Err(SettingError {
                    name: "audit_log".to_owned(),
                    value: other.to_owned(),
                    expected: "true or false",
                });
            }
        };
        Ok(Self { workspace: said.get("workspace").filter(|uid| !uid.is_empty()).cloned(), audit_log })
    }

    /// What the server can bear. No limit is published; one request at a time is enough, since each write is
    /// looked at before the next.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { concurrency: 1, timeout: TIMEOUT, ..Limits::default() }
    }
}
