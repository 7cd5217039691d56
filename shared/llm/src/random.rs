use std::sync::Arc;

/// Source of random numbers, evenly distributed from 0 to 1.
pub type Random = Arc<dyn Fn() -> f64 + Send + Sync>;
