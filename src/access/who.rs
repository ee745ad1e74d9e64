//! Who has access to a resource: from its grants outwards to people, never over everyone.

use rustc_hash::FxHashMap;

use super::ask::{Asked, Asker, What};
use super::reach::{Invited, Step, Way};
use super::told::{Can, Edge, Holder, Source, Via, Who};
use super::{Bits, World};
use crate::model::{Combine, Moment, Principal, ResourceId, RoleId, TeamId, UserId, Visibility};

/// A way without the user: what several people have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Common {
    Role(RoleId),
    Team(TeamId, RoleId, Option<ResourceId>),
    Member(TeamId, RoleId, Option<ResourceId>),
    Grant(ResourceId, Principal, RoleId),
    Owner(ResourceId),
    Visible(ResourceId),
}

impl Common {
    fn of(way: &Way) -> Self {
        match *way {
            Way::Role(role) => Self::Role(role),
            Way::Team { team, role, on, .. } => Self::Team(team, role, on),
            Way::Member { team, role, on } => Self::Member(team, role, on),
            Way::Grant { to, on, role, .. } => Self::Grant(on, to, role),
            Way::Owner { on } => Self::Owner(on),
            Way::Visible { on } => Self::Visible(on),
        }
    }
}

impl Asker<'_, '_> {
    /// Everyone who has access to a resource, or who may do there what is asked; those of whom that
    /// cannot be known are among them. Sorted by e-mail.
    #[must_use]
    pub fn who(&self, target: &str, resource: ResourceId, asked: Option<&Asked>) -> Who {
        let what = asked.map_or(&What::Anything, |a| &a.what);
        let world = self.world;
        let mut found: Vec<(UserId, Can, Bits, Vec<Step>)> = Vec::new();
        for user in self.candidates(resource, asked) {
            let mut steps: Vec<Step> = Vec::new();
            world.ways(user, Some(resource), self.at, Invited::Nothing, |step| steps.push(step));
            let can = self.answer_of(what, &steps);
            if can != Can::No {
                let bits = steps.iter().fold(Bits::NONE, |all, s| all.or(s.bits));
                steps.retain(|s| self.step_counts(what, s));
                found.push((user, can, bits, steps));
            }
        }
        found.sort_unstable_by(|a, b| world.user_name(a.0).cmp(world.user_name(b.0)));
        // The sources in the order in which they are told, with how many have each.
        let mut counts: FxHashMap<Common, usize> = FxHashMap::default();
        for (_, _, _, steps) in &found {
            let mut seen: Vec<Common> = steps.iter().map(|s| Common::of(&s.way)).collect();
            seen.sort_unstable();
            seen.dedup();
            seen.into_iter().for_each(|c| *counts.entry(c).or_default() += 1);
        }
        let mut sources: Vec<(Common, Source)> =
            counts.into_iter().map(|(common, users)| (common, self.source(common, users))).collect();
        sources.sort_by(|(_, a), (_, b)| {
            let key = |s: &Source| (!s.administers, s.everywhere, !s.permissions.is_empty());
            key(a)
                .cmp(&key(b))
                .then_with(|| b.permissions.len().cmp(&a.permissions.len()))
                .then_with(|| a.link.edge.cmp(&b.link.edge))
        });
        let number: FxHashMap<Common, usize> =
            sources.iter().enumerate().map(|(i, (common, _))| (*common, i)).collect();
        let mut memo: FxHashMap<Bits, Vec<String>> = FxHashMap::default();
        let users = found.into_iter().map(|(user, can, bits, steps)| {
            let via = steps.iter().filter_map(|step| {
                let member = match step.way {
                    Way::Team { member, .. } | Way::Grant { member: Some(member), .. } => Some(member),
                    Way::Member { team, .. } => Some(team),
                    _ => None,
                };
                Some(Via {
                    source: *number.get(&Common::of(&step.way))?,
                    member_of: member.map(|t| world.team_name(t).to_owned()),
                    until: self.ends_for(user, member, &step.way),
                    held_back: step.capped,
                })
            });
            let mut via: Vec<Via> = via.collect();
            via.sort_by_key(|v| v.source);
            Holder {
                user: world.user_name(user).to_owned(),
                can,
                administers: bits.is_administrator(),
                permissions: memo.entry(bits).or_insert_with(|| self.permissions(&bits)).clone(),
                via,
            }
        });
        Who {
            target: target.to_owned(),
            resource: world.resource_name(resource).to_owned(),
            asked: asked.map(|a| a.text.clone()),
            users: users.collect(),
            sources: sources.into_iter().map(|(_, source)| source).collect(),
        }
    }

