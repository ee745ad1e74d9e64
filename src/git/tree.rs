//! The files of a declaration at a commit. Which of them count, and what links may lead to, is decided by the
//! same code as on disk ([`Place`]); here is only where they lie.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use git2::Oid;

use super::{Commit, GitError, Repository};
use crate::config::{Leads, Lies, Place, RESERVED_FILE};

/// How many links lead to one another at most, as on disk.
const LINKS_MAX: usize = 40;

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    lies: Lies,
    /// In which repository: the one around the declaration, or a submodule of it.
    home: usize,
    id: Oid,
}

/// The declaration's folder as it was at a commit.
pub struct Tree<'r> {
    repository: &'r Repository,
    /// The declaration's folder below the root of the repository.
    folder: PathBuf,
    root: Node,
    /// The submodules that were looked into.
    homes: RefCell<Vec<Rc<git2::Repository>>>,
    /// What lies in the folders that were looked into, by their path in the repository.
    known: RefCell<HashMap<PathBuf, Rc<HashMap<OsString, Node>>>>,
}

impl<'r> Tree<'r> {
    pub(super) fn new(repository: &'r Repository, commit: Commit, folder: PathBuf) -> Result<Self, GitError> {
        let tree = repository.git.find_commit(commit.0)?.tree_id();
        let root = Node { lies: Lies::Folder, home: 0, id: tree };
        Ok(Self { repository, folder, root, homes: RefCell::default(), known: RefCell::default() })
    }

    /// The declaration's folder below the root of the repository.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether there was a declaration.
    #[must_use]
    pub fn has_declaration(&self) -> bool {
        self.has_file(Path::new(RESERVED_FILE))
    }

    fn in_home<T>(
        &self,
        home: usize,
        f: impl FnOnce(&git2::Repository) -> Result<T, git2::Error>,
    ) -> Result<T, String> {
        let said = |e: git2::Error| e.message().to_owned();
        if home == 0 {
            return f(&self.repository.git).map_err(said);
        }
        let submodule = self.homes.borrow().get(home - 1).cloned();
        submodule.map_or_else(|| Err("the submodule cannot be read".to_owned()), |git| f(&git).map_err(said))
    }

    /// What lies in the folder at a path of the repository.
    fn inside(&self, path: &Path, node: Node) -> Result<Rc<HashMap<OsString, Node>>, String> {
        if let Some(known) = self.known.borrow().get(path) {
            return Ok(Rc::clone(known));
        }
        let mut found = HashMap::new();
        let mut submodules = Vec::new();
        self.in_home(node.home, |git| {
            for entry in git.find_tree(node.id)?.iter() {
                let name = os(entry.name_bytes());
                // The kinds of entries by their mode (gitformat-index, "cache entries").
                let lies = match entry.filemode() {
                    0o040_000 => Lies::Folder,
                    0o120_000 => Lies::Link,
                    0o160_000 => {
                        submodules.push((name, entry.id()));
                        continue;
                    }
                    _ => Lies::File,
                };
                found.insert(name, Node { lies, home: node.home, id: entry.id() });
            }
            Ok(())
        })?;
        for (name, commit) in submodules {
            if let Some(node) = self.submodule(&path.join(&name), commit)? {
                found.insert(name, node);
            }
        }
        let found = Rc::new(found);
        self.known.borrow_mut().insert(path.to_owned(), Rc::clone(&found));
        Ok(found)
    }

    /// The folder of a submodule, where it is checked out; otherwise it is empty here as it is on disk.
    fn submodule(&self, path: &Path, commit: Oid) -> Result<Option<Node>, String> {
        let on_disk = self.repository.files.join(path);
        if !on_disk.join(".git").exists() {
            return Ok(None);
        }
        let lacking = |e: git2::Error| {
            let at = path.display();
            format!("the submodule `{at}` lacks its commit {commit}: {}; fetch it there", e.message())
        };
        let git = git2::Repository::open(&on_disk).map_err(lacking)?;
        let id = git.find_commit(commit).map_err(lacking)?.tree_id();
        let mut homes = self.homes.borrow_mut();
        homes.push(Rc::new(git));
        Ok(Some(Node { lies: Lies::Folder, home: homes.len(), id }))
    }

