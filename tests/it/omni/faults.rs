//! What servers do badly, and each kind of change; and an apply that is killed in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use rolecall::apply::{Fate, Report};
use rolecall::invariants::Answer;
use rolecall::model::{Change, Effect};
use rolecall::plan::Plan;
use rolecall::sandbox::Spec;
use rolecall::sandbox::fault::TRANSPORT;
use rolecall::sandbox::omni::faults::FAULTS;
use serde_json::Value;

use super::{ACME, Omni};
use crate::canary;
use crate::common::{Output, has, kill_when};

/// As the instance is at the beginning, but for what nobody declares.
const BEFORE: &str =
    "    manage: {users: authoritative, teams: authoritative, members: authoritative, grants: authoritative}
users:
  ada@acme.example: {role: ORG_ADMIN}
  bea@acme.example: {name: Bea, role: MEMBER, attributes: {region: east, level: 3}}
  cas@acme.example: {name: Cas, role: MEMBER}
teams:
  sales: {members: [bea@acme.example]}
  idle: {}
resources:
  connection/warehouse: {access: {VIEWER: [everyone], CONNECTION_ADMIN: [bea@acme.example]}}
  connection/lake: {}
  model/finance: {in: connection/warehouse, access: {QUERIER: [team/sales], MODELER: [cas@acme.example]}}
  folder/reports: {access: {VIEWER: [team/sales, everyone], EDITOR: [cas@acme.example]}}
  folder/reports/secret: {in: folder/reports}
  document/rev1: {in: folder/reports, owner: cas@acme.example, access: {EDITOR: [bea@acme.example]}}
policies: {removal: {transfer_to: ada@acme.example}}
";

/// Every kind of change at once.
const EVERYTHING: &str = "    manage: {users: additive, teams: additive, members: authoritative, grants: additive}
users:
  ada@acme.example: {role: ORG_ADMIN}
  bea@acme.example: {name: Beatrice, role: MEMBER, attributes: {region: west, level: null}}
  cas@acme.example: {role: MEMBER, state: disabled}
  new@acme.example: {name: New, role: MEMBER, attributes: {tags: 'a,b'}}
teams:
  sales: {members: [new@acme.example]}
  vendors: {was: idle, members: [bea@acme.example]}
  fresh: {members: [ada@acme.example, new@acme.example]}
resources:
  connection/warehouse: {access: {QUERY_TOPICS: [everyone], CONNECTION_ADMIN: [bea@acme.example]}}
  connection/lake: {}
  model/finance: {in: connection/warehouse, access: {MODELER: [team/sales], QUERIER: [new@acme.example]}}
  folder/reports: {access: {EDITOR: [team/sales], VIEWER: [team/fresh]}}
  folder/reports/new: {in: folder/reports, access: {VIEWER: [everyone], MANAGER: [new@acme.example]}}
  document/rev1: {in: folder/reports}
policies: {removal: {transfer_to: ada@acme.example}}
";

/// A kind of change: what is written in the place of what.
struct Kind {
    name: &'static str,
    edits: &'static [(&'static str, &'static str)],
}

