use std::{collections::VecDeque, sync::Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
};
use jiff::SignedDuration;
use runmill_proto::{
    RunId, RunStatus,
    api::{NewRun, NewWebhook, WebhookEvent},
    testing,
};
use runmill_store::{RunReader as _, RunWriter as _, Transition, Webhooks as _};
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::mpsc::{Receiver, Sender, channel},
};
use uuid::Uuid;

use super::*;
use crate::world::World;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A request that a receiver was sent.
struct Received {
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn event(&self) -> WebhookEvent {
        serde_json::from_slice(&self.body).unwrap()
    }
}

struct Script {
    statuses: Mutex<VecDeque<u16>>,
    received: Sender<Received>,
}

/// Starts a receiver that answers with these statuses in turn, and then with 200. Returns its URL and what it receives.
async fn receiver(statuses: &[u16]) -> (String, Receiver<Received>) {
    let (received, requests) = channel(64);
    let script = Script { statuses: Mutex::new(statuses.iter().copied().collect()), received };
    let answer = async |State(script): State<Arc<Script>>, headers: HeaderMap, body: Bytes| {
        script.received.send(Received { headers, body }).await.unwrap();
        let status = script.statuses.lock().unwrap().pop_front().unwrap_or(200);
        (StatusCode::from_u16(status).unwrap(), [(LOCATION, "/elsewhere")])
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks?key=1", listener.local_addr().unwrap());
    let routes = Router::new().fallback(answer).with_state(Arc::new(script));
    tokio::spawn(axum::serve(listener, routes).into_future());
    (url, requests)
}

fn webhooks(world: &World) -> Webhooks {
    let signer = Some(Signer::parse(&SECRET.into()).unwrap());
    Webhooks {
        store: Arc::new(world.store.clone()),
        clock: world.clock.clock(),
        settings: WebhookSettings { signer, ..WebhookSettings::default() },
    }
}

async fn tell(webhooks: &Webhooks) -> usize {
    webhooks.tell_due(webhooks.settings.signer.as_ref().unwrap()).await.unwrap()
}

/// Creates a run of one item with a webhook.
async fn hooked_run(world: &World, url: &str) -> RunId {
    let plain = world.run(1, 1, json!({})).await;
    let submission = world.row(plain).await.submission;
    world.store.transition(plain, Transition::Cancel, world.clock.now()).await.unwrap();
    let new = NewRun {
        name: Some("nightly".into()),
        webhook: Some(NewWebhook { url: url.to_owned() }),
        ..testing::new_run(submission.provider_id, submission.dataset_id)
    };
    let id = RunId::from_uuid(Uuid::from_u128(7));
    world.store.create_run(&RunRow::new(id, new, 1, world.clock.now())).await.unwrap();
    id
}

async fn cancel(world: &World, id: RunId) {
    world.store.transition(id, Transition::Cancel, world.clock.now()).await.unwrap();
}

async fn state(world: &World, id: RunId) -> WebhookRow {
    world.store.webhook(id).await.unwrap().unwrap()
}

/// Lets the time come at which the next attempt is due.
async fn wait_until_due(world: &World, id: RunId) {
    let waits = world.clock.now().duration_until(state(world, id).await.due_at);
    assert!(waits > SignedDuration::ZERO, "an attempt that failed is not repeated at once");
    world.clock.advance(waits.unsigned_abs());
}

#[tokio::test]
async fn a_completed_run_is_told_once_and_signed() {
    let mut world = World::new().await;
    let (url, mut requests) = receiver(&[]).await;
    let id = hooked_run(&world, &url).await;
    let webhooks = webhooks(&world);
    assert_eq!(tell(&webhooks).await, 0, "the run has not ended");
    world.feed().await;
    let jobs = world.take(1).await;
    world.answer(&jobs).await;

    assert_eq!(tell(&webhooks).await, 1);
    assert_eq!(tell(&webhooks).await, 0);

    let request = requests.try_recv().unwrap();
    assert!(requests.try_recv().is_err());
    let sent_at: i64 = request.header("webhook-timestamp").parse().unwrap();
    assert_eq!(sent_at, world.clock.now().as_second());
    assert_eq!(request.header("webhook-id"), format!("{id}_1"));
    let signature = webhooks.settings.signer.unwrap().sign(&format!("{id}_1"), sent_at, &request.body);
    assert_eq!(request.header("webhook-signature"), signature);
    assert_eq!(request.header("content-type"), "application/json");
    let WebhookEvent { kind, timestamp, data } = request.event();
    let run = world.store.run(id).await.unwrap();
    assert_eq!((kind.as_str(), Some(timestamp)), ("run.ended", run.finished_at));
    assert_eq!((data.id, data.status, data.name), (id, RunStatus::Completed, Some("nightly".into())));
    assert_eq!((data.counters.settled, data.counters.succeeded), (1, 1));
    assert!(state(&world, id).await.delivered_at.is_some());
}

#[tokio::test]
async fn a_receiver_that_fails_is_sent_the_same_delivery_again_also_by_the_next_leader() {
    let world = World::new().await;
    let (url, mut requests) = receiver(&[500, 503]).await;
    let id = hooked_run(&world, &url).await;
    cancel(&world, id).await;

    for attempt in 1..=2 {
        assert_eq!(tell(&webhooks(&world)).await, 1);
        let row = state(&world, id).await;
        assert_eq!((row.attempts, row.delivered_at), (attempt, None));
        assert!(row.last_error.unwrap().contains("status 50"));
        assert_eq!(tell(&webhooks(&world)).await, 0, "it is not due yet");
        wait_until_due(&world, id).await;
    }
    assert_eq!(tell(&webhooks(&world)).await, 1);

    let row = state(&world, id).await;
    assert_eq!((row.attempts, row.last_error), (3, None));
    assert!(row.delivered_at.is_some());
    let mut sent = Vec::new();
    while let Ok(request) = requests.try_recv() {
        let timestamp: i64 = request.header("webhook-timestamp").parse().unwrap();
        sent.push((request.header("webhook-id").to_owned(), timestamp));
        assert_eq!(request.event().data.status, RunStatus::Canceled);
    }
    assert_eq!(sent.len(), 3);
    assert!(sent.windows(2).all(|pair| pair[0].0 == pair[1].0 && pair[0].1 < pair[1].1), "{sent:?}");
}

#[tokio::test]
async fn a_paused_run_is_not_told() {
    let world = World::new().await;
    let (url, mut requests) = receiver(&[]).await;
    let id = hooked_run(&world, &url).await;
    let pause = Transition::Pause { reason: "later".into() };
    world.store.transition(id, pause, world.clock.now()).await.unwrap();

    assert_eq!(tell(&webhooks(&world)).await, 0);
    assert!(requests.try_recv().is_err());
    assert_eq!(state(&world, id).await.attempts, 0);
}

#[tokio::test]
async fn each_end_of_a_run_is_a_delivery_of_its_own() {
    let mut world = World::new().await;
    let (url, mut requests) = receiver(&[]).await;
    let id = hooked_run(&world, &url).await;
    for samples in 1..=2 {
        world.feed().await;
        let jobs = world.take(1).await;
        world.answer(&jobs).await;
        assert_eq!(tell(&webhooks(&world)).await, 1);
        assert_eq!(requests.try_recv().unwrap().header("webhook-id"), format!("{id}_{samples}"));
        let extend = Transition::Extend { samples: samples + 1 };
        world.store.transition(id, extend, world.clock.now()).await.unwrap();
    }
}

#[tokio::test]
async fn an_address_that_the_settings_no_longer_allow_is_not_called() {
    let world = World::new().await;
    let (url, mut requests) = receiver(&[]).await;
    let id = hooked_run(&world, &url).await;
    cancel(&world, id).await;
    let mut webhooks = webhooks(&world);
    webhooks.settings.hosts = "platform.example".parse().unwrap();

    assert_eq!(tell(&webhooks).await, 1);

    let error = state(&world, id).await.last_error.unwrap();
    assert!(error.contains("RUNMILL_WEBHOOK_HOSTS"), "{error}");
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn what_no_receiver_takes_fails_with_a_reason_that_does_not_show_the_query() {
    let world = World::new().await;
    // The port was free a moment ago, and nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let id = hooked_run(&world, &format!("http://127.0.0.1:{port}/hooks?key=secret")).await;
    cancel(&world, id).await;

    tell(&webhooks(&world)).await;

    let error = state(&world, id).await.last_error.unwrap();
    assert!(error.contains("refused") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_not_followed() {
    let world = World::new().await;
    let (url, mut requests) = receiver(&[307]).await;
    let id = hooked_run(&world, &url).await;
    cancel(&world, id).await;

    tell(&webhooks(&world)).await;

    assert!(state(&world, id).await.last_error.unwrap().contains("307"));
    assert!(requests.try_recv().is_ok() && requests.try_recv().is_err());
}

#[tokio::test]
async fn without_a_secret_nothing_is_sent() {
    let world = World::new().await;
    let (url, mut requests) = receiver(&[]).await;
    let id = hooked_run(&world, &url).await;
    cancel(&world, id).await;
    let mut webhooks = webhooks(&world);
    webhooks.settings.signer = None;

    webhooks.run().await;

    assert!(requests.try_recv().is_err());
    assert_eq!(state(&world, id).await.attempts, 0);
}
