//! What others leave on a server, and what is not known of a write: several roles where the files have one, roles
//! on what belongs to the system, capabilities that two accounts share, several for one scope.

use rolecall::apply::StepReport;

use super::*;

fn ask(graph: &Graph, (method, path, body): (&str, &str, Value)) {
    graph.ask(method, path, &body);
}

fn steps(output: &Output) -> Vec<StepReport> {
    let report: Report = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}\n{output:?}"));
    report.targets.into_iter().flat_map(|t| t.steps).collect()
}

fn documents(graph: &Graph, kind: &str) -> Vec<Value> {
    let all = graph.ask("GET", "/api/document/_system?as_list=true", &Value::Null);
    all.as_array().unwrap().iter().filter(|d| d["@type"] == kind).cloned().collect()
}

/// How many capabilities an account has.
fn capabilities(graph: &Graph, name: &str) -> usize {
    let user = documents(graph, "User").into_iter().find(|u| u["name"] == name).unwrap();
    user["capability"].as_array().map_or(0, Vec::len)
}

/// Bo has `writer` in acme; with `reader` besides he has what neither gives.
fn with_two_roles() -> Graph {
    let graph = Graph::with(&acme());
    ask(&graph, grant("organization", "acme", "bob", &["reader"]));
    graph
}

#[test]
fn several_roles_in_an_organization_become_the_declared_one() {
    let member = "{user: bo@acme.example, role: writer}";
    for (declared, left) in [
        // One of the two, another one, more than both, and none.
        (member, json!(["\"writer\""])),
        ("{user: bo@acme.example, role: Consumer Role}", json!(["\"Consumer Role\""])),
        ("{user: bo@acme.example, role: Admin Role}", json!(["\"Admin Role\""])),
        ("bo@acme.example", json!([])),
    ] {
        let graph = with_two_roles();
        graph.declare(&but(&whole(), member, declared));
        let plan = graph.plan(&[]);
        assert_eq!(words(&plan), ["change-member acme bo@acme.example"], "{declared}");
        note(&plan, "`bob` has several roles in the organization `acme`, which count as one, `reader + writer`");
        let foretold = plan.forecast.as_ref().unwrap().requests;
        let output = apply_all(&graph).ended(0);
        let report: Report = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(report.targets[0].requests, Some(foretold), "{declared}");
        assert_eq!(graph.held("bob")["Organization \"acme\""], left, "{declared}");
        graph.is_converged();
        no_note(&graph.plan(&[]), "several roles");
    }
    // What is lost is said: reading, and nothing else.
    let graph = with_two_roles();
    graph.declare(&whole());
    let text = graph.run(&["plan"]).text();
    has(&text, &["bo@acme.example loses", "instance_read_access"]);
    assert!(!text.contains("bo@acme.example gains"), "{text}");
    // As long as they are there, both count.
    ask(&graph, grant("organization", "acme", "ada@acme.example", &["writer"]));
    let asked = ["can", "--live", "ada@acme.example", "instance_write_access", "data-product/acme/hr"];
    has(&graph.run(&asked).ended(0).text(), &["Consumer Role + writer"]);
}

#[test]
fn several_roles_are_looked_at_before_they_are_changed() {
    let graph = with_two_roles();
    graph.declare(&whole());
    graph.run(&["plan", "--out", "saved.json"]);
    // Somebody gives a third meanwhile.
    ask(&graph, grant("organization", "acme", "bob", &["Consumer Role"]));
    let before = graph.holds();
    let output = graph.run(&["apply", "--auto-approve", "saved.json"]);
    assert_ne!(output.code, Some(0), "{}", output.text());
    assert_eq!(graph.holds(), before);
    // Or while it is applied, between the reading and the first look at his account.
    let graph = with_two_roles();
    graph.declare(&whole());
    graph.handle.set_faults(&["slow=1500,path=/document,first=1"]).unwrap();
    let start = graph.handle.requests().len();
    let mut command = graph.command(&["apply", "--auto-approve", "--json"]);
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    let read = |r: &rolecall::sandbox::Logged| r.path.contains("/document/");
    wait_until("it reads", || graph.handle.requests()[start..].iter().any(read));
    ask(&graph, grant("organization", "acme", "bob", &["Consumer Role"]));
    let output = Output::of(child.wait_with_output().unwrap()).ended(5);
    graph.handle.set_faults(&[]).unwrap();
    let all = steps(&output);
    assert_eq!(all.iter().map(|s| s.fate).collect::<Vec<_>>(), [Fate::Failed]);
    has(all[0].why.as_deref().unwrap(), &["`bob` has", "there now"]);
    assert_eq!(graph.holds(), before);
}

