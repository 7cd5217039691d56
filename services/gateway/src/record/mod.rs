//! What the gateway saw: a record of every call, and counts of them.

mod call;
mod file;
mod ledger;
mod open_call;
mod stats;
mod traffic;
mod window;

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use runmill_runtime::Clock;
use tokio::{task::JoinHandle, time::Instant};

use self::{file::Waiting, ledger::Ledger};

pub use call::CallRecord;
use call::STATUS_HUNG_UP;
pub(crate) use open_call::{Arrival, CallHead, OpenCall};
pub use stats::Stats;
pub use traffic::Traffic;

/// Takes down calls as they begin and end.
#[derive(Debug)]
pub(crate) struct Recorder {
    ledger: Mutex<Ledger>,
    file: Option<Waiting>,
    clock: Clock,
    started: Instant,
}

/// The file being written.
pub(crate) type Writing = JoinHandle<io::Result<()>>;

impl Recorder {
    /// Keeps the last `kept_max` calls, and appends all of them to `file` if there is one.
    pub async fn start(
        clock: Clock,
        kept_max: usize,
        file: Option<&Path>,
    ) -> io::Result<(Self, Option<Writing>)> {
        let (file, writing) = match file {
            Some(path) => {
                let (waiting, write) = file::open(path).await?;
                (Some(waiting), Some(tokio::spawn(write)))
            }
            None => (None, None),
        };
        let recorder =
            Self { ledger: Mutex::new(Ledger::new(kept_max)), file, clock, started: Instant::now() };
        Ok((recorder, writing))
    }

    /// To be called when the head of a request has arrived.
    pub fn arrival(&self) -> Arrival {
        Arrival { at: self.clock.now(), since: Instant::now() }
    }

    /// The call counts as in flight from here until it is ended or dropped.
    pub fn begin(self: &Arc<Self>, arrival: Arrival, head: CallHead) -> OpenCall {
        let places = self.ledger().begin(self.started.elapsed(), &head.model, &head.key);
        OpenCall::new(self.clone(), arrival, head, places)
    }

    pub fn calls(&self, after: u64, limit: usize) -> Vec<Arc<CallRecord>> {
        self.ledger().calls(after, limit)
    }

    pub fn stats(&self) -> Stats {
        self.ledger().stats()
    }

    pub fn reset(&self) {
        self.ledger().reset();
    }

    fn end(&self, places: ledger::Places, status: u16, record: impl FnOnce(u64) -> CallRecord) {
        let mut ledger = self.ledger();
        let record = ledger.end(places, status, record);
        // Under the lock, so that the file has the order of the numbers.
        if self.file.as_ref().is_some_and(|file| file.try_send(record).is_err()) {
            ledger.file_dropped += 1;
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn push_line(lines: &mut Vec<u8>, record: &CallRecord) {
    serde_json::to_writer(&mut *lines, record).expect("a record is plain data and a vector takes all of it");
    lines.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use tokio::sync::mpsc;

    use super::*;

    fn head() -> CallHead {
        CallHead { model: "echo".into(), key: "none".into(), client_request_id: None, streamed: false }
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_has_the_date_of_arrival_and_the_time_that_passed() {
        let clock = Clock::fixed(Timestamp::from_microsecond(1_000_000).unwrap());
        let (recorder, _) = Recorder::start(clock, 9, None).await.unwrap();
        let recorder = Arc::new(recorder);
        let call = recorder.begin(recorder.arrival(), head());
        tokio::time::advance(Duration::from_millis(250)).await;

        call.end(200);

        let calls = recorder.calls(0, 9);
        assert_eq!((calls[0].in_us, calls[0].out_us, calls[0].status), (1_000_000, 1_250_000, 200));
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_was_hung_up_on() {
        let (recorder, _) = Recorder::start(Clock::system(), 9, None).await.unwrap();
        let recorder = Arc::new(recorder);

        drop(recorder.begin(recorder.arrival(), head()));

        assert_eq!((recorder.calls(0, 9)[0].status, recorder.stats().all.in_flight), (499, 0));
    }

    #[tokio::test]
    async fn a_file_that_is_too_slow_loses_lines_and_says_how_many() {
        let (recorder, _) = Recorder::start(Clock::system(), 9, None).await.unwrap();
        let (waiting, _records) = mpsc::channel(1);
        let recorder = Arc::new(Recorder { file: Some(waiting), ..recorder });
        for _ in 0..3 {
            recorder.begin(recorder.arrival(), head()).end(200);
        }

        let stats = recorder.stats();

        assert_eq!((stats.calls_kept, stats.file_dropped), (3, 2));
    }
}
