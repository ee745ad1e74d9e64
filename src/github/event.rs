//! What a run is for: the event, the repository, the run itself; from the variables that GitHub sets and the
//! file that holds the event ("Variables reference" and "Events that trigger workflows" of GitHub Actions).
//!
//! `GITHUB_SHA` of a pull request is the commit of a trial merge, which nobody has reviewed: what counts is
//! `pull_request.head.sha`.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::Value;

use super::client::Slug;
use super::pulls::foreign;
use crate::render::comment::Run;
use crate::render::text::name;
use crate::targets::http::encrypted;

/// How large the file of an event may be: GitHub cuts payloads at 25 MB.
const SIZE_MAX: u64 = 32 << 20;

/// Why it is not known what a run is for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// A variable is missing.
    #[error(
        "{0} is not set: `rolecall ci` runs in a workflow of GitHub Actions; elsewhere use `plan`, `apply` and `drift`"
    )]
    NoVariable(&'static str),
    /// A variable holds what it cannot.
    #[error("{0} is `{1}`, which is {2}")]
    Variable(&'static str, String, &'static str),
    /// The file of the event cannot be read.
    #[error("the event cannot be read from {0}: {1}")]
    File(String, String),
    /// The event lacks something, or has something else in its place.
    #[error("the event `{event}` has no `{field}` that is {wanted}")]
    Field {
        /// The name of the event.
        event: String,
        /// Which field.
        field: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// An event that would be dangerous to act on.
    #[error("rolecall does not run on `{0}`: {1}")]
    Refused(String, &'static str),
    /// An event that nothing is known to be done for.
    #[error(
        "rolecall does not know what to do on `{0}`; it runs on pull_request, push, merge_group, schedule, \
         workflow_dispatch and workflow_run"
    )]
    Unknown(String),
}

/// A pull request, as its event tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestEvent {
    /// `opened`, `synchronize`, `closed`, ...; `submitted` and so on where a review is the event.
    pub action: String,
    /// Whether a review is the event.
    pub review: bool,
    /// Its number.
    pub number: u64,
    /// The commit that it proposes.
    pub head: String,
    /// The branch that it comes from.
    pub head_branch: String,
    /// The repository that it comes from; none where that is deleted.
    pub head_repository: Option<String>,
    /// The commit of the branch that it goes to.
    pub base: String,
    /// The branch that it goes to.
    pub base_branch: String,
    /// Whether it comes from another repository, so that its run has no secrets and may only read.
    pub fork: bool,
    /// Whether it is a draft.
    pub draft: bool,
    /// Whether it is merged.
    pub merged: bool,
    /// Who opened it.
    pub author: Option<String>,
}

/// Commits that came onto a branch or tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The branch; none for a tag.
    pub branch: Option<String>,
    /// The commit before; none where the branch is new.
    pub before: Option<String>,
    /// The commit now; none where the branch was deleted.
    pub after: Option<String>,
    /// Whether history was replaced.
    pub forced: bool,
}

/// A group of pull requests that waits to be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeGroup {
    /// `checks_requested`, `destroyed`.
    pub action: String,
    /// The number of the last pull request in it, where the name of the branch says it.
    pub number: Option<u64>,
    /// The commit that would be merged.
    pub head: String,
    /// The commit of the branch that it goes to.
    pub base: String,
    /// The branch that it goes to.
    pub base_branch: String,
}

/// A run that somebody has started by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// The branch or tag.
    pub reference: String,
    /// What they have filled in.
    pub inputs: BTreeMap<String, String>,
}

/// Another run that has ended: that of an untrusted pull request. Whatever that run has left is data; the
/// number of the pull request comes from here, or from GitHub by `head`, and never from an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowRun {
    /// `completed`, `requested`, `in_progress`.
    pub action: String,
    /// Its number.
    pub id: u64,
    /// The event that it ran for.
    pub event: String,
    /// How it ended.
    pub conclusion: Option<String>,
    /// The commit that it ran for.
    pub head: String,
    /// The branch of that.
    pub head_branch: Option<String>,
    /// The repository of that.
    pub head_repository: Option<String>,
    /// Whether that is another repository.
    pub fork: bool,
    /// The number of its pull request; GitHub names none of forks.
    pub number: Option<u64>,
}

/// What a run is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A pull request, or a review of one.
    PullRequest(PullRequestEvent),
    /// A push.
    Push(Push),
    /// A group that waits to be merged.
    MergeGroup(MergeGroup),
    /// The clock: as cron has it.
    Schedule(String),
    /// Somebody.
    Dispatch(Dispatch),
    /// Another run.
    WorkflowRun(WorkflowRun),
}

/// A run of a workflow, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// What it is for.
    pub event: Event,
    /// The repository.
    pub repository: Slug,
    /// Its default branch, where the event tells.
    pub default_branch: Option<String>,
    /// Whether everybody can see the repository; `None` where the event does not tell.
    pub public: Option<bool>,
    /// `GITHUB_SHA`: for a pull request a trial merge, otherwise the commit.
    pub sha: String,
    /// The address of the API.
    pub api: String,
    /// The address of the pages.
    pub server: String,
    /// The run: its number with the attempt, and its page.
    pub run: Run,
    /// Who or what started it.
    pub actor: Option<String>,
    /// The name of the workflow.
    pub workflow: Option<String>,
}

