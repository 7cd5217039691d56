//! Budgets of runs and of providers' days, with several executors: the record of the gateway has what was used.

use reqwest::Method;
use runmill_proto::{
    RunId, RunStatus,
    api::{Budget, Run},
};
use serde_json::{Value, json};

use crate::support::{Api, Cluster, Sandbox, assert_counters_equal_rows, data::questions, within};

const ITEMS: usize = 200;
const CONCURRENCY: u32 = 4;
const EXECUTORS: usize = 3;
/// Largest number of calls in flight, of all executors.
const IN_FLIGHT: u64 = 12;

async fn submitted(api: &Api, fields: Value, cluster: &Cluster, rate_limit: Value) -> (Run, String) {
    let provider = json!({"base_url": cluster.gateway.base_url(), "rate_limit": rate_limit});
    let provider = api.create_provider(provider).await;
    let dataset = api.dataset(questions(ITEMS)).await;
    let mut body = json!({"provider_id": provider, "model": "lorem+ttft=20ms", "dataset_id": dataset});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let (status, body) = api.post("/runs", &body).await;
    assert_eq!(status, 201, "{body}");
    (serde_json::from_value(body).unwrap(), format!("/providers/{provider}"))
}

/// Waits until the run is paused and has no call in flight.
async fn paused(api: &Api, id: RunId) -> Run {
    within("the pause", async {
        loop {
            let run = api.run(id).await;
            let counters = run.counters;
            if run.paused_at.is_some() && counters.fed == counters.settled + counters.deferred {
                return run;
            }
        }
    })
    .await
}

#[tokio::test]
async fn the_tokens_of_a_day_hold_for_all_executors_and_raising_them_resumes_the_run() {
    const TOKENS: u64 = 2_000;
    let cluster = Cluster::start(EXECUTORS, 1).await;
    let api = &cluster.api;
    let limits = |tokens| json!({"concurrency": CONCURRENCY, "tokens_per_day": tokens});
    let (run, provider) = submitted(api, json!({}), &cluster, limits(TOKENS)).await;

    let stopped = paused(api, run.id).await;

    let reason = stopped.pause_reason.clone().unwrap_or_default();
    assert!(reason.contains("has used up its 2000 tokens of") && reason.contains("(UTC)"), "{reason}");
    assert!(stopped.resume_at.is_some(), "it goes on tomorrow");
    let used = stopped.usage.total_tokens();
    let a_call = used.div_ceil(stopped.counters.calls);
    let in_flight = IN_FLIGHT * a_call;
    assert!((TOKENS - in_flight..=TOKENS + in_flight).contains(&used), "{used} tokens, {a_call} in a call");
    assert_eq!(stopped.counters.failed, 0);

    api.change(Method::PATCH, &provider, &json!({"rate_limit": limits(1_000_000)})).await;
    let ended = api.ended(run.id).await;

    assert_eq!((ended.status, ended.counters.succeeded), (RunStatus::Completed, ITEMS as u64));
    assert_counters_equal_rows(&ended, &api.results(run.id).await);
}

#[tokio::test]
async fn a_run_makes_no_call_above_its_budget() {
    let cluster = Cluster::start(EXECUTORS, 1).await;
    let api = &cluster.api;
    let limits = json!({"concurrency": CONCURRENCY});
    let (run, _) = submitted(api, json!({"budget": {"calls": 60}}), &cluster, limits).await;

    let stopped = paused(api, run.id).await;

    let want = "the run's budget of 60 calls is used up: raise budget.calls of the run, and it goes on";
    assert_eq!((stopped.pause_reason.as_deref(), stopped.resume_at), (Some(want), None));
    let calls = cluster.gateway.stats().all.calls;
    assert!((60 - IN_FLIGHT..=60).contains(&calls), "{calls} calls");
    assert_eq!(stopped.counters.calls, calls);
    assert_eq!(stopped.budget_left.unwrap().calls, Some(60 - calls));
    let budget = Budget { calls: Some(60), ..Budget::default() };
    assert_eq!(stopped.budget.as_ref().and_then(Budget::stored), Some(budget));

    // Resumed without a larger budget, it is paused again.
    api.change(Method::POST, &format!("/runs/{}/resume", run.id), &json!({})).await;
    paused(api, run.id).await;
    assert!(cluster.gateway.stats().all.calls <= 60);
}

#[tokio::test]
async fn a_run_that_is_to_stop_completes_with_the_rest_unasked() {
    let cluster = Cluster::start(EXECUTORS, 1).await;
    let budget = json!({"budget": {"calls": 60, "when_used_up": "stop"}});
    let limits = json!({"concurrency": CONCURRENCY});
    let (run, _) = submitted(&cluster.api, budget, &cluster, limits).await;

    let ended = cluster.api.ended(run.id).await;

    let calls = cluster.gateway.stats().all.calls;
    assert!(calls <= 60, "{calls} calls");
    assert_eq!(ended.status, RunStatus::Completed);
    assert_eq!(ended.counters.succeeded, calls);
    assert_eq!(ended.counters.budget_stopped, ITEMS as u64 - calls);
    assert_counters_equal_rows(&ended, &cluster.api.results(run.id).await);
}

#[tokio::test]
async fn a_command_with_a_budget_ends_with_the_pause_and_says_why() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("items.jsonl", &questions(40));
    let args = ["--max-calls", "15", "--concurrency", "4"];

    let output = sandbox.run(&dataset, "lorem", &args).output().await;

    let (said, table) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(sandbox.gateway.stats().all.calls, 15);
    assert!(table.contains("the run's budget of 15 calls is used up"), "{table}");
    assert!(table.contains("0 of 15 calls left"), "{table}");
}
