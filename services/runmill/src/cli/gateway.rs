use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use runmill_proto::Range;

use super::number::within;

/// Range of the number of calls that the gateway keeps. Each takes about 300 bytes.
const KEPT: Range<usize> = Range::new(0, 1_000_000_000);
/// Range of the number of connections of the gateway.
const CONNECTIONS: Range<usize> = Range::new(1, 1_000_000);

#[derive(Args)]
pub struct GatewayArgs {
    /// Address to listen on; port 0 takes a free port
    #[arg(long, default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// File of items, in runmill's format, whose answers the model `key` knows
    #[arg(long, value_name = "FILE")]
    pub answer_key: Option<PathBuf>,
    /// Append one JSON object for every call to this file
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Maximum number of calls kept for /_gateway/calls, from 0 to 1000000000
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100_000,
        value_parser = within(KEPT),
        allow_negative_numbers = true
    )]
    pub keep: usize,
    /// Maximum number of open connections, from 1 to 1000000; further ones wait
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10_000,
        value_parser = within(CONNECTIONS),
        allow_negative_numbers = true
    )]
    pub connections: usize,
}
