use std::{fmt, sync::Arc};

use crate::Cell;

/// Fields of a row, in the order of the file.
pub type Fields = Vec<(Arc<str>, Cell)>;

/// One row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub place: Place,
    /// Number of the row in its file, from 1.
    pub number: u64,
    pub fields: Fields,
    /// The row as it stands in a file of JSON.
    pub json: Option<String>,
}

/// Place of a row in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Line on which the row begins, from 1.
    Line(u64),
    /// Number of the row, from 1, in a file without lines.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(out, "line {line}"),
            Self::Row(row) => write!(out, "row {row}"),
        }
    }
}
