//! The whole state of an organization: its people, its open invitations, and the roles on its databases, which
//! are asked for person by person.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::calls::{Index, Row, Session};
use super::{reach, role_name};
use crate::model::{
    Builder, Change, Grant, Membership, Principal, Resource, ResourceId, Role, RoleId, Said, Team, User, UserId,
    UserState,
};
use crate::plan::Reach;
use crate::targets::settle::LookedUp;
use crate::targets::terminusdb::holds::holds;
use crate::targets::terminusdb::notes::some;
use crate::targets::terminusdb::read::capabilities;
use crate::targets::terminusdb::{KIND, resource_name};
use crate::targets::{Capabilities, Reader, Reading, TargetError, Task};

/// Reads an organization.
pub struct HostedReader {
    session: Arc<Session>,
    capabilities: Capabilities,
    looked_up: LookedUp,
}

impl HostedReader {
    /// A reader over that conversation.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        // Who was taken out comes back by an invitation only.
        let capabilities = capabilities(session.client().limits(), true, &[]);
        Self { session, capabilities, looked_up: LookedUp::default() }
    }
}

impl Reader for HostedReader {
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

    fn forecast(&self, waves: &[Vec<&Change>]) -> Option<u64> {
        Some(super::forecast::requests(&self.session, waves))
    }
}

/// Somebody in the organization.
struct Person {
    id: UserId,
    user: String,
    email: String,
}

/// One pass over what was read.
struct Pass<'s> {
    session: &'s Session,
    build: Builder<()>,
    index: Index,
    roles: HashMap<&'static str, RoleId>,
    notes: Vec<String>,
    /// Roles that are none of the five, and who has them.
    strange: BTreeSet<String>,
}

/// Reads everything.
pub async fn read(session: &Session) -> Result<Reading, TargetError> {
    let before = session.client().sent();
    session.is_admin().await?;
    let rows = session.people().await?;
    let invitations = session.invitations().await?;
    let mut pass = Pass {
        session,
        build: Builder::new(),
        index: Index::default(),
        roles: HashMap::new(),
        notes: Vec::new(),
        strange: BTreeSet::new(),
    };
    pass.roles();
    let team = Team { outer: Said::Unsaid, leads: Said::Unsaid, ..Team::new(&session.organization) };
    let team = pass.build.team(team, ());
    let people = pass.people(&rows);
    for person in &people {
        let held = rows.iter().filter(|r| r.user == person.user && r.scope == session.scope());
        let held: Vec<&Row> = held.collect();
        if !held.is_empty() {
            let role = pass.one_of(&held, &person.email);
            pass.build.membership(Membership { team, user: person.id, role, until: Said::Nothing, because: None }, ());
        }
    }
    for invitation in invitations {
        // Who has come in has accepted, whatever is still listed.
        if pass.index.people.contains_key(&invitation.email) {
            continue;
        }
        if pass.index.invited.contains_key(&invitation.email) {
            pass.notes.push(format!("{} has several open invitations: the first one counts", invitation.email));
            continue;
        }
        let mut user = User::new(&invitation.email);
        user.role = Said::Nothing;
        user.state = UserState::Invited;
        let user = pass.build.user(user, ());
        let role = pass.role(&invitation.role, &invitation.email).map_or(Said::Unsaid, Said::Is);
        pass.build.membership(Membership { team, user, role, until: Said::Nothing, because: None }, ());
        pass.index.invited.insert(invitation.email, invitation.role);
    }
    if session.wanted.wants_kinds(&[KIND]) {
        let mut resources = HashMap::new();
        for person in &people {
            let rows = session.databases(&person.user).await?;
            pass.databases(person, &rows, &mut resources);
        }
    }
    if !pass.strange.is_empty() {
        let strange: Vec<String> = pass.strange.iter().cloned().collect();
        pass.notes.push(format!("roles that are none of the product's five are left alone: {}", some(&strange)));
    }
    let Pass { build, mut index, mut notes, .. } = pass;
    let (directory, ..) = build.finish().map_err(|twice| {
        let names: Vec<String> = twice.iter().map(|t| t.object.to_string()).collect();
        TargetError::Malformed(format!("it holds some things twice: {}", some(&names)))
    })?;
    index.read_with = session.client().sent() - before;
    *session.index() = index;
    notes.sort();
    // Whoever applies has Admin Role, or nothing would have been read.
    let admin = |r: &Row| r.scope == session.scope() && r.role.as_deref() == Some(super::ADMIN);
    let doubts = if rows.iter().any(admin) {
        Vec::new()
    } else {
        vec!["nobody is listed who has Admin Role in the organization, as whoever applies has".to_owned()]
    };
    Ok(Reading { directory, notes, doubts })
}

