//! What is there as the embedded directory holds it: users, resources and grants as a declaration names
//! them, teams and policies of the screens, domains of all sign-in pages together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::world::{Kind, User, World};
use crate::model::{
    Change, Directory, DomainRecord, GrantedRole, MemberRecord, PolicyKey, PrincipalRecord, ResourceId, ResourceRecord,
    RoleRecord, TeamId, TeamRecord, UserId, UserRecord, UserState, Visibility, Why,
};

/// The attribute that says the role in the organization.
const ORGANIZATION_ROLE: &str = "organization_role";

/// Who holds what on a resource.
type Key = (String, PrincipalRecord);

/// What the directory holds, as far as it comes from here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shadow {
    roles: BTreeSet<String>,
    users: BTreeMap<String, UserRecord>,
    resources: BTreeMap<String, ResourceRecord>,
    grants: BTreeMap<Key, Vec<GrantedRole>>,
    teams: BTreeMap<String, BTreeSet<String>>,
    domains: BTreeSet<String>,
    policies: BTreeMap<PolicyKey, Value>,
}

/// A role as declarations call it.
pub fn role_name(role: &str) -> &str {
    match role {
        "app" | "user" => "viewer",
        "data_scientist" => "data-scientist",
        other => other,
    }
}

fn level_name(level: &str) -> &str {
    match level {
        "editor" => "edit",
        "viewer" => "view",
        other => other,
    }
}

fn record(user: &User) -> UserRecord {
    let role = user.member.iter().map(|r| (ORGANIZATION_ROLE.to_owned(), r.clone()));
    UserRecord {
        email: user.email.to_lowercase(),
        name: Some(user.name.clone()).filter(|n| !n.is_empty()),
        role: user.role.as_deref().map(|r| role_name(r).to_owned()),
        state: if user.archived { UserState::Disabled } else { UserState::Active },
        attributes: role.collect(),
        ..UserRecord::default()
    }
}

impl Shadow {
    /// What a directory holds of this.
    pub fn of(directory: &Directory) -> Self {
        let mut shadow =
            Self { roles: directory.roles().iter().map(|r| r.name.to_string()).collect(), ..Self::default() };
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        for index in 0..directory.users().len() {
            let record = directory.user_record(UserId(number(index)));
            shadow.users.insert(record.email.clone(), record);
        }
        for index in 0..directory.resources().len() {
            let record = directory.resource_record(ResourceId(number(index)));
            shadow.resources.insert(record.name.clone(), record);
        }
        for grant in directory.grants() {
            let grant = directory.grant_record(grant);
            let role = GrantedRole { role: grant.role, until: grant.until, because: grant.because };
            shadow.grants.entry((grant.resource, grant.to)).or_default().push(role);
        }
        for (index, team) in directory.teams().iter().enumerate() {
            let members = directory.members_of(TeamId(number(index)));
            let members = members.iter().map(|m| directory.user(m.user).email.to_string()).collect();
            shadow.teams.insert(team.name.to_string(), members);
        }
        shadow.domains = directory.domains().iter().map(|d| d.name.to_string()).collect();
        shadow.policies = directory.policies().clone();
        shadow
    }

    /// Forgets what is not here: what others have put into the directory stays in it.
    pub fn keep_to(&mut self, world: &World) {
        let here = Self::project(world);
        self.users.retain(|k, _| here.users.contains_key(k));
        self.resources.retain(|k, _| here.resources.contains_key(k));
        self.grants.retain(|k, _| here.grants.contains_key(k));
        self.teams.retain(|k, _| here.teams.contains_key(k));
        self.domains.retain(|k| here.domains.contains(k));
        self.policies.retain(|k, _| here.policies.contains_key(k));
    }

