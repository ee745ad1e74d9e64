//! Check runs: what stands beside the commit of a pull request.

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{GitHub, segment};
use super::comments::object;
use super::error::GithubError;
use crate::targets::http::Method;

/// So many annotations go into one request ("Update a check run").
const ANNOTATIONS: usize = 50;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// Nothing stands in the way.
    Success,
    /// It failed.
    Failure,
    /// Nothing to say: nothing of this concerns it.
    Neutral,
    /// Somebody has to do something first: an approval, a consent.
    ActionRequired,
}

impl Conclusion {
    fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Neutral => "neutral",
            Self::ActionRequired => "action_required",
        }
    }
}

/// How bad an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnnotationLevel {
    /// Worst.
    Failure,
    /// Less.
    Warning,
    /// Least.
    Notice,
}

/// Something said of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The path within the repository.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// How bad it is.
    pub level: AnnotationLevel,
    /// Its title.
    pub title: String,
    /// What it says.
    pub message: String,
}

/// A check run as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name: `rolecall/plan (prod)`.
    pub name: String,
    /// The commit.
    pub head: String,
    /// How it ended; none while it runs.
    pub conclusion: Option<Conclusion>,
    /// Its title, plain.
    pub title: String,
    /// What it says, Markdown of at most 65,535 characters.
    pub summary: String,
    /// What it says of lines, the worst first.
    pub annotations: Vec<Annotation>,
    /// The page with the details.
    pub details_url: Option<String>,
    /// A name of ours for it: the digest of the plan.
    pub external_id: Option<String>,
}

/// A check run at GitHub.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CheckRun {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The commit.
    pub head_sha: String,
    /// `queued`, `in_progress`, `completed`, ...
    pub status: String,
    /// How it ended.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// Its page.
    #[serde(default)]
    pub html_url: Option<String>,
}

impl Wanted {
    fn body(&self, annotations: &[Annotation]) -> Value {
        let notes: Vec<Value> = annotations.iter().map(annotation).collect();
        let mut output = json!({"title": self.title, "summary": self.summary});
        if !notes.is_empty() {
            output["annotations"] = json!(notes);
        }
        let status = if self.conclusion.is_some() { "completed" } else { "in_progress" };
        object([
            ("name", Some(json!(self.name))),
            ("status", Some(json!(status))),
            ("conclusion", self.conclusion.map(|c| json!(c.word()))),
            ("output", Some(output)),
            ("details_url", self.details_url.as_ref().map(|u| json!(u))),
            ("external_id", self.external_id.as_ref().map(|i| json!(i))),
        ])
    }
}

fn annotation(one: &Annotation) -> Value {
    let level = match one.level {
        AnnotationLevel::Failure => "failure",
        AnnotationLevel::Warning => "warning",
        AnnotationLevel::Notice => "notice",
    };
    json!({
        "path": one.path, "start_line": one.line, "end_line": one.line,
        "annotation_level": level, "title": one.title, "message": one.message,
    })
}

impl GitHub {
    /// Makes a check run.
    ///
    /// # Errors
    /// [`GithubError::ReadOnly`] without `checks: write`; see [`GithubError`].
    pub async fn create_check(&self, wanted: &Wanted) -> Result<CheckRun, GithubError> {
        let mut batches = wanted.annotations.chunks(ANNOTATIONS);
        let mut body = wanted.body(batches.next().unwrap_or_default());
        body["head_sha"] = json!(wanted.head);
        let made: CheckRun = self.write(Method::Post, &self.path("/check-runs"), &body, "a check run").await?;
        self.annotate(made, wanted, batches).await
    }

    /// Changes a check run. Annotations are added to those that it has.
    ///
    /// # Errors
    /// As [`Self::create_check`].
    pub async fn update_check(&self, id: u64, wanted: &Wanted) -> Result<CheckRun, GithubError> {
        let mut batches = wanted.annotations.chunks(ANNOTATIONS);
        let body = wanted.body(batches.next().unwrap_or_default());
        let path = self.path(&format!("/check-runs/{id}"));
        let changed: CheckRun = self.write(Method::Patch, &path, &body, "a check run").await?;
        self.annotate(changed, wanted, batches).await
    }

    async fn annotate(
        &self,
        mut run: CheckRun,
        wanted: &Wanted,
        batches: impl Iterator<Item = &[Annotation]>,
    ) -> Result<CheckRun, GithubError> {
        let path = self.path(&format!("/check-runs/{}", run.id));
        for batch in batches {
            run = self.write(Method::Patch, &path, &wanted.body(batch), "a check run").await?;
        }
        Ok(run)
    }

    /// The check runs of a commit with a name.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn checks(&self, commit: &str, name: &str) -> Result<Vec<CheckRun>, GithubError> {
        let path = self.path(&format!("/commits/{}/check-runs?check_name={}", segment(commit), segment(name)));
        self.all_in(&path, Some("check_runs"), "the check runs of the commit").await
    }
}
