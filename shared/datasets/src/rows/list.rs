use std::io::BufRead;

use super::jsonl::fields;
use crate::{JsonFault, Place, ReadError, Row, RowFault};

/// Rows of a file that is a JSON list of objects.
pub struct JsonList<R> {
    bytes: Bytes<R>,
    max_bytes: usize,
    number: u64,
    has_ended: bool,
}

impl<R: BufRead> JsonList<R> {
    pub const fn new(reader: R, max_bytes: usize) -> Self {
        Self { bytes: Bytes { reader, line: 1 }, max_bytes, number: 0, has_ended: false }
    }

    /// Returns the next element's row, or `None` behind the list.
    fn element(&mut self) -> Result<Option<Row>, ReadError> {
        let Some(first) = self.begin()? else { return Ok(None) };
        let place = Place::Line(self.bytes.line);
        let text = self.text(first)?;
        let text = String::from_utf8(text).map_err(|_| RowFault::NotUtf8.at(place))?;
        let text = text.trim_end().to_owned();
        let fields = fields(&text).map_err(|fault| fault.at(place))?;
        self.number += 1;
        // Its lines become one, so that it can be a line of a dataset.
        let json = (!text.contains(['\n', '\r'])).then_some(text);
        Ok(Some(Row { place, number: self.number, fields, json }))
    }

    /// Returns the first byte of the next element.
    fn begin(&mut self) -> Result<Option<u8>, ReadError> {
        let sign = self.bytes.filled()?;
        let first = match (sign, self.number) {
            (Some(b'['), 0) => self.bytes.filled()?,
            (Some(b','), 1..) => match self.bytes.filled()? {
                Some(b']') => return Err(self.expected("a value")),
                first => first,
            },
            (Some(b']'), 1..) => Some(b']'),
            (None, _) => return Err(self.early()),
            _ => return Err(self.expected("`,` or `]`")),
        };
        match first {
            None => Err(self.early()),
            Some(b']') => match self.bytes.filled()? {
                None => Ok(None),
                Some(_) => Err(self.expected("the end")),
            },
            first => Ok(first),
        }
    }

    /// Returns the bytes of the element that begins with `first`, up to the comma or bracket behind it.
    fn text(&mut self, first: u8) -> Result<Vec<u8>, ReadError> {
        let place = Place::Line(self.bytes.line);
        let mut scan = Scan::default();
        let mut text = vec![first];
        scan.step(first);
        loop {
            let Some(next) = self.bytes.peek()? else { return Err(self.early()) };
            if scan.is_outside() && matches!(next, b',' | b']') {
                return Ok(text);
            }
            if text.len() >= self.max_bytes {
                return Err(RowFault::TooLong(self.max_bytes).at(place));
            }
            self.bytes.next()?;
            scan.step(next);
            text.push(next);
        }
    }

    fn early(&self) -> ReadError {
        RowFault::SeveralLines.at(Place::Line(self.bytes.line))
    }

    fn expected(&self, what: &'static str) -> ReadError {
        RowFault::Json(JsonFault::Missing(what)).at(Place::Line(self.bytes.line))
    }
}

impl<R: BufRead> Iterator for JsonList<R> {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let element = self.element().transpose();
        self.has_ended = !matches!(element, Some(Ok(_)));
        element
    }
}

/// Bytes of a text, with the number of the line of the byte that was read last.
struct Bytes<R> {
    reader: R,
    line: u64,
}

impl<R: BufRead> Bytes<R> {
    fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        Ok(self.reader.fill_buf()?.first().copied())
    }

    fn next(&mut self) -> Result<Option<u8>, ReadError> {
        let next = self.peek()?;
        if let Some(byte) = next {
            self.reader.consume(1);
            self.line += u64::from(byte == b'\n');
        }
        Ok(next)
    }

    /// Returns the next byte that is no white space.
    fn filled(&mut self) -> Result<Option<u8>, ReadError> {
        loop {
            match self.next()? {
                Some(byte) if byte.is_ascii_whitespace() => {}
                next => return Ok(next),
            }
        }
    }
}

/// State at a place within an element.
#[derive(Default)]
struct Scan {
    depth: u64,
    in_text: bool,
    is_escaped: bool,
}

impl Scan {
    const fn is_outside(&self) -> bool {
        self.depth == 0 && !self.in_text
    }

    const fn step(&mut self, byte: u8) {
        if self.in_text {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}
