//! The SCIM sandbox over HTTP, by a client of a few lines that hides nothing: the API, every fault, and
//! what is in the file afterwards.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use rolecall::sandbox::fault::TRANSPORT;
use rolecall::sandbox::scim::faults::FAULTS;
use rolecall::sandbox::scim::{Options, serve};
use rolecall::sandbox::{Handle, Spec};
use serde_json::{Value, json};

use super::common::{TestEnv, dump, has, rows};
use super::wire::{Got, send};

const TOKEN: &str = "canary-7f3a";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

impl Got {
    /// Fails the test unless it is this error.
    #[track_caller]
    fn error(self, status: u16, kind: Option<&str>) {
        let got = self.is(status);
        let body = got.json();
        assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        assert_eq!(body["status"], json!(status.to_string()));
        assert_eq!(body["scimType"].as_str(), kind, "{body}");
    }
}

/// A sandbox and how to talk to it.
struct Sandbox {
    handle: Handle,
}

impl Sandbox {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(adjust: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(TOKEN).unwrap();
        adjust(&mut options);
        Self { handle: serve(&options).unwrap() }
    }

    fn at(path: &Path) -> Self {
        Self::with(|o| o.state = Some(path.to_owned()))
    }

    /// One with these faults, in which `ada` and `bob` are in the group `core`: their three ids.
    fn peopled(faults: &[&str]) -> (Self, [String; 3]) {
        let sandbox = Self::new();
        let (ada, bob) = (sandbox.user("ada@acme.example"), sandbox.user("bob@acme.example"));
        let core = sandbox.group("core", &[&ada, &bob]);
        sandbox.handle.set_faults(faults).unwrap();
        (sandbox, [ada, bob, core])
    }

    fn with_headers(&self, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Got {
        let bearer = format!("Bearer {TOKEN}");
        let mut headers = vec![("authorization", bearer.as_str()), ("content-type", "application/scim+json")];
        headers.extend(more);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        send(self.handle.addr(), method, &format!("/scim/v2{path}"), &headers, &text)
    }

    fn get(&self, path: &str) -> Got {
        self.with_headers("GET", path, &[], &Value::Null)
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Got {
        self.with_headers(method, path, &[], body)
    }

    fn delete(&self, path: &str) -> Got {
        self.send("DELETE", path, &Value::Null)
    }

    fn patch(&self, path: &str, operations: Value) -> Got {
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        self.send("PATCH", path, &json!({"schemas": [schema], "Operations": operations}))
    }

    #[track_caller]
    fn made(&self, path: &str, body: &Value) -> String {
        self.send("POST", path, body).is(201).json()["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn user(&self, name: &str) -> String {
        self.made("/Users", &json!({"userName": name}))
    }

    #[track_caller]
    fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|m| json!({"value": m})).collect();
        self.made("/Groups", &json!({"displayName": name, "members": members}))
    }

    /// The members of a group, sorted.
    #[track_caller]
    fn members(&self, group: &str) -> Vec<String> {
        let body = self.get(&format!("/Groups/{group}")).is(200).json();
        let mut ids = values(&body["members"]);
        ids.sort();
        ids
    }

    /// The user names that a filter finds.
    #[track_caller]
    fn found(&self, filter: &str) -> Vec<String> {
        let body = self.get(&format!("/Users?filter={}", encoded(filter))).is(200).json();
        let all = body["Resources"].as_array().unwrap();
        assert_eq!(body["totalResults"], all.len());
        all.iter().map(|u| u["userName"].as_str().unwrap().to_owned()).collect()
    }
}

fn values(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|m| m["value"].as_str().unwrap().to_owned()).collect()
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { (b as char).to_string() } else { format!("%{b:02X}") })
        .collect()
}

fn sorted(list: &[&str]) -> Vec<String> {
    let mut list: Vec<String> = list.iter().map(|s| (*s).to_owned()).collect();
    list.sort();
    list
}

#[test]
fn the_life_of_a_user() {
    let sandbox = Sandbox::new();
    let made = sandbox
        .send(
            "POST",
            "/Users",
            &json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
                "USERNAME": "Ada@Acme.example", "externalId": "e-1", "displayName": "Ada", "id": "mine", "nothing": null,
                "name": {"givenName": "Ada", "familyName": "Lovelace"}, "password": "canary-secret", "shoeSize": 38,
                "emails": [{"value": "ada@acme.example", "primary": true, "type": "work"}],
                "roles": [{"value": "admin"}], "groups": [{"value": "x"}],
                ENTERPRISE: {"department": "Engines", "costCenter": null}
            }),
        )
        .is(201);
    let body = made.json();
    let id = body["id"].as_str().unwrap();
    assert_ne!(id, "mine", "the id is the server's");
    assert_eq!(made.header("location"), body["meta"]["location"].as_str().map(str::to_owned));
    assert_eq!(made.header("etag"), body["meta"]["version"].as_str().map(str::to_owned));
    assert_eq!(made.header("content-type").as_deref(), Some("application/scim+json"));
    assert_eq!((&body["userName"], &body["active"]), (&json!("Ada@Acme.example"), &json!(true)));
    assert_eq!(body[ENTERPRISE], json!({"department": "Engines"}));
    assert!(
        !body.to_string().contains("canary-secret") && body.get("shoeSize").is_none() && body.get("groups").is_none()
    );
    assert_eq!(body["schemas"].as_array().unwrap().len(), 2);

    // The same name in another case is taken, and stays so for itself only.
    sandbox.send("POST", "/Users", &json!({"userName": "ADA@acme.example"})).error(409, Some("uniqueness"));
    let path = format!("/Users/{id}");
    let again = sandbox.send("PUT", &path, &body).is(200).json();
    assert_eq!(again, body, "nothing changes, and no version does");

    // PUT clears what is not there.
    let replaced =
        sandbox.send("PUT", &path, &json!({"userName": "ada@acme.example", "title": "Countess"})).is(200).json();
    for gone in ["displayName", "emails", "roles", "externalId", ENTERPRISE] {
        assert!(replaced.get(gone).is_none(), "{gone}: {replaced}");
    }
    assert_eq!((&replaced["active"], &replaced["title"]), (&json!(true), &json!("Countess")));
    assert_ne!(replaced["meta"]["version"], body["meta"]["version"]);
    assert_eq!(replaced["meta"]["created"], body["meta"]["created"]);
    sandbox.send("PUT", "/Users/nobody", &json!({"userName": "n"})).error(404, None);
    sandbox.send("PUT", &path, &json!({"userName": " "})).error(400, Some("invalidValue"));
    sandbox.send("PUT", &path, &json!({"id": "other", "userName": "a"})).error(400, Some("mutability"));

    sandbox.delete(&path).is(204);
    for (method, body) in [("GET", Value::Null), ("PUT", json!({"userName": "a"})), ("DELETE", Value::Null)] {
        sandbox.send(method, &path, &body).error(404, None);
    }
    let second = sandbox.user("ada@acme.example");
    assert_ne!(second, id, "the name is free again, the id is not");
}

#[test]
fn groups_and_their_members() {
    let (sandbox, [ada, bob, core]) = Sandbox::peopled(&[]);
    let all = sandbox.group("all", &[&core]);
    let body = sandbox.get(&format!("/Groups/{core}")).json();
    let member = &body["members"][0];
    assert_eq!((&member["value"], &member["type"], member.get("display")), (&json!(ada), &json!("User"), None));
    let asked = sandbox.get(&format!("/Groups/{core}?attributes=members.display")).json();
    assert_eq!(asked["members"], json!([{"display": "ada@acme.example"}, {"display": "bob@acme.example"}]));
    assert_eq!(member["$ref"], json!(format!("{}/Users/{ada}", sandbox.handle.url())));
    let user = sandbox.get(&format!("/Users/{ada}")).json();
    let groups: Vec<(&Value, &Value)> =
        user["groups"].as_array().unwrap().iter().map(|g| (&g["value"], &g["type"])).collect();
    assert_eq!(groups, [(&json!(core), &json!("direct")), (&json!(all), &json!("indirect"))]);

    let twice = sandbox.group("twice", &[&ada, &ada]);
    assert_eq!(sandbox.members(&twice), [ada.as_str()]);
    sandbox.delete(&format!("/Groups/{twice}")).is(204);

    // Two groups may have one name; a member must be there, and is nobody's own group.
    sandbox.group("core", &[]);
    for wrong in ["nobody", core.as_str()] {
        let got = sandbox
            .patch(&format!("/Groups/{core}"), json!([{"op": "add", "path": "members", "value": [{"value": wrong}]}]));
        got.error(400, Some("invalidValue"));
    }
    assert_eq!(sandbox.members(&core), sorted(&[&ada, &bob]), "a request that fails changes nothing");

    // Who is deleted leaves; the group is changed by that.
    let before = sandbox.get(&format!("/Groups/{core}")).json();
    sandbox.delete(&format!("/Users/{ada}")).is(204);
    assert_eq!(sandbox.members(&core), sorted(&[&bob]));
    let after = sandbox.get(&format!("/Groups/{core}")).json();
    assert_ne!(before["meta"]["version"], after["meta"]["version"]);
    sandbox.delete(&format!("/Groups/{core}")).is(204);
    assert_eq!(sandbox.members(&all), Vec::<String>::new());
    assert!(sandbox.get(&format!("/Users/{bob}")).json().get("groups").is_none());
}

