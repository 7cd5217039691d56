//! The rows of a file, one at a time.

mod jsonl;
mod lines;
mod list;
mod parquet;
mod table;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::{Format, ReadError, Row, Source};

use self::{jsonl::Jsonl, list::JsonList, parquet::Parquet, table::Table};

/// Reads the rows of a file of any format. Memory holds one row, and of Parquet the pages of its row group that are read.
pub struct Rows {
    format: Format,
    rows: Box<dyn Iterator<Item = Result<Row, ReadError>>>,
}

impl Rows {
    /// Opens a file, or standard input if the path is `-`.
    ///
    /// * `row_max_bytes`: longest row, in bytes of the file.
    pub fn open(path: &Path, row_max_bytes: usize) -> Result<Self, ReadError> {
        Self::of(Source::open(path)?, row_max_bytes)
    }

    /// Reads the rows of recognised bytes.
    pub fn of(source: Source, row_max_bytes: usize) -> Result<Self, ReadError> {
        let format = source.format;
        let rows: Box<dyn Iterator<Item = _>> = match format {
            Format::Jsonl => Box::new(Jsonl::new(source.bytes, row_max_bytes)),
            Format::JsonList => Box::new(JsonList::new(source.bytes, row_max_bytes)),
            Format::Table(separator) => Box::new(Table::new(source.bytes, separator, row_max_bytes)?),
            Format::Parquet => Box::new(Parquet::new(source)?),
        };
        Ok(Self { format, rows })
    }

    pub const fn format(&self) -> Format {
        self.format
    }
}

impl Iterator for Rows {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next()
    }
}
