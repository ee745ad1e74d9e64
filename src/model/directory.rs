//! [`Directory`]: the whole state of one target, built for a million users and ten million grants.
//!
//! Every list is sorted by name and a number in it is a rank, so two directories with the same
//! content are equal field by field, whatever the order in which they were read. Edges hold numbers,
//! permission sets are bits, look-ups are binary searches.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::index::{Granted, Index, rows_of, starts};
use super::record::{
    DomainRecord, GrantRecord, MemberRecord, PrincipalRecord, QuotaRecord, ResourceRecord, RoleRecord, TeamRecord,
    UserKind, UserRecord, UserState, Visibility,
};
use super::{Moment, ObjectRef, Permissions, PolicyKey, Said};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u32);

        impl $name {
            /// The index in the directory's list.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// The rank of a role.
    RoleId
);
id!(
    /// The rank of a user.
    UserId
);
id!(
    /// The rank of a team.
    TeamId
);
id!(
    /// The rank of a resource.
    ResourceId
);
id!(
    /// The rank of an auto-join domain.
    DomainId
);

/// A role and its permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: Box<str>,
    /// What it is for.
    pub description: Said<Box<str>>,
    /// What it may do.
    pub permissions: Permissions,
    /// Whether a user who holds it administers the target.
    pub administers: bool,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The address in its compared form: the key.
    pub email: Box<str>,
    /// The name that people see.
    pub name: Said<Box<str>>,
    /// What kind of account it is.
    pub kind: Said<UserKind>,
    /// The role in the target.
    pub role: Said<RoleId>,
    /// Whether they can come in.
    pub state: UserState,
    /// The last moment of their access.
    pub until: Said<Moment>,
    /// The time zone.
    pub timezone: Said<Box<str>>,
    /// Who answers for a service, by e-mail: not necessarily a user of this target.
    pub owner: Said<Box<str>>,
    /// Attributes by name, sorted.
    pub attributes: Vec<(Box<str>, Said<Box<str>>)>,
    /// Names in other systems, sorted by system.
    pub handles: Vec<(Box<str>, Said<Box<str>>)>,
    /// When the target last saw them. Live only.
    pub last_seen: Option<Moment>,
    /// The address they had before. Desired only.
    pub was: Option<Box<str>>,
}

impl User {
    /// An active user of that address about whom nothing else is said.
    #[must_use]
    pub fn new(email: &str) -> Self {
        Self {
            email: email.into(),
            name: Said::Unsaid,
            kind: Said::Unsaid,
            role: Said::Unsaid,
            state: UserState::Active,
            until: Said::Unsaid,
            timezone: Said::Unsaid,
            owner: Said::Unsaid,
            attributes: Vec::new(),
            handles: Vec::new(),
            last_seen: None,
            was: None,
        }
    }

    /// The kind, a person where nothing is said.
    #[must_use]
    pub fn kind(&self) -> UserKind {
        self.kind.value().copied().unwrap_or_default()
    }
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its name: the key.
    pub name: Box<str>,
    /// What it is for.
    pub description: Said<Box<str>>,
    /// Its leads, in rising order.
    pub leads: Said<Vec<UserId>>,
    /// The role that all its members hold.
    pub role: Said<RoleId>,
    /// The team it lies in.
    pub outer: Said<TeamId>,
    /// Its quotas.
    pub quota: Said<QuotaRecord>,
    /// The name it had before. Desired only.
    pub was: Option<Box<str>>,
}

impl Team {
    /// A team of that name about which nothing else is said.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            description: Said::Unsaid,
            leads: Said::Unsaid,
            role: Said::Unsaid,
            outer: Said::Unsaid,
            quota: Said::Unsaid,
            was: None,
        }
    }
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Kind and name, `project/fraud`: the key.
    pub name: Box<str>,
    /// What it is.
    pub description: Said<Box<str>>,
    /// The resource it lies in.
    pub parent: Said<ResourceId>,
    /// Who sees it without a grant.
    pub visibility: Said<Visibility>,
    /// The user it belongs to.
    pub owner: Said<UserId>,
    /// The name it had before. Desired only.
    pub was: Option<Box<str>>,
}

