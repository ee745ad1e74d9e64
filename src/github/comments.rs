//! Comments of pull requests and issues, which are the same to GitHub.

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::GitHub;
use super::error::GithubError;
use crate::model::Moment;
use crate::targets::http::Method;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its name.
    pub login: String,
    /// `User`, `Bot`, `Organization`.
    #[serde(rename = "type", default)]
    pub kind: String,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IssueComment {
    /// Its number: older comments have smaller ones.
    pub id: u64,
    /// Its text, which nothing is decided by.
    #[serde(default)]
    pub body: Option<String>,
    /// Who wrote it; nobody where the account is gone.
    pub user: Option<Account>,
    /// Its page.
    pub html_url: String,
    /// When it was written.
    pub created_at: Moment,
}

impl GitHub {
    /// All comments of a pull request or issue, the oldest first.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn comments(&self, number: u64) -> Result<Vec<IssueComment>, GithubError> {
        self.all(&self.path(&format!("/issues/{number}/comments")), "the comments").await
    }

    /// Writes a comment.
    ///
    /// # Errors
    /// [`GithubError::ReadOnly`] with the token of a fork, [`GithubError::TooLong`]; see [`GithubError`].
    pub async fn comment(&self, number: u64, body: &str) -> Result<IssueComment, GithubError> {
        let path = self.path(&format!("/issues/{number}/comments"));
        self.write(Method::Post, &path, &json!({"body": body}), "a comment").await
    }

    /// Replaces the text of a comment.
    ///
    /// # Errors
    /// As [`Self::comment`].
    pub async fn edit_comment(&self, id: u64, body: &str) -> Result<IssueComment, GithubError> {
        let path = self.path(&format!("/issues/comments/{id}"));
        self.write(Method::Patch, &path, &json!({"body": body}), "a comment").await
    }

    /// Deletes a comment; that it is gone already is as good.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn delete_comment(&self, id: u64) -> Result<(), GithubError> {
        self.delete(&self.path(&format!("/issues/comments/{id}")), "a comment").await
    }
}

/// An object without what is not said: GitHub takes `null` for a value in places.
pub(super) fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
