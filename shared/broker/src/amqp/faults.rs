use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use crate::{BrokerError, HealthError};

/// Queues that could not be declared or taken from, so that readiness names them.
#[derive(Default)]
pub(super) struct Faults(Mutex<BTreeMap<String, Fault>>);

struct Fault {
    reason: String,
    seen_at: Instant,
}

impl Faults {
    /// Time after which a fault that was not seen again no longer counts. Whoever needs the queue tries it more often.
    const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

    /// Notes the outcome of an attempt to use a queue.
    pub fn note<T>(&self, queue: &str, outcome: &Result<T, BrokerError>) {
        let mut faults = self.lock();
        match outcome {
            Ok(_) => faults.remove(queue),
            Err(BrokerError::Closed) => None,
            Err(error) => {
                let fault = Fault { reason: error.to_string(), seen_at: Instant::now() };
                faults.insert(queue.to_owned(), fault)
            }
        };
    }

    /// Notes the outcome of one of many attempts, and logs a failure. The link says once for all queues that the
    /// connection is lost, possibly later than a queue meets it, so that is no warning here.
    pub fn note_attempt<T>(&self, queue: &str, failures: u32, outcome: &Result<T, BrokerError>) {
        self.note(queue, outcome);
        match outcome {
            Ok(_) => {}
            Err(error @ BrokerError::Unreachable { .. }) => {
                tracing::debug!(%error, queue, failures, "queue not yet usable");
            }
            Err(error) => tracing::warn!(%error, queue, failures, "queue not yet usable"),
        }
    }

    /// Returns an error with the first of the queues that cannot be used.
    pub fn check(&self) -> Result<(), HealthError> {
        let mut faults = self.lock();
        faults.retain(|_, fault| fault.seen_at.elapsed() < Self::FORGOTTEN_AFTER);
        match faults.iter().next() {
            Some((queue, fault)) => {
                Err(HealthError::Queue { queue: queue.clone(), reason: fault.reason.clone() })
            }
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Fault>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}
