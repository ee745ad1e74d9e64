//! The users and groups in memory, with what is needed to find them quickly, and what was changed since
//! the last request, to be undone, hidden for a while or written.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::filter::Subject;
use super::schema::{Attr, Kind, Schema};

/// A user or group as it is kept: without what is computed for each answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its type.
    pub kind: Kind,
    /// Its identifier, which no other has or had.
    pub id: String,
    /// Its place in lists.
    pub seq: u64,
    /// When it was made, as it is shown.
    pub created: Arc<str>,
    /// When it was changed, as it is shown.
    pub modified: Arc<str>,
    /// The number of the last change.
    pub version: u64,
    /// The attributes, extensions under their URN.
    pub body: Map<String, Value>,
}

impl Resource {
    /// A text attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// The identifiers of the members, in their order.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        let list = self.body.get("members").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|m| m.get("value").and_then(Value::as_str))
    }

    /// What a user is known by, whatever its case.
    pub fn name_key(&self) -> Option<String> {
        (self.kind == Kind::User).then(|| self.text("userName").unwrap_or_default().to_lowercase())
    }

    /// `meta.version` (RFC 7644, section 3.14): a weak entity tag.
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }

    /// The row of a file.
    pub fn to_row(&self) -> String {
        json!({
            "seq": self.seq, "created": *self.created, "modified": *self.modified,
            "version": self.version, "body": self.body,
        })
        .to_string()
    }

    /// Back from the row of a file.
    pub fn from_row(kind: Kind, id: &str, row: &str) -> Option<Self> {
        let mut row: Value = serde_json::from_str(row).ok()?;
        let Value::Object(body) = row.get_mut("body")?.take() else { return None };
        let time = |name: &str| Some(Arc::from(row.get(name)?.as_str()?));
        let number = |name: &str| row.get(name)?.as_u64();
        Some(Self {
            kind,
            id: id.to_owned(),
            seq: number("seq")?,
            created: time("created")?,
            modified: time("modified")?,
            version: number("version")?,
            body,
        })
    }
}

/// A version that is still seen though a newer one is there.
#[derive(Debug, Clone)]
struct Past {
    until: Instant,
    was: Option<Arc<Resource>>,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Store {
    users: BTreeMap<u64, Arc<Resource>>,
    groups: BTreeMap<u64, Arc<Resource>>,
    ids: HashMap<String, (Kind, u64)>,
    names: HashMap<String, String>,
    groups_of: HashMap<String, BTreeSet<String>>,
    past: HashMap<String, Vec<Past>>,
    /// The last number that was given out.
    last: u64,
    /// What was changed since the journal was taken: the identifier, and what was there before.
    journal: Vec<(String, Option<Arc<Resource>>)>,
}

impl Store {
    /// Takes in what a file held.
    pub fn restore(&mut self, resource: Resource) {
        self.last = self.last.max(resource.seq).max(resource.version);
        self.put(&resource.id.clone(), Some(Arc::new(resource)));
        self.journal.clear();
    }

    /// The last number that was given out.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Gives out no number up to this one again.
    pub fn after(&mut self, number: u64) {
        self.last = self.last.max(number);
    }

    /// A number that was not given out before.
    pub fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Whether there is anything.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    fn of(&self, kind: Kind) -> &BTreeMap<u64, Arc<Resource>> {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }

