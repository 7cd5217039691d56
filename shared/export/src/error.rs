use std::io;

/// Error of an export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file or a temporary one could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the items have more than {most} different fields, which are too many columns: write jsonl")]
    TooManyFields { most: usize },
    #[error("writing Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
}

impl From<serde_json::Error> for ExportError {
    fn from(error: serde_json::Error) -> Self {
        Self::Io(error.into())
    }
}

impl From<csv::Error> for ExportError {
    fn from(error: csv::Error) -> Self {
        Self::Io(error.into())
    }
}
