//! The whole state of a server, from one answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::documents::Documents;
use super::holds::holds;
use super::notes::{Notes, some};
use super::session::{ADMIN, ADMIN_ORGANIZATION, ANONYMOUS, Index, Session};
use super::settings::SETTLE;
use super::{HANDLE, forecast, reach, resource_name};
use crate::model::{
    Builder, Change, Effect, Email, Grant, Kept, Kind, Membership, Principal, Resource, ResourceId, Role, RoleId, Said,
    Team, TeamId, User, UserId,
};
use crate::plan::{Promise, Reach};
use crate::targets::http::Limits;
use crate::targets::settle::LookedUp;
use crate::targets::{Capabilities, Reader, Reading, TargetError, Task};

/// Reads a server.
pub struct TerminusReader {
    session: Arc<Session>,
    capabilities: Capabilities,
    looked_up: LookedUp,
}

impl TerminusReader {
    /// A reader over that conversation.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        // An account cannot be closed: it goes, and a new one starts empty (section 7, trap 9).
        let capabilities = capabilities(session.client().limits(), false, &[HANDLE]);
        Self { session, capabilities, looked_up: LookedUp::default() }
    }
}

/// What can be done here in either mode: no name can be changed (section 9), who is gone does not come back by
/// itself, and what is touched is read right before and after, since grants honour no version (section 6).
pub fn capabilities(limits: &Limits, invites: bool, handles: &'static [&'static str]) -> Capabilities {
    Capabilities {
        kinds: vec![Kind::Role, Kind::User, Kind::Team, Kind::Member, Kind::Resource, Kind::Grant],
        renames: false,
        enables: false,
        invites,
        kept: Kept {
            accounts: false,
            timezones: false,
            attributes: Some(&[]),
            handles: Some(handles),
            team_details: false,
            team_roles: false,
            member_details: true,
        },
        concurrency: limits.concurrency,
        requests_per_minute: limits.per_minute,
        page: None,
        settle: SETTLE,
        level: Promise::Observed,
    }
}

/// Whether a change is there in what was read; what a doubtful reading lacks may be there all the same.
pub fn verified(reading: &Reading, change: &Change) -> bool {
    let known = reading.doubts.is_empty() || change.effect() != Effect::Remove;
    known && holds(&reading.directory, change)
}

impl Reader for TerminusReader {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn read(&self) -> Task<'_, Result<Reading, TargetError>> {
        Box::pin(async move {
            self.looked_up.forget();
            read(&self.session).await
        })
    }

    fn holds<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>> {
        Box::pin(async move {
            let directory = self.looked_up.or(read(&self.session)).await?;
            Ok(self.looked_up.confirms(change) && holds(&directory, change))
        })
    }

    fn reach(&self, change: &Change) -> Reach {
        reach::reach(&self.session, change)
    }

    fn contains_blocks(&self) -> bool {
        true
    }

    fn forecast(&self, waves: &[Vec<&Change>]) -> Option<u64> {
        Some(forecast::requests(&self.session, waves))
    }
}

/// Reads everything.
pub async fn read(session: &Session) -> Result<Reading, TargetError> {
    let before = session.client().sent();
    session.is_admin().await?;
    let documents = session.documents().await?;
    let mut pass = Pass::new(session, &documents);
    pass.roles();
    pass.users();
    pass.places();
    pass.held();
    let Pass { build, notes, mut index, .. } = pass;
    let (directory, ..) = build.finish().map_err(|twice| {
        let names: Vec<String> = twice.iter().map(|t| t.object.to_string()).collect();
        TargetError::Malformed(format!("it holds some things twice: {}", some(&names)))
    })?;
    let holders = documents.holders();
    index.shared = holders.iter().filter(|(_, users)| users.len() > 1).map(|(id, _)| (*id).to_owned()).collect();
    index.read_with = session.client().sent() - before;
    *session.index() = index;
    Ok(Reading { directory, notes: notes.finish(&documents), doubts: documents.doubts() })
}

/// One pass over what was read.
struct Pass<'s> {
    session: &'s Session,
    documents: &'s Documents,
    build: Builder<()>,
    notes: Notes,
    index: Index,
    /// By id of the server.
    roles: HashMap<&'s str, RoleId>,
    users: HashMap<&'s str, UserId>,
    teams: HashMap<&'s str, TeamId>,
    resources: HashMap<&'s str, ResourceId>,
    /// Of several roles that somebody holds together: what stands for them.
    together: BTreeMap<BTreeSet<&'s str>, RoleId>,
}

