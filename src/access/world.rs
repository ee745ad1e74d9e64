//! [`World`]: a directory together with changes to it, any part of which may have been made.
//!
//! What does not change is looked up in the directory itself; what a change flips is kept beside it,
//! as it is before and after, with the number of the change. So one structure answers for the state
//! before, for the state after, and for every state that an apply or a crash can leave in between.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use rustc_hash::{FxHashMap, FxHashSet};

use super::measure::{Given, Measure, RoleBits};
use crate::model::{
    Catalogue, Change, Directory, Grant, GrantedRole, Grouped, Moment, Principal, PrincipalRecord, ResourceId,
    ResourceRecord, RoleId, RoleRecord, TeamId, TeamRecord, UserId, UserKind, UserRecord, UserState, Visibility,
};

/// A moment of an apply.
#[derive(Clone, Copy)]
pub enum At<'d> {
    /// Nothing has been made.
    Before,
    /// Everything has been made.
    After,
    /// Some changes have been made: tells by number which.
    Between(&'d dyn Fn(u32) -> bool),
}

impl At<'_> {
    fn made(self, change: u32) -> bool {
        match self {
            Self::Before => false,
            Self::After => true,
            Self::Between(made) => made(change),
        }
    }
}

/// A fact that one change may flip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fact<T> {
    before: T,
    after: T,
    by: Option<u32>,
}

impl<T: Copy + PartialEq> Fact<T> {
    fn stable(value: T) -> Self {
        Self { before: value, after: value, by: None }
    }

    fn flip(&mut self, after: T, by: u32) {
        if self.after != after {
            self.after = after;
            self.by = Some(by);
        }
    }

    pub(super) fn at(&self, at: At<'_>) -> T {
        match self.by {
            Some(by) if at.made(by) => self.after,
            _ => self.before,
        }
    }

    /// The change that flips it.
    pub(super) fn by(&self) -> Option<u32> {
        self.by
    }

    /// What it can be.
    pub(super) fn both(&self) -> [T; 2] {
        [self.before, self.after]
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct UserFacts {
    pub state: Fact<UserState>,
    pub until: Fact<Option<Moment>>,
    pub role: Fact<Option<RoleId>>,
    /// Whether the account is of a kind that counts as an administrator that remains.
    pub counts: Fact<bool>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct TeamFacts {
    pub role: Fact<Option<RoleId>>,
    pub outer: Fact<Option<TeamId>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ResourceFacts {
    pub parent: Fact<Option<ResourceId>>,
    pub visibility: Fact<Option<Visibility>>,
    pub owner: Fact<Option<UserId>>,
}

/// One role within a grant, or of a membership: with its last moment.
pub(super) type Held = (RoleId, Option<Moment>);

/// A membership that changes; `None` where there is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemberFact {
    pub before: Option<Member>,
    pub after: Option<Member>,
    pub by: u32,
}

/// What a membership says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub role: Option<RoleId>,
    pub until: Option<Moment>,
}

/// The roles of a principal on a resource that change.
#[derive(Debug, Clone)]
pub(super) struct GrantFact {
    pub before: Box<[Held]>,
    pub after: Box<[Held]>,
    pub by: u32,
}

/// Which resources belong to which teams.
#[derive(Debug, Default)]
struct Belongings {
    of: FxHashMap<ResourceId, Fact<Option<TeamId>>>,
    /// The resources of a team before or after the changes.
    things: FxHashMap<TeamId, Vec<ResourceId>>,
}

/// Names that are not those of the directory: of new things, and of renamed ones.
#[derive(Debug, Default)]
struct Names {
    /// The number behind a name after the changes; `None` where the name is given up.
    ids: FxHashMap<String, Option<u32>>,
    /// The names after the changes of new and renamed things.
    names: FxHashMap<u32, String>,
}

impl Names {
    fn rename(&mut self, id: Option<u32>, from: &str, to: &str) {
        if let Some(id) = id {
            self.ids.insert(from.to_owned(), None);
            self.ids.insert(to.to_owned(), Some(id));
            self.names.insert(id, to.to_owned());
        }
    }

    fn create(&mut self, id: u32, name: &str) {
        self.ids.insert(name.to_owned(), Some(id));
        self.names.insert(id, name.to_owned());
    }
}

/// A directory and changes to it.
///
/// Users, teams, resources and roles keep the numbers that they have in the directory; new ones get
/// the numbers after the last.
pub struct World<'a> {
    live: &'a Directory,
    now: Moment,
    pub(super) measure: Measure<'a>,
    pub(super) users: FxHashMap<u32, UserFacts>,
    pub(super) teams: FxHashMap<u32, TeamFacts>,
    pub(super) resources: FxHashMap<u32, ResourceFacts>,
    roles: Vec<Fact<RoleBits>>,
    /// What the roles give that the catalogue gives to owners and everyone, by name.
    pub(super) catalogue_gives: FxHashMap<&'a str, super::Bits>,
    /// For each role: the role that bounds what else its holder is given, where it caps.
    caps: FxHashMap<u32, &'a str>,
    /// The roles that changes make (`true`) and delete.
    role_comes: FxHashMap<u32, bool>,
    /// The users and resources that are deleted.
    gone_users: FxHashSet<UserId>,
    gone_resources: FxHashSet<ResourceId>,
    /// The kinds of new accounts.
    kinds: FxHashMap<u32, UserKind>,
    pub(super) members: FxHashMap<(TeamId, UserId), MemberFact>,
    /// The users whose memberships change, with the teams.
    pub(super) members_of_user: FxHashMap<UserId, BTreeSet<TeamId>>,
    /// The users who join a team.
    joins_of_team: FxHashMap<TeamId, Vec<UserId>>,
    pub(super) grants: FxHashMap<ResourceId, Vec<(Principal, GrantFact)>>,
    /// The teams that resources belong to, where roles in a team reach nothing else; `None` where they
    /// reach everything.
    belongings: Option<Belongings>,
    user_names: Names,
    team_names: Names,
    resource_names: Names,
    role_names: Names,
    counts: Counts,
    inner_of: OnceLock<Grouped<TeamId>>,
    children_of: OnceLock<Grouped<ResourceId>>,
    owned_by: OnceLock<Grouped<ResourceId>>,
}

#[derive(Debug, Clone, Copy)]
struct Counts {
    users: u32,
    teams: u32,
    resources: u32,
    roles: u32,
}

impl<'a> World<'a> {
    /// A directory to which nothing happens. `now` decides what has ended.
    #[must_use]
    pub fn of(live: &'a Directory, catalogue: &'a Catalogue, now: Moment) -> Self {
        Self::with(live, catalogue, now, std::iter::empty())
    }

