//! The access difference in the words of people: who gains, who loses, and whose access comes another
//! way, grouped and counted, the riskiest first.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::difference::way_role;
use super::{Account, Bits, Cause, Differences, Entry, Way, World};
use crate::model::{Principal, ResourceId, RoleId, TeamId, UserId, UserKind};

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

/// A way without its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Label {
    Role(RoleId),
    Team(TeamId, RoleId),
    Member(TeamId, RoleId),
    Own(RoleId),
    OfTeam(TeamId, RoleId),
    Everyone(RoleId),
    Owner,
    Visible,
    Edit(RoleId),
}

impl Label {
    fn of(cause: &Cause) -> Self {
        match (cause.way, way_role(cause.way)) {
            (_, Some(role)) if cause.edited => Self::Edit(role),
            (Way::Role(role), _) => Self::Role(role),
            (Way::Team { team, role, .. }, _) => Self::Team(team, role),
            (Way::Member { team, role }, _) => Self::Member(team, role),
            (Way::Grant { to: Principal::User(_), role, .. }, _) => Self::Own(role),
            (Way::Grant { to: Principal::Team(team), role, .. }, _) => Self::OfTeam(team, role),
            (Way::Grant { to: Principal::Everyone, role, .. }, _) => Self::Everyone(role),
            (Way::Owner { .. }, _) => Self::Owner,
            (Way::Visible { .. }, _) => Self::Visible,
        }
    }

    fn all(causes: &[Cause]) -> Vec<Self> {
        let mut labels: Vec<Self> = causes.iter().map(Self::of).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    fn told(self, world: &World<'_>) -> Through {
        let role = |r| world.role_name(r).to_owned();
        let team = |t| world.team_name(t).to_owned();
        match self {
            Self::Role(r) => Through::OwnRole { role: role(r) },
            Self::Team(t, r) => Through::Team { team: team(t), role: role(r) },
            Self::Member(t, r) => Through::Membership { team: team(t), role: role(r) },
            Self::Own(r) => Through::OwnGrant { role: role(r) },
            Self::OfTeam(t, r) => Through::TeamGrant { team: team(t), role: role(r) },
            Self::Everyone(r) => Through::Everyone { role: role(r) },
            Self::Owner => Through::Ownership,
            Self::Visible => Through::Visibility,
            Self::Edit(r) => Through::RoleEdit { role: role(r) },
        }
    }
}

/// What makes two pairs of people and resources stand in one line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    effect: AccessEffect,
    risk: AccessRisk,
    bits: Bits,
    through: Vec<Label>,
    formerly: Vec<Label>,
    but_on: Vec<ResourceId>,
    account: Account,
    pending: bool,
    kind: UserKind,
}