impl Context {
    /// Reads it from variables and from the file that `GITHUB_EVENT_PATH` names.
    ///
    /// # Errors
    /// See [`EventError`].
    pub fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, EventError> {
        let path = needed(variable, "GITHUB_EVENT_PATH")?;
        let failed = |e: &dyn std::fmt::Display| EventError::File(name(&path), name(&e.to_string()));
        let file = std::fs::File::open(&path).map_err(|e| failed(&e))?;
        let mut text = String::new();
        file.take(SIZE_MAX + 1).read_to_string(&mut text).map_err(|e| failed(&e))?;
        if text.len() as u64 > SIZE_MAX {
            return Err(failed(&"it is larger than any event"));
        }
        let payload = serde_json::from_str(&text).map_err(|e| failed(&e))?;
        Self::of(variable, &payload)
    }

    /// The same with the event given.
    ///
    /// # Errors
    /// See [`EventError`].
    pub fn of(variable: &dyn Fn(&str) -> Option<String>, payload: &Value) -> Result<Self, EventError> {
        let event = needed(variable, "GITHUB_EVENT_NAME")?;
        let repository = needed(variable, "GITHUB_REPOSITORY")?;
        let repository = Slug::parse(&repository)
            .ok_or_else(|| EventError::Variable("GITHUB_REPOSITORY", name(&repository), "no `owner/name`"))?;
        let address = |variable_name: &'static str, usual: &str| {
            let url = variable(variable_name).filter(|u| !u.is_empty()).unwrap_or_else(|| usual.to_owned());
            let bad = |why| EventError::Variable(variable_name, name(&url), why);
            let lower = url.to_ascii_lowercase();
            if !(lower.starts_with("https://") || lower.starts_with("http://")) {
                return Err(bad("no address of the web"));
            }
            encrypted(&url, "GitHub").map_err(|_| bad("no `https://` address"))?;
            Ok(url.trim_end_matches('/').to_owned())
        };
        let api = address("GITHUB_API_URL", "https://api.github.com")?;
        let server = address("GITHUB_SERVER_URL", "https://github.com")?;
        let fields = Fields { event: &event, payload };
        let told = |field: &str| payload.pointer(&format!("/repository/{field}"));
        Ok(Self {
            event: fields.event()?,
            default_branch: told("default_branch").and_then(Value::as_str).map(str::to_owned),
            public: told("private").and_then(Value::as_bool).map(|private| !private),
            sha: variable("GITHUB_SHA").filter(|s| is_commit(s)).unwrap_or_default(),
            run: run(variable, &server, &repository),
            actor: variable("GITHUB_ACTOR").filter(|a| !a.is_empty()),
            workflow: variable("GITHUB_WORKFLOW").filter(|w| !w.is_empty()),
            repository,
            api,
            server,
        })
    }

    /// The page of the repository.
    #[must_use]
    pub fn page(&self) -> String {
        format!("{}/{}", self.server, self.repository)
    }
}

fn needed(variable: &dyn Fn(&str) -> Option<String>, name: &'static str) -> Result<String, EventError> {
    variable(name).filter(|v| !v.is_empty()).ok_or(EventError::NoVariable(name))
}

fn run(variable: &dyn Fn(&str) -> Option<String>, server: &str, repository: &Slug) -> Run {
    let number = |name| variable(name).filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    match (number("GITHUB_RUN_ID"), number("GITHUB_RUN_ATTEMPT")) {
        (Some(id), attempt) => {
            let attempt = attempt.unwrap_or_else(|| "1".to_owned());
            let page = format!("{server}/{repository}/actions/runs/{id}");
            let url = if attempt == "1" { page } else { format!("{page}/attempts/{attempt}") };
            Run { id: format!("{id}/{attempt}"), url: Some(url) }
        }
        (None, _) => Run::default(),
    }
}

/// A commit: SHA-1 or SHA-256 in hexadecimal.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The fields of an event, by their paths.
struct Fields<'a> {
    event: &'a str,
    payload: &'a Value,
}

