//! A run survives the crash of the database and the restart of the broker.

use std::sync::Arc;

use futures::{FutureExt, future::select_all};
use runmill_proto::{ProviderId, RunId, RunStatus};
use runmill_testkit::{PrivateRabbit, postgres::PrivatePostgres};

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
