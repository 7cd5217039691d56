//! End-to-end tests with the real binary. Each test starts its own processes on free ports, with its own database and
//! queues.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

mod support;

mod backup;
mod bad_input;
mod budgets;
mod changes;
mod commands;
mod copies;
mod datasets;
mod dead_letters;
mod dispatchers;
mod doctor;
mod encryption;
mod estimate;
mod events;
mod fairness;
mod feeding;
mod fleet;
mod flood;
mod judges;
mod keys;
mod lighteval;
mod limits;
mod money;
mod protocols;
mod proxies;
mod ranges;
mod readme;
mod restarts;
mod results;
mod retention;
mod reuse;
mod scaling;
mod scorers;
mod secrets;
mod sharing;
mod smoke_testing;
mod standalone;
mod starting;
mod steering;
mod suites;
mod texts;
mod top;
mod traces;
mod trials;
mod upgrade;
mod view;
