//! From a request to an answer: the rate limit, the endpoints, and what every change goes through.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::error::{Refusal, Result};
use super::faults::{
    DELAYED, DOCS_ERRORS, FAULTS, LOST_WRITE, NO_DEFINITION_WRITES, NOT_ADMIN, PERSONAL_TOKEN, RETRY_AFTER,
};
use super::project::Shadow;
use super::world::State;
use super::{
    BASE, connections, content, definitions, documents, folders, keys, others, people, roles, schedules, things,
};
use crate::model::Moment;
use crate::sandbox::keep::{Keep, Row, Step};
use crate::sandbox::scim::project::Mirror;
use crate::sandbox::{Active, Answer, Api, Call, Request, Spec};

/// The media type of every body.
const MEDIA: &str = "application/json";

/// The API and its state.
#[derive(Debug, Default)]
pub struct Omni {
    pub state: State,
    pub mirror: Mirror,
    pub shadow: Shadow,
    pub keep: Option<Keep>,
    limit: Option<u64>,
    acting: Option<String>,
    /// When requests came in, as far as the limit looks back.
    arrivals: VecDeque<Instant>,
    /// What readers still see, and how long: under `delayed`.
    past: VecDeque<(Instant, State)>,
    /// Addresses of users who are gone, for `name-stays-taken`.
    gone: BTreeSet<String>,
}

/// What an endpoint is given.
pub struct Cx<'a> {
    pub state: &'a mut State,
    pub call: &'a Call<'a>,
    pub body: Option<Value>,
    /// Who made the key.
    pub acting: Option<&'a str>,
    /// Addresses of users who are gone.
    pub gone: &'a mut BTreeSet<String>,
}

/// What an endpoint comes to.
#[derive(Debug)]
pub struct Done {
    pub status: u16,
    pub body: Option<Value>,
}

impl Done {
    /// 200 with a body.
    pub fn of(body: Value) -> Self {
        Self { status: 200, body: Some(body) }
    }

    /// 201 with a body.
    pub fn made(body: Value) -> Self {
        Self { status: 201, body: Some(body) }
    }

    /// 204.
    pub fn nothing() -> Self {
        Self { status: 204, body: None }
    }

    /// 200 and that it was done.
    pub fn success() -> Self {
        Self::of(json!({"success": true}))
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

    /// A parameter that says yes or no.
    pub fn flag(&self, name: &str) -> bool {
        self.param(name).is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    /// The body, which must be an object.
    pub fn object(&self) -> Result<&Map<String, Value>> {
        self.body.as_ref().and_then(Value::as_object).ok_or_else(|| Refusal::bad("Expected object"))
    }

    /// The time as it is shown.
    pub fn stamp(&self) -> String {
        stamp(self.call.time)
    }

    /// Refuses where the status of this fault is to be said.
    pub fn unless(&self, spec: &'static Spec) -> Result<()> {
        match self.call.faults.value(spec) {
            None => Ok(()),
            Some(status) => {
                let status = u16::try_from(status).ok().filter(|s| (400..600).contains(s)).unwrap_or(404);
                Err(Refusal::new(status, "Not Found"))
            }
        }
    }
}

/// A time as it is shown.
pub fn stamp(time: jiff::Timestamp) -> String {
    format!("{time:.3}")
}

impl Api for Omni {
    fn base(&self) -> &'static str {
        BASE
    }

    fn faults(&self) -> &'static [&'static Spec] {
        FAULTS
    }

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        if let Some(wait) = self.over(call.now) {
            let answer = self.error(429, "Rate limit exceeded", call.faults);
            return if call.faults.has(&RETRY_AFTER) { answer.header("retry-after", wait.to_string()) } else { answer };
        }
        match self.take(call) {
            Ok(Done { status, body: Some(body) }) => Answer::json(status, MEDIA, &body),
            Ok(Done { status, body: None }) => Answer::empty(status),
            Err(refusal) => failed(&refusal, call.faults),
        }
    }

    fn error(&self, status: u16, text: &str, faults: &Active) -> Answer {
        failed(&Refusal::new(status, text), faults)
    }

    fn closed(&self, said: bool) -> Answer {
        // Fact sheet omni, section (a), errors: seen for a token that is none.
        let (status, text) = if said { (403, "Invalid bearer token") } else { (401, "Missing Authorization header") };
        failed(&Refusal::new(status, text), &Active::default())
    }

    fn control(&mut self, request: &Request, rest: &str) -> Option<Answer> {
        if (request.method.as_str(), rest) != ("POST", "things") {
            return None;
        }
        let time = jiff::Timestamp::now();
        let done = things::read(&request.body).and_then(|things| things::add(&mut self.state, things, time));
        Some(match done {
            Ok(()) => {
                self.commit(time);
                Answer::empty(204)
            }
            Err(text) => {
                self.state.undo();
                Answer::json(400, MEDIA, &json!({"error": text}))
            }
        })
    }

    fn flush(&mut self) -> std::result::Result<(), String> {
        self.keep.as_ref().map_or(Ok(()), Keep::flush)
    }
}

