use serde_json::{Value, json};

use super::{
    World,
    executor::{Executor, heard_canceled},
};

#[tokio::test]
async fn a_lost_event_before_the_first_byte_costs_nothing() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let asking = tokio::spawn(world.chat(&json!({"stream": true})).send());
    let taken = executor.take().await;
    taken.lose_event();
    taken.delta("ur").await;
    taken.answer("four").await;

    let text = asking.await.unwrap().unwrap().text().await.unwrap();

    assert!(text.contains("four") && text.contains("[DONE]"), "{text}");
}

#[tokio::test]
async fn a_lost_event_after_the_first_byte_cuts_the_connection() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let mut controls = world.server.broker.listen().await.unwrap();
    let asking = tokio::spawn(world.chat(&json!({"stream": true})).send());
    let taken = executor.take().await;
    taken.delta("fo").await;
    let response = asking.await.unwrap().unwrap();
    taken.lose_event();
    taken.delta("r").await;

    assert!(response.text().await.is_err());
    heard_canceled(&mut controls, taken.call.id).await;
}

#[tokio::test]
async fn another_executor_goes_on_when_one_dies_before_the_first_byte() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let asking = tokio::spawn(world.chat(&json!({})).send());
    let id = executor.take().await.call.id;
    drop(executor);

    let mut next = Executor::start(&world, "b").await;
    let taken = next.take().await;
    assert_eq!(taken.call.id, id);
    taken.answer("four").await;

    let body: Value = asking.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(body["choices"][0]["message"]["content"], "four");
}

#[tokio::test]
async fn a_stream_is_cut_when_its_executor_dies_after_the_first_byte() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let mut controls = world.server.broker.listen().await.unwrap();
    let asking = tokio::spawn(world.chat(&json!({"stream": true})).send());
    let taken = executor.take().await;
    taken.delta("fo").await;
    let response = asking.await.unwrap().unwrap();
    drop((executor, taken));

    let mut next = Executor::start(&world, "b").await;
    let again = next.take().await;

    assert!(response.text().await.is_err());
    heard_canceled(&mut controls, again.call.id).await;
}
