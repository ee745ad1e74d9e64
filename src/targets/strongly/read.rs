//! The whole state of an instance, as far as a run has to see it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use super::holds::holds;
use super::paging::{Listing, all};
use super::session::{Index, Known, Session, Thing};
use super::settings::SETTLE;
use super::shape::{Access, Invitation, Item, Kind, Member, Person, Share, SignIn};
use super::{forecast, leaving, reach};
use crate::model::{
    Builder, Change, Domain, Grant, Kept, Kind as Sort, Moment, Principal, Resource, ResourceId, RoleId, Said, User,
    UserId, UserState, Visibility,
};
use crate::plan::{Belongings, Note, Promise, Reach};
use crate::targets::http::encode;
use crate::targets::scim::value::{get, text};
use crate::targets::settle::LookedUp;
use crate::targets::{Capabilities, Reader, Reading, TargetError, Task, roles};

/// The attribute that is the role in the organization: another axis than the platform role.
pub const ORGANIZATION_ROLE: &str = "organization_role";

/// The role of who signs up on the pages of an application (fact sheet strongly, section 2.3).
pub const SIGNED_UP: &str = "viewer";

/// So many of those who are only counted are named.
const NAMED: usize = 3;

/// Reads an instance.
pub struct StronglyReader {
    session: Arc<Session>,
    capabilities: Capabilities,
    looked_up: LookedUp,
    now: Moment,
}

impl StronglyReader {
    /// A reader over that conversation. `now` decides which invitations have run out.
    #[must_use]
    pub fn new(session: Arc<Session>, now: Moment) -> Self {
        let limits = session.client().limits();
        let capabilities = Capabilities {
            // Teams, memberships and policies are steps by hand (section 2.4).
            kinds: vec![Sort::User, Sort::Resource, Sort::Grant, Sort::Domain],
            renames: false,
            enables: true,
            invites: false,
            kept: Kept {
                accounts: false,
                timezones: false,
                attributes: Some(&[ORGANIZATION_ROLE]),
                handles: Some(&[]),
                team_details: true,
                team_roles: false,
                member_details: false,
            },
            concurrency: limits.concurrency,
            requests_per_minute: limits.per_minute,
            page: Some(super::paging::PAGE),
            settle: SETTLE,
            // What is touched is read right before and after; there are no ETags (section 2.1).
            level: Promise::Observed,
        };
        Self { session, capabilities, looked_up: LookedUp::default(), now }
    }
}

impl Reader for StronglyReader {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn read(&self) -> Task<'_, Result<Reading, TargetError>> {
        Box::pin(async move {
            self.looked_up.forget();
            read(&self.session, self.now).await
        })
    }

    fn holds<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>> {
        Box::pin(async move {
            let directory = self.looked_up.or(read(&self.session, self.now)).await?;
            Ok(self.looked_up.confirms(change) && holds(&directory, change))
        })
    }

    fn reach(&self, change: &Change) -> Reach {
        reach::reach(&self.session, change)
    }

    fn belongings<'a>(&'a self, users: &'a [String]) -> Task<'a, Result<BTreeMap<String, Belongings>, TargetError>> {
        Box::pin(leaving::belongings(&self.session, users))
    }

    fn remarks<'a>(&'a self, changes: &'a [&'a Change]) -> Task<'a, Result<Vec<Note>, TargetError>> {
        Box::pin(async { Ok(reach::remarks(&self.session, changes)) })
    }

    fn forecast(&self, waves: &[Vec<&Change>]) -> Option<u64> {
        Some(forecast::requests(&self.session, waves))
    }
}

/// The people of a list.
pub async fn people(session: &Session, archived: bool, search: Option<&str>) -> Result<Listing<Person>, TargetError> {
    let search = search.map(|s| format!("&search={}", encode(s))).unwrap_or_default();
    all(session, &format!("/users?archived={archived}{search}"), "users", Person::read).await
}

/// The members of the organization.
pub async fn members(session: &Session) -> Result<Listing<Member>, TargetError> {
    all(session, &format!("{}/members", session.organization()), "members", Member::read).await
}

/// The invitations that are open.
pub async fn invitations(session: &Session) -> Result<Listing<Invitation>, TargetError> {
    all(session, &format!("{}/invitations", session.organization()), "invitations", Invitation::read).await
}

/// Who works with a project or a workflow.
pub async fn shares(session: &Session, thing: &Thing) -> Result<Listing<Share>, TargetError> {
    let (last, name) =
        if thing.kind == Kind::Project { ("collaborators", "collaborators") } else { ("share", "shares") };
    let path = format!("/{}/{}/{last}", thing.kind.path(), encode(&thing.id));
    all(session, &path, name, Share::read).await
}

