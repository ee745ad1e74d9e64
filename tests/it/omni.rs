//! Omni end to end: the built binary against the sandbox, as a user would run it. What the instance holds is
//! looked at by a client of a few lines that shares no code with rolecall.

#[path = "omni/faults.rs"]
mod faults;

use std::collections::BTreeSet;

use rolecall::model::Change;
use rolecall::plan::{Note, TargetPlan};
use rolecall::sandbox::Handle;
use rolecall::sandbox::omni::{Options, serve};
use serde_json::{Value, json};

use super::common::{Output, TestEnv, copy_example, example, has, word};
use super::wire::send;

const TOKEN: &str = "canary-4b1d";

/// An instance, and a folder with a declaration of it.
struct Omni {
    env: TestEnv,
    handle: Handle,
}

impl Omni {
    /// With these things on its screens.
    fn with(things: &str, faults: &[&str]) -> Self {
        let env = TestEnv::new();
        env.write("things.txt", things);
        let mut options = Options::new(TOKEN).unwrap();
        options.things = Some(env.file("things.txt"));
        let handle = serve(&options).unwrap();
        handle.set_faults(faults).unwrap();
        Self { env, handle }
    }

    fn declare(&self, rest: &str) {
        let url = self.handle.origin();
        let text = format!(
            "version: 1\ntargets:\n  bi:\n    provider: omni\n    url: {url}\n    credentials: {{token: '${{OMNI_API_KEY}}'}}\n    \
             settings: {{requests_per_minute: 100000}}\n{rest}"
        );
        self.env.write("rolecall.yaml", &text);
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = self.env.command(args);
        command.env("OMNI_API_KEY", TOKEN).env("OMNI_URL", self.handle.origin());
        let output = Output::of(command.output().unwrap());
        assert!(!output.text().contains(TOKEN), "the key is shown: {}", output.text());
        output
    }

    #[track_caller]
    fn plan(&self, args: &[&str]) -> TargetPlan {
        let output = self.run(&[&["plan", "--json"], args].concat());
        let mut plan: rolecall::plan::Plan =
            serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}\n{output:?}"));
        plan.targets.remove(0)
    }

    #[track_caller]
    fn apply(&self, args: &[&str]) -> Output {
        self.run(&[&["apply", "--auto-approve"], args].concat()).ended(0)
    }

    #[track_caller]
    fn is_converged(&self) {
        self.run(&["plan", "--detailed-exitcode"]).ended(0);
    }

    /// A request by hand; the status and the body.
    fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let bearer = format!("Bearer {TOKEN}");
        let got = send(self.handle.addr(), method, path, &[("authorization", &bearer)], &body);
        let status = got.status.unwrap_or_else(|| panic!("no answer: {got:?}"));
        (status, serde_json::from_slice(&got.body).unwrap_or_default())
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// What somebody does on Omni's screens.
    #[track_caller]
    fn by_hand(&self, things: &Value) {
        let (status, body) = self.call("POST", "/sandbox/things", things);
        assert!((200..300).contains(&status), "{status} {body}");
    }

    fn user(&self, email: &str) -> Option<Value> {
        let all = self.get("/api/scim/v2/users?count=100");
        let found = all["Resources"].as_array().unwrap().iter().find(|u| u["userName"] == email);
        found.cloned()
    }

    fn id(&self, email: &str) -> String {
        self.user(email).unwrap()["id"].as_str().unwrap().to_owned()
    }

    fn attributes(&self, email: &str) -> Value {
        self.user(email).unwrap()["urn:omni:params:1.0:UserAttribute"].clone()
    }

    /// The members of a group, by what the group shows of them.
    fn members(&self, group: &str) -> BTreeSet<String> {
        let all = self.get("/api/scim/v2/groups?count=100");
        let found = all["Resources"].as_array().unwrap().iter().find(|g| g["displayName"] == group);
        let members = found.and_then(|g| g["members"].as_array()).cloned().unwrap_or_default();
        members.iter().map(|m| m["display"].as_str().unwrap().to_owned()).collect()
    }

    /// The role that somebody holds on a model by themselves, and the one that counts.
    fn model_role(&self, email: &str) -> (Option<String>, String) {
        let (_, rows) = self.call("GET", &format!("/api/v1/users/{}/model-roles", self.id(email)), &Value::Null);
        let rows = rows["results"].as_array().cloned().unwrap_or_default();
        let text = |row: &Value| row["roleName"].as_str().unwrap().to_owned();
        let direct = rows.iter().find(|r| r["from"]["type"] == "User Role").map(text);
        (direct, rows.iter().find(|r| r["resolved"] == true).map(text).unwrap_or_default())
    }

    /// The permits on a folder: who has which role directly.
    fn permits(&self, path: &str) -> Vec<(String, String)> {
        let folders = self.get("/api/v1/folders?pageSize=100");
        let folder = folders["records"].as_array().unwrap().iter().find(|f| f["path"] == path).cloned();
        let Some(folder) = folder else { return Vec::new() };
        self.permits_at(&format!("/api/v1/folders/{}/permissions", folder["id"].as_str().unwrap()))
    }

    fn permits_at(&self, path: &str) -> Vec<(String, String)> {
        let permits = self.get(path);
        let one = |p: &Value| {
            let role = p["direct"]["role"].as_str()?;
            let owner = p["direct"]["isOwner"] == true;
            // Which denies nothing: it is how a permit is taken away where none can be deleted.
            (!owner && role != "NO_ACCESS").then(|| (p["name"].as_str().unwrap().to_owned(), role.to_owned()))
        };
        let mut found: Vec<_> = permits["permits"].as_array().unwrap().iter().filter_map(one).collect();
        found.sort();
        found
    }
}

