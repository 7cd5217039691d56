//! A provider's limits hold for the whole fleet at every instant, whatever happens to its executors.

use std::sync::Arc;

use runmill_gateway::CallRecord;
use runmill_proto::{ProviderId, RunId, RunStatus};
use serde_json::{Value, json};

use crate::support::{Cluster, data::questions, until};

const MICROSECONDS: i64 = 1_000_000;

/// Starts a run at a provider with these limits.
async fn start(cluster: &Cluster, rate_limit: Value, model: &str, items: usize) -> (ProviderId, RunId) {
    let api = &cluster.api;
    let base_url = cluster.gateway.base_url();
    let provider = api.create_provider(json!({"base_url": base_url, "rate_limit": rate_limit})).await;
    let dataset = api.dataset(questions(items)).await;
    let config = json!({"retry": {"trial_calls": 0}, "request": {"total_timeout_seconds": 5}});
    (provider, api.start_run_with(provider, model, dataset, config).await)
}

async fn assert_completed(cluster: &Cluster, run: RunId) {
    let run = cluster.api.ended(run).await;
    assert_eq!(run.status, RunStatus::Completed, "{run:?}");
}

/// Waits until so many more calls have begun.
async fn calls_later(cluster: &Cluster, calls: u64) {
    let before = cluster.gateway.stats().all.calls;
    until("calls", async || cluster.gateway.stats().all.calls >= before + calls).await;
}

/// Returns the most calls that began within any `window` of microseconds.
fn most_starts(calls: &[Arc<CallRecord>], window: i64) -> usize {
    let mut starts: Vec<_> = calls.iter().map(|call| call.in_us).collect();
    starts.sort_unstable();
    let within = |(first, start): (usize, &i64)| {
        starts[first..].iter().take_while(|later| **later < start + window).count()
    };
    starts.iter().enumerate().map(within).max().unwrap_or(0)
}

#[tokio::test]
async fn concurrency_holds_while_executors_come_leave_die_and_freeze() {
    const LIMIT: u64 = 8;
    let mut cluster = Cluster::start(3, 1).await;
    let (provider, run) = start(&cluster, json!({"concurrency": LIMIT}), "lorem+ttft=100ms", 2_500).await;

    calls_later(&cluster, 100).await;
    cluster.add_executor().await;
    calls_later(&cluster, 100).await;
    cluster.executors[0].signal("STOP");
    calls_later(&cluster, 300).await;
    cluster.executors[1].signal("TERM");
    calls_later(&cluster, 100).await;
    cluster.executors[0].signal("CONT");
    calls_later(&cluster, 100).await;
    cluster.executors[2].signal("KILL");
    assert_completed(&cluster, run).await;

    assert_eq!(cluster.gateway.stats().all.in_flight_max, LIMIT, "all of the limit is used, and no more");
    cluster.assert_nothing_left(provider).await;
}

#[tokio::test]
async fn a_rate_holds_while_executors_come_leave_and_die() {
    // 20 calls per second, in bursts of at most 8.
    let mut cluster = Cluster::start(3, 1).await;
    let (provider, run) = start(&cluster, json!({"rpm": 1_200}), "lorem+ttft=50ms", 300).await;

    calls_later(&cluster, 40).await;
    cluster.add_executor().await;
    calls_later(&cluster, 40).await;
    cluster.executors[1].signal("TERM");
    calls_later(&cluster, 40).await;
    cluster.executors[2].signal("KILL");
    assert_completed(&cluster, run).await;

    let calls = cluster.gateway.calls(0, usize::MAX);
    for seconds in [1, 5, 10] {
        let most = most_starts(&calls, seconds * MICROSECONDS);
        let allowed = usize::try_from(20 * seconds + 8).unwrap();
        assert!(most <= allowed, "{most} calls within {seconds} s, {allowed} allowed");
    }
    cluster.assert_nothing_left(provider).await;
}
