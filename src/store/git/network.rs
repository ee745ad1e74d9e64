//! What goes over the network: by the `git` program of the machine, with its user's remotes, credentials and
//! helpers. No address and no secret is ever an argument.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use git2::Oid;

use crate::store::{Branch, Result, StoreError};

/// How long a question or a push may take.
const SHORT: Duration = Duration::from_secs(60);
/// How long it may take to fetch.
const LONG: Duration = Duration::from_secs(300);
/// How much `git` may say: the rest is not kept.
const SAID_MAX: u64 = 1 << 20;

/// A branch of a remote, as `git` reaches it from a repository.
#[derive(Debug)]
pub(super) struct Remote {
    git_dir: PathBuf,
    branch: Branch,
    /// `ssh` must not ask, unless its user has said how it is called.
    quiet_ssh: bool,
    /// Whether the repository is a clone that leaves objects with this remote.
    pub(super) is_partial: bool,
}

/// Why a push did not come through, as far as `git` says.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Somebody else was quicker, or is writing at this moment.
    Quicker,
    /// The remote said no.
    Refused(String),
    /// The remote did not answer, or the way to it broke.
    Unreachable(String),
}

struct Said {
    ok: bool,
    out: String,
    err: String,
}

impl Remote {
    pub(super) fn new(repo: &git2::Repository, branch: Branch) -> Self {
        let said = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let configured = repo.config().is_ok_and(|c| c.get_string("core.sshCommand").is_ok());
        let quiet_ssh = !said("GIT_SSH_COMMAND") && !said("GIT_SSH") && !configured;
        let promisor = format!("remote.{}.promisor", branch.remote);
        let is_partial = repo.config().is_ok_and(|c| c.get_bool(&promisor).unwrap_or(false));
        Self { git_dir: repo.path().to_owned(), branch, quiet_ssh, is_partial }
    }

    fn full_name(&self) -> String {
        format!("refs/heads/{}", self.branch.name)
    }

    /// The commit at the head of the branch; `None` where there is no such branch.
    pub(super) fn head(&self) -> Result<Option<Oid>> {
        let full = self.full_name();
        let said = self.ask(&["ls-remote", "--refs", "--", &self.branch.remote, &full])?;
        // The name is a pattern for `git`, which others can end in.
        let lines = said.out.lines().filter_map(|line| line.split_once('\t'));
        let found = lines.filter(|(_, name)| *name == full).map(|(id, _)| id).next();
        found.map(|id| Oid::from_str(id).map_err(|_| self.unreachable("it names no commit"))).transpose()
    }

    /// Fetches the branch into the local object database. No reference is made for it.
    pub(super) fn fetch(&self) -> Result<()> {
        let full = self.full_name();
        let flags =
            ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules"];
        let mut args = vec!["fetch"];
        args.extend(flags);
        if self.is_partial {
            args.extend(["--no-filter", "--refetch"]);
        }
        args.extend(["--refmap=", "--", &self.branch.remote, &full]);
        let said = self.git(&args, LONG).map_err(|why| self.unreachable(&why))?;
        if said.ok { Ok(()) } else { Err(self.unreachable(&complaint(&said.err))) }
    }

    /// Makes a commit the head of the branch, if it follows the head that the remote has then.
    pub(super) fn push(&self, commit: Oid) -> std::result::Result<(), Trouble> {
        let what = format!("{commit}:{}", self.full_name());
        let flags = ["--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"];
        let mut args = vec!["push"];
        args.extend(flags);
        args.extend(["--", &self.branch.remote, &what]);
        let said = self.git(&args, SHORT).map_err(Trouble::Unreachable)?;
        if said.ok {
            return Ok(());
        }
        // `!` TAB from:to TAB [rejected] (why)
        let refusal = said.out.lines().find_map(|l| l.strip_prefix('!')).and_then(|l| l.split('\t').nth(2));
        Err(match refusal {
            Some(why) if is_race(why) => Trouble::Quicker,
            Some(why) => Trouble::Refused(refused(why, &said.err)),
            None => Trouble::Unreachable(complaint(&said.err)),
        })
    }

    /// A question whose answer is short; asked again where the network failed.
    fn ask(&self, args: &[&str]) -> Result<Said> {
        let mut why = String::new();
        for again in 0..3 {
            std::thread::sleep(Duration::from_millis(300 * again));
            match self.git(args, SHORT) {
                Ok(said) if said.ok => return Ok(said),
                Ok(said) => why = complaint(&said.err),
                Err(said) => return Err(self.unreachable(&said)),
            }
            if is_denied(&why) {
                break;
            }
        }
        Err(self.unreachable(&why))
    }

    pub(super) fn unreachable(&self, why: &str) -> StoreError {
        StoreError::Unreachable { remote: self.branch.remote.clone(), why: why.to_owned() }
    }

