//! A stream whose tokens are sent at a pace.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::behaviour::Pace;

/// A whole stream, which is written before any of it is sent: its bytes, and the end of each token's piece in them.
///
/// So a stream without delays is sent in one write, which takes a few microseconds in any protocol.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RenderedStream {
    pub bytes: Vec<u8>,
    /// End of each piece, as an index into `bytes`.
    pub ends: Vec<usize>,
}

impl RenderedStream {
    /// Makes one piece of the bytes written since the previous piece. They are sent together, at the next token's
    /// time.
    pub fn end_piece(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// Appends the bytes written since the last piece to that piece, so that the end of the stream is sent together
    /// with the last token.
    pub fn extend_last_piece(&mut self) {
        self.ends.pop();
        self.end_piece();
    }
}

/// A stream that returns each piece at its time. All times count from `start`, so a late piece delays no other.
#[derive(Debug)]
pub(crate) struct PacedStream {
    bytes: Bytes,
    ends: Vec<usize>,
    /// Number of pieces returned so far.
    sent: usize,
    start: Instant,
    pace: Pace,
    timer: Pin<Box<Sleep>>,
}

impl PacedStream {
    pub fn new(stream: RenderedStream, pace: Pace, start: Instant) -> Self {
        let timer = Box::pin(sleep_until(start + pace.until_token(0)));
        Self { bytes: stream.bytes.into(), ends: stream.ends, sent: 0, start, pace, timer }
    }

    pub fn is_over(&self) -> bool {
        self.sent == self.ends.len()
    }

    /// Returns all pieces that are due, together. Must not be called when [`Self::is_over`].
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        ready!(self.timer.as_mut().poll(cx));
        let begin = self.sent.checked_sub(1).map_or(0, |last| self.ends[last]);
        let passed = self.start.elapsed();
        self.sent += 1;
        while !self.is_over() && self.pace.until_token(self.sent) <= passed {
            self.sent += 1;
        }
        self.timer.as_mut().reset(self.start + self.pace.until_token(self.sent));
        Poll::Ready(self.bytes.slice(begin..self.ends[self.sent - 1]))
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use super::*;

    fn stream(pieces: &[&str]) -> RenderedStream {
        let mut stream = RenderedStream::default();
        for piece in pieces {
            stream.bytes.extend_from_slice(piece.as_bytes());
            stream.end_piece();
        }
        stream
    }

    async fn times_and_pieces(mut paced: PacedStream) -> Vec<(u128, Bytes)> {
        let (start, mut pieces) = (paced.start, Vec::new());
        while !paced.is_over() {
            let piece = poll_fn(|cx| paced.poll(cx)).await;
            pieces.push((start.elapsed().as_millis(), piece));
        }
        pieces
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_comes_at_its_time() {
        let pace = Pace { ttft: Duration::from_millis(200), token_gap: Duration::from_millis(20) };

        let pieces = times_and_pieces(PacedStream::new(stream(&["a", "b", "c"]), pace, Instant::now())).await;

        assert_eq!(pieces, [(200, "a".into()), (220, "b".into()), (240, "c".into())]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_late_comes_together() {
        let pace = Pace { ttft: Duration::ZERO, token_gap: Duration::from_millis(20) };
        let paced = PacedStream::new(stream(&["a", "b", "c", "d"]), pace, Instant::now());
        tokio::time::advance(Duration::from_millis(45)).await;

        let pieces = times_and_pieces(paced).await;

        assert_eq!(pieces, [(45, "abc".into()), (60, "d".into())]);
    }

    #[test]
    fn the_end_of_a_stream_joins_the_last_token() {
        let mut stream = stream(&["a", "b"]);
        stream.bytes.push(b'!');
        stream.extend_last_piece();

        assert_eq!(stream.ends, [1, 3]);
    }
}