#[test]
fn patch_in_every_form() {
    let (sandbox, [ada, bob, core]) = Sandbox::peopled(&[]);
    let eve = sandbox.user("eve@acme.example");
    let user = format!("/Users/{ada}");
    let patched = |operations: Value| sandbox.patch(&user, operations).is(200).json();

    // Paths: an attribute, a part, an extension, one behind its URN; op names in any case; texts for booleans.
    let body = patched(json!([
        {"op": "Add", "path": "displayName", "value": "Ada"},
        {"op": "REPLACE", "path": "name.givenName", "value": "Ada"},
        {"op": "add", "path": format!("{ENTERPRISE}:department"), "value": "Engines"},
        {"op": "add", "path": ENTERPRISE, "value": {"division": "North"}},
        {"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:title", "value": "Countess"},
        {"op": "replace", "path": "active", "value": "False"}
    ]));
    assert_eq!(body[ENTERPRISE], json!({"department": "Engines", "division": "North"}));
    assert_eq!(
        (&body["displayName"], &body["title"], &body["active"]),
        (&json!("Ada"), &json!("Countess"), &json!(false))
    );
    assert_eq!(body["name"], json!({"givenName": "Ada"}));

    // Without a path: what is named changes, the rest stays; keys can be paths.
    let body = patched(json!([{"op": "replace", "value": {
        "active": true, "name": {"familyName": "Lovelace"}, "name.middleName": "K", (ENTERPRISE): {"department": "Sums"}, "id": "x"
    }}]));
    assert_eq!(body["name"], json!({"givenName": "Ada", "middleName": "K", "familyName": "Lovelace"}));
    assert_eq!(body[ENTERPRISE], json!({"department": "Sums", "division": "North"}));
    assert_eq!(body["active"], json!(true));

    // Lists: adding, adding the same, value paths, the main one, removing.
    let work = json!({"value": "ada@acme.example", "type": "work", "primary": true});
    let home = json!({"value": "ada@home.example", "type": "home", "primary": true});
    patched(json!([{"op": "add", "path": "emails", "value": [work]}]));
    let first = patched(json!([{"op": "add", "path": "emails", "value": home}]));
    let mains: Vec<&Value> = first["emails"].as_array().unwrap().iter().map(|e| &e["primary"]).collect();
    assert_eq!(mains, [&json!(false), &json!(true)], "only the new one is the main one");
    let second = patched(json!([{"op": "add", "path": "emails", "value": [home]}]));
    assert_eq!(first, second, "what is there already changes nothing");
    let body = patched(json!([
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "countess@acme.example"},
        {"op": "add", "path": "emails[type eq \"work\"].display", "value": "At work"},
        {"op": "remove", "path": "emails[type eq \"home\" and primary eq true]"}
    ]));
    assert_eq!(
        body["emails"],
        json!([{"value": "countess@acme.example", "type": "work", "primary": false, "display": "At work"}])
    );
    let body =
        patched(json!([{"op": "remove", "path": "emails[type eq \"nothing\"]"}, {"op": "remove", "path": "emails"}]));
    assert!(body.get("emails").is_none());
    let body = patched(
        json!([{"op": "replace", "path": "nickName", "value": null}, {"op": "replace", "path": "title", "value": ""}]),
    );
    assert!(body.get("nickName").is_none());

    // Members: one by one, by a filter, by a list, all.
    let group = format!("/Groups/{core}");
    let members = |operations: Value| {
        sandbox.patch(&group, operations).is(200);
        sandbox.members(&core)
    };
    let add = json!([{"op": "add", "path": "members", "value": [{"value": eve}, {"value": bob}]}]);
    assert_eq!(members(add), sorted(&[&ada, &bob, &eve]));
    assert_eq!(
        members(json!([{"op": "remove", "path": format!("members[value eq \"{ada}\"]")}])),
        sorted(&[&bob, &eve])
    );
    assert_eq!(members(json!([{"op": "remove", "path": "members", "value": [{"value": bob}]}])), sorted(&[&eve]));
    assert_eq!(members(json!([{"op": "replace", "path": "members", "value": [{"value": ada}]}])), sorted(&[&ada]));
    assert_eq!(
        members(json!([{"op": "replace", "value": {"members": [{"value": bob}], "displayName": "Core"}}])),
        sorted(&[&bob])
    );
    assert_eq!(members(json!([{"op": "remove", "path": "members"}])), Vec::<String>::new());
}

