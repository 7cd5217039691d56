//! A run's texts are stored as the run wants: all of them, their hashes, or none.

use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use runmill_proto::RunId;
use runmill_testkit::{Tap, postgres::texts};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Cluster, LOG_PARTITIONS, Plan, Sandbox, data::questions};

/// Words of each question, which the server below repeats.
const WORDS: &str = "What is ";

/// Starts a model server that answers a question with itself, and that the model `refuses` refuses with it.
async fn echo() -> String {
    let router = Router::new().route("/v1/chat/completions", post(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    base_url
}

async fn answer(Json(body): Json<Value>) -> Response {
    let asked = &body["messages"][0]["content"];
    if body["model"] == "refuses" {
        let error =
            json!({"error": {"message": format!("bad prompt: {asked}"), "type": "invalid_request_error"}});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    let message = json!({"role": "assistant", "content": asked, "reasoning_content": asked});
    Json(json!({
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 9},
    }))
    .into_response()
}

#[tokio::test]
async fn what_a_run_does_not_store_is_in_no_message_row_event_or_log() {
    let cluster = Cluster::planned(Plan { log_level: "trace", ..Plan::default() }).await;
    let provider = cluster.api.provider(&echo().await, 4).await;
    let exchange = |name: &str| format!("{}.{name}", cluster.servers.prefix);
    let partitions: Vec<_> = (0..LOG_PARTITIONS).map(|partition| partition.to_string()).collect();
    let jobs = Tap::open(&cluster.servers.amqp_url, &exchange("jobs"), &[provider.to_string()]).await;
    let logs = Tap::open(&cluster.servers.amqp_url, &exchange("logs"), &partitions).await;
    let dataset = cluster.api.dataset(questions(3)).await;

    let mut runs = Vec::new();
    for texts in ["hashes", "none"] {
        for model in ["answers", "refuses"] {
            let run = cluster.api.start_run_with(provider, model, dataset, json!({"texts": texts})).await;
            cluster.api.ended(run).await;
            runs.push(run);
        }
    }

    let stored = tables(&cluster.servers.database_url).await;
    for table in &stored {
        assert!(!table.contains(WORDS), "{table}");
    }
    assert!(stored.iter().any(|table| table.contains("the provider's words are not kept")), "errors say so");
    for body in [jobs.bodies().await, logs.bodies().await].concat() {
        let body = String::from_utf8_lossy(&body);
        assert!(!body.contains(WORDS), "{body}");
    }
    cluster.stop().await;
    for process in cluster.processes() {
        assert!(!process.log().contains(WORDS), "a log has a question");
    }
}

#[tokio::test]
async fn equal_answers_have_equal_hashes_and_scores_are_those_of_the_texts() {
    let cluster = Cluster::start(1, 1).await;
    let provider = cluster.api.provider(&echo().await, 4).await;
    let dataset = cluster.api.dataset(questions(2)).await;
    let config = |texts: &str| json!({"texts": texts, "samples": 2, "scoring": {"scorer": "numeric"}});

    let mut runs = Vec::new();
    for texts in ["all", "hashes", "none"] {
        let run = cluster.api.start_run_with(provider, "answers", dataset, config(texts)).await;
        cluster.api.ended(run).await;
        runs.push(run);
    }
    // More samples keep the setting, too.
    let more = json!({"samples": 3});
    cluster.api.change(reqwest::Method::POST, &format!("/runs/{}/extend", runs[2]), &more).await;
    cluster.api.ended(runs[2]).await;

    let [all, hashed, none] = [&runs[0], &runs[1], &runs[2]].map(async |run| answers(&cluster, *run).await);
    let (all, hashed, none) = (all.await, hashed.await, none.await);
    assert!(all.iter().all(|(response, _)| response.starts_with(WORDS)), "{all:?}");
    assert!(hashed.iter().all(|(response, _)| response.len() == "sha256:".len() + 64), "{hashed:?}");
    assert_eq!(hashed[0].0, hashed[1].0, "two samples of one item");
    assert_ne!(hashed[0].0, hashed[2].0, "another item");
    assert!(none.len() == 6 && none.iter().all(|(response, _)| response.is_empty()), "{none:?}");
    let score =
        |answers: &[(String, Option<f64>)]| answers.iter().filter_map(|(_, score)| *score).sum::<f64>();
    assert_eq!((score(&hashed), score(&none) / 3.0), (score(&all), score(&all) / 2.0));
}

#[tokio::test]
async fn the_command_takes_the_setting_and_a_server_names_a_wrong_one() {
    let sandbox = Sandbox::new().await;
    let items = sandbox.write("items.jsonl", &questions(2));
    let args = ["--texts", "none", "--out", "-"];

    let output = sandbox.run(&items, "echo", &args).output().await;

    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && printed.lines().count() == 2, "{printed}");
    assert!(!printed.contains(WORDS) && printed.contains("\"response\":null"), "{printed}");
    let wrong = sandbox.run(&items, "echo", &["--config", r#"{"texts": "some"}"#]).output().await;
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.status.code() == Some(2) && said.contains("/texts") && said.contains("hashes"), "{said}");
}

/// Returns the responses of a run, in order, each with its score.
async fn answers(cluster: &Cluster, run: RunId) -> Vec<(String, Option<f64>)> {
    let results = cluster.api.results(run).await;
    let answer = |result: runmill_proto::api::ResultRecord| {
        (result.response.unwrap_or_default(), result.score.and_then(|score| score.value))
    };
    results.into_iter().map(answer).collect()
}

/// Returns the rows of all tables that hold what a run has brought.
async fn tables(database_url: &str) -> Vec<String> {
    let mut tables = Vec::new();
    for table in ["runs", "results", "invocations", "run_events", "deferred"] {
        let rows = texts(database_url, &format!("SELECT t::text FROM {table} t")).await;
        tables.push(rows.join("\n"));
    }
    tables
}