/// Reads what is wanted.
pub async fn read(session: &Session, now: Moment) -> Result<Reading, TargetError> {
    let before = session.client().sent();
    let organization = match &session.settings.organization {
        Some(id) => id.clone(),
        None => {
            let me = session.get("/auth/whoami").await?;
            let id = get(&me, "organization").and_then(super::shape::id).or_else(|| text(&me, "organizationId"));
            id.ok_or_else(|| {
                let help = "name it: `settings: {organization: ID}`";
                TargetError::Malformed(format!("it does not say of which organization the key is: {help}"))
            })?
        }
    };
    session.index().organization = organization.clone();
    let (active, archived, places) =
        tokio::try_join!(people(session, false, None), people(session, true, None), members(session))?;
    let mut pass = Pass::new(session, organization, now);
    match invitations(session).await {
        Ok(open) => {
            pass.doubts.extend(open.doubts.iter().cloned());
            pass.people(active, archived, places, &open.items);
        }
        // Not every key and every instance shows them.
        Err(error @ (TargetError::Gone(_) | TargetError::Refused(_))) => {
            pass.notes.push(format!("invitations cannot be seen: {error}"));
            pass.index.invitations_hidden = true;
            pass.people(active, archived, places, &[]);
        }
        Err(error) => return Err(error),
    }
    let wanted = &session.wanted;
    let asked = |kind: Kind| match kind {
        Kind::Application => !session.settings.sign_in.is_empty() || wanted.wants_kinds(&[kind.word()]),
        // A workspace is shown with its project.
        Kind::Project => wanted.wants_kinds(&[kind.word(), Kind::Workspace.word()]),
        _ => wanted.wants_kinds(&[kind.word()]),
    };
    for kind in Kind::ALL.into_iter().filter(|k| asked(*k)) {
        let found = all(session, &format!("/{}", kind.path()), kind.path(), Item::read).await?;
        pass.doubts.extend(found.doubts);
        pass.things(kind, &found.items);
    }
    let lists = pass.wanted_of();
    let width = session.client().limits().concurrency.max(1);
    let found: Vec<(String, Thing, Seen)> = stream::iter(lists)
        .map(|(name, thing)| async move {
            let seen = look(session, &thing).await?;
            Ok::<_, TargetError>((name, thing, seen))
        })
        .buffered(width)
        .try_collect()
        .await?;
    for (name, thing, seen) in found {
        pass.seen(&name, &thing, seen);
    }
    pass.domains();
    pass.finish(before)
}

/// What was seen of one thing.
enum Seen {
    /// The thing itself; nothing where it is not there any more.
    One(Option<Value>),
    /// Who works with it.
    Shares(Listing<Share>),
}

async fn look(session: &Session, thing: &Thing) -> Result<Seen, TargetError> {
    if thing.kind.flag().is_some() {
        let path = format!("/{}/{}", thing.kind.path(), encode(&thing.id));
        return match session.get(&path).await {
            Ok(value) => Ok(Seen::One(Some(value))),
            Err(TargetError::Gone(_)) => Ok(Seen::One(None)),
            Err(error) => Err(error),
        };
    }
    match shares(session, thing).await {
        Ok(found) => Ok(Seen::Shares(found)),
        Err(TargetError::Gone(_)) => Ok(Seen::One(None)),
        Err(error) => Err(error),
    }
}

/// One pass over what was read.
struct Pass<'s> {
    session: &'s Session,
    now: Moment,
    build: Builder<()>,
    notes: Vec<String>,
    doubts: Vec<String>,
    index: Index,
    roles: BTreeMap<String, RoleId>,
    /// By id.
    users: HashMap<String, UserId>,
    /// By e-mail.
    by_email: HashMap<String, UserId>,
    resources: HashMap<String, ResourceId>,
    /// The name in the files, by id.
    names: HashMap<String, String>,
    grants: BTreeSet<(ResourceId, Principal, RoleId)>,
    /// Entries of lists who are nobody that rolecall manages.
    strangers: usize,
}

impl<'s> Pass<'s> {
    fn new(session: &'s Session, organization: String, now: Moment) -> Self {
        let mut build = Builder::new();
        let roles = roles::known(&mut build, &session.catalogue);
        Self {
            session,
            now,
            build,
            notes: Vec::new(),
            doubts: Vec::new(),
            index: Index { organization, ..Index::default() },
            roles,
            users: HashMap::new(),
            by_email: HashMap::new(),
            resources: HashMap::new(),
            names: HashMap::new(),
            grants: BTreeSet::new(),
            strangers: 0,
        }
    }