#[test]
fn patch_says_what_is_wrong_and_then_changes_nothing() {
    let (sandbox, [ada, bob, core]) = Sandbox::peopled(&[]);
    let before = sandbox.get(&format!("/Users/{ada}")).json();
    let wrong = [
        (json!([{"op": "remove"}]), "noTarget"),
        (json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x"}]), "noTarget"),
        (json!([{"op": "replace", "path": "shoeSize", "value": 3}]), "invalidPath"),
        (json!([{"op": "replace", "path": "emails[type eq", "value": 3}]), "invalidFilter"),
        (json!([{"op": "replace", "path": "displayName[value eq \"x\"]", "value": 3}]), "invalidPath"),
        (json!([{"op": "replace", "path": "id", "value": "x"}]), "mutability"),
        (json!([{"op": "add", "path": "groups", "value": [{"value": core}]}]), "mutability"),
        (json!([{"op": "remove", "path": "userName"}]), "mutability"),
        (json!([{"op": "replace", "path": "active", "value": "maybe"}]), "invalidValue"),
        (json!([{"op": "replace", "path": "userName", "value": ""}]), "invalidValue"),
        (json!([{"op": "increment", "path": "active"}]), "invalidSyntax"),
        (json!([]), "invalidSyntax"),
        (json!([{"op": "replace", "path": "userName", "value": "BOB@acme.example"}]), "uniqueness"),
        (
            json!([{"op": "add", "path": "emails", "value": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}]),
            "invalidValue",
        ),
    ];
    for (operations, kind) in wrong {
        // With a good operation in front: none of the request is done.
        let mut all = vec![json!({"op": "replace", "path": "title", "value": "Countess"})];
        all.extend(operations.as_array().unwrap().clone());
        if operations == json!([]) {
            all.clear();
        }
        let status = if kind == "uniqueness" { 409 } else { 400 };
        sandbox.patch(&format!("/Users/{ada}"), json!(all)).error(status, Some(kind));
        assert_eq!(sandbox.get(&format!("/Users/{ada}")).json(), before, "{operations}");
    }
    let path = format!("members[value eq \"{bob}\"].value");
    sandbox
        .patch(&format!("/Groups/{core}"), json!([{"op": "replace", "path": path, "value": ada}]))
        .error(400, Some("mutability"));
    sandbox.patch("/Users/nobody", json!([{"op": "replace", "path": "active", "value": true}])).error(404, None);
}

#[test]
fn filters() {
    let sandbox = Sandbox::new();
    let people = [
        json!({"userName": "ada", "displayName": "Ada L", "active": true, "title": "Countess", "externalId": "A1",
            "emails": [{"value": "ada@acme.example", "type": "work"}, {"value": "x@home.example", "type": "home"}],
            ENTERPRISE: {"department": "Engines"}}),
        json!({"userName": "Bob", "displayName": "Bob \"the\" B", "active": false, "emails": [{"value": "x@acme.example", "type": "home"}]}),
        json!({"userName": "eve", "roles": [{"value": "admin"}], "name": {"familyName": "E"}}),
    ];
    let ids: Vec<String> = people.iter().map(|p| sandbox.made("/Users", p)).collect();
    let cases: [(String, &[&str]); 27] = [
        ("userName eq \"ADA\"".into(), &["ada"]),
        ("USERNAME Eq \"bob\"".into(), &["Bob"]),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"B\"".into(), &["Bob"]),
        ("userName ne \"ada\"".into(), &["Bob", "eve"]),
        ("title pr".into(), &["ada"]),
        ("not (title pr)".into(), &["Bob", "eve"]),
        ("title ne \"Countess\"".into(), &["Bob", "eve"]),
        ("active eq true".into(), &["ada", "eve"]),
        ("active eq \"False\"".into(), &["Bob"]),
        ("externalId eq \"a1\"".into(), &[]),
        ("externalId eq \"A1\"".into(), &["ada"]),
        ("displayName eq \"Bob \\\"the\\\" B\"".into(), &["Bob"]),
        ("emails co \"@acme\"".into(), &["ada", "Bob"]),
        ("emails.type eq \"home\"".into(), &["ada", "Bob"]),
        // The parts of one value, and those of any.
        ("emails[type eq \"home\" and value co \"@acme\"]".into(), &["Bob"]),
        ("emails.type eq \"home\" and emails.value co \"@acme\"".into(), &["ada", "Bob"]),
        (format!("{ENTERPRISE}:department eq \"engines\""), &["ada"]),
        ("name.familyName ew \"e\"".into(), &["eve"]),
        ("roles eq \"admin\" or title pr".into(), &["ada", "eve"]),
        // `and` binds more than `or`.
        ("userName eq \"eve\" or active eq false and title pr".into(), &["eve"]),
        ("(userName eq \"eve\" or active eq false) and not (roles pr)".into(), &["Bob"]),
        (format!("id eq \"{}\"", ids[2]), &["eve"]),
        (format!("id eq \"{}\" and active eq false", ids[2]), &[]),
        ("userName gt \"ada\" and userName le \"bob\"".into(), &["Bob"]),
        ("meta.created gt \"2001-01-01T00:00:00Z\"".into(), &["ada", "Bob", "eve"]),
        ("meta.lastModified lt \"2001-01-01T00:00:00+02:00\"".into(), &[]),
        ("title eq null".into(), &["Bob", "eve"]),
    ];
    for (filter, wanted) in cases {
        assert_eq!(sandbox.found(&filter), wanted, "{filter}");
    }
    let deep = format!("{}title pr{}", "(".repeat(100), ")".repeat(100));
    for wrong in [
        "",
        "userName",
        "userName eq",
        "userName eq ada",
        "userName is \"ada\"",
        "shoeSize eq \"3\"",
        "active gt true",
        "userName eq \"ada",
        "(userName pr",
        "userName pr)",
        "emails[type eq \"work\"",
        "userName[value pr]",
        "userName eq \"ada\" and",
        "not userName pr",
        "meta.created gt \"today\"",
        deep.as_str(),
    ] {
        sandbox.get(&format!("/Users?filter={}", encoded(wrong))).error(400, Some("invalidFilter"));
    }
}

