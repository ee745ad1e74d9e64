//! The Strongly sandbox over HTTP, by a client of a few lines that hides nothing: every operation of the fact
//! sheet's tables, both shapes, the faults, and what is in the file afterwards.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rolecall::sandbox::Handle;
use rolecall::sandbox::strongly::faults::FAULTS;
use rolecall::sandbox::strongly::{Options, serve};
use serde_json::{Value, json};

use super::common::{TestEnv, dump, has};

const TOKEN: &str = "canary-5tr0";

const THINGS: &str = "
users:
  - {email: ada@acme.example, name: Ada, role: admin, organization_role: owner}
  - {email: Bob@acme.example, name: Bob, role: developer}
  - {email: cyd@acme.example, name: Cyd}
  - {email: old@acme.example, name: Old, archived: true}
  - {email: out@acme.example, name: Out, outside: true}
invitations: [{email: new@acme.example, role: admin}]
applications:
  - {name: portal, owner: bob@acme.example, users: [cyd@acme.example], sign_in: {enabled: true, signup: true, slug: door, domains: [acme.example]}}
projects: [{name: churn, owner: bob@acme.example, shared: {cyd@acme.example: viewer}}]
workspaces: [{name: notes, project: churn, owner: bob@acme.example}]
workflows: [{name: nightly, owner: bob@acme.example}]
data_sources: [{name: warehouse, owner: ada@acme.example, everyone: true}]
teams: {night: [cyd@acme.example]}
policies: {mfa: {require: all}}
";

struct Sandbox {
    handle: Handle,
}

impl Sandbox {
    fn with(adjust: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(TOKEN).unwrap();
        adjust(&mut options);
        Self { handle: serve(&options).unwrap() }
    }

    /// One in which [`THINGS`] are.
    fn new() -> Self {
        let sandbox = Self::with(|_| {});
        sandbox.things(THINGS);
        sandbox
    }

    /// The status, and the body; `None` where no answer came.
    fn raw(&self, method: &str, path: &str, header: &str, body: &str) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(self.handle.addr()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\n{header}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(text.as_bytes()).unwrap();
        let mut whole = Vec::new();
        let _ = stream.read_to_end(&mut whole);
        let text = String::from_utf8_lossy(&whole).into_owned();
        let status = text.split(' ').nth(1)?.parse().ok()?;
        let body = text.split_once("\r\n\r\n").map(|(_, b)| b).unwrap_or_default();
        Some((status, serde_json::from_str(body).unwrap_or_default()))
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let path = if path.starts_with("/sandbox") { path.to_owned() } else { format!("/api/v1{path}") };
        self.raw(method, &path, &format!("x-api-key: {TOKEN}\r\n"), &text).unwrap()
    }

    #[track_caller]
    fn things(&self, text: &str) {
        let header = format!("x-api-key: {TOKEN}\r\n");
        let (status, body) = self.raw("POST", "/sandbox/things", &header, text).unwrap();
        assert_eq!(status, 204, "{body}");
    }

    fn faults(&self, faults: &[&str]) {
        self.handle.set_faults(faults).unwrap();
    }

    /// What is inside the envelope.
    #[track_caller]
    fn data(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call(method, path, body);
        assert!(status == 200 || status == 201, "{method} {path}: {status} {answer}");
        assert_eq!(answer["success"], true, "{answer}");
        answer["data"].clone()
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        self.data("GET", path, &Value::Null)
    }

    /// Fails the test unless it is this error.
    #[track_caller]
    fn refused(&self, method: &str, path: &str, body: &Value, status: u16, part: &str) {
        let (got, answer) = self.call(method, path, body);
        assert_eq!(got, status, "{method} {path}: {answer}");
        assert_eq!(answer["success"], false, "{answer}");
        let text = format!("{} {}", answer["error"]["code"], answer["error"]["message"]);
        assert!(text.contains(part), "`{part}` is missing in {text}");
    }

