//! Role catalogues for programs: `schemas/catalogue.schema.json`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Catalogue, CatalogueRole, Combine, Place, ResourceKind, Standing};

/// The name and version of the format.
pub const FORMAT: &str = "rolecall.catalogue/1";

/// Role catalogues.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CataloguesDocument {
    /// `rolecall.catalogue/1`. Later minor changes only add keys.
    pub format: String,
    /// The catalogues, by name.
    pub catalogues: Vec<CatalogueDocument>,
}

/// A role catalogue.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogueDocument {
    /// Its name.
    pub name: String,
    /// Whether the program brings it; otherwise the files declare it.
    pub built_in: bool,
    /// What it describes.
    pub description: Option<String>,
    /// Where its facts come from.
    pub source: Option<String>,
    /// How several roles of one person combine.
    pub combine: Combine,
    /// How many leads a team may have; null for any number.
    pub leads: Option<usize>,
    /// Whether teams can lie in teams.
    pub nested_teams: bool,
    /// Every permission that some role has.
    pub permissions: Vec<String>,
    /// The roles, by name.
    pub roles: Vec<RoleDocument>,
    /// The kinds of resources, by name.
    pub kinds: Vec<KindDocument>,
    /// How every two roles that can be held together stand to each other.
    pub order: Vec<OrderDocument>,
}

/// A role of a catalogue.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleDocument {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it may do; null where that is not published.
    pub permissions: Option<Vec<String>>,
    /// Whether who holds it as a user may do everything.
    pub administers: bool,
    /// Where it can be held.
    pub on: Vec<Place>,
    /// Other names for it.
    pub aliases: Vec<String>,
    /// Its height where the highest role decides.
    pub tier: Option<u32>,
    /// A role that bounds what its holders are given on resources.
    pub caps_at: Option<String>,
    /// The class of paid seats that a holder takes.
    pub seat: Option<String>,
    /// The roles that a holder may give; null for those whose permissions are all among its own.
    pub may_give: Option<Vec<String>>,
    /// What of it is inferred or chosen, and why.
    pub inferred: Option<String>,
}

/// A kind of resource.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KindDocument {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// The roles that can be granted on it.
    pub roles: Vec<String>,
    /// The kinds it can lie in.
    #[serde(rename = "in")]
    pub parents: Vec<String>,
    /// Whether it has a visibility.
    pub visibility: bool,
    /// Whether grants can be given on it directly.
    pub grants: bool,
    /// The role that its owner holds on it.
    pub owner: Option<String>,
    /// The role that every active user holds on it where its visibility is `everyone`.
    pub everyone: Option<String>,
    /// Whether it belongs to the team in its name; roles of teams and of their members then reach nothing else.
    pub of_team: bool,
    /// What of it is inferred or chosen, and why.
    pub inferred: Option<String>,
}

/// How one role stands to another.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderDocument {
    /// A role.
    pub role: String,
    /// How it stands to the other.
    pub stands: Standing,
    /// The other role.
    pub to: String,
}

/// Catalogues, each with whether it is built in, for serialization.
#[must_use]
pub fn document<'a>(catalogues: impl IntoIterator<Item = (&'a Catalogue, bool)>) -> CataloguesDocument {
    let catalogues = catalogues.into_iter().map(|(catalogue, built_in)| one(catalogue, built_in)).collect();
    CataloguesDocument { format: FORMAT.to_owned(), catalogues }
}

fn one(catalogue: &Catalogue, built_in: bool) -> CatalogueDocument {
    let order = catalogue.standings().into_iter();
    CatalogueDocument {
        name: catalogue.name.clone(),
        built_in,
        description: catalogue.description.clone(),
        source: catalogue.source.clone(),
        combine: catalogue.combine,
        leads: catalogue.leads_max,
        nested_teams: catalogue.nested_teams,
        permissions: catalogue.permissions().into_iter().map(str::to_owned).collect(),
        roles: catalogue.roles.iter().map(|(name, r)| role(name, r)).collect(),
        kinds: catalogue.kinds.iter().map(|(name, k)| kind(name, k)).collect(),
        order: order
            .map(|(first, second, stands)| OrderDocument { role: first.to_owned(), stands, to: second.to_owned() })
            .collect(),
    }
}

fn role(name: &str, role: &CatalogueRole) -> RoleDocument {
    let CatalogueRole {
        description,
        permissions,
        administers,
        places,
        aliases,
        tier,
        caps_at,
        seat,
        may_give,
        inferred,
    } = role.clone();
    RoleDocument {
        name: name.to_owned(),
        description,
        permissions,
        administers,
        on: places,
        aliases,
        tier,
        caps_at,
        seat,
        may_give,
        inferred,
    }
}

fn kind(name: &str, kind: &ResourceKind) -> KindDocument {
    let ResourceKind { description, roles, parents, visibility, grants, owner, everyone, of_team, inferred } =
        kind.clone();
    let name = name.to_owned();
    KindDocument { name, description, roles, parents, visibility, grants, owner, everyone, of_team, inferred }
}
