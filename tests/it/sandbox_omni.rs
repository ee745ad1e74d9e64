//! The Omni sandbox over HTTP, by a client of a few lines that hides nothing: every row of the fact sheet's
//! operations table, the faults, and what is in the file afterwards.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use rolecall::sandbox::Handle;
use rolecall::sandbox::omni::faults::FAULTS;
use rolecall::sandbox::omni::{Options, serve};
use serde_json::{Value, json};

use super::common::{TestEnv, has, rows};
use super::wire::{Got, send};

const TOKEN: &str = "canary-0mn1";
const ATTRIBUTES: &str = "urn:omni:params:1.0:UserAttribute";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What was there before somebody looked: people of two groups, a connection with two models, folders,
/// documents, schedules, and whoever is no standard user.
const THINGS: &str = "
users:
  - {email: ada@acme.example, name: Ada, role: ORG_ADMIN}
  - {email: bob@acme.example, name: Bob, attributes: {region: west}, last_login: '2026-11-01T00:00:00.000Z'}
  - {email: cyd@acme.example, name: Cyd}
attributes:
  - {name: region, value: north}
  - {name: tags, multiple: true}
  - {name: seats, number: true}
groups: {sales: [bob@acme.example], idle: []}
custom_roles: {ANALYST: {base: QUERIER, priority: 260}}
connections:
  - {name: Warehouse, dialect: snowflake, database: PROD, base_role: VIEWER}
  - {name: Lake, dialect: bigquery}
models:
  - {name: finance, connection: Warehouse}
  - {name: finance-more, connection: Warehouse, kind: SHARED_EXTENSION}
  - {name: raw, connection: Warehouse, kind: SCHEMA}
  - {name: lake, connection: Lake}
folders:
  - {path: finance, owner: ada@acme.example, permits: {team/sales: VIEWER}, labels: [money]}
  - {path: finance/secret, owner: ada@acme.example}
  - {path: bobs, owner: bob@acme.example, restricted: true}
documents:
  - {name: Close, identifier: aB3dE5fG, folder: finance, owner: bob@acme.example, description: Month end}
  - {name: Draft, owner: bob@acme.example}
schedules:
  - {name: Monday, document: finance/Close, owner: bob@acme.example, emails: [x@other.example]}
  - {name: Hook, document: Close, owner: ada@acme.example, destination: webhook}
embed_users:
  - {external_id: Ext-1, name: Guest, entity: acme, groups: [sales]}
email_only_users: [mail@other.example]
api_keys:
  - {name: bobs own, kind: personal, owner: bob@acme.example}
";

impl Got {
    /// Fails the test unless it is this error of v1's shape, whose text has this in it.
    #[track_caller]
    fn refused(self, status: u16, text: &str) {
        let got = self.is(status);
        let body = got.json();
        let said = if status == 422 { &body["error"] } else { &body["detail"] };
        assert!(said.as_str().is_some_and(|t| t.contains(text)), "{body}");
        if status != 422 {
            assert_eq!(body["status"], json!(status));
        }
    }
}

