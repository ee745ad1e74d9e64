//! Access tests: claims of the files, judged on a state.
//!
//! What somebody may do is a permission, or a role, which stands for all of its permissions together:
//! `can: editor` holds for who has at least these, by whatever way; `cannot: editor` fails only where
//! all of them are had. Inferred access counts as access. What cannot be known fails either claim: it is
//! never taken for passed.
//!
//! Administrators may do everything. `everyone: true` with `cannot:`, and `only:`, speak of everybody
//! else, unless the role that they name administers: then administrators are what they speak of. A test
//! that names a user or a team speaks of its members as they are, administrators or not.

use schemars::JsonSchema;
use serde::Serialize;

use super::ask::{Asked, Asker};
use super::told::{Can, Edge, Link, Missing};
use crate::model::{Ability, Claim, Pattern, PrincipalRecord, ResourceId, RoleId, Says, Subject, TeamId, UserId};

/// How many failures of one claim are told in full.
const TOLD: usize = 5;

/// Whether a claim holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It does.
    Passed,
    /// It does not.
    Failed,
    /// It cannot be known whether it does, which is a failure.
    Unknown,
}

/// One failure of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Failed {
    /// What is wrong, in the user's words: a fragment in lower case without a full stop.
    pub message: String,
    /// The way by which somebody has what they should not have, from the user outwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<Link>,
    /// What somebody lacks who should have it, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Judgement {
    /// Whether it holds.
    pub outcome: Outcome,
    /// The first failures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failed>,
    /// How many failures there are besides.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// The failures found so far.
#[derive(Default)]
struct Found {
    failures: Vec<Failed>,
    count: usize,
    sure: bool,
}

impl Found {
    /// `tell` is called only for those that are told.
    fn push(&mut self, sure: bool, tell: impl FnOnce() -> Failed) {
        self.count += 1;
        self.sure |= sure;
        if self.failures.len() < TOLD {
            self.failures.push(tell());
        }
    }

    fn plain(&mut self, message: String) {
        self.push(true, || Failed { message, path: Vec::new(), missing: Vec::new(), help: None });
    }
}

/// Judges a claim.
#[must_use]
pub fn judge<O>(asker: &Asker<'_, '_>, claim: &Claim<O>) -> Judgement {
    let mut found = Found { sure: false, ..Found::default() };
    match &claim.says {
        Says::Role(role) => roles(asker, claim, role, &mut found),
        Says::Can(ability) => abilities(asker, claim, ability, true, &mut found),
        Says::Cannot(ability) => abilities(asker, claim, ability, false, &mut found),
    }
    let outcome = match (found.count, found.sure) {
        (0, _) => Outcome::Passed,
        (_, true) => Outcome::Failed,
        (_, false) => Outcome::Unknown,
    };
    Judgement { outcome, more: found.count - found.failures.len(), failures: found.failures }
}

fn resources(asker: &Asker<'_, '_>, pattern: &Pattern) -> Vec<ResourceId> {
    let world = asker.world();
    if let Some(one) = world.find_resource(&pattern.0) {
        return vec![one];
    }
    let all = (0..world.resources_len()).map(ResourceId);
    let mut fitting: Vec<ResourceId> = all.filter(|r| pattern.matches(world.resource_name(*r))).collect();
    fitting.sort_by(|a, b| world.resource_name(*a).cmp(world.resource_name(*b)));
    fitting
}

/// The active members of a team, those of teams inside it among them, by name.
fn members(asker: &Asker<'_, '_>, team: TeamId) -> Vec<UserId> {
    let world = asker.world();
    let inner = world.team_and_inner(team);
    let mut all: Vec<UserId> = inner.into_iter().flat_map(|t| world.possible_members(t)).collect();
    all.sort_unstable_by(|a, b| world.user_name(*a).cmp(world.user_name(*b)));
    all.dedup();
    all.retain(|u| world.is_active(*u, asker.at) && world.teams_of(*u, asker.at).contains(&team));
    all
}

fn active(asker: &Asker<'_, '_>) -> Vec<UserId> {
    let world = asker.world();
    let mut all: Vec<UserId> = (0..world.users_len()).map(UserId).filter(|u| world.is_active(*u, asker.at)).collect();
    all.sort_unstable_by(|a, b| world.user_name(*a).cmp(world.user_name(*b)));
    all
}

