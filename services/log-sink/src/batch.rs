use runmill_broker::{Delivery, Envelope, Subscription};
use runmill_proto::{
    codec::{DecodeError, Message},
    message::{Deferred, Evaluation},
};
use runmill_store::{LogBatch, LogEntry};
use runmill_telemetry::trace;
use tokio::time::{Instant, timeout_at};
use tracing::Span;

use crate::metrics::{LogSinkMetrics, MessageEnd};

/// Maximum number of messages that one transaction writes.
const BATCH_MAX: usize = 1_000;

/// Unacked messages, decoded: `entries.0[n]` is the content of `deliveries[n]`.
pub struct Batch {
    pub deliveries: Vec<Delivery>,
    pub entries: LogBatch,
    /// Messages of LightEval, each with its content. They are few, and each is written alone.
    pub evaluations: Vec<(Delivery, Evaluation)>,
    pub spans: BatchSpans,
    /// Sum of the lengths of the messages' bodies.
    pub bytes: usize,
}

/// Spans of a batch and of its messages. They end when this is dropped.
pub struct BatchSpans {
    whole: Span,
    /// A span for each message, from its arrival on, in the trace of its job.
    rows: Vec<Span>,
}

impl Batch {
    /// Adds messages to `first` until the batch is full or has `bytes_max` bytes, the subscription ends, or it is `until` and no
    /// further message is there. Not cancel safe: the messages taken so far would be dropped.
    pub async fn collect(
        first: Delivery,
        subscription: &mut dyn Subscription,
        bytes_max: usize,
        until: Instant,
        metrics: &LogSinkMetrics,
    ) -> Self {
        let spans = BatchSpans::begin();
        let mut batch = Self {
            deliveries: Vec::new(),
            entries: LogBatch::default(),
            evaluations: Vec::new(),
            spans,
            bytes: 0,
        };
        batch.push(first, metrics).await;
        while batch.len() < BATCH_MAX && batch.bytes < bytes_max {
            match timeout_at(until, subscription.next()).await {
                Ok(Some(delivery)) => batch.push(delivery, metrics).await,
                Ok(None) | Err(_) => break,
            }
        }
        batch
    }

    /// Returns the number of messages.
    pub fn len(&self) -> usize {
        self.deliveries.len() + self.evaluations.len()
    }

    /// Adds a message. One that cannot be decoded is dead-lettered at once, so that it does not hold up the others.
    async fn push(&mut self, delivery: Delivery, metrics: &LogSinkMetrics) {
        match decode(&delivery.message) {
            Ok(Content::Evaluation(evaluation)) => {
                self.bytes += delivery.message.body.len();
                self.evaluations.push((delivery, evaluation));
            }
            Ok(Content::Log(entry)) => {
                self.spans.add(&entry, delivery.message.traceparent.as_deref());
                self.entries.0.push(entry);
                self.bytes += delivery.message.body.len();
                self.deliveries.push(delivery);
            }
            Err(error) => dead_letter(delivery, &error.to_string(), metrics).await,
        }
    }
}

impl BatchSpans {
    fn begin() -> Self {
        let whole = tracing::info_span!(target: trace::ONLY, parent: None, "results.write");
        Self { whole, rows: Vec::new() }
    }

    fn add(&mut self, entry: &LogEntry, traceparent: Option<&str>) {
        if self.whole.is_disabled() {
            return;
        }
        let key = entry.key();
        let row = tracing::info_span!(
            target: trace::ONLY,
            parent: None,
            "result.record",
            run_id = %key.run_id,
            ordinal = key.ordinal,
            sample = key.sample,
        );
        trace::continue_from(&row, traceparent);
        row.follows_from(&self.whole);
        self.rows.push(row);
    }
}

/// Dead-letters a message. If that fails it stays unacked, and is delivered again.
pub async fn dead_letter(delivery: Delivery, reason: &str, metrics: &LogSinkMetrics) {
    tracing::error!(
        event = "log_sink.dead_letter",
        message_id = %delivery.message.id,
        message_type = delivery.message.message_type,
        reason,
        "a message was dead-lettered"
    );
    metrics.count(MessageEnd::DeadLettered, 1);
    if let Err(error) = delivery.dead_letter(reason).await {
        tracing::warn!(event = "log_sink.settle_failed", %error, "the message will be delivered again");
    }
}

/// Content of a message.
enum Content {
    Log(LogEntry),
    Evaluation(Evaluation),
}

fn decode(message: &Envelope) -> Result<Content, DecodeError> {
    match message.message_type.as_str() {
        Deferred::TYPE => message.decode().map(|it| Content::Log(LogEntry::Deferred(Box::new(it)))),
        Evaluation::TYPE => message.decode().map(Content::Evaluation),
        _ => message.decode().map(|it| Content::Log(LogEntry::Invocation(Box::new(it)))),
    }
}
