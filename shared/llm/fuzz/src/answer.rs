//! Checks of a protocol's reading: of streams, buffered answers and errors.

use std::fmt::Debug;

use bytes::Bytes;
use runmill_llm::{
    ChatResponse, Metered, ModelError,
    protocol::{AnswerStream, ErrorAnswer, Form, Protocol},
};
use runmill_proto::Fix;

use super::{cuts::cuts, truncation};

/// One status of each kind that protocols distinguish.
const STATUSES: [u16; 7] = [302, 400, 404, 422, 429, 500, 503];

/// Largest ratio of the length of the result's debug text to that of the input. The text has additional names, quotes
/// and escapes.
const GROWTH_MAX: usize = 16;
const NAMES_MAX: usize = 1024;

/// Reads the input as a stream, as a buffered answer and as an error. Checks that the result is bounded by the
/// input's size, and that a stream gives the same result however it is cut.
pub fn check(protocol: &dyn Protocol, input: &[u8]) {
    let whole = read_stream(protocol, [input]);
    for pieces in cuts(input) {
        assert_eq!(read_stream(protocol, pieces), whole);
    }
    if let (Ok(answer), _) = &whole {
        truncation::check(protocol, input, answer);
    }
    assert_bounded(&whole, input);
    assert_bounded(&protocol.buffered(input), input);
    // All of them for each input would take most of the time.
    let choice = chosen(input);
    let status = STATUSES[choice % STATUSES.len()];
    let form = Form::default();
    let form = if choice.is_multiple_of(2) { form } else { form.with(Fix::Buffered) };
    let (fixable, after, should_retry) = (true, None, None);
    let error = protocol.error(&ErrorAnswer { status, body: input, form, fixable, after, should_retry });
    assert_bounded(&(error.advice(), error), input);
}

/// Returns a number that a fuzzer can change with any byte of the input.
pub fn chosen(input: &[u8]) -> usize {
    input.iter().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)))
}

fn assert_bounded(read: &impl Debug, input: &[u8]) {
    let (size, max) = (format!("{read:?}").len(), GROWTH_MAX * input.len() + NAMES_MAX);
    assert!(size <= max, "{size} bytes from {}", input.len());
}

/// Reads a stream as the client does, to its end or its first error. Also returns the tokens that were counted until
/// then.
pub fn read_stream<'a>(
    protocol: &dyn Protocol,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Result<ChatResponse, ModelError>, Metered) {
    let mut stream = AnswerStream::new(protocol.decoder());
    for piece in pieces {
        if let Some(result) = stream.push(Bytes::copy_from_slice(piece)).transpose() {
            return (result, stream.usage());
        }
    }
    (stream.end(), stream.usage())
}
