//! The functions of traces in a build without the feature `otlp`.

use std::fmt::Display;

use tracing::Span;

use super::{TraceError, TraceSettings};
use crate::{LogSettings, SetupError};

/// Does nothing in a build without traces.
pub fn begin(_span: &Span, _key: &dyn Display) {}

/// Does nothing in a build without traces.
pub fn continue_from(_span: &Span, _traceparent: Option<&str>) {}

/// Does nothing in a build without traces.
pub fn link_to(_span: &Span, _traceparent: Option<&str>) {}

/// Returns `None` in a build without traces.
pub fn context_of(_span: &Span) -> Option<String> {
    None
}

pub(crate) fn install(_logs: LogSettings, _traces: &TraceSettings) -> Result<(), SetupError> {
    Err(TraceError::NotBuilt.into())
}

pub(crate) const fn close() {}
