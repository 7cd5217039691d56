use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::message::Evaluation;
use runmill_store::{LogBatch, LogWriter, StoreError, Written};
use tokio::sync::watch;

/// Added to the attempt of a part of an evaluation, which stands among the ordinals that were written.
pub const EVALUATION: u32 = 1_000;

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
    pub fault: Option<Fault>,
    /// Number of attempts to write.
    pub tries: u32,
}

/// A fault of the whole store.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Down,
    /// The database answers, and not as it should.
    Broken,
}

impl Fault {
    fn error(self) -> StoreError {
        match self {
            Self::Down => StoreError::Unavailable("gone for lunch".into()),
            Self::Broken => StoreError::Broken("a row does not read".into()),
        }
    }
}

impl ScriptedStore {
    pub fn new(fault: Option<Fault>, unwritable: Option<u32>) -> Self {
        Self { state: watch::Sender::new(State { fault, tries: 0 }), unwritable, written: Arc::default() }
    }

    pub fn come_back(&self) {
        self.state.send_modify(|state| state.fault = None);
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
        let fault = self.state.borrow().fault;
        let result = if let Some(fault) = fault {
            Err(fault.error())
        } else if self.unwritable.is_some_and(|ordinal| ordinals.contains(&ordinal)) {
            Err(StoreError::RowRefused("no column takes that".into()))
        } else {
            self.written.lock().unwrap().extend(&ordinals);
            Ok(Written { results: ordinals.len() as u64, ..Written::default() })
        };
        // Counted last, so that a test that waits for the attempt sees its result.
        self.state.send_modify(|state| state.tries += 1);
        result
    }

    async fn write_evaluation(&self, part: &Evaluation, _now: Timestamp) -> Result<Written, StoreError> {
        let fault = self.state.borrow().fault;
        let result = match fault {
            Some(fault) => Err(fault.error()),
            None if self.unwritable == Some(part.attempt) => {
                Err(StoreError::RowRefused("no column takes that".into()))
            }
            None => {
                self.written.lock().unwrap().push(EVALUATION + part.attempt);
                Ok(Written::default())
            }
        };
        self.state.send_modify(|state| state.tries += 1);
        result
    }
}
