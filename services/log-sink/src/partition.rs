use std::time::Duration;

use anyhow::Context;
use runmill_broker::{Delivery, Envelope, Queue, Subscription};
use runmill_proto::message::{Control, Evaluation};
use runmill_store::{LogBatch, StoreError, Written};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    LogSink,
    batch::{self, Batch},
    memory::{Bounds, PREFETCH_MAX, Prefetch},
    metrics::MessageEnd,
    pace::Pace,
};

/// Pause between two attempts to write while the store is unavailable.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Time after which a stopping log-sink begins no further batch.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// One partition of the logs, from which messages are taken.
struct Partition<'a> {
    writer: Writer<'a>,
    subscription: Box<dyn Subscription>,
    bounds: Bounds,
    prefetch: Prefetch,
    pace: Pace,
}

/// Writes messages of one partition to the store.
struct Writer<'a> {
    sink: &'a LogSink,
    partition: u16,
    stop: &'a CancellationToken,
}

/// Writes the messages of one partition until `stop`, and then those that have already arrived.
pub async fn run(sink: &LogSink, number: u16, stop: &CancellationToken) -> anyhow::Result<()> {
    let subscription = sink.broker.subscribe(Queue::Logs(number), PREFETCH_MAX).await;
    let subscription = subscription.context("taking logs from the broker")?;
    if number < sink.partitions {
        sink.consumer_health.one_began();
    }
    let bounds = Bounds::new(sink.partitions);
    let writer = Writer { sink, partition: number, stop };
    let prefetch = Prefetch::new(bounds);
    Partition { writer, subscription, bounds, prefetch, pace: Pace::new() }.run().await;
    Ok(())
}

impl Partition<'_> {
    async fn run(mut self) {
        while let Some(Some(first)) = self.writer.stop.run_until_cancelled(self.subscription.next()).await {
            self.write_from(first).await;
        }
        let drained = Instant::now() + DRAIN_MAX;
        while Instant::now() < drained
            && let Ok(Some(first)) = timeout(self.writer.sink.drain_wait, self.subscription.next()).await
        {
            self.write_from(first).await;
        }
        self.subscription.stop().await;
    }

    /// Writes the batch that begins with `first`. The stop does not cancel the collection of the batch: the messages
    /// taken so far would be dropped, and in a standalone process no other log-sink would get them.
    async fn write_from(&mut self, first: Delivery) {
        let (bytes_max, until) = (self.bounds.batch_max(), self.pace.next());
        let metrics = &self.writer.sink.metrics;
        let batch = Batch::collect(first, &mut *self.subscription, bytes_max, until, metrics).await;
        if batch.len() == 0 {
            return;
        }
        // The prefetch is lowered before the write, because more messages arrive while the store is waited for.
        if let Some(prefetch) = self.prefetch.after(batch.len(), batch.bytes) {
            self.subscription.set_prefetch(prefetch).await;
        }
        let began = Instant::now();
        self.settle(batch).await;
        self.pace.wrote(began);
    }

    /// Writes the batch and acks it, however long the store is unavailable. If the stop comes first, the messages stay
    /// unacked, and another log-sink gets them.
    async fn settle(&mut self, batch: Batch) {
        let Batch { mut deliveries, entries, evaluations, spans: _until_settled, bytes: _ } = batch;
        // They come first, because the ack of the others includes all messages before them.
        if self.writer.settle_evaluations(evaluations).await.is_none() || deliveries.is_empty() {
            return;
        }
        let unwritten = &self.writer.sink.metrics.unwritten;
        unwritten.add(entries.0.len().try_into().unwrap_or(i64::MAX));
        match self.writer.write(Work::Logs(&entries)).await {
            Some(Ok(())) => {
                let last = deliveries.pop().expect("an empty batch is not settled");
                log_failure(self.subscription.ack_through(last).await);
            }
            Some(Err(RowRefused(_))) => self.writer.settle_one_by_one(deliveries, &entries).await,
            None => {}
        }
        unwritten.sub(entries.0.len().try_into().unwrap_or(i64::MAX));
    }
}

