//! Which live things rolecall may change: ownership by target, kind and name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Directory, Kind, ResourceId, TeamId};

/// How a kind of thing is managed in a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Declared things are created and kept as declared; undeclared ones stay.
    #[default]
    Additive,
    /// As `additive`, and undeclared things are removed.
    Authoritative,
    /// Differences are reported, nothing is written.
    Observe,
    /// Nothing is compared or written.
    Ignore,
}

impl Mode {
    /// The word that stands in the files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Additive => "additive",
            Self::Authoritative => "authoritative",
            Self::Observe => "observe",
            Self::Ignore => "ignore",
        }
    }

    /// Whether declared things are written.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Additive | Self::Authoritative)
    }
}

/// A pattern over names, in which `*` stands for any characters. Compared without regard to case of
/// ASCII letters, as e-mails are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(pub String);

impl Pattern {
    /// Whether `name` fits, in time linear in the product of stars and name at worst.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (p, n) = (self.0.as_bytes(), name.as_bytes());
        let (mut i, mut j) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while j < n.len() {
            match p.get(i) {
                Some(b'*') => {
                    star = Some((i + 1, j));
                    i += 1;
                }
                Some(c) if c.eq_ignore_ascii_case(&n[j]) => {
                    i += 1;
                    j += 1;
                }
                _ => match star {
                    Some((after, at)) => {
                        star = Some((after, at + 1));
                        (i, j) = (after, at + 1);
                    }
                    None => return false,
                },
            }
        }
        p.get(i..).is_some_and(|rest| rest.iter().all(|c| *c == b'*'))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The rule for one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// How the kind is managed.
    pub mode: Mode,
    /// The names it holds for; empty means all.
    pub scope: Vec<Pattern>,
    /// Whether any file mentions the kind. One that none mentions is observed at most.
    pub mentioned: bool,
}

impl Rule {
    /// The mode for the thing of that name: outside the scope, and where no file mentions the kind,
    /// things are not touched.
    #[must_use]
    pub fn mode_of(&self, name: &str) -> Mode {
        let in_scope = self.scope.is_empty() || self.scope.iter().any(|p| p.matches(name));
        match self.mode {
            _ if !in_scope => Mode::Ignore,
            Mode::Additive | Mode::Authoritative if !self.mentioned => Mode::Observe,
            mode => mode,
        }
    }
}

/// What of a target is managed, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manage {
    rules: [Rule; Kind::ALL.len()],
    /// The teams whose `members:` are listed, so that who is not in the list is not a member.
    pub listed_members: BTreeSet<TeamId>,
    /// The resources whose `access:` is listed, so that who is not in the list has no grant on it.
    pub listed_access: BTreeSet<ResourceId>,
    /// Accounts that are never touched, by e-mail pattern.
    pub protected: Vec<Pattern>,
}

impl Manage {
    /// The rule for a kind.
    #[must_use]
    pub fn rule(&self, kind: Kind) -> &Rule {
        &self.rules[kind as usize]
    }

    /// The rule for a kind, to be changed.
    pub fn rule_mut(&mut self, kind: Kind) -> &mut Rule {
        &mut self.rules[kind as usize]
    }

    /// The mode of one thing.
    #[must_use]
    pub fn mode_of(&self, kind: Kind, name: &str) -> Mode {
        self.rule(kind).mode_of(name)
    }

    /// Whether an account is protected.
    #[must_use]
    pub fn is_protected(&self, email: &str) -> bool {
        self.protected.iter().any(|p| p.matches(email))
    }
}

/// A target's own ids of things, by kind and name: kept in the store, so that a thing is known again that
/// the target calls otherwise since.
pub type Identities = BTreeMap<Kind, BTreeMap<String, String>>;

/// What was removable in a target when rolecall last applied to it, by name: kept in the store, so that
/// what a plan *begins* to manage can be told from what it managed before (`ownership-is-said`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ownership {
    /// The kinds whose undeclared things are removed, with the patterns of their scope; an empty list
    /// of patterns stands for all names.
    pub kinds: BTreeMap<Kind, Vec<String>>,
    /// The teams whose members are listed.
    pub listed_members: BTreeSet<String>,
    /// The resources whose access is listed.
    pub listed_access: BTreeSet<String>,
    /// The renamings (kind, old name, new name) that the files declare and that have been made. Where
    /// two things change names, nothing else tells before from after.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub renamed: BTreeSet<(Kind, String, String)>,
}

impl Ownership {
    /// Whether undeclared things of that kind and name were removable.
    #[must_use]
    pub fn covers(&self, kind: Kind, name: &str) -> bool {
        self.kinds
            .get(&kind)
            .is_some_and(|scope| scope.is_empty() || scope.iter().any(|p| Pattern(p.clone()).matches(name)))
    }
}

impl Manage {
    /// What is removable under these rules; `directory` is the desired state that they belong to.
    #[must_use]
    pub fn ownership(&self, directory: &Directory) -> Ownership {
        let kinds = Kind::ALL.into_iter().filter_map(|kind| {
            let rule = self.rule(kind);
            let removes = rule.mode == Mode::Authoritative && rule.mentioned;
            removes.then(|| (kind, rule.scope.iter().map(|p| p.0.clone()).collect()))
        });
        // A list makes nothing removable where its kind is only added to.
        let removes = |kind: Kind, name: &str| {
            Rule { mentioned: true, ..self.rule(kind).clone() }.mode_of(name) == Mode::Authoritative
        };
        let teams = self.listed_members.iter().map(|t| directory.team(*t).name.to_string());
        let resources = self.listed_access.iter().map(|r| directory.resource(*r).name.to_string());
        Ownership {
            kinds: kinds.collect(),
            listed_members: teams.filter(|name| removes(Kind::Member, name)).collect(),
            listed_access: resources.filter(|name| removes(Kind::Grant, name)).collect(),
            renamed: BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let fits = |p: &str, n: &str| Pattern(p.into()).matches(n);
        assert!(fits("project/fraud*", "project/fraud-dev"));
        assert!(fits("*@acme.com", "Ada@ACME.com"));
        assert!(fits("a*b*c", "aXbXbc"));
        assert!(!fits("a*b", "a"));
        assert!(fits("*", ""));
        assert!(!fits("", "a"));
    }
}
