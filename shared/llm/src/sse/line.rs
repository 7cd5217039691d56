use bytes::{Buf, Bytes};

use super::SseError;

/// Splits a stream into lines at CR, LF or CRLF, and removes these characters.
#[derive(Debug, Default)]
pub(super) struct Lines {
    piece: Bytes,
    /// Start of a line whose end has not arrived.
    started: Vec<u8>,
    /// True if the last piece ended in a CR, so that an LF at the start of the next piece belongs to it.
    after_cr: bool,
    /// True if the first line was read. A byte order mark at its start is removed.
    past_start: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Lines {
    pub fn push(&mut self, piece: Bytes) {
        debug_assert!(self.piece.is_empty(), "the lines of the previous piece have not been taken");
        self.piece = piece;
    }

    /// Returns the next whole line, or `None` until more is pushed. Returns an error for a line above `max` bytes,
    /// even before its end has arrived.
    pub fn next(&mut self, max: usize) -> Result<Option<Bytes>, SseError> {
        if self.after_cr && !self.piece.is_empty() {
            self.after_cr = false;
            if self.piece[0] == b'\n' {
                self.piece.advance(1);
            }
        }
        let end = memchr::memchr2(b'\r', b'\n', &self.piece);
        if self.started.len() + end.unwrap_or(self.piece.len()) > max {
            return Err(SseError::TooLong);
        }
        let Some(end) = end else {
            self.started.extend_from_slice(&self.piece);
            self.piece.clear();
            return Ok(None);
        };
        let line = self.piece.split_to(end);
        self.after_cr = self.piece[0] == b'\r';
        self.piece.advance(1);
        let line = if self.started.is_empty() { line } else { self.join(&line) };
        Ok(Some(self.without_mark(line)))
    }

    /// Returns the line that has no end yet.
    pub fn rest(&mut self) -> Bytes {
        let line = self.join(&[]);
        self.without_mark(line)
    }

    pub const fn is_between_lines(&self) -> bool {
        self.started.is_empty()
    }

    fn join(&mut self, rest: &[u8]) -> Bytes {
        self.started.extend_from_slice(rest);
        std::mem::take(&mut self.started).into()
    }

    fn without_mark(&mut self, mut line: Bytes) -> Bytes {
        if !std::mem::replace(&mut self.past_start, true) && line.starts_with(BYTE_ORDER_MARK) {
            line.advance(BYTE_ORDER_MARK.len());
        }
        line
    }
}
