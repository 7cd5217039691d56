//! A run survives the crash of the database, and the restart of the broker or of its model server.

use std::sync::Arc;

use futures::{FutureExt, future::select_all};
use runmill_gateway::{Gateway, GatewaySettings};
use runmill_proto::{ProviderId, RunId, RunStatus};
use runmill_testkit::{PrivateRabbit, free_port, postgres::PrivatePostgres};
use serde_json::json;

use crate::support::{Cluster, Plan, assert_counters_equal_rows, data::questions, within};

const ITEMS: usize = 3_000;
/// Slow enough for a server to stop in the middle of the run.
const MODEL: &str = "lorem+ttft=50ms";

/// Starts a run. Returns when a third of its jobs has a result.
async fn begun(cluster: &Cluster) -> (ProviderId, RunId) {
    let api = &cluster.api;
    let provider = api.provider(&cluster.gateway.base_url(), 20).await;
    let dataset = api.dataset(questions(ITEMS)).await;
    let run = api.start_run(provider, MODEL, dataset).await;
    let begun = api.wait_for(run, |counters| counters.settled >= ITEMS as u64 / 3).await;
    assert_eq!(begun.status, RunStatus::Running, "it is over before the server goes");
    (provider, run)
}

/// Starts or stops a server, which takes seconds, without blocking the tasks that read the processes' logs.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn assert_complete(cluster: &Cluster, run: RunId) {
    let run = cluster.api.ended(run).await;
    let results = cluster.api.results(run.id).await;
    assert_eq!((run.status, results.len()), (RunStatus::Completed, ITEMS));
    assert_eq!(run.counters.succeeded, ITEMS as u64);
    assert_counters_equal_rows(&run, &results);
}

#[tokio::test]
async fn a_run_survives_a_crash_of_the_database() {
    let postgres = Arc::new(blocking(PrivatePostgres::launch).await);
    let plan = Plan { log_sinks: 2, database_url: Some(postgres.url()), ..Plan::default() };
    let cluster = Cluster::planned(plan).await;
    let (provider, run) = begun(&cluster).await;

    let server = postgres.clone();
    blocking(move || server.stop()).await;
    // All logs of a run are in one queue, which either log-sink may consume.
    let failed = cluster.log_sinks.iter().map(|sink| sink.line_with("log_sink.write_failed").boxed());
    select_all(failed).await;
    let server = postgres.clone();
    blocking(move || server.start()).await;
    cluster.api.answers_again().await;

    assert_complete(&cluster, run).await;
    cluster.assert_nothing_left(provider).await;
}

#[tokio::test]
async fn a_run_survives_a_restart_of_the_broker() {
    let mut rabbit = PrivateRabbit::start().await.unwrap();
    let plan = Plan { log_sinks: 2, amqp_url: Some(rabbit.url()), ..Plan::default() };
    let cluster = Cluster::planned(plan).await;
    let (provider, run) = begun(&cluster).await;

    within("the broker's end", rabbit.stop()).await.unwrap();
    cluster.executors[0].line_with("executor.publish_failed").await;
    within("the broker's start", rabbit.start_again()).await.unwrap();

    assert_complete(&cluster, run).await;
    cluster.assert_nothing_left(provider).await;
}

#[tokio::test]
async fn a_run_waits_for_a_model_server_that_restarts() {
    const CONCURRENCY: u64 = 8;
    let cluster = Cluster::start(1, 1).await;
    let api = &cluster.api;
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("calls.jsonl");
    let port = free_port();
    let server = async || {
        let listen = ([127, 0, 0, 1], port).into();
        let settings =
            GatewaySettings { listen, record_to: Some(record.clone()), ..GatewaySettings::default() };
        Gateway::start(settings).await.unwrap()
    };
    let first = server().await;
    let provider = api.provider(&first.base_url(), u32::try_from(CONCURRENCY).unwrap()).await;
    let dataset = api.dataset(questions(600)).await;
    let run = api.start_run_with(provider, MODEL, dataset, json!({"retry": {"max_retries": 1}})).await;
    api.wait_for(run, |counters| counters.settled >= 200).await;

    first.stop().await.unwrap();
    let waiting = api.wait_for(run, |counters| counters.deferred > 0).await;
    assert!(waiting.paused_at.is_none(), "{:?}", waiting.pause_reason);
    let second = server().await;
    let ended = api.ended(run).await;
    second.stop().await.unwrap();

    assert_eq!((ended.status, ended.counters.succeeded), (RunStatus::Completed, 600), "{:?}", ended.errors);
    let seen = std::fs::read_to_string(&record).unwrap().lines().count() as u64;
    let calls = ended.counters.calls;
    // A request on a connection that the server has just closed is a call here, and is not seen there.
    assert!((seen..=seen + 3 * CONCURRENCY).contains(&calls), "{calls} calls, of which {seen} were seen");
    cluster.assert_nothing_left(provider).await;
}