    fn people(
        &mut self,
        active: Listing<Person>,
        archived: Listing<Person>,
        members: Listing<Member>,
        invited: &[Invitation],
    ) {
        for listing in [&active.doubts, &archived.doubts, &members.doubts] {
            self.doubts.extend(listing.iter().cloned());
        }
        let mut places: BTreeMap<String, Vec<Member>> = BTreeMap::new();
        for member in members.items {
            places.entry(member.email.clone()).or_default().push(member);
        }
        // By address: the account, and whether it stands in the list of who is archived.
        let mut accounts: BTreeMap<String, Vec<(Person, bool)>> = BTreeMap::new();
        let both = active.items.into_iter().map(|p| (p, false)).chain(archived.items.into_iter().map(|p| (p, true)));
        for (person, archived) in both {
            accounts.entry(person.email.clone()).or_default().push((person, archived));
        }
        let mut unclear: Vec<String> = Vec::new();
        for (email, mut same) in accounts {
            // One account in both lists: only what it says of itself tells.
            let lists = same.iter().any(|(_, a)| *a) && same.iter().any(|(_, a)| !*a);
            if lists && same.len() == 2 && same[0].0 == same[1].0 {
                same.truncate(1);
                if same[0].0.archived.is_none() {
                    unclear.push(email.clone());
                }
            }
            let mut place = places.remove(&email).unwrap_or_default();
            // Where the lists of users show no ids, only that of the members tells two accounts apart.
            let one = match <[(Person, bool); 1]>::try_from(same) {
                Ok([one]) if place.len() <= 1 => Some(one),
                _ => None,
            };
            let Some((person, listed)) = one else {
                self.notes.push(format!("several accounts have the address {email}: all of them are left alone"));
                self.index.twice.insert(email);
                continue;
            };
            let archived = person.archived.unwrap_or(listed);
            self.person(person, archived, place.pop().as_ref());
        }
        if !unclear.is_empty() {
            // Said of every plan: whoever is to be brought back may seem to be there already.
            self.notes
                .push(format!("nobody can tell whether these are archived, taken for active: {}", some(&unclear)));
            self.doubts.push(format!(
                "the lists of active and of archived users are the same, so nobody can tell who is archived: {}",
                some(&unclear)
            ));
        }
        let strangers: Vec<String> = places.into_keys().collect();
        if !strangers.is_empty() {
            self.notes.push(format!(
                "members of the organization who are in no list of users are left alone: {}",
                some(&strangers)
            ));
        }
        let mut invitations: BTreeMap<&str, &Invitation> = BTreeMap::new();
        let known = |email: &String| self.by_email.contains_key(email) || self.index.twice.contains(email);
        for invitation in invited.iter().filter(|i| !known(&i.email)) {
            if invitations.insert(&invitation.email, invitation).is_some() {
                self.notes.push(format!("{} was invited more than once", invitation.email));
            }
        }
        for (email, invitation) in invitations {
            let mut user = User::new(email);
            let over = invitation.expires.is_some_and(|e| e.is_past(self.now));
            user.state = if over { UserState::InvitationExpired } else { UserState::Invited };
            user.attributes = vec![(ORGANIZATION_ROLE.into(), said(invitation.role.as_deref()))];
            let id = self.build.user(user, ());
            self.by_email.insert(email.to_owned(), id);
            let known = Known { invitation: invitation.id.clone(), ..Known::default() };
            self.index.users.insert(email.to_owned(), known);
        }
    }

