//! The eight organizations of Kubernetes, from one recorded state to the other and back, against what
//! `difference.py` computes from the recordings without rolecall.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::common::{TestEnv, assert_same, audit, dump, example, has};

const ORGANIZATIONS: [&str; 8] = [
    "etcd-io",
    "kubernetes",
    "kubernetes-client",
    "kubernetes-csi",
    "kubernetes-incubator",
    "kubernetes-nightly",
    "kubernetes-retired",
    "kubernetes-sigs",
];

/// Runs a script of the example.
fn python(script: &str, args: &[&str]) -> String {
    let path = example("kubernetes-org").join(script);
    let output = Command::new("python3").arg(path).args(args).output().expect("python3 is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn declare(env: &TestEnv, state: &str) {
    python("convert.py", &[state, env.path().to_str().unwrap()]);
}

/// What must change, a line each.
fn oracle(from: &str, to: &str) -> Vec<String> {
    let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap().to_string();
    python("difference.py", &[from, to]).lines().map(parse).collect()
}

/// What a plan changes, in the words of `difference.py`.
fn changes(plan: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for target in plan["targets"].as_array().unwrap() {
        for step in target["steps"].as_array().unwrap() {
            let mut facts = facts(&step["change"]);
            facts["target"] = target["target"].clone();
            facts["change"] = step["change"]["change"].clone();
            found.push(facts.to_string());
        }
    }
    found
}

/// What people gain and lose, a line each, in the words of `access.py`.
fn accesses(plan: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for target in plan["targets"].as_array().unwrap() {
        for line in target["access"]["lines"].as_array().unwrap().iter().filter(|l| l["effect"] != "path") {
            let (who, on) = (line["who"].as_array().unwrap(), line["on"].as_array().unwrap());
            assert_eq!(
                (line["people"].as_u64(), line["resources"].as_u64()),
                (Some(who.len() as u64), Some(on.len() as u64))
            );
            let everywhere = [Value::Null];
            let on = if on.is_empty() { &everywhere[..] } else { on.as_slice() };
            let permissions = if line["administrator"] == true { json!(["*"]) } else { line["permissions"].clone() };
            for (user, on) in who.iter().flat_map(|user| on.iter().map(move |on| (user, on))) {
                let (target, effect) = (&target["target"], &line["effect"]);
                let one =
                    json!({"target": target, "user": user, "on": on, "effect": effect, "permissions": permissions});
                found.push(one.to_string());
            }
        }
    }
    found
}

/// Effective access before and after, compared by `access.py` from the recordings alone.
fn access_oracle(from: &str, to: &str) -> Vec<String> {
    let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap().to_string();
    python("access.py", &[from, to]).lines().map(parse).collect()
}

/// What a plan says first of each target: everything up to its changes.
fn heads(page: &str) -> String {
    let mut heads = String::new();
    let mut shown = true;
    for line in page.lines() {
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            shown = true;
        } else if ["  Users", "  Teams", "  Members", "  Resources", "  Grants"].contains(&line) {
            shown = false;
        }
        if shown && !line.starts_with("sha256:") {
            heads.push_str(line);
            heads.push('\n');
        }
    }
    heads
}

fn facts(c: &Value) -> Value {
    let to = || json!(format!("team/{}", c["to"]["team"].as_str().unwrap()));
    let names = |roles: &Value| roles.as_array().unwrap().iter().map(|r| r["role"].clone()).collect::<Value>();
    let why = &c["reason"]["why"];
    match c["change"].as_str().unwrap() {
        "create-user" => json!({"user": c["user"]["email"], "role": c["user"]["role"]}),
        "disable-user" => json!({"user": c["user"]["email"], "role": c["user"]["role"], "why": why}),
        "update-user" => {
            json!({"user": c["before"]["email"], "before": c["before"]["role"], "role": c["after"]["role"]})
        }
        "create-team" => {
            let team = &c["team"];
            json!({"team": team["name"], "description": team["description"], "in": team["in"]})
        }
        "update-team" => json!({"team": c["before"]["name"]}),
        "delete-team" => json!({"team": c["team"]["name"], "why": why}),
        "add-member" => json!({"team": c["member"]["team"], "user": c["member"]["user"], "role": c["member"]["role"]}),
        "remove-member" => {
            let m = &c["member"];
            json!({"team": m["team"], "user": m["user"], "role": m["role"], "why": why})
        }
        "change-member" => {
            let (b, a) = (&c["before"], &c["after"]);
            json!({"team": b["team"], "user": b["user"], "before": b["role"], "role": a["role"]})
        }
        "create-resource" => json!({"resource": c["resource"]["name"]}),
        "delete-resource" => json!({"resource": c["resource"]["name"], "why": why}),
        "give-grant" => json!({"to": to(), "resource": c["resource"], "roles": names(&c["roles"])}),
        "revoke-grant" => json!({"to": to(), "resource": c["resource"], "roles": names(&c["roles"]), "why": why}),
        "change-grant" => {
            json!({"to": to(), "resource": c["resource"], "before": names(&c["before"]), "roles": names(&c["after"])})
        }
        other => json!({"unexpected": other}),
    }
}

