//! The access difference in the words of people: who gains, who loses, and whose access comes another
//! way, grouped and counted, the riskiest first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rows::{Label, Row, rows};
use super::{Bits, Differences, Entry, World};
use crate::model::{UserId, UserKind};

/// So many names of people and of resources are kept in all lines together; where there are more, a
/// line keeps its first few and the number of all.
const NAMES_MAX: usize = 200_000;

/// So many names a line keeps at least.
const NAMES_MIN: usize = 20;

/// So many lines are kept; the number of the others is said.
const LINES_MAX: usize = 10_000;

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessEffect {
    /// They can do more.
    Gains,
    /// They can do less.
    Loses,
    /// They can do the same, by other ways.
    Path,
}

/// How much a line is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessRisk {
    /// Administrators come or go.
    Administrator,
    /// It is about permissions to change something, or about a role of which nobody knows what it may do.
    Write,
    /// It is about permissions to look at something.
    Read,
}

/// A way in which access comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "way", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Through {
    /// Their own role.
    OwnRole {
        /// The role.
        role: String,
    },
    /// The base role of a team.
    Team {
        /// The team.
        team: String,
        /// The role.
        role: String,
    },
    /// The role of their membership.
    Membership {
        /// The team.
        team: String,
        /// The role.
        role: String,
    },
    /// A grant to themselves.
    OwnGrant {
        /// The role.
        role: String,
    },
    /// A grant to a team.
    TeamGrant {
        /// The team.
        team: String,
        /// The role.
        role: String,
    },
    /// A grant to everyone.
    Everyone {
        /// The role.
        role: String,
    },
    /// They own it.
    Ownership,
    /// Everyone sees it.
    Visibility,
    /// A role that they hold before and after may do something else.
    RoleEdit {
        /// The role.
        role: String,
    },
}

/// What happens to the accounts of the people of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccountChange {
    /// They are made.
    Created,
    /// Their owners are invited.
    Invited,
    /// They can come in again.
    Enabled,
    /// Their end is moved, so that they can come in again.
    Extended,
    /// They can no longer come in.
    Disabled,
    /// They are deleted.
    Deleted,
    /// Their end is moved into the past.
    Ended,
}

/// Some people who gain or lose the same on the same resources in the same way. What is said of a
/// resource holds for all that lies in it as well; what is said everywhere holds for all resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessLine {
    /// What becomes of their access.
    pub effect: AccessEffect,
    /// How much it is worth a look.
    pub risk: AccessRisk,
    /// How many people there are.
    pub people: usize,
    /// Who, sorted: all of them, or the first where the plan is very large.
    pub who: Vec<String>,
    /// How many resources there are; none for everywhere.
    pub resources: usize,
    /// Which, sorted: all of them, or the first where the plan is very large.
    pub on: Vec<String>,
    /// Whether each of these people has it on some of these resources, wherever they hold the role that
    /// is edited, and not each on all of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scattered: bool,
    /// Whether it is the access of administrators: everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub administrator: bool,
    /// The permissions, sorted, where it is not everything. What is gained or lost already around a
    /// resource is not repeated for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// Roles of which nobody has published what they may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unpublished: Vec<String>,
    /// The ways that give it; for a change of path, the new ways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Through>,
    /// The ways that gave it; for a change of path, the former ways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formerly: Vec<Through>,
    /// Where not all of it holds: they had it there before, or keep it there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub but_on: Vec<String>,
    /// What happens to their accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountChange>,
    /// Whether they are invited and have not come: it holds when they do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// What kind of accounts they are.
    #[serde(default, skip_serializing_if = "is_person")]
    pub accounts: UserKind,
}

fn is_person(kind: &UserKind) -> bool {
    *kind == UserKind::Person
}

