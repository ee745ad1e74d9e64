//! Real repositories: what a branch changes, what had drifted before, and the commit that plans name.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::common::{Output, TestEnv, by_hand, has};

pub const ORG: &str = "version: 1
targets:
  home: {provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly, manage: authoritative}
users:
  ada@x.example: {role: admin}
  grace@x.example: {role: viewer, name: Grace}
  alan@x.example: {role: viewer}
  mary@x.example: {role: viewer}
teams:
  all: {members: [ada@x.example, alan@x.example, mary@x.example]}
resources:
  project/one: {access: {view: [team/all]}}
";

/// Runs `git` with nothing of the tester's settings, at a fixed time.
#[track_caller]
pub fn git_at(folder: &Path, day: u32, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(args).current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null"), ("HOME", "/nonexistent")]);
    let date = format!("2026-{:02}-{:02}T10:00:00+00:00", 1 + day / 28, 1 + day % 28);
    command.envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)]);
    command.envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@x.example")]);
    command.envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@x.example")]);
    let output = command.output().expect("git is there");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[track_caller]
pub fn git(env: &TestEnv, args: &[&str]) -> String {
    git_at(env.path(), 0, args)
}

/// Commits everything but what rolecall keeps, and gives the commit.
#[track_caller]
pub fn commit(env: &TestEnv, message: &str) -> String {
    git(env, &["add", "--all", "--", ".", ":!.rolecall"]);
    git(env, &["commit", "--quiet", "--allow-empty", "-m", message]);
    git(env, &["rev-parse", "HEAD"])
}

/// A repository whose branch `main` has the organization, with `work` checked out.
fn branch() -> TestEnv {
    let env = TestEnv::with(ORG);
    git(&env, &["init", "--quiet", "-b", "main"]);
    commit(&env, "An organization");
    git(&env, &["switch", "--quiet", "-c", "work"]);
    env
}

/// Grace becomes a developer and joins; alan leaves the team.
fn change(env: &TestEnv) {
    env.edit("rolecall.yaml", "{role: viewer, name: Grace}", "{role: developer, name: Grace}");
    env.edit("rolecall.yaml", "alan@x.example, mary@x.example]", "grace@x.example, mary@x.example]");
}

fn kinds(plan: &Value) -> Vec<String> {
    let steps = plan["targets"].as_array().unwrap().iter().flat_map(|t| t["steps"].as_array().unwrap());
    steps.map(|s| s["change"]["change"].as_str().unwrap().to_owned()).collect()
}

/// What was written, without the names of commits.
fn without_commits(output: &Output) -> String {
    let mut text = String::new();
    for word in output.text().split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_one = bare.len() >= 7 && bare.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        text.push_str(&if is_one && bare.bytes().any(|b| b.is_ascii_digit()) {
            word.replace(bare, "COMMIT")
        } else {
            word.to_owned()
        });
    }
    text
}

#[test]
fn what_a_branch_changes_is_told_without_any_system() {
    let env = branch();
    change(&env);
    // No directory is there, and none is made.
    let output = env.run(&["plan", "--base", "main", "--detailed-exitcode"]).ended(2);
    assert!(!env.file(".rolecall").exists());
    insta::assert_snapshot!("between", without_commits(&output));
    let markdown = env.run(&["plan", "--base", "main", "--format", "markdown"]).ended(0);
    insta::assert_snapshot!("between_markdown", without_commits(&markdown));
    let json = env.plan_json(&["--base", "main"]);
    let base = git(&env, &["rev-parse", "main"]);
    assert_eq!(json["between"]["base"]["commit"], base);
    assert_eq!(json["between"]["base"]["named"], "main");
    assert_eq!(json["commit"], format!("{base}-dirty"));
    assert_eq!(kinds(&json).len(), 3);
    // It is the plan that the files would have had live.
    let live = TestEnv::with(ORG);
    live.apply();
    change(&live);
    let expected = live.plan_json(&[]);
    assert_eq!(json["targets"][0]["access"], expected["targets"][0]["access"]);
    assert_eq!(json["targets"][0]["steps"], expected["targets"][0]["steps"]);
    // Committed, it is the same; and from the other side nothing.
    commit(&env, "A change");
    assert_eq!(env.plan_json(&["--base", "main"])["targets"], json["targets"]);
    assert_eq!(env.plan_json(&["--base", "main", "--head", "work"])["targets"], json["targets"]);
    env.run(&["plan", "--base", "main", "--head", "main", "--detailed-exitcode"]).ended(0);
}

