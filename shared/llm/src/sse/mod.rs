//! An incremental decoder of server-sent events, the same for every protocol.
//!
//! It takes bytes in pieces as they arrive, and returns events as borrowed text. Text is copied only to join a line
//! that is split between pieces, or the lines of a `data` of several lines.
//!
//! It follows the HTML standard, section 9.2.6, with three differences. `id` and `retry` are ignored, because no
//! client here reconnects. Invalid UTF-8 is an error and is not replaced, because the data is JSON. The size of an
//! event is bounded.

mod line;

use bytes::{Buf, Bytes};

use line::Lines;

/// Largest event. No model sends a larger one.
pub const EVENT_MAX_BYTES: usize = 8 * 1024 * 1024;

/// Reason why a stream cannot be decoded any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    #[error("an event is longer than {EVENT_MAX_BYTES} bytes")]
    TooLong,
    #[error("an event is not UTF-8")]
    NotUtf8,
}

/// One event. `name` is empty if the stream gives none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    pub name: &'a str,
    pub data: &'a str,
}

/// Decodes one stream: call [`SseDecoder::push`] with each piece, then [`SseDecoder::next`] until it returns `None`.
#[derive(Debug, Default)]
pub struct SseDecoder {
    lines: Lines,
    name: Bytes,
    data: Data,
    /// The event that was returned last, which the caller borrows.
    current: (Bytes, Bytes),
}

/// `data` of the event that is being read.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    /// One line, not copied.
    One(Bytes),
    /// Several lines, joined.
    Many(Vec<u8>),
}

impl SseDecoder {
    /// Takes the next piece of the stream. All events of the previous piece must have been taken.
    pub fn push(&mut self, piece: Bytes) {
        self.lines.push(piece);
    }

    /// Returns the next complete event, or `None` until more is pushed. After an error the stream cannot be decoded
    /// further.
    ///
    /// This is not an iterator, because an event borrows from the decoder.
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

    /// Returns the unfinished event at the end of the stream, as if its line and the event had ended. The standard
    /// drops it; the caller must check that it is complete. Nothing can be pushed after this.
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

    /// Returns true if no part of another event has arrived.
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
            // A comment, which has no name before the colon, or a field that is not used here.
            _ => {}
        }
    }

    /// Ends the event that was being read. Returns false if there was none.
    fn dispatch(&mut self) -> bool {
        let name = std::mem::take(&mut self.name);
        let data = match std::mem::take(&mut self.data) {
            // The standard drops an event without data.
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

/// Returns true if a body begins with an event, whatever its media type. JSON never does.
pub fn begins_as_events(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    start.starts_with(b"data:") || start.starts_with(b"event:")
}

/// Returns the data of the first event of a body that begins with one, or `None` for any other body.
pub fn first_data(body: &[u8]) -> Option<String> {
    if !begins_as_events(body) {
        return None;
    }
    let mut events = SseDecoder::default();
    events.push(Bytes::copy_from_slice(body));
    if let Some(event) = events.next().ok()? {
        return Some(event.data.to_owned());
    }
    Some(events.rest().ok()??.data.to_owned())
}

fn text(bytes: &[u8]) -> Result<&str, SseError> {
    std::str::from_utf8(bytes).map_err(|_| SseError::NotUtf8)
}

#[cfg(test)]
mod tests;
