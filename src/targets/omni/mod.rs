//! Omni (fact sheet omni): people and groups by its SCIM endpoints, roles and permits by its REST API.
//!
//! In the files, a resource of Omni is called
//!
//! - `connection/NAME`, by the name that Settings > Connections shows;
//! - `model/NAME`, a shared model or an extension of one, by its name;
//! - `folder/PATH`, by the path of the folder, as in `folder/sales/emea`;
//! - `document/IDENTIFIER`, by the identifier in the address of the document, because titles repeat.
//!
//! Where several connections or models have the same name (or none), each of them is called by its id
//! instead, and a note says so. A role for `everyone` is the base role of a connection, or the organization
//! role of a folder or document.
//!
//! What the API cannot write is a step by hand (`reach.rs`); who goes hands over documents and schedules
//! first (`write/leave.rs`); the README.md beside this file lists what is done and what is not.

mod base;
mod forecast;
mod holds;
mod leaving;
mod paging;
mod reach;
mod read;
mod session;
mod settings;
mod shape;
mod write;

#[cfg(test)]
mod tests;

pub use base::base_url;
pub use read::OmniReader;
pub use session::Session;
pub use settings::{NAMES as SETTINGS, Settings};
pub use write::OmniWriter;
