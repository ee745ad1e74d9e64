//! The repository around a declaration: its revisions, what they have in common, and what changed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Oid, StatusOptions};

use super::error::shown;
use super::{GitError, Tree};
use crate::config::counts;

/// How many commits are looked through for one in which something was otherwise.
const BACK_MAX: usize = 10_000;

/// A commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit(pub(super) Oid);

impl Commit {
    /// Its whole name: 40 hexadecimal digits (64 in repositories with SHA-256).
    #[must_use]
    pub fn name(&self) -> String {
        self.0.to_string()
    }
}

/// Of which commit the files on disk are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The commit that is checked out.
    pub commit: Commit,
    /// Files of the declaration that differ from it or are not in it, below the declaration's folder, sorted.
    pub changed: Vec<String>,
}

impl State {
    /// The name for plans and ledgers: the commit, with `-dirty` behind it where files differ from it, as
    /// `git describe --dirty` says it.
    #[must_use]
    pub fn name(&self) -> String {
        let dirty = if self.changed.is_empty() { "" } else { "-dirty" };
        format!("{}{dirty}", self.commit.name())
    }
}

/// The repository around a declaration.
pub struct Repository {
    pub(super) git: git2::Repository,
    /// Its files on disk, without links.
    pub(super) files: PathBuf,
    /// The declaration's folder below them.
    pub(super) below: PathBuf,
}

