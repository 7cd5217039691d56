/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It may work later: the server is away, the pool is exhausted, a transaction lost a race.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    #[error("there is no {what} `{id}`")]
    NotFound { what: &'static str, id: String },
    /// What is asked for contradicts what is there.
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
    /// A fault of ours or of the database; trying again does not help.
    #[error("database error: {0}")]
    Broken(String),
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::NotFound { .. }
            | Self::Conflict(_)
            | Self::BadLine { .. }
            | Self::NewerSchema { .. }
            | Self::Broken(_) => false,
        }
    }
}
