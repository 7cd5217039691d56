//! Lines of a client's batch.

use runmill_broker::Envelope;
use runmill_proto::{
    ErrorKind, Outcome, Usage,
    chat::Finish,
    message::{Job, JobItem},
};
use serde_json::{Value, json};

use crate::{watched::Seen, world::World};

/// Makes a world in which a job with this line of a batch waits.
async fn world(url: &str, body: &Value) -> World {
    let world = World::new().await;
    let line = json!({"custom_id": "q1", "method": "POST", "url": url, "body": body}).to_string();
    world.publish_as(Envelope::new(&Job { item: JobItem::Inline(line), ..world.job(0) })).await;
    world.start();
    world
}

#[tokio::test]
async fn a_request_is_sent_as_its_client_wrote_it() {
    let messages = json!([
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "1+1"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "and 2+2?"},
    ]);
    let body = json!({"model": "ours/slow", "messages": messages, "temperature": 0.5, "max_tokens": 9});
    let mut world = world("/v1/chat/completions", &body).await;
    assert!(matches!(world.next().await, Seen::Taken(_)));

    let sent = world.model.is_asked().await;
    world.model.answer(1);
    let log = world.next_invocation().await;

    assert_eq!((&sent["model"], &sent["temperature"]), (&json!("slow"), &json!(0.5)));
    let sent: Vec<_> = sent["messages"].as_array().unwrap().iter().map(|it| it["content"].clone()).collect();
    assert_eq!(sent, ["be brief", "1+1", "2", "and 2+2?"]);
    assert_eq!((log.item_id.as_str(), log.question.as_str()), ("q1", "and 2+2?"));
    assert_eq!((log.outcome, log.response.as_deref()), (Outcome::Succeeded, Some("4")));
    let usage = Usage { prompt_tokens: 3, completion_tokens: 1, ..Usage::default() };
    assert_eq!((log.finish, log.answer_usage), (Some(Finish::Stop), Some(usage)));
}

#[tokio::test]
async fn a_request_that_cannot_be_read_fails_with_the_reason_and_without_a_call() {
    let messages = json!([{"role": "user", "content": "1+1"}]);
    for (url, body, want) in [
        ("/v1/chat/completions", json!({"model": "m"}), "messages"),
        ("/v1/chat/completions", json!({"model": "m", "messages": messages, "n": 2}), "`n` is 2"),
        ("/v1/embeddings", json!({"model": "m"}), "no endpoint"),
    ] {
        let mut world = world(url, &body).await;
        assert!(matches!(world.next().await, Seen::Taken(_)));

        let log = world.next_invocation().await;

        assert_eq!((log.outcome, log.error_kind), (Outcome::Failed, Some(ErrorKind::BadItem)));
        assert!(log.error.as_deref().is_some_and(|error| error.contains(want)), "{:?}", log.error);
        assert_eq!((log.item_id.as_str(), log.finish), ("q1", None));
        assert!(!world.model.was_asked());
    }
}
