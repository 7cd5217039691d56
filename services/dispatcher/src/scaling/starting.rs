//! Holds clients' calls and requests that no executor takes while the fleet starts from zero.

use std::{sync::Arc, time::Duration};

use runmill_proto::{ProviderId, api::ExecutorStatus};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, StoreError};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use super::waiting::{Open, Waiting};
use crate::executors;

/// Interval of the looks for an executor. All that is held at one time shares them.
const LOOKS_EVERY: Duration = Duration::from_millis(250);
/// Longest pause between two tries of a call that an executor seems to take.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Tells when there is an executor for what waits.
#[derive(Clone)]
pub struct Starting {
    store: Arc<dyn DispatcherStore>,
    clock: Clock,
    waiting: Waiting,
    /// Time for which a call or a request is held.
    within: Duration,
    seen: Arc<Mutex<Option<Seen>>>,
}

/// Living executors, as the store had them.
#[derive(Clone)]
struct Seen {
    at: Instant,
    executors: Arc<Vec<ExecutorStatus>>,
}

/// Time that is left for a call or a request.
pub struct Hold {
    until: Instant,
    pause: Duration,
}

impl Starting {
    pub fn new(store: Arc<dyn DispatcherStore>, clock: Clock, waiting: Waiting, within: Duration) -> Self {
        Self { store, clock, waiting, within, seen: Arc::default() }
    }

    /// Returns the longest time for which something is held.
    pub const fn within(&self) -> Duration {
        self.within
    }

    /// Counts a client's call as work until the result is dropped.
    pub fn call(&self, provider_id: ProviderId) -> Open {
        self.waiting.call(provider_id)
    }

    /// Counts a request as work until the result is dropped.
    pub fn request(&self) -> Open {
        self.waiting.request()
    }

    pub fn hold(&self) -> Hold {
        Hold { until: Instant::now() + self.within, pause: LOOKS_EVERY }
    }

    /// Waits until an executor takes the calls of the provider, to send a call again that nobody took. Returns false if
    /// there is none in time.
    pub async fn calls_are_taken(&self, provider_id: ProviderId, hold: &mut Hold) -> bool {
        let takes = |executor: &ExecutorStatus| {
            let mut lanes = executor.lanes.iter();
            !executor.draining && lanes.any(|lane| lane.provider_id == provider_id && lane.fault.is_none())
        };
        self.waiting.ring();
        while let Some(pause) = hold.next_pause() {
            sleep(pause).await;
            match self.executors().await {
                Ok(executors) if executors.iter().any(takes) => {
                    hold.pause = (2 * hold.pause).min(PAUSE_MAX);
                    return true;
                }
                Ok(_) => hold.pause = LOOKS_EVERY,
                Err(error) => tracing::debug!(event = "front_door.look_failed", %error),
            }
        }
        false
    }

    /// Returns true if the executor lives, or if that cannot be found out.
    pub async fn is_alive(&self, name: &str) -> bool {
        self.executors().await.map_or(true, |executors| executors.iter().any(|it| it.name == name))
    }

    /// Waits until an executor takes requests. Returns false if there is none in time.
    pub async fn requests_are_taken(&self) -> Result<bool, StoreError> {
        let takes = |executor: &ExecutorStatus| !executor.draining;
        let hold = self.hold();
        loop {
            if self.executors().await?.iter().any(takes) {
                return Ok(true);
            }
            let Some(pause) = hold.next_pause() else { return Ok(false) };
            self.waiting.ring();
            sleep(pause).await;
        }
    }

    async fn executors(&self) -> Result<Arc<Vec<ExecutorStatus>>, StoreError> {
        let mut seen = self.seen.lock().await;
        if let Some(Seen { at, executors }) = &*seen
            && at.elapsed() < LOOKS_EVERY
        {
            return Ok(executors.clone());
        }
        let at = Instant::now();
        let executors = Arc::new(executors::alive(&*self.store, &self.clock).await?);
        *seen = Some(Seen { at, executors: executors.clone() });
        Ok(executors)
    }
}

impl Hold {
    /// Returns the pause before the next look, or `None` if the time is over.
    fn next_pause(&self) -> Option<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| self.pause.min(left))
    }
}
