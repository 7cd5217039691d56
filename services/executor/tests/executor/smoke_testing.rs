use std::time::Duration;

use runmill_broker::{Broker, Envelope, Queue};
use runmill_proto::{ErrorKind, ProviderId, api::SmokeTestReport, message::SmokeTest};
use runmill_runtime::Shutdown;
use runmill_store::{ProviderReader, ProviderRow, ProviderWriter};
use uuid::Uuid;

use crate::{watched::Seen, world::World};

const LONG: Duration = Duration::from_secs(30);

async fn ask(world: &World, test: &SmokeTest) -> SmokeTestReport {
    world.broker.request(Envelope::new(test), LONG).await.unwrap().decode().unwrap()
}

#[tokio::test]
async fn a_model_that_answers_is_reported_with_what_it_can_do() {
    let mut world = World::new().await;
    world.model.answer(2);
    world.start();

    let report = ask(&world, &world.smoke_test()).await;

    assert!(report.ok && report.error.is_none(), "{report:?}");
    assert_eq!((report.preview.as_deref(), report.streamed, report.ttft_ms), (Some("4"), false, None));
    assert_eq!(report.usage.map(|usage| usage.prompt_tokens), Some(3));
    assert_eq!(report.json_mode, Some(false), "this model answers 4 to everything");
    world.model.is_asked().await;
    world.model.is_asked().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_reported_with_what_to_do() {
    let world = World::new().await;
    let row = world.store.provider(world.smoke_test().provider_id).await.unwrap();
    let gone = ProviderRow { base_url: "http://127.0.0.1:9/v1".into(), version: row.version + 1, ..row };
    world.store.update_provider(&gone).await.unwrap();
    world.start();

    let report = ask(&world, &world.smoke_test()).await;

    let error = report.error.unwrap();
    assert_eq!((report.ok, report.json_mode, error.kind), (false, None, ErrorKind::Connection));
    assert!(error.advice.contains("base URL"), "{error:?}");
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_reported() {
    let world = World::new().await;
    world.start();
    let nobody = SmokeTest { provider_id: ProviderId::from_uuid(Uuid::nil()), ..world.smoke_test() };

    let report = ask(&world, &nobody).await;

    assert_eq!(report.error.unwrap().kind, ErrorKind::ProviderUnavailable);
}

#[tokio::test]
async fn what_was_changed_just_now_is_what_is_tried() {
    let mut world = World::new().await;
    world.model.answer(2);
    world.start();
    assert!(ask(&world, &world.smoke_test()).await.ok);
    world.model.is_asked().await;
    world.model.is_asked().await;

    let row = world.store.provider(world.smoke_test().provider_id).await.unwrap();
    let gone = ProviderRow { base_url: "http://127.0.0.1:9/v1".into(), version: row.version + 1, ..row };
    world.store.update_provider(&gone).await.unwrap();
    world.model.answer(2);

    let error = ask(&world, &world.smoke_test()).await.error;
    assert_eq!(error.map(|error| error.kind), Some(ErrorKind::Connection));
}

#[tokio::test]
async fn a_stop_leaves_a_test_in_hand_to_another_executor() {
    let mut world = World::new().await;
    world.start();
    let (broker, test) = (world.broker.clone(), world.smoke_test());
    let asked = Envelope::new(&test);
    let id = asked.id;
    let asking = tokio::spawn({
        let broker = broker.clone();
        async move { broker.request(asked, LONG).await }
    });
    world.model.is_asked().await;

    world.life.stop.cancel();

    let (ended, _) = world.end().await;
    assert_eq!(ended, Shutdown::OnRequest);
    let mut next = broker.inner.subscribe(Queue::Requests, 1).await.unwrap();
    assert_eq!(next.next().await.unwrap().message.id, id);
    asking.abort();
}

#[tokio::test]
async fn a_request_of_an_unknown_type_is_dead_lettered() {
    let mut world = World::new().await;
    world.start();
    let newer = Envelope { message_type: "call.v1".into(), ..Envelope::new(&world.smoke_test()) };
    let id = newer.id;

    world.broker.inner.declare(Queue::Requests).await.unwrap();
    world.broker.inner.publish(Queue::Requests, newer).await.unwrap();

    assert_eq!(world.next().await, Seen::Taken(id));
    let reason = "unknown message type `call.v1`; expected smoke_test.v1 or provider_key.v1";
    assert_eq!(world.next().await, Seen::DeadLettered(id, reason.into()));
}
