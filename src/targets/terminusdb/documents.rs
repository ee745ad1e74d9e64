//! The documents of `_system`, read at once (fact sheet terminusdb, sections 1 and 6). That there is a hash of
//! a password is kept; the hash is not.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::targets::TargetError;

/// One document as it comes.
#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "@id")]
    id: String,
    #[serde(rename = "@type")]
    kind: String,
    name: Option<String>,
    #[serde(default)]
    action: Many,
    #[serde(default)]
    capability: Many,
    #[serde(default)]
    role: Many,
    scope: Option<String>,
    #[serde(default)]
    database: Many,
    #[serde(default)]
    child: Many,
    comment: Option<String>,
    state: Option<String>,
    /// Present or not: what is in it is skipped over.
    key_hash: Option<IgnoredAny>,
}

/// A set, which some versions write without brackets where it has one element.
#[derive(Deserialize)]
#[serde(untagged)]
enum Many {
    List(Vec<String>),
    One(String),
}

impl Default for Many {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl From<Many> for BTreeSet<String> {
    fn from(many: Many) -> Self {
        match many {
            Many::List(items) => items.into_iter().map(short).collect(),
            Many::One(item) => Self::from([short(item)]),
        }
    }
}

/// The short form of an id.
pub fn short(id: String) -> String {
    match id.strip_prefix("terminusdb://system/data/") {
        Some(rest) => rest.to_owned(),
        None => id,
    }
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its actions.
    pub actions: BTreeSet<String>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its capabilities, by id.
    pub capabilities: BTreeSet<String>,
    /// Whether it has a password.
    pub password: bool,
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its name.
    pub name: String,
    /// Its databases, by id.
    pub databases: BTreeSet<String>,
    /// The organizations in it, by id.
    pub children: BTreeSet<String>,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its name within its organization.
    pub name: String,
    /// Its description.
    pub comment: Option<String>,
    /// Whether it is whole: not one that is half made or half deleted.
    pub finalized: bool,
}

/// Roles on an organization or a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// An organization or a database, by id.
    pub scope: String,
    /// The roles, by id.
    pub roles: BTreeSet<String>,
}

/// All of it, by id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Documents {
    /// The roles.
    pub roles: BTreeMap<String, Role>,
    /// The accounts.
    pub users: BTreeMap<String, User>,
    /// The organizations.
    pub organizations: BTreeMap<String, Organization>,
    /// The databases, without that of the system.
    pub databases: BTreeMap<String, Database>,
    /// The capabilities.
    pub capabilities: BTreeMap<String, Capability>,
    /// The version of the graph that this is, where the server says it.
    pub version: Option<String>,
}

impl Documents {
    /// Reads the answer of the server.
    ///
    /// # Errors
    /// When it is not a list of documents. What is wrong is not shown: a hash could be near it.
    pub fn read(body: &[u8], version: Option<String>) -> Result<Self, TargetError> {
        let raw: Vec<Raw> = serde_json::from_slice(body)
            .map_err(|_| TargetError::Malformed("the documents of _system are not what they should be".to_owned()))?;
        let mut all = Self { version, ..Self::default() };
        for one in raw {
            let id = short(one.id);
            let name = one.name.unwrap_or_default();
            match one.kind.as_str() {
                "Role" => drop(all.roles.insert(id, Role { name, actions: one.action.into() })),
                "User" => {
                    let password = one.key_hash.is_some();
                    all.users.insert(id, User { name, capabilities: one.capability.into(), password });
                }
                "Organization" => {
                    let found = Organization { name, databases: one.database.into(), children: one.child.into() };
                    all.organizations.insert(id, found);
                }
                "UserDatabase" => {
                    let finalized = one.state.is_none_or(|s| s == "finalized" || s.ends_with("/finalized"));
                    let comment = one.comment.filter(|c| !c.is_empty());
                    all.databases.insert(id, Database { name, comment, finalized });
                }
                "Capability" => {
                    let scope = short(one.scope.unwrap_or_default());
                    all.capabilities.insert(id, Capability { scope, roles: one.role.into() });
                }
                // What other versions may have is not rolecall's.
                _ => {}
            }
        }
        Ok(all)
    }

    /// The organization of each database, by id.
    #[must_use]
    pub fn homes(&self) -> BTreeMap<&str, &str> {
        let of = |(id, o): (&'_ String, &'_ Organization)| -> Vec<(String, String)> {
            o.databases.iter().map(|d| (d.clone(), id.clone())).collect()
        };
        let pairs: Vec<(String, String)> = self.organizations.iter().flat_map(of).collect();
        let mut homes = BTreeMap::new();
        for (database, organization) in pairs {
            if let (Some((d, _)), Some((o, _))) =
                (self.databases.get_key_value(&database), self.organizations.get_key_value(&organization))
            {
                homes.insert(d.as_str(), o.as_str());
            }
        }
        homes
    }

    /// The accounts that have each capability, by id; none for an orphan (section 7, trap 3).
    #[must_use]
    pub fn holders(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut holders: BTreeMap<&str, Vec<&str>> =
            self.capabilities.keys().map(|c| (c.as_str(), Vec::new())).collect();
        for (id, user) in &self.users {
            for capability in &user.capabilities {
                if let Some(list) = holders.get_mut(capability.as_str()) {
                    list.push(id);
                }
            }
        }
        holders
    }

    /// Why this cannot be everything: something speaks of what is not there.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let mut lost: BTreeMap<&str, usize> = BTreeMap::new();
        let mut miss = |what: &'static str, is_there: bool| {
            if !is_there {
                *lost.entry(what).or_default() += 1;
            }
        };
        // Who speaks is one of them.
        miss("accounts", self.users.contains_key(super::session::ADMIN));
        for user in self.users.values() {
            user.capabilities.iter().for_each(|c| miss("capabilities", self.capabilities.contains_key(c)));
        }
        for capability in self.capabilities.values() {
            capability.roles.iter().for_each(|r| miss("roles", self.roles.contains_key(r)));
            let scope = &capability.scope;
            let known = self.organizations.contains_key(scope)
                || self.databases.contains_key(scope)
                || scope.starts_with("SystemDatabase/");
            miss("organizations or databases", known);
        }
        for organization in self.organizations.values() {
            let of_users = organization.databases.iter().filter(|d| d.starts_with("UserDatabase/"));
            of_users.for_each(|d| miss("databases", self.databases.contains_key(d)));
        }
        let one = |(what, n): (&str, usize)| format!("the documents speak of {n} {what} that are not among them");
        lost.into_iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_not_kept() {
        let body = r#"[{"@id":"User/a","@type":"User","name":"a","key_hash":"$pbkdf2-canary"},
                       {"@id":"User/b","@type":"User","name":"b","capability":"Capability/x"}]"#;
        let all = Documents::read(body.as_bytes(), None).unwrap();
        assert!(!format!("{all:?}").contains("canary"));
        assert_eq!((all.users["User/a"].password, all.users["User/b"].password), (true, false));
        assert_eq!(
            all.doubts(),
            [
                "the documents speak of 1 accounts that are not among them",
                "the documents speak of 1 capabilities that are not among them"
            ],
            "`admin`, who speaks, and what b has"
        );
        // An empty list is not an empty server.
        assert_eq!(Documents::read(b"[]", None).unwrap().doubts().len(), 1);
        let error = Documents::read(br#"[{"@id":"User/a","key_hash":"$pbkdf2-canary"}]"#, None).unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
