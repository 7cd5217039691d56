use std::time::Duration;

use runmill_gateway::{CallRecord, Gateway, Peaks};
use serde_json::{Value, json};

use crate::client::{Reply, ask, chat, gateway, post, send, until};

const KEY_A: &str = "authorization: Bearer a\r\n";
const KEY_B: &str = "x-api-key: b\r\n";

async fn messages(gateway: &Gateway, headers: &str, model: &str) -> Reply {
    let body = json!({"model": model, "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]});
    post(gateway, "/v1/messages", headers, &body).await
}

async fn gemini(gateway: &Gateway, headers: &str, model: &str) -> Reply {
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    let path = format!("/v1beta/models/{}:generateContent", model.replace('+', "%2B").replace('=', "%3D"));
    post(gateway, &path, headers, &body).await
}

async fn responses(gateway: &Gateway, headers: &str, model: &str) -> Reply {
    post(gateway, "/v1/responses", headers, &json!({"model": model, "input": "hi"})).await
}

#[tokio::test]
async fn calls_in_flight_are_limited_for_each_key_and_model() {
    let (gateway, model) = (gateway().await, "echo+slots=2+hold");
    let body = ask(model, "hi").to_string();
    let mut open = Vec::new();
    for _ in 0..2 {
        open.push(send(gateway.address(), "POST", "/v1/chat/completions", KEY_A, &body).await);
    }
    until(&gateway, |stats| stats.all.in_flight == 2).await;

    let refused = chat(&gateway, KEY_A, &ask(model, "hi")).await;
    gateway.release();
    until(&gateway, |stats| stats.all.in_flight == 0).await;
    let later = chat(&gateway, KEY_A, &ask(model, "hi")).await;

    assert_eq!((refused.status, later.status), (429, 200));
    assert_eq!(chat(&gateway, KEY_B, &ask(model, "hi")).await.status, 200);
    let calls = gateway.calls(0, 99);
    assert_eq!(Peaks::in_flight(calls.iter().map(|call| &**call).filter(|call| call.status == 200)), 2);
}

#[tokio::test]
async fn a_limit_counts_over_all_protocols_and_each_refuses_in_its_words() {
    let (gateway, model) = (gateway().await, "echo+rpm=1+retry-after=7");
    assert_eq!(chat(&gateway, KEY_A, &ask(model, "hi")).await.status, 200);

    let openai = chat(&gateway, KEY_A, &ask(model, "hi")).await;
    let newer = responses(&gateway, KEY_A, model).await;
    let anthropic = messages(&gateway, KEY_A, model).await;
    let google = gemini(&gateway, KEY_A, model).await;

    assert_eq!([&openai, &newer, &anthropic, &google].map(|reply| reply.status), [429; 4]);
    assert_eq!([&openai, &newer, &anthropic].map(|reply| reply.header("retry-after")), [Some("7"); 3]);
    let error = openai.json()["error"].clone();
    assert_eq!((&error["type"], &error["code"]), (&"requests".into(), &"rate_limit_exceeded".into()));
    assert_eq!(
        error["message"],
        format!("Rate limit reached for {model} on requests per min (RPM): Limit 1, Used 1, Requested 1.")
    );
    assert_eq!(anthropic.json()["error"]["type"], "rate_limit_error");
    let google: Value = google.json()["error"].clone();
    assert_eq!(google["status"], "RESOURCE_EXHAUSTED");
    assert_eq!(
        google["details"][0]["violations"][0]["quotaId"],
        "GenerateRequestsPerMinutePerProjectPerModel"
    );
    assert_eq!(google["details"][1]["retryDelay"], "7s");
    assert_eq!(messages(&gateway, KEY_B, model).await.status, 200, "another key has its own limit");
}

#[tokio::test]
async fn a_burst_and_then_nothing_at_once() {
    let gateway = gateway().await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(chat(&gateway, KEY_A, &ask("echo+rps=1:2", "hi")).await.status);
    }

    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn tokens_of_prompt_and_answer_count_and_are_recorded() {
    let gateway = gateway().await;
    let request = ask("echo+tpm=10", "a b c");
    let first = chat(&gateway, KEY_A, &request).await;

    let second = chat(&gateway, KEY_A, &request).await;
    let alone_too_large = chat(&gateway, KEY_A, &ask("echo+tpm=10", "a b c d e f")).await;

    assert_eq!((first.status, second.status, alone_too_large.status), (200, 429, 429));
    assert_eq!(second.json()["error"]["type"], "tokens");
    let message = alone_too_large.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with("Limit 10, Used 6, Requested 12."), "{message}");
    let calls = gateway.calls(0, 99);
    assert_eq!(calls.iter().map(|call| call.tokens).collect::<Vec<_>>(), [6, 0, 0]);
    let records: Vec<&CallRecord> = calls.iter().map(|call| &**call).collect();
    assert_eq!(Peaks::tokens(records.iter().copied(), Duration::from_mins(1)), 6);
    assert_eq!(Peaks::starts(records, Duration::from_mins(1)), 3);
}

#[tokio::test]
async fn headers_tell_the_state_of_the_limits() {
    let gateway = gateway().await;
    let name = "echo+rpm=1+tpm=100+headers";

    let openai = chat(&gateway, KEY_A, &ask(name, "hi")).await;
    let anthropic = messages(&gateway, KEY_B, name).await;
    let refused = messages(&gateway, KEY_B, name).await;
    let silent = chat(&gateway, KEY_A, &ask("echo+rpm=9", "hi")).await;

    let header = |name| openai.header(name).unwrap();
    assert_eq!((header("x-ratelimit-limit-requests"), header("x-ratelimit-remaining-requests")), ("1", "0"));
    assert_eq!((header("x-ratelimit-limit-tokens"), header("x-ratelimit-remaining-tokens")), ("100", "98"));
    assert_eq!(header("x-ratelimit-reset-requests"), "60.000s");
    assert_eq!(anthropic.header("anthropic-ratelimit-requests-limit"), Some("1"));
    assert_eq!(anthropic.header("anthropic-ratelimit-tokens-remaining"), Some("98"));
    assert!(anthropic.header("anthropic-ratelimit-requests-reset").unwrap().ends_with('Z'));
    assert_eq!((refused.status, refused.header("anthropic-ratelimit-requests-remaining")), (429, Some("0")));
    assert_eq!(silent.header("x-ratelimit-limit-requests"), None);
}
