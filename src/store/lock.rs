//! One apply at a time for each target.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::schema::private_folder;
use super::{Result, StoreError};
use crate::model::Moment;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user and the machine: `ada@build-7`.
    pub who: String,
    /// The process on that machine.
    pub pid: u32,
    /// The command: `rolecall apply`.
    pub command: String,
    /// Since when.
    pub since: Moment,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (`{}`, process {}) since {}", self.who, self.command, self.pid, self.since)
    }
}

/// A lock that is held until this is dropped.
pub struct Lock {
    fence: i64,
    former: Option<Holder>,
    // Only kept: letting go of it lets go of the lock.
    _held: Box<dyn Send + Sync>,
}

impl Lock {
    /// A lock of a store: `held` releases it when it is dropped.
    #[must_use]
    pub fn new(fence: i64, held: Box<dyn Send + Sync>) -> Self {
        Self { fence, former: None, _held: held }
    }

    /// The same lock, taken after `former` had let its lease end without letting go.
    #[must_use]
    pub fn after(self, former: Option<Holder>) -> Self {
        Self { former, ..self }
    }

    /// Who held it before and let their lease end without letting go: a run that was cut off, or that stood
    /// still for too long.
    #[must_use]
    pub fn former(&self) -> Option<&Holder> {
        self.former.as_ref()
    }

    /// A number that is greater than that of every lock taken on the target before.
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.fence
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("fence", &self.fence).finish_non_exhaustive()
    }
}

/// A file that the operating system locks for this process: it lets go when the process ends, however
/// it ends, so nothing stale stays behind. The file itself stays, since removing it would let two
/// processes lock two different files of one name.
#[derive(Debug)]
pub(super) struct Held {
    file: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // The holder's name goes before the lock does. If it cannot, the lock is gone all the same and
        // the next holder writes over it.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// Takes the lock that lies beside a target's own file, for those who reach the same file from another
/// declaration, whose store is another one.
///
/// # Errors
/// [`StoreError::Locked`] with the holder when somebody else has it.
pub fn lock_beside(path: &Path, holder: &Holder) -> Result<Lock> {
    Ok(Lock::new(0, Box::new(take_file(path, holder)?)))
}

/// Whether a target's name can stand in the name of a file.
pub(super) fn check_name(target: &str) -> Result<()> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if target.is_empty() || target.len() > 200 || !target.bytes().all(fits) {
        return Err(StoreError::TargetName(target.to_owned()));
    }
    Ok(())
}

/// Takes the lock of a target in the folder of locks.
pub(super) fn take(folder: &Path, target: &str, holder: &Holder) -> Result<Held> {
    check_name(target)?;
    take_file(&folder.join(format!("{target}.lock")), holder)
}

/// Takes a lock that lies at `path`; its folder is made where it is missing.
pub(super) fn take_file(path: &Path, holder: &Holder) -> Result<Held> {
    let folder = path.parent().unwrap_or(Path::new("."));
    private_folder(folder).map_err(StoreError::file(folder))?;
    let path = path.to_owned();
    let mut options = OpenOptions::new();
    // Not truncated here: it names the holder for as long as somebody else has it.
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(&path).map_err(StoreError::file(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StoreError::Locked(read_holder(&mut file))),
        Err(TryLockError::Error(why)) => return Err(StoreError::File { path, why }),
    }
    let text = serde_json::to_string(holder).map_err(StoreError::record("the holder of a lock"))?;
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text.as_bytes())
    };
    write(&mut file).map_err(StoreError::file(&path))?;
    Ok(Held { file })
}

/// Who holds the lock, as far as the file says: between locking and writing it says nothing.
fn read_holder(file: &mut File) -> Holder {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let said = read.ok().and_then(|_| serde_json::from_str(&text).ok());
    said.unwrap_or_else(|| Holder {
        who: "a process that has not said its name".to_owned(),
        pid: 0,
        command: "unknown".to_owned(),
        since: Moment::from_second(0),
    })
}
