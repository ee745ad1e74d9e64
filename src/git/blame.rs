//! Who declared what: of lines of files the commit, its author, its time, and the pull request that brought it.
//! Lines are told by the `git` program (`git blame --incremental`), one process for each file and some at a time;
//! pull requests by the subjects of commits and of the merges that brought them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use git2::Oid;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use schemars::JsonSchema;
use serde::Serialize;

use super::{GitError, Repository};
use crate::model::Moment;

/// More lines of a file than these are asked for together, as the whole file.
const LINES_MAX: usize = 50;

/// So many commits are looked through for the merges that brought others.
const COMMITS_MAX: usize = 200_000;

/// The file with commits that changed no meaning (`git blame --ignore-revs-file`), as GitHub honours it.
const IGNORED: &str = ".git-blame-ignore-revs";

/// Where a line comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Origin {
    /// The commit; absent for a line that is not committed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The name of its author.
    pub author: String,
    /// The address of its author, as the commit has it.
    pub email: String,
    /// When it was written.
    pub date: Moment,
    /// The first line of its message.
    pub subject: String,
    /// The number of the pull request that brought it, where a subject tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<u64>,
    /// Whether the line may be older: the clone lacks the history before this commit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub or_before: bool,
}

/// The origins of lines, by file below the declaration's folder and by line, from 1.
#[derive(Debug, Default)]
pub struct Blame {
    lines: BTreeMap<(String, u32), Arc<Origin>>,
    /// What could not be told, and why: for people.
    pub notes: Vec<String>,
}

impl Blame {
    /// Where a line comes from, as far as it is known.
    #[must_use]
    pub fn of(&self, file: &str, line: u32) -> Option<&Origin> {
        self.lines.get(&(file.to_owned(), line)).map(|o| &**o)
    }
}

/// What `git blame` says of a file: the origins of its lines, without pull requests.
type Lines = Vec<(u32, Arc<Origin>)>;

impl Repository {
    /// Tells where lines of files come from; files are named below the declaration's folder. What cannot be told
    /// of one file is a note, and the others are told.
    ///
    /// # Errors
    /// When there is no `git` program.
    pub fn blame(&self, wanted: &BTreeMap<String, BTreeSet<u32>>) -> Result<Blame, GitError> {
        let ignored = self.files.join(IGNORED).is_file();
        let files: Vec<(&String, &BTreeSet<u32>)> = wanted.iter().collect();
        // The repository itself is not for several threads.
        let (root, below) = (self.files.as_path(), self.below.as_path());
        let told: Vec<Result<(Lines, bool), GitError>> =
            files.par_iter().map(|(file, lines)| blame_file(root, &below.join(file), lines, ignored)).collect();
        let mut blame = Blame::default();
        let mut found: Vec<(String, Lines)> = Vec::new();
        let (mut unknown, mut unread) = (Vec::new(), false);
        for ((file, _), told) in files.into_iter().zip(told) {
            match told {
                Ok((lines, bad)) => {
                    unread |= bad;
                    found.push((file.clone(), lines));
                }
                Err(GitError::Git(why)) => unknown.push((file.clone(), why)),
                Err(error) => return Err(error),
            }
        }
        if unread {
            blame.notes.push(format!("{IGNORED} is not used: Git cannot read it"));
        }
        if let Some((file, why)) = unknown.first() {
            let more = unknown.len() - 1;
            let more = if more > 0 { format!("; nor of {more} more") } else { String::new() };
            blame.notes.push(format!("nothing is known of the lines of {file}: {why}{more}"));
        }
        let commits = found.iter().flat_map(|(_, lines)| lines).filter_map(|(_, o)| o.commit.as_deref());
        let untold: FxHashSet<Oid> = commits.filter_map(|c| Oid::from_str(c).ok()).collect();
        let (merged, shallow) = (self.merged_by(&untold), self.is_shallow());
        let mut whole: FxHashMap<*const Origin, Arc<Origin>> = FxHashMap::default();
        for (file, lines) in found {
            for (line, origin) in lines {
                let complete = whole.entry(Arc::as_ptr(&origin)).or_insert_with(|| {
                    let by_merge =
                        || origin.commit.as_deref().and_then(|c| merged.get(&Oid::from_str(c).ok()?).copied());
                    let pull_request = pull_request(&origin.subject).or_else(by_merge);
                    // The first commit of all is no end of what is known, unless the clone begins there.
                    let or_before = origin.or_before && shallow;
                    Arc::new(Origin { pull_request, or_before, ..(*origin).clone() })
                });
                blame.lines.insert((file.clone(), line), Arc::clone(complete));
            }
        }
        if blame.lines.values().any(|o| o.or_before) {
            let text = "this clone does not have all of the history: some lines are older than it knows; fetch it: \
                        `git fetch --unshallow`, or actions/checkout with fetch-depth: 0";
            blame.notes.push(text.to_owned());
        }
        Ok(blame)
    }

