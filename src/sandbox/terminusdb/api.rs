//! From a request to an answer: who asks, the endpoints, and what every change goes through.

use serde_json::{Map, Value, json};

use super::answer::{MEDIA, Out, forbidden, good, missing, no_method, no_path, not_known, type_error, unexpected};
use super::faults::{ANONYMOUS as ANONYMOUS_FAULT, FAULTS, LOST_WRITE, NOT_SUPER};
use super::world::{ADMIN, ANONYMOUS, State, locked};
use super::{BASE, capabilities, databases, documents, graphql, hosted, organizations, roles, users};
use crate::model::Moment;
use crate::sandbox::keep::{Keep, Row, Step};
use crate::sandbox::{Active, Answer, Api, Call, Request, Spec, Token};

/// The header of the data version (section 6).
pub const VERSION: &str = "terminusdb-data-version";

/// The version that was captured.
const RELEASE: &str = "12.0.6";

/// The API and its state.
#[derive(Debug)]
pub struct Terminus {
    pub state: State,
    pub keep: Option<Keep>,
    pub hosted: bool,
    pub token: Token,
}

/// What an endpoint is given.
pub struct Cx<'a> {
    pub state: &'a mut State,
    pub call: &'a Call<'a>,
    /// The id of the user who asks.
    pub who: String,
}

/// What came with a request.
pub enum Sent {
    Nothing,
    Json(Value),
    /// Of another media type.
    Text(String),
}

impl Cx<'_> {
    pub fn request(&self) -> &Request {
        self.call.request
    }

    pub fn method(&self) -> &str {
        &self.call.request.method
    }

    pub fn has(&self, spec: &'static Spec) -> bool {
        self.call.faults.has(spec)
    }

    /// Whether a parameter says yes; an error where it says neither yes nor no.
    pub fn flag(&self, name: &str) -> Result<bool, Answer> {
        match self.request().param(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(super::answer::unhandled()),
        }
    }

    /// Whether who asks may do everything.
    pub fn is_super(&self) -> bool {
        self.who == ADMIN && !self.has(&NOT_SUPER)
    }

    /// Refuses whoever is not the super user.
    pub fn only_super(&self) -> Result<(), Answer> {
        if self.is_super() {
            return Ok(());
        }
        Err(forbidden("'SystemDatabase'", "'Action/manage_capabilities'", &self.who))
    }

    /// Whether who asks may do something with a resource.
    pub fn may(&self, action: &str, resource: &str) -> bool {
        self.is_super() || self.state.allows(&self.who, action, resource)
    }

    /// Refuses whoever may not; `scope` as the refusal shows it.
    pub fn only(&self, action: &str, resource: &str, scope: &str) -> Result<(), Answer> {
        if self.may(action, resource) {
            return Ok(());
        }
        Err(forbidden(scope, &format!("'@schema':'Action/{action}'"), &self.who))
    }

    /// The body. One without a media type is not looked at.
    pub fn sent(&self) -> Result<Sent, Answer> {
        let request = self.request();
        let text = String::from_utf8_lossy(&request.body).into_owned();
        match request.header("content-type") {
            None => Ok(Sent::Nothing),
            Some(_) if text.is_empty() => Ok(Sent::Nothing),
            Some(media) if media.starts_with(MEDIA) => serde_json::from_str(&text).map(Sent::Json).map_err(|_| {
                let message = "Submitted object was not valid JSON";
                let body = json!({"api:message": message, "api:status": "api:failure", "system:object": text});
                Answer::json(400, MEDIA, &body)
            }),
            Some(_) => Ok(Sent::Text(text)),
        }
    }

    /// The body, which must be an object with these keys.
    pub fn document(&self, keys: &[&str]) -> Result<Map<String, Value>, Answer> {
        let wrong = |value: &Value, expected: &str| {
            let shown = value.as_str().map_or_else(|| value.to_string(), |t| format!("'{t}'"));
            type_error(&Value::String(shown), expected)
        };
        let map = match self.sent()? {
            Sent::Json(Value::Object(map)) => map,
            Sent::Json(Value::Array(items)) => {
                return Err(wrong(items.first().unwrap_or(&Value::Null), "'key-value'"));
            }
            Sent::Json(other) => return Err(wrong(&other, "'dict-data'")),
            Sent::Text(text) => return Err(wrong(&Value::String(text), "'dict-data'")),
            Sent::Nothing => return Err(unexpected()),
        };
        if keys.iter().any(|key| !map.contains_key(*key)) {
            return Err(missing(&map, keys));
        }
        Ok(map)
    }
}