fn words(plan: &TargetPlan) -> Vec<String> {
    let line = |c: &Change| format!("{} {}", word(c), c.object().name);
    plan.steps.iter().map(|s| line(&s.change)).collect()
}

#[track_caller]
fn note<'p>(plan: &'p TargetPlan, part: &str) -> &'p Note {
    let found = plan.notes.iter().find(|n| n.message.contains(part));
    found.unwrap_or_else(|| panic!("`{part}` is in none of {:#?}", plan.notes))
}

const ACME: &str = "
attributes: [{name: region}, {name: tags, multiple: true}, {name: level, number: true}]
users:
  - {email: ada@acme.example, name: Ada, role: ORG_ADMIN}
  - {email: bea@acme.example, name: Bea, attributes: {region: east, level: 3}}
  - {email: cas@acme.example, name: Cas}
groups:
  sales: [bea@acme.example]
  idle: []
connections:
  - {name: warehouse, base_role: VIEWER, roles: {bea@acme.example: CONNECTION_ADMIN}}
  - {name: lake, base_role: NO_ACCESS}
models:
  - {name: finance, connection: warehouse, roles: {team/sales: QUERIER, cas@acme.example: MODELER}}
  - {name: raw, connection: lake}
folders:
  - {path: reports, owner: ada@acme.example, permits: {team/sales: VIEWER, cas@acme.example: EDITOR, everyone: VIEWER}}
  - {path: reports/secret, owner: ada@acme.example}
documents:
  - {name: Revenue, identifier: rev1, folder: reports, owner: cas@acme.example, permits: {bea@acme.example: EDITOR}}
  - {name: Diary, identifier: diary1, owner: cas@acme.example}
schedules:
  - {name: Mondays, document: rev1, owner: cas@acme.example, emails: [x@acme.example]}
embed_users:
  - {external_id: e1, name: Embedded, groups: [sales]}
";

#[test]
fn what_is_imported_is_there_already() {
    let omni = Omni::with(ACME, &[]);
    omni.declare("");
    omni.run(&["import", "--target", "bi", "--into", "imported"]).ended(0);
    let output = omni.run(&["-f", "imported", "plan", "--detailed-exitcode"]).ended(0);
    has(&output.text(), &["bi"]);
    let (people, _) = (omni.members("sales"), ());
    assert!(people.len() == 2, "the embed user is in it: {people:?}");
}

