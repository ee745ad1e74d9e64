//! TerminusDB end to end: the built binary against the sandbox, as a user would run it. What the server holds
//! is looked at by a client of a few lines that shares no code with rolecall.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use rolecall::apply::{Fate, Report};
use rolecall::plan::{Note, TargetPlan};
use rolecall::sandbox::fault::TRANSPORT;
use rolecall::sandbox::terminusdb::faults::FAULTS;
use rolecall::sandbox::terminusdb::{Options, serve};
use rolecall::sandbox::{Handle, Spec};
use serde_json::{Value, json};

use super::common::{Output, TestEnv, copy_example, example, has, wait_until, word};
use super::sandbox_terminusdb::{basic, raw};

mod awkward;
mod hosted;
mod hosted_faults;

const PASSWORD: &str = "canary-t3rm";

/// A server, and a folder with a declaration of it.
struct Graph {
    env: TestEnv,
    handle: Handle,
}

impl Graph {
    /// With what these requests make.
    fn with(requests: &[(&str, &str, Value)]) -> Self {
        let handle = serve(&Options::new(PASSWORD).unwrap()).unwrap();
        let graph = Self { env: TestEnv::new(), handle };
        for (method, path, body) in requests {
            graph.ask(method, path, body);
        }
        graph
    }

    fn declare(&self, rest: &str) {
        let url = self.handle.origin();
        let identity = if rest.contains("root@") { "    identity: root@acme.example\n" } else { "" };
        let text = format!(
            "version: 1\ntargets:\n  graph:\n    provider: terminusdb\n    url: {url}\n{identity}    \
             credentials: {{user: '${{GRAPH_USER}}', password: '${{GRAPH_PASSWORD}}'}}\n{rest}"
        );
        self.env.write("rolecall.yaml", &text);
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.env.command(args);
        command.env("GRAPH_USER", "admin").env("GRAPH_PASSWORD", PASSWORD).env("GRAPH_TOKEN", PASSWORD);
        command.env("GRAPH_URL", self.handle.origin());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        let output = Output::of(self.command(args).output().unwrap());
        assert!(!output.text().contains(PASSWORD), "the password is shown: {}", output.text());
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

    /// A request by hand, as `admin`; the status and the body.
    fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [basic(&format!("admin:{PASSWORD}")), ("content-type".to_owned(), "application/json".to_owned())];
        let got = raw(self.handle.addr(), method, path, &headers, body.as_bytes());
        (got.status.unwrap(), serde_json::from_slice(&got.body).unwrap_or_default())
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Everything by name, several capabilities for one scope as one; passwords and orphans counted.
    fn holds(&self) -> Value {
        let all = self.ask("GET", "/api/document/_system?as_list=true", &Value::Null);
        let all = all.as_array().unwrap();
        let of = |kind: &'static str| all.iter().filter(move |d| d["@type"] == kind);
        let list = |d: &Value, key: &str| d[key].as_array().cloned().unwrap_or_default();
        let name = |id: &Value| all.iter().find(|d| d["@id"] == *id).map_or(Value::Null, |d| d["name"].clone());
        let mut users: BTreeMap<String, Value> = BTreeMap::new();
        let mut owned: BTreeSet<String> = BTreeSet::new();
        for user in of("User") {
            let mut held: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for id in list(user, "capability") {
                owned.insert(id.to_string());
                let capability = of("Capability").find(|c| c["@id"] == id).unwrap();
                let scope = capability["scope"].as_str().unwrap();
                let kind = scope.split('/').next().unwrap();
                let roles = list(capability, "role").iter().map(|r| name(r).to_string()).collect::<Vec<_>>();
                held.entry(format!("{kind} {}", name(&capability["scope"]))).or_default().extend(roles);
            }
            users.insert(user["name"].as_str().unwrap().to_owned(), json!([held, user.get("key_hash").is_some()]));
        }
        let roles: BTreeMap<String, Value> =
            of("Role").map(|r| (r["name"].as_str().unwrap().to_owned(), json!(list(r, "action")))).collect();
        let organizations: BTreeMap<String, BTreeSet<String>> = of("Organization")
            .map(|o| {
                let inside = list(o, "database").iter().map(|d| name(d).to_string()).collect();
                (o["name"].as_str().unwrap().to_owned(), inside)
            })
            .collect();
        let comments: BTreeSet<String> = of("UserDatabase").map(|d| d["comment"].to_string()).collect();
        let orphans = of("Capability").filter(|c| !owned.contains(&c["@id"].to_string())).count();
        json!({"users": users, "roles": roles, "organizations": organizations, "comments": comments, "orphans": orphans})
    }

    fn actions(&self, role: &str) -> Value {
        self.holds()["roles"][role].clone()
    }

    fn held(&self, user: &str) -> Value {
        self.holds()["users"][user][0].clone()
    }
}

fn words(plan: &TargetPlan) -> Vec<String> {
    let mut all: Vec<String> =
        plan.steps.iter().map(|s| format!("{} {}", word(&s.change), s.change.object().name)).collect();
    all.sort();
    all
}

#[track_caller]
fn note<'p>(plan: &'p TargetPlan, part: &str) -> &'p Note {
    let found = plan.notes.iter().find(|n| n.message.contains(part));
    found.unwrap_or_else(|| panic!("`{part}` is in none of {:#?}", plan.notes))
}