impl<'s> Pass<'s> {
    fn new(session: &'s Session, documents: &'s Documents) -> Self {
        Self {
            session,
            documents,
            build: Builder::new(),
            notes: Notes::default(),
            index: Index::default(),
            roles: HashMap::new(),
            users: HashMap::new(),
            teams: HashMap::new(),
            resources: HashMap::new(),
            together: BTreeMap::new(),
        }
    }

    /// The roles of the server, and the one that it has without a document: that of `admin`.
    fn roles(&mut self) {
        let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, role) in &self.documents.roles {
            by_name.entry(&role.name).or_default().push(id);
        }
        for (name, ids) in by_name {
            let [id] = ids.as_slice() else {
                self.index.ambiguous_roles.insert(name.to_owned());
                self.notes.say(format!("{} roles are called `{name}`: all of them are left alone", ids.len()));
                continue;
            };
            if name.is_empty() {
                continue;
            }
            let actions = self.documents.roles.get(*id).map(|r| r.actions.clone()).unwrap_or_default();
            let permissions: Vec<usize> = actions.iter().map(|a| self.build.permission(a)).collect();
            let known = self.session.catalogue.roles.get(name);
            if let Some(said) = known.and_then(|r| r.permissions.as_ref())
                && super::session::BUILT_IN.contains(id)
                && !said.iter().eq(actions.iter())
            {
                self.notes.say(format!("the built-in role `{name}` has other actions than a new server gives it"));
            }
            // The server keeps no descriptions: those of the catalogue are as good as its own.
            let description = known.and_then(|r| r.description.as_deref());
            let role = Role {
                name: name.into(),
                description: description.map_or(Said::Unsaid, |d| Said::Is(d.into())),
                permissions: permissions.into_iter().collect(),
                administers: false,
            };
            self.index.roles.insert(name.to_owned(), (*id).to_owned());
            self.roles.insert(id, self.build.role(role, ()));
        }
    }

    /// The role of `admin`, which has no document; there where the files say whose account that is.
    fn super_user(&mut self) -> Option<RoleId> {
        let (name, role) = self.session.catalogue.roles.iter().find(|(_, r)| r.administers)?;
        let permissions: Vec<usize> = role.permissions.iter().flatten().map(|p| self.build.permission(p)).collect();
        let description = role.description.as_deref().map_or(Said::Unsaid, |d| Said::Is(d.into()));
        let permissions = permissions.into_iter().collect();
        let role = Role { name: name.as_str().into(), description, permissions, administers: true };
        Some(self.build.role(role, ()))
    }

    /// The accounts: by the handle that somebody has here, or by a name that is an address.
    fn users(&mut self) {
        let mut claimed: BTreeMap<String, &'s str> = BTreeMap::new();
        let handles = &self.session.wanted.handles;
        for (id, user) in &self.documents.users {
            if let Some(email) = handles.get(&(HANDLE.to_owned(), user.name.clone())) {
                claimed.insert(email.clone(), id);
            }
        }
        let mut strangers: Vec<String> = Vec::new();
        let by_handle: BTreeSet<&str> = claimed.values().copied().collect();
        for (id, user) in &self.documents.users {
            if by_handle.contains(id.as_str()) || id == ANONYMOUS {
                continue;
            }
            // Names are compared with their case here, and addresses are not.
            match Email::parse(&user.name).ok().filter(|e| id != ADMIN && e.as_str() == user.name) {
                Some(email) if !claimed.contains_key(email.as_str()) => {
                    claimed.insert(email.as_str().to_owned(), id);
                }
                Some(email) => self.notes.say(format!(
                    "the account `{}` is left alone: {} has another one by their handle",
                    user.name,
                    email.as_str()
                )),
                None if id == ADMIN => {}
                None => strangers.push(user.name.clone()),
            }
        }
        let mut admins = None;
        for (email, id) in claimed {
            let Some(found) = self.documents.users.get(id) else { continue };
            let mut user = User::new(&email);
            user.role = Said::Nothing;
            if id == ADMIN {
                user.role = self.super_user().map_or(Said::Nothing, Said::Is);
                admins = Some(email.clone());
            }
            if found.name != email {
                user.handles = vec![(HANDLE.into(), Said::Is(found.name.as_str().into()))];
            }
            self.users.insert(id, self.build.user(user, ()));
            self.index.users.insert(email, (id.to_owned(), found.name.clone()));
        }
        self.notes.accounts(&strangers, admins.is_some());
    }

    /// Organizations and databases.
    fn places(&mut self) {
        for (id, organization) in &self.documents.organizations {
            self.index.organizations.insert(organization.name.clone(), id.clone());
            if id == ADMIN_ORGANIZATION || organization.name.is_empty() {
                continue;
            }
            let team = Team { outer: Said::Unsaid, leads: Said::Unsaid, ..Team::new(&organization.name) };
            self.teams.insert(id, self.build.team(team, ()));
        }
        let homes: Vec<(&'s str, &'s str)> = self.documents.homes().into_iter().collect();
        for (id, home) in homes {
            let (Some(database), Some(organization)) =
                (self.documents.databases.get(id), self.documents.organizations.get(home))
            else {
                continue;
            };
            let name = resource_name(&organization.name, &database.name);
            let mut resource = Resource::new(&name);
            resource.description = Said::known(database.comment.as_deref().map(Into::into));
            resource.parent = Said::Nothing;
            self.index.databases.insert(name, id.to_owned());
            self.resources.insert(id, self.build.resource(resource, ()));
        }
    }

    /// What is held: several capabilities of an account for one scope count together.
    fn held(&mut self) {
        for (id, user) in &self.documents.users {
            let principal = match self.users.get(id.as_str()) {
                Some(user) => Principal::User(*user),
                None if id == ANONYMOUS => Principal::Everyone,
                None => continue,
            };
            let mut scopes: BTreeMap<&'s str, BTreeSet<&'s str>> = BTreeMap::new();
            for capability in user.capabilities.iter().filter_map(|c| self.documents.capabilities.get(c)) {
                let roles = capability.roles.iter().map(String::as_str).filter(|r| self.roles.contains_key(r));
                scopes.entry(&capability.scope).or_default().extend(roles);
            }
            let gives = |scope: &str| {
                let mut all = user.capabilities.iter().filter_map(|c| self.documents.capabilities.get(c));
                all.any(|c| c.scope == scope && !c.roles.is_empty())
            };
            for (scope, roles) in scopes {
                if let Some(&resource) = self.resources.get(scope) {
                    for role in roles.into_iter().filter_map(|r| self.roles.get(r).copied()) {
                        self.build.grant(Grant { resource, principal, role, until: None, because: None }, ());
                    }
                } else if let (Some(&team), Principal::User(member)) = (self.teams.get(scope), principal) {
                    let role = self.one_of(&roles, &user.name, scope);
                    let membership = Membership { team, user: member, role, until: Said::Nothing, because: None };
                    self.build.membership(membership, ());
                } else if let (Some(organization), Principal::Everyone) =
                    (self.documents.organizations.get(scope), principal)
                {
                    self.notes.say(format!(
                        "anonymous has roles in the organization `{}`: whoever comes without credentials has them on \
                         its data products, and accounts do not; rolecall leaves them alone",
                        organization.name
                    ));
                } else if id != ADMIN && matches!(principal, Principal::User(_)) && gives(scope) {
                    let name = self.documents.organizations.get(scope).map_or(scope, |o| o.name.as_str());
                    self.notes.say(format!(
                        "`{}` has roles on `{name}`, which rolecall leaves alone, a block as well: take them away with \
                         POST /api/capabilities",
                        user.name
                    ));
                }
            }
        }
    }

    /// The role of a member. A membership has one role in the files and any number here: several count as one
    /// that gives what they give together, under all their names.
    fn one_of(&mut self, roles: &BTreeSet<&'s str>, user: &str, scope: &str) -> Said<RoleId> {
        let mut ids = roles.iter();
        let (Some(first), None) = (ids.next(), ids.next()) else {
            return if roles.is_empty() { Said::Nothing } else { Said::Is(self.together(roles, user, scope)) };
        };
        Said::known(self.roles.get(first).copied())
    }

    fn together(&mut self, roles: &BTreeSet<&'s str>, user: &str, scope: &str) -> RoleId {
        let documents = self.documents;
        let of: Vec<&super::documents::Role> = roles.iter().filter_map(|r| documents.roles.get(*r)).collect();
        let mut names: Vec<&str> = of.iter().map(|r| r.name.as_str()).collect();
        names.sort_unstable();
        let mut name = names.join(" + ");
        while documents.roles.values().any(|r| r.name == name) {
            name.push_str(" together");
        }
        let organization = documents.organizations.get(scope).map(|o| o.name.as_str()).unwrap_or_default();
        self.notes.say(format!(
            "`{user}` has several roles in the organization `{organization}`, which count as one, `{name}`: a declared \
             role takes their place"
        ));
        if let Some(role) = self.together.get(roles) {
            return *role;
        }
        let actions: BTreeSet<&String> = of.iter().flat_map(|r| &r.actions).collect();
        let permissions: Vec<usize> = actions.into_iter().map(|a| self.build.permission(a)).collect();
        let permissions = permissions.into_iter().collect();
        let made = Role { name: name.as_str().into(), description: Said::Unsaid, permissions, administers: false };
        let role = self.build.role(made, ());
        self.index.together.insert(name, roles.iter().map(|r| (*r).to_owned()).collect());
        self.together.insert(roles.clone(), role);
        role
    }
}