impl Pass<'_> {
    /// The roles are those that the files know: they cannot be changed.
    fn roles(&mut self) {
        let session = self.session;
        for (name, role) in &session.catalogue.roles {
            let permissions: Vec<usize> = role.permissions.iter().flatten().map(|p| self.build.permission(p)).collect();
            let made = Role {
                name: name.as_str().into(),
                description: role.description.as_deref().map_or(Said::Unsaid, |d| Said::Is(d.into())),
                permissions: permissions.into_iter().collect(),
                administers: role.administers,
            };
            let id = self.build.role(made, ());
            if let Some((known, _)) = super::ROLES.iter().find(|(known, _)| known == name) {
                self.roles.insert(known, id);
            }
        }
    }

    /// A role by its address.
    fn role(&mut self, id: &str, who: &str) -> Option<RoleId> {
        let known = role_name(id).and_then(|name| self.roles.get(name).copied());
        if known.is_none() {
            self.strange.insert(format!("{} of {who}", if id.is_empty() { "none" } else { id }));
        }
        known
    }

    /// The people, by their addresses.
    fn people(&mut self, rows: &[Row]) -> Vec<Person> {
        let mut by_email: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in rows {
            if let Some(email) = &row.email {
                by_email.entry(email).or_default().insert(&row.user);
            }
        }
        let with: BTreeSet<&str> = by_email.values().flatten().copied().collect();
        let without: BTreeSet<String> =
            rows.iter().filter(|r| !with.contains(r.user.as_str())).map(|r| r.user.clone()).collect();
        if !without.is_empty() {
            let names: Vec<String> = without.into_iter().collect();
            self.notes.push(format!("accounts without an e-mail address are left alone: {}", some(&names)));
        }
        let mut people = Vec::new();
        for (email, users) in by_email {
            let mut users = users.into_iter();
            let (Some(user), None) = (users.next(), users.next()) else {
                self.notes.push(format!("several accounts have the address {email}: all of them are left alone"));
                continue;
            };
            let mut made = User::new(email);
            made.role = Said::Nothing;
            let id = self.build.user(made, ());
            self.index.people.insert(email.to_owned(), user.to_owned());
            people.push(Person { id, user: user.to_owned(), email: email.to_owned() });
        }
        people
    }

    /// The role of a member.
    fn one_of(&mut self, held: &[&Row], email: &str) -> Said<RoleId> {
        match held {
            [one] => self.role(one.role.as_deref().unwrap_or_default(), email).map_or(Said::Unsaid, Said::Is),
            several => {
                let known = |id: &str| super::ROLES.iter().position(|(_, known)| *known == id);
                let ids: Vec<&str> = several.iter().map(|r| r.role.as_deref().unwrap_or_default()).collect();
                let names: Vec<&str> = ids.iter().map(|id| role_name(id).unwrap_or(id)).collect();
                let highest = ids.iter().max_by_key(|id| known(id)).copied().unwrap_or_default();
                self.notes.push(format!(
                    "{email} has several roles in the organization ({}), of which the highest counts: no call takes \
                     one of them away, so leave one by hand, in {}",
                    names.join(", "),
                    reach::SCREEN
                ));
                self.index.several.insert(email.to_owned());
                self.role(highest, email).map_or(Said::Unsaid, Said::Is)
            }
        }
    }

    /// The databases, and the roles that somebody has on one besides that in the organization.
    fn databases(&mut self, person: &Person, rows: &[Row], resources: &mut HashMap<String, ResourceId>) {
        for row in rows.iter().filter(|r| r.scope != self.session.scope()) {
            let Some(name) = &row.name else { continue };
            let name = resource_name(&self.session.organization, name);
            let resource = match resources.get(&row.scope) {
                Some(resource) => *resource,
                None => {
                    // The rows show no description.
                    let made = Resource { parent: Said::Nothing, ..Resource::new(&name) };
                    let id = self.build.resource(made, ());
                    resources.insert(row.scope.clone(), id);
                    self.index.databases.insert(name, row.scope.clone());
                    id
                }
            };
            if row.capability.is_none() {
                continue;
            }
            if let Some(role) = self.role(row.role.as_deref().unwrap_or_default(), &person.email) {
                let principal = Principal::User(person.id);
                self.build.grant(Grant { resource, principal, role, until: None, because: None }, ());
            }
        }
    }
}
