//! What was not recorded, and what the sandbox has besides: its faults, the file, the command, the hosted
//! calls, the clients of others, and which action opens what.

use std::path::Path;
use std::process::Command;

use rolecall::sandbox::Handle;
use rolecall::sandbox::terminusdb::faults::FAULTS;
use serde_json::{Value, json};

use super::{Got, PASSWORD, basic, raw, sandbox};
use crate::common::{TestEnv, has};

fn ask(handle: &Handle, who: &str, method: &str, path: &str, body: &Value) -> Got {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers = [basic(who), ("content-type".to_owned(), "application/json".to_owned())];
    raw(handle.addr(), method, path, &headers, body.as_bytes())
}

/// As `admin`.
#[track_caller]
fn make(handle: &Handle, method: &str, path: &str, body: &Value) -> Value {
    ask(handle, &format!("admin:{PASSWORD}"), method, path, body).is(200).json()
}

fn capability(operation: &str, kind: &str, scope: &str, user: &str, role: &str) -> Value {
    json!({"operation": operation, "scope_type": kind, "scope": scope, "user": user, "roles": [role]})
}

/// An organization with a database, and an account for each action that has a role of it alone.
#[test]
fn each_action_opens_what_it_opened_on_the_real_server() {
    let actions = [
        "create_database",
        "delete_database",
        "class_frame",
        "clone",
        "fetch",
        "push",
        "branch",
        "rebase",
        "instance_read_access",
        "instance_write_access",
        "schema_read_access",
        "schema_write_access",
        "meta_read_access",
        "meta_write_access",
        "commit_read_access",
        "commit_write_access",
        "manage_capabilities",
    ];
    for action in actions {
        let handle = sandbox(|_| {});
        make(&handle, "POST", "/api/organizations/co", &json!({}));
        make(&handle, "POST", "/api/db/co/d", &json!({"label": "d"}));
        make(&handle, "POST", "/api/roles", &json!({"name": "only", "action": [action]}));
        make(&handle, "POST", "/api/users", &json!({"name": "m", "password": "p"}));
        make(&handle, "POST", "/api/users", &json!({"name": "other"}));
        make(&handle, "POST", "/api/capabilities", &capability("grant", "organization", "co", "m", "only"));
        let document = "/api/document/co/d?author=m&message=m";
        let by_id =
            json!({"operation": "grant", "scope": "Organization/co", "user": "User/other", "roles": ["Role/only"]});
        // terminusdb-action-matrix.txt: the operations that the sandbox serves.
        let operations: [(&str, &str, Value, &[&str]); 11] = [
            ("GET", "/api/document/co/d?as_list=true", Value::Null, &["instance_read_access"]),
            ("POST", document, json!([{"@type": "T"}]), &["instance_write_access"]),
            ("GET", "/api/document/co/d?graph_type=schema&as_list=true", Value::Null, &["schema_read_access"]),
            (
                "POST",
                "/api/document/co/d?author=m&message=m&graph_type=schema",
                json!([{"@type": "Class", "@id": "T"}]),
                &["schema_write_access"],
            ),
            ("HEAD", "/api/db/co/d", Value::Null, &["instance_read_access"]),
            ("GET", "/api/db", Value::Null, &actions),
            ("GET", "/api/db/co/d", Value::Null, &actions),
            ("PUT", "/api/db/co/d", json!({"label": "e"}), &["manage_capabilities"]),
            ("GET", "/api/organizations/co/users", Value::Null, &["manage_capabilities"]),
            ("POST", "/api/capabilities", by_id, &["manage_capabilities"]),
            ("POST", "/api/db/co/new", json!({"label": "n"}), &["create_database"]),
        ];
        for (method, path, body, opens) in operations {
            let status = if opens.contains(&action) { 200 } else { 403 };
            let got = ask(&handle, "m:p", method, path, &body);
            assert_eq!(got.status, Some(status), "{action}: {method} {path}\n{got:?}");
        }
        // Deleting needs two of them, each nothing alone.
        assert_eq!(ask(&handle, "m:p", "DELETE", "/api/db/co/d", &Value::Null).status, Some(403), "{action}");
    }
}

