//! The Paradime sandbox over HTTP, by a client of a few lines that hides nothing: every operation of the fact
//! sheet's table, the three kinds of credentials, the faults, what is in the file afterwards; and Paradime's
//! own client, unchanged.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rolecall::sandbox::Handle;
use rolecall::sandbox::paradime::faults::FAULTS;
use rolecall::sandbox::paradime::{BASE, Options, ROLES, serve};
use serde_json::{Value, json};

use super::common::{TestEnv, has, http, installed, rows};

const TOKEN: &str = "prdm_wsp_canary-4711";
const COMPANY: &str = "prdm_cmp_canary-4711";

const THINGS: &str = "
workspaces: [{name: analytics}, {name: finance, uid: a5s1d8f3g6h2j9k4}]
users:
  - {email: ada@acme.example, name: Ada Lovelace, role: ADMIN}
  - {email: bo@acme.example, name: Bo Lind, role: WORKSPACE_ADMIN}
";

struct Sandbox {
    handle: Handle,
    token: String,
}

impl Sandbox {
    fn with(token: &str, adjust: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(token).unwrap();
        adjust(&mut options);
        Self { handle: serve(&options).unwrap(), token: token.to_owned() }
    }

    /// One in which [`THINGS`] are.
    fn new() -> Self {
        let env = TestEnv::new();
        env.write("things.txt", THINGS);
        Self::with(TOKEN, |o| o.things = Some(env.file("things.txt")))
    }

    #[track_caller]
    fn screen(&self, things: &Value) {
        let (status, said) = self.try_screen(things);
        assert_eq!(status, 204, "{said}");
    }

    fn try_screen(&self, things: &Value) -> (u16, String) {
        let head = format!("authorization: Bearer {}\r\n", self.token);
        let (status, _, body) = http(self.handle.addr(), "POST", "/sandbox/things", &head, &things.to_string());
        (status.unwrap(), String::from_utf8(body).unwrap())
    }

    /// What the screens show of the first workspace.
    fn shown(&self) -> Value {
        let head = format!("authorization: Bearer {}\r\n", self.token);
        let (_, _, body) = http(self.handle.addr(), "GET", "/sandbox/things", &head, "");
        serde_json::from_slice::<Value>(&body).unwrap()["workspaces"][0].take()
    }

