//! Logs: one JSON object a line, with the fields of the spans around it; and [`trace`]s, over OTLP.
//! `docs/observability.md` has the fields.
//!
//! An event says its name, its fields and a sentence for people:
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

use jiff::Timestamp;
use tracing::{Subscriber, subscriber::SetGlobalDefaultError};
use tracing_subscriber::{EnvFilter, filter::ParseError, layer::SubscriberExt};

pub use crate::trace::{TraceError, TraceSettings};

use crate::layer::JsonLines;

/// What the logs of a process need to know.
pub struct LogSettings {
    /// Which of runmill's services this is, in every line.
    pub service: &'static str,
    /// The installation's name and kind, in every line.
    pub app_name: String,
    pub app_env: String,
    /// Directives `level` or `target=level`, separated by commas. A bare level is for runmill's own crates;
    /// others then say only warnings and errors, because some log what they send when they say more.
    pub filter: String,
    /// Gets whole lines, one at a time.
    pub writer: Box<dyn Write + Send>,
    /// The wall clock.
    pub now: fn() -> Timestamp,
}

/// Why there will be no logs or traces.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the log filter cannot be read")]
    Filter(#[from] ParseError),
    #[error("logs were set up before")]
    Again(#[from] SetGlobalDefaultError),
    #[error(transparent)]
    Traces(#[from] TraceError),
}

/// Sets up the logs of the whole process, and its traces if there are any; panics are logged from now on, too.
pub fn init(logs: LogSettings, traces: Option<&TraceSettings>) -> Result<(), SetupError> {
    match traces {
        None => tracing::subscriber::set_global_default(subscriber(logs)?)?,
        Some(traces) => trace::install(logs, traces)?,
    }
    panic::log_panics();
    Ok(())
}

/// Sends the last spans, for three seconds at most. The last thing that a process does.
pub fn close() {
    trace::close();
}

/// The same logs for a part of a program, with `tracing::subscriber::with_default`.
pub fn subscriber(settings: LogSettings) -> Result<impl Subscriber + Send + Sync, SetupError> {
    let filter = log_filter(&settings)?;
    Ok(tracing_subscriber::registry().with(filter).with(JsonLines::new(settings)))
}

fn log_filter(settings: &LogSettings) -> Result<EnvFilter, SetupError> {
    Ok(EnvFilter::builder().parse(filter::directives(&settings.filter))?)
}
