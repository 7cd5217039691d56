use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use runmill_llm::CallPolicy;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

use crate::{
    server::{Act, EVENTS, Server, response, stream},
    setup::{HEADER_SECRET, KEY, PROVIDER, client, policy, request},
};

type Line = BTreeMap<String, String>;

/// Collects every event of this thread, of every level and crate.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl Lines {
    fn collect() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let guard = Registry::default().with(lines.clone()).set_default();
        (lines, guard)
    }

    fn all(&self) -> Vec<Line> {
        self.0.lock().unwrap().clone()
    }

    fn of(&self, event: &str) -> Vec<Line> {
        let is_it = |line: &Line| line.get("event").is_some_and(|name| name == event);
        self.all().into_iter().filter(is_it).collect()
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _cx: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
}

#[derive(Default)]
struct Fields(Line);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

fn names(line: &Line) -> Vec<&str> {
    line.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn each_call_leaves_one_line_with_the_platforms_names() {
    let (lines, _collecting) = Lines::collect();
    let server = Server::start([Act::Send(stream(EVENTS))]).await;

    client(server.base_url()).invoke(&request(), &policy()).await;

    let [line] = &lines.of("model.invocation")[..] else { panic!("{:?}", lines.all()) };
    assert_eq!(
        names(line),
        [
            "cached_tokens",
            "completion_tokens",
            "event",
            "latency_ms",
            "message",
            "model",
            "outcome",
            "prompt_tokens",
            "provider_id",
            "reasoning_tokens",
            "retry_count",
            "streamed",
            "ttft_ms",
        ]
    );
    assert_eq!(line["provider_id"], PROVIDER.to_string());
    assert_eq!((&*line["outcome"], &*line["prompt_tokens"], &*line["retry_count"]), ("succeeded", "9", "0"));
}

#[tokio::test]
async fn a_call_without_a_request_leaves_no_line_of_a_call() {
    let (lines, _collecting) = Lines::collect();
    let server = Server::start([Act::Send(stream(EVENTS))]).await;
    let too_late = CallPolicy { deadline: Some(Timestamp::UNIX_EPOCH), ..policy() };

    client(server.base_url()).invoke(&request(), &too_late).await;

    assert!(lines.of("model.invocation").is_empty(), "{:?}", lines.all());
    let [line] = &lines.of("model.not_called")[..] else { panic!("{:?}", lines.all()) };
    assert_eq!(line["error_kind"], "deadline_passed");
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_says_why_and_no_level_shows_a_secret() {
    let (lines, _collecting) = Lines::collect();
    let echo = format!("{{\"error\":{{\"message\":\"bad {KEY} {HEADER_SECRET}\"}}}}");
    let rejection = format!("{{\"error\":{{\"message\":\"no streams for {KEY}\",\"param\":\"stream\"}}}}");
    let server = Server::start([
        Act::Send(response("400 Bad Request", "", &rejection)),
        // The other form is accepted, although the answer is an error.
        Act::Send(response("200 OK", "content-type: application/json\r\n", &echo)),
        Act::Send(response("401 Unauthorized", "", &echo)),
    ])
    .await;

    client(server.base_url()).invoke(&request(), &CallPolicy { max_retries: 1, ..policy() }).await;

    let line = &lines.of("model.invocation")[0];
    // The key worked, so that the request is at fault after some refusals.
    assert_eq!((&*line["error_kind"], &*line["outcome"]), ("invalid_request", "failed"));
    assert_eq!(lines.of("model.attempt_failed").len(), 3);
    assert_eq!(lines.of("model.form_changed")[0]["reason"], "no streams for [redacted]");
    let told = format!("{:?}", lines.all());
    assert!(!told.contains(KEY) && !told.contains(HEADER_SECRET), "{told}");
}