    /// What lies at a path of the repository, with every link on the way followed; the last one as well where
    /// `through`. The path without links comes with it.
    fn find(&self, path: &Path, through: bool) -> Option<(PathBuf, Node)> {
        let mut left: Vec<OsString> = parts(path)?;
        left.reverse();
        let mut at: Vec<(PathBuf, Node)> = vec![(PathBuf::new(), self.root)];
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == ".." {
                at.pop();
                at.last()?;
                continue;
            }
            let (here, node) = at.last()?;
            if node.lies != Lies::Folder {
                return None;
            }
            let next = *self.inside(here, *node).ok()?.get(&part)?;
            if next.lies != Lies::Link || (left.is_empty() && !through) {
                at.push((here.join(&part), next));
                continue;
            }
            links += 1;
            if links > LINKS_MAX {
                return None;
            }
            let bytes = self.blob(next, u64::MAX).ok()?;
            let mut target = PathBuf::from(os(&bytes));
            if target.is_absolute() {
                // Back into the same files is a way inside, from wherever it begins.
                target = target.strip_prefix(&self.repository.files).ok()?.to_owned();
                at.truncate(1);
            }
            let mut more = parts(&target)?;
            more.reverse();
            left.extend(more);
        }
        at.pop()
    }

    fn blob(&self, node: Node, limit: u64) -> Result<Vec<u8>, String> {
        self.in_home(node.home, |git| {
            let blob = git.find_blob(node.id)?;
            let content = blob.content();
            Ok(content[..content.len().min(usize::try_from(limit).unwrap_or(usize::MAX))].to_vec())
        })
    }

    fn at(&self, below: &Path) -> PathBuf {
        self.folder.join(below)
    }
}

impl Place for Tree<'_> {
    fn entries(&self, folder: &Path) -> Result<Vec<(OsString, Lies)>, String> {
        let path = self.at(folder);
        let gone = || "it is not there".to_owned();
        let (path, node) = self.find(&path, true).filter(|(_, n)| n.lies == Lies::Folder).ok_or_else(gone)?;
        let inside = self.inside(&path, node)?;
        Ok(inside.iter().map(|(name, node)| (name.clone(), node.lies)).collect())
    }

    fn bytes(&self, file: &Path, limit: u64) -> Result<Vec<u8>, String> {
        let node = self.find(&self.at(file), true).map(|(_, n)| n).filter(|n| n.lies == Lies::File);
        self.blob(node.ok_or_else(|| "it is not there".to_owned())?, limit)
    }

    fn has_file(&self, path: &Path) -> bool {
        self.find(&self.at(path), true).is_some_and(|(_, n)| n.lies == Lies::File)
    }

    fn follow(&self, link: &Path) -> Leads {
        let target = self.find(&self.at(link), true);
        let folder = target.as_ref().is_some_and(|(_, n)| n.lies == Lies::Folder);
        let inside = target.and_then(|(path, _)| path.strip_prefix(&self.folder).ok().map(Path::to_owned));
        Leads { folder, inside }
    }
}

/// The parts of a path that goes down from where it begins, with its `..`.
fn parts(path: &Path) -> Option<Vec<OsString>> {
    let mut found = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => found.push(name.to_owned()),
            Component::ParentDir => found.push("..".into()),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(found)
}

/// A name as the file system has it.
fn os(bytes: &[u8]) -> OsString {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        OsStr::from_bytes(bytes).to_owned()
    }
    #[cfg(not(unix))]
    {
        OsStr::new(&*String::from_utf8_lossy(bytes)).to_owned()
    }
}