    fn person(&mut self, person: Person, archived: bool, place: Option<&Member>) {
        let mut user = User::new(&person.email);
        let name = place.and_then(|m| m.name.clone()).or(person.name);
        user.name = name.as_deref().map_or(Said::Unsaid, |n| Said::Is(n.into()));
        user.state = if archived { UserState::Disabled } else { UserState::Active };
        let catalogue = &self.session.catalogue;
        let mut known = Known {
            id: place.and_then(|m| m.user.clone()).or(person.id),
            member: place.and_then(|m| m.place.clone()),
            archived,
            ..Known::default()
        };
        // `user` is the older word of the least role (section 2.2).
        let role = person.role.as_deref().map(|r| if r == "user" { "app" } else { r });
        user.role = match role.map(|r| (r, catalogue.role(r))) {
            None => Said::Nothing,
            Some((_, Some((proper, _)))) => self.roles.get(proper).map_or(Said::Unsaid, |id| Said::Is(*id)),
            Some((other, None)) => {
                self.notes.push(format!("{} has the role `{other}`, which rolecall does not know", person.email));
                known.unknown_role = Some(other.to_owned());
                Said::Unsaid
            }
        };
        user.attributes = vec![(ORGANIZATION_ROLE.into(), said(place.and_then(|m| m.role.as_deref())))];
        let id = self.build.user(user, ());
        if let Some(number) = &known.id {
            self.users.insert(number.clone(), id);
            self.index.emails.insert(number.clone(), person.email.clone());
        }
        self.by_email.insert(person.email.clone(), id);
        self.index.users.insert(person.email, known);
    }

    /// Puts the things of a kind in: each by its name where it is the only one of that kind, else by its id.
    fn things(&mut self, kind: Kind, items: &[Item]) {
        let mut count: HashMap<&str, usize> = HashMap::new();
        for name in items.iter().filter_map(|i| i.name.as_deref()) {
            *count.entry(name).or_default() += 1;
        }
        let mut twice: Vec<&str> = count.iter().filter(|(_, n)| **n > 1).map(|(name, _)| *name).collect();
        twice.sort_unstable();
        for name in twice {
            let ids = items.iter().filter(|i| i.name.as_deref() == Some(name));
            let ids: Vec<String> = ids.map(|i| format!("{}/{}", kind.word(), i.id)).collect();
            self.notes.push(format!(
                "several are called {}/{name}: in the files they are {}",
                kind.word(),
                ids.join(" and ")
            ));
        }
        for item in items {
            let own = item.name.as_deref().filter(|n| count.get(n) == Some(&1));
            let name = format!("{}/{}", kind.word(), own.unwrap_or(&item.id));
            if self.resources.contains_key(&name) {
                self.notes.push(format!("several things are called {name}: only the first of them is looked at"));
                continue;
            }
            let mut resource = Resource::new(&name);
            let project = item.project.as_ref().and_then(|p| self.names.get(p)).and_then(|n| self.resources.get(n));
            resource.parent = match (kind, project) {
                (Kind::Workspace, Some(project)) => Said::Is(*project),
                (Kind::Workspace, None) => Said::Unsaid,
                _ => Said::Nothing,
            };
            let owner = item.owner.as_ref().and_then(|o| self.users.get(o).or_else(|| self.by_email.get(o)));
            resource.owner = owner.map_or(Said::Unsaid, |o| Said::Is(*o));
            let number = self.build.resource(resource, ());
            self.names.insert(item.id.clone(), name.clone());
            self.resources.insert(name.clone(), number);
            self.index.things.insert(name, Thing { kind, id: item.id.clone(), listed: Vec::new() });
        }
    }

