//! From a request to an answer: the endpoints, and what every change goes through.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::error::{Result, ScimError};
use super::faults::{
    CHANGED_NAMES, DANGLING_MEMBERS, DELAYED, DUPLICATE_IS_500, EMPTY_MEMBERS, FAULTS, INTEGER_STATUS, LOST_WRITE,
    MEMBERS_BY_NAME, MEMBERS_CAP, NAME_STAYS_TAKEN, NO_ETAG, NO_MEMBERS_FILTER, NO_MEMBERS_LIST, NO_MEMBERS_REPLACE,
    NO_PATCH, NO_PUT, NO_SEARCH, PUT_SUSPENDS, STRICT_SCHEMA, WRONG_ETAG,
};
use super::patch::{self, Operation, Verb};
use super::project::Mirror;
use super::schema::{self, ENTERPRISE, Kind, is_nothing};
use super::store::{Resource, Shown, Store, stamp};
use super::{BASE, bulk, discovery, list};
use crate::model::Moment;
use crate::sandbox::keep::{Keep, Row, Step};
use crate::sandbox::{Active, Answer, Api, Call, Request, Spec};

/// The media type (RFC 7644, section 3.1).
const MEDIA: &str = "application/scim+json";

/// The API and its state.
#[derive(Debug, Default)]
pub struct Scim {
    pub store: Store,
    pub mirror: Mirror,
    pub keep: Option<Keep>,
    /// Names of users who are gone, for `name-stays-taken`.
    names_of_the_gone: BTreeSet<String>,
    /// How many answers have carried a wrong entity tag.
    wrong_tags: u64,
}

/// A request within one call: Bulk makes several of one.
#[derive(Debug)]
pub struct Inner<'a> {
    pub method: &'a str,
    pub path: Vec<String>,
    pub params: list::Params,
    pub body: Option<Value>,
    pub if_match: Option<&'a str>,
    pub if_none_match: Option<&'a str>,
}

/// What an endpoint comes to: a status, a body, and the resource that it is about.
#[derive(Debug)]
pub struct Done {
    pub status: u16,
    pub body: Option<Value>,
    pub location: Option<String>,
    pub version: Option<String>,
}

impl Done {
    /// A body alone.
    pub fn of(body: Value) -> Self {
        Self { status: 200, body: Some(body), location: None, version: None }
    }

    fn nothing(status: u16) -> Self {
        Self { status, body: None, location: None, version: None }
    }
}

impl Api for Scim {
    fn base(&self) -> &'static str {
        BASE
    }

    fn faults(&self) -> &'static [&'static Spec] {
        FAULTS
    }

    fn writes(&self, request: &Request) -> bool {
        !matches!(request.method.as_str(), "GET" | "HEAD") && !request.path.ends_with("/.search")
    }

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        let done = match self.take(call) {
            Ok(done) => done,
            Err(error) => return failed(&error, call.faults),
        };
        let mut answer = match &done.body {
            Some(body) => Answer::json(done.status, MEDIA, body),
            None => Answer::empty(done.status),
        };
        if let Some(location) = done.location {
            answer = answer.header("location", location);
        }
        if let Some(version) = done.version.filter(|_| !call.faults.has(&NO_ETAG)) {
            let version = if call.faults.has(&WRONG_ETAG) {
                self.wrong_tags += 1;
                format!("W/\"other-{}\"", self.wrong_tags)
            } else {
                version
            };
            answer = answer.header("etag", version);
        }
        answer
    }

    fn error(&self, status: u16, text: &str, faults: &Active) -> Answer {
        failed(&ScimError::new(status, text), faults)
    }

    fn flush(&mut self) -> std::result::Result<(), String> {
        self.keep.as_ref().map_or(Ok(()), Keep::flush)
    }
}

fn failed(error: &ScimError, faults: &Active) -> Answer {
    Answer::json(error.status, MEDIA, &error.body(faults.has(&INTEGER_STATUS)))
}

