//! TerminusDB (fact sheet terminusdb): a team is an organization, a data product is a database, and what
//! somebody holds on one of them is a capability with a set of roles.
//!
//! In the files a database is `data-product/ORGANIZATION/NAME`. An account is known by the handle that a
//! person has under `terminusdb`, or by their address where its name is one. Who reads and writes is the
//! account `admin`: nobody else may.
//!
//! What the API cannot do is in `reach.rs`; README.md beside this file lists what is done and what is not.

mod base;
mod documents;
mod forecast;
mod holds;
pub mod hosted;
mod notes;
mod reach;
mod read;
mod session;
mod settings;
mod write;

pub use base::base_url;
pub use read::TerminusReader;
pub use session::Session;
pub use settings::{NAMES as SETTINGS, Settings};
pub use write::TerminusWriter;

/// The system under whose name people have their names here.
pub const HANDLE: &str = "terminusdb";

/// The kind of resource that databases are.
pub const KIND: &str = "data-product";

/// The organization and the name of a database, of its name in the files.
fn parts(resource: &str) -> Option<(&str, &str)> {
    resource.strip_prefix(KIND)?.strip_prefix('/')?.rsplit_once('/')
}

/// The name in the files of a database.
fn resource_name(organization: &str, database: &str) -> String {
    format!("{KIND}/{organization}/{database}")
}