#[test]
fn pages_by_index_and_by_cursor() {
    let sandbox = Sandbox::with(|o| (o.users, o.groups) = (250, 10));
    let page = |query: &str| sandbox.get(&format!("/Users?{query}")).is(200).json();
    let shape = |body: &Value| {
        (body["totalResults"].as_u64().unwrap(), body["startIndex"].as_u64(), body["itemsPerPage"].as_u64().unwrap())
    };
    let first = |body: &Value| body["Resources"][0]["userName"].as_str().map(str::to_owned);
    assert_eq!(shape(&page("")), (250, Some(1), 100));
    assert_eq!(shape(&page("startIndex=201")), (250, Some(201), 50));
    assert_eq!(first(&page("startIndex=201&count=1")).as_deref(), Some("user-00200@sandbox.example"));
    assert_eq!(shape(&page("startIndex=0&count=-3")), (250, Some(1), 0));
    assert_eq!(shape(&page("startIndex=900")), (250, Some(900), 0));
    assert_eq!(shape(&page("count=5000")), (250, Some(1), 250));
    sandbox.get("/Users?count=all").error(400, Some("invalidValue"));

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let body = page(&format!("cursor={cursor}&count=60"));
        assert!(body.get("startIndex").is_none());
        assert_eq!(body.get("previousCursor").is_some(), !seen.is_empty());
        seen.extend(body["Resources"].as_array().unwrap().iter().map(|u| u["id"].as_str().unwrap().to_owned()));
        match body["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 250);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 250);
    sandbox.get("/Users?cursor=mine").error(400, Some("invalidCursor"));

    let names = |query: &str| -> Vec<String> {
        let body = page(query);
        body["Resources"].as_array().unwrap().iter().map(|u| u["userName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        names("sortBy=userName&sortOrder=descending&count=2"),
        ["user-00249@sandbox.example", "user-00248@sandbox.example"]
    );
    assert_eq!(names("sortBy=meta.created&count=1"), ["user-00000@sandbox.example"]);
}

#[test]
fn searches_and_attributes() {
    let (sandbox, [ada, _, core]) = Sandbox::peopled(&[]);
    let search = |path: &str, body: Value| sandbox.send("POST", path, &body).is(200).json();
    let users = search("/Users/.search", json!({"filter": "userName sw \"ada\"", "attributes": ["userName"]}));
    let schemas = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
    assert_eq!(users["Resources"], json!([{"schemas": schemas, "id": ada, "userName": "ada@acme.example"}]));
    let all = search("/.search", json!({"filter": format!("displayName eq \"core\" or id eq \"{ada}\""), "count": 10}));
    assert_eq!(all["totalResults"], 2);
    let found: Vec<&str> = all["Resources"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert_eq!(found, [ada.as_str(), core.as_str()]);

    let keys =
        |path: &str| -> Vec<String> { sandbox.get(path).is(200).json().as_object().unwrap().keys().cloned().collect() };
    assert_eq!(keys(&format!("/Groups/{core}?excludedAttributes=members,meta")), ["displayName", "id", "schemas"]);
    assert_eq!(keys(&format!("/Users/{ada}?attributes=groups.display")), ["groups", "id", "schemas"]);
    let body = sandbox.get(&format!("/Users/{ada}?attributes=groups.display,groups.value")).json();
    assert_eq!(body["groups"], json!([{"display": "core", "value": core}]));
    assert_eq!(sandbox.handle.requests().iter().filter(|r| r.path.ends_with("/.search")).count(), 2);
}

#[test]
fn entity_tags() {
    let (sandbox, [ada, ..]) = Sandbox::peopled(&[]);
    let path = format!("/Users/{ada}");
    let tag = sandbox.get(&path).header("etag").unwrap();
    let with =
        |method: &str, name: &str, tag: &str, body: &Value| sandbox.with_headers(method, &path, &[(name, tag)], body);
    with("GET", "if-none-match", &tag, &Value::Null).is(304);
    with("GET", "if-none-match", "W/\"0\"", &Value::Null).is(200);
    with("PUT", "if-match", "W/\"0\"", &json!({"userName": "ada"})).error(412, None);
    with("DELETE", "if-match", "W/\"0\"", &Value::Null).error(412, None);
    let both = format!("W/\"0\", {tag}");
    let changed = with("PUT", "if-match", &both, &json!({"userName": "ada"})).is(200);
    assert_ne!(changed.header("etag").unwrap(), tag);
    with("DELETE", "if-match", &tag, &Value::Null).error(412, None);
    with("DELETE", "if-match", "*", &Value::Null).is(204);
}

#[test]
fn several_at_once() {
    let (sandbox, [ada, _, core]) = Sandbox::peopled(&[]);
    let bulk = |operations: Value, fail: u64| {
        let schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
        let body = json!({"schemas": [schema], "failOnErrors": fail, "Operations": operations});
        sandbox.send("POST", "/Bulk", &body)
    };
    // The group comes first and waits for the user that it names.
    let body = bulk(
        json!([
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"displayName": "new", "members": [{"value": "bulkId:u"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"userName": "new@acme.example"}},
            {"method": "PATCH", "path": format!("/Groups/{core}"), "data": {"Operations": [{"op": "add", "path": "members", "value": [{"value": "bulkId:u"}]}]}},
            {"method": "DELETE", "path": format!("/Users/{ada}")},
            {"method": "DELETE", "path": "/Users/nobody"}
        ]),
        0,
    );
    let body = body.is(200).json();
    let statuses: Vec<&str> =
        body["Operations"].as_array().unwrap().iter().map(|o| o["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["201", "201", "200", "204", "404"]);
    let made = body["Operations"][1]["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    assert!(sandbox.members(&core).contains(&made) && !sandbox.members(&core).contains(&ada));
    let group = body["Operations"][0]["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!(sandbox.members(&group), [made]);

    let stopped = bulk(
        json!([{"method": "DELETE", "path": "/Users/x"}, {"method": "DELETE", "path": format!("/Groups/{core}")}]),
        1,
    );
    assert_eq!(stopped.is(200).json()["Operations"].as_array().unwrap().len(), 1);
    sandbox.get(&format!("/Groups/{core}")).is(200);
    let circle = bulk(
        json!([{"method": "POST", "path": "/Groups", "bulkId": "a", "data": {"displayName": "a", "members": [{"value": "bulkId:b"}]}}]),
        0,
    );
    assert_eq!(circle.is(200).json()["Operations"][0]["status"], "409");
    let many: Vec<Value> = (0..1001).map(|_| json!({"method": "DELETE", "path": "/Users/x"})).collect();
    bulk(json!(many), 0).error(413, None);
    bulk(json!([{"method": "POST", "path": "/Users", "data": {}}]), 0).error(400, Some("invalidSyntax"));
}

#[test]
fn discovery() {
    let sandbox = Sandbox::new();
    let config = sandbox.get("/ServiceProviderConfig").is(200).json();
    for feature in ["patch", "bulk", "filter", "sort", "etag"] {
        assert_eq!(config[feature]["supported"], true, "{feature}");
    }
    assert_eq!(config["pagination"]["cursor"], true);
    let types = sandbox.get("/ResourceTypes").is(200).json();
    assert_eq!(types["totalResults"], 2);
    for one in types["Resources"].as_array().unwrap() {
        sandbox.get(&format!("/Schemas/{}", one["schema"].as_str().unwrap())).is(200);
        sandbox.get(one["endpoint"].as_str().unwrap()).is(200);
    }
    sandbox.get("/Schemas/urn:none").error(404, None);
    sandbox.get("/Schemas?filter=id%20pr").error(403, None);
    sandbox.send("POST", "/ResourceTypes", &json!({})).error(405, None);
    sandbox.get("/Me").error(501, None);
    sandbox.get("/Nothing").error(404, None);
    sandbox.send("POST", "/Users", &json!([])).error(400, Some("invalidSyntax"));
    let broken = sandbox.with_headers("POST", "/Users", &[], &Value::Null);
    broken.error(400, Some("invalidSyntax"));
}

#[test]
fn the_token_opens_and_nothing_else_does() {
    let sandbox = Sandbox::new();
    for header in [None, Some("Bearer other"), Some("Basic Y2FuYXJ5"), Some("Bearer")] {
        for path in ["/scim/v2/Users", "/sandbox/requests"] {
            let headers: Vec<(&str, &str)> = header.into_iter().map(|h| ("authorization", h)).collect();
            let got = send(sandbox.handle.addr(), "GET", path, &headers, "");
            got.error(401, None);
        }
    }
    assert!(!format!("{:?}", sandbox.handle).contains(TOKEN));
    assert!(!format!("{:?}", Options::new(TOKEN)).contains(TOKEN));
    assert!(sandbox.handle.addr().ip().is_loopback());
}

#[test]
fn what_happened_can_be_asked_for() {
    let (sandbox, [ada, ..]) = Sandbox::peopled(&[]);
    let bearer = format!("Bearer {TOKEN}");
    let control = |method: &str, path: &str, body: &str| {
        send(sandbox.handle.addr(), method, &format!("/sandbox/{path}"), &[("authorization", &bearer)], body)
    };
    control("DELETE", "requests", "").is(204);
    sandbox.get(&format!("/Users/{ada}"));
    sandbox.get("/Users?filter=title%20pr");
    let told = control("GET", "requests", "").is(200).json();
    assert_eq!(told["count"], 2);
    assert_eq!(
        told["requests"][1],
        json!({"method": "GET", "path": "/scim/v2/Users", "query": {"filter": "title pr"}, "status": 200, "faults": []})
    );
    assert!(!told.to_string().contains(TOKEN));
    control("POST", "faults", r#"{"faults": ["throttle=3,first=1"]}"#).is(200);
    sandbox.get("/Users").is(429);
    sandbox.get("/Users").is(200);
    assert_eq!(sandbox.handle.requests()[2].faults, ["throttle"]);
    let wrong = control("POST", "faults", r#"{"faults": ["nonsense"]}"#).is(400).json();
    assert_eq!(wrong["error"], "there is no fault `nonsense`");
    assert_eq!(control("GET", "faults", "").is(200).json(), json!({"faults": ["throttle=3,first=1"]}));
    control("GET", "other", "").is(404);
    assert_eq!(sandbox.handle.count(), 4);
}

/// Each fault has a test here, which is its name.
struct Case {
    fault: &'static Spec,
    test: fn(&str),
}

fn spec(name: &str) -> &'static Spec {
    TRANSPORT.iter().chain(FAULTS).find(|s| s.name == name).copied().unwrap_or_else(|| panic!("no fault {name}"))
}

fn case(name: &'static str, test: fn(&str)) -> Case {
    Case { fault: spec(name), test }
}

fn throttled(fault: &str, header: impl Fn(Option<String>)) {
    let (sandbox, [ada, ..]) = Sandbox::peopled(&[fault]);
    let got = sandbox.delete(&format!("/Users/{ada}")).is(429);
    header(got.header("retry-after"));
    sandbox.handle.set_faults(&[]).unwrap();
    sandbox.get(&format!("/Users/{ada}")).is(200);
}

fn transport_cases() -> Vec<Case> {
    vec![
        case("throttle", |_| throttled("throttle=7", |h| assert_eq!(h.as_deref(), Some("7")))),
        case("throttle-date", |_| {
            throttled("throttle-date=60", |h| {
                let date = h.unwrap();
                let at = jiff_second(&date);
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
                assert!((57..=61).contains(&(at - i64::try_from(now).unwrap())), "{date}");
            });
        }),
        case("throttle-bare", |fault| throttled(fault, |h| assert_eq!(h, None))),
        case("rate", |_| {
            let sandbox = Sandbox::new();
            sandbox.handle.set_faults(&["rate=3"]).unwrap();
            let statuses: Vec<u16> = (0..5).map(|_| sandbox.get("/Users").status.unwrap()).collect();
            assert_eq!(statuses, [200, 200, 200, 429, 429]);
            let wait: u64 = sandbox.get("/Users").header("retry-after").unwrap().parse().unwrap();
            assert!((50..=60).contains(&wait), "{wait}");
        }),
        case("error-before", |_| {
            let (sandbox, [ada, ..]) = Sandbox::peopled(&["error-before=502"]);
            sandbox.delete(&format!("/Users/{ada}")).error(502, None);
            sandbox.handle.set_faults(&[]).unwrap();
            sandbox.get(&format!("/Users/{ada}")).is(200);
        }),
        case("error-after", |fault| {
            let (sandbox, [ada, ..]) = Sandbox::peopled(&[fault]);
            sandbox.delete(&format!("/Users/{ada}")).error(500, None);
            sandbox.get(&format!("/Users/{ada}")).error(404, None);
        }),
        case("slow", |_| {
            let sandbox = Sandbox::new();
            sandbox.handle.set_faults(&["slow=120,every=2"]).unwrap();
            let time = || {
                let start = Instant::now();
                sandbox.get("/Users").is(200);
                start.elapsed()
            };
            let (first, second) = (time(), time());
            assert!(second >= Duration::from_millis(120), "{first:?} {second:?}");
            // Who does not wait has asked all the same.
            sandbox.handle.set_faults(&["slow=60000"]).unwrap();
            let mut stream = TcpStream::connect(sandbox.handle.addr()).unwrap();
            let body = json!({"userName": "late"}).to_string();
            let head = format!(
                "POST /scim/v2/Users HTTP/1.1\r\nauthorization: Bearer {TOKEN}\r\nhost: s\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            super::common::wait_until("it was done", || sandbox.handle.count() == 3);
            drop(stream);
            sandbox.handle.set_faults(&[]).unwrap();
            assert_eq!(sandbox.found("userName pr"), ["late"]);
        }),
        case("truncated", |fault| {
            let (sandbox, [ada, ..]) = Sandbox::peopled(&[fault]);
            let got = sandbox.send("PUT", &format!("/Users/{ada}"), &json!({"userName": "new"})).is(200);
            let length: usize = got.header("content-length").unwrap().parse().unwrap();
            assert!(got.body.len() == length / 2, "{} of {length}", got.body.len());
            assert!(serde_json::from_slice::<Value>(&got.body).is_err());
            sandbox.handle.set_faults(&[]).unwrap();
            assert_eq!(sandbox.get(&format!("/Users/{ada}")).json()["userName"], "new", "it was done");
        }),
        case("closed", |fault| {
            let (sandbox, [ada, ..]) = Sandbox::peopled(&[fault]);
            let got = sandbox.delete(&format!("/Users/{ada}"));
            assert_eq!((got.status, got.head.as_str()), (None, ""));
            sandbox.get(&format!("/Users/{ada}")).error(404, None);
            assert_eq!(sandbox.handle.requests()[3].status, None);
        }),
        case("closed-before", |fault| {
            let (sandbox, [ada, ..]) = Sandbox::peopled(&[fault]);
            assert_eq!(sandbox.delete(&format!("/Users/{ada}")).status, None);
            sandbox.handle.set_faults(&[]).unwrap();
            sandbox.get(&format!("/Users/{ada}")).is(200);
        }),
        case("html-errors", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            let got = sandbox.get("/Users/nobody").is(404);
            assert!(got.header("content-type").unwrap().starts_with("text/html"));
            assert!(got.body.starts_with(b"<!doctype html>"));
        }),
        case("empty-errors", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            assert!(sandbox.get("/Users/nobody").is(404).body.is_empty());
        }),
        case("no-content", |fault| {
            let (sandbox, [ada, ..]) = Sandbox::peopled(&[fault]);
            let path = format!("/Users/{ada}");
            assert!(
                sandbox.patch(&path, json!([{"op": "replace", "path": "title", "value": "T"}])).is(204).body.is_empty()
            );
            assert_eq!(sandbox.get(&path).is(200).json()["title"], "T");
            sandbox.send("POST", "/Users", &json!({"userName": "n"})).is(201);
        }),
        case("plain-json", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            assert_eq!(sandbox.get("/Users").header("content-type").as_deref(), Some("application/json"));
        }),
    ]
}

/// The second that an HTTP date names, read by hand.
fn jiff_second(date: &str) -> i64 {
    let parts: Vec<&str> = date.split([' ', ':', ',']).filter(|p| !p.is_empty()).collect();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|m| *m == parts[2]).unwrap() + 1;
    let text = format!("{}-{month:02}-{}T{}:{}:{}Z", parts[3], parts[1], parts[4], parts[5], parts[6]);
    rolecall::model::Moment::parse(&text).unwrap().second()
}

fn list_cases() -> Vec<Case> {
    fn total(sandbox: &Sandbox, query: &str) -> (u64, usize) {
        let body = sandbox.get(&format!("/Users?{query}")).is(200).json();
        (body["totalResults"].as_u64().unwrap(), body["Resources"].as_array().unwrap().len())
    }
    const NAMED: &str = "filter=userName%20eq%20%22ada@acme.example%22";
    vec![
        case("no-filter", |_| {
            let (sandbox, _) = Sandbox::peopled(&["no-filter=403"]);
            sandbox.get(&format!("/Users?{NAMED}")).error(403, None);
            assert_eq!(total(&sandbox, ""), (2, 2));
            sandbox.handle.set_faults(&["no-filter"]).unwrap();
            sandbox.get(&format!("/Users?{NAMED}")).error(501, None);
            assert_eq!(sandbox.get("/ServiceProviderConfig").json()["filter"]["supported"], false);
        }),
        case("ignored-filter", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            assert_eq!(total(&sandbox, NAMED), (2, 2));
        }),
        case("empty-filter", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            assert_eq!(total(&sandbox, NAMED), (0, 0));
        }),
        case("filter-cap", |_| {
            let (sandbox, _) = Sandbox::peopled(&["filter-cap=2"]);
            let part = "userName%20pr";
            assert_eq!(total(&sandbox, &format!("filter={part}%20or%20{part}")), (2, 2));
            sandbox.get(&format!("/Users?filter={part}%20or%20{part}%20or%20{part}")).error(400, Some("invalidFilter"));
        }),
        case("page-cap", |_| {
            let (sandbox, _) = Sandbox::peopled(&["page-cap=1"]);
            assert_eq!(total(&sandbox, "count=100"), (2, 1));
            assert_eq!(total(&sandbox, "startIndex=2&count=100"), (2, 1));
            assert_eq!(sandbox.get("/ServiceProviderConfig").json()["filter"]["maxResults"], 1);
        }),
        case("no-count", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            sandbox.get("/Users?count=10").error(500, None);
            assert_eq!(total(&sandbox, ""), (2, 2));
        }),
        case("wrong-total", |_| {
            let (sandbox, _) = Sandbox::peopled(&["wrong-total=5"]);
            assert_eq!(total(&sandbox, ""), (7, 2));
        }),
        case("low-total", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            assert_eq!(total(&sandbox, ""), (1, 2));
        }),
        case("short-list", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            assert_eq!(total(&sandbox, ""), (1, 1));
        }),
        case("repeated-item", |fault| {
            let (sandbox, [ada, bob, _]) = Sandbox::peopled(&[fault]);
            let eve = sandbox.user("eve@acme.example");
            let ids = |query: &str| -> Vec<String> {
                let body = sandbox.get(&format!("/Users?{query}")).json();
                body["Resources"].as_array().unwrap().iter().map(|u| u["id"].as_str().unwrap().to_owned()).collect()
            };
            assert_eq!(ids("count=2"), [ada, bob.clone()]);
            assert_eq!(ids("count=2&startIndex=3"), [bob, eve]);
        }),
        case("cursor-only", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            let body = sandbox.get("/Users?count=1&startIndex=2").json();
            assert_eq!(body["Resources"][0]["userName"], "ada@acme.example");
            let next = body["nextCursor"].as_str().unwrap();
            let body = sandbox.get(&format!("/Users?count=1&cursor={next}")).json();
            assert_eq!((&body["Resources"][0]["userName"], body.get("nextCursor")), (&json!("bob@acme.example"), None));
        }),
        case("expired-cursor", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            let next = sandbox.get("/Users?count=1&cursor=").is(200).json()["nextCursor"].as_str().unwrap().to_owned();
            sandbox.get(&format!("/Users?count=1&cursor={next}")).error(400, Some("expiredCursor"));
        }),
        case("no-sort", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            let body = sandbox.get("/Users?sortBy=userName&sortOrder=descending").json();
            assert_eq!(body["Resources"][0]["userName"], "ada@acme.example");
        }),
        case("no-search", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            sandbox.send("POST", "/Users/.search", &json!({})).error(501, None);
        }),
        case("changed-names", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            assert_eq!(sandbox.found("userName eq \"ada@acme.example\""), ["Ada@acme.example"]);
        }),
    ]
}