impl Scim {
    fn take(&mut self, call: &Call<'_>) -> Result<Done> {
        self.store.settle(call.now);
        let request = call.request;
        let Some(path) = request.segments(BASE) else {
            return Err(ScimError::not_found(&format!("`{}` (the API begins at {BASE})", request.path)));
        };
        let body = match request.body.as_slice() {
            [] => None,
            bytes => {
                let value: Value = serde_json::from_slice(bytes)
                    .map_err(|e| ScimError::syntax(format!("the body is no JSON: {e}")))?;
                Some(value)
            }
        };
        if path.first().is_some_and(|p| p.eq_ignore_ascii_case("Bulk")) {
            return bulk::run(self, call, &path, body);
        }
        let inner = Inner {
            method: &request.method,
            path,
            params: list::Params::of_query(request)?,
            body,
            if_match: request.header("if-match"),
            if_none_match: request.header("if-none-match"),
        };
        self.one(call, inner)
    }

    /// Answers one request and keeps what it changed.
    pub fn one(&mut self, call: &Call<'_>, inner: Inner<'_>) -> Result<Done> {
        let mark = self.store.mark();
        let done = self.route(call, inner);
        if done.is_err() || call.faults.has(&LOST_WRITE) {
            self.store.undo(mark);
        }
        self.commit(call);
        done
    }

    fn route(&mut self, call: &Call<'_>, inner: Inner<'_>) -> Result<Done> {
        let path: Vec<&str> = inner.path.iter().map(String::as_str).collect();
        let kind = |name: &str| Kind::ALL.into_iter().find(|k| k.endpoint() == name);
        match (inner.method, path.as_slice()) {
            ("POST", [.., ".search"]) if call.faults.has(&NO_SEARCH) => Err(ScimError::not_offered("search by POST")),
            ("POST", [".search"]) => list::run(self, call, &Kind::ALL, &list::Params::of_body(inner.body)?),
            ("GET", []) => list::run(self, call, &Kind::ALL, &inner.params),
            ("POST", [name, ".search"]) if kind(name).is_some() => {
                let kinds: Vec<Kind> = kind(name).into_iter().collect();
                list::run(self, call, &kinds, &list::Params::of_body(inner.body)?)
            }
            (_, ["Me", ..]) => Err(ScimError::not_offered("/Me")),
            (_, [name, ..]) if discovery::is_one(name) => discovery::run(self, call, &inner),
            (method, [name]) => {
                let kind = kind(name).ok_or_else(|| ScimError::not_found(&format!("`/{name}`")))?;
                match method {
                    "GET" => list::run(self, call, &[kind], &inner.params),
                    "POST" => self.create(call, kind, &inner),
                    _ => Err(not_allowed(method)),
                }
            }
            (method, [name, id]) => {
                let kind = kind(name).ok_or_else(|| ScimError::not_found(&format!("`/{name}`")))?;
                match method {
                    "GET" => self.read(call, kind, id, &inner),
                    "PUT" if call.faults.has(&NO_PUT) => Err(refused(call.faults, &NO_PUT, "PUT")),
                    "PUT" => self.replace(call, kind, id, &inner),
                    "PATCH" if call.faults.has(&NO_PATCH) => Err(refused(call.faults, &NO_PATCH, "PATCH")),
                    "PATCH" => self.patch(call, kind, id, &inner),
                    "DELETE" => self.delete(call, kind, id, &inner),
                    _ => Err(not_allowed(method)),
                }
            }
            _ => Err(ScimError::not_found(&format!("`/{}`", inner.path.join("/")))),
        }
    }

    fn read(&self, call: &Call<'_>, kind: Kind, id: &str, inner: &Inner<'_>) -> Result<Done> {
        let resource = self.store.seen(kind, id).ok_or_else(|| gone(kind, id))?;
        let etag = resource.etag();
        let honest = !call.faults.has(&NO_ETAG) && !call.faults.has(&WRONG_ETAG);
        if honest && inner.if_none_match.is_some_and(|tags| names_tag(tags, &etag)) {
            return Ok(Done { version: Some(etag), ..Done::nothing(304) });
        }
        let body = self.show(call, resource, &inner.params);
        Ok(Done { version: Some(etag), ..Done::of(body) })
    }