    /// A new resource, not yet in the store. The identifier is made from its number, so that the same
    /// requests give the same identifiers.
    pub fn fresh(&mut self, kind: Kind, body: Map<String, Value>, time: jiff::Timestamp) -> Resource {
        let seq = self.number();
        let digest = Sha256::digest(format!("{} {seq}", kind.name()));
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        let id = format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32));
        let time = stamp(time);
        Resource { kind, id, seq, created: Arc::clone(&time), modified: time, version: seq, body }
    }

    /// The resource of an identifier, as it is.
    pub fn get(&self, kind: Kind, id: &str) -> Option<&Arc<Resource>> {
        let (found, seq) = self.ids.get(id)?;
        (*found == kind).then(|| self.of(kind).get(seq)).flatten()
    }

    /// The same, whatever its kind.
    pub fn any(&self, id: &str) -> Option<&Arc<Resource>> {
        let (kind, seq) = self.ids.get(id)?;
        self.of(*kind).get(seq)
    }

    /// The user of a name, whatever its case.
    pub fn named(&self, name: &str) -> Option<&str> {
        self.names.get(&name.to_lowercase()).map(String::as_str)
    }

    /// The groups that something is a direct member of.
    pub fn groups_of(&self, id: &str) -> impl Iterator<Item = &Arc<Resource>> {
        self.groups_of.get(id).into_iter().flatten().filter_map(|group| self.get(Kind::Group, group))
    }

    /// Puts a resource into the store, in the place of the one that was there; or takes it out.
    pub fn put(&mut self, id: &str, new: Option<Arc<Resource>>) {
        let old = self.any(id).cloned();
        if let Some(old) = &old {
            if let Some(key) = old.name_key().filter(|key| self.names.get(key).is_some_and(|owner| owner == id)) {
                self.names.remove(&key);
            }
            self.ids.remove(id);
            match old.kind {
                Kind::User => self.users.remove(&old.seq),
                Kind::Group => self.groups.remove(&old.seq),
            };
        }
        if let Some(new) = &new {
            if let Some(key) = new.name_key() {
                self.names.insert(key, id.to_owned());
            }
            self.ids.insert(id.to_owned(), (new.kind, new.seq));
            match new.kind {
                Kind::User => self.users.insert(new.seq, Arc::clone(new)),
                Kind::Group => self.groups.insert(new.seq, Arc::clone(new)),
            };
        }
        self.index_members(id, old.as_deref(), new.as_deref());
        self.journal.push((id.to_owned(), old));
    }

    fn index_members(&mut self, id: &str, old: Option<&Resource>, new: Option<&Resource>) {
        let members = |r: Option<&Resource>| -> BTreeSet<String> {
            r.into_iter().flat_map(Resource::members).map(str::to_owned).collect()
        };
        let same = old.zip(new).is_some_and(|(a, b)| a.body.get("members") == b.body.get("members"));
        if same || (old.is_none_or(|r| r.kind == Kind::User) && new.is_none_or(|r| r.kind == Kind::User)) {
            return;
        }
        let (before, after) = (members(old), members(new));
        for gone in before.difference(&after) {
            if let Some(groups) = self.groups_of.get_mut(gone) {
                groups.remove(id);
                if groups.is_empty() {
                    self.groups_of.remove(gone);
                }
            }
        }
        for come in after.difference(&before) {
            self.groups_of.entry(come.clone()).or_default().insert(id.to_owned());
        }
    }

    /// What was changed since the last time that this was asked: each once, with what was there before.
    pub fn take_journal(&mut self) -> Vec<(String, Option<Arc<Resource>>)> {
        let mut seen = BTreeSet::new();
        let journal = std::mem::take(&mut self.journal);
        journal.into_iter().filter(|(id, _)| seen.insert(id.clone())).collect()
    }

    /// How much was changed: for [`Store::undo`].
    pub fn mark(&self) -> usize {
        self.journal.len()
    }

    /// Undoes what was changed since a mark.
    pub fn undo(&mut self, mark: usize) {
        while self.journal.len() > mark {
            if let Some((id, old)) = self.journal.pop() {
                self.put(&id, old);
                self.journal.pop();
            }
        }
    }

    /// Shows for a while what was there before.
    pub fn hide(&mut self, id: &str, was: Option<Arc<Resource>>, until: Instant) {
        self.past.entry(id.to_owned()).or_default().push(Past { until, was });
    }

    /// Whether anything is hidden now.
    pub fn hides(&self) -> bool {
        !self.past.is_empty()
    }

    /// Forgets what is past its time.
    pub fn settle(&mut self, now: Instant) {
        if !self.past.is_empty() {
            self.past.retain(|_, list| {
                list.retain(|past| past.until > now);
                !list.is_empty()
            });
        }
    }

    /// The resource of an identifier as readers see it.
    pub fn seen(&self, kind: Kind, id: &str) -> Option<&Arc<Resource>> {
        match self.past.get(id).and_then(|list| list.first()) {
            Some(past) => past.was.as_ref().filter(|r| r.kind == kind),
            None => self.get(kind, id),
        }
    }

    /// Everything of a kind as readers see it, in the order in which it was made.
    pub fn list(&self, kind: Kind) -> Vec<&Arc<Resource>> {
        if self.past.is_empty() {
            return self.of(kind).values().collect();
        }
        let current = self.of(kind).values().filter(|r| !self.past.contains_key(&r.id));
        let past = self.past.values().filter_map(|list| list.first()?.was.as_ref());
        let mut all: Vec<&Arc<Resource>> = current.chain(past.filter(|r| r.kind == kind)).collect();
        all.sort_by_key(|r| r.seq);
        all
    }

    /// The groups of a user, as `groups` shows them: direct ones, and those around them.
    pub fn groups_value(&self, id: &str, base: &str) -> Option<Value> {
        let mut list = Vec::new();
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<(String, bool)> = vec![(id.to_owned(), true)];
        while let Some((inner, direct)) = waiting.pop() {
            for group in self.groups_of(&inner) {
                if seen.insert(group.id.clone()) {
                    list.push(json!({
                        "value": group.id,
                        "$ref": format!("{base}/Groups/{}", group.id),
                        "display": group.text("displayName"),
                        "type": if direct { "direct" } else { "indirect" },
                    }));
                    waiting.push((group.id.clone(), false));
                }
            }
        }
        (!list.is_empty()).then_some(Value::Array(list))
    }
}

/// A resource with what is computed for it, to hold a filter against.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The resource.
    pub resource: &'a Resource,
    /// The others.
    pub store: &'a Store,
    /// Where the API begins.
    pub base: &'a str,
}

impl Shown<'_> {
    /// `meta`.
    pub fn meta(&self) -> Value {
        let r = self.resource;
        json!({
            "resourceType": r.kind.name(), "created": *r.created, "lastModified": *r.modified,
            "location": self.location(), "version": r.etag(),
        })
    }

    /// The address.
    pub fn location(&self) -> String {
        format!("{}/{}/{}", self.base, self.resource.kind.endpoint(), self.resource.id)
    }
}

/// A time as it is shown: to the millisecond.
pub fn stamp(time: jiff::Timestamp) -> Arc<str> {
    format!("{time:.3}").into()
}

impl Subject for Shown<'_> {
    fn value(&self, extension: Option<&'static Schema>, attr: &'static Attr) -> Option<Cow<'_, Value>> {
        if let Some(extension) = extension {
            return self.resource.body.get(extension.id)?.get(attr.name).map(Cow::Borrowed);
        }
        match attr.name {
            "id" => Some(Cow::Owned(Value::from(self.resource.id.as_str()))),
            "meta" => Some(Cow::Owned(self.meta())),
            "groups" if self.resource.kind == Kind::User => {
                self.store.groups_value(&self.resource.id, self.base).map(Cow::Owned)
            }
            name => self.resource.body.get(name).map(Cow::Borrowed),
        }
    }
}