    /// A directory and changes to it, which are numbered from 0 in the order given. Renamings stand in
    /// the order in which they are made. Linear in the changes and the roles; the directory is not copied.
    #[must_use]
    pub fn with<'c>(
        live: &'a Directory,
        catalogue: &'a Catalogue,
        now: Moment,
        changes: impl Iterator<Item = &'c Change> + Clone,
    ) -> Self {
        let count = |n: usize| n as u32;
        let mut world = Self {
            live,
            now,
            measure: Measure::new(catalogue),
            users: FxHashMap::default(),
            teams: FxHashMap::default(),
            resources: FxHashMap::default(),
            roles: Vec::new(),
            catalogue_gives: FxHashMap::default(),
            caps: FxHashMap::default(),
            role_comes: FxHashMap::default(),
            gone_users: FxHashSet::default(),
            gone_resources: FxHashSet::default(),
            kinds: FxHashMap::default(),
            members: FxHashMap::default(),
            members_of_user: FxHashMap::default(),
            joins_of_team: FxHashMap::default(),
            grants: FxHashMap::default(),
            belongings: None,
            user_names: Names::default(),
            team_names: Names::default(),
            resource_names: Names::default(),
            role_names: Names::default(),
            counts: Counts {
                users: count(live.users().len()),
                teams: count(live.teams().len()),
                resources: count(live.resources().len()),
                roles: 0,
            },
            inner_of: OnceLock::new(),
            children_of: OnceLock::new(),
            owned_by: OnceLock::new(),
        };
        world.read_roles();
        for change in changes.clone() {
            world.name(change);
        }
        for (by, change) in changes.clone().enumerate() {
            world.take(change, by as u32);
        }
        if catalogue.binds_teams() {
            world.belongings = Some(world.belong(changes));
        }
        world
    }

    fn read_roles(&mut self) {
        let live = self.live;
        for role in live.roles() {
            let bits = self.measure.role(Given {
                name: &role.name,
                permissions: &mut role.permissions.iter().map(|bit| &*live.permissions()[bit]),
                administers: role.administers,
            });
            self.roles.push(Fact::stable(bits));
        }
        self.counts.roles = self.roles.len() as u32;
        for id in 0..self.counts.roles {
            let name = live.role(RoleId(id)).name.clone();
            self.read_cap(id, &name);
        }
        let catalogue = self.measure.catalogue();
        let given = catalogue.kinds.values().flat_map(|k| [k.owner.as_deref(), k.everyone.as_deref()]);
        for role in given.chain(catalogue.roles.values().map(|r| r.caps_at.as_deref())).flatten() {
            let bits = self.catalogue_bits(role);
            self.catalogue_gives.insert(role, bits);
        }
    }

    fn read_cap(&mut self, id: u32, name: &str) {
        if let Some(cap) = self.measure.catalogue().role(name).and_then(|(_, r)| r.caps_at.as_deref()) {
            self.caps.insert(id, cap);
        }
    }