    fn create(&mut self, call: &Call<'_>, kind: Kind, inner: &Inner<'_>) -> Result<Done> {
        let mut body = schema::body(kind, object(inner.body.as_ref())?, call.faults.has(&STRICT_SCHEMA))?;
        if kind == Kind::User {
            body.entry("active").or_insert(Value::Bool(true));
        }
        let resource = self.store.fresh(kind, body, call.time);
        self.finish(call, kind, resource, None, 201, &inner.params)
    }

    fn replace(&mut self, call: &Call<'_>, kind: Kind, id: &str, inner: &Inner<'_>) -> Result<Done> {
        let old = self.changeable(call, kind, id, inner)?;
        let sent = object(inner.body.as_ref())?;
        if sent.get("id").is_some_and(|other| other.as_str() != Some(id)) {
            return Err(ScimError::bad("mutability", "`id` cannot be changed"));
        }
        let mut body = schema::body(kind, sent, call.faults.has(&STRICT_SCHEMA))?;
        if kind == Kind::User {
            body.entry("active").or_insert(Value::Bool(!call.faults.has(&PUT_SUSPENDS)));
        }
        let new = Resource { body, ..(*old).clone() };
        self.finish(call, kind, new, Some(&old), 200, &inner.params)
    }

    fn patch(&mut self, call: &Call<'_>, kind: Kind, id: &str, inner: &Inner<'_>) -> Result<Done> {
        let old = self.changeable(call, kind, id, inner)?;
        let operations = patch::operations(object(inner.body.as_ref())?)?;
        limited(call.faults, &operations)?;
        let mut new = (*old).clone();
        if call.faults.has(&MEMBERS_BY_NAME) {
            // Operations speak of names then; they become identifiers again when all is judged.
            for member in new.body.get_mut("members").and_then(Value::as_array_mut).into_iter().flatten() {
                let user = member_id(member).and_then(|id| self.store.get(Kind::User, &id));
                if let Some(name) = user.and_then(|u| u.text("userName")) {
                    *member = serde_json::json!({"value": name, "type": "User"});
                }
            }
        }
        for operation in &operations {
            patch::apply(kind, &mut new.body, operation)?;
        }
        self.finish(call, kind, new, Some(&old), 200, &inner.params)
    }

    fn delete(&mut self, call: &Call<'_>, kind: Kind, id: &str, inner: &Inner<'_>) -> Result<Done> {
        let old = self.changeable(call, kind, id, inner)?;
        if !call.faults.has(&DANGLING_MEMBERS) {
            let groups: Vec<Arc<Resource>> = self.store.groups_of(id).cloned().collect();
            for group in groups {
                let mut group = (*group).clone();
                if let Some(Value::Array(members)) = group.body.get_mut("members") {
                    members.retain(|m| m.get("value").and_then(Value::as_str) != Some(id));
                }
                group.body.retain(|_, value| !is_nothing(value));
                self.stamp(call, &mut group);
                self.store.put(&group.id.clone(), Some(Arc::new(group)));
            }
        }
        self.names_of_the_gone.extend(old.name_key());
        self.store.put(id, None);
        Ok(Done::nothing(204))
    }

    /// The resource that is to be changed, where its version is the one that was asked for.
    fn changeable(&self, call: &Call<'_>, kind: Kind, id: &str, inner: &Inner<'_>) -> Result<Arc<Resource>> {
        let found = self.store.get(kind, id).ok_or_else(|| gone(kind, id))?;
        if let Some(tags) = inner.if_match
            && !call.faults.has(&NO_ETAG)
            && !names_tag(tags, &found.etag())
        {
            return Err(ScimError::new(412, format!("the version is {} by now", found.etag())));
        }
        Ok(Arc::clone(found))
    }

    fn stamp(&mut self, call: &Call<'_>, resource: &mut Resource) {
        resource.modified = stamp(call.time);
        resource.version = self.store.number();
    }

