//! Who reaches what: one walk over every way in which a user has access, for every question.
//!
//! Effective access is what the user's own role, the base roles of their teams (with the teams around
//! them) and the roles of their memberships give everywhere, and what grants on the resource and on
//! those around it, ownership and visibility give there. Where the catalogue has resources that belong to
//! teams, base roles and roles of memberships give something on those alone, as grants do. Nothing for
//! who cannot come in; bounded where a role caps; a private resource inherits nothing and hears no grants.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::{At, Bits, World};
use crate::model::{Grant, Moment, Principal, ResourceId, RoleId, TeamId, UserId, UserState, Visibility};

/// A way in which somebody has access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// The user's own role.
    Role(RoleId),
    /// The base role of a team.
    Team {
        /// The team whose base role it is.
        team: TeamId,
        /// The team, the same or one inside it, that the user is a member of.
        member: TeamId,
        /// The role.
        role: RoleId,
        /// The resource of the team, the same or one around it; `None` where it reaches everything.
        on: Option<ResourceId>,
    },
    /// The role of a membership.
    Member {
        /// The team.
        team: TeamId,
        /// The role.
        role: RoleId,
        /// The resource of the team, the same or one around it; `None` where it reaches everything.
        on: Option<ResourceId>,
    },
    /// A grant.
    Grant {
        /// Who is given it: the user, one of their teams, or everyone.
        to: Principal,
        /// The team that the user is a member of, where it is given to a team.
        member: Option<TeamId>,
        /// The resource, the same or one around it.
        on: ResourceId,
        /// The role.
        role: RoleId,
        /// The last moment.
        until: Option<Moment>,
    },
    /// Ownership.
    Owner {
        /// The resource, the same or one around it.
        on: ResourceId,
    },
    /// The visibility `everyone`.
    Visible {
        /// The resource, the same or one around it.
        on: ResourceId,
    },
}

/// A way, and what it gives: after the cap, where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The way.
    pub way: Way,
    /// What it gives.
    pub bits: Bits,
    /// Whether a cap takes some of it away.
    pub capped: bool,
}

/// The teams of a user at a moment, with the team of which they are a member, sorted; and the roles of
/// the memberships.
#[derive(Debug, Default)]
struct Teams {
    all: Vec<(TeamId, TeamId)>,
    roles: Vec<(TeamId, RoleId)>,
}

/// What somebody who can come in brings to every resource.
#[derive(Debug)]
pub(super) struct Holder {
    user: UserId,
    /// Their teams with those around them, each with the team of which they are a member; sorted.
    pub(super) teams: Vec<(TeamId, TeamId)>,
    /// The roles of their memberships.
    roles: Vec<(TeamId, RoleId)>,
    /// What bounds that which is given to them on resources.
    pub(super) cap: Bits,
}

/// Where the grants that somebody has before the changes are looked up.
pub(super) enum Rows {
    /// In the list of all grants.
    Search,
    /// In the grants of all principals that can be theirs, by resource and principal: at hand for many
    /// questions about one user.
    AtHand(Vec<(ResourceId, Principal, u32)>),
}

/// The grants on one resource, as far as they are looked up.
enum RowsOn<'w> {
    Search(&'w [Grant]),
    AtHand(&'w [(ResourceId, Principal, u32)], &'w [Grant]),
}

impl Rows {
    /// Gathers the grants of some principals.
    pub(super) fn at_hand(world: &World<'_>, whom: impl Iterator<Item = Principal>) -> Self {
        let mut rows: Vec<(ResourceId, Principal, u32)> = Vec::new();
        for to in whom {
            rows.extend(world.live().granted_to(to).iter().map(|(on, place)| (*on, to, *place)));
        }
        rows.sort();
        Self::AtHand(rows)
    }

    fn on<'w>(&'w self, world: &World<'w>, on: ResourceId) -> RowsOn<'w> {
        match self {
            Self::Search => RowsOn::Search(world.live().grants_on(on)),
            Self::AtHand(rows) => {
                let from = rows.partition_point(|(r, ..)| *r < on);
                let count = rows[from..].iter().take_while(|(r, ..)| *r == on).count();
                RowsOn::AtHand(&rows[from..from + count], world.live().grants())
            }
        }
    }
}

