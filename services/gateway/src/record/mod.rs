//! The record of all calls, and counts of them.

mod call;
mod call_log;
mod file;
mod open_call;
mod peaks;
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

use self::{
    call_log::{CallLog, CounterIndices},
    file::FileQueue,
};

pub use call::CallRecord;
use call::STATUS_HUNG_UP;
pub(crate) use open_call::{Arrival, CallHead, OpenCall};
pub use peaks::Peaks;
pub use stats::Stats;
pub use traffic::Traffic;

/// Records calls as they begin and end.
#[derive(Debug)]
pub(crate) struct Recorder {
    log: Mutex<CallLog>,
    file: Option<FileQueue>,
    clock: Clock,
    started: Instant,
}

/// The task that writes the file of the record.
pub(crate) type FileTask = JoinHandle<io::Result<()>>;

impl Recorder {
    /// Starts a recorder, which keeps the last `kept_max` calls, and appends all calls to `file` if one is given.
    pub async fn start(
        clock: Clock,
        kept_max: usize,
        file: Option<&Path>,
    ) -> io::Result<(Self, Option<FileTask>)> {
        let (file, task) = match file {
            Some(path) => {
                let (queue, write) = file::open(path).await?;
                (Some(queue), Some(tokio::spawn(write)))
            }
            None => (None, None),
        };
        let recorder = Self { log: Mutex::new(CallLog::new(kept_max)), file, clock, started: Instant::now() };
        Ok((recorder, task))
    }

    /// Returns the present time, for a request whose head has just arrived.
    pub fn arrival(&self) -> Arrival {
        Arrival { at: self.clock.now(), since: Instant::now() }
    }

    /// Begins a call. It counts as in flight until it is ended or dropped.
    pub fn begin(self: &Arc<Self>, arrival: Arrival, head: CallHead) -> OpenCall {
        let indices = self.log().begin(self.started.elapsed(), &head.model, &head.key);
        OpenCall::new(self.clone(), arrival, head, indices)
    }

    pub fn calls(&self, after: u64, limit: usize) -> Vec<Arc<CallRecord>> {
        self.log().calls(after, limit)
    }

    pub fn stats(&self) -> Stats {
        self.log().stats()
    }

    pub fn reset(&self) {
        self.log().reset();
    }

    fn end(&self, indices: CounterIndices, status: u16, record: impl FnOnce(u64) -> CallRecord) {
        let mut log = self.log();
        let record = log.end(indices, status, record);
        // The record is sent under the lock, so that the file has the calls in the order of their numbers.
        if self.file.as_ref().is_some_and(|file| file.try_send(record).is_err()) {
            log.file_dropped += 1;
        }
    }

    fn log(&self) -> MutexGuard<'_, CallLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a record as one line of JSON.
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
        let (queue, _records) = mpsc::channel(1);
        let recorder = Arc::new(Recorder { file: Some(queue), ..recorder });
        for _ in 0..3 {
            recorder.begin(recorder.arrival(), head()).end(200);
        }

        let stats = recorder.stats();

        assert_eq!((stats.calls_kept, stats.file_dropped), (3, 2));
    }
}
