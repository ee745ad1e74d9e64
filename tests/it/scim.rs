//! Any SCIM server: the built binary against one that others have written (`scim2-server`, installed from
//! PyPI by tests/python/others.py), in the modes that it knows. What the server holds is looked at
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

use crate::canary;
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

/// The server's program.
fn scim2_server() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| installed("scim2-server").join("scim2-server"))
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
        let child = Command::new(scim2_server())
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
    // Where a list ends exactly where its first page ends, one more is asked for: some servers give the
    // number of the page for the total.
    let exact = |n: usize| usize::from(n == mode.page && !mode.cursor);
    let pages = |n: usize| n.div_ceil(mode.page).max(1) + exact(n);
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
    let consents = ["--accept", "takeover.team=1", "--accept", "takeover.member=24"];
    let plan = plan_of(&env, &consents);
    assert!(!plan.is_blocked(), "{:#?}", plan.findings());
    let forecast = plan.targets[0].forecast.unwrap().requests;
    let expected = reading(&before, mode) + writing(&plan, mode);
    assert_eq!(forecast, expected as u64, "{}: what is foretold", mode.name);
    let (output, requests) = server.requests(|| {
        run(
            &env,
            &["apply", "--auto-approve", "--json", "--accept", "takeover.team=1", "--accept", "takeover.member=24"],
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
    let commands: [&[&str]; 24] = [
        &["validate"],
        &["--record", "rec-plan", "plan", "--out", "saved.json"],
        &["plan", "--json"],
        &["--record", "rec-apply", "apply", "--auto-approve"],
        &["--record", "rec-import", "import", "--target", "corp", "--into", "live"],
        &["review"],
        &["drift"],
        &["blame"],
        &["ci", "plan"],
        &["history"],
        &["history", "verify"],
        &["who", "read", "project/x"],
        &["explain", "u000@acme.com"],
        &["can", "u000@acme.com", "read", "project/x"],
        &["test"],
        &["catalogue", "scim"],
        &["rules"],
        &["explain-rule", "block-beats-all"],
        &["schema"],
        &["completions", "bash"],
        &["init", "fresh"],
        &["sandbox", "scim", "--assumptions"],
        &["plan"],
        &["offboard", "nobody@acme.com"],
    ];
    let traced = canary::sings_in_none(&env, ("SCIM_TOKEN", TOKEN), &commands);
    assert!(traced > 10, "requests are traced: {traced}");
    // With a wrong token as well, which the server may repeat.
    let mut wrong = env.command(&["plan"]);
    wrong.env("SCIM_TOKEN", "canary-wrong-0815").env("RUST_LOG", "trace");
    let output = Output::of(wrong.output().unwrap()).ended(1);
    assert!(!output.text().contains("canary-wrong"), "{}", output.text());
    has(&output.stderr, &["what opens it is not accepted"]);
    let looked_at = canary::sings_nowhere(env.path());
    assert!(looked_at > 20, "{looked_at} files: the plan, the store and the recordings among them");
    // And a recording is enough to see the same, without the server and without the token. Six accounts have been
    // made since, so that an empty server stops the plan now.
    drop(server);
    let output = Output::of(env.command(&["--replay", "rec-plan", "plan", "--json"]).output().unwrap()).ended(3);
    let again: Plan = serde_json::from_str(&output.stdout).unwrap();
    let saved: Plan = serde_json::from_str(&env.read("saved.json")).unwrap();
    assert_eq!(again.digest, saved.digest);
    assert_eq!(again.targets[0].steps.len(), saved.targets[0].steps.len());
}

/// What servers do badly, and each kind of change: in the sandbox, which can do all of it.
mod faults {
    use std::collections::BTreeSet;

    use rolecall::apply::{Fate, Report};
    use rolecall::model::Effect;
    use rolecall::sandbox::fault::TRANSPORT;
    use rolecall::sandbox::scim::faults::FAULTS;
    use rolecall::sandbox::scim::{Options, serve};
    use rolecall::sandbox::{Handle, Spec};

    use super::*;
    use crate::wire::send;

    struct Sandbox {
        handle: Handle,
    }

    impl Sandbox {
        fn with(state: &State) -> Self {
            let sandbox = Self { handle: serve(&Options::new(TOKEN).unwrap()).unwrap() };
            let mut ids = BTreeMap::new();
            let id = |v: Value| v["id"].as_str().unwrap().to_owned();
            for (email, p) in &state.users {
                let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": email,
                    "displayName": p.name, "active": !p.disabled, "emails": [{"value": email, "primary": true}]});
                ids.insert(email.clone(), id(sandbox.send("POST", "/Users", &user)));
            }
            for (name, members) in &state.groups {
                let members: Vec<Value> = members.iter().map(|m| json!({"value": ids[m]})).collect();
                let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name,
                    "members": members});
                sandbox.send("POST", "/Groups", &group);
            }
            sandbox
        }

        fn send(&self, method: &str, path: &str, body: &Value) -> Value {
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let bearer = format!("Bearer {TOKEN}");
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/scim+json")];
            let got = send(self.handle.addr(), method, &format!("/scim/v2{path}"), &headers, &body);
            if got.body.is_empty() { Value::Null } else { got.json() }
        }

        /// What it holds, and that nothing is there twice.
        fn holds(&self) -> State {
            let users = self.send("GET", "/Users?count=1000", &Value::Null);
            let groups = self.send("GET", "/Groups?count=1000", &Value::Null);
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            let mut names = BTreeMap::new();
            let mut state = State::default();
            for user in users["Resources"].as_array().unwrap() {
                let extension = &user["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
                let person = Person {
                    name: text(&user["displayName"]),
                    title: text(&user["title"]),
                    department: text(&extension["department"]),
                    disabled: user["active"] == false,
                };
                names.insert(text(&user["id"]), text(&user["userName"]).to_lowercase());
                assert!(state.users.insert(text(&user["userName"]).to_lowercase(), person).is_none(), "{user}");
            }
            for group in groups["Resources"].as_array().unwrap() {
                names.insert(text(&group["id"]), format!("group {}", text(&group["displayName"])));
            }
            for group in groups["Resources"].as_array().unwrap() {
                let members = group["members"].as_array().cloned().unwrap_or_default();
                let known: Vec<String> =
                    members.iter().filter_map(|m| names.get(&text(&m["value"])).cloned()).collect();
                let members: BTreeSet<String> = known.iter().cloned().collect();
                assert_eq!(known.len(), members.len(), "a member twice: {group}");
                assert!(state.groups.insert(text(&group["displayName"]), members).is_none(), "a group twice: {group}");
            }
            state
        }
    }

    /// A kind of change, and how it is written: what is wanted, former names, consents.
    struct Kind {
        name: &'static str,
        change: fn(&mut State),
        was: &'static [(&'static str, &'static str)],
        policies: &'static str,
        accept: &'static [&'static str],
    }

    const fn kind(name: &'static str, change: fn(&mut State)) -> Kind {
        Kind { name, change, was: &[], policies: "", accept: &[] }
    }

    fn rename(set: &mut BTreeSet<String>, from: &str, to: &str) {
        if set.remove(from) {
            set.insert(to.to_owned());
        }
    }

    const KINDS: [Kind; 14] = [
        kind("create-user", |s| {
            s.users
                .insert("new@acme.com".into(), Person { name: "New".into(), title: "T".into(), ..Person::default() });
        }),
        kind("update-user", |s| {
            s.users.get_mut("u000@acme.com").unwrap().name = "Other".into();
        }),
        kind("update-attributes", |s| {
            let user = s.users.get_mut("u001@acme.com").unwrap();
            (user.title, user.department) = ("T".into(), "D".into());
        }),
        kind("disable-user", |s| s.users.get_mut("u002@acme.com").unwrap().disabled = true),
        kind("enable-user", |s| s.users.get_mut("u005@acme.com").unwrap().disabled = false),
        Kind {
            was: &[("moved@acme.com", "u001@acme.com")],
            ..kind("rename-user", |s| {
                let user = s.users.remove("u001@acme.com").unwrap();
                s.users.insert("moved@acme.com".into(), user);
                s.groups.values_mut().for_each(|m| rename(m, "u001@acme.com", "moved@acme.com"));
            })
        },
        Kind {
            policies: "policies: {removal: {users: delete}}\n",
            accept: &["irreversible.user=1"],
            ..kind("delete-user", |s| {
                s.users.remove("u001@acme.com");
                s.groups.values_mut().for_each(|m| m.retain(|one| one != "u001@acme.com"));
            })
        },
        kind("create-team", |s| {
            s.groups.insert("fresh".into(), BTreeSet::from(["u000@acme.com".into()]));
        }),
        kind("nest-team", |s| {
            s.groups.get_mut("g00").unwrap().insert("group g02".into());
        }),
        Kind {
            was: &[("other", "g01")],
            ..kind("rename-team", |s| {
                let members = s.groups.remove("g01").unwrap();
                s.groups.insert("other".into(), members);
            })
        },
        kind("delete-team", |s| {
            s.groups.remove("g02");
        }),
        kind("add-members", |s| {
            s.groups.get_mut("g00").unwrap().extend(["u001@acme.com".into(), "u004@acme.com".into()]);
        }),
        kind("remove-member", |s| {
            assert!(s.groups.get_mut("g00").unwrap().remove("u000@acme.com"));
        }),
        kind("swap-members", |s| {
            let members = s.groups.get_mut("g01").unwrap();
            rename(members, "u000@acme.com", "u002@acme.com");
        }),
    ];

    fn before() -> State {
        let mut state = State::of(6, 3);
        state.users.get_mut("u005@acme.com").unwrap().disabled = true;
        state
    }

    const TARGET: &str = "    settings: {settle: 1s, page: \"4\"}\n";

    /// The switch as the matrix turns it on: so often that something goes wrong, and not so often that
    /// nothing but waiting is tested.
    fn switch(spec: &Spec) -> String {
        match spec.name {
            "throttle" | "throttle-date" => format!("{}=1,every=3", spec.name),
            "throttle-bare" | "truncated" | "closed" => format!("{},every=3", spec.name),
            "error-before" | "error-after" => format!("{},every=3", spec.name),
            "rate" => "rate=600".to_owned(),
            "slow" => "slow=50".to_owned(),
            "delayed" => "delayed=300".to_owned(),
            "members-cap" => "members-cap=1".to_owned(),
            "page-cap" => "page-cap=2".to_owned(),
            name => name.to_owned(),
        }
    }

    /// Applies one kind of change to a server with one fault; how the run ended.
    fn case(spec: &Spec, kind: &Kind) -> i32 {
        let what = format!("{} x {}", spec.name, kind.name);
        let first = before();
        let sandbox = Sandbox::with(&first);
        let env = TestEnv::with(&first.declared(&sandbox.handle.url(), TARGET, &[]));
        run(&env, &["apply", "--auto-approve"]).ended(0);
        let mut wanted = first.clone();
        (kind.change)(&mut wanted);
        env.write("rolecall.yaml", &(wanted.declared(&sandbox.handle.url(), TARGET, kind.was) + kind.policies));
        let accept: Vec<&str> = kind.accept.iter().flat_map(|a| ["--accept", a]).collect();
        let args: Vec<&str> = ["apply", "--auto-approve", "--json"].into_iter().chain(accept.clone()).collect();

        sandbox.handle.set_faults(&[switch(spec).as_str()]).unwrap();
        let output = run(&env, &args);
        sandbox.handle.set_faults(&[]).unwrap();
        // What is written late is seen now.
        if spec.name == "delayed" {
            std::thread::sleep(std::time::Duration::from_millis(400));
        }
        let held = sandbox.holds();
        let code = output.code.unwrap();
        let all = output.text();
        let steps = serde_json::from_str::<Report>(&output.stdout).ok();
        let steps: Vec<_> = steps.iter().flat_map(|r| &r.targets).flat_map(|t| &t.steps).collect();
        match code {
            0 => assert_eq!(held, wanted, "{what}: said to be done\n{all}"),
            1 | 3 => assert_eq!(held, first, "{what}: nothing was to be done\n{all}"),
            5 => {
                let made = steps.iter().filter(|s| s.fate == Fate::Applied).count();
                let failed = steps.iter().filter(|s| matches!(s.fate, Fate::Failed | Fate::NotAttempted)).count();
                assert!(
                    made < steps.len() && steps.iter().all(|s| (s.fate == Fate::Applied) == s.why.is_none()),
                    "{what}: {all}"
                );
                if failed == steps.len() && !all.contains("the account was made") {
                    assert_eq!(held, first, "{what}: said not to be done\n{all}");
                }
                // Nobody lost what the files let them keep.
                let removed: BTreeSet<String> = steps
                    .iter()
                    .filter(|s| s.change.effect() == Effect::Remove)
                    .map(|s| s.change.object().to_string())
                    .collect();
                for (group, members) in &first.groups {
                    for member in members.iter().filter(|_| kind.was.is_empty()) {
                        let kept = held.groups.get(group).is_some_and(|m| m.contains(member));
                        let may_go = removed.contains(&format!("member {group} {member}"))
                            || removed.contains(&format!("team {group}"));
                        assert!(kept || may_go, "{what}: {member} lost {group}\n{all}");
                    }
                }
            }
            other => panic!("{what}: exit {other}\n{all}"),
        }
        assert!(!all.contains(TOKEN), "{what}: {all}");
        // Whatever it was, the next run ends it, unless there is nothing to end.
        if code != 0 {
            // What has been done needs no consent any more.
            let again = if plan_of(&env, &accept).is_blocked() { &args[..3] } else { &args };
            run(&env, again).ended(0);
            assert_eq!(sandbox.holds(), wanted, "{what}: in the end");
        }
        run(&env, &["plan", "--detailed-exitcode"]).ended(0);
        code
    }

    /// One part of the matrix; how often each fault ended how.
    fn part(index: usize, of: usize) {
        // What a server hides and denies cannot be known: `a_short_reading_removes_nothing`.
        let specs = TRANSPORT.iter().chain(FAULTS).copied().filter(|s| s.name != "short-list");
        let (mut done, mut turn) = (0, index);
        let mut ends: BTreeMap<(&str, i32), Vec<&str>> = BTreeMap::new();
        for spec in specs.skip(index).step_by(of) {
            // All of them where somebody has the minutes (`.ci/run`); else a fifth, another for each fault.
            turn += 1;
            let all = std::env::var("ROLECALL_FAULTS").is_ok_and(|v| v == "all");
            for (_, kind) in KINDS.iter().enumerate().filter(|(n, _)| all || (n + turn) % 5 == 0) {
                ends.entry((spec.name, case(spec, kind))).or_default().push(kind.name);
                done += 1;
            }
        }
        assert!(done >= KINDS.len() / 5);
        // These are no reason not to get there.
        let harmless = [
            "throttle",
            "throttle-date",
            "throttle-bare",
            "rate",
            "slow",
            "no-content",
            "plain-json",
            "no-filter",
            "ignored-filter",
            "empty-filter",
            "filter-cap",
            "page-cap",
            "no-count",
            "cursor-only",
            "dangling-members",
            "no-members-replace",
            "no-members-filter",
            "no-members-list",
            "members-cap",
            "no-patch",
            "put-suspends",
            "duplicate-is-500",
            "name-stays-taken",
            "strict-schema",
            "changed-names",
            "no-etag",
            "wrong-etag",
            "no-bulk",
            "no-sort",
            "no-search",
            "no-discovery",
            "lying-config",
            "integer-status",
            "no-put",
            "delayed",
            "html-errors",
            "empty-errors",
            "error-after",
            "closed",
        ];
        let bad: Vec<_> = ends.iter().filter(|((fault, code), _)| harmless.contains(fault) && *code != 0).collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }

    #[test]
    fn matrix_1() {
        part(0, 4);
    }

    #[test]
    fn matrix_2() {
        part(1, 4);
    }

    #[test]
    fn matrix_3() {
        part(2, 4);
    }

    #[test]
    fn matrix_4() {
        part(3, 4);
    }

    /// Where groups hide who is in them and can only be put as a whole, nobody is driven out of any.
    #[test]
    fn hidden_members_are_never_driven_out() {
        let first = State::of(6, 3);
        let sandbox = Sandbox::with(&first);
        let env = TestEnv::with(&first.declared(&sandbox.handle.url(), TARGET, &[]));
        run(&env, &["apply", "--auto-approve"]).ended(0);
        let mut wanted = first.clone();
        wanted.groups.get_mut("g00").unwrap().insert("u001@acme.com".into());
        wanted.groups.get_mut("g01").unwrap().insert("u002@acme.com".into());
        env.write("rolecall.yaml", &wanted.declared(&sandbox.handle.url(), TARGET, &[]));
        sandbox.handle.set_faults(&["empty-members", "no-patch"]).unwrap();
        let output = run(&env, &["apply", "--auto-approve"]).ended(5);
        has(&output.text(), &["shows no members"]);
        sandbox.handle.set_faults(&[]).unwrap();
        assert_eq!(sandbox.holds(), first);
        run(&env, &["apply", "--auto-approve"]).ended(0);
        assert_eq!(sandbox.holds(), wanted);
    }

    /// A list that is much shorter than the last time stops what would be removed, until somebody agrees.
    #[test]
    fn a_short_reading_removes_nothing() {
        let first = State::of(20, 2);
        let sandbox = Sandbox::with(&first);
        let env = TestEnv::with(&first.declared(&sandbox.handle.url(), "", &[]));
        run(&env, &["apply", "--auto-approve"]).ended(0);
        let mut wanted = first.clone();
        wanted.groups.get_mut("g00").unwrap().remove("u001@acme.com");
        env.write("rolecall.yaml", &wanted.declared(&sandbox.handle.url(), "", &[]));
        sandbox.handle.set_faults(&["short-list=40,path=/Users"]).unwrap();
        let output = run(&env, &["plan"]).ended(3);
        has(&output.text(), &["read-is-whole", "were read, and 20 the last time", "--accept shrunk.user="]);
        run(&env, &["apply", "--auto-approve"]).ended(3);
        sandbox.handle.set_faults(&[]).unwrap();
        assert_eq!(sandbox.holds(), first);
        run(&env, &["apply", "--auto-approve"]).ended(0);
        assert_eq!(sandbox.holds(), wanted);
    }

    /// A total that does not agree with the list stops what would be removed.
    #[test]
    fn a_total_that_disagrees_removes_nothing() {
        let first = State::of(8, 2);
        for fault in ["wrong-total=2", "low-total=2", "repeated-item"] {
            let sandbox = Sandbox::with(&first);
            let env = TestEnv::with(&first.declared(&sandbox.handle.url(), TARGET, &[]));
            run(&env, &["apply", "--auto-approve"]).ended(0);
            let mut wanted = first.clone();
            wanted.groups.get_mut("g00").unwrap().remove("u001@acme.com");
            env.write("rolecall.yaml", &wanted.declared(&sandbox.handle.url(), TARGET, &[]));
            sandbox.handle.set_faults(&[fault]).unwrap();
            let code = run(&env, &["apply", "--auto-approve"]).code;
            if fault == "repeated-item" {
                // What is listed twice is counted once, and then it adds up.
                assert_eq!(code, Some(0), "{fault}");
                continue;
            }
            assert_eq!(code, Some(3), "{fault}");
            assert_eq!(sandbox.holds(), first, "{fault}");
        }
    }

    /// Killed in the middle, an apply is gone on with: nothing is made twice, and the ledger tells of all.
    #[test]
    fn killed_and_resumed() {
        let first = State::of(4, 2);
        let mut wanted = State::of(40, 2);
        wanted.groups.insert("fresh".into(), (0..40).map(|n| format!("u{n:03}@acme.com")).collect());
        for requests in [4, 9, 17, 30, 60, 80] {
            let sandbox = Sandbox::with(&first);
            let env =
                TestEnv::with(&wanted.declared(&sandbox.handle.url(), "    settings: {concurrency: \"3\"}\n", &[]));
            sandbox.handle.set_faults(&["slow=15"]).unwrap();
            let seen = || sandbox.handle.requests().len();
            let start = seen();
            let mut command = env.command(&["apply", "--auto-approve"]);
            command.env("SCIM_TOKEN", TOKEN);
            kill_when(command, "it has sent some requests", || seen() >= start + requests);
            sandbox.handle.set_faults(&[]).unwrap();
            run(&env, &["apply", "--auto-approve"]).ended(0);
            assert_eq!(sandbox.holds(), wanted, "killed after {requests} requests");
            run(&env, &["plan", "--detailed-exitcode"]).ended(0);
            run(&env, &["history", "verify"]).ended(0);
        }
    }

    /// An account and a group that the server calls otherwise since the last apply stay who they are: they are
    /// set aside, nobody else waits for them, and what takes away goes on.
    #[test]
    fn a_renamed_account_is_set_aside() {
        let first = State::of(6, 3);
        let sandbox = Sandbox::with(&first);
        let url = sandbox.handle.url();
        let env = TestEnv::with(&first.declared(&url, TARGET, &[]));
        run(&env, &["apply", "--auto-approve"]).ended(0);
        let id = |path: &str, key: &str, name: &str| {
            let all = sandbox.send("GET", path, &Value::Null);
            let one = all["Resources"].as_array().unwrap().iter().find(|r| r[key] == name).unwrap();
            one["id"].as_str().unwrap().to_owned()
        };
        let replace = |path: &str, operations: Value| {
            let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]);
            sandbox.send("PATCH", path, &json!({"schemas": schemas, "Operations": operations}));
        };
        let user = format!("/Users/{}", id("/Users", "userName", "u001@acme.com"));
        replace(
            &user,
            json!([{"op": "replace", "path": "userName", "value": "married@acme.com"},
                   {"op": "replace", "path": "emails[primary eq true].value", "value": "married@acme.com"}]),
        );
        let group = format!("/Groups/{}", id("/Groups", "displayName", "g02"));
        replace(&group, json!([{"op": "replace", "path": "displayName", "value": "g02-emea"}]));
        let renamed = sandbox.holds();

        // Nothing is made twice and nobody is taken away because of it.
        let plan = run(&env, &["plan", "--detailed-exitcode"]).ended(0).text();
        has(&plan, &["user u001@acme.com is called married@acme.com", "team g02 is called g02-emea", "was: g02"]);

        // What gives waits, what takes away does not, and nobody else waits.
        let mut wanted = first.clone();
        wanted.users.get_mut("u001@acme.com").unwrap().title = "Countess".into();
        wanted.users.get_mut("u000@acme.com").unwrap().title = "Baroness".into();
        wanted.groups.get_mut("g00").unwrap().insert("u001@acme.com".into());
        wanted.groups.get_mut("g01").unwrap().remove("u001@acme.com");
        wanted.groups.get_mut("g02").unwrap().remove("u002@acme.com");
        wanted.groups.get_mut("g02").unwrap().insert("u003@acme.com".into());
        env.write("rolecall.yaml", &wanted.declared(&url, TARGET, &[]));
        run(&env, &["apply", "--auto-approve"]).ended(0);
        let mut expected = renamed;
        expected.users.get_mut("u000@acme.com").unwrap().title = "Baroness".into();
        expected.groups.get_mut("g01").unwrap().remove("married@acme.com");
        expected.groups.get_mut("g02-emea").unwrap().remove("u002@acme.com");
        assert_eq!(sandbox.holds(), expected);
        let plan = run(&env, &["plan"]).ended(0).text();
        has(&plan, &["user u001@acme.com is called married@acme.com"]);

        // A block is about the person, whatever the account is called.
        let text = wanted.declared(&url, TARGET, &[]);
        env.write("rolecall.yaml", &format!("{text}blocks:\n  - {{user: u001@acme.com, because: lost laptop}}\n"));
        run(&env, &["apply", "--auto-approve"]).ended(0);
        assert!(sandbox.holds().users["married@acme.com"].disabled);

        // The files take over the new names, and everything goes on.
        let mut after = wanted.clone();
        let person = after.users.remove("u001@acme.com").unwrap();
        after.users.insert("married@acme.com".into(), person);
        let members = after.groups.remove("g02").unwrap();
        after.groups.insert("g02-emea".into(), members);
        for members in after.groups.values_mut().filter(|m| m.contains("u001@acme.com")) {
            members.remove("u001@acme.com");
            members.insert("married@acme.com".into());
        }
        let was = [("married@acme.com", "u001@acme.com"), ("g02-emea", "g02")];
        env.write("rolecall.yaml", &after.declared(&url, TARGET, &was));
        run(&env, &["apply", "--auto-approve"]).ended(0);
        assert_eq!(sandbox.holds(), after);
        run(&env, &["plan", "--detailed-exitcode"]).ended(0);

        // Somebody deletes an account, and makes another of the same address.
        let user = id("/Users", "userName", "u003@acme.com");
        sandbox.send("DELETE", &format!("/Users/{user}"), &Value::Null);
        has(&run(&env, &["plan"]).ended(0).text(), &["1 account has gone", "u003@acme.com"]);
        let schemas = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
        sandbox.send("POST", "/Users", &json!({"schemas": schemas, "userName": "u003@acme.com"}));
        has(&run(&env, &["plan"]).ended(0).text(), &["user u003@acme.com is another account"]);
    }

    /// A user's role stands where the settings say: on the account, or as membership in a group of its name.
    #[test]
    fn roles_stand_where_it_is_said() {
        const CATALOGUE: &str = "catalogues:\n  acme:\n    leads: 0\n    roles:\n      reader: {permissions: [read]}\n      writer: {permissions: [read, write]}\n";
        for (place, key) in [("roles", "roles"), ("entitlements", "entitlements"), ("groups", "")] {
            let mut first = State::of(3, 1);
            if place == "groups" {
                first.groups.insert("reader".into(), BTreeSet::new());
                first.groups.insert("writer".into(), BTreeSet::from(["u001@acme.com".into()]));
            }
            let sandbox = Sandbox::with(&first);
            let target = format!("    catalogue: acme\n    settings: {{roles: {place}}}\n");
            let mut declared = first.clone();
            declared.groups.retain(|name, _| name.starts_with('g'));
            let text = declared.declared(&sandbox.handle.url(), &target, &[]) + CATALOGUE;
            let role = |user: &str, role: &str, text: &str| {
                text.replace(&format!("\"{user}\":{{"), &format!("\"{user}\":{{\"role\":\"{role}\","))
            };
            let env = TestEnv::with(&role("u001@acme.com", "writer", &role("u000@acme.com", "reader", &text)));
            run(&env, &["apply", "--auto-approve"]).ended(0);
            run(&env, &["plan", "--detailed-exitcode"]).ended(0);
            env.write("rolecall.yaml", &role("u001@acme.com", "reader", &role("u000@acme.com", "writer", &text)));
            run(&env, &["apply", "--auto-approve"]).ended(0);
            run(&env, &["plan", "--detailed-exitcode"]).ended(0);
            let held = sandbox.holds();
            if place == "groups" {
                assert_eq!(held.groups["writer"], BTreeSet::from(["u000@acme.com".to_owned()]));
                assert_eq!(held.groups["reader"], BTreeSet::from(["u001@acme.com".to_owned()]));
                continue;
            }
            let users = sandbox.send("GET", "/Users", &Value::Null);
            let of = |name: &str| {
                let user = users["Resources"].as_array().unwrap().iter().find(|u| u["userName"] == name).unwrap();
                user[key]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|r| r["value"].as_str().unwrap().to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                (of("u000@acme.com"), of("u001@acme.com")),
                (vec!["writer".to_owned()], vec!["reader".to_owned()])
            );
        }
    }
}
