//! Where a sandbox's state lies: in the file of an embedded directory. What the directory can hold is
//! written there as changes; the rest in one table beside it, whose name begins with `sandbox_`.
//!
//! The server answers from memory. Here one thread takes what was done, as much as there is, and writes
//! it in one transaction: a process that is killed loses what it did in its last moments.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, params};

use crate::model::{Change, Directory, Moment};
use crate::store::{Holder, Lock, StoreError, lock_beside};
use crate::targets::directory::{DirectoryReader, DirectoryWriter};
use crate::targets::{Reader, Stamp, TargetError};

/// How many steps one transaction takes at most.
const TOGETHER: usize = 2000;

/// One thing as a sandbox keeps it: its kind, its identifier, and everything about it in the sandbox's
/// own words; `None` when it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `user`, `group` and so on.
    pub kind: &'static str,
    /// The identifier, unique within the kind.
    pub id: String,
    /// The rest.
    pub body: Option<String>,
}

/// What one request did.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// What it means for the directory.
    pub changes: Vec<Change>,
    /// What the sandbox itself wants to find again.
    pub rows: Vec<Row>,
    /// When it was done.
    pub at: Option<Moment>,
}

/// What was found in a file.
#[derive(Debug)]
pub struct Found {
    /// The rows: kind, identifier, body; by kind, then identifier.
    pub rows: Vec<(String, String, String)>,
    /// The directory.
    pub directory: Directory,
}

enum Message {
    Step(Step),
    Flush(Sender<Vec<String>>),
}

/// The way to the file.
#[derive(Debug)]
pub struct Keep {
    send: Option<Sender<Message>>,
    thread: Option<JoinHandle<()>>,
    // The last to go: whoever opens the file next finds all of it.
    _lock: Lock,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS sandbox_things (
  kind TEXT NOT NULL,
  id   TEXT NOT NULL,
  body TEXT NOT NULL CHECK (json_valid(body)),
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID";

impl Keep {
    /// Opens a file, makes it where it is missing, and says what is in it.
    ///
    /// Holds the lock that an apply to the same directory would take: what others write meanwhile would
    /// not be what is served.
    ///
    /// # Errors
    /// When it cannot be opened, is no directory, or somebody else writes it.
    pub fn open(path: &Path) -> Result<(Self, Found), TargetError> {
        let now = Moment::from_second(jiff::Timestamp::now().as_second());
        let mut beside = path.as_os_str().to_owned();
        beside.push(".lock");
        let holder = Holder {
            who: "a sandbox".to_owned(),
            pid: std::process::id(),
            command: "rolecall sandbox".to_owned(),
            since: now,
        };
        let lock = lock_beside(Path::new(&beside), &holder).map_err(|e| match e {
            StoreError::Locked(holder) => TargetError::Unavailable(format!("{holder} writes it")),
            other => TargetError::Unavailable(other.to_string()),
        })?;
        let writer = DirectoryWriter::open(path, now, 14)?;
        let rows = writer.beside(|conn| {
            conn.execute(TABLE, [])?;
            let mut statement = conn.prepare("SELECT kind, id, body FROM sandbox_things ORDER BY kind, id")?;
            let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            found.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let reader = DirectoryReader::new(path, now);
        let directory = futures_util::FutureExt::now_or_never(reader.read())
            .unwrap_or_else(|| Err(TargetError::Unavailable("the directory was not read".to_owned())))?
            .directory;
        let (send, receive) = channel();
        let thread = std::thread::spawn(move || write(&writer, &receive));
        Ok((Self { send: Some(send), thread: Some(thread), _lock: lock }, Found { rows, directory }))
    }

    /// Hands over what was done, to be written soon.
    pub fn put(&self, step: Step) {
        if let Some(send) = &self.send {
            // The other side is gone only when it panicked, which the next flush tells.
            let _ = send.send(Message::Step(step));
        }
    }

    /// Waits until all of it is written.
    ///
    /// # Errors
    /// What could not be written since the last time that somebody asked.
    pub fn flush(&self) -> Result<(), String> {
        let (answer, answered) = channel();
        let sent = self.send.as_ref().is_some_and(|send| send.send(Message::Flush(answer)).is_ok());
        let failures = answered.recv().ok().filter(|_| sent);
        match failures {
            None => Err("what writes the state has ended".to_owned()),
            Some(failures) if failures.is_empty() => Ok(()),
            Some(failures) => Err(failures.join("; ")),
        }
    }
}

impl Drop for Keep {
    fn drop(&mut self) {
        drop(self.send.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write(writer: &DirectoryWriter, receive: &Receiver<Message>) {
    let mut failures = Vec::new();
    while let Ok(first) = receive.recv() {
        let mut steps = Vec::new();
        let mut asked = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Step(step) => steps.push(step),
                Message::Flush(answer) => asked.push(answer),
            }
            next = if steps.len() < TOGETHER { receive.try_recv().ok() } else { None };
        }
        if !steps.is_empty() {
            failures.extend(together(writer, &steps));
        }
        for answer in asked {
            let _ = answer.send(std::mem::take(&mut failures));
        }
    }
}

/// Writes steps in one transaction; what could not be.
fn together(writer: &DirectoryWriter, steps: &[Step]) -> Vec<String> {
    let stamp = |step: &Step| Stamp {
        actor: "sandbox".to_owned(),
        apply: 0,
        digest: String::new(),
        at: step.at.unwrap_or_else(|| Moment::from_second(0)),
    };
    let changes: Vec<(&Change, Stamp)> = steps.iter().flat_map(|s| s.changes.iter().map(|c| (c, stamp(s)))).collect();
    let rows = |conn: &Connection| {
        let mut put = conn.prepare_cached(
            "INSERT INTO sandbox_things (kind, id, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
        )?;
        let mut drop = conn.prepare_cached("DELETE FROM sandbox_things WHERE kind = ?1 AND id = ?2")?;
        for row in steps.iter().flat_map(|s| &s.rows) {
            match &row.body {
                Some(body) => put.execute(params![row.kind, row.id, body])?,
                None => drop.execute(params![row.kind, row.id])?,
            };
        }
        Ok(())
    };
    match writer.write_together(&changes, rows) {
        Ok(refused) => refused.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    }
}