impl Resource {
    /// A resource of that name about which nothing else is said.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            description: Said::Unsaid,
            parent: Said::Unsaid,
            visibility: Said::Unsaid,
            owner: Said::Unsaid,
            was: None,
        }
    }

    /// The part before the first `/`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.name.split_once('/').map_or(&self.name, |(kind, _)| kind)
    }
}

/// One user in one team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The team.
    pub team: TeamId,
    /// The user.
    pub user: UserId,
    /// The role of this member in the team.
    pub role: Said<RoleId>,
    /// The last moment of the membership.
    pub until: Said<Moment>,
    /// Why: a number for [`Directory::reason`].
    pub because: Option<u32>,
}

/// Who holds a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// A user.
    User(UserId),
    /// A team: its members, and those of teams inside it.
    Team(TeamId),
    /// Everyone who can come in.
    Everyone,
}

/// One role of one principal on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// On what.
    pub resource: ResourceId,
    /// Who.
    pub principal: Principal,
    /// Which role.
    pub role: RoleId,
    /// The last moment of the grant.
    pub until: Option<Moment>,
    /// Why: a number for [`Directory::reason`].
    pub because: Option<u32>,
}

/// An auto-join domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// The domain in ASCII: the key.
    pub name: Box<str>,
    /// The role that those who join get.
    pub role: Said<RoleId>,
    /// The teams that those who join become members of, in rising order.
    pub teams: Said<Vec<TeamId>>,
}

/// The whole state of one target, desired or live.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    permissions: Vec<Box<str>>,
    roles: Vec<Role>,
    users: Vec<User>,
    teams: Vec<Team>,
    resources: Vec<Resource>,
    memberships: Vec<Membership>,
    grants: Vec<Grant>,
    domains: Vec<Domain>,
    policies: BTreeMap<PolicyKey, Value>,
    reasons: Vec<Box<str>>,
    /// Where the memberships of each team begin, and where the last end; the same for the grants on
    /// each resource.
    member_starts: Vec<u32>,
    grant_starts: Vec<u32>,
    index: Index,
}

impl Directory {
    /// The names of the permissions, sorted; a permission's index is its bit.
    #[must_use]
    pub fn permissions(&self) -> &[Box<str>] {
        &self.permissions
    }

    /// The roles by name.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The users by e-mail.
    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The teams by name.
    #[must_use]
    pub fn teams(&self) -> &[Team] {
        &self.teams
    }

    /// The resources by name.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The memberships by team, then user.
    #[must_use]
    pub fn memberships(&self) -> &[Membership] {
        &self.memberships
    }

    /// The grants by resource, then principal, then role.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// The auto-join domains by name.
    #[must_use]
    pub fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// The policies that the target keeps.
    #[must_use]
    pub fn policies(&self) -> &BTreeMap<PolicyKey, Value> {
        &self.policies
    }

    /// The role of that number. Numbers are of this directory only.
    #[must_use]
    pub fn role(&self, id: RoleId) -> &Role {
        &self.roles[id.index()]
    }

    /// The user of that number.
    #[must_use]
    pub fn user(&self, id: UserId) -> &User {
        &self.users[id.index()]
    }

    /// The team of that number.
    #[must_use]
    pub fn team(&self, id: TeamId) -> &Team {
        &self.teams[id.index()]
    }

    /// The resource of that number.
    #[must_use]
    pub fn resource(&self, id: ResourceId) -> &Resource {
        &self.resources[id.index()]
    }

    /// The text of a reason.
    #[must_use]
    pub fn reason(&self, id: u32) -> &str {
        &self.reasons[id as usize]
    }