/// A text where one is meant; numbers are taken for their digits (captured for names).
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Api for Terminus {
    fn base(&self) -> &'static str {
        BASE
    }

    fn faults(&self) -> &'static [&'static Spec] {
        FAULTS
    }

    fn own_door(&self) -> bool {
        true
    }

    fn writes(&self, request: &Request) -> bool {
        !matches!(request.method.as_str(), "GET" | "HEAD") && !request.path.starts_with("/api/graphql/")
    }

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        let answer = self.take(call);
        if call.request.method == "HEAD" { Answer { body: Vec::new(), ..answer } } else { answer }
    }

    fn error(&self, status: u16, text: &str, _: &Active) -> Answer {
        let word = if status >= 500 { "api:server_error" } else { "api:failure" };
        Answer::json(status, MEDIA, &json!({"api:message": text, "api:status": word}))
    }

    fn flush(&mut self) -> Result<(), String> {
        self.keep.as_ref().map_or(Ok(()), Keep::flush)
    }
}

impl Terminus {
    /// Who asks: an id, or a refusal (section 3). What is not understood is no credentials at all.
    fn who(&self, call: &Call<'_>) -> Result<String, Answer> {
        let nobody = Ok(ANONYMOUS.to_owned());
        let Some(said) = call.request.header("authorization").filter(|_| !call.faults.has(&ANONYMOUS_FAULT)) else {
            return nobody;
        };
        let (scheme, rest) = said.split_once(' ').unwrap_or((said, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Err(not_known()),
            "token" if self.hosted => {
                if self.token.is(rest.trim()) {
                    Ok(ADMIN.to_owned())
                } else {
                    Err(not_known())
                }
            }
            "basic" => {
                let Some(pair) = unbase64(rest.trim()).and_then(|bytes| String::from_utf8(bytes).ok()) else {
                    return nobody;
                };
                let Some((name, password)) = pair.split_once(':') else { return nobody };
                let Some((id, user)) = self.state.user(name) else { return Err(not_known()) };
                let right = match &user.key {
                    Some(key) => *key == locked(name, password),
                    None => id == ADMIN && self.token.is(password),
                };
                if right { Ok(id.to_owned()) } else { Err(not_known()) }
            }
            _ => nobody,
        }
    }

    fn take(&mut self, call: &Call<'_>) -> Answer {
        let request = call.request;
        let Some(path) = request.segments(BASE) else { return no_path(&request.path) };
        if path == ["ok"] && request.method == "GET" {
            return Answer::empty(200).header("content-type", "application/octets");
        }
        if !known(&path, self.hosted) {
            return no_path(&request.path);
        }
        if !takes(&path, &request.method, self.hosted) {
            return no_method(&request.method, &request.path);
        }
        let who = match self.who(call) {
            Ok(who) => who,
            Err(answer) => return answer,
        };
        let writes = self.writes(request);
        let mut cx = Cx { state: &mut self.state, call, who };
        let out = route(&mut cx, &path, self.hosted);
        let kept = writes && !call.faults.has(&LOST_WRITE) && (out.is_ok() || half_done(&out));
        if !kept {
            self.state.undo();
        }
        self.commit(call.time);
        let answer = out.unwrap_or_else(|refused| refused);
        // Made only now, because it counts what was just done.
        let system = answer.headers.iter().any(|(name, value)| *name == VERSION && value.is_empty());
        if system { answer.header(VERSION, self.state.version()) } else { answer }
    }

    /// Hands what was changed over to be written.
    pub fn commit(&mut self, time: jiff::Timestamp) {
        let mut rows: Vec<Row> = Vec::new();
        for (name, table) in self.state.tables() {
            for id in table.touched() {
                rows.push(Row { kind: name, body: table.row(&id), id });
            }
        }
        if rows.is_empty() {
            return;
        }
        self.state.layer += 1;
        let counters = json!({"last": self.state.last, "layer": self.state.layer}).to_string();
        rows.push(Row { kind: "counter", id: "last".to_owned(), body: Some(counters) });
        if let Some(keep) = &self.keep {
            keep.put(Step { changes: Vec::new(), rows, at: Some(Moment::from_second(time.as_second())) });
        }
    }
}

/// A deletion that fails half way leaves its first half (section 7, trap 2): the mark of that is a header.
fn half_done(out: &Out) -> bool {
    out.as_ref().is_err_and(|answer| answer.headers.iter().any(|(name, _)| *name == databases::HALF))
}

/// RFC 4648, section 4; `None` where it is none.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(body.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in body.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(out)
}

