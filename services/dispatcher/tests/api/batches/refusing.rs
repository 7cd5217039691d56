use reqwest::Method;
use serde_json::{Value, json};

use super::{CHAT, line, line_of};
use crate::server::Server;

#[tokio::test]
async fn a_file_with_a_bad_line_fails_with_a_reason_for_each_line() {
    let server = Server::start().await;
    server.new_provider().await;
    let lines = [line("q1"), "no json".into(), line("q1"), line_of("q4", CHAT, "other")];
    let file = server.upload(&lines).await;

    let batch = server.answer(server.batch_request(&file)).await;

    assert_eq!((&batch["status"], &batch["failed_at"]), (&json!("failed"), &json!(1_760_000_000)));
    let errors = batch["errors"]["data"].as_array().unwrap();
    let told: Vec<_> =
        errors.iter().map(|error| (error["code"].as_str().unwrap(), error["line"].as_u64())).collect();
    let want = [
        ("batch_failed", None),
        ("invalid_json_line", Some(2)),
        ("duplicate_custom_id", Some(3)),
        ("mismatched_model", Some(4)),
    ];
    assert_eq!(told, want);
    assert_eq!(server.batch_again(&batch).await, batch);
    assert_eq!(server.get("/runs").await["items"], json!([]), "no call is made");
    assert_eq!(batch["output_file_id"], Value::Null);
    let lines = server.lines(&batch["error_file_id"]).await;
    let ids: Vec<_> = lines.iter().map(|line| line["custom_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["q1", "q1", "q4"], "all that have an id");
    assert_eq!(lines[0]["response"]["status_code"], 400);
    let path = format!("/v1/batches/{}/cancel", batch["id"].as_str().unwrap());
    assert_eq!(server.answer(server.post(&path)).await, batch);
}

#[tokio::test]
async fn a_file_for_another_endpoint_fails() {
    let server = Server::start().await;
    server.new_provider().await;
    let file =
        server.upload(&[line_of("q1", "/v1/responses", "m"), line_of("q2", "/v1/responses", "m")]).await;
    let batch = server.answer(server.batch_request(&file)).await;
    let errors = batch["errors"]["data"].as_array().unwrap();
    assert_eq!((&batch["status"], errors.len()), (&json!("failed"), 2));
    assert_eq!(errors[0]["code"], "invalid_url");
}

#[tokio::test]
async fn what_is_no_batch_is_refused_at_once() {
    let server = Server::start().await;
    let file = server.upload(&[line("q1")]).await;
    let error = server.refusal(404, server.batch_request(&file)).await;
    assert_eq!((&error["code"], &error["param"]), (&json!("model_not_found"), &json!("model")));
    server.new_provider().await;

    let valid = json!({"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"});
    for (field, value, status) in [
        ("input_file_id", json!("file-00000000000000000000000000000001"), 404),
        ("input_file_id", json!("nonsense"), 404),
        ("input_file_id", Value::Null, 400),
        ("endpoint", json!("/v1/embeddings"), 400),
        ("completion_window", json!("soon"), 400),
        ("metadata", json!(["x"]), 400),
    ] {
        let mut body = valid.clone();
        body[field] = value;
        let error = server.refusal(status, server.post("/v1/batches").json(&body)).await;
        assert_eq!(error["param"], field, "{error}");
    }
    let not_json = server.post("/v1/batches").header("content-type", "application/json").body("{");
    server.refusal(400, not_json).await;
    server.refusal(404, server.request(Method::GET, "/v1/batches/batch_1")).await;
}