    /// The role of that name.
    #[must_use]
    pub fn find_role(&self, name: &str) -> Option<RoleId> {
        self.roles.binary_search_by(|r| (*r.name).cmp(name)).ok().map(|i| RoleId(i as u32))
    }

    /// The user of that address.
    #[must_use]
    pub fn find_user(&self, email: &str) -> Option<UserId> {
        self.users.binary_search_by(|u| (*u.email).cmp(email)).ok().map(|i| UserId(i as u32))
    }

    /// The team of that name.
    #[must_use]
    pub fn find_team(&self, name: &str) -> Option<TeamId> {
        self.teams.binary_search_by(|t| (*t.name).cmp(name)).ok().map(|i| TeamId(i as u32))
    }

    /// The resource of that name.
    #[must_use]
    pub fn find_resource(&self, name: &str) -> Option<ResourceId> {
        self.resources.binary_search_by(|r| (*r.name).cmp(name)).ok().map(|i| ResourceId(i as u32))
    }

    /// The domain of that name.
    #[must_use]
    pub fn find_domain(&self, name: &str) -> Option<DomainId> {
        self.domains.binary_search_by(|d| (*d.name).cmp(name)).ok().map(|i| DomainId(i as u32))
    }

    /// The membership of a user in a team.
    #[must_use]
    pub fn find_membership(&self, team: TeamId, user: UserId) -> Option<&Membership> {
        self.memberships.binary_search_by_key(&(team, user), |m| (m.team, m.user)).ok().map(|i| &self.memberships[i])
    }

    /// The members of a team; none for a number that is not of this directory.
    #[must_use]
    pub fn members_of(&self, team: TeamId) -> &[Membership] {
        rows_of(&self.member_starts, &self.memberships, team.0)
    }

    /// The memberships of a user, by team. The first question of this kind groups all memberships.
    pub fn memberships_of(&self, user: UserId) -> impl Iterator<Item = &Membership> {
        let places = self.index.memberships(self.users.len(), &self.memberships, user.0);
        places.iter().filter_map(|place| self.memberships.get(*place as usize))
    }

    /// The grants on a resource; none for a number that is not of this directory.
    #[must_use]
    pub fn grants_on(&self, resource: ResourceId) -> &[Grant] {
        rows_of(&self.grant_starts, &self.grants, resource.0)
    }

    /// The grants of a principal, by resource, with their places in the list of grants; none for a
    /// number that is not of this directory. The first question of this kind groups all grants.
    #[must_use]
    pub fn granted_to(&self, principal: Principal) -> &[Granted] {
        self.index.granted(self.users.len(), self.teams.len(), &self.grants, principal)
    }

    /// The users who administer this target now: active people, by their own role, the base role of a team
    /// (or of one that it lies in) or that of a membership. Services, break-glass accounts and pending invitations do
    /// not count (`admin-remains`).
    #[must_use]
    pub fn administrators(&self) -> Vec<UserId> {
        let administers = |role: &Said<RoleId>| role.value().is_some_and(|r| self.role(*r).administers);
        let mut found: Vec<UserId> = Vec::new();
        for (index, user) in self.users.iter().enumerate() {
            if administers(&user.role) {
                found.push(UserId(index as u32));
            }
        }
        for (index, _) in self.teams.iter().enumerate() {
            let team = TeamId(index as u32);
            if self.team_and_outer(team).any(|t| administers(&self.team(t).role)) {
                found.extend(self.members_of(team).iter().map(|m| m.user));
            }
        }
        found.extend(self.memberships.iter().filter(|m| administers(&m.role)).map(|m| m.user));
        found.sort_unstable();
        found.dedup();
        found.retain(|&id| {
            let user = self.user(id);
            user.state == UserState::Active && user.kind().counts_as_admin()
        });
        found
    }

