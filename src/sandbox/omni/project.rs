//! Connections, models, folders, documents and who holds what on them, as the embedded directory holds
//! them: resources and grants, named as a declaration names them (`folder/finance/reports`).
//!
//! Users and groups go there by the SCIM sandbox's own way; here is what must happen before and after that:
//! a grant goes before its holder does, and comes after.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::roles::NOTHING;
use super::world::{Access, State};
use crate::model::{Change, Directory, GrantedRole, PrincipalRecord, ResourceId, ResourceRecord, Why};
use crate::sandbox::scim::project::Mirror;
use crate::sandbox::scim::schema::Kind;
use crate::sandbox::scim::store::Resource;

/// The tables whose rows are resources, in the order in which they can be made.
const KINDS: [&str; 4] = ["connection", "model", "folder", "document"];

/// Who holds a grant, by identifier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Everyone,
    User(String),
    Group(String),
}

impl Holder {
    fn of(id: &str, group: bool) -> Self {
        if group { Self::Group(id.to_owned()) } else { Self::User(id.to_owned()) }
    }

    fn record(&self, mirror: &Mirror) -> Option<PrincipalRecord> {
        match self {
            Self::Everyone => Some(PrincipalRecord::Everyone),
            Self::User(id) => mirror.email(id).map(|e| PrincipalRecord::User(e.to_owned())),
            Self::Group(id) => mirror.team_name(id).map(|n| PrincipalRecord::Team(n.to_owned())),
        }
    }
}

/// A resource of the directory.
#[derive(Debug, Clone, PartialEq, Default)]
struct Placed {
    name: String,
    description: Option<String>,
    /// The key of the one that it lies in.
    parent: Option<String>,
    /// A membership.
    owner: Option<String>,
    grants: BTreeMap<Holder, Vec<GrantedRole>>,
}

/// What the directory holds of resources, as far as it comes from here. A key is a table's name and an
/// identifier.
#[derive(Debug, Default)]
pub struct Shadow {
    at: HashMap<String, Placed>,
    /// The key of each name; empty for a resource that others made.
    taken: HashMap<String, String>,
}

fn one(role: &str) -> Vec<GrantedRole> {
    vec![GrantedRole { role: role.to_owned(), until: None, because: None }]
}

/// How early a resource can be made: its kind, then how deep it lies.
fn order(key: &str, placed: &Placed) -> (usize, usize, String) {
    let kind = key.split(' ').next().unwrap_or_default();
    let kind = KINDS.iter().position(|k| *k == kind).unwrap_or(KINDS.len());
    (kind, placed.name.matches('/').count(), placed.name.clone())
}

impl Shadow {
    /// What a directory holds of these: names by key.
    pub fn of(directory: &Directory, names: &HashMap<String, String>, mirror: &Mirror, state: &State) -> Self {
        let mut shadow = Self::default();
        let keys: HashMap<&str, &str> = names.iter().map(|(key, name)| (name.as_str(), key.as_str())).collect();
        for index in 0..directory.resources().len() {
            let id = ResourceId(u32::try_from(index).unwrap_or(u32::MAX));
            let record = directory.resource_record(id);
            let key = keys.get(record.name.as_str()).map(|k| (*k).to_owned());
            shadow.taken.insert(record.name.clone(), key.clone().unwrap_or_default());
            let Some(key) = key else { continue };
            let mut placed = Placed {
                name: record.name,
                description: record.description,
                parent: record.parent.and_then(|p| keys.get(p.as_str()).map(|k| (*k).to_owned())),
                owner: record.owner.and_then(|o| state.people.named(&o).map(str::to_owned)),
                grants: BTreeMap::new(),
            };
            for grant in directory.grants_on(id) {
                let grant = directory.grant_record(grant);
                let holder = match &grant.to {
                    PrincipalRecord::Everyone => Some(Holder::Everyone),
                    PrincipalRecord::User(email) => state.people.named(email).map(|id| Holder::User(id.to_owned())),
                    PrincipalRecord::Team(name) => mirror.team_of(name).map(|id| Holder::Group(id.to_owned())),
                };
                if let Some(holder) = holder {
                    let role = GrantedRole { role: grant.role, until: grant.until, because: grant.because };
                    placed.grants.entry(holder).or_default().push(role);
                }
            }
            for roles in placed.grants.values_mut() {
                roles.sort();
            }
            shadow.at.insert(key, placed);
        }
        shadow
    }

    /// The name of a resource in the directory.
    pub fn name(&self, key: &str) -> Option<&str> {
        self.at.get(key).map(|p| p.name.as_str())
    }

