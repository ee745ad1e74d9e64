//! Strongly.AI (fact sheet strongly): users, the organization, and what things are shared with single people.
//!
//! In the files, a thing of Strongly is called `application/NAME`, `project/NAME`, `workspace/NAME`,
//! `workflow/NAME` or `data-source/NAME`, by the name that its list shows; where several of a kind have the
//! same name, each of them by its id, and a note says so. The role in the organization, owner, admin or
//! member, is another axis than the platform role: it is the attribute `organization_role`.
//!
//! What the API cannot write is a step by hand (`reach.rs`); the README.md beside this file lists what is
//! done and what is not.

mod forecast;
mod holds;
mod leaving;
mod paging;
mod reach;
mod read;
mod session;
mod settings;
mod shape;
#[cfg(test)]
mod tests;
mod write;

pub use read::StronglyReader;
pub use session::Session;
pub use settings::{NAMES as SETTINGS, Settings, base_url};
pub use write::StronglyWriter;
