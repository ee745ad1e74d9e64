//! A pull request of our own: some files with new texts, as one commit on a branch of its own.

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{GitHub, segment};
use super::error::GithubError;
use super::pulls::PullRequest;
use crate::targets::http::Method;

/// A file as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path within the repository.
    pub path: String,
    /// Its text; none to delete it.
    pub text: Option<String>,
}

/// A pull request as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The branch that it comes from, which is ours alone: what is on it is replaced.
    pub branch: String,
    /// The branch that it goes to.
    pub base: String,
    /// The commit that the files were made from.
    pub base_commit: String,
    /// The files.
    pub files: Vec<File>,
    /// The message of the commit.
    pub message: String,
    /// The title.
    pub title: String,
    /// The text, Markdown.
    pub body: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// The pull request.
    pub pull: PullRequest,
    /// The commit.
    pub commit: String,
    /// Whether it was there before.
    pub updated: bool,
}

#[derive(Deserialize)]
struct Sha {
    sha: String,
}

#[derive(Deserialize)]
struct Commit {
    tree: Sha,
}

#[derive(Deserialize)]
struct Reference {
    object: Sha,
}

impl GitHub {
    /// The commit that a branch stands at; none where there is no such branch.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn branch(&self, name: &str) -> Result<Option<String>, GithubError> {
        let path = self.path(&format!("/git/ref/heads/{}", slashed(name)));
        match self.get::<Reference>(&path, "a branch").await {
            Ok(found) => Ok(Some(found.object.sha)),
            Err(GithubError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes or renews a pull request: one commit upon `base_commit` with these files, on its own branch. A
    /// branch of that name that is there is moved, whatever is on it.
    ///
    /// # Errors
    /// [`GithubError::Invalid`] where there is nothing to propose; [`GithubError::ReadOnly`] without `contents:
    /// write` and `pull-requests: write`; see [`GithubError`].
    pub async fn propose(&self, wanted: &Proposal) -> Result<Proposed, GithubError> {
        if wanted.files.is_empty() || wanted.branch == wanted.base {
            return Err(GithubError::Invalid("a pull request needs files and a branch of its own".to_owned()));
        }
        let commit = self.commit(wanted).await?;
        let there = self.branch(&wanted.branch).await?;
        self.point(&wanted.branch, &commit, there.is_some()).await?;
        let open = self.open_pulls(&wanted.branch, &wanted.base).await?;
        let text = json!({"title": wanted.title, "body": wanted.body});
        if let Some(pull) = open.into_iter().next() {
            let path = self.path(&format!("/pulls/{}", pull.number));
            let pull = self.write(Method::Patch, &path, &text, "the pull request").await?;
            return Ok(Proposed { pull, commit, updated: true });
        }
        let mut body = text;
        body["head"] = json!(wanted.branch);
        body["base"] = json!(wanted.base);
        let pull = self.write(Method::Post, &self.path("/pulls"), &body, "a pull request").await?;
        Ok(Proposed { pull, commit, updated: false })
    }

    /// Makes the commit: blobs, a tree upon that of the base, the commit itself.
    async fn commit(&self, wanted: &Proposal) -> Result<String, GithubError> {
        let base = self.path(&format!("/git/commits/{}", segment(&wanted.base_commit)));
        let base: Commit = self.get(&base, "the commit to build upon").await?;
        let mut tree = Vec::new();
        for file in &wanted.files {
            let mut entry = json!({"path": file.path, "mode": "100644", "type": "blob"});
            entry["sha"] = match &file.text {
                Some(text) => {
                    let blob = json!({"content": text, "encoding": "utf-8"});
                    json!(self.write::<Sha>(Method::Post, &self.path("/git/blobs"), &blob, "a file").await?.sha)
                }
                None => Value::Null,
            };
            tree.push(entry);
        }
        let tree = json!({"base_tree": base.tree.sha, "tree": tree});
        let tree: Sha = self.write(Method::Post, &self.path("/git/trees"), &tree, "a tree of files").await?;
        let commit = json!({"message": wanted.message, "tree": tree.sha, "parents": [wanted.base_commit]});
        let commit: Sha = self.write(Method::Post, &self.path("/git/commits"), &commit, "a commit").await?;
        Ok(commit.sha)
    }

    async fn point(&self, branch: &str, commit: &str, exists: bool) -> Result<(), GithubError> {
        let what = "the branch of the pull request";
        if exists {
            let path = self.path(&format!("/git/refs/heads/{}", slashed(branch)));
            return self
                .write::<Value>(Method::Patch, &path, &json!({"sha": commit, "force": true}), what)
                .await
                .map(drop);
        }
        let body = json!({"ref": format!("refs/heads/{branch}"), "sha": commit});
        self.write::<Value>(Method::Post, &self.path("/git/refs"), &body, what).await.map(drop)
    }
}

/// The name of a branch within a path: its slashes stay.
fn slashed(branch: &str) -> String {
    branch.split('/').map(segment).collect::<Vec<_>>().join("/")
}
