//! Why GitHub did not do what it was asked.

use serde_json::Value;

use crate::render::text::prose;
use crate::targets::TargetError;
use crate::targets::http::Answer;

/// So many characters of what GitHub says are shown.
const SAID: usize = 400;

/// Why GitHub did not do what it was asked. What it says is shown in one clean line, and never the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GithubError {
    /// The token may only read: that of a fork, or of a job without the permission.
    #[error(
        "the token may not do this ({0}): a pull request of a fork has a token that only reads; otherwise give the job the permission, as the example workflows do"
    )]
    ReadOnly(String),
    /// It is not allowed for another reason.
    #[error("GitHub does not allow it: {0}")]
    Forbidden(String),
    /// There is no such token, or no longer.
    #[error("GitHub does not know the token: {0}")]
    Unauthorized(String),
    /// It is not there, or the token may not know that it is.
    #[error("not found at GitHub, or not visible to this token: {0}")]
    NotFound(String),
    /// It was there.
    #[error("gone at GitHub: {0}")]
    Gone(String),
    /// The text is longer than GitHub takes.
    #[error("GitHub takes no text of this length: {0}")]
    TooLong(String),
    /// What was sent is not as GitHub wants it.
    #[error("GitHub refuses it: {0}")]
    Invalid(String),
    /// It is not as it was expected to be.
    #[error("changed meanwhile at GitHub: {0}")]
    Conflict(String),
    /// It takes no more requests for longer than is waited.
    #[error("GitHub takes no more requests for now: {0}; run this again later")]
    Limited(String),
    /// It cannot be reached, or does not answer.
    #[error("GitHub is out of reach: {0}")]
    Unavailable(String),
    /// It answered what cannot be understood.
    #[error("GitHub's answer is not understood: {0}")]
    Malformed(String),
    /// It was sent, and nobody knows whether it was done.
    #[error("it was sent to GitHub, and nobody knows whether it was done: {0}")]
    Unknown(String),
}

impl GithubError {
    /// What an answer that is no success means for a request that is described by `what`.
    pub(super) fn of(answer: &Answer, what: &str, writes: bool) -> Self {
        let said = said(answer);
        let text = format!("{what}: {said}");
        let lower = said.to_ascii_lowercase();
        match answer.status {
            300..=399 => Self::NotFound(format!("{what}: it has moved; has the repository been renamed?")),
            401 => Self::Unauthorized(text),
            // "Resource not accessible by integration", "... by personal access token".
            403 if lower.contains("not accessible by") => Self::ReadOnly(said),
            403 => Self::Forbidden(text),
            404 => Self::NotFound(text),
            410 => Self::Gone(text),
            409 => Self::Conflict(text),
            413 => Self::TooLong(text),
            422 if lower.contains("too long") || lower.contains("is too large") => Self::TooLong(text),
            429 => Self::Limited(text),
            status if status >= 500 && writes => Self::Unknown(format!("{text} ({status})")),
            status if status >= 500 => Self::Unavailable(format!("{text} ({status})")),
            status => Self::Invalid(format!("{text} ({status})")),
        }
    }
}

impl From<TargetError> for GithubError {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Throttled(why) => Self::Limited(why),
            TargetError::Unknown(why) => Self::Unknown(why),
            TargetError::Malformed(why) => Self::Malformed(why),
            TargetError::Refused(why) => Self::Invalid(why),
            TargetError::Gone(why) => Self::Gone(why),
            TargetError::Conflict(why) => Self::Conflict(why),
            TargetError::Unavailable(why) | TargetError::NotVisible(why) => Self::Unavailable(why),
        }
    }
}

/// The message of an answer with its details, in one clean line.
pub(super) fn said(answer: &Answer) -> String {
    let Ok(Value::Object(body)) = serde_json::from_slice(&answer.body) else {
        return format!("it answers {} without a reason", answer.status);
    };
    let mut parts: Vec<String> = body.get("message").and_then(Value::as_str).map(str::to_owned).into_iter().collect();
    for detail in body.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| detail.get(key).and_then(Value::as_str);
        match (detail.as_str(), text("message"), text("field"), text("code")) {
            (Some(said), ..) | (_, Some(said), ..) => parts.push(said.to_owned()),
            (_, _, Some(field), Some(code)) => parts.push(format!("{field} {code}")),
            _ => {}
        }
    }
    let text = prose(&parts.join("; "));
    if text.is_empty() { format!("it answers {}", answer.status) } else { text.chars().take(SAID).collect() }
}
