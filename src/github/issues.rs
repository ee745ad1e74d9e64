//! Issues.

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{GitHub, segment};
use super::comments::Account;
use super::error::GithubError;
use crate::targets::http::Method;

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// `open` or `closed`.
    pub state: String,
    /// Its text, which nothing is decided by.
    #[serde(default)]
    pub body: Option<String>,
    /// Who opened it.
    pub user: Option<Account>,
    /// Its page.
    pub html_url: String,
    /// There for pull requests, which GitHub lists among the issues.
    #[serde(default)]
    pull_request: Option<Value>,
}

impl GitHub {
    /// The open issues with a label, without pull requests.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn open_issues(&self, label: &str) -> Result<Vec<Issue>, GithubError> {
        let path = self.path(&format!("/issues?state=open&sort=created&direction=asc&labels={}", segment(label)));
        let all: Vec<Issue> = self.all(&path, "the issues").await?;
        Ok(all.into_iter().filter(|i| i.pull_request.is_none()).collect())
    }

    /// Opens an issue.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn create_issue(&self, title: &str, body: &str, labels: &[&str]) -> Result<Issue, GithubError> {
        let body = json!({"title": title, "body": body, "labels": labels});
        self.write(Method::Post, &self.path("/issues"), &body, "an issue").await
    }

    /// Changes an issue's title and text.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn edit_issue(&self, number: u64, title: &str, body: &str) -> Result<Issue, GithubError> {
        let path = self.path(&format!("/issues/{number}"));
        self.write(Method::Patch, &path, &json!({"title": title, "body": body}), "an issue").await
    }

    /// Closes an issue as done.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn close_issue(&self, number: u64) -> Result<Issue, GithubError> {
        let path = self.path(&format!("/issues/{number}"));
        self.write(Method::Patch, &path, &json!({"state": "closed", "state_reason": "completed"}), "an issue").await
    }
}
