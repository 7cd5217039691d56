//! Maps failures of PostgreSQL to [`StoreError`].

use std::{error::Error as _, io};

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::Error;

use crate::StoreError;

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
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
            return if passes(db.code().code()) { Self::Unavailable(text) } else { Self::Broken(text) };
        }
        if error.is_closed() || is_io(&error) {
            return Self::Unavailable(with_source(&error));
        }
        Self::Broken(with_source(&error))
    }
}

/// Returns true for an SQLSTATE whose cause may be gone at a retry.
fn passes(code: &str) -> bool {
    match code {
        // These are a statement time-out, a lock that is not available, a read-only server and an I/O error.
        "57014" | "55P03" | "25006" | "58030" => true,
        // This class is a server that shuts down, crashed or starts up.
        code if code.starts_with("57P") => true,
        // These classes are a connection error, a conflict of transactions and a lack of resources.
        code => ["08", "40", "53"].contains(&&code[..2]),
    }
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
    fn only_what_may_be_over_the_next_time_is_unavailable() {
        for code in ["40001", "40P01", "53300", "57P01", "57P03", "08006", "25006"] {
            assert!(passes(code), "{code}");
        }
        for code in ["23505", "42P01", "22021", "28P01", "XX000"] {
            assert!(!passes(code), "{code}");
        }
    }
}
