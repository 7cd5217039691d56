//! Logs, as one JSON object per line with the fields of the spans around it; and [`trace`]s, over OTLP.
//! `docs/observability.md` lists the fields.
//!
//! An event has a name, fields and a sentence for people:
//!
//! ```
//! tracing::info!(event = "run.created", run_id = "run_01…", items = 1000, "run created");
//! ```

mod fields;
mod filter;
mod json;
mod layer;
mod panic;
pub mod trace;

use std::io::Write;

use runmill_clock::Clock;
use tracing::{Subscriber, subscriber::SetGlobalDefaultError};
use tracing_subscriber::{EnvFilter, filter::ParseError, layer::SubscriberExt};

pub use crate::trace::{TraceError, TraceSettings};

use crate::layer::JsonLines;

/// Settings of a process's logs.
pub struct LogSettings {
    /// Name of the service, in every line.
    pub service: &'static str,
    /// Name of the installation, in every line.
    pub app_name: String,
    /// Environment of the installation, in every line.
    pub app_env: String,
    /// Directives `level` or `module=level`, separated by commas. A level without a module applies to runmill's own
    /// crates. Other crates then log only warnings and errors, because some of them log the data that they send at
    /// lower levels.
    pub filter: String,
    /// Receives whole lines, one at a time.
    pub writer: Box<dyn Write + Send>,
    pub clock: Clock,
}

/// Error that prevents logs or traces.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the log filter (APP_LOG_LEVEL) is not valid; an example is `info,runmill_broker=debug`")]
    Filter(#[from] ParseError),
    #[error("logging is already set up in this process")]
    Again(#[from] SetGlobalDefaultError),
    #[error(transparent)]
    Traces(#[from] TraceError),
}

/// Sets up the logs of the whole process, and its traces if they are on. From then on panics are logged too.
pub fn init(logs: LogSettings, traces: Option<&TraceSettings>) -> Result<(), SetupError> {
    match traces {
        None => tracing::subscriber::set_global_default(subscriber(logs)?)?,
        Some(traces) => trace::install(logs, traces)?,
    }
    panic::log_panics();
    Ok(())
}

/// Exports the last spans, within three seconds. A process calls this last.
pub fn close() {
    trace::close();
}

/// Returns a subscriber that writes logs as [`init`] does, for one thread: pass it to
/// `tracing::subscriber::with_default`.
pub fn subscriber(settings: LogSettings) -> Result<impl Subscriber + Send + Sync, SetupError> {
    let filter = log_filter(&settings)?;
    Ok(tracing_subscriber::registry().with(filter).with(JsonLines::new(settings)))
}

fn log_filter(settings: &LogSettings) -> Result<EnvFilter, SetupError> {
    Ok(EnvFilter::builder().parse(filter::directives(&settings.filter))?)
}
