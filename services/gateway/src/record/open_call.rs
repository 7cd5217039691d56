use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{CallRecord, Recorder, STATUS_HUNG_UP, ledger::Places};

/// When a request arrived, by both clocks: one for the date, one for what passes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub at: Timestamp,
    pub since: Instant,
}

/// What is known of a call when it begins.
#[derive(Debug)]
pub(crate) struct CallHead {
    pub model: Box<str>,
    pub key: Box<str>,
    pub client_request_id: Option<Box<str>>,
    pub streamed: bool,
}

/// A call in flight. Dropped before its end, it is one whose caller hung up.
#[derive(Debug)]
pub(crate) struct OpenCall {
    recorder: Arc<Recorder>,
    arrival: Arrival,
    places: Places,
    /// Taken when the call ends.
    head: Option<CallHead>,
}

impl OpenCall {
    pub(super) fn new(recorder: Arc<Recorder>, arrival: Arrival, head: CallHead, places: Places) -> Self {
        Self { recorder, arrival, places, head: Some(head) }
    }

    pub fn arrival(&self) -> Arrival {
        self.arrival
    }

    /// The last byte has been handed to the connection.
    pub fn end(mut self, status: u16) {
        self.record(status);
    }

    fn record(&mut self, status: u16) {
        let Some(head) = self.head.take() else { return };
        let in_us = self.arrival.at.as_microsecond();
        let out_us = in_us.saturating_add(micros(self.arrival.since.elapsed()));
        let CallHead { model, key, client_request_id, streamed } = head;
        let record = |seq| CallRecord { seq, in_us, out_us, model, key, client_request_id, status, streamed };
        self.recorder.end(self.places, status, record);
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