    fn members(&self) -> Vec<Value> {
        self.get(&format!("{}/members?limit=100", self.organization())).as_array().unwrap().clone()
    }

    fn organization(&self) -> String {
        format!("/organizations/{}", self.get("/auth/whoami")["organization"]["id"].as_str().unwrap())
    }

    /// The id of a user, which only the members list shows.
    #[track_caller]
    fn id(&self, email: &str) -> String {
        let members = self.members();
        let found = members.iter().find(|m| m["email"].as_str().unwrap().eq_ignore_ascii_case(email));
        found.unwrap_or_else(|| panic!("{email} in {members:?}"))["userId"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn thing(&self, kind: &str, name: &str) -> String {
        let all = self.get(&format!("/{kind}?limit=100"));
        let found = all.as_array().unwrap().iter().find(|t| t["name"] == name);
        format!("/{kind}/{}", found.unwrap_or_else(|| panic!("{name} in {all}"))["_id"].as_str().unwrap())
    }
}

#[test]
fn the_key_is_a_header_of_its_own() {
    let sandbox = Sandbox::new();
    let status = |header: &str| sandbox.raw("GET", "/api/v1/users", header, "").unwrap();
    assert_eq!(status(&format!("X-API-Key: {TOKEN}\r\n")).0, 200);
    for wrong in ["", "x-api-key: other\r\n", &format!("authorization: Bearer {TOKEN}\r\n")] {
        let (code, body) = status(wrong);
        assert_eq!((code, &body["error"]["code"]), (401, &json!("unauthorized")), "{wrong}");
    }
}

#[test]
fn users_are_listed_made_changed_archived_and_brought_back() {
    let sandbox = Sandbox::new();
    let me = sandbox.get("/auth/whoami");
    assert_eq!(me["email"], "ada@acme.example");
    assert_eq!(me["organization"]["role"], "owner");
    // Exactly three fields, and no id.
    let (_, page) = sandbox.call("GET", "/users", &Value::Null);
    assert_eq!(page["pagination"], json!({"total": 4, "limit": 20, "offset": 0, "hasMore": false}));
    assert_eq!(
        page["data"][1],
        json!({"username": "Bob@acme.example", "email": "Bob@acme.example", "role": "developer"})
    );
    let emails = |path: &str| -> Vec<String> {
        sandbox.get(path).as_array().unwrap().iter().map(|u| u["email"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(emails("/users?archived=true"), ["old@acme.example"]);
    assert_eq!(emails("/users?active=false"), ["old@acme.example"]);
    assert_eq!(emails("/users?search=BOB"), ["Bob@acme.example"]);
    assert_eq!(emails("/users?limit=1&offset=2"), ["cyd@acme.example"]);
    assert_eq!(sandbox.get("/users/me")["role"], "admin");
    assert_eq!(sandbox.data("PUT", "/users/me", &json!({"name": "Ada L"}))["email"], "ada@acme.example");

    let made =
        sandbox.data("POST", "/users", &json!({"email": "eve@acme.example", "name": "Eve", "role": "developer"}));
    assert_eq!(made["apiKey"]["scopes"], json!(["*"]));
    assert!(made["temporaryPassword"].is_string());
    let eve = sandbox.id("eve@acme.example");
    assert_eq!(sandbox.get(&format!("/users/{eve}"))["role"], "developer");
    let eve_path = format!("/users/{eve}");
    for (body, status, part) in [
        (json!({"email": "EVE@acme.example", "name": "x"}), 409, "already exists"),
        (json!({"email": "eve", "name": "x"}), 400, "email"),
        (json!({"email": "x@acme.example"}), 400, "name is required"),
        (json!({"email": "x@acme.example", "name": "x", "role": "data_scientist"}), 400, "role"),
        (json!([]), 400, "object"),
    ] {
        sandbox.refused("POST", "/users", &body, status, part);
    }
    let changed = sandbox.data("PUT", &eve_path, &json!({"role": "app", "name": "Eve B"}));
    assert_eq!(changed["role"], "app");
    assert_eq!(sandbox.members().last().unwrap()["name"], "Eve B");
    sandbox.refused("PUT", "/users/nobody", &json!({"role": "app"}), 404, "not found");

    let bob = format!("/users/{}", sandbox.id("bob@acme.example"));
    let assets = sandbox.get(&format!("{bob}/assets"));
    assert_eq!(assets["total"], 4);
    assert_eq!(assets["assets"]["apps"][0]["name"], "portal");
    let archive = |path: &str, body: Value| sandbox.call("POST", &format!("{path}/archive"), &body).0;
    assert_eq!(archive(&bob, json!({})), 400, "the action must be said");
    assert_eq!(archive(&bob, json!({"assetAction": "burn"})), 400);
    assert_eq!(archive(&bob, json!({"assetAction": "transfer", "transferToUserId": "nobody"})), 400);
    assert_eq!(
        archive(&format!("/users/{}", sandbox.id("ada@acme.example")), json!({"assetAction": "leave-as-is"})),
        400
    );
    assert_eq!(archive(&bob, json!({"assetAction": "leave-as-is"})), 200);
    assert_eq!(archive(&bob, json!({"assetAction": "leave-as-is"})), 409);
    assert_eq!(sandbox.get(&format!("{bob}/assets"))["total"], 4, "they stay his");
    assert_eq!(emails("/users?archived=true").len(), 2);
    assert_eq!(sandbox.call("POST", &format!("{bob}/unarchive"), &Value::Null).0, 200);
    assert_eq!(sandbox.call("POST", &format!("{bob}/unarchive"), &Value::Null).0, 409);
    assert_eq!(archive(&bob, json!({"assetAction": "transfer", "transferToUserId": eve})), 200);
    assert_eq!(sandbox.get(&format!("{eve_path}/assets"))["total"], 4, "they move");
    assert_eq!(archive(&eve_path, json!({"assetAction": "delete"})), 200);
    assert_eq!(sandbox.get("/apps"), json!([]));
    assert_eq!(sandbox.call("POST", &format!("{bob}/reset-password"), &Value::Null).0, 200);
    sandbox.refused("DELETE", &bob, &Value::Null, 404, "There is no DELETE");
}

#[test]
fn the_organization_has_members_and_invitations() {
    let sandbox = Sandbox::new();
    let organization = sandbox.organization();
    assert_eq!(sandbox.get("/organizations").as_array().unwrap().len(), 1);
    assert_eq!(sandbox.get(&organization)["status"], "active");
    assert_eq!(sandbox.call("PUT", &organization, &json!({"name": "x"})).0, 200);
    sandbox.refused("GET", "/organizations/other/members", &Value::Null, 404, "Organization");
    let members = sandbox.members();
    assert_eq!(members.len(), 4, "who is archived stays, who is outside is not in it");
    let bob = members.iter().find(|m| m["name"] == "Bob").unwrap();
    assert_ne!(bob["id"], bob["userId"]);
    let place = |m: &Value| format!("{organization}/members/{}", m["id"].as_str().unwrap());
    assert_eq!(sandbox.data("PUT", &place(bob), &json!({"role": "admin"}))["role"], "admin");
    sandbox.refused("PUT", &place(bob), &json!({"role": "boss"}), 400, "role");
    let by_user = format!("{organization}/members/{}", bob["userId"].as_str().unwrap());
    sandbox.refused("PUT", &by_user, &json!({"role": "member"}), 404, "Member");
    let ada = members.iter().find(|m| m["name"] == "Ada").unwrap();
    sandbox.refused("PUT", &place(ada), &json!({"role": "member"}), 409, "owner");
    sandbox.refused("DELETE", &place(ada), &Value::Null, 409, "owner");
    assert_eq!(sandbox.call("DELETE", &place(bob), &Value::Null).0, 200);
    assert_eq!(sandbox.members().len(), 3);
    let add = json!({"userId": bob["userId"]});
    assert_eq!(sandbox.data("POST", &format!("{organization}/members"), &add)["role"], "member");
    sandbox.refused("POST", &format!("{organization}/members"), &add, 409, "already");

    let invitations = format!("{organization}/invitations");
    let open = sandbox.get(&invitations);
    assert_eq!(
        (&open[0]["email"], &open[0]["role"], &open[0]["status"]),
        (&json!("new@acme.example"), &json!("admin"), &json!("pending"))
    );
    let invite = |email: &str| {
        sandbox.call("POST", &format!("{organization}/invite"), &json!({"email": email, "role": "member"})).0
    };
    assert_eq!((invite("joe@acme.example"), invite("bob@acme.example"), invite("x")), (201, 409, 400));
    let cancel = format!("{invitations}/{}", open[0]["id"].as_str().unwrap());
    assert_eq!(sandbox.call("DELETE", &cancel, &Value::Null).0, 200);
    sandbox.refused("DELETE", &cancel, &Value::Null, 404, "Invitation");
    sandbox.things("accept: [joe@acme.example]");
    assert_eq!(sandbox.get(&invitations), json!([]));
    assert_eq!(sandbox.get(&format!("/users/{}", sandbox.id("joe@acme.example")))["role"], "app");
}

#[test]
fn applications_and_data_sources_have_whole_lists() {
    let sandbox = Sandbox::new();
    let (app, source) = (sandbox.thing("apps", "portal"), sandbox.thing("datasources", "warehouse"));
    let (bob, cyd) = (sandbox.id("bob@acme.example"), sandbox.id("cyd@acme.example"));
    let shown = sandbox.get(&app);
    assert_eq!(
        (&shown["isPublic"], &shown["allowedUsers"], &shown["ownerId"]),
        (&json!(false), &json!([cyd]), &json!(bob))
    );
    assert_eq!(shown["auth"]["allowedDomains"], json!(["acme.example"]));
    let permissions = format!("{app}/permissions");
    let put = |body: Value| sandbox.data("PUT", &permissions, &body)["allowedUsers"].clone();
    assert_eq!(put(json!({"isPublic": false, "allowedUsers": [bob]})), json!([bob]), "it is replaced");
    for wrong in
        [json!({"isPublic": true}), json!({"allowedUsers": []}), json!({"isPublic": false, "allowedUsers": ["x"]})]
    {
        sandbox.refused("PUT", &permissions, &wrong, 400, "allowedUsers");
    }
    assert_eq!(sandbox.get(&source)["allowAllUsers"], true);
    let body = json!({"allowAllUsers": false, "allowedUsers": [bob, cyd]});
    assert_eq!(sandbox.data("PUT", &format!("{source}/permissions"), &body)["allowAllUsers"], false);
    sandbox.refused(
        "PUT",
        &format!("{source}/permissions"),
        &json!({"isPublic": false, "allowedUsers": []}),
        400,
        "allowAllUsers",
    );

    // Sign-in: only what is sent changes.
    let auth =
        sandbox.data("PUT", &format!("{app}/auth"), &json!({"allowedDomains": ["Other.example"]}))["auth"].clone();
    assert_eq!(
        (&auth["allowedDomains"], &auth["enabled"], &auth["slug"]),
        (&json!(["other.example"]), &json!(true), &json!("door"))
    );
    assert_eq!(
        sandbox.data("PUT", &format!("{app}/auth"), &json!({"signupEnabled": false, "access": "approval"}))["auth"]["signupEnabled"],
        false
    );
    sandbox.refused("PUT", &format!("{app}/auth"), &json!({"access": "never"}), 400, "access");
    sandbox.refused("PUT", &format!("{app}/auth"), &json!({"allowedDomains": ["a@b.example"]}), 400, "domains");
    assert_eq!(put(json!({"isPublic": false, "allowedUsers": [bob, cyd]})), json!([bob, cyd]));
    assert_eq!(
        sandbox.get(&format!("{app}/auth/users")),
        json!([{"_id": cyd, "email": "cyd@acme.example", "status": "active"}])
    );
    assert_eq!(sandbox.data("POST", &format!("{app}/auth/users/{cyd}/deactivate"), &Value::Null)["status"], "archived");
    assert_eq!(sandbox.get(&format!("{app}/auth/users?status=archived")).as_array().unwrap().len(), 1);
    assert_eq!(sandbox.data("POST", &format!("{app}/auth/users/{cyd}/activate"), &Value::Null)["status"], "active");
    assert_eq!(sandbox.call("POST", &format!("{app}/auth/users/{cyd}/password-reset"), &Value::Null).0, 200);
    assert_eq!(sandbox.call("DELETE", &format!("{app}/auth/users/{cyd}"), &Value::Null).0, 200);
    assert_eq!(sandbox.get(&app)["allowedUsers"], json!([bob]));
}

#[test]
fn projects_and_workflows_are_shared_with_people() {
    let sandbox = Sandbox::new();
    let (project, workflow) = (sandbox.thing("projects", "churn"), sandbox.thing("workflows", "nightly"));
    let (bob, cyd) = (sandbox.id("bob@acme.example"), sandbox.id("cyd@acme.example"));
    let collaborators = format!("{project}/collaborators");
    let shown = sandbox.get(&collaborators);
    assert_eq!((&shown[0]["userId"], &shown[0]["role"]), (&json!(bob), &json!("owner")), "the owner is always listed");
    assert_eq!((&shown[1]["email"], &shown[1]["role"]), (&json!("cyd@acme.example"), &json!("viewer")));
    let add = |email: &str, role: &str| sandbox.call("POST", &collaborators, &json!({"email": email, "role": role})).0;
    assert_eq!(add("ada@acme.example", "editor"), 201);
    assert_eq!((add("ada@acme.example", "editor"), add("bob@acme.example", "viewer")), (409, 409));
    assert_eq!(
        (add("who@acme.example", "viewer"), add("old@acme.example", "viewer"), add("out@acme.example", "boss")),
        (404, 404, 400)
    );
    let one = format!("{collaborators}/{cyd}");
    assert_eq!(sandbox.data("PUT", &one, &json!({"role": "editor"}))["role"], "editor");
    assert_eq!(sandbox.call("DELETE", &one, &Value::Null).0, 200);
    sandbox.refused("DELETE", &one, &Value::Null, 404, "Collaborator");
    sandbox.refused("DELETE", &format!("{collaborators}/{bob}"), &Value::Null, 400, "owner");
    sandbox.refused("PUT", &format!("{collaborators}/{bob}"), &json!({"role": "viewer"}), 400, "owner");
    assert_eq!(sandbox.get(&format!("{project}/workspaces"))[0]["name"], "notes");
    assert_eq!(sandbox.get("/workspaces")[0]["projectId"], json!(project.trim_start_matches("/projects/")));

    let share = format!("{workflow}/share");
    assert_eq!(sandbox.get(&share), json!([]));
    assert_eq!(sandbox.data("POST", &share, &json!({"userId": cyd, "role": "editor"}))["role"], "editor");
    assert_eq!(sandbox.data("POST", &share, &json!({"userId": cyd}))["role"], "viewer");
    sandbox.refused("POST", &share, &json!({"email": "cyd@acme.example"}), 400, "userId");
    assert_eq!(sandbox.get(&share).as_array().unwrap().len(), 1);
    assert_eq!(sandbox.call("DELETE", &format!("{share}/{cyd}"), &Value::Null).0, 200);
    sandbox.refused("DELETE", &format!("{share}/{cyd}"), &Value::Null, 404, "Share");
    sandbox.refused("GET", "/teams", &Value::Null, 404, "There is no GET /api/v1/teams");
    sandbox.refused("POST", &share, &json!("x"), 400, "object");
    let (status, _) = sandbox.raw("POST", "/api/v1/users", &format!("x-api-key: {TOKEN}\r\n"), "{").unwrap();
    assert_eq!(status, 400);
}

#[test]
fn the_older_shape_has_no_envelope_and_shows_ids() {
    let sandbox = Sandbox::new();
    let bob = sandbox.id("bob@acme.example");
    sandbox.faults(&["shape-d"]);
    let (_, page) = sandbox.call("GET", "/users?limit=2", &Value::Null);
    assert_eq!((&page["count"], &page["limit"], &page["offset"]), (&json!(4), &json!(2), &json!(0)));
    assert_eq!((&page["users"][1]["id"], &page["users"][1]["status"]), (&json!(bob), &json!("active")));
    let (_, user) = sandbox.call("GET", &format!("/users/{bob}"), &Value::Null);
    assert_eq!(user["name"], "Bob");
    let (_, archived) = sandbox.call("GET", "/users?archived=true", &Value::Null);
    assert_eq!(archived["users"][0]["status"], "archived");
    let (status, error) = sandbox.call("GET", "/users/x", &Value::Null);
    assert_eq!((status, &error["error"]["code"]), (404, &json!("not-found")));
}

/// Each fault of its own does what its text says.
#[test]
fn every_fault_does_what_it_says() {
    let sandbox = Sandbox::new();
    let organization = sandbox.organization();
    let (app, workflow) = (sandbox.thing("apps", "portal"), sandbox.thing("workflows", "nightly"));
    let (bob, cyd) = (sandbox.id("bob@acme.example"), sandbox.id("cyd@acme.example"));
    let list = |path: &str| sandbox.call("GET", path, &Value::Null).1;
    let count = |path: &str| list(path)["data"].as_array().unwrap().len();
    let create = |email: &str| sandbox.call("POST", "/users", &json!({"email": email, "name": "x", "role": "admin"})).0;
    for fault in FAULTS {
        sandbox.faults(&[fault.name]);
        match fault.name {
            "page-cap" => {
                sandbox.faults(&["page-cap=1"]);
                assert_eq!(count("/users?limit=100"), 1);
            }
            "wrong-total" => assert_eq!(list("/users")["pagination"]["total"], 5),
            "low-total" => assert_eq!(list("/users")["pagination"]["total"], 3),
            "short-list" => assert_eq!((count("/users"), &list("/users")["pagination"]["total"]), (2, &json!(2))),
            "repeated-item" => assert_eq!(list("/users?offset=1")["data"][0]["email"], "ada@acme.example"),
            "ignored-filter" => assert_eq!(count("/users?archived=true"), 5),
            "lost-write" => {
                assert_eq!(create("lost@acme.example"), 201);
                sandbox.faults(&[]);
                assert_eq!(count("/users"), 4);
            }
            "delayed" => {
                sandbox.faults(&["delayed=300"]);
                let start = Instant::now();
                assert_eq!(create("late@acme.example"), 201);
                assert_eq!(count("/users?search=late"), 0);
                while count("/users?search=late") == 0 {
                    assert!(start.elapsed() < Duration::from_secs(20));
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
            "shape-d" => assert!(list("/users")["users"].is_array()),
            "no-total" => assert_eq!(list("/users")["pagination"], Value::Null),
            "no-offset" => assert_eq!(list("/users?offset=2"), {
                let mut first = list("/users");
                first["pagination"]["offset"] = json!(2);
                first
            }),
            "no-admin-scope" => {
                sandbox.refused("PUT", &format!("/users/{bob}"), &json!({"role": "app"}), 403, "users:admin")
            }
            "no-write-scopes" => {
                sandbox.refused("PUT", &format!("{app}/permissions"), &json!({}), 403, "scope-required");
                sandbox.refused("POST", &format!("{organization}/invite"), &json!({}), 403, "organizations:write");
            }
            "not-admin" => {
                sandbox.refused("PUT", &format!("/users/{bob}"), &json!({"role": "app"}), 403, "forbidden");
                sandbox.refused("POST", &format!("{organization}/invite"), &json!({}), 403, "forbidden");
            }
            "role-ignored" => {
                assert_eq!(create("low@acme.example"), 201);
                assert_eq!(list("/users?search=low")["data"][0]["role"], "app");
            }
            "not-a-member" => {
                let before = sandbox.members().len();
                assert_eq!(create("alone@acme.example"), 201);
                assert_eq!(sandbox.members().len(), before);
            }
            "archived-hidden" => assert!(sandbox.members().iter().all(|m| m["email"] != "old@acme.example")),
            "no-invitations" => {
                assert_eq!(sandbox.call("GET", &format!("{organization}/invitations"), &Value::Null).0, 404)
            }
            "keeps-first" => {
                let body = json!({"isPublic": false, "allowedUsers": [bob, cyd]});
                assert_eq!(sandbox.data("PUT", &format!("{app}/permissions"), &body)["allowedUsers"], json!([bob]));
            }
            "crossed" => {
                let before = sandbox.get(&app)["allowedUsers"].clone();
                let body = json!({"isPublic": false, "allowedUsers": []});
                assert_eq!(sandbox.data("PUT", &format!("{app}/permissions"), &body)["allowedUsers"], before);
            }
            "levels-ignored" => {
                let body = json!({"userId": cyd, "role": "editor"});
                assert_eq!(sandbox.data("POST", &format!("{workflow}/share"), &body)["role"], "viewer");
            }
            "nested" => assert!(sandbox.get(&app)["permissions"]["allowedUsers"].is_array()),
            "changed-names" => assert_eq!(list("/users")["data"][0]["email"], "Ada@acme.example"),
            "twin" => {
                let users = list("/users")["data"].as_array().unwrap().clone();
                let low: Vec<_> = users.iter().filter(|u| u["email"] == "low@acme.example").collect();
                assert_eq!([&low[0]["role"], &low[1]["role"]], [&json!("app"), &json!("admin")]);
                let members = sandbox.members();
                assert_eq!(members.iter().filter(|m| m["email"] == "low@acme.example").count(), 2, "{members:?}");
            }
            "own-ids" => {
                sandbox.data("PUT", &format!("{app}/permissions"), &json!({"isPublic": false, "allowedUsers": [bob]}));
                let entry = &sandbox.get(&app)["allowedUsers"][0];
                assert_ne!(entry["_id"], entry["userId"], "{entry}");
                sandbox.data("POST", &format!("{workflow}/share"), &json!({"userId": bob, "role": "viewer"}));
                let share = &list(&format!("{workflow}/share"))["data"][0];
                assert_ne!(share["_id"], share["userId"], "{share}");
                sandbox.faults(&["own-ids", "shape-d"]);
                assert_ne!(list("/users")["users"][1]["id"], json!(bob));
            }
            other => panic!("`{other}` has no test"),
        }
        sandbox.faults(&[]);
    }
}

#[test]
fn the_state_is_a_directory_and_comes_back() {
    let env = TestEnv::new();
    let path = env.file("state.db");
    env.write("things.yaml", THINGS);
    let begin = |things: bool| {
        Sandbox::with(|o| {
            o.state = Some(path.clone());
            o.things = things.then(|| env.file("things.yaml"));
        })
    };
    let sandbox = begin(true);
    let organization = sandbox.organization();
    let (bob, cyd) = (sandbox.id("bob@acme.example"), sandbox.id("cyd@acme.example"));
    sandbox.data("PUT", &format!("/users/{bob}"), &json!({"role": "app"}));
    let app = sandbox.thing("apps", "portal");
    sandbox.data("PUT", &format!("{app}/permissions"), &json!({"isPublic": false, "allowedUsers": [bob]}));
    let collaborator = format!("{}/collaborators/{cyd}", sandbox.thing("projects", "churn"));
    sandbox.data("PUT", &collaborator, &json!({"role": "editor"}));
    sandbox.things("accept: [new@acme.example]\npolicies: {mfa: {require: none}}");
    let shown = |sandbox: &Sandbox| {
        let app = sandbox.get(&app);
        let people = sandbox.get("/users?limit=100");
        json!([app, people, sandbox.members(), sandbox.get(&format!("{organization}/invitations"))])
    };
    let before = shown(&sandbox);
    sandbox.handle.stop().unwrap();
    let held = |path: &Path| dump(path).join("\n");
    has(
        &held(&path),
        &[
            "user bob@acme.example | Bob | person | viewer | active",
            "user old@acme.example | Old | person | viewer | disabled",
            "attribute ada@acme.example | organization_role | owner",
            "attribute new@acme.example | organization_role | admin",
            "resource application/portal | - | - | restricted | bob@acme.example",
            "resource workspace/notes | - | project/churn | - | bob@acme.example",
            "resource data-source/warehouse | - | - | everyone | ada@acme.example",
            "grant application/portal | bob@acme.example | - | Integer(0) | view",
            "grant project/churn | cyd@acme.example | - | Integer(0) | edit",
            "domain acme.example",
            "member night | cyd@acme.example",
            "policy mfa | {\"require\":\"none\"}",
        ],
    );
    assert!(!held(&path).contains("grant application/portal | cyd"), "{}", held(&path));
    let sandbox = begin(false);
    assert_eq!(shown(&sandbox), before, "as it was, with the same ids");
    assert_eq!(sandbox.call("POST", "/users", &json!({"email": "eve@acme.example", "name": "Eve"})).0, 201);
    sandbox.handle.stop().unwrap();
    has(&held(&path), &["user eve@acme.example | Eve"]);
}

#[test]
fn a_declaration_is_where_it_begins() {
    let env = TestEnv::with(
        "version: 1
targets:
  ai: {provider: strongly, url: 'https://acme.strongly.example', credentials: {key: '${KEY}'}}
users:
  ada@acme.example: {name: Ada, role: admin}
  bob@acme.example: {name: Bob, role: data-scientist, state: disabled, attributes: {organization_role: admin}}
resources:
  project/churn: {owner: ada@acme.example, access: {edit: [bob@acme.example]}}
  workspace/notes: {in: project/churn}
  application/portal: {access: {view: [bob@acme.example]}}
  data-source/warehouse: {visibility: everyone}
domains: {acme.example: {role: viewer}}
",
    );
    let sandbox = Sandbox::with(|o| {
        o.seeds = vec![env.file("rolecall.yaml")];
        o.users = 3;
    });
    assert_eq!(sandbox.get("/users").as_array().unwrap().len(), 4);
    assert_eq!(sandbox.get("/users?archived=true")[0]["role"], "data_scientist");
    let members = sandbox.members();
    assert_eq!((&members[0]["role"], &members[1]["role"]), (&json!("owner"), &json!("admin")));
    let shown = sandbox.get(&format!("{}/collaborators", sandbox.thing("projects", "churn")));
    assert_eq!((shown[0]["role"].as_str(), shown[1]["role"].as_str()), (Some("owner"), Some("editor")));
    assert_eq!(sandbox.get(&sandbox.thing("apps", "portal"))["auth"]["allowedDomains"], json!(["acme.example"]));
    assert_eq!(sandbox.get(&sandbox.thing("datasources", "warehouse"))["allowAllUsers"], true);
    let header = format!("x-api-key: {TOKEN}\r\n");
    for wrong in
        ["users: [{email: x@acme.example, organization_role: boss}]", "accept: [who@acme.example]", "nothing: 1"]
    {
        assert_eq!(sandbox.raw("POST", "/sandbox/things", &header, wrong).unwrap().0, 400, "{wrong}");
    }
}

#[test]
fn what_is_assumed_is_listed() {
    let env = TestEnv::new();
    let output = env.run(&["sandbox", "strongly", "--assumptions"]).ended(0);
    insta::assert_snapshot!("strongly-assumptions", output.stdout);
    let faults = env.run(&["sandbox", "strongly", "--faults"]).ended(0);
    for fault in FAULTS {
        has(&faults.stdout, &[fault.name, fault.doc]);
    }
}