#[test]
fn several_roles_that_stay_are_imported_as_what_they_are() {
    let graph = with_two_roles();
    graph.declare("");
    graph.run(&["import", "--target", "graph", "--into", "imported"]).ended(0);
    graph.run(&["-f", "imported", "plan", "--detailed-exitcode"]).ended(0);
    // Where the members are not listed they stay, and nothing is deleted that stands for them.
    let listed = "{members: [{user: ada@acme.example, role: Consumer Role}, {user: bo@acme.example, role: writer}]}";
    graph.declare(&but(&but(&whole(), listed, "{}"), "manage: authoritative", "manage: {roles: authoritative}"));
    let plan = graph.plan(&[]);
    assert_eq!(words(&plan), Vec::<String>::new());
    // What stands for them is no role that could be changed.
    let roles = "roles:\n  reader + writer: {targets: [graph], on: [member], permissions: [push]}\n";
    graph.declare(&but(&whole(), "roles:\n", roles));
    let output = graph.run(&["plan"]);
    has(&output.text(), &["`reader + writer` stands for several roles"]);
}

#[test]
fn roles_on_what_belongs_to_the_system_are_said() {
    let graph = Graph::with(&acme());
    graph.declare(&whole());
    no_note(&graph.plan(&[]), "has roles on");
    no_note(&graph.plan(&[]), "anonymous has roles");
    // A capability that gives nothing says nothing.
    ask(&graph, grant("organization", "admin", "cas@acme.example", &[]));
    no_note(&graph.plan(&[]), "has roles on");
    ask(&graph, grant("organization", "admin", "cas@acme.example", &["writer"]));
    ask(&graph, grant("organization", "idle", "anonymous", &["reader"]));
    let before = graph.holds();
    let plan = graph.plan(&[]);
    note(&plan, "`cas@acme.example` has roles on `admin`, which rolecall leaves alone, a block as well");
    note(&plan, "anonymous has roles in the organization `idle`");
    assert!(plan.steps.is_empty(), "{:?}", words(&plan));
    // A block takes the rest, and says the same.
    graph.declare(&[&whole()[..], "blocks: [{user: cas@acme.example, because: left}]\n"].concat());
    let plan = graph.plan(&[]);
    assert_eq!(words(&plan), ["revoke-grant data-product/acme/hr cas@acme.example"]);
    note(&plan, "`cas@acme.example` has roles on `admin`");
    graph.declare(&whole());
    graph.apply(&[]);
    assert_eq!(graph.holds(), before);
}

/// After a write that was sent, nothing can be read: whatever was done, it is called unknown, and the next apply
/// ends it.
#[test]
fn what_was_begun_and_cannot_be_read_is_unknown() {
    for (kind, declared) in kinds() {
        let graph = Graph::with(&acme());
        graph.declare(&declared);
        // The reading takes two; an organization is looked at twice before it goes.
        let first = if kind == "delete-team" { 2 } else { 1 };
        let looks = 2 + first;
        let switch = format!("error-before=403,method=GET,after={looks}");
        let start = graph.handle.requests().len();
        let output = apply_under(&graph, &[switch.as_str()]).ended(5);
        let writes = graph.handle.requests()[start..].iter().filter(|r| r.method != "GET").count();
        let fates: Vec<(Fate, Option<String>)> = steps(&output).into_iter().map(|s| (s.fate, s.why)).collect();
        // Each write is of another step, which could not be ended; where nothing was sent, nothing was done.
        let unknown = fates.iter().filter(|(fate, _)| *fate == Fate::Unknown).count();
        assert!(writes >= 1 && unknown == writes, "{kind}: {writes} writes, {fates:?}");
        assert!(fates.iter().all(|(fate, _)| *fate != Fate::Applied), "{kind}: {fates:?}");
        apply_all(&graph);
        apply_all(&graph);
        graph.is_converged();
    }
}

/// The answer to a first try is lost, the second is refused: whether the first was done is not known.
#[test]
fn a_refusal_of_the_second_try_says_nothing_of_the_first() {
    let mut met = 0;
    for (kind, declared) in kinds() {
        let graph = Graph::with(&acme());
        graph.declare(&declared);
        let switches: Vec<String> = ["POST", "PUT", "DELETE"]
            .iter()
            .flat_map(|m| [format!("closed-before,method={m},first=1"), format!("error-before=403,method={m},after=1")])
            .collect();
        let output = apply_under(&graph, &switches.iter().map(String::as_str).collect::<Vec<_>>());
        let fates = steps(&output);
        let first = fates.iter().find(|s| s.fate != Fate::NotAttempted).unwrap();
        assert_eq!(first.fate, Fate::Unknown, "{kind}: {:?}", first.why);
        met += 1;
    }
    assert_eq!(met, kinds().len());
}

