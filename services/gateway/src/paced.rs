//! A stream that keeps time.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::behaviour::Pace;

/// A stream, written beforehand: the bytes, and where the piece of each token ends in them.
///
/// Written in one go because it is then sent in one go when no delay is asked for, at a few microseconds a
/// stream and whatever its protocol.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Script {
    pub bytes: Vec<u8>,
    pub ends: Vec<usize>,
}

impl Script {
    /// What was written since the last mark is sent together, at the next token's time.
    pub fn mark(&mut self) {
        self.ends.push(self.bytes.len());
    }

    /// What was written since the last mark is sent with the last token.
    pub fn join_last(&mut self) {
        self.ends.pop();
        self.mark();
    }
}

/// Hands out a script's pieces, each at its time, which is counted from `start`: one that is late delays no other.
#[derive(Debug)]
pub(crate) struct Paced {
    bytes: Bytes,
    ends: Vec<usize>,
    /// Pieces handed out.
    sent: usize,
    start: Instant,
    pace: Pace,
    alarm: Pin<Box<Sleep>>,
}

impl Paced {
    pub fn new(script: Script, pace: Pace, start: Instant) -> Self {
        let alarm = Box::pin(sleep_until(start + pace.until_token(0)));
        Self { bytes: script.bytes.into(), ends: script.ends, sent: 0, start, pace, alarm }
    }

    pub fn is_over(&self) -> bool {
        self.sent == self.ends.len()
    }

    /// All pieces that are due, together. Not to be called when it is over.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        ready!(self.alarm.as_mut().poll(cx));
        let begin = self.sent.checked_sub(1).map_or(0, |last| self.ends[last]);
        let passed = self.start.elapsed();
        self.sent += 1;
        while !self.is_over() && self.pace.until_token(self.sent) <= passed {
            self.sent += 1;
        }
        self.alarm.as_mut().reset(self.start + self.pace.until_token(self.sent));
        Poll::Ready(self.bytes.slice(begin..self.ends[self.sent - 1]))
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use super::*;

    fn script(pieces: &[&str]) -> Script {
        let mut script = Script::default();
        for piece in pieces {
            script.bytes.extend_from_slice(piece.as_bytes());
            script.mark();
        }
        script
    }

    async fn times_and_pieces(mut paced: Paced) -> Vec<(u128, Bytes)> {
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

        let pieces = times_and_pieces(Paced::new(script(&["a", "b", "c"]), pace, Instant::now())).await;

        assert_eq!(pieces, [(200, "a".into()), (220, "b".into()), (240, "c".into())]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_late_comes_together() {
        let pace = Pace { ttft: Duration::ZERO, token_gap: Duration::from_millis(20) };
        let paced = Paced::new(script(&["a", "b", "c", "d"]), pace, Instant::now());
        tokio::time::advance(Duration::from_millis(45)).await;

        let pieces = times_and_pieces(paced).await;

        assert_eq!(pieces, [(45, "abc".into()), (60, "d".into())]);
    }

    #[test]
    fn the_end_of_a_stream_joins_the_last_token() {
        let mut script = script(&["a", "b"]);
        script.bytes.push(b'!');
        script.join_last();

        assert_eq!(script.ends, [1, 3]);
    }
}