impl Fields<'_> {
    fn event(&self) -> Result<Event, EventError> {
        let refused = |why| Err(EventError::Refused(self.event.to_owned(), why));
        Ok(match self.event {
            "pull_request" => Event::PullRequest(self.pull_request(false)?),
            "pull_request_review" => Event::PullRequest(self.pull_request(true)?),
            "push" => Event::Push(self.push()?),
            "merge_group" => Event::MergeGroup(self.merge_group()?),
            "schedule" => Event::Schedule(self.maybe("schedule").unwrap_or_default()),
            "workflow_dispatch" => Event::Dispatch(self.dispatch()?),
            "workflow_run" => Event::WorkflowRun(self.workflow_run()?),
            "issue_comment" => {
                return refused(
                    "anybody who can comment could start it, with the secrets of the main branch; push a commit, or \
                     start the workflow by hand (workflow_dispatch)",
                );
            }
            "pull_request_target" => {
                return refused(
                    "it has the secrets of the main branch beside the files of a stranger; use pull_request, and \
                     workflow_run for what needs secrets",
                );
            }
            other => return Err(EventError::Unknown(name(other))),
        })
    }

    fn pull_request(&self, review: bool) -> Result<PullRequestEvent, EventError> {
        let head_repository = self.maybe("pull_request.head.repo.full_name");
        let base_repository = self.text("pull_request.base.repo.full_name")?;
        Ok(PullRequestEvent {
            action: self.text("action")?,
            review,
            number: self.number("pull_request.number")?,
            head: self.commit("pull_request.head.sha")?,
            head_branch: self.text("pull_request.head.ref")?,
            base: self.commit("pull_request.base.sha")?,
            base_branch: self.text("pull_request.base.ref")?,
            fork: foreign(head_repository.as_deref(), Some(&base_repository)),
            head_repository,
            draft: self.flag("pull_request.draft"),
            merged: self.flag("pull_request.merged"),
            author: self.maybe("pull_request.user.login"),
        })
    }

    fn push(&self) -> Result<Push, EventError> {
        let reference = self.text("ref")?;
        // Nothing before, or nothing after, is written as zeros.
        let some = |commit: String| (!commit.bytes().all(|b| b == b'0')).then_some(commit);
        Ok(Push {
            branch: reference.strip_prefix("refs/heads/").map(str::to_owned),
            before: some(self.commit("before")?),
            after: some(self.commit("after")?),
            forced: self.flag("forced"),
        })
    }

    fn merge_group(&self) -> Result<MergeGroup, EventError> {
        let head_branch = self.text("merge_group.head_ref")?;
        let base_branch = self.text("merge_group.base_ref")?;
        Ok(MergeGroup {
            action: self.text("action")?,
            number: queued(&head_branch),
            head: self.commit("merge_group.head_sha")?,
            base: self.commit("merge_group.base_sha")?,
            base_branch: base_branch.strip_prefix("refs/heads/").unwrap_or(&base_branch).to_owned(),
        })
    }

    fn dispatch(&self) -> Result<Dispatch, EventError> {
        let word = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let inputs = self.find("inputs").and_then(Value::as_object).into_iter().flatten();
        Ok(Dispatch {
            reference: self.text("ref")?,
            inputs: inputs.filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), word(v))).collect(),
        })
    }

    fn workflow_run(&self) -> Result<WorkflowRun, EventError> {
        let head = self.commit("workflow_run.head_sha")?;
        let head_repository = self.maybe("workflow_run.head_repository.full_name");
        let repository = self.text("repository.full_name")?;
        let pulls = self.find("workflow_run.pull_requests").and_then(Value::as_array);
        // One commit can belong to several: then GitHub is asked.
        let mut of_head = pulls.into_iter().flatten().filter(|p| p["head"]["sha"] == head.as_str());
        let number = of_head.next().and_then(|p| p["number"].as_u64()).filter(|_| of_head.next().is_none());
        Ok(WorkflowRun {
            action: self.text("action")?,
            id: self.number("workflow_run.id")?,
            event: self.text("workflow_run.event")?,
            conclusion: self.maybe("workflow_run.conclusion"),
            head_branch: self.maybe("workflow_run.head_branch"),
            fork: foreign(head_repository.as_deref(), Some(&repository)),
            head_repository,
            head,
            number,
        })
    }

    fn find(&self, field: &str) -> Option<&Value> {
        field.split('.').try_fold(self.payload, |value, key| value.get(key))
    }

    fn missing(&self, field: &str, wanted: &'static str) -> EventError {
        EventError::Field { event: self.event.to_owned(), field: field.to_owned(), wanted }
    }

    fn maybe(&self, field: &str) -> Option<String> {
        self.find(field)?.as_str().filter(|t| !t.is_empty()).map(str::to_owned)
    }

    fn text(&self, field: &str) -> Result<String, EventError> {
        self.maybe(field).ok_or_else(|| self.missing(field, "a text"))
    }

    fn number(&self, field: &str) -> Result<u64, EventError> {
        self.find(field).and_then(Value::as_u64).ok_or_else(|| self.missing(field, "a number"))
    }

    fn commit(&self, field: &str) -> Result<String, EventError> {
        self.maybe(field).filter(|t| is_commit(t)).ok_or_else(|| self.missing(field, "a commit"))
    }

    fn flag(&self, field: &str) -> bool {
        self.find(field).and_then(Value::as_bool).unwrap_or(false)
    }
}

/// The number in `refs/heads/gh-readonly-queue/main/pr-12-0123...`; the name of the branch between may have
/// slashes.
fn queued(reference: &str) -> Option<u64> {
    let (_, last) = reference.rsplit_once('/')?;
    let (number, commit) = last.strip_prefix("pr-")?.split_once('-')?;
    reference.contains("gh-readonly-queue/").then_some(())?;
    is_commit(commit).then(|| number.parse().ok()).flatten()
}
