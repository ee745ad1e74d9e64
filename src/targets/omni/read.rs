//! The whole state of an instance, as far as a run has to see it: people, groups, roles on connections and
//! models, permits on folders and documents.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use super::holds::holds;
use super::paging::{Listing, cursor, scim};
use super::session::{Index, Session};
use super::settings::SETTLE;
use super::shape::{
    Definition, Document, Folder, From, Group, Holder, IS_ADMIN, Named, Permit, Person, Row, SYSTEM, TIMEZONE, Thing,
};
use super::{forecast, leaving, reach};
use crate::model::{
    Builder, Catalogue, Change, Grant, Kept, Kind, Membership, Principal, PrincipalRecord, Resource, ResourceId,
    RoleId, Said, Team, TeamId, User, UserId, UserState,
};
use crate::plan::{Belongings, Promise, Reach};
use crate::targets::http::encode;
use crate::targets::scim::value::{get, list, text};
use crate::targets::settle::LookedUp;
use crate::targets::{Capabilities, Reader, Reading, TargetError, Task, roles};

/// The kinds on which somebody holds a role as a user or group, not by a permit.
pub const WITH_ROLES: &[&str] = &["connection", "model"];

/// Folders of the organization: those of people are theirs (section b.6).
pub const OPEN: &str = "&scope=organization";

/// So many of those who are only counted are named.
const NAMED: usize = 3;

/// Reads an instance.
pub struct OmniReader {
    session: Arc<Session>,
    capabilities: Capabilities,
    /// What was read to find out what became of changes that were cut off.
    looked_up: LookedUp,
}

impl OmniReader {
    /// A reader over that conversation.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        let limits = session.client().limits();
        let capabilities = Capabilities {
            // Domains cannot be read or written: each is a step by hand.
            kinds: Kind::ALL.into_iter().filter(|k| !matches!(k, Kind::Domain | Kind::Policy)).collect(),
            renames: true,
            // Whoever comes back is somebody new (section b.1).
            enables: false,
            invites: false,
            kept: Kept {
                accounts: false,
                timezones: true,
                attributes: None,
                handles: Some(&[]),
                team_details: false,
                team_roles: false,
                member_details: false,
            },
            concurrency: limits.concurrency,
            requests_per_minute: limits.per_minute,
            page: Some(super::paging::PAGE),
            settle: SETTLE,
            // What is touched is read right before and after; nothing lets Omni check it at once.
            level: Promise::Observed,
        };
        Self { session, capabilities, looked_up: LookedUp::default() }
    }
}

impl Reader for OmniReader {
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

    fn belongings<'a>(&'a self, users: &'a [String]) -> Task<'a, Result<BTreeMap<String, Belongings>, TargetError>> {
        Box::pin(leaving::belongings(&self.session, users))
    }

    fn forecast(&self, waves: &[Vec<&Change>]) -> Option<u64> {
        Some(forecast::requests(&self.session, waves))
    }
}

/// Reads what is wanted.
pub async fn read(session: &Session) -> Result<Reading, TargetError> {
    let before = session.client().sent();
    let (administrator, people, groups, definitions) = tokio::try_join!(
        administrator(session),
        scim(session, "/scim/v2/users", Person::read),
        scim(session, "/scim/v2/groups", Group::read),
        session.get("/v1/user-attributes"),
    )?;
    let mut doubts = people.doubts;
    doubts.extend(groups.doubts);
    let mut pass = Pass::new(session);
    pass.index.definitions = list(&definitions, "records").iter().filter_map(Definition::read).collect();
    pass.roles = roles::known(&mut pass.build, pass.catalogue);
    pass.people(people.items, administrator.as_deref());
    doubts.extend(pass.groups(&groups.items));

    let wanted = &session.wanted;
    if wanted.wants_kinds(WITH_ROLES) {
        let (connections, models) =
            tokio::try_join!(session.get("/v1/connections"), cursor(session, "/v1/models", "", Named::model))?;
        let connections: Vec<Named> = list(&connections, "connections").iter().filter_map(Named::connection).collect();
        doubts.extend(models.doubts);
        pass.connections(&connections);
        pass.models(&models.items);
        let holders = pass.holders();
        let rows = each(session, holders, |id, holder| match holder {
            PrincipalRecord::Team(_) => format!("/v1/user-groups/{}/model-roles", encode(id)),
            _ => format!("/v1/users/{}/model-roles", encode(id)),
        })
        .await?;
        for (holder, answer) in rows {
            pass.model_roles(&holder, &Row::all(&answer));
        }
    }
    if wanted.wants_kinds(&["folder", "document"]) {
        let Listing { items, doubts: more } = cursor(session, "/v1/folders", OPEN, Folder::read).await?;
        doubts.extend(more);
        pass.folders(&items);
        if wanted.wants_kinds(&["document"]) {
            let Listing { items, doubts: more } = cursor(session, "/v1/documents", "", Document::read).await?;
            doubts.extend(more);
            pass.documents(items);
        }
        let places = pass.places();
        let permits = each(session, places, |id, thing| match thing {
            Thing::Folder(_) | Thing::Document(_) => thing.permits().unwrap_or_default(),
            _ => id.to_owned(),
        })
        .await?;
        for (thing, answer) in permits {
            pass.permits(&thing, &Permit::all(&answer));
        }
    }
    pass.finish(doubts, before)
}

