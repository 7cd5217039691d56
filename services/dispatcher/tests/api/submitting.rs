use reqwest::Method;
use serde_json::json;

use crate::server::{Server, refused};

const KEY: &str = "idempotency-key";

#[tokio::test]
async fn the_same_key_stands_for_the_same_run() {
    let server = Server::start().await;
    let body = server.new_run().await;
    let submit = || server.request(Method::POST, "/runs").header(KEY, "nightly-1").json(&body);

    let first = server.created(submit()).await;
    let again = server.created(submit()).await;

    assert_eq!(first, again);
    assert_eq!(server.get("/runs").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_that_was_used_for_another_body_is_a_conflict() {
    let server = Server::start().await;
    let body = server.new_run().await;
    server.created(server.request(Method::POST, "/runs").header(KEY, "nightly-1").json(&body)).await;

    for (field, other) in [("model", json!("lorem")), ("config", json!({"samples": 2}))] {
        let mut body = body.clone();
        body[field] = other;
        let problem =
            refused(server.request(Method::POST, "/runs").header(KEY, "nightly-1").json(&body)).await;
        assert_eq!(problem.status, 409, "{field}: {problem:?}");
    }
}

#[tokio::test]
async fn without_a_key_every_submission_is_a_run() {
    let server = Server::start().await;
    let body = server.new_run().await;
    for _ in 0..2 {
        server.created(server.request(Method::POST, "/runs").json(&body)).await;
    }
    assert_eq!(server.get("/runs").await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_key_that_no_one_could_send_again_is_refused() {
    let server = Server::start().await;
    let body = server.new_run().await;
    for key in ["", &"x".repeat(256)] {
        let problem = refused(server.request(Method::POST, "/runs").header(KEY, key).json(&body)).await;
        assert_eq!(problem.status, 400, "{key:?}");
    }
}
