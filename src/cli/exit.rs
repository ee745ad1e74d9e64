//! How a run ends.

use std::process::ExitCode;

/// The exit codes. They are part of the interface: `README.md` has the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Nothing to do, done, or yes.
    Done,
    /// An error: in the files, in the usage, in a system, or a lock that was not obtained.
    Error,
    /// Differences were found (`plan --detailed-exitcode`).
    Differences,
    /// Blocked by an invariant, a guard or an access test; or no.
    Blocked,
    /// The plan is stale, or not the one that was reviewed.
    Stale,
    /// Applied in part, or interrupted.
    Partial,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What went wrong: a fragment in lower case without a full stop.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// Whether somebody else holds the lock.
    pub locked: bool,
}

impl Failure {
    /// An error.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self { exit: Exit::Error, message: message.into(), help: None, locked: false }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// With another exit code.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}
