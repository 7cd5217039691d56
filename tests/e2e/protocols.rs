//! Every wire protocol with every failure of the gateway, through the whole pipeline.

use runmill_gateway::Gateway;
use runmill_proto::{
    ErrorKind, Outcome, ProviderId, RunStatus,
    api::{ResultRecord, Run},
};
use serde_json::{Value, json};

use crate::support::{Cluster, assert_counters_equal_rows, calls_by_job, data::questions};

const ITEMS: usize = 1_000;
const CONCURRENCY: u32 = 64;

/// Answer of the model to every question.
const ANSWER: &str =
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et";

/// Returns a configuration with many quick retries. A call that hangs times out soon, but not so soon that a busy
/// machine reaches the time-out.
fn many_retries() -> Value {
    json!({
        "request": {"first_token_timeout_seconds": 3.0, "idle_timeout_seconds": 3.0, "total_timeout_seconds": 6.0},
        "retry": {"max_retries": 20, "backoff_base_seconds": 0.01, "budget_percent": 1000.0},
    })
}

/// Returns the same configuration with one retry and without a trial, for calls that always fail.
fn one_retry() -> Value {
    let mut config = many_retries();
    config["retry"]["max_retries"] = json!(1);
    config["retry"]["trial_calls"] = json!(0);
    config
}

/// Returns the same configuration with short time-outs, for calls that never answer. A busy machine can exceed these
/// times, so no other test has them.
fn short_timeouts() -> Value {
    let mut config = one_retry();
    config["request"] = json!({"first_token_timeout_seconds": 0.3, "total_timeout_seconds": 0.3});
    config
}

/// Failures of some calls. Each item is answered in the end.
const PASSING: &[&str] =
    &["fail=429:0.1+retry-after=1", "fail=500:0.1", "cut=5:0.1", "overload=5:0.1", "hang:0.02"];

/// Failures of every call, with the error kind of each item.
const LASTING: &[(&str, ErrorKind)] = &[
    ("cut=5", ErrorKind::TruncatedStream),
    ("malformed", ErrorKind::MalformedResponse),
    ("fail=500:1", ErrorKind::ServerError),
    ("fail=400:1", ErrorKind::InvalidRequest),
];

struct World {
    cluster: Cluster,
    provider: ProviderId,
}

impl World {
    async fn speaking(protocol: &str, path: &str) -> Self {
        let cluster = Cluster::start(2, 1).await;
        let base_url = format!("http://{}{path}", cluster.gateway.address());
        let provider = json!({"protocol": protocol, "base_url": base_url,
            "api_keys": [{"label": "main", "value": "sk-good"}], "rate_limit": {"concurrency": CONCURRENCY}});
        let provider = cluster.api.create_provider(provider).await;
        Self { cluster, provider }
    }

    /// Runs a number of items, and checks that the run completes.
    async fn run(&self, items: usize, model: &str, config: Value) -> (Run, Vec<ResultRecord>) {
        let api = &self.cluster.api;
        let dataset = api.dataset(questions(items)).await;
        let run = api.ended(api.start_run_with(self.provider, model, dataset, config).await).await;
        let results = api.results(run.id).await;
        assert_eq!((run.status, results.len()), (RunStatus::Completed, items), "{model}: {:?}", run.errors);
        assert_counters_equal_rows(&run, &results);
        (run, results)
    }

    async fn end(self) {
        self.cluster.assert_nothing_left(self.provider).await;
    }
}

/// Checks that each recorded answer is complete, and that failed items have none.
fn assert_honest(results: &[ResultRecord]) {
    for result in results {
        match result.outcome {
            Outcome::Succeeded => assert_eq!(result.response.as_deref(), Some(ANSWER), "{result:?}"),
            Outcome::Failed => assert!(result.response.is_none() && result.score.is_none(), "{result:?}"),
            other => panic!("{other} was not asked for"),
        }
    }
}

async fn every_item_settles_as_it_should(protocol: &str, path: &str) {
    let world = World::speaking(protocol, path).await;
    for failure in PASSING {
        let (run, results) = world.run(ITEMS, &format!("lorem+{failure}"), many_retries()).await;

        assert_eq!(run.counters.succeeded, ITEMS as u64, "{protocol}, {failure}: {:?}", run.errors);
        assert!(run.counters.retries > 0, "{protocol}: nothing failed by {failure}");
        assert_honest(&results);
        let usage = run.usage;
        assert!(usage.completion_tokens >= 16 * ITEMS as u64, "{protocol}, {failure}: {usage:?}");
    }
    for (failure, kind) in LASTING {
        let (run, results) = world.run(200, &format!("lorem+{failure}"), one_retry()).await;

        assert_eq!(run.errors.get(kind), Some(&200), "{protocol}, {failure}: {:?}", run.errors);
        assert_honest(&results);
    }
    assert_requests_equal_calls(&world.cluster.gateway);
    world.end().await;
}

/// Checks that every request that the gateway got is counted by these runs.
fn assert_requests_equal_calls(gateway: &Gateway) {
    let jobs = calls_by_job(gateway).len();
    assert_eq!(jobs, PASSING.len() * ITEMS + LASTING.len() * 200);
}

async fn a_hanging_provider_holds_no_slot(protocol: &str, path: &str) {
    let world = World::speaking(protocol, path).await;

    let (run, results) = world.run(100, "lorem+hang", short_timeouts()).await;

    let timeouts: u64 = [ErrorKind::FirstTokenTimeout, ErrorKind::TotalTimeout]
        .iter()
        .filter_map(|kind| run.errors.get(kind))
        .sum();
    assert_eq!(timeouts, 100, "{:?}", run.errors);
    assert_honest(&results);
    world.end().await;
}

/// A provider that does not stream gets a second request, for a buffered answer. It does not count as a retry, and
/// there is no wait.
async fn a_provider_without_streams_is_asked_buffered(protocol: &str, path: &str) {
    let world = World::speaking(protocol, path).await;

    let (run, results) = world.run(ITEMS, "lorem+nostream", many_retries()).await;

    assert_eq!((run.counters.succeeded, run.counters.retries), (ITEMS as u64, 0), "{:?}", run.errors);
    assert_honest(&results);
    world.end().await;
}

macro_rules! protocols {
    ($($module:ident: $protocol:literal at $path:literal;)+) => { $(
        mod $module {
            #[tokio::test]
            async fn every_item_settles_as_it_should() {
                super::every_item_settles_as_it_should($protocol, $path).await;
            }

            #[tokio::test]
            async fn a_hanging_provider_holds_no_slot() {
                super::a_hanging_provider_holds_no_slot($protocol, $path).await;
            }

            #[tokio::test]
            async fn a_provider_without_streams_is_asked_buffered() {
                super::a_provider_without_streams_is_asked_buffered($protocol, $path).await;
            }
        }
    )+ };
}

protocols! {
    openai_chat: "openai_chat" at "/v1";
    openai_responses: "openai_responses" at "/v1";
    anthropic_messages: "anthropic_messages" at "/v1";
    gemini: "gemini" at "/v1beta";
}
