//! One issue of drift for each declaration: opened, kept up to date, closed when nothing differs.

use super::client::{GitHub, Me};
use super::error::GithubError;
use super::issues::Issue;
use super::label::DRIFT;
use crate::render::comment::{COMMENT_MAX, DriftIssue, MarkerKind, drift_issue, drift_title, has_marker};

/// What became of the issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// Nothing differs, and there was none.
    None,
    /// It was opened.
    Opened(Issue),
    /// It was brought up to date.
    Edited(Issue),
    /// It says what it should already.
    Unchanged(Issue),
    /// Nothing differs any more, and it was closed.
    Closed(Issue),
}

/// Makes the issue of drift be what it should be. Of several the oldest stays, the others are closed. While a
/// target could not be read, an issue is never closed: nobody knows whether it still differs.
///
/// # Errors
/// [`GithubError::ReadOnly`] without `issues: write`; see [`GithubError`].
pub async fn keep(github: &GitHub, me: &Me, wanted: &DriftIssue) -> Result<Kept, GithubError> {
    let all = github.open_issues(DRIFT.name).await?;
    let ours = |issue: &Issue| {
        let by_us = issue.user.as_ref().is_some_and(|u| me.is(&u.login));
        by_us && has_marker(MarkerKind::Drift, &wanted.key, issue.body.as_deref().unwrap_or_default())
    };
    let mut found: Vec<Issue> = all.into_iter().filter(ours).collect();
    found.sort_by_key(|i| i.number);
    let differs = !wanted.drift.is_empty() || !wanted.unread.is_empty();
    let first = (!found.is_empty()).then(|| found.remove(0));
    for other in found {
        github.close_issue(other.number).await?;
    }
    let (title, body) = (drift_title(wanted), drift_issue(wanted, COMMENT_MAX));
    match first {
        None if wanted.drift.is_empty() => Ok(Kept::None),
        None => {
            github.ensure_label(&DRIFT).await?;
            github.create_issue(&title, &body, &[DRIFT.name]).await.map(Kept::Opened)
        }
        Some(issue) if !differs => {
            github.edit_issue(issue.number, &title, &body).await?;
            github.close_issue(issue.number).await.map(Kept::Closed)
        }
        Some(issue) if issue.title == title && issue.body.as_deref() == Some(&body) => Ok(Kept::Unchanged(issue)),
        Some(issue) => github.edit_issue(issue.number, &title, &body).await.map(Kept::Edited),
    }
}
