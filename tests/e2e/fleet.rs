//! A fleet that loses executors loses no work.

use std::collections::HashSet;

use runmill_proto::RunStatus;

use crate::support::{Cluster, calls_by_job, data::questions};

const ITEMS: usize = 10_000;
/// Number of calls in flight per executor.
const CONCURRENCY: u32 = 40;
/// Maximum number of unacked jobs of an executor: its calls in flight, and the few more that it prefetches while records
/// wait for their confirm.
const UNACKED_MAX: u32 = CONCURRENCY + 4;

#[tokio::test]
async fn a_killed_and_a_drained_executor_lose_nothing_and_double_only_what_was_in_flight() {
    let cluster = Cluster::start(3, 2).await;
    let api = &cluster.api;
    let provider = api.provider(&cluster.gateway.base_url(), CONCURRENCY).await;
    let dataset = api.dataset(questions(ITEMS)).await;
    let run = api.start_run(provider, "lorem+tokens=16+ttft=20ms", dataset).await;

    api.wait_for(run, |counters| counters.settled >= ITEMS as u64 / 2).await;
    cluster.executors[0].signal("KILL");
    cluster.executors[1].signal("TERM");
    let drained = cluster.executors[1].ended().await;
    let ended = api.ended(run).await;

    assert_eq!(drained, Some(0), "a drain is a clean end:\n{}", cluster.executors[1].log());
    assert_eq!(ended.status, RunStatus::Completed);
    let results = api.results(run).await;
    let distinct: HashSet<_> = results.iter().map(|result| result.ordinal).collect();
    assert_eq!((results.len(), distinct.len()), (ITEMS, ITEMS), "exactly one result for every item");
    let counters = ended.counters;
    assert_eq!((counters.settled, counters.succeeded), (ITEMS as u64, ITEMS as u64));

    // The gateway's record shows that the drain repeated no call, and that the kill repeated at most the calls that
    // were in flight.
    assert_eq!(calls_by_job(&cluster.gateway).len(), ITEMS);
    let mut seen = HashSet::new();
    let calls = cluster.gateway.calls(0, usize::MAX);
    // A retry is another attempt, so it has an id of its own.
    let doubled = calls.iter().filter(|call| !seen.insert(call.client_request_id.clone())).count();
    let retries = counters.retries;
    assert!(doubled <= UNACKED_MAX as usize, "{doubled} calls were made twice; {retries} retries");
    cluster.assert_nothing_left(provider).await;
}
