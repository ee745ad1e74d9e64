//! The store in an SQLite file, `.rolecall/store.db`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ledger::{self, Chain, Ended, FIRST, Intent, Intents, KeptRow, Outcomes, Told, event, hash};
use super::schema::{BUSY_TIMEOUT, Schema, connect_to_read, private_folder};
use super::{
    ApplyEntry, ApplyInfo, Entry, Holder, Lock, NewApply, Outcome, Result, Status, Store, StoreError, Topic,
    Unfinished, Verification, lock,
};
use crate::model::{Change, Identities, Kind, Moment, Ownership};

/// The layout. The number is `rcST` in ASCII.
const SCHEMA: Schema = Schema {
    name: "a rolecall store",
    application: 0x7263_5354,
    steps: &[
        include_str!("schema/0001-store.sql"),
        include_str!("schema/0002-identity.sql"),
        include_str!("schema/0003-memory.sql"),
    ],
};

/// The folder of rolecall's own files.
const FOLDER: &str = ".rolecall";

/// A store in an SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    conn: Mutex<Connection>,
    locks: PathBuf,
}

/// How much a commit must outlast.
#[derive(Debug, Clone, Copy)]
enum Keep {
    /// A loss of power.
    Always,
    /// The end of this process.
    Process,
}

impl SqliteStore {
    /// Opens the store in `dir/.rolecall`, and makes it where it is missing: a folder that only its
    /// owner can enter and that Git ignores.
    ///
    /// # Errors
    /// When it cannot be made or opened, is not a store, or was made by a newer rolecall.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        let folder = dir.as_ref().join(FOLDER);
        private_folder(&folder).map_err(StoreError::file(&folder))?;
        let ignore = folder.join(".gitignore");
        if !ignore.exists() {
            std::fs::write(&ignore, "*\n").map_err(StoreError::file(&ignore))?;
        }
        let path = folder.join("store.db");
        let mut conn = connect(&path, OpenFlags::SQLITE_OPEN_CREATE)?;
        SCHEMA.migrate(&mut conn).map_err(StoreError::layout(&path))?;
        Ok(Self { conn: Mutex::new(conn), locks: folder.join("locks") })
    }

    /// Opens the store in `dir/.rolecall` to read it, if there is one, and makes nothing.
    ///
    /// # Errors
    /// When it cannot be opened, is not a store, or its layout is newer or older than this rolecall's.
    pub fn open_existing(dir: impl AsRef<Path>) -> Result<Option<Self>> {
        let folder = dir.as_ref().join(FOLDER);
        let path = folder.join("store.db");
        if !path.try_exists().map_err(StoreError::file(&path))? {
            return Ok(None);
        }
        let conn = connect_to_read(&path).map_err(|e| StoreError::Layout { path: path.clone(), why: e.to_string() })?;
        conn.busy_timeout(BUSY_TIMEOUT)?;
        let written = SCHEMA.check(&conn).map_err(StoreError::layout(&path))?;
        Ok(written.then(|| Self { conn: Mutex::new(conn), locks: folder.join("locks") }))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic cut off was rolled back when it was dropped.
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `f` in one transaction that nobody else writes beside.
    fn write<T>(&self, keep: Keep, f: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut conn = self.connection();
        let level = match keep {
            Keep::Always => "PRAGMA synchronous = FULL",
            Keep::Process => "PRAGMA synchronous = NORMAL",
        };
        conn.execute_batch(level)?;
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = f(&tx)?;
        tx.commit()?;
        Ok(done)
    }

    /// Reads in one transaction, so that a row that is added meanwhile is seen everywhere or nowhere.
    fn read<T>(&self, f: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut conn = self.connection();
        let tx = conn.transaction()?;
        f(&tx)
    }
}

fn connect(path: &Path, more: OpenFlags) -> Result<Connection> {
    let not_ours = |e: rusqlite::Error| StoreError::Layout { path: path.to_owned(), why: e.to_string() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let conn = Connection::open_with_flags(path, flags).map_err(not_ours)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(32);
    Ok(conn)
}

/// Adds rows of one apply to the end of the ledger.
struct Appender<'t> {
    tx: &'t Transaction<'t>,
    seq: i64,
    head: String,
}

