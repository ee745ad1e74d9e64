//! The hosted mode where servers do badly: every kind of change with every fault, an apply that is killed, and what
//! an apply costs.

use super::hosted::{USERS, accept, declare, hosted, invites, whole, with_cas};
use super::*;

type State = (Value, Vec<(String, String)>);

fn state(graph: &Graph) -> State {
    let mut open = invites(graph);
    open.sort();
    (graph.holds()["users"].clone(), open)
}

/// With Dan, who is invited and has not come, and Eve, who administers as well.
fn begun() -> Graph {
    let graph = hosted();
    for (email, role) in [("dan@acme.example", "Role/dataReader"), ("eve@acme.example", "Role/admin")] {
        graph.ask("POST", "/api/organizations/acme/invites", &json!({"email_to": email, "role": role, "note": ""}));
    }
    accept(&graph, "eve@acme.example");
    declare(&graph, &base());
    graph
}

fn base() -> String {
    let more = "users:\n  dan@acme.example: {at: {graph: {}}}\n  eve@acme.example: {at: {graph: {}}}\n";
    let members =
        "role: Data Reader}, {user: dan@acme.example, role: Data Reader}, {user: eve@acme.example, role: Admin Role}]}";
    but(&but(&whole(), "users:\n", more), "role: Data Reader}]}", members)
}

/// Every kind of change that the calls can make.
fn hosted_kinds() -> Vec<(&'static str, &'static str, String)> {
    let base = base();
    let cas = but(&base, "users:\n", "users:\n  cas@acme.example: {at: {graph: {}}}\n");
    let cas = but(&cas, ", {user: dan@", ", {user: cas@acme.example, role: Info Reader}, {user: dan@");
    let without_bea = but(&base, "  bea@acme.example: {at: {graph: {}}}\n", "");
    let without_bea = but(&without_bea, "{user: bea@acme.example, role: Data Reader}, ", "");
    let without_dan = but(&base, "  dan@acme.example: {at: {graph: {}}}\n", "");
    vec![
        ("invite", "invite-user", cas),
        (
            "change-role",
            "change-member",
            but(&base, "bea@acme.example, role: Data Reader", "bea@acme.example, role: Info Reader"),
        ),
        (
            "demote",
            "change-member",
            but(&base, "eve@acme.example, role: Admin Role", "eve@acme.example, role: Collaborator"),
        ),
        (
            "give",
            "give-grant",
            but(&base, "hr: {access: {}}", "hr: {access: {Collaborator: [bea@acme.example, eve@acme.example]}}"),
        ),
        (
            "change",
            "change-grant",
            but(&base, "{Data Updater: [bea@acme.example]}", "{Collaborator: [bea@acme.example]}"),
        ),
        ("remove", "delete-user", but(&without_bea, "{Data Updater: [bea@acme.example]}", "{}")),
        ("withdraw", "delete-user", but(&without_dan, "{user: dan@acme.example, role: Data Reader}, ", "")),
        ("disable", "disable-user", but(&base, "bea@acme.example: {at", "bea@acme.example: {state: disabled, at")),
        ("block", "disable-user", format!("{base}blocks: [{{user: bea@acme.example, because: left}}]\n")),
    ]
}

fn report(output: &Output) -> Report {
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}\n{output:?}"))
}

/// What an apply takes is what was foretold, for each kind of change and for all of them at once.
#[test]
fn the_forecast_is_what_an_apply_takes() {
    let everything = {
        let all =
            but(&hosted_kinds()[0].2, "bea@acme.example, role: Data Reader", "bea@acme.example, role: Info Reader");
        let all = but(&all, "eve@acme.example, role: Admin Role", "eve@acme.example, role: Collaborator");
        let all = but(&all, "hr: {access: {}}", "hr: {access: {Data Reader: [bea@acme.example, eve@acme.example]}}");
        let all = but(&all, "{Data Updater: [bea@acme.example]}", "{Collaborator: [bea@acme.example]}");
        let all = but(&all, "  dan@acme.example: {at: {graph: {}}}\n", "");
        but(&all, "{user: dan@acme.example, role: Data Reader}, ", "")
    };
    let kinds = hosted_kinds().into_iter().chain([("everything", "change-grant", everything)]);
    for (name, kind, declared) in kinds {
        let graph = begun();
        declare(&graph, &declared);
        let plan = graph.plan(&[]);
        assert!(words(&plan).iter().any(|w| w.starts_with(kind)), "{name}: {:?}", words(&plan));
        let foretold = plan.forecast.unwrap().requests;
        let output = apply_all(&graph).ended(0);
        let report = report(&output);
        assert!(report.targets[0].steps.iter().all(|s| s.fate == Fate::Applied), "{name}");
        let kinds: Vec<String> = report.targets[0].steps.iter().map(|s| word(&s.change)).collect();
        assert_eq!(report.targets[0].requests, Some(foretold), "{name}: {kinds:?}");
        graph.is_converged();
    }
}

