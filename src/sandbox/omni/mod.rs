//! Omni by the fact sheet omni: its SCIM dialect for users and groups, embed and e-mail-only users,
//! attribute definitions, connections, models and the roles on them, folders, documents and who may reach
//! them, schedules, API keys.

mod api;
mod assumptions;
mod connections;
mod content;
mod definitions;
mod documents;
mod error;
pub mod faults;
mod folders;
mod keys;
mod others;
mod page;
mod people;
mod project;
mod roles;
mod schedules;
mod seed;
mod things;
mod world;

pub use assumptions::ASSUMPTIONS;
pub(super) use world::{Rows, Table};

use std::path::PathBuf;

use super::{Handle, Serve, StartError};

/// Where the API begins (fact sheet omni, section (a)).
pub const BASE: &str = "/api";

/// How many requests a key has in a minute (fact sheet omni, section (a), rate limit).
pub const LIMIT: u64 = 60;

/// A sandbox as it is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port, token, latency and faults.
    pub serve: Serve,
    /// The directory that the state is kept in; made where it is missing. `None`: nothing is kept.
    pub state: Option<PathBuf>,
    /// Declarations whose users, teams, resources and grants are there at the beginning, where the state
    /// is empty.
    pub seeds: Vec<PathBuf>,
    /// Which target of the declarations is meant, where one has several of Omni.
    pub seed_target: Option<String>,
    /// A file of what no declaration says: schedules, attribute definitions, embed users and so on. Read
    /// where the state is empty.
    pub things: Option<PathBuf>,
    /// So many users besides, where the state is empty.
    pub users: usize,
    /// So many groups besides, with the users spread over them, where the state is empty.
    pub groups: usize,
    /// How many requests are answered in a minute; `None` for any number.
    pub limit: Option<u64>,
    /// Who made the key, by address. Otherwise the first organization administrator.
    pub acting: Option<String>,
}

impl Options {
    /// A sandbox on any free port that keeps nothing and has no rate limit; `None` for a text that can be
    /// no token.
    #[must_use]
    pub fn new(token: &str) -> Option<Self> {
        let token = super::Token::new(token)?;
        let serve = Serve { port: 0, token, latency: std::time::Duration::ZERO, faults: Vec::new() };
        Some(Self {
            serve,
            state: None,
            seeds: Vec::new(),
            seed_target: None,
            things: None,
            users: 0,
            groups: 0,
            limit: None,
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
