use std::{sync::Arc, time::Duration};

use runmill_broker::{BrokerError, Queue, SharedBroker, Subscription};
use runmill_proto::ProviderId;
use runmill_quota::Lane;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{LaneHealth, opening::open};
use crate::job::Pipeline;

/// Takes one provider's jobs.
pub(super) struct LaneConsumer {
    pub provider_id: ProviderId,
    pub lane: Arc<Lane>,
    pub pipeline: Arc<Pipeline>,
    pub health: LaneHealth,
}

impl LaneConsumer {
    /// Takes jobs from the queue until `stop`, and runs each as a task of its own. Then requeues the jobs that have
    /// not started, and waits for the others. A lane that cannot be consumed is tried again, and stops no other.
    pub async fn run(self, broker: SharedBroker, stop: CancellationToken) {
        let prefetch = || prefetch(*self.lane.startable().borrow());
        let queue = Queue::Jobs(self.provider_id);
        let opened = open(&broker, queue, prefetch, &stop, |error, wait| self.note(error, wait)).await;
        self.health.clear(self.provider_id);
        if let Some((jobs, prefetch)) = opened {
            self.consume(jobs, prefetch, &stop).await;
        }
    }

    fn note(&self, error: &BrokerError, wait: Duration) {
        tracing::error!(
            event = "executor.lane_not_consumed",
            provider_id = %self.provider_id,
            %error,
            wait_s = wait.as_secs(),
            "no jobs of this provider are taken; this is tried again"
        );
        self.health.set_fault(self.provider_id, error.to_string());
    }

    async fn consume(&self, mut jobs: Box<dyn Subscription>, mut prefetch: u16, stop: &CancellationToken) {
        let (mut startable, mut in_check) = (self.lane.startable(), self.pipeline.in_check());
        let mut beside = 0;
        // The prefetch may have changed while the queue was opened.
        startable.mark_changed();
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(_) = tasks.join_next() => {}
                () = changed(&mut startable, &mut in_check) => {
                    beside = self::beside(beside, *in_check.borrow_and_update());
                    let wanted = self::prefetch(*startable.borrow_and_update()).saturating_add(beside);
                    if wanted != prefetch {
                        prefetch = wanted;
                        jobs.set_prefetch(prefetch).await;
                    }
                }
                // The prefetch bounds the tasks of one connection; those of lost connections go on beside them.
                delivery = jobs.next(), if tasks.len() < tasks_max(prefetch) => match delivery {
                    Some(delivery) => {
                        let (pipeline, stop) = (self.pipeline.clone(), stop.clone());
                        tasks.spawn(async move { Box::pin(pipeline.work(delivery, stop)).await });
                    }
                    None => break,
                },
            }
        }
        jobs.stop().await;
        while tasks.join_next().await.is_some() {}
    }
}

/// Waits until one of the two numbers changes.
async fn changed(startable: &mut watch::Receiver<u32>, in_check: &mut watch::Receiver<usize>) {
    // The senders live as long as the lane and the pipeline, which outlive this wait.
    tokio::select! {
        _ = startable.changed() => {}
        _ = in_check.changed() => {}
    }
}

/// Returns the number of jobs to take beside those that may start. Jobs that may be copies use no slot before it is known
/// if they are called, and are to be known soon: a dead executor's jobs may be many more than another's share. The number is
/// lowered only when no job is in check, because a lower prefetch returns messages to the queue.
fn beside(before: u16, in_check: usize) -> u16 {
    if in_check == 0 { 0 } else { before.max(u16::try_from(in_check).unwrap_or(u16::MAX).min(IN_CHECK_MAX)) }
}

/// Maximum number of jobs in check for which others are taken.
const IN_CHECK_MAX: u16 = 256;

/// Returns the maximum number of tasks. Jobs of a lost connection stay in hand, and are delivered again to be recognised,
/// while the new connection brings others.
fn tasks_max(prefetch: u16) -> usize {
    (2 * usize::from(prefetch)).max(TASKS_MIN)
}

/// Number of tasks that there may be at any prefetch, which becomes zero while a lane is paused.
const TASKS_MIN: usize = 64;

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
