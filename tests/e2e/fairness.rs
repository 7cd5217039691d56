//! A small run does not wait for a large one.

use std::time::Duration;

use runmill_proto::{RunStatus, api::Run};
use serde_json::json;

use crate::support::{Cluster, data::questions};

const CONCURRENCY: u32 = 20;
/// Slow enough for the time between calls to hardly count.
const MODEL: &str = "lorem+ttft=500ms";
/// Number of small runs behind the large one. They follow each other and meet its calls in different phases.
const TRIES: usize = 3;

#[tokio::test]
async fn ten_items_behind_a_hundred_thousand_take_at_most_three_times_as_long_as_alone() {
    let cluster = Cluster::start(1, 1).await;
    let api = &cluster.api;
    let provider = api.provider(&cluster.gateway.base_url(), CONCURRENCY).await;
    let (large, small) = (api.dataset(questions(100_000)).await, api.dataset(questions(10)).await);
    // The first run of a provider also waits until executors consume its queue.
    api.ended(api.start_run(provider, "lorem", small).await).await;
    let alone = took(&api.ended(api.start_run(provider, MODEL, small).await).await);

    let behind = api.start_run(provider, MODEL, large).await;
    api.wait_for(behind, |counters| counters.settled >= 2 * u64::from(CONCURRENCY)).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..TRIES {
        slowest = slowest.max(took(&api.ended(api.start_run(provider, MODEL, small).await).await));
    }

    println!("ten items alone: {alone:?}; behind a hundred thousand, the slowest of {TRIES}: {slowest:?}");
    assert!(slowest <= 3 * alone, "{slowest:?}, alone {alone:?}");
    assert_eq!(api.run(behind).await.status, RunStatus::Running, "the large one goes on");
    let (status, body) = api.post(&format!("/runs/{behind}/cancel"), &json!({})).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(api.ended(behind).await.status, RunStatus::Canceled);
}

/// Returns the time from the run's submission to its end.
fn took(run: &Run) -> Duration {
    assert_eq!((run.status, run.counters.succeeded), (RunStatus::Completed, 10));
    let finished = run.finished_at.expect("it has ended");
    finished.duration_since(run.created_at).try_into().expect("a run ends after it was made")
}
