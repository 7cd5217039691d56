use std::{iter, sync::OnceLock, thread, time::Duration};

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use reqwest::{blocking::Client, redirect};
use secrecy::ExposeSecret;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{Layer, filter::filter_fn, layer::SubscriberExt, registry::Registry};

use super::{ONLY, TraceError, TraceSettings, export::Renaming, ids::Ids, names::SPANS};
use crate::{LogSettings, SetupError, layer::JsonLines};

/// Largest number of spans that wait for their export. If they come faster than the collector accepts them, the newest are
/// dropped.
const QUEUE_MAX: usize = 16 * 1024;
/// Largest number of spans in one export, about a megabyte.
const BATCH_MAX: usize = 2 * 1024;
/// Longest time that a span waits for others to be sent with it.
const BATCH_WAIT: Duration = Duration::from_secs(1);
/// Longest time for sending a batch, retries included.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for sending the last spans of a process that ends.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// Tracer provider whose last spans [`close`] sends.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Sets up logs and traces of the whole process.
pub(crate) fn install(logs: LogSettings, settings: &TraceSettings) -> Result<(), SetupError> {
    let provider = provider(exporter(settings)?, settings);
    tracing::subscriber::set_global_default(subscriber(logs, &provider)?)?;
    PROVIDER.get_or_init(|| provider);
    Ok(())
}

/// Sends the spans that have not been sent, within three seconds.
pub(crate) fn close() {
    if let Some(provider) = PROVIDER.get() {
        // Spans that were not sent are lost. The process ends, so nothing can be done about it.
        let _ = provider.shutdown_with_timeout(CLOSE_TIMEOUT);
    }
}

/// Returns logs and traces, each with its own filter, because log levels do not apply to traces.
pub(super) fn subscriber(
    logs: LogSettings,
    provider: &SdkTracerProvider,
) -> Result<impl Subscriber + Send + Sync + use<>, SetupError> {
    let filter = crate::log_filter(&logs)?;
    let lines = JsonLines::new(logs).with_filter(filter);
    Ok(tracing_subscriber::registry().with(spans(provider)).with(lines))
}

/// Returns the layer for spans, without the attributes that it would add by itself: only names of the table are exported.
fn spans(provider: &SdkTracerProvider) -> impl Layer<Registry> + use<> {
    tracing_opentelemetry::layer()
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
        .with_tracer(provider.tracer("runmill"))
        .with_filter(filter_fn(is_traced))
}

fn is_traced(metadata: &Metadata<'_>) -> bool {
    let is_ours = metadata.target() == ONLY || metadata.target().starts_with("runmill");
    let is_named = || SPANS.iter().any(|(name, _)| *name == metadata.name());
    is_ours && *metadata.level() <= Level::INFO && (metadata.is_event() || is_named())
}

pub(super) fn provider(
    exporter: impl opentelemetry_sdk::trace::SpanExporter + 'static,
    settings: &TraceSettings,
) -> SdkTracerProvider {
    let batch = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE_MAX)
        .with_max_export_batch_size(BATCH_MAX)
        .with_scheduled_delay(BATCH_WAIT)
        .build();
    let processor = BatchSpanProcessor::builder(Renaming::new(exporter)).with_batch_config(batch).build();
    let resource = Resource::builder_empty()
        .with_service_name(settings.service.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    SdkTracerProvider::builder()
        .with_id_generator(Ids::default())
        .with_sampler(sampler(settings))
        .with_resource(resource)
        .with_span_processor(processor)
        .build()
}

fn sampler(settings: &TraceSettings) -> Sampler {
    let share = Sampler::TraceIdRatioBased(settings.ratio);
    if settings.parent_based { Sampler::ParentBased(Box::new(share)) } else { share }
}

fn exporter(settings: &TraceSettings) -> Result<SpanExporter, TraceError> {
    let endpoint = settings.endpoint.expose_secret();
    let headers =
        settings.headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
    SpanExporter::builder()
        .with_http()
        .with_http_client(client(endpoint.starts_with("http:"))?)
        .with_endpoint(endpoint)
        .with_headers(headers.collect())
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| TraceError::Exporter(error.to_string()))
}

fn client(is_plain: bool) -> Result<Client, TraceError> {
    let build = move || {
        let builder = Client::builder()
            .timeout(EXPORT_TIMEOUT)
            // The headers hold a secret, which must not follow a redirect or go through a proxy that environment
            // variables name.
            .redirect(redirect::Policy::none())
            .no_proxy();
        // Without TLS no certificates are needed, so the process must start on a machine that has none.
        let builder = if is_plain { builder.tls_certs_only(iter::empty()) } else { builder };
        builder.build().map_err(|error| TraceError::Client(error.to_string()))
    };
    // A blocking client must not be built on a thread that runs async tasks.
    thread::spawn(build).join().unwrap_or_else(|_| Err(TraceError::Client("its thread panicked".to_owned())))
}