#[test]
fn it_cannot_be_applied() {
    let env = branch();
    change(&env);
    env.run(&["plan", "--base", "main", "--out", "plan.json"]).ended(1).says(&["cannot be applied", "without --base"]);
    assert!(!env.file("plan.json").exists());
    let json = env.run(&["plan", "--base", "main", "--json"]).ended(0).stdout;
    env.write("between.json", &json);
    env.run(&["apply", "between.json"]).ended(1).says(&["between two revisions"]);
    // Without what makes it one of those, it is a plan of something that is not live.
    let mut forged: Value = serde_json::from_str(&json).unwrap();
    forged.as_object_mut().unwrap().remove("between");
    env.write("forged.json", &forged.to_string());
    env.run(&["apply", "forged.json"]).ended(4);
    env.run(&["plan", "--base", "main", "--since", "main"]).ended(1);
    env.run(&["plan", "--head", "main"]).ended(1);
}

#[test]
fn what_main_did_meanwhile_is_not_what_the_branch_does() {
    let env = branch();
    change(&env);
    commit(&env, "A change");
    git(&env, &["switch", "--quiet", "main"]);
    env.edit("rolecall.yaml", "  mary@x.example: {role: viewer}\n", "  mary@x.example: {role: developer}\n");
    commit(&env, "Meanwhile");
    git(&env, &["switch", "--quiet", "work"]);
    let json = env.plan_json(&["--base", "main"]);
    assert_eq!(kinds(&json).len(), 3, "mary stays out of it");
    assert_eq!(json["between"]["base"]["commit"], git(&env, &["merge-base", "main", "work"]));
    assert_ne!(json["between"]["base"]["commit"], git(&env, &["rev-parse", "main"]));
}

#[test]
fn variables_do_not_matter_and_every_provider_can_be_compared() {
    let text = "version: 1
targets:
  dbt: {provider: paradime, url: '${URL_A}', credentials: {key: '${K}', secret: '${S}'}}
  bi: {provider: omni, url: '${URL_B}', credentials: {token: '${T}'}}
  ml: {provider: strongly, url: '${URL_C}', credentials: {key: '${K}'}}
  db: {provider: terminusdb, url: '${URL_D}', credentials: {user: '${U}', password: '${P}'}}
  hr: {provider: scim, url: '${URL_E}', credentials: {token: '${T}'}}
roles:
  lead: {as: {dbt: ADMIN, ml: admin}}
users:
  ada@x.example: {role: lead}
  grace@x.example: {targets: [hr]}
";
    let env = TestEnv::with(text);
    git(&env, &["init", "--quiet", "-b", "main"]);
    commit(&env, "Systems");
    env.edit("rolecall.yaml", "users:\n", "users:\n  alan@x.example: {role: lead}\n  eve@x.example: {targets: [hr]}\n");
    let json = env.plan_json(&["--base", "main"]);
    let count = |name: &str| {
        let target = json["targets"].as_array().unwrap().iter().find(|t| t["target"] == name).unwrap();
        target["steps"].as_array().unwrap().len()
    };
    assert_eq!(["bi", "db", "dbt", "hr", "ml"].map(count), [0, 0, 1, 1, 1]);
}

#[test]
fn what_is_no_longer_declared_and_stays_is_said() {
    let env = TestEnv::with(&ORG.replace("manage: authoritative", "manage: additive"));
    git(&env, &["init", "--quiet", "-b", "main"]);
    commit(&env, "An organization");
    env.edit("rolecall.yaml", "  mary@x.example: {role: viewer}\n", "");
    env.edit("rolecall.yaml", ", mary@x.example]", "]");
    env.edit("rolecall.yaml", "{access: {view: [team/all]}}", "{}");
    let plan = env.target_plan(&["--base", "main"]);
    assert!(plan.steps.is_empty() && plan.left_alone.is_empty());
    let notes: Vec<String> = plan.notes.iter().map(|n| n.message.clone()).filter(|n| n.contains("no longer")).collect();
    let expected = [
        "no longer declared, stays in home: user mary@x.example",
        "no longer declared, stays in home: member mary@x.example in all",
        "no longer declared, stays in home: grant view for team/all on project/one",
    ];
    assert_eq!(notes, expected);
    env.run(&["plan", "--base", "main"]).ended(0).says(&["stays in home: user mary@x.example", "No changes in home."]);
}

