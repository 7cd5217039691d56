//! Settings that a process reads from its environment, once, at its start.
//!
//! [`VARIABLES`] is the whole list. All faults are reported together, so that one start names them all. No fault shows the
//! value of a secret.

mod cluster;
mod config;
mod env;
mod error;
mod lighteval;
mod log_filter;
mod prices;
mod provider_network;
mod reader;
mod tls;
mod token;
mod traces;
mod url;
mod variable;

pub use cluster::{Cluster, Service};
pub use config::Config;
pub use env::Env;
pub use error::ConfigError;
pub use lighteval::LightevalFiles;
pub use prices::{PriceFileError, read_prices};
pub use provider_network::ProviderNetwork;
pub use tls::ServerTrust;
pub use token::{Role, Token};
pub use traces::{Sampling, Traces};
pub use url::address;
pub use variable::{VARIABLES, Variable};
