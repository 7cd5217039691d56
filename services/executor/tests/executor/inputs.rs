use runmill_broker::Envelope;
use runmill_proto::{
    ErrorKind, Outcome,
    api::Capabilities,
    message::{Invocation, Job, JobItem},
};
use runmill_store::{ProviderReader, ProviderRow, ProviderWriter};
use serde_json::json;

use crate::{watched::Seen, world::World};

/// Makes a world whose provider takes images as `images` says, and publishes a job with these inputs.
async fn world(images: Option<bool>, inputs: &str) -> World {
    let world = World::new().await;
    let provider = ProviderReader::provider(&world.store, world.job(0).provider_id).await.unwrap();
    let capabilities = Capabilities { images, ..Capabilities::default() };
    let provider = ProviderRow { capabilities, version: provider.version + 1, ..provider };
    world.store.update_provider(&provider).await.unwrap();
    let item = format!(r#"{{"id":"q","type":"freeform","inputs":{{"text":"What is it?",{inputs}}}}}"#);
    world.publish_as(Envelope::new(&Job { item: JobItem::Inline(item), ..world.job(0) })).await;
    world.start();
    world
}

async fn log(world: &mut World) -> Invocation {
    assert!(matches!(world.next().await, Seen::Taken(_)));
    world.next_invocation().await
}

const IMAGE: &str = r#""images":[{"url":"https://example.org/x.png"}]"#;

#[tokio::test]
async fn images_are_sent_unless_the_provider_takes_none() {
    for images in [None, Some(true)] {
        let mut world = world(images, IMAGE).await;

        let body = world.model.is_asked().await;

        let content = &body["messages"][0]["content"];
        assert_eq!(content[1]["image_url"]["url"], json!("https://example.org/x.png"), "{images:?}: {body}");
    }
}

#[tokio::test]
async fn an_item_that_cannot_be_sent_whole_is_refused_without_a_call() {
    for (images, inputs, want) in [
        (Some(false), IMAGE, "the item has images (1), and its provider takes none"),
        (None, r#""audio":{"data":"x"}"#, "the item has `inputs.audio`, which runmill cannot send"),
        (None, r#""video":{"url":"x"}"#, "the item has `inputs.video`, which runmill cannot send"),
    ] {
        let mut world = world(images, inputs).await;

        let log = log(&mut world).await;

        assert_eq!((log.outcome, log.error_kind), (Outcome::Failed, Some(ErrorKind::BadItem)));
        assert!(log.error.as_deref().is_some_and(|error| error.contains(want)), "{:?}", log.error);
        assert!(!world.model.was_asked());
    }
}