/// One capability, which two accounts have: what one of them is given or loses, both are.
#[test]
fn what_two_accounts_share_is_refused() {
    let graph = Graph::with(&acme());
    let of = |name: &str| documents(&graph, "User").into_iter().find(|u| u["name"] == name).unwrap();
    let mut ada = of("ada@acme.example");
    let shared = of("cas@acme.example")["capability"][0].clone();
    ada["capability"].as_array_mut().unwrap().push(shared.clone());
    let path = "/api/document/_system?author=somebody&message=shares";
    graph.ask("PUT", path, &ada);
    let before = graph.holds();
    for (what, declared) in [
        ("give", "{reader: [cas@acme.example, ada@acme.example], writer: [ada@acme.example]}"),
        ("take", "{reader: [cas@acme.example]}"),
        ("change", "{reader: [cas@acme.example], Consumer Role: [ada@acme.example]}"),
    ] {
        graph.declare(&but(&whole(), "{reader: [cas@acme.example]}", declared));
        note(&graph.plan(&[]), "share one capability");
        let output = apply_all(&graph).ended(5);
        let all = steps(&output);
        assert_eq!(all.len(), 1, "{what}: {all:?}");
        assert_eq!(all[0].fate, Fate::Failed, "{what}");
        has(all[0].why.as_deref().unwrap(), &["`ada@acme.example` shares a capability there with others"]);
        assert_eq!(graph.holds(), before, "{what}");
    }
    // Nor does the account go: the other one would lose it as well.
    let gone = but(&whole(), "  cas@acme.example: {at: {graph: {}}}\n", "");
    graph.declare(&but(&gone, "{reader: [cas@acme.example]}", "{reader: [ada@acme.example]}"));
    let output = apply_all(&graph);
    assert_ne!(output.code, Some(0), "{}", output.text());
    assert_eq!(graph.holds(), before);
    // Where it is not touched, nothing stands in the way.
    let declared = but(&whole(), "{reader: [cas@acme.example]}", "{reader: [cas@acme.example, ada@acme.example]}");
    graph.declare(&declared);
    graph.is_converged();
    graph.declare(&but(&declared, "role: writer}]}", "role: reader}]}"));
    apply_all(&graph).ended(0);
    graph.is_converged();
}

#[test]
fn to_take_all_takes_every_duplicate() {
    for (kind, scope, declared) in [
        ("database", "acme/hr", but(&whole(), "{reader: [cas@acme.example]}", "{}")),
        ("organization", "idle", but(&whole(), "{reader: [cas@acme.example]}", "{}")),
    ] {
        let graph = Graph::with(&acme());
        graph.handle.set_faults(&["own-capability"]).unwrap();
        for role in ["reader", "writer", "writer", "Admin Role"] {
            ask(&graph, grant(kind, scope, "cas@acme.example", &[role]));
        }
        ask(&graph, grant(kind, scope, "cas@acme.example", &[]));
        graph.handle.set_faults(&[]).unwrap();
        assert_eq!(capabilities(&graph, "cas@acme.example"), 6, "{kind}");
        graph.declare(&declared);
        let report = apply_all(&graph);
        assert_eq!(report.code, Some(0), "{kind}: {}", report.text());
        assert_eq!(capabilities(&graph, "cas@acme.example"), 0, "{kind}");
        assert_eq!(graph.holds()["orphans"], 0, "{kind}");
        graph.is_converged();
    }
    // The account goes with all of them.
    let graph = Graph::with(&acme());
    graph.handle.set_faults(&["own-capability"]).unwrap();
    for role in ["reader", "writer"] {
        ask(&graph, grant("organization", "acme", "cas@acme.example", &[role]));
    }
    graph.handle.set_faults(&[]).unwrap();
    let gone = but(&whole(), "  cas@acme.example: {at: {graph: {}}}\n", "");
    graph.declare(&but(&gone, "{reader: [cas@acme.example]}", "{}"));
    apply_all(&graph).ended(0);
    assert_eq!((&graph.holds()["users"]["cas@acme.example"], &graph.holds()["orphans"]), (&Value::Null, &json!(0)));
    graph.is_converged();
}

/// What a look lacks is not gone, and what nobody seems to have may be somebody's: nothing is deleted by it.
#[test]
fn nothing_is_deleted_by_a_look_that_is_not_whole() {
    for (kind, declared) in
        kinds().into_iter().filter(|(k, _)| ["delete-role", "delete-team", "delete-resource"].contains(k))
    {
        let graph = Graph::with(&acme());
        graph.declare(&declared);
        let before = graph.holds();
        // The plan that is asked for consents is made before.
        let output = apply_under(&graph, &["short-read,path=/document,after=1"]).ended(5);
        has(&output.text(), &["the server does not show everything"]);
        let after = graph.holds();
        for what in ["roles", "organizations", "orphans"] {
            assert_eq!(after[what], before[what], "{kind}: {what}");
        }
        apply_all(&graph).ended(0);
        graph.is_converged();
    }
}
