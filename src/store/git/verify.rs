//! Whether the ledger on the branch is what was written: its rows by their chain, and its growth by the commits,
//! each of which must hold all rows of the one before it.

use std::path::Path;

use git2::{Commit, ObjectType, Oid, Repository, Tree};

use super::branch::{END, Edit, Line, file_of};
use crate::store::ledger::Chain;
use crate::store::{Break, Result, StoreError, Verification};

/// Checks the ledger at `head`, of which this clone has seen the commit `seen`.
pub(super) fn verify(repo: &Repository, head: Option<Oid>, seen: Option<Oid>) -> Result<Verification> {
    let Some(head) = head else {
        let mut found = Chain::new().found;
        if let Some(seen) = seen {
            let what = format!("the branch is gone; this clone has seen it at {seen}");
            found.broken = Some(Break { row: 1, what });
        }
        return Ok(found);
    };
    let commit = repo.find_commit(head)?;
    let mut found = rows(repo, &commit)?;
    found.anchor = Some(format!("commit {head}"));
    if found.broken.is_none() {
        found.broken = rewritten(repo, &commit, seen)?;
    }
    if found.broken.is_none() {
        found.broken = grown(repo, commit)?;
    }
    Ok(found)
}

/// The chain of the rows at a commit.
fn rows(repo: &Repository, commit: &Commit<'_>) -> Result<Verification> {
    let mut chain = Chain::new();
    let mut lines: Vec<Line> = Vec::new();
    let mut files = 0;
    let mut wrong = None;
    for (path, id) in ledger(repo, &commit.tree()?)? {
        if path == END {
            continue;
        }
        files += 1;
        let blob = repo.find_blob(id)?;
        for (number, text) in blob.content().split(|b| *b == b'\n').filter(|l| !l.is_empty()).enumerate() {
            match serde_json::from_slice::<Line>(text) {
                Ok(line) if file_of(line.apply) == path => lines.push(line),
                Ok(line) => {
                    wrong = wrong.or(Some((line.seq, format!("it is of apply {} and stands in {path}", line.apply))))
                }
                Err(_) => {
                    let row = lines.last().map_or(1, |last| last.seq.saturating_add(1));
                    wrong = wrong.or(Some((row, format!("line {} of {path} is no row", number + 1))));
                }
            }
        }
    }
    lines.sort_by_key(|line| line.seq);
    for line in &lines {
        let follows = chain.follows(&line.row());
        if !follows.map_err(StoreError::record(format!("row {} of the ledger", line.seq)))? {
            break;
        }
    }
    let mut found = chain.found;
    if let Some((row, what)) = wrong {
        found.broken = Some(Break { row, what });
    }
    if found.broken.is_none() {
        let end = Edit::on(repo, Some(commit.id()))?.end()?;
        let rows = i64::try_from(found.rows).unwrap_or(i64::MAX);
        if (end.rows, end.applies, &end.hash) != (rows, files, &found.head) {
            let what = format!(
                "{END} tells of {} rows and {} applies, and there are {rows} and {files}",
                end.rows, end.applies
            );
            found.broken = Some(Break { row: end.rows.min(rows).saturating_add(1), what });
        }
    }
    Ok(found)
}

/// Whether this clone has seen a commit that is not in the history any more.
fn rewritten(repo: &Repository, head: &Commit<'_>, seen: Option<Oid>) -> Result<Option<Break>> {
    let Some(seen) = seen else { return Ok(None) };
    if seen == head.id() || repo.graph_descendant_of(head.id(), seen)? {
        return Ok(None);
    }
    let what = format!("the branch was rewritten: {seen}, which this clone has seen, is not in its history any more");
    // The first row in which the two differ.
    let row = match repo.find_commit(seen) {
        Ok(seen) => lost(repo, &seen.tree()?, &head.tree()?)?.map_or(1, |(row, _)| row),
        Err(_) => 1,
    };
    Ok(Some(Break { row, what }))
}

/// Whether every commit holds the rows of the one before it.
fn grown(repo: &Repository, head: Commit<'_>) -> Result<Option<Break>> {
    let mut commit = head;
    loop {
        let parent = match commit.parent_count() {
            0 => return Ok(None),
            1 => commit.parent(0)?,
            number => {
                let what = format!("commit {} joins {number} histories: it was made by hand", commit.id());
                return Ok(Some(Break { row: 1, what }));
            }
        };
        if let Some((row, path)) = lost(repo, &parent.tree()?, &commit.tree()?)? {
            let what = format!("commit {} changed what stood in {path}", commit.id());
            return Ok(Some(Break { row, what }));
        }
        commit = parent;
    }
}

/// The first row of one tree that the other does not have, with the file that it stands in.
fn lost(repo: &Repository, before: &Tree<'_>, after: &Tree<'_>) -> Result<Option<(i64, String)>> {
    let folder = |tree: &Tree<'_>| tree.get_name("ledger").map(|entry| entry.id());
    let mut first: Option<(i64, String)> = None;
    let Some(ledger) = folder(before) else { return Ok(None) };
    // Only what differs is looked into: most of a ledger is as it was.
    let mut open = vec![("ledger".to_owned(), ledger, folder(after))];
    while let Some((path, old, new)) = open.pop() {
        if new == Some(old) || path == END {
            continue;
        }
        if let Ok(tree) = repo.find_tree(old) {
            let new = new.and_then(|id| repo.find_tree(id).ok());
            for entry in &tree {
                let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
                let same = new.as_ref().and_then(|tree| tree.get_name_bytes(entry.name_bytes())).map(|e| e.id());
                open.push((format!("{path}/{name}"), entry.id(), same));
            }
            continue;
        }
        let old = repo.find_blob(old)?;
        let new = new.and_then(|id| repo.find_blob(id).ok());
        let new = new.as_ref().map_or(&[][..], |blob| blob.content());
        if new.starts_with(old.content()) {
            continue;
        }
        let mut kept = new.split(|b| *b == b'\n');
        let differs = old.content().split(|b| *b == b'\n').find(|line| kept.next() != Some(*line));
        let row = differs.and_then(|line| serde_json::from_slice::<Line>(line).ok()).map_or(1, |line| line.seq);
        if first.as_ref().is_none_or(|(known, _)| row < *known) {
            first = Some((row, path));
        }
    }
    Ok(first)
}

/// The files of the ledger, by path.
fn ledger(repo: &Repository, tree: &Tree<'_>) -> Result<Vec<(String, Oid)>> {
    let entry = match tree.get_path(Path::new("ledger")) {
        Ok(entry) => entry,
        Err(e) if e.code() == git2::ErrorCode::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e.into()),
    };
    let mut files = Vec::new();
    let mut open = vec![("ledger".to_owned(), entry.id(), entry.kind())];
    while let Some((path, id, kind)) = open.pop() {
        if kind != Some(ObjectType::Tree) {
            files.push((path, id));
            continue;
        }
        for entry in &repo.find_tree(id)? {
            let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
            open.push((format!("{path}/{name}"), entry.id(), entry.kind()));
        }
    }
    files.sort();
    Ok(files)
}