impl<'t> Appender<'t> {
    fn new(tx: &'t Transaction<'t>) -> Result<Self> {
        let last = tx
            .prepare_cached("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (seq, head) = last.unwrap_or_else(|| (0, FIRST.to_owned()));
        Ok(Self { tx, seq, head })
    }

    fn add(&mut self, apply: i64, event: &str, body: &impl Serialize, at: Moment) -> Result<()> {
        let body = serde_json::to_string(body).map_err(StoreError::record("a row of the ledger"))?;
        let (seq, at) = (self.seq + 1, at.to_string());
        let hash =
            hash(&self.head, (seq, apply, event, &at, &body)).map_err(StoreError::record("a row of the ledger"))?;
        let sql =
            "INSERT INTO ledger (seq, apply, event, body, at, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.tx.prepare_cached(sql)?.execute(params![seq, apply, event, body, at, self.head, hash])?;
        (self.seq, self.head) = (seq, hash);
        Ok(())
    }
}

/// A row of the ledger: its number, its body and its time.
struct Row {
    seq: i64,
    body: String,
    at: String,
}

impl Row {
    fn body<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.body).map_err(StoreError::record(format!("row {} of the ledger", self.seq)))
    }

    fn at(&self) -> Result<Moment> {
        Moment::parse(&self.at).map_err(StoreError::record(format!("the time of row {} of the ledger", self.seq)))
    }
}

