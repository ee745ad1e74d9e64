//! GitHub as a run sees it: what the tests need of it, kept in memory; or emulate, with answers of the test's own
//! for what emulate has not.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::github::contract::unchunked;
use crate::wire;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub token: String,
    pub body: Value,
}

impl Asked {
    pub fn writes(&self) -> bool {
        self.method != "GET"
    }
}

/// A status, headers with their line ends, a body.
pub type Answer = (u16, String, Value);

type Fault = Box<dyn FnMut(&Asked) -> Option<Answer> + Send>;

/// What GitHub knows.
#[derive(Default)]
pub struct Known {
    pub pulls: BTreeMap<u64, Value>,
    /// The commits that belong to a pull request, its merge among them.
    pub commits: BTreeMap<u64, Vec<String>>,
    pub comments: Vec<(u64, Value)>,
    pub reviews: BTreeMap<u64, Vec<Value>>,
    pub checks: Vec<Value>,
    pub issues: Vec<Value>,
    pub labels: BTreeMap<u64, Vec<String>>,
    pub log: Vec<Asked>,
    pub faults: Vec<Fault>,
    ids: u64,
}

pub struct Hub {
    pub addr: SocketAddr,
    known: Arc<Mutex<Known>>,
}

impl Hub {
    /// A GitHub; with `upstream`, what it has itself is only what emulate has not.
    pub fn start(upstream: Option<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let known = Arc::new(Mutex::new(Known { ids: 1_000, ..Known::default() }));
        let shared = Arc::clone(&known);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let known = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &known, upstream));
            }
        });
        Self { addr, known }
    }

    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }

    /// Answers otherwise, while `fault` has an answer.
    pub fn fault(&self, fault: impl FnMut(&Asked) -> Option<Answer> + Send + 'static) {
        self.known().faults.push(Box::new(fault));
    }

    /// The comments of a pull request.
    pub fn comments(&self, number: u64) -> Vec<Value> {
        self.known().comments.iter().filter(|(n, _)| *n == number).map(|(_, c)| c.clone()).collect()
    }

    /// The only comment of a pull request, as text.
    #[track_caller]
    pub fn comment(&self, number: u64) -> String {
        let all = self.comments(number);
        assert_eq!(all.len(), 1, "{all:#?}");
        all[0]["body"].as_str().unwrap().to_owned()
    }

    /// The last check run of this name.
    #[track_caller]
    pub fn check(&self, name: &str) -> Value {
        let known = self.known();
        let of = known.checks.iter().rfind(|c| c["name"] == name);
        of.unwrap_or_else(|| panic!("no {name} among {:?}", known.checks)).clone()
    }
}

