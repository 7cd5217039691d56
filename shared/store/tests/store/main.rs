//! Both implementations: the conformance suite, and what only one of them does.

#![expect(clippy::unwrap_used, reason = "these are tests; their helpers are not in test functions")]

mod postgres;
mod sqlite;
mod upgrade;