    /// A team and the teams it lies in, from the inside out. Ends also where a live system holds a cycle.
    pub fn team_and_outer(&self, team: TeamId) -> impl Iterator<Item = TeamId> + '_ {
        let mut next = Some(team);
        let mut steps = self.teams.len();
        std::iter::from_fn(move || {
            let now = next?;
            steps = steps.checked_sub(1)?;
            next = self.team(now).outer.value().copied();
            Some(now)
        })
    }

    /// A role by name.
    #[must_use]
    pub fn role_record(&self, id: RoleId) -> RoleRecord {
        let role = self.role(id);
        RoleRecord {
            name: role.name.to_string(),
            description: text(&role.description),
            permissions: role.permissions.iter().map(|bit| self.permissions[bit].to_string()).collect(),
            administers: role.administers,
        }
    }

    /// A user by name.
    #[must_use]
    pub fn user_record(&self, id: UserId) -> UserRecord {
        let user = self.user(id);
        UserRecord {
            email: user.email.to_string(),
            name: text(&user.name),
            kind: user.kind(),
            role: user.role.value().map(|r| self.role(*r).name.to_string()),
            state: user.state,
            until: user.until.value().copied(),
            timezone: text(&user.timezone),
            owner: text(&user.owner),
            attributes: user
                .attributes
                .iter()
                .filter_map(|(k, v)| Some((k.to_string(), v.value()?.to_string())))
                .collect(),
            handles: user.handles.iter().filter_map(|(k, v)| Some((k.to_string(), v.value()?.to_string()))).collect(),
        }
    }

    /// A team by name.
    #[must_use]
    pub fn team_record(&self, id: TeamId) -> TeamRecord {
        let team = self.team(id);
        TeamRecord {
            name: team.name.to_string(),
            description: text(&team.description),
            role: team.role.value().map(|r| self.role(*r).name.to_string()),
            outer: team.outer.value().map(|t| self.team(*t).name.to_string()),
            quota: team.quota.value().copied(),
            leads: team.leads.value().into_iter().flatten().map(|u| self.user(*u).email.to_string()).collect(),
        }
    }

    /// A resource by name.
    #[must_use]
    pub fn resource_record(&self, id: ResourceId) -> ResourceRecord {
        let resource = self.resource(id);
        ResourceRecord {
            name: resource.name.to_string(),
            description: text(&resource.description),
            parent: resource.parent.value().map(|r| self.resource(*r).name.to_string()),
            visibility: resource.visibility.value().copied(),
            owner: resource.owner.value().map(|u| self.user(*u).email.to_string()),
        }
    }

    /// A membership by names.
    #[must_use]
    pub fn member_record(&self, member: &Membership) -> MemberRecord {
        MemberRecord {
            team: self.team(member.team).name.to_string(),
            user: self.user(member.user).email.to_string(),
            role: member.role.value().map(|r| self.role(*r).name.to_string()),
            until: member.until.value().copied(),
            because: member.because.map(|b| self.reason(b).to_owned()),
        }
    }

    /// A principal by name.
    #[must_use]
    pub fn principal_record(&self, principal: Principal) -> PrincipalRecord {
        match principal {
            Principal::User(id) => PrincipalRecord::User(self.user(id).email.to_string()),
            Principal::Team(id) => PrincipalRecord::Team(self.team(id).name.to_string()),
            Principal::Everyone => PrincipalRecord::Everyone,
        }
    }

    /// A grant by names.
    #[must_use]
    pub fn grant_record(&self, grant: &Grant) -> GrantRecord {
        GrantRecord {
            to: self.principal_record(grant.principal),
            resource: self.resource(grant.resource).name.to_string(),
            role: self.role(grant.role).name.to_string(),
            until: grant.until,
            because: grant.because.map(|b| self.reason(b).to_owned()),
        }
    }

    /// A domain by names.
    #[must_use]
    pub fn domain_record(&self, id: DomainId) -> DomainRecord {
        let domain = &self.domains[id.index()];
        DomainRecord {
            name: domain.name.to_string(),
            role: domain.role.value().map(|r| self.role(*r).name.to_string()),
            teams: domain.teams.value().into_iter().flatten().map(|t| self.team(*t).name.to_string()).collect(),
        }
    }

    /// The canonical JSON: every list sorted, every name spelled out, nothing that is not said.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let ids = |n: usize| 0..n as u32;
        json!({
            "roles": ids(self.roles.len()).map(|i| json!(self.role_record(RoleId(i)))).collect::<Vec<_>>(),
            "users": ids(self.users.len()).map(|i| json!(self.user_record(UserId(i)))).collect::<Vec<_>>(),
            "teams": ids(self.teams.len()).map(|i| json!(self.team_record(TeamId(i)))).collect::<Vec<_>>(),
            "members": self.memberships.iter().map(|m| json!(self.member_record(m))).collect::<Vec<_>>(),
            "resources":
                ids(self.resources.len()).map(|i| json!(self.resource_record(ResourceId(i)))).collect::<Vec<_>>(),
            "grants": self.grants.iter().map(|g| json!(self.grant_record(g))).collect::<Vec<_>>(),
            "domains": ids(self.domains.len()).map(|i| json!(self.domain_record(DomainId(i)))).collect::<Vec<_>>(),
            "policies": self.policies.iter().map(|(k, v)| (k.name().to_owned(), v.clone()))
                .collect::<serde_json::Map<_, _>>(),
        })
    }
}