    /// The users who may do what is asked on a resource, or of whom that cannot be known; by number.
    #[must_use]
    pub fn holders(&self, resource: ResourceId, asked: &Asked) -> Vec<(UserId, Can)> {
        let mut found = Vec::new();
        for user in self.candidates(resource, Some(asked)) {
            let mut steps: Vec<Step> = Vec::new();
            self.world.ways(user, Some(resource), self.at, Invited::Nothing, |step| steps.push(step));
            let can = self.answer_of(&asked.what, &steps);
            if can != Can::No {
                found.push((user, can));
            }
        }
        found
    }

    /// Who may have something: by grants on the resource and around it, ownership and visibility, and
    /// by roles that hold everywhere. Sorted, each once.
    fn candidates(&self, resource: ResourceId, asked: Option<&Asked>) -> Vec<UserId> {
        let (world, at) = (self.world, self.at);
        let (mut chain, private) = self.heard(resource);
        let mut found: Vec<UserId> = self.holders_everywhere(asked).to_vec();
        let mut everyone = false;
        let mut teams: Vec<TeamId> = Vec::new();
        for &on in &chain {
            let by_kind = |owner| world.given_by_kind(world.resource_kind(on), owner).is_some();
            teams.extend(world.team_of(on).at(at));
            everyone |= by_kind(false) && world.resource(on).visibility.at(at) == Some(Visibility::Everyone);
            for principal in world.possible_principals(on) {
                match principal {
                    Principal::User(user) => found.push(user),
                    Principal::Team(team) => teams.push(team),
                    Principal::Everyone => everyone |= granted_at_all(world, on, self),
                }
            }
        }
        chain.extend(private);
        found.extend(chain.iter().filter_map(|on| world.resource(*on).owner.at(at)));
        if everyone {
            return (0..world.users_len()).map(UserId).collect();
        }
        teams.sort_unstable();
        teams.dedup();
        for team in teams {
            for team in world.team_and_inner(team) {
                found.extend(world.possible_members(team));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// When a way ends for a user, where that is before the way itself ends: with their account, or with the
    /// membership by which it comes.
    fn ends_for(&self, user: UserId, member: Option<TeamId>, way: &Way) -> Option<Moment> {
        let account = self.world.user(user).until.at(self.at);
        let membership = member.and_then(|t| self.world.member_until(t, user, self.at));
        let own = account.into_iter().chain(membership).min()?;
        let whole = match way {
            Way::Grant { until, .. } => *until,
            _ => None,
        };
        whole.is_none_or(|end| own < end).then_some(own)
    }

    fn answer_of(&self, what: &What, steps: &[Step]) -> Can {
        let measure = self.world.measure();
        let has = |published_only: bool| {
            let kept = || steps.iter().filter(|s| !published_only || self.inferred_step(s).is_none());
            let bits = kept().fold(Bits::NONE, |all, s| all.or(s.bits));
            self.has(what, &bits, &|name| kept().any(|s| self.role_of(&s.way) == name))
        };
        if has(false) {
            return if has(true) { Can::Yes } else { Can::Inferred };
        }
        let bits = steps.iter().fold(Bits::NONE, |all, s| all.or(s.bits));
        let unknown = !measure.unpublished(&bits).is_empty();
        if unknown && what.can_be_hidden() { Can::Unknown } else { Can::No }
    }

    fn step_counts(&self, what: &What, step: &Step) -> bool {
        let open = || !self.world.measure().unpublished(&step.bits).is_empty();
        match what {
            What::Anything => !step.bits.is_empty(),
            What::Role(role) => !role.and(step.bits).is_empty() || open(),
            What::Name(name) => self.role_of(&step.way) == name,
            What::Permission(bit) if self.world.measure().catalogue().combine == Combine::Union => {
                step.bits.has_permission(*bit) || open()
            }
            what => self.has(what, &step.bits, &|_| false) || open(),
        }
    }

    fn role_of(&self, way: &Way) -> &str {
        match way {
            Way::Role(role) | Way::Team { role, .. } | Way::Member { role, .. } | Way::Grant { role, .. } => {
                self.world.role_name(*role)
            }
            Way::Owner { on } => self.world.given_by_kind(self.world.resource_kind(*on), true).unwrap_or_default(),
            Way::Visible { on } => self.world.given_by_kind(self.world.resource_kind(*on), false).unwrap_or_default(),
        }
    }

    fn inferred_step(&self, step: &Step) -> Option<String> {
        let on = match step.way {
            Way::Grant { on, .. } | Way::Owner { on } | Way::Visible { on } => Some(on),
            Way::Team { on, .. } | Way::Member { on, .. } => on,
            Way::Role(_) => None,
        };
        let catalogue = self.world.measure().catalogue();
        // Most catalogues infer nothing: then there is nothing to look up for each of many people.
        let any = catalogue.roles.values().any(|r| r.inferred.is_some())
            || catalogue.kinds.values().any(|k| k.inferred.is_some());
        if any { self.inferred(self.role_of(&step.way), on) } else { None }
    }

    fn source(&self, common: Common, users: usize) -> Source {
        let (world, at) = (self.world, self.at);
        let role_name = |r: RoleId| world.role_name(r).to_owned();
        let team_name = |t: TeamId| world.team_name(t).to_owned();
        let resource_name = |r: ResourceId| world.resource_name(r).to_owned();
        let by_kind = |on: ResourceId, owner| {
            let role = world.given_by_kind(world.resource_kind(on), owner).unwrap_or_default();
            (role.to_owned(), world.bits_named(role, at), Some(on))
        };
        let (edge, (role, bits, on)) = match common {
            // The users of a role have no fact in common; the role stands for it.
            Common::Role(role) => (
                Edge::Role { user: "*".to_owned(), role: role_name(role) },
                (role_name(role), world.role_bits(role, at).held, None),
            ),
            Common::Team(team, role, on) => (
                Edge::TeamRole { team: team_name(team), role: role_name(role) },
                (role_name(role), world.in_team(role, on, at), on),
            ),
            Common::Member(team, role, on) => (
                Edge::MemberRole { team: team_name(team), user: "*".to_owned(), role: role_name(role) },
                (role_name(role), world.in_team(role, on, at), on),
            ),
            Common::Grant(on, to, role) => (
                Edge::Grant { to: self.principal(to), resource: resource_name(on), role: role_name(role) },
                (role_name(role), world.role_bits(role, at).given, Some(on)),
            ),
            Common::Owner(on) => {
                let user = world.resource(on).owner.at(at).map(|o| world.user_name(o).to_owned()).unwrap_or_default();
                (Edge::Owner { resource: resource_name(on), user }, by_kind(on, true))
            }
            Common::Visible(on) => (Edge::Visible { resource: resource_name(on) }, by_kind(on, false)),
        };
        Source {
            link: self.link(edge),
            inferred: self.inferred(&role, on),
            role,
            permissions: self.permissions(&bits),
            administers: bits.is_administrator(),
            everywhere: on.is_none(),
            not_published: !world.measure().unpublished(&bits).is_empty(),
            users,
        }
    }
}

/// Whether everyone has a grant on a resource itself at the moment of an asker.
fn granted_at_all(world: &World<'_>, on: ResourceId, asker: &Asker<'_, '_>) -> bool {
    let mut any = false;
    world.granted(on, Principal::Everyone, asker.at, |_, _| any = true);
    any
}
