use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::TraceContextExt,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

/// Carrier of the header `traceparent`, the only one that is sent over the broker.
#[derive(Default)]
struct Header(Option<String>);

/// Makes `span`, which must not have been entered yet, a part of the trace of `traceparent`, a W3C trace context. A context
/// that cannot be read is ignored.
pub fn continue_from(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent else { return };
    // This fails if the span is not exported.
    let _ = span.set_parent(read(traceparent));
}

/// Adds to `span` a link to its cause in another trace: the span of `traceparent`, a W3C trace context. A context
/// that cannot be read is ignored.
pub fn link_to(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent else { return };
    if span.is_disabled() {
        return;
    }
    span.add_link(read(traceparent).span().span_context().clone());
}

fn read(traceparent: &str) -> Context {
    let header = Header(Some(traceparent.to_owned()));
    TraceContextPropagator::new().extract_with_context(&Context::new(), &header)
}

/// Returns the W3C trace context of `span`, for [`continue_from`] in another process, or `None` if the span is not
/// exported.
pub fn context_of(span: &Span) -> Option<String> {
    let mut header = Header::default();
    TraceContextPropagator::new().inject_context(&span.context(), &mut header);
    header.0
}

impl Extractor for Header {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.as_deref().filter(|_| key == TRACEPARENT)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

impl Injector for Header {
    fn set(&mut self, key: &str, value: String) {
        if key == TRACEPARENT {
            self.0 = Some(value);
        }
    }
}
