//! Traces: spans that leave the process, and how one trace goes on in another process.
//!
//! Everything here does nothing to a span that nobody traces, and costs next to nothing then.

#[cfg(feature = "otlp")]
mod context;
#[cfg(feature = "otlp")]
mod export;
#[cfg(feature = "otlp")]
mod ids;
#[cfg(feature = "otlp")]
mod names;
#[cfg(feature = "otlp")]
mod setup;
#[cfg(all(test, feature = "otlp"))]
mod tests;
#[cfg(not(feature = "otlp"))]
mod without;

use std::collections::BTreeMap;

use secrecy::SecretString;

#[cfg(feature = "otlp")]
pub(crate) use self::setup::{close, install};
#[cfg(not(feature = "otlp"))]
pub use self::without::{begin, context_of, continue_from, link_to};
#[cfg(not(feature = "otlp"))]
pub(crate) use self::without::{close, install};
#[cfg(feature = "otlp")]
pub use self::{
    context::{context_of, continue_from, link_to},
    ids::begin,
};

/// The target of spans that only traces are made of. No log level turns them on; without traces they do not exist.
pub const ONLY: &str = "trace";

/// Where traces go, and which.
pub struct TraceSettings {
    /// Spans are posted here, as OTLP over HTTP. A URL may hold a secret.
    pub endpoint: SecretString,
    /// Sent with every export; values may be percent-encoded.
    pub headers: BTreeMap<String, SecretString>,
    /// By which name traces know this process.
    pub service: String,
    /// What continues a trace is kept if its beginning was.
    pub parent_based: bool,
    /// The share that is kept of other traces, from 0 to 1.
    pub ratio: f64,
}

/// Why there will be no traces.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error("this build has no traces: it was made without the feature `otlp`")]
    NotBuilt,
    #[error("the HTTP client of traces cannot be set up: {0}")]
    Client(String),
    #[error("the exporter of traces cannot be set up: {0}")]
    Exporter(String),
}
