#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry_sdk::{
    error::{OTelSdkError, OTelSdkResult},
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use runmill_clock::Clock;
use tracing::{Span, info_span, subscriber::with_default};

use super::{
    ONLY, TraceSettings, begin, context_of, continue_from,
    export::Renaming,
    link_to,
    setup::{provider, subscriber},
};
use crate::LogSettings;

const JOB: &str = "0199a3c4-7b21-7d10-9c55-2f6f0a1b2c3d:7:0";

/// Accepts all spans, or none while it is unavailable.
#[derive(Clone, Debug, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<SpanData>>>,
    is_away: bool,
}

impl SpanExporter for Collector {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        if self.is_away {
            return Err(OTelSdkError::InternalFailure("connection refused".into()));
        }
        self.spans.lock().unwrap().extend(batch);
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logs(filter: &str, writer: impl Write + Send + 'static) -> LogSettings {
    LogSettings {
        service: "executor",
        app_name: "runmill".into(),
        app_env: "test".into(),
        filter: filter.into(),
        writer: Box::new(writer),
        clock: Clock::fixed(Timestamp::UNIX_EPOCH),
    }
}

fn sampled(ratio: f64) -> TraceSettings {
    TraceSettings {
        endpoint: "http://127.0.0.1:4318/v1/traces".into(),
        headers: [].into(),
        service: "runmill-executor".into(),
        parent_based: true,
        ratio,
    }
}

/// Returns the spans exported while `program` runs, in the order in which they end. Logs are off: traces do not need them.
fn spans_of(ratio: f64, program: impl FnOnce()) -> Vec<SpanData> {
    let collector = Collector::default();
    let provider: SdkTracerProvider = provider(collector.clone(), &sampled(ratio));
    with_default(subscriber(logs("off", io::sink()), &provider).unwrap(), program);
    provider.shutdown_with_timeout(Duration::from_secs(30)).unwrap();
    Arc::try_unwrap(collector.spans).unwrap().into_inner().unwrap()
}

fn feed(key: &str) -> Option<String> {
    let span = info_span!(target: ONLY, parent: None, "job.feed");
    begin(&span, &key);
    context_of(&span)
}

fn attributes(span: &SpanData) -> Vec<(&str, String)> {
    let mut all: Vec<_> = span.attributes.iter().map(|it| (it.key.as_str(), it.value.to_string())).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_link_points_to_a_span_of_another_trace() {
    let spans = spans_of(1.0, || {
        let submitted = info_span!(target: ONLY, parent: None, "run.submit");
        let context = context_of(&submitted);
        for context in [context.as_deref(), Some("unreadable"), None] {
            link_to(&info_span!(target: ONLY, parent: None, "job.feed"), context);
        }
    });

    let [linked, unreadable, unlinked, submitted] = &spans[..] else { panic!("{spans:?}") };
    let (link, submitted) = (&linked.links[0].span_context, &submitted.span_context);
    assert_eq!((link.trace_id(), link.span_id()), (submitted.trace_id(), submitted.span_id()));
    assert_ne!(linked.span_context.trace_id(), submitted.trace_id());
    assert_eq!((linked.links.len(), unreadable.links.len(), unlinked.links.len()), (1, 0, 0));
}

#[test]
fn a_call_leaves_under_the_names_of_the_conventions_and_with_nothing_else() {
    let spans = spans_of(1.0, || {
        let call = info_span!(
            "model.invoke",
            provider_id = %"prov_1",
            provider_kind = "google",
            model = "gemini-pro",
            call_id = JOB,
            prompt = "2 + 2?",
        );
        call.in_scope(|| {
            tracing::warn!(event = "model.attempt_failed", error = "no answer", outcome = "failed");
            tracing::info!(
                event = "model.invocation",
                retry_count = 1_usize,
                latency_ms = 1_500_u64,
                ttft_ms = Some(250_u64),
                streamed = true,
                outcome = "succeeded",
                error_kind = None::<&str>,
                prompt_tokens = Some(7_u64),
                completion_tokens = Some(5_u64),
                answer = "4",
                "a model was called"
            );
        });
    });

    assert_eq!((spans[0].name.as_ref(), &spans[0].span_kind), ("chat gemini-pro", &SpanKind::Client));
    assert_eq!((&spans[0].status, spans[0].events.len()), (&Status::Unset, 0));
    let want = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "gcp.gemini"),
        ("gen_ai.request.model", "gemini-pro"),
        ("gen_ai.request.stream", "true"),
        ("gen_ai.response.time_to_first_chunk", "0.25"),
        ("gen_ai.usage.input_tokens", "7"),
        ("gen_ai.usage.output_tokens", "5"),
        ("runmill.outcome", "succeeded"),
        ("runmill.provider.id", "prov_1"),
        ("runmill.retry_count", "1"),
    ];
    assert_eq!(attributes(&spans[0]), want.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn a_span_that_ends_with_an_error_says_which_kind() {
    let spans = spans_of(1.0, || {
        let span = info_span!("model.attempt", error_kind = tracing::field::Empty, status = 0_u16);
        span.record("error_kind", "rate_limited");
        span.record("status", 429_u16);
    });

    assert_eq!(spans[0].status, Status::error("rate_limited"));
    let want = [("error.type", "rate_limited"), ("http.response.status_code", "429")];
    assert_eq!(attributes(&spans[0]), want.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn one_job_is_one_trace_in_whatever_process() {
    let mut spans = spans_of(1.0, || {
        let fed = feed(JOB);
        let done = {
            let job = info_span!("job");
            continue_from(&job, fed.as_deref());
            job.in_scope(|| drop(info_span!("model.invoke", model = "m")));
            context_of(&job)
        };
        let batch = info_span!(target: ONLY, parent: None, "results.write");
        let record = info_span!(target: ONLY, parent: None, "result.record");
        continue_from(&record, done.as_deref());
        record.follows_from(&batch);
    });

    spans.sort_by_key(|span| span.start_time);
    let [feed, job, call, batch, record] = &spans[..] else { panic!("{spans:?}") };
    let trace = |span: &SpanData| span.span_context.trace_id();
    let id = |span: &SpanData| span.span_context.span_id();
    assert_eq!([job, call, record].map(trace), [trace(feed); 3]);
    assert_ne!(trace(batch), trace(feed));
    let parents = [feed, job, call, record].map(|span| span.parent_span_id);
    assert_eq!(parents, [SpanId::INVALID, id(feed), id(job), id(job)]);
    assert_eq!(record.links.links[0].span_context.span_id(), id(batch));
}

#[test]
fn a_job_that_is_fed_again_is_in_the_same_trace_and_another_job_is_not() {
    let spans = spans_of(1.0, || {
        for key in [JOB, "0199a3c4-7b21-7d10-9c55-2f6f0a1b2c3d:8:0", JOB] {
            feed(key);
        }
    });

    let [first, other, again] = [0, 1, 2].map(|n: usize| &spans[n].span_context);
    assert_eq!(first.trace_id(), again.trace_id());
    assert_ne!(first.span_id(), again.span_id());
    assert_ne!(first.trace_id(), other.trace_id());
}

#[test]
fn what_begins_unsampled_goes_on_unsampled() {
    let spans = spans_of(0.0, || {
        let fed = feed(JOB).expect("the next process is told");
        assert!(fed.ends_with("-00"), "{fed}");
        continue_from(&info_span!("job"), Some(&fed));
    });
    assert_eq!(spans, []);
}

#[test]
fn a_context_that_cannot_be_read_begins_a_trace_of_its_own() {
    let spans = spans_of(1.0, || continue_from(&info_span!("job"), Some("00-garbage")));
    assert_eq!(spans[0].parent_span_id, SpanId::INVALID);
    assert!(spans[0].span_context.is_valid());
}

#[test]
fn spans_of_the_process_are_no_part_of_a_trace() {
    let spans = spans_of(1.0, || {
        let _task = info_span!("task", task = "lanes").entered();
        drop(info_span!("job"));
    });
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].parent_span_id, SpanId::INVALID);
}

#[test]
fn nobody_traces_without_an_endpoint() {
    with_default(crate::subscriber(logs("trace", io::sink())).unwrap(), || {
        assert!(info_span!(target: ONLY, "job.feed").is_disabled());
        assert_eq!(feed(JOB), None);
        let job = info_span!("job");
        continue_from(&job, Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        assert!(!job.is_disabled());
        assert_eq!(context_of(&job), None);
        assert_eq!(context_of(&Span::none()), None);
    });
}

#[test]
fn log_lines_are_the_same_with_traces() {
    let line = || {
        let _job = info_span!("job", run_id = "run_1").entered();
        let _feed = info_span!(target: ONLY, "job.feed", ordinal = 7).entered();
        tracing::info!(event = "job.seen", "seen");
    };
    let (plain, traced) = (Captured::default(), Captured::default());

    with_default(crate::subscriber(logs("info", plain.clone())).unwrap(), line);
    let provider = provider(Collector::default(), &sampled(1.0));
    with_default(subscriber(logs("info", traced.clone()), &provider).unwrap(), line);

    let text = |captured: Captured| String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    let plain = text(plain);
    assert!(plain.contains(r#""run_id":"run_1""#), "{plain}");
    assert_eq!(text(traced), plain);
}

#[test]
fn a_collector_that_is_away_is_one_warning() {
    let exporter = Renaming::new(Collector { is_away: true, ..Collector::default() });
    let captured = Captured::default();
    with_default(crate::subscriber(logs("info", captured.clone())).unwrap(), || {
        for span in spans_of(1.0, || (0..3).for_each(|_| drop(info_span!("job")))) {
            assert!(futures::executor::block_on(exporter.export(vec![span])).is_ok());
        }
    });

    let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.matches("traces.lost").count(), 1, "{text}");
}