#[test]
fn targets_come_and_go() {
    let env = branch();
    let second = "  other: {provider: directory, url: 'sqlite:.rolecall/other.db', catalogue: strongly}\n";
    env.edit("rolecall.yaml", "users:\n", &format!("{second}users:\n  eve@x.example: {{role: other:admin}}\n"));
    let now = env.read("rolecall.yaml").replace("{role: admin}", "{role: home:admin}");
    let now = now.replace("{role: viewer", "{role: home:viewer").replace("  project/one", "  home:project/one");
    env.write("rolecall.yaml", &now.replace("  all:", "  home:all:"));
    let new = env.run(&["plan", "--base", "main", "--json"]).ended(0).stdout;
    let new: Value = serde_json::from_str(&new).unwrap();
    has(&new["between"]["notes"].to_string(), &["the target other is new"]);
    assert_eq!(kinds(&new), ["create-user"], "the roles of a catalogue are there");
    commit(&env, "Another");
    let gone = env.plan_json(&["--base", "HEAD", "--head", "main"]);
    // The last commit that both have is that of main.
    assert!(kinds(&gone).is_empty());
    env.write("rolecall.yaml", ORG);
    let gone = env.plan_json(&["--base", "HEAD"]);
    has(&gone["between"]["notes"].to_string(), &["other is no longer declared: everything in it stays"]);
    env.run(&["plan", "--base", "HEAD", "--target", "othr"]).ended(1).says(&["there is no target"]);
}

#[test]
fn broken_files_at_the_base_are_passed_over_and_said() {
    let env = branch();
    env.edit("rolecall.yaml", "{role: admin}", "{role: admn}");
    commit(&env, "Broken");
    git(&env, &["branch", "--force", "main"]);
    env.edit("rolecall.yaml", "{role: admn}", "{role: admin}");
    change(&env);
    let output = env.run(&["plan", "--base", "main"]).ended(0);
    let output = output.says(&["the files are broken (1 error)", "the last commit before"]);
    drop(output);
    assert_eq!(kinds(&env.plan_json(&["--base", "main"])).len(), 3);
    // Where it never was sound, there is nothing to compare with.
    let env = TestEnv::with(&ORG.replace("{role: admin}", "{role: admn}"));
    git(&env, &["init", "--quiet", "-b", "main"]);
    commit(&env, "Broken");
    env.write("rolecall.yaml", ORG);
    env.run(&["plan", "--base", "main"]).ended(1).says(&["the files are broken at", "admn", "help: name a revision"]);
}

#[test]
fn a_new_declaration_is_all_new() {
    let env = TestEnv::new();
    env.write("README.md", "nothing yet\n");
    git(&env, &["init", "--quiet", "-b", "main"]);
    commit(&env, "Nothing");
    env.write("rolecall.yaml", ORG);
    let json = env.plan_json(&["--base", "main"]);
    has(&json["between"]["base"]["notes"].to_string(), &["there was no declaration here: everything in it is new"]);
    assert!(kinds(&json).iter().all(|k| k != "create-role"), "{:?}", kinds(&json));
    assert_eq!(kinds(&json).iter().filter(|k| *k == "create-user").count(), 4);
}

#[test]
fn a_folder_below_and_one_that_was_renamed() {
    let env = TestEnv::new();
    env.write("access/rolecall.yaml", ORG);
    env.write("other.yaml", "no: declaration\n");
    git(&env, &["init", "--quiet", "-b", "main"]);
    commit(&env, "In a folder");
    env.edit("access/rolecall.yaml", "{role: viewer, name: Grace}", "{role: developer, name: Grace}");
    let plan = |file: &str| {
        let output = env.run(&["-f", file, "plan", "--base", "main", "--json"]).ended(0).stdout;
        serde_json::from_str::<Value>(&output).unwrap()
    };
    assert_eq!(kinds(&plan("access")), ["update-user"]);
    git(&env, &["mv", "access", "people"]);
    let moved = plan("people/rolecall.yaml");
    assert_eq!(kinds(&moved), ["update-user"]);
    has(&moved["between"]["base"]["notes"].to_string(), &["the declaration lay in the folder `access`"]);
    commit(&env, "Renamed");
    let output = env.run(&["-f", "people", "plan", "--base", "main~1", "--head", "HEAD", "--json"]).ended(0).stdout;
    assert_eq!(kinds(&serde_json::from_str(&output).unwrap()), ["update-user"]);
    // By a link from elsewhere it is the same folder.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(env.file("people"), env.file("link")).unwrap();
        assert!(kinds(&plan("link")).is_empty());
    }
}

