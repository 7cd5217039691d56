use std::io::{BufRead, Read};

use crate::{Place, ReadError, RowFault};

/// Reads the lines of a text that are not blank. No more than one line is held.
pub struct Lines<R> {
    reader: R,
    max_bytes: usize,
    /// Number of the line that was read last, from 1.
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub const fn new(reader: R, max_bytes: usize) -> Self {
        Self { reader, max_bytes, number: 0 }
    }

    /// Returns the next line that is not blank, trimmed, with its number.
    pub fn next_filled(&mut self) -> Option<Result<(u64, String), ReadError>> {
        loop {
            match self.next_line()? {
                Ok(line) if line.is_empty() => {}
                Ok(line) => return Some(Ok((self.number, line))),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn next_line(&mut self) -> Option<Result<String, ReadError>> {
        self.number += 1;
        let mut line = Vec::new();
        // A line of the full length may have its two bytes of a line's end besides.
        let longest = self.max_bytes as u64 + 2;
        match self.reader.by_ref().take(longest).read_until(b'\n', &mut line) {
            Ok(0) => return None,
            Err(error) => return Some(Err(error.into())),
            Ok(_) => {}
        }
        // The rest of a line that is too long is no line of its own.
        if line.len() as u64 == longest
            && !line.ends_with(b"\n")
            && let Err(error) = self.reader.skip_until(b'\n')
        {
            return Some(Err(error.into()));
        }
        Some(self.text(line).map_err(|fault| fault.at(Place::Line(self.number))))
    }

    fn text(&self, line: Vec<u8>) -> Result<String, RowFault> {
        if line.trim_ascii().len() > self.max_bytes
            || (line.len() > self.max_bytes + 1 && !line.ends_with(b"\n"))
        {
            return Err(RowFault::TooLong(self.max_bytes));
        }
        let text = String::from_utf8(line).map_err(|_| RowFault::NotUtf8)?;
        let trimmed = text.trim();
        Ok(if trimmed.len() == text.len() { text } else { trimmed.to_owned() })
    }
}