    /// The things of which more is asked for.
    fn wanted_of(&mut self) -> Vec<(String, Thing)> {
        for name in &self.session.settings.sign_in {
            match self.index.things.get(&format!("application/{name}")) {
                Some(thing) => drop(self.index.sign_in.insert(name.clone(), thing.id.clone())),
                None => {
                    self.notes.push(format!("`sign_in` names application/{name}, and there is none"));
                    self.index.no_sign_in.insert(name.clone());
                }
            }
        }
        let signs = |thing: &Thing| self.index.sign_in.values().any(|id| *id == thing.id);
        let all =
            self.index.things.iter().filter(|(name, thing)| {
                thing.kind != Kind::Workspace && (self.session.wanted.wants(name) || signs(thing))
            });
        let mut all: Vec<(String, Thing)> = all.map(|(name, thing)| (name.clone(), thing.clone())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    fn seen(&mut self, name: &str, thing: &Thing, seen: Seen) {
        match seen {
            Seen::One(None) => self.doubts.push(format!("{name} is in a list, and not there")),
            Seen::One(Some(value)) => self.one(name, thing, &value),
            Seen::Shares(found) => {
                self.doubts.extend(found.doubts);
                for share in &found.items {
                    self.share(name, share);
                }
            }
        }
    }

    /// An application or a data source.
    fn one(&mut self, name: &str, thing: &Thing, value: &Value) {
        for (app, _) in self.index.sign_in.iter().filter(|(_, id)| **id == thing.id) {
            match SignIn::read(value) {
                Some(pages) => drop(self.index.pages.insert(app.clone(), pages)),
                None => self.doubts.push(format!("application/{app} does not show its sign-in domains")),
            }
        }
        let Some(access) = Access::read(thing.kind, value) else {
            self.doubts.push(format!("{name} does not show who may use it"));
            return;
        };
        if let Some(resource) = self.resources.get(name).and_then(|id| self.build.resource_mut(*id)) {
            // Private is a list without anybody: the grants tell, and not another word for it.
            resource.visibility = Said::Is(if access.open { Visibility::Everyone } else { Visibility::Restricted });
        }
        let role = if thing.kind == Kind::DataSource { "use" } else { "view" };
        for user in &access.users {
            match self.users.get(user).copied() {
                Some(user) => self.grant(name, user, role),
                None => self.strangers += 1,
            }
        }
        if let Some(thing) = self.index.things.get_mut(name) {
            thing.listed = access.users;
        }
    }

    fn share(&mut self, name: &str, share: &Share) {
        let by_email = || share.email.as_ref().and_then(|e| self.by_email.get(e)).copied();
        let user = share.user.as_ref().and_then(|u| self.users.get(u)).copied().or_else(by_email);
        let Some(user) = user else {
            self.strangers += 1;
            return;
        };
        if share.owns() {
            if let Some(resource) = self.resources.get(name).and_then(|id| self.build.resource_mut(*id)) {
                resource.owner = Said::Is(user);
            }
            return;
        }
        match share.level() {
            Ok(role) => self.grant(name, user, role),
            Err(other) => {
                let who = share.email.as_deref().unwrap_or("somebody");
                self.notes
                    .push(format!("{who} has the role `{other}` on {name}, which rolecall does not know: left alone"));
            }
        }
    }

    fn grant(&mut self, resource: &str, user: UserId, role: &str) {
        let found = self.resources.get(resource).zip(self.roles.get(role));
        let Some((&resource, &role)) = found else { return };
        let principal = Principal::User(user);
        if self.grants.insert((resource, principal, role)) {
            self.build.grant(Grant { resource, principal, role, until: None, because: None }, ());
        }
    }

    /// Domains are those that let people in on the sign-in pages that the settings name. One that does on some
    /// of them only is there, and yet not as it should be: its role is not said, so that a declared one leads
    /// to a change.
    fn domains(&mut self) {
        let mut on: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (app, pages) in &self.index.pages {
            let on_now = pages.is_open();
            if !on_now && !pages.domains.is_empty() {
                self.notes.push(format!("sign-up of application/{app} is off: its domains let nobody in"));
            }
            if on_now && pages.domains.is_empty() {
                self.notes.push(format!(
                    "sign-up of application/{app} is on and names no domain: what that means is not published"
                ));
            }
            for domain in pages.domains.iter().filter(|_| on_now) {
                on.entry(domain).or_default().push(app);
            }
        }
        for (domain, apps) in on {
            let missing: Vec<String> = self
                .index
                .pages
                .keys()
                .filter(|a| !apps.contains(&a.as_str()))
                .map(|a| format!("application/{a}"))
                .collect();
            if !missing.is_empty() {
                self.notes.push(format!("{domain} may sign up on some of the pages, and not on {}", some(&missing)));
            }
            let whole = missing.is_empty();
            let role = self.roles.get(SIGNED_UP).filter(|_| whole).map_or(Said::Unsaid, |id| Said::Is(*id));
            self.build.domain(Domain { name: domain.into(), role, teams: Said::Nothing }, ());
        }
    }

    fn finish(mut self, before: u64) -> Result<Reading, TargetError> {
        if self.strangers > 0 {
            let what = if self.strangers == 1 { "1 entry is" } else { "several entries are" };
            self.notes.push(format!(
                "{what} in lists of who may use something and of nobody that rolecall knows: left alone"
            ));
        }
        let (directory, _, _) = self.build.finish().map_err(|twice| {
            let names: Vec<String> = twice.iter().take(NAMED).map(|t| t.object.to_string()).collect();
            TargetError::Malformed(format!("it holds some things twice: {}", names.join(", ")))
        })?;
        self.notes.sort();
        self.doubts.sort();
        self.index.read_with = self.session.client().sent() - before;
        *self.session.index() = self.index;
        Ok(Reading { directory, notes: self.notes, doubts: self.doubts })
    }
}

fn said(value: Option<&str>) -> Said<Box<str>> {
    value.map_or(Said::Nothing, |v| Said::Is(v.into()))
}

fn some(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    if more > 0 { format!("{} and {more} more", first.join(", ")) } else { first.join(", ") }
}
