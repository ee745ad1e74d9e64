//! The state that a plan leads to: what is live, with every change made. Only what rules look at is
//! carried over: names, times zones and the like of users are not.

use rustc_hash::FxHashMap;

use crate::model::{
    Builder, Change, Directory, Domain, DomainRecord, Grant, GrantedRole, MemberRecord, Membership, Principal,
    PrincipalRecord, Resource, ResourceId, ResourceRecord, Role, RoleId, RoleRecord, Said, Team, TeamId, TeamRecord,
    User, UserId, UserRecord, UserState,
};

/// Things by number, those of the live state first, and how they are called now.
struct Named<T> {
    things: Vec<Option<T>>,
    /// Names that differ from those of the live state; none for a name that is given up.
    names: FxHashMap<String, Option<u32>>,
}

impl<T> Named<T> {
    fn of(things: impl Iterator<Item = T>) -> Self {
        Self { things: things.map(Some).collect(), names: FxHashMap::default() }
    }

    fn find(&self, name: &str, live: impl Fn(&str) -> Option<u32>) -> Option<u32> {
        self.names.get(name).copied().unwrap_or_else(|| live(name))
    }

    fn add(&mut self, name: &str, thing: T) {
        self.names.insert(name.to_owned(), Some(self.things.len() as u32));
        self.things.push(Some(thing));
    }

    fn remove(&mut self, name: &str, id: Option<u32>) {
        self.names.insert(name.to_owned(), None);
        if let Some(thing) = id.and_then(|id| self.things.get_mut(id as usize)) {
            *thing = None;
        }
    }

    fn rename(&mut self, from: &str, to: &str, id: Option<u32>) -> Option<&mut T> {
        self.names.insert(from.to_owned(), None);
        self.names.insert(to.to_owned(), id);
        self.things.get_mut(id? as usize)?.as_mut()
    }
}

/// A state under changes.
struct End<'a> {
    live: &'a Directory,
    roles: Named<RoleRecord>,
    users: Named<User>,
    teams: Named<Team>,
    resources: Named<Resource>,
    domains: Named<DomainRecord>,
    /// Memberships that are not as in the live state.
    members: FxHashMap<(TeamId, UserId), Option<Membership>>,
    /// Grants that are not as in the live state, by resource and principal.
    grants: FxHashMap<(ResourceId, Principal), Vec<Grant>>,
}

/// The state after every change, in the order of the plan. Linear in the state and the changes.
pub(super) fn end_state<'c>(live: &Directory, changes: impl Iterator<Item = &'c Change>) -> Directory {
    let roles = 0..live.roles().len() as u32;
    let domains = 0..live.domains().len() as u32;
    let mut end = End {
        live,
        roles: Named::of(roles.map(|i| live.role_record(RoleId(i)))),
        users: Named::of(live.users().iter().cloned()),
        teams: Named::of(live.teams().iter().cloned()),
        resources: Named::of(live.resources().iter().cloned()),
        domains: Named::of(domains.map(|i| live.domain_record(crate::model::DomainId(i)))),
        members: FxHashMap::default(),
        grants: FxHashMap::default(),
    };
    for change in changes {
        end.apply(change);
    }
    end.build()
}