#[test]
fn files_are_taken_by_the_same_rules_as_on_disk() {
    let env = branch();
    env.write("more/people.yaml", "users:\n  eve@x.example: {role: viewer}\n");
    env.write("more/.hidden/people.yaml", "users:\n  hid@x.example: {role: viewer}\n");
    env.write("more/notes.txt", "users: nobody\n");
    env.write("apart/rolecall.yaml", ORG);
    #[cfg(unix)]
    std::os::unix::fs::symlink("people.yaml", env.file("more/again.yaml")).unwrap();
    commit(&env, "More files");
    env.run(&["plan", "--base", "HEAD", "--head", "HEAD", "--detailed-exitcode"]).ended(0);
    assert_eq!(kinds(&env.plan_json(&["--base", "main", "--head", "HEAD"])), ["create-user"]);
    // A file is deleted: who was in it goes.
    std::fs::remove_dir_all(env.file("more")).unwrap();
    assert_eq!(kinds(&env.plan_json(&["--base", "HEAD"])), ["disable-user"]);
    // A link that leads out is an error there as it is here.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/hosts.yaml", env.file("out.yaml")).unwrap();
        commit(&env, "Out");
        let output = env.run(&["plan", "--base", "main", "--head", "HEAD"]).ended(1);
        output.says(&["link-leaves-tree", "leads out of the folder"]);
    }
    // No declaration any more.
    std::fs::remove_file(env.file("rolecall.yaml")).unwrap();
    env.run(&["plan", "--base", "main"]).ended(1).says(&["there is no declaration at"]);
    commit(&env, "Gone");
    env.run(&["plan", "--base", "main", "--head", "HEAD"]).ended(1).says(&["there is no declaration here at `HEAD`"]);
}

#[test]
fn what_is_wrong_with_a_repository_is_said() {
    let env = TestEnv::with(ORG);
    env.run(&["plan", "--base", "main"]).ended(1).says(&["lies in no Git repository", "help: "]);
    git(&env, &["init", "--quiet", "-b", "main"]);
    env.run(&["plan", "--base", "main"]).ended(1).says(&["no commit yet"]);
    commit(&env, "An organization");
    env.run(&["plan", "--base", "mian"]).ended(1).says(&["there is no revision `mian`", "help: name a branch"]);
    env.run(&["plan", "--base", "HEAD:rolecall.yaml"]).ended(1).says(&["is no commit"]);
    env.run(&["plan", "--base=--upload-pack=x"]).ended(1).says(&["there is no revision"]);
    git(&env, &["switch", "--quiet", "--orphan", "alone"]);
    env.write("rolecall.yaml", ORG);
    commit(&env, "Alone");
    env.run(&["plan", "--base", "main"]).ended(1).says(&["`main` and `HEAD` have no commit in common"]);
    // A branch that is only there by the name of its remote.
    let clone = clone_of(&env, &["--branch", "main"]);
    git(&clone, &["checkout", "--quiet", "--detach"]);
    git(&clone, &["branch", "-D", "main"]);
    clone.run(&["plan", "--base", "main"]).ended(1).says(&["did you mean `origin/main`?"]);
    clone.run(&["plan", "--base", "origin/main"]).ended(0);
    let bare = TestEnv::new();
    git(&bare, &["init", "--quiet", "--bare", "bare.git"]);
    bare.write("bare.git/rolecall.yaml", ORG);
    bare.run(&["-f", "bare.git", "plan", "--base", "main"]).ended(1).says(&["is bare"]);
}

fn clone_of(env: &TestEnv, args: &[&str]) -> TestEnv {
    let clone = TestEnv::new();
    let url = format!("file://{}", env.path().display());
    git(&clone, &[&["clone", "--quiet"], args, &[url.as_str(), "."]].concat());
    clone
}

