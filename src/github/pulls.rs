//! Pull requests: what they are, who has approved them, which files they change.

use serde::Deserialize;

use super::client::{GitHub, segment};
use super::comments::Account;
use super::error::GithubError;
use crate::model::Moment;

/// GitHub lists no more files of a pull request than this ("List pull requests files").
const FILES_MAX: usize = 3_000;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct RepoName {
    full_name: String,
}

/// One end of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Side {
    /// The commit.
    pub sha: String,
    /// The branch.
    #[serde(rename = "ref")]
    pub branch: String,
    /// The repository; none where it was deleted.
    repo: Option<RepoName>,
}

impl Side {
    /// `owner/name` of its repository; none where that was deleted.
    #[must_use]
    pub fn repository(&self) -> Option<&str> {
        self.repo.as_ref().map(|r| r.full_name.as_str())
    }
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// `open` or `closed`.
    pub state: String,
    /// Whether it is a draft.
    #[serde(default)]
    pub draft: Option<bool>,
    /// When it was merged.
    #[serde(default)]
    pub merged_at: Option<Moment>,
    /// The commit that merged it; of one that is not merged, GitHub's trial.
    #[serde(default)]
    pub merge_commit_sha: Option<String>,
    /// Who opened it.
    pub user: Option<Account>,
    /// What it proposes.
    pub head: Side,
    /// What it goes to.
    pub base: Side,
    /// Its page.
    pub html_url: String,
}

impl PullRequest {
    /// Whether it comes from another repository, or from one that is gone.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        foreign(self.head.repository(), self.base.repository())
    }
}

/// Whether a head is of another repository than the base.
pub(super) fn foreign(head: Option<&str>, base: Option<&str>) -> bool {
    match (head, base) {
        (Some(head), Some(base)) => !head.eq_ignore_ascii_case(base),
        _ => true,
    }
}

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReviewState {
    /// Yes.
    Approved,
    /// No.
    ChangesRequested,
    /// Neither.
    Commented,
    /// It was taken back by somebody.
    Dismissed,
    /// It is not submitted.
    Pending,
    /// Something new.
    #[serde(other)]
    Other,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Review {
    /// Its number.
    pub id: u64,
    /// Who wrote it; nobody where the account is gone.
    pub user: Option<Account>,
    /// What it says.
    pub state: ReviewState,
    /// The commit that it is about.
    #[serde(default)]
    pub commit_id: Option<String>,
    /// When it was submitted.
    #[serde(default)]
    pub submitted_at: Option<Moment>,
    /// Its page.
    #[serde(default)]
    pub html_url: Option<String>,
}

/// A file that a pull request changes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChangedFile {
    /// Its path.
    pub filename: String,
    /// `added`, `removed`, `modified`, `renamed`, ...
    pub status: String,
    /// The path before, of one that was renamed.
    #[serde(default)]
    pub previous_filename: Option<String>,
}

impl GitHub {
    /// A pull request.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn pull(&self, number: u64) -> Result<PullRequest, GithubError> {
        self.get(&self.path(&format!("/pulls/{number}")), "the pull request").await
    }

    /// All reviews of a pull request, the oldest first.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn reviews(&self, number: u64) -> Result<Vec<Review>, GithubError> {
        self.all(&self.path(&format!("/pulls/{number}/reviews")), "the reviews").await
    }

    /// The files that a pull request changes, and whether these are all: of very many GitHub lists some.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn files(&self, number: u64) -> Result<(Vec<ChangedFile>, bool), GithubError> {
        let files: Vec<ChangedFile> =
            self.all(&self.path(&format!("/pulls/{number}/files")), "the files of the pull request").await?;
        let complete = files.len() < FILES_MAX;
        Ok((files, complete))
    }

    /// The pull requests that a commit belongs to.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn pulls_of(&self, commit: &str) -> Result<Vec<PullRequest>, GithubError> {
        let path = self.path(&format!("/commits/{}/pulls", segment(commit)));
        self.all(&path, "the pull requests of the commit").await
    }

    /// The pull request that a push to `branch` has merged, where it was one: its merge is this very commit.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn merged_by(&self, commit: &str, branch: &str) -> Result<Option<PullRequest>, GithubError> {
        let all = self.pulls_of(commit).await?;
        let is_merge = |p: &PullRequest| {
            p.merged_at.is_some() && p.base.branch == branch && p.merge_commit_sha.as_deref() == Some(commit)
        };
        Ok(all.into_iter().find(is_merge))
    }

    /// Open pull requests from a branch of this repository to another.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn open_pulls(&self, head: &str, base: &str) -> Result<Vec<PullRequest>, GithubError> {
        let head = segment(&format!("{}:{head}", self.repository.owner));
        let path = self.path(&format!("/pulls?state=open&head={head}&base={}", segment(base)));
        self.all(&path, "the open pull requests").await
    }
}
