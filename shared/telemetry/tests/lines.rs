//! Tests of the lines of the log.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::{
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use runmill_clock::Clock;
use runmill_telemetry::{LogSettings, subscriber};
use serde_json::{Value, json};
use tracing::{Subscriber, debug, error, info, info_span, subscriber::with_default, warn};

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

impl Captured {
    fn subscriber(&self, filter: &str) -> impl Subscriber + Send + Sync + use<> {
        let settings = LogSettings {
            service: "executor",
            app_name: "runmill".into(),
            app_env: "test".into(),
            filter: filter.into(),
            writer: Box::new(self.clone()),
            clock: Clock::fixed("2026-11-22T08:01:00.0129Z".parse().unwrap()),
        };
        subscriber(settings).unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Returns the text that `program` logs.
fn text_of(filter: &str, program: impl FnOnce()) -> String {
    let captured = Captured::default();
    with_default(captured.subscriber(filter), program);
    captured.text()
}

/// Returns the lines that `program` logs.
fn lines_of(filter: &str, program: impl FnOnce()) -> Vec<Value> {
    text_of(filter, program).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn line_of(program: impl FnOnce()) -> Value {
    let mut lines = lines_of("trace,lines=trace", program);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

#[test]
fn a_line_has_its_fields_in_a_steady_order() {
    let text = text_of("lines=info", || {
        info_span!("run", run_id = "run_1")
            .in_scope(|| info!(event = "run.created", items = 7, "run created"));
    });
    assert_eq!(
        text,
        concat!(
            r#"{"timestamp":"2026-11-22T08:01:00.012Z","level":"info","logger":"lines","message":"run created","#,
            r#""event":"run.created","items":7,"run_id":"run_1","#,
            r#""service":"executor","app":"runmill","env":"test"}"#,
            "\n"
        )
    );
}

#[test]
fn values_keep_their_kind() {
    let cause = io::Error::other("refused");
    let chain = Outer(io::Error::other("refused"));
    let line = line_of(|| {
        info!(
            yes = true,
            small = -1_i64,
            large = u128::MAX,
            half = 0.5,
            nan = f64::NAN,
            text = "a \"quoted\"\nline",
            shown = %cause,
            debugged = ?Some(1),
            error = &chain as &(dyn std::error::Error + 'static),
        );
    });

    assert_eq!(line["yes"], json!(true));
    assert_eq!(line["small"], json!(-1));
    assert_eq!(line["half"], json!(0.5));
    assert_eq!(line["nan"], json!("NaN"));
    assert_eq!(line["text"], json!("a \"quoted\"\nline"));
    assert_eq!(line["shown"], json!("refused"));
    assert_eq!(line["debugged"], json!("Some(1)"));
    assert_eq!(line["error"], json!("outer: refused"));
    assert!(line["large"].is_number());
}

#[derive(Debug)]
struct Outer(io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn the_inner_field_wins() {
    let line = line_of(|| {
        let outer = info_span!("request", request_id = "r", run_id = "outer", attempt = 0);
        let inner = info_span!(parent: &outer, "run", run_id = "inner", attempt = 1);
        inner.in_scope(|| info!(attempt = 2, "asked"));
    });

    assert_eq!(
        (&line["request_id"], &line["run_id"], &line["attempt"]),
        (&json!("r"), &json!("inner"), &json!(2))
    );
}

#[test]
fn a_field_that_is_recorded_later_is_in_the_lines_from_then_on() {
    let lines = lines_of("trace,lines=trace", || {
        let span = info_span!("run", run_id = tracing::field::Empty);
        span.in_scope(|| info!("before"));
        span.record("run_id", "run_1");
        span.record("run_id", "run_2");
        span.in_scope(|| info!("after"));
    });

    assert_eq!(lines[0].get("run_id"), None);
    assert_eq!(lines[1]["run_id"], json!("run_2"));
}

#[test]
fn an_event_without_a_name_is_named_by_where_it_is_from() {
    let lines = lines_of("warn", || {
        // A target must be a constant, so there is no loop.
        error!(target: "tower", "lost");
        error!(target: "hyper::client", "lost");
        error!(target: "runmill_broker::amqp::supervisor", "lost");
    });
    let events: Vec<_> = lines.iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events, ["tower", "hyper.client", "amqp.supervisor"]);
}

#[test]
fn the_fields_of_the_log_itself_cannot_be_replaced() {
    let line = line_of(|| error!(level = "none", timestamp = 0, "lost"));
    assert_eq!(line["level"], json!("error"));
    assert_eq!(line["timestamp"], json!("2026-11-22T08:01:00.012Z"));
}

#[test]
fn other_crates_only_warn_unless_they_are_named() {
    let program = || {
        debug!(target: "runmill_executor", "ours");
        debug!(target: "hyper", "theirs");
        warn!(target: "hyper", "theirs");
        debug!(target: "lapin", "asked for");
    };
    let loggers: Vec<_> =
        lines_of("debug,lapin=debug", program).iter().map(|it| it["logger"].clone()).collect();
    assert_eq!(loggers, ["runmill_executor", "hyper", "lapin"]);
}

#[test]
fn levels_have_the_names_of_the_platform() {
    let lines = lines_of("trace,lines=trace", || {
        tracing::trace!("t");
        debug!("d");
        info!("i");
        warn!("w");
        error!("e");
    });
    let levels: Vec<_> = lines.iter().map(|line| line["level"].clone()).collect();
    assert_eq!(levels, ["trace", "debug", "info", "warning", "error"]);
}

#[test]
fn a_value_that_logs_while_it_is_logged_spoils_no_line() {
    struct Chatty;
    impl fmt::Display for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            warn!("formatting");
            f.write_str("value")
        }
    }
    let lines = lines_of("trace,lines=trace", || warn!(chatty = %Chatty, "outer"));
    let messages: Vec<_> = lines.iter().map(|line| line["message"].clone()).collect();
    // A value is formatted while its event is handled, and meanwhile tracing accepts no other event of the thread.
    assert!(messages.contains(&json!("outer")), "{messages:?}");
}

#[test]
fn lines_of_many_threads_do_not_mix() {
    let captured = Captured::default();
    let dispatch = tracing::Dispatch::new(captured.subscriber("lines=warn"));

    std::thread::scope(|scope| {
        for thread in 0..4 {
            let dispatch = &dispatch;
            scope.spawn(move || {
                tracing::dispatcher::with_default(dispatch, || {
                    for line in 0..200 {
                        warn!(thread, line, padding = "x".repeat(100), "said");
                    }
                });
            });
        }
    });

    let text = captured.text();
    assert_eq!(text.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count(), 800);
}
