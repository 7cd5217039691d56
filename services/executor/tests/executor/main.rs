//! Runs an executor over an in-memory broker that records what happens to its messages, an `SQLite` file, and a model
//! that answers on command.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

mod batches;
mod budgets;
mod client_calls;
mod copies;
mod ending;
mod inputs;
mod lighteval;
mod listening;
mod model;
mod provider_keys;
mod refusing;
mod requests;
mod reusing;
mod smoke_testing;
mod stopping;
mod watched;
mod world;