fn text(said: &Said<Box<str>>) -> Option<String> {
    said.value().map(|t| t.to_string())
}

/// Where each thing of a directory was declared, in the same order as the directory's lists.
/// `O` is a span for what files declare and `()` for what was read from a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins<O> {
    /// Of the roles.
    pub roles: Vec<O>,
    /// Of the users.
    pub users: Vec<O>,
    /// Of the teams.
    pub teams: Vec<O>,
    /// Of the resources.
    pub resources: Vec<O>,
    /// Of the memberships.
    pub memberships: Vec<O>,
    /// Of the grants.
    pub grants: Vec<O>,
    /// Of the domains.
    pub domains: Vec<O>,
    /// Of the policies.
    pub policies: BTreeMap<PolicyKey, O>,
    /// Of what rolecall itself holds to: `seats CLASS`, `quota`, `admins EMAIL`, `exclusive N`.
    pub rules: BTreeMap<String, O>,
}

/// Puts a [`Directory`] together in any order. Numbers handed out here are provisional and serve for
/// references until [`Builder::finish`].
#[derive(Debug)]
pub struct Builder<O> {
    permissions: Vec<Box<str>>,
    permission_ids: FxHashMap<Box<str>, usize>,
    roles: Vec<(Role, O)>,
    users: Vec<(User, O)>,
    teams: Vec<(Team, O)>,
    resources: Vec<(Resource, O)>,
    memberships: Vec<(Membership, O)>,
    grants: Vec<(Grant, O)>,
    domains: Vec<(Domain, O)>,
    policies: BTreeMap<PolicyKey, (Value, O)>,
    rules: BTreeMap<String, O>,
    reasons: Vec<Box<str>>,
    reason_ids: FxHashMap<Box<str>, u32>,
}

impl<O> Default for Builder<O> {
    fn default() -> Self {
        Self {
            permissions: Vec::new(),
            permission_ids: FxHashMap::default(),
            roles: Vec::new(),
            users: Vec::new(),
            teams: Vec::new(),
            resources: Vec::new(),
            memberships: Vec::new(),
            grants: Vec::new(),
            domains: Vec::new(),
            policies: BTreeMap::new(),
            rules: BTreeMap::new(),
            reasons: Vec::new(),
            reason_ids: FxHashMap::default(),
        }
    }
}

impl<O: Copy> Builder<O> {
    /// An empty builder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The provisional bit of a permission.
    pub fn permission(&mut self, name: &str) -> usize {
        if let Some(&bit) = self.permission_ids.get(name) {
            return bit;
        }
        let bit = self.permissions.len();
        self.permissions.push(name.into());
        self.permission_ids.insert(name.into(), bit);
        bit
    }

