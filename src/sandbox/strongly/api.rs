//! From a request to an answer: scopes, the endpoints, and what every change goes through.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::error::{Refusal, Result};
use super::faults::{DELAYED, FAULTS, LOST_WRITE, NO_ADMIN_SCOPE, NO_WRITE_SCOPES, NOT_ADMIN};
use super::project::Shadow;
use super::world::{Kind, World};
use super::{BASE, organizations, sharing, things, users};
use crate::model::Moment;
use crate::sandbox::keep::{Keep, Row, Step};
use crate::sandbox::{Active, Answer, Api, Call, Request, Spec, Token};

/// The media type of every body.
const MEDIA: &str = "application/json";

/// The API and its state.
#[derive(Debug, Default)]
pub struct Strongly {
    pub world: World,
    pub shadow: Shadow,
    pub keep: Option<Keep>,
    acting: Option<String>,
    /// What readers still see, and how long: under `delayed`.
    past: VecDeque<(Instant, World)>,
}

/// What an endpoint is given.
pub struct Cx<'a> {
    pub world: &'a mut World,
    pub call: &'a Call<'a>,
    body: Option<Value>,
    acting: Option<&'a str>,
}

/// What an endpoint comes to.
#[derive(Debug)]
pub struct Done {
    status: u16,
    body: Value,
}

impl Done {
    /// 200 with a body.
    pub fn of(body: Value) -> Self {
        Self { status: 200, body }
    }

    /// 201 with a body.
    pub fn made(body: Value) -> Self {
        Self { status: 201, body }
    }
}

impl Cx<'_> {
    /// Whether this fault is on.
    pub fn has(&self, spec: &'static Spec) -> bool {
        self.call.faults.has(spec)
    }

    /// A parameter that is not empty.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.call.request.param(name).filter(|v| !v.is_empty())
    }

    /// The body, which must be an object.
    pub fn object(&self) -> Result<&Map<String, Value>> {
        self.body.as_ref().and_then(Value::as_object).ok_or_else(|| Refusal::bad("The body must be an object"))
    }

    /// The time as it is shown.
    pub fn stamp(&self) -> String {
        stamp(self.call.time)
    }

    /// Refuses where the status of this fault is to be said.
    pub fn unless(&self, spec: &'static Spec) -> Result<()> {
        let Some(status) = self.call.faults.value(spec) else { return Ok(()) };
        let status = u16::try_from(status).ok().filter(|s| (400..600).contains(s)).unwrap_or(404);
        Err(Refusal::new(status, "Not found"))
    }

    /// The identifier of whoever made the key: who was named, or the first administrator.
    pub fn acting_id(&self) -> Option<String> {
        let world = &self.world;
        let found = match self.acting {
            Some(email) => world.user_of(email),
            None => world.users.find(|u| u.role.as_deref() == Some("admin") && !u.archived),
        };
        found.map(|(id, _)| id.to_owned())
    }

    /// Refuses where whoever made the key may not write the organization.
    pub fn manages(&self) -> Result<()> {
        let me = self.acting_id().and_then(|id| self.world.users.get(&id).and_then(|u| u.member.clone()));
        let may = me.is_none_or(|role| role == "owner" || role == "admin");
        if may && !self.has(&NOT_ADMIN) {
            Ok(())
        } else {
            Err(Refusal::forbidden("Only an owner or admin may do this"))
        }
    }

    /// What is said to a path or method that there is not.
    pub fn not_found(&self) -> Refusal {
        Refusal::missing(format!("There is no {} {}", self.call.request.method, self.call.request.path))
    }
}

/// A time as it is shown.
pub fn stamp(time: jiff::Timestamp) -> String {
    format!("{time:.3}")
}

impl Api for Strongly {
    fn base(&self) -> &'static str {
        BASE
    }

    fn faults(&self) -> &'static [&'static Spec] {
        FAULTS
    }

    fn opens(&self, token: &Token, header: &dyn Fn(&str) -> Option<String>) -> bool {
        header("x-api-key").is_some_and(|key| token.is(&key))
    }

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        match self.take(call) {
            Ok(Done { status, body }) => Answer::json(status, MEDIA, &body),
            Err(refusal) => failed(&refusal),
        }
    }

    fn error(&self, status: u16, text: &str, _: &Active) -> Answer {
        failed(&Refusal::new(status, text))
    }

    fn closed(&self, _: bool) -> Answer {
        failed(&Refusal::new(401, "X-API-Key is missing or not valid"))
    }

    fn control(&mut self, request: &Request, rest: &str) -> Option<Answer> {
        if (request.method.as_str(), rest) != ("POST", "things") {
            return None;
        }
        let time = jiff::Timestamp::now();
        let done = things::read(&request.body).and_then(|things| things::add(&mut self.world, things, time));
        Some(match done {
            Ok(()) => {
                self.commit(time);
                Answer::empty(204)
            }
            Err(text) => {
                self.world.undo();
                Answer::json(400, MEDIA, &json!({"error": text}))
            }
        })
    }

    fn flush(&mut self) -> std::result::Result<(), String> {
        self.keep.as_ref().map_or(Ok(()), Keep::flush)
    }
}

fn failed(refusal: &Refusal) -> Answer {
    Answer::json(refusal.status, MEDIA, &refusal.body())
}