fn directories(env: &TestEnv) -> impl Iterator<Item = std::path::PathBuf> {
    ORGANIZATIONS.iter().map(|org| env.file(&format!(".rolecall/{org}.db")))
}

fn audited(env: &TestEnv) -> usize {
    directories(env).map(|path| audit(&path).len()).sum()
}

/// Imports every organization into a folder of its own; nothing is to be done there.
fn imports(env: &TestEnv) {
    for org in ORGANIZATIONS {
        let folder = format!("imported-{org}");
        let elsewhere = TestEnv::new();
        let into = elsewhere.file(&folder);
        let into = into.to_str().unwrap();
        env.run(&["import", "--target", org, "--into", into]).ended(0);
        assert!(Path::new(into).join("rolecall.yaml").exists());
        let plan: Value = serde_json::from_str(
            &elsewhere.run(&["-f", into, "plan", "--json", "--detailed-exitcode"]).ended(0).stdout,
        )
        .unwrap();
        let target = &plan["targets"][0];
        assert!(target["steps"].as_array().unwrap().is_empty() && target["observed"].as_array().unwrap().is_empty());
        assert!(target["live"]["user"].as_u64().unwrap() >= 10, "it looked at the same directory: {target}");
        assert_eq!(target["live"], target["desired"], "{org}");
    }
}

#[test]
fn there_and_back_again() {
    let env = TestEnv::new();
    declare(&env, "earlier");
    env.apply();
    env.is_converged();
    let earlier: Vec<Vec<String>> = directories(&env).map(|path| dump(&path)).collect();
    assert!(earlier.iter().map(Vec::len).sum::<usize>() > 7_000);
    let filled = audited(&env);

    // There: nothing more and nothing less than what differs between the recordings.
    declare(&env, "later");
    let (plan, wanted) = (env.plan_json(&["--detailed-exitcode"]), oracle("earlier", "later"));
    assert_eq!(wanted.len(), 437);
    assert_same(("the plan", changes(&plan)), ("difference.py", wanted));
    let wanted = access_oracle("earlier", "later");
    assert_eq!(wanted.len(), 116);
    assert_same(("the access difference", accesses(&plan)), ("access.py", wanted));
    insta::assert_snapshot!("kubernetes_earlier_to_later", heads(&env.run(&["plan"]).ended(0).stdout));
    env.apply();
    env.is_converged();
    assert_eq!(audited(&env), filled + 437);
    imports(&env);

    // And back: too many removals at once, until somebody says the numbers.
    declare(&env, "earlier");
    let stopped = env.stopped(&[]);
    has(&stopped, &["81 users of 1144 removed, at most 57 pass", "67 users of 1276 removed, at most 63 pass"]);
    has(&stopped, &["87 members of 1690 removed, at most 84 pass"]);
    has(&stopped, &["--accept removal.user=154", "--accept removal.member=144"]);
    assert_eq!(stopped.matches("blast-radius").count(), 3, "{stopped}");
    has(&env.stopped(&["removal.user=154"]), &["--accept removal.member=144"]);
    has(&env.stopped(&["removal.user=153", "removal.member=144"]), &["which is 154"]);
    assert_eq!(audited(&env), filled + 437, "nothing was done");

    let consents = ["--accept", "removal.user=154", "--accept", "removal.member=144"];
    let (plan, wanted) = (env.plan_json(&consents), oracle("later", "earlier"));
    assert_eq!(wanted.len(), 420);
    assert_same(("the plan", changes(&plan)), ("difference.py", wanted));
    let wanted = access_oracle("later", "earlier");
    assert!(wanted.len() > 100);
    assert_same(("the access difference", accesses(&plan)), ("access.py", wanted));
    env.run(&[&["apply", "--auto-approve"], consents.as_slice()].concat()).ended(0);
    env.is_converged();
    assert_eq!(audited(&env), filled + 437 + 420);
    // Who left is disabled and kept, so the directories are larger than they were: by these accounts.
    let back: Vec<Vec<String>> = directories(&env).map(|path| dump(&path)).collect();
    let disabled = back.iter().flatten().filter(|line| line.starts_with("user ") && line.contains("| disabled |"));
    assert_eq!(disabled.count(), 154);
    let lost = earlier.iter().zip(&back).flat_map(|(old, new)| old.iter().filter(move |l| !new.contains(l)));
    assert_eq!(lost.collect::<Vec<_>>(), Vec::<&String>::new(), "everything of the earlier state is there again");
    env.run(&["history", "verify"]).ended(0);
}
