//! From a request to an answer: what opens the endpoint, the operation, and what every change goes through.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::BASE;
use super::faults::{
    DELAYED, EMPTY_ERRORS_KEY, FAULTS, GRAPHQL_ERROR, GRAPHQL_ERROR_AFTER, LOST_WRITE, NOT_OK, NOT_OK_AFTER,
    NULL_RESULT,
};
use super::graphql::{Operation, parse};
use super::operations::{Cx, Refusal, check, run, select, type_of};
use super::project::Mirror;
use super::things;
use super::world::State;
use crate::model::Moment;
use crate::sandbox::keep::{Keep, Row, Step};
use crate::sandbox::{Active, Answer, Api, Call, Request, Spec, Token};

/// The media type of every body.
const MEDIA: &str = "application/json";

/// What the token is (fact sheet paradime, section a).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The secret of a key, which opens one workspace.
    Pair,
    /// A workspace token, which opens one.
    Workspace,
    /// An account token, which opens all: a header says which.
    Company,
}

impl Kind {
    /// By how the token begins.
    pub fn of(token: &Token) -> Self {
        match () {
            () if token.begins("prdm_wsp_") => Self::Workspace,
            () if token.begins("prdm_cmp_") => Self::Company,
            () => Self::Pair,
        }
    }
}

/// The API and its state.
#[derive(Debug)]
pub struct Paradime {
    pub state: State,
    pub mirror: Mirror,
    pub keep: Option<Keep>,
    pub kind: Kind,
    /// The key that belongs to the token, where that is a secret.
    pub key: String,
    /// The workspace that the token opens, where it opens one.
    pub bound: Option<String>,
    /// As whom invitations are judged.
    pub acting: Option<String>,
    /// What readers still see, and how long: under `delayed`.
    pub past: VecDeque<(Instant, State)>,
}

/// An operation that is to be done, and its variables.
struct Asked {
    operation: Operation,
    variables: Map<String, Value>,
}

/// Reads a body: an operation, or why there is none.
fn asked(body: &[u8]) -> Result<Asked, Refusal> {
    let bad = |text: &str| Refusal { status: 400, text: text.to_owned() };
    let body: Value = serde_json::from_slice(body).map_err(|_| bad("The body is no JSON."))?;
    let text = body.get("query").and_then(Value::as_str).ok_or_else(|| bad("Must provide query string."))?;
    let variables = match body.get("variables") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(_) => return Err(bad("Variables are not an object.")),
    };
    let mut operations = parse(text).map_err(Refusal::error)?;
    let wanted = body.get("operationName").and_then(Value::as_str);
    let at = match wanted {
        Some(name) => operations.iter().position(|o| o.name.as_deref() == Some(name)),
        None if operations.len() == 1 => Some(0),
        None => return Err(Refusal::error("Must provide operation name if query contains multiple operations.")),
    };
    let at =
        at.ok_or_else(|| Refusal::error(format!("Unknown operation named \"{}\".", wanted.unwrap_or_default())))?;
    Ok(Asked { operation: operations.swap_remove(at), variables })
}

impl Api for Paradime {
    fn base(&self) -> &'static str {
        BASE
    }

    fn faults(&self) -> &'static [&'static Spec] {
        FAULTS
    }

    fn writes(&self, request: &Request) -> bool {
        asked(&request.body).is_ok_and(|asked| asked.operation.mutation)
    }

    fn opens(&self, token: &Token, header: &dyn Fn(&str) -> Option<String>) -> bool {
        // As a bearer's also where it is a secret: for the sandbox's own endpoints.
        let pair = || {
            self.kind == Kind::Pair
                && header("x-api-key").is_some_and(|key| key == self.key)
                && header("x-api-secret").is_some_and(|secret| token.is(&secret))
        };
        token.opens(header("authorization").as_deref()) || pair()
    }

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        while self.past.front().is_some_and(|(until, _)| *until <= call.now) {
            self.past.pop_front();
        }
        match self.take(call) {
            Ok(data) if call.faults.has(&EMPTY_ERRORS_KEY) => {
                Answer::json(200, MEDIA, &json!({"data": data, "errors": []}))
            }
            Ok(data) => Answer::json(200, MEDIA, &json!({"data": data})),
            Err(refusal) => failed(refusal.status, &refusal.text),
        }
    }

    fn error(&self, status: u16, text: &str, _: &Active) -> Answer {
        failed(status, text)
    }

    fn control(&mut self, request: &Request, rest: &str) -> Option<Answer> {
        match (request.method.as_str(), rest) {
            ("GET", "things") => {
                let all: Vec<Value> = self.state.workspaces.iter().map(|(uid, _)| self.state.shown(uid)).collect();
                Some(Answer::json(200, MEDIA, &json!({"workspaces": all})))
            }
            ("POST", "things") => {
                let time = jiff::Timestamp::now();
                let done = things::read(&request.body).and_then(|said| things::add(&mut self.state, said, time));
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
            _ => None,
        }
    }

    fn flush(&mut self) -> Result<(), String> {
        self.keep.as_ref().map_or(Ok(()), Keep::flush)
    }
}

