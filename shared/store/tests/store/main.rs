//! Tests of both implementations: the conformance suite, and the behaviour of one of them alone.

#![expect(clippy::unwrap_used, reason = "these are tests; their helpers are not in test functions")]

mod lead;
mod names;
mod partitions;
mod plans;
mod pooled;
mod postgres;
mod setup;
mod sqlite;
mod tls;
mod upgrade;
