//! Anthropic's batches.

use reqwest::Method;
use runmill_proto::{Outcome, chat::Finish, message::Invocation};
use serde_json::{Value, json};

use super::{answered, ended, failed};
use crate::server::Server;

fn request(custom_id: &str) -> Value {
    let params = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "1+1"}]});
    json!({"custom_id": custom_id, "params": params})
}

async fn create(server: &Server, ids: &[&str]) -> Value {
    let requests: Vec<_> = ids.iter().map(|id| request(id)).collect();
    server.answer(server.post("/v1/messages/batches").json(&json!({"requests": requests}))).await
}

fn path(batch: &Value, rest: &str) -> String {
    format!("/v1/messages/batches/{}{rest}", batch["id"].as_str().unwrap())
}

#[tokio::test]
async fn the_results_of_a_batch_are_its_requests_with_their_ends() {
    let server = Server::start().await;
    server.new_provider().await;
    let batch = create(&server, &["q1", "q2"]).await;
    let want = json!({"id": batch["id"], "type": "message_batch", "processing_status": "in_progress",
        "request_counts": {"processing": 2, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
        "created_at": "2025-10-09T08:53:20Z", "expires_at": "2025-10-10T08:53:20Z", "ended_at": null,
        "cancel_initiated_at": null, "archived_at": null, "results_url": null, "runmill": batch["runmill"]});
    assert_eq!(batch, want);
    assert!(batch["id"].as_str().unwrap().starts_with("msgbatch_"));
    server.refusal(400, server.request(Method::GET, &path(&batch, "/results"))).await;
    let run = server.all_fed(&batch).await;

    server
        .settle([failed(run, 1), Invocation { finish: Some(Finish::Length), ..answered(run, 0, "2") }])
        .await;

    let done = server.get(&path(&batch, "")).await;
    assert_eq!(
        (&done["processing_status"], &done["ended_at"]),
        (&json!("ended"), &json!("2025-10-09T08:53:20Z"))
    );
    let counts = json!({"processing": 0, "succeeded": 1, "errored": 1, "canceled": 0, "expired": 0});
    assert_eq!(done["request_counts"], counts);
    let url = done["results_url"].as_str().unwrap();
    assert_eq!(url, format!("{}{}", server.base_url, path(&batch, "/results")));
    let text = server.text(&path(&batch, "/results")).await;
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [first, second] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&first["custom_id"], &first["result"]["type"]), (&json!("q1"), &json!("succeeded")));
    let message = &first["result"]["message"];
    assert_eq!(
        (&message["content"][0]["text"], &message["stop_reason"]),
        (&json!("2"), &json!("max_tokens"))
    );
    assert_eq!(message["usage"]["output_tokens"], 1);
    assert_eq!((&second["custom_id"], &second["result"]["type"]), (&json!("q2"), &json!("errored")));
    assert_eq!(second["result"]["error"]["type"], "error");
    assert_eq!(second["result"]["error"]["error"]["type"], "invalid_request_error");
    assert_eq!(server.get("/v1/files").await["data"], json!([]), "its requests are no file of a client");
    server
        .refusal(
            404,
            server
                .request(Method::GET, &format!("/v1/batches/{}", run.to_string().replace("run_", "batch_"))),
        )
        .await;
}

#[tokio::test]
async fn a_canceled_batch_says_which_requests_were_not_made() {
    let server = Server::start().await;
    server.new_provider().await;
    let batch = create(&server, &["q1", "q2", "q3"]).await;
    let run = server.all_fed(&batch).await;
    server.settle([answered(run, 1, "2")]).await;

    let canceling = server.answer(server.post(&path(&batch, "/cancel"))).await;

    assert_eq!(canceling["processing_status"], "canceling");
    assert_eq!(canceling["cancel_initiated_at"], "2025-10-09T08:53:20Z");
    server.settle([ended(run, 0, Outcome::Canceled), ended(run, 2, Outcome::Canceled)]).await;
    let done = server.get(&path(&batch, "")).await;
    let counts = json!({"processing": 0, "succeeded": 1, "errored": 0, "canceled": 2, "expired": 0});
    assert_eq!((&done["processing_status"], &done["request_counts"]), (&json!("ended"), &counts));
    let text = server.text(&path(&batch, "/results")).await;
    let types: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["result"]["type"].clone())
        .collect();
    assert_eq!(types, ["canceled", "succeeded", "canceled"]);
}

#[tokio::test]
async fn requests_with_a_fault_are_refused_and_nothing_is_stored() {
    let server = Server::start().await;
    let mut other = request("q2");
    other["params"]["model"] = json!("n");
    let table = [
        (json!({"requests": []}), "empty"),
        (json!({}), "empty"),
        (json!([]), "must be"),
        (json!({"requests": [request("q1"), request("q1")]}), "requests.1"),
        (json!({"requests": [request("q1"), other]}), "one model"),
        (json!({"requests": [{"custom_id": "q1"}]}), "params"),
    ];
    for (body, want) in table {
        let error = server.refusal(400, server.post("/v1/messages/batches").json(&body)).await;
        assert!(error["message"].as_str().unwrap().contains(want), "{want}: {error}");
    }
    let body = json!({"requests": [request("q1")]});
    server.refusal(404, server.post("/v1/messages/batches").json(&body)).await;
    assert_eq!(server.get("/datasets").await["items"], json!([]));
}

#[tokio::test]
async fn a_marked_retry_is_the_same_batch() {
    let server = Server::start().await;
    server.new_provider().await;
    let body = json!({"requests": [request("q1")]});
    let post = |tries: &str| {
        server.post("/v1/messages/batches").header("x-stainless-retry-count", tries).json(&body)
    };

    let first = server.answer(post("0")).await;

    assert_eq!(server.answer(post("1")).await["id"], first["id"]);
    assert_ne!(server.answer(post("0")).await["id"], first["id"]);
    assert_eq!(server.get("/datasets").await["items"].as_array().unwrap().len(), 2);
    let list = server.get("/v1/messages/batches?limit=1").await;
    assert_eq!((&list["has_more"], &list["last_id"]), (&json!(true), &list["data"][0]["id"]));
    let rest =
        server.get(&format!("/v1/messages/batches?after_id={}", list["last_id"].as_str().unwrap())).await;
    assert_eq!(rest["data"][0]["id"], first["id"]);
}
