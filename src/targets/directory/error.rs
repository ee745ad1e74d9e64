//! What SQLite says, in the words of a target.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::store::schema::SchemaError;
use crate::targets::TargetError;

/// An error of a statement that read, or whose transaction was not committed.
pub(super) fn sqlite(error: &Error) -> TargetError {
    let text = error.to_string();
    match error {
        Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::ConstraintViolation => TargetError::Refused(text),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => TargetError::Malformed(text),
            _ => TargetError::Unavailable(text),
        },
        Error::SqlInputError { .. }
        | Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => TargetError::Malformed(text),
        _ => TargetError::Unavailable(text),
    }
}

/// An error of the commit itself: SQLite does not promise that nothing was kept.
pub(super) fn commit(error: &Error) -> TargetError {
    TargetError::Unknown(format!("the transaction was not confirmed: {error}"))
}

/// An error while opening the file.
pub(super) fn open(path: &Path, error: &Error) -> TargetError {
    let at = path.display();
    match sqlite(error) {
        TargetError::Malformed(_) => {
            TargetError::Malformed(format!("{at} is no SQLite database, or a damaged one ({error})"))
        }
        _ => TargetError::Unavailable(format!("{at}: {error}")),
    }
}

/// A file that is not of our layout.
pub(super) fn schema(path: &Path, error: &SchemaError) -> TargetError {
    match error {
        SchemaError::Sqlite(error) => open(path, error),
        SchemaError::Foreign(_) => TargetError::Malformed(format!("{}: {error}", path.display())),
        SchemaError::Newer { .. } | SchemaError::Older { .. } => {
            TargetError::Refused(format!("{}: {error}", path.display()))
        }
    }
}

/// A file or folder that the system does not give.
pub(super) fn file(path: &Path, error: &std::io::Error) -> TargetError {
    TargetError::Unavailable(format!("{}: {error}", path.display()))
}

/// Content that no rolecall writes.
pub(super) fn malformed(thing: impl std::fmt::Display, what: impl std::fmt::Display) -> TargetError {
    TargetError::Malformed(format!("{thing}: {what}"))
}
