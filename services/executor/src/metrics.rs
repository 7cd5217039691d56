mod keys;
mod limits;

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use runmill_proto::Outcome;

pub use keys::KeyMetrics;
pub use limits::LimitMetrics;

/// Metrics of the executor itself. The model client has the metrics of the calls.
#[derive(Clone)]
pub struct ExecutorMetrics {
    pub jobs: IntCounterVec,
    pub unacked_jobs: IntGauge,
    pub deferred: IntCounter,
    pub requeued: IntCounter,
    pub publish_failures: IntCounter,
    pub copies: IntCounterVec,
    pub crashes: IntCounter,
    pub client_calls: IntCounterVec,
    pub client_calls_in_hand: IntGauge,
    pub client_calls_handed_back: IntCounter,
    pub last_exchange: IntGauge,
    pub exchange_failures: IntCounter,
    pub limits: LimitMetrics,
    pub keys: KeyMetrics,
}

impl ExecutorMetrics {
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            jobs: IntCounterVec::new(
                Opts::new("runmill_jobs_total", "Jobs that ended here, by outcome."),
                &["outcome"],
            )?,
            unacked_jobs: IntGauge::new("runmill_jobs_in_hand", "Unacked jobs.")?,
            deferred: IntCounter::new("runmill_jobs_deferred_total", "Jobs deferred to a later time.")?,
            requeued: IntCounter::new(
                "runmill_jobs_handed_back_total",
                "Jobs requeued before they started.",
            )?,
            publish_failures: IntCounter::new(
                "runmill_log_publish_failures_total",
                "Times that the broker did not confirm a log; it is published again.",
            )?,
            copies: IntCounterVec::new(
                Opts::new(
                    "runmill_possible_copies_total",
                    "Jobs that may be copies of another executor's, by the result of the check.",
                ),
                &["verdict"],
            )?,
            crashes: IntCounter::new(
                "runmill_job_crashes_total",
                "Deaths of executors that were counted against the job that they held.",
            )?,
            client_calls: IntCounterVec::new(
                Opts::new("runmill_client_calls_total", "Calls of clients that ended here, by outcome."),
                &["outcome"],
            )?,
            client_calls_in_hand: IntGauge::new("runmill_client_calls_in_hand", "Unacked calls of clients.")?,
            client_calls_handed_back: IntCounter::new(
                "runmill_client_calls_handed_back_total",
                "Calls of clients requeued for another executor.",
            )?,
            last_exchange: IntGauge::new(
                "runmill_executor_last_exchange_timestamp_seconds",
                "Time of the last heartbeat that the store took.",
            )?,
            exchange_failures: IntCounter::new(
                "runmill_executor_exchange_failures_total",
                "Heartbeats that the store did not take.",
            )?,
            limits: LimitMetrics::register(registry)?,
            keys: KeyMetrics::register(registry)?,
        };
        for outcome in Outcome::ALL {
            // Registers each series at zero, so that none is absent.
            metrics.jobs.with_label_values(&[outcome.as_str()]);
            metrics.client_calls.with_label_values(&[outcome.as_str()]);
        }
        for verdict in ["called", "dropped"] {
            metrics.copies.with_label_values(&[verdict]);
        }
        registry.register(Box::new(metrics.jobs.clone()))?;
        registry.register(Box::new(metrics.unacked_jobs.clone()))?;
        registry.register(Box::new(metrics.deferred.clone()))?;
        registry.register(Box::new(metrics.requeued.clone()))?;
        registry.register(Box::new(metrics.publish_failures.clone()))?;
        registry.register(Box::new(metrics.copies.clone()))?;
        registry.register(Box::new(metrics.crashes.clone()))?;
        registry.register(Box::new(metrics.client_calls.clone()))?;
        registry.register(Box::new(metrics.client_calls_in_hand.clone()))?;
        registry.register(Box::new(metrics.client_calls_handed_back.clone()))?;
        registry.register(Box::new(metrics.last_exchange.clone()))?;
        registry.register(Box::new(metrics.exchange_failures.clone()))?;
        Ok(metrics)
    }
}