#[track_caller]
fn no_note(plan: &TargetPlan, part: &str) {
    assert!(plan.notes.iter().all(|n| !n.message.contains(part)), "`{part}` is in {:#?}", plan.notes);
}

fn grant(kind: &str, scope: &str, user: &str, roles: &[&str]) -> (&'static str, &'static str, Value) {
    let body = json!({"operation": "grant", "scope_type": kind, "scope": scope, "user": user, "roles": roles});
    ("POST", "/api/capabilities", body)
}

/// Two organizations with three databases; people by their addresses, one by a name, and everyone.
fn acme() -> Vec<(&'static str, &'static str, Value)> {
    let user = |name: &str| ("POST", "/api/users", json!({"name": name, "password": "x"}));
    vec![
        ("POST", "/api/roles", json!({"name": "reader", "action": ["instance_read_access", "schema_read_access"]})),
        ("POST", "/api/roles", json!({"name": "writer", "action": ["instance_write_access", "schema_read_access"]})),
        user("ada@acme.example"),
        user("bob"),
        user("cas@acme.example"),
        ("POST", "/api/organizations/acme", json!({})),
        ("POST", "/api/organizations/idle", json!({})),
        ("POST", "/api/db/acme/sales", json!({"label": "Sales", "comment": "What is sold"})),
        ("POST", "/api/db/acme/hr", json!({"label": "HR"})),
        grant("organization", "acme", "ada@acme.example", &["Consumer Role"]),
        grant("organization", "acme", "bob", &["writer"]),
        grant("database", "acme/sales", "ada@acme.example", &["writer", "Admin Role"]),
        grant("database", "acme/hr", "cas@acme.example", &["reader"]),
        grant("database", "acme/sales", "anonymous", &["reader"]),
    ]
}

/// What the declaration says of all that, with changes put in.
const ROLES: &str = "roles:
  reader: {targets: [graph], on: [member, resource], permissions: [instance_read_access, schema_read_access]}
  writer: {targets: [graph], on: [member, resource], permissions: [instance_write_access, schema_read_access]}
";
const USERS: &str = "users:
  root@acme.example: {handles: {terminusdb: admin}, at: {graph: {role: super-user}}}
  ada@acme.example: {at: {graph: {}}}
  bo@acme.example: {handles: {terminusdb: bob}, at: {graph: {}}}
  cas@acme.example: {at: {graph: {}}}
";
const TEAMS: &str = "teams:
  acme: {members: [{user: ada@acme.example, role: Consumer Role}, {user: bo@acme.example, role: writer}]}
  idle: {members: []}
";
const RESOURCES: &str = "resources:
  data-product/acme/sales:
    description: What is sold
    access: {writer: [ada@acme.example], Admin Role: [ada@acme.example], reader: [everyone]}
  data-product/acme/hr: {access: {reader: [cas@acme.example]}}
";
const MANAGE: &str = "    manage: authoritative\n    settings: {delete_databases: 'true'}\n";
const POLICIES: &str = "policies: {invariants: {elevate-only: off}, removal: {users: delete, at_most: {count: 50}}}\n";

fn whole() -> String {
    [MANAGE, ROLES, USERS, TEAMS, RESOURCES, POLICIES].concat()
}

