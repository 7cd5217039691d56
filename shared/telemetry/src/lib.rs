//! Logs: one JSON object a line, with the fields of the spans around it. `docs/observability.md` has
//! the fields.
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

use std::io::Write;

use jiff::Timestamp;
use tracing::{Subscriber, subscriber::SetGlobalDefaultError};
use tracing_subscriber::{EnvFilter, filter::ParseError, layer::SubscriberExt};

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

/// Why there will be no logs.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("the log filter cannot be read")]
    Filter(#[from] ParseError),
    #[error("logs were set up before")]
    Again(#[from] SetGlobalDefaultError),
}

/// Sets up the logs of the whole process; panics are logged from now on, too.
pub fn init(settings: LogSettings) -> Result<(), LogError> {
    tracing::subscriber::set_global_default(subscriber(settings)?)?;
    panic::log_panics();
    Ok(())
}

/// The same logs for a part of a program, with `tracing::subscriber::with_default`.
pub fn subscriber(settings: LogSettings) -> Result<impl Subscriber + Send + Sync, LogError> {
    let filter = EnvFilter::builder().parse(filter::directives(&settings.filter))?;
    Ok(tracing_subscriber::registry().with(filter).with(JsonLines::new(settings)))
}
