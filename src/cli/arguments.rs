//! What several commands have in common.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::model::Moment;
use crate::store::Place;
use crate::targets::Wire;

/// Flags of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The declaration: a folder with a rolecall.yaml, or the file itself
    #[arg(short, long, global = true, value_name = "PATH", default_value = ".", env = "ROLECALL_FILE")]
    pub file: PathBuf,
    /// When to use colors
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", env = "ROLECALL_COLOR")]
    pub color: ColorChoice,
    /// Write down what is said to and by the targets, without secrets, into this new folder
    #[arg(long, global = true, value_name = "DIR", env = "ROLECALL_RECORD", conflicts_with = "replay")]
    pub record: Option<PathBuf>,
    /// Answer from such a folder in place of the targets
    #[arg(long, global = true, value_name = "DIR", env = "ROLECALL_REPLAY")]
    pub replay: Option<PathBuf>,
    /// Where the history, locks and memory are kept: sqlite (.rolecall/ beside the declaration), or
    /// git:BRANCH[@REMOTE] (a branch of its repository, pushed with every write)
    #[arg(long, global = true, value_name = "WHERE", default_value = "sqlite", env = "ROLECALL_STORE")]
    pub store: Place,
    /// How many seconds a lock in Git lasts when its holder writes nothing
    #[arg(long, global = true, hide = true, value_name = "SECONDS", env = "ROLECALL_LEASE")]
    pub lease: Option<u64>,
    /// Take this for the time: what has ended and what has not
    #[arg(long, global = true, hide = true, value_name = "TIME", env = "ROLECALL_NOW", value_parser = parse_moment)]
    pub now: Option<Moment>,
}

impl Global {
    /// How requests reach the targets.
    #[must_use]
    pub fn wire(&self) -> Wire {
        match (&self.record, &self.replay) {
            (_, Some(folder)) => Wire::Replay(folder.clone()),
            (Some(folder), None) => Wire::Record(folder.clone()),
            (None, None) => Wire::Live,
        }
    }

    /// The time of the run.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now.unwrap_or_else(Moment::now)
    }
}

fn parse_moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text).map_err(|e| e.to_string())
}

/// When to use colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// For programs: schemas/diagnostics.schema.json
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands, which GitHub shows beside the lines
    Github,
}

/// The long flags that may be written with one dash, as Terraform's users write them.
const ONE_DASH: [&str; 9] = [
    "accept",
    "auto-approve",
    "detailed-exitcode",
    "expect-digest",
    "json",
    "lock-timeout",
    "out",
    "parallelism",
    "target",
];

/// Adds the second dash to long flags that have one.
#[must_use]
pub fn with_two_dashes(args: Vec<OsString>) -> Vec<OsString> {
    let fix = |arg: OsString| {
        let Some(text) = arg.to_str() else { return arg };
        let name = text.strip_prefix('-').and_then(|t| t.split('=').next());
        if name.is_some_and(|n| ONE_DASH.contains(&n)) { OsString::from(format!("-{text}")) } else { arg }
    };
    args.into_iter().map(fix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dash_is_enough() {
        let fixed = with_two_dashes(vec!["-out=x".into(), "-f".into(), "--json".into(), "-detailed-exitcode".into()]);
        assert_eq!(fixed, ["--out=x", "-f", "--json", "--detailed-exitcode"].map(OsString::from));
    }
}
