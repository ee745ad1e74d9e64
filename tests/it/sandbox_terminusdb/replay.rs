//! 500 requests to a real server, sent to the sandbox: in their order, with every name changed, and with all
//! runs on one server in another order and names of their own. Of each answer the status and what tells
//! errors apart must be the same: the types of the answer, of the error and of its witnesses, and the
//! message. Whether whole bodies are the same is counted besides.
//!
//! Random identifiers and versions differ between two servers: which one stands for which is learned from
//! the answers, and used in later requests.

use std::collections::BTreeMap;
use std::fmt::Write;

use rolecall::sandbox::Handle;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{PASSWORD, basic, raw, sandbox};

/// One exchange of the recording.
#[derive(Debug, Deserialize)]
struct Exchange {
    run: u32,
    n: u32,
    name: String,
    method: String,
    path: String,
    auth: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    status: u16,
    #[serde(default)]
    answer: Value,
    version: Option<String>,
}

/// Why some answers differ.
const REASONS: [(u32, u32, &str); 2] =
    [(3, 25, "the capabilities came from parallel grants, which were not recorded"), (3, 26, "the same")];

fn recorded() -> Vec<Exchange> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/terminusdb/captures.jsonl");
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Words that stand for themselves wherever they occur: what every server has, and classes.
const FIXED: [&str; 22] = [
    "",
    "admin",
    "anonymous",
    "consumer",
    "Admin Role",
    "Consumer Role",
    "_system",
    "User",
    "Role",
    "Organization",
    "UserDatabase",
    "Capability",
    "terminusdb:",
    "system",
    "data",
    "api",
    "users",
    "databases",
    "invites",
    "bogus",
    "nonsense",
    "shared",
];

/// New names for old ones; `None` keeps all.
#[derive(Default)]
struct Names {
    salt: Option<&'static str>,
    new: BTreeMap<String, String>,
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap()
}

fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
    }
    out
}

impl Names {
    /// Another name of the same kind of characters.
    fn name(&mut self, old: &str) -> String {
        let Some(salt) = self.salt.filter(|_| !FIXED.contains(&old)) else { return old.to_owned() };
        let number = self.new.len();
        let turned = |c: char| match c {
            'a'..='z' => char::from((c as u8 - b'a' + 13) % 26 + b'a'),
            'A'..='Z' => char::from((c as u8 - b'A' + 13) % 26 + b'A'),
            other => other,
        };
        let new = || format!("{salt}{number:03}{}", old.chars().map(turned).collect::<String>());
        self.new.entry(old.to_owned()).or_insert_with(new).clone()
    }

    /// The same for names with slashes between, some of them encoded.
    fn path(&mut self, old: &str) -> String {
        let mut part = |part: &str| {
            let plain = decode(part);
            let split: Vec<String> = plain.split('/').map(|p| self.name(p)).collect();
            let new = split.join("/");
            if plain == part { new } else { encode(&new) }
        };
        old.split('/').map(&mut part).collect::<Vec<_>>().join("/")
    }

    /// Names where they stand in a body.
    fn body(&mut self, value: &Value) -> Value {
        const KEYS: [&str; 10] =
            ["name", "user", "scope", "roles", "role", "@id", "child", "user_name", "organization_name", "capability"];
        match value {
            Value::Object(map) => {
                let mut out = Map::new();
                for (key, item) in map {
                    let random = |t: &str| t.contains("UserDatabase/") || t.contains("Capability/");
                    let item = match item {
                        Value::String(text) if KEYS.contains(&key.as_str()) && !random(text) => json!(self.path(text)),
                        Value::Number(number) if key == "name" && self.salt.is_some() => {
                            json!(number.as_u64().unwrap() + 70_000)
                        }
                        Value::Array(items) if KEYS.contains(&key.as_str()) => items
                            .iter()
                            .map(|i| match i.as_str().filter(|t| !random(t)) {
                                Some(text) => json!(self.path(text)),
                                None => self.body(i),
                            })
                            .collect(),
                        other => other.clone(),
                    };
                    out.insert(key.clone(), item);
                }
                Value::Object(out)
            }
            Value::Array(items) => items.iter().map(|i| self.body(i)).collect(),
            other => other.clone(),
        }
    }

    /// The old names again, wherever a new one stands.
    fn back(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let mut all: Vec<(&String, &String)> = self.new.iter().collect();
        all.sort_by_key(|(_, new)| std::cmp::Reverse(new.len()));
        for (old, new) in all {
            text = text.replace(new.as_str(), old).replace(&encode(new), &encode(old));
            let quoted = |t: &str| Value::from(t).to_string().trim_matches('"').to_owned();
            text = text.replace(&quoted(new), &quoted(old));
        }
        text.replace("70005", "5").replace("70007", "7")
    }
}

/// Which of our random identifiers stands for which recorded one.
#[derive(Default)]
struct Ids {
    ours: BTreeMap<String, String>,
}

/// Where a random part of an identifier begins, and how long it is.
const CLASSES: [&str; 2] = ["UserDatabase/", "Capability/"];