    /// The provisional number of a reason.
    pub fn reason(&mut self, text: &str) -> u32 {
        if let Some(&id) = self.reason_ids.get(text) {
            return id;
        }
        let id = self.reasons.len() as u32;
        self.reasons.push(text.into());
        self.reason_ids.insert(text.into(), id);
        id
    }

    /// Adds a role.
    pub fn role(&mut self, role: Role, origin: O) -> RoleId {
        self.roles.push((role, origin));
        RoleId(self.roles.len() as u32 - 1)
    }

    /// Adds a user.
    pub fn user(&mut self, user: User, origin: O) -> UserId {
        self.users.push((user, origin));
        UserId(self.users.len() as u32 - 1)
    }

    /// Adds a team.
    pub fn team(&mut self, team: Team, origin: O) -> TeamId {
        self.teams.push((team, origin));
        TeamId(self.teams.len() as u32 - 1)
    }

    /// Adds a resource.
    pub fn resource(&mut self, resource: Resource, origin: O) -> ResourceId {
        self.resources.push((resource, origin));
        ResourceId(self.resources.len() as u32 - 1)
    }

    /// The team of a provisional number, to be completed when all names are known.
    pub fn team_mut(&mut self, id: TeamId) -> Option<&mut Team> {
        self.teams.get_mut(id.index()).map(|(t, _)| t)
    }

    /// The resource of a provisional number, to be completed when all names are known.
    pub fn resource_mut(&mut self, id: ResourceId) -> Option<&mut Resource> {
        self.resources.get_mut(id.index()).map(|(r, _)| r)
    }

    /// The user of a provisional number.
    pub fn user_mut(&mut self, id: UserId) -> Option<&mut User> {
        self.users.get_mut(id.index()).map(|(u, _)| u)
    }

    /// Adds a membership.
    pub fn membership(&mut self, membership: Membership, origin: O) {
        self.memberships.push((membership, origin));
    }

    /// Adds a grant.
    pub fn grant(&mut self, grant: Grant, origin: O) {
        self.grants.push((grant, origin));
    }

    /// The names of the resources so far.
    pub fn resource_names(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(|(r, _)| &*r.name)
    }

    /// A grant by names, from provisional numbers.
    #[must_use]
    pub fn grant_record(
        &self,
        resource: ResourceId,
        principal: Principal,
        role: RoleId,
        until: Moment,
    ) -> Option<GrantRecord> {
        let to = match principal {
            Principal::User(id) => PrincipalRecord::User(self.users.get(id.index())?.0.email.to_string()),
            Principal::Team(id) => PrincipalRecord::Team(self.teams.get(id.index())?.0.name.to_string()),
            Principal::Everyone => PrincipalRecord::Everyone,
        };
        let resource = self.resources.get(resource.index())?.0.name.to_string();
        let role = self.roles.get(role.index())?.0.name.to_string();
        Some(GrantRecord { to, resource, role, until: Some(until), because: None })
    }

    /// Adds a domain.
    pub fn domain(&mut self, domain: Domain, origin: O) {
        self.domains.push((domain, origin));
    }

    /// Sets a policy.
    pub fn policy(&mut self, key: PolicyKey, value: Value, origin: O) {
        self.policies.insert(key, (value, origin));
    }

    /// Keeps where something is said that rolecall itself holds to.
    pub fn rule(&mut self, name: String, origin: O) {
        self.rules.insert(name, origin);
    }

