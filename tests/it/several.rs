//! Several targets at once: one that fails holds up no other, and is named.

use super::common::{Output, TestEnv, has, rows};

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

/// What could not be read is not managed by that: when it comes back, what would be taken over is asked for.
#[test]
fn what_was_not_read_is_not_taken_over() {
    let other = TestEnv::with(&TWO.replace("resources:", "  eve@x.example: {at: {two: {role: viewer}}}\nresources:"));
    other.apply();
    let env = TestEnv::with(TWO);
    env.write(".rolecall/two.db", "this is no database");
    has(&env.run(&["apply", "--auto-approve"]).ended(5).text(), &["Not applied to two"]);
    std::fs::copy(other.file(".rolecall/two.db"), env.file(".rolecall/two.db")).unwrap();
    let plan = env.run(&["plan"]).ended(3).text();
    has(&plan, &["ownership-is-said does not hold", "takeover.user=1"]);
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

const TWO: &str = "
version: 1
targets:
  one: {provider: directory, url: 'sqlite:.rolecall/one.db', catalogue: strongly, manage: authoritative}
  two: {provider: directory, url: 'sqlite:.rolecall/two.db', catalogue: strongly, manage: authoritative}
users:
  ada@x.example: {at: {one: {role: admin}, two: {role: admin}}}
  emmy@x.example: {at: {one: {role: admin}, two: {role: admin}}}
  mallory@x.example: {at: {one: {role: developer}, two: {role: viewer}}} # on loan
resources:
  one:project/churn: {access: {edit: [mallory@x.example]}}
";

fn disabled(env: &TestEnv, target: &str) -> Vec<String> {
    rows(&env.file(&format!(".rolecall/{target}.db")), "SELECT email FROM users WHERE state = 'disabled'")
}

/// A block is written, the plan shown, and nothing done; then it is done, and said when the last access ended.
#[test]
fn offboarding_blocks_everywhere() {
    let env = TestEnv::with(TWO);
    env.apply();
    let said = env.run(&["offboard", "Mallory@x.example", "--because", "INC-77: keys in public"]).ended(0).text();
    has(&said, &["Wrote the block of mallory@x.example into", "blocks.yaml", "Plan: ", "rolecall.yaml:9"]);
    assert_eq!(
        env.read("blocks.yaml"),
        "# Whoever stands here has no access anywhere, until the line goes.\nblocks:\n  - {user: mallory@x.example, \
         because: \"INC-77: keys in public\"}\n"
    );
    assert_eq!(env.read("rolecall.yaml"), TWO);
    assert_eq!(disabled(&env, "one"), Vec::<String>::new());

    let said = env.run(&["offboard", "mallory@x.example", "--auto-approve"]).ended(0).text();
    has(
        &said,
        &[
            "is blocked in every target already",
            "The last access of mallory@x.example ended ",
            "  one  after ",
            "  two  after ",
        ],
    );
    assert_eq!(
        (disabled(&env, "one"), disabled(&env, "two")),
        (vec!["mallory@x.example".into()], vec!["mallory@x.example".into()])
    );

    // A second block goes to the first, and every other byte stays.
    let before = env.read("blocks.yaml");
    env.run(&["offboard", "emmy@x.example"]).ended(0);
    assert_eq!(env.read("blocks.yaml"), format!("{before}  - {{user: emmy@x.example}}\n"));
}

/// Who is blocked in one target, by name and by label at once, is blocked in the others by a block of its own.
#[test]
fn offboarding_goes_on_from_a_block_of_one_target() {
    let labelled = TWO.replace(
        "{provider: directory, url: 'sqlite:.rolecall/one.db'",
        "{provider: directory, labels: [prod], url: 'sqlite:.rolecall/one.db'",
    );
    let env = TestEnv::with(&format!("{labelled}blocks:\n  - {{user: mallory@x.example, targets: [prod, one]}}\n"));
    env.apply();
    assert_eq!((disabled(&env, "one"), disabled(&env, "two")), (vec![], vec![]), "there is no account to disable");
    env.run(&["offboard", "mallory@x.example", "--auto-approve"]).ended(0);
    let text = env.read("rolecall.yaml");
    assert!(
        text.ends_with(
            "  - {user: mallory@x.example, targets: [prod, one]}\n  - {user: mallory@x.example, targets: [two]}\n"
        ),
        "{text}"
    );
    assert_eq!(disabled(&env, "two"), ["mallory@x.example"]);
}

/// What cannot be done is said, and leaves the files as they were.
#[test]
fn offboarding_says_what_it_cannot_do() {
    let env = TestEnv::with(TWO);
    env.apply();
    let said = env.run(&["offboard", "nobody@x.example"]).ended(1).text();
    has(&said, &["nobody is declared as nobody@x.example", "declare them first"]);
    has(&env.run(&["offboard", "mallory"]).ended(1).text(), &["`mallory` is no e-mail address"]);
    assert!(!env.file("blocks.yaml").exists());

    let env = TestEnv::with(THREE);
    run(&env, &["apply", "--auto-approve"]).ended(5);
    env.write("people.yaml", "users:\n  eve@x.example: {at: {one: {role: admin}, two: {role: admin}, gone: {}}}\n");
    run(&env, &["apply", "--auto-approve"]).ended(5);
    let said = run(&env, &["offboard", "ada@x.example", "--auto-approve"]).ended(5).text();
    has(
        &said,
        &[
            "The last access of ada@x.example ended",
            "They may still have access in: gone (out of reach",
            "Not in rolecall's power:\n  gone  sessions that are open",
        ],
    );
}