fn abilities<O>(asker: &Asker<'_, '_>, claim: &Claim<O>, ability: &Ability, wanted: bool, found: &mut Found) {
    let world = asker.world();
    let on = claim.on.as_ref().map_or(Vec::new(), |p| resources(asker, p));
    let said = &ability.said;
    let asked = asker.asked(&ability.name).map(|a| a.named(said));
    let Some(asked) = asked.filter(|_| !on.is_empty()) else {
        if wanted && !matches!(claim.subject, Subject::Only(_)) {
            let pattern = claim.on.as_ref().map_or_else(String::new, ToString::to_string);
            found.plain(if on.is_empty() {
                format!("nobody can {said}: there is no resource {pattern}")
            } else {
                format!("nobody can: no role here gives {said}")
            });
        }
        return;
    };
    match &claim.subject {
        Subject::User(email) => {
            let users = world.find_user(email).into_iter().collect::<Vec<_>>();
            if users.is_empty() && wanted {
                found.plain(format!("{email} has no account in this target"));
            }
            each(asker, &users, &on, &asked, wanted, found);
        }
        Subject::Team(name) => {
            let users = world.find_team(name).map_or(Vec::new(), |t| members(asker, t));
            if users.is_empty() && wanted {
                found.plain(format!("team/{name} has no active member who could {said}"));
            }
            each(asker, &users, &on, &asked, wanted, found);
        }
        Subject::Everyone if wanted => {
            let everyone = active(asker);
            each(asker, &everyone, &on, &asked, true, found);
        }
        Subject::Everyone => nobody_but(asker, &[], &on, &asked, "nobody", found),
        Subject::Only(list) => {
            let names: Vec<String> = list.iter().map(ToString::to_string).collect();
            let who = format!("only {}", names.join(", "));
            nobody_but(asker, list, &on, &asked, &who, found);
        }
    }
}

/// That each of these users can or cannot.
fn each(asker: &Asker<'_, '_>, users: &[UserId], on: &[ResourceId], asked: &Asked, wanted: bool, found: &mut Found) {
    for &resource in on {
        for &user in users {
            let can = asker.can(user, Some(resource), asked);
            if can == Can::Unknown || can.is_yes() != wanted {
                found.push(can != Can::Unknown, || tell(asker, user, resource, asked, can, None));
            }
        }
    }
}

/// That nobody can but these, and administrators.
fn nobody_but(
    asker: &Asker<'_, '_>,
    these: &[PrincipalRecord],
    on: &[ResourceId],
    asked: &Asked,
    who: &str,
    found: &mut Found,
) {
    let world = asker.world();
    if these.contains(&PrincipalRecord::Everyone) {
        return;
    }
    let users: Vec<UserId> = these
        .iter()
        .filter_map(|p| if let PrincipalRecord::User(email) = p { world.find_user(email) } else { None })
        .collect();
    let teams: Vec<TeamId> = these
        .iter()
        .filter_map(|p| if let PrincipalRecord::Team(name) = p { world.find_team(name) } else { None })
        .collect();
    for &resource in on {
        for (user, can) in asker.holders(resource, asked) {
            let listed = users.contains(&user)
                || (!teams.is_empty() && world.teams_of(user, asker.at).iter().any(|t| teams.contains(t)));
            let administers = || {
                let bits = world.access(user, None, asker.at, super::Invited::Nothing);
                bits.is_administrator()
            };
            if !listed && (asked.is_administration() || !administers()) {
                found.push(can != Can::Unknown, || tell(asker, user, resource, asked, can, Some(who)));
            }
        }
    }
}

