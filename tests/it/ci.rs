//! `rolecall ci` end to end: a repository with a remote, a GitHub of the test or emulate behind it, a live system,
//! and the events of pull requests from the first push to what the apply writes into the comment.

mod approvals;
mod flow;
mod hub;
mod moved;
mod publishing;
mod schedule;
mod strangers;
mod world;