    /// Judges a resource as a whole, and puts it into the store where it differs from what is there.
    fn finish(
        &mut self,
        call: &Call<'_>,
        kind: Kind,
        mut new: Resource,
        old: Option<&Arc<Resource>>,
        status: u16,
        params: &list::Params,
    ) -> Result<Done> {
        self.check(call, kind, &mut new)?;
        if old.is_none_or(|old| old.body != new.body) {
            if old.is_some() {
                self.stamp(call, &mut new);
            }
            self.store.put(&new.id.clone(), Some(Arc::new(new.clone())));
        }
        let body = self.show(call, &new, params);
        let shown = Shown { resource: &new, store: &self.store, base: &base(call) };
        let location = (status == 201).then(|| shown.location());
        Ok(Done { status, body: Some(body), location, version: Some(new.etag()) })
    }

    fn check(&self, call: &Call<'_>, kind: Kind, new: &mut Resource) -> Result<()> {
        for attr in kind.schema().attrs.iter().filter(|a| a.required) {
            let text = new.text(attr.name).is_some_and(|t| !t.trim().is_empty());
            if !text {
                return Err(ScimError::value(format!("`{}` is required", attr.name)));
            }
        }
        if let Some(key) = new.name_key() {
            let taken = self.store.named(&key).is_some_and(|owner| owner != new.id);
            let stays = call.faults.has(&NAME_STAYS_TAKEN) && self.names_of_the_gone.contains(&key);
            if taken || stays {
                if call.faults.has(&DUPLICATE_IS_500) {
                    return Err(ScimError::new(500, "something went wrong"));
                }
                let detail = format!("the user name `{}` is taken", new.text("userName").unwrap_or_default());
                return Err(ScimError { status: 409, kind: Some("uniqueness"), detail });
            }
        }
        let id = new.id.clone();
        let dangles = |member: &str| self.store.groups_of(member).any(|g| g.id == id);
        let by_name = call.faults.has(&MEMBERS_BY_NAME);
        if let Some(Value::Array(members)) = new.body.get_mut("members") {
            let mut seen: HashSet<String> = HashSet::new();
            for member in std::mem::take(members) {
                let said = member_id(&member).ok_or_else(|| ScimError::value("a member has no `value`"))?;
                let named = self.store.named(&said).filter(|_| by_name).map(str::to_owned);
                let value = named.unwrap_or(said);
                if value == id {
                    return Err(ScimError::value("a group cannot be a member of itself"));
                }
                // One that was a member before and is gone may stay, where a fault left it there.
                let kind = match self.store.any(&value) {
                    Some(found) => found.kind,
                    None if dangles(&value) => Kind::User,
                    None => return Err(ScimError::value(format!("there is nobody `{value}` to be a member"))),
                };
                if seen.insert(value.clone()) {
                    members.push(serde_json::json!({"value": value, "type": kind.name()}));
                }
            }
        }
        Ok(())
    }

    /// Writes what was changed, and hides it for a while where it must be.
    fn commit(&mut self, call: &Call<'_>) {
        let journal = self.store.take_journal();
        if journal.is_empty() {
            return;
        }
        if let Some(wait) = call.faults.value(&DELAYED) {
            let until = call.now + Duration::from_millis(wait);
            for (id, was) in &journal {
                self.store.hide(id, was.clone(), until);
            }
        }
        self.keep_all(journal.into_iter().map(|(id, was)| (id, was.map(|w| w.kind))).collect(), call.time);
    }

