//! Who declared what: real histories with merges and squashes, and what cannot be told.

use std::process::Command;

use serde_json::Value;

use super::common::{Output, TestEnv};
use super::git::{ORG, git, git_at};

#[track_caller]
fn commit(env: &TestEnv, day: u32, message: &str) -> String {
    git_at(env.path(), day, &["add", "--all"]);
    git_at(env.path(), day, &["commit", "--quiet", "-m", message]);
    git(env, &["rev-parse", "HEAD"])
}

/// A history: the organization, grace by a squash, alan's team by a merge, and mary not committed yet.
fn history() -> TestEnv {
    let env = TestEnv::new();
    git(&env, &["init", "--quiet", "-b", "main"]);
    env.write(
        "rolecall.yaml",
        &ORG.replace("  grace@x.example: {role: viewer, name: Grace}\n", "")
            .replace("  mary@x.example: {role: viewer}\n", "")
            .replace("alan@x.example, mary@x.example]", "alan@x.example]"),
    );
    commit(&env, 1, "An organization");
    env.edit("rolecall.yaml", "  alan@x", "  grace@x.example: {role: viewer, name: Grace}\n  alan@x");
    commit(&env, 10, "Grace comes (#7)");
    git(&env, &["switch", "--quiet", "-c", "branch"]);
    env.write("more/teams.yaml", "teams:\n  readers: {members: [alan@x.example]}\n");
    commit(&env, 12, "Readers");
    git(&env, &["switch", "--quiet", "main"]);
    git_at(env.path(), 20, &["merge", "--quiet", "--no-ff", "-m", "Merge pull request #12 from ada/branch", "branch"]);
    env.edit("rolecall.yaml", "teams:\n", "  mary@x.example: {role: viewer}\nteams:\n");
    env
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap()
}

fn requests(document: &Value) -> Vec<(String, Option<u64>, Option<String>)> {
    let one = |o: &Value| {
        let at = format!("{}:{}", o["declared"]["file"].as_str().unwrap(), o["declared"]["line"]);
        (at, o["origin"]["pull_request"].as_u64(), o["origin"]["commit"].as_str().map(str::to_owned))
    };
    document["origins"].as_array().unwrap().iter().map(one).collect()
}

/// The same text with every commit named alike: their names depend on Git's settings.
fn masked(env: &TestEnv, text: &str) -> String {
    let commits = git(env, &["rev-list", "--all"]);
    let mut text = text.to_owned();
    for commit in commits.lines() {
        text = text.replace(commit, "COMMIT").replace(&commit[..7], "COMMIT ");
    }
    text
}

#[test]
fn every_step_of_an_explanation_has_an_author() {
    let env = history();
    let output = env.run(&["blame", "alan@x.example"]).ended(0);
    insta::assert_snapshot!("blame_of_a_user", masked(&env, &output.stdout));
    let output = env.run(&["blame", "alan@x.example", "project/one", "--json"]).ended(0);
    let found = requests(&json(&output));
    let first = git(&env, &["rev-list", "--max-parents=0", "HEAD"]);
    for at in ["rolecall.yaml:10", "rolecall.yaml:12"] {
        assert!(found.contains(&(at.to_owned(), None, Some(first.clone()))), "{found:?}");
    }
    env.run(&["blame", "alon@x.example"]).ended(1).says(&["there is no user"]);
    env.run(&["blame", "alan@x.example", "project/on"]).ended(1).says(&["there is no resource"]);
}

#[test]
fn a_target_has_a_table_of_what_it_was_given() {
    let env = history();
    let output = env.run(&["blame", "--target", "home"]).ended(0);
    insta::assert_snapshot!("blame_of_a_target", masked(&env, &output.stdout));
    let document = json(&env.run(&["blame", "--json"]).ended(0));
    let by_line: Vec<Option<u64>> = requests(&document).into_iter().map(|(_, number, _)| number).collect();
    assert!(by_line.contains(&Some(7)) && by_line.contains(&Some(12)), "{by_line:?}");
    // Every line is told as Git tells it.
    let told = git(&env, &["blame", "--porcelain", "--", "rolecall.yaml"]);
    let heads = told.lines().filter(|l| l.split(' ').next().is_some_and(|w| w.len() == 40 && !l.starts_with('\t')));
    let of_line: std::collections::BTreeMap<String, String> = heads
        .map(|l| {
            let words: Vec<&str> = l.split(' ').collect();
            (format!("rolecall.yaml:{}", words[2]), words[0].to_owned())
        })
        .collect();
    for (at, _, commit) in requests(&document).iter().filter(|(at, ..)| at.starts_with("rolecall.yaml")) {
        let commit = commit.clone().unwrap_or_else(|| "0".repeat(40));
        assert_eq!(of_line[at], commit, "{at}");
    }
    let days: Vec<&Value> =
        document["targets"][0]["declared"].as_array().unwrap().iter().filter_map(|d| d.get("days")).collect();
    assert!(days.windows(2).all(|w| w[0].as_i64() >= w[1].as_i64()) && days.len() == 7, "{days:?}");
    env.run(&["blame", "--target", "hom"]).ended(1).says(&["did you mean `home`?"]);
}

