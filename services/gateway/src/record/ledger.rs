use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    call::CallRecord,
    stats::Stats,
    traffic::{Counter, Named},
};

/// Everything that is remembered. One lock for all of it: a call takes it twice, for about half a microsecond.
#[derive(Debug)]
pub(super) struct Ledger {
    all: Counter,
    models: Named,
    keys: Named,
    kept: VecDeque<Arc<CallRecord>>,
    kept_max: usize,
    ended: u64,
    dropped: u64,
    pub file_dropped: u64,
}

/// Where a call in flight is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    model: usize,
    key: usize,
}

impl Ledger {
    pub fn new(kept_max: usize) -> Self {
        Self {
            all: Counter::new(0),
            models: Named::new(),
            keys: Named::new(),
            kept: VecDeque::new(),
            kept_max,
            ended: 0,
            dropped: 0,
            file_dropped: 0,
        }
    }

    pub fn begin(&mut self, at: Duration, model: &str, key: &str) -> Places {
        let places = Places { model: self.models.place(model), key: self.keys.place(key) };
        self.all.begin(at);
        self.models.at(places.model).begin(at);
        self.keys.at(places.key).begin(at);
        places
    }

    /// `record` gets the number that the call ends with. When the ring is full, the oldest goes.
    pub fn end(
        &mut self,
        places: Places,
        status: u16,
        record: impl FnOnce(u64) -> CallRecord,
    ) -> Arc<CallRecord> {
        self.all.end(status);
        self.models.at(places.model).end(status);
        self.keys.at(places.key).end(status);
        self.ended += 1;
        let record = Arc::new(record(self.ended));
        self.kept.push_back(record.clone());
        if self.kept.len() > self.kept_max {
            self.kept.pop_front();
            self.dropped += 1;
        }
        record
    }

    /// Up to `limit` calls that ended after number `after`, in order.
    pub fn calls(&self, after: u64, limit: usize) -> Vec<Arc<CallRecord>> {
        let from = self.kept.partition_point(|record| record.seq <= after);
        self.kept.range(from..).take(limit).cloned().collect()
    }

    /// Forgets what has ended. Numbers go on, so that a reader's cursor stays good.
    pub fn reset(&mut self) {
        self.all.reset();
        self.models.reset();
        self.keys.reset();
        self.kept.clear();
        (self.dropped, self.file_dropped) = (0, 0);
    }

    pub fn stats(&self) -> Stats {
        Stats {
            all: self.all.view(),
            calls_kept: self.kept.len() as u64,
            calls_dropped: self.dropped,
            file_dropped: self.file_dropped,
            models: self.models.view(),
            keys: self.keys.view(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(calls: u64, kept_max: usize) -> Ledger {
        let mut ledger = Ledger::new(kept_max);
        for _ in 0..calls {
            let places = ledger.begin(Duration::ZERO, "echo", "none");
            ledger.end(places, 200, record);
        }
        ledger
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
            streamed: false,
        }
    }

    fn seqs(ledger: &Ledger, after: u64, limit: usize) -> Vec<u64> {
        ledger.calls(after, limit).iter().map(|record| record.seq).collect()
    }

    #[test]
    fn a_full_ring_drops_the_oldest_and_says_so() {
        let ledger = ledger(10, 3);

        assert_eq!(seqs(&ledger, 0, 100), [8, 9, 10]);
        assert_eq!((ledger.stats().calls_kept, ledger.stats().calls_dropped), (3, 7));
    }

    #[test]
    fn pages_continue_after_the_cursor() {
        let ledger = ledger(10, 100);

        assert_eq!(seqs(&ledger, 0, 2), [1, 2]);
        assert_eq!(seqs(&ledger, 8, 100), [9, 10]);
        assert_eq!(seqs(&ledger, 10, 100), [] as [u64; 0]);
    }

    #[test]
    fn numbers_go_on_after_a_reset() {
        let mut ledger = ledger(10, 3);

        ledger.reset();
        let places = ledger.begin(Duration::ZERO, "echo", "none");
        ledger.end(places, 429, record);

        assert_eq!(seqs(&ledger, 0, 100), [11]);
        assert_eq!((ledger.stats().all.calls, ledger.stats().calls_dropped), (1, 0));
    }
}
