//! Strongly end to end: the built binary against the sandbox, as a user would run it. What the instance holds
//! is looked at by a client of a few lines that shares no code with rolecall.

use std::process::Stdio;

use rolecall::invariants::Answer;
use rolecall::plan::{Note, Plan, TargetPlan};
use rolecall::sandbox::Handle;
use rolecall::sandbox::strongly::{Options, serve};
use serde_json::{Value, json};

use super::common::{Output, TestEnv, copy_example, example, has, http, wait_until, word};

mod faults;

const TOKEN: &str = "canary-7c31";

/// What was there before somebody declared anything.
const ACME: &str = "
users:
  - {email: ada@acme.example, name: Ada, role: admin, organization_role: owner}
  - {email: Bea@acme.example, name: Bea, role: developer}
  - {email: cas@acme.example, name: Cas, role: developer}
  - {email: old@acme.example, name: Old, role: app, archived: true}
  - {email: guest@other.example, name: Guest, role: app}
applications:
  - {name: portal, owner: ada@acme.example, users: [cas@acme.example, guest@other.example], sign_in: {enabled: true, signup: true, domains: [old.example]}}
  - {name: docs, owner: cas@acme.example, everyone: true}
projects: [{name: churn, owner: bea@acme.example, shared: {cas@acme.example: viewer}}]
workspaces: [{name: notes, project: churn, owner: bea@acme.example}]
workflows: [{name: nightly, owner: ada@acme.example, shared: {cas@acme.example: editor}}]
data_sources:
  - {name: warehouse, owner: ada@acme.example, users: [cas@acme.example, guest@other.example]}
  - {name: lake, owner: ada@acme.example, everyone: true}
";

/// An instance, and a folder with a declaration of it.
struct Strongly {
    env: TestEnv,
    handle: Handle,
}

impl Strongly {
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
            "version: 1\ntargets:\n  ai:\n    provider: strongly\n    url: {url}\n    credentials: {{key: '${{STRONGLY_KEY}}'}}\n{rest}"
        );
        self.env.write("rolecall.yaml", &text);
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = self.env.command(args);
        command.env("STRONGLY_KEY", TOKEN).env("STRONGLY_API_KEY", TOKEN).env("STRONGLY_URL", self.handle.origin());
        let output = Output::of(command.output().unwrap());
        assert!(!output.text().contains(TOKEN), "the key is shown: {}", output.text());
        output
    }

    #[track_caller]
    fn plan(&self, args: &[&str]) -> TargetPlan {
        let (first, rest): (Vec<&str>, Vec<&str>) = (args.to_vec(), vec!["plan", "--json"]);
        let output =
            self.run(&if args.first() == Some(&"-f") { [first, rest].concat() } else { [rest, first].concat() });
        let mut plan: Plan = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}\n{output:?}"));
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
        let head = format!("x-api-key: {TOKEN}\r\n");
        let (status, _, body) = http(self.handle.addr(), method, path, &head, &body);
        (status.unwrap(), serde_json::from_slice(&body).unwrap_or_default())
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", &format!("/api/v1{path}"), &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body["data"].clone()
    }

    fn list(&self, path: &str) -> Vec<Value> {
        let join = if path.contains('?') { '&' } else { '?' };
        self.get(&format!("{path}{join}limit=100")).as_array().unwrap().clone()
    }

    /// What somebody does on Strongly's screens.
    #[track_caller]
    fn by_hand(&self, things: &Value) {
        let (status, body) = self.call("POST", "/sandbox/things", things);
        assert_eq!(status, 204, "{body}");
    }

    fn organization(&self) -> String {
        format!("/organizations/{}", self.get("/auth/whoami")["organization"]["id"].as_str().unwrap())
    }

    /// Everything that could be harmed, by name.
    fn state(&self) -> Value {
        let members = self.list(&format!("{}/members", self.organization()));
        let name = |id: &Value| {
            let found = members.iter().find(|m| m["userId"] == *id);
            found.map_or(Value::Null, |m| json!(m["email"].as_str().unwrap().to_lowercase()))
        };
        let mut people = Vec::new();
        for archived in [false, true] {
            for user in self.list(&format!("/users?archived={archived}")) {
                let member = members.iter().find(|m| m["email"] == user["email"]);
                let member = member.map(|m| json!([m["name"], m["role"]]));
                people.push(json!([user["email"].as_str().unwrap().to_lowercase(), user["role"], archived, member]));
            }
        }
        people.sort_by_key(Value::to_string);
        let invitations = self.list(&format!("{}/invitations", self.organization()));
        let invitations: Vec<Value> = invitations.iter().map(|i| json!([i["email"], i["role"]])).collect();
        let names = |ids: &Value| {
            let mut names: Vec<String> = ids.as_array().unwrap().iter().map(|i| name(i).to_string()).collect();
            names.sort();
            json!(names)
        };
        let mut things = Vec::new();
        for (kind, flag) in [("apps", "isPublic"), ("datasources", "allowAllUsers")] {
            for thing in self.list(&format!("/{kind}")) {
                let one = self.get(&format!("/{kind}/{}", thing["_id"].as_str().unwrap()));
                let auth = json!([one["auth"]["allowedDomains"], one["auth"]["signupEnabled"]]);
                things.push(json!([
                    kind,
                    one["name"],
                    one[flag],
                    names(&one["allowedUsers"]),
                    name(&one["ownerId"]),
                    auth
                ]));
            }
        }
        for (kind, last) in [("projects", "collaborators"), ("workflows", "share")] {
            for thing in self.list(&format!("/{kind}")) {
                let shares = self.list(&format!("/{kind}/{}/{last}", thing["_id"].as_str().unwrap()));
                let mut shares: Vec<String> =
                    shares.iter().map(|s| format!("{} {}", name(&s["userId"]), s["role"])).collect();
                shares.sort();
                things.push(json!([kind, thing["name"], shares]));
            }
        }
        json!({"people": people, "invitations": invitations, "things": things})
    }
}

