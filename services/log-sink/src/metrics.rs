use jiff::Timestamp;
use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use runmill_store::LogBatch;

/// All metrics of the log-sink. Dashboards and alerts depend on these names.
#[derive(Clone)]
pub struct LogSinkMetrics {
    pub messages: IntCounterVec,
    pub write_seconds: Histogram,
    pub write_failures: IntCounter,
    pub unwritten: IntGauge,
    pub blocked_seconds: Gauge,
    pub lag_seconds: Histogram,
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

/// Buckets in seconds. A record is usually written within a tenth of a second; after an outage, some wait for long.
const LAG_BUCKETS: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];

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
            lag_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "runmill_log_sink_lag_seconds",
                    "Time from the end of a call to the commit of its record.",
                )
                .buckets(LAG_BUCKETS.to_vec()),
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
        registry.register(Box::new(metrics.lag_seconds.clone()))?;
        Ok(metrics)
    }

    /// Notes that a batch is committed at `now`.
    pub fn observe_lag(&self, batch: &LogBatch, now: Timestamp) {
        for entry in &batch.0 {
            // The clocks of two processes may differ by some milliseconds.
            let lag = now.duration_since(entry.call().ended_at()).as_secs_f64().max(0.0);
            self.lag_seconds.observe(lag);
        }
    }

    pub fn count(&self, end: MessageEnd, messages: u64) {
        self.messages.with_label_values(&[end.label()]).inc_by(messages);
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use runmill_proto::{InvocationId, Outcome, testing};
    use runmill_store::LogEntry;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_record_lags_from_the_end_of_its_call() {
        let metrics = LogSinkMetrics::register(&Registry::new()).unwrap();
        let call = testing::call(InvocationId::from_uuid(Uuid::nil()));
        let ended_at = call.ended_at();
        let invocation = testing::invocation(testing::key(0), call, Outcome::Succeeded);
        let batch = LogBatch(vec![LogEntry::Invocation(Box::new(invocation))]);

        metrics.observe_lag(&batch, ended_at + 7.seconds());
        metrics.observe_lag(&batch, ended_at - 1.second());

        let lag = &metrics.lag_seconds;
        assert_eq!(lag.get_sample_count(), 2);
        assert!((lag.get_sample_sum() - 7.0).abs() < 1e-9, "a clock that is late adds nothing");
    }
}