    /// Sorts everything and hands out the final numbers. The third part says the final number of each
    /// provisional user, team and resource.
    ///
    /// # Errors
    /// Names the things that were added twice, with both origins.
    pub fn finish(mut self) -> Result<(Directory, Origins<O>, Ranks), Vec<Twice<O>>> {
        let mut order: Vec<usize> = (0..self.permissions.len()).collect();
        order.sort_by(|&a, &b| self.permissions[a].cmp(&self.permissions[b]));
        let bits = ranks(&order);
        for (role, _) in &mut self.roles {
            role.permissions = role.permissions.iter().map(|bit| bits[bit] as usize).collect();
        }
        let permissions = order.iter().map(|&i| self.permissions[i].clone()).collect();

        let mut order: Vec<usize> = (0..self.reasons.len()).collect();
        order.sort_by(|&a, &b| self.reasons[a].cmp(&self.reasons[b]));
        let reason_ranks = ranks(&order);
        let reasons = order.iter().map(|&i| self.reasons[i].clone()).collect();

        let mut twice = Vec::new();
        let (roles, role_origins, r) = sorted(self.roles, |x| &x.name);
        let (mut users, user_origins, u) = sorted(self.users, |x| &x.email);
        let (mut teams, team_origins, t) = sorted(self.teams, |x| &x.name);
        let (mut resources, resource_origins, s) = sorted(self.resources, |x| &x.name);
        let (mut domains, domain_origins, _) = sorted(self.domains, |x| &x.name);
        let role = |id: RoleId| RoleId(r[id.index()]);
        let user = |id: UserId| UserId(u[id.index()]);
        let team = |id: TeamId| TeamId(t[id.index()]);
        let resource = |id: ResourceId| ResourceId(s[id.index()]);

        adjacent(&roles, &role_origins, &mut twice, |a, b| a.name == b.name, |x| ObjectRef::role(&x.name));
        adjacent(&users, &user_origins, &mut twice, |a, b| a.email == b.email, |x| ObjectRef::user(&x.email));
        adjacent(&teams, &team_origins, &mut twice, |a, b| a.name == b.name, |x| ObjectRef::team(&x.name));
        adjacent(&resources, &resource_origins, &mut twice, |a, b| a.name == b.name, |x| ObjectRef::resource(&x.name));
        adjacent(&domains, &domain_origins, &mut twice, |a, b| a.name == b.name, |x| ObjectRef::domain(&x.name));

        for x in &mut users {
            x.role = x.role.map(role);
            x.attributes.sort();
            x.handles.sort();
        }
        for x in &mut teams {
            x.role = x.role.map(role);
            x.outer = x.outer.map(team);
            x.leads = std::mem::take(&mut x.leads).map(|ids| {
                let mut ids: Vec<UserId> = ids.into_iter().map(user).collect();
                ids.sort_unstable();
                ids.dedup();
                ids
            });
        }
        for x in &mut resources {
            x.parent = x.parent.map(resource);
            x.owner = x.owner.map(user);
        }
        for x in &mut domains {
            x.role = x.role.map(role);
            x.teams = std::mem::take(&mut x.teams).map(|ids| {
                let mut ids: Vec<TeamId> = ids.into_iter().map(team).collect();
                ids.sort_unstable();
                ids.dedup();
                ids
            });
        }
        for (m, _) in &mut self.memberships {
            m.team = team(m.team);
            m.user = user(m.user);
            m.role = m.role.map(role);
            m.because = m.because.map(|b| reason_ranks[b as usize]);
        }
        for (g, _) in &mut self.grants {
            g.resource = resource(g.resource);
            g.role = role(g.role);
            g.principal = match g.principal {
                Principal::User(id) => Principal::User(user(id)),
                Principal::Team(id) => Principal::Team(team(id)),
                Principal::Everyone => Principal::Everyone,
            };
            g.because = g.because.map(|b| reason_ranks[b as usize]);
        }
        self.memberships.sort_by_key(|(m, _)| (m.team, m.user));
        self.grants.sort_by_key(|(g, _)| (g.resource, g.principal, g.role));
        let (memberships, membership_origins): (Vec<_>, Vec<_>) = self.memberships.into_iter().unzip();
        let (grants, grant_origins): (Vec<_>, Vec<_>) = self.grants.into_iter().unzip();

        let directory = Directory {
            member_starts: starts(teams.len(), memberships.iter().map(|m| m.team.0)),
            grant_starts: starts(resources.len(), grants.iter().map(|g| g.resource.0)),
            index: Index::default(),
            permissions,
            roles,
            users,
            teams,
            resources,
            memberships,
            grants,
            domains,
            policies: self.policies.iter().map(|(k, (v, _))| (*k, v.clone())).collect(),
            reasons,
        };
        adjacent(
            &directory.memberships,
            &membership_origins,
            &mut twice,
            |a, b| (a.team, a.user) == (b.team, b.user),
            |m| ObjectRef::member(&directory.team(m.team).name, &directory.user(m.user).email),
        );
        adjacent(
            &directory.grants,
            &grant_origins,
            &mut twice,
            |a, b| (a.resource, a.principal, a.role) == (b.resource, b.principal, b.role),
            |g| {
                let principal = directory.principal_record(g.principal).to_string();
                ObjectRef::grant(&directory.resource(g.resource).name, &principal)
            },
        );
        if !twice.is_empty() {
            return Err(twice);
        }
        let origins = Origins {
            roles: role_origins,
            users: user_origins,
            teams: team_origins,
            resources: resource_origins,
            memberships: membership_origins,
            grants: grant_origins,
            domains: domain_origins,
            policies: self.policies.into_iter().map(|(k, (_, o))| (k, o)).collect(),
            rules: self.rules,
        };
        Ok((directory, origins, Ranks { users: u, teams: t, resources: s }))
    }
}

