use std::sync::Arc;

/// A source of random numbers, uniform from `0.0` to `1.0`.
pub type Random = Arc<dyn Fn() -> f64 + Send + Sync>;
