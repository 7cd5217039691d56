use runmill_proto::ErrorKind;
use serde_json::{Value, json};

use super::{World, executor::Executor};

#[tokio::test]
async fn a_buffered_request_that_waits_gets_spaces_before_its_answer() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let asking = tokio::spawn(world.chat(&json!({})).send());
    let taken = executor.take().await;

    let mut response = asking.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    for _ in 0..2 {
        let signs = response.chunk().await.unwrap().unwrap();
        assert!(signs.iter().all(|byte| *byte == b' '), "{signs:?}");
    }
    taken.answer("four").await;

    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["choices"][0]["message"]["content"], "four");
}

#[tokio::test]
async fn a_failure_after_the_status_of_a_buffered_request_cuts_the_connection() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let asking = tokio::spawn(world.chat(&json!({})).send());
    let taken = executor.take().await;
    let response = asking.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    taken.fail(ErrorKind::Overloaded, "busy").await;

    assert!(response.text().await.is_err(), "the body has no end");
}

#[tokio::test]
async fn a_streamed_request_that_waits_gets_comments_before_its_answer() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let asking = tokio::spawn(world.chat(&json!({"stream": true})).send());
    let taken = executor.take().await;

    let mut response = asking.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    let mut text = String::new();
    while text.matches(": keepalive\n\n").count() < 3 {
        text += std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
    }
    taken.answer("four").await;
    text += &response.text().await.unwrap();

    assert!(text.contains("four") && text.trim_end().ends_with("data: [DONE]"), "{text}");
}

#[tokio::test]
async fn a_failure_within_a_stream_is_an_event_and_one_before_it_a_status() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let asking = tokio::spawn(world.chat(&json!({"stream": true})).send());
    executor.take().await.fail(ErrorKind::Overloaded, "busy").await;
    let response = asking.await.unwrap().unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));

    let asking = tokio::spawn(world.chat(&json!({"stream": true})).send());
    let taken = executor.take().await;
    taken.delta("fo").await;
    let response = asking.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    taken.fail(ErrorKind::Overloaded, "busy").await;

    let text = response.text().await.unwrap();
    assert!(text.contains("\"error\"") && text.contains("busy"), "{text}");
    assert!(!text.contains("[DONE]") && !text.contains("\"finish_reason\":\"stop\""), "{text}");
}