impl Strongly {
    /// One in which nothing is, and a key that this user made.
    pub fn new(acting: Option<String>) -> Self {
        Self { acting, ..Self::default() }
    }

    fn take(&mut self, call: &Call<'_>) -> Result<Done> {
        while self.past.front().is_some_and(|(until, _)| *until <= call.now) {
            self.past.pop_front();
        }
        let request = call.request;
        let path = request.segments(BASE).ok_or_else(|| Refusal::missing(format!("There is no {}", request.path)))?;
        let body = match request.body.as_slice() {
            [] => None,
            bytes => Some(serde_json::from_slice(bytes).map_err(|_| Refusal::bad("The body is no JSON"))?),
        };
        let writes = self.writes(request);
        let before = (writes && call.faults.has(&DELAYED)).then(|| self.world.clone());
        // What readers see lies in the past while a write is not visible yet.
        let world = match self.past.front_mut() {
            Some((_, past)) if !writes => past,
            _ => &mut self.world,
        };
        let mut cx = Cx { world, call, body, acting: self.acting.as_deref() };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let done = allowed(&cx, &path, writes).and_then(|()| route(&mut cx, &path));
        if !writes {
            return done;
        }
        if done.is_err() || call.faults.has(&LOST_WRITE) {
            self.world.undo();
            return done;
        }
        if let (Some(before), Some(wait)) = (before, call.faults.value(&DELAYED)) {
            self.past.push_back((call.now + Duration::from_millis(wait), before));
        }
        self.commit(call.time);
        done
    }

    /// Hands what was changed over to be written.
    pub fn commit(&mut self, time: jiff::Timestamp) {
        let mut touched: Vec<(&'static str, Vec<String>)> = Vec::new();
        for (name, table) in self.world.tables() {
            touched.push((name, table.touched()));
        }
        let Some(keep) = &self.keep else { return };
        if touched.iter().all(|(_, ids)| ids.is_empty()) {
            return;
        }
        let changes = self.shadow.follow(&self.world);
        let mut rows: Vec<Row> = Vec::new();
        for ((kind, table), (_, ids)) in self.world.tables().into_iter().zip(&touched) {
            rows.extend(ids.iter().map(|id| Row { kind, id: id.clone(), body: table.row(id) }));
        }
        let last = self.world.last().to_string();
        rows.push(Row { kind: "counter", id: "last".to_owned(), body: Some(last) });
        keep.put(Step { changes, rows, at: Some(Moment::from_second(time.as_second())) });
    }
}

/// The scope that a request needs (fact sheet strongly, sections 2.1 and 2.2).
fn scope(path: &[&str], writes: bool) -> &'static str {
    match (path, writes) {
        (["users"], true) | (["users", _, "assets" | "archive" | "unarchive" | "reset-password"], _) => "users:admin",
        (["users", "me"], true) => "users:write",
        (["users", _], true) => "users:admin",
        (["users", ..], _) => "users:read",
        (["organizations", ..], true) => "organizations:write",
        (["organizations", ..], false) => "organizations:read",
        (["apps", ..], true) => "apps:write",
        (["apps", ..], false) => "apps:read",
        (["projects", ..], true) => "projects:write",
        (["projects", ..], false) => "projects:read",
        (["workflows", ..], true) => "workflows:write",
        (["workflows", ..], false) => "workflows:read",
        (["datasources", ..], true) => "datasources:write",
        (["datasources", ..], false) => "datasources:read",
        (["workspaces", ..], _) => "workspaces:read",
        _ => "",
    }
}

fn allowed(cx: &Cx<'_>, path: &[&str], writes: bool) -> Result<()> {
    let scope = scope(path, writes);
    let lacks =
        (scope == "users:admin" && cx.has(&NO_ADMIN_SCOPE)) || (scope.ends_with(":write") && cx.has(&NO_WRITE_SCOPES));
    if lacks {
        return Err(Refusal::scope(scope));
    }
    if scope == "users:admin" && cx.has(&NOT_ADMIN) {
        return Err(Refusal::forbidden("Only an admin may do this"));
    }
    Ok(())
}

fn route(cx: &mut Cx<'_>, path: &[&str]) -> Result<Done> {
    let method = cx.call.request.method.clone();
    match (method.as_str(), path) {
        ("GET", ["auth", "whoami"]) => organizations::whoami(cx),
        ("GET", ["users"]) => users::index(cx),
        ("POST", ["users"]) => users::create(cx),
        ("PUT", ["users", "me"]) => users::update_me(cx),
        ("GET", ["users", id]) => users::get(cx, id),
        ("PUT", ["users", id]) => users::update(cx, id),
        ("GET", ["users", id, "assets"]) => users::assets(cx, id),
        ("POST", ["users", id, "archive"]) => users::archive(cx, id),
        ("POST", ["users", id, "unarchive"]) => users::unarchive(cx, id),
        ("POST", ["users", id, "reset-password"]) => users::reset_password(cx, id),
        (_, ["organizations", rest @ ..]) => organizations::route(cx, rest),
        (_, [first, rest @ ..]) => match Kind::of_path(first) {
            Some(kind) => sharing::route(cx, kind, rest),
            None => Err(cx.not_found()),
        },
        _ => Err(cx.not_found()),
    }
}
