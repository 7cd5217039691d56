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

pub use call::{CallRecord, STATUS_HUNG_UP};
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
                let (waiting, writing) = file::open(path).await?;
                (Some(waiting), Some(tokio::spawn(writing)))
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