#[test]
fn a_shallow_clone_says_what_it_lacks() {
    let env = branch();
    let first = git(&env, &["rev-parse", "HEAD"]);
    change(&env);
    commit(&env, "A change");
    let clone = clone_of(&env, &["--depth", "1", "--branch", "work"]);
    let output = clone.run(&["plan", "--base", &first]).ended(1);
    output.says(&["is not in this clone", "actions/checkout with fetch-depth: 0"]);
    // Both ends are there, and not what they have in common.
    git(&clone, &["fetch", "--quiet", "--depth", "1", "origin", "+main:refs/remotes/origin/main"]);
    git(&env, &["switch", "--quiet", "main"]);
    commit(&env, "Meanwhile");
    git(&clone, &["fetch", "--quiet", "--depth", "1", "origin", "+main:refs/remotes/origin/main"]);
    let output = clone.run(&["plan", "--base", "origin/main"]).ended(1);
    output.says(&["have in common is not in this clone", "fetch-depth: 0"]);
    git(&clone, &["fetch", "--quiet", "--unshallow"]);
    clone.run(&["plan", "--base", "origin/main", "--detailed-exitcode"]).ended(2);
}

#[test]
fn a_worktree_and_a_submodule_have_repositories_as_well() {
    let env = branch();
    git(&env, &["worktree", "add", "--quiet", "../beside", "main"]).clear();
    let beside = env.path().parent().unwrap().join("beside");
    let run = || {
        Output::of(
            env.command(&["-f", beside.to_str().unwrap(), "plan", "--base", "work", "--detailed-exitcode"])
                .output()
                .unwrap(),
        )
    };
    run().ended(0);
    std::fs::write(beside.join("rolecall.yaml"), ORG.replace("{role: viewer, name: Grace}", "{role: developer}"))
        .unwrap();
    run().ended(2);
    git(&env, &["worktree", "remove", "--force", "../beside"]);
    // The people lie in a repository of their own.
    let people = TestEnv::new();
    people.write("people.yaml", "users:\n  eve@x.example: {role: viewer}\n");
    git(&people, &["init", "--quiet", "-b", "main"]);
    commit(&people, "People");
    let url = people.path().to_str().unwrap();
    git(&env, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "people"]);
    commit(&env, "With people");
    assert_eq!(kinds(&env.plan_json(&["--base", "main"])), ["create-user"]);
    env.run(&["plan", "--base", "HEAD", "--detailed-exitcode"]).ended(0);
}

#[test]
fn what_is_new_is_an_error_and_what_was_there_a_warning() {
    let lying = "  project/one: {access: {view: [team/all, ada@x.example]}}\n";
    let env = branch();
    env.edit("rolecall.yaml", "  project/one: {access: {view: [team/all]}}\n", lying);
    env.run(&["validate"]).ended(0).says(&["warning[elevate-only]"]);
    env.run(&["validate", "--base", "main"]).ended(1).says(&["error[elevate-only]"]);
    let output = env.run(&["plan", "--base", "main"]).ended(1);
    output.says(&["error[elevate-only]", "Between main"]);
    commit(&env, "A lying line");
    env.run(&["validate", "--base", "HEAD"]).ended(0).says(&["warning[elevate-only]"]);
    env.run(&["validate", "--base", "HEAD", "--strict"]).ended(1).says(&["error[elevate-only]"]);
    env.run(&["plan", "--base", "HEAD"]).ended(0);
    // Another one beside it is new, wherever it stands; one that moves is not.
    env.edit(
        "rolecall.yaml",
        lying,
        &format!("  project/two: {{access: {{view: [team/all, ada@x.example]}}}}\n{lying}"),
    );
    let output = env.run(&["validate", "--base", "HEAD"]).ended(1);
    output.says(&["error[elevate-only]", "warning[elevate-only]"]);
    // How strictly a rule is taken can be said.
    let text = env.read("rolecall.yaml") + "policies: {invariants: {elevate-only: warn}}\n";
    env.write("rolecall.yaml", &text);
    env.run(&["validate", "--base", "main"]).ended(0);
}

