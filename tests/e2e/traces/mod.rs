//! Tests that one item is one trace, from the feeder to the stored result, in one process and over several.

mod walkthrough;

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};
use runmill_proto::RunStatus;
use runmill_testkit::DeadPort;

use crate::support::{Cluster, Command, Plan, Sandbox, Sink, data::questions, sink::text, until};

const ITEMS: usize = 20;
/// Model that answers with the question.
const MODEL: &str = "echo";
const CALL: &str = "chat echo";
const KEY: &str = "sk-traced-5b1f0c9e7d";
const SECRET: &str = "collector-secret-83aa";

/// Spans of one job, by name, oldest first.
type Trace = BTreeMap<String, Vec<(String, Span)>>;

/// Returns the traces of jobs, by trace id.
fn jobs(sink: &Sink) -> BTreeMap<Vec<u8>, Trace> {
    let mut traces = BTreeMap::<Vec<u8>, Trace>::new();
    let mut spans = sink.spans();
    spans.sort_by_key(|(_, span)| span.start_time_unix_nano);
    for (service, span) in spans {
        let trace = traces.entry(span.trace_id.clone()).or_default();
        trace.entry(span.name.clone()).or_default().push((service, span));
    }
    traces.retain(|_, trace| trace.contains_key("job.feed"));
    traces
}

/// Each span, with its parent.
const TREE: [(&str, &str); 4] =
    [("job", "job.feed"), (CALL, "job"), ("model.attempt", CALL), ("result.record", "job")];

fn assert_whole(trace: &Trace, services: [&str; 5]) {
    let names: Vec<_> = trace.keys().map(String::as_str).collect();
    assert_eq!(names, [CALL, "job", "job.feed", "model.attempt", "result.record"]);
    assert!(trace.values().all(|spans| spans.len() == 1), "{trace:?}");
    let span = |name: &str| &trace[name][0].1;
    assert!(span("job.feed").parent_span_id.is_empty());
    for (child, parent) in TREE {
        assert_eq!(span(child).parent_span_id, span(parent).span_id, "{child} under {parent}");
    }
    let told: Vec<_> = trace.values().map(|spans| spans[0].0.as_str()).collect();
    assert_eq!(told, services);
    let call = span(CALL);
    assert_eq!(call.kind, SpanKind::Client as i32);
    for (name, value) in
        [("gen_ai.operation.name", "chat"), ("gen_ai.request.model", MODEL), ("runmill.outcome", "succeeded")]
    {
        assert_eq!(text(&call.attributes, name), value, "{name}");
    }
    for tokens in ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"] {
        assert!(text(&call.attributes, tokens).parse::<u64>().unwrap() > 0, "{tokens}");
    }
    assert_eq!(span("result.record").links.len(), 1, "to what was written with it");
}

/// Checks that every job is linked to the only submission of its run.
fn assert_linked_to_the_submission(sink: &Sink, traces: &BTreeMap<Vec<u8>, Trace>) {
    let spans = sink.spans();
    let (_, submitted) = spans.iter().find(|(_, span)| span.name == "run.submit").unwrap();
    for (_, fed) in traces.values().flat_map(|trace| &trace["job.feed"]) {
        let linked: Vec<_> = fed.links.iter().map(|link| (&link.trace_id, &link.span_id)).collect();
        assert_eq!(linked, [(&submitted.trace_id, &submitted.span_id)]);
    }
}

fn run(sandbox: &Sandbox, model: &str, endpoint: &str, more: &[&str]) -> Command {
    let dataset = sandbox.write("items.jsonl", &questions(ITEMS));
    sandbox
        .run(&dataset, model, &[&["--json"], more].concat())
        .env("OPENAI_API_KEY", KEY)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_EXPORTER_OTLP_HEADERS", &format!("authorization=Bearer%20{SECRET}"))
}

