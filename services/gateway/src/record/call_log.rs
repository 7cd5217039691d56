use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    call::CallRecord,
    stats::Stats,
    traffic::{Counter, CountersByName},
};

/// The last calls, and the counters of all calls. One lock guards all of them. A call takes it twice, for about half
/// a microsecond.
#[derive(Debug)]
pub(super) struct CallLog {
    all: Counter,
    models: CountersByName,
    keys: CountersByName,
    kept: VecDeque<Arc<CallRecord>>,
    kept_max: usize,
    ended: u64,
    dropped: u64,
    pub file_dropped: u64,
}

/// Indices of the counters that count a call in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct CounterIndices {
    model: usize,
    key: usize,
}

impl CallLog {
    pub fn new(kept_max: usize) -> Self {
        Self {
            all: Counter::new(0),
            models: CountersByName::new(),
            keys: CountersByName::new(),
            kept: VecDeque::new(),
            kept_max,
            ended: 0,
            dropped: 0,
            file_dropped: 0,
        }
    }

    pub fn begin(&mut self, at: Duration, model: &str, key: &str) -> CounterIndices {
        let indices = CounterIndices { model: self.models.index(model), key: self.keys.index(key) };
        self.all.begin(at);
        self.models.at(indices.model).begin(at);
        self.keys.at(indices.key).begin(at);
        indices
    }

    /// Ends a call. `record` returns the call's record, given the call's number. When the log is full, the oldest
    /// record is dropped.
    pub fn end(
        &mut self,
        indices: CounterIndices,
        status: u16,
        record: impl FnOnce(u64) -> CallRecord,
    ) -> Arc<CallRecord> {
        self.all.end(status);
        self.models.at(indices.model).end(status);
        self.keys.at(indices.key).end(status);
        self.ended += 1;
        let record = Arc::new(record(self.ended));
        self.kept.push_back(record.clone());
        if self.kept.len() > self.kept_max {
            self.kept.pop_front();
            self.dropped += 1;
        }
        record
    }

    /// Returns up to `limit` calls with numbers above `after`, in order.
    pub fn calls(&self, after: u64, limit: usize) -> Vec<Arc<CallRecord>> {
        let from = self.kept.partition_point(|record| record.seq <= after);
        self.kept.range(from..).take(limit).cloned().collect()
    }

    /// Drops the records and counts of ended calls. Numbers go on, so that a reader's cursor stays valid.
    pub fn reset(&mut self) {
        self.all.reset();
        self.models.reset();
        self.keys.reset();
        self.kept.clear();
        (self.dropped, self.file_dropped) = (0, 0);
    }

    pub fn stats(&self) -> Stats {
        Stats {
            all: self.all.snapshot(),
            calls_kept: self.kept.len() as u64,
            calls_dropped: self.dropped,
            file_dropped: self.file_dropped,
            models: self.models.snapshot(),
            keys: self.keys.snapshot(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(calls: u64, kept_max: usize) -> CallLog {
        let mut log = CallLog::new(kept_max);
        for _ in 0..calls {
            let indices = log.begin(Duration::ZERO, "echo", "none");
            log.end(indices, 200, record);
        }
        log
    }

    fn record(seq: u64) -> CallRecord {
        let (model, key) = ("echo".into(), "none".into());
        CallRecord {
            seq,
            in_us: 0,
            out_us: 0,
            model,
            key,
            client_request_id: None,
            status: 200,
            tokens: 0,
            streamed: false,
        }
    }

    fn seqs(log: &CallLog, after: u64, limit: usize) -> Vec<u64> {
        log.calls(after, limit).iter().map(|record| record.seq).collect()
    }

    #[test]
    fn a_full_ring_drops_the_oldest_and_says_so() {
        let log = log(10, 3);

        assert_eq!(seqs(&log, 0, 100), [8, 9, 10]);
        assert_eq!((log.stats().calls_kept, log.stats().calls_dropped), (3, 7));
    }

    #[test]
    fn pages_continue_after_the_cursor() {
        let log = log(10, 100);

        assert_eq!(seqs(&log, 0, 2), [1, 2]);
        assert_eq!(seqs(&log, 8, 100), [9, 10]);
        assert_eq!(seqs(&log, 10, 100), [] as [u64; 0]);
    }

    #[test]
    fn numbers_go_on_after_a_reset() {
        let mut log = log(10, 3);

        log.reset();
        let indices = log.begin(Duration::ZERO, "echo", "none");
        log.end(indices, 429, record);

        assert_eq!(seqs(&log, 0, 100), [11]);
        assert_eq!((log.stats().all.calls, log.stats().calls_dropped), (1, 0));
    }
}