/// What a plan does to effective access: computed from all that is live and all that changes, by the
/// rules of the catalogue. It is no part of the digest, since it follows from the changes; an apply
/// computes it again and never trusts a saved one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessDifference {
    /// How many people gain something somewhere.
    pub gain: usize,
    /// How many people lose something somewhere.
    pub lose: usize,
    /// How many people neither gain nor lose, and have something in another way.
    pub path: usize,
    /// How many of all these are invited and have not come.
    pub pending: usize,
    /// Who, what, where and through what: administrators first, then writes, then reads.
    pub lines: Vec<AccessLine>,
    /// How many lines are left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// The steps, by their ids, that change nobody's access.
    pub without_effect: Vec<u32>,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// Says what differs in names. `changes` is how many changes the world has.
#[must_use]
pub fn told(world: &World<'_>, differences: &Differences, changes: usize) -> AccessDifference {
    let mut told = AccessDifference::default();
    for group in &differences.groups {
        let any = |of: fn(&Entry) -> bool| if group.entries.iter().any(of) { group.users.len() } else { 0 };
        let (gain, lose) = (any(|e| !e.gained.is_empty()), any(|e| !e.lost.is_empty()));
        told.gain += gain;
        told.lose += lose;
        let path = if gain + lose == 0 { group.users.len() } else { 0 };
        told.path += path;
        told.pending += if group.pending { group.users.len() } else { 0 };
    }
    let numbers = 0..u32::try_from(changes).unwrap_or(u32::MAX);
    told.without_effect = numbers.filter(|n| !differences.effective.contains(n)).map(|n| n + 1).collect();
    let mut lines: Vec<(AccessLine, usize)> = Vec::new();
    let rows = rows(world, differences);
    told.left_out = rows.len().saturating_sub(LINES_MAX);
    let mut room = NAMES_MAX;
    for (index, row) in rows.into_iter().take(LINES_MAX).enumerate() {
        lines.push((line(world, differences, row, &mut room), index));
    }
    lines.sort_by(|(a, i), (b, j)| {
        let of = |l: &AccessLine| (l.effect == AccessEffect::Path, l.risk, l.effect, std::cmp::Reverse(l.people));
        of(a).cmp(&of(b)).then_with(|| (&a.who, &a.on, i).cmp(&(&b.who, &b.on, j)))
    });
    told.lines = lines.into_iter().map(|(line, _)| line).collect();
    told
}

fn line(world: &World<'_>, differences: &Differences, row: Row, room: &mut usize) -> AccessLine {
    let users = row.groups.iter().filter_map(|g| differences.groups.get(*g as usize)).flat_map(|g| &g.users);
    let users: Vec<UserId> = users.copied().collect();
    let mut named = |mut names: Vec<&str>| {
        names.sort_unstable();
        let kept = names.len().min((*room).max(NAMES_MIN));
        *room = room.saturating_sub(kept);
        names.into_iter().take(kept).map(str::to_owned).collect()
    };
    let administrator = row.bits.is_administrator();
    let permissions = if administrator { Vec::new() } else { permissions(world, &row.bits) };
    let told = |labels: &[Label]| {
        let mut all: Vec<Through> = labels.iter().map(|l| l.told(world)).collect();
        all.sort_unstable();
        all
    };
    AccessLine {
        effect: row.effect,
        risk: row.risk,
        people: users.len(),
        who: named(users.iter().map(|u| world.user_name(*u)).collect()),
        resources: row.on.len(),
        on: named(row.on.iter().map(|r| world.resource_name(*r)).collect()),
        scattered: row.scattered,
        administrator,
        permissions,
        unpublished: world.measure().unpublished(&row.bits).into_iter().map(str::to_owned).collect(),
        through: told(&row.through),
        formerly: told(&row.formerly),
        but_on: named(row.but_on.iter().map(|r| world.resource_name(*r)).collect()),
        account: row.account,
        pending: row.pending,
        accounts: row.kind,
    }
}

/// The names of permissions, sorted.
fn permissions(world: &World<'_>, bits: &Bits) -> Vec<String> {
    let measure = world.measure();
    let mut names: Vec<String> = measure.plain_permissions(bits).map(str::to_owned).collect();
    names.sort_unstable();
    names
}
