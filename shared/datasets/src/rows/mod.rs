//! The rows of a file, one at a time.

mod arrow;
mod bounds;
mod jsonl;
mod lines;
mod list;
mod names;
mod parquet;
mod table;
#[cfg(test)]
mod tests;
mod value;
mod workbook;

use std::path::Path;

use crate::{Format, ReadError, Row, Source};

pub use self::bounds::Bounds;
use self::{arrow::Arrow, jsonl::Jsonl, list::JsonList, parquet::Parquet, table::Table, workbook::Workbook};

/// Reads the rows of a file of any format. Memory holds one row; of Parquet the pages of its row group
/// that are read, of Arrow a record batch, and of a workbook the sheet.
pub struct Rows {
    format: Format,
    rows: Box<dyn Iterator<Item = Result<Row, ReadError>>>,
}

impl Rows {
    /// Opens a file, or standard input if the path is `-`.
    pub fn open(path: &Path, bounds: Bounds) -> Result<Self, ReadError> {
        Self::of(Source::open(path)?, bounds)
    }

    /// Reads the rows of recognised bytes.
    pub fn of(source: Source, bounds: Bounds) -> Result<Self, ReadError> {
        let format = source.format;
        let row_max_bytes = bounds.row_max_bytes;
        let rows: Box<dyn Iterator<Item = _>> = match format {
            Format::Jsonl => Box::new(Jsonl::new(source.bytes, row_max_bytes)),
            Format::JsonList => Box::new(JsonList::new(source.bytes, row_max_bytes)),
            Format::Table(separator) => Box::new(Table::new(source.bytes, separator, row_max_bytes)?),
            Format::Parquet => Box::new(Parquet::new(source, row_max_bytes)?),
            Format::Workbook => Box::new(Workbook::new(source, bounds)?),
            Format::ArrowFile => Box::new(Arrow::new(source.bytes, true, bounds)?),
            Format::ArrowStream => Box::new(Arrow::new(source.bytes, false, bounds)?),
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
