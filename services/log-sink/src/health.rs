use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU16, Ordering},
};

/// Whether the store takes what is written, as the writers last saw it.
#[derive(Clone, Debug, Default)]
pub struct StoreHealth(Arc<Mutex<Option<String>>>);

impl StoreHealth {
    /// `Err` says since which error nothing could be written.
    pub fn check(&self) -> Result<(), String> {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fault.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn set(&self, fault: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

/// Whether every partition of the logs is taken from: until then executors may find queues that are not there.
#[derive(Clone, Debug)]
pub struct Intake {
    /// Partitions that are not.
    missing: Arc<AtomicU16>,
}

impl Intake {
    pub fn new(partitions: u16) -> Self {
        Self { missing: Arc::new(AtomicU16::new(partitions)) }
    }

    /// `Err` says how many partitions are missing.
    pub fn check(&self) -> Result<(), String> {
        match self.missing.load(Ordering::Relaxed) {
            0 => Ok(()),
            missing => Err(format!("{missing} partitions are not taken from yet")),
        }
    }

    pub(crate) fn begin_one(&self) {
        self.missing.fetch_sub(1, Ordering::Relaxed);
    }
}