    /// The pull requests of the merges that brought commits to the line of first parents: each merge brought what
    /// is reached from it and not from the commit before it on that line. Linear in the commits. Nothing where
    /// the history cannot be read.
    fn merged_by(&self, wanted: &FxHashSet<Oid>) -> FxHashMap<Oid, u64> {
        let mut found = FxHashMap::default();
        let Ok(head) = self.head() else { return found };
        if wanted.is_empty() {
            return found;
        }
        let mut line = Vec::new();
        let mut at = self.git.find_commit(head.0).ok();
        while let Some(commit) = at.filter(|_| line.len() < COMMITS_MAX) {
            at = commit.parent(0).ok();
            line.push(commit);
        }
        let mut seen: FxHashSet<Oid> = line.iter().map(git2::Commit::id).collect();
        for merge in line.iter().rev().filter(|c| c.parent_count() > 1) {
            let number = merge.summary().ok().flatten().and_then(pull_request);
            let mut open: Vec<Oid> = merge.parent_ids().skip(1).collect();
            while let Some(id) = open.pop() {
                if seen.len() > COMMITS_MAX || !seen.insert(id) {
                    continue;
                }
                if let Some(number) = number.filter(|_| wanted.contains(&id)) {
                    found.insert(id, number);
                }
                if let Ok(commit) = self.git.find_commit(id) {
                    open.extend(commit.parent_ids());
                }
            }
        }
        found
    }
}

/// Asks of one file; with it comes whether the list of commits to be ignored could not be used.
fn blame_file(root: &Path, path: &Path, lines: &BTreeSet<u32>, ignored: bool) -> Result<(Lines, bool), GitError> {
    match run_blame(root, path, lines, ignored) {
        Err(GitError::Git(_)) if ignored => run_blame(root, path, lines, false).map(|lines| (lines, true)),
        told => told.map(|lines| (lines, false)),
    }
}

fn run_blame(root: &Path, path: &Path, lines: &BTreeSet<u32>, ignored: bool) -> Result<Lines, GitError> {
    let mut command = Command::new("git");
    command.current_dir(root).stdin(Stdio::null());
    // In a hook, these name another repository than the one of the declaration.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    command.envs([("GIT_OPTIONAL_LOCKS", "0"), ("GIT_TERMINAL_PROMPT", "0"), ("LC_ALL", "C")]);
    command.args(["blame", "--incremental", "--no-textconv"]);
    if ignored {
        command.args(["--ignore-revs-file", IGNORED]);
    }
    if lines.len() <= LINES_MAX {
        command.args(lines.iter().map(|line| format!("-L{line},{line}")));
    }
    // A name is never taken for a flag.
    command.arg("--").arg(path);
    let output = command.output().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => GitError::NoProgram,
        _ => GitError::Git(e.to_string()),
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("it ended with an error");
        return Err(GitError::Git(said.strip_prefix("fatal: ").unwrap_or(said).to_owned()));
    }
    Ok(read(&String::from_utf8_lossy(&output.stdout)))
}

