//! What lies on the branch: files in a tree, read at one commit, changed in memory, written as the next commit.
//! Neither the worktree nor the index nor any branch of the repository's user is touched.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use git2::{FileMode, ObjectType, Oid, Repository, Tree};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::model::Moment;
use crate::store::ledger::{self, Ended, FIRST, Intent, Intents, KeptRow, Outcomes, Told, event};
use crate::store::{ApplyEntry, ApplyInfo, Branch, Entry, Result, Status, StoreError, Unfinished};

/// The file that says what the branch is, and how new its layout.
const LAYOUT: &str = "layout.json";
/// The newest layout that is known here.
const KNOWN: u32 = 1;
const FORMAT: &str = "rolecall.store";
/// Where the ledger ends.
pub(super) const END: &str = "ledger/end.json";

const README: &str = "\
# The memory of rolecall

This branch is written by `rolecall --store git:BRANCH`, and shares no history with the others. Do not edit,
merge, protect or delete it: the next apply would not find what it needs, or refuse to go on.

- `ledger/` is what was applied: one file per apply, a row per line. Every row holds the hash of the row before
  it, over all files; `ledger/end.json` is the last one. Rows are only ever added.
- `targets/NAME/` is what is known of a target: what rolecall manages there (`ownership.json`), what the target
  itself calls things (`identities.json`), and how much there was (`last-read.json`).
- `locks/NAME.json` says who is applying to a target, and until when if they do not go on.
- `memory/` holds short texts: since when drift has been seen, which plans were reviewed.

`rolecall --store git:BRANCH history` shows the ledger, and `history verify` checks that nothing was changed.
There are no secrets here, but names and addresses: whoever can read the repository can read them.
";

#[derive(Serialize, Deserialize)]
struct Layout {
    format: String,
    layout: u32,
    /// The folder of the declaration in its repository.
    declaration: String,
}

/// What is looked at before anything is known of the layout.
#[derive(Deserialize)]
struct Version {
    format: String,
    layout: u32,
}

/// The end of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    /// How many applies there are.
    pub(super) applies: i64,
    /// How many rows there are.
    pub(super) rows: i64,
    /// The hash of the last.
    pub(super) hash: String,
}

/// A row as a line of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) seq: i64,
    pub(super) apply: i64,
    pub(super) event: String,
    pub(super) at: String,
    /// As the text that it is: the hash is over that.
    pub(super) body: Box<RawValue>,
    pub(super) previous: String,
    pub(super) hash: String,
}

impl Line {
    pub(super) fn row(&self) -> KeptRow<'_> {
        KeptRow {
            seq: self.seq,
            apply: self.apply,
            event: &self.event,
            at: &self.at,
            body: self.body.get(),
            previous: &self.previous,
            hash: &self.hash,
        }
    }

    fn body<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.body.get()).map_err(StoreError::record(format!("row {} of the ledger", self.seq)))
    }

    fn at(&self) -> Result<Moment> {
        Moment::parse(&self.at).map_err(StoreError::record(format!("the time of row {} of the ledger", self.seq)))
    }
}

/// One apply, as its file tells it.
#[derive(Debug, Clone)]
pub(super) struct Log {
    pub(super) info: ApplyInfo,
    pub(super) intents: Intents,
    pub(super) outcomes: Outcomes,
    pub(super) finished: Option<(Status, Moment)>,
}

impl Log {
    fn read(id: i64, text: &[u8]) -> Result<Self> {
        let mut log: Option<Self> = None;
        for (number, line) in text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).enumerate() {
            let what = || format!("line {} of {}", number + 1, file_of(id));
            let line: Line = serde_json::from_slice(line).map_err(StoreError::record(what()))?;
            match (&mut log, line.event.as_str()) {
                (None, event::BEGIN) => {
                    let info = ApplyInfo { id, begun: line.body()? };
                    log = Some(Self { info, intents: Intents::new(), outcomes: Outcomes::new(), finished: None });
                }
                (Some(log), event::INTEND) => {
                    let intent: Intent<'static> = line.body()?;
                    log.intents.insert(intent.step, (intent.change.into_owned(), line.at()?));
                }
                (Some(log), event::OUTCOME) => {
                    let told: Told = line.body()?;
                    log.outcomes.insert(told.step, (told.outcome, line.at()?));
                }
                (Some(log), event::FINISH) => log.finished = Some((line.body::<Ended>()?.status, line.at()?)),
                (_, other) => {
                    return Err(StoreError::record(what())(format!("`{other}` does not belong there")));
                }
            }
        }
        log.ok_or_else(|| StoreError::record(file_of(id))("it does not say which apply began"))
    }

    pub(super) fn entry(&self) -> ApplyEntry {
        ledger::entry(self.info.clone(), self.finished, &self.outcomes)
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        ledger::entries(self.intents.clone(), self.outcomes.clone())
    }

    pub(super) fn unfinished(&self) -> Unfinished {
        Unfinished { info: self.info.clone(), pending: ledger::pending(self.intents.clone(), &self.outcomes) }
    }
}

