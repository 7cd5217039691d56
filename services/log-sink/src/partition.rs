use std::time::Duration;

use anyhow::Context;
use runmill_broker::{Delivery, Envelope, Queue, Subscription};
use runmill_proto::message::Control;
use runmill_store::{LogBatch, StoreError, Written};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    LogSink, StoreUnavailable,
    batch::{self, Batch},
    metrics::MessageEnd,
};

/// Number of messages of two batches, so that one arrives while the other is written. `RabbitMQ` allows no more for a
/// quorum queue.
const PREFETCH: u16 = 2_000;
/// Pause between two attempts to write while the store is unavailable.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Time that a stopping log-sink waits for one more message. The last messages of executors are then written here, and
/// need not be delivered again.
const DRAIN_WAIT: Duration = Duration::from_millis(100);
/// Time after which a stopping log-sink begins no further batch.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Writes the messages of one partition until `stop`, and then those that have already arrived.
pub async fn run(sink: &LogSink, partition: u16, stop: &CancellationToken) -> anyhow::Result<()> {
    let queue = Queue::Logs(partition);
    let mut subscription =
        sink.broker.subscribe(queue, PREFETCH).await.context("taking logs from the broker")?;
    if partition < sink.partitions {
        sink.consumer_health.one_began();
    }
    while let Some(Some(first)) = stop.run_until_cancelled(subscription.next()).await {
        write_from(sink, &mut *subscription, first, stop).await;
    }
    let drained = Instant::now() + DRAIN_MAX;
    while Instant::now() < drained
        && let Ok(Some(first)) = timeout(DRAIN_WAIT, subscription.next()).await
    {
        write_from(sink, &mut *subscription, first, stop).await;
    }
    subscription.stop().await;
    Ok(())
}

/// Writes the batch that begins with `first`. The stop does not cancel the collection of the batch: the messages
/// taken so far would be dropped, and in a standalone process no other log-sink would get them.
async fn write_from(
    sink: &LogSink,
    subscription: &mut dyn Subscription,
    first: Delivery,
    stop: &CancellationToken,
) {
    let batch = Batch::collect(first, subscription, &sink.metrics).await;
    if !batch.deliveries.is_empty() {
        settle(sink, subscription, batch, stop).await;
    }
}

/// Writes the batch and acks it, however long the store is unavailable. If the stop comes first, the messages stay
/// unacked, and another log-sink gets them.
async fn settle(sink: &LogSink, subscription: &mut dyn Subscription, batch: Batch, stop: &CancellationToken) {
    let Batch { mut deliveries, entries, spans: _until_settled } = batch;
    sink.metrics.unwritten.add(entries.0.len().try_into().unwrap_or(i64::MAX));
    match write(sink, &entries, stop).await {
        Some(Ok(())) => {
            let last = deliveries.pop().expect("an empty batch is not settled");
            log_failure(subscription.ack_through(last).await);
        }
        Some(Err(_)) => settle_one_by_one(sink, deliveries, &entries, stop).await,
        None => {}
    }
    sink.metrics.unwritten.sub(entries.0.len().try_into().unwrap_or(i64::MAX));
}

/// Writes each message of a batch alone, because one of them cannot be written: that one is dead-lettered.
async fn settle_one_by_one(
    sink: &LogSink,
    deliveries: Vec<Delivery>,
    entries: &LogBatch,
    stop: &CancellationToken,
) {
    for (delivery, entry) in deliveries.into_iter().zip(&entries.0) {
        match write(sink, &LogBatch(vec![entry.clone()]), stop).await {
            Some(Ok(())) => log_failure(delivery.ack().await),
            Some(Err(error)) => batch::dead_letter(delivery, &error.to_string(), &sink.metrics).await,
            None => return,
        }
    }
}

/// Retries until the store accepts the entries. Returns `None` if the stop comes first, and an error only if a retry would
/// not help.
async fn write(
    sink: &LogSink,
    entries: &LogBatch,
    stop: &CancellationToken,
) -> Option<Result<(), StoreError>> {
    loop {
        let timer = sink.metrics.write_seconds.start_timer();
        match sink.results.write_logs(entries, sink.clock.now()).await {
            Ok(written) => {
                timer.observe_duration();
                sink.store_health.set(None);
                announce(sink, entries, &written).await;
                return Some(Ok(()));
            }
            Err(error) => {
                timer.stop_and_discard();
                sink.metrics.write_failures.inc();
                tracing::warn!(event = "log_sink.write_failed", %error, messages = entries.0.len());
                if !error.is_transient() {
                    return Some(Err(error));
                }
                sink.store_health.set(Some(StoreUnavailable(error.to_string())));
            }
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(RETRY_PAUSE) => {}
        }
    }
}

/// Counts the messages written, and tells executors which runs were paused.
async fn announce(sink: &LogSink, entries: &LogBatch, written: &Written) {
    let known = entries.0.len() as u64 - written.redelivered - written.orphaned;
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
