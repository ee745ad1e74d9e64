//! The hosted product: one organization, of which a token can be had (fact sheet terminusdb, section 10).
//!
//! None of these calls was captured: paths and bodies are those of the vendor's JavaScript client, and what is
//! here was tried against `rolecall sandbox terminusdb --hosted` only. What the calls cannot do is in `reach.rs`.

mod calls;
mod forecast;
mod reach;
mod read;
mod write;

pub use calls::Session;
pub use read::HostedReader;
pub use write::HostedWriter;

/// The five roles with the addresses that they have in the API, lowest first (section 2).
const ROLES: [(&str, &str); 5] = [
    ("Info Reader", "Role/infoReader"),
    ("Data Reader", "Role/dataReader"),
    ("Data Updater", "Role/dataUpdater"),
    ("Collaborator", "Role/collaborator"),
    ("Admin Role", ADMIN),
];

/// The role that gives roles to others.
const ADMIN: &str = "Role/admin";

/// The address of a role.
fn role_id(name: &str) -> Option<&'static str> {
    ROLES.iter().find(|(known, _)| *known == name).map(|(_, id)| *id)
}

/// The name of a role, of its address.
fn role_name(id: &str) -> Option<&'static str> {
    ROLES.iter().find(|(_, known)| *known == id).map(|(name, _)| *name)
}

/// What the product offers, for messages.
fn offered() -> String {
    ROLES.map(|(name, _)| name).join(", ")
}