/// One fault and one kind of change: the desired state, or a truthful report; and the next runs end it.
fn hosted_case(spec: &Spec, (name, _, declared): &(&str, &str, String), wanted: &State) -> i32 {
    let what = format!("{} x {name}", spec.name);
    let graph = begun();
    declare(&graph, declared);
    let before = state(&graph);
    let start = graph.handle.requests().len();
    let output = apply_under(&graph, &[switch(spec).as_str()]);
    let all = graph.handle.requests();
    let sent = all[start..].iter().filter(|r| r.method == "POST" && r.path.ends_with("/invites")).count();
    let throttled = spec.name.starts_with("throttle");
    assert!(sent <= 1 || throttled, "{what}: {sent} invitations were sent");
    let (held, all, code) = (state(&graph), output.text(), output.code.unwrap());
    match code {
        0 => assert_eq!(held, *wanted, "{what}: said to be done\n{all}"),
        1 | 3 => assert_eq!(held, before, "{what}: nothing was to be done\n{all}"),
        5 => {
            let report = report(&output);
            let steps: Vec<_> = report.targets.iter().flat_map(|t| &t.steps).collect();
            assert!(steps.iter().any(|s| s.fate != Fate::Applied), "{what}: {all}");
            assert!(steps.iter().all(|s| (s.fate == Fate::Applied) == s.why.is_none()), "{what}: {all}");
            if steps.iter().all(|s| matches!(s.fate, Fate::Failed | Fate::NotAttempted | Fate::SetAside)) {
                assert_eq!(held, before, "{what}: said to be undone\n{all}");
            }
        }
        other => panic!("{what}: exit {other}\n{all}"),
    }
    if code != 0 {
        for _ in 0..2 {
            apply_all(&graph);
        }
        assert_eq!(state(&graph), *wanted, "{what}: in the end\n{all}\n{}", graph.run(&["plan"]).text());
    }
    graph.is_converged();
    code
}

#[test]
fn every_fault_ends_in_the_desired_state_or_a_truthful_report_here_as_well() {
    let kinds = hosted_kinds();
    let wanted: Vec<State> = kinds
        .iter()
        .map(|(name, _, declared)| {
            let graph = begun();
            declare(&graph, declared);
            apply_all(&graph).ended(0);
            let state = state(&graph);
            assert_ne!(state, self::state(&begun()), "{name}");
            state
        })
        .collect();
    // What concerns the open server's calls alone, and who is not let in, are told elsewhere.
    let others = ["anonymous", "not-super", "stuck-delete", "own-capability", "short-read"];
    let ends = matrix(&others, kinds.len(), |spec, kind| hosted_case(spec, &kinds[kind], &wanted[kind]));
    if std::env::var_os("ROLECALL_FAULTS").is_some() {
        eprintln!("{ends:#?}");
    }
    for whole in ["slow", "rate", "plain-json", "throttle"] {
        assert!(ends.keys().filter(|(name, _)| *name == whole).all(|(_, code)| *code == 0), "{whole}: {ends:#?}");
    }
    assert!(ends.keys().any(|(_, code)| *code == 5), "some are not known in the end: {ends:#?}");
}

