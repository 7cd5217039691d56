//! The same functions in a build that cannot trace.

use std::fmt::Display;

use tracing::Span;

use super::{TraceError, TraceSettings};
use crate::{LogSettings, SetupError};

/// Nothing, in a build without traces.
pub fn begin(_span: &Span, _key: &dyn Display) {}

/// Nothing, in a build without traces.
pub fn continue_from(_span: &Span, _traceparent: Option<&str>) {}

/// Nothing, in a build without traces.
pub fn link_to(_span: &Span, _traceparent: Option<&str>) {}

/// `None`, in a build without traces.
pub fn context_of(_span: &Span) -> Option<String> {
    None
}

pub(crate) fn install(_logs: LogSettings, _traces: &TraceSettings) -> Result<(), SetupError> {
    Err(TraceError::NotBuilt.into())
}

pub(crate) const fn close() {}