    /// What a role gives on a resource as the catalogue says it.
    fn catalogue_bits(&mut self, name: &str) -> super::Bits {
        let (name, permissions) = match self.measure.catalogue().role(name) {
            Some((proper, role)) => (proper, role.permissions.as_deref().unwrap_or_default()),
            None => (name, &[][..]),
        };
        let mut names = permissions.iter().map(String::as_str);
        self.measure.role(Given { name, permissions: &mut names, administers: false }).given
    }

    /// New names and renamings.
    fn name(&mut self, change: &Change) {
        match change {
            Change::RenameUser { from, to } => {
                let id = self.find_user(from).map(|u| u.0);
                self.user_names.rename(id, from, to);
            }
            Change::RenameTeam { from, to } => {
                let id = self.find_team(from).map(|t| t.0);
                self.team_names.rename(id, from, to);
            }
            Change::RenameResource { from, to } => {
                let id = self.find_resource(from).map(|r| r.0);
                self.resource_names.rename(id, from, to);
            }
            Change::CreateUser { user } | Change::InviteUser { user } => {
                self.user_names.create(self.counts.users, &user.email);
                self.kinds.insert(self.counts.users, user.kind);
                let facts = UserFacts {
                    state: Fact::stable(UserState::Disabled),
                    until: Fact::stable(None),
                    role: Fact::stable(None),
                    counts: Fact::stable(user.kind.counts_as_admin()),
                };
                self.users.insert(self.counts.users, facts);
                self.counts.users += 1;
            }
            Change::CreateTeam { team } => {
                self.team_names.create(self.counts.teams, &team.name);
                let facts = TeamFacts { role: Fact::stable(None), outer: Fact::stable(None) };
                self.teams.insert(self.counts.teams, facts);
                self.counts.teams += 1;
            }
            Change::CreateResource { resource } => {
                self.resource_names.create(self.counts.resources, &resource.name);
                let facts = ResourceFacts {
                    parent: Fact::stable(None),
                    visibility: Fact::stable(None),
                    owner: Fact::stable(None),
                };
                self.resources.insert(self.counts.resources, facts);
                self.counts.resources += 1;
            }
            Change::CreateRole { role } => {
                let id = self.new_role(&role.name);
                self.role_comes.insert(id.0, true);
            }
            _ => {}
        }
    }

    fn new_role(&mut self, name: &str) -> RoleId {
        let id = self.counts.roles;
        self.role_names.create(id, name);
        self.roles.push(Fact::stable(RoleBits::default()));
        self.counts.roles += 1;
        self.read_cap(id, name);
        RoleId(id)
    }

    /// The role of that name; one that is nowhere yet is measured by the catalogue.
    fn role_named(&mut self, name: &str) -> RoleId {
        if let Some(id) = self.find_role(name) {
            return id;
        }
        let catalogue = self.measure.catalogue();
        let entry = catalogue.role(name).map(|(_, r)| r);
        let permissions = entry.and_then(|r| r.permissions.as_deref()).unwrap_or_default();
        let bits = self.measure.role(Given {
            name,
            permissions: &mut permissions.iter().map(String::as_str),
            administers: entry.is_some_and(|r| r.administers),
        });
        let id = self.new_role(name);
        self.roles[id.index()] = Fact::stable(bits);
        id
    }

    fn role_option(&mut self, name: Option<&String>) -> Option<RoleId> {
        name.map(|n| self.role_named(n))
    }

    fn record_bits(&mut self, role: &RoleRecord) -> RoleBits {
        self.measure.role(Given {
            name: &role.name,
            permissions: &mut role.permissions.iter().map(String::as_str),
            administers: role.administers,
        })
    }