    /// Hands these over to be written, as they are now; with the kind of those that were there before.
    pub fn keep_all(&mut self, touched: Vec<(String, Option<Kind>)>, time: jiff::Timestamp) {
        let Some(keep) = &self.keep else { return };
        let ids: Vec<String> = touched.iter().map(|(id, _)| id.clone()).collect();
        let changes = self.mirror.follow(&ids, &self.store);
        let row = |(id, was): &(String, Option<Kind>)| {
            let now = self.store.any(id);
            let kind = now.map(|r| r.kind).or(*was)?;
            Some(Row { kind: kind.row(), id: id.clone(), body: now.map(|r| r.to_row()) })
        };
        let mut rows: Vec<Row> = touched.iter().filter_map(row).collect();
        for id in &ids {
            if self.store.get(Kind::Group, id).is_some() {
                let body = self.mirror.team_name(id).map(|name| Value::from(name).to_string());
                rows.push(Row { kind: "team-name", id: id.clone(), body });
            } else if self.store.any(id).is_none() {
                rows.push(Row { kind: "team-name", id: id.clone(), body: None });
            }
        }
        rows.push(Row { kind: "counter", id: "last".to_owned(), body: Some(self.store.last().to_string()) });
        keep.put(Step { changes, rows, at: Some(Moment::from_second(time.as_second())) });
    }

    /// A resource as it is answered.
    pub fn show(&self, call: &Call<'_>, resource: &Resource, params: &list::Params) -> Value {
        let base = base(call);
        let shown = Shown { resource, store: &self.store, base: &base };
        let mut map = Map::new();
        let mut schemas = vec![resource.kind.schema().id];
        schemas.extend(resource.body.contains_key(ENTERPRISE).then_some(ENTERPRISE));
        map.insert("schemas".to_owned(), Value::from(schemas));
        map.insert("id".to_owned(), Value::from(resource.id.as_str()));
        for (name, value) in &resource.body {
            let value = match name.as_str() {
                "members" if call.faults.has(&EMPTY_MEMBERS) => Value::Array(Vec::new()),
                "members" if !params.wants("members") => continue,
                "members" => self.show_members(call.faults, value, &base, params.asks("members.display")),
                "userName" if call.faults.has(&CHANGED_NAMES) => changed_name(value),
                ENTERPRISE => self.show_enterprise(value),
                _ => value.clone(),
            };
            map.insert(name.clone(), value);
        }
        if resource.kind == Kind::User
            && params.wants("groups")
            && let Some(groups) = self.store.groups_value(&resource.id, &base)
        {
            map.insert("groups".to_owned(), groups);
        }
        let mut meta = shown.meta();
        if let Some(meta) = meta.as_object_mut().filter(|_| call.faults.has(&NO_ETAG)) {
            meta.remove("version");
        }
        map.insert("meta".to_owned(), meta);
        Value::Object(params.cut(resource.kind, map))
    }

    fn show_members(&self, faults: &Active, members: &Value, base: &str, names: bool) -> Value {
        let by_name = faults.has(&MEMBERS_BY_NAME);
        let one = |member: &Value| {
            let mut member = member.clone();
            let id = member_id(&member).unwrap_or_default();
            let found = self.store.any(&id);
            let endpoint = found.map_or(Kind::User, |r| r.kind).endpoint();
            if let Some(map) = member.as_object_mut() {
                map.insert("$ref".to_owned(), Value::from(format!("{base}/{endpoint}/{id}")));
                if let Some(name) = found.filter(|_| by_name).and_then(|r| r.text("userName")) {
                    map.insert("value".to_owned(), Value::from(name));
                }
                let display =
                    found.filter(|_| names).and_then(|r| r.text("displayName").or_else(|| r.text("userName")));
                if let Some(display) = display {
                    map.insert("display".to_owned(), Value::from(display));
                }
            }
            member
        };
        members.as_array().map_or(Value::Null, |list| list.iter().map(one).collect())
    }

    /// The extension, with the manager's name.
    fn show_enterprise(&self, value: &Value) -> Value {
        let mut value = value.clone();
        if let Some(Value::Object(manager)) = value.get_mut("manager") {
            let id = manager.get("value").and_then(Value::as_str).unwrap_or_default();
            let name = self.store.get(Kind::User, id).and_then(|m| m.text("displayName")).map(str::to_owned);
            if let Some(name) = name {
                manager.insert("displayName".to_owned(), Value::from(name));
            }
        }
        value
    }
}

