//! The embedded directory: users, roles, teams, resources, grants, domains and policies in one SQLite
//! file, which applications may read as their authorization store (README.md beside this file).

mod audit;
mod error;
mod lookup;
mod read;
mod schema;
mod url;
mod write;

#[cfg(test)]
mod tests;

pub use read::DirectoryReader;
pub use url::{UrlError, path_of};
pub use write::DirectoryWriter;

use super::{Capabilities, Promise};
use std::time::Duration;

use crate::model::{Kept, Kind};

/// What the directory can do: everything, one change at a time, each in one transaction.
#[must_use]
pub fn capabilities() -> Capabilities {
    Capabilities {
        kinds: Kind::ALL.to_vec(),
        renames: true,
        enables: true,
        invites: false,
        kept: Kept::ALL,
        concurrency: 1,
        requests_per_minute: None,
        page: None,
        settle: Duration::ZERO,
        level: Promise::Enforced,
    }
}