fn write_cases() -> Vec<Case> {
    fn add(user: &str) -> Value {
        json!([{"op": "add", "path": "members", "value": [{"value": user}]}])
    }
    vec![
        case("empty-members", |fault| {
            let (sandbox, [ada, _, core]) = Sandbox::peopled(&[fault]);
            assert_eq!(sandbox.get(&format!("/Groups/{core}")).json()["members"], json!([]));
            assert_eq!(sandbox.get("/Groups").json()["Resources"][0]["members"], json!([]));
            let query = format!("/Groups?filter={}", encoded(&format!("members eq \"{ada}\" and id eq \"{core}\"")));
            assert_eq!(sandbox.get(&query).json()["totalResults"], 1, "and a filter finds them");
        }),
        case("members-by-name", |fault| {
            let (sandbox, [ada, _, core]) = Sandbox::peopled(&[fault]);
            let (path, eve) = (format!("/Groups/{core}"), "eve@acme.example");
            sandbox.user(eve);
            assert_eq!(sandbox.members(&core), ["ada@acme.example", "bob@acme.example"]);
            sandbox.patch(&path, add(eve)).is(200);
            sandbox.patch(&path, json!([{"op": "remove", "path": "members[value eq \"ada@acme.example\"]"}])).is(200);
            sandbox.patch(&path, json!([{"op": "remove", "path": format!("members[value eq \"{ada}\"]")}])).is(200);
            assert_eq!(sandbox.members(&core), ["bob@acme.example", eve]);
            sandbox.handle.set_faults(&[]).unwrap();
            assert!(!sandbox.members(&core).contains(&eve.to_owned()), "kept by id");
        }),
        case("dangling-members", |fault| {
            let (sandbox, [ada, bob, core]) = Sandbox::peopled(&[fault]);
            sandbox.delete(&format!("/Users/{ada}")).is(204);
            assert_eq!(sandbox.members(&core), sorted(&[&ada, &bob]));
            sandbox
                .patch(&format!("/Groups/{core}"), json!([{"op": "replace", "path": "displayName", "value": "x"}]))
                .is(200);
            sandbox
                .patch(
                    &format!("/Groups/{core}"),
                    json!([{"op": "remove", "path": format!("members[value eq \"{ada}\"]")}]),
                )
                .is(200);
            assert_eq!(sandbox.members(&core), [bob]);
            sandbox.patch(&format!("/Groups/{core}"), add(&ada)).error(400, Some("invalidValue"));
        }),
        case("no-members-replace", |fault| {
            let (sandbox, [ada, bob, core]) = Sandbox::peopled(&[fault]);
            let path = format!("/Groups/{core}");
            for refused in [
                json!([{"op": "replace", "path": "members", "value": [{"value": ada}]}]),
                json!([{"op": "replace", "value": {"members": [{"value": ada}]}}]),
                json!([{"op": "remove", "path": "members"}]),
            ] {
                sandbox.patch(&path, refused).error(400, Some("invalidValue"));
            }
            sandbox.patch(&path, json!([{"op": "remove", "path": format!("members[value eq \"{ada}\"]")}])).is(200);
            assert_eq!(sandbox.members(&core), [bob]);
        }),
        case("no-members-filter", |fault| {
            let (sandbox, [ada, bob, core]) = Sandbox::peopled(&[fault]);
            let path = format!("/Groups/{core}");
            sandbox
                .patch(&path, json!([{"op": "remove", "path": format!("members[value eq \"{ada}\"]")}]))
                .error(400, Some("invalidPath"));
            sandbox.patch(&path, json!([{"op": "remove", "path": "members", "value": [{"value": ada}]}])).is(200);
            assert_eq!(sandbox.members(&core), [bob]);
        }),
        case("no-members-list", |fault| {
            let (sandbox, [ada, _, core]) = Sandbox::peopled(&[fault]);
            let removal = json!([{"op": "remove", "path": "members", "value": [{"value": ada}]}]);
            sandbox.patch(&format!("/Groups/{core}"), removal).error(400, Some("invalidValue"));
        }),
        case("members-cap", |_| {
            let (sandbox, [ada, bob, core]) = Sandbox::peopled(&["members-cap=1"]);
            let path = format!("/Groups/{core}");
            let two = json!([{"op": "add", "path": "members", "value": [{"value": ada}, {"value": bob}]}]);
            sandbox.patch(&path, two).error(400, Some("invalidValue"));
            sandbox.patch(&path, add(&ada)).is(200);
        }),
        case("no-patch", |fault| {
            let (sandbox, [ada, ..]) = Sandbox::peopled(&[fault]);
            sandbox.patch(&format!("/Users/{ada}"), json!([{"op": "remove", "path": "title"}])).error(501, None);
            let offered = || sandbox.get("/ServiceProviderConfig").json()["patch"]["supported"].clone();
            assert_eq!(offered(), false);
            sandbox.handle.set_faults(&["no-patch,method=PATCH"]).unwrap();
            assert_eq!(offered(), true, "it says so and does not");
        }),
        case("no-put", |fault| {
            let (sandbox, [ada, ..]) = Sandbox::peopled(&[fault]);
            sandbox.send("PUT", &format!("/Users/{ada}"), &json!({"userName": "x"})).error(501, None);
        }),
        case("lost-write", |fault| {
            let (sandbox, [ada, bob, core]) = Sandbox::peopled(&[fault]);
            let made = sandbox.made("/Users", &json!({"userName": "new"}));
            sandbox.delete(&format!("/Users/{ada}")).is(204);
            let title = json!([{"op": "replace", "path": "title", "value": "T"}]);
            assert_eq!(sandbox.patch(&format!("/Users/{bob}"), title).is(200).json()["title"], "T");
            sandbox.get(&format!("/Users/{made}")).error(404, None);
            sandbox.get(&format!("/Users/{ada}")).is(200);
            assert!(sandbox.get(&format!("/Users/{bob}")).json().get("title").is_none());
            assert_eq!(sandbox.members(&core), sorted(&[&ada, &bob]));
            assert_eq!(sandbox.found("userName eq \"new\""), Vec::<String>::new());
        }),
        case("delayed", |_| {
            let (sandbox, [ada, bob, core]) = Sandbox::peopled(&["delayed=400"]);
            let start = Instant::now();
            let made = sandbox.made("/Users", &json!({"userName": "new"}));
            sandbox.delete(&format!("/Users/{ada}")).is(204);
            let soon = (
                sandbox.get(&format!("/Users/{made}")).status,
                sandbox.get(&format!("/Users/{ada}")).status,
                sandbox.members(&core),
                sandbox.found("userName pr"),
                sandbox.found("userName eq \"new\""),
            );
            // On a machine that stalls, what was seen says nothing.
            if start.elapsed() < Duration::from_millis(350) {
                let people = vec!["ada@acme.example".to_owned(), "bob@acme.example".to_owned()];
                assert_eq!(soon, (Some(404), Some(200), sorted(&[&ada, &bob]), people, vec![]));
            }
            std::thread::sleep(Duration::from_millis(450));
            assert_eq!(sandbox.found("userName pr"), ["bob@acme.example", "new"]);
            assert_eq!(sandbox.found("userName eq \"new\""), ["new"]);
            assert_eq!(sandbox.members(&core), [bob]);
        }),
        case("put-suspends", |fault| {
            let (sandbox, [ada, ..]) = Sandbox::peopled(&[fault]);
            let put =
                |body: Value| sandbox.send("PUT", &format!("/Users/{ada}"), &body).is(200).json()["active"].clone();
            assert_eq!(put(json!({"userName": "a"})), false);
            assert_eq!(put(json!({"userName": "a", "active": true})), true);
        }),
        case("duplicate-is-500", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            sandbox.send("POST", "/Users", &json!({"userName": "ada@acme.example"})).error(500, None);
        }),
        case("name-stays-taken", |fault| {
            let (sandbox, [ada, ..]) = Sandbox::peopled(&[fault]);
            sandbox.delete(&format!("/Users/{ada}")).is(204);
            sandbox.send("POST", "/Users", &json!({"userName": "ada@acme.example"})).error(409, Some("uniqueness"));
        }),
        case("strict-schema", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            for body in [
                json!({"userName": "n", "shoeSize": 3}),
                json!({"userName": "n", "name": {"short": "N"}}),
                json!({"userName": "n", (ENTERPRISE): {"floor": "3"}}),
            ] {
                sandbox.send("POST", "/Users", &body).error(400, Some("invalidSyntax"));
            }
            sandbox.user("n");
        }),
    ]
}

