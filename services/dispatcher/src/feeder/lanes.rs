use std::{
    collections::{BTreeMap, HashMap, HashSet},
    panic,
    sync::Arc,
    time::Duration,
};

use runmill_proto::ProviderId;
use runmill_store::ActiveRun;
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, timeout},
};

use super::{Feeder, lane::LaneFeed, leading::Leading};

/// Lanes that one leader feeds, each by a task of its own, so that a lane whose queue is blocked delays no other.
#[derive(Default)]
pub struct Lanes {
    idle: HashMap<ProviderId, LaneFeed>,
    feeding: HashSet<ProviderId>,
    tasks: JoinSet<Fed>,
}

/// A lane after a pass, and the result of the pass.
type Fed = (ProviderId, LaneFeed, anyhow::Result<()>);

impl Lanes {
    /// Begins to feed every lane whose last pass has ended. `by_lane` has the active runs of each provider.
    pub fn start(
        &mut self,
        feeder: &Arc<Feeder>,
        leading: &Leading,
        by_lane: BTreeMap<ProviderId, Vec<ActiveRun>>,
    ) {
        self.idle.retain(|provider_id, _| by_lane.contains_key(provider_id));
        let now = Instant::now();
        for (provider_id, runs) in by_lane {
            if !self.feeding.insert(provider_id) {
                continue;
            }
            let mut lane = self.idle.remove(&provider_id).unwrap_or_else(|| LaneFeed::new(now));
            let (feeder, leading) = (feeder.clone(), leading.clone());
            self.tasks.spawn(async move {
                let fed = lane.feed(&feeder, &leading, provider_id, &runs, now).await;
                (provider_id, lane, fed)
            });
        }
    }

    /// Waits until no lane is being fed.
    pub async fn finish(&mut self, feeder: &Feeder) {
        while let Some(joined) = self.tasks.join_next().await {
            self.collect(feeder, joined);
        }
    }

    /// Waits until no lane is being fed, but at most `longest`. The others go on.
    pub async fn finish_within(&mut self, feeder: &Feeder, longest: Duration) {
        let _slow = timeout(longest, self.finish(feeder)).await;
    }

    fn collect(&mut self, feeder: &Feeder, joined: Result<Fed, JoinError>) {
        let (provider_id, lane, fed) = match joined {
            Ok(fed) => fed,
            // The memory of the lane is gone, so this process must not lead on as if it had it.
            Err(error) => panic::resume_unwind(error.into_panic()),
        };
        self.feeding.remove(&provider_id);
        self.idle.insert(provider_id, lane);
        if let Err(error) = fed {
            feeder.metrics.feed_failures.inc();
            tracing::warn!(event = "feeder.lane_failed", %provider_id, error = format!("{error:#}"));
        }
    }
}
