//! Changes of policy documents.

use rusqlite::Connection;
use serde_json::Value;

use super::super::lookup::{self, Result};
use super::expect::{changes, not_there, run, same, there};
use crate::model::{ObjectRef, PolicyKey};

/// From one document to another; `None` is no document.
pub(super) fn set(conn: &Connection, key: PolicyKey, before: Option<&Value>, after: Option<&Value>) -> Result<()> {
    let object = ObjectRef::policy(key.name());
    let found = lookup::policy(conn, key)?;
    match before {
        None => not_there(&object, found)?,
        Some(before) => same(&object, before, &there(&object, found)?)?,
    }
    changes(&object, &before, &after)?;
    let name = key.name().to_owned();
    match after {
        Some(value) => {
            let sql = "INSERT INTO policies (key, value) VALUES (?1, ?2) \
                       ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            run(conn, &object, sql, &[name.into(), value.to_string().into()])?;
        }
        None => {
            run(conn, &object, "DELETE FROM policies WHERE key = ?1", &[name.into()])?;
        }
    }
    Ok(())
}