/// A line before it has names: which groups of people, and on what.
#[derive(Debug)]
struct Row {
    key: Key,
    groups: Vec<usize>,
    on: Vec<ResourceId>,
    everywhere: bool,
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

/// The lines without names, the riskiest first: first the people of one key and resource together, then
/// the resources of the same people.
fn rows(world: &World<'_>, differences: &Differences) -> Vec<Row> {
    let reading = world.measure().reading();
    let risk = |bits: &Bits| match () {
        () if bits.is_administrator() => AccessRisk::Administrator,
        () if bits.within(&reading) => AccessRisk::Read,
        () => AccessRisk::Write,
    };
    // By number: who, in the order in which a key is first met.
    let mut numbers: FxHashMap<(Key, Option<ResourceId>), usize> = FxHashMap::default();
    let mut people: Vec<Vec<usize>> = Vec::new();
    for (number, group) in differences.groups.iter().enumerate() {
        let mut but_on: BTreeMap<(usize, bool), Vec<ResourceId>> = BTreeMap::new();
        let named: Vec<(Bits, Bits)> = group.entries.iter().map(|e| named(world, e)).collect();
        let nothing = (Bits::NONE, Bits::NONE);
        for (entry, (gained, lost)) in group.entries.iter().zip(&named) {
            let Some((outer, on)) = entry.around.zip(entry.on) else { continue };
            let around = named.get(outer).unwrap_or(&nothing);
            if !around.0.is_administrator() && !around.0.within(gained) {
                but_on.entry((outer, true)).or_default().push(on);
            }
            if !(around.1.within(lost) || around.1.is_administrator() && lost.is_administrator()) {
                but_on.entry((outer, false)).or_default().push(on);
            }
        }
        for (index, entry) in group.entries.iter().enumerate() {
            let around = entry.around.and_then(|a| named.get(a)).unwrap_or(&nothing);
            let (gained, lost) = named.get(index).unwrap_or(&nothing);
            let mut put = |effect, bits: Bits, through: Vec<Label>, formerly: Vec<Label>, gains: bool| {
                let but_on = but_on.get(&(index, gains)).cloned().unwrap_or_default();
                let risk = if effect == AccessEffect::Path { risk(&entry.before) } else { risk(&bits) };
                let (account, pending, kind) = (group.account, group.pending, group.kind);
                let key = (Key { effect, risk, bits, through, formerly, but_on, account, pending, kind }, entry.on);
                let place = *numbers.entry(key).or_insert(people.len());
                match people.get_mut(place) {
                    Some(groups) => groups.push(number),
                    None => people.push(vec![number]),
                }
            };
            if entry.is_path() {
                let outer = entry.around.and_then(|a| group.entries.get(a)).filter(|e| e.is_path());
                let beyond = |of: fn(&Entry) -> &Vec<Cause>| {
                    let said = outer.map_or(&[][..], |e| of(e));
                    let causes: Vec<Cause> = of(entry).iter().filter(|c| !said.contains(c)).copied().collect();
                    Label::all(&causes)
                };
                let (added, removed) = (beyond(|e| &e.added), beyond(|e| &e.removed));
                if !(added.is_empty() && removed.is_empty()) {
                    put(AccessEffect::Path, Bits::NONE, added, removed, true);
                }
            }
            let beyond = gained.minus(around.0);
            if !beyond.is_empty() {
                put(AccessEffect::Gains, beyond, Label::all(&entry.added), Vec::new(), true);
            }
            let beyond = lost.minus(around.1);
            if !beyond.is_empty() {
                put(AccessEffect::Loses, beyond, Vec::new(), Label::all(&entry.removed), false);
            }
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    let mut places: FxHashMap<(Key, Vec<usize>), usize> = FxHashMap::default();
    let mut order: Vec<((Key, Option<ResourceId>), usize)> = numbers.into_iter().collect();
    order.sort_unstable_by_key(|(_, place)| *place);
    for (((key, on), _), groups) in order.into_iter().zip(people) {
        // What holds everywhere stands alone: a resource beside it would say less.
        let place =
            if on.is_none() { rows.len() } else { *places.entry((key.clone(), groups.clone())).or_insert(rows.len()) };
        match rows.get_mut(place) {
            Some(row) => row.on.extend(on),
            None => rows.push(Row { key, groups, on: on.into_iter().collect(), everywhere: on.is_none() }),
        }
    }
    rows.sort_by_key(|r| (r.key.effect == AccessEffect::Path, r.key.risk, r.key.effect));
    rows
}

/// What is gained and lost, as far as it has names.
fn named(world: &World<'_>, entry: &Entry) -> (Bits, Bits) {
    let after = entry.before.minus(entry.lost).or(entry.gained);
    let [before, after] = [entry.before, after].map(|bits| world.measure().plain(&bits));
    (after.minus(before), before.minus(after))
}

fn line(world: &World<'_>, differences: &Differences, row: Row, room: &mut usize) -> AccessLine {
    let Row { key, groups, on, everywhere } = row;
    let users = groups.iter().filter_map(|g| differences.groups.get(*g)).flat_map(|g| &g.users);
    let users: Vec<UserId> = users.copied().collect();
    let mut named = |mut names: Vec<String>| {
        names.sort_unstable();
        let kept = names.len().min((*room).max(NAMES_MIN));
        *room = room.saturating_sub(kept);
        names.truncate(kept);
        names
    };
    let measure = world.measure();
    let administrator = key.bits.is_administrator();
    let permissions = if administrator { Vec::new() } else { permissions(world, &key.bits) };
    let told = |labels: &[Label]| {
        let mut all: Vec<Through> = labels.iter().map(|l| l.told(world)).collect();
        all.sort_unstable();
        all
    };
    AccessLine {
        effect: key.effect,
        risk: key.risk,
        people: users.len(),
        who: named(users.iter().map(|u| world.user_name(*u).to_owned()).collect()),
        resources: if everywhere { 0 } else { on.len() },
        on: named(on.iter().map(|r| world.resource_name(*r).to_owned()).collect()),
        administrator,
        permissions,
        unpublished: measure.unpublished(&key.bits).into_iter().map(str::to_owned).collect(),
        through: told(&key.through),
        formerly: told(&key.formerly),
        but_on: named(key.but_on.iter().map(|r| world.resource_name(*r).to_owned()).collect()),
        account: account(key.account),
        pending: key.pending,
        accounts: key.kind,
    }
}

/// The names of permissions, sorted.
fn permissions(world: &World<'_>, bits: &Bits) -> Vec<String> {
    let measure = world.measure();
    let mut names: Vec<String> = measure.plain_permissions(bits).map(str::to_owned).collect();
    names.sort_unstable();
    names
}

fn account(account: Account) -> Option<AccountChange> {
    Some(match account {
        Account::Stays => return None,
        Account::Created => AccountChange::Created,
        Account::Invited => AccountChange::Invited,
        Account::Enabled => AccountChange::Enabled,
        Account::Extended => AccountChange::Extended,
        Account::Disabled => AccountChange::Disabled,
        Account::Deleted => AccountChange::Deleted,
        Account::Ended => AccountChange::Ended,
    })
}