#[track_caller]
fn note<'p>(plan: &'p TargetPlan, part: &str) -> &'p Note {
    plan.notes.iter().find(|n| n.message.contains(part)).unwrap_or_else(|| panic!("{part}: {:#?}", plan.notes))
}

fn words(plan: &TargetPlan) -> Vec<String> {
    plan.steps.iter().map(|s| format!("{} {}", word(&s.change), s.change.object().name)).collect()
}

#[test]
fn what_is_imported_needs_no_change_in_either_shape() {
    for fault in [
        "",
        "shape-d",
        "nested",
        "changed-names",
        "no-total",
        "page-cap=2",
        "archived-hidden",
        "own-ids",
        "own-ids shape-d",
    ] {
        let faults: Vec<&str> = fault.split_whitespace().collect();
        let strongly = Strongly::with(ACME, &faults);
        strongly.declare("    settings: {sign_in: portal}\n");
        strongly.run(&["import", "--target", "ai", "--into", "imported"]).ended(0);
        let mut text = String::new();
        for entry in std::fs::read_dir(strongly.env.file("imported")).unwrap() {
            text.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
        }
        has(
            &text,
            &[
                "bea@acme.example",
                "organization_role: owner",
                "data-source/warehouse",
                "old.example",
                "visibility: everyone",
            ],
        );
        let plan = strongly.plan(&["-f", "imported"]);
        assert_eq!(words(&plan), [""; 0], "{fault}: {:#?}\n{text}", plan.notes);
        assert!(plan.observed.is_empty() && !plan.is_blocked() && plan.doubts.is_empty(), "{fault}: {plan:#?}");
        assert!(!plan.notes.iter().any(|n| n.message.contains("by hand")), "{fault}: {:#?}", plan.notes);
        strongly.run(&["-f", "imported", "plan", "--detailed-exitcode"]).ended(0);
    }
}

/// Every kind of change at once.
const EVERYTHING: &str = "    settings: {sign_in: portal}
    manage: {users: additive, grants: additive, resources: additive, domains: authoritative}
users:
  ada@acme.example: {role: admin}
  bea@acme.example: {name: Beatrice, role: viewer, attributes: {organization_role: admin}}
  cas@acme.example: {role: developer, state: disabled}
  old@acme.example: {role: developer}
  new@acme.example: {name: New, role: developer, attributes: {organization_role: admin}}
resources:
  application/portal: {visibility: restricted, access: {view: [bea@acme.example, guest@other.example]}}
  application/docs: {visibility: restricted, access: {view: [new@acme.example]}}
  project/churn: {access: {edit: [new@acme.example, ada@acme.example]}}
  workspace/notes: {in: project/churn}
  workflow/nightly: {access: {view: [bea@acme.example]}}
  data-source/warehouse: {visibility: everyone}
  data-source/lake: {visibility: restricted, access: {use: [new@acme.example, bea@acme.example]}}
domains: {acme.example: {role: viewer}}
";

/// Who is named in the declaration besides: without them, people are not declared.
fn everything() -> String {
    EVERYTHING.replace("  new@acme.example: {name", "  guest@other.example: {role: viewer}\n  new@acme.example: {name")
}

/// The words of an apply with the consents that the plan asks for; the exit code where there is no plan.
fn consenting(strongly: &Strongly) -> Result<Vec<String>, Option<i32>> {
    let shown = strongly.run(&["plan", "--json"]);
    let plan = serde_json::from_str::<Plan>(&shown.stdout).map_err(|_| shown.code)?;
    let mut args = vec!["apply".to_owned(), "--auto-approve".to_owned()];
    for verdict in plan.targets[0].guards.iter().filter(|v| v.answer == Answer::Violated) {
        let help = verdict.help.as_deref().unwrap_or_default();
        if let Some(consent) = help.split("--accept ").nth(1).and_then(|rest| rest.split([' ', ';']).next()) {
            args.extend(["--accept".to_owned(), consent.to_owned()]);
        }
    }
    Ok(args)
}

