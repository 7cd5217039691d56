//! Finds the requests of a batch of messages in its body, as it arrives.

#[cfg(test)]
mod tests;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream::Fuse};
use runmill_store::StoreError;

/// Name of the list of the body.
const LIST: &[u8] = b"requests";

/// Splits `{"requests": [{...}, ...]}` into the objects of the list. Buffers no more than one object and one chunk. What is
/// beside the list is skipped, and nothing but the structure is checked.
pub struct Entries<B> {
    body: Fuse<B>,
    buffer: BytesMut,
    /// Number of bytes of the buffer that were looked at.
    looked: usize,
    place: Place,
    /// Depth of lists and objects.
    depth: u32,
    /// True inside of a text.
    in_text: bool,
    /// True behind a backslash in a text.
    is_escaped: bool,
    /// Text of the last key of the body.
    key: Vec<u8>,
    count: u64,
    entry_max_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the body's first brace.
    Start,
    /// In the body's object, beside the list.
    Outside,
    /// In the list, where an object may begin.
    Before,
    /// In the list behind a comma, where an object must begin.
    Due,
    /// In the list, behind an object.
    After,
    /// In an object of the list.
    Inside,
    /// Behind the body's object.
    End,
}

/// Deepest nesting that is followed.
const DEPTH_MAX: u32 = 200;

impl<B, E> Entries<B>
where
    B: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::fmt::Display,
{
    pub fn new(body: B, entry_max_bytes: usize) -> Self {
        Self {
            body: body.fuse(),
            buffer: BytesMut::new(),
            looked: 0,
            place: Place::Start,
            depth: 0,
            in_text: false,
            is_escaped: false,
            key: Vec::new(),
            count: 0,
            entry_max_bytes,
        }
    }

    /// Returns the number of the object that was returned last, from 1.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns the next object of the list as it is written.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        loop {
            if let Some(entry) = self.scan()? {
                return Ok(Some(entry));
            }
            match self.body.next().await {
                Some(Ok(chunk)) => self.buffer.extend_from_slice(&chunk),
                Some(Err(error)) => return Err(self.fault(&format!("the upload was interrupted: {error}"))),
                None if self.place == Place::End => return Ok(None),
                None => return Err(self.fault("the body ends within its JSON")),
            }
        }
    }

    /// Looks at what is buffered. Returns an object of the list once its last brace is there.
    fn scan(&mut self) -> Result<Option<Bytes>, StoreError> {
        while let Some(&byte) = self.buffer.get(self.looked) {
            self.looked += 1;
            if self.in_text {
                self.text(byte);
            } else if self.structure(byte)? {
                self.count += 1;
                self.place = Place::After;
                let entry = self.buffer.split_to(self.looked).freeze();
                self.looked = 0;
                return Ok(Some(entry));
            }
        }
        if self.place != Place::Inside {
            self.buffer.clear();
            self.looked = 0;
        } else if self.buffer.len() > self.entry_max_bytes {
            return Err(self.fault(&format!("longer than {} bytes", self.entry_max_bytes)));
        }
        Ok(None)
    }

    fn text(&mut self, byte: u8) {
        if self.is_escaped {
            self.is_escaped = false;
        } else if byte == b'\\' {
            self.is_escaped = true;
        } else if byte == b'"' {
            self.in_text = false;
            return;
        }
        // The keys of the body's object. A longer one than the list's is another.
        if self.place == Place::Outside && self.depth == 1 && self.key.len() <= LIST.len() {
            self.key.push(byte);
        }
    }

    /// Takes a byte outside of texts. Returns true if it ends an object of the list.
    fn structure(&mut self, byte: u8) -> Result<bool, StoreError> {
        match byte {
            b'"' if self.place != Place::Start && self.place != Place::End => {
                self.in_text = true;
                if self.place == Place::Outside && self.depth == 1 {
                    self.key.clear();
                }
            }
            b'{' | b'[' => self.open(byte)?,
            b'}' | b']' => return self.close(byte),
            byte if byte.is_ascii_whitespace() => {}
            b',' if self.place == Place::After => self.place = Place::Due,
            _ if self.place == Place::Outside || self.place == Place::Inside => {}
            _ => return Err(self.misshapen()),
        }
        Ok(false)
    }

    fn open(&mut self, byte: u8) -> Result<(), StoreError> {
        match (self.place, byte) {
            (Place::Start, b'{') => self.place = Place::Outside,
            (Place::Outside, b'[') if self.depth == 1 && self.key == LIST => self.place = Place::Before,
            (Place::Before | Place::Due, b'{') => {
                // The buffer begins with the object.
                let _ = self.buffer.split_to(self.looked - 1);
                self.looked = 1;
                self.place = Place::Inside;
            }
            (Place::Outside | Place::Inside, _) => {}
            _ => return Err(self.misshapen()),
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(self.fault("it is nested too deeply")) } else { Ok(()) }
    }

    fn close(&mut self, byte: u8) -> Result<bool, StoreError> {
        self.depth =
            self.depth.checked_sub(1).ok_or_else(|| self.fault("a brace is closed that was not open"))?;
        match (self.place, self.depth, byte) {
            (Place::Inside, 2, b'}') => return Ok(true),
            (Place::Before | Place::After, 1, b']') => {
                self.place = Place::Outside;
                self.key.clear();
            }
            (Place::Outside, 0, b'}') => self.place = Place::End,
            (Place::Inside, 3.., _) | (Place::Outside, 1.., _) => {}
            _ => return Err(self.misshapen()),
        }
        Ok(false)
    }

    fn misshapen(&self) -> StoreError {
        self.fault("the body must be `{\"requests\": [{...}, {...}]}`")
    }

    fn fault(&self, reason: &str) -> StoreError {
        StoreError::BadLine { line: self.count + 1, reason: reason.to_owned() }
    }
}