/// Whether the server has anything at such a path.
fn known(path: &[String], hosted: bool) -> bool {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    match parts.as_slice() {
        []
        | ["info" | "roles" | "users" | "organizations" | "capabilities" | "db" | "user_organizations"]
        | ["roles" | "users" | "user" | "organization", _]
        | ["organization"]
        | ["organizations", ..]
        | ["db", _]
        | ["db", _, _]
        | ["document" | "graphql" | "log", _, ..]
        | ["woql" | "schema" | "branch" | "squash" | "optimize" | "remote" | "history", ..] => true,
        ["private", ..] => hosted,
        _ => false,
    }
}

/// Whether a path takes a method: what is not here is a page of 405 to everybody.
fn takes(path: &[String], method: &str, hosted: bool) -> bool {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let of = |methods: &[&str]| methods.contains(&method);
    match parts.as_slice() {
        [] | ["info" | "user_organizations"] => of(&["GET"]),
        ["roles" | "users"] => of(&["GET", "POST", "PUT"]),
        ["roles" | "users", _] => of(&["GET", "DELETE"]),
        ["organizations"] => of(&["GET"]),
        ["organizations", _, ..] if hosted => of(&["GET", "POST", "PUT", "DELETE"]),
        ["organizations", _, ..] => of(&["GET", "POST", "DELETE"]),
        ["organization"] => of(&["POST"]),
        ["organization", _] => of(&["DELETE"]),
        ["user", _] => of(&["POST", "DELETE"]),
        ["capabilities"] => of(&["POST"]),
        ["db"] | ["db", _] => of(&["GET"]),
        ["db", _, _] => of(&["GET", "HEAD", "POST", "PUT", "DELETE"]),
        ["document", ..] => of(&["GET", "HEAD", "POST", "PUT", "DELETE"]),
        ["graphql", ..] => of(&["GET", "POST"]),
        ["log", ..] => of(&["GET"]),
        _ => true,
    }
}

fn route(cx: &mut Cx<'_>, path: &[String], is_hosted: bool) -> Out {
    let method = cx.method().to_owned();
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    if is_hosted && let Some(out) = hosted::route(cx, &method, &parts) {
        return out;
    }
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["info"]) => Ok(info(cx)),
        ("GET", []) => databases::connect(cx),
        ("GET", ["user_organizations"]) => organizations::mine(cx),
        ("GET", ["roles"]) => roles::list(cx),
        ("POST", ["roles"]) => roles::create(cx),
        ("PUT", ["roles"]) => roles::update(cx),
        ("GET", ["roles", name]) => roles::get(cx, name),
        ("DELETE", ["roles", tail]) => roles::delete(cx, tail),
        ("GET", ["users"]) => users::list(cx),
        ("POST", ["users"]) => users::create(cx),
        ("PUT", ["users"]) => users::update(cx),
        ("GET", ["users", name]) => users::get(cx, name),
        ("DELETE", ["users", name]) => users::delete(cx, name),
        ("POST", ["user", name]) => users::deprecated(cx, name),
        ("DELETE", ["user", name]) => users::delete(cx, name),
        ("GET", ["organizations"]) => organizations::list(cx),
        ("GET", ["organizations", name, rest @ ..]) => organizations::get(cx, name, rest),
        ("POST", ["organizations", rest @ ..]) => organizations::create(cx, &rest.join("/")),
        ("DELETE", ["organizations", rest @ ..]) => organizations::delete(cx, &rest.join("/"), "Organization"),
        ("POST", ["organization"]) => Err(super::answer::unhandled()),
        ("DELETE", ["organization", name]) => organizations::delete(cx, name, "DeleteOrganization"),
        ("POST", ["capabilities"]) => capabilities::change(cx),
        ("GET", ["db", rest @ ..]) => databases::list(cx, rest),
        (_, ["db", organization, name]) => databases::one(cx, &method, organization, name),
        (_, ["document", "_system"]) => documents::system(cx, &method),
        (_, ["document", organization, name]) => databases::documents(cx, &method, organization, name),
        (_, ["graphql", "_system"]) => graphql::query(cx),
        ("GET", ["log", "_system"]) => databases::no_log(),
        _ => Err(super::answer::not_here("what lies in databases")),
    }
}

fn info(cx: &Cx<'_>) -> Answer {
    good(&json!({
        "@type": "api:InfoResponse",
        "api:info": {
            "authority": super::answer::iri(&cx.who),
            "storage": {"version": "2"},
            "terminusdb": {"git_hash": "sandbox", "version": RELEASE},
            "terminusdb_store": {"version": "sandbox"},
        },
        "api:status": "api:success",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_undone() {
        assert_eq!(unbase64("Zm9vYg==").as_deref(), Some(b"foob".as_slice()));
        assert_eq!(unbase64("Zm9vYmFy").as_deref(), Some(b"foobar".as_slice()));
        assert_eq!(unbase64("!!!"), None);
    }
}
