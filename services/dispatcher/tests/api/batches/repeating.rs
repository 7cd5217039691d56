use serde_json::{Value, json};

use super::{CHAT, line};
use crate::server::Server;

const RETRIES: &str = "x-stainless-retry-count";

async fn count(server: &Server) -> usize {
    server.get("/v1/batches").await["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_marked_retry_is_the_same_batch_and_an_unmarked_one_another() {
    let server = Server::start().await;
    server.new_provider().await;
    let file = server.upload(&[line("q1")]).await;
    let other_file = server.upload(&[line("q1")]).await;
    let post = |file: &Value, tries: &str| server.batch_request(file).header(RETRIES, tries);

    let first = server.answer(post(&file, "0")).await;
    let retried = server.answer(post(&file, "2")).await;
    assert_eq!(retried, first);
    let other = server.answer(post(&other_file, "1")).await;
    assert_ne!(other["id"], first["id"], "no request for this file came before");
    let again = server.answer(post(&file, "0")).await;
    assert_ne!(again["id"], first["id"]);
    assert_eq!(count(&server).await, 3);

    let token = server.token(json!({})).await;
    let body = json!({"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"});
    let of_other = server.request_with(&token, reqwest::Method::POST, "/v1/batches").header(RETRIES, "1");
    let of_other = server.answer(of_other.json(&body)).await;
    assert_ne!(of_other["id"], again["id"], "another token's request is another");
}

#[tokio::test]
async fn a_batch_is_made_once_for_a_content_or_a_name_if_its_client_asks() {
    let server = Server::start().await;
    server.new_provider().await;
    let files = [server.upload(&[line("q1")]).await, server.upload(&[line("q1")]).await];
    let post = async |file: &Value, metadata: Value| {
        let body = json!({"input_file_id": file, "endpoint": CHAT, "completion_window": "24h", "metadata": metadata});
        server.answer(server.post("/v1/batches").json(&body)).await
    };

    let first = post(&files[0], json!({"runmill_once": "true", "night": "7"})).await;
    assert_eq!(first["metadata"], json!({"runmill_once": "true", "night": "7"}));
    let same = post(&files[1], json!({"night": "7", "runmill_once": "true"})).await;
    assert_eq!(same, first, "the lines are the same");
    let next = post(&files[1], json!({"night": "8", "runmill_once": "true"})).await;
    assert_ne!(next["id"], first["id"]);

    let named = |file| server.batch_request(file).header("idempotency-key", "nightly");
    let first = server.answer(named(&files[0])).await;
    assert_eq!(server.answer(named(&files[1])).await, first);
    assert_eq!(count(&server).await, 3);
}