/// A thing that was added twice to a [`Builder`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twice<O> {
    /// The thing.
    pub object: ObjectRef,
    /// Where it was added first.
    pub first: O,
    /// Where it was added again.
    pub second: O,
}

/// The final numbers of what a [`Builder`] had numbered provisionally.
#[derive(Debug, Clone)]
pub struct Ranks {
    users: Vec<u32>,
    teams: Vec<u32>,
    resources: Vec<u32>,
}

impl Ranks {
    /// The final number of a user.
    #[must_use]
    pub fn user(&self, provisional: UserId) -> UserId {
        UserId(self.users[provisional.index()])
    }

    /// The final number of a team.
    #[must_use]
    pub fn team(&self, provisional: TeamId) -> TeamId {
        TeamId(self.teams[provisional.index()])
    }

    /// The final number of a resource.
    #[must_use]
    pub fn resource(&self, provisional: ResourceId) -> ResourceId {
        ResourceId(self.resources[provisional.index()])
    }
}

/// From the order of old indices, the rank of each old index.
fn ranks(order: &[usize]) -> Vec<u32> {
    let mut ranks = vec![0; order.len()];
    for (rank, &old) in order.iter().enumerate() {
        ranks[old] = rank as u32;
    }
    ranks
}

/// Sorts rows by name: the rows, their origins, and the rank of each old index.
fn sorted<T, O>(rows: Vec<(T, O)>, name: impl Fn(&T) -> &str) -> (Vec<T>, Vec<O>, Vec<u32>) {
    let mut rows: Vec<(usize, (T, O))> = rows.into_iter().enumerate().collect();
    rows.sort_by(|(_, (a, _)), (_, (b, _))| name(a).cmp(name(b)));
    let order: Vec<usize> = rows.iter().map(|(old, _)| *old).collect();
    let (things, origins) = rows.into_iter().map(|(_, row)| row).unzip();
    (things, origins, ranks(&order))
}

/// Reports every two neighbours that are the same.
fn adjacent<T, O: Copy>(
    rows: &[T],
    origins: &[O],
    twice: &mut Vec<Twice<O>>,
    same: impl Fn(&T, &T) -> bool,
    name: impl Fn(&T) -> ObjectRef,
) {
    for (index, pair) in rows.windows(2).enumerate() {
        if same(&pair[0], &pair[1]) {
            twice.push(Twice { object: name(&pair[1]), first: origins[index], second: origins[index + 1] });
        }
    }
}
