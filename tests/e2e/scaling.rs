//! A fleet that starts from zero executors and stops there again.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use reqwest::Method;
use runmill_proto::RunStatus;
use serde_json::{Value, json};

use crate::support::{Api, Cluster, Plan, data::questions, until, within};

/// Time within which an autoscaler can learn of work.
const SOON: Duration = Duration::from_secs(2);
const MODEL: &str = "lorem+ttft=20ms";

/// Starts a cluster without executors, in which a need is forgotten soon.
async fn at_zero() -> Cluster {
    let settings = vec![("RUNMILL_SCALE_DOWN_SECONDS", "2".to_owned())];
    Cluster::planned(Plan { executors: 0, settings, ..Plan::default() }).await
}

async fn wanted(api: &Api) -> u64 {
    api.get("/scaling").await["executors_wanted"].as_u64().unwrap()
}

/// Waits until an executor is wanted. Fails if it takes longer than [`SOON`] from `since`.
async fn wanted_soon(api: &Api, since: Instant) {
    until("a wanted executor", async || wanted(api).await > 0).await;
    assert!(since.elapsed() < SOON, "an executor was wanted after {:?}", since.elapsed());
}

#[tokio::test]
async fn a_run_starts_the_fleet_and_its_end_stops_it() {
    let mut cluster = at_zero().await;
    let provider = cluster.api.provider(&cluster.gateway.base_url(), 20).await;
    let dataset = cluster.api.dataset(questions(200)).await;
    assert_eq!(wanted(&cluster.api).await, 0);

    let submitted_at = Instant::now();
    let run = cluster.api.start_run(provider, MODEL, dataset).await;
    wanted_soon(&cluster.api, submitted_at).await;
    cluster.add_executor().await;
    let ended = cluster.api.ended(run).await;
    until("no wanted executor", async || wanted(&cluster.api).await == 0).await;

    assert_eq!((ended.status, ended.counters.succeeded), (RunStatus::Completed, 200));
    cluster.assert_nothing_left(provider).await;
}

#[tokio::test]
async fn a_clients_call_is_held_until_the_fleet_has_started_and_every_dispatcher_tells_of_it() {
    let mut cluster = at_zero().await;
    let api = cluster.api.clone();
    let (_second, other) = cluster.second_dispatcher().await;
    let provider =
        json!({"name": "p", "base_url": cluster.gateway.base_url(), "rate_limit": {"concurrency": 4}});
    api.create_provider(provider).await;

    let asked_at = Instant::now();
    let body = json!({"model": format!("p/{MODEL}"), "stream": true,
        "messages": [{"role": "user", "content": "2 + 2?"}]});
    let request = api.request(Method::POST, "/v1/chat/completions").json(&body);
    let asking = tokio::spawn(request.send());
    wanted_soon(&api, asked_at).await;
    wanted_soon(&other, asked_at).await;
    cluster.add_executor().await;

    let response = within("the answer", asking).await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    let text: Vec<u8> = response.bytes_stream().map(|part| part.unwrap().to_vec()).concat().await;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("\"finish_reason\":\"stop\"") && text.contains("[DONE]"), "{text}");
    until("no wanted executor", async || wanted(&other).await == 0 && wanted(&api).await == 0).await;
    let lanes: Value = api.get("/scaling").await["lanes"].clone();
    assert_eq!(lanes, json!([]));
}