    /// What the directory must do to hold these as they are now, in an order in which it can; and the keys
    /// of resources whose name may be another.
    pub fn follow(
        &mut self,
        mirror: &mut Mirror,
        people: &[(String, Option<Arc<Resource>>)],
        things: &[(&'static str, Vec<String>)],
        state: &State,
    ) -> (Vec<Change>, Vec<String>) {
        let gone: BTreeSet<&str> =
            people.iter().map(|(id, _)| id.as_str()).filter(|id| state.people.any(id).is_none()).collect();
        let wanted = self.wanted(things, &gone, state);
        let mut changes = Vec::new();
        self.take_away(&wanted, mirror, &mut changes);
        let ids: Vec<String> = people.iter().map(|(id, _)| id.clone()).collect();
        changes.extend(mirror.follow(&ids, &state.people));
        let keys = wanted.keys().cloned().collect();
        self.put(wanted, mirror, &mut changes);
        (changes, keys)
    }

    /// What is to become of each resource that something happened to; `None` where it goes.
    fn wanted(
        &self,
        things: &[(&'static str, Vec<String>)],
        gone: &BTreeSet<&str>,
        state: &State,
    ) -> BTreeMap<String, Option<Placed>> {
        let of = |name: &'static str| things.iter().filter(move |(n, _)| *n == name).flat_map(|(_, ids)| ids);
        let mut keys: BTreeSet<String> = BTreeSet::new();
        for kind in KINDS {
            keys.extend(of(kind).map(|id| format!("{kind} {id}")));
        }
        // What lies in a folder has its path in its name.
        if of("folder").next().is_some() {
            keys.extend(state.world.folders.iter().map(|(id, _)| format!("folder {id}")));
            keys.extend(state.world.documents.iter().map(|(id, _)| format!("document {id}")));
        }
        let left_behind = |p: &Placed| p.owner.as_deref().is_some_and(|o| gone.contains(o));
        keys.extend(self.at.iter().filter(|(_, p)| left_behind(p)).map(|(k, _)| k.clone()));
        let mut wanted: BTreeMap<String, Option<Placed>> = BTreeMap::new();
        for key in keys {
            let placed = self.place(&key, state);
            wanted.insert(key, placed);
        }
        for principal in of("roles") {
            let held = state.world.held.get(principal);
            let was_group = held.map_or_else(|| state.people.get(Kind::Group, principal).is_some(), |h| h.group);
            let holders = match held {
                Some(_) => vec![Holder::of(principal, was_group)],
                None => vec![Holder::of(principal, false), Holder::of(principal, true)],
            };
            let roles = held.map(|h| h.roles.as_slice()).unwrap_or_default();
            let now: BTreeMap<String, &str> = roles
                .iter()
                .filter(|r| r.role != NOTHING)
                .map(|r| {
                    let connection = || format!("connection {}", r.connection);
                    (r.model.as_ref().map_or_else(connection, |m| format!("model {m}")), r.role.as_str())
                })
                .collect();
            let known = self.at.iter().filter(|(_, p)| holders.iter().any(|h| p.grants.contains_key(h)));
            let mut concerned: BTreeSet<String> = known
                .map(|(k, _)| k.clone())
                .filter(|k| k.starts_with("connection ") || k.starts_with("model "))
                .collect();
            concerned.extend(now.keys().cloned());
            for key in concerned {
                let placed = wanted.entry(key.clone()).or_insert_with(|| self.place(&key, state));
                let Some(placed) = placed else { continue };
                for holder in &holders {
                    placed.grants.remove(holder);
                }
                if let (Some(role), Some(holder)) = (now.get(&key), holders.first()) {
                    placed.grants.insert(holder.clone(), one(role));
                }
            }
        }
        wanted
    }

    /// A resource as it is now. Roles of principals on connections and models are those that are known:
    /// they lie with the principal.
    fn place(&self, key: &str, state: &State) -> Option<Placed> {
        let (kind, id) = key.split_once(' ')?;
        let world = &state.world;
        let mut placed = Placed::default();
        let held = self.at.get(key).map(|p| p.grants.clone()).unwrap_or_default();
        match kind {
            "connection" => {
                let connection = world.connections.get(id).filter(|c| c.deleted.is_none())?;
                placed.name = connection.name.clone();
                placed.grants = held;
                placed.grants.remove(&Holder::Everyone);
                if let Some(role) = connection.base_role.as_deref().filter(|r| *r != NOTHING) {
                    placed.grants.insert(Holder::Everyone, one(role));
                }
            }
            "model" => {
                let model = world.models.get(id).filter(|m| m.takes_roles())?;
                placed.name = model.name.clone().unwrap_or_else(|| id.to_owned());
                placed.parent = model.connection.as_ref().map(|c| format!("connection {c}"));
                placed.grants = held;
            }
            "folder" => {
                let folder = world.folders.get(id)?;
                placed.name = world.path(id);
                placed.parent = folder.parent.as_ref().map(|f| format!("folder {f}"));
                access(&mut placed, &folder.access, state);
            }
            "document" => {
                let document = world.documents.get(id)?;
                let path = document.folder.as_deref().map(|f| world.path(f));
                placed.name = path.map_or_else(|| document.name.clone(), |p| format!("{p}/{}", document.name));
                placed.description.clone_from(&document.description);
                placed.parent = document.folder.as_ref().map(|f| format!("folder {f}"));
                access(&mut placed, &document.access, state);
            }
            _ => return None,
        }
        let name = format!("{kind}/{}", placed.name);
        let free = self.taken.get(&name).is_none_or(|owner| owner == key);
        placed.name = if free { name } else { format!("{name} ({id})") };
        Some(placed)
    }

    /// Grants that end, owners who go, and resources that go.
    fn take_away(&mut self, wanted: &BTreeMap<String, Option<Placed>>, mirror: &Mirror, changes: &mut Vec<Change>) {
        for (key, new) in wanted {
            let Some(old) = self.at.get_mut(key) else { continue };
            let stays = |h: &Holder| new.as_ref().is_some_and(|n| n.grants.contains_key(h));
            let ended: Vec<Holder> = old.grants.keys().filter(|h| !stays(h)).cloned().collect();
            for holder in ended {
                let Some(roles) = old.grants.remove(&holder) else { continue };
                if let Some(to) = holder.record(mirror) {
                    let resource = old.name.clone();
                    changes.push(Change::RevokeGrant { to, resource, roles, reason: Why::Undeclared });
                }
            }
        }
        for (key, new) in wanted {
            let Some(old) = self.at.get(key) else { continue };
            if new.as_ref().is_none_or(|n| n.owner.is_none()) && old.owner.is_some() {
                let before = self.record(old, mirror);
                let after = ResourceRecord { owner: None, ..before.clone() };
                if before != after {
                    changes.push(Change::UpdateResource { before, after });
                }
                if let Some(old) = self.at.get_mut(key) {
                    old.owner = None;
                }
            }
        }
        let mut gone: Vec<(String, Placed)> = Vec::new();
        for (key, _) in wanted.iter().filter(|(_, new)| new.is_none()) {
            gone.extend(self.at.get(key).map(|p| (key.clone(), p.clone())));
        }
        gone.sort_by_key(|(key, placed)| std::cmp::Reverse(order(key, placed)));
        for (key, placed) in gone {
            changes.push(Change::DeleteResource { resource: self.record(&placed, mirror), reason: Why::Undeclared });
            self.taken.remove(&placed.name);
            self.at.remove(&key);
        }
    }

    fn record(&self, placed: &Placed, mirror: &Mirror) -> ResourceRecord {
        ResourceRecord {
            name: placed.name.clone(),
            description: placed.description.clone(),
            parent: placed.parent.as_deref().and_then(|p| self.name(p)).map(str::to_owned),
            visibility: None,
            owner: placed.owner.as_deref().and_then(|o| mirror.email(o)).map(str::to_owned),
        }
    }

    /// Resources that come, or are others now, and grants that come or change.
    fn put(&mut self, wanted: BTreeMap<String, Option<Placed>>, mirror: &mut Mirror, changes: &mut Vec<Change>) {
        let mut all: Vec<(String, Placed)> = wanted.into_iter().filter_map(|(key, new)| Some((key, new?))).collect();
        all.sort_by_key(|(key, placed)| order(key, placed));
        for (key, new) in &all {
            let old = self.at.get(key).cloned();
            if let Some(old) = &old {
                if old.name != new.name {
                    changes.push(Change::RenameResource { from: old.name.clone(), to: new.name.clone() });
                    self.taken.remove(&old.name);
                }
                let before = Placed { name: new.name.clone(), ..old.clone() };
                let (before, after) = (self.record(&before, mirror), self.record(new, mirror));
                if before != after {
                    changes.push(Change::UpdateResource { before, after });
                }
            } else {
                changes.push(Change::CreateResource { resource: self.record(new, mirror) });
            }
            self.taken.insert(new.name.clone(), key.clone());
            let grants = old.map(|o| o.grants).unwrap_or_default();
            self.at.insert(key.clone(), Placed { grants, ..new.clone() });
        }
        for (key, new) in all {
            let Some(old) = self.at.get_mut(&key) else { continue };
            for (holder, roles) in new.grants {
                let before = old.grants.get(&holder).cloned().unwrap_or_default();
                let Some(to) = holder.record(mirror).filter(|_| before != roles) else { continue };
                for role in &roles {
                    mirror.need_role(&role.role, changes);
                }
                let resource = old.name.clone();
                changes.push(if before.is_empty() {
                    Change::GiveGrant { to, resource, roles: roles.clone() }
                } else {
                    Change::ChangeGrant { to, resource, before, after: roles.clone() }
                });
                old.grants.insert(holder, roles);
            }
        }
    }
}

/// The owner and the permits of content.
fn access(placed: &mut Placed, access: &Access, state: &State) {
    placed.owner = Some(access.owner.clone()).filter(|o| state.people.get(Kind::User, o).is_some());
    if let Some((role, _)) = &access.everyone {
        placed.grants.insert(Holder::Everyone, one(role));
    }
    for permit in access.permits.iter().filter(|p| p.role != NOTHING) {
        placed.grants.insert(Holder::of(&permit.principal, permit.group), one(&permit.role));
    }
}