/// One request for each of these, as many at a time as there may be. What is not there any more is left out.
async fn each<T: Clone>(
    session: &Session,
    of: Vec<(String, T)>,
    path: impl Fn(&str, &T) -> String,
) -> Result<Vec<(T, Value)>, TargetError> {
    let width = session.client().limits().concurrency.max(1);
    let paths: Vec<(T, String)> = of.into_iter().map(|(id, what)| (what.clone(), path(&id, &what))).collect();
    let found: Vec<Option<(T, Value)>> = stream::iter(paths)
        .map(|(what, path)| async move { Ok::<_, TargetError>(session.get_one(&path).await?.map(|v| (what, v))) })
        .buffered(width)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

/// The membership id of whom the key stands for, where they administer the organization. It is the only
/// administrator whom the API surely names (section d.2).
async fn administrator(session: &Session) -> Result<Option<String>, TargetError> {
    match session.get("/v1/whoami").await {
        Ok(me) => {
            let admin = text(&me, "orgRole").is_some_and(|r| r == "ORG_ADMIN");
            Ok(get(&me, "user").filter(|_| admin).and_then(|u| text(u, "membershipId")))
        }
        // Instances that are older than this endpoint.
        Err(TargetError::Gone(_) | TargetError::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// One pass over what was read.
struct Pass<'s> {
    session: &'s Session,
    catalogue: &'s Catalogue,
    build: Builder<()>,
    notes: Vec<String>,
    index: Index,
    roles: BTreeMap<String, RoleId>,
    users: HashMap<String, UserId>,
    /// Who says that they are in a group, by its id.
    in_groups: HashMap<String, Vec<UserId>>,
    teams: HashMap<String, TeamId>,
    /// By the name in the files.
    resources: HashMap<String, ResourceId>,
    /// The names in the files, by what the instance calls it.
    names: HashMap<(&'static str, String), String>,
    grants: BTreeSet<(ResourceId, Principal, RoleId)>,
    /// Roles that only this organization knows.
    custom: BTreeSet<String>,
    /// Roles and permits of nobody that rolecall manages.
    strangers: usize,
    boosted: BTreeSet<String>,
}

impl<'s> Pass<'s> {
    fn new(session: &'s Session) -> Self {
        Self {
            session,
            catalogue: &session.catalogue,
            build: Builder::new(),
            notes: Vec::new(),
            index: Index::default(),
            roles: BTreeMap::new(),
            users: HashMap::new(),
            in_groups: HashMap::new(),
            teams: HashMap::new(),
            resources: HashMap::new(),
            names: HashMap::new(),
            grants: BTreeSet::new(),
            custom: BTreeSet::new(),
            strangers: 0,
            boosted: BTreeSet::new(),
        }
    }

    fn people(&mut self, people: Vec<Person>, administrator: Option<&str>) {
        self.index.shows_system = people.iter().any(|p| p.attributes.keys().any(|k| k.starts_with(SYSTEM)));
        let mut nameless = Vec::new();
        let mut by_email: BTreeMap<String, Vec<Person>> = BTreeMap::new();
        for person in people {
            match &person.email {
                Some(email) => by_email.entry(email.clone()).or_default().push(person),
                None => nameless.push(person.id),
            }
        }
        if !nameless.is_empty() {
            let what = if nameless.len() == 1 {
                "1 account has".to_owned()
            } else {
                format!("{} accounts have", nameless.len())
            };
            self.notes.push(format!("{what} no e-mail address, and left alone: {}", some(&nameless)));
        }
        for (email, mut same) in by_email {
            // Whoever was revoked and came back is there twice at most: the one who can come in is meant.
            if same.len() > 1 && same.iter().filter(|p| p.active).count() == 1 {
                same.retain(|p| p.active);
            }
            match <[Person; 1]>::try_from(same) {
                Ok([person]) => self.person(email, person, administrator),
                Err(same) => {
                    let count = same.len();
                    self.notes.push(format!("{count} accounts have the address {email}: all of them are left alone"));
                }
            }
        }
    }

    fn person(&mut self, email: String, person: Person, administrator: Option<&str>) {
        let mut user = User::new(&email);
        user.name = Said::known(person.name.as_deref().map(Into::into));
        user.state = if person.active { UserState::Active } else { UserState::Disabled };
        let says_admin = person.attributes.get(IS_ADMIN).map(|v| v.eq_ignore_ascii_case("true"));
        let role = match says_admin {
            _ if administrator == Some(person.id.as_str()) => Some("ORG_ADMIN"),
            Some(true) => Some("ORG_ADMIN"),
            Some(false) => Some("MEMBER"),
            // Nobody says: a step by hand tells what to look at.
            None => None,
        };
        user.role = role.and_then(|r| self.roles.get(r)).map_or(Said::Unsaid, |id| Said::Is(*id));
        user.timezone = match person.attributes.get(TIMEZONE) {
            Some(zone) => Said::Is(zone.as_str().into()),
            None if self.index.shows_system => Said::Nothing,
            None => Said::Unsaid,
        };
        let own = person.attributes.iter().filter(|(name, _)| !self.is_system(name));
        user.attributes = own.map(|(name, value)| (name.as_str().into(), Said::Is(value.as_str().into()))).collect();
        for name in &person.unclear {
            user.attributes.push((name.as_str().into(), Said::Unsaid));
            self.notes.push(format!("the values of attribute `{name}` of {email} hold commas, and are left alone"));
        }
        let id = self.build.user(user, ());
        self.users.insert(person.id.clone(), id);
        if person.active {
            for group in person.groups {
                self.in_groups.entry(group).or_default().push(id);
            }
        } else {
            self.index.inactive.insert(email.clone());
        }
        self.index.emails.insert(person.id.clone(), email.clone());
        self.index.users.insert(email, person.id);
    }

    fn is_system(&self, name: &str) -> bool {
        name.starts_with(SYSTEM) || self.index.definitions.get(name).is_some_and(|d| d.system)
    }

    /// The groups with their members; what makes it doubtful that these are all.
    fn groups(&mut self, groups: &[Group]) -> Vec<String> {
        let mut doubts = Vec::new();
        let mut by_name: BTreeMap<&str, Vec<&Group>> = BTreeMap::new();
        for group in groups {
            by_name.entry(&group.name).or_default().push(group);
        }
        let mut strangers = Vec::new();
        for (name, same) in by_name {
            let [group] = same.as_slice() else {
                self.notes.push(format!("{} groups are called `{name}`: all of them are left alone", same.len()));
                self.index.ambiguous_groups.insert(name.to_owned());
                continue;
            };
            let team = Team { outer: Said::Nothing, leads: Said::Unsaid, ..Team::new(name) };
            let id = self.build.team(team, ());
            self.teams.insert(name.to_owned(), id);
            self.index.groups.insert(name.to_owned(), group.id.clone());
            let mut inside: BTreeSet<UserId> =
                group.members.iter().filter_map(|m| self.users.get(m)).copied().collect();
            if group.members.is_empty()
                && let Some(users) = self.in_groups.remove(&group.id)
            {
                doubts.push(format!("group `{name}` shows no members, and {} say that they are in it", users.len()));
                inside.extend(users);
                self.index.hiding_groups.insert(name.to_owned());
            }
            let others = group.members.iter().filter(|m| !self.users.contains_key(*m)).count();
            if others > 0 {
                strangers.push(name.to_owned());
            }
            for user in inside {
                let membership = Membership { team: id, user, role: Said::Unsaid, until: Said::Unsaid, because: None };
                self.build.membership(membership, ());
            }
        }
        if !strangers.is_empty() {
            self.notes.push(format!(
                "members who are no standard users (embed users, for example) stay in: {}",
                some(&strangers)
            ));
        }
        doubts
    }

    /// The name in the files: its own where it is the only one of that kind, else its id.
    fn named(&mut self, kind: &'static str, things: &[Named]) -> Vec<String> {
        let mut count: HashMap<&str, usize> = HashMap::new();
        for name in things.iter().filter_map(|t| t.name.as_deref()) {
            *count.entry(name).or_default() += 1;
        }
        let mut twice: Vec<&str> = count.iter().filter(|(_, n)| **n > 1).map(|(name, _)| *name).collect();
        twice.sort_unstable();
        for name in twice {
            let ids: Vec<String> =
                things.iter().filter(|t| t.name.as_deref() == Some(name)).map(|t| t.id.clone()).collect();
            self.notes.push(format!(
                "{} {kind}s are called `{name}`: in the files they are {}",
                ids.len(),
                ids.iter().map(|id| format!("{kind}/{id}")).collect::<Vec<_>>().join(" and ")
            ));
        }
        let name =
            |t: &Named| t.name.clone().filter(|n| count.get(n.as_str()) == Some(&1)).unwrap_or_else(|| t.id.clone());
        things.iter().map(|t| format!("{kind}/{}", name(t))).collect()
    }

    fn resource(
        &mut self,
        kind: &'static str,
        key: &str,
        name: String,
        thing: Thing,
        parent: Option<ResourceId>,
    ) -> bool {
        if self.resources.contains_key(&name) {
            self.notes.push(format!("several things are called {name}: only the first of them is looked at"));
            return false;
        }
        let mut resource = Resource::new(&name);
        resource.parent = Said::known(parent);
        let id = self.build.resource(resource, ());
        self.names.insert((kind, key.to_owned()), name.clone());
        self.index.things.insert(name.clone(), thing);
        self.resources.insert(name, id);
        true
    }

    fn connections(&mut self, connections: &[Named]) {
        let names = self.named("connection", connections);
        for (connection, name) in connections.iter().zip(names) {
            let thing = Thing::Connection(connection.id.clone());
            if !self.resource("connection", &connection.id, name.clone(), thing, None) {
                continue;
            }
            if let Some(base) = connection.base.as_deref() {
                self.grant(&name, Principal::Everyone, base, None);
            }
        }
    }

    fn models(&mut self, models: &[Named]) {
        let names = self.named("model", models);
        for (model, name) in models.iter().zip(names) {
            let connection = model.connection.as_ref().and_then(|c| self.names.get(&("connection", c.clone())));
            let parent = connection.and_then(|name| self.resources.get(name)).copied();
            self.resource("model", &model.id, name, Thing::Model(model.id.clone()), parent);
        }
    }

    /// Those whose roles on models and connections are asked for, each with a request of its own.
    fn holders(&self) -> Vec<(String, PrincipalRecord)> {
        let wanted = &self.session.wanted;
        let users = self.index.users.iter().map(|(email, id)| (id.clone(), PrincipalRecord::User(email.clone())));
        let groups = self.index.groups.iter().map(|(name, id)| (id.clone(), PrincipalRecord::Team(name.clone())));
        let mut all: Vec<(String, PrincipalRecord)> =
            users.chain(groups).filter(|(_, p)| wanted.wants_holder(WITH_ROLES, p)).collect();
        all.sort();
        all
    }

    fn principal(&self, holder: &PrincipalRecord) -> Option<Principal> {
        match holder {
            PrincipalRecord::User(email) => self.users.get(self.index.users.get(email)?).copied().map(Principal::User),
            PrincipalRecord::Team(name) => self.teams.get(name).copied().map(Principal::Team),
            PrincipalRecord::Everyone => Some(Principal::Everyone),
        }
    }

    fn model_roles(&mut self, holder: &PrincipalRecord, rows: &[Row]) {
        let Some(principal) = self.principal(holder) else { return };
        let own = if matches!(holder, PrincipalRecord::Team(_)) { From::Group } else { From::User };
        for row in rows.iter().filter(|r| r.from == own) {
            let name = if row.is_of_connection() {
                row.connection.as_ref().and_then(|c| self.names.get(&("connection", c.clone())))
            } else {
                row.model.as_ref().and_then(|m| self.names.get(&("model", m.clone())))
            };
            // What is on a model that is gone or takes no roles.
            if let Some(name) = name.cloned() {
                self.grant(&name, principal, &row.role, row.base.as_deref());
            }
        }
    }

    /// A direct `NO_ACCESS` is none: it only says that there is no other (section c).
    fn grant(&mut self, resource: &str, principal: Principal, role: &str, base: Option<&str>) {
        let Some(&resource) = self.resources.get(resource) else { return };
        let proper = self.session.role(role, base);
        if self.catalogue.role(role).is_none() {
            self.custom.insert(format!("{role} ({})", base.unwrap_or("of an unknown kind")));
        }
        let Some(proper) = proper.filter(|r| r != "NO_ACCESS") else { return };
        let Some(&role) = self.roles.get(&proper) else { return };
        if self.grants.insert((resource, principal, role)) {
            self.build.grant(Grant { resource, principal, role, until: None, because: None }, ());
        }
    }

    fn folders(&mut self, folders: &[Folder]) {
        let mut open: Vec<&Folder> = folders.iter().filter(|f| !f.restricted).collect();
        // A folder comes after the one that it lies in.
        open.sort_by(|a, b| a.path.cmp(&b.path));
        for folder in open {
            let parent =
                folder.path.rsplit_once('/').and_then(|(around, _)| self.resources.get(&format!("folder/{around}")));
            let (name, parent) = (format!("folder/{}", folder.path), parent.copied());
            self.resource("folder", &folder.id, name, Thing::Folder(folder.id.clone()), parent);
        }
    }

    fn documents(&mut self, documents: Vec<Document>) {
        for document in documents {
            if let Some(owner) = &document.owner {
                self.index.owned.entry(owner.clone()).or_default().push(document.clone());
            }
            if document.restricted {
                continue;
            }
            let name = format!("document/{}", document.identifier);
            let parent =
                document.folder.as_ref().and_then(|path| self.resources.get(&format!("folder/{path}"))).copied();
            let thing = Thing::Document(document.identifier.clone());
            let owner = document.owner.as_ref().and_then(|id| self.users.get(id)).copied();
            if self.resource("document", &document.identifier, name.clone(), thing, parent)
                && let Some(resource) = self.resources.get(&name).and_then(|id| self.build.resource_mut(*id))
            {
                resource.owner = owner.map_or(Said::Unsaid, Said::Is);
            }
        }
    }

    /// The folders and documents whose permits are asked for.
    fn places(&self) -> Vec<(String, Thing)> {
        let wanted = &self.session.wanted;
        let permits = |thing: &Thing| matches!(thing, Thing::Folder(_) | Thing::Document(_));
        let all = self.index.things.iter().filter(|(name, thing)| permits(thing) && wanted.wants(name));
        let mut all: Vec<(String, Thing)> = all.map(|(name, thing)| (name.clone(), thing.clone())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    fn permits(&mut self, thing: &Thing, permits: &[Permit]) {
        let name = match thing {
            Thing::Folder(id) => self.names.get(&("folder", id.clone())),
            Thing::Document(id) => self.names.get(&("document", id.clone())),
            Thing::Connection(_) | Thing::Model(_) => None,
        };
        let Some(name) = name.cloned() else { return };
        let owns = |p: &Permit| p.owner || p.role == "OWNER";
        for permit in permits.iter().filter(|p| owns(p)) {
            if let Holder::User(id) = &permit.holder
                && let Some(email) = self.index.emails.get(id).cloned()
            {
                self.index.owners.insert(name.clone(), email);
            }
        }
        for permit in permits.iter().filter(|p| !owns(p)) {
            let principal = match &permit.holder {
                Holder::Organization => Some(Principal::Everyone),
                Holder::User(id) => self.users.get(id).copied().map(Principal::User),
                Holder::Group(name) => self.teams.get(name).copied().map(Principal::Team),
            };
            match principal {
                Some(principal) => self.grant(&name, principal, &permit.role, None),
                None => self.strangers += 1,
            }
            if permit.boost {
                self.boosted.insert(name.clone());
            }
        }
    }

    fn finish(mut self, mut doubts: Vec<String>, before: u64) -> Result<Reading, TargetError> {
        if !self.custom.is_empty() {
            let names: Vec<String> = self.custom.iter().cloned().collect();
            self.notes
                .push(format!("roles that this organization has made count as their base roles: {}", some(&names)));
        }
        if self.strangers > 0 {
            let what =
                if self.strangers == 1 { "1 permit is".to_owned() } else { format!("{} permits are", self.strangers) };
            self.notes
                .push(format!("{what} of nobody that rolecall manages (embed users, for example), and left alone"));
        }
        if !self.boosted.is_empty() {
            let names: Vec<String> = self.boosted.iter().cloned().collect();
            self.notes.push(format!("AccessBoost is on in permits, and is left as it is, on: {}", some(&names)));
        }
        let (directory, _, _) = self.build.finish().map_err(|twice| {
            let names: Vec<String> = twice.iter().take(NAMED).map(|t| t.object.to_string()).collect();
            TargetError::Malformed(format!("it holds some things twice: {}", names.join(", ")))
        })?;
        self.notes.sort();
        doubts.sort();
        self.index.read_with = self.session.client().sent() - before;
        *self.session.index() = self.index;
        Ok(Reading { directory, notes: self.notes, doubts })
    }
}

fn some(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    if more > 0 { format!("{} and {more} more", first.join(", ")) } else { first.join(", ") }
}
