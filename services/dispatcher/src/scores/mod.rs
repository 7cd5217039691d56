//! Scores of runs by group and beside each other, read from the recorded results.

mod compare;
mod items;
mod pairs;
mod summary;

/// Confidence of the intervals.
const CONFIDENCE: f64 = 0.95;

pub use compare::{Side, compare, too_many};
pub use items::{ItemScores, Items};
pub use pairs::Pairs;
pub use summary::{Asked, summarize};
