//! Sums over the jobs of a run, in constant space.

mod latencies;
mod tally;

pub use latencies::Latencies;
pub use tally::ScoreTally;
