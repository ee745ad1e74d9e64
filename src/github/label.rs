//! Labels of pull requests and issues.

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{GitHub, segment};
use super::error::GithubError;
use crate::access::AccessEffect;
use crate::plan::Plan;
use crate::targets::http::Method;

/// A label as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its colour, six hexadecimal digits.
    pub color: &'static str,
    /// What it means.
    pub description: &'static str,
}

/// Somebody becomes an administrator.
pub const GAINS_ADMIN: Label =
    Label { name: "rolecall/gains-admin", color: "b60205", description: "Somebody becomes an administrator" };

/// Somebody loses access.
pub const REMOVES_ACCESS: Label =
    Label { name: "rolecall/removes-access", color: "d93f0b", description: "Somebody loses access" };

/// Nobody's access changes.
pub const NO_CHANGES: Label =
    Label { name: "rolecall/no-changes", color: "0e8a16", description: "Nothing changes in any system" };

/// What is live differs from what is declared.
pub const DRIFT: Label =
    Label { name: "rolecall/drift", color: "fbca04", description: "What is live differs from what is declared" };

/// Those that tell what a plan does.
pub const OF_PLANS: [Label; 3] = [GAINS_ADMIN, REMOVES_ACCESS, NO_CHANGES];

/// Those of [`OF_PLANS`] that a plan deserves.
#[must_use]
pub fn labels(plan: &Plan) -> Vec<Label> {
    let access = || plan.targets.iter().map(|t| &t.access);
    let mut lines = access().flat_map(|a| &a.lines);
    let mut found = Vec::new();
    if lines.any(|l| l.administrator && l.effect == AccessEffect::Gains) {
        found.push(GAINS_ADMIN);
    }
    if access().any(|a| a.lose > 0) {
        found.push(REMOVES_ACCESS);
    }
    if plan.is_empty() && plan.unread.is_empty() {
        found.push(NO_CHANGES);
    }
    found
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl GitHub {
    /// Makes a label where there is none of its name; one that is there stays as people have made it.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn ensure_label(&self, label: &Label) -> Result<(), GithubError> {
        let path = self.path(&format!("/labels/{}", segment(label.name)));
        match self.get::<Named>(&path, "a label").await {
            Ok(_) => return Ok(()),
            Err(GithubError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let body = json!({"name": label.name, "color": label.color, "description": label.description});
        match self.write::<Named>(Method::Post, &self.path("/labels"), &body, "a label").await {
            Ok(_) => Ok(()),
            // Another run was faster.
            Err(GithubError::Invalid(why)) if why.contains("already_exists") => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The labels of a pull request or issue.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn labels(&self, number: u64) -> Result<Vec<String>, GithubError> {
        let found: Vec<Named> = self.all(&self.path(&format!("/issues/{number}/labels")), "the labels").await?;
        Ok(found.into_iter().map(|l| l.name).collect())
    }

    /// Gives a pull request or issue a label.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn add_label(&self, number: u64, label: &Label) -> Result<(), GithubError> {
        let path = self.path(&format!("/issues/{number}/labels"));
        self.write::<Value>(Method::Post, &path, &json!({"labels": [label.name]}), "a label").await.map(drop)
    }

    /// Takes a label away; that it is not there is as good.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn remove_label(&self, number: u64, label: &Label) -> Result<(), GithubError> {
        self.delete(&self.path(&format!("/issues/{number}/labels/{}", segment(label.name))), "a label").await
    }

    /// Makes a pull request have exactly those of `ours` that are in `wanted`; all other labels stay.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn set_labels(&self, number: u64, ours: &[Label], wanted: &[Label]) -> Result<(), GithubError> {
        let there = self.labels(number).await?;
        for label in ours {
            let (has, wants) = (there.iter().any(|l| l.eq_ignore_ascii_case(label.name)), wanted.contains(label));
            match (has, wants) {
                (false, true) => {
                    self.ensure_label(label).await?;
                    self.add_label(number, label).await?;
                }
                (true, false) => self.remove_label(number, label).await?,
                _ => {}
            }
        }
        Ok(())
    }
}
