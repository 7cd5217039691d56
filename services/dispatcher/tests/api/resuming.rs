//! Runs that were paused because their provider refused calls, and that resume by themselves.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use runmill_broker::{Heard, Listener};
use runmill_proto::{
    ErrorKind, InvocationId, Outcome, ProviderId, RunId,
    message::{Call, Control, Deferred, Invocation, JobKey},
    testing,
};
use runmill_store::{LogBatch, LogEntry};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{Server, refused};

fn call(provider_id: ProviderId, now: Timestamp) -> Call {
    let id = InvocationId::from_uuid(Uuid::now_v7());
    Call { provider_id, attempts: Vec::new(), started_at: now, latency_ms: 0, ..testing::call(id) }
}

pub async fn new_run(server: &Server, body: &Value) -> RunId {
    let run = server.created(server.request(Method::POST, "/runs").json(body)).await;
    serde_json::from_value(run["id"].clone()).unwrap()
}

/// Creates a run of `body`, with an answer, that was paused by a deferral and resumes by itself after `seconds`.
async fn stopped_run(server: &Server, body: &Value, seconds: i64) -> RunId {
    let id = new_run(server, body).await;
    end_job(server, id, 1, Outcome::Succeeded).await;
    stop(server, id, seconds).await;
    id
}

async fn stop(server: &Server, id: RunId, seconds: i64) {
    let now = server.clock.now();
    let provider_id = server.store.run(id).await.unwrap().submission.provider_id;
    let stop = Deferred {
        run_id: id,
        ordinal: 0,
        sample: 0,
        epoch: 0,
        attempt: 0,
        failures: 0,
        not_before: now + SignedDuration::from_secs(seconds),
        reason: "the quota is used up".into(),
        pause: true,
        pause_cause: None,
        unreachable: false,
        call: call(provider_id, now),
    };
    let batch = LogBatch(vec![LogEntry::Deferred(Box::new(stop))]);
    server.store.write_logs(&batch, now).await.unwrap();
}

/// Records the end of the job at a position of a run of two items.
pub async fn end_job(server: &Server, run_id: RunId, position: u32, outcome: Outcome) {
    let now = server.clock.now();
    let call = call(server.store.run(run_id).await.unwrap().submission.provider_id, now);
    let error_kind = (outcome == Outcome::Failed).then_some(ErrorKind::ServerError);
    let invocation =
        testing::invocation(JobKey { run_id, ordinal: position % 2, sample: position / 2 }, call, outcome);
    let entry = LogEntry::Invocation(Box::new(Invocation { error_kind, ..invocation }));
    server.store.write_logs(&LogBatch(vec![entry]), now).await.unwrap();
}

/// Creates a run whose jobs have all failed.
async fn failed_run(server: &Server, body: &Value) -> RunId {
    let id = new_run(server, body).await;
    for position in 0..2 {
        end_job(server, id, position, Outcome::Failed).await;
    }
    id
}

pub async fn run(server: &Server, id: RunId) -> Value {
    server.get(&format!("/runs/{id}")).await
}

