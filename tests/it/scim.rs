//! Any SCIM server: the built binary against one that others have written (`scim2-server`, installed from
//! PyPI by tests/python/scim2_server.sh), in the modes that it knows. What the server holds is looked at
//! by tests/python/scim_state.py, which shares no code with rolecall; the requests are counted by the
//! server's own log.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use rolecall::model::Change;
use rolecall::plan::Plan;
use serde_json::{Value, json};

use crate::common::*;

const TOKEN: &str = "canary-token-4711";

/// How many members one request adds or takes out (fact sheet scim, section 2.4).
const CHUNK: usize = 100;

/// What a server says and does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mode {
    name: &'static str,
    patch: bool,
    filter: bool,
    bulk: bool,
    /// The most things that it gives at once.
    page: usize,
    cursor: bool,
}

const FULL: Mode = Mode { name: "full", patch: true, filter: true, bulk: true, page: 1000, cursor: false };
const CAPPED: Mode = Mode { name: "capped", page: 40, ..FULL };
const CURSOR: Mode = Mode { name: "cursor", page: 40, cursor: true, ..FULL };
const DEGRADED: Mode = Mode { name: "degraded", patch: false, filter: false, bulk: false, page: 100, cursor: false };

fn python(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(name)
}

fn venv() -> PathBuf {
    static READY: OnceLock<()> = OnceLock::new();
    READY.get_or_init(|| {
        let done = Command::new(python("scim2_server.sh")).status().unwrap();
        assert!(done.success(), "scim2-server cannot be installed from PyPI");
    });
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/scim-venv/bin/scim2-server")
}

/// A running server.
struct Server {
    child: Child,
    url: String,
    folder: tempfile::TempDir,
}

