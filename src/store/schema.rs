//! The layout of an SQLite file of ours: who made it, how new it is, and the steps to the newest.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// How long a connection waits for another one that writes.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A layout and how to reach it.
#[derive(Debug)]
pub(crate) struct Schema {
    /// What such a file is, for people: `a rolecall store`.
    pub(crate) name: &'static str,
    /// `PRAGMA application_id` of such files.
    pub(crate) application: i32,
    /// The steps in order. `PRAGMA user_version` says how many of them a file has taken.
    pub(crate) steps: &'static [&'static str],
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    /// Another program made it.
    #[error("it is an SQLite database of another program, not {0}")]
    Foreign(&'static str),
    /// A newer rolecall made it.
    #[error(
        "a newer rolecall made it (layout {found}; this rolecall knows up to {known}): use that one, or a newer one"
    )]
    Newer {
        /// Its layout.
        found: usize,
        /// The newest layout known here.
        known: usize,
    },
    /// An older rolecall made it and it may not be changed now.
    #[error(
        "an older rolecall made it (layout {found}, this rolecall reads {known}): the next apply brings it up to date"
    )]
    Older {
        /// Its layout.
        found: usize,
        /// The newest layout known here.
        known: usize,
    },
    /// SQLite said no.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl Schema {
    /// How many steps the file has taken; 0 for one that is still empty. To be asked within a transaction:
    /// somebody else may be taking the first steps between two of these questions.
    fn taken(&self, conn: &Connection) -> Result<usize, SchemaError> {
        let application: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if application != self.application {
            let things: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            let fresh = application == 0 && version == 0 && things == 0;
            return if fresh { Ok(0) } else { Err(SchemaError::Foreign(self.name)) };
        }
        let (found, known) = (usize::try_from(version).unwrap_or(0), self.steps.len());
        if found > known { Err(SchemaError::Newer { found, known }) } else { Ok(found) }
    }

    /// Looks at a file without changing it: whether there is anything in it.
    pub(crate) fn check(&self, conn: &Connection) -> Result<bool, SchemaError> {
        match self.taken(&*conn.unchecked_transaction()?)? {
            0 => Ok(false),
            found if found < self.steps.len() => Err(SchemaError::Older { found, known: self.steps.len() }),
            _ => Ok(true),
        }
    }

    /// Takes the steps that are missing, in one transaction, so that two processes that start at the
    /// same time do not take them twice.
    pub(crate) fn migrate(&self, conn: &mut Connection) -> Result<(), SchemaError> {
        if self.taken(&*conn.transaction()?)? == self.steps.len() {
            return Ok(());
        }
        // Not possible within a transaction, and kept by the file once it is set.
        use_wal(conn)?;
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let taken = self.taken(&tx)?;
        for step in self.steps.get(taken..).unwrap_or_default() {
            tx.execute_batch(step)?;
        }
        tx.pragma_update(None, "application_id", self.application)?;
        tx.pragma_update(None, "user_version", i64::try_from(self.steps.len()).unwrap_or(i64::MAX))?;
        tx.commit()?;
        Ok(())
    }
}

/// Switches to a write-ahead log. SQLite does not wait for others here by itself, whatever its timeout.
fn use_wal(conn: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match conn.pragma_update(None, "journal_mode", "WAL") {
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && start.elapsed() < BUSY_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// Makes a folder that only its owner can enter, where it does not exist.
pub(crate) fn private_folder(folder: &Path) -> std::io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a database to read it, also in a folder where nothing can be written: SQLite then has no place
/// for the files that it keeps beside one in WAL mode, and does without them where none is in use.
pub(crate) fn connect_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    let looked = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    let no_place = looked
        .as_ref()
        .is_err_and(|e| matches!(e.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)));
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let in_use = std::fs::metadata(Path::new(&log)).is_ok_and(|m| m.len() > 0);
    let Some(text) = path.to_str().filter(|_| no_place && !in_use) else { return Ok(conn) };
    let escaped = text.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags | OpenFlags::SQLITE_OPEN_URI)
}
