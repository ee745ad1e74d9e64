//! A token that must be nowhere: every command of the program is run with it, traced as far as it goes, and
//! whatever was printed or written is searched for it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::common::{Output, TestEnv};

/// What every token in these tests begins with.
const CANARY: &str = "canary";

/// Runs each of these, with everything traced, and fails the test where the token is in the output, or where
/// the program has a command that is not among them. `variable` is where the files take the token from. How
/// many requests were traced.
#[track_caller]
pub fn sings_in_none(env: &TestEnv, (variable, token): (&str, &str), commands: &[&[&str]]) -> usize {
    assert!(token.starts_with(CANARY));
    let mut traced = 0;
    for args in commands {
        let mut command = env.command(args);
        command.env(variable, token).env("RUST_LOG", "trace");
        let output = Output::of(command.output().unwrap());
        assert!(!output.text().contains(CANARY), "{args:?}: {}", output.text());
        // Whatever it came to, it did its work: it is no mistake of the test.
        // Drift is no mistake either.
        assert!(output.code != Some(2) || args.contains(&"drift"), "{args:?}: {}", output.text());
        traced += output.stderr.matches("method=\"").count();
    }
    let run: BTreeSet<&str> = commands.iter().flat_map(|args| args.iter().copied()).collect();
    let definition = rolecall::cli::definition();
    let left: Vec<&str> =
        definition.get_subcommands().map(clap::Command::get_name).filter(|n| !run.contains(n)).collect();
    assert!(left.is_empty(), "commands that were not run: {left:?}");
    traced
}

/// Fails the test where a file below this folder holds the token; how many files there are.
#[track_caller]
pub fn sings_nowhere(folder: &Path) -> usize {
    let mut looked_at = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(CANARY), "{}", path.display());
            looked_at += 1;
        }
    }
    looked_at
}
