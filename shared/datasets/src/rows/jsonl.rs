use std::io::BufRead;

use super::lines::Lines;
use crate::{Cell, JsonFault, Place, ReadError, Row, RowFault, json, row::Fields};

/// Rows of a file with one JSON object on each line.
pub struct Jsonl<R> {
    lines: Lines<R>,
    number: u64,
}

impl<R: BufRead> Jsonl<R> {
    pub const fn new(reader: R, max_bytes: usize) -> Self {
        Self { lines: Lines::new(reader, max_bytes), number: 0 }
    }
}

impl<R: BufRead> Iterator for Jsonl<R> {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.lines.next_filled()?;
        self.number += 1;
        Some(line.and_then(|(line, text)| {
            let place = Place::Line(line);
            let fields = fields(&text).map_err(|fault| fault.at(place))?;
            Ok(Row { place, number: self.number, fields, json: Some(text) })
        }))
    }
}

/// Reads the fields of a row of JSON.
pub fn fields(text: &str) -> Result<Fields, RowFault> {
    match json::parse(text) {
        Ok(Cell::Object(fields)) => Ok(fields),
        Ok(other) => Err(RowFault::NotObject(other.words())),
        // The beginning of a document that is written over several lines.
        Err(JsonFault::Early(_)) if matches!(text.trim_end().as_bytes().last(), Some(b'{' | b',' | b'[')) => {
            Err(RowFault::SeveralLines)
        }
        Err(fault) => Err(fault.into()),
    }
}