/// Killed in the middle, an apply is gone on with: nobody gets a second letter, and the ledger tells of all.
#[test]
fn killed_and_resumed_in_hosted_mode() {
    let mut declared = but(&with_cas(), "{Data Updater: [bea@acme.example]}", "{Collaborator: [bea@acme.example]}");
    let mut members = String::new();
    let mut users = String::from("users:\n");
    for n in 0..5 {
        users.push_str(&format!("  u{n}@acme.example: {{at: {{graph: {{}}}}}}\n"));
        members.push_str(&format!(", {{user: u{n}@acme.example, role: Info Reader}}"));
    }
    declared = but(&declared, "users:\n", &users);
    declared = but(
        &declared,
        "cas@acme.example, role: Data Reader}",
        &format!("cas@acme.example, role: Data Reader}}{members}"),
    );
    let wanted = {
        let graph = hosted();
        declare(&graph, &declared);
        graph.apply(&[]);
        graph.is_converged();
        state(&graph)
    };
    assert_eq!(wanted.1.len(), 6);
    for requests in [3, 7, 12, 18, 25, 33] {
        let graph = hosted();
        declare(&graph, &declared);
        graph.handle.set_faults(&["slow=10"]).unwrap();
        let start = graph.handle.requests().len();
        let mut command = graph.command(&["apply", "--auto-approve"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("it has sent some requests", || graph.handle.requests().len() >= start + requests);
        child.kill().unwrap();
        child.wait().unwrap();
        graph.handle.set_faults(&[]).unwrap();
        graph.apply(&[]);
        assert_eq!(state(&graph), wanted, "killed after {requests} requests");
        graph.is_converged();
        let sent = graph.handle.requests()[start..]
            .iter()
            .filter(|r| r.method == "POST" && r.path.ends_with("/invites"))
            .count();
        assert_eq!(sent, 6, "killed after {requests} requests");
        graph.run(&["history", "verify"]).ended(0);
    }
}

/// What the dashboard of the product may leave: two roles of one person in the organization. No call takes one of
/// them away.
#[test]
fn several_roles_in_the_organization_are_left_to_people() {
    let graph = hosted();
    let path = "/api/document/_system?author=somebody&message=two&create=true";
    let all = graph.ask("GET", "/api/document/_system?as_list=true", &Value::Null);
    let mut bea = all.as_array().unwrap().iter().find(|d| d["name"] == "bea@acme.example").unwrap().clone();
    let more = json!({"@type": "Capability", "scope": "Organization/acme", "role": ["Role/infoReader"]});
    bea["capability"].as_array_mut().unwrap().push(more);
    graph.ask("PUT", path, &bea);
    let before = graph.holds();
    let said =
        "bea@acme.example has several roles in the organization (Data Reader, Info Reader), of which the highest";
    let swapped = said.replace("Data Reader, Info Reader", "Info Reader, Data Reader");
    let is_said =
        |plan: &TargetPlan| plan.notes.iter().any(|n| n.message.contains(said) || n.message.contains(&swapped));
    let plan = graph.plan(&[]);
    assert!(plan.steps.is_empty() && is_said(&plan), "{:#?}", plan.notes);
    declare(&graph, &but(&whole(), "bea@acme.example, role: Data Reader", "bea@acme.example, role: Info Reader"));
    let plan = graph.plan(&[]);
    assert!(plan.steps.is_empty() && is_said(&plan), "{:?} {:#?}", words(&plan), plan.notes);
    note(&plan, "leave bea@acme.example the role Info Reader alone");
    graph.apply(&[]);
    assert_eq!(graph.holds(), before);
}

/// That somebody is not listed, or nothing is, does not say that they are gone.
#[test]
fn what_is_not_listed_is_not_gone() {
    let graph = hosted();
    declare(&graph, &with_cas());
    // A list that is not there is no empty list.
    graph.handle.set_faults(&["error-before=404,method=GET,path=/organizations/acme/users,after=1"]).unwrap();
    let output = graph.run(&["apply", "--auto-approve", "--json"]);
    graph.handle.set_faults(&[]).unwrap();
    assert_ne!(output.code, Some(0), "{}", output.text());
    assert_eq!(invites(&graph), [], "nobody is invited who may be there");
    let without = but(&whole(), USERS, "users:\n  ada@acme.example: {at: {graph: {}}}\n");
    let without = but(&without, ", {user: bea@acme.example, role: Data Reader}]", "]");
    declare(&graph, &but(&without, "{Data Updater: [bea@acme.example]}", "{}"));
    let before = graph.holds();
    let switch = "error-before=404,method=GET,path=/organizations/acme/users,after=3";
    let output = apply_under(&graph, &[switch]).ended(5);
    assert!(report(&output).targets[0].steps.iter().all(|s| s.fate != Fate::Applied), "{}", output.text());
    assert_eq!(graph.holds(), before);
}

#[test]
fn the_example_of_the_hosted_product_is_planned_and_applied() {
    assert!(example("terminusdb-hosted").join("README.md").exists());
    let options = Options { hosted: true, ..Options::new(PASSWORD).unwrap() };
    let graph = Graph { env: TestEnv::new(), handle: serve(&options).unwrap() };
    copy_example("terminusdb-hosted/declaration", &graph.env);
    // What its README makes by hand.
    graph.ask("POST", "/api/private/organizations/acme", &Value::Null);
    let ada = json!({"email_to": "ada@acme.example", "role": "Role/admin"});
    graph.ask("POST", "/api/organizations/acme/invites", &ada);
    accept(&graph, "ada@acme.example");
    for name in ["suppliers", "accounts"] {
        graph.ask("POST", &format!("/api/db/acme/{name}"), &json!({"label": name}));
    }
    let plan = graph.plan(&[]);
    note(&plan, "wait until grace@acme.example has accepted the invitation: Data Updater");
    graph.apply(&[]);
    let mut roles: Vec<String> = invites(&graph).into_iter().map(|(email, role)| format!("{email} {role}")).collect();
    roles.sort();
    assert_eq!(
        roles,
        [
            "emmy@acme.example Role/collaborator",
            "grace@acme.example Role/dataReader",
            "katherine@acme.example Role/infoReader"
        ]
    );
    accept(&graph, "grace@acme.example");
    graph.apply(&[]);
    let held =
        json!({"Organization \"acme\"": ["\"Data Reader\""], "UserDatabase \"suppliers\"": ["\"Data Updater\""]});
    assert_eq!(graph.held("grace@acme.example"), held);
    graph.is_converged();
}