fn failed(refusal: &Refusal, faults: &Active) -> Answer {
    Answer::json(refusal.status, MEDIA, &refusal.body(faults.has(&DOCS_ERRORS)))
}

impl Omni {
    /// One in which nothing is; with so many requests in a minute, and a key that this user made.
    pub fn new(limit: Option<u64>, acting: Option<String>) -> Self {
        Self { limit, acting, ..Self::default() }
    }

    /// Counts a request against the limit; the seconds to wait where it is beyond it.
    fn over(&mut self, now: Instant) -> Option<u64> {
        let (limit, minute) = (self.limit?, Duration::from_secs(60));
        while self.arrivals.front().is_some_and(|at| now.duration_since(*at) >= minute) {
            self.arrivals.pop_front();
        }
        if (self.arrivals.len() as u64) < limit {
            self.arrivals.push_back(now);
            return None;
        }
        let oldest = self.arrivals.front().map_or(Duration::ZERO, |at| now.duration_since(*at));
        Some((minute - oldest).as_secs() + 1)
    }

    fn take(&mut self, call: &Call<'_>) -> Result<Done> {
        while self.past.front().is_some_and(|(until, _)| *until <= call.now) {
            self.past.pop_front();
        }
        let request = call.request;
        let path = request.segments(BASE).ok_or_else(|| Refusal::missing(format!("Not Found: {}", request.path)))?;
        let body = match request.body.as_slice() {
            [] => None,
            bytes => Some(serde_json::from_slice(bytes).map_err(|_| Refusal::bad("Invalid JSON"))?),
        };
        let writes = self.writes(request);
        let before = (writes && call.faults.has(&DELAYED)).then(|| self.state.clone());
        let acting = self.acting.as_deref();
        // What readers see lies in the past while a write is not visible yet.
        let state = match self.past.front_mut() {
            Some((_, past)) if !writes => past,
            _ => &mut self.state,
        };
        let mut cx = Cx { state, call, body, acting, gone: &mut self.gone };
        let done = route(&mut cx, &path);
        if !writes {
            return done;
        }
        if done.is_err() || call.faults.has(&LOST_WRITE) {
            self.state.undo();
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
        let people = self.state.people.take_journal();
        let mut things: Vec<(&'static str, Vec<String>)> = Vec::new();
        for (name, table) in self.state.world.tables() {
            things.push((name, table.touched()));
        }
        let Some(keep) = &self.keep else { return };
        if people.is_empty() && things.iter().all(|(_, ids)| ids.is_empty()) {
            return;
        }
        let (changes, keys) = self.shadow.follow(&mut self.mirror, &people, &things, &self.state);
        let mut rows: Vec<Row> = Vec::new();
        for (id, was) in &people {
            let now = self.state.people.any(id);
            let Some(kind) = now.or(was.as_ref()).map(|r| r.kind) else { continue };
            rows.push(Row { kind: kind.row(), id: id.clone(), body: now.map(|r| r.to_row()) });
            let name = now.and_then(|_| self.mirror.team_name(id)).map(|name| Value::from(name).to_string());
            rows.push(Row { kind: "team-name", id: id.clone(), body: name });
        }
        for ((name, table), (_, ids)) in self.state.world.tables().into_iter().zip(&things) {
            for id in ids {
                rows.push(Row { kind: name, id: id.clone(), body: table.row(id) });
            }
        }
        for key in keys {
            let body = self.shadow.name(&key).map(|name| Value::from(name).to_string());
            rows.push(Row { kind: "resource-name", id: key, body });
        }
        let last = self.state.people.last().to_string();
        rows.push(Row { kind: "counter", id: "last".to_owned(), body: Some(last) });
        keep.put(Step { changes, rows, at: Some(Moment::from_second(time.as_second())) });
    }
}

fn not_found(cx: &Cx<'_>) -> Refusal {
    Refusal::missing(format!("Not Found: {} {}", cx.call.request.method, cx.call.request.path))
}

fn route(cx: &mut Cx<'_>, path: &[String]) -> Result<Done> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["scim", "v2", rest @ ..] => scim(cx, rest),
        ["v1", rest @ ..] => v1(cx, rest),
        _ => Err(not_found(cx)),
    }
}

/// The paths of SCIM are written in both cases by Omni itself (section (a), SCIM path case).
fn scim(cx: &mut Cx<'_>, path: &[&str]) -> Result<Done> {
    if cx.has(&PERSONAL_TOKEN) {
        return Err(Refusal::forbidden("User-scoped API keys are not allowed to access the SCIM API."));
    }
    let lower: Vec<String> = path.iter().map(|p| p.to_ascii_lowercase()).collect();
    let names: Vec<&str> = lower.iter().map(String::as_str).collect();
    let method = cx.call.request.method.as_str();
    match (names.as_slice(), path) {
        (["users"], _) => match method {
            "GET" => people::list_users(cx),
            "POST" => people::create_user(cx),
            _ => Err(not_found(cx)),
        },
        (["users", _], [_, id]) => match method {
            "GET" => people::get_user(cx, id),
            "PUT" => people::replace_user(cx, id),
            "PATCH" => people::patch_user(cx, id),
            "DELETE" => people::delete_user(cx, id),
            _ => Err(not_found(cx)),
        },
        (["groups"], _) => match method {
            "GET" => people::list_groups(cx),
            "POST" => people::create_group(cx),
            _ => Err(not_found(cx)),
        },
        (["groups", _], [_, id]) => match method {
            "GET" => people::get_group(cx, id),
            "PUT" => people::replace_group(cx, id),
            "PATCH" => people::patch_group(cx, id),
            "DELETE" => people::delete_group(cx, id),
            _ => Err(not_found(cx)),
        },
        (["embed", "users"], _) if method == "GET" => others::list_embed(cx),
        (["embed", "users", _], [_, _, id]) => match method {
            "GET" => others::get_embed(cx, id),
            "DELETE" => others::delete_embed(cx, id),
            _ => Err(not_found(cx)),
        },
        _ => Err(not_found(cx)),
    }
}

/// What only an administrator may do.
fn admin(cx: &Cx<'_>) -> Result<()> {
    if cx.has(&NOT_ADMIN) { Err(Refusal::forbidden("admin role required")) } else { Ok(()) }
}

fn v1(cx: &mut Cx<'_>, path: &[&str]) -> Result<Done> {
    let method = cx.call.request.method.as_str();
    match (method, path) {
        ("GET", ["whoami"]) => keys::whoami(cx),
        (_, ["users", "email-only", rest @ ..]) => {
            admin(cx)?;
            match (method, rest) {
                ("GET", []) => others::list_email_only(cx),
                ("POST", []) => others::put_email_only(cx),
                ("POST", ["bulk"]) => others::put_email_only_bulk(cx),
                _ => Err(not_found(cx)),
            }
        }
        (_, ["users", id, "model-roles"]) => {
            admin(cx)?;
            roles::user(cx, id)
        }
        (_, ["user-groups", id, "model-roles"]) => {
            admin(cx)?;
            roles::group(cx, id)
        }
        (_, ["connections", rest @ ..]) => {
            admin(cx)?;
            match (method, rest) {
                ("GET", []) => connections::list(cx),
                ("POST", []) => connections::create(cx),
                ("GET", [id]) => connections::get(cx, id),
                ("PATCH", [id]) => connections::patch(cx, id),
                _ => Err(not_found(cx)),
            }
        }
        ("GET", ["models"]) => connections::models(cx),
        ("POST", ["models"]) => connections::create_model(cx),
        (_, ["user-attributes", rest @ ..]) => {
            admin(cx)?;
            if method != "GET" {
                cx.unless(&NO_DEFINITION_WRITES)?;
            }
            match (method, rest) {
                ("GET", []) => definitions::list(cx),
                ("POST", []) => definitions::create(cx),
                ("PATCH" | "PUT", [id]) => definitions::update(cx, id),
                ("DELETE", [id]) => definitions::delete(cx, id),
                _ => Err(not_found(cx)),
            }
        }
        (_, ["folders", id, "permissions"]) => content::folder_permissions(cx, id),
        (_, ["folders", rest @ ..]) => match (method, rest) {
            ("GET", []) => folders::list(cx),
            ("POST", []) => folders::create(cx),
            ("PATCH", [id]) => folders::update(cx, id),
            ("DELETE", [id]) => folders::delete(cx, id),
            _ => Err(not_found(cx)),
        },
        (_, ["documents", id, "permissions"]) => content::document_permissions(cx, id),
        (_, ["documents", rest @ ..]) => match (method, rest) {
            ("GET", []) => documents::list(cx),
            ("GET", [id, "access-list"]) => content::access_list(cx, id),
            ("PUT", [id, "transfer-ownership"]) => documents::transfer(cx, id),
            ("POST" | "PUT", [id, "move"]) => documents::relocate(cx, id),
            _ => Err(not_found(cx)),
        },
        (_, ["schedules", rest @ ..]) => match (method, rest) {
            ("GET", []) => schedules::list(cx),
            ("GET", [id]) => schedules::get(cx, id),
            ("PUT", [id]) => schedules::update(cx, id),
            ("DELETE", [id]) => schedules::delete(cx, id),
            ("PUT", [id, "transfer-ownership"]) => schedules::transfer(cx, id),
            ("PUT", [id, "pause"]) => schedules::pause(cx, id, true),
            ("PUT", [id, "resume"]) => schedules::pause(cx, id, false),
            ("GET", [id, "recipients"]) => schedules::recipients(cx, id),
            ("PUT", [id, "add-recipients"]) => schedules::change_recipients(cx, id, true),
            ("PUT", [id, "remove-recipients"]) => schedules::change_recipients(cx, id, false),
            _ => Err(not_found(cx)),
        },
        (_, ["api-keys", rest @ ..]) => {
            admin(cx)?;
            match (method, rest) {
                ("GET", []) => keys::list(cx),
                ("GET", [id]) => keys::get(cx, id),
                ("PUT", [id]) => keys::enable(cx, id),
                ("DELETE", [id]) => keys::revoke(cx, id),
                _ => Err(not_found(cx)),
            }
        }
        _ => Err(not_found(cx)),
    }
}
