use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_store::{LogBatch, LogWriter, StoreError, Written};
use tokio::sync::watch;

/// A store that accepts everything, unless it is told not to.
#[derive(Clone)]
pub struct ScriptedStore {
    pub state: watch::Sender<State>,
    /// Ordinal of a job that can never be written.
    unwritable: Option<u32>,
    written: Arc<Mutex<Vec<u32>>>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct State {
    pub is_down: bool,
    /// Number of attempts to write.
    pub tries: u32,
}

impl ScriptedStore {
    pub fn new(is_down: bool, unwritable: Option<u32>) -> Self {
        Self { state: watch::Sender::new(State { is_down, tries: 0 }), unwritable, written: Arc::default() }
    }

    pub fn come_back(&self) {
        self.state.send_modify(|state| state.is_down = false);
    }

    pub fn tries(&self) -> u32 {
        self.state.borrow().tries
    }

    /// Returns the ordinals of the jobs written, in order.
    pub fn written(&self) -> Vec<u32> {
        self.written.lock().unwrap().clone()
    }
}

#[async_trait]
impl LogWriter for ScriptedStore {
    async fn write_logs(&self, batch: &LogBatch, _now: Timestamp) -> Result<Written, StoreError> {
        let ordinals: Vec<u32> = batch.0.iter().map(|entry| entry.key().ordinal).collect();
        let is_down = self.state.borrow().is_down;
        let result = if is_down {
            Err(StoreError::Unavailable("gone for lunch".into()))
        } else if self.unwritable.is_some_and(|ordinal| ordinals.contains(&ordinal)) {
            Err(StoreError::Broken("no row takes that".into()))
        } else {
            self.written.lock().unwrap().extend(&ordinals);
            Ok(Written { results: ordinals.len() as u64, ..Written::default() })
        };
        // Counted last, so that a test that waits for the attempt sees its result.
        self.state.send_modify(|state| state.tries += 1);
        result
    }
}