    fn git(&self, args: &[&str], limit: Duration) -> std::result::Result<Said, String> {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(&self.git_dir).args(["-c", "core.hooksPath=/dev/null"]).args(args);
        // What the process around us has set for a repository of its own, and what makes `git` tell more.
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.envs([("GIT_TERMINAL_PROMPT", "0"), ("LC_ALL", "C"), ("GIT_OPTIONAL_LOCKS", "0")]);
        if self.quiet_ssh {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: Ctrl-C stops the apply after the change in flight, and not the record of it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|e| format!("the program `git` cannot be started: {e}"))?;
        let (out, err) = (listen(child.stdout.take()), listen(child.stderr.take()));
        let end = Instant::now() + limit;
        let ok = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status.success(),
                Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(2)),
                Ok(None) => {
                    stop(&mut child);
                    return Err(format!("`git` did not end within {} seconds", limit.as_secs()));
                }
                Err(e) => {
                    stop(&mut child);
                    return Err(format!("`git` cannot be waited for: {e}"));
                }
            }
        };
        // What it has started may live on and hold the pipes: then what was said is not waited for.
        let said = |heard: &Receiver<String>| heard.recv_timeout(Duration::from_secs(5)).unwrap_or_default();
        Ok(Said { ok, out: said(&out), err: said(&err) })
    }
}

/// Variables that are about another repository than ours, or with which `git` would write requests, and what
/// stands in them, into its error output.
const FOREIGN: [&str; 17] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_CURL_VERBOSE",
];

fn listen(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is what there is.
            let _ = pipe.by_ref().take(SAID_MAX).read_to_end(&mut bytes);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        let _ = tell.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    heard
}

/// Ends `git` and what it has started.
fn stop(child: &mut Child) {
    #[cfg(unix)]
    {
        let group = format!("-{}", child.id());
        let mut kill = Command::new("kill");
        kill.args(["-KILL", "--", &group]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let _ = kill.status();
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Whether the reason of a refusal is that somebody else writes as well.
fn is_race(why: &str) -> bool {
    let races = [
        "fetch first",
        "non-fast-forward",
        "stale info",
        "cannot lock ref",
        "failed to update ref",
        "incorrect old value",
    ];
    races.iter().any(|race| why.contains(race))
}

/// Whether asking again is in vain.
fn is_denied(why: &str) -> bool {
    let denied =
        ["403", "401", "denied", "Authentication failed", "could not read Username", "not found", "does not appear"];
    denied.iter().any(|word| why.contains(word))
}

/// Why a remote refused, with what it said besides.
fn refused(why: &str, err: &str) -> String {
    let more: Vec<&str> = err.lines().filter_map(|l| l.strip_prefix("remote:")).map(str::trim).collect();
    let more: Vec<&str> = more.into_iter().filter(|l| !l.is_empty()).take(6).collect();
    let why = why.trim();
    scrub(&if more.is_empty() { why.to_owned() } else { format!("{why}: {}", more.join(" ")) })
}

/// What `git` complains of: its last lines.
fn complaint(err: &str) -> String {
    let lines: Vec<&str> = err.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("hint:")).collect();
    let last = lines.get(lines.len().saturating_sub(4)..).unwrap_or_default();
    if last.is_empty() { "`git` failed and did not say why".to_owned() } else { scrub(&last.join(" ")) }
}

/// Takes out what stands between `://` and `@`, and whole words behind a header of authorization.
pub(super) fn scrub(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end =
            after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '\'' | '"' | '?' | '#')).unwrap_or(after.len());
        let (authority, more) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((_, host)) => out.push_str(&format!("***@{host}")),
            None => out.push_str(authority),
        }
        rest = more;
    }
    out.push_str(rest);
    match out.to_ascii_lowercase().find("authorization:") {
        Some(at) => format!("{}authorization: ***", out.get(..at).unwrap_or_default()),
        None => out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_out_of_errors() {
        for (text, shown) in [
            (
                "fatal: unable to access 'https://ada:t0ken@host/r/': 403",
                "fatal: unable to access 'https://***@host/r/': 403",
            ),
            ("https://t0ken@host https://host/a@b", "https://***@host https://host/a@b"),
            ("ssh://git@host:22/r", "ssh://***@host:22/r"),
            ("https://a:p@ss@host/", "https://***@host/"),
            ("AUTHORIZATION: basic t0ken", "authorization: ***"),
            ("no address", "no address"),
            ("ends with ://", "ends with ://"),
        ] {
            assert_eq!(scrub(text), shown);
            assert!(!scrub(text).contains("t0ken"));
        }
    }

    #[test]
    fn only_the_end_of_a_complaint_is_kept() {
        assert_eq!(complaint("1\n2\n\nhint: x\n3\n4\n5\n"), "2 3 4 5");
        assert_eq!(complaint(""), "`git` failed and did not say why");
        let err = "To host\nremote: \nremote: GH006: Protected branch update failed\nerror: failed";
        assert_eq!(
            refused("[remote rejected] (protected branch hook declined)", err),
            "[remote rejected] (protected branch hook declined): GH006: Protected branch update failed"
        );
    }
}
