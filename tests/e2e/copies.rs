//! A job that comes twice is called once: a lost connection costs no call, and a death only what was in flight.

use std::time::{Duration, Instant};

use runmill_gateway::Traffic;
use runmill_proto::{ProviderId, RunId, RunStatus};
use runmill_testkit::{Proxy, amqp_url};
use serde_json::json;

use crate::support::{Cluster, Plan, assert_counters_equal_rows, calls_by_job, data::questions, until};

/// Number of jobs that three executors have in flight at once, and that the feeder publishes at once.
const ITEMS: usize = 40;
/// More, so that all are in flight whichever executors get them, and start elsewhere when one dies.
const CONCURRENCY: u32 = 200;
/// Longest time until the jobs of a dead executor start elsewhere on a machine that is busy with other tests. `make faults`
/// judges the promised 6 s: two heartbeats and the time after which a silent executor counts as dead.
const STARTS_ELSEWHERE_WITHIN: Duration = Duration::from_secs(20);

fn traffic(cluster: &Cluster) -> Traffic {
    cluster.gateway.stats().all
}

/// Starts a run on three executors. Returns when all its calls are in flight, where they stay until the gateway
/// releases them.
async fn in_flight(cluster: &Cluster) -> (ProviderId, RunId) {
    let api = &cluster.api;
    let provider = api.provider(&cluster.gateway.base_url(), CONCURRENCY).await;
    let dataset = api.dataset(questions(ITEMS)).await;
    let run = api.start_run_with(provider, "lorem+hold", dataset, json!({"retry": {"trial_calls": 0}})).await;
    until("all calls in flight", async || traffic(cluster).in_flight == ITEMS as u64).await;
    (provider, run)
}

async fn assert_complete(cluster: &Cluster, run: RunId) {
    let run = cluster.api.ended(run).await;
    let results = cluster.api.results(run.id).await;
    assert_eq!((run.status, run.counters.succeeded), (RunStatus::Completed, ITEMS as u64));
    assert_counters_equal_rows(&run, &results);
}

#[tokio::test]
async fn lost_connections_cost_no_call() {
    let (proxy, url) = Proxy::before(&amqp_url()).await.unwrap();
    let plan = Plan { executors: 3, amqp_url: Some(url), ..Plan::default() };
    let cluster = Cluster::planned(plan).await;
    let (provider, run) = in_flight(&cluster).await;

    let before = proxy.accepted();
    proxy.cut();
    let processes = cluster.processes().count();
    until("new connections of all", async || proxy.accepted() >= before + processes).await;
    cluster.gateway.release();

    assert_complete(&cluster, run).await;
    let calls = calls_by_job(&cluster.gateway);
    assert_eq!((calls.len(), calls.values().sum::<u32>() as usize), (ITEMS, ITEMS), "{calls:?}");
    cluster.calm(provider).await;
    cluster.assert_nothing_left(provider).await;
}

#[tokio::test]
async fn the_jobs_of_a_killed_executor_start_elsewhere_within_seconds() {
    let cluster = Cluster::start(3, 1).await;
    let (provider, run) = in_flight(&cluster).await;
    let executor = cluster.busy_executor().await;

    let killed = Instant::now();
    executor.signal("KILL");
    let hung_up = || traffic(&cluster).by_status.get(&499).copied().unwrap_or(0);
    until("the end of its calls", async || hung_up() > 0).await;
    until("their start elsewhere", async || traffic(&cluster).in_flight == ITEMS as u64).await;
    let started = killed.elapsed();

    cluster.gateway.release();
    let held = hung_up();
    assert!(started <= STARTS_ELSEWHERE_WITHIN, "{held} jobs started elsewhere after {started:?}");
    assert_complete(&cluster, run).await;
    let calls = calls_by_job(&cluster.gateway).values().sum::<u32>();
    assert_eq!(u64::from(calls), ITEMS as u64 + held, "only what was in flight is called again");
    cluster.calm(provider).await;
    cluster.assert_nothing_left(provider).await;
}