fn run_all(strongly: &Strongly, args: &[String]) -> Output {
    strongly.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Applies, with the consents that the plan asks for; the exit code.
fn apply_all(strongly: &Strongly) -> Option<i32> {
    match consenting(strongly) {
        Ok(args) => run_all(strongly, &args).code,
        Err(code) => code,
    }
}

#[test]
fn every_kind_of_change_is_made_and_said() {
    let strongly = Strongly::with(ACME, &[]);
    strongly.declare(&everything());
    let plan = strongly.plan(&[]);
    for expected in [
        "create-user new@acme.example",
        "disable-user cas@acme.example",
        "enable-user old@acme.example",
        "update-user bea@acme.example",
        "update-resource application/docs",
        "update-resource data-source/warehouse",
        "remove-domain old.example",
        "add-domain acme.example",
    ] {
        assert!(words(&plan).iter().any(|w| w == expected), "{expected}: {:#?}", words(&plan));
    }
    // The key that comes with an account is said, and what leavers own.
    has(&note(&plan, "by hand: take away the key of new@acme.example").message, &["wildcard"]);
    has(&note(&plan, "cas@acme.example keeps what they own").message, &["apps docs"]);
    let asked: Vec<_> = strongly.handle.requests().iter().map(|r| format!("{} {}", r.method, r.path)).collect();
    assert!(asked.iter().all(|r| r.starts_with("GET ")), "a plan only reads: {asked:#?}");
    // What the plan says that an apply takes is about what it took.
    let forecast = plan.forecast.as_ref().unwrap().requests;
    let mut args = consenting(&strongly).unwrap();
    args.push("--json".to_owned());
    let report: Value = serde_json::from_str(&run_all(&strongly, &args).ended(0).stdout).unwrap();
    let took = report["targets"][0]["requests"].as_u64().unwrap();
    assert!(took.abs_diff(forecast) * 10 <= forecast, "{forecast} were foretold, and {took} sent");
    let state = strongly.state().to_string();
    has(
        &state,
        &[
            r#"["new@acme.example","developer",false,["New","admin"]]"#,
            r#"["bea@acme.example","app",false,["Beatrice","admin"]]"#,
            r#"["cas@acme.example","developer",true,["Cas","member"]]"#,
            r#"["old@acme.example","developer",false"#,
            r#"["acme.example"],true"#,
            r#"["datasources","warehouse",true"#,
        ],
    );
    strongly.is_converged();
    let archive = strongly.handle.requests().iter().filter(|r| r.path.ends_with("/archive")).count();
    assert_eq!(archive, 1);
    // What only concerns whoever made the key is never asked for: `DELETE` there cannot be undone.
    assert!(strongly.handle.requests().iter().all(|r| r.path != "/api/v1/users/me"));
}

#[test]
fn the_whole_life_of_a_user() {
    let strongly = Strongly::with(ACME, &[]);
    let rest = |user: &str, grants: &str| {
        format!(
            "    manage: {{users: additive, grants: authoritative}}\nusers:\n  ada@acme.example: {{role: admin}}\n{user}\
             resources:\n  project/churn: {{access: {{{grants}}}}}\n"
        )
    };
    // Invited first, where the policy says so; the platform role comes when they have come.
    strongly.declare(
        "    manage: {users: additive}\nusers:\n  ada@acme.example: {role: admin}\n  eve@acme.example: {name: Eve, role: developer}\n\
         policies: {invitations: {required: true}}\n",
    );
    let plan = strongly.plan(&[]);
    assert_eq!(words(&plan), ["invite-user eve@acme.example"]);
    note(&plan, "plan again when eve@acme.example has come");
    strongly.apply(&[]);
    assert_eq!(strongly.plan(&[]).pending, ["eve@acme.example"]);
    strongly.is_converged();
    strongly.by_hand(&json!({"accept": ["eve@acme.example"]}));
    assert_eq!(words(&strongly.plan(&[])), ["update-user eve@acme.example"]);
    strongly.apply(&[]);
    strongly.is_converged();
    // Gets something, another level of it, and loses it with everybody else who is not declared.
    let people = "  bea@acme.example: {role: developer}\n  cas@acme.example: {role: developer}\n  guest@other.example: {role: viewer}\n";
    let eve = |state: &str| format!("{people}  eve@acme.example: {{name: Eve, role: developer{state}}}\n");
    for (grants, left) in [
        ("view: [eve@acme.example, cas@acme.example]", "viewer"),
        ("edit: [eve@acme.example], view: [cas@acme.example]", "editor"),
        ("view: [cas@acme.example]", ""),
    ] {
        strongly.declare(&rest(&eve(""), grants));
        apply_all(&strongly);
        let state = strongly.state();
        let churn = state["things"].as_array().unwrap().iter().find(|t| t[1] == "churn").unwrap()[2].to_string();
        assert_eq!(churn.contains("eve@acme.example"), !left.is_empty(), "{churn}");
        has(&churn, &[left, "bea@acme.example"]);
        strongly.is_converged();
    }
    // Archived, with everything kept, and back again.
    strongly.declare(&rest(&eve(", state: disabled"), "view: [cas@acme.example]"));
    strongly.apply(&[]);
    has(&strongly.state().to_string(), &[r#"["eve@acme.example","developer",true"#]);
    strongly.is_converged();
    strongly.declare(&rest(&eve(""), "view: [cas@acme.example]"));
    strongly.apply(&[]);
    has(&strongly.state().to_string(), &[r#"["eve@acme.example","developer",false"#]);
    // Blocked: closed at once, and nothing else is lost.
    strongly.declare(&format!(
        "{}blocks: [{{user: eve@acme.example, because: INC-7}}]\n",
        rest(&eve(""), "view: [cas@acme.example]")
    ));
    assert_eq!(words(&strongly.plan(&[])), ["disable-user eve@acme.example"]);
    strongly.apply(&[]);
    has(&strongly.state().to_string(), &[r#"["eve@acme.example","developer",true"#]);
    strongly.is_converged();
    for (method, path) in [
        ("POST", "/invite"),
        ("PUT", "/users/"),
        ("POST", "/collaborators"),
        ("PUT", "/collaborators/"),
        ("DELETE", "/collaborators/"),
        ("POST", "/archive"),
        ("POST", "/unarchive"),
    ] {
        let sent = strongly.handle.requests();
        assert!(sent.iter().any(|r| r.method == method && r.path.contains(path)), "{method} {path} was not sent");
    }
}

#[test]
fn what_the_api_cannot_do_is_a_step_that_vanishes_where_it_is_seen() {
    let strongly = Strongly::with(ACME, &[]);
    strongly.declare(
        "users:
  ada@acme.example: {role: admin}
  bea@acme.example: {role: data-scientist}
teams:
  night: {description: On call, lead: bea@acme.example, quota: {cpu: 8, apps: 3}}
resources:
  project/new: {owner: bea@acme.example, access: {edit: [team/night]}}
  application/portal: {access: {edit: [bea@acme.example]}}
  model/churn: {}
policies:
  mfa: {require: all, grace: 7d}
  passwords: {length: 12}
  review: {every: 90d}
",
    );
    let steps = |plan: &TargetPlan| -> Vec<String> {
        let notes = plan.notes.iter().filter(|n| n.message.starts_with("by hand"));
        notes.map(|n| format!("{}: {}", n.message, n.help.as_deref().unwrap_or_default())).collect()
    };
    let plan = strongly.plan(&[]);
    assert_eq!(words(&plan), ["give-grant application/portal bea@acme.example"]);
    let text = steps(&plan).join("\n");
    has(
        &text,
        &[
            "make bea@acme.example data-scientist, which the API cannot write: in Strongly: Settings > Users",
            "make the team night, described as \"On call\", with at most CPU 8, apps 3: in Strongly: Settings > Teams",
            "make bea@acme.example the lead of the team night",
            "make project/new: in Strongly: the project's settings, Access Control",
            "share project/new with the team night: edit",
            "see that bea@acme.example may edit application/portal",
            "see that there is model/churn, which no endpoint shows",
            "a second factor is required of all users, with a grace period of 7d; the API does not show it: in Strongly: Settings > Security Policies",
            "see to the passwords",
        ],
    );
    assert_eq!(steps(&strongly.plan(&[])), steps(&plan), "they are stable");
    strongly.by_hand(&json!({
        "users": [{"email": "bea@acme.example", "role": "data_scientist"}],
        "projects": [{"name": "new", "owner": "bea@acme.example"}],
        "teams": {"night": ["bea@acme.example"]},
        "policies": {"mfa": {"require": "all"}},
    }));
    let text = steps(&strongly.plan(&[])).join("\n");
    for gone in ["data-scientist", "make project/new"] {
        assert!(!text.contains(gone), "{text}");
    }
    has(&text, &["make the team night", "share project/new with the team night", "second factor"]);
}

#[test]
fn what_cannot_be_stops_the_plan_beforehand() {
    let strongly = Strongly::with(ACME, &[]);
    strongly.declare(
        "users:
  ada@acme.example: {role: admin, attributes: {organization_role: boss}}
  bea@acme.example: {role: developer}
resources:
  workflow/nightly: {access: {view: [everyone]}}
  project/churn: {}
domains: {acme.example: {role: viewer}}
",
    );
    strongly.handle.forget_requests();
    strongly.run(&["plan"]).ended(3);
    let stops = strongly.plan(&[]).guards.into_iter().filter(|v| v.answer == Answer::Violated);
    let text: String = stops.map(|v| format!("{}\n{}\n", v.message, v.help.unwrap_or_default())).collect();
    has(
        &text,
        &[
            "`organization_role: boss` of ada@acme.example is no role in an organization",
            "nobody can give everyone view on workflow/nightly",
            "none is named for acme.example",
            "settings: {sign_in: NAME}",
        ],
    );
    strongly.run(&["apply", "--auto-approve"]).ended(3);
    assert!(strongly.handle.requests().iter().all(|r| r.method == "GET"), "nothing is written");
}

/// A viewer with a grant of `edit` may view (fact sheet strongly, 3.3, number 7).
#[test]
fn a_viewer_is_capped() {
    let strongly = Strongly::with(ACME, &[]);
    strongly.declare(
        "users:
  ada@acme.example: {role: admin}
  bea@acme.example: {role: developer}
  guest@other.example: {role: viewer}
resources:
  project/churn: {access: {edit: [guest@other.example, ada@acme.example]}}
tests:
  - {user: guest@other.example, can: view, resource: project/churn}
  - {user: guest@other.example, cannot: edit, resource: project/churn}
  - {user: ada@acme.example, can: edit, resource: project/churn}
",
    );
    strongly.run(&["test"]).ended(0);
    apply_all(&strongly);
    strongly.run(&["can", "guest@other.example", "edit", "project/churn", "--live"]).ended(3);
    strongly.run(&["can", "guest@other.example", "view", "project/churn", "--live"]).ended(0);
}

#[test]
fn a_missing_scope_is_named() {
    let strongly = Strongly::with(ACME, &[]);
    strongly.declare(&everything());
    strongly.handle.set_faults(&["no-admin-scope"]).unwrap();
    let text = strongly.run(&["plan"]).ended(1).text();
    has(&text, &["`users:admin`"]);
    strongly.handle.set_faults(&["no-write-scopes"]).unwrap();
    let mut args = consenting(&strongly).unwrap();
    args.push("--json".to_owned());
    let output = run_all(&strongly, &args);
    assert!(matches!(output.code, Some(1 | 5)), "{output:?}");
    has(&output.stdout, &["lacks the scope `apps:write`", "lacks the scope `projects:write`"]);
}

/// What others have put into a whole list stays in it, and what Strongly loses of it is noticed.
#[test]
fn whole_lists_lose_nobody_unseen() {
    let declared = "    manage: {users: additive, grants: additive}
users:
  ada@acme.example: {role: admin}
  bea@acme.example: {role: developer}
resources:
  data-source/warehouse: {access: {use: [bea@acme.example]}}
";
    let allowed = |strongly: &Strongly| {
        let state = strongly.state();
        state["things"].as_array().unwrap().iter().find(|t| t[1] == "warehouse").unwrap()[3].to_string()
    };
    let strongly = Strongly::with(ACME, &[]);
    strongly.declare(declared);
    strongly.apply(&[]);
    has(&allowed(&strongly), &["bea@acme.example", "cas@acme.example", "guest@other.example"]);
    for fault in ["keeps-first=1", "crossed"] {
        let strongly = Strongly::with(ACME, &[fault]);
        strongly.declare(declared);
        let output = strongly.run(&["apply", "--auto-approve"]);
        assert!(matches!(output.code, Some(1 | 5)), "{fault}: {output:?}");
        strongly.handle.set_faults(&[]).unwrap();
    }
}

/// What is to be private has a list without anybody. Who goes from it goes by grants that are revoked, which the
/// guards see; whoever stays is said, as a step by hand, and never as a change that is not made.
#[test]
fn what_is_private_is_emptied_or_said() {
    let rest = |grants: &str, warehouse: &str| {
        format!(
            "    manage: {{users: additive, grants: {grants}}}\nusers:\n  ada@acme.example: {{role: admin}}\nresources:\n  \
             data-source/warehouse: {warehouse}\n  data-source/lake: {{visibility: private}}\n"
        )
    };
    let list = |strongly: &Strongly, name: &str| {
        let state = strongly.state();
        let thing = state["things"].as_array().unwrap().iter().find(|t| t[1] == name).unwrap();
        format!("{} {}", thing[2], thing[3])
    };
    // Only added to: nobody is taken out, and that is said until somebody has done it.
    let strongly = Strongly::with(ACME, &[]);
    strongly.by_hand(&json!({"data_sources": [{"name": "lake", "users": ["bea@acme.example", "old@acme.example"]}]}));
    strongly.declare(&rest("additive", "{visibility: private}"));
    let plan = strongly.plan(&[]);
    assert_eq!(words(&plan), ["update-resource data-source/lake"], "the list of the other is left as it is");
    let said =
        note(&plan, "by hand: take cas@acme.example, guest@other.example out of the list of data-source/warehouse");
    has(
        said.help.as_deref().unwrap(),
        &["Permissions", "`access: {}` beside it", "grants: {mode: authoritative, scope: [data-source/warehouse]}"],
    );
    assert_eq!(said.rule.as_deref(), Some("unreachable-is-manual"));
    note(&plan, "by hand: take bea@acme.example out of the list of data-source/lake");
    strongly.apply(&[]);
    assert_eq!(list(&strongly, "lake"), r#"false ["\"bea@acme.example\"","\"old@acme.example\""]"#);
    has(&list(&strongly, "warehouse"), &["false", "cas@acme.example", "guest@other.example"]);
    strongly.is_converged();
    note(&strongly.plan(&[]), "by hand: take bea@acme.example out of the list of data-source/lake");
    strongly.by_hand(&json!({"data_sources": [{"name": "lake", "users": []}, {"name": "warehouse", "users": []}]}));
    let plan = strongly.plan(&[]);
    assert!(plan.steps.is_empty() && !plan.notes.iter().any(|n| n.message.contains("by hand")), "{:#?}", plan.notes);
    // Where grants that nobody declares are revoked, each of them is a removal with its guards.
    let strongly = Strongly::with(ACME, &[]);
    strongly.declare(&rest("{mode: authoritative, scope: ['data-source/*']}", "{visibility: private, access: {}}"));
    let plan = strongly.plan(&[]);
    let stops: Vec<_> = plan.guards.iter().filter(|v| v.answer == Answer::Violated).map(|v| &*v.rule).collect();
    assert_eq!(stops, ["ownership-is-said"], "{:#?}", plan.guards);
    assert!(!plan.notes.iter().any(|n| n.message.contains("by hand")), "{:#?}", plan.notes);
    for gone in ["cas@acme.example", "guest@other.example"] {
        let word = format!("revoke-grant data-source/warehouse {gone}");
        assert!(words(&plan).contains(&word), "{:#?}", words(&plan));
    }
    assert_eq!(apply_all(&strongly), Some(0));
    assert_eq!([list(&strongly, "warehouse"), list(&strongly, "lake")], ["false []", "false []"]);
    strongly.is_converged();
}

/// A list that is much shorter than the last one removes nobody, and takes nobody for new either.
#[test]
fn a_short_reading_removes_nothing() {
    let strongly = Strongly::with(ACME, &[]);
    let many: Vec<Value> = (0..12).map(|n| json!({"email": format!("n{n:02}@acme.example")})).collect();
    strongly.by_hand(&json!({"users": many}));
    let many: String = (0..12).map(|n| format!("  n{n:02}@acme.example: {{role: viewer}}\n")).collect();
    let files = format!("    manage: {{users: additive}}\nusers:\n  ada@acme.example: {{role: admin}}\n{many}");
    strongly.declare(&files);
    strongly.apply(&[]);
    let before = strongly.state();
    strongly.handle.set_faults(&["short-list=40"]).unwrap();
    let said = strongly.run(&["apply", "--auto-approve"]).ended(3).text();
    has(&said, &["read-is-whole", "the last time", "new accounts"]);
    strongly.declare(
        &files.replace("n00@acme.example: {role: viewer}", "n00@acme.example: {role: viewer, state: disabled}"),
    );
    has(&strongly.run(&["apply", "--auto-approve"]).ended(3).text(), &["read-is-whole"]);
    strongly.handle.set_faults(&[]).unwrap();
    assert_eq!(strongly.state(), before);
}

/// Of several accounts with one address, none is taken for the one that is meant, and no further one is made.
#[test]
fn an_address_of_several_accounts_is_left_alone() {
    for shape in ["twin", "twin shape-d"] {
        let faults: Vec<&str> = shape.split_whitespace().collect();
        let strongly = Strongly::with(ACME, &faults);
        let files = "    manage: {users: authoritative}\nusers:\n  ada@acme.example: {role: admin}\n  bea@acme.example: \
                     {role: developer}\n  cas@acme.example: {role: developer}\n";
        strongly.by_hand(&json!({"invitations": [{"email": "guest@other.example"}]}));
        strongly.declare(files);
        let plan = strongly.plan(&[]);
        note(&plan, "several accounts have the address guest@other.example: all of them are left alone");
        assert_eq!(words(&plan), [""; 0], "{shape}: neither archived nor uninvited");
        for policy in ["", "policies: {invitations: {required: true}}\n"] {
            strongly.declare(&format!("{files}  guest@other.example: {{role: viewer}}\n{policy}"));
            strongly.handle.forget_requests();
            strongly.run(&["plan"]).ended(3);
            let why: Vec<String> = strongly.plan(&[]).guards.into_iter().map(|v| v.message).collect();
            has(&why.join("\n"), &["several accounts of Strongly have the address guest@other.example"]);
            strongly.run(&["apply", "--auto-approve"]).ended(3);
            assert!(strongly.handle.requests().iter().all(|r| r.method == "GET"), "{shape}: nothing is written");
        }
    }
}

/// An id that something has for itself is never taken for that of a user: those are in the members list.
#[test]
fn ids_are_those_of_the_members_list_in_both_shapes() {
    for shape in ["own-ids", "own-ids shape-d"] {
        let faults: Vec<&str> = shape.split_whitespace().collect();
        let strongly = Strongly::with(ACME, &faults);
        strongly.declare(&everything());
        assert_eq!(apply_all(&strongly), Some(0), "{shape}");
        strongly.is_converged();
        strongly.handle.set_faults(&[]).unwrap();
        strongly.is_converged();
        let seen = strongly.handle.requests();
        assert!(seen.iter().all(|r| r.status.is_some_and(|s| s < 300)), "{shape}: {seen:#?}");
        assert!(seen.iter().all(|r| !r.path.contains("own-")), "{shape}: an id that is no user's is asked for");
    }
}

/// With the last domain, sign-up is turned off; with the next one, on again: each looked at by itself. It is not
/// turned on where that would let in others.
#[test]
fn sign_up_goes_with_its_domains() {
    let strongly = Strongly::with(ACME, &[]);
    let declare = |domains: &str| {
        strongly.declare(&format!(
            "    settings: {{sign_in: portal}}\n    manage: {{domains: authoritative}}\nusers:\n  ada@acme.example: \
             {{role: admin}}\ndomains: {domains}\n"
        ));
    };
    let page = || {
        let state = strongly.state();
        state["things"].as_array().unwrap().iter().find(|t| t[1] == "portal").unwrap()[5].clone()
    };
    declare("{}");
    assert_eq!(apply_all(&strongly), Some(0));
    assert_eq!(page(), json!([[], false]));
    strongly.is_converged();
    // Both steps, and what the plan foretold is what it took.
    for role in ["{}", "{role: viewer}", "{role: null}"] {
        declare(&format!("{{acme.example: {role}}}"));
        let plan = strongly.plan(&[]);
        assert_eq!(words(&plan), ["add-domain acme.example"], "{role}");
        let mut args = consenting(&strongly).unwrap();
        args.push("--json".to_owned());
        let report: Value = serde_json::from_str(&run_all(&strongly, &args).ended(0).stdout).unwrap();
        assert_eq!(report["targets"][0]["requests"].as_u64(), plan.forecast.as_ref().map(|f| f.requests), "{role}");
        assert_eq!(page(), json!([["acme.example"], true]), "{role}");
        strongly.is_converged();
        declare("{}");
        assert_eq!(apply_all(&strongly), Some(0));
        assert_eq!(page(), json!([[], false]), "{role}");
    }
    // Only the list was written: the next apply does the rest.
    declare("{acme.example: {}}");
    strongly.handle.set_faults(&["error-before=400,after=1,method=PUT"]).unwrap();
    let said = strongly.run(&["apply", "--auto-approve"]);
    strongly.handle.set_faults(&[]).unwrap();
    has(&said.ended(5).text(), &["the domains were written, and sign-up is not on"]);
    assert_eq!(page(), json!([["acme.example"], false]));
    assert_eq!(words(&strongly.plan(&[])), ["add-domain acme.example"]);
    assert_eq!(apply_all(&strongly), Some(0));
    assert_eq!(page(), json!([["acme.example"], true]));
    strongly.is_converged();
    // Somebody else's domain is there, and sign-up is off: it is not turned on for them.
    for (enabled, step) in [
        (true, "by hand: turn sign-up of application/portal on, which lets people of other.example in as well"),
        (false, "by hand: switch the sign-in pages of application/portal on, for acme.example"),
    ] {
        strongly.by_hand(&json!({"applications": [
            {"name": "portal", "sign_in": {"enabled": enabled, "signup": false, "domains": ["other.example"]}}]}));
        let plan = strongly.plan(&[]);
        assert_eq!(words(&plan), [""; 0]);
        note(&plan, step);
        note(&plan, "sign-up of application/portal is off: its domains let nobody in");
        strongly.apply(&[]);
        assert_eq!(page(), json!([["other.example"], false]));
    }
    // A domain that lets nobody in is imported as none: planning that turns nothing on.
    strongly.run(&["import", "--target", "ai", "--into", "imported"]).ended(0);
    strongly.run(&["-f", "imported", "plan", "--detailed-exitcode"]).ended(0);
    assert_eq!(page(), json!([["other.example"], false]));
}

/// Killed in the middle, an apply is gone on with: nothing is made twice.
#[test]
fn killed_and_resumed() {
    let expected = {
        let strongly = Strongly::with(ACME, &[]);
        strongly.declare(&everything());
        assert_eq!(apply_all(&strongly), Some(0));
        strongly.state()
    };
    for requests in [20, 28, 36, 48, 60] {
        let strongly = Strongly::with(ACME, &["slow=15"]);
        strongly.declare(&everything());
        let args = consenting(&strongly).unwrap();
        strongly.handle.forget_requests();
        let mut command = strongly.env.command(&args.iter().map(String::as_str).collect::<Vec<_>>());
        command.env("STRONGLY_KEY", TOKEN).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let seen = || strongly.handle.count() as usize >= requests;
        wait_until("it has sent some requests", seen);
        child.kill().unwrap();
        child.wait().unwrap();
        strongly.handle.set_faults(&[]).unwrap();
        assert_eq!(apply_all(&strongly), Some(0), "killed after {requests} requests");
        assert_eq!(strongly.state(), expected, "killed after {requests} requests");
        strongly.is_converged();
        strongly.run(&["history", "verify"]).ended(0);
    }
}

/// The key, and what a creation answers, stand nowhere.
#[test]
fn the_key_is_nowhere() {
    let strongly = Strongly::with(ACME, &[]);
    strongly.declare(&everything());
    let run = |args: &[&str]| {
        let mut command = strongly.env.command(args);
        command.env("STRONGLY_KEY", TOKEN).env("RUST_LOG", "trace");
        let output = Output::of(command.output().unwrap());
        for secret in [TOKEN, "sk-prod-sandbox", "temporary-"] {
            assert!(!output.text().contains(secret), "{args:?} shows {secret}: {}", output.text());
        }
        output
    };
    run(&["validate"]).ended(0);
    let args = consenting(&strongly).unwrap();
    run(&["--record", "first", "plan", "--out", "saved.plan"]);
    run(&[&["--record", "second"], args.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat()).ended(0);
    run(&["--record", "third", "import", "--target", "ai", "--into", "imported"]).ended(0);
    run(&["history"]).ended(0);
    run(&["who", "view", "project/churn", "--live"]);
    run(&["review"]);
    let mut folders = vec![strongly.env.path().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            for secret in [TOKEN, "sk-prod-sandbox", "temporary-"] {
                assert!(!text.contains(secret), "{} holds {secret}", path.display());
            }
            files += usize::from(path.extension().is_some_and(|e| e == "json"));
        }
    }
    assert!(files > 20, "{files} exchanges were recorded");
    // A wrong key is refused, and not shown either.
    let mut command = strongly.env.command(&["plan"]);
    command.env("STRONGLY_KEY", "canary-wrong");
    let output = Output::of(command.output().unwrap()).ended(1);
    assert!(!output.text().contains("canary-wrong"), "{}", output.text());
    has(&output.text(), &["the key is not accepted"]);
}

#[test]
fn the_example_is_planned_and_applied() {
    let things = std::fs::read_to_string(example("strongly").join("things.yaml")).unwrap();
    let strongly = Strongly::with(&things, &[]);
    copy_example("strongly/declaration", &strongly.env);
    let consent = ["--accept", "takeover.domain=1"];
    let plan = strongly.plan(&consent);
    assert!(!plan.is_blocked(), "{:#?}", plan.guards);
    strongly.apply(&consent);
    strongly.is_converged();
    let state = strongly.state().to_string();
    has(&state, &[r#"["alan@acme.example","developer",true"#, r#"["grace@acme.example","developer",false"#]);
    has(&strongly.plan(&[]).notes.iter().map(|n| n.message.clone()).collect::<String>(), &["make the team data"]);
}

/// Domains are those of every application that is named; without any, nobody signs up.
#[test]
fn domains_are_those_of_the_named_applications() {
    let strongly = Strongly::with(ACME, &[]);
    strongly.by_hand(&json!({"applications": [
        {"name": "portal", "sign_in": {"enabled": true, "signup": true, "domains": ["acme.example"]}},
        {"name": "docs", "sign_in": {"enabled": true, "signup": true, "domains": []}},
    ]}));
    let declare = |domains: &str| {
        strongly.declare(&format!(
            "    settings: {{sign_in: 'portal, application/docs'}}\n    manage: {{domains: authoritative}}\nusers:\n  \
             ada@acme.example: {{role: admin}}\ndomains: {domains}\n"
        ));
    };
    let pages = || -> Vec<Value> {
        let state = strongly.state();
        let things = state["things"].as_array().unwrap().clone();
        things.iter().filter(|t| t[0] == "apps").map(|t| t[5].clone()).collect()
    };
    declare("{acme.example: {role: viewer}}");
    let plan = strongly.plan(&[]);
    assert_eq!(words(&plan), ["change-domain acme.example"], "it is on one of both pages");
    note(&plan, "acme.example may sign up on some of the pages, and not on application/docs");
    assert_eq!(apply_all(&strongly), Some(0));
    assert_eq!(pages(), [json!([["acme.example"], true]), json!([["acme.example"], true])]);
    strongly.is_converged();
    declare("{acme.example: {role: developer}}");
    strongly.run(&["plan"]).ended(3);
    declare("{}");
    assert_eq!(words(&strongly.plan(&[])), ["remove-domain acme.example"]);
    assert_eq!(apply_all(&strongly), Some(0));
    assert_eq!(pages(), [json!([[], false]), json!([[], false])], "what an empty list means is not published");
    strongly.is_converged();
}

/// What leavers own goes where the settings say, and is never deleted.
#[test]
fn who_goes_is_archived_with_an_explicit_action() {
    let strongly = Strongly::with(ACME, &[]);
    let declare = |target: &str, policies: &str| {
        strongly.declare(&format!(
            "    manage: {{users: authoritative}}\n{target}users:\n  ada@acme.example: {{role: admin}}\n  bea@acme.example: \
             {{role: developer}}\n  guest@other.example: {{role: viewer}}\npolicies: {{removal: {{users: delete{policies}}}}}\n"
        ));
    };
    declare("    settings: {assets: delete}\n", "");
    has(&strongly.run(&["plan"]).ended(1).text(), &["rolecall deletes nothing"]);
    declare("    settings: {assets: transfer}\n", "");
    let plan = strongly.plan(&[]);
    assert_eq!(words(&plan), ["disable-user cas@acme.example"], "nobody can be deleted, and who is archived is gone");
    assert!(
        plan.guards.iter().any(|v| v.message.contains("nobody takes over what these accounts own: cas@acme.example"))
    );
    declare("    settings: {assets: transfer}\n", ", transfer_to: ada@acme.example");
    let plan = strongly.plan(&[]);
    has(&note(&plan, "before cas@acme.example goes, ada@acme.example takes over").message, &["apps docs"]);
    assert_eq!(apply_all(&strongly), Some(0));
    let state = strongly.state().to_string();
    has(&state, &[r#"["cas@acme.example","developer",true"#, r#"["apps","docs",true,[],"ada@acme.example""#]);
    strongly.is_converged();
}