/// Returns the run of the next announcement that `pick` picks.
pub async fn next_announced(listener: &mut dyn Listener, pick: fn(&Control) -> Option<RunId>) -> RunId {
    let listening = async {
        loop {
            let Some(Heard::Message(heard)) = listener.next().await else { panic!("the listener ended") };
            if let Some(run_id) = pick(&heard.decode().unwrap()) {
                return run_id;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), listening).await.unwrap()
}

/// Returns the next run that is announced as resumed.
async fn next_resumed(listener: &mut dyn Listener) -> RunId {
    let resumed =
        |control: &Control| if let Control::RunResumed { run_id } = control { Some(*run_id) } else { None };
    next_announced(listener, resumed).await
}

#[tokio::test]
async fn a_stopped_run_goes_on_when_its_time_has_come_and_not_before() {
    let server = Server::start().await;
    let body = server.new_run().await;
    // The reconciler checks the older run first, so that run would resume first if its time had come.
    let later = stopped_run(&server, &body, 601).await;
    let sooner = stopped_run(&server, &body, 600).await;
    let shown = run(&server, sooner).await;
    assert_eq!(shown["resume_at"], json!(server.clock.now() + SignedDuration::from_secs(600)));
    assert_eq!(shown["pause_reason"], "the quota is used up");
    let mut listener = server.broker.listen().await.unwrap();

    server.clock.advance(Duration::from_mins(10));
    server.feed();

    assert_eq!(next_resumed(&mut *listener).await, sooner);
    let resumed = run(&server, sooner).await;
    assert_eq!((&resumed["paused_at"], &resumed["resume_at"]), (&Value::Null, &Value::Null));
    assert_eq!(resumed["resumed_count"], 1);
    assert!(run(&server, later).await["paused_at"].is_string());

    server.clock.advance(Duration::from_secs(1));
    assert_eq!(next_resumed(&mut *listener).await, later);
}

#[tokio::test]
async fn a_change_that_may_help_resumes_the_providers_runs_at_once() {
    let server = Server::start().await;
    let body = server.new_run().await;
    let path = format!("/providers/{}", body["provider_id"].as_str().unwrap());
    let other = json!({"name": "other", "kind": "custom", "base_url": "https://api.example/v1"});
    let other = server.created(server.request(Method::POST, "/providers").json(&other)).await;
    let mut elsewhere = body.clone();
    elsewhere["provider_id"] = other["id"].clone();
    let elsewhere = stopped_run(&server, &elsewhere, 600).await;
    let mut listener = server.broker.listen().await.unwrap();
    for change in [
        json!({"api_keys": [{"label": "new", "value": "sk-0123456789abcdef"}]}),
        json!({"headers": {"x-team": "ours"}}),
        json!({"base_url": "https://api.example/v2"}),
        json!({"protocol": "gemini"}),
    ] {
        let stopped = stopped_run(&server, &body, 600).await;
        server.patch(&path, &json!({"name": "renamed", "rate_limit": {"rpm": 5}})).await;
        assert!(run(&server, stopped).await["resume_at"].is_string(), "before {change}");

        server.patch(&path, &change).await;

        assert_eq!(run(&server, stopped).await["paused_at"], Value::Null, "{change}");
        assert_eq!(next_resumed(&mut *listener).await, stopped, "{change}");
    }
    assert!(run(&server, elsewhere).await["resume_at"].is_string(), "of another provider");
}

#[tokio::test]
async fn a_change_that_may_help_resumes_also_a_run_that_was_never_answered() {
    let server = Server::start().await;
    let body = server.new_run().await;
    let path = format!("/providers/{}", body["provider_id"].as_str().unwrap());
    let stopped = new_run(&server, &body).await;
    stop(&server, stopped, 600).await;
    let shown = run(&server, stopped).await;
    assert_eq!((shown["paused_at"].is_string(), &shown["resume_at"]), (true, &Value::Null));

    server.patch(&path, &json!({"base_url": "https://api.example/v2"})).await;

    assert_eq!(run(&server, stopped).await["paused_at"], Value::Null);
}

#[tokio::test]
async fn a_run_that_a_user_paused_stays_paused_whatever_changes() {
    let server = Server::start().await;
    let body = server.new_run().await;
    let stopped = stopped_run(&server, &body, 600).await;
    let asked = server.request(Method::POST, &format!("/runs/{stopped}/pause")).send().await.unwrap();
    let asked: Value = asked.json().await.unwrap();
    assert_eq!((&asked["resume_at"], asked["paused_at"].is_string()), (&Value::Null, true));

    let path = format!("/providers/{}", body["provider_id"].as_str().unwrap());
    server.patch(&path, &json!({"base_url": "https://api.example/v2"})).await;

    assert!(run(&server, stopped).await["paused_at"].is_string());
}

#[tokio::test]
async fn failed_jobs_of_a_run_whose_provider_was_deleted_are_not_tried_again() {
    let server = Server::start().await;
    let body = server.new_run().await;
    let run = failed_run(&server, &body).await;
    let path = format!("/providers/{}", body["provider_id"].as_str().unwrap());
    assert!(server.request(Method::DELETE, &path).send().await.unwrap().status().is_success());

    let problem = refused(server.request(Method::POST, &format!("/runs/{run}/retry-failed"))).await;

    assert_eq!(problem.status, 409, "{problem:?}");
    assert!(problem.detail.contains("provider") && problem.detail.contains("deleted"), "{problem:?}");
}