fn other_cases() -> Vec<Case> {
    vec![
        case("no-etag", |fault| {
            let (sandbox, [ada, ..]) = Sandbox::peopled(&[fault]);
            let got = sandbox.get(&format!("/Users/{ada}")).is(200);
            assert_eq!((got.header("etag"), got.json()["meta"].get("version")), (None, None));
            let body = json!({"userName": "x"});
            sandbox.with_headers("PUT", &format!("/Users/{ada}"), &[("if-match", "W/\"0\"")], &body).is(200);
            assert_eq!(sandbox.get("/ServiceProviderConfig").json()["etag"]["supported"], false);
        }),
        case("wrong-etag", |fault| {
            let (sandbox, [ada, ..]) = Sandbox::peopled(&[fault]);
            let (a, b) = (sandbox.get(&format!("/Users/{ada}")), sandbox.get(&format!("/Users/{ada}")));
            assert_ne!(a.header("etag"), b.header("etag"));
            assert_ne!(a.header("etag").as_deref(), a.json()["meta"]["version"].as_str());
            let tag = a.header("etag").unwrap();
            sandbox
                .with_headers("DELETE", &format!("/Users/{ada}"), &[("if-match", &tag)], &Value::Null)
                .error(412, None);
        }),
        case("no-bulk", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            sandbox.send("POST", "/Bulk", &json!({"Operations": []})).error(501, None);
            assert_eq!(sandbox.get("/ServiceProviderConfig").json()["bulk"]["supported"], false);
        }),
        case("no-discovery", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            for path in ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes/User"] {
                sandbox.get(path).error(404, None);
            }
        }),
        case("lying-config", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault, "no-bulk", "no-filter"]);
            let config = sandbox.get("/ServiceProviderConfig").json();
            assert_eq!((&config["bulk"]["supported"], &config["filter"]["supported"]), (&json!(true), &json!(true)));
            sandbox.get("/Users?filter=title%20pr").error(501, None);
        }),
        case("integer-status", |fault| {
            let (sandbox, _) = Sandbox::peopled(&[fault]);
            assert_eq!(sandbox.get("/Users/nobody").is(404).json()["status"], json!(404));
        }),
    ]
}

