//! The lines of a file of requests, on their way into the store.

#[cfg(test)]
mod tests;

use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher as _,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use runmill_store::{FileLines, LineFault, Lines, StoreError, StoredItem};

use super::line::{self, Envelope, Line, fault, quoted};
use crate::api::{BAD_LINE, LineSplitter};

/// Maximum number of lines of a file.
pub const LINES_MAX: u64 = 1_000_000;
/// Number of faults that are kept of a file.
const FAULTS_KEPT: usize = 1_000;

/// Lines of an upload as far as they were read.
///
/// It keeps eight bytes of each `custom_id`, to find those that occur twice: at most 20 MB.
pub struct Found {
    lines: FileLines,
    bytes: u64,
    seen: HashSet<u64>,
    hasher: RandomState,
}

/// The same for the stream and for whoever waits for its end.
pub type SharedFound = Arc<Mutex<Found>>;

impl Found {
    pub fn shared() -> SharedFound {
        let (lines, seen) = (FileLines::default(), HashSet::new());
        Arc::new(Mutex::new(Self { lines, bytes: 0, seen, hasher: RandomState::new() }))
    }

    /// Returns the summary of the lines so far, and the size of the upload in bytes.
    pub fn summary(found: &SharedFound) -> (FileLines, u64) {
        let found = found.lock().unwrap_or_else(PoisonError::into_inner);
        (found.lines.clone(), found.bytes)
    }

    /// Takes the next line, and returns it as it is stored. A line with a fault is stored, too, under its number.
    fn take(&mut self, envelope: Envelope, number: u64, line: &[u8]) -> StoredItem {
        self.lines.count += 1;
        let body = String::from_utf8_lossy(line).into_owned();
        let read = line::text(line).and_then(|text| line::read(envelope, text));
        match read.and_then(|line| self.fit(line)) {
            Ok(custom_id) => StoredItem { item_id: custom_id, body },
            Err(fault) => {
                self.lines.faulty += 1;
                if self.lines.faults.len() < FAULTS_KEPT {
                    self.lines.faults.push(LineFault { line: Some(number), ..fault });
                }
                StoredItem { item_id: format!("{BAD_LINE}{number}"), body }
            }
        }
    }

    /// Checks that a line fits to those before it. Returns its id.
    fn fit(&mut self, Line { custom_id, url, model }: Line) -> Result<String, LineFault> {
        let first_url = self.lines.url.get_or_insert_with(|| url.clone());
        if *first_url != url {
            let message =
                format!("The URL `{}` differs from that of the lines before, `{first_url}`.", quoted(&url));
            return Err(fault("invalid_url", message, Some("url")));
        }
        let first_model = self.lines.model.get_or_insert_with(|| model.clone());
        if *first_model != model {
            let message = format!(
                "The model `{}` differs from that of the lines before, `{}`: a batch has one model.",
                quoted(&model),
                quoted(first_model)
            );
            return Err(fault("mismatched_model", message, Some("body.model")));
        }
        if !self.seen.insert(self.hasher.hash_one(&custom_id)) {
            let message = format!("An earlier line has the custom_id `{}`, too.", quoted(&custom_id));
            return Err(fault("duplicate_custom_id", message, Some("custom_id")));
        }
        Ok(custom_id)
    }
}

/// Reads the lines of a file. Buffers no more than one line and one chunk. Blank lines are left out, but counted.
pub fn lines<'a, E: std::fmt::Display + 'a>(
    file: impl Stream<Item = Result<Bytes, E>> + Send + Unpin + 'a,
    line_max_bytes: usize,
    found: &SharedFound,
) -> Lines<'a> {
    let (found, counting) = (found.clone(), found.clone());
    let file = file.inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            let mut found = counting.lock().unwrap_or_else(PoisonError::into_inner);
            found.bytes += chunk.len() as u64;
            found.lines.unterminated = chunk.last().map_or(found.lines.unterminated, |last| *last != b'\n');
        }
    });
    let lines = LineSplitter::new(file, line_max_bytes);
    stream::try_unfold((lines, found), async |(mut lines, found)| {
        let Some(line) = lines.next_filled().await? else { return Ok(None) };
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let item = one(&found, Envelope::Call, lines.line(), line)?;
        Ok(Some((item, (lines, found))))
    })
    .boxed()
}

/// Takes a line of any file.
pub fn one(
    found: &SharedFound,
    envelope: Envelope,
    number: u64,
    line: &[u8],
) -> Result<StoredItem, StoreError> {
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    if found.lines.count >= LINES_MAX {
        let reason = format!("a file has at most {LINES_MAX} lines; divide it");
        return Err(StoreError::BadLine { line: number, reason });
    }
    Ok(found.take(envelope, number, line))
}