/// The applies that were read, by the objects of their files.
pub(super) type Cache = BTreeMap<Oid, Arc<Log>>;

/// The file of an apply. A thousand of them in a folder, which is what a page of GitHub shows.
pub(super) fn file_of(apply: i64) -> String {
    format!("ledger/{:03}/{apply:06}.jsonl", apply / 1000)
}

/// What is remembered of a target.
pub(super) fn target_file(target: &str, what: &str) -> String {
    format!("targets/{}/{what}.json", escaped(target))
}

/// A name that is not ours as part of the name of a file: lower-case letters, digits, `-` and `_` as they are,
/// all else as `%` and its code, and the end of a long one as its hash.
pub(super) fn escaped(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    if out.is_empty() {
        return "%".to_owned();
    }
    if out.len() > 120 {
        let hash: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        out.truncate(40);
        // `%` alone stands in no other name.
        out.push_str(&format!("%-{hash}"));
    }
    out
}

/// The files at a commit, with what is to be written on top of them.
pub(super) struct Edit<'r> {
    repo: &'r Repository,
    base: Option<Tree<'r>>,
    changed: BTreeMap<String, Vec<u8>>,
    end: Option<End>,
}

impl<'r> Edit<'r> {
    /// On top of a commit, or of nothing.
    pub(super) fn on(repo: &'r Repository, head: Option<Oid>) -> Result<Self> {
        let base = head.map(|head| repo.find_commit(head)?.tree()).transpose()?;
        Ok(Self { repo, base, changed: BTreeMap::new(), end: None })
    }

    /// Refuses a branch that is not ours, or newer than we know.
    pub(super) fn check(&self, branch: &Branch, declaration: &str) -> Result<()> {
        if self.base.is_none() {
            return Ok(());
        }
        let wrong = |why: String| StoreError::Branch { branch: branch.name.clone(), why };
        let version = self.read(LAYOUT)?.and_then(|text| serde_json::from_slice::<Version>(&text).ok());
        match version {
            Some(Version { format, layout }) if format == FORMAT && layout > KNOWN => Err(wrong(format!(
                "a newer rolecall made it (layout {layout}; this rolecall knows up to {KNOWN}): use that one, or a newer one"
            ))),
            Some(Version { format, layout }) if format == FORMAT && layout == KNOWN => {
                let of = self.json::<Layout>(LAYOUT)?.map(|layout| layout.declaration).unwrap_or_default();
                if of == declaration {
                    return Ok(());
                }
                Err(wrong(format!(
                    "it is the store of the declaration in `{of}`, and this one is in `{declaration}`: name another branch for it; if it was moved, change `declaration` in {LAYOUT} there, in a commit on top"
                )))
            }
            _ => Err(wrong(
                "it holds something else than a store of rolecall: name a branch that does not exist yet".to_owned(),
            )),
        }
    }

