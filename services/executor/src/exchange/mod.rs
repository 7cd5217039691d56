//! Exchange with the other executors, so that a job that comes twice is called once.
//!
//! The broker delivers a job again after a lost connection, and the feeder publishes it again if it does not know where
//! it is. Such a message says that it may be a copy ([`Fleet::is_possible_copy`]), and only its executor asks all others,
//! through the store, before it calls the provider. All others pay nothing.
//!
//! The decisions are made without I/O in [`core`]: [`memory`] knows the own jobs, [`silence`] which executor is dead, and
//! [`copies`] when a job may be called. The [heartbeat](crate::heartbeat) carries the questions and answers.

mod copies;
mod core;
mod feeding;
mod fleet;
mod memory;
mod recent;
mod silence;
#[cfg(test)]
mod tests;
mod view;

pub use copies::Verdict;
pub use feeding::Feeding;
pub use fleet::{Claimed, Fleet, InHand, Times};
pub use memory::Ended;
pub use recent::Recent;