    /// What one change flips.
    fn take(&mut self, change: &Change, by: u32) {
        match change {
            Change::CreateRole { role } | Change::UpdateRole { after: role, .. } => {
                let bits = self.record_bits(role);
                let id = self.role_named(&role.name);
                self.roles[id.index()].flip(bits, by);
            }
            Change::DeleteRole { role, .. } => {
                let id = self.role_named(&role.name);
                self.roles[id.index()].flip(RoleBits::default(), by);
                self.role_comes.insert(id.0, false);
            }
            Change::CreateUser { user } => self.take_user(user, user.state, by),
            Change::InviteUser { user } => self.take_user(user, UserState::Invited, by),
            Change::UpdateUser { after, .. } => {
                let role = self.role_option(after.role.as_ref());
                if let Some(facts) = self.find_user(&after.email).map(|id| self.user_entry(id)) {
                    facts.role.flip(role, by);
                    facts.until.flip(after.until, by);
                    facts.counts.flip(after.kind.counts_as_admin(), by);
                }
            }
            Change::EnableUser { user } => self.take_state(&user.email, UserState::Active, by),
            Change::DisableUser { user, .. } | Change::DeleteUser { user, .. } => {
                self.take_state(&user.email, UserState::Disabled, by);
                if matches!(change, Change::DeleteUser { .. }) {
                    self.gone_users.extend(self.find_user(&user.email));
                }
            }
            Change::CreateTeam { team } | Change::UpdateTeam { after: team, .. } => self.take_team(team, by),
            Change::DeleteTeam { team, .. } => {
                if let Some(facts) = self.find_team(&team.name).map(|id| self.team_entry(id)) {
                    facts.role.flip(None, by);
                    facts.outer.flip(None, by);
                }
            }
            Change::CreateResource { resource } | Change::UpdateResource { after: resource, .. } => {
                self.take_resource(resource, by);
            }
            Change::DeleteResource { resource, .. } => {
                self.gone_resources.extend(self.find_resource(&resource.name));
                if let Some(facts) = self.find_resource(&resource.name).map(|id| self.resource_entry(id)) {
                    facts.parent.flip(None, by);
                    facts.visibility.flip(None, by);
                    facts.owner.flip(None, by);
                }
            }
            Change::AddMember { member } => {
                let role = self.role_option(member.role.as_ref());
                self.take_member(&member.team, &member.user, Some(Member { role, until: member.until }), by);
            }
            Change::ChangeMember { after, .. } => {
                let role = self.role_option(after.role.as_ref());
                self.take_member(&after.team, &after.user, Some(Member { role, until: after.until }), by);
            }
            Change::RemoveMember { member, .. } => self.take_member(&member.team, &member.user, None, by),
            Change::GiveGrant { to, resource, roles } | Change::ChangeGrant { to, resource, after: roles, .. } => {
                self.take_grant(to, resource, roles, by);
            }
            Change::RevokeGrant { to, resource, .. } => self.take_grant(to, resource, &[], by),
            Change::RenameUser { .. }
            | Change::RenameTeam { .. }
            | Change::RenameResource { .. }
            | Change::SetLeads { .. }
            | Change::AddDomain { .. }
            | Change::ChangeDomain { .. }
            | Change::RemoveDomain { .. }
            | Change::SetPolicy { .. }
            | Change::UnsetPolicy { .. } => {}
        }
    }

