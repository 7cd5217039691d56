use runmill_broker::Envelope;
use runmill_proto::{
    ErrorKind, Outcome,
    api::Capabilities,
    message::{Invocation, Job, JobItem},
};
use runmill_store::{ProviderReader, ProviderRow, ProviderWriter};
use serde_json::json;

use crate::{watched::Seen, world::World};

/// Makes a world whose provider has these capabilities, and publishes a job with these inputs.
async fn world(capabilities: Capabilities, inputs: &str) -> World {
    let world = World::new().await;
    let provider = ProviderReader::provider(&world.store, world.job(0).provider_id).await.unwrap();
    let provider = ProviderRow { capabilities, version: provider.version + 1, ..provider };
    world.store.update_provider(&provider).await.unwrap();
    let item = format!(r#"{{"id":"q","type":"freeform","inputs":{{"text":"What is it?",{inputs}}}}}"#);
    world.publish_as(Envelope::new(&Job { item: JobItem::Inline(item), ..world.job(0) })).await;
    world.start();
    world
}

/// Returns the capabilities of a provider that takes images as `images` says.
fn images(images: Option<bool>) -> Capabilities {
    Capabilities { images, ..Capabilities::default() }
}

async fn log(world: &mut World) -> Invocation {
    assert!(matches!(world.next().await, Seen::Taken(_)));
    world.next_invocation().await
}

const IMAGE: &str = r#""images":[{"url":"https://example.org/x.png"}]"#;

#[tokio::test]
async fn images_are_sent_unless_the_provider_takes_none() {
    for taken in [None, Some(true)] {
        let mut world = world(images(taken), IMAGE).await;

        let body = world.model.is_asked().await;

        let content = &body["messages"][0]["content"];
        assert_eq!(content[1]["image_url"]["url"], json!("https://example.org/x.png"), "{taken:?}: {body}");
    }
}

#[tokio::test]
async fn an_item_that_cannot_be_sent_whole_is_refused_without_a_call() {
    for (taken, inputs, want) in [
        (Some(false), IMAGE, "the item has images (1), and its provider takes none"),
        (None, r#""audio":{"data":"x"}"#, "the item has `inputs.audio`, which runmill cannot send"),
        (None, r#""video":{"url":"x"}"#, "the item has `inputs.video`, which runmill cannot send"),
    ] {
        let mut world = world(images(taken), inputs).await;

        let log = log(&mut world).await;

        assert_eq!((log.outcome, log.error_kind), (Outcome::Failed, Some(ErrorKind::BadItem)));
        assert!(log.error.as_deref().is_some_and(|error| error.contains(want)), "{:?}", log.error);
        assert!(!world.model.was_asked());
    }
}

#[tokio::test]
async fn a_provider_that_does_not_stream_is_asked_in_one_piece_at_once() {
    for (streaming, want) in [(None, json!(true)), (Some(false), json!(null))] {
        let capabilities = Capabilities { streaming, ..Capabilities::default() };
        let mut world = world(capabilities, r#""images":[]"#).await;

        let body = world.model.is_asked().await;

        assert_eq!(body["stream"], want, "{streaming:?}: {body}");
    }
}
