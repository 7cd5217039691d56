//! Runs whose provider refuses some or all of its keys.

use reqwest::Method;
use runmill_proto::{RunStatus, api::Run};
use serde_json::json;

use crate::support::{Cluster, Firewall, assert_counters_equal_rows, data::questions, within};

const ITEMS: usize = 300;

#[tokio::test]
async fn a_refused_key_is_set_aside_with_its_reason_while_others_go_on() {
    let cluster = Cluster::start(1, 1).await;
    let api = &cluster.api;
    let provider = json!({"base_url": cluster.gateway.base_url(), "rate_limit": {"concurrency": 10}, "api_keys": [
        {"label": "bad", "value": "revoked-1"}, {"label": "spent", "value": "spent-1"},
        {"label": "small", "value": "sk-1"}, {"label": "large", "value": "sk-2", "weight": 4},
    ]});
    let provider = api.create_provider(provider).await;
    let dataset = api.dataset(questions(ITEMS)).await;

    let run = api.ended(api.start_run(provider, "lorem+ttft=20ms", dataset).await).await;

    assert_eq!((run.status, run.counters.succeeded), (RunStatus::Completed, ITEMS as u64));
    assert_counters_equal_rows(&run, &api.results(run.id).await);
    let stats = cluster.gateway.stats();
    let by_key: Vec<u64> = stats.keys.values().map(|traffic| traffic.calls).collect();
    let most = by_key.iter().max().copied().unwrap_or_default();
    assert!(most > 3 * ITEMS as u64 / 5, "the key of weight 4 has most calls: {by_key:?}");
    let refused = stats.all.by_status.get(&401).copied().unwrap_or_default();
    assert!((1..=10).contains(&refused), "{refused} calls with the bad key");
    let reasons = within("the report of the keys", async {
        loop {
            let keys = api.get("/executors").await[0]["lanes"][0]["keys"].clone();
            let aside = |label: &str| {
                let key = keys.as_array()?.iter().find(|key| key["label"] == label)?;
                key["set_aside"].as_str().map(str::to_owned)
            };
            if let (Some(bad), Some(spent)) = (aside("bad"), aside("spent")) {
                return (bad, spent, aside("large"));
            }
        }
    })
    .await;
    assert!(reasons.0.contains("refuses the key") && reasons.1.contains("quota"), "{reasons:?}");
    assert_eq!(reasons.2, None);
    cluster.assert_nothing_left(provider).await;
}

#[tokio::test]
async fn a_run_without_a_usable_key_is_paused_with_the_reason_and_goes_on_when_there_is_one() {
    let cluster = Cluster::start(2, 1).await;
    let api = &cluster.api;
    let provider = json!({"base_url": cluster.gateway.base_url(), "rate_limit": {"concurrency": 10},
        "api_keys": [{"label": "main", "value": "revoked-1"}]});
    let provider = api.create_provider(provider).await;
    let dataset = api.dataset(questions(ITEMS)).await;
    let run = api.start_run(provider, "lorem", dataset).await;
    let paused: Run = within("the pause", async {
        loop {
            let run = api.run(run).await;
            if run.paused_at.is_some() {
                return run;
            }
        }
    })
    .await;

    let patch = json!({"api_keys": [{"label": "main", "value": "sk-good"}]});
    api.change(Method::PATCH, &format!("/providers/{provider}"), &patch).await;
    let ended = api.ended(run).await;

    let reason = paused.pause_reason.unwrap_or_default();
    assert!(reason.contains("refuses the key") && paused.resume_at.is_none(), "{reason}");
    assert_eq!((paused.status, paused.counters.failed), (RunStatus::Running, 0), "a pause is no failure");
    assert_eq!((ended.status, ended.counters.succeeded), (RunStatus::Completed, ITEMS as u64));
    assert_eq!((ended.paused_at, ended.resume_at), (None, None));
    let refused = cluster.gateway.stats().all.by_status.get(&401).copied().unwrap_or_default();
    assert!(refused <= 20, "{refused} calls with a key that was known to be bad");
    cluster.assert_nothing_left(provider).await;
}

#[tokio::test]
async fn a_request_that_a_firewall_refuses_fails_alone_though_its_status_is_that_of_a_bad_key() {
    let cluster = Cluster::start(1, 1).await;
    let firewall = Firewall::start("What is 7 + 1?").await;
    let provider = json!({"base_url": firewall.base_url, "rate_limit": {"concurrency": 4},
        "api_keys": [{"label": "main", "value": "sk-good"}]});
    let provider = cluster.api.create_provider(provider).await;
    let dataset = cluster.api.dataset(questions(40)).await;

    let run = cluster.api.start_run(provider, "m", dataset).await;
    let run = cluster.api.ended(run).await;

    assert_eq!(run.status, RunStatus::Completed);
    assert_eq!((run.counters.succeeded, run.counters.failed), (39, 1));
    let results = cluster.api.results(run.id).await;
    let error = results.iter().find_map(|result| result.error.clone()).unwrap();
    assert!(error.contains("refuses this request although the key works"), "{error}");
    cluster.assert_nothing_left(provider).await;
}
