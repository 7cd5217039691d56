//! Tests of the client's public API: reading of answers, and behaviour on real connections.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod answers;
mod changing;
mod conversations;
mod corpus;
mod encoded;
mod flood;
mod forms;
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;
mod logs;
mod proxy;
mod server;
mod setup;
mod streamed;
mod transport;
mod usage;
mod wire;
