//! A SCIM 2.0 server (RFC 7643, 7644, 9865) by the fact sheet scim: users with the enterprise extension,
//! groups, filters, paging by index and by cursor, PATCH, entity tags, Bulk, search and discovery.
//!
//! In a test: `serve(&Options::new("token")?)?` starts one on a free port and on a thread of its own;
//! [`Handle::url`] is where a client begins, [`Handle::set_faults`] switches faults on and off in between,
//! [`Handle::requests`] and [`Handle::count`] tell what it was asked, and it ends with the handle.

mod api;
mod assumptions;
mod bulk;
mod discovery;
mod error;
pub mod faults;
mod filter;
mod list;
pub(super) mod patch;
pub(super) mod project;
pub(super) mod schema;
mod seed;
pub(super) mod store;

pub use assumptions::ASSUMPTIONS;

use std::path::PathBuf;

use super::{Handle, Serve, StartError};

/// Where the API begins.
pub const BASE: &str = "/scim/v2";

/// A sandbox as it is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port, token, latency and faults.
    pub serve: Serve,
    /// The directory that the state is kept in; made where it is missing. `None`: nothing is kept.
    pub state: Option<PathBuf>,
    /// A declaration whose users and teams are there at the beginning, where the state is empty.
    pub seed: Option<PathBuf>,
    /// Which target of the declaration is meant, where it has several.
    pub seed_target: Option<String>,
    /// So many users besides, where the state is empty.
    pub users: usize,
    /// So many groups besides, with the users spread over them, where the state is empty.
    pub groups: usize,
}

impl Options {
    /// A sandbox on any free port that keeps nothing; `None` for a text that can be no token.
    #[must_use]
    pub fn new(token: &str) -> Option<Self> {
        let token = super::Token::new(token)?;
        let serve = Serve { port: 0, token, latency: std::time::Duration::ZERO, faults: Vec::new() };
        Some(Self { serve, state: None, seed: None, seed_target: None, users: 0, groups: 0 })
    }
}

/// Serves until the handle is stopped or dropped.
///
/// # Errors
/// When the port is taken, the state or the seed cannot be used, or a fault is none.
pub fn serve(options: &Options) -> Result<Handle, StartError> {
    let (api, notes) = seed::begin(options)?;
    Handle::start(Box::new(api), &options.serve, notes)
}