#[test]
fn the_faults_are_those_that_are_listed() {
    let handle = sandbox(|_| {});
    make(&handle, "POST", "/api/organizations/co", &json!({}));
    make(&handle, "POST", "/api/users", &json!({"name": "u"}));
    let admin = format!("admin:{PASSWORD}");
    for spec in FAULTS {
        handle.set_faults(&[spec.name]).unwrap();
        match spec.name {
            "lost-write" => {
                make(&handle, "POST", "/api/organizations/lost", &json!({}));
                ask(&handle, &admin, "GET", "/api/organizations/lost", &Value::Null).is(404);
            }
            "anonymous" => {
                let info = ask(&handle, &admin, "GET", "/api/info", &Value::Null).is(200).json();
                assert_eq!(info["api:info"]["authority"], "terminusdb://system/data/User/anonymous");
            }
            "not-super" => drop(ask(&handle, &admin, "GET", "/api/users", &Value::Null).is(403)),
            "own-capability" => {
                for _ in 0..2 {
                    let body = capability("grant", "organization", "co", "u", "Consumer Role");
                    make(&handle, "POST", "/api/capabilities", &body);
                }
                let user = make(&handle, "GET", "/api/users/u", &Value::Null);
                assert_eq!(user["capability"].as_array().map(Vec::len), Some(2));
            }
            "short-read" => {
                let path = "/api/document/_system?as_list=true&type=Capability";
                let shown = make(&handle, "GET", path, &Value::Null);
                handle.set_faults(&[]).unwrap();
                let all = make(&handle, "GET", path, &Value::Null);
                assert_eq!((shown.as_array().map(Vec::len), all.as_array().map(Vec::len)), (Some(2), Some(3)));
            }
            "stuck-delete" => {
                make(&handle, "POST", "/api/db/co/d", &json!({"label": "d"}));
                ask(&handle, &admin, "DELETE", "/api/db/co/d", &Value::Null).is(400);
                let list = make(&handle, "GET", "/api/db/co?verbose=true", &Value::Null);
                assert_eq!(list[0]["state"], "deleting");
            }
            other => panic!("{other} is tried nowhere"),
        }
        handle.set_faults(&[]).unwrap();
    }
}

#[test]
fn the_state_is_kept_and_the_command_tells_of_itself() {
    let env = TestEnv::new();
    let path = env.file("state.db");
    let first = {
        let handle = sandbox(|o| o.state = Some(path.clone()));
        make(&handle, "POST", "/api/users", &json!({"name": "u", "password": "pw"}));
        make(&handle, "POST", "/api/organizations/co", &json!({}));
        make(&handle, "POST", "/api/capabilities", &capability("grant", "organization", "co", "u", "Consumer Role"));
        let all = make(&handle, "GET", "/api/document/_system?as_list=true", &Value::Null);
        handle.stop().unwrap();
        all
    };
    let handle = sandbox(|o| o.state = Some(path.clone()));
    assert_eq!(make(&handle, "GET", "/api/document/_system?as_list=true", &Value::Null), first);
    ask(&handle, "u:pw", "GET", "/api/info", &Value::Null).is(200);
    drop(handle);
    // The password is not in the file as it is.
    assert!(!std::fs::read(&path).unwrap().windows(4).any(|w| w == b"\"pw\""));
    let shown = env.run(&["sandbox", "terminusdb", "--faults", "--assumptions"]).ended(0).text();
    has(&shown, &["own-capability", "error-after=500", "10 hosted", "never recorded"]);
    let handle = sandbox(|o| (o.users, o.groups) = (20, 3));
    assert_eq!(make(&handle, "GET", "/api/users", &Value::Null).as_array().map(Vec::len), Some(22));
}

#[test]
fn the_door_of_the_tests_is_another() {
    let handle = sandbox(|_| {});
    let none: [(String, String); 0] = [];
    raw(handle.addr(), "GET", "/sandbox/requests", &none, b"").is(401);
    handle.forget_requests();
    make(&handle, "GET", "/api/users", &Value::Null);
    let bearer = [("authorization".to_owned(), format!("Bearer {PASSWORD}"))];
    let seen = raw(handle.addr(), "GET", "/sandbox/requests", &bearer, b"").is(200).json();
    assert_eq!(seen["count"], 1);
    assert!(!seen.to_string().contains(PASSWORD), "{seen}");
}

/// The vendor's clients, unchanged: all of their calls about access.
#[test]
fn the_clients_of_others_work() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/check_terminusdb_sandbox.py");
    let done = Command::new("python3").arg(script).output().unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    has(&String::from_utf8_lossy(&done.stdout), &["Python: 24 calls; JavaScript: 26 calls of AccessControl"]);
}