#[test]
fn the_whole_life_of_a_user() {
    let omni = Omni::with(ACME, &[]);
    let rest = |user: &str, more: &str, policies: &str| {
        format!(
            "    manage: {{users: additive, teams: additive, members: authoritative, grants: additive}}
users:
  ada@acme.example: {{role: ORG_ADMIN}}
  bea@acme.example: {{role: MEMBER}}
{user}
teams:
  sales: {{members: [bea@acme.example, new@acme.example]}}
  newcomers: {{}}
resources:
  connection/lake: {{}}
  model/finance: {{in: connection/warehouse}}
  connection/warehouse: {{}}
  folder/reports: {{}}
  folder/reports/new: {{in: folder/reports}}
{more}{policies}"
        )
    };
    let grants = "grants:
  - {to: new@acme.example, resource: model/finance, role: QUERIER}
  - {to: team/newcomers, resource: model/finance, role: QUERY_TOPICS}
  - {to: everyone, resource: connection/lake, role: QUERY_TOPICS}
  - {to: new@acme.example, resource: folder/reports/new, role: MANAGER}
  - {to: team/newcomers, resource: folder/reports, role: VIEWER}
";
    // Created, with attributes, groups, roles and folders; what the API cannot do is said.
    let born = "  new@acme.example: {name: New, role: ORG_ADMIN, attributes: {region: west, tags: 'a,b', level: 7}, teams: [newcomers]}";
    omni.declare(&rest(born, grants, ""));
    let plan = omni.plan(&[]);
    assert!(!plan.is_blocked(), "{:#?}", plan.guards);
    let by_hand = note(&plan, "by hand: make new@acme.example ORG_ADMIN");
    assert_eq!(by_hand.rule.as_deref(), Some("unreachable-is-manual"));
    has(by_hand.help.as_deref().unwrap(), &["Settings > Users"]);
    omni.handle.forget_requests();
    let report = omni.run(&["apply", "--auto-approve", "--json"]).ended(0);
    let forecast = plan.forecast.unwrap().requests;
    assert_eq!(forecast, report_requests(&report), "what was foretold is what it took");
    // The plan before an apply reads as well, and its reading is counted once.
    assert_eq!(omni.attributes("new@acme.example"), json!({"region": "west", "tags": ["a", "b"], "level": "7"}));
    assert!(omni.members("newcomers").contains("new@acme.example"));
    assert_eq!(omni.members("sales").len(), 3, "nobody is dropped, the embed user neither");
    assert_eq!(omni.model_role("new@acme.example"), (Some("QUERIER".into()), "QUERIER".into()));
    let lake = omni.get("/api/v1/connections?name=lake");
    let base = lake["connections"][0]["baseRole"].as_str().unwrap();
    assert!(["QUERY_TOPICS", "RESTRICTED_QUERIER"].contains(&base), "{base}");
    assert_eq!(omni.permits("reports/new"), [("New".to_owned(), "MANAGER".to_owned())]);
    assert!(omni.permits("reports").contains(&("newcomers".into(), "VIEWER".into())));
    omni.is_converged();

    // On the screen she becomes an administrator, and gets things of her own.
    omni.by_hand(&json!({
        "documents": [{"name": "Forecast", "identifier": "fc1", "folder": "reports", "owner": "new@acme.example"},
                      {"name": "Notes", "identifier": "notes1", "owner": "new@acme.example"}],
        "schedules": [{"name": "Daily", "document": "fc1", "owner": "new@acme.example", "emails": ["x@acme.example"]}],
    }));

    // Attributes change and go, a role changes, she leaves a group.
    let changed = "  new@acme.example: {name: Newer, role: MEMBER, attributes: {region: null, tags: 'b,c', level: 7}, teams: [newcomers]}";
    let listed = rest(changed, &grants.replace("role: QUERIER}", "role: MODELER}"), "")
        .replace("[bea@acme.example, new@acme.example]", "[bea@acme.example]");
    omni.declare(&listed);
    let plan = omni.plan(&[]);
    let mut seen = words(&plan);
    seen.sort();
    assert_eq!(
        seen,
        [
            "change-grant model/finance new@acme.example",
            "remove-member sales new@acme.example",
            "update-user new@acme.example"
        ]
    );
    omni.apply(&[]);
    assert_eq!(omni.attributes("new@acme.example"), json!({"tags": ["b", "c"], "level": "7"}));
    assert_eq!(omni.user("new@acme.example").unwrap()["displayName"], "Newer");
    assert_eq!(omni.model_role("new@acme.example").1, "MODELER");
    assert_eq!(omni.members("sales").len(), 2, "Bea and the embed user");
    omni.is_converged();

    // Blocked: what can be given back is taken, at once and without a consent; the account stays.
    let blocked = format!("{listed}blocks: [{{user: new@acme.example, because: INC-77}}]\n");
    omni.declare(&blocked);
    let plan = omni.plan(&[]);
    assert!(plan.irreversible.is_empty() && !plan.is_blocked(), "{:#?}", plan.guards);
    has(&note(&plan, "new@acme.example is blocked").message, &["VIEWER on connection/warehouse"]);
    omni.apply(&[]);
    let (direct, counts) = omni.model_role("new@acme.example");
    assert_eq!((direct.as_deref().unwrap_or("NO_ACCESS"), counts.as_str()), ("NO_ACCESS", "VIEWER"));
    assert!(omni.members("newcomers").is_empty() && omni.permits("reports/new").is_empty());
    omni.is_converged();
    // Lifted: all of it is back.
    omni.declare(&listed);
    omni.apply(&[]);
    assert_eq!(omni.model_role("new@acme.example").1, "MODELER");
    assert!(omni.members("newcomers").contains("new@acme.example"));
    omni.is_converged();

    // She leaves. Without a successor the plan stops, and without a consent as well.
    let leaving = changed.replace("role: MEMBER", "role: MEMBER, state: disabled");
    let ends = |policies: &str| {
        rest(&leaving, grants, policies).replace("[bea@acme.example, new@acme.example]", "[bea@acme.example]")
    };
    omni.declare(&ends(""));
    let plan = omni.plan(&["--accept", "irreversible.user=1"]);
    let stop = plan.guards.iter().find(|v| v.message.contains("nobody takes over")).unwrap();
    has(&stop.message, &["document/fc1 (Forecast)", "schedule "]);
    omni.run(&["apply", "--auto-approve", "--accept", "irreversible.user=1"]).ended(3);
    omni.declare(&ends("policies: {removal: {transfer_to: ada@acme.example}}\n"));
    omni.run(&["apply", "--auto-approve"]).ended(3).says(&["--accept irreversible.user=1"]);
    let plan = omni.plan(&["--accept", "irreversible.user=1"]);
    has(&note(&plan, "ada@acme.example takes over").message, &["document/fc1 (Forecast)", "schedule ", "(Daily)"]);
    has(note(&plan, "by hand, before new@acme.example goes").help.as_deref().unwrap(), &["Impersonate user"]);
    // What lies in her own folder holds her back.
    omni.run(&["apply", "--auto-approve", "--accept", "irreversible.user=1"]).says(&["(Notes): move it"]);
    assert!(omni.user("new@acme.example").is_some());
    let id = omni.id("new@acme.example");
    let (status, _) = omni.call("POST", "/api/v1/documents/notes1/move", &json!({"folderPath": "reports"}));
    assert_eq!(status, 200);
    omni.apply(&["--accept", "irreversible.user=1"]);
    assert_eq!(omni.call("GET", &format!("/api/scim/v2/users/{id}"), &Value::Null).0, 404);
    let ada = omni.id("ada@acme.example");
    let documents = omni.get("/api/v1/documents?pageSize=100");
    for document in documents["records"].as_array().unwrap() {
        assert_ne!(document["owner"]["id"], json!(id), "{document}");
        if ["fc1", "notes1"].contains(&document["identifier"].as_str().unwrap()) {
            assert_eq!(document["owner"]["id"], json!(ada), "{document}");
        }
    }
    let schedules = omni.get("/api/v1/schedules?pageSize=100");
    let daily = schedules["records"].as_array().unwrap().iter().find(|s| s["name"] == "Daily").unwrap();
    assert_eq!((&daily["ownerId"], &daily["disabledAt"]), (&json!(ada), &Value::Null));
    omni.is_converged();

    // Every kind of request that the provider has was sent at least once, in this life.
    let mut kinds: BTreeSet<String> = BTreeSet::new();
    for request in omni.handle.requests() {
        let path = request.path.split('?').next().unwrap().to_ascii_lowercase();
        let parts: Vec<String> = path
            .split('/')
            .map(|p| if p.len() == 36 || (p.len() == 8 && p != "document") { "ID".to_owned() } else { p.to_owned() })
            .collect();
        kinds.insert(format!("{} {}", request.method, parts.join("/")));
    }
    for expected in [
        "GET /api/v1/whoami",
        "GET /api/scim/v2/users",
        "POST /api/scim/v2/users",
        "GET /api/scim/v2/users/ID",
        "PATCH /api/scim/v2/users/ID",
        "GET /api/scim/v2/groups",
        "POST /api/scim/v2/groups",
        "PATCH /api/scim/v2/groups/ID",
        "GET /api/v1/user-attributes",
        "GET /api/v1/users/ID/model-roles",
        "POST /api/v1/users/ID/model-roles",
        "PATCH /api/v1/connections/ID",
        "POST /api/v1/folders",
        "POST /api/v1/folders/ID/permissions",
        "DELETE /api/v1/folders/ID/permissions",
        "PUT /api/v1/documents/fc1/transfer-ownership",
        "PUT /api/v1/schedules/ID/transfer-ownership",
    ] {
        assert!(kinds.contains(expected), "{expected} is in none of {kinds:#?}");
    }
}