#[test]
fn every_fault_does_what_it_says() {
    let cases: Vec<Case> =
        [transport_cases(), list_cases(), write_cases(), other_cases()].into_iter().flatten().collect();
    for spec in TRANSPORT.iter().chain(FAULTS) {
        assert!(cases.iter().any(|c| std::ptr::eq(c.fault, *spec)), "`{}` has no test", spec.name);
    }
    for case in cases {
        println!("{}", case.fault.name);
        (case.test)(case.fault.name);
    }
}

#[test]
fn the_state_is_a_directory_and_outlives_the_server() {
    let env = TestEnv::new();
    let path = env.file("state.db");
    let sandbox = Sandbox::at(&path);
    let ada = sandbox.made(
        "/Users",
        &json!({"userName": "Ada@acme.example", "displayName": "Ada", "roles": [{"value": "analyst"}, {"value": "admin", "primary": true}],
            "timezone": "Europe/London", "externalId": "e-1", ENTERPRISE: {"department": "Engines"}}),
    );
    let bob = sandbox.user("bob@acme.example");
    let core = sandbox.group("core", &[&ada, &bob]);
    let all = sandbox.group("all", &[&core]);
    let twin = sandbox.group("core", &[&bob]);
    sandbox.patch(&format!("/Users/{bob}"), json!([{"op": "replace", "path": "active", "value": false}])).is(200);
    sandbox.handle.flush().unwrap();
    let lines = dump(&path);
    has(
        &lines.join("\n"),
        &[
            "user ada@acme.example | Ada | person | admin | active | - | - | Europe/London | -",
            "attribute ada@acme.example | department | Engines",
            "user bob@acme.example | - | person | - | disabled",
            "member core | ada@acme.example",
            "team core | - | - | all",
            &format!("member core ({twin}) | bob@acme.example"),
        ],
    );
    let shown = sandbox.get("/Users").json();
    let groups = sandbox.get("/Groups").json();
    let origin = sandbox.handle.origin().to_owned();
    sandbox.handle.stop().unwrap();

    // What comes back is what was there, to the letter, but for the port.
    let sandbox = Sandbox::at(&path);
    let moved = |value: &Value| value.to_string().replace(&origin, sandbox.handle.origin());
    assert_eq!(sandbox.get("/Users").json().to_string(), moved(&shown));
    assert_eq!(sandbox.get("/Groups").json().to_string(), moved(&groups));
    // Renamed, moved, swapped and gone: the directory follows.
    sandbox
        .patch(
            &format!("/Users/{ada}"),
            json!([{"op": "replace", "path": "userName", "value": "countess@acme.example"}]),
        )
        .is(200);
    sandbox.delete(&format!("/Groups/{all}")).is(204);
    sandbox.delete(&format!("/Users/{bob}")).is(204);
    sandbox
        .patch(&format!("/Groups/{core}"), json!([{"op": "replace", "path": "displayName", "value": "kernel"}]))
        .is(200);
    sandbox.handle.stop().unwrap();
    let lines: Vec<String> =
        dump(&path).into_iter().filter(|l| !l.starts_with("role ") && !l.starts_with("attribute ")).collect();
    assert_eq!(
        lines,
        [
            "member kernel | countess@acme.example | - | - | -".to_owned(),
            format!("team core ({twin}) | - | - | - | - | - | - | - | - | -"),
            "team kernel | - | - | - | - | - | - | - | - | -".to_owned(),
            "user countess@acme.example | Ada | person | admin | active | - | - | Europe/London | -".to_owned(),
        ]
    );
    assert!(!rows(&path, "SELECT body FROM sandbox_things").join("").contains(TOKEN));
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

#[test]
fn whatever_is_done_the_directory_follows() {
    let env = TestEnv::new();
    let path = env.file("state.db");
    let mut sandbox = Sandbox::at(&path);
    let mut dice = Dice(7);
    for round in 0..4 {
        for _ in 0..120 {
            let ids = |endpoint: &str| -> Vec<String> {
                let body = sandbox.get(&format!("/{endpoint}?attributes=id&count=1000")).is(200).json();
                body["Resources"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect()
            };
            let (users, groups) = (ids("Users"), ids("Groups"));
            let all: Vec<&String> = users.iter().chain(&groups).collect();
            // Few names, so that they are taken, swapped and free again; refusals are part of it.
            let name = format!("name-{}", dice.below(12));
            let one =
                |list: &[String], dice: &mut Dice| list.get(dice.below(list.len().max(1))).cloned().unwrap_or_default();
            let member = all.get(dice.below(all.len().max(1))).map_or("nobody", |m| m.as_str());
            let (user, group) = (one(&users, &mut dice), one(&groups, &mut dice));
            let on_group = |operations: Value| sandbox.patch(&format!("/Groups/{group}"), operations);
            let on_user = |operations: Value| sandbox.patch(&format!("/Users/{user}"), operations);
            match dice.below(12) {
                0 | 1 => sandbox.send("POST", "/Users", &json!({"userName": name, "title": name})),
                2 => sandbox.send("POST", "/Groups", &json!({"displayName": name, "members": [{"value": member}]})),
                3 => on_user(json!([{"op": "replace", "path": "userName", "value": name}])),
                4 => on_user(
                    json!([{"op": "replace", "path": "active", "value": dice.below(2) == 0}, {"op": "replace", "path": "roles", "value": [{"value": name}]}]),
                ),
                5 => sandbox.send(
                    "PUT",
                    &format!("/Users/{user}"),
                    &json!({"userName": name, ENTERPRISE: {"division": "North"}}),
                ),
                6 | 7 => on_group(json!([{"op": "add", "path": "members", "value": [{"value": member}]}])),
                8 => on_group(json!([{"op": "remove", "path": format!("members[value eq \"{member}\"]")}])),
                9 => on_group(json!([{"op": "replace", "value": {"displayName": name}}])),
                10 if dice.below(3) == 0 => sandbox.delete(&format!("/Groups/{group}")),
                _ if dice.below(3) == 0 => sandbox.delete(&format!("/Users/{user}")),
                _ => on_group(
                    json!([{"op": "replace", "path": "members", "value": [{"value": member}, {"value": user}]}]),
                ),
            };
        }
        sandbox.handle.flush().expect("every change is one that the directory takes");
        let changes = |path: &Path| rows(path, "SELECT count(*) FROM audit");
        let (lists, before) =
            (["Users", "Groups"].map(|e| sandbox.get(&format!("/{e}?count=1000")).json()), changes(&path));
        let origin = sandbox.handle.origin().to_owned();
        sandbox.handle.stop().unwrap();
        sandbox = Sandbox::at(&path);
        for (endpoint, list) in ["Users", "Groups"].iter().zip(&lists) {
            let again = sandbox.get(&format!("/{endpoint}?count=1000")).json().to_string();
            assert_eq!(again, list.to_string().replace(&origin, sandbox.handle.origin()), "round {round}");
        }
        sandbox.handle.flush().unwrap();
        assert_eq!(changes(&path), before, "round {round}: the directory was what it must be");
        let told: usize = lists.iter().map(|l| usize::try_from(l["totalResults"].as_u64().unwrap()).unwrap()).sum();
        assert!(told > 4, "{told} things are there");
    }
}

#[test]
fn a_directory_that_others_filled_becomes_a_sandbox() {
    let env = TestEnv::with(
        "version: 1\ntargets: {home: {provider: directory, url: \"sqlite:.rolecall/home.db\", catalogue: strongly}}\n\
         users:\n  ada@x.example: {role: admin, name: Ada}\n  bob@x.example: {role: admin}\n\
         teams:\n  core: {members: [ada@x.example], in: all}\n  all: {members: [bob@x.example]}\n",
    );
    env.apply();
    env.edit("rolecall.yaml", "bob@x.example: {role: admin}", "bob@x.example: {role: admin, state: disabled}");
    env.apply();
    let before = env.dump();
    let sandbox = Sandbox::at(&env.home());
    assert_eq!(sandbox.found("active eq false"), ["bob@x.example"]);
    // While it is served, nobody else writes it.
    let again = {
        let mut options = Options::new(TOKEN).unwrap();
        options.state = Some(env.home());
        serve(&options).unwrap_err().to_string()
    };
    has(&again, &["the state cannot be used", "rolecall sandbox"]);
    env.edit("rolecall.yaml", "name: Ada", "name: Countess");
    env.run(&["apply", "--auto-approve"]).ended(1).says(&["rolecall sandbox"]);
    env.edit("rolecall.yaml", "name: Countess", "name: Ada");
    let groups = sandbox.get("/Groups").json();
    let names: Vec<&str> =
        groups["Resources"].as_array().unwrap().iter().map(|g| g["displayName"].as_str().unwrap()).collect();
    assert_eq!(names, ["all", "core"]);
    sandbox.handle.stop().unwrap();
    assert_eq!(env.dump(), before, "looking changes nothing");
    env.is_converged();
}

#[test]
fn a_declaration_is_where_it_begins() {
    let env = TestEnv::with(
        "version: 1\ntargets: {idp: {provider: scim, url: \"https://scim.example\", credentials: {token: \"${TOKEN}\"}}}\n\
         users:\n  ada@x.example: {name: Ada, targets: [idp]}\n  bob@x.example: {targets: [idp], state: disabled}\n\
         teams:\n  idp:core: {members: [ada@x.example]}\n",
    );
    env.run(&["validate"]).ended(0);
    let sandbox = Sandbox::with(|o| o.seed = Some(env.path().to_owned()));
    assert_eq!(sandbox.found("active eq true"), ["ada@x.example"]);
    assert_eq!(sandbox.found("active eq false"), ["bob@x.example"]);
    let groups = sandbox.get("/Groups?attributes=members.display").json();
    assert_eq!(groups["Resources"][0]["members"][0]["display"], "Ada");
    let mut options = Options::new(TOKEN).unwrap();
    options.seed = Some(env.file("nothing"));
    let error = serve(&options).unwrap_err().to_string();
    assert!(error.starts_with("the seed cannot be used: there is no declaration"), "{error}");
}

#[test]
fn sixteen_at_a_time_are_bound_by_the_latency_alone() {
    const CLIENTS: usize = 16;
    const EACH: usize = 20;
    let env = TestEnv::new();
    let sandbox = Sandbox::with(|o| {
        (o.users, o.groups) = (2000, 100);
        o.state = Some(env.file("state.db"));
        o.serve.latency = Duration::from_millis(20);
    });
    sandbox.handle.flush().unwrap();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let sandbox = &sandbox;
            scope.spawn(move || {
                for number in 0..EACH {
                    let name = format!("new-{client}-{number}@x.example");
                    sandbox.send("POST", "/Users", &json!({"userName": name})).is(201);
                }
            });
        }
    });
    let (took, least) = (start.elapsed(), Duration::from_millis(20) * EACH as u32);
    assert!(took >= least, "{took:?}");
    // One after the other it would be sixteen times as long. The margin is for a busy machine.
    assert!(took < least * 6, "{took:?} for {least:?}");
    sandbox.handle.stop().unwrap();
    assert_eq!(rows(&env.file("state.db"), "SELECT count(*) FROM users"), ["Integer(2320)"]);
}