fn is_random(part: &str) -> bool {
    part.len() == 16 && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl Ids {
    /// A request's text with our identifiers in the place of recorded ones.
    fn translate(&self, text: &str) -> String {
        self.ours.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs.as_str(), ours))
    }

    fn learn(&mut self, theirs: &str, ours: &str) {
        for class in CLASSES {
            let id = |text: &str| {
                let part = text.rsplit_once(class)?.1.get(..16)?.to_owned();
                is_random(&part).then_some(part)
            };
            if let (Some(a), Some(b)) = (id(theirs), id(ours)) {
                self.ours.entry(a).or_insert(b);
            }
        }
    }

    /// Learns from two answers of the same form.
    fn align(&mut self, theirs: &Value, ours: &Value) {
        match (theirs, ours) {
            (Value::String(a), Value::String(b)) => self.learn(a, b),
            (Value::Array(a), Value::Array(b)) => {
                let (a, b) = (sorted(a), sorted(b));
                a.iter().zip(&b).for_each(|(a, b)| self.align(a, b));
            }
            (Value::Object(a), Value::Object(b)) => {
                for (key, item) in a {
                    if let Some(other) = b.get(key) {
                        self.align(item, other);
                    }
                }
            }
            _ => {}
        }
    }
}

/// A text without what no two servers have in common.
fn plain(text: &str) -> String {
    let mut text = text.to_owned();
    for class in CLASSES.into_iter().chain(["data/T/", "\"T/", "system:", "branch:"]) {
        let mut from = 0;
        while let Some(at) = text[from..].find(class) {
            let start = from + at + class.len();
            let length = text[start..].bytes().take_while(|b| b.is_ascii_alphanumeric() || b"-_/".contains(b)).count();
            let random = match class {
                "system:" | "branch:" => length > 20,
                _ => is_random(&text[start..start + length]),
            };
            if random {
                text.replace_range(start..start + length, "*");
            }
            from = start;
        }
    }
    text
}

/// A list by its content, whatever its random identifiers.
fn sorted(items: &[Value]) -> Vec<Value> {
    let mut items: Vec<Value> = items.to_vec();
    items.sort_by_cached_key(|i| plain(&canonical(i).to_string()));
    items
}

/// A body in which order, identifiers and times do not matter.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(canonical).collect();
            items.sort_by_cached_key(|i| plain(&i.to_string()));
            Value::Array(items)
        }
        Value::Object(map) => {
            let one = |(key, item): (&String, &Value)| {
                let item = match key.as_str() {
                    "api:request_id" => return None,
                    "creation_date" | "key_hash" | "git_hash" => json!("*"),
                    "terminusdb_store" => json!("*"),
                    _ => canonical(item),
                };
                Some((key.clone(), item))
            };
            Value::Object(map.iter().filter_map(one).collect())
        }
        other => other.clone(),
    }
}

/// What tells one kind of answer from another.
fn discriminator(status: u16, body: &Value) -> String {
    let of = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or("-").to_owned();
    let shape = match body {
        Value::Null => "nothing",
        Value::String(text) if text == "(page)" => "a page",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        _ => "an object",
    };
    let mut text = format!("{status} {shape}");
    if body.is_object() {
        let error = body.get("api:error").unwrap_or(&Value::Null);
        let witnesses = [body.get("system:witnesses"), error.get("api:witnesses")];
        let witnesses: Vec<String> =
            witnesses.into_iter().flatten().flat_map(|w| w.as_array().unwrap()).map(|w| of(w, "@type")).collect();
        // The order of a list within a message is unstable (fact sheet, section 7, trap 6).
        let message = plain(&of(body, "api:message"));
        write!(text, " {} {} {witnesses:?} {message}", of(body, "@type"), of(error, "@type")).unwrap();
    }
    text
}

/// What came of a replay.
#[derive(Default)]
struct Outcome {
    total: usize,
    same: usize,
    whole: usize,
    /// Run, number and text of each that differs.
    different: Vec<(u32, u32, String)>,
    /// The same for those whose body alone differs.
    bodies: Vec<(u32, u32, String)>,
}

/// The version of the system graph now: what the one who recorded had read before.
fn version(handle: &Handle) -> String {
    let got = raw(handle.addr(), "GET", "/api/document/_system?as_list=true&type=Role", &[basic("admin:root")], b"");
    got.header("terminusdb-data-version").unwrap().to_owned()
}

