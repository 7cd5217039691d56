//! Runs are canceled, paused, resumed and retried.

use runmill_proto::{ErrorKind, Outcome, RunId, RunStatus, api::Run};
use serde_json::json;

use crate::support::{Api, Cluster, assert_counters_equal_rows, calls_by_job, data::questions, until};

const CONCURRENCY: u32 = 10;

async fn steer(api: &Api, run: RunId, action: &str) -> Run {
    let (status, body) = api.post(&format!("/runs/{run}/{action}"), &json!({})).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_value(body).unwrap()
}

#[tokio::test]
async fn a_cancel_drops_the_calls_in_flight_and_starts_none() {
    let cluster = Cluster::start(1, 1).await;
    let (api, gateway) = (&cluster.api, &cluster.gateway);
    let provider = api.provider(&gateway.base_url(), CONCURRENCY).await;
    let dataset = api.dataset(questions(1_000)).await;
    // The first answer would take ten minutes.
    let run = api.start_run(provider, "lorem+ttft=600s", dataset).await;
    until("calls in flight", async || gateway.stats().all.in_flight == u64::from(CONCURRENCY)).await;

    steer(api, run, "cancel").await;
    let ended = api.ended(run).await;

    assert_eq!(ended.status, RunStatus::Canceled);
    until("the end of the calls", async || gateway.stats().all.in_flight == 0).await;
    let calls = gateway.calls(0, usize::MAX);
    assert!(calls.iter().all(|call| call.status == 499), "dropped: {calls:?}");
    assert_eq!(calls.len(), CONCURRENCY as usize, "none was started after the cancel");
    let results = api.results(run).await;
    assert_counters_equal_rows(&ended, &results);
    assert!(results.iter().all(|result| result.outcome == Outcome::Canceled));
    assert_eq!(ended.counters.fed, ended.counters.settled, "what was fed has its result");
    assert_eq!(steer_fails(api, run, "cancel").await, 409, "it has ended");
    cluster.assert_nothing_left(provider).await;
}

/// A record of the gateway counts from the arrival of a request.
#[tokio::test]
async fn a_second_after_the_cancel_of_a_large_run_no_call_starts() {
    const IN_FLIGHT: u32 = 500;
    let cluster = Cluster::start(3, 1).await;
    let (api, gateway) = (&cluster.api, &cluster.gateway);
    let provider = api.provider(&gateway.base_url(), IN_FLIGHT).await;
    let dataset = api.dataset(questions(100_000)).await;
    let run = api.start_run(provider, "lorem+ttft=2s", dataset).await;
    until("500 calls in flight", async || gateway.stats().all.in_flight >= u64::from(IN_FLIGHT)).await;
    api.wait_for(run, |counters| counters.settled >= 2 * u64::from(IN_FLIGHT)).await;

    let canceled = steer(api, run, "cancel").await;
    let answered_us = runmill_runtime::Clock::system().now().as_microsecond();
    let (status, again) = api.post(&format!("/runs/{run}/cancel"), &json!({})).await;
    let ended = api.ended(run).await;

    assert!(status == 409 || again["cancel_requested_at"] == json!(canceled.cancel_requested_at), "{again}");
    assert_eq!(
        (ended.status, ended.cancel_requested_at),
        (RunStatus::Canceled, canceled.cancel_requested_at)
    );
    until("the end of the calls", async || gateway.stats().all.in_flight == 0).await;
    let late =
        gateway.calls(0, usize::MAX).iter().filter(|call| call.in_us > answered_us + 1_000_000).count();
    assert_eq!(late, 0, "calls that began later than a second after the answer");
    assert_counters_equal_rows(&ended, &api.results(run).await);
    assert_eq!(ended.counters.fed, ended.counters.settled, "what was fed has its result");
    assert!(ended.counters.unpriced > 0, "what the dropped calls cost is not known: {:?}", ended.counters);
    assert_eq!(steer_fails(api, run, "cancel").await, 409, "it has ended");
    cluster.assert_nothing_left(provider).await;
}

#[tokio::test]
async fn a_graceful_cancel_lets_the_calls_in_flight_finish_and_starts_none() {
    let cluster = Cluster::start(2, 1).await;
    let (api, gateway) = (&cluster.api, &cluster.gateway);
    let provider = api.provider(&gateway.base_url(), CONCURRENCY).await;
    let dataset = api.dataset(questions(1_000)).await;
    let run = api.start_run(provider, "lorem+ttft=5s", dataset).await;
    until("calls in flight", async || gateway.stats().all.in_flight >= u64::from(CONCURRENCY)).await;

    let canceled = steer(api, run, "cancel?graceful=true").await;
    let answered_us = runmill_runtime::Clock::system().now().as_microsecond();
    let ended = api.ended(run).await;

    assert!(canceled.cancel_graceful, "{canceled:?}");
    assert_eq!(ended.status, RunStatus::Canceled);
    let calls = gateway.calls(0, usize::MAX);
    assert!(calls.iter().all(|call| call.status == 200 && call.in_us < answered_us + 1_000_000), "{calls:?}");
    assert_eq!(ended.counters.succeeded, calls.len() as u64, "each answer is recorded");
    assert_counters_equal_rows(&ended, &api.results(run).await);
    cluster.assert_nothing_left(provider).await;
}

