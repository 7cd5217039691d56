use std::sync::Arc;

use anyhow::Context;
use runmill_broker::{Queue, SharedBroker};
use runmill_proto::ProviderId;
use runmill_quota::Lane;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::job::Pipeline;

/// Takes one provider's jobs.
pub(super) struct LaneConsumer {
    pub provider_id: ProviderId,
    pub lane: Arc<Lane>,
    pub pipeline: Arc<Pipeline>,
}

impl LaneConsumer {
    /// Takes jobs from the queue until `stop`, and runs each as a task of its own. Then requeues the jobs that have
    /// not started, and waits for the others.
    pub async fn run(self, broker: SharedBroker, stop: CancellationToken) -> anyhow::Result<()> {
        let mut startable = self.lane.startable();
        let mut prefetch = prefetch(*startable.borrow_and_update());
        let mut jobs = broker
            .subscribe(Queue::Jobs(self.provider_id), prefetch)
            .await
            .with_context(|| format!("taking jobs of {}", self.provider_id))?;
        // The prefetch bounds the number of deliveries, and so the number of tasks.
        let tasks = TaskTracker::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Ok(()) = startable.changed() => {
                    let wanted = self::prefetch(*startable.borrow_and_update());
                    if wanted != prefetch {
                        prefetch = wanted;
                        jobs.set_prefetch(prefetch).await;
                    }
                }
                delivery = jobs.next() => match delivery {
                    Some(delivery) => {
                        let (pipeline, stop) = (self.pipeline.clone(), stop.clone());
                        tasks.spawn(async move { pipeline.work(delivery, stop).await });
                    }
                    None => break,
                },
            }
        }
        jobs.stop().await;
        tasks.close();
        tasks.wait().await;
        Ok(())
    }
}

/// Returns the number of jobs that may start now, plus a few, so that a free slot need not wait for the broker. More
/// would withhold jobs from other executors.
fn prefetch(startable: u32) -> u16 {
    let lookahead = (startable / 4).clamp(1, 4);
    let jobs = if startable == 0 { 0 } else { startable.saturating_add(lookahead) };
    u16::try_from(jobs).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefetch_is_what_may_start_and_a_little_more() {
        for (startable, want) in [(0, 0), (1, 2), (8, 10), (20, 24), (1_000, 1_004), (70_000, u16::MAX)] {
            assert_eq!(prefetch(startable), want, "{startable}");
        }
    }
}