/// The binary as a server, until it is told to end.
#[cfg(unix)]
#[test]
fn the_command_serves_until_it_is_told_to_end() {
    use std::io::{BufRead, BufReader};

    let env = TestEnv::new();
    for signal in ["-TERM", "-INT"] {
        let mut command =
            env.command(&["sandbox", "scim", "--port", "0", "--json", "--state", "state.db", "--users", "3"]);
        let mut server = command.env("ROLECALL_SANDBOX_TOKEN", TOKEN).spawn().unwrap();
        let mut out = BufReader::new(server.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let addr: SocketAddr = told["listening"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
        assert_eq!(told["api"], json!(format!("http://{addr}/scim/v2")));
        let bearer = format!("Bearer {TOKEN}");
        let name = format!("made{signal}@x.example");
        let body = json!({"userName": name}).to_string();
        send(addr, "POST", "/scim/v2/Users", &[("authorization", &bearer)], &body).is(201);
        let sent = std::process::Command::new("kill").args([signal, &server.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        let output = super::common::Output::of(server.wait_with_output().unwrap()).ended(0);
        let note = "note: the state holds people already, so nothing was added at the beginning\n";
        let note = if signal == "-TERM" { "" } else { note };
        assert_eq!((rest.as_str(), output.stderr.as_str()), ("", note), "it has nothing else to say");
        assert!(!line.contains(TOKEN));
        let kept = rows(&env.file("state.db"), "SELECT email FROM users ORDER BY email");
        assert!(
            kept.contains(&name.to_lowercase()) && kept.contains(&"user-00002@sandbox.example".to_owned()),
            "{kept:?}"
        );
    }
    let users = rows(&env.file("state.db"), "SELECT count(*) FROM users");
    assert_eq!(users, ["Integer(5)"], "people are made up once");
}

#[test]
fn the_command_says_what_is_missing() {
    let env = TestEnv::new();
    env.run(&["sandbox", "scim"]).ended(1).says(&["a sandbox needs a token", "ROLECALL_SANDBOX_TOKEN"]);
    env.run(&["sandbox", "scim", "--token", "a b"]).ended(1).says(&["no header can hold"]);
    let wrong = env.run(&["sandbox", "scim", "--token", TOKEN, "--port", "0", "--fault", "slowly"]).ended(1);
    let wrong = wrong.says(&["there is no fault `slowly`", "--faults"]);
    assert!(!wrong.text().contains(TOKEN));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    env.run(&["sandbox", "scim", "--token", TOKEN, "--port", &port])
        .ended(1)
        .says(&["cannot be listened on", "--port 0"]);
    env.write("state.db", "this is no database, and it is long enough to be looked at as one");
    env.run(&["sandbox", "scim", "--token", TOKEN, "--port", "0", "--state", "state.db"])
        .ended(1)
        .says(&["the state cannot be used", "no SQLite database"]);
}

#[test]
fn lists_for_people() {
    let env = TestEnv::new();
    insta::assert_snapshot!("faults", env.run(&["sandbox", "scim", "--faults"]).ended(0).stdout);
    insta::assert_snapshot!("assumptions", env.run(&["sandbox", "scim", "--assumptions"]).ended(0).stdout);
}
