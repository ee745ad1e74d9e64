//! GitHub: which event a run is for, what is asked of its REST API, and where a run leaves what it found.
//! Nothing is decided here: what to say comes from `render`, what counts from what is kept in the store.
//!
//! How a command uses it:
//!
//! ```text
//! let run = Context::read(&|name| std::env::var(name).ok())?;          // the event, the repository, the run
//! let token = Secret::new(variable("GITHUB_TOKEN"));
//! let github = GitHub::new(&run.api, &token, run.repository.clone())?;
//! let me = github.me().await?;                                         // whose comments are ours
//! let body = |budget| render::comment::comment(&comment, budget);      // plain data to Markdown
//! match sticky::put(&github, number, key, &me, &body).await {
//!     Ok(posted) => outputs::output(&mut file, "comment-url", &posted.url)?,
//!     Err(GithubError::ReadOnly(_)) => {}                              // a fork: the summary says it instead
//!     Err(error) => return Err(error),
//! }
//! outputs::summary(&mut file, used, &body(SUMMARY_MAX))?;
//! ```
//!
//! What GitHub says in comments, names and titles is data: nothing is decided by the text of a comment, and
//! the token goes nowhere but to the address of the API.

mod approve;
mod check;
mod client;
mod comments;
mod drift;
mod error;
mod event;
mod issues;
mod label;
pub mod outputs;
mod proposal;
mod pulls;
pub mod sticky;

#[cfg(test)]
mod tests;

pub use approve::{Level, Permission};
pub use check::{Annotation, AnnotationLevel, CheckRun, Conclusion, Wanted};
pub use client::{API_VERSION, GitHub, Me, Slug};
pub use comments::{Account, IssueComment};
pub use drift::{Kept, keep};
pub use error::GithubError;
pub use event::{Context, Dispatch, Event, EventError, MergeGroup, PullRequestEvent, Push, WorkflowRun};
pub use issues::Issue;
pub use label::{DRIFT, GAINS_ADMIN, Label, NO_CHANGES, OF_PLANS, REMOVES_ACCESS, labels};
pub use proposal::{File, Proposal, Proposed};
pub use pulls::{ChangedFile, PullRequest, Review, ReviewState, Side};
