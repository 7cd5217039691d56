//! A log-sink over a broker in memory and a store whose faults are chosen.

mod scripted;
mod sink;
mod writing;
