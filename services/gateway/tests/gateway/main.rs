//! The gateway over TCP, byte by byte.

mod answers;
mod client;
mod failures;
mod recording;
