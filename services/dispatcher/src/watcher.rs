use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use runmill_proto::RunId;
use runmill_runtime::Clock;
use runmill_store::{RunReader, StoreError};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// `seq` of each run's last event, as of the last poll.
pub type Versions = Arc<HashMap<RunId, u64>>;

/// Polls the store for new events, once for all observers. Its result is a hint: observers read the events themselves.
#[derive(Clone)]
pub struct Watcher {
    versions: watch::Sender<Versions>,
    wanted: Arc<Notify>,
}

/// Period of the poll. It also limits the `run_progress` events of a stream to five a second.
const PERIOD: Duration = Duration::from_millis(200);
/// Time for which a run is still reported after its end. An observer that polls later finds the end in the run's row.
const ENDED_WITHIN: SignedDuration = SignedDuration::from_secs(60);

impl Default for Watcher {
    fn default() -> Self {
        Self { versions: watch::Sender::new(Versions::default()), wanted: Arc::default() }
    }
}

impl Watcher {
    /// Returns a receiver that sees every change from now on.
    pub fn subscribe(&self) -> watch::Receiver<Versions> {
        let receiver = self.versions.subscribe();
        self.wanted.notify_one();
        receiver
    }

    /// Polls every [`PERIOD`] while there is a subscriber, until `stop`.
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

/// Returns the runs that have not ended, or ended a short time ago, each with the `seq` of its last event.
pub async fn look(runs: &dyn RunReader, clock: &Clock) -> Result<HashMap<RunId, u64>, StoreError> {
    let versions = runs.run_versions(clock.now() - ENDED_WITHIN).await?;
    Ok(versions.into_iter().map(|version| (version.run_id, version.seq)).collect())
}