    fn project(world: &World) -> Self {
        let mut shadow = Self::default();
        let mut emails: HashMap<&str, String> = HashMap::new();
        for (id, user) in world.users.iter() {
            let record = record(user);
            emails.insert(id, record.email.clone());
            shadow.users.insert(record.email.clone(), record);
        }
        for (_, invitation) in world.invitations.iter() {
            let email = invitation.email.to_lowercase();
            let record = UserRecord {
                email: email.clone(),
                state: UserState::Invited,
                attributes: BTreeMap::from([(ORGANIZATION_ROLE.to_owned(), invitation.role.clone())]),
                ..UserRecord::default()
            };
            shadow.users.entry(email).or_insert(record);
        }
        let mut names: HashMap<&str, String> = HashMap::new();
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for (id, thing) in world.things.iter() {
            let name = format!("{}/{}", thing.kind.word(), thing.name);
            let name = if taken.insert(name.clone()) { name } else { format!("{name} ({id})") };
            names.insert(id, name);
        }
        for (id, thing) in world.things.iter() {
            let Some(name) = names.get(id).cloned() else { continue };
            let visibility = match thing.kind {
                Kind::Application | Kind::DataSource if thing.open => Some(Visibility::Everyone),
                Kind::Application | Kind::DataSource => Some(Visibility::Restricted),
                _ => None,
            };
            let record = ResourceRecord {
                name: name.clone(),
                parent: thing.project.as_deref().and_then(|p| names.get(p)).cloned(),
                visibility,
                owner: thing.owner.as_deref().and_then(|o| emails.get(o)).cloned(),
                ..ResourceRecord::default()
            };
            shadow.resources.insert(name.clone(), record);
            let least = if thing.kind == Kind::DataSource { "use" } else { "view" };
            let allowed = thing.allowed.iter().map(|user| (user, least));
            let shared = thing.shared.iter().map(|(user, level)| (user, level_name(level)));
            for (user, role) in allowed.chain(shared) {
                let Some(email) = emails.get(user.as_str()) else { continue };
                let role = GrantedRole { role: role.to_owned(), until: None, because: None };
                shadow.grants.insert((name.clone(), PrincipalRecord::User(email.clone())), vec![role]);
            }
            shadow.domains.extend(thing.sign_in.domains.iter().cloned());
        }
        for (name, team) in world.teams.iter() {
            let members = team.members.iter().filter_map(|m| emails.get(m.as_str()).cloned()).collect();
            shadow.teams.insert(name.to_owned(), members);
        }
        for (name, value) in world.policies.iter() {
            if let Some(key) = PolicyKey::ALL.into_iter().find(|k| k.name() == name) {
                shadow.policies.insert(key, value.clone());
            }
        }
        let roles = shadow.users.values().filter_map(|u| u.role.clone());
        let granted = shadow.grants.values().flatten().map(|r| r.role.clone());
        shadow.roles = roles.chain(granted).collect();
        shadow
    }

    /// What the directory must do to hold what is there now, in an order in which it can.
    pub fn follow(&mut self, world: &World) -> Vec<Change> {
        let mut new = Self::project(world);
        let mut changes = Vec::new();
        self.take_away(&new, &mut changes);
        for role in new.roles.difference(&self.roles) {
            changes.push(Change::CreateRole { role: RoleRecord { name: role.clone(), ..RoleRecord::default() } });
        }
        for (email, user) in &new.users {
            self.user(email, user, &mut changes);
        }
        let order = |name: &str| {
            let kind = name.split('/').next().unwrap_or_default();
            Kind::ALL.iter().position(|k| k.word() == kind).unwrap_or(Kind::ALL.len())
        };
        let mut resources: Vec<&ResourceRecord> = new.resources.values().collect();
        resources.sort_by_key(|r| (order(&r.name), r.name.clone()));
        for resource in resources {
            match self.resources.get(&resource.name) {
                None => changes.push(Change::CreateResource { resource: resource.clone() }),
                Some(before) if before != resource => {
                    changes.push(Change::UpdateResource { before: before.clone(), after: resource.clone() });
                }
                Some(_) => {}
            }
        }
        for ((resource, to), roles) in &new.grants {
            let (resource, to) = (resource.clone(), to.clone());
            match self.grants.get(&(resource.clone(), to.clone())) {
                None => changes.push(Change::GiveGrant { to, resource, roles: roles.clone() }),
                Some(before) if before != roles => {
                    let (before, after) = (before.clone(), roles.clone());
                    changes.push(Change::ChangeGrant { to, resource, before, after });
                }
                Some(_) => {}
            }
        }
        for (name, members) in &new.teams {
            let known = self.teams.get(name);
            if known.is_none() {
                let team = TeamRecord { name: name.clone(), ..TeamRecord::default() };
                changes.push(Change::CreateTeam { team });
            }
            for user in members.iter().filter(|m| known.is_none_or(|k| !k.contains(*m))) {
                let member = MemberRecord { team: name.clone(), user: user.clone(), ..MemberRecord::default() };
                changes.push(Change::AddMember { member });
            }
        }
        for name in new.domains.difference(&self.domains) {
            let domain = DomainRecord { name: name.clone(), ..DomainRecord::default() };
            changes.push(Change::AddDomain { domain });
        }
        for (policy, after) in &new.policies {
            let before = self.policies.get(policy).cloned();
            if before.as_ref() != Some(after) {
                changes.push(Change::SetPolicy { policy: *policy, before, after: after.clone() });
            }
        }
        new.roles.extend(std::mem::take(&mut self.roles));
        *self = new;
        changes
    }

