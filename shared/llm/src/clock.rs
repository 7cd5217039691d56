use std::sync::Arc;

use jiff::Timestamp;

/// The wall clock, for times in records. Durations are measured with tokio's clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Source of random numbers, spread evenly from `0.0` to `1.0`.
pub type Random = Arc<dyn Fn() -> f64 + Send + Sync>;
