//! Maps failures of `SQLite` to [`StoreError`].

use rusqlite::{Error, ErrorCode};

use crate::StoreError;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure,
            ) => Self::Unavailable(error.to_string()),
            Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => {
                Self::RowRefused(error.to_string())
            }
            _ => Self::Broken(error.to_string()),
        }
    }
}

/// Text of `SQLite` for a disk, or a quota, without space.
const FULL: &str = "database or disk is full";

/// Returns true if the disk is full.
pub fn is_full(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(text) if text.contains(FULL))
}

/// Returns true if the unique or primary key of `column` (as `table.column`) was violated.
pub fn is_taken(error: &Error, column: &str) -> bool {
    match error {
        Error::SqliteFailure(failure, Some(message)) => {
            failure.code == ErrorCode::ConstraintViolation && message.ends_with(column)
        }
        _ => false,
    }
}

/// Returns true if a foreign key was violated.
pub fn is_dangling(error: &Error) -> bool {
    const FOREIGN_KEY: i32 = rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY;
    matches!(error, Error::SqliteFailure(failure, _) if failure.extended_code == FOREIGN_KEY)
}