    fn take_away(&self, new: &Self, changes: &mut Vec<Change>) {
        for ((resource, to), roles) in &self.grants {
            if !new.grants.contains_key(&(resource.clone(), to.clone())) {
                let (resource, to, roles) = (resource.clone(), to.clone(), roles.clone());
                changes.push(Change::RevokeGrant { to, resource, roles, reason: Why::Undeclared });
            }
        }
        for (name, members) in &self.teams {
            let stays = new.teams.get(name);
            for user in members.iter().filter(|m| stays.is_none_or(|s| !s.contains(*m))) {
                let member = MemberRecord { team: name.clone(), user: user.clone(), ..MemberRecord::default() };
                changes.push(Change::RemoveMember { member, reason: Why::Undeclared });
            }
            if stays.is_none() {
                let team = TeamRecord { name: name.clone(), ..TeamRecord::default() };
                changes.push(Change::DeleteTeam { team, reason: Why::Undeclared });
            }
        }
        for name in self.domains.difference(&new.domains) {
            let domain = DomainRecord { name: name.clone(), ..DomainRecord::default() };
            changes.push(Change::RemoveDomain { domain, reason: Why::Undeclared });
        }
        for (policy, before) in &self.policies {
            if !new.policies.contains_key(policy) {
                changes.push(Change::UnsetPolicy { policy: *policy, before: before.clone() });
            }
        }
        // What lies in another goes before it.
        let mut gone: Vec<&ResourceRecord> =
            self.resources.values().filter(|r| !new.resources.contains_key(&r.name)).collect();
        gone.sort_by_key(|r| r.parent.is_none());
        for resource in gone {
            changes.push(Change::DeleteResource { resource: resource.clone(), reason: Why::Undeclared });
        }
        for (email, user) in &self.users {
            // An invitation that was accepted is another account.
            let stays = new
                .users
                .get(email)
                .is_some_and(|n| (user.state == UserState::Invited) == (n.state == UserState::Invited));
            if !stays {
                changes.push(Change::DeleteUser { user: user.clone(), reason: Why::Undeclared });
            }
        }
    }

    fn user(&self, email: &str, user: &UserRecord, changes: &mut Vec<Change>) {
        let invited = |u: &UserRecord| u.state == UserState::Invited;
        match self.users.get(email).filter(|before| invited(before) == invited(user)) {
            None if invited(user) => changes.push(Change::InviteUser { user: user.clone() }),
            None => changes.push(Change::CreateUser { user: user.clone() }),
            Some(before) => {
                let after = UserRecord { state: before.state, ..user.clone() };
                if *before != after {
                    changes.push(Change::UpdateUser { before: before.clone(), after: after.clone() });
                }
                if before.state != user.state {
                    changes.push(match user.state {
                        UserState::Disabled => Change::DisableUser { user: after, reason: Why::Declared },
                        _ => Change::EnableUser { user: after },
                    });
                }
            }
        }
    }
}