/// One failure: the path, or what is missing.
fn tell(
    asker: &Asker<'_, '_>,
    user: UserId,
    resource: ResourceId,
    asked: &Asked,
    can: Can,
    instead: Option<&str>,
) -> Failed {
    let world = asker.world();
    let (name, on, what) = (world.user_name(user), world.resource_name(resource), &asked.text);
    let explained = asker.explain("", user, Some(resource), Some(asked));
    let path = explained.paths.into_iter().next();
    let links = path.as_ref().map_or(Vec::new(), |p| p.links.clone());
    let only = instead.map(|who| format!(", and {who} may")).unwrap_or_default();
    match can {
        Can::Unknown => {
            let roles = explained.not_published.join(", ");
            let message =
                format!("whether {name} can {what} on {on} cannot be known: what {roles} may do is not published");
            let help = "ask about the role instead of the permission, or take the test away".to_owned();
            Failed { message, path: links, missing: Vec::new(), help: Some(help) }
        }
        Can::No => {
            let first = explained.missing.first().map(|m| format!(": {}", m.say(name))).unwrap_or_default();
            let message = format!("{name} cannot {what} on {on}{first}");
            let others: Vec<String> = explained.missing.iter().skip(1).map(|m| m.say(name)).collect();
            let help = (!others.is_empty()).then(|| format!("also missing: {}", others.join("; ")));
            Failed { message, path: Vec::new(), missing: explained.missing, help }
        }
        Can::Yes | Can::Inferred => {
            let ends: Vec<String> = explained.to_end.iter().map(|l| l.edge.thing()).collect();
            let help = (!ends.is_empty()).then(|| format!("to end it, take away {}", ends.join(" and ")));
            let sure = if can == Can::Inferred { " (inferred)" } else { "" };
            let message = format!("{name} can {what} on {on}{sure}{only}: {}", chain(name, &links));
            Failed { message, path: links, missing: Vec::new(), help }
        }
    }
}

/// A way in one line, with the places.
fn chain(user: &str, links: &[Link]) -> String {
    let one = |link: &Link| {
        let text = link.edge.to_string();
        let text = text.strip_prefix(&format!("{user} ")).unwrap_or(&text).to_owned();
        let place = link.declared.as_ref().map(|l| format!(" ({l})")).unwrap_or_default();
        format!("{text}{place}")
    };
    links.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// That each of the users has exactly this role: as their own, or granted on the resources.
fn roles<O>(asker: &Asker<'_, '_>, claim: &Claim<O>, role: &Ability, found: &mut Found) {
    let world = asker.world();
    let users = match &claim.subject {
        Subject::User(email) => match world.find_user(email) {
            Some(user) => vec![user],
            None => return found.plain(format!("{email} has no account in this target")),
        },
        Subject::Team(name) => world.find_team(name).map_or(Vec::new(), |t| members(asker, t)),
        Subject::Everyone | Subject::Only(_) => active(asker),
    };
    let wanted = world.measure().catalogue().role(&role.name).map_or(&*role.name, |(name, _)| name);
    let name_of = |r: RoleId| world.role_name(r).to_owned();
    let Some(pattern) = &claim.on else {
        for user in users {
            let has = world.user_role(user, asker.at);
            if has.is_none_or(|r| world.role_name(r) != wanted) {
                let name = world.user_name(user).to_owned();
                let has = has.map(name_of);
                found.push(true, || wrong_role(asker, &name, None, &role.said, has.into_iter().collect()));
            }
        }
        return;
    };
    for resource in resources(asker, pattern) {
        for &user in &users {
            let mut has: Vec<(String, Vec<Edge>)> = asker
                .raws(user, Some(resource))
                .into_iter()
                .filter(|r| r.edges.iter().any(|e| matches!(e, Edge::Grant { .. })))
                .map(|r| (r.role, r.edges))
                .collect();
            has.sort();
            has.dedup_by(|a, b| a.0 == b.0);
            if has.len() != 1 || has.iter().any(|(r, _)| r != wanted) {
                let (name, on) = (world.user_name(user).to_owned(), world.resource_name(resource).to_owned());
                found.push(true, || {
                    let names = has.iter().map(|(r, _)| r.clone()).collect();
                    let mut failed = wrong_role(asker, &name, Some(&on), &role.said, names);
                    let other = has.into_iter().find(|(r, _)| r != wanted);
                    failed.path = other.map_or(Vec::new(), |(_, e)| e).into_iter().map(|e| asker.link(e)).collect();
                    failed
                });
            }
        }
    }
}

fn wrong_role(asker: &Asker<'_, '_>, user: &str, on: Option<&str>, wanted: &str, has: Vec<String>) -> Failed {
    let where_ = on.map(|r| format!(" on {r}")).unwrap_or_default();
    let has_text = if has.is_empty() { "no role".to_owned() } else { has.join(" and ") };
    let message = format!("{user} has {has_text}{where_}, and not exactly {wanted}");
    let path = match (on, has.as_slice()) {
        (None, [role]) => vec![asker.link(Edge::Role { user: user.to_owned(), role: role.clone() })],
        _ => Vec::new(),
    };
    Failed { message, path, missing: Vec::new(), help: None }
}
