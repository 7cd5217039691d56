use std::{
    io::{self, BufRead, Read},
    str,
    sync::Arc,
};

use csv::{ByteRecord, ErrorKind};

use super::names::headed;
use crate::{Cell, Place, ReadError, Row, RowFault, row::Fields};

/// Rows of a table with a header: CSV, TSV and their like.
pub struct Table<R> {
    reader: csv::Reader<Bounded<R>>,
    names: Vec<Arc<str>>,
    record: ByteRecord,
    max_bytes: usize,
    number: u64,
    /// Line behind the record that was read last.
    next_line: u64,
}

/// Size of the buffer of csv's reader, by which a row may exceed its bound unnoticed.
const BUFFER_BYTES: usize = 64 * 1024;

impl<R: BufRead> Table<R> {
    /// Reads the header.
    pub fn new(reader: R, separator: u8, max_bytes: usize) -> Result<Self, ReadError> {
        let reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .buffer_capacity(BUFFER_BYTES)
            .has_headers(false)
            // The length of a record is checked here, because csv's errors have other lines than the file.
            .flexible(true)
            .from_reader(Bounded { reader, left: 0, chunk: Vec::new(), chunk_start: 0 });
        let mut table =
            Self { reader, names: Vec::new(), record: ByteRecord::new(), max_bytes, number: 0, next_line: 1 };
        if let Some(line) = table.read()? {
            table.names =
                names(&table.record).map_err(|fault| fault.unwrap_or(RowFault::NotUtf8.at(line)))?;
        }
        Ok(table)
    }

    /// Reads the next record. Returns its place, or `None` at the end.
    fn read(&mut self) -> Result<Option<Place>, ReadError> {
        self.reader.get_mut().left = self.max_bytes.saturating_add(BUFFER_BYTES);
        let place = Place::Line(self.next_line);
        match self.reader.read_byte_record(&mut self.record) {
            Err(error) => return Err(fault(&error, place, self.max_bytes)),
            Ok(false) => return Ok(None),
            Ok(true) => {}
        }
        let line = self.line();
        let place = Place::Line(line);
        self.next_line = line + self.line_feeds() + 1;
        if self.record.as_slice().len() > self.max_bytes {
            return Err(RowFault::TooLong(self.max_bytes).at(place));
        }
        Ok(Some(place))
    }

    /// Returns the line at which the current record begins. It is counted from the record's end, because csv's reader takes
    /// blank lines, and the second byte of a line's end, for a part of the following record.
    fn line(&self) -> u64 {
        let end = self.reader.position();
        let is_behind_line_feed = self.reader.get_ref().byte_before(end.byte()) == Some(b'\n');
        end.line().saturating_sub(u64::from(is_behind_line_feed) + self.line_feeds())
    }

    /// Returns the number of line feeds within the cells of the current record.
    fn line_feeds(&self) -> u64 {
        memchr::memchr_iter(b'\n', self.record.as_slice()).count() as u64
    }

    fn fields(&self) -> Result<Fields, RowFault> {
        let (have, header) = (self.record.len(), self.names.len());
        if have != header {
            return Err(RowFault::Ragged { have, header });
        }
        let cell = |bytes| match str::from_utf8(bytes) {
            Ok("") => Ok(Cell::Missing),
            Ok(text) => Ok(Cell::Text(text.to_owned())),
            Err(_) => Err(RowFault::NotUtf8),
        };
        self.names
            .iter()
            .zip(&self.record)
            .map(|(name, bytes)| Ok((Arc::clone(name), cell(bytes)?)))
            .collect()
    }
}

impl<R: BufRead> Iterator for Table<R> {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let place = match self.read() {
            Ok(place) => place?,
            Err(error) => return Some(Err(error)),
        };
        self.number += 1;
        let fields = self.fields().map_err(|fault| fault.at(place));
        Some(fields.map(|fields| Row { place, number: self.number, fields, json: None }))
    }
}

/// Returns the names of the columns. The error is `None` for a name that is not UTF-8.
fn names(header: &ByteRecord) -> Result<Vec<Arc<str>>, Option<ReadError>> {
    let names: Vec<_> = header.iter().map(str::from_utf8).collect::<Result<_, _>>().map_err(|_| None)?;
    headed(names).map_err(Some)
}

fn fault(error: &csv::Error, place: Place, max_bytes: usize) -> ReadError {
    match error.kind() {
        ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            RowFault::TooLong(max_bytes).at(place)
        }
        ErrorKind::Io(error) => ReadError::Io(io::Error::new(error.kind(), error.to_string())),
        _ => ReadError::Io(io::Error::other(error.to_string())),
    }
}

/// Reader that fails once a row is longer than it may be, because csv's reader has no bound of its own.
struct Bounded<R> {
    reader: R,
    /// Number of bytes that may still be read for the current row.
    left: usize,
    /// The bytes that were read last, and the place of the first of them.
    chunk: Vec<u8>,
    chunk_start: u64,
}

impl<R> Bounded<R> {
    fn byte_before(&self, place: u64) -> Option<u8> {
        let place = place.checked_sub(1 + self.chunk_start)?;
        self.chunk.get(usize::try_from(place).ok()?).copied()
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let most = buffer.len().min(self.left);
        let read = self.reader.read(&mut buffer[..most])?;
        self.left -= read;
        if read > 0 {
            self.chunk_start += self.chunk.len() as u64;
            self.chunk.clear();
            self.chunk.extend_from_slice(&buffer[..read]);
        }
        Ok(read)
    }
}
