//! Results by what is asked of them, and with what was asked of the model.

use reqwest::Method;
use runmill_proto::{
    ErrorKind, InvocationId, Outcome, RunId, Score, Usage,
    message::{Call, Invocation, JobKey},
    testing,
};
use runmill_store::{LogBatch, LogEntry, Rescoring, Transition};
use serde_json::{Value, json};
use uuid::Uuid;

use super::server::{Server, refused};

/// A server with a run of three items: one has a right answer, one a wrong one, and one has failed.
pub struct World {
    pub server: Server,
    pub run_id: RunId,
}

impl World {
    pub async fn new(config: Value) -> Self {
        let server = Server::start().await;
        let mut new = server.new_run().await;
        let item = |n: u32| {
            let inputs =
                json!({"text": format!("{n} + {n}?"), "messages": [{"role": "system", "content": "Add."}]});
            json!({"id": format!("q{n}"), "type": "freeform", "inputs": inputs, "answer": (2 * n).to_string(),
                "answers": ["even"], "meta": {"level": n}})
            .to_string()
        };
        let dataset = server.request(Method::POST, "/datasets?name=three");
        let dataset = server.created(dataset.body([item(0), item(1), item(2)].join("\n"))).await;
        new["dataset_id"] = dataset["id"].clone();
        new["config"] = config;
        let run = server.created(server.request(Method::POST, "/runs").json(&new)).await;
        let world = Self { run_id: run["id"].as_str().unwrap().parse().unwrap(), server };
        let wrong = Invocation { score: Some(score(0.0)), ..world.answered(1, "3") };
        let failed = Invocation {
            outcome: Outcome::Failed,
            error_kind: Some(ErrorKind::Overloaded),
            response: None,
            score: None,
            ..world.answered(2, "")
        };
        let entries = [world.answered(0, "0"), wrong, failed].map(|it| LogEntry::Invocation(Box::new(it)));
        world.server.store.write_logs(&LogBatch(entries.into()), world.server.clock.now()).await.unwrap();
        world
    }

    fn answered(&self, ordinal: u32, response: &str) -> Invocation {
        let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
        let usage = Some(Usage { prompt_tokens: 7, completion_tokens: 1, ..Usage::default() });
        let call = Call { usage, cost_nanousd: Some(2_000_000), latency_ms: 40, ..call };
        let key = JobKey { run_id: self.run_id, ordinal, sample: 0 };
        let item_id = format!("q{ordinal}");
        let answered = testing::invocation(key, call, Outcome::Succeeded);
        Invocation { item_id, score: Some(score(1.0)), response: Some(response.to_owned()), ..answered }
    }

    pub fn path(&self, query: &str) -> String {
        format!("/runs/{}/results?{query}", self.run_id)
    }

    async fn ids(&self, query: &str) -> Vec<String> {
        let page = self.server.get(&self.path(query)).await;
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["item_id"].as_str().unwrap().to_owned()).collect()
    }
}

fn score(value: f64) -> Score {
    Score { scorer: "exact".into(), version: 1, value: Some(value), extracted: None, detail: None }
}