/// Where the API begins, with the host.
pub fn base(call: &Call<'_>) -> String {
    format!("{}{BASE}", call.origin)
}

/// The identifier of a member: its `value`, or the end of its `$ref`.
fn member_id(member: &Value) -> Option<String> {
    let text = |name: &str| member.get(name).and_then(Value::as_str);
    let from_ref = || text("$ref").and_then(|r| r.rsplit('/').next());
    text("value").or_else(from_ref).filter(|id| !id.is_empty()).map(str::to_owned)
}

fn changed_name(value: &Value) -> Value {
    let mut chars = value.as_str().unwrap_or_default().chars();
    let first = chars.next().map(char::to_uppercase).into_iter().flatten();
    Value::from(first.chain(chars).collect::<String>())
}

fn object(body: Option<&Value>) -> Result<&Map<String, Value>> {
    body.and_then(Value::as_object).ok_or_else(|| ScimError::syntax("the body must be a JSON object"))
}

fn gone(kind: Kind, id: &str) -> ScimError {
    ScimError::not_found(&format!("the {} `{id}`", kind.name().to_lowercase()))
}

/// 405 for a method that an endpoint does not have.
pub fn not_allowed(method: &str) -> ScimError {
    ScimError::new(405, format!("{method} is not possible here"))
}

/// The status that a fault says.
pub fn refused(faults: &Active, spec: &'static Spec, what: &str) -> ScimError {
    let status = faults.value(spec).and_then(|s| u16::try_from(s).ok()).filter(|s| (400..600).contains(s));
    ScimError { status: status.unwrap_or(501), ..ScimError::not_offered(what) }
}

/// Whether a list of entity tags names one. They are compared weakly (RFC 9110, section 8.8.3.2).
fn names_tag(list: &str, tag: &str) -> bool {
    let bare = |t: &str| t.trim().trim_start_matches("W/").to_owned();
    list.split(',').any(|one| one.trim() == "*" || bare(one) == bare(tag))
}

/// What some servers do not take in PATCH of members.
fn limited(faults: &Active, operations: &[Operation]) -> Result<()> {
    let path = |o: &Operation| o.path.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
    let on_members = |o: &&Operation| path(o).starts_with("members");
    let sent = |o: &Operation| match &o.value {
        Value::Array(list) => list.len(),
        Value::Null => 1,
        Value::Object(map) => map.get("members").and_then(Value::as_array).map_or(1, Vec::len),
        _ => 1,
    };
    for operation in operations.iter().filter(on_members) {
        let filter = path(operation).contains('[');
        let all = !filter && operation.value.is_null();
        let listed = !filter && !operation.value.is_null();
        match operation.verb {
            Verb::Replace if faults.has(&NO_MEMBERS_REPLACE) => {
                return Err(ScimError::value("members cannot be replaced"));
            }
            Verb::Remove if all && faults.has(&NO_MEMBERS_REPLACE) => {
                return Err(ScimError::value("all members cannot be removed at once"));
            }
            Verb::Remove if listed && faults.has(&NO_MEMBERS_LIST) => {
                return Err(ScimError::value("members cannot be removed by a list"));
            }
            _ if filter && faults.has(&NO_MEMBERS_FILTER) => {
                return Err(ScimError::bad("invalidPath", "a path with a filter is not supported"));
            }
            _ => {}
        }
    }
    let without_path = |o: &&Operation| o.path.is_none() && o.value.get("members").is_some();
    if faults.has(&NO_MEMBERS_REPLACE) && operations.iter().filter(without_path).any(|o| o.verb == Verb::Replace) {
        return Err(ScimError::value("members cannot be replaced"));
    }
    let count: usize = operations.iter().filter(|o| on_members(o) || without_path(o)).map(sent).sum();
    match faults.value(&MEMBERS_CAP) {
        Some(cap) if count as u64 > cap => {
            Err(ScimError::value(format!("{count} members in one request, and at most {cap} may be")))
        }
        _ => Ok(()),
    }
}
