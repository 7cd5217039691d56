use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use runmill_runtime::Clock;

use crate::AnswerKey;

/// How a gateway is started. The default listens on a free port of the loopback address, has no answer key and
/// writes no file.
#[derive(Debug)]
pub struct GatewaySettings {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// What the base `key` knows. Without it there is no such model.
    pub answer_key: Option<AnswerKey>,
    /// A file to which a line of JSON is appended for every call that ends. When the disk is slower than the
    /// calls, lines are left out and counted ([`crate::Stats::file_dropped`]); no call waits for it.
    pub record_to: Option<PathBuf>,
    /// Records kept in memory, about 300 bytes each; the oldest are dropped and counted.
    pub calls_kept_max: usize,
    /// A longer request gets 413.
    pub body_bytes_max: usize,
    /// Further connections wait to be accepted.
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
