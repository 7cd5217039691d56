//! Runs that take over answers of earlier runs.

use reqwest::StatusCode;
use runmill_proto::{
    RunId,
    api::{ResultRecord, Run},
};
use serde_json::{Value, json};

use crate::support::{Cluster, Sandbox, assert_counters_equal_rows, data::questions};

const ITEMS: u64 = 300;

/// Runs a dataset without servers. Returns the finished run with its results.
async fn finished(sandbox: &Sandbox, dataset: &str, more: &[&str]) -> (Run, Vec<ResultRecord>) {
    let out = sandbox.path("results.jsonl").display().to_string();
    let args = [&["--json", "--out", &out][..], more].concat();
    let output = sandbox.run(dataset, "lorem", &args).output().await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = std::fs::read_to_string(&out).unwrap();
    let results = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (serde_json::from_slice(&output.stdout).unwrap(), results)
}

fn sources(results: &[ResultRecord]) -> Vec<Option<RunId>> {
    results.iter().map(|result| result.reused_from).collect()
}

#[tokio::test]
async fn a_command_calls_only_for_what_no_earlier_one_has_asked() {
    let sandbox = Sandbox::new().await;
    let calls = || sandbox.gateway.stats().all.calls;
    let items = sandbox.write("items.jsonl", &questions(5));
    let (first, _) = finished(&sandbox, &items, &["--scorer", "exact"]).await;
    assert_eq!((calls(), first.counters.reused), (5, 0));

    let (again, results) = finished(&sandbox, &items, &["--scorer", "includes", "--reuse", "exact"]).await;
    assert_eq!((calls(), again.counters.calls, again.counters.reused), (5, 0, 5));
    assert_eq!((again.cost_usd, again.usage.prompt_tokens), (Some(0.0), 0));
    assert_eq!(sources(&results), [Some(first.id); 5]);
    assert!(results.iter().all(|result| result.response.is_some()));
    let scorers = results.iter().map(|result| result.score.as_ref().unwrap().scorer.as_str());
    assert!(scorers.clone().all(|scorer| scorer == "includes"), "{:?}", scorers.collect::<Vec<_>>());

    let more = sandbox.write("items.jsonl", &questions(6));
    let (longer, results) = finished(&sandbox, &more, &["--reuse", "exact"]).await;
    assert_eq!((calls(), longer.counters.calls, longer.counters.reused), (6, 1, 5));
    assert_eq!(sources(&results).last(), Some(&None));

    let (warmer, _) = finished(&sandbox, &more, &["--reuse", "exact", "--temperature", "0.5"]).await;
    assert_eq!((calls(), warmer.counters.reused), (12, 0));
    let (called, _) = finished(&sandbox, &more, &["--scorer", "f1"]).await;
    assert_eq!((calls(), called.counters.reused), (18, 0), "it does not say so");

    let shown = sandbox.runmill(&["runs", "show", &longer.id.to_string()]).output().await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("5 answers of earlier runs"), "{shown}");
    let table =
        sandbox.runmill(&["runs", "results", &longer.id.to_string(), "--format", "csv"]).output().await;
    let source = format!(",{}\n", first.id);
    assert_eq!(String::from_utf8_lossy(&table.stdout).matches(&source).count(), 5);
}

async fn start(cluster: &Cluster, provider: runmill_proto::ProviderId, config: Value) -> Run {
    let dataset = cluster.api.dataset(questions(usize::try_from(ITEMS).unwrap())).await;
    let run = cluster.api.start_run_with(provider, "lorem+fail=500:0.3", dataset, config).await;
    cluster.api.ended(run).await
}

#[tokio::test]
async fn a_fleet_calls_for_what_failed_before_and_a_retry_too() {
    let cluster = Cluster::start(2, 1).await;
    let api = &cluster.api;
    let calls = || cluster.gateway.stats().all.calls;
    let provider = api.provider(&cluster.gateway.base_url(), 20).await;
    let retry = json!({"max_retries": 0});
    let first = start(&cluster, provider, json!({"retry": retry})).await;
    let (answered, failed) = (first.counters.succeeded, first.counters.failed);
    assert!(answered > 0 && failed > 0, "{:?}", first.counters);
    assert_eq!(calls(), ITEMS);

    let second = start(&cluster, provider, json!({"retry": retry, "reuse": "exact"})).await;
    assert_eq!((second.counters.reused, second.counters.calls), (answered, failed));
    assert_eq!(calls(), ITEMS + failed);
    let results = api.results(second.id).await;
    assert_counters_equal_rows(&second, &results);
    let reused = sources(&results).into_iter().flatten();
    assert_eq!(reused.filter(|run| *run == first.id).count() as u64, answered);

    let failed_again = second.counters.failed;
    let (status, body) = api.post(&format!("/runs/{}/retry-failed", second.id), &json!({})).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let retried = api.ended(second.id).await;
    assert_eq!((retried.counters.reused, retried.counters.calls), (answered, failed + failed_again));
    assert_eq!(retried.counters.settled, ITEMS);
}
