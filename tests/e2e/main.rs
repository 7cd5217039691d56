//! Journeys through the whole, with the real binary: each test starts its own processes, on free ports, with a
//! database and queues of its own.

mod support;

mod commands;
mod events;
mod fairness;
mod fleet;
mod readme;
mod standalone;
mod steering;
