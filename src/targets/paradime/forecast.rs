//! How many requests an apply will need.

use super::remarks::asks_audit_log;
use super::session::Session;
use crate::model::Change;

/// The requests of an apply of these changes, wave by wave: its reading, the audit log where it is asked, a
/// list before each batch, and for each change one that writes and the list in which it is looked at.
pub fn requests(session: &Session, waves: &[Vec<&Change>], batch: usize) -> u64 {
    let all: Vec<&Change> = waves.iter().flatten().copied().collect();
    let mut total = session.index().read_with + u64::from(asks_audit_log(session, &all));
    for wave in waves {
        total += (2 * wave.len() + wave.len().div_ceil(batch)) as u64;
    }
    total
}
