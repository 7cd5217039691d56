use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::TraceContextExt,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

/// A carrier of the one header that goes through the broker.
#[derive(Default)]
struct Header(Option<String>);

/// Makes `span` a part of the trace that `traceparent`, a W3C trace context, is from. For a span that nobody
/// has entered yet. What cannot be read is as if it were not there.
pub fn continue_from(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent else { return };
    // It fails where nobody traces the span.
    let _ = span.set_parent(read(traceparent));
}

/// Points from `span` to the span that `traceparent`, a W3C trace context, is of: what led to it without being a part of
/// its trace. What cannot be read is as if it were not there.
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

/// The W3C trace context of `span`, for [`continue_from`] elsewhere; `None` if nobody traces it.
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
