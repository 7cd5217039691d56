use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use runmill_broker::{Envelope, Queue};
use runmill_config::Role;
use runmill_proto::{
    ErrorKind, ProviderId,
    api::{ExecutorStatus, SmokeTestError, SmokeTestReport},
    message::SmokeTest,
};
use runmill_store::testing::beat;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use crate::server::{Server, pointers, problem, refused};

/// Less than the time after which a test without an answer fails.
const SOON: Duration = Duration::from_secs(30);

fn report(error: Option<SmokeTestError>) -> SmokeTestReport {
    SmokeTestReport {
        ok: error.is_none(),
        latency_ms: 420,
        ttft_ms: Some(80),
        streamed: true,
        preview: Some("ready".into()),
        usage: None,
        json_mode: Some(true),
        cost_usd: Some(0.5),
        key: Some("main".into()),
        answered_by: None,
        error,
    }
}

/// Stores the heartbeat of an executor from `seconds_ago`.
async fn executor(server: &Server, seconds_ago: u64, draining: bool) {
    let seen_at = server.clock.now() - Duration::from_secs(seconds_ago);
    let executor = ExecutorStatus { draining, ..runmill_proto::testing::executor("one", seen_at) };
    let beat = beat(executor);
    server.store.exchange(&beat).await.unwrap();
}

/// Receives one request and sends `answer`, if there is one. The task returns the request.
async fn answer(server: &Server, answer: Option<SmokeTestReport>) -> tokio::task::JoinHandle<SmokeTest> {
    let mut requests = server.broker.subscribe(Queue::Requests, 1).await.unwrap();
    tokio::spawn(async move {
        let delivery = requests.next().await.unwrap();
        let asked = delivery.message.decode().unwrap();
        if let Some(answer) = answer {
            delivery.reply(Envelope::new(&answer)).await.unwrap();
        }
        delivery.ack().await.unwrap();
        asked
    })
}

async fn provider(server: &Server) -> ProviderId {
    serde_json::from_value(server.new_run().await["provider_id"].clone()).unwrap()
}

fn test(server: &Server, provider_id: ProviderId, model: &str) -> RequestBuilder {
    let path = format!("/providers/{provider_id}/smoke-test");
    server.request_as(Role::Submit, Method::POST, &path).json(&json!({"model": model}))
}

#[tokio::test]
async fn an_executor_is_asked_and_its_report_is_the_answer_also_of_a_failure() {
    let server = Server::start().await;
    let provider_id = provider(&server).await;
    executor(&server, 10, false).await;
    let error = SmokeTestError {
        kind: ErrorKind::Authentication,
        status: Some(401),
        message: "no such key".into(),
        advice: "put a valid key into api_keys".into(),
    };
    for want in [report(None), report(Some(error))] {
        let asked = answer(&server, Some(want.clone())).await;

        let response = test(&server, provider_id, "echo").send().await.unwrap();

        assert_eq!(response.status(), 200);
        let found: Value = response.json().await.unwrap();
        assert_eq!(found, serde_json::to_value(&want).unwrap());
        assert_eq!(asked.await.unwrap(), SmokeTest { provider_id, model: "echo".into() });
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let server = Server::start().await;
    executor(&server, 0, false).await;
    let provider_id = provider(&server).await;

    let unknown = refused(test(&server, ProviderId::from_uuid(Uuid::now_v7()), "echo")).await;
    let nameless = refused(test(&server, provider_id, " ")).await;

    assert_eq!(unknown.status, 404, "{unknown:?}");
    assert_eq!((nameless.status, pointers(&nameless)), (400, vec!["/model"]));
}

/// Makes a test that must fail with 503. Returns the reason that the problem names.
async fn why_unanswered(server: &Server, provider_id: ProviderId) -> String {
    let problem = refused(test(server, provider_id, "echo")).await;
    assert_eq!(problem.status, 503, "{problem:?}");
    let why = problem.detail.strip_prefix("no executor answers: ").unwrap();
    why.split(';').next().unwrap().to_owned()
}

const NONE: &str = "none is alive, and none started while the request was held";

#[tokio::test]
async fn without_a_live_executor_nobody_is_asked() {
    let server = Server::start().await;
    let provider_id = provider(&server).await;

    assert_eq!(why_unanswered(&server, provider_id).await, NONE);
    executor(&server, 11, false).await;
    assert_eq!(why_unanswered(&server, provider_id).await, NONE);
    executor(&server, 0, true).await;
    assert_eq!(why_unanswered(&server, provider_id).await, NONE);
}

#[tokio::test]
async fn a_test_is_held_until_the_first_executor_starts() {
    let server = Server::holding().await;
    let provider_id = provider(&server).await;
    let asking = tokio::spawn(test(&server, provider_id, "echo").send());
    while server.get("/scaling").await["requests"] == 0 {
        tokio::task::yield_now().await;
    }

    let asked = answer(&server, Some(report(None))).await;
    executor(&server, 0, false).await;

    let answered = timeout(SOON, asking).await.unwrap().unwrap().unwrap();
    assert_eq!(answered.status(), 200);
    asked.await.unwrap();
}

#[tokio::test]
async fn an_executor_that_does_not_answer_is_given_up() {
    let server = Server::start().await;
    let provider_id = provider(&server).await;
    executor(&server, 0, false).await;

    // The executor receives the request and does not answer it.
    let asked = answer(&server, None).await;

    assert_eq!(why_unanswered(&server, provider_id).await, "no answer came within the time limit");
    asked.await.unwrap();
}

#[tokio::test]
async fn a_stop_waits_for_no_test() {
    let server = Server::start().await;
    let provider_id = provider(&server).await;
    executor(&server, 0, false).await;
    let mut requests = server.broker.subscribe(Queue::Requests, 1).await.unwrap();
    let asking = tokio::spawn(test(&server, provider_id, "echo").send());
    let _unanswered = requests.next().await.unwrap();

    server.stop();

    let answered = timeout(SOON, asking).await.unwrap().unwrap().unwrap();
    let problem = problem(answered).await;
    assert_eq!(problem.status, 503, "{problem:?}");
    assert!(problem.detail.contains("stopping"), "{problem:?}");
}
