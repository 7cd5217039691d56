//! Scores by group, and two runs beside each other.

use reqwest::Method;
use runmill_proto::{
    InvocationId, Outcome, RunId, Score,
    message::{Invocation, JobKey},
    testing,
};
use runmill_store::{LogBatch, LogEntry, Rescoring, Transition};
use serde_json::{Value, json};
use uuid::Uuid;

use super::server::{Server, refused};

/// A server with a dataset of four items, two of each of two subjects.
struct World {
    server: Server,
    new_run: Value,
}

impl World {
    async fn new() -> Self {
        let server = Server::start().await;
        let mut new_run = server.new_run().await;
        let item = |n: u32, subject: &str| {
            let meta = json!({"subject": subject, "page": n / 3});
            json!({"id": format!("q{n}"), "type": "freeform", "inputs": {"text": "?"}, "meta": meta})
                .to_string()
        };
        let lines = [item(0, "law"), item(1, "law"), item(2, "art"), item(3, "art")].join("\n");
        let dataset = server.request(Method::POST, "/datasets?name=four").body(lines);
        new_run["dataset_id"] = server.created(dataset).await["id"].clone();
        Self { server, new_run }
    }

    /// Creates a run with the scores of its items. `None` is an answer that the scorer could not read.
    async fn run(&self, config: Value, scores: &[Option<f64>]) -> RunId {
        let mut new = self.new_run.clone();
        new["config"] = config;
        let run = self.server.created(self.server.request(Method::POST, "/runs").json(&new)).await;
        let run_id: RunId = run["id"].as_str().unwrap().parse().unwrap();
        let answer = |(ordinal, value): (u32, &Option<f64>)| {
            let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
            let key = JobKey { run_id, ordinal, sample: 0 };
            let score =
                Score { scorer: "exact".into(), version: 1, value: *value, extracted: None, detail: None };
            let answered = testing::invocation(key, call, Outcome::Succeeded);
            let response = Some(if *value == Some(1.0) { "4".into() } else { "5".into() });
            LogEntry::Invocation(Box::new(Invocation { score: Some(score), response, ..answered }))
        };
        let entries = (0..).zip(scores).map(answer).collect();
        self.server.store.write_logs(&LogBatch(entries), self.server.clock.now()).await.unwrap();
        run_id
    }

    async fn compare(&self, a: RunId, b: RunId) -> Value {
        self.server.get(&format!("/runs/compare?a={a}&b={b}")).await
    }
}

fn near(value: &Value, want: f64) -> bool {
    value.as_f64().is_some_and(|value| (value - want).abs() < 1e-9)
}

#[tokio::test]
async fn groups_of_items_have_their_scores_and_their_errors() {
    let world = World::new().await;
    let run = world.run(json!({}), &[Some(1.0), Some(0.0), Some(1.0), None]).await;

    let scores = world.server.get(&format!("/runs/{run}/scores?group_by=subject")).await;

    assert_eq!((&scores["all"]["items"], &scores["all"]["unscored"]), (&json!(3), &json!(1)), "{scores}");
    assert!(near(&scores["all"]["mean"], 2.0 / 3.0) && near(&scores["all"]["stderr"], 1.0 / 3.0), "{scores}");
    let groups: Vec<_> = scores["groups"].as_array().unwrap().iter().collect();
    let means: Vec<_> = groups.iter().map(|group| (group["name"].as_str(), group["mean"].as_f64())).collect();
    assert_eq!(means, [(Some("art"), Some(1.0)), (Some("law"), Some(0.5))]);

    let zero = world.server.get(&format!("/runs/{run}/scores?unscored=zero")).await;
    assert!(near(&zero["all"]["mean"], 0.5), "{zero}");
    // Items 0 to 2 are of one page: sqrt(2 * ((2 - 1.5)^2 + (0 - 0.5)^2)) / 4.
    let pages = world.server.get(&format!("/runs/{run}/scores?unscored=zero&cluster_by=page")).await;
    assert!(near(&pages["all"]["stderr"], 0.25), "{pages}");
    for (query, want) in
        [("reducer=median", "reducer"), ("group_by=", "group_by"), ("cluster_by=%22", "cluster_by")]
    {
        let problem =
            refused(world.server.request(Method::GET, &format!("/runs/{run}/scores?{query}"))).await;
        assert!(problem.status == 400 && problem.detail.contains(want), "{problem:?}");
    }
}

