//! Strongly.AI by the fact sheet strongly: users, the organization with its members and invitations, and
//! what applications, projects, workflows and data sources are shared with.

mod api;
mod assumptions;
mod error;
pub mod faults;
mod organizations;
mod project;
mod seed;
mod shape;
mod sharing;
mod things;
mod users;
mod world;

pub use assumptions::ASSUMPTIONS;

use std::path::PathBuf;

use super::{Handle, Serve, StartError};

/// Where the API begins (fact sheet strongly, section 2.1).
pub const BASE: &str = "/api/v1";

/// A sandbox as it is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port, token, latency and faults.
    pub serve: Serve,
    /// The directory that the state is kept in; made where it is missing. `None`: nothing is kept.
    pub state: Option<PathBuf>,
    /// Declarations whose users, resources, grants, teams and domains are there at the beginning, where the
    /// state is empty.
    pub seeds: Vec<PathBuf>,
    /// Which target of the declarations is meant, where one has several of Strongly.
    pub seed_target: Option<String>,
    /// A file of what people do on Strongly's screens. Read where the state is empty.
    pub things: Option<PathBuf>,
    /// So many users besides, where the state is empty.
    pub users: usize,
    /// Who made the key, by address. Otherwise the first administrator.
    pub acting: Option<String>,
}

impl Options {
    /// A sandbox on any free port that keeps nothing; `None` for a text that can be no token.
    #[must_use]
    pub fn new(token: &str) -> Option<Self> {
        let token = super::Token::new(token)?;
        let serve = Serve { port: 0, token, latency: std::time::Duration::ZERO, faults: Vec::new() };
        Some(Self { serve, state: None, seeds: Vec::new(), seed_target: None, things: None, users: 0, acting: None })
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