#[tokio::test]
async fn one_item_is_one_trace_from_its_feeding_to_its_row_and_holds_no_content() {
    let (sandbox, sink) = (Sandbox::new().await, Sink::start().await);
    // The log level does not affect traces.
    let output = run(&sandbox, MODEL, &sink.endpoint, &[]).env("APP_LOG_LEVEL", "error").output().await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));

    let traces = jobs(&sink);
    assert_eq!(traces.len(), ITEMS);
    for trace in traces.values() {
        assert_whole(trace, ["runmill-standalone"; 5]);
    }
    assert_linked_to_the_submission(&sink, &traces);
    sink.each(|export| {
        assert_eq!(export.authorization, format!("Bearer {SECRET}"));
        let body = String::from_utf8_lossy(&export.body);
        for needle in [KEY, SECRET, "What is"] {
            assert!(!body.contains(needle), "{needle} left the process");
        }
    });
    assert!(!String::from_utf8_lossy(&output.stderr).contains(SECRET));
}

#[tokio::test]
async fn a_job_that_is_deferred_and_fed_again_stays_in_its_trace() {
    let (sandbox, sink) = (Sandbox::new().await, Sink::start().await);
    // The gateway asks for a longer wait than this, so the job is deferred.
    let config = r#"{"retry": {"wait_max_seconds": 0.5}}"#;
    let model = "lorem+fail=429:1+retry-after=1";
    let running = run(&sandbox, model, &sink.endpoint, &["--limit", "1", "--config", config]).start();

    let fed_again = async || jobs(&sink).values().any(|trace| trace["job.feed"].len() >= 2);
    until("a job that is fed again", fed_again).await;
    running.signal("INT");
    assert_eq!(running.ended().await, Some(130), "{}", running.log());

    let traces = jobs(&sink);
    assert_eq!(traces.len(), 1, "one item");
    let trace = traces.values().next().unwrap();
    let attempts: Vec<_> =
        trace["job.feed"].iter().map(|(_, span)| text(&span.attributes, "runmill.attempt")).collect();
    assert_eq!(attempts[..2], ["0", "1"]);
    let (call, name) = (&trace[&format!("chat {model}")][0].1, "error.type");
    assert_eq!(text(&call.attributes, name), "rate_limited", "{call:?}");
}

#[tokio::test]
async fn a_collector_that_is_away_costs_one_warning_and_no_item() {
    let sandbox = Sandbox::new().await;
    let nobody = DeadPort::take();
    let output = run(&sandbox, MODEL, &format!("http://{}", nobody.address()), &[]).output().await;

    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let log = std::fs::read_to_string(sandbox.path("data").join("runmill.log")).unwrap();
    assert_eq!(log.matches(r#""event":"traces.lost""#).count(), 1, "{log}");
    assert!(!log.contains(SECRET), "{log}");
}

#[tokio::test]
async fn the_services_of_a_cluster_share_the_trace_of_an_item() {
    let sink = Sink::start().await;
    let plan = Plan { otlp_endpoint: Some(sink.endpoint.clone()), ..Plan::default() };
    let cluster = Cluster::planned(plan).await;
    let provider = cluster.api.provider(&cluster.gateway.base_url(), 4).await;
    let dataset = cluster.api.dataset(questions(ITEMS)).await;
    let ended = cluster.api.ended(cluster.api.start_run(provider, MODEL, dataset).await).await;
    assert_eq!(ended.status, RunStatus::Completed);
    cluster.stop().await;

    let traces = jobs(&sink);
    assert_eq!(traces.len(), ITEMS);
    let executor = "runmill-executor";
    let services = [executor, executor, "runmill-dispatcher", executor, "runmill-log-sink"];
    for trace in traces.values() {
        assert_whole(trace, services);
    }
    assert_linked_to_the_submission(&sink, &traces);
    let spans = sink.spans();
    let (_, submitted) = spans.iter().find(|(_, span)| span.name == "run.submit").unwrap();
    assert_eq!(text(&submitted.attributes, "runmill.run.id"), ended.id.to_string());
}