/// With one text in the place of another that stands there once.
#[track_caller]
fn but(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` in:\n{text}");
    text.replace(from, to)
}

#[test]
fn what_is_imported_is_there_already() {
    let graph = Graph::with(&acme());
    graph.declare("");
    graph.run(&["import", "--target", "graph", "--into", "imported"]).ended(0);
    let output = graph.run(&["-f", "imported", "plan", "--detailed-exitcode"]).ended(0);
    has(&output.text(), &["1 account is left alone, whose name is no e-mail address: bob", "the account `admin`"]);
    // A role that is called like one of the hosted product is one of the server's own.
    graph.ask("POST", "/api/roles", &json!({"name": "Data Reader", "action": ["instance_read_access"]}));
    graph.run(&["import", "--target", "graph", "--into", "again"]).ended(0);
    graph.run(&["-f", "again", "plan", "--detailed-exitcode"]).ended(0);
    graph.ask("DELETE", "/api/roles/Data%20Reader", &Value::Null);
    // With the names of people it is the same.
    graph.declare(&whole());
    graph.is_converged();
}

/// The consents that a plan asks for.
fn consents(graph: &Graph) -> Vec<String> {
    let shown = graph.run(&["plan", "--json"]);
    let Ok(plan) = serde_json::from_str::<rolecall::plan::Plan>(&shown.stdout) else { return Vec::new() };
    let mut args = Vec::new();
    let violated = |v: &&rolecall::invariants::Verdict| v.answer == rolecall::invariants::Answer::Violated;
    for verdict in plan.targets[0].guards.iter().filter(violated) {
        let help = verdict.help.as_deref().unwrap_or_default();
        if let Some(consent) = help.split("--accept ").nth(1).and_then(|rest| rest.split([' ', ';']).next()) {
            args.extend(["--accept".to_owned(), consent.to_owned()]);
        }
    }
    args
}

/// Applies with the consents that the plan asks for.
fn apply_all(graph: &Graph) -> Output {
    apply_under(graph, &[])
}

/// The same while the server does badly.
fn apply_under(graph: &Graph, faults: &[&str]) -> Output {
    let consents = consents(graph);
    let args = ["apply", "--auto-approve", "--json"].into_iter().chain(consents.iter().map(String::as_str));
    if faults.is_empty() {
        return graph.run(&args.collect::<Vec<_>>());
    }
    graph.handle.set_faults(faults).unwrap();
    let output = graph.run(&args.collect::<Vec<_>>());
    graph.handle.set_faults(&[]).unwrap();
    output
}

/// Every kind of change: what it is called, and the declaration with it.
fn kinds() -> Vec<(&'static str, String)> {
    let whole = whole();
    vec![
        ("create-role", but(&whole, "roles:\n", "roles:\n  editor: {targets: [graph], on: [member, resource], permissions: [branch]}\n")),
        ("update-role", but(&whole, "[instance_write_access, schema_read_access]", "[instance_write_access, push]")),
        ("delete-role", but(&but(&whole, "  reader: {targets: [graph], on: [member, resource], permissions: [instance_read_access, schema_read_access]}\n", ""), "data-product/acme/hr: {access: {reader: [cas@acme.example]}}", "data-product/acme/hr: {access: {}}").replace(", reader: [everyone]", "")),
        ("create-user", but(&whole, "users:\n", "users:\n  new@acme.example: {at: {graph: {}}}\n")),
        ("delete-user", but(&but(&whole, "  cas@acme.example: {at: {graph: {}}}\n", ""), "{reader: [cas@acme.example]}", "{}")),
        ("create-team", but(&whole, "teams:\n", "teams:\n  fresh: {members: [{user: cas@acme.example, role: reader}]}\n")),
        ("delete-team", but(&whole, "  idle: {members: []}\n", "")),
        ("add-member", but(&whole, "idle: {members: []}", "idle: {members: [cas@acme.example, {user: ada@acme.example, role: reader}]}")),
        ("change-member", but(&whole, "role: writer}]}", "role: Admin Role}]}")),
        ("remove-member", but(&whole, ", {user: bo@acme.example, role: writer}]}", "]}")),
        ("create-resource", but(&whole, "resources:\n", "resources:\n  data-product/idle/raw: {description: As it comes, access: {reader: [bo@acme.example]}}\n")),
        ("update-resource", but(&whole, "description: What is sold", "description: Everything")),
        ("delete-resource", but(&whole, "  data-product/acme/hr: {access: {reader: [cas@acme.example]}}\n", "")),
        ("give-grant", but(&whole, "access: {reader: [cas@acme.example]}", "access: {reader: [cas@acme.example, everyone], writer: [ada@acme.example]}")),
        ("change-grant", but(&whole, "Admin Role: [ada@acme.example], ", "")),
        ("revoke-grant", but(&whole, ", reader: [everyone]}", "}")),
    ]
}

#[test]
fn every_kind_of_change_is_made_and_stays() {
    for (kind, declared) in kinds() {
        let graph = Graph::with(&acme());
        graph.declare(&declared);
        let plan = graph.plan(&[]);
        assert!(words(&plan).iter().any(|w| w.starts_with(kind)), "{kind}: {:?}", words(&plan));
        let before = graph.holds();
        let report = apply_all(&graph).ended(0);
        let report: Report = serde_json::from_str(&report.stdout).unwrap();
        assert!(report.targets[0].steps.iter().all(|s| s.fate == Fate::Applied), "{kind}");
        let foretold = plan.forecast.unwrap().requests;
        let took = report.targets[0].requests.unwrap();
        assert_eq!(took, foretold, "{kind}");
        let after = graph.holds();
        assert_ne!(before, after, "{kind}");
        assert_eq!(after["orphans"], 0, "{kind}");
        graph.is_converged();
    }
}

#[test]
fn the_whole_life_of_a_user() {
    let graph = Graph::with(&acme());
    let declared = whole();
    // Made, with a role in an organization and one on a data product. The password is left to people.
    let born = but(
        &declared,
        "users:\n",
        "users:\n  new@acme.example: {name: New, handles: {terminusdb: newt}, at: {graph: {}}}\n",
    );
    let born = but(&born, "idle: {members: []}", "idle: {members: [{user: new@acme.example, role: reader}]}");
    let born = but(&born, "{reader: [cas@acme.example]}", "{reader: [cas@acme.example], writer: [new@acme.example]}");
    graph.declare(&born);
    let plan = graph.plan(&[]);
    let step = note(&plan, "by hand: give the account `newt` a password");
    assert_eq!(step.rule.as_deref(), Some("unreachable-is-manual"));
    has(step.help.as_deref().unwrap(), &["PUT /api/users"]);
    graph.apply(&[]);
    let held = graph.held("newt");
    assert_eq!(held, json!({"Organization \"idle\"": ["\"reader\""], "UserDatabase \"hr\"": ["\"writer\""]}));
    graph.is_converged();
    // It is said until it is done.
    note(&graph.plan(&[]), "1 account has no password and can come in by a token only: newt");
    graph.ask("PUT", "/api/users", &json!({"name": "newt", "password": "secret"}));
    no_note(&graph.plan(&[]), "no password");

    // Other roles, in one step each; the password stays.
    let grown = but(&born, "{user: new@acme.example, role: reader}", "{user: new@acme.example, role: writer}");
    let grown = but(&grown, "writer: [new@acme.example]", "Admin Role: [new@acme.example]");
    graph.declare(&grown);
    assert_eq!(
        words(&graph.plan(&[])),
        ["change-grant data-product/acme/hr new@acme.example", "change-member idle new@acme.example"]
    );
    graph.apply(&[]);
    let held = graph.held("newt");
    assert_eq!(held, json!({"Organization \"idle\"": ["\"writer\""], "UserDatabase \"hr\"": ["\"Admin Role\""]}));
    assert_eq!(graph.holds()["users"]["newt"][1], true);
    graph.is_converged();

    // Blocked: all that can be given back is taken; lifted, it is there again.
    graph.declare(&format!("{grown}blocks: [{{user: new@acme.example, because: INC-77}}]\n"));
    let plan = graph.plan(&[]);
    assert!(plan.irreversible.is_empty() && !plan.is_blocked(), "{:#?}", plan.guards);
    graph.apply(&[]);
    assert_eq!(graph.held("newt"), json!({}));
    graph.is_converged();
    graph.declare(&grown);
    graph.apply(&[]);
    assert_eq!(graph.held("newt"), held);
    graph.is_converged();

    // Gone for good, which wants a consent; and nothing of it is left over.
    let gone = grown
        .replace("  new@acme.example: {name: New, handles: {terminusdb: newt}, at: {graph: {}}}\n", "")
        .replace("{user: new@acme.example, role: writer}", "")
        .replace(", Admin Role: [new@acme.example]}", "}");
    graph.declare(&gone);
    // Nobody says any more whose account `newt` is: it is left alone, and said.
    note(&graph.plan(&[]), "whose name is no e-mail address: newt");
    let leaving = but(
        &grown,
        "handles: {terminusdb: newt}, at: {graph: {}}",
        "handles: {terminusdb: newt}, state: disabled, at: {graph: {}}",
    );
    graph.declare(&leaving);
    graph.run(&["apply", "--auto-approve"]).ended(3).says(&["--accept irreversible.user=1"]);
    apply_all(&graph).ended(0);
    assert_eq!(graph.holds()["users"].get("newt"), None);
    assert_eq!(graph.holds()["orphans"], 0);
    graph.is_converged();
}

#[test]
fn the_file_says_what_a_team_gives_already() {
    let graph = Graph::with(&acme());
    let policies = "policies: {invariants: {elevate-only: error}}\n";
    let declared = [MANAGE, ROLES, USERS, TEAMS, RESOURCES, policies].concat();
    // Ada has all of Consumer Role in the organization; reader on one of its data products is part of that.
    graph.declare(&but(&declared, "{reader: [cas@acme.example]}", "{reader: [cas@acme.example, ada@acme.example]}"));
    let output = graph.run(&["validate"]).ended(1);
    has(
        &output.text(),
        &["elevate-only", "rolecall.yaml:", "ada@acme.example", "Consumer Role", "data-product/acme/hr"],
    );
    // One that adds to it is none of these: writer is.
    graph.declare(&but(
        &declared,
        "{reader: [cas@acme.example]}",
        "{reader: [cas@acme.example], writer: [ada@acme.example]}",
    ));
    let text = graph.run(&["validate"]).text();
    assert!(!text.contains("on data-product/acme/hr already"), "{text}");
    // A role in another organization gives nothing here.
    let elsewhere =
        but(&declared, "idle: {members: []}", "idle: {members: [{user: cas@acme.example, role: Admin Role}]}");
    graph.declare(&elsewhere);
    let text = graph.run(&["validate"]).text();
    assert!(!text.contains("on data-product/acme/hr already"), "{text}");
}

#[test]
fn who_applies_is_looked_at_first() {
    let graph = Graph::with(&acme());
    graph.declare(&whole());
    let with = |user: &str, password: &str| {
        let mut command = graph.command(&["plan"]);
        command.env("GRAPH_USER", user).env("GRAPH_PASSWORD", password);
        Output::of(command.output().unwrap()).ended(1)
    };
    with("admin", "canary-wrong").says(&["the password is not accepted"]);
    with("bob", "x").says(&["the credentials are those of `bob`", "only the account `admin`"]);
    // What the server does not understand it takes for nothing, without a word.
    graph.handle.set_faults(&["anonymous"]).unwrap();
    graph.run(&["plan"]).ended(1).says(&["takes whoever applies for anonymous"]);
    graph.handle.set_faults(&["not-super"]).unwrap();
    graph.run(&["plan"]).ended(1).says(&["this is not allowed to whoever applies"]);
}

#[test]
fn leftovers_are_found_and_cleaned() {
    let graph = Graph::with(&acme());
    graph.declare(&whole());
    // Somebody deletes accounts by hand, and what they held stays where nobody sees it.
    graph.ask("POST", "/api/users", &json!({"name": "gone"}));
    for (scope, kind) in [("idle", "organization"), ("acme/hr", "database")] {
        let (method, path, body) = grant(kind, scope, "gone", &["reader"]);
        graph.ask(method, path, &body);
    }
    graph.ask("DELETE", "/api/users/gone", &Value::Null);
    assert_eq!(graph.holds()["orphans"], 2);
    let plan = graph.plan(&[]);
    let on_idle = note(&plan, "left over on `idle`").message.clone();
    note(&plan, "left over on `hr`");
    // The request is exact.
    let request = on_idle.split("DELETE ").nth(1).unwrap();
    graph.ask("DELETE", request, &Value::Null);
    let plan = graph.plan(&[]);
    no_note(&plan, "left over on `idle`");
    note(&plan, "left over on `hr`");
    // The one on the data product goes with it, although two capabilities would stop its deletion half way.
    graph.declare(&but(&whole(), "  data-product/acme/hr: {access: {reader: [cas@acme.example]}}\n", ""));
    apply_all(&graph).ended(0);
    assert_eq!(
        (&graph.holds()["orphans"], &graph.holds()["organizations"]["acme"]),
        (&json!(0), &json!(["\"sales\""]))
    );
    graph.is_converged();
}

#[test]
fn several_capabilities_for_one_scope_count_as_one() {
    let graph = Graph::with(&acme());
    graph.declare(&whole());
    graph.handle.set_faults(&["own-capability"]).unwrap();
    for role in ["writer", "reader", "Consumer Role"] {
        let (method, path, body) = grant("database", "acme/hr", "cas@acme.example", &[role]);
        graph.ask(method, path, &body);
    }
    graph.handle.set_faults(&[]).unwrap();
    let plan = graph.plan(&[]);
    note(&plan, "`cas@acme.example` has 4 capabilities for `hr`");
    assert_eq!(words(&plan), ["change-grant data-product/acme/hr cas@acme.example"]);
    apply_all(&graph).ended(0);
    assert_eq!(graph.held("cas@acme.example"), json!({"UserDatabase \"hr\"": ["\"reader\""]}));
    graph.is_converged();
    // To keep one that the server does not look at.
    let graph = Graph::with(&acme());
    graph.handle.set_faults(&["own-capability"]).unwrap();
    let (method, path, body) = grant("database", "acme/hr", "cas@acme.example", &["writer"]);
    graph.ask(method, path, &body);
    graph.handle.set_faults(&[]).unwrap();
    for kept in ["reader", "writer"] {
        let both = but(&whole(), "{reader: [cas@acme.example]}", &format!("{{{kept}: [cas@acme.example]}}"));
        graph.declare(&both);
        apply_all(&graph).ended(0);
        assert_eq!(graph.held("cas@acme.example"), json!({"UserDatabase \"hr\"": [format!("\"{kept}\"")]}));
        graph.is_converged();
        let (method, path, body) = grant("database", "acme/hr", "cas@acme.example", &["reader"]);
        graph.handle.set_faults(&["own-capability"]).unwrap();
        graph.ask(method, path, &body);
        graph.handle.set_faults(&[]).unwrap();
    }
}

#[test]
fn data_products_stay_unless_it_is_said() {
    let graph = Graph::with(&acme());
    let without = but(&whole(), "  data-product/acme/hr: {access: {reader: [cas@acme.example]}}\n", "");
    graph.declare(&but(&without, "    settings: {delete_databases: 'true'}\n", ""));
    let plan = graph.plan(&[]);
    assert!(words(&plan).iter().all(|w| !w.starts_with("delete-resource")), "{:?}", words(&plan));
    // An organization with data products is not deleted either.
    let none = [MANAGE, ROLES, USERS, "teams: {idle: {members: []}}\n", "resources: {}\n", POLICIES].concat();
    graph.declare(&but(&none, "    settings: {delete_databases: 'true'}\n", ""));
    note(&graph.plan(&[]), "by hand: delete the organization `acme` with its data products");
    // With the setting, both go in one apply, the data products first.
    graph.declare(&none);
    apply_all(&graph).ended(0);
    assert_eq!(graph.holds()["organizations"], json!({"admin": ["\"_system\""], "idle": []}));
    graph.is_converged();
}

#[test]
fn what_was_left_half_deleted_is_ended() {
    let graph = Graph::with(&acme());
    let (method, path, body) = grant("database", "acme/hr", "bob", &["writer"]);
    graph.ask(method, path, &body);
    // Two capabilities: it fails half way, and stays so.
    assert_eq!(graph.call("DELETE", "/api/db/acme/hr", &Value::Null).0, 400);
    graph.declare(&but(&whole(), "  data-product/acme/hr: {access: {reader: [cas@acme.example]}}\n", ""));
    note(&graph.plan(&[]), "the data product acme/hr is half made or half deleted");
    apply_all(&graph).ended(0);
    assert_eq!(graph.holds()["organizations"]["acme"], json!(["\"sales\""]));
    graph.is_converged();
}

#[test]
fn what_cannot_be_stops_the_plan_beforehand() {
    let graph = Graph::with(&acme());
    let declared = but(&whole(), "{reader: [cas@acme.example]}", "{reader: [team/idle]}");
    let declared = but(&declared, "users:\n", "users:\n  eve@acme.example: {at: {graph: {role: super-user}}}\n");
    graph.declare(&declared);
    graph.handle.forget_requests();
    let text = graph.run(&["plan"]).text();
    has(&text, &["the team `idle` cannot be given reader on", "eve@acme.example cannot be made super-user"]);
    graph.run(&["apply", "--auto-approve"]).ended(3);
    assert!(graph.handle.requests().iter().all(|r| r.method == "GET"), "nothing is written");
}

#[test]
fn a_reading_that_is_not_whole_removes_nothing() {
    let graph = Graph::with(&acme());
    graph.declare(&but(&whole(), ", {user: bo@acme.example, role: writer}]}", "]}"));
    let before = graph.holds();
    graph.handle.set_faults(&["short-read"]).unwrap();
    let output = apply_all(&graph);
    assert_ne!(output.code, Some(0), "{}", output.text());
    graph.handle.set_faults(&[]).unwrap();
    assert_eq!(graph.holds(), before);
}

/// The switch as the matrix turns it on.
fn switch(spec: &Spec) -> String {
    match spec.name {
        "throttle" | "throttle-date" => format!("{}=1,every=5", spec.name),
        "error-before" | "error-after" | "throttle-bare" | "truncated" | "closed" | "closed-before" => {
            format!("{},every=3", spec.name)
        }
        "lost-write" => "lost-write,every=2".to_owned(),
        "rate" => "rate=6000".to_owned(),
        "slow" => "slow=20".to_owned(),
        name => name.to_owned(),
    }
}

/// One fault and one kind of change: the desired state, or a truthful report; and the next run ends it.
fn case(spec: &Spec, kind: &str, declared: &str, wanted: &Value) -> i32 {
    let what = format!("{} x {kind}", spec.name);
    let graph = Graph::with(&acme());
    graph.declare(declared);
    let before = graph.holds();
    let output = apply_under(&graph, &[switch(spec).as_str()]);
    let (held, all, code) = (graph.holds(), output.text(), output.code.unwrap());
    match code {
        0 => assert_eq!(held, *wanted, "{what}: said to be done\n{all}"),
        1 | 3 => assert_eq!(held, before, "{what}: nothing was to be done\n{all}"),
        5 => {
            let report: Report = serde_json::from_str(&output.stdout).unwrap();
            let steps: Vec<_> = report.targets.iter().flat_map(|t| &t.steps).collect();
            assert!(steps.iter().any(|s| s.fate != Fate::Applied), "{what}: {all}");
            assert!(steps.iter().all(|s| (s.fate == Fate::Applied) == s.why.is_none()), "{what}: {all}");
        }
        other => panic!("{what}: exit {other}\n{all}"),
    }
    if code != 0 {
        for _ in 0..2 {
            apply_all(&graph);
        }
        let again = graph.run(&["plan"]).text();
        assert_eq!(graph.holds(), *wanted, "{what}: in the end\n{all}\n{again}");
    }
    graph.is_converged();
    code
}

/// Every fault but these with every kind: all cases where somebody has the minutes, else a fifth, another for each
/// fault. How often each fault ended how.
fn matrix(
    but: &[&str],
    kinds: usize,
    case: impl Fn(&'static Spec, usize) -> i32 + Sync,
) -> BTreeMap<(&'static str, i32), usize> {
    let all = std::env::var("ROLECALL_FAULTS").is_ok_and(|v| v == "all");
    let mut cases: Vec<(&'static Spec, usize)> = Vec::new();
    for (number, spec) in TRANSPORT.iter().chain(FAULTS).filter(|s| !but.contains(&s.name)).enumerate() {
        cases.extend((0..kinds).filter(|k| all || (k + number) % 5 == 0).map(|k| (*spec, k)));
    }
    let queue = std::sync::Mutex::new(cases);
    let ends = std::sync::Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((spec, kind)) = queue.lock().unwrap().pop() else { return };
                    let code = case(spec, kind);
                    *ends.lock().unwrap().entry((spec.name, code)).or_default() += 1;
                }
            });
        }
    });
    ends.into_inner().unwrap()
}

#[test]
fn every_fault_ends_in_the_desired_state_or_a_truthful_report() {
    let kinds = kinds();
    let wanted: Vec<Value> = kinds
        .iter()
        .map(|(_, declared)| {
            let graph = Graph::with(&acme());
            graph.declare(declared);
            apply_all(&graph).ended(0);
            graph.holds()
        })
        .collect();
    // One who is not let in is told above.
    let ends = matrix(&["anonymous", "not-super", "stuck-delete"], kinds.len(), |spec, kind| {
        case(spec, kinds[kind].0, &kinds[kind].1, &wanted[kind])
    });
    if std::env::var_os("ROLECALL_FAULTS").is_some() {
        eprintln!("{ends:#?}");
    }
    for whole in ["slow", "rate", "plain-json", "throttle", "own-capability"] {
        assert!(ends.keys().filter(|(name, _)| *name == whole).all(|(_, code)| *code == 0), "{whole}: {ends:#?}");
    }
}

/// Killed in the middle, an apply is gone on with: nothing is made twice, and the ledger tells of all.
#[test]
fn killed_and_resumed() {
    let mut users =
        String::from("users:\n  root@acme.example: {handles: {terminusdb: admin}, at: {graph: {role: super-user}}}\n");
    let mut members = Vec::new();
    for n in 0..12 {
        users.push_str(&format!("  u{n:02}@acme.example: {{at: {{graph: {{}}}}}}\n"));
        members.push(format!("{{user: u{n:02}@acme.example, role: reader}}"));
    }
    let members = members.join(", ");
    let declared = format!(
        "    manage: authoritative\n{ROLES}{users}teams: {{acme: {{members: [{members}]}}}}\nresources: \
         {{data-product/acme/x: {{access: {{writer: [u00@acme.example, u01@acme.example], reader: [everyone]}}}}}}\n"
    );
    let wanted = {
        let graph = Graph::with(&[]);
        graph.declare(&declared);
        graph.apply(&[]);
        graph.is_converged();
        graph.holds()
    };
    for requests in [3, 8, 15, 30, 55, 80] {
        let graph = Graph::with(&[]);
        graph.declare(&declared);
        graph.handle.set_faults(&["slow=10"]).unwrap();
        let start = graph.handle.requests().len();
        let mut command = graph.command(&["apply", "--auto-approve"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("it has sent some requests", || graph.handle.requests().len() >= start + requests);
        child.kill().unwrap();
        child.wait().unwrap();
        graph.handle.set_faults(&[]).unwrap();
        graph.apply(&[]);
        assert_eq!(graph.holds(), wanted, "killed after {requests} requests");
        graph.is_converged();
        graph.run(&["history", "verify"]).ended(0);
    }
}

/// Neither the password nor a hash of one is anywhere: not in what is printed, traced, recorded, planned or
/// remembered.
#[test]
fn no_secret_is_anywhere() {
    let graph = Graph::with(&acme());
    graph.declare(&but(&whole(), "users:\n", "users:\n  new@acme.example: {at: {graph: {}}}\n"));
    let secrets = [PASSWORD, "pbkdf2", "Y2FuYXJ5"];
    let commands: [&[&str]; 13] = [
        &["validate"],
        &["--record", "rec-plan", "plan", "--out", "saved.json"],
        &["plan", "--json"],
        &["--record", "rec-apply", "apply", "--auto-approve"],
        &["--record", "rec-import", "import", "--target", "graph", "--into", "live"],
        &["review"],
        &["history"],
        &["explain", "ada@acme.example"],
        &["can", "ada@acme.example", "reader", "data-product/acme/sales"],
        &["test"],
        &["catalogue", "terminusdb"],
        &["rules"],
        &["offboard", "nobody@acme.example"],
    ];
    let mut traced = 0;
    for args in commands {
        let mut command = graph.command(args);
        let output = Output::of(command.env("RUST_LOG", "trace").output().unwrap());
        for secret in secrets {
            assert!(!output.text().contains(secret), "{args:?}: {}", output.text());
        }
        traced += output.stderr.matches("method=\"").count();
    }
    assert!(traced > 10, "requests are traced: {traced}");
    let mut looked_at = 0;
    let mut folders = vec![graph.env.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            for secret in secrets {
                assert!(!text.contains(secret), "{secret} in {}", path.display());
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 15, "{looked_at} files: the plan, the store and the recordings among them");
    // A recording is enough to see the same, without the server and without the password.
    let Graph { env, handle } = graph;
    drop(handle);
    let output = Output::of(env.command(&["--replay", "rec-plan", "plan", "--json"]).output().unwrap()).ended(0);
    let again: rolecall::plan::Plan = serde_json::from_str(&output.stdout).unwrap();
    let saved: rolecall::plan::Plan = serde_json::from_str(&env.read("saved.json")).unwrap();
    assert_eq!(again.digest, saved.digest);
}

#[test]
fn the_example_is_planned_and_applied() {
    assert!(example("terminusdb").join("README.md").exists());
    let graph = Graph::with(&[]);
    copy_example("terminusdb/declaration", &graph.env);
    graph.apply(&[]);
    graph.is_converged();
    assert_eq!(graph.actions("ontologist").as_array().map(Vec::len), Some(11));
    assert_eq!(graph.held("grace@acme.example")["UserDatabase \"suppliers\""], json!(["\"ontologist\""]));
}
