//! Several targets at once: one that fails holds up no other, and is named.

use super::common::{Output, TestEnv, has};

/// Two directories, and a server that nobody serves.
const THREE: &str = "
version: 1
targets:
  one: {provider: directory, url: 'sqlite:.rolecall/one.db', catalogue: strongly, manage: authoritative}
  gone: {provider: scim, url: 'http://127.0.0.1:1/scim/v2', credentials: {token: '${SCIM_TOKEN}'}, manage: authoritative}
  two: {provider: directory, url: 'sqlite:.rolecall/two.db', catalogue: strongly, manage: authoritative}
users:
  ada@x.example: {at: {one: {role: admin}, two: {role: admin}, gone: {}}}
";

fn run(env: &TestEnv, args: &[&str]) -> Output {
    Output::of(env.command(args).env("SCIM_TOKEN", "t").output().unwrap())
}

#[test]
fn one_that_cannot_be_read_holds_up_no_other() {
    let env = TestEnv::with(THREE);
    let plan = run(&env, &["plan", "--detailed-exitcode"]).ended(1).text();
    has(
        &plan,
        &[
            "gone  cannot be read: out of reach",
            "This is no plan for gone.",
            "Plan: 16 to add, 0 to change, 0 to remove in 2 targets.",
        ],
    );
    let json = run(&env, &["plan", "--json"]).ended(1).stdout;
    let plan: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(plan["targets"].as_array().unwrap().len(), 2);
    assert_eq!(plan["unread"][0]["target"], "gone");
    let markdown = run(&env, &["plan", "--format", "markdown"]).ended(1).stdout;
    has(&markdown, &["`gone` · **cannot be read**", "**This is no plan for gone.**"]);

    let report = run(&env, &["apply", "--auto-approve"]).ended(5).text();
    has(
        &report,
        &["Applied 8 of 8 changes to one.", "Applied 8 of 8 changes to two.", "Not applied to gone: out of reach"],
    );
    run(&env, &["plan", "--target", "one", "--target", "two", "--detailed-exitcode"]).ended(0);
    // Nothing is left to do, and still not everything is known to be right.
    has(&run(&env, &["plan"]).ended(1).text(), &["No changes in 2 targets.", "This is no plan for gone."]);
    has(&run(&env, &["apply", "--auto-approve"]).ended(1).text(), &["Not applied to gone"]);
    let alone = run(&env, &["plan", "--target", "gone"]).ended(1);
    has(&alone.text(), &["the target `gone` cannot be read: out of reach"]);
}

/// A saved plan is for the targets that were read: the others are not read again for it.
#[test]
fn a_saved_plan_leaves_alone_what_it_is_not_for() {
    let env = TestEnv::with(THREE);
    run(&env, &["plan", "--out", "plan.json"]).ended(1);
    let report = run(&env, &["apply", "plan.json"]).ended(0).text();
    has(&report, &["Applied 8 of 8 changes to one.", "Applied 8 of 8 changes to two."]);
    assert!(!report.contains("gone"), "{report}");
}
