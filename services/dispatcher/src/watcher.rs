use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use runmill_proto::RunId;
use runmill_runtime::Clock;
use runmill_store::{RunReader, StoreError};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// How far each run's events go, by the last look.
pub type Versions = Arc<HashMap<RunId, u64>>;

/// Looks once for all observers whether anything happened. What it says is a hint; observers read the store.
#[derive(Clone)]
pub struct Watcher {
    versions: watch::Sender<Versions>,
    wanted: Arc<Notify>,
}

/// Also the shortest time between two `run_progress` events of a stream: at most five a second.
const PERIOD: Duration = Duration::from_millis(200);
/// An observer that looks later than this after a run's end finds the end in the run's row.
const ENDED_WITHIN: SignedDuration = SignedDuration::from_secs(60);

impl Default for Watcher {
    fn default() -> Self {
        Self { versions: watch::Sender::new(Versions::default()), wanted: Arc::default() }
    }
}

impl Watcher {
    /// From now on the receiver sees every change.
    pub fn subscribe(&self) -> watch::Receiver<Versions> {
        let receiver = self.versions.subscribe();
        self.wanted.notify_one();
        receiver
    }

    /// Looks every [`PERIOD`] while anybody watches, until `stop`.
    pub async fn run(
        self,
        runs: Arc<dyn RunReader>,
        clock: Clock,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            let pause = async {
                if self.versions.receiver_count() == 0 {
                    self.wanted.notified().await;
                } else {
                    tokio::time::sleep(PERIOD).await;
                }
            };
            if stop.run_until_cancelled(pause).await.is_none() {
                return Ok(());
            }
            match look(&*runs, &clock).await {
                Ok(seen) => drop(self.versions.send_if_modified(|known| {
                    let changed = **known != seen;
                    if changed {
                        *known = Arc::new(seen);
                    }
                    changed
                })),
                Err(error) => tracing::warn!(event = "watcher.look_failed", %error),
            }
        }
    }
}

/// Runs that go on or ended lately, and how far their events go.
pub async fn look(runs: &dyn RunReader, clock: &Clock) -> Result<HashMap<RunId, u64>, StoreError> {
    let versions = runs.run_versions(clock.now() - ENDED_WITHIN).await?;
    Ok(versions.into_iter().map(|version| (version.run_id, version.seq)).collect())
}