fn raw(addr: SocketAddr, method: &str, path: &str, token: Option<&str>, body: &str) -> Got {
    let bearer = token.map(|t| format!("Bearer {t}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(bearer.as_deref().map(|b| ("authorization", b)));
    let got = send(addr, method, path, &headers, body);
    SEEN.with_borrow_mut(|seen| seen.insert((method.to_owned(), path.to_owned(), got.status.unwrap_or_default())));
    got
}

/// Requests: method, path with its query, status.
type Asked = BTreeSet<(String, String, u16)>;

thread_local! {
    /// What the tests of this thread have asked for.
    static SEEN: RefCell<Asked> = const { RefCell::new(BTreeSet::new()) };
}

/// A sandbox and how to talk to it.
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

    #[track_caller]
    fn things(&self, text: &str) {
        raw(self.handle.addr(), "POST", "/sandbox/things", Some(TOKEN), text).is(204);
    }

    fn faults(&self, faults: &[&str]) {
        self.handle.set_faults(faults).unwrap();
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Got {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        raw(self.handle.addr(), method, &format!("/api{path}"), Some(TOKEN), &text)
    }

    fn get(&self, path: &str) -> Got {
        self.send("GET", path, &Value::Null)
    }

    #[track_caller]
    fn read(&self, path: &str) -> Value {
        self.get(path).is(200).json()
    }

    fn patch(&self, path: &str, operations: Value) -> Got {
        self.send("PATCH", path, &json!({"schemas": [PATCH_OP], "Operations": operations}))
    }

    /// The membership of a user.
    #[track_caller]
    fn user(&self, name: &str) -> String {
        let body = self.read(&format!("/scim/v2/users?filter=userName%20eq%20%22{name}@acme.example%22"));
        body["Resources"][0]["id"].as_str().unwrap().to_owned()
    }

    /// The short identifier of a group.
    #[track_caller]
    fn group(&self, name: &str) -> String {
        let body = self.read(&format!("/scim/v2/groups?filter=displayName%20eq%20%22{name}%22"));
        body["Resources"][0]["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn members(&self, group: &str) -> Vec<String> {
        let body = self.read(&format!("/scim/v2/groups/{group}"));
        texts(&body["members"], "value")
    }

    #[track_caller]
    fn connection(&self, name: &str) -> String {
        self.read(&format!("/v1/connections?name={name}"))["connections"][0]["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn model(&self, name: &str) -> String {
        let body = self.read(&format!("/v1/models?name={name}"));
        body["records"][0]["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn folder(&self, path: &str) -> String {
        self.read(&format!("/v1/folders?path={path}"))["records"][0]["id"].as_str().unwrap().to_owned()
    }

    /// The role that decides for a user on a model, and where it comes from.
    #[track_caller]
    fn decides(&self, user: &str, model: &str) -> (String, String) {
        let body = self.read(&format!("/v1/users/{user}/model-roles?modelId={model}"));
        let all = body["results"].as_array().unwrap();
        let resolved: Vec<&Value> = all.iter().filter(|r| r["resolved"] == true).collect();
        assert_eq!(resolved.len(), 1, "{body}");
        (text(&resolved[0]["roleName"]), text(&resolved[0]["from"]["type"]))
    }

    /// The direct role of a principal in the permits of something.
    #[track_caller]
    fn permit(&self, path: &str, name: &str) -> Option<String> {
        let body = self.read(&format!("{path}/permissions"));
        let all = body["permits"].as_array().unwrap();
        let found = all.iter().find(|p| p["name"] == name)?;
        found.get("direct").map(|d| text(&d["role"]))
    }
}

#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

#[track_caller]
fn texts(list: &Value, name: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| text(&one[name])).collect()
}

// (a) Base, keys, limits, errors.

#[test]
fn what_opens_it() {
    let sandbox = Sandbox::new();
    let addr = sandbox.handle.addr();
    raw(addr, "GET", "/api/v1/models", Some("other"), "").refused(403, "Invalid bearer token");
    raw(addr, "GET", "/api/v1/models", None, "").is(401);
    assert!(addr.ip().is_loopback());
    sandbox.faults(&["personal-token"]);
    sandbox.get("/scim/v2/users").refused(403, "User-scoped API keys are not allowed to access the SCIM API.");
    assert_eq!(sandbox.read("/v1/whoami")["keyScope"], "user");
    sandbox.faults(&["not-admin"]);
    for path in ["/v1/connections", "/v1/user-attributes", "/v1/api-keys", "/v1/users/x/model-roles"] {
        sandbox.get(path).refused(403, "admin role required");
    }
    sandbox.faults(&["not-manager"]);
    let folder = sandbox.folder("finance");
    let path = format!("/v1/folders/{folder}/permissions");
    sandbox.get(&path).refused(403, "User does not have permission to manage folder permissions");
    sandbox.get(&format!("{path}?userId={}", sandbox.user("bob"))).is(200);
    sandbox.faults(&["docs-errors"]);
    assert_eq!(
        sandbox.get("/scim/v2/users/x").is(404).json(),
        json!({"error": "not_found", "message": "User not found"})
    );
    sandbox.get("/v9/other").is(404);
}

#[test]
fn sixty_requests_a_minute() {
    let sandbox = Sandbox::with(|o| o.limit = Some(60));
    for _ in 0..60 {
        sandbox.get("/v1/models").is(200);
    }
    let refused = sandbox.get("/v1/models").is(429);
    assert!(!refused.head.to_lowercase().contains("retry-after"), "{}", refused.head);
    sandbox.faults(&["retry-after"]);
    let refused = sandbox.get("/v1/models").is(429);
    let line = refused.head.to_lowercase().lines().find(|l| l.starts_with("retry-after:")).map(str::to_owned).unwrap();
    let seconds: u64 = line.split(' ').nth(1).unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{line}");
    assert_eq!(sandbox.handle.count(), 62);
}

#[test]
fn whoami_and_keys() {
    let sandbox = Sandbox::new();
    let ada = sandbox.user("ada");
    let body = sandbox.read("/v1/whoami");
    assert_eq!((&body["orgRole"], &body["keyScope"]), (&json!("ORG_ADMIN"), &json!("organization")));
    assert_eq!(body["user"]["membershipId"], json!(ada));
    assert_ne!(body["user"]["id"], json!(ada), "a person is not a membership");
    let model = sandbox.model("finance");
    let one = sandbox.read(&format!("/v1/whoami?modelId={model}"));
    assert_eq!(one["rolesByModel"].as_object().unwrap().len(), 1);
    sandbox.get("/v1/whoami?modelId=nothing").is(404);
    // The person's own identifier opens no membership.
    let person = text(&body["user"]["id"]);
    sandbox.get(&format!("/v1/users/{person}/model-roles")).refused(404, "Membership");

    let keys = sandbox.read("/v1/api-keys");
    assert_eq!(texts(&keys["records"], "name"), ["sandbox", "bobs own"]);
    let personal = sandbox.read("/v1/api-keys?type=personal");
    let (own, key) = (text(&personal["records"][0]["id"]), text(&keys["records"][0]["id"]));
    assert_eq!(personal["records"][0]["membershipId"], json!(sandbox.user("bob")));
    sandbox.send("PUT", &format!("/v1/api-keys/{own}"), &json!({"enabled": false})).is(400);
    sandbox.send("PUT", &format!("/v1/api-keys/{key}"), &json!({"enabled": false})).is(200);
    assert_eq!(sandbox.read(&format!("/v1/api-keys/{key}"))["enabled"], false);
    let gone = sandbox.send("DELETE", &format!("/v1/api-keys/{own}"), &Value::Null).is(200).json();
    assert_eq!(gone["message"], "API token revoked");
    sandbox.send("DELETE", &format!("/v1/api-keys/{own}"), &Value::Null).is(404);

    let bob = Sandbox::with(|o| o.acting = Some("bob@acme.example".to_owned()));
    bob.things(THINGS);
    assert_eq!(bob.read("/v1/whoami")["orgRole"], "MEMBER");
}

#[test]
fn lists_of_v1_are_paged() {
    let sandbox = Sandbox::new();
    let body = sandbox.read("/v1/models?pageSize=3");
    assert_eq!(body["pageInfo"]["totalRecords"], 4);
    assert_eq!((&body["pageInfo"]["hasNextPage"], &body["pageInfo"]["pageSize"]), (&json!(true), &json!(3)));
    let next = text(&body["pageInfo"]["nextCursor"]);
    let body = sandbox.read(&format!("/v1/models?pageSize=3&cursor={next}"));
    assert_eq!(texts(&body["records"], "name"), ["lake"]);
    assert_eq!((&body["pageInfo"]["hasNextPage"], &body["pageInfo"]["nextCursor"]), (&json!(false), &Value::Null));
    assert_eq!(sandbox.read("/v1/schedules?pageSize=1")["pageInfo"]["nextCursor"], "2", "the number of a page");
    for wrong in ["pageSize=0", "pageSize=101", "pageSize=x", "cursor=zzz"] {
        sandbox.get(&format!("/v1/models?{wrong}")).is(400);
    }
    sandbox.get("/v1/users/email-only?pageSize=21").is(400);
}

// b.1 Users.

#[test]
fn the_life_of_a_user() {
    let sandbox = Sandbox::new();
    let body = json!({"userName": "Eve@Acme.example", "displayName": "Eve", "active": true, "emails": [],
        ATTRIBUTES: {"region": "east", "tags": ["a", "b"], "nothing-like-it": "x", "omni_is_org_admin": true}});
    let made = sandbox.send("POST", "/scim/v2/Users", &body).is(201).json();
    let id = text(&made["id"]);
    assert_eq!(made[ATTRIBUTES], json!({"region": "east", "tags": ["a", "b"]}), "undefined ones are lost");
    assert_eq!(made["emails"], json!([{"primary": true, "value": "Eve@Acme.example"}]));
    assert_eq!(made["schemas"].as_array().unwrap().len(), 3);
    assert_eq!((&made["active"], &made["groups"]), (&json!(true), &json!([])));
    assert_eq!(sandbox.read(&format!("/scim/v2/users/{id}")), made, "both cases of the path");
    sandbox
        .send("POST", "/scim/v2/users", &json!({"userName": "eve@acme.example", "displayName": "E"}))
        .refused(409, "exists");
    sandbox.send("POST", "/scim/v2/users", &json!({"userName": "x@acme.example"})).refused(400, "displayName");
    sandbox.send("POST", "/scim/v2/users", &json!({"userName": "none", "displayName": "N"})).refused(400, "userName");

    // PATCH: merged, cleared by null, one by its path, several without.
    let path = format!("/scim/v2/users/{id}");
    let now = sandbox
        .patch(&path, json!([{"op": "Replace", "value": {ATTRIBUTES: {"tags": null, "seats": 3}}}]))
        .is(200)
        .json();
    assert_eq!(now[ATTRIBUTES], json!({"region": "east", "seats": "3"}), "a number is kept as a text");
    let one = format!("{ATTRIBUTES}:region");
    let now = sandbox.patch(&path, json!([{"op": "replace", "path": one, "value": "south"}])).is(200).json();
    assert_eq!(now[ATTRIBUTES]["region"], "south");
    let now = sandbox.patch(&path, json!([{"op": "remove", "path": one}])).is(200).json();
    assert_eq!(now[ATTRIBUTES], json!({"seats": "3"}));
    let now = sandbox.patch(&path, json!([{"op": "replace", "path": "displayName", "value": "Eva"}])).is(200).json();
    assert_eq!(now["displayName"], "Eva");
    for wrong in [
        json!([]),
        json!([{"op": "replace", "path": format!("{ATTRIBUTES}.region"), "value": "x"}]),
        json!([{"op": "replace", "path": "userName", "value": "other@acme.example"}]),
        json!([{"op": "replace", "path": one, "value": ["a", "b"]}]),
        json!([{"op": "replace", "path": format!("{ATTRIBUTES}:seats"), "value": "many"}]),
        json!([{"op": "move", "path": "active", "value": true}]),
    ] {
        sandbox.patch(&path, wrong).is(400);
    }
    sandbox
        .send("PATCH", &path, &json!({"Operations": [{"op": "replace", "path": "active", "value": true}]}))
        .refused(400, "schemas");

    // PUT: what is not said is reset.
    let now = sandbox.send("PUT", &path, &json!({"userName": "eve@acme.example"})).is(200).json();
    assert_eq!((&now["displayName"], &now[ATTRIBUTES]), (&json!("eve@acme.example"), &json!({})));
    sandbox.send("PUT", &path, &json!({"displayName": "E"})).refused(400, "userName");

    // Revoked, and somebody else by the same address.
    let now = sandbox.patch(&path, json!([{"op": "replace", "path": "active", "value": false}])).is(200).json();
    assert_eq!(now["active"], false);
    sandbox.get(&path).is(404);
    sandbox.patch(&path, json!([{"op": "replace", "path": "active", "value": true}])).is(404);
    sandbox.send("PUT", &path, &json!({"userName": "eve@acme.example"})).is(404);
    let again = sandbox
        .send("POST", "/scim/v2/users", &json!({"userName": "eve@acme.example", "displayName": "Eve"}))
        .is(201)
        .json();
    assert_ne!(again["id"], json!(id));
    sandbox.send("DELETE", &format!("/scim/v2/users/{}", text(&again["id"])), &Value::Null).is(204);
    sandbox.send("DELETE", &format!("/scim/v2/users/{}", text(&again["id"])), &Value::Null).is(404);
}

#[test]
fn users_are_listed() {
    let sandbox = Sandbox::new();
    let all = sandbox.read("/scim/v2/users");
    assert_eq!(texts(&all["Resources"], "displayName"), ["Ada", "Bob", "Cyd"], "neither embed nor e-mail-only users");
    assert_eq!((&all["totalResults"], &all["itemsPerPage"], &all["startIndex"]), (&json!(3), &json!(3), &json!(1)));
    let page = sandbox.read("/scim/v2/users?startIndex=2&count=1");
    assert_eq!((texts(&page["Resources"], "displayName"), &page["itemsPerPage"]), (vec!["Bob".to_owned()], &json!(1)));
    let found = sandbox.read("/scim/v2/users?filter=USERNAME%20EQ%20%22BOB@acme.example%22");
    assert_eq!(found["totalResults"], 1);
    assert_eq!(found["Resources"][0]["groups"][0]["display"], "sales");
    assert_eq!(
        found["Resources"][0]["urn:omni:params:scim:schemas:extension:user:2.0"]["lastLogin"],
        "2026-11-01T00:00:00.000Z"
    );
    for wrong in ["count=x", "filter=userName%20eq%20bob", "filter=displayName%20eq%20%22Bob%22"] {
        sandbox.get(&format!("/scim/v2/users?{wrong}")).is(400);
    }
    assert!(!found["Resources"][0].to_string().contains("MEMBER"), "the organization role is not shown");
}

#[test]
fn users_who_are_no_standard_ones() {
    let sandbox = Sandbox::new();
    let embed = sandbox.read("/scim/v2/embed/users?filter=embedExternalId%20eq%20%22Ext-1%22");
    let id = text(&embed["Resources"][0]["id"]);
    assert_eq!(embed["Resources"][0]["embedEntity"], "acme");
    assert_eq!(sandbox.read("/scim/v2/Embed/Users?filter=embedExternalId%20eq%20%22ext-1%22")["totalResults"], 0);
    assert_eq!(sandbox.read("/scim/v2/embed/users?filter=embedExternalId%20co%20%22xt%22")["totalResults"], 1);
    let sales = sandbox.group("sales");
    assert!(sandbox.members(&sales).contains(&id), "an embed user is a member like others");
    assert_eq!(sandbox.read(&format!("/scim/v2/embed/users/{id}"))["displayName"], "Guest");
    sandbox.send("POST", "/scim/v2/embed/users", &json!({})).is(404);
    sandbox.send("DELETE", &format!("/scim/v2/embed/users/{id}"), &Value::Null).is(204);
    assert_eq!(sandbox.members(&sales), [sandbox.user("bob")]);
    sandbox.get(&format!("/scim/v2/embed/users/{id}")).is(404);
    sandbox.send("DELETE", &format!("/scim/v2/embed/users/{id}"), &Value::Null).is(404);

    let made = sandbox
        .send(
            "POST",
            "/v1/users/email-only",
            &json!({"email": "mail@other.example", "userAttributes": {"region": "west", "omni_user_timezone": "UTC"}}),
        )
        .is(200)
        .json();
    let list = sandbox.read("/v1/users/email-only");
    assert_eq!(
        list["records"],
        json!([{"email": "mail@other.example", "user_id": made["userId"],
        "user_attributes": {"region": "west", "omni_user_timezone": "UTC"}}]),
        "made once, changed the second time"
    );
    let many: Vec<Value> = (0..20).map(|n| json!({"email": format!("m{n}@other.example")})).collect();
    let made = sandbox.send("POST", "/v1/users/email-only/bulk", &json!({"users": many})).is(201).json();
    assert_eq!(made["results"].as_array().unwrap().len(), 20);
    let many: Vec<Value> = (0..21).map(|n| json!({"email": format!("n{n}@other.example")})).collect();
    sandbox.send("POST", "/v1/users/email-only/bulk", &json!({"users": many})).is(400);
    sandbox.send("POST", "/v1/users/email-only", &json!({"email": "none"})).refused(400, "email");
}

#[test]
fn what_a_revocation_takes_and_leaves() {
    let sandbox = Sandbox::new();
    let (bob, ada, sales) = (sandbox.user("bob"), sandbox.user("ada"), sandbox.group("sales"));
    let folder = sandbox.folder("finance");
    let permits = format!("/v1/folders/{folder}/permissions");
    sandbox.send("POST", &permits, &json!({"role": "EDITOR", "userIds": [bob]})).is(200);
    sandbox.send("DELETE", &format!("/scim/v2/users/{bob}"), &Value::Null).is(204);
    assert!(!sandbox.members(&sales).contains(&bob));
    assert_eq!(sandbox.permit(&format!("/v1/folders/{folder}"), "Bob"), None);
    let schedules = sandbox.read(&format!("/v1/schedules?ownerId={bob}"));
    let schedule = &schedules["records"][0];
    assert_eq!((&schedule["systemDisabledReason"], &schedule["ownerName"]), (&json!("noAccess"), &json!("Bob")));
    assert!(schedule["systemDisabledAt"].is_string(), "it stays listed and is stopped");
    let path = format!("/v1/schedules/{}/transfer-ownership", text(&schedule["id"]));
    sandbox.send("PUT", &path, &json!({"userId": ada})).refused(400, "revoked");
    assert_eq!(sandbox.read(&format!("/v1/documents?creatorId={bob}"))["pageInfo"]["totalRecords"], 2, "content stays");
    let keys = sandbox.read("/v1/api-keys?type=personal");
    assert_eq!(keys["records"][0]["enabled"], false);

    let sandbox = Sandbox::new();
    sandbox.faults(&["schedules-deleted"]);
    let bob = sandbox.user("bob");
    sandbox.send("DELETE", &format!("/scim/v2/users/{bob}"), &Value::Null).is(204);
    assert_eq!(sandbox.read(&format!("/v1/schedules?ownerId={bob}"))["pageInfo"]["totalRecords"], 0);
}

// b.2 Groups.

#[test]
fn the_life_of_a_group() {
    let sandbox = Sandbox::new();
    let (ada, bob, cyd) = (sandbox.user("ada"), sandbox.user("bob"), sandbox.user("cyd"));
    let made = sandbox
        .send("POST", "/scim/v2/Groups", &json!({"displayName": "core", "members": [{"value": ada}]}))
        .is(201)
        .json();
    let id = text(&made["id"]);
    assert!(id.len() == 8 && id.chars().all(|c| c.is_ascii_alphanumeric()), "{id}");
    assert_eq!(made["members"], json!([{"value": ada, "display": "ada@acme.example"}]));
    let path = format!("/scim/v2/groups/{id}");
    let named = |name: &str| sandbox.send("POST", "/scim/v2/groups", &json!({"displayName": name}));
    named("core").refused(409, "exists");
    named(&"x".repeat(65)).refused(400, "64");
    named("").is(400);
    named(&"x".repeat(64)).is(201);
    let wrong = json!({"displayName": "other", "members": [{"value": "00000000-0000-4000-8000-000000000000"}]});
    sandbox.send("POST", "/scim/v2/groups", &wrong).refused(400, "members.0.value");

    // The four forms of PATCH.
    let now = sandbox
        .patch(&path, json!([{"op": "add", "path": "members", "value": [{"value": bob}, {"value": cyd}]}]))
        .is(200)
        .json();
    assert_eq!(texts(&now["members"], "value"), [ada.clone(), bob.clone(), cyd.clone()]);
    let gone = |who: &str| json!({"op": "Remove", "path": format!("members[value eq \"{who}\"]")});
    let now = sandbox.patch(&path, json!([gone(&ada), gone(&bob)])).is(200).json();
    assert_eq!(texts(&now["members"], "value"), std::slice::from_ref(&cyd));
    sandbox.patch(&path, json!([{"op": "replace", "value": {"displayName": "kernel", "id": id}}])).is(200);
    sandbox.patch(&path, json!([{"op": "replace", "path": "displayName", "value": "sales"}])).refused(409, "exists");
    let now =
        sandbox.patch(&path, json!([{"op": "replace", "path": "members", "value": [{"value": bob}]}])).is(200).json();
    assert_eq!((&now["displayName"], texts(&now["members"], "value")), (&json!("kernel"), vec![bob.clone()]));
    for wrong in [
        json!([{"op": "replace", "value": {"members": []}}]),
        json!([{"op": "remove", "path": "members"}]),
        json!([{"op": "remove", "path": "members[value eq \"x\"]"}]),
        json!([{"op": "add", "path": "members", "value": [{"value": "x"}]}]),
        json!([{"op": "add", "path": "members", "value": [{"value": cyd}]}, {"op": "add", "path": "other", "value": 1}]),
    ] {
        sandbox.patch(&path, wrong).is(400);
    }
    assert_eq!(sandbox.members(&id), std::slice::from_ref(&bob), "all operations or none");

    // PUT: members with their display, the whole list.
    sandbox.send("PUT", &path, &json!({"displayName": "kernel"})).refused(400, "members: Required");
    sandbox
        .send("PUT", &path, &json!({"displayName": "kernel", "members": [{"value": ada}]}))
        .refused(400, "members: Required");
    let now = sandbox
        .send("PUT", &path, &json!({"displayName": "kernel", "members": [{"value": ada, "display": ""}]}))
        .is(200)
        .json();
    assert_eq!(texts(&now["members"], "value"), std::slice::from_ref(&ada));

    assert_eq!(sandbox.read(&format!("{path}?excludedAttributes=members")).get("members"), None);
    let empty = sandbox.patch(&path, json!([{"op": "replace", "path": "members", "value": []}])).is(200).json();
    assert_eq!(empty["members"], json!([]), "an empty group stays");
    assert_eq!(sandbox.read("/scim/v2/groups")["totalResults"], 4);
    sandbox.send("DELETE", &path, &Value::Null).is(204);
    sandbox.get(&path).is(404);
    sandbox.patch(&path, json!([{"op": "replace", "path": "displayName", "value": "x"}])).is(404);
    sandbox.send("PUT", &path, &json!({"displayName": "x", "members": []})).is(404);
    sandbox.send("DELETE", &path, &Value::Null).is(404);
    sandbox.get(&format!("/scim/v2/users/{ada}")).is(200);
}

// b.3 Roles on models.

#[test]
fn the_highest_role_decides() {
    let sandbox = Sandbox::new();
    let (bob, cyd, ada) = (sandbox.user("bob"), sandbox.user("cyd"), sandbox.user("ada"));
    let (sales, model, warehouse) = (sandbox.group("sales"), sandbox.model("finance"), sandbox.connection("Warehouse"));
    let base = || "Connection Base Role".to_owned();
    assert_eq!(sandbox.decides(&bob, &model), ("VIEWER".to_owned(), base()), "the base role is a floor");
    let of_bob = format!("/v1/users/{bob}/model-roles");
    let of_sales = format!("/v1/user-groups/{sales}/model-roles");
    let given = sandbox.send("POST", &of_sales, &json!({"roleName": "QUERY_TOPICS", "modelId": model})).is(200).json();
    assert_eq!(
        given,
        json!({"userGroupId": sales, "connectionId": warehouse, "modelId": model, "roleName": "QUERY_TOPICS"})
    );
    assert_eq!(sandbox.decides(&bob, &model), ("QUERY_TOPICS".to_owned(), "Group Role".to_owned()));
    assert_eq!(sandbox.decides(&cyd, &model), ("VIEWER".to_owned(), base()));
    let given = sandbox
        .send("POST", &of_bob, &json!({"roleName": "MODELER", "modelId": model, "connectionId": warehouse}))
        .is(200)
        .json();
    assert_eq!(given["userId"], json!(bob));
    assert_eq!(sandbox.decides(&bob, &model), ("MODELER".to_owned(), "User Role".to_owned()));

    let all = sandbox.read(&format!("{of_bob}?modelId={model}"));
    let lines: Vec<(String, u64)> = all["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (text(&r["roleName"]), r["priority"].as_u64().unwrap()))
        .collect();
    let expected = [("MODELER", 350), ("QUERY_TOPICS", 150), ("VIEWER", 50)].map(|(r, p)| (r.to_owned(), p));
    assert_eq!((lines.as_slice(), &all["membershipId"]), (expected.as_slice(), &json!(bob)));
    assert_eq!(
        all["results"][1]["from"],
        json!({"type": "Group Role", "name": "sales", "miniUuid": sales, "depth": 0})
    );
    let group = sandbox.read(&of_sales);
    assert_eq!(group["results"][0].get("resolved"), None);

    // NO_ACCESS takes the direct role away and denies nothing.
    sandbox.send("POST", &of_bob, &json!({"roleName": "NO_ACCESS", "modelId": model})).is(200);
    assert_eq!(sandbox.decides(&bob, &model), ("QUERY_TOPICS".to_owned(), "Group Role".to_owned()));
    let mine = sandbox.read(&format!("{of_bob}?modelId={model}"));
    assert_eq!((&mine["results"][0]["roleName"], &mine["results"][0]["priority"]), (&json!("NO_ACCESS"), &json!(0)));

    // A role that the organization made, above the tier that it is based on.
    sandbox.send("POST", &of_bob, &json!({"roleName": "ANALYST", "modelId": model})).is(200);
    let mine = sandbox.read(&format!("{of_bob}?modelId={model}"));
    assert_eq!((&mine["results"][0]["baseRole"], &mine["results"][0]["priority"]), (&json!("QUERIER"), &json!(260)));

    // The connection as a whole.
    sandbox.send("POST", &of_bob, &json!({"roleName": "CONNECTION_ADMIN", "connectionId": warehouse})).is(200);
    assert_eq!(sandbox.decides(&bob, &model), ("CONNECTION_ADMIN".to_owned(), "User Role".to_owned()));
    sandbox.send("POST", &of_bob, &json!({"roleName": "NO_ACCESS", "connectionId": warehouse})).is(200);
    assert_eq!(sandbox.decides(&bob, &model), ("ANALYST".to_owned(), "User Role".to_owned()));
    assert_eq!(sandbox.decides(&ada, &model).0, "CONNECTION_ADMIN", "an organization administrator");

    // Raising the floor.
    let path = format!("/v1/connections/{warehouse}");
    sandbox.send("PATCH", &path, &json!({"baseRole": "MODELER"})).is(200);
    assert_eq!(sandbox.decides(&cyd, &model), ("MODELER".to_owned(), base()));

    sandbox.faults(&["spec-shapes"]);
    let spec = sandbox.read(&format!("{of_bob}?modelId={model}"));
    assert!(spec["results"].as_array().unwrap().iter().any(|r| r["from"]["type"] == "BASE"));
    let given = sandbox.send("POST", &of_bob, &json!({"roleName": "VIEWER", "modelId": model})).is(200).json();
    assert_eq!((&given["membershipId"], given.get("userId")), (&json!(bob), None));

    // A group that goes takes its roles along.
    sandbox.faults(&[]);
    sandbox.send("DELETE", &format!("/scim/v2/groups/{sales}"), &Value::Null).is(204);
    let lines = sandbox.read(&format!("{of_bob}?modelId={model}"));
    assert!(!lines.to_string().contains("Group Role"), "{lines}");
}

#[test]
fn roles_that_cannot_be_given() {
    let sandbox = Sandbox::new();
    let (model, lake, warehouse) =
        (sandbox.model("finance"), sandbox.connection("Lake"), sandbox.connection("Warehouse"));
    let path = format!("/v1/users/{}/model-roles", sandbox.user("bob"));
    let give = |body: Value| sandbox.send("POST", &path, &body);
    raw(sandbox.handle.addr(), "POST", &format!("/api{path}"), Some(TOKEN), "{").refused(400, "Invalid JSON");
    give(json!({"roleName": "", "modelId": model})).refused(400, "roleName");
    give(json!({"roleName": "VIEWER"})).is(400);
    give(json!({"roleName": "VIEWER", "modelId": "x"})).refused(400, "Invalid model ID");
    give(json!({"roleName": "VIEWER", "connectionId": "x"})).refused(400, "Invalid connection ID");
    give(json!({"roleName": "VIEWER", "connectionId": warehouse})).refused(400, "modelId is required");
    let nobody = "00000000-0000-4000-8000-000000000000";
    give(json!({"roleName": "VIEWER", "modelId": nobody})).refused(404, "Model does not exist");
    give(json!({"roleName": "CONNECTION_ADMIN", "connectionId": nobody})).refused(404, "Connection does not exist");
    give(json!({"roleName": "KING", "modelId": model})).refused(422, "Invalid role");
    give(json!({"roleName": "VIEWER", "modelId": model, "connectionId": lake}))
        .refused(422, "Model does not belong to connection");
    let raw_model = sandbox.read("/v1/models?modelKind=SCHEMA")["records"][0]["id"].clone();
    give(json!({"roleName": "VIEWER", "modelId": raw_model})).refused(422, "Only shared and shared_extension");
    sandbox.send("DELETE", &path, &Value::Null).refused(400, "Method not allowed");
    give(json!({"roleName": "VIEWER", "modelId": model})).is(200);
    let nothing = json!({"roleName": "NO_ACCESS", "modelId": model});
    let group = format!("/v1/user-groups/{}/model-roles", sandbox.group("idle"));
    for (there, missing, who) in [
        (path.clone(), format!("/v1/users/{nobody}/model-roles"), "User not found in organization"),
        (group, "/v1/user-groups/zzzzzzzz/model-roles".to_owned(), "User group not found in organization"),
    ] {
        sandbox.get(&there).is(200);
        sandbox.send("POST", &there, &nothing).is(200);
        sandbox.get(&missing).refused(404, who);
        sandbox.send("POST", &missing, &nothing).refused(404, who);
    }
}

// b.4 Connections and models.

#[test]
fn connections_and_models() {
    let sandbox = Sandbox::new();
    let found = sandbox.read("/v1/connections?name=ware&database=prod&dialect=snowflake");
    assert_eq!(texts(&found["connections"], "name"), ["Warehouse"]);
    let id = text(&found["connections"][0]["id"]);
    let path = format!("/v1/connections/{id}");
    let told = sandbox.send("PATCH", &path, &json!({"baseRole": "RESTRICTED_QUERIER"})).is(200).json();
    assert_eq!(told["message"], "Updated connection default role.");
    assert_eq!(sandbox.read(&path)["connection"]["baseRole"], "RESTRICTED_QUERIER");
    sandbox.faults(&["topic-spelling"]);
    assert_eq!(sandbox.read(&path)["connection"]["baseRole"], "QUERY_TOPICS");
    sandbox.faults(&[]);
    let model = sandbox.model("finance");
    assert_eq!(sandbox.decides(&sandbox.user("bob"), &model).0, "QUERY_TOPICS", "as model roles spell it");
    sandbox.send("PATCH", &path, &json!({})).is(400);
    sandbox.send("PATCH", &path, &json!({"baseRole": "KING"})).is(400);
    sandbox
        .send("PATCH", &path, &json!({"environmentUserAttribute": {"attributeName": "region", "defaultValues": null}}))
        .is(200);
    assert_eq!(sandbox.read(&path)["connection"]["userAttributeNameForConnectionsEnvironments"], "region");
    sandbox.get("/v1/connections/none").is(404);
    sandbox.send("PATCH", "/v1/connections/none", &json!({"baseRole": "VIEWER"})).is(404);

    let made = sandbox
        .send(
            "POST",
            "/v1/connections",
            &json!({"name": "New", "dialect": "postgres", "baseRole": "RESTRICTED_QUERIER"}),
        )
        .is(201)
        .json();
    let new = text(&made["data"]);
    sandbox
        .send("POST", "/v1/connections", &json!({"name": "New", "baseRole": "QUERY_TOPICS"}))
        .refused(400, "baseRole");
    assert_eq!(sandbox.read(&format!("/v1/models?connectionId={new}"))["records"], json!([]));
    let made = sandbox
        .send("POST", "/v1/models", &json!({"connectionId": new, "modelKind": "SHARED", "modelName": "m"}))
        .is(201)
        .json();
    assert_eq!(sandbox.read(&format!("/v1/models?modelId={}", text(&made["id"])))["records"][0]["name"], "m");
    assert_eq!(sandbox.read("/v1/models?modelKind=SHARED_EXTENSION")["pageInfo"]["totalRecords"], 1);
}

// b.5 Definitions of attributes.

#[test]
fn definitions_of_attributes() {
    let sandbox = Sandbox::new();
    let all = sandbox.read("/v1/user-attributes");
    let system = all["records"].as_array().unwrap().iter().find(|r| r["name"] == "omni_user_email").unwrap().clone();
    assert_eq!((&system["id"], &system["system"]), (&json!(""), &json!(true)));
    let region = all["records"].as_array().unwrap().iter().find(|r| r["name"] == "region").unwrap().clone();
    assert_eq!(
        (&region["type"], &region["multiple_values"], &region["default_value"]),
        (&json!("String"), &json!(false), &json!("north"))
    );
    let path = format!("/v1/user-attributes/{}", text(&region["id"]));
    assert_eq!(
        sandbox.send("PATCH", &path, &json!({"default_value": "south"})).is(200).json()["default_value"],
        "south"
    );
    let made = sandbox
        .send(
            "POST",
            "/v1/user-attributes",
            &json!({"name": "level", "label": "Level", "type": "Number", "default_value": 3}),
        )
        .is(201)
        .json();
    assert_eq!((&made["type"], &made["default_value"]), (&json!("Number"), &json!("3")));
    sandbox.send("POST", "/v1/user-attributes", &json!({"name": "level"})).is(409);
    sandbox.send("POST", "/v1/user-attributes", &json!({"name": "omni_x"})).is(409);
    sandbox.send("POST", "/v1/user-attributes", &json!({"label": "x"})).refused(400, "name");
    let bob = sandbox.user("bob");
    assert_eq!(sandbox.read(&format!("/scim/v2/users/{bob}"))[ATTRIBUTES], json!({"region": "west"}));
    sandbox.send("DELETE", &path, &Value::Null).is(200);
    assert_eq!(sandbox.read(&format!("/scim/v2/users/{bob}"))[ATTRIBUTES], json!({}), "its values go with it");
    sandbox.send("DELETE", &path, &Value::Null).is(404);
    sandbox.faults(&["no-definition-writes=405"]);
    sandbox.send("POST", "/v1/user-attributes", &json!({"name": "other"})).is(405);
    sandbox.get("/v1/user-attributes").is(200);
}

#[test]
fn the_timezone_is_written_and_seldom_read() {
    let sandbox = Sandbox::new();
    let path = format!("/scim/v2/users/{}", sandbox.user("bob"));
    let body = json!([{"op": "replace", "value": {ATTRIBUTES: {"omni_user_timezone": "Europe/Paris"}}}]);
    let now = sandbox.patch(&path, body).is(200).json();
    assert_eq!(now[ATTRIBUTES], json!({"region": "west"}));
    sandbox.faults(&["system-shown"]);
    assert_eq!(sandbox.read(&path)[ATTRIBUTES]["omni_user_timezone"], "Europe/Paris");
}

// b.6 Folders.

#[test]
fn folders() {
    let sandbox = Sandbox::new();
    let (ada, bob) = (sandbox.user("ada"), sandbox.user("bob"));
    let all = sandbox.read("/v1/folders");
    assert_eq!(texts(&all["records"], "path"), ["finance", "finance/secret", "bobs"]);
    assert_eq!(texts(&sandbox.read("/v1/folders?path=finance")["records"], "path"), ["finance", "finance/secret"]);
    sandbox.get("/v1/folders?path=none").is(404);
    assert_eq!(sandbox.read("/v1/folders?path=")["pageInfo"]["totalRecords"], 3, "an empty path is none");
    assert_eq!(texts(&sandbox.read("/v1/folders?scope=restricted")["records"], "path"), ["bobs"]);
    assert_eq!(
        sandbox.read(&format!("/v1/folders?ownerId={ada}"))["records"],
        json!([]),
        "organization folders are hidden"
    );
    assert_eq!(texts(&sandbox.read(&format!("/v1/folders?ownerId={bob}"))["records"], "path"), ["bobs"]);
    let counted = sandbox.read("/v1/folders?include=labels,_count&labels=money");
    assert_eq!(
        (&counted["records"][0]["_count"]["documents"], &counted["records"][0]["labels"]),
        (&json!(1), &json!(["money"]))
    );

    let finance = sandbox.folder("finance");
    let made = sandbox
        .send("POST", "/v1/folders", &json!({"name": "Q3 Reports", "parentFolderId": finance, "userId": bob}))
        .is(201)
        .json();
    assert_eq!(
        (&made["path"], &made["scope"], &made["ownerId"]),
        (&json!("finance/q3-reports"), &json!("organization"), &json!(bob))
    );
    sandbox
        .send("POST", "/v1/folders", &json!({"name": "x", "parentFolderId": finance, "scope": "restricted"}))
        .refused(400, "scope");
    sandbox
        .send("POST", "/v1/folders", &json!({"name": "x", "parentFolderId": sandbox.folder("bobs"), "userId": ada}))
        .is(400);
    sandbox.send("POST", "/v1/folders", &json!({"name": "x", "parentFolderId": "none"})).is(404);
    let path = format!("/v1/folders/{}", text(&made["id"]));
    sandbox.send("PATCH", &path, &json!({"path": "a/b"})).refused(400, "path");
    sandbox.send("PATCH", &path, &json!({"path": "secret"})).is(409);
    sandbox.send("PATCH", "/v1/folders/none", &json!({"name": "x"})).is(404);
    let solved = sandbox.send("PATCH", &path, &json!({"path": "secret", "resolvePathConflict": true})).is(200).json();
    assert_eq!(solved["path"], "finance/secret-1");
    let cascaded = sandbox
        .send("PATCH", &format!("/v1/folders/{finance}"), &json!({"path": "money", "name": "Money"}))
        .is(200)
        .json();
    assert_eq!((&cascaded["name"], &cascaded["path"]), (&json!("Money"), &json!("money")));
    assert_eq!(
        texts(&sandbox.read("/v1/folders?path=money")["records"], "path"),
        ["money", "money/secret", "money/secret-1"]
    );
    sandbox
        .send("DELETE", &format!("/v1/folders/{finance}"), &Value::Null)
        .refused(400, "Only empty folders can be deleted");
    sandbox.send("DELETE", &path, &Value::Null).is(200);
    sandbox.send("DELETE", &format!("/v1/folders/{finance}?force=true"), &Value::Null).is(200);
    assert_eq!(sandbox.read("/v1/documents")["pageInfo"]["totalRecords"], 1);
}

#[test]
fn permits_of_folders() {
    let sandbox = Sandbox::new();
    let (bob, cyd, sales, idle) =
        (sandbox.user("bob"), sandbox.user("cyd"), sandbox.group("sales"), sandbox.group("idle"));
    let finance = sandbox.folder("finance");
    let path = format!("/v1/folders/{finance}");
    let permits = format!("{path}/permissions");
    let body = sandbox.read(&permits);
    let group = body["permits"].as_array().unwrap().iter().find(|p| p["type"] == "userGroup").unwrap().clone();
    assert_eq!(group["direct"], json!({"role": "VIEWER", "accessBoost": false, "isOwner": false}));
    assert_ne!(group["id"], json!(sales), "a permit shows the full identifier");
    assert_eq!(text(&group["id"]).len(), 36);
    let owner = body["permits"].as_array().unwrap().iter().find(|p| p["name"] == "Ada").unwrap().clone();
    assert_eq!(owner["direct"]["isOwner"], true);

    let write = |method: &str, body: Value| sandbox.send(method, &permits, &body);
    assert_eq!(
        write("POST", json!({"role": "EDITOR", "userIds": [bob], "userGroupIds": [idle]})).is(200).json(),
        json!({"success": true})
    );
    assert_eq!(
        (sandbox.permit(&path, "Bob").unwrap(), sandbox.permit(&path, "idle").unwrap()),
        ("EDITOR".to_owned(), "EDITOR".to_owned())
    );
    write("PATCH", json!({"role": "VIEWER", "userIds": [bob]})).is(200);
    write("PATCH", json!({"accessBoost": true, "userIds": [bob]})).is(200);
    let mine = sandbox.read(&format!("{permits}?userId={bob}"));
    assert_eq!(mine["permits"].as_array().unwrap().len(), 1);
    assert_eq!(mine["permits"][0]["direct"], json!({"role": "VIEWER", "accessBoost": true, "isOwner": false}));
    // A group by its full identifier too.
    write("POST", json!({"role": "MANAGER", "userGroupIds": [group["id"]]})).is(200);
    assert_eq!(sandbox.permit(&path, "sales").unwrap(), "MANAGER");

    let inner = format!("/v1/folders/{}", sandbox.folder("finance/secret"));
    let seen = sandbox.read(&format!("{inner}/permissions"));
    let inherited = seen["permits"].as_array().unwrap().iter().find(|p| p["name"] == "Bob").unwrap().clone();
    assert_eq!(inherited.get("direct"), None, "from the outer folder alone");

    write("DELETE", json!({"userIds": [bob], "userGroupIds": [idle]})).is(200);
    assert_eq!((sandbox.permit(&path, "Bob"), sandbox.permit(&path, "idle")), (None, None));
    write("DELETE", json!({"userIds": [bob]})).is(200);
    write("POST", json!({"role": "VIEWER"}))
        .refused(400, "userIds.userGroupIds: userIds or userGroupIds must be provided");
    write("POST", json!({"role": "VIEWER", "userIds": ["x"]})).refused(400, "userIds.0: Invalid uuid");
    write("POST", json!({"role": "viewer", "userIds": [bob]})).refused(400, "role");
    write("POST", json!({"role": "VIEWER", "userIds": [bob], "type": "user"})).refused(400, "Unrecognized key");
    write("POST", json!({"role": "VIEWER", "userGroupIds": ["none"]})).refused(404, "none");
    write("PATCH", json!({"role": "VIEWER", "userIds": [cyd]})).is(404);
    let missing = sandbox.get("/v1/folders/none/permissions");
    missing.refused(404, "Folder with identifier \"none\" not found");

    write("PUT", json!({"organizationRole": "VIEWER", "organizationAccessBoost": false})).is(200);
    let body = sandbox.read(&permits);
    let everyone = &body["permits"][0];
    assert_eq!(
        (&everyone["description"], &everyone["type"], &everyone["direct"]["role"]),
        (&json!("Organization"), &json!("user"), &json!("VIEWER"))
    );
    write("PUT", json!({"organizationRole": "NO_ACCESS"})).is(200);
    assert_eq!(sandbox.permit(&path, "Organization"), None);

    sandbox.faults(&["boost-off"]);
    write("POST", json!({"role": "VIEWER", "userIds": [cyd], "accessBoost": true})).is(403);
    sandbox.faults(&["boost-cleared"]);
    write("POST", json!({"role": "VIEWER", "userIds": [cyd], "accessBoost": true})).is(200);
    let mine = sandbox.read(&format!("{permits}?userId={cyd}"));
    assert_eq!(mine["permits"][0]["direct"]["accessBoost"], false);
    sandbox.faults(&["no-organization-role"]);
    write("PUT", json!({"organizationRole": "VIEWER"})).is(404);
}

// b.7 Documents.

#[test]
fn documents() {
    let sandbox = Sandbox::new();
    let (ada, bob, cyd) = (sandbox.user("ada"), sandbox.user("bob"), sandbox.user("cyd"));
    let finance = sandbox.folder("finance");
    let close = sandbox.read(&format!("/v1/documents?folderId={finance}"))["records"][0].clone();
    assert_eq!(
        (&close["identifier"], &close["folder"]["path"], &close["description"]),
        (&json!("aB3dE5fG"), &json!("finance"), &json!("Month end"))
    );
    assert_eq!(close["owner"], json!({"id": bob, "name": "Bob"}));
    let mine = sandbox.read(&format!("/v1/documents?creatorId={bob}"));
    let draft = mine["records"].as_array().unwrap().iter().find(|d| d["name"] == "Draft").unwrap().clone();
    assert_eq!((&draft["folder"], &draft["scope"]), (&Value::Null, &json!("restricted")), "in a personal folder");
    assert_eq!(sandbox.read("/v1/documents")["pageInfo"]["pageSize"], 50);

    let path = "/v1/documents/aB3dE5fG";
    let permits = format!("{path}/permissions");
    let write = |method: &str, body: Value| sandbox.send(method, &permits, &body);
    sandbox.get("/v1/documents/none/permissions").refused(404, "Document with identifier \"none\" not found");
    assert_eq!(sandbox.read(&permits)["canDownload"], true);
    write("PUT", json!({"organizationRole": "viewer", "canDownload": false})).is(200);
    let body = sandbox.read(&permits);
    assert_eq!((&body["canDownload"], &body["permits"][0]["direct"]["role"]), (&json!(false), &json!("VIEWER")));
    write("PUT", json!({"organizationRole": "explorer"})).is(400);
    write("PUT", json!({"organizationRole": "no_access"})).is(200);

    // Ownership.
    let transfer = |who: &str| sandbox.send("PUT", &format!("{path}/transfer-ownership"), &json!({"userId": who}));
    transfer(&bob).is(200);
    transfer(&cyd).refused(400, "explicit permission");
    transfer("x").refused(400, "uuid");
    transfer("00000000-0000-4000-8000-000000000000").refused(404, "Membership");
    write("POST", json!({"role": "EDITOR", "userIds": [cyd]})).is(200);
    transfer(&cyd).is(200);
    assert_eq!(sandbox.read("/v1/documents")["records"][0]["owner"]["id"], json!(cyd));
    assert_eq!(sandbox.permit(path, "Bob").unwrap(), "MANAGER", "the former owner manages it");

    let list = sandbox.read(&format!("{path}/access-list"));
    let found: Vec<(String, String)> =
        list["principals"].as_array().unwrap().iter().map(|p| (text(&p["name"]), text(&p["accessSource"]))).collect();
    let expected = [("Ada", "folder"), ("Bob", "direct"), ("Cyd", "direct"), ("sales", "folder")];
    assert_eq!(found, expected.map(|(n, s)| (n.to_owned(), s.to_owned())));
    assert_eq!(list["principals"][0]["folderInfo"]["path"], "finance");
    let groups = sandbox.read(&format!("{path}/access-list?type=userGroup&accessSource=folder"));
    assert_eq!(groups["pageInfo"]["totalRecords"], 1);
    sandbox.get(&format!("{path}/access-list?type=other")).is(400);

    write("PATCH", json!({"role": "VIEWER", "userIds": [bob]})).is(200);
    assert_eq!(sandbox.permit(path, "Bob").unwrap(), "VIEWER");
    write("DELETE", json!({"userIds": [bob]})).is(200);
    assert_eq!(sandbox.permit(path, "Bob"), None);
    sandbox.faults(&["no-document-revoke"]);
    write("DELETE", json!({"userIds": [cyd]})).is(404);
    sandbox.faults(&[]);

    let draft = format!("/v1/documents/{}/move", text(&draft["identifier"]));
    sandbox.send("POST", &draft, &json!({"folderPath": "none"})).is(404);
    sandbox.send("POST", &draft, &json!({"folderPath": "finance/secret"})).is(200);
    let moved = sandbox.read(&format!("/v1/documents?folderId={}", sandbox.folder("finance/secret")));
    assert_eq!(moved["records"][0]["scope"], "organization");
    sandbox.send("PUT", &draft, &json!({"folderPath": null})).is(200);
    let _ = ada;
}

// b.8 Schedules.

#[test]
fn schedules() {
    let sandbox = Sandbox::new();
    let (ada, bob, cyd) = (sandbox.user("ada"), sandbox.user("bob"), sandbox.user("cyd"));
    let all = sandbox.read(&format!("/v1/schedules?ownerId={bob}"));
    let monday = &all["records"][0];
    assert_eq!(
        (&monday["dashboardName"], &monday["recipientCount"], &monday["identifier"]),
        (&json!("Close"), &json!(1), &json!("aB3dE5fG"))
    );
    assert_eq!(sandbox.read("/v1/schedules?destination=webhook")["records"][0]["recipientCount"], -1);
    assert_eq!(sandbox.read("/v1/schedules?q=mon")["pageInfo"]["totalRecords"], 1);
    let path = format!("/v1/schedules/{}", text(&monday["id"]));
    let transfer = |who: &str| sandbox.send("PUT", &format!("{path}/transfer-ownership"), &json!({"userId": who}));
    transfer(&bob).refused(400, "already owns");
    transfer(&cyd).refused(400, "view the dashboard");
    assert_eq!(transfer(&ada).is(200).json(), json!({"success": true}));
    assert_eq!(sandbox.read(&path)["ownerId"], json!(ada));
    // A role for everyone on the folder lets somebody else see it.
    let folder = format!("/v1/folders/{}/permissions", sandbox.folder("finance"));
    sandbox.send("PUT", &folder, &json!({"organizationRole": "VIEWER"})).is(200);
    transfer(&cyd).is(200);

    sandbox.send("PUT", &format!("{path}/pause"), &Value::Null).is(200);
    assert!(sandbox.read(&path)["disabledAt"].is_string());
    sandbox.send("PUT", &format!("{path}/resume"), &Value::Null).is(200);
    assert_eq!(sandbox.read(&path)["disabledAt"], Value::Null);
    sandbox
        .send("PUT", &format!("{path}/add-recipients"), &json!({"emails": ["y@other.example"], "userIds": [bob]}))
        .is(200);
    sandbox.send("PUT", &format!("{path}/remove-recipients"), &json!({"emails": ["x@other.example"]})).is(200);
    assert_eq!(
        sandbox.read(&format!("{path}/recipients")),
        json!({"emails": ["y@other.example"], "userIds": [bob], "userGroupIds": []})
    );
    sandbox.send("PUT", &format!("{path}/add-recipients"), &json!({})).is(400);
    sandbox.send("PUT", &path, &json!({"name": "Tuesday"})).refused(400, "schedule");
    sandbox.send("PUT", &path, &json!({"name": "Tuesday", "schedule": "0 9 ? * TUE *", "timezone": "UTC"})).is(200);
    assert_eq!((&sandbox.read(&path)["name"], &sandbox.read(&path)["recipientCount"]), (&json!("Tuesday"), &json!(0)));
    sandbox.faults(&["not-manager"]);
    transfer(&ada).is(403);
    sandbox.faults(&[]);
    sandbox.send("DELETE", &path, &Value::Null).is(200);
    sandbox.get(&path).is(404);
    transfer(&ada).is(404);
}

// Faults that are not told apart above.

#[test]
fn faults_of_lists() {
    let sandbox = Sandbox::new();
    let names = |path: &str| texts(&sandbox.read(path)["Resources"], "displayName");
    let users = "/scim/v2/users";
    let filter = "/scim/v2/users?filter=userName%20eq%20%22bob@acme.example%22";
    sandbox.faults(&["no-filter=400"]);
    sandbox.get(filter).is(400);
    sandbox.faults(&["ignored-filter"]);
    assert_eq!(names(filter).len(), 3);
    sandbox.faults(&["empty-filter"]);
    assert_eq!(names(filter).len(), 0);
    sandbox.faults(&["page-cap=2"]);
    assert_eq!(names(users), ["Ada", "Bob"]);
    assert_eq!(sandbox.read("/v1/models")["records"].as_array().unwrap().len(), 2);
    sandbox.faults(&["wrong-total=5"]);
    assert_eq!(sandbox.read(users)["totalResults"], 8);
    sandbox.faults(&["low-total=1"]);
    assert_eq!((sandbox.read(users)["totalResults"].clone(), names(users).len()), (json!(2), 3));
    sandbox.faults(&["short-list=50"]);
    assert_eq!(names(users), ["Ada"]);
    sandbox.faults(&["repeated-item"]);
    assert_eq!(names("/scim/v2/users?startIndex=3&count=2"), ["Bob", "Cyd"]);
    let next = text(&sandbox.read("/v1/models?pageSize=2")["pageInfo"]["nextCursor"]);
    let page = sandbox.read(&format!("/v1/models?pageSize=2&cursor={next}"));
    assert_eq!(texts(&page["records"], "name"), ["finance-more", "raw", "lake"]);
    sandbox.faults(&["changed-names"]);
    assert_eq!(sandbox.read(users)["Resources"][0]["userName"], "Ada@acme.example");
}

#[test]
fn faults_of_people() {
    let sandbox = Sandbox::new();
    let (bob, sales) = (sandbox.user("bob"), sandbox.group("sales"));
    let path = format!("/scim/v2/users/{bob}");
    let group = format!("/scim/v2/groups/{sales}");
    sandbox.faults(&["empty-members"]);
    assert_eq!(sandbox.read(&group)["members"], json!([]));
    sandbox.faults(&["no-members-filter"]);
    sandbox.patch(&group, json!([{"op": "remove", "path": format!("members[value eq \"{bob}\"]")}])).is(400);
    sandbox.faults(&["no-patch=405"]);
    sandbox.patch(&path, json!([{"op": "replace", "path": "displayName", "value": "B"}])).is(405);
    sandbox.faults(&["undefined-refused"]);
    sandbox.patch(&path, json!([{"op": "replace", "value": {ATTRIBUTES: {"none": 1}}}])).refused(400, "none");
    sandbox.faults(&["strict-remove"]);
    sandbox.patch(&path, json!([{"op": "remove", "path": format!("{ATTRIBUTES}:region")}])).is(400);
    sandbox.faults(&["email-changes"]);
    let now = sandbox
        .patch(&path, json!([{"op": "replace", "path": "userName", "value": "rob@acme.example"}]))
        .is(200)
        .json();
    assert_eq!(now["emails"][0]["value"], "rob@acme.example");
    sandbox.faults(&["duplicate-is-500"]);
    sandbox.send("POST", "/scim/v2/users", &json!({"userName": "rob@acme.example", "displayName": "R"})).is(500);
    sandbox.send("POST", "/scim/v2/groups", &json!({"displayName": "sales"})).is(500);
    sandbox.faults(&["lost-write"]);
    sandbox.patch(&path, json!([{"op": "replace", "path": "displayName", "value": "Lost"}])).is(200);
    sandbox.faults(&[]);
    assert_eq!(sandbox.read(&path)["displayName"], "Bob");
    sandbox.faults(&["dangling-members", "name-stays-taken"]);
    sandbox.send("DELETE", &path, &Value::Null).is(204);
    assert!(sandbox.members(&sales).contains(&bob));
    sandbox.send("POST", "/scim/v2/users", &json!({"userName": "rob@acme.example", "displayName": "R"})).is(409);

    let sandbox = Sandbox::new();
    let bob = sandbox.user("bob");
    let path = format!("/scim/v2/users/{bob}");
    sandbox.faults(&["inactive-shown"]);
    sandbox.patch(&path, json!([{"op": "replace", "path": "active", "value": false}])).is(200);
    assert_eq!(sandbox.read(&path)["active"], false);
    sandbox.patch(&path, json!([{"op": "replace", "path": "active", "value": true}])).is(404);
    let again = sandbox
        .send("POST", "/scim/v2/users", &json!({"userName": "bob@acme.example", "displayName": "Bob"}))
        .is(201)
        .json();
    assert_ne!(again["id"], json!(bob));
    sandbox.get(&path).is(404);
}

#[test]
fn a_write_is_seen_late_whatever_it_is_about() {
    let sandbox = Sandbox::new();
    let (bob, model) = (sandbox.user("bob"), sandbox.model("finance"));
    sandbox.faults(&["delayed=600"]);
    let start = Instant::now();
    sandbox
        .send("POST", &format!("/v1/users/{bob}/model-roles"), &json!({"roleName": "MODELER", "modelId": model}))
        .is(200);
    sandbox
        .patch(&format!("/scim/v2/users/{bob}"), json!([{"op": "replace", "path": "displayName", "value": "Late"}]))
        .is(200);
    let early = (sandbox.decides(&bob, &model).0, text(&sandbox.read(&format!("/scim/v2/users/{bob}"))["displayName"]));
    if start.elapsed() < Duration::from_millis(500) {
        assert_eq!(early, ("VIEWER".to_owned(), "Bob".to_owned()));
    }
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(sandbox.decides(&bob, &model).0, "MODELER");
    assert_eq!(sandbox.read(&format!("/scim/v2/users/{bob}"))["displayName"], "Late");
}

#[test]
fn faults_of_the_transport_reach_it_too() {
    let sandbox = Sandbox::new();
    sandbox.faults(&["throttle=7,first=1"]);
    assert!(sandbox.get("/v1/models").is(429).head.to_lowercase().contains("retry-after: 7"));
    let before = sandbox.read("/scim/v2/groups")["totalResults"].clone();
    sandbox.faults(&["error-after,first=1"]);
    sandbox.send("POST", "/scim/v2/groups", &json!({"displayName": "made all the same"})).is(500);
    sandbox.faults(&["truncated,path=/v1/models"]);
    let cut = sandbox.get("/v1/models");
    assert!(serde_json::from_slice::<Value>(&cut.body).is_err());
    sandbox.faults(&[]);
    assert_eq!(sandbox.read("/scim/v2/groups")["totalResults"].as_u64(), before.as_u64().map(|n| n + 1));
}

/// A fault that no test names would be one that nobody knows to work.
#[test]
fn every_fault_is_tested_here() {
    let source = include_str!("sandbox_omni.rs");
    for fault in FAULTS {
        let quoted = [format!("\"{}\"", fault.name), format!("\"{}=", fault.name), format!("\"{},", fault.name)];
        assert!(quoted.iter().any(|q| source.contains(q)), "{}", fault.name);
    }
}

// The operations.

/// A row of the fact sheet's tables of operations (section b): what is asked, what the row says it is
/// refused with besides 401 and 403, and the test that does all of it.
type Row = (&'static str, &'static str, &'static [u16], fn());

const OPERATIONS: &[Row] = &[
    ("whoami", "GET /v1/whoami", &[404], whoami_and_keys),
    ("b.1 list", "GET /scim/v2/users", &[400], faults_of_lists),
    ("b.1 create", "POST /scim/v2/users", &[400, 409], the_life_of_a_user),
    ("b.1 get", "GET /scim/v2/users/{}", &[404], the_life_of_a_user),
    ("b.1 replace", "PUT /scim/v2/users/{}", &[400, 404], the_life_of_a_user),
    ("b.1 patch", "PATCH /scim/v2/users/{}", &[400, 404], the_life_of_a_user),
    ("b.1 delete", "DELETE /scim/v2/users/{}", &[404], the_life_of_a_user),
    ("b.1 embed users", "GET /scim/v2/embed/users", &[], users_who_are_no_standard_ones),
    ("b.1 embed users", "GET /scim/v2/embed/users/{}", &[404], users_who_are_no_standard_ones),
    ("b.1 embed users", "DELETE /scim/v2/embed/users/{}", &[404], users_who_are_no_standard_ones),
    ("b.1 email-only users", "GET /v1/users/email-only", &[], users_who_are_no_standard_ones),
    ("b.1 email-only users", "POST /v1/users/email-only", &[400], users_who_are_no_standard_ones),
    ("b.1 email-only users", "POST /v1/users/email-only/bulk", &[400], users_who_are_no_standard_ones),
    ("b.2 list", "GET /scim/v2/groups", &[], the_life_of_a_group),
    ("b.2 create", "POST /scim/v2/groups", &[400, 409], the_life_of_a_group),
    ("b.2 get", "GET /scim/v2/groups/{}", &[404], the_life_of_a_group),
    ("b.2 replace", "PUT /scim/v2/groups/{}", &[400, 404], the_life_of_a_group),
    ("b.2 patch", "PATCH /scim/v2/groups/{}", &[400, 404], the_life_of_a_group),
    ("b.2 delete", "DELETE /scim/v2/groups/{}", &[404], the_life_of_a_group),
    ("b.3 of users", "GET /v1/users/{}/model-roles", &[404], roles_that_cannot_be_given),
    ("b.3 of groups", "GET /v1/user-groups/{}/model-roles", &[404], roles_that_cannot_be_given),
    ("b.3 assign", "POST /v1/users/{}/model-roles", &[400, 404, 422], roles_that_cannot_be_given),
    ("b.3 assign", "POST /v1/user-groups/{}/model-roles", &[404], roles_that_cannot_be_given),
    ("b.4 connections", "GET /v1/connections", &[], connections_and_models),
    ("b.4 connection", "GET /v1/connections/{}", &[404], connections_and_models),
    ("b.4 base role", "PATCH /v1/connections/{}", &[400, 404], connections_and_models),
    ("b.4 create", "POST /v1/connections", &[400], connections_and_models),
    ("b.4 models", "GET /v1/models", &[], connections_and_models),
    ("b.4 create", "POST /v1/models", &[], connections_and_models),
    ("b.5 list", "GET /v1/user-attributes", &[], definitions_of_attributes),
    ("b.5 create", "POST /v1/user-attributes", &[400], definitions_of_attributes),
    ("b.5 update", "PATCH /v1/user-attributes/{}", &[], definitions_of_attributes),
    ("b.5 delete", "DELETE /v1/user-attributes/{}", &[404], definitions_of_attributes),
    ("b.6 list", "GET /v1/folders", &[404], folders),
    ("b.6 create", "POST /v1/folders", &[400, 404], folders),
    ("b.6 update", "PATCH /v1/folders/{}", &[400, 404, 409], folders),
    ("b.6 delete", "DELETE /v1/folders/{}", &[400], folders),
    ("b.6 permits", "GET /v1/folders/{}/permissions", &[404], permits_of_folders),
    ("b.6 grant", "POST /v1/folders/{}/permissions", &[400], permits_of_folders),
    ("b.6 change", "PATCH /v1/folders/{}/permissions", &[], permits_of_folders),
    ("b.6 revoke", "DELETE /v1/folders/{}/permissions", &[], permits_of_folders),
    ("b.6 organization role", "PUT /v1/folders/{}/permissions", &[], permits_of_folders),
    ("b.7 list", "GET /v1/documents", &[], documents),
    ("b.7 permits", "GET /v1/documents/{}/permissions", &[404], documents),
    ("b.7 grant", "POST /v1/documents/{}/permissions", &[], documents),
    ("b.7 change", "PATCH /v1/documents/{}/permissions", &[], documents),
    ("b.7 revoke", "DELETE /v1/documents/{}/permissions", &[], documents),
    ("b.7 settings", "PUT /v1/documents/{}/permissions", &[], documents),
    ("b.7 access list", "GET /v1/documents/{}/access-list", &[], documents),
    ("b.7 transfer", "PUT /v1/documents/{}/transfer-ownership", &[400, 404], documents),
    ("b.7 move", "POST /v1/documents/{}/move", &[], documents),
    ("b.7 move", "PUT /v1/documents/{}/move", &[], documents),
    ("b.8 list", "GET /v1/schedules", &[], schedules),
    ("b.8 get", "GET /v1/schedules/{}", &[], schedules),
    ("b.8 transfer", "PUT /v1/schedules/{}/transfer-ownership", &[400, 404], schedules),
    ("b.8 pause", "PUT /v1/schedules/{}/pause", &[], schedules),
    ("b.8 resume", "PUT /v1/schedules/{}/resume", &[], schedules),
    ("b.8 recipients", "GET /v1/schedules/{}/recipients", &[], schedules),
    ("b.8 recipients", "PUT /v1/schedules/{}/add-recipients", &[], schedules),
    ("b.8 recipients", "PUT /v1/schedules/{}/remove-recipients", &[], schedules),
    ("b.8 update", "PUT /v1/schedules/{}", &[], schedules),
    ("b.8 delete", "DELETE /v1/schedules/{}", &[], schedules),
    ("b.9 list", "GET /v1/api-keys", &[], whoami_and_keys),
    ("b.9 get", "GET /v1/api-keys/{}", &[], whoami_and_keys),
    ("b.9 enable", "PUT /v1/api-keys/{}", &[400], whoami_and_keys),
    ("b.9 revoke", "DELETE /v1/api-keys/{}", &[404], whoami_and_keys),
];

/// Whether a request is the operation; `{}` stands for any identifier.
fn is_operation(operation: &str, method: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default().to_ascii_lowercase();
    let Some((verb, pattern)) = operation.split_once(' ') else { return false };
    let pattern = format!("/api{pattern}");
    let (wanted, found): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    verb == method && wanted.len() == found.len() && wanted.iter().zip(&found).all(|(w, f)| *w == "{}" || w == f)
}

/// The test that stands beside an operation does it, with success and with every refusal of its row.
#[test]
fn every_row_of_the_operations_is_tested() {
    let mut left = Vec::new();
    let mut done: Vec<(fn(), Asked)> = Vec::new();
    for (row, operation, refusals, test) in OPERATIONS {
        if !done.iter().any(|(t, _)| std::ptr::fn_addr_eq(*t, *test)) {
            SEEN.take();
            test();
            done.push((*test, SEEN.take()));
        }
        let seen = &done.iter().find(|(t, _)| std::ptr::fn_addr_eq(*t, *test)).unwrap().1;
        let of = |fits: &dyn Fn(u16) -> bool| {
            seen.iter().any(|(method, path, status)| is_operation(operation, method, path) && fits(*status))
        };
        if !of(&|status| (200..300).contains(&status)) {
            left.push(format!("{row}: {operation} is not done"));
        }
        let missing = refusals.iter().filter(|refusal| !of(&|status| status == **refusal));
        left.extend(missing.map(|refusal| format!("{row}: {operation} is not refused with {refusal}")));
    }
    assert!(left.is_empty(), "{left:#?}");
}

// The file, and the beginning.

const DECLARATION: &str = "
version: 1
targets:
  bi:
    provider: omni
    url: https://acme.omniapp.co
    credentials: {token: \"${OMNI_API_KEY}\"}
    manage: authoritative
users:
  ada@acme.example: {name: Ada, role: ORG_ADMIN}
  bob@acme.example: {name: Bob, role: MEMBER, attributes: {region: west}, timezone: Europe/Paris}
teams:
  sales: {members: [bob@acme.example]}
resources:
  connection/warehouse: {access: {VIEWER: [everyone], CONNECTION_ADMIN: [ada@acme.example]}}
  model/finance: {in: connection/warehouse, access: {QUERIER: [team/sales], MODELER: [bob@acme.example]}}
  folder/finance: {access: {EDITOR: [team/sales]}}
  folder/finance/secret: {in: folder/finance, owner: ada@acme.example}
  document/finance/Close: {in: folder/finance, owner: bob@acme.example, access: {MANAGER: [ada@acme.example], VIEWER: [everyone]}}
";

fn begun(env: &TestEnv, state: Option<&Path>) -> Sandbox {
    Sandbox::with(|o| {
        o.seeds = vec![env.file("rolecall.yaml")];
        o.state = state.map(Path::to_owned);
    })
}

/// Everything that a client can read of users, groups, roles and permits.
fn everything(sandbox: &Sandbox) -> Vec<Value> {
    let mut all =
        vec![sandbox.read("/scim/v2/users"), sandbox.read("/scim/v2/groups"), sandbox.read("/v1/connections")];
    all.extend([sandbox.read("/v1/models"), sandbox.read("/v1/user-attributes"), sandbox.read("/v1/schedules")]);
    for user in texts(&all[0]["Resources"], "id") {
        all.push(sandbox.read(&format!("/v1/users/{user}/model-roles")));
    }
    for group in texts(&all[1]["Resources"], "id") {
        all.push(sandbox.read(&format!("/v1/user-groups/{group}/model-roles")));
    }
    let folders = sandbox.read("/v1/folders");
    for folder in texts(&folders["records"], "id") {
        all.push(sandbox.read(&format!("/v1/folders/{folder}/permissions")));
    }
    for record in sandbox.read("/v1/documents")["records"].as_array().unwrap() {
        let id = text(&record["identifier"]);
        all.extend([
            json!([id, record["name"], record["owner"]]),
            sandbox.read(&format!("/v1/documents/{id}/permissions")),
        ]);
    }
    all
}

#[test]
fn it_begins_with_what_is_declared_and_keeps_it() {
    let env = TestEnv::with(DECLARATION);
    let file = env.file("omni.db");
    let sandbox = begun(&env, Some(&file));
    let (ada, bob, model) = (sandbox.user("ada"), sandbox.user("bob"), sandbox.model("finance"));
    assert_eq!(sandbox.read("/v1/whoami")["user"]["membershipId"], json!(ada));
    assert_eq!(sandbox.read(&format!("/scim/v2/users/{bob}"))[ATTRIBUTES], json!({"region": "west"}));
    assert_eq!(sandbox.decides(&bob, &model), ("MODELER".to_owned(), "User Role".to_owned()));
    assert_eq!(sandbox.read("/v1/connections")["connections"][0]["baseRole"], "VIEWER");
    let folder = format!("/v1/folders/{}", sandbox.folder("finance"));
    assert_eq!(sandbox.permit(&folder, "sales").unwrap(), "EDITOR");
    let close = sandbox.read("/v1/documents")["records"][0].clone();
    assert_eq!(
        (&close["name"], &close["folder"]["path"], &close["owner"]["id"]),
        (&json!("Close"), &json!("finance"), &json!(bob))
    );
    // What somebody does on the screens.
    sandbox.things("schedules: [{name: Monday, document: finance/Close, owner: bob@acme.example}]");
    let new = sandbox
        .send("POST", "/scim/v2/users", &json!({"userName": "new@acme.example", "displayName": "New"}))
        .is(201)
        .json();
    sandbox
        .send(
            "POST",
            &format!("/v1/users/{}/model-roles", text(&new["id"])),
            &json!({"roleName": "QUERIER", "modelId": model}),
        )
        .is(200);
    let before = everything(&sandbox);
    sandbox.handle.stop().unwrap();

    // The directory says the same.
    let grants = rows(
        &file,
        "SELECT coalesce(u.email, 'team/' || t.name, 'everyone') || ' ' || r.name || ' ' || s.name FROM grants g \
        JOIN roles r ON r.id = g.role_id JOIN resources s ON s.id = g.resource_id LEFT JOIN users u ON u.id = g.user_id \
        LEFT JOIN teams t ON t.id = g.team_id ORDER BY 1",
    );
    let expected = [
        "ada@acme.example CONNECTION_ADMIN connection/warehouse",
        "ada@acme.example MANAGER document/finance/Close",
        "bob@acme.example MODELER model/finance",
        "everyone VIEWER connection/warehouse",
        "everyone VIEWER document/finance/Close",
        "new@acme.example QUERIER model/finance",
        "team/sales EDITOR folder/finance",
        "team/sales QUERIER model/finance",
    ];
    assert_eq!(grants, expected);
    let bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(TOKEN.len()).any(|w| w == TOKEN.as_bytes()), "what opens it is not in the file");

    let again = begun(&env, Some(&file));
    assert_eq!(everything(&again), before, "and the seed is not read twice");
    // Whoever goes takes grants and ownership along, in the directory too.
    again.send("DELETE", &format!("/scim/v2/users/{bob}"), &Value::Null).is(204);
    let folder = again.folder("finance");
    again.send("PATCH", &format!("/v1/folders/{folder}"), &json!({"path": "money"})).is(200);
    again.send("DELETE", &format!("/scim/v2/groups/{}", again.group("sales")), &Value::Null).is(204);
    again.handle.stop().unwrap();
    let left = rows(
        &file,
        "SELECT s.name || coalesce(' of ' || u.email, '') FROM resources s LEFT JOIN users u ON u.id = s.owner_id ORDER BY 1",
    );
    let expected = [
        "connection/warehouse",
        "document/money/Close",
        "folder/money of ada@acme.example",
        "folder/money/secret of ada@acme.example",
        "model/finance",
    ];
    assert_eq!(left, expected);
    let third = begun(&env, Some(&file));
    third.send("DELETE", &format!("/v1/folders/{folder}?force=true"), &Value::Null).is(200);
    third.handle.stop().unwrap();
    let left = rows(&file, "SELECT name FROM resources ORDER BY 1");
    assert_eq!(left, ["connection/warehouse", "model/finance"]);
}

/// A directory in which somebody is disabled: they are hidden, and the address is free for somebody else.
#[test]
fn who_is_disabled_is_as_one_who_was_revoked() {
    let env = TestEnv::with(
        "version: 1
targets:
  home: {provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: omni, manage: authoritative}
users:
  ada@acme.example: {name: Ada, role: ORG_ADMIN}
  dan@acme.example: {name: Dan, role: MEMBER}
",
    );
    env.apply();
    env.edit("rolecall.yaml", "name: Dan, role: MEMBER", "name: Dan, role: MEMBER, state: disabled");
    env.apply();
    let sandbox = Sandbox::with(|o| o.state = Some(env.home()));
    let people = || texts(&sandbox.read("/scim/v2/users")["Resources"], "displayName");
    assert_eq!(people(), ["Ada"]);
    sandbox.faults(&["inactive-shown"]);
    let all = sandbox.read("/scim/v2/users");
    let dan = all["Resources"].as_array().unwrap().iter().find(|u| u["displayName"] == "Dan").unwrap().clone();
    assert_eq!(dan["active"], false);
    sandbox.faults(&[]);
    sandbox.get(&format!("/scim/v2/users/{}", text(&dan["id"]))).is(404);
    let body = json!({"userName": "dan@acme.example", "displayName": "Daniel"});
    let made = sandbox.send("POST", "/scim/v2/users", &body).is(201).json();
    assert_ne!(made["id"], dan["id"], "somebody else");
    assert_eq!(people(), ["Ada", "Daniel"]);
    drop(sandbox);
    let kept = rows(&env.home(), "SELECT name, state FROM users ORDER BY name");
    assert_eq!(kept, ["Ada | active", "Daniel | active"]);
}

#[test]
fn things_that_name_nothing_change_nothing() {
    let sandbox = Sandbox::new();
    let before = everything(&sandbox);
    for wrong in [
        "groups: {new: [nobody@acme.example]}",
        "folders: [{path: new, permits: {ada@acme.example: KING}}]",
        "unknown: 1",
        "[",
    ] {
        let got = raw(sandbox.handle.addr(), "POST", "/sandbox/things", Some(TOKEN), wrong).is(400);
        assert!(got.json()["error"].is_string());
    }
    assert_eq!(everything(&sandbox), before);
}

#[test]
fn ten_thousand_users_are_there_at_once() {
    let start = Instant::now();
    let sandbox = Sandbox::with(|o| (o.users, o.groups) = (10_000, 500));
    let body = sandbox.read("/scim/v2/users?startIndex=9901&count=100");
    assert_eq!((&body["totalResults"], body["Resources"].as_array().unwrap().len()), (&json!(10_000), 100));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn the_command() {
    let env = TestEnv::with("version: 1");
    env.run(&["sandbox", "omni"]).ended(1).says(&["a sandbox needs a token"]);
    let faults = env.run(&["sandbox", "omni", "--faults"]).ended(0);
    for fault in FAULTS {
        has(&faults.stdout, &[fault.name]);
    }
    let assumptions = env.run(&["sandbox", "omni", "--assumptions"]).ended(0);
    insta::assert_snapshot!("assumptions", assumptions.stdout);
    env.run(&["sandbox", "omni", "--token", "t", "--port", "0", "--seed", "none.yaml"])
        .ended(1)
        .says(&["the seed cannot be used"]);
    env.run(&["sandbox", "omni", "--token", "t", "--port", "0", "--fault", "none"])
        .ended(1)
        .says(&["sandbox omni --faults"]);
}

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n.max(1)
    }

    fn of(&mut self, list: &[String]) -> String {
        list.get(self.below(list.len())).cloned().unwrap_or_else(|| "none".to_owned())
    }
}

/// One request of any kind; whether it is done is the sandbox's business.
fn anything(sandbox: &Sandbox, chance: &mut Chance, step: usize) -> u16 {
    let ids = |path: &str, list: &str, name: &str| texts(&sandbox.read(path)[list], name);
    let users = ids("/scim/v2/users", "Resources", "id");
    let groups = ids("/scim/v2/groups", "Resources", "id");
    let folders = ids("/v1/folders?pageSize=100", "records", "id");
    let documents = ids("/v1/documents", "records", "identifier");
    let (user, group, folder, document) =
        (chance.of(&users), chance.of(&groups), chance.of(&folders), chance.of(&documents));
    let model = chance.of(&ids("/v1/models?modelKind=SHARED", "records", "id"));
    let connection = chance.of(&ids("/v1/connections", "connections", "id"));
    let tier = ["NO_ACCESS", "VIEWER", "QUERY_TOPICS", "QUERIER", "MODELER"][chance.below(5)];
    let role = ["NO_ACCESS", "VIEWER", "EDITOR", "MANAGER"][chance.below(4)];
    let content =
        if chance.below(2) == 0 { format!("/v1/folders/{folder}") } else { format!("/v1/documents/{document}") };
    let who = if chance.below(2) == 0 { json!({"userIds": [user]}) } else { json!({"userGroupIds": [group]}) };
    let mut permit = who.clone();
    permit["role"] = json!(role);
    let got = match chance.below(18) {
        0 | 1 => sandbox.send(
            "POST",
            "/scim/v2/users",
            &json!({"userName": format!("u{step}@acme.example"), "displayName": "U"}),
        ),
        2 => sandbox.send("DELETE", &format!("/scim/v2/users/{user}"), &Value::Null),
        3 => sandbox.send(
            "POST",
            "/scim/v2/groups",
            &json!({"displayName": format!("g{step}"), "members": [{"value": user}]}),
        ),
        4 => sandbox.send("DELETE", &format!("/scim/v2/groups/{group}"), &Value::Null),
        5 => sandbox.patch(
            &format!("/scim/v2/groups/{group}"),
            json!([{"op": "replace", "path": "displayName", "value": format!("r{step}")}]),
        ),
        6 => sandbox.patch(
            &format!("/scim/v2/groups/{group}"),
            json!([{"op": "add", "path": "members", "value": [{"value": user}]}]),
        ),
        7 => {
            sandbox.send("POST", &format!("/v1/users/{user}/model-roles"), &json!({"roleName": tier, "modelId": model}))
        }
        8 => sandbox.send(
            "POST",
            &format!("/v1/user-groups/{group}/model-roles"),
            &json!({"roleName": tier, "modelId": model}),
        ),
        9 => sandbox.send(
            "POST",
            &format!("/v1/users/{user}/model-roles"),
            &json!({"roleName": "CONNECTION_ADMIN", "connectionId": connection}),
        ),
        10 => sandbox.send("PATCH", &format!("/v1/connections/{connection}"), &json!({"baseRole": tier})),
        11 => sandbox.send(
            "POST",
            "/v1/folders",
            &json!({"name": format!("f{step}"), "parentFolderId": folder, "userId": user}),
        ),
        12 => sandbox.send("PATCH", &format!("/v1/folders/{folder}"), &json!({"path": format!("p{step}")})),
        13 if chance.below(3) == 0 => sandbox.send("DELETE", &format!("/v1/folders/{folder}?force=true"), &Value::Null),
        13 | 14 => sandbox.send("POST", &format!("{content}/permissions"), &permit),
        15 => sandbox.send("DELETE", &format!("{content}/permissions"), &who),
        16 => sandbox.send("PUT", &format!("{content}/permissions"), &json!({"organizationRole": role})),
        _ => {
            sandbox.things(&format!("documents: [{{name: d{step}, folder: 'n{}'}}]", chance.below(3)));
            let path = ["null", "\"n0\"", "\"n1\""][chance.below(3)];
            let body = serde_json::from_str(&format!("{{\"folderPath\": {path}}}")).unwrap();
            sandbox.send("POST", &format!("/v1/documents/{document}/move"), &body)
        }
    };
    got.status.unwrap()
}

/// The grants that a client reads, those of owners aside, as the directory would say them.
fn read_grants(sandbox: &Sandbox) -> Vec<String> {
    let mut found = Vec::new();
    let mut content = Vec::new();
    for folder in sandbox.read("/v1/folders?pageSize=100")["records"].as_array().unwrap() {
        content.push((format!("/v1/folders/{}", text(&folder["id"])), format!("folder/{}", text(&folder["path"]))));
    }
    for document in sandbox.read("/v1/documents?pageSize=100")["records"].as_array().unwrap() {
        let place = document["folder"]["path"].as_str().map(|p| format!("{p}/")).unwrap_or_default();
        let name = format!("document/{place}{}", text(&document["name"]));
        content.push((format!("/v1/documents/{}", text(&document["identifier"])), name));
    }
    for (path, name) in content {
        for line in sandbox.read(&format!("{path}/permissions"))["permits"].as_array().unwrap() {
            let direct = &line["direct"];
            if direct.is_null() || direct["isOwner"] == true || direct["role"] == "NO_ACCESS" {
                continue;
            }
            let to = match (line["description"].as_str(), line["type"].as_str()) {
                (Some("Organization"), _) => "everyone".to_owned(),
                (_, Some("userGroup")) => format!("team/{}", text(&line["name"])),
                (email, _) => email.unwrap().to_owned(),
            };
            found.push(format!("{to} {} {name}", text(&direct["role"])));
        }
    }
    let models = sandbox.read("/v1/models")["records"].clone();
    let name = |line: &Value| {
        let model = models.as_array().unwrap().iter().find(|m| m["id"] == line["modelId"]);
        model.map_or_else(|| "connection".to_owned(), |m| format!("model/{}", text(&m["name"])))
    };
    for user in sandbox.read("/scim/v2/users?count=1000")["Resources"].as_array().unwrap() {
        let lines = sandbox.read(&format!("/v1/users/{}/model-roles", text(&user["id"])));
        for line in lines["results"].as_array().unwrap() {
            if line["from"]["type"] == "User Role" && line["roleName"] != "NO_ACCESS" {
                found.push(format!("{} {} {}", text(&user["userName"]), text(&line["roleName"]), name(line)));
            }
        }
    }
    for group in sandbox.read("/scim/v2/groups?count=1000")["Resources"].as_array().unwrap() {
        let lines = sandbox.read(&format!("/v1/user-groups/{}/model-roles", text(&group["id"])));
        for line in lines["results"].as_array().unwrap().iter().filter(|l| l["roleName"] != "NO_ACCESS") {
            found.push(format!("team/{} {} {}", text(&group["displayName"]), text(&line["roleName"]), name(line)));
        }
    }
    found.sort();
    found
}

#[test]
fn whatever_is_done_the_directory_follows() {
    const GRANTS: &str = "SELECT coalesce(u.email, 'team/' || t.name, 'everyone') || ' ' || r.name || ' ' || \
        CASE WHEN s.name LIKE 'connection/%' THEN 'connection' ELSE s.name END FROM grants g \
        JOIN roles r ON r.id = g.role_id JOIN resources s ON s.id = g.resource_id LEFT JOIN users u ON u.id = g.user_id \
        LEFT JOIN teams t ON t.id = g.team_id WHERE NOT (g.everyone = 1 AND s.name LIKE 'connection/%') \
        AND coalesce(g.user_id <> s.owner_id, 1) ORDER BY 1";
    for seed in 1..=4 {
        let env = TestEnv::with(DECLARATION);
        let file = env.file("omni.db");
        let mut chance = Chance(seed);
        let (mut sandbox, mut done, mut compared) = (begun(&env, Some(&file)), 0, 0);
        for step in 0..120 {
            done += usize::from(anything(&sandbox, &mut chance, step) < 300);
            if step % 40 == 39 {
                let (before, grants) = (everything(&sandbox), read_grants(&sandbox));
                sandbox.handle.stop().unwrap_or_else(|e| panic!("seed {seed}, step {step}: {e}"));
                assert_eq!(rows(&file, GRANTS), grants, "seed {seed}, step {step}");
                compared += grants.len();
                sandbox = begun(&env, Some(&file));
                assert_eq!(everything(&sandbox), before, "seed {seed}, step {step}");
            }
        }
        assert!(done > 60 && compared > 10, "{done} requests were done, {compared} grants compared: that says little");
    }
}
