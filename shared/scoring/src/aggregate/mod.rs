//! Sums over the jobs of a run, in constant space.

mod clusters;
mod latencies;
mod tally;

pub use clusters::Cluster;
pub use latencies::Latencies;
pub use tally::ScoreTally;
