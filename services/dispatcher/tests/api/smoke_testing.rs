use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use runmill_broker::{Envelope, Queue};
use runmill_config::Access;
use runmill_proto::{
    ErrorKind, ProviderId,
    api::{Executor, SmokeTestError, SmokeTestReport},
    message::SmokeTest,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{Server, pointers, refused};

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
        error,
    }
}

/// Makes an executor known that was seen so many seconds ago.
async fn executor(server: &Server, seconds_ago: u64, draining: bool) {
    let seen_at = server.clock.now() - Duration::from_secs(seconds_ago);
    let executor = Executor {
        name: "one".into(),
        version: "0.1.0".into(),
        started_at: seen_at,
        seen_at,
        draining,
        lanes: Vec::new(),
    };
    server.store.report_executor(&executor).await.unwrap();
}

/// Takes one request and gives it `answer`, or none; what was asked.
async fn answer(server: &Server, answer: Option<SmokeTestReport>) -> tokio::task::JoinHandle<SmokeTest> {
    let mut requests = server.broker.subscribe(Queue::Requests, 1).await.unwrap();
    let broker = server.broker.clone();
    tokio::spawn(async move {
        let delivery = requests.next().await.unwrap();
        let asked = delivery.message.decode().unwrap();
        if let Some(answer) = answer {
            broker.reply(&delivery, Envelope::new(&answer)).await.unwrap();
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
    server.request_as(Access::Submit, Method::POST, &path).json(&json!({"model": model}))
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

#[tokio::test]
async fn no_executor_that_answers_is_said_to_be_so() {
    let server = Server::start().await;
    let provider_id = provider(&server).await;
    let no_executor = async |why: &str| {
        let problem = refused(test(&server, provider_id, "echo")).await;
        assert_eq!(problem.status, 503, "{problem:?}");
        assert!(problem.detail.starts_with(&format!("no executor answers: {why}")), "{problem:?}");
    };

    no_executor("none has reported lately").await;
    executor(&server, 11, false).await;
    no_executor("none has reported lately").await;
    executor(&server, 0, true).await;
    no_executor("none has reported lately").await;
    // It lives, but takes no requests.
    executor(&server, 0, false).await;
    no_executor("none could be asked").await;
    let asked = answer(&server, None).await;
    no_executor("the one that was asked gave no answer").await;
    asked.await.unwrap();
}
