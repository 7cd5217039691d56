use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// All metrics of the log-sink. Dashboards and alerts depend on these names.
#[derive(Clone)]
pub struct LogSinkMetrics {
    pub messages: IntCounterVec,
    pub write_seconds: Histogram,
    pub write_failures: IntCounter,
    pub unwritten: IntGauge,
    pub blocked_seconds: Gauge,
}

/// Result of handling a message, as a label.
#[derive(Clone, Copy, Debug)]
pub enum MessageEnd {
    Written,
    Redelivered,
    Orphaned,
    DeadLettered,
}

impl MessageEnd {
    const ALL: [Self; 4] = [Self::Written, Self::Redelivered, Self::Orphaned, Self::DeadLettered];

    const fn label(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Redelivered => "redelivered",
            Self::Orphaned => "orphaned",
            Self::DeadLettered => "dead_lettered",
        }
    }
}

/// Buckets in seconds. A batch of a thousand messages takes some tens of milliseconds.
const WRITE_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

impl LogSinkMetrics {
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            messages: IntCounterVec::new(
                Opts::new("runmill_log_sink_messages_total", "Messages of executors, by how they ended."),
                &["end"],
            )?,
            write_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "runmill_log_sink_write_seconds",
                    "Duration of the transaction that writes a batch.",
                )
                .buckets(WRITE_BUCKETS.to_vec()),
            )?,
            write_failures: IntCounter::new(
                "runmill_log_sink_write_failures_total",
                "Transactions that failed and are tried again.",
            )?,
            unwritten: IntGauge::new(
                "runmill_log_sink_unwritten_messages",
                "Messages held now whose batch is not committed.",
            )?,
            blocked_seconds: Gauge::new(
                "runmill_log_sink_blocked_seconds",
                "Time for which the store has refused the messages that wait longest; 0 while it accepts them.",
            )?,
        };
        for end in MessageEnd::ALL {
            // Registers the series at zero, so that it is not absent before the first message.
            metrics.messages.with_label_values(&[end.label()]);
        }
        registry.register(Box::new(metrics.messages.clone()))?;
        registry.register(Box::new(metrics.write_seconds.clone()))?;
        registry.register(Box::new(metrics.write_failures.clone()))?;
        registry.register(Box::new(metrics.unwritten.clone()))?;
        registry.register(Box::new(metrics.blocked_seconds.clone()))?;
        Ok(metrics)
    }

    pub fn count(&self, end: MessageEnd, messages: u64) {
        self.messages.with_label_values(&[end.label()]).inc_by(messages);
    }
}
