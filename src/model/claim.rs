//! [`Claim`]: an access test of the files, in the words of one target.

use super::{Pattern, PrincipalRecord};

/// Whom a claim is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A user, by e-mail.
    User(String),
    /// Every active member of a team, those of teams inside it among them.
    Team(String),
    /// Everyone who can come in.
    Everyone,
    /// These and nobody else.
    Only(Vec<PrincipalRecord>),
}

/// A role or permission: as it stands in the files, and as the target calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ability {
    /// As written.
    pub said: String,
    /// The permission, or the target's name of the role.
    pub name: String,
}

/// What is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// They may do this.
    Can(Ability),
    /// They may not do this.
    Cannot(Ability),
    /// They have exactly this role.
    Role(Ability),
}

/// An access test for one target. A test that concerns several targets is a claim in each of them, with
/// the same number. `O` is where it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim<O> {
    /// The number of the test, from 1, in the order of the files.
    pub number: u32,
    /// Where it is declared.
    pub origin: O,
    /// The target.
    pub target: String,
    /// Whom it is about.
    pub subject: Subject,
    /// What it claims.
    pub says: Says,
    /// The resources, where it is about any.
    pub on: Option<Pattern>,
    /// Why this must be so.
    pub because: Option<String>,
}
