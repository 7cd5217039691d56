use std::{sync::Arc, time::Duration};

use anyhow::Context;
use runmill_broker::{Queue, SharedBroker};
use runmill_proto::ProviderId;
use tokio::time::interval;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{job::JobRunner, slots::Slots};

/// How soon a changed limit, or another pace of the broker, changes the prefetch.
const LIMIT_CHECK: Duration = Duration::from_millis(250);

/// One provider's jobs on this executor.
pub struct Lane {
    pub provider_id: ProviderId,
    pub slots: Arc<Slots>,
    pub runner: Arc<JobRunner>,
}

impl Lane {
    /// Takes jobs until `stop`, each a task of its own; then hands back what has not started, and waits for the rest.
    pub async fn run(self, broker: SharedBroker, stop: CancellationToken) -> anyhow::Result<()> {
        let mut prefetch = self.slots.prefetch(0);
        let mut jobs = broker
            .subscribe(Queue::Jobs(self.provider_id), prefetch)
            .await
            .with_context(|| format!("taking jobs of {}", self.provider_id))?;
        // Not more tasks than the prefetch lets us hold deliveries.
        let tasks = TaskTracker::new();
        let mut limit_check = interval(LIMIT_CHECK);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = limit_check.tick() => {
                    let wanted = self.slots.prefetch(prefetch);
                    if wanted != prefetch {
                        prefetch = wanted;
                        jobs.set_prefetch(prefetch).await;
                    }
                }
                delivery = jobs.next() => match delivery {
                    Some(delivery) => {
                        let (runner, slots, stop) = (self.runner.clone(), self.slots.clone(), stop.clone());
                        tasks.spawn(async move { runner.work(delivery, &slots, &stop).await });
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
