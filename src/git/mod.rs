//! Git: the declaration at another revision, what changed since, and who wrote which line. Reading goes
//! through libgit2 and needs no `git` program; only blame does (see [`blame`]). Nothing here writes.

pub mod blame;
mod error;
mod repository;
mod tree;

pub use blame::{Blame, Origin};
pub use error::GitError;
pub use repository::{Commit, Repository, State};
pub use tree::Tree;