const KINDS: [Kind; 27] = [
    Kind {
        name: "create-user",
        edits: &[("teams:\n", "  new@acme.example: {name: New, role: MEMBER, attributes: {tags: 'a,b'}}\nteams:\n")],
    },
    Kind { name: "update-user", edits: &[("name: Bea,", "name: Beatrice,")] },
    Kind { name: "set-attributes", edits: &[("{region: east, level: 3}", "{region: west, level: 4, tags: x}")] },
    Kind { name: "clear-attribute", edits: &[("level: 3", "level: null")] },
    Kind { name: "revoke-user", edits: &[("name: Cas, role: MEMBER", "name: Cas, role: MEMBER, state: disabled")] },
    Kind {
        name: "delete-user",
        edits: &[
            ("  cas@acme.example: {name: Cas, role: MEMBER}\n", ""),
            (", MODELER: [cas@acme.example]", ""),
            (", EDITOR: [cas@acme.example]", ""),
            (", owner: cas@acme.example", ""),
            ("removal: {", "removal: {users: delete, "),
        ],
    },
    Kind { name: "block", edits: &[("policies:", "blocks: [{user: bea@acme.example, because: INC-77}]\npolicies:")] },
    Kind {
        name: "create-team",
        edits: &[("  idle: {}", "  idle: {}\n  fresh: {members: [ada@acme.example, cas@acme.example]}")],
    },
    Kind { name: "rename-team", edits: &[("  idle: {}", "  vendors: {was: idle}")] },
    Kind { name: "delete-team", edits: &[("  idle: {}\n", "")] },
    Kind {
        name: "delete-team-that-holds",
        edits: &[
            ("  sales: {members: [bea@acme.example]}\n", ""),
            ("QUERIER: [team/sales], ", ""),
            ("[team/sales, everyone]", "[everyone]"),
        ],
    },
    Kind {
        name: "add-members",
        edits: &[("[bea@acme.example]}\n  idle", "[bea@acme.example, ada@acme.example, cas@acme.example]}\n  idle")],
    },
    Kind { name: "remove-member", edits: &[("{members: [bea@acme.example]}", "{members: []}")] },
    Kind { name: "swap-members", edits: &[("{members: [bea@acme.example]}", "{members: [cas@acme.example]}")] },
    Kind { name: "base-role", edits: &[("VIEWER: [everyone], CONN", "QUERY_TOPICS: [everyone], CONN")] },
    Kind { name: "no-base-role", edits: &[("VIEWER: [everyone], CONN", "CONN")] },
    Kind {
        name: "connection-admin",
        edits: &[("CONNECTION_ADMIN: [bea@acme.example]", "CONNECTION_ADMIN: [cas@acme.example]")],
    },
    Kind {
        name: "give-model-role",
        edits: &[("QUERIER: [team/sales]", "QUERIER: [team/sales, ada@acme.example, team/idle]")],
    },
    Kind {
        name: "change-model-role",
        edits: &[("QUERIER: [team/sales], MODELER: [cas@", "MODELER: [team/sales], QUERIER: [cas@")],
    },
    Kind { name: "revoke-model-role", edits: &[("QUERIER: [team/sales], MODELER: [cas@acme.example]", "")] },
    Kind {
        name: "create-folder",
        edits: &[(
            "  document/rev1",
            "  folder/reports/new: {in: folder/reports, access: {VIEWER: [everyone], MANAGER: [cas@acme.example]}}\n  document/rev1",
        )],
    },
    Kind {
        name: "give-folder-permit",
        edits: &[(
            "EDITOR: [cas@acme.example]}}\n  folder/reports/s",
            "EDITOR: [cas@acme.example, bea@acme.example, team/idle]}}\n  folder/reports/s",
        )],
    },
    Kind {
        name: "change-folder-permit",
        edits: &[("VIEWER: [team/sales, everyone], EDITOR: [cas@", "EDITOR: [team/sales, everyone], MANAGER: [cas@")],
    },
    Kind { name: "revoke-folder-permit", edits: &[("VIEWER: [team/sales, everyone], EDITOR: [cas@acme.example]", "")] },
    Kind {
        name: "change-document-permit",
        edits: &[("EDITOR: [bea@acme.example]", "VIEWER: [bea@acme.example, team/sales]")],
    },
    Kind { name: "revoke-document-permit", edits: &[(", access: {EDITOR: [bea@acme.example]}", ", access: {}")] },
    Kind {
        name: "hand-over-document", // Who has owned it manages it from then on, and who owns it needs no grant.
        edits: &[
            ("owner: cas@acme.example, access: {EDITOR: [bea@acme.example]}", "owner: bea@acme.example"),
            ("grants: authoritative", "grants: additive"),
        ],
    },
];

/// What lies in a personal folder holds its owner back: here everybody can go.
fn without_diary() -> String {
    ACME.lines().filter(|l| !l.contains("Diary")).collect::<Vec<_>>().join("\n")
}

/// An instance that is as declared.
fn begun() -> Omni {
    let omni = Omni::with(&without_diary(), &[]);
    omni.declare(BEFORE);
    omni.apply(&[]);
    omni.is_converged();
    omni
}

