//! How many executors the fleet can use.
//!
//! The queues are short by design, so their length says nothing. What says it is what could be in flight now: for each
//! provider the jobs and calls there are, within its limits ([`lane`]), over what one executor carries ([`need`]). The number
//! rises at once, and falls after a while without need ([`window`]). The needs of that while are in the store, so every
//! dispatcher tells the same number, whichever of them feeds.

mod lane;
mod need;
mod reading;
mod starting;
#[cfg(test)]
mod tests;
mod waiting;
mod window;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use runmill_proto::api::{Scaling, ScalingLane};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, StoreError};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use self::{
    lane::Carried,
    reading::{Moment, Sources},
    window::Window,
};
use crate::{executors, metrics::DispatcherMetrics};
pub use starting::Starting;
pub use waiting::Waiting;

/// Interval of the looks, and the age up to which one is told again.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// Pause after a look that failed.
const PAUSE: Duration = Duration::from_secs(5);

/// Operator's settings of the number of executors.
#[derive(Clone, Copy, Debug)]
pub struct ScalingSettings {
    /// Number of calls in flight that one executor is given.
    pub executor_calls: u32,
    /// Time for which a need holds after it was last seen.
    pub scale_down: Duration,
    /// Time for which clients' calls and requests are held that no executor takes.
    pub hold: Duration,
}

impl Default for ScalingSettings {
    fn default() -> Self {
        Self { executor_calls: 256, scale_down: Duration::from_mins(2), hold: Duration::from_mins(1) }
    }
}

/// Tells how many executors the fleet can use.
#[derive(Clone)]
pub struct Scaler {
    pub store: Arc<dyn DispatcherStore>,
    pub clock: Clock,
    pub metrics: DispatcherMetrics,
    pub waiting: Waiting,
    pub settings: ScalingSettings,
    /// Maximum number of calls in flight per executor for a provider that states no limit.
    pub lane_concurrency: u32,
    pub last: Arc<Mutex<Option<(Instant, Scaling)>>>,
}

impl Scaler {
    /// Keeps the metrics up to date, and the other dispatchers, until `stop`.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut pause = Duration::ZERO;
        loop {
            let next = async {
                tokio::select! {
                    () = sleep(pause) => {}
                    () = self.waiting.rung() => *self.last.lock().await = None,
                }
            };
            if stop.run_until_cancelled(next).await.is_none() {
                return Ok(());
            }
            pause = match self.scaling().await {
                Ok(_) => LOOKS_EVERY,
                Err(error) => {
                    tracing::warn!(event = "scaling.look_failed", %error);
                    PAUSE
                }
            };
        }
    }

    /// Returns the numbers of this moment, or those of less than a second ago.
    pub async fn scaling(&self) -> Result<Scaling, StoreError> {
        let mut last = self.last.lock().await;
        if let Some((at, scaling)) = &*last
            && at.elapsed() < LOOKS_EVERY
        {
            return Ok(scaling.clone());
        }
        let at = Instant::now();
        let scaling = self.look().await?;
        *last = Some((at, scaling.clone()));
        Ok(scaling)
    }

    async fn look(&self) -> Result<Scaling, StoreError> {
        let now = self.clock.now();
        let living = executors::alive(&*self.store, &self.clock).await?;
        let draining = count(living.iter().filter(|executor| executor.draining).count());
        let executors = count(living.len()) - draining;
        let carried = Carried {
            executor_calls: self.settings.executor_calls,
            lane_concurrency: self.lane_concurrency,
            executors,
        };
        let sources = Sources {
            store: &*self.store,
            now,
            runs: self.store.active_runs().await?,
            executors: living,
            fleet: self.store.fleet().await?.1,
            workspace: self.store.settings().await?.0,
            open: self.waiting.counts(),
            carried,
        };
        let Moment { work, providers } = sources.moment().await?;
        let executors_needed = work.executors();
        let lanes = work.lanes.iter().zip(providers).map(|(lane, (provider, cooldown_until))| {
            let (limit_in_flight, limited_by) = lane.limits.in_flight(&carried);
            let wanted_in_flight = lane.wanted_in_flight(&carried);
            ScalingLane {
                provider_id: provider.id,
                provider: provider.name,
                wanted_in_flight,
                waiting: lane.demand().saturating_sub(lane.in_flight),
                in_flight: lane.in_flight,
                limit_in_flight,
                limited_by,
                executors_needed: lane.executors(&carried),
                cooldown_until,
            }
        });
        let mut lanes: Vec<_> = lanes.collect();
        lanes.sort_by(|a, b| (&a.provider, a.provider_id).cmp(&(&b.provider, b.provider_id)));
        let scaling = Scaling {
            executors_wanted: self.wanted(executors_needed, now).await?,
            executors_needed,
            executors,
            draining,
            executor_calls: carried.executor_calls,
            wanted_in_flight: work.wanted_in_flight(),
            requests: work.requests,
            lanes,
        };
        self.metrics.executors_wanted.set(scaling.executors_wanted.into());
        self.metrics.executors_alive.set(scaling.executors.into());
        Ok(scaling)
    }

    /// Returns the number of executors that should run, and tells the other dispatchers what is new to them.
    async fn wanted(&self, needed: u32, now: Timestamp) -> Result<u32, StoreError> {
        let window = Window::new(self.settings.scale_down);
        let since = window.since(now);
        let wanted = window.wanted(&self.store.needs(since).await?, needed, now);
        if let Some(news) = wanted.news {
            self.store.record_need(news, since).await?;
        }
        Ok(wanted.executors)
    }
}

fn count(executors: usize) -> u32 {
    u32::try_from(executors).unwrap_or(u32::MAX)
}
