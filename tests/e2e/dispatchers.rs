//! Two dispatchers behind one address, of which the one that leads is killed.

use std::time::{Duration, Instant};

use reqwest::Method;
use runmill_proto::{RunId, RunStatus};

use crate::support::{Api, Cluster, Frames, assert_counters_equal_rows, data::questions, until, within};

const ITEMS: usize = 3_000;
const CONCURRENCY: u32 = 20;
/// Longest time from the death of a dispatcher until the other one feeds.
const HAND_OVER: Duration = Duration::from_secs(3);

async fn follow(api: &Api, run: RunId, after: Option<u64>) -> Frames {
    let request = api.request(Method::GET, &format!("/runs/{run}/events"));
    Frames::open(match after {
        Some(id) => request.header("last-event-id", id),
        None => request,
    })
    .await
}

#[tokio::test]
async fn the_other_dispatcher_goes_on_when_the_one_that_leads_is_killed() {
    let cluster = Cluster::start(1, 1).await;
    cluster.dispatcher.line_with("feeder.leads").await;
    let (second, other) = cluster.second_dispatcher().await;
    let api = &cluster.api;
    let provider = api.provider(&cluster.gateway.base_url(), CONCURRENCY).await;
    let dataset = api.dataset(questions(ITEMS)).await;
    let run = api.start_run(provider, "lorem+ttft=50ms", dataset).await;
    let observer = follow(api, run, None).await;

    api.wait_for(run, |counters| counters.settled >= ITEMS as u64 / 4).await;
    cluster.dispatcher.signal("KILL");
    let killed_at = Instant::now();
    let fed = other.run(run).await.counters.fed;
    until("further feeding", async || other.run(run).await.counters.fed > fed).await;
    let feeds_after = killed_at.elapsed();
    assert!(feeds_after < HAND_OVER, "it feeds after {feeds_after:?}");
    second.line_with("feeder.leads").await;

    let before = within("the end of the broken stream", observer.until_broken()).await;
    let mut seen: Vec<u64> = before.iter().filter_map(|frame| frame.id).collect();
    assert!(!seen.is_empty(), "the first dispatcher has shown nothing");
    let after = follow(&other, run, seen.last().copied()).await;
    let after = within("the end of the run's events", after.rest()).await;
    seen.extend(after.iter().filter_map(|frame| frame.id));
    let end = after.last().unwrap();

    let (ended, results) = (other.ended(run).await, other.results(run).await);
    assert_eq!((ended.status, results.len(), &*end.event), (RunStatus::Completed, ITEMS, "end"));
    assert_counters_equal_rows(&ended, &results);
    let gap = seen.iter().zip(1..).find(|(id, want)| **id != *want);
    assert_eq!((gap, seen.len() as u64), (None, ended.seq), "neither gap nor repeat");
    // A death of a dispatcher interrupts no call.
    assert_eq!(ended.counters.calls, ITEMS as u64, "{:?}", ended.counters);
}
