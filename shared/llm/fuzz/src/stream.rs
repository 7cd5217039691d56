//! Checks of the decoder of server-sent events.

use bytes::Bytes;
use runmill_llm::sse::{SseDecoder, SseError};

use super::cuts::cuts;

/// Checks that any cut gives the same events, and that they have no more bytes than the input.
pub fn check(input: &[u8]) {
    let whole = decode([input]);
    for pieces in cuts(input) {
        assert_eq!(decode(pieces), whole);
    }
    let held: usize = whole.0.iter().map(|(name, data)| name.len() + data.len()).sum();
    assert!(held <= input.len(), "{held} bytes of events from {} bytes", input.len());
}

/// Returns the events before the end, or before the first error.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<(String, String)>, Option<SseError>) {
    let (mut decoder, mut events) = (SseDecoder::default(), Vec::new());
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        loop {
            match decoder.next() {
                Ok(Some(event)) => events.push((event.name.to_owned(), event.data.to_owned())),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
    }
    (events, None)
}
