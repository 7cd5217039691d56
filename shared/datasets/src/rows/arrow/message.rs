use std::io::{self, BufRead, Read};

use arrow_ipc::Message;

use super::fault;
use crate::ReadError;

/// Mark before the length of a message.
const MARKER: [u8; 4] = [0xff; 4];
/// First bytes of a file, before two zeros, and its last.
const MAGIC: &[u8; 6] = b"ARROW1";
/// Words of zeros that may follow them, by which some writers align the first message.
const PADDING_MAX_WORDS: usize = 64;
/// Largest description of a batch or schema. The schema has what pandas and `datasets` note, some kilobytes.
const HEADER_MAX_BYTES: u32 = 16 * 1024 * 1024;
/// Number of bytes that are reserved before they have come.
const RESERVED_MAX_BYTES: u64 = 1024 * 1024;

/// The messages of a stream, whose lengths are checked before their bytes are read.
pub struct Messages<R> {
    bytes: R,
    is_file: bool,
    body_max_bytes: u64,
    /// Words of zeros that may still come, before the first message.
    padding_words: usize,
    has_ended: bool,
}

/// A message and the bytes that follow it.
pub struct Body {
    pub header: Vec<u8>,
    pub bytes: Vec<u8>,
}

impl Body {
    pub fn message(&self) -> Result<Message<'_>, ReadError> {
        parse(&self.header)
    }
}

/// Verifies a message.
pub fn parse(header: &[u8]) -> Result<Message<'_>, ReadError> {
    arrow_ipc::root_as_message(header).map_err(|_| fault("it is damaged (a message cannot be read)"))
}

impl<R: BufRead> Messages<R> {
    pub fn new(mut bytes: R, is_file: bool, body_max_bytes: u64) -> Result<Self, ReadError> {
        if is_file {
            exactly(&mut bytes, MAGIC.len() as u64 + 2)?;
        }
        let padding_words = if is_file { PADDING_MAX_WORDS } else { 0 };
        Ok(Self { bytes, is_file, body_max_bytes, padding_words, has_ended: false })
    }

    /// Returns the next message, or `None` behind the last.
    pub fn next(&mut self) -> Result<Option<Body>, ReadError> {
        if self.has_ended {
            return Ok(None);
        }
        let Some(length) = self.length()? else {
            self.has_ended = true;
            if self.is_file {
                self.read_end()?;
            }
            return Ok(None);
        };
        let header = exactly(&mut self.bytes, u64::from(length))?;
        let declared = parse(&header)?.bodyLength();
        let body = u64::try_from(declared).map_err(|_| fault("it is damaged (a length is negative)"))?;
        if body > self.body_max_bytes {
            return Err(too_large(self.body_max_bytes));
        }
        let bytes = exactly(&mut self.bytes, body)?;
        Ok(Some(Body { header, bytes }))
    }

    /// Reads the length of the next message. Returns `None` at the end of the stream, which may be marked by a zero.
    fn length(&mut self) -> Result<Option<u32>, ReadError> {
        // A stream may end without a mark. A file has more behind its messages.
        if self.bytes.fill_buf()?.is_empty() {
            return if self.is_file { Err(cut_off()) } else { Ok(None) };
        }
        let mut word = [0; 4];
        self.word(&mut word)?;
        while word == [0; 4] && self.padding_words > 0 {
            self.padding_words -= 1;
            self.word(&mut word)?;
        }
        self.padding_words = 0;
        // Before Arrow 0.15 the length stood first.
        if word == MARKER {
            self.word(&mut word)?;
        }
        match u32::from_le_bytes(word) {
            0 => Ok(None),
            length if length > HEADER_MAX_BYTES => Err(fault("it is damaged (a message is too long)")),
            length => Ok(Some(length)),
        }
    }

    fn word(&mut self, word: &mut [u8; 4]) -> Result<(), ReadError> {
        self.bytes.read_exact(word).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => cut_off(),
            _ => error.into(),
        })
    }

    /// Reads what a file has behind its messages, the last of which shows that the file is whole.
    fn read_end(&mut self) -> Result<(), ReadError> {
        let mut end = Vec::new();
        loop {
            let read = self.bytes.fill_buf()?;
            if read.is_empty() {
                return if end.ends_with(MAGIC) { Ok(()) } else { Err(cut_off()) };
            }
            end.extend_from_slice(&read[read.len().saturating_sub(MAGIC.len())..]);
            end.drain(..end.len().saturating_sub(MAGIC.len()));
            let length = read.len();
            self.bytes.consume(length);
        }
    }
}

/// Reads so many bytes. Memory grows with what comes, not with what is declared.
fn exactly(bytes: &mut impl Read, length: u64) -> Result<Vec<u8>, ReadError> {
    let reserved = usize::try_from(length.min(RESERVED_MAX_BYTES)).unwrap_or_default();
    let mut read = Vec::with_capacity(reserved);
    bytes.take(length).read_to_end(&mut read)?;
    if read.len() as u64 == length { Ok(read) } else { Err(cut_off()) }
}

fn cut_off() -> ReadError {
    fault("it is cut off")
}

/// Returns the error for a batch above the bound.
pub fn too_large(most: u64) -> ReadError {
    fault(too_large_words(most))
}

/// Returns the words for a batch above the bound.
pub fn too_large_words(most: u64) -> String {
    format!(
        "a record batch has more than {} MiB; write smaller ones, such as by pyarrow's \
         write_feather(..., chunksize=10000)",
        most / 1024 / 1024
    )
}
