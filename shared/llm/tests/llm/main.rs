//! The client from outside: what it reads from the wire, and what it does on a real connection.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod changing;
mod corpus;
mod flood;
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;
mod logs;
mod server;
mod setup;
mod transport;
mod wire;