#[tokio::test]
async fn two_runs_are_compared_item_by_item() {
    let world = World::new().await;
    let a = world.run(json!({}), &[Some(1.0), Some(0.0), Some(0.0), None]).await;
    let b = world.run(json!({"unscored": "zero"}), &[Some(1.0), Some(1.0), Some(1.0), Some(1.0)]).await;

    let comparison = world.compare(a, b).await;

    assert_eq!(comparison["items"], 3, "{comparison}");
    assert_eq!((&comparison["only_a"], &comparison["only_b"]), (&json!(0), &json!(1)));
    assert!(
        near(&comparison["difference"], 2.0 / 3.0) && near(&comparison["stderr"], 1.0 / 3.0),
        "{comparison}"
    );
    // Two items improved and none got worse: 2 * 0.5^2.
    assert!(comparison["test"] == "mcnemar" && near(&comparison["p_value"], 0.5), "{comparison}");
    let changed: Vec<_> =
        comparison["changed"].as_array().unwrap().iter().map(|item| &item["item_id"]).collect();
    assert_eq!(changed, ["q1", "q2"]);
    let warnings = comparison["warnings"].to_string();
    assert!(warnings.contains("unscored answers"), "{warnings}");
    let turned = world.compare(b, a).await;
    assert_eq!((&turned["worsened"], &turned["improved"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn runs_of_other_datasets_are_compared_by_the_ids_of_their_items_with_a_warning() {
    let mut world = World::new().await;
    let a = world.run(json!({}), &[Some(0.5), Some(0.0)]).await;
    let line = json!({"id": "q0", "type": "freeform", "inputs": {"text": "another"}}).to_string();
    let other = world.server.request(Method::POST, "/datasets?name=other").body(line);
    world.new_run["dataset_id"] = world.server.created(other).await["id"].clone();
    let b = world.run(json!({}), &[Some(1.0)]).await;

    let comparison = world.compare(a, b).await;

    assert_eq!((&comparison["items"], &comparison["only_a"]), (&json!(1), &json!(1)), "{comparison}");
    assert_eq!((&comparison["test"], &comparison["stderr"]), (&json!("paired_t"), &Value::Null));
    let warnings = comparison["warnings"].to_string();
    assert!(warnings.contains("the datasets differ") && warnings.contains("has not ended"), "{warnings}");
}

#[tokio::test]
async fn stored_answers_are_scored_anew_and_both_scores_are_there() {
    let world = World::new().await;
    let run = world.run(json!({}), &[Some(1.0), Some(0.0), None, Some(1.0)]).await;
    let path = format!("/runs/{run}");
    let rescore = |body: Value| world.server.request(Method::POST, &format!("{path}/rescore")).json(&body);
    let fives = json!({"scorer": "regex", "pattern": "^5$"});

    let asked: Value = rescore(json!({"scoring": fives})).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&asked["rescoring"]["version"], &asked["rescoring"]["total"]),
        (&json!(1), &json!(4)),
        "{asked}"
    );
    // The leader does this.
    let mut rescoring = Rescoring::new(1, serde_json::from_value(fives).unwrap());
    for (ordinal, value) in [(0, 0.0), (1, 1.0), (2, 1.0), (3, 0.0)] {
        let score =
            Score { scorer: "regex".into(), version: 1, value: Some(value), extracted: None, detail: None };
        rescoring.add((ordinal, 0), Some(&score), false);
    }
    let done = Transition::NoteRescoring { rescoring: Box::new(rescoring), from: None, is_done: true };
    world.server.store.transition(run, done, world.server.clock.now()).await.unwrap();

    let shown = world.server.get(&path).await;
    assert_eq!((&shown["score_version"], &shown["score"]["mean"]), (&json!(1), &json!(0.5)), "{shown}");
    assert_eq!(shown["score_versions"].as_array().unwrap().len(), 1);
    let values = async |query: &str| {
        let results = world.server.get(&format!("{path}/results{query}")).await;
        let items = results["items"].as_array().unwrap();
        items.iter().map(|item| item["score"]["value"].as_f64()).collect::<Vec<_>>()
    };
    assert_eq!(values("").await, [Some(0.0), Some(1.0), Some(1.0), Some(0.0)]);
    assert_eq!(values("?score_version=executors").await, [Some(1.0), Some(0.0), None, Some(1.0)]);
    let scores = world.server.get(&format!("{path}/scores?group_by=subject")).await;
    assert_eq!(
        (&scores["all"]["mean"], &scores["groups"][0]["mean"]),
        (&json!(0.5), &json!(0.5)),
        "{scores}"
    );

    let bad = refused(rescore(json!({"scoring": {"scorer": "regex", "pattern": "("}}))).await;
    assert!(bad.status == 400 && format!("{bad:?}").contains("unclosed group"), "{bad:?}");
    let absent = world.server.request(Method::GET, &format!("{path}/results?score_version=7"));
    assert_eq!(refused(absent).await.status, 400);
    let running = world.run(json!({}), &[Some(1.0)]).await;
    let early = world.server.request(Method::POST, &format!("/runs/{running}/rescore")).json(&json!({}));
    assert_eq!(refused(early).await.status, 409);
}
