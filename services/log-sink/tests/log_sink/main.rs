//! Tests of a log-sink over a broker in memory and a store with scripted faults.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

mod scripted;
mod sink;
mod writing;
