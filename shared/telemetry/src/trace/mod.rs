//! Traces: the export of spans, and the continuation of a trace in another process.
//!
//! If traces are off, or the span is not exported, these functions do nothing and cost almost nothing.

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

/// Target of spans that exist only for traces. No log level turns them on, and without traces they do not exist.
pub const ONLY: &str = "trace";

/// Settings of traces: their destination and their sampling.
pub struct TraceSettings {
    /// URL that spans are posted to, as OTLP over HTTP. It may hold a secret.
    pub endpoint: SecretString,
    /// Headers of every export; values may be percent-encoded.
    pub headers: BTreeMap<String, SecretString>,
    /// Name of this process in traces.
    pub service: String,
    /// If true, a span that continues a trace is kept if the trace's first span was kept.
    pub parent_based: bool,
    /// Share of the other traces that is kept, from 0 to 1.
    pub ratio: f64,
}

/// Error that prevents traces.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error("this build has no traces, because it was compiled without the feature `otlp`")]
    NotBuilt,
    #[error("the HTTP client of traces cannot be set up: {0}")]
    Client(String),
    #[error("the exporter of traces cannot be set up: {0}")]
    Exporter(String),
}
