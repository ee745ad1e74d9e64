//! The one comment of a pull request for each declaration: found again by who wrote it and by its marker,
//! never believed, always replaced as a whole.

use std::collections::BTreeSet;

use super::client::{GitHub, Me};
use super::comments::IssueComment;
use super::error::GithubError;
use crate::render::comment::{COMMENT_MAX, MarkerKind, Superseded, has_marker};

/// Budgets that are tried one after the other, where GitHub takes no more.
const BUDGETS: [usize; 3] = [COMMENT_MAX, COMMENT_MAX / 2, COMMENT_MAX / 6];

/// So many plans that no longer count are kept.
const SUPERSEDED: usize = 20;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was written.
    Created,
    /// It was replaced.
    Edited,
    /// It says what it should already.
    Unchanged,
}

/// Where the comment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Its number.
    pub id: u64,
    /// Its page.
    pub url: String,
    /// What was done.
    pub done: Done,
    /// How many others of ours for the same declaration were taken away.
    pub removed: usize,
}

/// Writes the comment, or replaces the one that is there, whoever has edited it meanwhile. `body` makes the
/// text for a budget in bytes, with the marker of `key` as its first line.
///
/// Of several that two runs have written at the same time the oldest stays.
///
/// # Errors
/// [`GithubError::ReadOnly`] with the token of a fork; see [`GithubError`].
pub async fn put(
    github: &GitHub,
    number: u64,
    key: &str,
    me: &Me,
    body: &dyn Fn(usize) -> String,
) -> Result<Posted, GithubError> {
    let found = ours(github, number, key, me).await?;
    if found.is_empty() {
        match with_room(body, async |text| github.comment(number, &text).await).await {
            Ok(made) => return settle(github, number, key, me, &made, body).await,
            // Nobody knows: it is looked for, and written once more only when it is not there.
            Err(GithubError::Unknown(why)) => {
                let there = ours(github, number, key, me).await?;
                if there.is_empty() {
                    return Err(GithubError::Unknown(why));
                }
                return replace(github, there, body, Done::Created).await;
            }
            Err(error) => return Err(error),
        }
    }
    replace(github, found, body, Done::Edited).await
}

/// Our comments for this declaration, the oldest first.
///
/// # Errors
/// See [`GithubError`].
pub async fn ours(github: &GitHub, number: u64, key: &str, me: &Me) -> Result<Vec<IssueComment>, GithubError> {
    let mut all = github.comments(number).await?;
    all.retain(|comment| {
        let by_us = comment.user.as_ref().is_some_and(|u| me.is(&u.login));
        by_us && has_marker(MarkerKind::Plan, key, comment.body.as_deref().unwrap_or_default())
    });
    all.sort_by_key(|c| c.id);
    Ok(all)
}

/// After the first comment was written: another run may have written one in the same moment.
async fn settle(
    github: &GitHub,
    number: u64,
    key: &str,
    me: &Me,
    made: &IssueComment,
    body: &dyn Fn(usize) -> String,
) -> Result<Posted, GithubError> {
    let posted = Posted { id: made.id, url: made.html_url.clone(), done: Done::Created, removed: 0 };
    let there = ours(github, number, key, me).await?;
    match there.first() {
        // The list may not show yet what was written.
        None => Ok(posted),
        Some(first) if first.id >= made.id => {
            let removed = remove(github, first.id, there.iter().filter(|c| c.id > made.id)).await?;
            Ok(Posted { removed, ..posted })
        }
        Some(_) => replace(github, there, body, Done::Edited).await,
    }
}

async fn replace(
    github: &GitHub,
    found: Vec<IssueComment>,
    body: &dyn Fn(usize) -> String,
    done: Done,
) -> Result<Posted, GithubError> {
    let Some((first, others)) = found.split_first() else {
        return Err(GithubError::NotFound("the comment".to_owned()));
    };
    let removed = remove(github, first.id, others.iter()).await?;
    let posted = |comment: &IssueComment, done| Posted { id: comment.id, url: comment.html_url.clone(), done, removed };
    // GitHub may hand line ends back as they are in mails.
    let same =
        |text: &str| first.body.as_deref().is_some_and(|b| b.replace("\r\n", "\n").trim_end() == text.trim_end());
    if same(&body(COMMENT_MAX)) {
        return Ok(posted(first, if done == Done::Created { done } else { Done::Unchanged }));
    }
    let edited = with_room(body, async |text| github.edit_comment(first.id, &text).await).await?;
    Ok(posted(&edited, done))
}

/// Takes the others away; where that is not allowed, they become a pointer.
async fn remove(
    github: &GitHub,
    stays: u64,
    others: impl Iterator<Item = &IssueComment>,
) -> Result<usize, GithubError> {
    let mut removed = 0;
    for other in others {
        match github.delete_comment(other.id).await {
            Ok(()) => {}
            Err(GithubError::ReadOnly(_) | GithubError::Forbidden(_)) => {
                let text = format!("This plan is in [the comment above](#issuecomment-{stays}).");
                github.edit_comment(other.id, &text).await?;
            }
            Err(error) => return Err(error),
        }
        removed += 1;
    }
    Ok(removed)
}

/// Sends a text, and a shorter one where GitHub takes none of that length.
async fn with_room(
    body: &dyn Fn(usize) -> String,
    send: impl AsyncFn(String) -> Result<IssueComment, GithubError>,
) -> Result<IssueComment, GithubError> {
    let mut last = GithubError::TooLong("the comment".to_owned());
    for budget in BUDGETS {
        match send(body(budget)).await {
            Err(error @ GithubError::TooLong(_)) => last = error,
            result => return result,
        }
    }
    Err(last)
}

/// The plans that no longer count, for the next comment: those that are remembered, the latest first, each
/// digest once, without the one that counts now. They come from our own memory, never from the comment.
#[must_use]
pub fn superseded(remembered: &[Superseded], digest: &str, head: &str) -> Vec<Superseded> {
    let mut seen = BTreeSet::from([(digest, head)]);
    let mut left = Vec::new();
    for one in remembered {
        if left.len() < SUPERSEDED && seen.insert((one.digest.as_str(), one.head.as_str())) {
            left.push(one.clone());
        }
    }
    left
}
