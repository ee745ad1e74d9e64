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
    /// What of it is inferred and not published, or chosen where the source contradicts itself, and why.
    pub inferred: Option<String>,
}

/// A kind of resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceKind {
    /// What it is.
    pub description: Option<String>,
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
    /// Whether it belongs to the team that its name begins with (`kind/TEAM/NAME`). Where a system has
    /// such a kind, roles of teams and of their members reach what belongs to the team and nothing else; those
    /// that administer the target administer it.
    pub of_team: bool,
    /// What of it is inferred and not published, or chosen where the source contradicts itself, and why.
    pub inferred: Option<String>,
}

/// How one role stands to another. The order is inclusion of permissions, so it is partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It gives less: everything that it may do, the other may do as well.
    Below,
    /// Both give the same.
    Equal,
    /// It gives more.
    Above,
    /// Each may do something that the other may not.
    Incomparable,
    /// What one of them may do is not published.
    Unknown,
}

impl Standing {
    /// How the other stands to this one.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Below => Self::Above,
            Self::Above => Self::Below,
            same => same,
        }
    }
}

/// The roles and resource kinds of one system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// Its name.
    pub name: String,
    /// What it describes.
    pub description: Option<String>,
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

    /// Whether roles of teams and of their members reach only what belongs to the team, and not everything.
    #[must_use]
    pub fn binds_teams(&self) -> bool {
        self.kinds.values().any(|k| k.of_team)
    }

    /// The name of the team that a resource belongs to, by its name; `None` for one of no team.
    #[must_use]
    pub fn team_of<'n>(&self, resource: &'n str) -> Option<&'n str> {
        let (kind, rest) = resource.split_once('/')?;
        let (team, _) = rest.split_once('/')?;
        self.kinds.get(kind).is_some_and(|k| k.of_team).then_some(team)
    }

    /// The names of the roles that can be held in a place.
    pub fn roles_for(&self, place: Place) -> impl Iterator<Item = &str> {
        self.roles.iter().filter(move |(_, r)| r.places.contains(&place)).map(|(n, _)| n.as_str())
    }

    /// The permissions that any role has, sorted.
    #[must_use]
    pub fn permissions(&self) -> Vec<&str> {
        let mut all: Vec<&str> =
            self.roles.values().flat_map(|r| r.permissions.iter().flatten().map(String::as_str)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// How the first role stands to the second, by name or alias. Where the highest role decides, tiers
    /// say it of roles that can meet; everywhere else inclusion of permissions does.
    #[must_use]
    pub fn compare(&self, first: &str, second: &str) -> Standing {
        let (Some((a, first)), Some((b, second))) = (self.role(first), self.role(second)) else {
            return Standing::Unknown;
        };
        if a == b {
            return Standing::Equal;
        }
        if self.combine == Combine::Highest
            && let (Some(one), Some(other)) = (first.tier, second.tier)
            && one != other
            && self.meet(a, b)
        {
            return if one < other { Standing::Below } else { Standing::Above };
        }
        inclusion(first.permissions.as_deref(), second.permissions.as_deref())
    }

    /// Whether one person can hold both roles where they count together: in the same place, and on
    /// resources of which one is the other or lies in it. Roles that no kind lists can be anywhere.
    #[must_use]
    pub fn meet(&self, first: &str, second: &str) -> bool {
        let (Some((a, first)), Some((b, second))) = (self.role(first), self.role(second)) else {
            return false;
        };
        let both = |place: Place| first.places.contains(&place) && second.places.contains(&place);
        if [Place::User, Place::Team, Place::Member].into_iter().any(both) {
            return true;
        }
        if !both(Place::Resource) {
            return false;
        }
        let listed = |name: &str| self.kinds.values().any(|k| k.offers(name));
        if !listed(a) || !listed(b) {
            return true;
        }
        self.kinds.keys().any(|kind| {
            let reach = self.reach(kind);
            let offered = |name: &str| reach.iter().any(|k| k.offers(name));
            offered(a) && offered(b)
        })
    }

    /// How every two roles that can meet stand to each other, the first before the second by name.
    #[must_use]
    pub fn standings(&self) -> Vec<(&str, &str, Standing)> {
        let mut all = Vec::new();
        let names: Vec<&str> = self.roles.keys().map(String::as_str).collect();
        for (index, first) in names.iter().enumerate() {
            let rest = names.iter().skip(index + 1).filter(|second| self.meet(first, second));
            all.extend(rest.map(|second| (*first, *second, self.compare(first, second))));
        }
        all
    }

    /// A kind and all kinds that it can lie in, at any depth.
    fn reach(&self, kind: &str) -> Vec<&ResourceKind> {
        let mut names: Vec<&str> = vec![kind];
        let mut next = 0;
        while let Some(name) = names.get(next) {
            let parents = self.kinds.get(*name).into_iter().flat_map(|k| &k.parents);
            let new: Vec<&str> = parents.map(String::as_str).filter(|p| !names.contains(p)).collect();
            names.extend(new);
            next += 1;
        }
        names.iter().filter_map(|name| self.kinds.get(*name)).collect()
    }
}

impl ResourceKind {
    /// Whether this role can be held on it: by a grant, by its owner or by everyone.
    fn offers(&self, role: &str) -> bool {
        self.roles.iter().chain(&self.owner).chain(&self.everyone).any(|r| r == role)
    }
}

/// How one sorted set of permissions stands to another.
#[must_use]
pub fn inclusion(first: Option<&[String]>, second: Option<&[String]>) -> Standing {
    let (Some(first), Some(second)) = (first, second) else { return Standing::Unknown };
    let within = |a: &[String], b: &[String]| a.iter().all(|p| b.binary_search(p).is_ok());
    match (within(first, second), within(second, first)) {
        (true, true) => Standing::Equal,
        (true, false) => Standing::Below,
        (false, true) => Standing::Above,
        (false, false) => Standing::Incomparable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(permissions: Option<&[&str]>, places: &[Place], tier: Option<u32>) -> CatalogueRole {
        let permissions = permissions.map(|p| p.iter().map(|p| (*p).to_owned()).collect());
        CatalogueRole { permissions, places: places.to_vec(), tier, ..CatalogueRole::default() }
    }

    fn catalogue(combine: Combine, roles: &[(&str, CatalogueRole)], kinds: &[(&str, &[&str], &[&str])]) -> Catalogue {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect();
        let kind = |(name, roles, parents): &(&str, &[&str], &[&str])| {
            let kind = ResourceKind { roles: names(roles), parents: names(parents), ..ResourceKind::default() };
            ((*name).to_owned(), kind)
        };
        Catalogue {
            combine,
            roles: roles.iter().map(|(name, role)| ((*name).to_owned(), role.clone())).collect(),
            kinds: kinds.iter().map(kind).collect(),
            ..Catalogue::default()
        }
    }

    #[test]
    fn the_order_of_roles_is_inclusion() {
        let user = [Place::User];
        let mut roles = vec![
            ("none", role(Some(&[]), &user, None)),
            ("reader", role(Some(&["read"]), &user, None)),
            ("writer", role(Some(&["read", "write"]), &user, None)),
            ("biller", role(Some(&["bill"]), &user, None)),
            ("same", role(Some(&["read", "write"]), &user, None)),
            ("hosted", role(None, &user, None)),
        ];
        roles[2].1.aliases.push("Writer".to_owned());
        let catalogue = catalogue(Combine::Union, &roles, &[]);
        for (first, second, expected) in [
            ("none", "reader", Standing::Below),
            ("reader", "Writer", Standing::Below),
            ("writer", "none", Standing::Above),
            ("writer", "same", Standing::Equal),
            ("writer", "Writer", Standing::Equal),
            ("reader", "biller", Standing::Incomparable),
            ("reader", "hosted", Standing::Unknown),
            ("none", "hosted", Standing::Unknown),
            ("hosted", "hosted", Standing::Equal),
            ("reader", "nobody", Standing::Unknown),
        ] {
            assert_eq!(catalogue.compare(first, second), expected, "{first} {second}");
            assert_eq!(catalogue.compare(second, first), expected.reversed(), "{second} {first}");
        }
        assert_eq!(catalogue.permissions(), ["bill", "read", "write"]);
        let standings = catalogue.standings();
        assert_eq!(standings.len(), 15, "every pair once");
        assert!(standings.contains(&("biller", "reader", Standing::Incomparable)));
    }

    #[test]
    fn where_the_highest_decides_tiers_order_the_roles_that_can_meet() {
        let on = [Place::Resource];
        let roles = [
            ("low", role(Some(&["a", "b"]), &on, Some(1))),
            ("high", role(Some(&["c"]), &on, Some(2))),
            ("outer", role(Some(&["d"]), &on, Some(3))),
            ("apart", role(Some(&["e"]), &on, Some(4))),
            ("loose", role(Some(&["f"]), &on, Some(5))),
            ("plain", role(Some(&["c", "d"]), &on, None)),
        ];
        let kinds: [(&str, &[&str], &[&str]); 3] =
            [("model", &["low", "high"], &["connection"]), ("connection", &["outer"], &[]), ("page", &["apart"], &[])];
        let highest = catalogue(Combine::Highest, &roles, &kinds);
        assert_eq!(highest.compare("low", "high"), Standing::Below);
        assert_eq!(highest.compare("outer", "low"), Standing::Above, "a model lies in a connection");
        assert_eq!(highest.compare("apart", "low"), Standing::Incomparable, "never on one resource");
        assert_eq!(highest.compare("loose", "low"), Standing::Above, "no kind lists it");
        assert_eq!(highest.compare("high", "plain"), Standing::Below, "without tiers, by inclusion");
        let union = catalogue(Combine::Union, &roles, &kinds);
        assert_eq!(union.compare("low", "high"), Standing::Incomparable, "tiers say nothing here");
    }

    #[test]
    fn kinds_in_a_circle_end() {
        let on = [Place::Resource];
        let roles = [("a", role(Some(&[]), &on, None)), ("b", role(Some(&[]), &on, None))];
        let circle = catalogue(Combine::Union, &roles, &[("x", &["a"], &["y"]), ("y", &["b"], &["x", "y"])]);
        assert!(circle.meet("a", "b"));
        assert!(!catalogue(Combine::Union, &roles, &[("x", &["a"], &[]), ("y", &["b"], &[])]).meet("a", "b"));
    }
}
