use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use runmill_runtime::Clock;

use crate::answer_key::AnswerKey;

/// Settings of a gateway. The default listens on a free port of the loopback address, has no answer key and writes no
/// file.
#[derive(Debug)]
pub struct GatewaySettings {
    /// Address to listen on. Port 0 takes a free port.
    pub listen: SocketAddr,
    /// Answer key of the base `key`. Without it the gateway has no model with that base.
    pub answer_key: Option<AnswerKey>,
    /// File to which a line of JSON is appended for every call that ends. No call waits for the disk. If the disk is
    /// too slow, lines are left out and counted in [`crate::Stats::file_dropped`].
    pub record_to: Option<PathBuf>,
    /// Maximum number of records kept in memory, about 300 bytes each. The oldest are dropped and counted.
    pub calls_kept_max: usize,
    /// Longest body of a request, in bytes. A longer one gets 413.
    pub body_bytes_max: usize,
    /// Maximum number of open connections. Further ones wait in the listener's backlog.
    pub connections_max: usize,
    pub clock: Clock,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            answer_key: None,
            record_to: None,
            calls_kept_max: 100_000,
            body_bytes_max: 32 * 1024 * 1024,
            connections_max: 10_000,
            clock: Clock::system(),
        }
    }
}