/// The pull request that a subject names: `Merge pull request #12 from x/y` of a merge, `Add ada (#12)` of a
/// squash (GitHub, "About merge methods").
fn pull_request(subject: &str) -> Option<u64> {
    let number = |text: &str| -> Option<u64> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).map_or(text, |end| &text[..end]);
        digits.parse().ok()
    };
    if let Some(rest) = subject.strip_prefix("Merge pull request #") {
        return number(rest);
    }
    let (_, last) = subject.trim_end().strip_suffix(')')?.rsplit_once("(#")?;
    number(last).filter(|_| last.bytes().all(|b| b.is_ascii_digit()))
}

/// Reads what `git blame --incremental` writes (git-blame, "Incremental output"): groups of lines, each with its
/// commit, which is described where it comes first.
fn read(text: &str) -> Lines {
    let mut lines = Lines::new();
    let mut known: FxHashMap<&str, Arc<Origin>> = FxHashMap::default();
    let mut rest = text.lines();
    while let Some(head) = rest.next() {
        let mut words = head.split(' ');
        let (Some(commit), Some(_), Some(first), Some(count)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let (Ok(first), Ok(count)) = (first.parse::<u32>(), count.parse::<u32>()) else { continue };
        let committed = commit.bytes().any(|b| b != b'0');
        let mut origin = Origin {
            commit: committed.then(|| commit.to_owned()),
            author: String::new(),
            email: String::new(),
            date: Moment::from_second(0),
            subject: String::new(),
            pull_request: None,
            or_before: false,
        };
        for line in rest.by_ref() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            match key {
                "author" => origin.author = value.to_owned(),
                "author-mail" => origin.email = value.trim_matches(['<', '>']).to_owned(),
                "author-time" => origin.date = Moment::from_second(value.parse().unwrap_or(0)),
                "summary" => origin.subject = value.to_owned(),
                "boundary" => origin.or_before = true,
                "filename" => break,
                _ => {}
            }
        }
        if !committed {
            (origin.author, origin.email, origin.subject) = (String::new(), String::new(), "not committed yet".into());
        }
        let origin = known.entry(commit).or_insert_with(|| Arc::new(origin));
        lines.extend((first..first.saturating_add(count)).map(|line| (line, Arc::clone(origin))));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_name_pull_requests() {
        for (subject, number) in [
            ("Merge pull request #12 from ada/branch", Some(12)),
            ("Add ada (#7)", Some(7)),
            ("Add ada (#7) ", Some(7)),
            ("Revert \"Add ada (#7)\" (#9)", Some(9)),
            ("Add ada (#7) again", None),
            ("Add ada (#7x)", None),
            ("Add ada (#)", None),
            ("Merge pull request #", None),
            ("Merge branch 'main'", None),
            ("", None),
        ] {
            assert_eq!(pull_request(subject), number, "{subject}");
        }
    }

    #[test]
    fn groups_of_lines_are_read() {
        let text = "aa 1 3 2\nauthor Ada\nauthor-mail <ada@x>\nauthor-time 86400\nsummary One (#4)\nboundary\nfilename f\n\
                    bb 7 1 1\nauthor B\nauthor-mail <b@x>\nauthor-time 5\nsummary Two\nfilename f\n\
                    aa 9 5 1\nfilename f\n00 1 6 1\nauthor Not Committed Yet\nsummary x\nfilename f\nno sense\n";
        let lines = read(text);
        let short: Vec<(u32, Option<&str>, &str)> =
            lines.iter().map(|(n, o)| (*n, o.commit.as_deref(), o.subject.as_str())).collect();
        let one = (Some("aa"), "One (#4)");
        assert_eq!(
            short,
            [
                (3, one.0, one.1),
                (4, one.0, one.1),
                (1, Some("bb"), "Two"),
                (5, one.0, one.1),
                (6, None, "not committed yet")
            ]
        );
        assert!(lines[0].1.or_before && lines[0].1.date == Moment::from_second(86400));
    }
}
