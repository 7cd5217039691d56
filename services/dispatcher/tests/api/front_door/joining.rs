use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{
    World,
    executor::{Executor, heard_canceled},
};

/// Marks a request as OpenAI's clients do.
fn marked(request: RequestBuilder, retry: u32) -> RequestBuilder {
    request.header("x-stainless-retry-count", retry).header("x-stainless-read-timeout", "0.3")
}

async fn text(request: RequestBuilder) -> String {
    let body: Value = request.send().await.unwrap().json().await.unwrap();
    body["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_retry_after_a_timeout_gets_the_answer_of_the_first_request() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let first = marked(world.chat(&json!({})), 0).timeout(Duration::from_millis(1_200));
    let asking = tokio::spawn(first.send());
    let taken = executor.take().await;
    assert!(asking.await.unwrap().unwrap_err().is_timeout());

    let retrying = tokio::spawn(text(marked(world.chat(&json!({})), 1)));
    let other = tokio::spawn(text(world.chat(&json!({}))));
    let paid = executor.take().await;
    assert_ne!(paid.call.id, taken.call.id, "a request without a mark is another call");
    paid.answer("other").await;
    assert_eq!(other.await.unwrap(), "other");
    taken.answer("four").await;

    assert_eq!(retrying.await.unwrap(), "four");
    assert!(executor.is_idle(&world).await, "the retry was no call of its own");
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_call() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let mut controls = world.server.broker.listen().await.unwrap();
    for fields in [json!({}), json!({"stream": true})] {
        // A client that marks its retries leaves before its own time-out: it no longer wants the answer.
        let request =
            world.chat(&fields).header("x-stainless-retry-count", 0).header("x-stainless-read-timeout", 600);
        let asking = tokio::spawn(request.send());
        let taken = executor.take().await;
        asking.abort();
        heard_canceled(&mut controls, taken.call.id).await;
    }

    let asking = tokio::spawn(world.chat(&json!({"stream": true})).send());
    let taken = executor.take().await;
    taken.delta("fo").await;
    let response = asking.await.unwrap().unwrap();
    drop(response);
    heard_canceled(&mut controls, taken.call.id).await;
}

#[tokio::test]
async fn a_failed_answer_ends_the_other_calls_of_its_request() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let mut controls = world.server.broker.listen().await.unwrap();
    let asking = tokio::spawn(world.chat(&json!({"n": 2})).send());
    let (one, other) = (executor.take().await, executor.take().await);
    let id = other.call.id;
    one.fail(runmill_proto::ErrorKind::Overloaded, "busy").await;

    assert_eq!(asking.await.unwrap().unwrap().status(), 503);
    heard_canceled(&mut controls, id).await;
}