    /// The object of a file, where it is as the commit has it.
    fn blob(&self, path: &str) -> Result<Option<Oid>> {
        let Some(base) = &self.base else { return Ok(None) };
        match base.get_path(Path::new(path)) {
            Ok(entry) if entry.kind() == Some(ObjectType::Blob) => Ok(Some(entry.id())),
            Ok(_) => Err(StoreError::record(path)("it is no file")),
            Err(e) if e.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// A file.
    pub(super) fn read(&self, path: &str) -> Result<Option<Cow<'_, [u8]>>> {
        if let Some(bytes) = self.changed.get(path) {
            return Ok(Some(Cow::Borrowed(bytes)));
        }
        let Some(id) = self.blob(path)? else { return Ok(None) };
        Ok(Some(Cow::Owned(self.repo.find_blob(id)?.content().to_vec())))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        let text = self.read(path)?;
        text.map(|text| serde_json::from_slice(&text).map_err(StoreError::record(path))).transpose()
    }

    /// Writes a file.
    pub(super) fn write(&mut self, path: &str, bytes: Vec<u8>) {
        self.changed.insert(path.to_owned(), bytes);
    }

    /// Writes a file for people and programs.
    pub(super) fn write_json(&mut self, path: &str, value: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(value).map_err(StoreError::record(path))?;
        text.push(b'\n');
        self.write(path, text);
        Ok(())
    }

    pub(super) fn end(&self) -> Result<End> {
        if let Some(end) = &self.end {
            return Ok(end.clone());
        }
        Ok(self.json(END)?.unwrap_or_else(|| End { applies: 0, rows: 0, hash: FIRST.to_owned() }))
    }

    /// Begins the file of the next apply, and hands out its number.
    pub(super) fn next_apply(&mut self) -> Result<i64> {
        let mut end = self.end()?;
        end.applies = end.applies.saturating_add(1);
        let id = end.applies;
        self.end = Some(end);
        if self.read(&file_of(id))?.is_some() {
            return Err(StoreError::record(END)(format!("{} is there already", file_of(id))));
        }
        Ok(id)
    }

    /// Adds a row to the ledger.
    pub(super) fn append(&mut self, apply: i64, event: &str, body: &impl Serialize, at: Moment) -> Result<()> {
        let failed = || StoreError::record("a row of the ledger");
        let body = serde_json::to_string(body).map_err(failed())?;
        let mut end = self.end()?;
        let (seq, at) = (end.rows.saturating_add(1), at.to_string());
        let hash = ledger::hash(&end.hash, (seq, apply, event, &at, &body)).map_err(failed())?;
        let body = RawValue::from_string(body).map_err(failed())?;
        let line = Line { seq, apply, event: event.to_owned(), at, body, previous: end.hash, hash: hash.clone() };
        let path = file_of(apply);
        if !self.changed.contains_key(&path) {
            let there = self.read(&path)?.map(Cow::into_owned).unwrap_or_default();
            self.changed.insert(path.clone(), there);
        }
        let bytes = self.changed.entry(path).or_default();
        serde_json::to_writer(&mut *bytes, &line).map_err(failed())?;
        bytes.push(b'\n');
        (end.rows, end.hash) = (seq, hash);
        self.end = Some(end);
        Ok(())
    }

    /// An apply. `cache` keeps what was read from files that no one changes.
    pub(super) fn log(&self, apply: i64, cache: &mut Cache) -> Result<Arc<Log>> {
        let path = file_of(apply);
        if let Some(bytes) = self.changed.get(&path) {
            return Ok(Arc::new(Log::read(apply, bytes)?));
        }
        let id = if apply < 1 { None } else { self.blob(&path)? };
        let Some(id) = id else { return Err(StoreError::NoApply(apply)) };
        if let Some(log) = cache.get(&id) {
            return Ok(Arc::clone(log));
        }
        let log = Arc::new(Log::read(apply, self.repo.find_blob(id)?.content())?);
        cache.insert(id, Arc::clone(&log));
        Ok(log)
    }

    /// Whether there is nothing to write.
    pub(super) fn is_unchanged(&self) -> Result<bool> {
        for (path, bytes) in &self.changed {
            let same = match self.blob(path)? {
                Some(id) => self.repo.find_blob(id)?.content() == bytes,
                None => false,
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes the commit, which no reference names yet.
    pub(super) fn commit(mut self, head: Option<Oid>, message: &str, declaration: &str) -> Result<Oid> {
        if let Some(end) = self.end.take() {
            self.write_json(END, &end)?;
        }
        if self.base.is_none() {
            self.write("README.md", README.as_bytes().to_vec());
            self.write_json(
                LAYOUT,
                &Layout { format: FORMAT.to_owned(), layout: KNOWN, declaration: declaration.to_owned() },
            )?;
        }
        let base = match self.base {
            Some(base) => base,
            None => self.repo.find_tree(self.repo.treebuilder(None)?.write()?)?,
        };
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, bytes) in &self.changed {
            update.upsert(path.as_str(), self.repo.blob(bytes)?, FileMode::Blob);
        }
        let tree = self.repo.find_tree(update.create_updated(self.repo, &base)?)?;
        let who = git2::Signature::now("rolecall", "rolecall@localhost")?;
        let parents = head.map(|head| self.repo.find_commit(head)).transpose()?;
        let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
        // Nothing here is to be built or tested by anybody.
        let message = format!("{message}\n\n[skip ci]\n");
        Ok(self.repo.commit(None, &who, &who, &message, &tree, &parents)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_no_paths() {
        assert_eq!(escaped("home-1_a"), "home-1_a");
        assert_eq!(escaped("../x"), "%2E%2E%2Fx");
        assert_eq!(escaped(".git"), "%2Egit");
        assert_eq!(escaped(""), "%");
        assert_eq!(escaped("%"), "%25");
        assert_eq!(escaped("Ärger\n\0"), "%C3%84rger%0A%00");
        let (long, other) = ("é".repeat(200), format!("{}e", "é".repeat(199)));
        assert_ne!(escaped(&long), escaped(&other));
        assert!(escaped(&long).len() < 130);
        // Different names stay different where case does not count.
        assert_ne!(escaped("A").to_lowercase(), escaped("a").to_lowercase());
    }
}