/// An error: of GraphQL where the status is 200, and in the same shape otherwise.
fn failed(status: u16, text: &str) -> Answer {
    let errors = json!([{"message": text}]);
    let body = if status == 200 { json!({"data": null, "errors": errors}) } else { json!({"errors": errors}) };
    Answer::json(status, MEDIA, &body)
}

impl Paradime {
    /// The workspace that a request is about.
    fn scope(&self, request: &Request) -> Result<Option<String>, Refusal> {
        if self.kind == Kind::Company {
            return match request.header("x-paradime-workspace") {
                None => Ok(None),
                Some(uid) if self.state.workspaces.get(uid).is_some() => Ok(Some(uid.to_owned())),
                Some(_) => Err(Refusal { status: 403, text: "The token does not open this workspace.".to_owned() }),
            };
        }
        let first = || self.state.workspaces.iter().next().map(|(uid, _)| uid.to_owned());
        Ok(self.bound.clone().or_else(first))
    }

    fn take(&mut self, call: &Call<'_>) -> Result<Value, Refusal> {
        let request = call.request;
        if request.path.trim_end_matches('/') != BASE {
            return Err(Refusal { status: 404, text: format!("There is nothing at {}.", request.path) });
        }
        if request.method != "POST" {
            return Err(Refusal { status: 405, text: "Queries are sent by POST.".to_owned() });
        }
        if self.kind == Kind::Pair && request.header("x-api-secret").is_none() {
            return Err(Refusal { status: 401, text: "X-API-KEY and X-API-SECRET are missing.".to_owned() });
        }
        let workspace = self.scope(request);
        let Asked { operation, variables } = asked(&request.body)?;
        let of = if operation.mutation { "Mutation" } else { "Query" };
        check(&operation.fields, of)?;
        let faults = call.faults;
        if faults.has(&GRAPHQL_ERROR) {
            return Err(Refusal::error("Something went wrong."));
        }
        let before = (operation.mutation && faults.has(&DELAYED)).then(|| self.state.clone());
        let acting = self.acting.as_deref();
        // What readers see lies in the past while a write is not visible yet.
        let state = match self.past.front_mut() {
            Some((_, past)) if !operation.mutation => past,
            _ => &mut self.state,
        };
        let mut cx =
            Cx { state, faults, time: call.time, workspace, acting, variables: &variables, operation: &operation };
        let mut data = Map::new();
        for field in &operation.fields {
            let mut whole = match run(&mut cx, field) {
                Ok(whole) => whole,
                Err(refusal) => {
                    self.state.undo();
                    return Err(refusal);
                }
            };
            if (faults.has(&NOT_OK) || faults.has(&NOT_OK_AFTER)) && whole.get("ok").is_some() {
                whole["ok"] = Value::Bool(false);
            }
            if faults.has(&NULL_RESULT) {
                whole = Value::Null;
            }
            let kind =
                if field.fields.is_empty() { whole } else { select(&whole, &field.fields, type_of(&field.name)) };
            data.insert(field.key().to_owned(), kind);
        }
        if !operation.mutation {
            return Ok(Value::Object(data));
        }
        if faults.has(&LOST_WRITE) || faults.has(&NOT_OK) || faults.has(&NULL_RESULT) {
            self.state.undo();
            return Ok(Value::Object(data));
        }
        if let (Some(before), Some(wait)) = (before, faults.value(&DELAYED)) {
            self.past.push_back((call.now + Duration::from_millis(wait), before));
        }
        self.commit(call.time);
        if faults.has(&GRAPHQL_ERROR_AFTER) {
            return Err(Refusal::error("Something went wrong."));
        }
        Ok(Value::Object(data))
    }

    /// Hands what was changed over to be written.
    pub fn commit(&mut self, time: jiff::Timestamp) {
        let mut touched: Vec<(&'static str, Vec<String>)> = Vec::new();
        for (name, table) in self.state.tables() {
            touched.push((name, table.touched()));
        }
        let Some(keep) = &self.keep else { return };
        if touched.iter().all(|(_, ids)| ids.is_empty()) {
            return;
        }
        let accounts = touched.iter().filter(|(name, _)| *name == "account").flat_map(|(_, ids)| ids);
        let changes = self.mirror.follow(accounts, &self.state);
        let mut rows: Vec<Row> = Vec::new();
        for ((name, table), (_, ids)) in self.state.tables().into_iter().zip(&touched) {
            rows.extend(ids.iter().map(|id| Row { kind: name, id: id.clone(), body: table.row(id) }));
        }
        let last = self.state.last.to_string();
        rows.push(Row { kind: "counter", id: "last".to_owned(), body: Some(last) });
        keep.put(Step { changes, rows, at: Some(Moment::from_second(time.as_second())) });
    }
}
