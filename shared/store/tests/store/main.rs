//! Both implementations: the conformance suite, and what only one of them does.

mod postgres;
mod sqlite;