#[test]
fn commits_that_change_no_meaning_are_passed_over() {
    let env = history();
    git(&env, &["checkout", "--quiet", "--", "."]);
    let before = requests(&json(&env.run(&["blame", "--json"]).ended(0)));
    let text = env.read("rolecall.yaml").replace("{role: ", "{ role: ");
    env.write("rolecall.yaml", &text);
    let spaces = commit(&env, 30, "Spaces (#30)");
    let now = requests(&json(&env.run(&["blame", "--json"]).ended(0)));
    assert!(now.iter().any(|(_, number, _)| *number == Some(30)));
    env.write(".git-blame-ignore-revs", &format!("# spaces\n{spaces}\n"));
    assert_eq!(requests(&json(&env.run(&["blame", "--json"]).ended(0))), before);
    // A list that cannot be read is no reason to say nothing.
    env.write(".git-blame-ignore-revs", "no commit\n");
    let output = env.run(&["blame", "--json"]).ended(0);
    assert_eq!(requests(&json(&output)), now);
    assert!(json(&output)["notes"][0].as_str().unwrap().contains(".git-blame-ignore-revs is not used"));
}

#[test]
fn what_cannot_be_told_is_said() {
    let env = history();
    // No program, no repository, a file that is in no commit, and half a history.
    let mut command = env.command(&["blame"]);
    let empty = TestEnv::new();
    let output = Output::of(command.env("PATH", empty.path()).output().unwrap()).ended(1);
    output.says(&["the program `git` is not on this machine", "help: install it"]);
    env.write("new.yaml", "users:\n  eve@x.example: {role: viewer}\n");
    let output = env.run(&["blame", "--target", "home"]).ended(0);
    output.says(&["eve@x.example has the role viewer", "nothing is known of the lines of new.yaml: no such path"]);
    let apart = TestEnv::with(ORG);
    apart.run(&["blame"]).ended(1).says(&["lies in no Git repository"]);
    git(&apart, &["init", "--quiet", "-b", "main"]);
    apart.run(&["blame"]).ended(0).says(&["nothing is known of the lines of rolecall.yaml"]);
    let clone = TestEnv::new();
    git(&clone, &["clone", "--quiet", "--depth", "1", &format!("file://{}", env.path().display()), "."]);
    let output = clone.run(&["blame"]).ended(0);
    output.says(&["some lines are older than it knows", "actions/checkout with fetch-depth: 0"]);
}

#[test]
fn a_name_is_never_taken_for_a_flag() {
    let env = TestEnv::new();
    git(&env, &["init", "--quiet", "-b", "main"]);
    env.write("access/rolecall.yaml", ORG);
    env.write("access/--output=x.yaml", "users:\n  eve@x.example: {role: viewer}\n");
    env.write("access/:(glob)*.yaml", "users:\n  mallory@x.example: {role: viewer}\n");
    git(&env, &["add", "--all"]);
    git(&env, &["commit", "--quiet", "-m", "Names (#3)"]);
    let output = env.run(&["-f", "access", "blame", "--json"]).ended(0);
    let document = json(&output);
    assert_eq!(document["notes"].as_array().unwrap().len(), 0, "{}", document["notes"]);
    assert!(requests(&document).iter().all(|(_, number, _)| *number == Some(3)));
    for file in ["--output=x.yaml:2", ":(glob)*.yaml:2"] {
        assert!(requests(&document).iter().any(|(at, ..)| at == file), "{file}");
    }
    assert_eq!(Command::new("ls").arg(env.path()).output().unwrap().stdout, b"access\n");
}
