//! The gateway over TCP, byte by byte.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

mod answers;
mod client;
mod data;
mod dump;
mod failures;
mod recording;
