//! Maps failures of PostgreSQL to [`StoreError`].

use std::{error::Error as _, io};

use deadpool_postgres::{HookError, PoolError, TimeoutType};
use tokio_postgres::Error;

use crate::StoreError;

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => error.into(),
            PoolError::Timeout(TimeoutType::Wait) => {
                Self::Unavailable("every connection of the pool is in use".to_owned())
            }
            PoolError::Timeout(_) => Self::Unavailable("PostgreSQL did not answer in time".to_owned()),
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Self::Broken(error.to_string())
            }
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        if let Some(db) = error.as_db_error() {
            // The detail is left out because it may quote a row.
            let text = format!("{} ({})", db.message(), db.code().code());
            return if is_of_the_row(db.code().code()) {
                Self::RowRefused(text)
            } else {
                Self::Unavailable(text)
            };
        }
        if error.is_closed() || is_io(&error) {
            return Self::Unavailable(with_source(&error));
        }
        Self::Broken(with_source(&error))
    }
}

/// Returns true for an SQLSTATE that blames a value of the row: these are the classes of data exceptions and of violated
/// constraints. All others speak about the session, the role, the schema, the space or the server, which may be
/// different at the next attempt.
fn is_of_the_row(code: &str) -> bool {
    // The encoding of the database lacks the character. The row is right, and the database is set up wrongly.
    const UNTRANSLATABLE_CHARACTER: &str = "22P05";
    code != UNTRANSLATABLE_CHARACTER && (code.starts_with("22") || code.starts_with("23"))
}

/// Returns the constraint that a statement violated.
pub fn violated(error: &Error) -> Option<&str> {
    error.as_db_error()?.constraint()
}

fn is_io(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.is::<io::Error>() {
            return true;
        }
        source = inner.source();
    }
    false
}

fn with_source(error: &Error) -> String {
    match error.source() {
        // Some versions of the driver include the source in their message.
        Some(source) if !error.to_string().contains(&source.to_string()) => format!("{error}: {source}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_and_constraints_are_of_the_row() {
        for code in ["22001", "22021", "22P02", "23502", "23505", "23514"] {
            assert!(is_of_the_row(code), "{code}");
        }
        for code in [
            "08006", "22P05", "25006", "26000", "28P01", "40P01", "42P01", "42501", "53100", "57P01", "XX000",
        ] {
            assert!(!is_of_the_row(code), "{code}");
        }
    }
}