fn replay(handle: &Handle, exchanges: &[&Exchange], names: &mut Names, outcome: &mut Outcome) {
    let mut ids = Ids::default();
    let mut versions: BTreeMap<String, String> = BTreeMap::new();
    for exchange in exchanges {
        let (path, query) = exchange.path.split_once('?').unwrap_or((&exchange.path, ""));
        // The path below /api and the first word, whose names come behind them.
        let depth = path.match_indices('/').nth(2).map_or(path.len(), |(at, _)| at);
        let path = format!("{}{}", &path[..depth], names.path(&path[depth..]));
        let path = if query.is_empty() { path } else { format!("{path}?{query}") };
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, value) in &exchange.headers {
            let value = match name.as_str() {
                "TerminusDB-Data-Version" if value.len() > 40 => {
                    versions.entry(value.clone()).or_insert_with(|| version(handle)).clone()
                }
                _ => value.clone(),
            };
            headers.push((name.clone(), value));
        }
        if let Some(auth) = &exchange.auth {
            let (user, password) = auth.split_once(':').unwrap();
            headers.push(basic(&format!("{}:{password}", names.name(user))));
        }
        let in_database = path.starts_with("/api/document/") && !path.starts_with("/api/document/_system");
        let body = match &exchange.body {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(value) if in_database => value.to_string(),
            Some(value) => names.body(value).to_string(),
        };
        let got =
            raw(handle.addr(), &exchange.method, &ids.translate(&path), &headers, ids.translate(&body).as_bytes());
        if let (Some(theirs), Some(ours)) = (&exchange.version, got.header("terminusdb-data-version")) {
            versions.insert(theirs.clone(), ours.to_owned());
        }
        let text = names.back(&String::from_utf8(got.body.clone()).unwrap());
        let answer: Value = match text.as_str() {
            "" => Value::Null,
            page if page.starts_with('<') => json!("(page)"),
            text => serde_json::from_str(text).unwrap(),
        };
        ids.align(&exchange.answer, &answer);
        let (theirs, ours) =
            (discriminator(exchange.status, &exchange.answer), discriminator(got.status.unwrap_or(0), &answer));
        outcome.total += 1;
        if theirs == ours && exchange.version.is_some() == got.header("terminusdb-data-version").is_some() {
            outcome.same += 1;
        } else {
            outcome.different.push((
                exchange.run,
                exchange.n,
                format!("{}\n    real {theirs}\n    here {ours}", exchange.name),
            ));
        }
        let whole = |value: &Value| plain(&canonical(value).to_string());
        if whole(&exchange.answer) == whole(&answer) {
            outcome.whole += 1;
        } else {
            outcome.bodies.push((
                exchange.run,
                exchange.n,
                format!("{}\n    real {}\n    here {}", exchange.name, whole(&exchange.answer), whole(&answer)),
            ));
        }
    }
}

/// Each run from a fresh store, in this order.
fn apart(order: &[u32], salt: Option<&'static str>) -> Outcome {
    let all = recorded();
    let mut outcome = Outcome::default();
    for run in order {
        let handle = sandbox(|_| {});
        let exchanges: Vec<&Exchange> = all.iter().filter(|e| e.run == *run).collect();
        replay(&handle, &exchanges, &mut Names { salt, ..Names::default() }, &mut outcome);
    }
    outcome
}

/// The part that a person reads.
fn report(outcome: &Outcome) -> String {
    let mut text = format!(
        "{} of {} answers have the status and the discriminator of the real server, {} the whole body.\n",
        outcome.same, outcome.total, outcome.whole
    );
    for (run, n, what) in &outcome.different {
        let reason = REASONS.iter().find(|r| (r.0, r.1) == (*run, *n)).map_or("WITHOUT A REASON", |r| r.2);
        write!(text, "{run}#{n} {what}\n    because {reason}\n").unwrap();
    }
    let bodies: Vec<String> = outcome.bodies.iter().map(|(run, n, _)| format!("{run}#{n}")).collect();
    writeln!(text, "other bodies: {}", bodies.join(" ")).unwrap();
    text
}

#[track_caller]
fn is_enough(outcome: &Outcome) {
    assert_eq!(outcome.total, 500);
    assert!(outcome.same * 100 >= outcome.total * 95, "{}", report(outcome));
    for (run, n, what) in &outcome.different {
        assert!(REASONS.iter().any(|r| (r.0, r.1) == (*run, *n)), "{run}#{n} {what}");
    }
}

#[test]
fn the_sandbox_answers_as_the_real_server_did() {
    let outcome = apart(&[1, 2, 3, 4, 5], None);
    if std::env::var_os("ROLECALL_REPLAY").is_some() {
        outcome.bodies.iter().for_each(|(run, n, what)| eprintln!("BODY {run}#{n} {what}"));
    }
    insta::assert_snapshot!("replay", report(&outcome));
    is_enough(&outcome);
}

#[test]
fn no_answer_hangs_on_a_name() {
    let outcome = apart(&[5, 3, 1, 4, 2], Some("zq"));
    is_enough(&outcome);
}

#[test]
fn no_answer_hangs_on_what_was_done_before() {
    // Run 2 goes last: it takes built-in roles away.
    let all = recorded();
    let handle = sandbox(|options| assert!(options.serve.token.is(PASSWORD)));
    let mut outcome = Outcome::default();
    for (run, salt) in [(5, "ka"), (4, "kb"), (3, "kc"), (1, "kd"), (2, "ke")] {
        let exchanges: Vec<&Exchange> = all.iter().filter(|e| e.run == run).collect();
        replay(&handle, &exchanges, &mut Names { salt: Some(salt), ..Names::default() }, &mut outcome);
    }
    is_enough(&outcome);
}