/// The rows of one apply and event, in order.
fn rows(tx: &Transaction<'_>, apply: i64, event: &str) -> Result<Vec<Row>> {
    let sql = "SELECT seq, body, at FROM ledger WHERE apply = ?1 AND event = ?2 ORDER BY seq";
    let mut statement = tx.prepare_cached(sql)?;
    let rows = statement
        .query_map(params![apply, event], |row| Ok(Row { seq: row.get(0)?, body: row.get(1)?, at: row.get(2)? }))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

fn status(tx: &Transaction<'_>, apply: i64) -> Result<Option<(Status, Moment)>> {
    let ends = rows(tx, apply, event::FINISH)?;
    ends.last().map(|row| Ok((row.body::<Ended>()?.status, row.at()?))).transpose()
}

fn has_begun(tx: &Transaction<'_>, apply: i64) -> Result<()> {
    let sql = "SELECT 1 FROM ledger WHERE apply = ?1 AND event = 'begin'";
    if tx.prepare_cached(sql)?.exists([apply])? { Ok(()) } else { Err(StoreError::NoApply(apply)) }
}

/// The applies to a target, or to all, in the order of their numbers.
fn begun(tx: &Transaction<'_>, target: Option<&str>, newest_first: bool, limit: usize) -> Result<Vec<ApplyInfo>> {
    let order = if newest_first { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT apply, body FROM ledger WHERE event = 'begin' AND (?1 IS NULL OR json_extract(body, '$.target') = ?1) \
         ORDER BY apply {order} LIMIT ?2"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params![target, i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, body): (i64, String) = (row.get(0)?, row.get(1)?);
        let begun = serde_json::from_str(&body).map_err(StoreError::record(format!("the beginning of apply {id}")))?;
        found.push(ApplyInfo { id, begun });
    }
    Ok(found)
}

/// The last outcome of each step, with its time.
fn outcomes(tx: &Transaction<'_>, apply: i64) -> Result<Outcomes> {
    rows(tx, apply, event::OUTCOME)?
        .iter()
        .map(|row| {
            let told: Told = row.body()?;
            Ok((told.step, (told.outcome, row.at()?)))
        })
        .collect()
}

/// The changes that an apply was about to send, by step, with the time. One that was recorded twice
/// counts as it was recorded last.
fn intents(tx: &Transaction<'_>, apply: i64) -> Result<Intents> {
    rows(tx, apply, event::INTEND)?
        .iter()
        .map(|row| {
            let intent: Intent<'static> = row.body()?;
            Ok((intent.step, (intent.change.into_owned(), row.at()?)))
        })
        .collect()
}

impl Store for SqliteStore {
    fn begin(&self, apply: &NewApply) -> Result<i64> {
        self.write(Keep::Always, |tx| {
            let id = tx.query_row("SELECT coalesce(max(apply), 0) + 1 FROM ledger", [], |row| row.get(0))?;
            Appender::new(tx)?.add(id, event::BEGIN, apply, apply.at)?;
            Ok(id)
        })
    }

    fn intend(&self, apply: i64, changes: &[(u32, &Change)], at: Moment) -> Result<()> {
        self.write(Keep::Always, |tx| {
            has_begun(tx, apply)?;
            if status(tx, apply)?.is_some() {
                return Err(StoreError::Ended(apply));
            }
            let mut rows = Appender::new(tx)?;
            for (step, change) in changes {
                rows.add(
                    apply,
                    event::INTEND,
                    &Intent { step: *step, change: std::borrow::Cow::Borrowed(change) },
                    at,
                )?;
            }
            Ok(())
        })
    }

    fn outcome(&self, apply: i64, step: u32, outcome: &Outcome, at: Moment) -> Result<()> {
        self.write(Keep::Process, |tx| {
            Appender::new(tx)?.add(apply, event::OUTCOME, &Told { step, outcome: outcome.clone() }, at)
        })
    }

    fn finish(&self, apply: i64, status: Status, at: Moment) -> Result<()> {
        self.write(Keep::Always, |tx| {
            has_begun(tx, apply)?;
            Appender::new(tx)?.add(apply, event::FINISH, &Ended { status }, at)
        })
    }

    fn unfinished(&self, target: &str) -> Result<Vec<Unfinished>> {
        self.read(|tx| {
            let mut found = Vec::new();
            for info in begun(tx, Some(target), false, usize::MAX)? {
                if status(tx, info.id)?.is_some() {
                    continue;
                }
                let told = outcomes(tx, info.id)?;
                found.push(Unfinished { pending: ledger::pending(intents(tx, info.id)?, &told), info });
            }
            Ok(found)
        })
    }

    fn applies(&self, target: Option<&str>, limit: usize) -> Result<Vec<ApplyEntry>> {
        self.read(|tx| {
            let one = |info: ApplyInfo| Ok(ledger::entry(info.clone(), status(tx, info.id)?, &outcomes(tx, info.id)?));
            begun(tx, target, true, limit)?.into_iter().map(one).collect()
        })
    }

    fn entries(&self, apply: i64) -> Result<Vec<Entry>> {
        self.read(|tx| {
            has_begun(tx, apply)?;
            Ok(ledger::entries(intents(tx, apply)?, outcomes(tx, apply)?))
        })
    }

    fn verify(&self) -> Result<Verification> {
        self.read(|tx| {
            let sql = "SELECT seq, apply, event, at, body, previous, hash FROM ledger ORDER BY seq";
            let mut statement = tx.prepare(sql)?;
            let mut rows = statement.query([])?;
            let mut chain = Chain::new();
            while let Some(row) = rows.next()? {
                let (seq, apply): (i64, i64) = (row.get(0)?, row.get(1)?);
                let (event, at, body): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
                let (previous, hash): (String, String) = (row.get(5)?, row.get(6)?);
                let kept =
                    KeptRow { seq, apply, event: &event, at: &at, body: &body, previous: &previous, hash: &hash };
                if !chain.follows(&kept).map_err(StoreError::record(format!("row {seq} of the ledger")))? {
                    break;
                }
            }
            Ok(chain.found)
        })
    }

    fn ownership(&self, target: &str) -> Result<Option<Ownership>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT body FROM ownership WHERE target = ?1")?;
            let body: Option<String> = statement.query_row([target], |row| row.get(0)).optional()?;
            let what = || format!("what was managed in {target}");
            body.map(|b| serde_json::from_str(&b).map_err(StoreError::record(what()))).transpose()
        })
    }

    fn remember_ownership(&self, target: &str, ownership: &Ownership) -> Result<()> {
        let body = serde_json::to_string(ownership).map_err(StoreError::record("what is managed"))?;
        let sql = "INSERT INTO ownership (target, body) VALUES (?1, ?2) \
                   ON CONFLICT (target) DO UPDATE SET body = excluded.body";
        self.write(Keep::Always, |tx| Ok(tx.prepare_cached(sql)?.execute([target, &body]).map(|_| ())?))
    }

    fn last_read(&self, target: &str) -> Result<Option<BTreeMap<Kind, usize>>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT counts FROM reads WHERE target = ?1")?;
            let counts: Option<String> = statement.query_row([target], |row| row.get(0)).optional()?;
            let what = || format!("the last reading of {target}");
            counts.map(|c| serde_json::from_str(&c).map_err(StoreError::record(what()))).transpose()
        })
    }

    fn remember_read(&self, target: &str, counts: &BTreeMap<Kind, usize>, at: Moment) -> Result<()> {
        let counts = serde_json::to_string(counts).map_err(StoreError::record("a reading"))?;
        let sql = "INSERT INTO reads (target, counts, at) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (target) DO UPDATE SET counts = excluded.counts, at = excluded.at";
        let at = at.to_string();
        self.write(Keep::Always, |tx| Ok(tx.prepare_cached(sql)?.execute([target, &counts, &at]).map(|_| ())?))
    }

    fn identities(&self, target: &str) -> Result<Identities> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT body FROM identities WHERE target = ?1")?;
            let body: Option<String> = statement.query_row([target], |row| row.get(0)).optional()?;
            let what = || format!("the ids of {target}");
            let known = body.map(|b| serde_json::from_str(&b).map_err(StoreError::record(what()))).transpose()?;
            Ok(known.unwrap_or_default())
        })
    }

    fn remember_identities(&self, target: &str, identities: &Identities) -> Result<()> {
        let body = serde_json::to_string(identities).map_err(StoreError::record("ids"))?;
        let sql = "INSERT INTO identities (target, body) VALUES (?1, ?2) \
                   ON CONFLICT (target) DO UPDATE SET body = excluded.body";
        self.write(Keep::Always, |tx| Ok(tx.prepare_cached(sql)?.execute([target, &body]).map(|_| ())?))
    }

    fn recall(&self, topic: Topic, subject: &str) -> Result<BTreeMap<String, String>> {
        self.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT key, body FROM memory WHERE topic = ?1 AND subject = ?2")?;
            let rows = statement.query_map([topic.name(), subject], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn remember(&self, topic: Topic, subject: &str, entries: &BTreeMap<String, Option<String>>) -> Result<()> {
        let keep = "INSERT INTO memory (topic, subject, key, body) VALUES (?1, ?2, ?3, ?4) \
                    ON CONFLICT (topic, subject, key) DO UPDATE SET body = excluded.body";
        let forget = "DELETE FROM memory WHERE topic = ?1 AND subject = ?2 AND key = ?3";
        self.write(Keep::Always, |tx| {
            for (key, body) in entries {
                match body {
                    Some(body) => tx.prepare_cached(keep)?.execute([topic.name(), subject, key, body])?,
                    None => tx.prepare_cached(forget)?.execute([topic.name(), subject, key])?,
                };
            }
            Ok(())
        })
    }

    fn try_lock(&self, target: &str, holder: &Holder) -> Result<Lock> {
        let held = lock::take(&self.locks, target, holder)?;
        let sql = "INSERT INTO fences (target, number) VALUES (?1, 1) \
                   ON CONFLICT (target) DO UPDATE SET number = number + 1 RETURNING number";
        let fence =
            self.write(Keep::Always, |tx| Ok(tx.prepare_cached(sql)?.query_row([target], |row| row.get(0))?))?;
        Ok(Lock::new(fence, Box::new(held)))
    }
}
