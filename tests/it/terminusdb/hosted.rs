//! The hosted mode, against the sandbox alone: its calls were never recorded (fact sheet terminusdb, section 10).

use super::*;

pub(super) const USERS: &str = "users:
  ada@acme.example: {at: {graph: {}}}
  bea@acme.example: {at: {graph: {}}}
";
const TEAMS: &str = "teams:
  acme: {members: [{user: ada@acme.example, role: Admin Role}, {user: bea@acme.example, role: Data Reader}]}
";
const RESOURCES: &str = "resources:
  data-product/acme/sales: {access: {Data Updater: [bea@acme.example]}}
  data-product/acme/hr: {access: {}}
";

pub(super) fn whole() -> String {
    ["    manage: authoritative\n", USERS, TEAMS, RESOURCES, POLICIES].concat()
}

/// With Cas besides, as a reader.
pub(super) fn with_cas() -> String {
    let more = but(&whole(), "users:\n", "users:\n  cas@acme.example: {at: {graph: {}}}\n");
    but(&more, "role: Data Reader}]}", "role: Data Reader}, {user: cas@acme.example, role: Data Reader}]}")
}

/// What was printed, without its line breaks.
fn flat(output: &Output) -> String {
    output.text().split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn declare(graph: &Graph, rest: &str) {
    let url = graph.handle.origin();
    let text = format!(
        "version: 1\ntargets:\n  graph:\n    provider: terminusdb\n    url: {url}\n    credentials: {{token: \
         '${{GRAPH_PASSWORD}}'}}\n    settings: {{mode: hosted, organization: acme}}\n{rest}"
    );
    graph.env.write("rolecall.yaml", &text);
}

pub(super) fn invites(graph: &Graph) -> Vec<(String, String)> {
    let all = graph.ask("GET", "/api/organizations/acme/invites", &Value::Null);
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    all.as_array().unwrap().iter().map(|i| (text(&i["email_to"]), text(&i["role"]))).collect()
}

/// What whoever has the letter does.
pub(super) fn accept(graph: &Graph, email: &str) {
    let all = graph.ask("GET", "/api/organizations/acme/invites", &Value::Null);
    let invite = all.as_array().unwrap().iter().find(|i| i["email_to"] == email).unwrap();
    let hash = invite["@id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    graph.ask("PUT", &format!("/api/organizations/acme/invites/{hash}"), &json!({"accepted": true}));
}

fn row(graph: &Graph, user: &str, database: &str) -> Value {
    let path = format!("/api/organizations/acme/users/{user}/databases");
    let rows = graph.ask("GET", &path, &Value::Null);
    rows.as_array().unwrap().iter().find(|r| r["name"]["@value"] == database).unwrap().clone()
}

/// An organization with an administrator, a reader who may write one of two databases, and its declaration.
pub(super) fn hosted() -> Graph {
    let options = Options { hosted: true, ..Options::new(PASSWORD).unwrap() };
    let graph = Graph { env: TestEnv::new(), handle: serve(&options).unwrap() };
    graph.ask("POST", "/api/private/organizations/acme", &Value::Null);
    for (email, role) in [("ada@acme.example", "Role/admin"), ("bea@acme.example", "Role/dataReader")] {
        graph.ask("POST", "/api/organizations/acme/invites", &json!({"email_to": email, "role": role, "note": ""}));
        accept(&graph, email);
    }
    for name in ["sales", "hr"] {
        graph.ask("POST", &format!("/api/db/acme/{name}"), &json!({"label": name}));
    }
    let scope = row(&graph, "bea@acme.example", "sales")["scope"].clone();
    let body = json!({"scope": scope, "role": "Role/dataUpdater"});
    graph.ask("POST", "/api/organizations/acme/users/bea@acme.example/capabilities", &body);
    declare(&graph, &whole());
    graph
}

#[test]
fn what_is_imported_is_there_already() {
    let graph = hosted();
    graph.is_converged();
    graph.ask(
        "POST",
        "/api/organizations/acme/invites",
        &json!({"email_to": "Cas@acme.example", "role": "Role/dataReader"}),
    );
    declare(&graph, "");
    graph.run(&["import", "--target", "graph", "--into", "imported"]).ended(0);
    let output = graph.run(&["-f", "imported", "plan", "--detailed-exitcode"]).ended(0);
    has(&output.text(), &["cas@acme.example"]);
    // The token goes by its own scheme, which the sandbox takes for one of its own.
    let imported: String = std::fs::read_dir(graph.env.file("imported"))
        .unwrap()
        .map(|f| std::fs::read_to_string(f.unwrap().path()).unwrap())
        .collect();
    has(&imported, &["Data Updater", "data-product/acme/hr", "cas@acme.example", "Admin Role"]);
}

#[test]
fn who_is_new_is_invited_and_gets_the_rest_after_coming() {
    let graph = hosted();
    let declared = but(
        &with_cas(),
        "data-product/acme/hr: {access: {}}",
        "data-product/acme/hr: {access: {Collaborator: [cas@acme.example]}}",
    );
    declare(&graph, &declared);
    let plan = graph.plan(&[]);
    assert_eq!(words(&plan), ["add-member acme cas@acme.example", "invite-user cas@acme.example"]);
    note(&plan, "wait until cas@acme.example has accepted the invitation: Collaborator on data-product/acme/hr");
    graph.apply(&[]);
    let sent = [("cas@acme.example".to_owned(), "Role/dataReader".to_owned())];
    assert_eq!(invites(&graph), sent);
    // Nobody is invited again while the letter lies there, nor with another role.
    graph.apply(&[]);
    assert_eq!(invites(&graph), sent);
    let other =
        but(&declared, "{user: cas@acme.example, role: Data Reader}", "{user: cas@acme.example, role: Collaborator}");
    declare(&graph, &other);
    note(&graph.plan(&[]), "withdraw the invitation of cas@acme.example as Data Reader");
    declare(&graph, &declared);
    accept(&graph, "cas@acme.example");
    let plan = graph.plan(&[]);
    assert_eq!(plan.steps.len(), 1, "{:?}", words(&plan));
    graph.apply(&[]);
    assert_eq!(row(&graph, "cas@acme.example", "hr")["role"], "Role/collaborator");
    graph.is_converged();
    // Without a role there is no invitation.
    declare(&graph, &but(&whole(), "users:\n", "users:\n  dan@acme.example: {at: {graph: {}}}\n"));
    let output = graph.run(&["apply", "--auto-approve"]);
    assert_ne!(output.code, Some(0));
    has(&flat(&output), &["dan@acme.example cannot be invited without a role in the organization `acme`"]);
    assert_eq!(invites(&graph), []);
}

#[test]
fn a_role_takes_the_place_of_another() {
    let graph = hosted();
    let before = row(&graph, "bea@acme.example", "sales");
    let declared = but(&whole(), "role: Data Reader}]}", "role: Info Reader}]}");
    declare(&graph, &but(&declared, "{Data Updater: [bea@acme.example]}", "{Collaborator: [bea@acme.example]}"));
    let plan = graph.plan(&[]);
    assert_eq!(plan.steps.len(), 2, "{:?}", words(&plan));
    graph.apply(&[]);
    let after = row(&graph, "bea@acme.example", "sales");
    assert_eq!((&after["capability"], &after["role"]), (&before["capability"], &json!("Role/collaborator")));
    assert_eq!(row(&graph, "bea@acme.example", "hr")["role"], "Role/infoReader");
    graph.is_converged();
    // The calls take no single role away.
    declare(&graph, &but(&whole(), "{Data Updater: [bea@acme.example]}", "{}"));
    note(&graph.plan(&[]), "take Collaborator on data-product/acme/sales from bea@acme.example");
}

#[test]
fn what_cannot_be_stops_the_plan() {
    let graph = hosted();
    let before = graph.holds();
    let cases = [
        (
            (
                "{Data Updater: [bea@acme.example]}",
                "{Data Updater: [bea@acme.example], Data Reader: [bea@acme.example]}",
            ),
            "bea@acme.example is to have 2 roles on data-product/acme/sales",
        ),
        (
            ("{Data Updater: [bea@acme.example]}", "{Data Updater: [everyone, bea@acme.example]}"),
            "roles on data products go to accounts",
        ),
        (
            ("{Data Updater: [bea@acme.example]}", "{Consumer Role: [bea@acme.example]}"),
            "does not give the role `Consumer Role`",
        ),
        (("{user: bea@acme.example, role: Data Reader}", "bea@acme.example"), "without a role, which cannot be"),
        (("teams:\n", "teams:\n  other: {members: []}\n"), "a target is the one that `organization:` names"),
        (
            (", {user: bea@acme.example, role: Data Reader}]", "]"),
            "cannot leave the organization and keep a role on data-product/acme/sales",
        ),
    ];
    for ((from, to), said) in cases {
        declare(&graph, &but(&whole(), from, to));
        let output = graph.run(&["apply", "--auto-approve"]);
        assert_ne!(output.code, Some(0), "{to}");
        has(&flat(&output), &[said]);
        assert_eq!(graph.holds(), before, "{to}");
    }
    // A data product is made by people, and what waits for it waits.
    declare(
        &graph,
        &but(
            &whole(),
            "resources:\n",
            "resources:\n  data-product/acme/new: {access: {Data Updater: [bea@acme.example]}}\n",
        ),
    );
    let plan = graph.plan(&[]);
    note(&plan, "make the data product `new`");
    assert_eq!(plan.steps.len(), 0, "{:?}", words(&plan));
}

#[test]
fn who_goes_loses_everything_and_an_invitation_is_withdrawn() {
    let graph = hosted();
    declare(&graph, &with_cas());
    graph.apply(&[]);
    assert_eq!(invites(&graph).len(), 1);
    let without = but(&whole(), "  bea@acme.example: {at: {graph: {}}}\n", "");
    let without = but(&without, ", {user: bea@acme.example, role: Data Reader}]", "]");
    declare(&graph, &but(&without, "{Data Updater: [bea@acme.example]}", "{}"));
    apply_all(&graph).ended(0);
    assert_eq!(graph.held("bea@acme.example"), json!({}));
    assert_eq!(graph.held("ada@acme.example"), json!({"Organization \"acme\"": ["\"Admin Role\""]}));
    assert_eq!(invites(&graph), []);
    graph.is_converged();
    // The last administrator stays, whatever is declared.
    declare(
        &graph,
        &[
            "    manage: authoritative\nusers: {ada@acme.example: {at: {graph: {}}}}\nteams: {acme: {members: [{user: \
             ada@acme.example, role: Collaborator}]}}\n",
            POLICIES,
        ]
        .concat(),
    );
    let output = apply_all(&graph);
    assert_ne!(output.code, Some(0));
    has(&flat(&output), &["admin-remains"]);
    assert_eq!(graph.held("ada@acme.example"), json!({"Organization \"acme\"": ["\"Admin Role\""]}));
}

#[test]
fn a_blocked_person_is_taken_out() {
    let graph = hosted();
    declare(&graph, &[&whole()[..], "blocks: [{user: bea@acme.example, because: left}]\n"].concat());
    graph.apply(&[]);
    assert_eq!(graph.held("bea@acme.example"), json!({}));
    graph.is_converged();
}

/// Whatever happens to the answer of an invitation, there is never a second one.
#[test]
fn a_lost_answer_does_not_invite_twice() {
    for fault in
        ["closed", "truncated", "closed-before", "lost-write", "html-errors", "slow=5", "plain-json", "no-content"]
    {
        let graph = hosted();
        declare(&graph, &with_cas());
        graph.handle.set_faults(&[fault]).unwrap();
        let start = graph.handle.requests().len();
        graph.run(&["apply", "--auto-approve"]);
        graph.handle.set_faults(&[]).unwrap();
        let letters = || {
            let all = graph.handle.requests();
            all[start..].iter().filter(|r| r.method == "POST" && r.path.ends_with("/invites")).count()
        };
        let first = (letters(), invites(&graph).len());
        assert!(first.1 <= 1 && first.0 <= 1, "{fault}: {first:?}");
        if fault == "closed" {
            assert_eq!(first, (1, 1), "{fault}");
        }
        graph.apply(&[]);
        assert_eq!(invites(&graph).len(), 1, "{fault}");
        graph.is_converged();
    }
}

#[test]
fn who_speaks_is_asked_first() {
    let graph = hosted();
    graph.handle.set_faults(&["anonymous"]).unwrap();
    let output = graph.run(&["plan"]);
    assert_ne!(output.code, Some(0));
    has(&output.text(), &["organization"]);
    graph.handle.set_faults(&[]).unwrap();
    let mut command = graph.command(&["plan"]);
    let output = Output::of(command.env("GRAPH_PASSWORD", "canary-wrong").output().unwrap()).ended(1);
    has(&output.text(), &["what opens it is not accepted"]);
    let mut command = graph.command(&["--record", "rec", "plan"]);
    let output = Output::of(command.env("RUST_LOG", "trace").output().unwrap()).ended(0);
    assert!(!output.text().contains(PASSWORD));
    for entry in std::fs::read_dir(graph.env.file("rec/graph")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains(PASSWORD));
    }
}
