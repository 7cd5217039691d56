//! An incremental decoder of server-sent events, the same for every protocol.
//!
//! Bytes go in as they arrive, cut anywhere; events come out as borrowed text. What lies whole in one piece
//! is never copied: only a line that a cut has split is joined, and the lines of a `data` of several lines.
//!
//! Follows the HTML standard, section 9.2.6, with what a client that never reconnects has no use for left
//! out (`id`, `retry`), with invalid UTF-8 an error instead of replaced (what we decode is JSON), and with a
//! bound on one event.

mod line;

use bytes::{Buf, Bytes};

use line::Lines;

/// The most that one event may hold. A larger one is no event of a model.
pub const EVENT_MAX_BYTES: usize = 8 * 1024 * 1024;

/// Why a stream cannot be decoded any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    #[error("an event is longer than {EVENT_MAX_BYTES} bytes")]
    TooLong,
    #[error("an event is not UTF-8")]
    NotUtf8,
}

/// One event. `name` is empty where the stream names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    pub name: &'a str,
    pub data: &'a str,
}

/// Call [`SseDecoder::push`] with each piece, then [`SseDecoder::next`] until it has no more.
#[derive(Debug, Default)]
pub struct SseDecoder {
    lines: Lines,
    name: Bytes,
    data: Data,
    /// The event that was handed out last, so that it can be borrowed.
    current: (Bytes, Bytes),
}

/// The `data` of the event that is being read.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    /// One line, where it lay.
    One(Bytes),
    /// Several, joined.
    Many(Vec<u8>),
}

impl SseDecoder {
    /// Takes the next piece of the stream. The events of the piece before must have been taken.
    pub fn push(&mut self, piece: Bytes) {
        self.lines.push(piece);
    }

    /// The next event that is complete, or `None` until more is pushed. After an error the stream is lost.
    ///
    /// Not an iterator: an event borrows from the decoder.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<SseEvent<'_>>, SseError> {
        loop {
            let Some(line) = self.lines.next(EVENT_MAX_BYTES - self.data.len().min(EVENT_MAX_BYTES))? else {
                return Ok(None);
            };
            if !line.is_empty() {
                self.field(line);
            } else if self.dispatch() {
                break;
            }
        }
        let (name, data) = &self.current;
        Ok(Some(SseEvent { name: text(name)?, data: text(data)? }))
    }

    /// What was begun when the bytes ended, as if the line and the event had ended, too. The standard drops it; who
    /// takes it must know that it is no half. Nothing can be pushed any more.
    pub fn rest(&mut self) -> Result<Option<SseEvent<'_>>, SseError> {
        let line = self.lines.rest();
        if !line.is_empty() {
            self.field(line);
        }
        if !self.dispatch() {
            return Ok(None);
        }
        let (name, data) = &self.current;
        Ok(Some(SseEvent { name: text(name)?, data: text(data)? }))
    }

    /// Nothing of a next event has come.
    pub const fn is_between_events(&self) -> bool {
        self.lines.is_between_lines() && matches!(self.data, Data::None)
    }

    fn field(&mut self, mut line: Bytes) {
        let colon = memchr::memchr(b':', &line).unwrap_or(line.len());
        let value = (colon + 1).min(line.len());
        let value = value + usize::from(line.get(value) == Some(&b' '));
        match &line[..colon] {
            b"data" => {
                line.advance(value);
                self.data.push(line);
            }
            b"event" => {
                line.advance(value);
                self.name = line;
            }
            // A comment (no name before the colon), or a field that means nothing to us.
            _ => {}
        }
    }

    /// Ends the event that was being read; whether there was one.
    fn dispatch(&mut self) -> bool {
        let name = std::mem::take(&mut self.name);
        let data = match std::mem::take(&mut self.data) {
            // Without data there is no event, only its name: the standard drops it.
            Data::None => return false,
            Data::One(line) => line,
            Data::Many(joined) => joined.into(),
        };
        self.current = (name, data);
        true
    }
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(line) => line.len(),
            Self::Many(joined) => joined.len(),
        }
    }

    fn push(&mut self, line: Bytes) {
        match self {
            Self::None => *self = Self::One(line),
            Self::One(first) => *self = Self::Many([&first[..], b"\n", &line].concat()),
            Self::Many(joined) => {
                joined.push(b'\n');
                joined.extend_from_slice(&line);
            }
        }
    }
}

fn text(bytes: &[u8]) -> Result<&str, SseError> {
    std::str::from_utf8(bytes).map_err(|_| SseError::NotUtf8)
}

#[cfg(test)]
mod tests;
