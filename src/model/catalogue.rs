//! Role catalogues: which roles and resource kinds a system has, and what each role may do.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How several roles of one person on one resource combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// All their permissions together.
    #[default]
    Union,
    /// The permissions of the role with the highest tier.
    Highest,
}

/// Where a role can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// As the role of a user.
    User,
    /// As the base role of a team, which all its members hold.
    Team,
    /// As the role of one member in a team.
    Member,
    /// On a resource, by a grant.
    Resource,
}

/// A role of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogueRole {
    /// What it is for.
    pub description: Option<String>,
    /// What it may do, by permission name, sorted. `None` where the system does not publish it.
    pub permissions: Option<Vec<String>>,
    /// Whether who holds it as a user may do everything, users and policies included.
    pub administers: bool,
    /// Where it can be held.
    pub places: Vec<Place>,
    /// Other names that the system or its documentation uses for it.
    pub aliases: Vec<String>,
    /// Its place where the highest role decides (`combine: highest`): a greater number is higher.
    pub tier: Option<u32>,
    /// A role that bounds what grants, ownership and visibility give to whoever holds this one as a user
    /// (Strongly's viewer, fact sheet strongly 3.3.7).
    pub caps_at: Option<String>,
    /// The class of paid seats that an active holder takes.
    pub seat: Option<String>,
    /// The roles that a holder may give to others, where the system publishes a table of that; without
    /// it, those whose permissions are all among the holder's.
    pub may_give: Option<Vec<String>>,
    /// Why what is said of it is inferred and not published.
    pub inferred: Option<String>,
}

/// A kind of resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceKind {
    /// The roles that can be granted on it.
    pub roles: Vec<String>,
    /// The kinds it can lie in; empty where it has no parent.
    pub parents: Vec<String>,
    /// Whether it has a visibility.
    pub visibility: bool,
    /// Whether grants may be given on it directly; what lies in a project may only inherit.
    pub grants: bool,
    /// The role that its owner holds on it, where the system gives one.
    pub owner: Option<String>,
    /// The role that every active user holds on it where its visibility is `everyone`.
    pub everyone: Option<String>,
    /// Why what is said of it is inferred and not published.
    pub inferred: Option<String>,
}

/// The roles and resource kinds of one system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// Its name.
    pub name: String,
    /// Where its facts come from.
    pub source: Option<String>,
    /// How several roles combine.
    pub combine: Combine,
    /// The roles by name.
    pub roles: BTreeMap<String, CatalogueRole>,
    /// The resource kinds by name.
    pub kinds: BTreeMap<String, ResourceKind>,
    /// How many leads a team may have, where that is limited.
    pub leads_max: Option<usize>,
    /// Whether the system has teams that lie in teams.
    pub nested_teams: bool,
}

impl Catalogue {
    /// The proper name and the role for a name or one of its aliases.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<(&str, &CatalogueRole)> {
        if let Some((name, role)) = self.roles.get_key_value(name) {
            return Some((name, role));
        }
        self.roles
            .iter()
            .find(|(_, role)| role.aliases.iter().any(|a| a == name))
            .map(|(name, role)| (name.as_str(), role))
    }

    /// The names of the roles that can be held in a place.
    pub fn roles_for(&self, place: Place) -> impl Iterator<Item = &str> {
        self.roles.iter().filter(move |(_, r)| r.places.contains(&place)).map(|(n, _)| n.as_str())
    }
}