/// `main` is live but for what somebody did by hand; the branch has changes of its own.
fn drifted() -> TestEnv {
    let env = branch();
    env.apply();
    // Somebody made mary a developer, and took alan out of the team.
    by_hand(
        &env.home(),
        "UPDATE users SET role_id = (SELECT id FROM roles WHERE name = 'developer') WHERE email = 'mary@x.example'",
        1,
    );
    by_hand(
        &env.home(),
        "DELETE FROM memberships WHERE user_id = (SELECT id FROM users WHERE email = 'alan@x.example')",
        1,
    );
    env.edit("rolecall.yaml", "{role: viewer, name: Grace}", "{role: developer, name: Grace}");
    env.edit("rolecall.yaml", "mary@x.example]", "grace@x.example, mary@x.example]");
    env.edit("rolecall.yaml", "  mary@x.example: {role: viewer}", "  mary@x.example: {role: viewer, name: Mary}");
    env
}

#[test]
fn only_what_changed_is_done_and_drift_is_listed() {
    let env = drifted();
    let whole = env.target_plan(&[]);
    assert_eq!(whole.steps.len(), 4);
    let output = env.run(&["plan", "--since", "main"]).ended(0);
    insta::assert_snapshot!("since", without_commits(&output));
    let markdown = env.run(&["plan", "--since", "main", "--format", "markdown"]).ended(0);
    insta::assert_snapshot!("since_markdown", without_commits(&markdown));
    let plan = env.target_plan(&["--since", "main"]);
    assert_eq!((plan.steps.len(), plan.drift.len()), (3, 2));
    // What was reviewed is what is done, and the drift stays.
    env.run(&["plan", "--since", "main", "--out", "plan.json"]).ended(0);
    env.run(&["apply", "plan.json"]).ended(0);
    let left = env.target_plan(&[]);
    assert_eq!(left.steps.len(), 2, "{:?}", left.steps);
    let again = env.target_plan(&["--since", "main"]);
    assert_eq!((again.steps.len(), again.drift.len()), (0, 2));
    env.run(&["plan", "--since", "main", "--detailed-exitcode"]).ended(0).says(&["had drifted before in 2 things"]);
    env.apply();
    env.is_converged();
}

#[test]
fn a_plan_of_what_changed_is_stale_when_that_moves_and_not_when_the_drift_does() {
    let env = drifted();
    env.run(&["plan", "--since", "main", "--out", "plan.json"]).ended(0);
    let digest = env.plan(&["--since", "main"]).digest;
    // Another drift has nothing to do with it.
    by_hand(&env.home(), "UPDATE users SET timezone = 'Europe/Paris' WHERE email = 'alan@x.example'", 1);
    assert_eq!(env.plan(&["--since", "main"]).digest, digest);
    env.run(&["apply", "plan.json", "--since", "main"]).ended(1).says(&["--since belongs to the making of a plan"]);
    env.run(&["apply", "--auto-approve", "--expect-digest", &digest]).ended(4);
    env.edit("rolecall.yaml", "{role: developer, name: Grace}", "{role: admin, name: Grace}");
    env.run(&["apply", "plan.json"]).ended(4);
    env.edit("rolecall.yaml", "{role: admin, name: Grace}", "{role: developer, name: Grace}");
    env.run(&["apply", "--since", "main", "--expect-digest", &digest]).ended(0);
    assert_eq!(env.target_plan(&["--since", "main"]).steps.len(), 0);
}

#[test]
fn drift_that_a_change_needs_goes_along() {
    let env = branch();
    env.apply();
    // Somebody deleted the team, with all that hangs on it.
    for (sql, rows) in
        [("DELETE FROM grants WHERE team_id IS NOT NULL", 1), ("DELETE FROM memberships", 3), ("DELETE FROM teams", 1)]
    {
        by_hand(&env.home(), sql, rows);
    }
    env.edit("rolecall.yaml", "mary@x.example]", "grace@x.example, mary@x.example]");
    let plan = env.target_plan(&["--since", "main"]);
    let steps: Vec<String> = plan.steps.iter().map(|s| s.change.object().to_string()).collect();
    assert_eq!((steps.len(), plan.along.len(), plan.drift.len()), (2, 1, 4), "{steps:?}");
    env.run(&["plan", "--since", "main"]).ended(0).says(&["goes along because others need it"]);
    env.run(&["apply", "--since", "main", "--auto-approve"]).ended(0);
    assert_eq!(env.target_plan(&["--since", "main"]).steps.len(), 0);
}

