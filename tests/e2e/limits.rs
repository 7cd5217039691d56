//! A provider's limits hold for the whole fleet at every instant, whatever happens to its executors.

use std::sync::Arc;

use runmill_gateway::CallRecord;
use runmill_proto::{ProviderId, RunId, RunStatus};
use runmill_testkit::Proxy;
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

/// Returns the largest sum of what `weigh` returns for the calls that began within any `window` of microseconds.
fn most_within(calls: &[Arc<CallRecord>], window: i64, weigh: impl Fn(&CallRecord) -> u64) -> u64 {
    let mut starts: Vec<_> = calls.iter().map(|call| (call.in_us, weigh(call))).collect();
    starts.sort_unstable();
    let within = |(first, (start, _)): (usize, &(i64, u64))| {
        starts[first..]
            .iter()
            .take_while(|(later, _)| *later < start + window)
            .map(|(_, weight)| weight)
            .sum()
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

/// The executor that lost its database stops before the others have its share.
#[tokio::test]
async fn concurrency_holds_while_an_executor_loses_its_database() {
    const LIMIT: u64 = 8;
    let mut cluster = Cluster::start(1, 1).await;
    let (proxy, url) = Proxy::before(&cluster.servers.database_url).await.unwrap();
    cluster.add_executor_at(&url).await;
    let (provider, run) = start(&cluster, json!({"concurrency": LIMIT}), "lorem+ttft=100ms", 2_000).await;

    calls_later(&cluster, 200).await;
    drop(proxy);
    assert_completed(&cluster, run).await;

    assert_eq!(cluster.gateway.stats().all.in_flight_max, LIMIT, "all of the limit is used, and no more");
    let cut_off = cluster.executors.pop().expect("two were started");
    cut_off.signal("KILL");
    assert_eq!(cut_off.ended().await, None, "a signal ended it");
    // Its jobs come back to the queue, and are dropped as copies.
    cluster.calm(provider).await;
    cluster.assert_nothing_left(provider).await;
}

#[tokio::test]
async fn tokens_hold_over_eight_executors_that_come_leave_and_die() {
    // 4,000 tokens per second, in bursts of those of two seconds.
    let (tokens_per_second, concurrency) = (4_000, 64);
    let mut cluster = Cluster::start(7, 1).await;
    let rate_limit = json!({"concurrency": concurrency, "tpm": 60 * tokens_per_second});
    let (provider, run) = start(&cluster, rate_limit, "lorem+tokens=64+ttft=50ms", 800).await;

    calls_later(&cluster, 100).await;
    cluster.add_executor().await;
    calls_later(&cluster, 100).await;
    cluster.executors[1].signal("TERM");
    calls_later(&cluster, 100).await;
    cluster.executors[2].signal("KILL");
    assert_completed(&cluster, run).await;

    let calls = cluster.gateway.calls(0, usize::MAX);
    let largest = calls.iter().map(|call| call.tokens).max().expect("there were calls");
    for seconds in [1, 3, 5, 8] {
        let most = most_within(&calls, seconds * MICROSECONDS, |call| call.tokens);
        let in_time = tokens_per_second * (2 + u64::try_from(seconds).unwrap());
        let allowed = in_time + concurrency * largest;
        assert!(most <= allowed, "{most} tokens within {seconds} s, {allowed} allowed");
    }
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
        let most = most_within(&calls, seconds * MICROSECONDS, |_| 1);
        let allowed = u64::try_from(20 * seconds + 8).unwrap();
        assert!(most <= allowed, "{most} calls within {seconds} s, {allowed} allowed");
    }
    cluster.assert_nothing_left(provider).await;
}