impl Repository {
    /// Finds the repository around the folder of a declaration: a clone, one of its worktrees, or a submodule.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub fn find(folder: &Path) -> Result<Self, GitError> {
        let opening = |e: &git2::Error| GitError::opening(e, folder);
        let real = fs::canonicalize(folder).map_err(|_| GitError::NoRepository(folder.display().to_string()))?;
        let git = git2::Repository::discover(&real).map_err(|e| opening(&e))?;
        let Some(files) = git.workdir().and_then(|w| fs::canonicalize(w).ok()) else {
            return Err(GitError::Bare(shown(git.path())));
        };
        let Ok(below) = real.strip_prefix(&files).map(Path::to_owned) else {
            return Err(GitError::Outside(shown(folder)));
        };
        // Below `.git`, there is a repository around as well.
        if real.starts_with(git.path()) {
            return Err(GitError::Outside(shown(folder)));
        }
        Ok(Self { git, files, below })
    }

    /// The folder of the files on disk.
    #[must_use]
    pub fn files(&self) -> &Path {
        &self.files
    }

    /// The declaration's folder below [`Self::files`].
    #[must_use]
    pub fn below(&self) -> &Path {
        &self.below
    }

    /// Whether the clone lacks the older part of its history.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        self.git.is_shallow()
    }

    /// The commit that a revision means: a branch, a tag, a commit, or what `git rev-parse` takes besides.
    ///
    /// # Errors
    /// When it means none.
    pub fn commit(&self, revision: &str) -> Result<Commit, GitError> {
        let object = self.git.revparse_single(revision).map_err(|e| self.not_found(revision, &e))?;
        let commit = object.peel(ObjectType::Commit).map_err(|_| GitError::NoRevision(revision.to_owned()))?;
        Ok(Commit(commit.id()))
    }

    fn not_found(&self, revision: &str, error: &git2::Error) -> GitError {
        if error.code() == ErrorCode::Ambiguous {
            return GitError::Ambiguous(revision.to_owned());
        }
        let nothing = self.git.references().map(|mut all| all.next().is_none()).unwrap_or(false);
        if self.head() == Err(GitError::NoCommit) && (nothing || revision == "HEAD") {
            return GitError::NoCommit;
        }
        // A runner checks out one commit: the branch is there by the name of its remote, if at all.
        let remotes = self.git.remotes().ok();
        let names: Vec<String> =
            remotes.iter().flat_map(|r| r.iter()).filter_map(|r| Some(r.ok()??.to_owned())).collect();
        let there = |name: &String| self.git.find_reference(&format!("refs/remotes/{name}")).is_ok();
        let near = names.iter().map(|remote| format!("{remote}/{revision}")).find(there);
        if near.is_none() && self.is_shallow() {
            return GitError::NotFetched(revision.to_owned());
        }
        GitError::Unknown { revision: revision.to_owned(), near }
    }

    /// The commit that is checked out.
    ///
    /// # Errors
    /// When there is no commit yet.
    pub fn head(&self) -> Result<Commit, GitError> {
        let head = self.git.head().map_err(|e| match e.code() {
            ErrorCode::UnbornBranch | ErrorCode::NotFound => GitError::NoCommit,
            _ => e.into(),
        })?;
        Ok(Commit(head.peel_to_commit()?.id()))
    }

    /// The last commit that two have in common, one of which is named as in the second place.
    ///
    /// # Errors
    /// When there is none, or not in this clone.
    pub fn merge_base(&self, one: (&Commit, &str), two: (&Commit, &str)) -> Result<Commit, GitError> {
        match self.git.merge_base(one.0.0, two.0.0) {
            Ok(base) => Ok(Commit(base)),
            Err(e) if e.code() == ErrorCode::NotFound => {
                let (one, two) = (one.1.to_owned(), two.1.to_owned());
                Err(if self.is_shallow() { GitError::BaseNotFetched(one, two) } else { GitError::Unrelated(one, two) })
            }
            Err(e) => Err(e.into()),
        }
    }

    /// The files of the declaration at a commit.
    ///
    /// # Errors
    /// When the commit cannot be read.
    pub fn tree(&self, commit: Commit) -> Result<Tree<'_>, GitError> {
        Tree::new(self, commit, self.below.clone())
    }

    /// The same where the declaration lay in another folder of the repository.
    ///
    /// # Errors
    /// When the commit cannot be read.
    pub fn tree_in(&self, commit: Commit, folder: &Path) -> Result<Tree<'_>, GitError> {
        Tree::new(self, commit, folder.to_owned())
    }

    /// Where the declaration lay at a commit from which its folder was renamed since, if Git finds it so.
    /// `now` is the commit in which it lies here; the files on disk where there is none.
    ///
    /// # Errors
    /// When the commits cannot be compared.
    pub fn moved_from(&self, commit: Commit, now: Option<Commit>) -> Result<Option<PathBuf>, GitError> {
        let main = self.below.join(crate::config::RESERVED_FILE);
        let mut diff = self.difference(commit, now, None)?;
        let mut options = git2::DiffFindOptions::new();
        options.renames(true).renames_from_rewrites(false).for_untracked(true);
        diff.find_similar(Some(&mut options))?;
        let renamed = diff.deltas().find(|d| d.status() == git2::Delta::Renamed && d.new_file().path() == Some(&main));
        let old = renamed.and_then(|d| d.old_file().path().map(Path::to_owned));
        Ok(old.and_then(|old| (old.file_name() == main.file_name()).then(|| old.parent().map(Path::to_owned))?))
    }

    /// The files of the declaration that differ between two revisions, below its folder and sorted; without a
    /// second one, between the first and the files on disk.
    ///
    /// # Errors
    /// When the commits cannot be compared.
    pub fn changed(&self, from: Commit, to: Option<Commit>) -> Result<Vec<String>, GitError> {
        let diff = self.difference(from, to, Some(&self.below))?;
        let paths = diff.deltas().flat_map(|d| {
            let paths = [d.old_file().path(), d.new_file().path()];
            paths.into_iter().flatten().filter_map(|p| p.strip_prefix(&self.below).ok()).map(Path::to_owned)
        });
        let paths: BTreeSet<PathBuf> = paths.collect::<Vec<_>>().into_iter().filter(|p| counts(p)).collect();
        Ok(paths.iter().map(|p| slashed(p)).collect())
    }

    fn difference(&self, from: Commit, to: Option<Commit>, below: Option<&Path>) -> Result<git2::Diff<'_>, GitError> {
        let mut options = git2::DiffOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).disable_pathspec_match(true);
        options.ignore_submodules(true).skip_binary_check(true);
        if let Some(below) = below.filter(|b| !b.as_os_str().is_empty()) {
            options.pathspec(below);
        }
        let from = self.git.find_commit(from.0)?.tree()?;
        Ok(match to {
            Some(to) => {
                let to = self.git.find_commit(to.0)?.tree()?;
                self.git.diff_tree_to_tree(Some(&from), Some(&to), Some(&mut options))?
            }
            None => self.git.diff_tree_to_workdir_with_index(Some(&from), Some(&mut options))?,
        })
    }

    /// Of which commit the declaration on disk is; nothing where it is in none.
    ///
    /// # Errors
    /// When the files cannot be compared with it.
    pub fn state(&self) -> Result<Option<State>, GitError> {
        let commit = match self.head() {
            Ok(commit) => commit,
            Err(GitError::NoCommit) => return Ok(None),
            Err(error) => return Err(error),
        };
        if !self.tree(commit)?.has_declaration() {
            return Ok(None);
        }
        let mut options = StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).disable_pathspec_match(true);
        options.exclude_submodules(true).include_ignored(false);
        if !self.below.as_os_str().is_empty() {
            options.pathspec(&self.below);
        }
        let statuses = self.git.statuses(Some(&mut options))?;
        let paths = statuses.iter().filter_map(|s| {
            let path = Path::new(s.path().ok()?).strip_prefix(&self.below).ok()?.to_owned();
            counts(&path).then(|| slashed(&path))
        });
        let changed: BTreeSet<String> = paths.collect();
        Ok(Some(State { commit, changed: changed.into_iter().collect() }))
    }

    /// The commits before one on its own line (the first parents), newest first, each only where the
    /// declaration's folder was otherwise than in the commit after it; and not endlessly many.
    ///
    /// # Errors
    /// When a commit cannot be read.
    pub fn before(&self, commit: Commit, folder: &Path) -> Result<Vec<Commit>, GitError> {
        let folder_of = |commit: &git2::Commit<'_>| -> Result<Option<Oid>, git2::Error> {
            let tree = commit.tree()?;
            if folder.as_os_str().is_empty() {
                return Ok(Some(tree.id()));
            }
            Ok(tree.get_path(folder).ok().map(|e| e.id()))
        };
        let mut at = self.git.find_commit(commit.0)?;
        let (mut was, mut found) = (folder_of(&at)?, Vec::new());
        for _ in 0..BACK_MAX {
            // A shallow clone ends where its parents are not there.
            let Ok(parent) = at.parent(0) else { break };
            let is = folder_of(&parent)?;
            if is != was {
                found.push(Commit(parent.id()));
                was = is;
            }
            at = parent;
        }
        Ok(found)
    }

    /// The commits of a line (the first parents) after one and up to another, oldest first. Nothing where the one
    /// is not on the line of the other.
    ///
    /// # Errors
    /// When a commit cannot be read.
    pub fn line(&self, after: Commit, up_to: Commit) -> Result<Option<Vec<Commit>>, GitError> {
        let mut found = Vec::new();
        let mut at = self.git.find_commit(up_to.0)?;
        while at.id() != after.0 {
            found.push(Commit(at.id()));
            if found.len() > BACK_MAX {
                return Ok(None);
            }
            let Ok(parent) = at.parent(0) else { return Ok(None) };
            at = parent;
        }
        found.reverse();
        Ok(Some(found))
    }

    /// The first parent of a merge; nothing of a commit that is none.
    ///
    /// # Errors
    /// When a commit cannot be read.
    pub fn merged_into(&self, commit: Commit) -> Result<Option<Commit>, GitError> {
        let found = self.git.find_commit(commit.0)?;
        Ok((found.parent_count() > 1).then(|| found.parent_id(0).ok().map(Commit)).flatten())
    }

    /// The short name of a commit, as long as it has to be.
    #[must_use]
    pub fn short(&self, commit: Commit) -> String {
        let object = self.git.find_object(commit.0, None);
        let short = object.and_then(|o| o.short_id()).ok().and_then(|b| b.as_str().ok().map(str::to_owned));
        short.unwrap_or_else(|| commit.name().chars().take(7).collect())
    }
}

/// A path with `/` between its parts.
fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