    fn raw(&self, headers: &str, body: &str) -> (Option<u16>, Value) {
        let (status, _, body) = http(self.handle.addr(), "POST", BASE, headers, body);
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// A query with the token as a bearer's.
    #[track_caller]
    fn ask(&self, query: &str, variables: Value) -> Value {
        let head = format!("authorization: Bearer {}\r\n", self.token);
        let (status, body) = self.raw(&head, &json!({"query": query, "variables": variables}).to_string());
        assert_eq!(status, Some(200), "{body}");
        body
    }

    #[track_caller]
    fn data(&self, query: &str, variables: Value) -> Value {
        let mut body = self.ask(query, variables);
        assert!(body.get("errors").is_none(), "{body}");
        body["data"].take()
    }

    /// Fails the test unless it is an error of GraphQL, whose text has this in it.
    #[track_caller]
    fn error(&self, query: &str, variables: Value, text: &str) {
        let body = self.ask(query, variables);
        assert_eq!(body["data"], Value::Null, "{body}");
        has(body["errors"][0]["message"].as_str().unwrap_or_else(|| panic!("{body}")), &[text]);
    }

    /// Address, role and standing of everybody.
    fn people(&self) -> Vec<String> {
        let all = self.data(LIST, json!({}));
        let text = |v: &Value, name: &str| v[name].as_str().unwrap().to_owned();
        let active = all["listUsers"]["activeUsers"].as_array().unwrap().iter();
        let invited = all["listUsers"]["invitedUsers"].as_array().unwrap().iter();
        let active = active.map(|u| format!("{} {}", text(u, "email"), text(u, "accountType")));
        let invited =
            invited.map(|u| format!("{} {} {}", text(u, "email"), text(u, "accountType"), text(u, "inviteStatus")));
        active.chain(invited).collect()
    }

    fn uid(&self, email: &str) -> String {
        let all = self.data(LIST, json!({}));
        let found = all["listUsers"]["activeUsers"].as_array().unwrap().iter().find(|u| u["email"] == email);
        found.unwrap()["uid"].as_str().unwrap().to_owned()
    }
}

const LIST: &str = "query ListUsers { listUsers { ok activeUsers { uid email name accountType } invitedUsers { email accountType inviteStatus } } }";
const INVITE: &str = "mutation inviteUser($email: String!, $accountType: UserAccountType!) { inviteUser(email: $email, accountType: $accountType) { ok } }";
const UPDATE: &str = "mutation U($uid: String!, $accountType: UserAccountType!) { updateUserAccountType(uid: $uid, accountType: $accountType) { ok } }";
const DISABLE: &str = "mutation disableUser($uid: String!) { disableUser(uid: $uid) { ok } }";
const WORKSPACES: &str = "{ listWorkspaces { ok workspaces { uid name } } }";

fn invitation(email: &str, role: &str) -> Value {
    json!({"email": email, "accountType": role})
}

#[test]
fn three_kinds_of_credentials() {
    let ask = json!({"query": WORKSPACES}).to_string();
    let list = json!({"query": LIST}).to_string();
    let bearer = |token: &str| format!("authorization: Bearer {token}\r\n");

    let workspace = Sandbox::new();
    assert_eq!(workspace.raw(&bearer(TOKEN), &list).0, Some(200));
    let pair = format!("x-api-key: sandbox\r\nx-api-secret: {TOKEN}\r\n");
    for wrong in ["", &bearer("prdm_wsp_other"), &pair, &format!("authorization: {TOKEN}\r\n")] {
        assert_eq!(workspace.raw(wrong, &list).0, Some(401), "{wrong}");
    }

    let env = TestEnv::with(THINGS);
    let things = |o: &mut Options| o.things = Some(env.file("rolecall.yaml"));
    let pair = Sandbox::with("canary-secret", things);
    let headers = |key: &str, secret: &str| format!("x-api-key: {key}\r\nx-api-secret: {secret}\r\n");
    assert_eq!(pair.raw(&headers("sandbox", "canary-secret"), &list).0, Some(200));
    for wrong in [&headers("other", "canary-secret"), &headers("sandbox", "other"), &bearer("canary-secret")] {
        assert_eq!(pair.raw(wrong, &list).0, Some(401), "{wrong}");
    }

    let company = Sandbox::with(COMPANY, things);
    let to = |uid: &str| format!("{}x-paradime-workspace: {uid}\r\n", bearer(COMPANY));
    let (_, body) = company.raw(&bearer(COMPANY), &ask);
    let all = body["data"]["listWorkspaces"]["workspaces"].as_array().unwrap().clone();
    assert_eq!(all.iter().map(|w| w["name"].as_str().unwrap()).collect::<Vec<_>>(), ["analytics", "finance"]);
    let uid = all[0]["uid"].as_str().unwrap();
    assert!(uid.len() == 16 && uid.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{uid}");
    let (status, body) = company.raw(&bearer(COMPANY), &list);
    assert_eq!((status, &body["errors"][0]["message"]), (Some(200), &json!("The workspace is missing.")));
    let (_, body) = company.raw(&to(uid), &list);
    assert_eq!(body["data"]["listUsers"]["activeUsers"].as_array().unwrap().len(), 2);
    let (_, body) = company.raw(&to("a5s1d8f3g6h2j9k4"), &list);
    assert_eq!(body["data"]["listUsers"]["activeUsers"], json!([]), "another workspace, other people");
    assert_eq!(company.raw(&to("zzzzzzzzzzzzzzzz"), &list).0, Some(403));

    // Of several workspaces, one that is chosen.
    let finance = Sandbox::with(TOKEN, |o| {
        things(o);
        o.workspace = Some("finance".to_owned());
    });
    assert!(finance.people().is_empty());
}

#[test]
fn the_endpoint() {
    let sandbox = Sandbox::new();
    let head = format!("authorization: Bearer {TOKEN}\r\n");
    let addr = sandbox.handle.addr();
    assert!(addr.ip().is_loopback());
    assert_eq!(http(addr, "POST", "/api/v1/other/graphql", &head, "{}").0, Some(404));
    assert_eq!(http(addr, "GET", BASE, &head, "").0, Some(405));
    for (body, text) in [("{", "no JSON"), ("{}", "query"), (r#"{"query": "{a}", "variables": []}"#, "object")] {
        let (status, said) = sandbox.raw(&head, body);
        assert_eq!(status, Some(400));
        has(said["errors"][0]["message"].as_str().unwrap(), &[text]);
    }
    for (query, text) in [
        ("{", "Syntax Error"),
        ("{ listPeople { ok } }", "Cannot query field \"listPeople\" on type \"Query\""),
        ("{ listUsers { ok lastLogin } }", "Cannot query field \"lastLogin\" on type \"ListUsersResult\""),
        ("{ listUsers }", "must have a selection"),
        ("{ listUsers { ok { x } } }", "must not have a selection"),
        ("{ listUsers(limit: 3) { ok } }", "Unknown argument \"limit\""),
        ("{ inviteUser(email: \"x@y.example\", accountType: ADMIN) { ok } }", "on type \"Query\""),
        ("mutation { disableUser { ok } }", "argument \"uid\" of type \"String!\" is required"),
        ("mutation { disableUser(uid: 7) { ok } }", "found 7"),
        ("mutation { inviteUser(email: \"x@y.example\", accountType: \"ADMIN\") { ok } }", "found \"ADMIN\""),
        ("mutation { inviteUser(email: \"x@y.example\", accountType: KING) { ok } }", "does not exist"),
        ("query A { listUsers { ok } } query B { listUsers { ok } }", "operation name"),
        (INVITE, "was not provided"),
        ("mutation { disableUser(uid: $uid) { ok } }", "is not defined"),
        ("mutation ($uid: String) { disableUser(uid: $uid) { ok } }", "expecting type \"String!\""),
        ("mutation ($uid: String!) { disableUser(uid: $uid) { ok } }", "got invalid value 7"),
    ] {
        sandbox.error(query, json!({"uid": 7}), text);
    }
    assert_eq!(sandbox.people().len(), 2, "nothing of this has done anything");

    // Any selection in any order, aliases, several at once, and both ways to say a value.
    let data = sandbox.data(
        "query X { all: listUsers { activeUsers { accountType uid } __typename } listWorkspaces { workspaces { name } } }",
        json!({}),
    );
    assert_eq!(data["all"]["__typename"], "ListUsersResult");
    let keys: Vec<&String> = data["all"]["activeUsers"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(data["listWorkspaces"], json!({"workspaces": [{"name": "analytics"}, {"name": "finance"}]}));
    let inline = "mutation { inviteUser(accountType: DEVELOPER, email: \"cy@acme.example\") { ok } }";
    assert_eq!(sandbox.data(inline, json!({})), json!({"inviteUser": {"ok": true}}));
    let two = json!({"query": "query A { listUsers { ok } } query B { listWorkspaces { ok } }", "operationName": "B"});
    assert_eq!(sandbox.raw(&head, &two.to_string()).1["data"], json!({"listWorkspaces": {"ok": true}}));
}

#[test]
fn the_life_of_a_user() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.data(INVITE, invitation("Eve@acme.example", "ANALYST")), json!({"inviteUser": {"ok": true}}));
    let known = ["ada@acme.example ADMIN", "bo@acme.example WORKSPACE_ADMIN"];
    let with = |more: &str| known.iter().map(|k| (*k).to_owned()).chain([more.to_owned()]).collect::<Vec<_>>();
    assert_eq!(sandbox.people(), with("Eve@acme.example ANALYST SENT"));
    sandbox.error(INVITE, invitation("EVE@acme.example", "ADMIN"), "already invited");
    sandbox.error(INVITE, invitation("ADA@acme.example", "ADMIN"), "already exists");
    for wrong in ["eve", "@acme.example", "a@b@c.example", "a@local"] {
        sandbox.error(INVITE, invitation(wrong, "ADMIN"), "not valid");
    }
    sandbox.screen(&json!({"expire": ["eve@acme.example"]}));
    assert_eq!(sandbox.people(), with("Eve@acme.example ANALYST EXPIRED"));
    sandbox.screen(&json!({"resend": ["eve@acme.example"]}));
    sandbox.screen(&json!({"accept": ["eve@acme.example"]}));
    assert_eq!(sandbox.people(), with("Eve@acme.example ANALYST"));
    let uid = sandbox.uid("Eve@acme.example");
    assert!(uid.len() == 64 && uid.bytes().all(|b| b.is_ascii_hexdigit()), "{uid}");
    for role in ROLES {
        let done = sandbox.data(UPDATE, json!({"uid": uid, "accountType": role}));
        assert_eq!(done, json!({"updateUserAccountType": {"ok": true}}));
        assert_eq!(sandbox.people(), with(&format!("Eve@acme.example {role}")));
    }
    sandbox.error(UPDATE, json!({"uid": "0", "accountType": "ADMIN"}), "not found");
    assert_eq!(sandbox.data(DISABLE, json!({"uid": uid})), json!({"disableUser": {"ok": true}}));
    assert_eq!(sandbox.people(), known, "she is in no list");
    sandbox.error(DISABLE, json!({"uid": uid}), "not found");
    sandbox.error(UPDATE, json!({"uid": uid, "accountType": "ADMIN"}), "not found");
    sandbox.error(INVITE, invitation("eve@acme.example", "ADMIN"), "is disabled");
    sandbox.screen(&json!({"enable": ["eve@acme.example"]}));
    assert_eq!(sandbox.people(), with("Eve@acme.example SANDBOX_USER"), "with the role of before");
    assert_eq!(sandbox.uid("Eve@acme.example"), uid);

    // What only the screens do.
    assert_eq!(sandbox.try_screen(&json!({"join": ["dee@new.example"]})).0, 400);
    sandbox.screen(&json!({"domains": ["New.example"], "join": ["dee@new.example"]}));
    assert!(sandbox.people().contains(&"dee@new.example BUSINESS".to_owned()));
    assert_eq!(sandbox.shown()["domains"], json!(["new.example"]));
    sandbox
        .screen(&json!({"remove_domains": ["new.example"], "users": [{"email": "dee@new.example", "team": "east"}]}));
    assert_eq!(sandbox.shown()["domains"], json!([]));
    assert!(sandbox.shown()["accounts"].to_string().contains("\"team\":\"east\""));
    sandbox.screen(&json!({"users": [{"email": "fay@acme.example", "standing": "invited"}]}));
    sandbox.screen(&json!({"withdraw": ["fay@acme.example"]}));
    for wrong in [
        json!({"accept": ["ada@acme.example"]}),
        json!({"enable": ["ada@acme.example"]}),
        json!({"resend": ["nobody@acme.example"]}),
        json!({"withdraw": ["ada@acme.example"]}),
        json!({"remove_domains": ["new.example"]}),
        json!({"workspace": "none"}),
        json!({"nothing": 1}),
    ] {
        let before = sandbox.shown();
        assert_eq!(sandbox.try_screen(&wrong).0, 400, "{wrong}");
        assert_eq!(sandbox.shown(), before, "{wrong}");
    }
}

#[test]
fn the_audit_log_tells_what_was_done() {
    let sandbox = Sandbox::new();
    sandbox.data(INVITE, invitation("eve@acme.example", "ANALYST"));
    sandbox.screen(&json!({"by": "ada@acme.example", "users": [{"email": "bo@acme.example", "role": "ANALYST"}]}));
    let query = "{ getAuditLogs { auditLogs { id createdDttm updatedDttm workspaceId workspaceName actorType actorUserId \
                 actorEmail eventSourceId eventSource eventId eventType metadataJson } } }";
    let log = sandbox.data(query, json!({}))["getAuditLogs"]["auditLogs"].take();
    let [key, person] = log.as_array().unwrap().as_slice() else { panic!("{log}") };
    assert_eq!((&key["actorEmail"], &key["eventType"]), (&Value::Null, &json!("assumed_user_invited")));
    assert_eq!(person["actorEmail"], "ada@acme.example");
    assert_eq!((&person["eventSource"], &person["workspaceName"]), (&json!("app"), &json!("analytics")));
    for name in ["id", "workspaceId", "actorUserId", "eventSourceId", "eventId"] {
        assert!(person[name].is_u64() && key[name].is_u64(), "{name}");
    }
    let metadata: Value = serde_json::from_str(person["metadataJson"].as_str().unwrap()).unwrap();
    assert_eq!(metadata, json!({"user": {"email": "bo@acme.example"}, "from": "WORKSPACE_ADMIN", "to": "ANALYST"}));
    let at = person["createdDttm"].as_str().unwrap();
    assert!(at.len() == 26 && at.as_bytes()[10] == b' ', "{at}");
    sandbox.handle.set_faults(&["iso-audit", "object-metadata"]).unwrap();
    let log = sandbox.data(query, json!({}))["getAuditLogs"]["auditLogs"].take();
    has(log[1]["createdDttm"].as_str().unwrap(), &["T", "+00:00"]);
    assert_eq!((&log[1]["eventSource"], &log[1]["metadataJson"]["to"]), (&json!("APP"), &json!("ANALYST")));
}

/// Who may invite whom, as somebody who is signed in: the rows of docs.paradime.io, invite users.
#[test]
fn invitations_by_the_table_where_it_is_asked_for() {
    let table = [
        (
            "ADMIN",
            "ADMIN BILLING_ADMIN SECURITY_ADMIN WORKSPACE_SETTINGS_ADMIN WORKSPACE_ADMIN DEVELOPER ANALYST BUSINESS",
        ),
        ("BILLING_ADMIN", ""),
        ("SECURITY_ADMIN", ""),
        ("WORKSPACE_SETTINGS_ADMIN", "WORKSPACE_SETTINGS_ADMIN WORKSPACE_ADMIN DEVELOPER ANALYST BUSINESS"),
        ("WORKSPACE_ADMIN", "WORKSPACE_SETTINGS_ADMIN WORKSPACE_ADMIN DEVELOPER ANALYST BUSINESS"),
        ("DEVELOPER", "DEVELOPER ANALYST BUSINESS"),
        ("ANALYST", "ANALYST BUSINESS"),
        ("BUSINESS", "ANALYST BUSINESS"),
    ];
    for (acting, may) in table {
        let sandbox = Sandbox::with(TOKEN, |o| o.acting = Some(acting.to_owned()));
        for role in ROLES.iter().filter(|r| **r != "SANDBOX_USER") {
            let email = format!("{}@acme.example", role.to_lowercase());
            let said = sandbox.ask(INVITE, invitation(&email, role));
            assert_eq!(said.get("errors").is_none(), may.split(' ').any(|m| m == *role), "{acting} {role}: {said}");
        }
        assert_eq!(sandbox.people().len(), may.split_whitespace().count());
    }
    let mut options = Options::new(TOKEN).unwrap();
    options.acting = Some("KING".to_owned());
    has(&serve(&options).unwrap_err().to_string(), &["`KING` is no role"]);
}

#[test]
fn faults() {
    let sandbox = Sandbox::new();
    let bo = sandbox.uid("bo@acme.example");
    let role = |sandbox: &Sandbox| sandbox.people()[1].clone();
    // Each fault, whether the write says that it was done, and whether it was.
    for (fault, says, done) in [
        ("graphql-error,first=1", "errors", false),
        ("graphql-error-after,first=1", "errors", true),
        ("not-ok,first=1", "not ok", false),
        ("not-ok-after,first=1", "not ok", true),
        ("null-result,first=1", "null", false),
        ("lost-write,first=1", "ok", false),
        ("empty-errors-key,first=1", "errors", true),
    ] {
        let before = role(&sandbox);
        let wanted = if before.ends_with("ANALYST") { "DEVELOPER" } else { "ANALYST" };
        sandbox.handle.set_faults(&[fault]).unwrap();
        let body = sandbox.ask(UPDATE, json!({"uid": bo, "accountType": wanted}));
        sandbox.handle.set_faults(&[]).unwrap();
        let value = &body["data"]["updateUserAccountType"];
        let found = match () {
            () if body.get("errors").is_some() => "errors",
            () if value.is_null() => "null",
            () if value["ok"] == true => "ok",
            () => "not ok",
        };
        assert_eq!(found, says, "{fault}: {body}");
        assert_eq!(role(&sandbox) != before, done, "{fault}");
    }
    for (fault, query, status) in [
        ("no-capability", LIST, 403),
        ("no-capability=401", LIST, 401),
        ("read-only-key", DISABLE, 403),
        ("no-workspace-list", WORKSPACES, 403),
    ] {
        sandbox.handle.set_faults(&[fault]).unwrap();
        let head = format!("authorization: Bearer {TOKEN}\r\n");
        let (got, body) = sandbox.raw(&head, &json!({"query": query, "variables": {"uid": bo}}).to_string());
        assert_eq!(got, Some(status), "{fault}: {body}");
    }
    sandbox.handle.set_faults(&["read-only-key"]).unwrap();
    assert_eq!(sandbox.people().len(), 2);
    sandbox.handle.set_faults(&["no-audit"]).unwrap();
    sandbox.error("{ getAuditLogs { auditLogs { id } } }", json!({}), "not available");
    sandbox.handle.set_faults(&[]).unwrap();

    sandbox.screen(&json!({"users": [{"email": "cy@acme.example", "standing": "invited"},
        {"email": "di@acme.example", "standing": "expired"}, {"email": "ed@acme.example", "standing": "disabled"}]}));
    for (fault, expected) in [("active-status", "ACTIVE"), ("odd-status", "QUEUED")] {
        sandbox.handle.set_faults(&[fault]).unwrap();
        let expected = [format!("cy@acme.example BUSINESS {expected}"), "di@acme.example BUSINESS EXPIRED".to_owned()];
        assert_eq!(sandbox.people()[2..], expected);
    }
    sandbox.handle.set_faults(&["changed-names"]).unwrap();
    has(&sandbox.people()[0], &["Ada@acme.example"]);
    sandbox.handle.set_faults(&["half-list=50"]).unwrap();
    assert_eq!(sandbox.people().len(), 2);
    sandbox.handle.set_faults(&["repeated-user"]).unwrap();
    assert_eq!(sandbox.people().len(), 6);
    sandbox.handle.set_faults(&["no-uid"]).unwrap();
    let users = sandbox.data("{ listUsers { ok activeUsers { uid } } }", json!({}))["listUsers"]["activeUsers"].clone();
    assert_eq!((users[0]["uid"].is_null(), users[1]["uid"].is_null()), (false, true), "{users}");
    sandbox.handle.set_faults(&["null-lists"]).unwrap();
    assert_eq!(sandbox.data(LIST, json!({}))["listUsers"]["activeUsers"], Value::Null);
    sandbox.handle.set_faults(&["second-invitation", "disabled-invited"]).unwrap();
    sandbox.data(INVITE, invitation("cy@acme.example", "ADMIN"));
    sandbox.data(INVITE, invitation("ed@acme.example", "ADMIN"));
    sandbox.handle.set_faults(&[]).unwrap();
    assert_eq!(sandbox.people().iter().filter(|p| p.ends_with("ADMIN SENT")).count(), 2);

    sandbox.handle.set_faults(&["delayed=400"]).unwrap();
    let (before, start) = (role(&sandbox), Instant::now());
    sandbox.data(UPDATE, json!({"uid": bo, "accountType": "BUSINESS"}));
    assert_eq!(role(&sandbox), before, "not yet");
    while role(&sandbox) == before {
        assert!(start.elapsed() < Duration::from_secs(20));
    }
    assert!(start.elapsed() >= Duration::from_millis(400));
}

/// A mutation writes and a query does not, though both are sent by POST.
#[test]
fn faults_of_the_transport_reach_it_too() {
    let sandbox = Sandbox::new();
    sandbox.handle.set_faults(&["closed"]).unwrap();
    assert_eq!(sandbox.people().len(), 2);
    let head = format!("authorization: Bearer {TOKEN}\r\n");
    let body = json!({"query": INVITE, "variables": invitation("x@acme.example", "ADMIN")}).to_string();
    assert_eq!(sandbox.raw(&head, &body).0, None);
    sandbox.handle.set_faults(&["throttle=2"]).unwrap();
    let (status, answer) = sandbox.raw(&head, &body);
    assert_eq!(status, Some(429));
    assert!(answer["errors"][0]["message"].is_string(), "{answer}");
    sandbox.handle.set_faults(&[]).unwrap();
    assert_eq!(sandbox.people().len(), 3, "it was done behind the closed connection");
}

#[test]
fn every_fault_is_tested_here() {
    let source = include_str!("sandbox_paradime.rs");
    for fault in FAULTS {
        let quoted = [format!("\"{}\"", fault.name), format!("\"{}=", fault.name), format!("\"{},", fault.name)];
        assert!(quoted.iter().any(|q| source.contains(q)), "{}", fault.name);
    }
}

const DECLARATION: &str = "
version: 1
targets:
  dbt:
    provider: paradime
    url: https://api.paradime.io/api/v1/company/graphql
    credentials: {token: \"${PARADIME_TOKEN}\"}
users:
  ada@acme.example: {name: Ada, role: ADMIN}
  bo@acme.example: {role: ANALYST}
  cy@acme.example: {role: ANALYST, state: disabled}
";

fn begun(env: &TestEnv, state: Option<&Path>) -> Sandbox {
    Sandbox::with(TOKEN, |o| {
        o.seeds = vec![env.file("rolecall.yaml")];
        o.state = state.map(Path::to_owned);
    })
}

#[test]
fn it_begins_with_what_is_declared_and_keeps_it() {
    let env = TestEnv::with(DECLARATION);
    let file = env.file("state.db");
    let sandbox = begun(&env, Some(&file));
    assert_eq!(sandbox.people(), ["ada@acme.example ADMIN", "bo@acme.example ANALYST"]);
    sandbox.data(INVITE, invitation("Dee@acme.example", "DEVELOPER"));
    sandbox.data(INVITE, invitation("eve@acme.example", "DEVELOPER"));
    sandbox.data(DISABLE, json!({"uid": sandbox.uid("bo@acme.example")}));
    sandbox.screen(&json!({"accept": ["dee@acme.example"], "enable": ["cy@acme.example"], "domains": ["acme.example"],
        "users": [{"email": "odd@acme.example", "role": "UNHEARD_OF"}]}));
    let (people, shown) = (sandbox.people(), sandbox.shown());
    sandbox.handle.stop().unwrap();
    let users =
        rows(&file, "SELECT u.email, r.name, u.state FROM users u LEFT JOIN roles r ON r.id = u.role_id ORDER BY 1");
    assert_eq!(
        users,
        [
            "ada@acme.example | ADMIN | active",
            "bo@acme.example | ANALYST | disabled",
            "cy@acme.example | ANALYST | active",
            "dee@acme.example | DEVELOPER | active",
            "eve@acme.example | DEVELOPER | invited",
            "odd@acme.example | UNHEARD_OF | active",
        ]
    );
    let again = Sandbox::with(TOKEN, |o| o.state = Some(file.clone()));
    assert_eq!((again.people(), again.shown()), (people, shown));
    again.data(INVITE, invitation("fay@acme.example", "ANALYST"));
    again.handle.stop().unwrap();

    // A directory that somebody else has filled.
    env.write("rolecall.yaml", "version: 1\ntargets: {home: {provider: directory, url: sqlite:other.db, catalogue: paradime}}\nusers: {ada@acme.example: {role: ADMIN}, bo@acme.example: {role: BUSINESS}}\n");
    env.apply();
    let other = Sandbox::with(TOKEN, |o| o.state = Some(env.file("other.db")));
    assert_eq!(other.people(), ["ada@acme.example ADMIN", "bo@acme.example BUSINESS"]);
}

#[test]
fn the_command() {
    let env = TestEnv::with("version: 1");
    env.run(&["sandbox", "paradime"]).ended(1).says(&["a sandbox needs a token"]);
    let faults = env.run(&["sandbox", "paradime", "--faults"]).ended(0);
    for fault in FAULTS {
        has(&faults.stdout, &[fault.name]);
    }
    let assumptions = env.run(&["sandbox", "paradime", "--assumptions"]).ended(0);
    insta::assert_snapshot!("assumptions", assumptions.stdout);
    for (more, said) in [
        (["--seed", "none.yaml"], "the seed cannot be used"),
        (["--things", "none.yaml"], "cannot be read"),
        (["--workspace", "none"], "there is no workspace `none`"),
        (["--acting", "KING"], "is no role"),
        (["--fault", "none"], "sandbox paradime --faults"),
    ] {
        let args = [&["sandbox", "paradime", "--token", "t", "--port", "0"], more.as_slice()].concat();
        env.run(&args).ended(1).says(&[said]);
    }
}

/// Paradime's own client, in its three ways to open a workspace.
#[test]
fn the_vendors_client_works() {
    let python = installed("paradime-io").join("python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/check_paradime_sandbox.py");
    let env = TestEnv::with(THINGS);
    for (secret, key) in [("canary-secret", "canary-key"), (TOKEN, "-"), (COMPANY, "-")] {
        let sandbox = Sandbox::with(secret, |o| {
            o.key = key.to_owned();
            o.things = Some(env.file("rolecall.yaml"));
        });
        let uid = sandbox.shown()["uid"].as_str().unwrap().to_owned();
        let workspace = if secret == COMPANY { uid.as_str() } else { "-" };
        let mut command = Command::new(&python);
        command.arg(&script).args([&sandbox.handle.url(), secret, key, workspace]);
        let output = command.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{secret}: {said}");
        has(&said, &["8 calls of the SDK do what they should"]);
    }
}