impl<'w> RowsOn<'w> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Search(rows) => rows.is_empty(),
            Self::AtHand(rows, _) => rows.is_empty(),
        }
    }

    fn of(&self, to: Principal) -> &'w [Grant] {
        match self {
            Self::Search(on) => super::world::grants_to(on, to),
            Self::AtHand(rows, all) => {
                let mine = |(_, p, _): &&(ResourceId, Principal, u32)| *p == to;
                let Some((_, _, place)) = rows.iter().find(mine) else { return &[] };
                // The roles of one principal on one resource stand side by side.
                let (from, count) = (*place as usize, rows.iter().filter(mine).count());
                all.get(from..from + count).unwrap_or_default()
            }
        }
    }
}

/// Whether somebody who is invited and has not come yet counts as if they had: an order of changes
/// must be safe whenever they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invited {
    /// They have nothing, because they cannot come in.
    Nothing,
    /// They may come at any moment.
    MayCome,
}

impl World<'_> {
    /// Whether a user has any access at all.
    fn comes_in(&self, user: UserId, at: At<'_>, invited: Invited) -> bool {
        let facts = self.user(user);
        if self.has_ended(facts.until.at(at)) {
            return false;
        }
        match facts.state.at(at) {
            UserState::Active => true,
            UserState::Invited | UserState::InvitationExpired => invited == Invited::MayCome,
            UserState::Disabled => false,
        }
    }

    /// The teams that a user belongs to at a moment, with those around them; each once.
    fn teams_at(&self, user: UserId, at: At<'_>) -> Teams {
        let mut teams = Teams::default();
        self.memberships(user, at, |team, role| {
            teams.all.push((team, team));
            if let Some(role) = role {
                teams.roles.push((team, role));
            }
        });
        let own = teams.all.len();
        let mut walked: FxHashSet<TeamId> = FxHashSet::default();
        for i in 0..own {
            let member = teams.all[i].0;
            let mut outer = self.team(member).outer.at(at);
            // Where somebody has walked already, what lies around is there as well; so a circle of a live
            // system ends where it began.
            while let Some(team) = outer.filter(|t| *t != member && walked.insert(*t)) {
                teams.all.push((team, member));
                outer = self.team(team).outer.at(at);
            }
        }
        teams.all.sort_unstable_by_key(|(team, member)| (*team, team != member));
        teams.all.dedup_by_key(|(team, _)| *team);
        teams
    }

    /// The teams of a user at a moment, those around them included; sorted.
    #[must_use]
    pub fn teams_of(&self, user: UserId, at: At<'_>) -> Vec<TeamId> {
        self.teams_at(user, at).all.into_iter().map(|(team, _)| team).collect()
    }

    /// Walks over every way in which a user has access to a resource, or to the target as a whole, at
    /// a moment. Where a way gives nothing (capped, or a role that may do nothing), it is walked as well.
    pub fn ways(
        &self,
        user: UserId,
        resource: Option<ResourceId>,
        at: At<'_>,
        invited: Invited,
        mut found: impl FnMut(Step),
    ) {
        if let Some(holder) = self.holder(user, at, invited, &mut found) {
            self.ways_on(&holder, resource, at, found);
        }
    }

    /// Walks over every way in which a user has access everywhere, and returns what they bring to every
    /// resource. Nothing for who cannot come in.
    pub(super) fn holder(
        &self,
        user: UserId,
        at: At<'_>,
        invited: Invited,
        mut found: impl FnMut(Step),
    ) -> Option<Holder> {
        if !self.comes_in(user, at, invited) {
            return None;
        }
        let teams = self.teams_at(user, at);
        // Somebody is bounded when every role that they hold for themselves bounds them.
        let (mut cap, mut free) = (None::<Bits>, false);
        let mut held = |way: Way, role: RoleId| {
            match self.cap(role, at) {
                Some(bits) => cap = Some(cap.map_or(bits, |c| c.or(bits))),
                None => free = true,
            }
            found(Step { way, bits: self.role_bits(role, at).held, capped: false });
        };
        if let Some(role) = self.user_role(user, at) {
            held(Way::Role(role), role);
        }
        let reaches_all = |role: &RoleId| !self.is_bound(*role, at);
        for &(team, member) in &teams.all {
            if let Some(role) = self.team(team).role.at(at).filter(reaches_all) {
                held(Way::Team { team, member, role, on: None }, role);
            }
        }
        for &(team, role) in teams.roles.iter().filter(|(_, r)| reaches_all(r)) {
            held(Way::Member { team, role, on: None }, role);
        }
        let cap = cap.filter(|_| !free).unwrap_or(Bits::ALL);
        Some(Holder { user, teams: teams.all, roles: teams.roles, cap })
    }

    /// Walks over every way in which somebody has access to a resource beyond what they have everywhere.
    pub(super) fn ways_on(&self, holder: &Holder, resource: Option<ResourceId>, at: At<'_>, found: impl FnMut(Step)) {
        self.ways_by(holder, &Rows::Search, resource, at, found);
    }

    /// The same where the grants of the user are perhaps at hand.
    pub(super) fn ways_by(
        &self,
        holder: &Holder,
        rows: &Rows,
        resource: Option<ResourceId>,
        at: At<'_>,
        mut found: impl FnMut(Step),
    ) {
        let (user, teams, cap) = (holder.user, &holder.teams, holder.cap);
        let mut next = resource;
        let mut steps = self.resources_len();
        let mut reached: Vec<TeamId> = Vec::new();
        while let Some(on) = next {
            let facts = self.resource(on);
            let mut given = |way: Way, bits: Bits| {
                found(Step { way, bits: bits.and(cap), capped: !bits.within(&cap) });
            };
            if facts.owner.at(at) == Some(user)
                && let Some(role) = self.given_by_kind(self.resource_kind(on), true)
            {
                given(Way::Owner { on }, self.bits_named(role, at));
            }
            if facts.visibility.at(at) == Some(Visibility::Private) {
                return;
            }
            if facts.visibility.at(at) == Some(Visibility::Everyone)
                && let Some(role) = self.given_by_kind(self.resource_kind(on), false)
            {
                given(Way::Visible { on }, self.bits_named(role, at));
            }
            // What lies in something of the same team has no more by it.
            if let Some(team) = self.team_of(on).at(at).filter(|t| !reached.contains(t)) {
                reached.push(team);
                let place = teams.binary_search_by_key(&team, |(t, _)| *t).ok();
                if let Some((_, member)) = place.and_then(|i| teams.get(i))
                    && let Some(role) = self.team(team).role.at(at).filter(|r| self.is_bound(*r, at))
                {
                    given(Way::Team { team, member: *member, role, on: Some(on) }, self.role_bits(role, at).given);
                }
                for &(_, role) in holder.roles.iter().filter(|(t, r)| *t == team && self.is_bound(*r, at)) {
                    given(Way::Member { team, role, on: Some(on) }, self.role_bits(role, at).given);
                }
            }
            let changes = self.grants.get(&on);
            let live = rows.on(self, on);
            if changes.is_some() || !live.is_empty() {
                let own = Principal::User(user);
                let of_teams = teams.iter().map(|(t, m)| (Principal::Team(*t), Some(*m)));
                for (to, member) in [(own, None), (Principal::Everyone, None)].into_iter().chain(of_teams) {
                    self.granted_by(
                        changes,
                        to,
                        at,
                        || live.of(to),
                        |role, until| {
                            given(Way::Grant { to, member, on, role, until }, self.role_bits(role, at).given);
                        },
                    );
                }
            }
            steps = steps.saturating_sub(1);
            next = facts.parent.at(at).filter(|_| steps > 0);
        }
    }

    /// What a role of the catalogue gives on a resource, where the target has it, and as the catalogue
    /// says where not (yet, or no longer).
    pub(super) fn bits_named(&self, role: &str, at: At<'_>) -> Bits {
        match self.find_role(role).filter(|id| self.role_is_there(*id, at)) {
            Some(id) => self.role_bits(id, at).given,
            None => self.catalogue_gives.get(role).copied().unwrap_or_default(),
        }
    }

    /// What a role in a team gives: on what belongs to the team, or everywhere.
    pub(super) fn in_team(&self, role: RoleId, on: Option<ResourceId>, at: At<'_>) -> Bits {
        let bits = self.role_bits(role, at);
        if on.is_some() { bits.given } else { bits.held }
    }

    /// What a user may do on a resource, or everywhere, at a moment.
    #[must_use]
    pub fn access(&self, user: UserId, resource: Option<ResourceId>, at: At<'_>, invited: Invited) -> Bits {
        let mut all = Bits::NONE;
        self.ways(user, resource, at, invited, |step| all = all.or(step.bits));
        all
    }

    /// The roles that a user holds on a resource, or everywhere, at a moment; those by ownership and
    /// visibility are not among them. Sorted, each once.
    #[must_use]
    pub fn roles_held(&self, user: UserId, resource: Option<ResourceId>, at: At<'_>, invited: Invited) -> Vec<RoleId> {
        let mut roles = Vec::new();
        self.ways(user, resource, at, invited, |step| match step.way {
            Way::Role(role) | Way::Team { role, .. } | Way::Member { role, .. } | Way::Grant { role, .. } => {
                roles.push(role);
            }
            Way::Owner { .. } | Way::Visible { .. } => {}
        });
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// Whether a user administers the target at a moment, as far as it counts for `admin-remains`:
    /// active, and no service, break-glass account or pending invitation.
    #[must_use]
    pub fn administers(&self, user: UserId, at: At<'_>) -> bool {
        self.counts_as_admin(user, at) && self.access(user, None, at, Invited::Nothing).is_administrator()
    }

    /// The teams that a user can belong to at some moment, with those around them; sorted.
    pub(super) fn possible_teams(&self, user: UserId) -> Vec<TeamId> {
        let live = self.live().memberships_of(user).map(|m| m.team);
        let new = self.members_of_user.get(&user).into_iter().flatten().copied();
        let mut all: Vec<TeamId> = live.chain(new).collect();
        let mut next = 0;
        while let Some(&team) = all.get(next) {
            next += 1;
            for outer in self.team(team).outer.both().into_iter().flatten() {
                if !all.contains(&outer) {
                    all.push(outer);
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The resources around a resource at some moment, itself first.
    pub(super) fn possible_parents(&self, resource: ResourceId) -> Vec<ResourceId> {
        let mut all = vec![resource];
        let mut next = 0;
        while let Some(&here) = all.get(next) {
            next += 1;
            for parent in self.resource(here).parent.both().into_iter().flatten() {
                if !all.contains(&parent) {
                    all.push(parent);
                }
            }
        }
        all
    }

    /// The changes that can alter what a user may do everywhere; `teams` are their possible teams.
    pub(super) fn touching_user(&self, user: UserId, teams: &[TeamId], found: &mut BTreeSet<u32>) {
        let facts = self.user(user);
        found.extend([facts.state.by(), facts.until.by(), facts.role.by(), facts.counts.by()].into_iter().flatten());
        for role in facts.role.both().into_iter().flatten() {
            found.extend(self.role_by(role));
        }
        for &team in self.members_of_user.get(&user).into_iter().flatten() {
            if let Some(fact) = self.members.get(&(team, user)) {
                found.insert(fact.by);
                for member in [fact.before, fact.after].into_iter().flatten() {
                    found.extend(member.role.and_then(|r| self.role_by(r)));
                }
            }
        }
        if self.changed_roles().next().is_some() {
            for m in self.live().memberships_of(user) {
                found.extend(m.role.value().and_then(|r| self.role_by(*r)));
            }
        }
        for &team in teams {
            let facts = self.team(team);
            found.extend([facts.role.by(), facts.outer.by()].into_iter().flatten());
            for role in facts.role.both().into_iter().flatten() {
                found.extend(self.role_by(role));
            }
        }
    }

    /// The changes on a resource and those around it that can alter what somebody with these teams may
    /// do there.
    pub(super) fn touching_resource(
        &self,
        user: UserId,
        teams: &[TeamId],
        parents: &[ResourceId],
        found: &mut BTreeSet<u32>,
    ) {
        let roles_change = self.changed_roles().next().is_some();
        for &on in parents {
            let facts = self.resource(on);
            found.extend([facts.parent.by(), facts.visibility.by()].into_iter().flatten());
            if facts.owner.both().contains(&Some(user)) {
                found.extend(facts.owner.by());
            }
            let team = self.team_of(on);
            if team.both().into_iter().flatten().any(|t| teams.binary_search(&t).is_ok()) {
                found.extend(team.by());
            }
            let concerns = |p: &Principal| match p {
                Principal::User(id) => *id == user,
                Principal::Team(id) => teams.binary_search(id).is_ok(),
                Principal::Everyone => true,
            };
            for (principal, fact) in self.grants.get(&on).into_iter().flatten() {
                if concerns(principal) {
                    found.insert(fact.by);
                    if roles_change {
                        found.extend(fact.before.iter().chain(&fact.after).filter_map(|(r, _)| self.role_by(*r)));
                    }
                }
            }
            if roles_change {
                let live = self.live().grants_on(on).iter().filter(|g| concerns(&g.principal));
                found.extend(live.filter_map(|g| self.role_by(g.role)));
                for owner in [true, false] {
                    let role = self.given_by_kind(self.resource_kind(on), owner).and_then(|r| self.find_role(r));
                    found.extend(role.and_then(|r| self.role_by(r)));
                }
            }
        }
    }
}