#[tokio::test]
async fn a_run_with_more_samples_goes_on_with_these_alone() {
    const ITEMS: usize = 50;
    let cluster = Cluster::start(1, 1).await;
    let (api, gateway) = (&cluster.api, &cluster.gateway);
    let provider = api.provider(&gateway.base_url(), CONCURRENCY).await;
    let dataset = api.dataset(questions(ITEMS)).await;
    let run = api.start_run(provider, "lorem", dataset).await;
    let first = api.ended(run).await;

    let (status, body) = api.post(&format!("/runs/{run}/extend"), &json!({"samples": 3})).await;
    let ended = api.ended(run).await;

    assert_eq!((first.counters.total, status), (ITEMS as u64, 200), "{body}");
    assert_eq!((ended.status, ended.counters.succeeded), (RunStatus::Completed, 3 * ITEMS as u64));
    assert_counters_equal_rows(&ended, &api.results(run).await);
    let calls = calls_by_job(gateway);
    assert_eq!((calls.len(), calls.values().max()), (3 * ITEMS, Some(&1)), "none was called again");
    cluster.assert_nothing_left(provider).await;
}

async fn steer_fails(api: &Api, run: RunId, action: &str) -> u16 {
    api.post(&format!("/runs/{run}/{action}"), &json!({})).await.0
}

#[tokio::test]
async fn a_paused_run_stands_still_and_resumed_it_completes_with_no_call_doubled() {
    const ITEMS: usize = 500;
    let cluster = Cluster::start(2, 1).await;
    let (api, gateway) = (&cluster.api, &cluster.gateway);
    let provider = api.provider(&gateway.base_url(), CONCURRENCY).await;
    let (many, few) = (api.dataset(questions(ITEMS)).await, api.dataset(questions(20)).await);
    let run = api.start_run(provider, "lorem+ttft=50ms", many).await;
    api.wait_for(run, |counters| counters.settled >= 100).await;

    steer(api, run, "pause").await;
    let still = api.wait_for(run, |counters| counters.fed == counters.settled + counters.deferred).await;
    // Other runs of the provider go on meanwhile.
    let other = api.ended(api.start_run(provider, "lorem", few).await).await;
    let paused = api.run(run).await;
    steer(api, run, "resume").await;
    let ended = api.ended(run).await;

    assert_eq!((other.status, other.counters.succeeded), (RunStatus::Completed, 20));
    assert_eq!(paused.status, RunStatus::Running, "a pause is no status");
    assert_eq!((paused.counters, paused.pause_reason.as_deref()), (still.counters, Some("paused by a user")));
    assert!((100..ITEMS as u64).contains(&paused.counters.settled), "{:?}", paused.counters);
    assert_eq!((ended.status, ended.counters.succeeded), (RunStatus::Completed, ITEMS as u64));
    assert_counters_equal_rows(&ended, &api.results(run).await);
    let calls = calls_by_job(gateway);
    assert_eq!((calls.len(), calls.values().max()), (ITEMS + 20, Some(&1)));
    cluster.assert_nothing_left(provider).await;
}

#[tokio::test]
async fn failed_jobs_are_tried_again_and_keep_one_result_each() {
    const ITEMS: usize = 300;
    let cluster = Cluster::start(1, 2).await;
    let (api, gateway) = (&cluster.api, &cluster.gateway);
    let provider = api.provider(&gateway.base_url(), CONCURRENCY).await;
    let dataset = api.dataset(questions(ITEMS)).await;
    let run = api.start_run(provider, "lorem+fail=400:0.3", dataset).await;
    let first = api.ended(run).await;
    let failed = first.counters.failed;
    assert!((1..ITEMS as u64).contains(&failed), "{failed}");
    assert_eq!(first.errors.get(&ErrorKind::InvalidRequest), Some(&failed));
    assert_counters_equal_rows(&first, &api.results(run).await);

    let revived = steer(api, run, "retry-failed").await;
    let second = api.ended(run).await;

    assert_eq!((revived.status, revived.counters.settled), (RunStatus::Running, ITEMS as u64 - failed));
    // Each pass has other calls, which the gateway fails by their ids.
    assert_eq!(second.status, RunStatus::Completed);
    assert!(second.counters.failed < failed, "{} of {failed}", second.counters.failed);
    let results = api.results(run).await;
    assert_eq!(results.len(), ITEMS);
    assert_counters_equal_rows(&second, &results);
    assert_eq!(second.counters.calls, ITEMS as u64 + failed, "only those that had failed were called again");
    assert_eq!(gateway.stats().all.calls, second.counters.calls);
    cluster.assert_nothing_left(provider).await;
}