/// The arguments of an apply, with the consents that the plan asks for; none where there is no plan.
fn consenting(omni: &Omni) -> Result<Vec<String>, Output> {
    let shown = omni.run(&["plan", "--json"]);
    let Ok(plan) = serde_json::from_str::<Plan>(&shown.stdout) else { return Err(shown) };
    let mut args: Vec<String> = ["apply", "--auto-approve", "--json"].map(str::to_owned).to_vec();
    // What a guard stops is agreed to, as it says itself; but never that a list was much shorter than the last.
    let verdicts = plan.targets[0].guards.iter().chain(&plan.guards).filter(|v| v.answer == Answer::Violated);
    for help in verdicts.filter_map(|v| v.help.as_deref()) {
        if let Some(consent) = help.split("--accept ").nth(1).and_then(|rest| rest.split([' ', ';']).next())
            && !consent.starts_with("shrunk")
        {
            args.extend(["--accept".to_owned(), consent.to_owned()]);
        }
    }
    Ok(args)
}

fn apply_all(omni: &Omni) -> Output {
    match consenting(omni) {
        Ok(args) => omni.run(&args.iter().map(String::as_str).collect::<Vec<_>>()),
        Err(shown) => shown,
    }
}

/// What a kind of change is declared as.
fn declared(kind: &Kind) -> String {
    let mut text = BEFORE.to_owned();
    for (from, to) in kind.edits {
        assert_eq!(text.matches(from).count(), 1, "{}: `{from}`", kind.name);
        text = text.replace(from, to);
    }
    text
}

/// The instance before anything, and after each kind of change, where nothing goes wrong.
fn without_faults(name: &str, text: &str) -> (Value, Value) {
    static KNOWN: OnceLock<Mutex<BTreeMap<String, (Value, Value)>>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    if let Some(found) = known.lock().unwrap().get(name) {
        return found.clone();
    }
    let omni = begun();
    let first = omni.state();
    omni.declare(text);
    let output = apply_all(&omni).ended(0);
    omni.is_converged();
    let wanted = omni.state();
    assert_ne!(first, wanted, "{name} changes nothing that is looked at: {output:?}");
    known.lock().unwrap().insert(name.to_owned(), (first.clone(), wanted.clone()));
    (first, wanted)
}

/// The switch as the matrix turns it on: so often that something goes wrong, and not so often that nothing
/// but waiting is tested.
fn switch(spec: &Spec) -> String {
    match spec.name {
        "throttle" | "throttle-date" => format!("{}=1,every=7", spec.name),
        "throttle-bare" | "closed-before" | "lost-write" => format!("{},every=5", spec.name),
        "truncated" | "closed" | "error-before" | "error-after" => format!("{},every=3", spec.name),
        "rate" => "rate=1200".to_owned(),
        "slow" => "slow=20".to_owned(),
        "delayed" => "delayed=600".to_owned(),
        "page-cap" => "page-cap=1".to_owned(),
        name => name.to_owned(),
    }
}

/// Applies one kind of change to an instance with one fault; how the run ended, or what was wrong.
fn case(spec: &Spec, name: &str, text: &str) -> Result<i32, String> {
    let (first, wanted) = without_faults(name, text);
    let omni = begun();
    omni.declare(text);
    omni.handle.set_faults(&[switch(spec).as_str()]).unwrap();
    let output = apply_all(&omni);
    omni.handle.set_faults(&[]).unwrap();
    if spec.name == "delayed" {
        // What was written late is seen now.
        std::thread::sleep(Duration::from_millis(700));
    }
    let what = format!("{} x {name}", spec.name);
    let all = output.text();
    let held = omni.state();
    let wrong = |why: &str| Err(format!("{what}: {why}\n{all}\n{held:#}"));
    let report = serde_json::from_str::<Report>(&output.stdout).ok();
    let steps: Vec<_> = report.iter().flat_map(|r| &r.targets).flat_map(|t| &t.steps).collect();
    let Some(code) = output.code else { return wrong("no exit code") };
    match code {
        0 if held != wanted => return wrong("said to be done"),
        1 | 3 if held != first => return wrong("nothing was to be done"),
        0 | 1 | 3 => {}
        5 => {
            let told = steps.iter().all(|s| (s.fate == Fate::Applied) == s.why.is_none());
            if steps.is_empty() || !told || steps.iter().all(|s| s.fate == Fate::Applied) {
                return wrong("the report does not say what was not made");
            }
            let undone = |s: &&&rolecall::apply::StepReport| {
                matches!(s.fate, Fate::Failed | Fate::NotAttempted | Fate::SetAside)
            };
            // Handing over is said of the change that it was a part of.
            let leaves = |s: &&&rolecall::apply::StepReport| {
                matches!(s.change, Change::DisableUser { .. } | Change::DeleteUser { .. })
            };
            if steps.iter().filter(undone).count() == steps.len() && !steps.iter().any(|s| leaves(&s)) && held != first
            {
                return wrong("said not to be done");
            }
        }
        other => return wrong(&format!("exit {other}")),
    }
    // Nobody loses what no change takes away, and the embed user stays, whatever happened.
    let removed: BTreeSet<String> =
        steps.iter().filter(|s| s.change.effect() == Effect::Remove).map(|s| s.change.object().to_string()).collect();
    let sales = omni.members("sales");
    let goes = removed.contains("team sales") || held["teams"].as_array().unwrap().iter().all(|t| t[0] != "sales");
    if !goes && !sales.iter().any(|m| m.to_lowercase().contains("embed")) {
        return wrong("the embed user is lost");
    }
    // Without the fault, it ends where it should, and then nothing is left to do.
    for _ in 0..2 {
        if apply_all(&omni).code == Some(0) {
            break;
        }
    }
    let end = omni.state();
    if end != wanted {
        return Err(format!(
            "{what} (ended with {code}):\n{all}\n{end:#}\ninstead of\n{wanted:#}\n{}",
            omni.run(&["plan"]).text()
        ));
    }
    if omni.run(&["plan", "--detailed-exitcode"]).code != Some(0) {
        return Err(format!("{what}: there is always something to do:\n{}", omni.run(&["plan"]).text()));
    }
    Ok(code)
}

