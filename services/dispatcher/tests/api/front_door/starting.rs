//! Calls of clients while the fleet starts from zero.

use jiff::Timestamp;
use reqwest::Response;
use runmill_proto::api::{ExecutorLane, ExecutorStatus};
use serde_json::{Value, json};

use super::{World, executor::Executor};

/// Stores the heartbeat of an executor that takes calls of the provider.
async fn beat(world: &World, name: &str, draining: bool) {
    let provider_id = world.provider;
    let lane = ExecutorLane { provider_id, concurrency: 8, in_flight: 0, keys: Vec::new(), fault: None };
    let status = ExecutorStatus {
        started_at: Timestamp::UNIX_EPOCH,
        draining,
        lanes: vec![lane],
        ..runmill_proto::testing::executor(name, world.server.clock.now())
    };
    let beat = runmill_store::testing::beat(status);
    world.server.store.exchange(&beat).await.unwrap();
}

/// Waits until the calls at the provider are counted as work.
async fn counted(world: &World, calls: u32) {
    loop {
        let scaling = world.server.get("/scaling").await;
        if scaling["lanes"][0]["waiting"] == calls {
            assert_eq!(scaling["executors_needed"], 1, "{scaling}");
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn answer_of(response: Response) -> Value {
    assert_eq!(response.status(), 200);
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    body["choices"][0]["message"]["content"].clone()
}

#[tokio::test]
async fn a_call_is_work_and_is_held_until_the_first_executor_takes_it() {
    let world = World::holding().await;
    let asking = tokio::spawn(world.chat(&json!({})).send());
    counted(&world, 1).await;

    let mut executor = Executor::start(&world, "a").await;
    beat(&world, "a", false).await;
    executor.take().await.answer("four").await;

    assert_eq!(answer_of(asking.await.unwrap().unwrap()).await, "four");
    counted_none(&world).await;
}

async fn counted_none(world: &World) {
    while world.server.get("/scaling").await["lanes"] != json!([]) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stream_without_an_executor_gets_comments_and_then_the_reason() {
    let world = World::holding().await;
    let response = world.chat(&json!({"stream": true})).send().await.unwrap();
    assert_eq!(response.status(), 200);

    let text = response.text().await.unwrap();

    assert!(text.contains("\n\n: keepalive\n\n"), "{text}");
    assert!(text.contains("\"error\"") && text.contains("no executor takes calls"), "{text}");
    assert!(!text.contains("[DONE]"), "{text}");
}

#[tokio::test]
async fn an_executor_that_drains_ends_its_call_however_long_it_takes() {
    let world = World::holding().await;
    let mut executor = Executor::start(&world, "a").await;
    let asking = tokio::spawn(world.chat(&json!({"stream": true})).send());
    let taken = executor.take().await;
    executor.stop().await;
    beat(&world, "a", true).await;

    let mut response = asking.await.unwrap().unwrap();
    let mut text = String::new();
    // More signs than come while a call without an executor is held.
    while text.matches(": keepalive\n\n").count() < 50 {
        text += std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
    }
    taken.answer("four").await;

    text += &response.text().await.unwrap();
    assert!(text.contains("four") && text.contains("[DONE]"), "{text}");
}

#[tokio::test]
async fn a_call_whose_executor_died_is_given_up_after_the_same_time() {
    let world = World::holding().await;
    let mut executor = Executor::start(&world, "a").await;
    let asking = tokio::spawn(world.chat(&json!({"stream": true})).send());
    let _taken = executor.take().await;
    executor.stop().await;

    let text = asking.await.unwrap().unwrap().text().await.unwrap();

    assert!(text.contains("no executor takes calls"), "{text}");
}
