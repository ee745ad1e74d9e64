//! Any server that speaks SCIM 2.0 (RFC 7643, 7644 and 9865; fact sheet scim), by the rules that
//! measuring real ones has taught: what a server says of itself is a hint, what it answers is checked, and
//! what it was told is read back (README.md beside this file).

mod forecast;
mod holds;
mod paging;
mod read;
mod resource;
mod schema;
mod session;
mod settings;
pub(super) mod value;
mod write;

#[cfg(test)]
mod tests;

pub use read::ScimReader;
pub use session::Session;
pub(super) use session::{refusal, said};
pub use settings::{NAMES as SETTINGS, RolesIn, SettingError, Settings};
pub use write::ScimWriter;
