//! Jobs of clients' batches.

use runmill_broker::Envelope;
use runmill_proto::{
    ErrorKind, Outcome,
    api::{Capabilities, ProviderProtocol},
    message::Invocation,
};
use serde_json::{Value, json};

use crate::{watched::Seen, world::World};

/// Returns a line whose body has these fields beside its model and its question.
fn line(fields: &Value) -> Value {
    let mut body = json!({"model": "slow", "messages": [{"role": "user", "content": "1+1"}]});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"custom_id": "q", "method": "POST", "url": "/v1/chat/completions", "body": body})
}

/// Starts the executor with one job, of this line.
async fn start(world: &World, line: &Value) {
    let job = world.job_of_batch(&line.to_string()).await;
    world.publish_as(Envelope::new(&job)).await;
    world.start();
}

async fn log(world: &mut World) -> Invocation {
    assert!(matches!(world.next().await, Seen::Taken(_)));
    world.next_invocation().await
}

#[tokio::test]
async fn a_line_is_asked_by_its_body_also_if_it_has_the_fields_of_an_item() {
    let mut world = World::new().await;
    let mut line = line(&json!({}));
    line.as_object_mut().unwrap().extend([
        ("id".to_owned(), json!("i")),
        ("type".to_owned(), json!("freeform")),
        ("inputs".to_owned(), json!({"text": "2+2"})),
    ]);
    start(&world, &line).await;
    world.model.answer(1);

    let asked = world.model.is_asked().await;

    assert_eq!(asked["messages"], json!([{"role": "user", "content": "1+1"}]));
    let log = log(&mut world).await;
    assert_eq!((log.outcome, log.item_id.as_str()), (Outcome::Succeeded, "q"));
}

#[tokio::test]
async fn a_line_is_refused_rather_than_answered_without_a_part_of_it() {
    let (plain, anthropic) = (None, Some(ProviderProtocol::AnthropicMessages));
    let format = json!({"response_format": {"type": "json_object"}});
    let image = json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}},
    ]}]});
    let table = [
        (plain, format, ErrorKind::BadItem, "`capabilities.json_mode` is false"),
        (plain, image, ErrorKind::BadItem, "`capabilities.images` is false"),
        (anthropic, json!({"logprobs": true}), ErrorKind::InvalidRequest, "has no log probabilities"),
        (anthropic, json!({"stop": "\n\n"}), ErrorKind::InvalidRequest, "takes no stop text"),
    ];
    for (protocol, fields, kind, want) in table {
        let mut world = World::new().await;
        let capabilities =
            Capabilities { images: Some(false), json_mode: Some(false), ..Capabilities::default() };
        world
            .change_provider(|provider| {
                (provider.protocol, provider.capabilities) = (protocol, capabilities);
            })
            .await;
        start(&world, &line(&fields)).await;

        let log = log(&mut world).await;

        assert_eq!((log.outcome, log.error_kind), (Outcome::Failed, Some(kind)), "{fields}: {:?}", log.error);
        assert!(log.error.as_deref().is_some_and(|error| error.contains(want)), "{:?}", log.error);
        assert!(!world.model.was_asked());
    }
}
