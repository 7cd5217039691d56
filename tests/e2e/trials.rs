//! Runs with a fault that every call has: few calls are made, and the command ends with the provider's words.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Json, Router, http::StatusCode, routing::post};
use runmill_proto::{
    RunStatus,
    api::{Run, RunMessage},
};
use runmill_testkit::DeadPort;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{Cluster, Command, Sandbox, assert_counters_equal_rows, data::questions, within};

const ITEMS: usize = 1_000;
const CALLS_MAX: u64 = 20;
/// Far below the time in which all items would fail one by one, also on a machine that is busy with other tests.
const TIME_MAX: Duration = Duration::from_secs(40);

/// Runs the command, which must end soon, with code 1 and with the provider's `words`. Returns its standard output.
async fn assert_pauses(what: &str, command: Command, words: &str) -> String {
    let start = Instant::now();
    let output = command.output().await;
    let screen = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{what}: {screen} {said}");
    assert!(start.elapsed() < TIME_MAX, "{what}: {:?}", start.elapsed());
    assert!(screen.contains("paused") && screen.contains(words), "{what}: {screen} {said}");
    screen
}

/// Starts a server whose model takes no temperature above 2. Returns its base URL and the number of its calls.
async fn server_without_high_temperatures() -> (String, Arc<AtomicU64>) {
    let calls = Arc::new(AtomicU64::new(0));
    let counter = calls.clone();
    let refuse = move || {
        counter.fetch_add(1, Ordering::SeqCst);
        let message =
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.";
        let error = json!({"error": {"message": message, "type": "invalid_request_error",
            "param": "temperature", "code": "decimal_above_max_value"}});
        std::future::ready((StatusCode::BAD_REQUEST, Json(error)))
    };
    let router = Router::new().route("/v1/chat/completions", post(refuse));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    (base_url, calls)
}

#[tokio::test]
async fn a_fault_of_the_whole_run_costs_few_calls_and_is_told() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("items.jsonl", &questions(ITEMS));
    let base_url = sandbox.gateway.base_url();
    let without_v1 = base_url.trim_end_matches("/v1").to_owned();
    let table = [
        // what, base URL, model, key, words
        ("typo", &base_url, "lorrem", "sk-good", "`lorrem` is no base"),
        ("wrong key", &base_url, "lorem", "revoked-0123456789", "refuses the key"),
        ("no /v1", &without_v1, "lorem", "sk-good", "404"),
    ];
    for (what, base_url, model, key, words) in table {
        let before = sandbox.gateway.stats().all.calls;
        let args = ["run", &dataset, "--base-url", base_url, "--model", model];

        assert_pauses(what, sandbox.runmill(&args).env("OPENAI_API_KEY", key), words).await;

        let calls = sandbox.gateway.stats().all.calls - before;
        assert!(calls <= CALLS_MAX, "{what}: {calls} calls");
    }
}

#[tokio::test]
async fn a_refused_parameter_costs_few_calls_and_is_told() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("items.jsonl", &questions(ITEMS));
    let (base_url, calls) = server_without_high_temperatures().await;
    let args = ["run", &dataset, "--base-url", &base_url, "--model", "m", "--json", "--config"];
    let args = [&args[..], &[r#"{"temperature": 3}"#]].concat();

    let words = "Expected a value <= 2, but got 3";
    let shown = assert_pauses("temperature", sandbox.runmill(&args), words).await;
    let run: Run = serde_json::from_str(&shown).unwrap();

    let calls = calls.load(Ordering::SeqCst);
    assert!((1..=CALLS_MAX).contains(&calls), "{calls} calls");
    assert!(run.pause_reason.is_some_and(|reason| reason.contains(words)));
    assert_eq!((run.status, run.resume_at), (RunStatus::Running, None));
    let message =
        run.messages.first().map(|RunMessage { text, jobs, .. }| (text.contains("above maximum"), *jobs));
    assert_eq!(message, Some((true, 10)), "{:?}", run.messages);
}

#[tokio::test]
async fn over_a_fleet_a_run_makes_ten_calls_and_all_of_it_goes_on_after_a_change() {
    let cluster = Cluster::start(2, 2).await;
    let api = &cluster.api;
    // The gateway has no such path until the address is corrected.
    let wrong = cluster.gateway.base_url().replace("/v1", "/v2");
    let provider = api.provider(&wrong, 64).await;
    let dataset = api.dataset(questions(ITEMS)).await;
    let run = api.start_run(provider, "lorem", dataset).await;
    let paused = within("the pause", async {
        loop {
            let run = api.run(run).await;
            if run.paused_at.is_some() {
                return run;
            }
        }
    })
    .await;
    assert_eq!((paused.counters.failed, paused.counters.calls), (10, 10), "{:?}", paused.pause_reason);

    let patch = json!({"base_url": cluster.gateway.base_url()});
    api.change(reqwest::Method::PATCH, &format!("/providers/{provider}"), &patch).await;
    let ended = api.ended(run).await;

    assert_eq!((ended.status, ended.counters.succeeded), (RunStatus::Completed, ITEMS as u64));
    assert!(ended.messages.is_empty() && ended.errors.is_empty(), "{:?}", ended.messages);
    assert_counters_equal_rows(&ended, &api.results(run).await);
    cluster.assert_nothing_left(provider).await;
}

#[tokio::test]
async fn a_port_where_nobody_listens_costs_no_call_and_is_told() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("items.jsonl", &questions(ITEMS));
    let nobody = DeadPort::take();
    let base_url = format!("http://{}/v1", nobody.address());
    let args = ["run", &dataset, "--base-url", &base_url, "--model", "m", "--json"];

    let shown = assert_pauses("dead port", sandbox.runmill(&args), &nobody.address().to_string()).await;
    let run: Run = serde_json::from_str(&shown).unwrap();

    assert_eq!((run.counters.calls, run.counters.settled), (0, 0));
    assert!(run.counters.unreached > 0);
}