    /// Which resources belong to which teams, by their names before and after the changes.
    fn belong<'c>(&self, changes: impl Iterator<Item = &'c Change>) -> Belongings {
        let (mut of_resource, mut of_team) = (FxHashMap::default(), FxHashMap::default());
        for (by, change) in changes.enumerate() {
            match change {
                Change::CreateResource { resource } | Change::DeleteResource { resource, .. } => {
                    of_resource.extend(self.find_resource(&resource.name).map(|id| (id, by as u32)));
                }
                Change::RenameResource { to, .. } => {
                    of_resource.extend(self.find_resource(to).map(|id| (id, by as u32)));
                }
                Change::RenameTeam { to, .. } => of_team.extend(self.find_team(to).map(|id| (id, by as u32))),
                _ => {}
            }
        }
        let catalogue = self.measure.catalogue();
        // What is named below a team that comes belongs to it from when the team is there: nobody is in it before.
        let new_team = |name: &str| self.find_team(name).filter(|t| t.index() >= self.live.teams().len());
        let mut found = Belongings::default();
        for id in (0..self.counts.resources).map(ResourceId) {
            let live = (id.index() < self.live.resources().len()).then(|| &*self.live.resource(id).name);
            let before =
                live.and_then(|n| catalogue.team_of(n)).and_then(|t| self.live.find_team(t).or_else(|| new_team(t)));
            let name = (!self.is_resource_gone(id)).then(|| self.resource_name(id));
            let after = name.and_then(|n| catalogue.team_of(n)).and_then(|t| self.find_team(t));
            let mut fact = Fact::stable(before);
            // Where it is not by a change of the resource, its name means another team.
            let teams = || before.into_iter().chain(after).find_map(|t| of_team.get(&t));
            if let Some(by) = of_resource.get(&id).or_else(teams) {
                fact.flip(after, *by);
            }
            for team in before.into_iter().chain(after.filter(|a| before != Some(*a))) {
                found.things.entry(team).or_default().push(id);
            }
            if fact.both() != [None, None] {
                found.of.insert(id, fact);
            }
        }
        found
    }

    fn user_entry(&mut self, id: UserId) -> &mut UserFacts {
        let facts = self.user(id);
        self.users.entry(id.0).or_insert(facts)
    }

    fn team_entry(&mut self, id: TeamId) -> &mut TeamFacts {
        let facts = self.team(id);
        self.teams.entry(id.0).or_insert(facts)
    }

    fn resource_entry(&mut self, id: ResourceId) -> &mut ResourceFacts {
        let facts = self.resource(id);
        self.resources.entry(id.0).or_insert(facts)
    }

    fn take_user(&mut self, user: &UserRecord, state: UserState, by: u32) {
        let role = self.role_option(user.role.as_ref());
        if let Some(facts) = self.find_user(&user.email).map(|id| self.user_entry(id)) {
            facts.state.flip(state, by);
            facts.until.flip(user.until, by);
            facts.role.flip(role, by);
        }
    }

    fn take_state(&mut self, email: &str, state: UserState, by: u32) {
        if let Some(facts) = self.find_user(email).map(|id| self.user_entry(id)) {
            facts.state.flip(state, by);
        }
    }

    fn take_team(&mut self, team: &TeamRecord, by: u32) {
        let role = self.role_option(team.role.as_ref());
        let outer = team.outer.as_deref().and_then(|t| self.find_team(t));
        if let Some(facts) = self.find_team(&team.name).map(|id| self.team_entry(id)) {
            facts.role.flip(role, by);
            facts.outer.flip(outer, by);
        }
    }

    fn take_resource(&mut self, resource: &ResourceRecord, by: u32) {
        let parent = resource.parent.as_deref().and_then(|r| self.find_resource(r));
        let owner = resource.owner.as_deref().and_then(|u| self.find_user(u));
        if let Some(facts) = self.find_resource(&resource.name).map(|id| self.resource_entry(id)) {
            facts.parent.flip(parent, by);
            facts.visibility.flip(resource.visibility, by);
            facts.owner.flip(owner, by);
        }
    }

    fn take_member(&mut self, team: &str, user: &str, after: Option<Member>, by: u32) {
        let (Some(team), Some(user)) = (self.find_team(team), self.find_user(user)) else { return };
        let before = self.live_member(team, user);
        if before != after {
            self.members.insert((team, user), MemberFact { before, after, by });
            self.members_of_user.entry(user).or_default().insert(team);
            if before.is_none() {
                self.joins_of_team.entry(team).or_default().push(user);
            }
        }
    }

    fn live_member(&self, team: TeamId, user: UserId) -> Option<Member> {
        let known = team.index() < self.live.teams().len() && user.index() < self.live.users().len();
        let found = known.then(|| self.live.find_membership(team, user)).flatten()?;
        Some(Member { role: found.role.value().copied(), until: found.until.value().copied() })
    }

    fn take_grant(&mut self, to: &PrincipalRecord, resource: &str, roles: &[GrantedRole], by: u32) {
        let after: Box<[Held]> = roles.iter().map(|r| (self.role_named(&r.role), r.until)).collect();
        let Some(resource) = self.find_resource(resource) else { return };
        let Some(principal) = self.find_principal(to) else { return };
        let before: Box<[Held]> = self.live_grants(resource, principal).collect();
        let facts = self.grants.entry(resource).or_default();
        facts.push((principal, GrantFact { before, after, by }));
    }

    fn live_grants(&self, resource: ResourceId, principal: Principal) -> impl Iterator<Item = Held> + '_ {
        self.live_grants_to(resource, principal).iter().map(|g| (g.role, g.until))
    }

    /// The directory before the changes.
    #[must_use]
    pub fn live(&self) -> &'a Directory {
        self.live
    }

    /// The moment that decides what has ended.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now
    }

    /// How roles are measured.
    #[must_use]
    pub fn measure(&self) -> &Measure<'a> {
        &self.measure
    }

    /// How many users there are, new ones among them.
    #[must_use]
    pub fn users_len(&self) -> u32 {
        self.counts.users
    }

    /// How many teams there are, new ones among them.
    #[must_use]
    pub fn teams_len(&self) -> u32 {
        self.counts.teams
    }

    /// How many resources there are, new ones among them.
    #[must_use]
    pub fn resources_len(&self) -> u32 {
        self.counts.resources
    }

    /// How many roles there are, new ones among them.
    #[must_use]
    pub fn roles_len(&self) -> u32 {
        self.counts.roles
    }

    /// The user of a name after the changes; a name that is given up finds nobody.
    #[must_use]
    pub fn find_user(&self, email: &str) -> Option<UserId> {
        match self.user_names.ids.get(email) {
            Some(known) => known.map(UserId),
            None => self.live.find_user(email),
        }
    }

    /// The team of a name after the changes.
    #[must_use]
    pub fn find_team(&self, name: &str) -> Option<TeamId> {
        match self.team_names.ids.get(name) {
            Some(known) => known.map(TeamId),
            None => self.live.find_team(name),
        }
    }

    /// The resource of a name after the changes.
    #[must_use]
    pub fn find_resource(&self, name: &str) -> Option<ResourceId> {
        match self.resource_names.ids.get(name) {
            Some(known) => known.map(ResourceId),
            None => self.live.find_resource(name),
        }
    }

    /// The role of a name.
    #[must_use]
    pub fn find_role(&self, name: &str) -> Option<RoleId> {
        match self.role_names.ids.get(name) {
            Some(known) => known.map(RoleId),
            None => self.live.find_role(name),
        }
    }

    /// A principal by name, after the changes.
    #[must_use]
    pub fn find_principal(&self, record: &PrincipalRecord) -> Option<Principal> {
        Some(match record {
            PrincipalRecord::User(email) => Principal::User(self.find_user(email)?),
            PrincipalRecord::Team(name) => Principal::Team(self.find_team(name)?),
            PrincipalRecord::Everyone => Principal::Everyone,
        })
    }

    /// The address of a user after the changes.
    #[must_use]
    pub fn user_name(&self, id: UserId) -> &str {
        self.user_names.names.get(&id.0).map_or_else(|| &*self.live.user(id).email, String::as_str)
    }

    /// The name of a team after the changes.
    #[must_use]
    pub fn team_name(&self, id: TeamId) -> &str {
        self.team_names.names.get(&id.0).map_or_else(|| &*self.live.team(id).name, String::as_str)
    }

    /// The name of a resource after the changes.
    #[must_use]
    pub fn resource_name(&self, id: ResourceId) -> &str {
        self.resource_names.names.get(&id.0).map_or_else(|| &*self.live.resource(id).name, String::as_str)
    }

    /// The name of a role.
    #[must_use]
    pub fn role_name(&self, id: RoleId) -> &str {
        self.role_names.names.get(&id.0).map_or_else(|| &*self.live.role(id).name, String::as_str)
    }

    /// The kind of a resource: the part of its name before the first `/`.
    #[must_use]
    pub fn resource_kind(&self, id: ResourceId) -> &str {
        let name = self.resource_name(id);
        name.split_once('/').map_or(name, |(kind, _)| kind)
    }

    /// What a role gives at a moment.
    #[must_use]
    pub fn role_bits(&self, id: RoleId, at: At<'_>) -> RoleBits {
        self.roles.get(id.index()).map_or(RoleBits::default(), |r| r.at(at))
    }

    /// The change that alters what a role gives.
    pub(super) fn role_by(&self, id: RoleId) -> Option<u32> {
        self.roles.get(id.index()).and_then(|r| r.by)
    }

    /// The roles whose permissions change, with the change.
    pub(super) fn changed_roles(&self) -> impl Iterator<Item = (RoleId, u32)> + '_ {
        self.roles.iter().enumerate().filter_map(|(i, r)| Some((RoleId(i as u32), r.by?)))
    }

    /// Whether the target has a role at a moment.
    pub(super) fn role_is_there(&self, id: RoleId, at: At<'_>) -> bool {
        let made = self.role_by(id).is_some_and(|by| at.made(by));
        match self.role_comes.get(&id.0) {
            // What flips nothing is there as soon as it is asked for: it gives nothing before and after.
            Some(true) => made || self.role_by(id).is_none(),
            Some(false) => !made,
            None => true,
        }
    }

    /// What bounds the holder of a role as a user.
    pub(super) fn cap(&self, role: RoleId, at: At<'_>) -> Option<super::Bits> {
        self.caps.get(&role.0).map(|cap| self.bits_named(cap, at))
    }

    /// The role that bounds the holder of a role, where the target has it.
    pub(super) fn cap_role(&self, role: RoleId) -> Option<RoleId> {
        self.caps.get(&role.0).and_then(|cap| self.find_role(cap))
    }

    /// Whether a user is deleted.
    pub(super) fn is_user_gone(&self, user: UserId) -> bool {
        self.gone_users.contains(&user)
    }

    /// Whether a resource is deleted.
    pub(super) fn is_resource_gone(&self, resource: ResourceId) -> bool {
        self.gone_resources.contains(&resource)
    }

    /// What kind of account somebody has.
    pub(super) fn user_kind(&self, user: UserId) -> UserKind {
        let live = || self.live.user(user).kind();
        self.kinds.get(&user.0).copied().unwrap_or_else(live)
    }

    /// Whether any role bounds its holder.
    pub(super) fn has_caps(&self) -> bool {
        !self.caps.is_empty()
    }

    /// What the owner, or everyone, is given on a kind of resource by the catalogue.
    pub(super) fn given_by_kind(&self, kind: &str, owner: bool) -> Option<&'a str> {
        let kind = self.measure.catalogue().kinds.get(kind)?;
        if owner { kind.owner.as_deref() } else { kind.everyone.as_deref() }
    }

    /// Whether roles of teams and of their members reach only what belongs to the team.
    pub(super) fn binds_teams(&self) -> bool {
        self.belongings.is_some()
    }

    /// Whether a role that is held in a team reaches only what belongs to the team. One that administers the
    /// target does so wherever it is held.
    pub(super) fn is_bound(&self, role: RoleId, at: At<'_>) -> bool {
        self.binds_teams() && !self.role_bits(role, at).held.is_administrator()
    }

    /// The team that a resource belongs to, whose roles reach it.
    pub(super) fn team_of(&self, id: ResourceId) -> Fact<Option<TeamId>> {
        let known = self.belongings.as_ref().and_then(|b| b.of.get(&id));
        known.copied().unwrap_or_else(|| Fact::stable(None))
    }

    /// The resources whose team changes: they come, go, or have another name.
    pub(super) fn teams_of_resources(&self) -> impl Iterator<Item = (ResourceId, Fact<Option<TeamId>>)> + '_ {
        let all = self.belongings.iter().flat_map(|b| &b.of);
        all.filter(|(_, fact)| fact.by().is_some()).map(|(id, fact)| (*id, *fact))
    }

    /// The resources that belong to a team before or after the changes.
    pub(super) fn things_of(&self, team: TeamId) -> &[ResourceId] {
        self.belongings.as_ref().and_then(|b| b.things.get(&team)).map_or(&[], Vec::as_slice)
    }

    /// The facts of a user.
    pub(super) fn user(&self, id: UserId) -> UserFacts {
        if let Some(facts) = self.users.get(&id.0) {
            return *facts;
        }
        let user = self.live.user(id);
        UserFacts {
            state: Fact::stable(user.state),
            until: Fact::stable(user.until.value().copied()),
            role: Fact::stable(user.role.value().copied()),
            counts: Fact::stable(user.kind().counts_as_admin()),
        }
    }

    /// The facts of a team.
    pub(super) fn team(&self, id: TeamId) -> TeamFacts {
        if let Some(facts) = self.teams.get(&id.0) {
            return *facts;
        }
        let team = self.live.team(id);
        TeamFacts { role: Fact::stable(team.role.value().copied()), outer: Fact::stable(team.outer.value().copied()) }
    }

    /// The facts of a resource.
    pub(super) fn resource(&self, id: ResourceId) -> ResourceFacts {
        if let Some(facts) = self.resources.get(&id.0) {
            return *facts;
        }
        let resource = self.live.resource(id);
        ResourceFacts {
            parent: Fact::stable(resource.parent.value().copied()),
            visibility: Fact::stable(resource.visibility.value().copied()),
            owner: Fact::stable(resource.owner.value().copied()),
        }
    }

    /// The state of a user at a moment; disabled before they are there and after they are deleted.
    #[must_use]
    pub fn user_state(&self, id: UserId, at: At<'_>) -> UserState {
        self.user(id).state.at(at)
    }

    /// Whether a user can come in.
    #[must_use]
    pub fn is_active(&self, id: UserId, at: At<'_>) -> bool {
        let facts = self.user(id);
        facts.state.at(at) == UserState::Active && !self.has_ended(facts.until.at(at))
    }

    /// Whether a last moment is past.
    #[must_use]
    pub fn has_ended(&self, until: Option<Moment>) -> bool {
        until.is_some_and(|u| u.is_past(self.now))
    }

    /// The own role of a user at a moment.
    #[must_use]
    pub fn user_role(&self, id: UserId, at: At<'_>) -> Option<RoleId> {
        self.user(id).role.at(at)
    }

    /// The memberships of a user at a moment, ended ones left out.
    pub(super) fn memberships(&self, user: UserId, at: At<'_>, mut found: impl FnMut(TeamId, Option<RoleId>)) {
        let changed = self.members_of_user.get(&user);
        for m in self.live.memberships_of(user) {
            if changed.is_none_or(|teams| !teams.contains(&m.team)) && !self.has_ended(m.until.value().copied()) {
                found(m.team, m.role.value().copied());
            }
        }
        for &team in changed.into_iter().flatten() {
            let Some(fact) = self.members.get(&(team, user)) else { continue };
            let member = if at.made(fact.by) { fact.after } else { fact.before };
            if let Some(member) = member.filter(|m| !self.has_ended(m.until)) {
                found(team, member.role);
            }
        }
    }

    /// The last moment of a membership.
    pub(super) fn member_until(&self, team: TeamId, user: UserId, at: At<'_>) -> Option<Moment> {
        if let Some(fact) = self.members.get(&(team, user)) {
            let member = if at.made(fact.by) { fact.after } else { fact.before };
            return member.and_then(|m| m.until);
        }
        self.live.find_membership(team, user).and_then(|m| m.until.value().copied())
    }

    /// Who may hold a grant on a resource itself, before or after the changes; sorted, each once.
    pub(super) fn possible_principals(&self, resource: ResourceId) -> Vec<Principal> {
        let live = self.live.grants_on(resource).iter().map(|g| g.principal);
        let changed = self.grants.get(&resource).into_iter().flatten().map(|(p, _)| *p);
        let mut all: Vec<Principal> = live.chain(changed).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether the account is of a kind that counts as an administrator that remains.
    pub(crate) fn counts_as_admin(&self, user: UserId, at: At<'_>) -> bool {
        self.user(user).counts.at(at)
    }

    /// The grants of one principal on a resource itself before the changes.
    pub(super) fn live_grants_to(&self, resource: ResourceId, principal: Principal) -> &'a [Grant] {
        grants_to(self.live.grants_on(resource), principal)
    }

    /// Whether a principal has a grant on a resource itself at some moment.
    pub(super) fn may_be_granted(&self, resource: ResourceId, principal: Principal) -> bool {
        !self.live_grants_to(resource, principal).is_empty()
            || self.grants.get(&resource).is_some_and(|all| all.iter().any(|(p, _)| *p == principal))
    }

    /// Whether there is any grant on a resource itself at some moment.
    pub(super) fn has_grants(&self, resource: ResourceId) -> bool {
        !self.live.grants_on(resource).is_empty() || self.grants.contains_key(&resource)
    }

    /// The roles of a principal on one resource itself at a moment, ended ones left out.
    pub(super) fn granted(
        &self,
        resource: ResourceId,
        principal: Principal,
        at: At<'_>,
        found: impl FnMut(RoleId, Option<Moment>),
    ) {
        self.granted_by(self.grants.get(&resource), principal, at, || self.live_grants_to(resource, principal), found);
    }

    /// The same where it is known what changes on the resource, and how to find what is live.
    pub(super) fn granted_by<'g>(
        &self,
        changes: Option<&Vec<(Principal, GrantFact)>>,
        principal: Principal,
        at: At<'_>,
        live: impl FnOnce() -> &'g [Grant],
        mut found: impl FnMut(RoleId, Option<Moment>),
    ) {
        let mut one = |(role, until): Held| {
            if !self.has_ended(until) {
                found(role, until);
            }
        };
        match changes.and_then(|all| all.iter().find(|(p, _)| *p == principal)) {
            Some((_, fact)) => {
                let rows = if at.made(fact.by) { &fact.after } else { &fact.before };
                rows.iter().copied().for_each(&mut one);
            }
            None => live().iter().map(|g| (g.role, g.until)).for_each(&mut one),
        }
    }

    /// The teams that lie in a team, before or after the changes, itself first.
    pub(super) fn team_and_inner(&self, team: TeamId) -> Vec<TeamId> {
        let inner = self.inner_of.get_or_init(|| {
            let rows: Vec<(u32, TeamId)> = (0..self.counts.teams)
                .flat_map(|id| {
                    let [before, after] = self.team(TeamId(id)).outer.both();
                    let after = after.filter(|a| before != Some(*a));
                    before.into_iter().chain(after).map(move |outer| (outer.0, TeamId(id)))
                })
                .collect();
            Grouped::new(self.counts.teams as usize, rows.into_iter())
        });
        closure(team, |t| inner.of(t.0))
    }

    /// The resources that lie in a resource, before or after the changes, itself first.
    pub(super) fn resource_and_inner(&self, resource: ResourceId) -> Vec<ResourceId> {
        closure(resource, |r| self.children(r))
    }

    /// The resources right in a resource, before or after the changes.
    pub(super) fn children(&self, resource: ResourceId) -> &[ResourceId] {
        let children = self.children_of.get_or_init(|| {
            let rows: Vec<(u32, ResourceId)> = (0..self.counts.resources)
                .flat_map(|id| {
                    let [before, after] = self.resource(ResourceId(id)).parent.both();
                    let after = after.filter(|a| before != Some(*a));
                    before.into_iter().chain(after).map(move |parent| (parent.0, ResourceId(id)))
                })
                .collect();
            Grouped::new(self.counts.resources as usize, rows.into_iter())
        });
        children.of(resource.0)
    }

    /// The resources that a user owns before or after the changes.
    pub(super) fn owned(&self, user: UserId) -> &[ResourceId] {
        self.owned_by
            .get_or_init(|| {
                let rows: Vec<(u32, ResourceId)> = (0..self.counts.resources)
                    .flat_map(|id| {
                        let [before, after] = self.resource(ResourceId(id)).owner.both();
                        let after = after.filter(|a| before != Some(*a));
                        before.into_iter().chain(after).map(move |owner| (owner.0, ResourceId(id)))
                    })
                    .collect();
                Grouped::new(self.counts.users as usize, rows.into_iter())
            })
            .of(user.0)
    }

    /// The users who are members of a team before or after the changes, by own membership.
    pub(super) fn possible_members(&self, team: TeamId) -> impl Iterator<Item = UserId> + '_ {
        let new = self.joins_of_team.get(&team).map_or(&[][..], |joins| joins);
        self.live.members_of(team).iter().map(|m| m.user).chain(new.iter().copied())
    }
}

/// Of the grants on a resource, those of one principal.
pub(super) fn grants_to(on: &[Grant], principal: Principal) -> &[Grant] {
    let from = on.partition_point(|g| g.principal < principal);
    // Few principals have more than one role on a resource.
    let count = on[from..].iter().take_while(|g| g.principal == principal).count();
    &on[from..from + count]
}

/// Everything that is reached from a thing, itself first; each once.
fn closure<'n, T: Copy + Eq + std::hash::Hash + 'n>(start: T, next: impl Fn(T) -> &'n [T]) -> Vec<T> {
    let mut found = vec![start];
    let mut seen = FxHashSet::from_iter([start]);
    let mut at = 0;
    while let Some(&here) = found.get(at) {
        at += 1;
        for &there in next(here) {
            if seen.insert(there) {
                found.push(there);
            }
        }
    }
    found
}