impl Server {
    fn start(mode: Mode) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let says = |supported: bool| json!({"supported": supported});
        let mut config = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": says(mode.patch),
            "bulk": {"supported": mode.bulk, "maxOperations": 1000, "maxPayloadSize": 1048576},
            "filter": {"supported": mode.filter, "maxResults": mode.page},
            "changePassword": says(true), "sort": says(mode.filter), "etag": says(true),
            "authenticationSchemes": [],
        });
        if mode.cursor {
            config["pagination"] = json!({"cursor": true, "index": false, "defaultPaginationMethod": "cursor",
                "defaultPageSize": mode.page, "maxPageSize": mode.page});
        }
        let path = folder.path().join("config.json");
        std::fs::write(&path, config.to_string()).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(venv())
            .args(["--port", &port.to_string(), "--bearer-token", TOKEN, "--service-provider-config"])
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Self { child, url: format!("http://127.0.0.1:{port}/v2"), folder };
        wait_until("the server answers", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        server
    }

    fn state(&self, args: &[&str], input: &str) -> Value {
        let mut child = Command::new("python3")
            .arg(python("scim_state.py"))
            .args([args[0], &self.url, TOKEN])
            .args(&args[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// The requests so far, by the server's log.
    fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        let request = |line: &str| Some(line.split_once("] \"")?.1.split_once(" HTTP/")?.0.to_owned());
        text.lines().filter_map(request).collect()
    }

    /// How many requests something takes.
    fn requests<T>(&self, f: impl FnOnce() -> T) -> (T, usize) {
        let before = self.log().len();
        let done = f();
        (done, self.log().len() - before)
    }

    /// What it holds, in the words of [`State`].
    fn holds(&self) -> State {
        let shown = self.state(&["show"], "");
        let users = shown["users"].as_object().unwrap().iter().map(|(name, user)| {
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            let extension = &user["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
            let person = Person {
                name: text(&user["displayName"]),
                title: text(&user["title"]),
                department: text(&extension["department"]),
                disabled: user["active"] == false,
            };
            (name.clone(), person)
        });
        let groups = shown["groups"].as_object().unwrap().iter().map(|(name, members)| {
            let members = members.as_array().unwrap().iter().map(|m| m.as_str().unwrap().to_owned());
            (name.clone(), members.collect())
        });
        State { users: users.collect(), groups: groups.collect() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Person {
    name: String,
    title: String,
    department: String,
    disabled: bool,
}

/// What is declared, or held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct State {
    users: BTreeMap<String, Person>,
    /// A member that is a group is called `group NAME`.
    groups: BTreeMap<String, BTreeSet<String>>,
}

impl State {
    /// So many users, and each in two of so many groups.
    fn of(users: usize, groups: usize) -> Self {
        let mut state = Self::default();
        for group in 0..groups {
            state.groups.insert(format!("g{group:02}"), BTreeSet::new());
        }
        for user in 0..users {
            let email = format!("u{user:03}@acme.com");
            let person = Person { name: format!("User {user}"), ..Person::default() };
            for group in [user % groups, (user + 1) % groups] {
                state.groups.get_mut(&format!("g{group:02}")).unwrap().insert(email.clone());
            }
            state.users.insert(email, person);
        }
        state
    }

    /// The declaration, with further keys of the target, of users and of groups.
    fn declared(&self, url: &str, target: &str, was: &[(&str, &str)]) -> String {
        let mut users = serde_json::Map::new();
        let old = |name: &str| was.iter().find(|(to, _)| *to == name).map(|(_, from)| *from);
        for (email, person) in &self.users {
            let mut user = json!({"at": {"corp": {}}, "name": person.name});
            let mut attributes = serde_json::Map::new();
            for (name, value) in [("title", &person.title), ("department", &person.department)] {
                if !value.is_empty() {
                    attributes.insert(name.into(), json!(value));
                }
            }
            if !attributes.is_empty() {
                user["attributes"] = Value::Object(attributes);
            }
            if person.disabled {
                user["state"] = json!("disabled");
            }
            if let Some(from) = old(email) {
                user["was"] = json!(from);
            }
            users.insert(email.clone(), user);
        }
        let mut teams = serde_json::Map::new();
        for (name, members) in &self.groups {
            let people: Vec<&String> = members.iter().filter(|m| !m.starts_with("group ")).collect();
            let mut team = json!({"members": people});
            let inside = format!("group {name}");
            team["in"] = self.groups.iter().find(|(_, m)| m.contains(&inside)).map_or(Value::Null, |(n, _)| json!(n));
            if let Some(from) = old(name) {
                team["was"] = json!(from);
            }
            teams.insert(name.clone(), team);
        }
        format!(
            "version: 1\ntargets:\n  corp:\n    provider: scim\n    url: {url}\n    credentials: {{token: \"${{SCIM_TOKEN}}\"}}\n    manage: authoritative\n{target}users: {}\nteams: {}\n",
            Value::Object(users),
            Value::Object(teams)
        )
    }

    fn fill(&self, server: &Server) {
        let users: Vec<Value> = self
            .users
            .iter()
            .map(|(email, p)| {
                json!({"userName": email, "displayName": p.name, "active": !p.disabled,
                "emails": [{"value": email, "primary": true}]})
            })
            .collect();
        server.state(&["fill"], &json!({"users": users, "groups": self.groups}).to_string());
    }
}

fn run(env: &TestEnv, args: &[&str]) -> Output {
    let mut command = env.command(args);
    command.env("SCIM_TOKEN", TOKEN);
    Output::of(command.output().unwrap())
}

fn plan_of(env: &TestEnv, args: &[&str]) -> Plan {
    let all: Vec<&str> = ["plan", "--json"].into_iter().chain(args.iter().copied()).collect();
    serde_json::from_str(&run(env, &all).stdout).unwrap()
}

/// The requests of one reading (src/targets/scim/README.md, "Requests"): what the server can do, and the
/// pages of users and groups.
fn reading(state: &State, mode: Mode) -> usize {
    let pages = |n: usize| n.div_ceil(mode.page).max(1);
    1 + pages(state.users.len()) + pages(state.groups.len())
}

/// The requests that make the changes of a plan, by the same page.
fn writing(plan: &Plan, mode: Mode) -> usize {
    let change = |parts: usize| if mode.patch { 2 + parts } else { 4 };
    let steps = &plan.targets[0].steps;
    let mut total = 0;
    let mut schemas = 0;
    for wave in steps.chunk_by(|a, b| a.wave == b.wave) {
        let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for step in wave {
            total += match &step.change {
                Change::CreateUser { .. } => {
                    schemas = 1;
                    2
                }
                Change::UpdateUser { before, after } => {
                    schemas = 1;
                    let differs = |name: &str| before.attributes.get(name) != after.attributes.get(name);
                    let parts = [before.name != after.name, differs("title"), differs("department")];
                    change(parts.into_iter().filter(|d| *d).count())
                }
                Change::RenameUser { .. } => change(2),
                Change::EnableUser { .. } | Change::DisableUser { .. } => {
                    schemas = 1;
                    change(1)
                }
                Change::CreateTeam { team } => 2 + team.outer.as_ref().map_or(0, |_| change(1)),
                Change::UpdateTeam { before, after } => change(1) * before.outer.iter().chain(&after.outer).count(),
                Change::RenameTeam { .. } => change(1),
                Change::DeleteUser { .. } | Change::DeleteTeam { .. } => 3,
                Change::AddMember { member } => {
                    groups.entry(&member.team).or_default().0 += 1;
                    0
                }
                Change::RemoveMember { member, .. } => {
                    groups.entry(&member.team).or_default().1 += 1;
                    0
                }
                other => panic!("{other:?}"),
            };
        }
        total += groups.values().map(|(a, r)| change(a.div_ceil(CHUNK) + r.div_ceil(CHUNK))).sum::<usize>();
    }
    total + schemas
}

/// Import, and the plan of what was imported; with the number of requests.
fn import_is_whole(mode: Mode) {
    let server = Server::start(mode);
    let state = State::of(300, 40);
    state.fill(&server);
    let env = TestEnv::with(&State::default().declared(&server.url, "", &[]));
    let (_, requests) = server.requests(|| run(&env, &["import", "--target", "corp", "--into", "live"]).ended(0));
    assert_eq!(requests, reading(&state, mode), "{}", mode.name);
    let (output, requests) = server.requests(|| run(&env, &["-f", "live", "plan", "--detailed-exitcode"]).ended(0));
    assert_eq!(requests, reading(&state, mode), "{}", mode.name);
    has(&output.stdout, &["No changes. corp is as declared.", "observed"]);
    assert_eq!(server.holds(), state);
}

/// Every kind of change to 300 users and 40 groups, and then there is nothing to do.
fn every_kind_of_change(mode: Mode) {
    let server = Server::start(mode);
    let before = State::of(300, 40);
    before.fill(&server);
    let mut after = before.clone();
    let rename = "renamed@acme.com".to_owned();
    let moved = after.users.remove("u007@acme.com").unwrap();
    after.users.insert(rename.clone(), moved);
    for members in after.groups.values_mut() {
        if members.remove("u007@acme.com") {
            members.insert(rename.clone());
        }
    }
    after.users.insert("new@acme.com".into(), Person { name: "New".into(), title: "T".into(), ..Person::default() });
    after
        .users
        .insert("also@acme.com".into(), Person { name: "Also".into(), department: "D".into(), ..Person::default() });
    after.users.get_mut("u010@acme.com").unwrap().name = "Other Name".into();
    let two = after.users.get_mut("u011@acme.com").unwrap();
    (two.title, two.department) = ("Engineer".into(), "Engines".into());
    after.users.get_mut("u012@acme.com").unwrap().disabled = true;
    let kept = after.groups.remove("g05").unwrap();
    after.groups.insert("renamed".into(), kept);
    after.groups.insert("fresh".into(), BTreeSet::from(["new@acme.com".into(), "u001@acme.com".into()]));
    after.groups.get_mut("g00").unwrap().insert("group g01".into());
    let large = after.groups.get_mut("g02").unwrap();
    large.extend((20..140).map(|n| format!("u{n:03}@acme.com")));
    let small = after.groups.get_mut("g03").unwrap();
    small.retain(|m| m.as_str() < "u100@acme.com");
    small.insert("also@acme.com".into());
    after.groups.remove("g39");

    let was = [(rename.as_str(), "u007@acme.com"), ("renamed", "g05")];
    let env = TestEnv::with(&after.declared(&server.url, "", &was));
    let consents = ["--accept", "takeover.team=1", "--accept", "takeover.member=27"];
    let plan = plan_of(&env, &consents);
    assert!(!plan.is_blocked(), "{:#?}", plan.findings());
    let forecast = plan.targets[0].forecast.unwrap().requests;
    let expected = reading(&before, mode) + writing(&plan, mode);
    assert_eq!(forecast, expected as u64, "{}: what is foretold", mode.name);
    let (output, requests) = server.requests(|| {
        run(
            &env,
            &["apply", "--auto-approve", "--json", "--accept", "takeover.team=1", "--accept", "takeover.member=27"],
        )
        .ended(0)
    });
    assert_eq!(server.holds(), after, "{}", mode.name);
    assert_eq!(requests, expected, "{}: {:#?}", mode.name, server.log());
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(report["targets"][0]["requests"], expected);
    assert_eq!(report["targets"][0]["level"], "observed");
    run(&env, &["plan", "--detailed-exitcode"]).ended(0);

    // And back: who was disabled comes in again, who was made goes.
    let mut last = after.clone();
    last.users.get_mut("u012@acme.com").unwrap().disabled = false;
    last.groups.get_mut("g00").unwrap().remove("group g01");
    last.groups.get_mut("g04").unwrap().insert("group g01".into());
    last.users.remove("also@acme.com");
    last.users.get_mut("u011@acme.com").unwrap().title = String::new();
    last.groups.get_mut("g03").unwrap().remove("also@acme.com");
    let text = last.declared(&server.url, "", &[]) + "policies: {removal: {users: delete}}\n";
    let text = text.replace(r#""department":"Engines""#, r#""department":"Engines","title":null"#);
    env.write("rolecall.yaml", &text);
    let consent = ["--accept", "irreversible.user=1"];
    let plan = plan_of(&env, &consent);
    assert!(!plan.is_blocked(), "{:#?}", plan.findings());
    let expected = reading(&after, mode) + writing(&plan, mode);
    let (_, requests) = server
        .requests(|| run(&env, &["apply", "--auto-approve", "--json", "--accept", "irreversible.user=1"]).ended(0));
    assert_eq!(server.holds(), last, "{}", mode.name);
    assert_eq!(requests, expected, "{}: {:#?}", mode.name, server.log());
    run(&env, &["plan", "--detailed-exitcode"]).ended(0);
}

#[test]
fn import_in_full() {
    import_is_whole(FULL);
}

#[test]
fn import_in_small_pages() {
    import_is_whole(CAPPED);
}

#[test]
fn import_by_cursor() {
    import_is_whole(CURSOR);
}

#[test]
fn import_from_a_server_that_can_little() {
    import_is_whole(DEGRADED);
}

#[test]
fn changes_in_full() {
    every_kind_of_change(FULL);
}

#[test]
fn changes_in_small_pages() {
    every_kind_of_change(CAPPED);
}

#[test]
fn changes_by_cursor() {
    every_kind_of_change(CURSOR);
}

#[test]
fn changes_on_a_server_that_can_little() {
    every_kind_of_change(DEGRADED);
}

/// New accounts by the bulk endpoint, where it is asked for.
#[test]
fn many_accounts_at_once() {
    let server = Server::start(FULL);
    let state = State::of(120, 1);
    let env = TestEnv::with(&state.declared(&server.url, "    settings: {bulk: \"true\"}\n", &[]));
    run(&env, &["apply", "--auto-approve"]).ended(0);
    assert_eq!(server.holds(), state);
    let log = server.log();
    let count = |what: &str| log.iter().filter(|l| l.starts_with(what)).count();
    assert_eq!((count("POST /v2/Bulk"), count("POST /v2/Users")), (2, 0), "{log:#?}");
}

/// The token is nowhere: not in what is printed, traced, recorded, planned or remembered.
#[test]
fn the_token_is_nowhere() {
    let server = Server::start(FULL);
    let state = State::of(6, 2);
    let env = TestEnv::with(&state.declared(&server.url, "", &[]));
    let trace = |args: &[&str]| {
        let mut command = env.command(args);
        command.env("SCIM_TOKEN", TOKEN).env("RUST_LOG", "trace");
        Output::of(command.output().unwrap())
    };
    let commands: [&[&str]; 14] = [
        &["validate"],
        &["--record", "rec-plan", "plan", "--out", "saved.json"],
        &["plan", "--json"],
        &["--record", "rec-apply", "apply", "--auto-approve"],
        &["--record", "rec-import", "import", "--target", "corp", "--into", "live"],
        &["review"],
        &["history"],
        &["who", "read", "project/x"],
        &["explain", "u000@acme.com"],
        &["can", "u000@acme.com", "read", "project/x"],
        &["test"],
        &["catalogue", "scim"],
        &["rules"],
        &["schema"],
    ];
    let mut traced = 0;
    for args in commands {
        let output = trace(args);
        assert!(!output.text().contains(TOKEN), "{args:?}: {}", output.text());
        traced += output.stderr.matches("method=\"").count();
    }
    assert!(traced > 10, "requests are traced: {traced}");
    // With a wrong token as well, which the server may repeat.
    let mut wrong = env.command(&["plan"]);
    wrong.env("SCIM_TOKEN", "canary-wrong-0815").env("RUST_LOG", "trace");
    let output = Output::of(wrong.output().unwrap()).ended(1);
    assert!(!output.text().contains("canary-wrong"), "{}", output.text());
    has(&output.stderr, &["what opens it is not accepted"]);
    let mut looked_at = 0;
    let mut folders = vec![env.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("canary"), "{}", path.display());
            looked_at += 1;
        }
    }
    assert!(looked_at > 20, "{looked_at} files: the plan, the store and the recordings among them");
    // And a recording is enough to see the same, without the server and without the token.
    drop(server);
    let output = Output::of(env.command(&["--replay", "rec-plan", "plan", "--json"]).output().unwrap()).ended(0);
    let again: Plan = serde_json::from_str(&output.stdout).unwrap();
    let saved: Plan = serde_json::from_str(&env.read("saved.json")).unwrap();
    assert_eq!(again.digest, saved.digest);
    assert_eq!(again.targets[0].steps.len(), saved.targets[0].steps.len());
}
