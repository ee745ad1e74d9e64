//! What the file language must know of every provider.
//!
//! Which credentials and settings each has comes from the fact sheets in `shared/targets/`.

use crate::model::{Kind, Profile, Profiles};

const ALL: &[Kind] = &Kind::ALL;

/// The providers and the built-in catalogues.
pub const PROFILES: Profiles = Profiles {
    providers: &[
        Profile {
            provider: "directory",
            catalogue: None,
            open: false,
            variants: None,
            kinds: ALL,
            credentials: &[],
            settings: &[],
            custom_roles: true,
            role_needed: false,
            accounts_without_role: false,
            url: &["sqlite:"],
        },
        // paradime.md (a): three kinds of credentials; (c): auto-join domains are a manual step; (d): eight
        // roles with the Security pack, three without it.
        Profile {
            provider: "paradime",
            catalogue: Some("paradime"),
            open: false,
            variants: Some(("plan", &[("rbac", "paradime"), ("standard", "paradime-standard")])),
            kinds: &[Kind::Role, Kind::User, Kind::Domain],
            credentials: &["key", "secret", "token"],
            settings: super::paradime::SETTINGS,
            custom_roles: false,
            role_needed: true,
            accounts_without_role: false,
            // Paradime itself is reached by https only; http is for the sandbox on the same machine.
            url: &["https://", "http://"],
        },
        // omni.md (b): groups are teams, folders and documents and models are resources.
        Profile {
            provider: "omni",
            catalogue: Some("omni"),
            open: false,
            variants: None,
            kinds: &[Kind::Role, Kind::User, Kind::Team, Kind::Member, Kind::Resource, Kind::Grant, Kind::Domain],
            credentials: &["token"],
            settings: super::omni::SETTINGS,
            custom_roles: false,
            // Everybody is a member at least, and who is more the API seldom says.
            role_needed: false,
            accounts_without_role: false,
            // Omni itself is reached by https only; http is for the sandbox on the same machine.
            url: &["https://", "http://"],
        },
        // terminusdb.md 1: an organization is a team, and who holds anything in it is its member.
        Profile {
            provider: "terminusdb",
            catalogue: Some("terminusdb"),
            open: false,
            variants: Some(("mode", &[("open", "terminusdb"), ("hosted", "terminusdb-hosted")])),
            kinds: &[Kind::Role, Kind::User, Kind::Team, Kind::Member, Kind::Resource, Kind::Grant],
            credentials: &["user", "password", "token"],
            settings: super::terminusdb::SETTINGS,
            custom_roles: true,
            role_needed: false,
            accounts_without_role: false,
            url: &["https://", "http://"],
        },
        // strongly.md 2.4: teams, quotas and policies are on the page and in no endpoint: manual steps.
        Profile {
            provider: "strongly",
            catalogue: Some("strongly"),
            open: false,
            variants: None,
            kinds: ALL,
            credentials: &["key"],
            settings: super::strongly::SETTINGS,
            custom_roles: false,
            role_needed: true,
            accounts_without_role: false,
            // http is for the sandbox on the same machine.
            url: &["https://", "http://"],
        },
        // scim.md 1: users and groups; what roles mean is the server's own.
        Profile {
            provider: "scim",
            catalogue: Some("scim"),
            open: true,
            variants: None,
            kinds: &[Kind::Role, Kind::User, Kind::Team, Kind::Member],
            credentials: &["token", "user", "password"],
            settings: super::scim::SETTINGS,
            custom_roles: false,
            role_needed: false,
            accounts_without_role: true,
            url: &["https://", "http://"],
        },
    ],
    catalogues: &[
        ("strongly", include_str!("catalogues/strongly.yaml")),
        ("paradime", include_str!("catalogues/paradime.yaml")),
        ("paradime-standard", include_str!("catalogues/paradime.yaml")),
        ("omni", include_str!("catalogues/omni.yaml")),
        ("terminusdb", include_str!("catalogues/terminusdb.yaml")),
        ("terminusdb-hosted", include_str!("catalogues/terminusdb.yaml")),
        ("scim", include_str!("catalogues/scim.yaml")),
    ],
    rules: &crate::invariants::RULE_NAMES,
};
