//! What can be wrong with a repository, a revision or a clone, and what to do about it.

use std::path::PathBuf;

/// Why something is not to be had from Git.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The declaration lies in no repository.
    #[error("{0} lies in no Git repository")]
    NoRepository(String),
    /// The repository has no files beside it.
    #[error("the repository {0} is bare: it has no files beside it")]
    Bare(String),
    /// The repository belongs to somebody else, and Git does not read it then.
    #[error("the repository of {0} belongs to another user of this machine, and Git refuses to read it")]
    Owner(String),
    /// The declaration's folder is not among the files of the repository.
    #[error("{0} is not among the files of the repository around it")]
    Outside(String),
    /// There is no commit yet.
    #[error("the repository has no commit yet")]
    NoCommit,
    /// No such revision, in a clone that has everything.
    #[error("there is no revision `{revision}` in this repository")]
    Unknown {
        /// As it was named.
        revision: String,
        /// One that may be meant: the branch of a remote.
        near: Option<String>,
    },
    /// No such revision, in a clone that does not have everything.
    #[error("{0} is not in this clone")]
    NotFetched(String),
    /// The beginning of a name that several commits have.
    #[error("`{0}` is the beginning of several names in this repository")]
    Ambiguous(String),
    /// It is there, and no commit: a file or folder.
    #[error("`{0}` is no commit")]
    NoRevision(String),
    /// Two revisions with nothing in common.
    #[error("`{0}` and `{1}` have no commit in common")]
    Unrelated(String, String),
    /// The same, in a clone that does not have everything.
    #[error("the commit that `{0}` and `{1}` have in common is not in this clone")]
    BaseNotFetched(String, String),
    /// The program is not there.
    #[error("the program `git` is not on this machine")]
    NoProgram,
    /// Anything else that Git says.
    #[error("Git says: {0}")]
    Git(String),
}

impl GitError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::NoRepository(_) => "go to a clone of the repository that holds the declaration",
            Self::Bare(_) => "clone it, and go to the declaration in the clone",
            Self::Owner(_) => "if you trust it: git config --global --add safe.directory FOLDER",
            Self::Outside(_) => "go to the declaration by a way that lies in the repository",
            Self::NoCommit => "commit the declaration first",
            Self::Unknown { near: Some(near), .. } => return Some(format!("did you mean `{near}`?")),
            Self::Unknown { near: None, .. } => "name a branch, a tag or a commit; `git fetch` gets those of a remote",
            Self::NotFetched(_) | Self::BaseNotFetched(..) => {
                "the clone does not have all of the history; fetch it: `git fetch --unshallow`, or \
                 actions/checkout with fetch-depth: 0"
            }
            Self::Ambiguous(_) => "write more of it",
            Self::NoRevision(_) => "name a branch, a tag or a commit",
            Self::Unrelated(..) => "name a revision of the same history",
            Self::NoProgram => "install it; without it, nothing tells who wrote which line",
            Self::Git(_) => return None,
        };
        Some(text.to_owned())
    }

    pub(super) fn opening(error: &git2::Error, folder: &std::path::Path) -> Self {
        let folder = shown(folder);
        match error.code() {
            git2::ErrorCode::NotFound => Self::NoRepository(folder),
            git2::ErrorCode::Owner => Self::Owner(folder),
            _ => error.into(),
        }
    }
}

impl From<&git2::Error> for GitError {
    fn from(error: &git2::Error) -> Self {
        Self::Git(error.message().to_owned())
    }
}

impl From<git2::Error> for GitError {
    fn from(error: git2::Error) -> Self {
        Self::from(&error)
    }
}

/// A folder as people see it.
pub(super) fn shown(folder: &std::path::Path) -> String {
    let real = std::fs::canonicalize(folder).unwrap_or_else(|_| PathBuf::from(folder));
    real.display().to_string()
}
