use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use opentelemetry::{KeyValue, Value, trace::Status};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanEvents, SpanExporter},
};

use super::names::{self, CALL, CALL_LINE, ERROR, MODEL, OPERATION, SPANS};

/// Renames spans for export, passes them on, and logs when the collector does not accept them. Runs on a thread of its own,
/// so that it cannot delay the work of the process.
#[derive(Debug)]
pub(super) struct Renaming<E> {
    inner: E,
    outage: Mutex<Outage>,
}

impl<E> Renaming<E> {
    pub fn new(inner: E) -> Self {
        Self { inner, outage: Mutex::default() }
    }
}

impl<E: SpanExporter> SpanExporter for Renaming<E> {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        let count = spans.len();
        let exported = self.inner.export(spans.into_iter().map(renamed).collect()).await;
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        match exported {
            Ok(()) => {
                if let Some(lost) = outage.end() {
                    tracing::info!(event = "traces.taken_again", lost, "the collector accepts spans again");
                }
            }
            Err(error) if outage.lose(count, Instant::now()) => {
                tracing::warn!(event = "traces.lost", %error, "the collector accepts no spans; they are dropped");
            }
            Err(_) => {}
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// State of an outage of the collector.
#[derive(Debug, Default)]
struct Outage {
    lost: usize,
    warned_at: Option<Instant>,
}

/// Shortest time between two warnings about a collector that is unavailable repeatedly.
const WARN_EVERY: Duration = Duration::from_mins(5);

impl Outage {
    /// Counts lost spans, and returns true if that should be logged.
    fn lose(&mut self, spans: usize, now: Instant) -> bool {
        let begins = self.lost == 0;
        self.lost += spans;
        let warns = begins && self.warned_at.is_none_or(|at| now.duration_since(at) >= WARN_EVERY);
        if warns {
            self.warned_at = Some(now);
        }
        warns
    }

    /// Ends the outage, if there was one, and returns the number of lost spans.
    fn end(&mut self) -> Option<usize> {
        Some(std::mem::take(&mut self.lost)).filter(|&lost| lost > 0)
    }
}

/// Returns the span as it is exported: only with attributes of the table of names.
fn renamed(span: SpanData) -> SpanData {
    let mut attributes: Vec<KeyValue> = Vec::with_capacity(span.attributes.len() + 1);
    let line = span.events.iter().filter(|event| is_call_line(&event.attributes));
    for field in span.attributes.iter().chain(line.flat_map(|event| &event.attributes)) {
        if let Some(attribute) = names::exported(field) {
            attributes.retain(|known| known.key != attribute.key);
            attributes.push(attribute);
        }
    }
    let status =
        find(&attributes, ERROR).map_or(Status::Unset, |kind| Status::error(kind.as_str().into_owned()));
    let mut name = span.name;
    let kind = SPANS.iter().find(|(known, _)| *known == name).map(|(_, kind)| kind.clone());
    if name == CALL {
        let (key, operation) = OPERATION;
        attributes.push(KeyValue::new(key, operation));
        let model = find(&attributes, MODEL).map(Value::as_str).unwrap_or_default();
        name = format!("{operation} {model}").into();
    }
    SpanData {
        name,
        span_kind: kind.unwrap_or(span.span_kind),
        attributes,
        events: SpanEvents::default(),
        status,
        ..span
    }
}

fn is_call_line(fields: &[KeyValue]) -> bool {
    find(fields, "event").is_some_and(|event| event.as_str() == CALL_LINE)
}

fn find<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| &attribute.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_said_once_and_a_flickering_one_seldom() {
        let (mut outage, start) = (Outage::default(), Instant::now());
        let table = [
            // seconds, fails, logs
            (0, true, true),
            (1, true, false),
            (2, false, true),
            (3, true, false),
            (4, false, true),
            (5, false, false),
            (400, true, true),
        ];
        for (seconds, fails, logs) in table {
            let now = start + Duration::from_secs(seconds);
            let logged = if fails { outage.lose(10, now) } else { outage.end().is_some() };
            assert_eq!(logged, logs, "at {seconds} s");
        }
        assert_eq!(outage.end(), Some(10));
    }
}
