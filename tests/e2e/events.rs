//! Observers see every event once, even if their connections break.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::Method;
use runmill_proto::{RunId, RunStatus};
use serde_json::{Value, json};

use crate::support::{Api, Cluster, Frame, Frames, data::questions, within};

const ITEMS: usize = 2_000;
const SEED: u64 = 5;
/// Maximum number of events after which the test drops a connection.
const EVENTS_MAX: usize = 300;

async fn follow(api: &Api, run: RunId, last_event_id: Option<u64>) -> Frames {
    let request = api.request(Method::GET, &format!("/runs/{run}/events"));
    Frames::open(match last_event_id {
        Some(id) => request.header("last-event-id", id),
        None => request,
    })
    .await
}

/// Checks the comment that opens a stream. On the stream of one run, a snapshot follows it.
fn assert_opens(first: &Frame) {
    assert_eq!(
        (first.comment.as_deref(), first.retry, first.id),
        (Some("ready"), Some(2_000), None),
        "{first:?}"
    );
}

fn statuses(frames: &[Frame], run: RunId) -> Vec<Value> {
    let of_run = |frame: &&Frame| frame.event == "run_status" && frame.data["runId"] == run.to_string();
    frames.iter().filter(of_run).map(|frame| frame.data.clone()).collect()
}

#[tokio::test]
async fn an_observer_that_loses_its_connection_again_and_again_sees_1_to_n() {
    let cluster = Cluster::start(1, 2).await;
    let api = &cluster.api;
    let provider = api.provider(&cluster.gateway.base_url(), 20).await;
    let dataset = api.dataset(questions(ITEMS)).await;
    let run = api.start_run(provider, "lorem+ttft=50ms", dataset).await;
    let mut rng = StdRng::seed_from_u64(SEED);
    let (mut seen, mut connections): (Vec<u64>, usize) = (Vec::new(), 0);

    let end = within("the end of the run's events", async {
        'connections: loop {
            connections += 1;
            let mut frames = follow(api, run, seen.last().copied()).await;
            assert_opens(&frames.next().await.unwrap());
            let snapshot = frames.next().await.unwrap();
            assert_eq!((&*snapshot.event, snapshot.id), ("snapshot", None));
            for _ in 0..rng.random_range(1..=EVENTS_MAX) {
                let frame = frames.next().await.expect("`end` comes before the stream's end");
                let Some(id) = frame.id else {
                    assert!(frames.rest().await.is_empty(), "`end` is last");
                    break 'connections frame;
                };
                seen.push(id);
                if seen.len() == ITEMS {
                    // The other log-sink takes over its queues, with the messages that were written and not acked.
                    cluster.log_sinks[0].signal("KILL");
                }
            }
        }
    })
    .await;

    let ended = api.run(run).await;
    assert_eq!(
        (&*end.event, &end.data),
        ("end", &json!({"type": "end", "runId": run, "status": "completed"}))
    );
    assert_eq!(ended.counters.succeeded, ITEMS as u64);
    assert!(connections > 10, "{connections} connections do not say much");
    let gap = seen.iter().zip(1..).find(|(id, want)| **id != *want);
    assert_eq!((gap, seen.len() as u64), (None, ended.seq), "neither gap nor repeat");

    let again = follow(api, run, Some(ended.seq)).await.rest().await;
    let names: Vec<_> = again.iter().map(|frame| &*frame.event).collect();
    assert_eq!(names, ["", "snapshot", "end"], "an observer that has seen all events still gets `end`");
    let path = format!("/runs/{run}/events?after=10&limit=7");
    let limited = Frames::open(api.request(Method::GET, &path)).await.rest().await;
    let ids: Vec<_> = limited.iter().filter_map(|frame| frame.id).collect();
    assert_eq!(ids, (11..=17).collect::<Vec<_>>(), "{limited:?}");
}

#[tokio::test]
async fn an_observer_of_all_runs_sees_every_transition_with_every_field() {
    let cluster = Cluster::start(1, 2).await;
    let api = &cluster.api;
    let provider = api.provider(&cluster.gateway.base_url(), 10).await;
    let dataset = api.dataset(questions(200)).await;
    let mut all = Frames::open(api.request(Method::GET, "/runs/events")).await;
    assert_opens(&all.next().await.unwrap());

    let run = api.start_run(provider, "lorem+ttft=50ms", dataset).await;
    api.wait_for(run, |counters| counters.settled > 0).await;
    for action in ["pause", "resume"] {
        let (status, body) = api.post(&format!("/runs/{run}/{action}"), &json!({})).await;
        assert_eq!(status, 200, "{body}");
    }
    assert_eq!(api.ended(run).await.status, RunStatus::Completed);
    let of_run = statuses(&follow(api, run, None).await.rest().await, run);
    let mut frames = Vec::new();
    within("the run's transitions", async {
        while statuses(&frames, run).len() < of_run.len() {
            frames.push(all.next().await.expect("this stream has no end"));
        }
    })
    .await;

    assert_eq!(statuses(&frames, run), of_run, "both streams say the same");
    assert!(frames.iter().all(|frame| frame.id.is_none()), "ids are a single run's");
    let mut said: Vec<_> = of_run
        .iter()
        .map(|status| (status["status"].as_str().unwrap(), !status["pausedAt"].is_null()))
        .collect();
    // If the pause deferred jobs, there is one more event with the same status.
    said.dedup();
    let want =
        [("pending", false), ("running", false), ("running", true), ("running", false), ("completed", false)];
    assert_eq!(said, want);
    let nothing_yet = json!({"type": "run_status", "runId": run, "status": "pending", "startedAt": null,
        "finishedAt": null, "retryCount": 0, "retryAfter": null, "retryRequestedAt": null, "retryReason": null,
        "resumedCount": 0, "lastResumedAt": null, "cancelRequestedAt": null, "pausedAt": null, "pauseReason": null,
        "resumeAt": null});
    assert_eq!(of_run[0], nothing_yet);
    let fields = |status: &Value| status.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert!(of_run.iter().all(|status| fields(status) == fields(&nothing_yet)), "{of_run:?}");
    let last = &of_run[of_run.len() - 1];
    assert!(
        last["startedAt"].is_string() && last["finishedAt"].is_string() && last["resumedCount"] == 1,
        "{last}"
    );
}

#[tokio::test]
async fn an_observer_of_all_runs_is_let_go_after_as_many_events_as_it_asked_for() {
    let cluster = Cluster::start(1, 1).await;
    let api = &cluster.api;
    let provider = api.provider(&cluster.gateway.base_url(), 10).await;
    let dataset = api.dataset(questions(10)).await;
    let all = Frames::open(api.request(Method::GET, "/runs/events?limit=2")).await;

    api.start_run(provider, "lorem", dataset).await;
    let frames = within("the end of the stream", all.rest()).await;

    assert_opens(&frames[0]);
    assert_eq!(frames[1..].len(), 2, "{frames:?}");
}
