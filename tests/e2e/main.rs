//! Journeys through the whole, with the real binary: each test starts its own processes, on free ports, with a
//! database and queues of its own.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

mod support;

mod bad_input;
mod changes;
mod commands;
mod doctor;
mod estimate;
mod events;
mod fairness;
mod fleet;
mod keys;
mod protocols;
mod readme;
mod restarts;
mod secrets;
mod smoke_testing;
mod standalone;
mod starting;
mod steering;
mod traces;
