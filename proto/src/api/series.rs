use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ErrorKind;

/// Course of a run: what happened in each of consecutive, equally long spans of time, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunSeries {
    pub buckets: Vec<SeriesBucket>,
}

/// One span of a run's time. Calls count in the span in which they ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeriesBucket {
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub from: Timestamp,
    /// End of the span, which is the `from` of the next one.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub to: Timestamp,
    /// Number of jobs that got their result.
    pub settled: u64,
    /// Number of HTTP requests that reached the provider.
    pub calls: u64,
    /// Number of HTTP requests that repeated a failed one within an invocation.
    pub retries: u64,
    /// Number of failed HTTP requests by error kind.
    pub errors: BTreeMap<ErrorKind, u64>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Cost of the calls whose price is known. Null if no price is known.
    pub cost_usd: Option<f64>,
    /// Milliseconds of the invocations, waits and retries included. Null if none ended.
    pub latency_p50_ms: Option<u64>,
    pub latency_p99_ms: Option<u64>,
    /// Milliseconds to the first token. Null if no answer was streamed.
    pub ttft_p50_ms: Option<u64>,
    pub ttft_p99_ms: Option<u64>,
    /// Mean number of HTTP requests in flight. Null for the newest part of a run that has not ended: requests count when they
    /// have ended.
    pub in_flight: Option<f64>,
}

impl SeriesBucket {
    /// Returns the length of the span in seconds, which is above zero.
    pub fn seconds(&self) -> f64 {
        self.to.duration_since(self.from).as_secs_f64().max(0.001)
    }
}
