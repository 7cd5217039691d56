use std::{sync::Arc, time::Duration};

use anyhow::Context;
use runmill_broker::{Queue, SharedBroker};
use runmill_proto::ProviderId;
use runmill_quota::Gate;
use tokio::time::interval;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::job::JobRunner;

/// How soon a changed limit reaches the broker.
const LIMIT_CHECK: Duration = Duration::from_millis(500);

/// One provider's jobs on this executor.
pub struct Lane {
    pub provider_id: ProviderId,
    pub gate: Arc<Gate>,
    pub runner: Arc<JobRunner>,
}

impl Lane {
    /// Takes jobs until `stop`, each a task of its own; then hands back what has not started, and waits for the rest.
    pub async fn run(self, broker: SharedBroker, stop: CancellationToken) -> anyhow::Result<()> {
        let mut prefetch = prefetch(self.gate.limit());
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
                    let wanted = self::prefetch(self.gate.limit());
                    if wanted != prefetch {
                        prefetch = wanted;
                        jobs.set_prefetch(prefetch).await;
                    }
                }
                delivery = jobs.next() => match delivery {
                    Some(delivery) => {
                        let (runner, gate, stop) = (self.runner.clone(), self.gate.clone(), stop.clone());
                        tasks.spawn(async move { runner.work(delivery, gate, stop).await });
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

/// What may start now, and a little more, so that a slot that frees itself need not wait for the broker. More would
/// keep jobs from other executors.
fn prefetch(concurrency: u32) -> u16 {
    let lookahead = (concurrency / 4).clamp(1, 4);
    let jobs = if concurrency == 0 { 0 } else { concurrency.saturating_add(lookahead) };
    u16::try_from(jobs).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefetch_is_what_may_start_and_a_little_more() {
        for (concurrency, want) in [(0, 0), (1, 2), (8, 10), (20, 24), (1_000, 1_004), (70_000, u16::MAX)] {
            assert_eq!(prefetch(concurrency), want, "{concurrency}");
        }
    }
}
