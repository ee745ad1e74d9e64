//! Paradime (fact sheet paradime): the people of one workspace, by its GraphQL endpoint.
//!
//! There are three queries and three mutations, no paging and no filters: whoever wants to know anything
//! lists everybody. So a reading is one request, and every write is looked at in a list of its own.
//!
//! What the API cannot do is a step by hand (`reach.rs`); what it leaves open is said beside the plan
//! (`remarks.rs`); the README.md beside this file lists what is done and what is not.

mod audit;
mod credential;
mod forecast;
mod holds;
mod listing;
mod reach;
mod read;
mod remarks;
mod session;
mod settings;
mod write;

#[cfg(test)]
mod tests;

pub use credential::Credential;
pub use read::ParadimeReader;
pub use session::Session;
pub use settings::{NAMES as SETTINGS, Settings};
pub use write::ParadimeWriter;