/// The requests that a report names.
#[track_caller]
fn report_requests(output: &Output) -> u64 {
    let report: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}\n{output:?}"));
    report["targets"][0]["requests"].as_u64().unwrap_or_else(|| panic!("{report}"))
}

#[test]
fn what_cannot_be_stops_the_plan_beforehand() {
    let omni = Omni::with(ACME, &[]);
    omni.declare(
        "users:
  ada@acme.example: {role: ORG_ADMIN}
  bea@acme.example: {role: MEMBER, attributes: {regoin: west}}
resources:
  model/raw: {in: connection/lake}
  connection/lake: {}
grants:
  - {to: everyone, resource: model/raw, role: VIEWER}
",
    );
    omni.handle.forget_requests();
    let output = omni.run(&["plan"]).ended(3);
    has(
        &output.text(),
        &[
            "Omni has no user attribute `regoin`",
            "did you mean `region`?",
            "nobody can give everyone VIEWER on model/raw",
        ],
    );
    omni.run(&["apply", "--auto-approve"]).ended(3);
    assert!(omni.handle.requests().iter().all(|r| r.method == "GET"), "nothing is written");
}

#[test]
fn domains_and_missing_models_are_steps_by_hand() {
    let omni = Omni::with(ACME, &[]);
    omni.declare(
        "users:
  ada@acme.example: {role: ORG_ADMIN}
resources:
  connection/lake: {}
  model/next: {in: connection/lake}
grants:
  - {to: ada@acme.example, resource: model/next, role: MODELER}
domains:
  acme.example: {role: MEMBER}
",
    );
    let plan = omni.plan(&[]);
    assert_eq!(words(&plan), [""; 0], "{:#?}", plan.steps);
    has(note(&plan, "people of acme.example").help.as_deref().unwrap(), &["Settings > Authentication"]);
    has(&note(&plan, "by hand: make model/next").message, &["model/next"]);
    note(&plan, "1 change waits for resource model/next");
    let shown = omni.run(&["plan"]).ended(0);
    has(&shown.text(), &["by hand: make model/next"]);
}

