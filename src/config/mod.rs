//! YAML bytes to a spanned document to a desired [`Directory`](crate::model::Directory) per target.

mod declaration;
mod decode;
mod document;
mod load;
mod resolve;
mod schema;
mod suggest;
pub mod write;

pub use declaration::*;
pub use decode::{Context, Decode, Needed, Prose, Reason, Several, Single, Sp, Sym, Table, Templated, sym_index};
pub use document::{Cursor, Document, Type};
pub use load::{FILE_MAX, FILES_MAX, Loaded, TOTAL_MAX, load, load_sources, root_of};
pub use resolve::{Declaration, TargetDeclaration, Template, builtin_catalogue};
pub use schema::{Checker, declaration_schema};
pub use suggest::nearest;

/// The names that `policies.invariants` knows (`shared/design.md`, section 6).
pub const RULE_NAMES: [&str; 28] = [
    "admin-remains",
    "nothing-gained-between",
    "nothing-lost-between",
    "no-self-lockout",
    "elevate-only",
    "no-escalation",
    "inactive-holds-nothing",
    "block-beats-all",
    "return-restores",
    "lead-is-member",
    "inherited-not-repeated",
    "visibility-agrees",
    "join-is-least",
    "join-removal-known",
    "irreversible-is-confirmed",
    "unreachable-is-manual",
    "mfa-enforced",
    "quota-fits",
    "seats-fit",
    "roles-exclusive",
    "blast-radius",
    "ownership-is-said",
    "leaver-stays-out",
    "joiner-is-expected",
    "change-in-place",
    "invite-once",
    "grant-expires",
    "review-is-due",
];

/// Those of them that cannot be set.
pub const RULES_NOT_OPTIONAL: [&str; 4] =
    ["admin-remains", "nothing-gained-between", "nothing-lost-between", "no-self-lockout"];