fn serve(mut stream: TcpStream, known: &Mutex<Known>, upstream: Option<u16>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    let (mut length, mut token, mut authorization) = (0, String::new(), String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "authorization" => {
                authorization = value.trim().to_owned();
                token = value.trim().trim_start_matches("Bearer ").to_owned();
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let text = String::from_utf8(body).unwrap();
    let asked = Asked { method, path, token, body: serde_json::from_str(&text).unwrap_or(Value::Null) };
    let (status, headers, answer) = answer(&asked, known, upstream, &authorization, &text);
    let body = if answer.is_null() { String::new() } else { answer.to_string() };
    let head = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    let _ = stream.write_all((head + &body).as_bytes());
}

fn answer(asked: &Asked, known: &Mutex<Known>, upstream: Option<u16>, authorization: &str, text: &str) -> Answer {
    let mut state = known.lock().unwrap();
    state.log.push(asked.clone());
    let mut faults = std::mem::take(&mut state.faults);
    let found = faults.iter_mut().find_map(|f| f(asked));
    state.faults = faults;
    if let Some(found) = found {
        return found;
    }
    let Some(port) = upstream else { return state.answer(asked) };
    // emulate knows no commits of the real repository.
    let own = asked.method == "GET" && (asked.path.contains("/commits/") || is_pull(&asked.path));
    if own {
        return state.answer(asked);
    }
    drop(state);
    let addr = format!("127.0.0.1:{port}").parse().unwrap();
    let path = asked.path.replace("/acme/access", "/rolecall-bot/access");
    let headers = [("authorization", authorization), ("content-type", "application/json")];
    let got = wire::send(addr, &asked.method, &path, &headers, text);
    let body = serde_json::from_slice(&unchunked(&got)).unwrap_or(Value::Null);
    let link = got.header("link").map(|l| format!("link: {l}\r\n")).unwrap_or_default();
    if asked.path.contains("/check-runs") {
        let mut state = known.lock().unwrap();
        state.checks.retain(|c| c["id"] != body["id"]);
        state.checks.push(body.clone());
    }
    (got.status.unwrap(), link, body)
}

fn is_pull(path: &str) -> bool {
    path.rsplit_once("/pulls/").is_some_and(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()))
}

/// Whose a token is.
fn login(token: &str) -> Option<&str> {
    match token {
        "ghs_rolecall" | "ghs_read" => Some("rolecall-bot"),
        token => token.strip_prefix("ghs_"),
    }
}

impl Known {
    fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    fn answer(&mut self, asked: &Asked) -> Answer {
        let Some(login) = login(&asked.token) else { return refused(401, "Bad credentials") };
        let login = login.to_owned();
        if asked.writes() && asked.token == "ghs_read" {
            return refused(403, "Resource not accessible by integration");
        }
        let path = asked.path.split('?').next().unwrap();
        if path == "/user" {
            return good(json!({"login": login}));
        }
        let Some(path) = path.strip_prefix("/repos/acme/access/") else { return refused(404, "Not Found") };
        let parts: Vec<&str> = path.split('/').collect();
        let number = |text: &str| text.parse::<u64>().unwrap();
        match (asked.method.as_str(), parts.as_slice()) {
            ("GET", ["issues", n, "comments"]) => {
                let n = number(n);
                good(self.comments.iter().filter(|(of, _)| *of == n).map(|(_, c)| c.clone()).collect())
            }
            ("POST", ["issues", n, "comments"]) => {
                let id = self.id();
                let made = json!({"id": id, "body": asked.body["body"], "user": {"login": login, "type": "Bot"},
                    "html_url": format!("https://github.example/acme/access/pull/{n}#issuecomment-{id}"),
                    "created_at": "2026-11-21T12:00:00Z"});
                self.comments.push((number(n), made.clone()));
                (201, String::new(), made)
            }
            ("PATCH", ["issues", "comments", id]) => {
                let id = number(id);
                let Some((_, comment)) = self.comments.iter_mut().find(|(_, c)| c["id"] == id) else {
                    return refused(404, "Not Found");
                };
                comment["body"] = asked.body["body"].clone();
                good(comment.clone())
            }
            ("GET", ["pulls", n]) => {
                self.pulls.get(&number(n)).map_or_else(|| refused(404, "Not Found"), |p| good(p.clone()))
            }
            ("GET", ["pulls", n, "reviews"]) => good(json!(self.reviews.get(&number(n)).cloned().unwrap_or_default())),
            ("GET", ["commits", sha, "pulls"]) => {
                let of = self.commits.iter().filter(|(_, all)| all.iter().any(|c| c == sha)).map(|(n, _)| n);
                good(of.filter_map(|n| self.pulls.get(n)).cloned().collect())
            }
            ("GET", ["commits", sha, "check-runs"]) => {
                let of: Vec<Value> = self.checks.iter().filter(|c| c["head_sha"] == *sha).cloned().collect();
                good(json!({"total_count": of.len(), "check_runs": of}))
            }
            ("POST", ["check-runs"]) => {
                let mut made = asked.body.clone();
                made["id"] = json!(self.id());
                made["html_url"] = json!("https://github.example/run");
                self.checks.push(made.clone());
                (201, String::new(), made)
            }
            ("PATCH", ["check-runs", id]) => {
                let id = number(id);
                let Some(check) = self.checks.iter_mut().find(|c| c["id"] == id) else {
                    return refused(404, "Not Found");
                };
                for (key, value) in asked.body.as_object().unwrap() {
                    check[key] = value.clone();
                }
                good(check.clone())
            }
            ("GET", ["issues"]) => {
                let open = asked.path.contains("state=open");
                good(self.issues.iter().filter(|i| !open || i["state"] == "open").cloned().collect())
            }
            ("POST", ["issues"]) => {
                let id = self.id();
                let made = json!({"number": id, "state": "open", "title": asked.body["title"],
                    "body": asked.body["body"], "labels": [], "user": {"login": login, "type": "Bot"},
                    "html_url": format!("https://github.example/acme/access/issues/{id}")});
                self.issues.push(made.clone());
                (201, String::new(), made)
            }
            ("PATCH", ["issues", n]) => {
                let n = number(n);
                let Some(issue) = self.issues.iter_mut().find(|i| i["number"] == n) else {
                    return refused(404, "Not Found");
                };
                for (key, value) in asked.body.as_object().unwrap() {
                    issue[key] = value.clone();
                }
                good(issue.clone())
            }
            ("GET", ["labels", name]) => good(json!({"name": name, "color": "ffffff"})),
            ("GET", ["issues", n, "labels"]) => {
                let all = self.labels.get(&number(n)).cloned().unwrap_or_default();
                good(all.into_iter().map(|name| json!({"name": name})).collect())
            }
            ("POST", ["issues", n, "labels"]) => {
                let more = asked.body["labels"].as_array().unwrap();
                let of = self.labels.entry(number(n)).or_default();
                of.extend(more.iter().map(|l| l.as_str().unwrap().to_owned()));
                good(of.iter().map(|name| json!({"name": name})).collect())
            }
            _ => refused(404, "Not Found"),
        }
    }
}

pub fn good(value: Value) -> Answer {
    (200, String::new(), value)
}

pub fn refused(status: u16, why: &str) -> Answer {
    (status, String::new(), json!({"message": why}))
}