#[tokio::test]
async fn results_are_found_by_outcome_error_score_and_item() {
    let world = World::new(json!({})).await;
    let table: [(&str, &[&str]); 12] = [
        ("", &["q0", "q1", "q2"]),
        ("outcome=failed", &["q2"]),
        ("outcome=succeeded,failed&limit=2", &["q0", "q1"]),
        ("error_kind=overloaded", &["q2"]),
        ("score=wrong", &["q1"]),
        ("score=right&details=true", &["q0"]),
        ("item_id=q1&details=false", &["q1"]),
        ("text=Q", &["q0", "q1", "q2"]),
        ("text=3&limit=1", &["q1"]),
        ("text=100%25", &[]),
        ("sort=lowest&details=true", &["q1", "q0"]),
        ("sort=slowest&score=right", &["q0"]),
    ];
    for (query, want) in table {
        assert_eq!(world.ids(query).await, want, "{query}");
    }
    for (query, want) in [("score=wrong", 1), ("text=q", 3), ("sort=newest", 3)] {
        let request = world.server.request(Method::GET, &world.path(query));
        let answer = request.header("accept", "application/x-ndjson").send().await.unwrap();
        let lines = answer.text().await.unwrap();
        assert_eq!(lines.lines().count(), want, "{lines}");
    }
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_refused() {
    let world = World::new(json!({})).await;
    for (query, want) in [
        (
            "outcom=failed",
            "the query parameter `outcom` is not known here; known are: after, details, error_kind",
        ),
        ("outcome=faild", "outcome: `faild` is not one of succeeded"),
        ("score=bad", "score: `bad` is not one of right, wrong, unscored"),
        ("details=yes", "details: `yes` is not one of true, false"),
        ("text=", "text: it has 0 characters; it must have 1 to 1000"),
        ("sort=fast", "sort: `fast` is not one of slowest, newest, lowest"),
    ] {
        let problem = refused(world.server.request(Method::GET, &world.path(query))).await;
        assert_eq!(problem.status, 400);
        assert!(problem.detail.starts_with(want), "{}", problem.detail);
    }
}

#[tokio::test]
async fn a_detailed_result_says_what_was_asked_and_what_it_used() {
    let config = json!({"prompt_template": "Level {{ level }}: {{ text }}", "system_prompt": "Be brief."});
    let world = World::new(config).await;
    let page = world.server.get(&world.path("details=true&item_id=q1")).await;
    let found = &page["items"][0];
    let prompt =
        json!([{"role": "system", "content": "Add."}, {"role": "user", "content": "Level 1: 1 + 1?"}]);
    let want = [
        ("question", json!("1 + 1?")),
        ("prompt", prompt),
        ("references", json!(["2", "even"])),
        ("meta", json!({"level": 1})),
        ("response", json!("3")),
    ];
    for (field, want) in want {
        assert_eq!(found[field], want, "{field}");
    }
    let call = &found["call"];
    assert_eq!((&call["cost_usd"], &call["latency_ms"]), (&json!(0.002), &json!(40)));
    assert_eq!(call["usage"]["prompt_tokens"], 7);
}

#[tokio::test]
async fn a_run_that_keeps_no_texts_shows_none_of_its_dataset() {
    let world = World::new(json!({"texts": "none"})).await;
    let page = world.server.get(&world.path("details=true&item_id=q1")).await;
    let found = &page["items"][0];
    assert_eq!((&found["question"], &found["references"]), (&Value::Null, &json!([])));
    assert_eq!(found["call"]["latency_ms"], 40);
}

#[tokio::test]
async fn scores_that_are_made_anew_are_found_by_their_class() {
    let world = World::new(json!({})).await;
    let scoring = Some(runmill_proto::Scoring::from(runmill_proto::Scorer::Includes));
    let rescore = Transition::Rescore { scoring: scoring.clone() };
    let now = world.server.clock.now();
    let asked = world.server.store.transition(world.run_id, rescore, now).await.unwrap();
    let rescoring: Rescoring = asked.rescoring.unwrap();
    let done = Transition::NoteRescoring { rescoring: Box::new(rescoring), from: None, is_done: true };
    world.server.store.transition(world.run_id, done, now).await.unwrap();

    // "0" is included in none of the references of the item 0 but its own.
    assert_eq!(world.ids("score=right&score_version=1").await, ["q0"]);
    assert_eq!(world.ids("score=wrong&score_version=1&limit=1").await, ["q1"]);
    assert_eq!(world.ids("score=unscored&score_version=1").await, Vec::<String>::new());
    assert_eq!(world.ids("sort=lowest&score_version=1").await, ["q1", "q0"], "by the executor's score");
}