impl End<'_> {
    fn role(&self, name: &str) -> Option<RoleId> {
        self.roles.find(name, |n| self.live.find_role(n).map(|r| r.0)).map(RoleId)
    }

    fn user(&self, name: &str) -> Option<UserId> {
        self.users.find(name, |n| self.live.find_user(n).map(|u| u.0)).map(UserId)
    }

    fn team(&self, name: &str) -> Option<TeamId> {
        self.teams.find(name, |n| self.live.find_team(n).map(|t| t.0)).map(TeamId)
    }

    fn resource(&self, name: &str) -> Option<ResourceId> {
        self.resources.find(name, |n| self.live.find_resource(n).map(|r| r.0)).map(ResourceId)
    }

    fn principal(&self, to: &PrincipalRecord) -> Option<Principal> {
        match to {
            PrincipalRecord::User(user) => self.user(user).map(Principal::User),
            PrincipalRecord::Team(team) => self.team(team).map(Principal::Team),
            PrincipalRecord::Everyone => Some(Principal::Everyone),
        }
    }

    fn set_user(&self, user: &mut User, record: &UserRecord) {
        user.role = Said::known(record.role.as_deref().and_then(|r| self.role(r)));
        user.kind = Said::Is(record.kind);
        user.until = Said::known(record.until);
    }

    fn set_team(&self, team: &mut Team, record: &TeamRecord) {
        team.role = Said::known(record.role.as_deref().and_then(|r| self.role(r)));
        team.outer = Said::known(record.outer.as_deref().and_then(|t| self.team(t)));
        team.quota = Said::known(record.quota);
    }

    fn set_resource(&self, resource: &mut Resource, record: &ResourceRecord) {
        resource.parent = Said::known(record.parent.as_deref().and_then(|r| self.resource(r)));
        resource.visibility = Said::known(record.visibility);
        resource.owner = Said::known(record.owner.as_deref().and_then(|u| self.user(u)));
    }

    fn with_user(&mut self, email: &str, f: impl FnOnce(&Self, &mut User)) {
        let Some(id) = self.user(email) else { return };
        if let Some(mut user) = self.users.things[id.index()].take() {
            f(self, &mut user);
            self.users.things[id.index()] = Some(user);
        }
    }

    fn member(&mut self, record: &MemberRecord, there: bool) {
        let (Some(team), Some(user)) = (self.team(&record.team), self.user(&record.user)) else { return };
        let role = Said::known(record.role.as_deref().and_then(|r| self.role(r)));
        let membership = Membership { team, user, role, until: Said::known(record.until), because: None };
        self.members.insert((team, user), there.then_some(membership));
    }

    fn grant(&mut self, to: &PrincipalRecord, resource: &str, roles: &[GrantedRole]) {
        let (Some(principal), Some(resource)) = (self.principal(to), self.resource(resource)) else { return };
        let one = |r: &GrantedRole| {
            Some(Grant { resource, principal, role: self.role(&r.role)?, until: r.until, because: None })
        };
        let grants = roles.iter().filter_map(one).collect();
        self.grants.insert((resource, principal), grants);
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::CreateRole { role } => self.roles.add(&role.name, role.clone()),
            Change::UpdateRole { before, after } => {
                if let Some(id) = self.role(&before.name) {
                    self.roles.things[id.index()] = Some(after.clone());
                }
            }
            Change::DeleteRole { role, .. } => {
                let id = self.role(&role.name).map(|r| r.0);
                self.roles.remove(&role.name, id);
            }
            Change::CreateUser { user: record } | Change::InviteUser { user: record } => {
                let mut user = User::new(&record.email);
                self.set_user(&mut user, record);
                user.state = record.state;
                self.users.add(&record.email, user);
            }
            Change::UpdateUser { before, after } => {
                self.with_user(&before.email, |end, user| end.set_user(user, after));
            }
            Change::EnableUser { user } => self.with_user(&user.email, |_, user| user.state = UserState::Active),
            Change::DisableUser { user, .. } => {
                self.with_user(&user.email, |_, user| user.state = UserState::Disabled);
            }
            Change::RenameUser { from, to } => {
                let id = self.user(from).map(|u| u.0);
                if let Some(user) = self.users.rename(from, to, id) {
                    user.email = to.as_str().into();
                }
            }
            Change::DeleteUser { user, .. } => {
                let id = self.user(&user.email).map(|u| u.0);
                self.users.remove(&user.email, id);
            }
            Change::CreateTeam { team: record } => {
                let mut team = Team::new(&record.name);
                self.set_team(&mut team, record);
                self.teams.add(&record.name, team);
            }
            Change::UpdateTeam { before, after } => {
                let Some(id) = self.team(&before.name) else { return };
                if let Some(mut team) = self.teams.things[id.index()].take() {
                    self.set_team(&mut team, after);
                    self.teams.things[id.index()] = Some(team);
                }
            }
            Change::SetLeads { team, after, .. } => {
                let leads: Vec<UserId> = after.iter().filter_map(|u| self.user(u)).collect();
                let id = self.team(team);
                if let Some(team) = id.and_then(|id| self.teams.things[id.index()].as_mut()) {
                    team.leads = Said::Is(leads);
                }
            }
            Change::RenameTeam { from, to } => {
                let id = self.team(from).map(|t| t.0);
                if let Some(team) = self.teams.rename(from, to, id) {
                    team.name = to.as_str().into();
                }
            }
            Change::DeleteTeam { team, .. } => {
                let id = self.team(&team.name).map(|t| t.0);
                self.teams.remove(&team.name, id);
            }
            Change::AddMember { member } | Change::ChangeMember { after: member, .. } => self.member(member, true),
            Change::RemoveMember { member, .. } => self.member(member, false),
            Change::CreateResource { resource: record } => {
                let mut resource = Resource::new(&record.name);
                self.set_resource(&mut resource, record);
                self.resources.add(&record.name, resource);
            }
            Change::UpdateResource { before, after } => {
                let Some(id) = self.resource(&before.name) else { return };
                if let Some(mut resource) = self.resources.things[id.index()].take() {
                    self.set_resource(&mut resource, after);
                    self.resources.things[id.index()] = Some(resource);
                }
            }
            Change::RenameResource { from, to } => {
                let id = self.resource(from).map(|r| r.0);
                if let Some(resource) = self.resources.rename(from, to, id) {
                    resource.name = to.as_str().into();
                }
            }
            Change::DeleteResource { resource, .. } => {
                let id = self.resource(&resource.name).map(|r| r.0);
                self.resources.remove(&resource.name, id);
            }
            Change::GiveGrant { to, resource, roles } => self.grant(to, resource, roles),
            Change::ChangeGrant { to, resource, after, .. } => self.grant(to, resource, after),
            Change::RevokeGrant { to, resource, .. } => self.grant(to, resource, &[]),
            Change::AddDomain { domain } => self.domains.add(&domain.name, domain.clone()),
            Change::ChangeDomain { before, after } => {
                let id = self.domains.find(&before.name, |n| self.live.find_domain(n).map(|d| d.0));
                if let Some(domain) = id.and_then(|id| self.domains.things.get_mut(id as usize)) {
                    *domain = Some(after.clone());
                }
            }
            Change::RemoveDomain { domain, .. } => {
                let id = self.domains.find(&domain.name, |n| self.live.find_domain(n).map(|d| d.0));
                self.domains.remove(&domain.name, id);
            }
            Change::SetPolicy { .. } | Change::UnsetPolicy { .. } => {}
        }
    }

    /// Puts the state together; what refers to something that is gone goes as well.
    fn build(mut self) -> Directory {
        let mut b: Builder<()> = Builder::new();
        let roles: Vec<Option<RoleId>> = self
            .roles
            .things
            .iter()
            .map(|role| {
                let record = role.as_ref()?;
                let permissions = record.permissions.iter().map(|p| b.permission(p)).collect();
                let (name, administers) = (record.name.as_str().into(), record.administers);
                Some(b.role(Role { name, description: Said::Nothing, permissions, administers }, ()))
            })
            .collect();
        let role = |said: &Said<RoleId>| Said::known(said.value().and_then(|r| roles[r.index()]));
        let users: Vec<Option<UserId>> = std::mem::take(&mut self.users.things)
            .into_iter()
            .map(|user| {
                let user = user?;
                Some(b.user(User { role: role(&user.role), ..user }, ()))
            })
            .collect();
        let given = std::mem::take(&mut self.teams.things);
        let teams: Vec<Option<TeamId>> = given.iter().map(|t| Some(b.team(Team::new(&t.as_ref()?.name), ()))).collect();
        for (team, id) in given.into_iter().zip(&teams) {
            let (Some(team), Some(place)) = (team, id.and_then(|id| b.team_mut(id))) else { continue };
            let leads = team.leads.map(|l| l.iter().filter_map(|u| users[u.index()]).collect::<Vec<_>>());
            let outer = Said::known(team.outer.value().and_then(|t| teams[t.index()]));
            *place = Team { role: role(&team.role), outer, leads, ..team };
        }
        let given = std::mem::take(&mut self.resources.things);
        let resources: Vec<Option<ResourceId>> =
            given.iter().map(|r| Some(b.resource(Resource::new(&r.as_ref()?.name), ()))).collect();
        for (resource, id) in given.into_iter().zip(&resources) {
            let (Some(resource), Some(place)) = (resource, id.and_then(|id| b.resource_mut(id))) else { continue };
            let parent = Said::known(resource.parent.value().and_then(|r| resources[r.index()]));
            let owner = Said::known(resource.owner.value().and_then(|u| users[u.index()]));
            *place = Resource { parent, owner, ..resource };
        }
        let kept = self.live.memberships().iter().filter(|m| !self.members.contains_key(&(m.team, m.user)));
        for m in kept.chain(self.members.values().flatten()) {
            if let (Some(team), Some(user)) = (teams[m.team.index()], users[m.user.index()]) {
                b.membership(Membership { team, user, role: role(&m.role), until: m.until, because: None }, ());
            }
        }
        let kept = self.live.grants().iter().filter(|g| !self.grants.contains_key(&(g.resource, g.principal)));
        for g in kept.chain(self.grants.values().flatten()) {
            let principal = match g.principal {
                Principal::User(user) => users[user.index()].map(Principal::User),
                Principal::Team(team) => teams[team.index()].map(Principal::Team),
                Principal::Everyone => Some(Principal::Everyone),
            };
            if let (Some(resource), Some(principal), Some(role)) =
                (resources[g.resource.index()], principal, roles[g.role.index()])
            {
                b.grant(Grant { resource, principal, role, until: g.until, because: None }, ());
            }
        }
        let team_of = |name: &String| self.team(name).and_then(|t| teams[t.index()]);
        for domain in self.domains.things.iter().flatten() {
            let of = domain.role.as_deref().and_then(|r| self.role(r)).and_then(|r| roles[r.index()]);
            let teams = domain.teams.iter().filter_map(team_of).collect();
            let (name, role) = (domain.name.as_str().into(), Said::known(of));
            b.domain(Domain { name, role, teams: Said::Is(teams) }, ());
        }
        // Two things of one name cannot be: a plan makes nothing whose name is taken.
        b.finish().map(|(directory, ..)| directory).unwrap_or_default()
    }
}
