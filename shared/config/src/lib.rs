//! Bootstrap settings: what a process is told by its environment, read once at its start.
//!
//! [`VARIABLES`] is the whole list. Every fault is found before any is reported, so that one start names
//! them all. No fault shows the value of a secret.

mod address_rules;
mod cluster;
mod config;
mod env;
mod error;
mod log_filter;
mod prices;
mod reader;
mod token;
mod traces;
mod url;
mod variable;

pub use address_rules::AddressRules;
pub use cluster::{Cluster, Role};
pub use config::Config;
pub use env::Env;
pub use error::ConfigError;
pub use prices::read_prices;
pub use token::{Access, Token};
pub use traces::{Sampling, Traces};
pub use url::address;
pub use variable::{VARIABLES, Variable};