/// Each switch with each kind of change and with all of them at once: where somebody has the minutes
/// (`ROLECALL_FAULTS=all`); else with all at once and a few kinds, others for each switch.
#[test]
fn every_fault_ends_in_the_desired_state_or_a_truthful_report() {
    let all = std::env::var("ROLECALL_FAULTS").is_ok_and(|v| v == "all");
    let only = std::env::var("ROLECALL_FAULT").ok();
    // What a server hides and denies cannot be known: `a_short_reading_removes_nothing`.
    let specs = TRANSPORT.iter().chain(FAULTS).copied().filter(|s| s.name != "short-list");
    let mut queue: Vec<(&Spec, &str, String)> = Vec::new();
    for (turn, spec) in specs.enumerate().filter(|(_, s)| only.as_ref().is_none_or(|o| o == s.name)) {
        queue.push((spec, "everything", EVERYTHING.to_owned()));
        let kinds = KINDS.iter().enumerate().filter(|(n, _)| all || (n + turn) % 14 == 0);
        queue.extend(kinds.map(|(_, kind)| (spec, kind.name, declared(kind))));
    }
    assert!(only.is_some() || queue.len() > TRANSPORT.len() + FAULTS.len());
    let queue = Mutex::new(queue);
    let wrong = Mutex::new(Vec::new());
    let ends: Mutex<BTreeMap<(&str, i32), Vec<&str>>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some((spec, name, text)) = queue.lock().unwrap().pop() else { return };
                    match case(spec, name, &text) {
                        Ok(code) => ends.lock().unwrap().entry((spec.name, code)).or_default().push(name),
                        Err(why) => wrong.lock().unwrap().push(why),
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n\n"));
    let ends = ends.into_inner().unwrap();
    let bad: Vec<_> = ends.iter().filter(|((fault, code), _)| HARMLESS.contains(fault) && *code != 0).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

/// Faults that are no reason not to get there.
const HARMLESS: &[&str] = &[
    "throttle",
    "throttle-date",
    "throttle-bare",
    "rate",
    "slow",
    "no-content",
    "plain-json",
    "html-errors",
    "empty-errors",
    "error-after",
    "closed",
    "no-filter",
    "empty-filter",
    "ignored-filter",
    "page-cap",
    "dangling-members",
    "changed-names",
    "name-stays-taken",
    "duplicate-is-500",
    "delayed",
    "retry-after",
    "docs-errors",
    "inactive-shown",
    "email-changes",
    "undefined-refused",
    "system-shown",
    "strict-remove",
    "schedules-deleted",
    "spec-shapes",
    "topic-spelling",
    "no-definition-writes",
    "boost-off",
    "boost-cleared",
];

/// A list that is much shorter than the last time stops what would be removed.
#[test]
fn a_short_reading_removes_nothing() {
    let omni = begun();
    let kind = |name: &str| declared(KINDS.iter().find(|k| k.name == name).unwrap());
    let first = omni.state();
    omni.declare(&kind("remove-member"));
    for path in ["/scim/v2/users", "/scim/v2/groups"] {
        omni.handle.set_faults(&[format!("short-list=30,path={path}").as_str()]).unwrap();
        let output = apply_all(&omni);
        // Groups that are hidden seem to be missing, and Omni says that they are there.
        assert!(matches!(output.code, Some(3 | 5)), "{path}: {}", output.text());
        omni.handle.set_faults(&[]).unwrap();
        assert_eq!(omni.state(), first, "{path}");
    }
    // What is wrong with a total is a doubt as well.
    for fault in ["wrong-total=2", "low-total=2"] {
        omni.handle.set_faults(&[fault]).unwrap();
        assert_eq!(apply_all(&omni).code, Some(3), "{fault}");
        omni.handle.set_faults(&[]).unwrap();
        assert_eq!(omni.state(), first, "{fault}");
    }
    apply_all(&omni).ended(0);
    assert_eq!(omni.members("sales").len(), 1, "the embed user alone");
}

/// Killed in the middle, an apply is gone on with: nothing is made twice, nothing is lost, and the ledger
/// tells of all.
#[test]
fn killed_and_resumed() {
    let (_, wanted) = without_faults("everything", EVERYTHING);
    for part in 0..7 {
        let omni = begun();
        omni.declare(EVERYTHING);
        let plan: Plan = serde_json::from_str(&omni.run(&["plan", "--json"]).stdout).unwrap();
        let total = usize::try_from(plan.targets[0].forecast.unwrap().requests).unwrap();
        assert!(total > 70, "there is enough to be killed in: {total}");
        let requests = 2 + total * part / 7;
        let args = consenting(&omni).unwrap();
        omni.handle.set_faults(&["slow=10"]).unwrap();
        omni.handle.forget_requests();
        let mut command = omni.env.command(&args.iter().map(String::as_str).collect::<Vec<_>>());
        command.env("OMNI_API_KEY", super::TOKEN);
        kill_when(command, "it has sent some requests", || omni.handle.requests().len() >= requests);
        omni.handle.set_faults(&[]).unwrap();
        apply_all(&omni).ended(0);
        assert_eq!(omni.state(), wanted, "killed after {requests} requests");
        omni.is_converged();
        omni.run(&["history", "verify"]).ended(0);
    }
}

/// The key is nowhere: not in what is printed, traced, recorded, planned or remembered.
#[test]
fn the_key_is_nowhere() {
    let omni = Omni::with(&without_diary(), &[]);
    omni.declare(BEFORE);
    let env = &omni.env;
    let commands: [&[&str]; 25] = [
        &["validate"],
        &["--record", "rec-plan", "plan", "--out", "saved.json"],
        &["plan", "--json"],
        &["--record", "rec-apply", "apply", "--auto-approve"],
        &["--record", "rec-import", "import", "--target", "bi", "--into", "live"],
        &["review"],
        &["drift"],
        &["blame"],
        &["ci", "plan"],
        &["history"],
        &["history", "verify"],
        &["who", "VIEWER", "folder/reports", "--live"],
        &["explain", "bea@acme.example", "--live"],
        &["can", "bea@acme.example", "VIEWER", "folder/reports"],
        &["test"],
        &["catalogue", "omni"],
        &["rules"],
        &["explain-rule", "block-beats-all"],
        &["schema"],
        &["completions", "bash"],
        &["init", "fresh"],
        &["sandbox", "omni", "--assumptions"],
        &["--record", "rec-again", "plan"],
        &["plan"],
        &["offboard", "nobody@acme.example"],
    ];
    let traced = canary::sings_in_none(env, ("OMNI_API_KEY", super::TOKEN), &commands);
    assert!(traced > 30, "requests are traced: {traced}");
    // With a wrong key as well, which the server may repeat.
    let mut wrong = env.command(&["plan"]);
    wrong.env("OMNI_API_KEY", "canary-wrong-0815").env("RUST_LOG", "trace");
    let output = Output::of(wrong.output().unwrap()).ended(1);
    assert!(!output.text().contains("canary-wrong"), "{}", output.text());
    has(&output.stderr, &["Invalid bearer token"]);
    let looked_at = canary::sings_nowhere(env.path());
    assert!(looked_at > 20, "{looked_at} files: the plan, the store and the recordings among them");
}
