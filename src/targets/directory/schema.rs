//! The layout of the directory's file, and how it is opened.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::error;
use crate::store::schema::{BUSY_TIMEOUT, Schema, connect_to_read, private_folder};
use crate::targets::TargetError;

/// The layout. The number is `rcDR` in ASCII.
pub(super) const SCHEMA: Schema = Schema {
    name: "a rolecall directory",
    application: 0x7263_4452,
    steps: &[include_str!("schema/0001-directory.sql")],
};

/// Opens for reading. `None` where there is no file, or one in which nothing was ever written.
pub(super) fn open_to_read(path: &Path) -> Result<Option<Connection>, TargetError> {
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        Err(why) => return Err(error::file(path, &why)),
    }
    let conn = connect_to_read(path).map_err(|e| error::open(path, &e))?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(|e| error::open(path, &e))?;
    let written = SCHEMA.check(&conn).map_err(|e| error::schema(path, &e))?;
    Ok(written.then_some(conn))
}

/// Opens for writing, and makes the folder, the file and the tables where they do not exist.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, TargetError> {
    if let Some(folder) = path.parent() {
        private_folder(folder).map_err(|e| error::file(folder, &e))?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(|e| error::open(path, &e))?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(|e| error::open(path, &e))?;
    SCHEMA.migrate(&mut conn).map_err(|e| error::schema(path, &e))?;
    let settings = "PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;";
    conn.execute_batch(settings).map_err(|e| error::open(path, &e))?;
    // One statement or two for each kind of change, with their look-ups.
    conn.set_prepared_statement_cache_capacity(128);
    Ok(conn)
}
