//! An executor over a broker in memory, which says all that happens to its messages, an `SQLite` file, and a model
//! that answers when it is told to.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

mod ending;
mod model;
mod refusing;
mod smoke_testing;
mod stopping;
mod watched;
mod world;
