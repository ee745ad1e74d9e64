//! The files at another revision: what `--base` and `--since` compare with, and the commit that plans and the
//! ledger name.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::load::{Read, judged};
use super::{Failure, Global};
use crate::config::{Declaration, Loaded, load_place, root_of};
use crate::diagnostic::{Code, Finding, Severity};
use crate::git::{GitError, Repository, Tree};
use crate::invariants::rule;
use crate::plan::Revision;
use crate::render::plural;
use crate::targets::PROFILES;

/// How many revisions are tried for one at which the files are not broken.
const TRIES: usize = 50;

/// The files as they were at a revision.
pub struct Earlier {
    /// Which one.
    pub revision: Revision,
    /// What they wanted; nothing where there was no declaration.
    pub declaration: Option<Declaration>,
    /// What was found in the files of the revision that was named, be they broken or not.
    pub findings: Vec<Finding>,
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        let failure = Self::error(error.to_string());
        match error.help() {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}

/// The commit of the declaration on disk, for plans and the ledger: nothing where it is in none, or Git cannot
/// tell.
pub fn commit_of(root: &Path) -> Option<String> {
    Some(Repository::find(root).ok()?.state().ok()??.name())
}

/// Reads the files at the last commit that a revision has in common with `head`, or with what is checked out.
///
/// # Errors
/// When there is no such commit, or nothing can be made of the files there nor before.
pub fn earlier(global: &Global, named: &str, head: Option<&str>) -> Result<Earlier, Failure> {
    let root = root_of(&global.file);
    let repository = Repository::find(&root)?;
    let commit = repository.commit(named)?;
    let (head_commit, head_named) = match head {
        Some(head) => (repository.commit(head)?, head),
        None => (repository.head()?, "HEAD"),
    };
    let base = repository.merge_base((&commit, named), (&head_commit, head_named))?;
    let mut revision = Revision { named: named.to_owned(), commit: base.name(), notes: Vec::new() };
    let mut tree = repository.tree(base)?;
    if !tree.has_declaration() {
        match repository.moved_from(base, head.map(|_| head_commit))? {
            Some(folder) => {
                let was = if folder.as_os_str().is_empty() { ".".into() } else { folder.display().to_string() };
                revision.notes.push(format!("at {named}, the declaration lay in the folder `{was}`"));
                tree = repository.tree_in(base, &folder)?;
            }
            None => {
                revision.notes.push(format!("at {named}, there was no declaration here: everything in it is new"));
                return Ok(Earlier { revision, declaration: None, findings: Vec::new() });
            }
        }
    }
    let read = at(global, &root, &tree);
    if read.declaration.is_some() {
        return Ok(Earlier { revision, declaration: read.declaration, findings: read.findings });
    }
    let errors = read.findings.iter().filter(|f| f.severity == Severity::Error);
    let broken = plural(errors.clone().count(), "error");
    // What is live comes from the last files that could be applied.
    for before in repository.before(base, tree.folder())?.into_iter().take(TRIES) {
        let tree = repository.tree_in(before, tree.folder())?;
        if !tree.has_declaration() {
            continue;
        }
        let sound = at(global, &root, &tree);
        if let Some(declaration) = sound.declaration {
            let (there, here) = (repository.short(base), repository.short(before));
            let text = format!(
                "at {named} ({there}), the files are broken ({broken}): compared with {here}, the last commit before at which they are not"
            );
            revision.notes.push(text);
            revision.commit = before.name();
            return Ok(Earlier { revision, declaration: Some(declaration), findings: read.findings });
        }
    }
    let first = errors.map(|f| f.message.clone()).next().unwrap_or_default();
    let there = repository.short(base);
    let text = format!("the files are broken at {there}, and at every commit before that is here: {first}");
    Err(Failure::error(text).help("name a revision at which they are not, or do without one"))
}

/// The files at a revision that is named, for their own sake.
///
/// # Errors
/// When there is no such commit, or no declaration in it.
pub fn head(global: &Global, named: &str) -> Result<(Revision, Loaded), Failure> {
    let root = root_of(&global.file);
    let repository = Repository::find(&root)?;
    let commit = repository.commit(named)?;
    let tree = repository.tree(commit)?;
    if !tree.has_declaration() {
        let text = format!("there is no declaration here at `{named}` ({})", repository.short(commit));
        return Err(Failure::error(text).help("name a revision that has one"));
    }
    let revision = Revision { named: named.to_owned(), commit: commit.name(), notes: Vec::new() };
    Ok((revision, load_place(root, &tree, &PROFILES, global.now())))
}

fn at(global: &Global, root: &Path, tree: &Tree<'_>) -> Read {
    let loaded = load_place(root.to_owned(), tree, &PROFILES, global.now());
    judged(loaded, global.now(), false, super::load::left_to_the_plan).sound()
}

/// Takes for warnings what was found before as well, and for errors what is new: `set` are the rules about which
/// the files say how strictly they are taken. Which of several findings in the same words is new cannot be told,
/// only how many are.
pub fn against(findings: &mut [Finding], before: &[Finding], set: &BTreeSet<&str>) {
    let mut known: HashMap<(Code, &str), usize> = HashMap::new();
    for finding in before {
        *known.entry((finding.code, &finding.message)).or_default() += 1;
    }
    for finding in findings {
        let left = known.get_mut(&(finding.code, finding.message.as_str())).filter(|left| **left > 0);
        let is_rule = rule(finding.code.name());
        match (left, finding.severity) {
            (Some(left), Severity::Error) if is_rule.is_some_and(|r| r.optional) => {
                *left -= 1;
                finding.severity = Severity::Warning;
            }
            (Some(left), _) => *left -= 1,
            (None, Severity::Warning) if !set.contains(finding.code.name()) => finding.severity = Severity::Error,
            (None, _) => {}
        }
    }
}

/// The rules about which the files say how strictly they are taken.
pub fn set_rules(declaration: Option<&Declaration>) -> BTreeSet<&str> {
    let targets = declaration.map(|d| d.targets.as_slice()).unwrap_or_default();
    targets.iter().flat_map(|t| t.desired.rules.settings.keys().map(String::as_str)).collect()
}
