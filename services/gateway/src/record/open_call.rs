use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{CallRecord, Recorder, STATUS_HUNG_UP, call_log::CounterIndices};
use crate::limit::Permit;

/// Time at which a request arrived, by the wall clock for the date, and by the monotonic clock for durations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub at: Timestamp,
    pub since: Instant,
}

/// Parts of a call's record that are known when the call begins.
#[derive(Debug)]
pub(crate) struct CallHead {
    pub model: Box<str>,
    pub key: Box<str>,
    pub client_request_id: Option<Box<str>>,
    pub streamed: bool,
}

/// A call in flight. If it is dropped before [`Self::end`], it is recorded as one whose caller hung up.
#[derive(Debug)]
pub(crate) struct OpenCall {
    recorder: Arc<Recorder>,
    arrival: Arrival,
    indices: CounterIndices,
    /// Known parts of the record; `None` once the call is recorded.
    head: Option<CallHead>,
    tokens: u64,
    /// Slot of the call, which is returned once the call is recorded.
    permit: Option<Permit>,
}

impl OpenCall {
    pub(super) fn new(
        recorder: Arc<Recorder>,
        arrival: Arrival,
        head: CallHead,
        indices: CounterIndices,
    ) -> Self {
        Self { recorder, arrival, indices, head: Some(head), tokens: 0, permit: None }
    }

    pub fn arrival(&self) -> Arrival {
        self.arrival
    }

    /// Notes that the call is within the limits and gets an answer.
    pub fn admit(&mut self, permit: Option<Permit>, tokens: u64) {
        (self.permit, self.tokens) = (permit, tokens);
    }

    /// Returns the label of the API key.
    pub fn key(&self) -> &str {
        self.head.as_ref().map_or("", |head| &head.key)
    }

    /// Records the call. Must be called when the last byte has been passed to the connection.
    pub fn end(mut self, status: u16) {
        self.record(status);
    }

    fn record(&mut self, status: u16) {
        let Some(head) = self.head.take() else { return };
        let in_us = self.arrival.at.as_microsecond();
        let out_us = in_us.saturating_add(micros(self.arrival.since.elapsed()));
        let CallHead { model, key, client_request_id, streamed } = head;
        let tokens = self.tokens;
        let record =
            |seq| CallRecord { seq, in_us, out_us, model, key, client_request_id, status, tokens, streamed };
        self.recorder.end(self.indices, status, record);
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.record(STATUS_HUNG_UP);
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
