use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message;
use tokio::net::TcpListener;

/// A collector of OTLP over HTTP.
pub struct Sink {
    /// Value of `OTEL_EXPORTER_OTLP_ENDPOINT` for this collector.
    pub endpoint: String,
    received: Received,
}

type Received = Arc<Mutex<Vec<Export>>>;

/// One export request.
pub struct Export {
    pub authorization: String,
    pub body: Bytes,
    /// Spans, each with its `service.name`.
    pub spans: Vec<(String, Span)>,
}

impl Sink {
    pub async fn start() -> Self {
        let received = Received::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(received.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, received }
    }

    /// Returns all spans so far, each with its service.
    pub fn spans(&self) -> Vec<(String, Span)> {
        self.received.lock().unwrap().iter().flat_map(|export| export.spans.clone()).collect()
    }

    pub fn each(&self, look: impl FnMut(&Export)) {
        self.received.lock().unwrap().iter().for_each(look);
    }
}

async fn take(State(received): State<Received>, headers: HeaderMap, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let spans = request.resource_spans.into_iter().flat_map(|of_resource| {
        let service = text(&of_resource.resource.unwrap_or_default().attributes, "service.name");
        let spans = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.map(|span| (service.clone(), span)).collect::<Vec<_>>()
    });
    let authorization = headers.get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned();
    received.lock().unwrap().push(Export { authorization, spans: spans.collect(), body });
}

/// Returns an attribute as text, which is empty if there is no such attribute.
pub fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        _ => String::new(),
    }
}
