//! Several scorers of one run.

use runmill_proto::api::Run;
use serde_json::json;

use crate::support::{Cluster, Sandbox, data::questions};

#[tokio::test]
async fn the_summary_of_a_command_has_the_score_of_each_scorer() {
    let sandbox = Sandbox::new().await;
    let items = sandbox.write("items.jsonl", &questions(5));
    let several = ["--scorer", "exact", "--scorer", "f1", "--scorer", "pattern", "--pattern", "."];

    let output = sandbox.run(&items, "lorem", &[&several[..], &["--json"]].concat()).output().await;

    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let run: Run = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((run.score.scored, run.counters.calls, run.score_version), (5, 5, 0));
    let scores: Vec<_> = run.score_versions.iter().map(|made| (made.further, made.score.scored)).collect();
    assert_eq!(scores, [(true, 5), (true, 5)]);
    assert_eq!(run.score_versions[1].score.mean, Some(1.0), "every answer has a character");
    let shown = sandbox.runmill(&["runs", "show", &run.id.to_string()]).output().await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(["exact: 0.0", "f1: ", "pattern: 1.0000"].iter().all(|line| shown.contains(line)), "{shown}");
}

#[tokio::test]
async fn a_fleet_makes_the_further_scores_and_shows_them_by_their_versions() {
    let cluster = Cluster::start(1, 1).await;
    let api = &cluster.api;
    let provider = api.provider(&cluster.gateway.base_url(), 8).await;
    let dataset = api.dataset(questions(20)).await;
    let scorers = json!({"scorers": [{"scorer": "exact"}, {"scorer": "pattern", "pattern": "."}]});
    let run = api.start_run_with(provider, "lorem", dataset, scorers).await;
    let made = async || api.run(run).await.score_versions.len();

    crate::support::until("the further scores", async || made().await == 1).await;

    let all = api.get(&format!("/runs/{run}/scores")).await;
    assert_eq!((&all["all"]["mean"], &all["all"]["items"]), (&json!(0.0), &json!(20)));
    let further = api.get(&format!("/runs/{run}/scores?score_version=1")).await;
    assert_eq!(further["all"]["mean"], json!(1.0));
    let refused = json!({"scorers": [{"scorer": "exact"}, {"scorer": "f1", "place": "end"}]});
    let body = json!({"provider_id": provider, "model": "lorem", "dataset_id": dataset, "config": refused});
    let (status, body) = api.post("/runs", &body).await;
    assert_eq!((status, &body["errors"][0]["pointer"]), (400, &json!("/config/scorers/1")), "{body}");
}
