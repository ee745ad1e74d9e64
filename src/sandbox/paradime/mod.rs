//! Paradime by the fact sheet paradime: one GraphQL endpoint for the users of workspaces, the workspaces and
//! the audit log, opened by three kinds of credentials.

mod api;
mod assumptions;
pub mod faults;
mod graphql;
mod operations;
mod project;
mod seed;
mod things;
mod world;

pub use assumptions::ASSUMPTIONS;
pub use world::ROLES;

use std::path::PathBuf;

use super::{Handle, Serve, StartError};

/// Where the endpoint is (fact sheet paradime, section a): what stands in the place of the company is made up.
pub const BASE: &str = "/api/v1/sandbox/graphql";

/// The key that belongs to a secret, where nothing else is said.
pub const KEY: &str = "sandbox";

/// A sandbox as it is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port, token, latency and faults. What the token begins with decides what kind it is.
    pub serve: Serve,
    /// The key that belongs to the token, where that is the secret of a pair.
    pub key: String,
    /// The directory that the state is kept in; made where it is missing. `None`: nothing is kept.
    pub state: Option<PathBuf>,
    /// Declarations whose users are there at the beginning, where the state is empty.
    pub seeds: Vec<PathBuf>,
    /// Which target of the declarations is meant, where one has several of Paradime.
    pub seed_target: Option<String>,
    /// A file of what no declaration says: workspaces, invitations, domains. Read where the state is empty.
    pub things: Option<PathBuf>,
    /// So many users besides, where the state is empty.
    pub users: usize,
    /// The workspace that the token opens, where it opens one: by name or identifier. Otherwise the first.
    pub workspace: Option<String>,
    /// As whom invitations are judged, by role; without it the key may give every role.
    pub acting: Option<String>,
}

impl Options {
    /// A sandbox on any free port that keeps nothing; `None` for a text that can be no token.
    #[must_use]
    pub fn new(token: &str) -> Option<Self> {
        let token = super::Token::new(token)?;
        let serve = Serve { port: 0, token, latency: std::time::Duration::ZERO, faults: Vec::new() };
        Some(Self {
            serve,
            key: KEY.to_owned(),
            state: None,
            seeds: Vec::new(),
            seed_target: None,
            things: None,
            users: 0,
            workspace: None,
            acting: None,
        })
    }
}

/// Serves until the handle is stopped or dropped.
///
/// # Errors
/// When the port is taken, the state or the seed cannot be used, or a fault is none.
pub fn serve(options: &Options) -> Result<Handle, StartError> {
    let api = seed::begin(options)?;
    Handle::start(Box::new(api), &options.serve, Vec::new())
}
