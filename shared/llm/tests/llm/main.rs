//! Tests of the client's public API: reading of answers, and behaviour on real connections.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod changing;
mod corpus;
mod flood;
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;
mod logs;
mod proxy;
mod server;
mod setup;
mod transport;
mod wire;
