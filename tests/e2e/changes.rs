//! Changes of a provider or of the settings reach every executor within two seconds, while runs go on.

use reqwest::Method;
use runmill_proto::{ProviderId, RunId};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep_until};

use crate::support::{Cluster, data::questions, recorder::Recorder, until, within};

const EXECUTORS: usize = 3;
/// Number of calls in flight per executor.
const CONCURRENCY: usize = 8;
/// Longest time that documentation promises for a change.
const REACHED_WITHIN: Duration = Duration::from_secs(2);

struct World {
    cluster: Cluster,
    recorder: Recorder,
    provider: ProviderId,
}

impl World {
    async fn new() -> Self {
        let (cluster, recorder) = (Cluster::start(EXECUTORS, 1).await, Recorder::start().await);
        let provider = json!({
            "base_url": recorder.base_url, "api_keys": [{"label": "first", "value": "sk-old"}],
            "headers": {"x-team": "old"}, "rate_limit": {"concurrency": CONCURRENCY},
        });
        let provider = cluster.api.create_provider(provider).await;
        Self { cluster, recorder, provider }
    }

    /// Starts a run that is too long to end by itself. Returns when all executors call the model for it.
    async fn endless_run(&self, model: &str) -> RunId {
        let dataset = self.cluster.api.dataset(questions(100_000)).await;
        let run = self.cluster.api.start_run(self.provider, model, dataset).await;
        within("calls of all executors", async { while self.busy_executors().await < EXECUTORS {} }).await;
        run
    }

    async fn busy_executors(&self) -> usize {
        let executors = self.cluster.api.get("/executors").await;
        let is_busy = |executor: &&Value| {
            let mut lanes = executor["lanes"].as_array().unwrap().iter();
            lanes.any(|lane| lane["in_flight"].as_u64() > Some(0))
        };
        executors.as_array().unwrap().iter().filter(is_busy).count()
    }

    /// Changes the provider. Returns the time from which no call may use the old settings.
    async fn change(&self, patch: &Value) -> Instant {
        let before = Instant::now();
        self.cluster.api.change(Method::PATCH, &format!("/providers/{}", self.provider), patch).await;
        before + REACHED_WITHIN
    }

    async fn calls_after(&self, moment: Instant, count: usize) -> Vec<crate::support::recorder::Recorded> {
        sleep_until(moment).await;
        until("calls by the new settings", async || self.recorder.calls_since(moment).len() >= count).await;
        self.recorder.calls_since(moment)
    }

    async fn end(self, run: RunId) {
        self.cluster.api.post(&format!("/runs/{run}/cancel"), &json!({})).await;
        self.cluster.api.ended(run).await;
        self.cluster.stop().await;
    }
}

#[tokio::test]
async fn a_changed_key_and_header_reach_all_executors_within_two_seconds() {
    let world = World::new().await;
    let run = world.endless_run("m").await;

    let patch = json!({"api_keys": [{"label": "second", "value": "sk-new"}], "headers": {"x-team": "new"}});
    let moment = world.change(&patch).await;
    let calls = world.calls_after(moment, 500).await;

    let old: Vec<_> = calls.iter().filter(|call| call.key != "sk-new" || call.team != "new").collect();
    assert!(old.is_empty(), "{} of {} calls by the old settings: {:?}", old.len(), calls.len(), old.first());
    world.end(run).await;
}

#[tokio::test]
async fn a_changed_limit_reaches_all_executors_within_two_seconds() {
    let world = World::new().await;
    let run = world.endless_run("m").await;

    let moment = world.change(&json!({"rate_limit": {"concurrency": 1}})).await;
    sleep_until(moment).await;
    let mut most = 0;
    let counting = async {
        while world.recorder.calls_since(moment).len() < 200 {
            most = most.max(world.recorder.in_flight());
            tokio::task::yield_now().await;
        }
    };
    within("calls within the new limit", counting).await;

    assert!((1..=EXECUTORS).contains(&most), "{most} calls at once");
    world.end(run).await;
}

#[tokio::test]
async fn a_changed_timeout_reaches_all_executors_within_two_seconds() {
    let world = World::new().await;
    let settings = json!({"request": {"first_token_timeout_seconds": 1.0}, "retry": {"max_retries": 100, "budget_percent": 1000.0, "backoff_base_seconds": 0.01, "backoff_max_seconds": 0.01}});
    world.cluster.api.change(Method::PUT, "/settings", &settings).await;
    let run = world.endless_run("hang").await;

    let mut shorter = settings;
    shorter["request"]["first_token_timeout_seconds"] = json!(0.1);
    let moment = Instant::now() + REACHED_WITHIN;
    world.cluster.api.change(Method::PUT, "/settings", &shorter).await;
    let calls = world.calls_after(moment, 200).await;

    let over: Vec<_> = calls.iter().filter_map(|call| call.gave_up_after).collect();
    assert!(over.len() >= 100, "{} calls were given up", over.len());
    let longest = over.iter().max();
    assert!(longest < Some(&Duration::from_millis(900)), "a call was waited for {longest:?}");
    world.end(run).await;
}
