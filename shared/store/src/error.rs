use std::fmt::Display;

/// Reason why a call of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The call may succeed later: the server is unreachable, the pool is exhausted, a transaction conflicted with
    /// another, or the server refuses the session, the role, the schema or the space, which an operator can correct.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    #[error("there is no {what} `{id}`")]
    NotFound { what: &'static str, id: String },
    /// The request contradicts the stored state.
    #[error("{0}")]
    Conflict(String),
    /// The dataset's line, counted from 1, cannot be stored.
    #[error("line {line}: {reason}")]
    BadLine { line: u64, reason: String },
    /// The database was migrated by a newer runmill.
    #[error(
        "the database schema is at version {found}, and this runmill knows only up to {known}: \
         use the newer runmill, or another database"
    )]
    NewerSchema { found: i64, known: i64 },
    /// The server, the role or the database is not set up as runmill needs it. The text says how to correct it.
    #[error("the database cannot be used: {0}")]
    Unsuitable(String),
    /// The schema refuses a value of the row itself, so the same row can never be stored.
    #[error("the database refuses the row: {0}")]
    RowRefused(String),
    /// A message is of a job that its run does not have, so the same message can never be recorded.
    #[error("the message is of {0}")]
    NoSuchJob(String),
    /// A defect of runmill or of the database. A retry does not help.
    #[error("database error: {0}")]
    Broken(String),
}

impl StoreError {
    pub(crate) fn not_found(what: &'static str, id: impl Display) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// Returns true if the same call may succeed later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::NotFound { .. }
            | Self::Conflict(_)
            | Self::BadLine { .. }
            | Self::NewerSchema { .. }
            | Self::Unsuitable(_)
            | Self::RowRefused(_)
            | Self::NoSuchJob(_)
            | Self::Broken(_) => false,
        }
    }

    /// Returns true if the fault is the row's or the message's, so that another one may be stored, and this one never.
    pub const fn is_of_the_row(&self) -> bool {
        matches!(self, Self::RowRefused(_) | Self::NoSuchJob(_))
    }
}