#[test]
fn plans_and_the_ledger_name_the_commit() {
    let env = branch();
    let first = git(&env, &["rev-parse", "HEAD"]);
    assert_eq!(env.plan(&[]).commit.as_deref(), Some(first.as_str()));
    let digest = env.plan(&[]).digest;
    env.write("note.txt", "no file of the declaration");
    assert_eq!(env.plan(&[]).commit.as_deref(), Some(first.as_str()));
    env.write("more.yaml", "users: {}\n");
    let dirty = env.plan(&[]);
    assert_eq!(dirty.commit, Some(format!("{first}-dirty")));
    assert_eq!(dirty.digest, digest, "the commit is no part of what is done");
    env.run(&["plan"]).ended(0).says(&["files that are not committed"]);
    std::fs::remove_file(env.file("more.yaml")).unwrap();
    env.apply();
    let applies = rolecall::store::Store::applies(&env.store(), Some("home"), 1).unwrap();
    assert_eq!(applies[0].info.begun.commit.as_deref(), Some(first.as_str()));
    // A declaration that is in no commit has none.
    let env = TestEnv::new();
    git(&env, &["init", "--quiet", "-b", "main"]);
    env.write("x.txt", "x");
    commit(&env, "Something else");
    env.write("rolecall.yaml", ORG);
    assert_eq!(env.plan(&[]).commit, None);
}

#[test]
fn changed_files_are_those_of_the_declaration() {
    let env = TestEnv::new();
    env.write("access/rolecall.yaml", ORG);
    env.write("access/old.yaml", "users: {}\n");
    env.write("beside.yaml", "x: 1\n");
    git(&env, &["init", "--quiet", "-b", "main"]);
    commit(&env, "In a folder");
    env.edit("access/rolecall.yaml", "name: Grace", "name: Grace H");
    env.write("beside.yaml", "x: 2\n");
    env.write("access/notes.txt", "x");
    env.write("access/.hidden/x.yaml", "users: {}\n");
    env.write("access/new/people.yml", "users: {}\n");
    std::fs::remove_file(env.file("access/old.yaml")).unwrap();
    let repository = rolecall::git::Repository::find(&env.file("access")).unwrap();
    let first = repository.commit("main").unwrap();
    let expected = ["new/people.yml", "old.yaml", "rolecall.yaml"];
    assert_eq!(repository.changed(first, None).unwrap(), expected);
    assert_eq!(repository.state().unwrap().unwrap().changed, expected);
    commit(&env, "All of it");
    let second = repository.commit("HEAD").unwrap();
    assert_eq!(repository.changed(first, Some(second)).unwrap(), expected);
    assert_eq!(repository.changed(second, None).unwrap(), [""; 0]);
    assert!(repository.state().unwrap().unwrap().changed.is_empty());
}

/// The example with the later of the two recorded states of Kubernetes over the earlier one.
pub fn kubernetes() -> (TestEnv, PathBuf) {
    let env = TestEnv::new();
    let script = super::common::example("kubernetes-org").join("convert.py");
    let declare = |state: &str| {
        let done = Command::new("python3").arg(&script).args([state, env.path().to_str().unwrap()]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    declare("earlier");
    git(&env, &["init", "--quiet", "-b", "main"]);
    commit(&env, "Earlier");
    declare("later");
    (env, script)
}

#[test]
fn two_revisions_of_kubernetes() {
    let (env, _) = kubernetes();
    let between = env.plan_json(&["--base", "main"]);
    // The same as from a directory that holds the earlier one.
    let later = TestEnv::new();
    let script = super::common::example("kubernetes-org").join("convert.py");
    for (state, apply) in [("earlier", true), ("later", false)] {
        let folder = later.path().to_str().unwrap();
        assert!(Command::new("python3").arg(&script).args([state, folder]).output().unwrap().status.success());
        if apply {
            later.run(&["apply", "--auto-approve"]).ended(0);
        }
    }
    let live = later.plan_json(&[]);
    let lines = |plan: &Value| -> Vec<Value> {
        plan["targets"].as_array().unwrap().iter().map(|t| t["access"].clone()).collect()
    };
    assert!(kinds(&between).len() > 100);
    assert_eq!(lines(&between), lines(&live));
    assert_eq!(kinds(&between), kinds(&live));
}