impl Writer<'_> {
    /// Writes parts of evaluations, each alone, and acks them. Returns `None` if the stop comes first.
    async fn settle_evaluations(&self, evaluations: Vec<(Delivery, Evaluation)>) -> Option<()> {
        for (delivery, evaluation) in evaluations {
            match self.write(Work::Evaluation(&evaluation)).await? {
                Ok(()) => log_failure(delivery.ack().await),
                Err(RowRefused(reason)) => batch::dead_letter(delivery, &reason, &self.sink.metrics).await,
            }
        }
        Some(())
    }

    /// Writes each message of a batch alone, because the store refuses a row of one of them: that one is dead-lettered.
    async fn settle_one_by_one(&self, deliveries: Vec<Delivery>, entries: &LogBatch) {
        for (delivery, entry) in deliveries.into_iter().zip(&entries.0) {
            match self.write(Work::Logs(&LogBatch(vec![entry.clone()]))).await {
                Some(Ok(())) => log_failure(delivery.ack().await),
                Some(Err(RowRefused(reason))) => {
                    batch::dead_letter(delivery, &reason, &self.sink.metrics).await;
                }
                None => return,
            }
        }
    }

    /// Retries until the store accepts the entries. Returns `None` if the stop comes first, and an error only if the store
    /// refuses a row by itself. Anything else may pass, or be corrected by an operator, and the entries are paid answers.
    async fn write(&self, work: Work<'_>) -> Option<Result<(), RowRefused>> {
        loop {
            match self.try_write(work).await {
                Ok(()) => return Some(Ok(())),
                Err(error) if error.is_of_the_row() => return Some(Err(RowRefused(error.to_string()))),
                Err(_waited_out) => {}
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(RETRY_PAUSE) => {}
            }
        }
    }

    async fn try_write(&self, work: Work<'_>) -> Result<(), StoreError> {
        let LogSink { metrics, results, store_health, .. } = self.sink;
        let (timer, now) = (metrics.write_seconds.start_timer(), self.sink.clock.now());
        let (messages, written) = match work {
            Work::Logs(entries) => (entries.0.len(), results.write_logs(entries, now).await),
            Work::Evaluation(part) => (1, results.write_evaluation(part, now).await),
        };
        match written {
            Ok(written) => {
                timer.observe_duration();
                if let Work::Logs(entries) = work {
                    metrics.observe_lag(entries, self.sink.clock.now());
                }
                store_health.written(self.partition);
                metrics.blocked_seconds.set(store_health.blocked_for().as_secs_f64());
                announce(self.sink, messages, &written).await;
                Ok(())
            }
            Err(error) => {
                timer.stop_and_discard();
                metrics.write_failures.inc();
                tracing::warn!(event = "log_sink.write_failed", %error, messages);
                if !error.is_of_the_row() {
                    store_health.failed(self.partition, error.to_string());
                }
                metrics.blocked_seconds.set(store_health.blocked_for().as_secs_f64());
                Err(error)
            }
        }
    }
}

/// Messages that are written in one transaction.
#[derive(Clone, Copy)]
enum Work<'a> {
    Logs(&'a LogBatch),
    Evaluation(&'a Evaluation),
}

/// The store refuses a row by itself, for this reason.
struct RowRefused(String);

/// Counts the messages written, and tells executors which runs were paused.
async fn announce(sink: &LogSink, messages: usize, written: &Written) {
    let known = messages as u64 - written.redelivered - written.orphaned;
    sink.metrics.count(MessageEnd::Written, known);
    sink.metrics.count(MessageEnd::Redelivered, written.redelivered);
    sink.metrics.count(MessageEnd::Orphaned, written.orphaned);
    for &run_id in &written.paused {
        // If this fails, executors find the pause in the store.
        if let Err(error) = sink.broker.broadcast(Envelope::new(&Control::RunPaused { run_id })).await {
            tracing::warn!(event = "log_sink.broadcast_failed", %run_id, %error);
        }
    }
}

/// Logs an ack that failed. That is harmless: the messages are delivered again, and writing them again changes nothing.
fn log_failure(acked: Result<(), runmill_broker::BrokerError>) {
    if let Err(error) = acked {
        tracing::warn!(event = "log_sink.settle_failed", %error, "written messages will be delivered again");
    }
}
