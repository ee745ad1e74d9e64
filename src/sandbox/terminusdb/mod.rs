//! TerminusDB by the fact sheet terminusdb, section by section: users, roles, organizations, databases and
//! capabilities, who may do what, the documents of `_system`, and of databases as much as shows who can read
//! and write them. It was made to answer as a real server did: tests/it/sandbox_terminusdb.rs replays 500
//! recorded requests.
//!
//! `hosted.rs` has the calls that only the hosted product serves; they were never recorded.

mod answer;
mod api;
mod assumptions;
mod capabilities;
mod databases;
mod documents;
pub mod faults;
mod graphql;
mod hosted;
mod organizations;
mod roles;
mod seed;
mod users;
mod world;

pub use assumptions::ASSUMPTIONS;

use std::path::PathBuf;

use super::{Handle, Serve, StartError};

/// Where the API begins (fact sheet terminusdb, section 4).
pub const BASE: &str = "/api";

/// A sandbox as it is asked for. Its token is the password of `admin`.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port, token, latency and faults.
    pub serve: Serve,
    /// The file that the state is kept in; made where it is missing. `None`: nothing is kept.
    pub state: Option<PathBuf>,
    /// Declarations whose roles, users, teams, data products and grants are there at the beginning, where
    /// the state is empty.
    pub seeds: Vec<PathBuf>,
    /// Which target of the declarations is meant, where one has several of TerminusDB.
    pub seed_target: Option<String>,
    /// So many users besides, where the state is empty.
    pub users: usize,
    /// So many organizations besides, with the users spread over them, where the state is empty.
    pub groups: usize,
    /// Whether the calls of the hosted product are served (fact sheet terminusdb, section 10).
    pub hosted: bool,
}

impl Options {
    /// A sandbox on any free port that keeps nothing; `None` for a text that can be no token.
    #[must_use]
    pub fn new(token: &str) -> Option<Self> {
        let token = super::Token::new(token)?;
        let serve = Serve { port: 0, token, latency: std::time::Duration::ZERO, faults: Vec::new() };
        Some(Self { serve, state: None, seeds: Vec::new(), seed_target: None, users: 0, groups: 0, hosted: false })
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
