//! A smoke test asks a model one short question before a run costs money.

use serde_json::Value;

use crate::support::{Cluster, Sandbox};

#[tokio::test]
async fn a_model_that_answers_is_shown_with_what_it_can_do() {
    let sandbox = Sandbox::new().await;
    let base_url = sandbox.gateway.base_url();
    for protocol in ["openai-chat", "openai-responses"] {
        let args =
            ["smoke-test", "--base-url", &base_url, "--protocol", protocol, "--model", "echo+ttft=5ms"];
        let output = sandbox.runmill(&args).output().await;

        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{shown}{}", String::from_utf8_lossy(&output.stderr));
        for part in ["yes, in ", "first token after ", "prompt, ", "JSON mode"] {
            assert!(shown.contains(part), "{part} is not in\n{shown}");
        }
    }
}

#[tokio::test]
async fn a_refused_key_is_shown_with_what_to_do_and_not_itself() {
    let sandbox = Sandbox::new().await;
    let base_url = sandbox.gateway.base_url();
    let args = ["smoke-test", "--base-url", &base_url, "--model", "echo", "--json"];
    let output = sandbox.runmill(&args).env("OPENAI_API_KEY", "revoked-77aa").output().await;

    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["ok"], &report["error"]["status"]), (&false.into(), &401.into()));
    assert!(report["error"]["advice"].as_str().unwrap().contains("api_keys"), "{report}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("revoked-77aa"));
}

/// A smoke test finds out which form of request the model accepts, and the first call of a run already has that form.
#[tokio::test]
async fn a_smoke_test_fills_the_memory_of_what_a_model_wants() {
    let cluster = Cluster::start(1, 1).await;
    let provider = cluster.api.provider(&cluster.gateway.base_url(), 4).await;
    let path = format!("/providers/{provider}/smoke-test");

    let (status, report) = cluster.api.post(&path, &serde_json::json!({"model": "echo+nostream"})).await;
    let before = cluster.gateway.stats().all.by_status.get(&400).copied();
    let dataset = cluster.api.dataset(crate::support::data::questions(5)).await;
    let run = cluster.api.ended(cluster.api.start_run(provider, "echo+nostream", dataset).await).await;

    assert_eq!((status, &report["ok"], &report["streamed"]), (200, &true.into(), &false.into()), "{report}");
    assert_eq!((before, run.counters.succeeded), (Some(1), 5));
    assert_eq!(cluster.gateway.stats().all.by_status.get(&400).copied(), before, "no call was refused again");
    cluster.assert_nothing_left(provider).await;
}