#[test]
fn the_example_is_planned_and_applied() {
    let omni = Omni::with("", &[]);
    drop(omni);
    let things = std::fs::read_to_string(example("omni").join("things.yaml")).unwrap();
    let omni = Omni::with(&things, &[]);
    copy_example("omni/declaration", &omni.env);
    // The example keeps to Omni's limit; here the sandbox has none.
    omni.env.edit(
        "rolecall.yaml",
        "    url: ${OMNI_URL}\n",
        "    url: ${OMNI_URL}\n    settings: {requests_per_minute: 100000}\n",
    );
    let consent = ["--accept", "irreversible.user=1"];
    let plan = omni.plan(&consent);
    assert!(!plan.is_blocked(), "{:#?}", plan.guards);
    omni.apply(&consent);
    omni.is_converged();
    assert!(omni.user("alan@acme.example").is_none());
    assert!(omni.members("finance").contains("grace@acme.example"));
    assert!(omni.members("finance").contains("emmy@acme.example"), "what is additive stays");
    assert!(omni.user("emmy@acme.example").is_some());
}

impl Omni {
    /// Everything that a fault could harm, by name.
    fn state(&self) -> Value {
        let list = |path: &str, key: &str| self.get(path)[key].as_array().unwrap().clone();
        let name_of = |users: &[Value], id: &Value| {
            users
                .iter()
                .find(|u| u["id"] == *id)
                .map_or(Value::Null, |u| json!(u["userName"].as_str().unwrap().to_lowercase()))
        };
        let users = list("/api/scim/v2/users?count=100", "Resources");
        let groups = list("/api/scim/v2/groups?count=100", "Resources");
        let mut people: Vec<Value> = users
            .iter()
            .filter(|u| u["active"] == true)
            .map(|u| {
                let email = u["userName"].as_str().unwrap();
                json!([email.to_lowercase(), u["displayName"], self.attributes(email), self.model_role(email).0])
            })
            .collect();
        people.sort_by_key(Value::to_string);
        let mut teams: Vec<Value> = groups
            .iter()
            .map(|g| {
                let name = g["displayName"].as_str().unwrap();
                let path = format!("/api/v1/user-groups/{}/model-roles", g["id"].as_str().unwrap());
                let roles = list(&path, "results");
                let own = roles.iter().filter(|r| r["from"]["type"] == "Group Role").map(|r| r["roleName"].clone());
                json!([name, self.members(name), own.collect::<Vec<_>>()])
            })
            .collect();
        teams.sort_by_key(Value::to_string);
        let connections = list("/api/v1/connections", "connections");
        let bases: Vec<Value> = connections.iter().map(|c| json!([c["name"], c["baseRole"]])).collect();
        let documents = list("/api/v1/documents?pageSize=100", "records");
        let owners: Vec<Value> =
            documents.iter().map(|d| json!([d["identifier"], name_of(&users, &d["owner"]["id"])])).collect();
        let schedules = list("/api/v1/schedules?pageSize=100", "records");
        let runs: Vec<Value> = schedules
            .iter()
            .map(|s| json!([s["name"], name_of(&users, &s["ownerId"]), s["systemDisabledAt"]]))
            .collect();
        let contents: Vec<Value> = ["reports", "reports/secret", "reports/new"]
            .into_iter()
            .map(|path| json!([path, self.permits(path)]))
            .chain(documents.iter().map(|d| {
                let id = d["identifier"].as_str().unwrap();
                json!([id, self.permits_at(&format!("/api/v1/documents/{id}/permissions"))])
            }))
            .collect();
        json!({"people": people, "teams": teams, "bases": bases, "owners": owners, "schedules": runs,
               "contents": contents})
    }
}
