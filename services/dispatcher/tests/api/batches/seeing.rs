//! Files and batches are their tenant's alone.

use reqwest::{Method, StatusCode};
use runmill_config::Role;
use runmill_dispatcher::batch_paths;
use serde_json::{Value, json};

use super::{answered, form, line};
use crate::server::Server;

#[tokio::test]
async fn a_stranger_sees_nothing_of_them_by_any_route() {
    let server = Server::start().await;
    let openai = server.batch(&["q1"]).await;
    let run = server.all_fed(&openai).await;
    server.settle([answered(run, 0, "2")]).await;
    let openai = server.batch_again(&openai).await;
    let params = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "1+1"}]});
    let body = json!({"requests": [{"custom_id": "q1", "params": params}]});
    let messages = server.answer(server.post("/v1/messages/batches").json(&body)).await;
    let ids = [&openai["id"], &openai["input_file_id"], &openai["output_file_id"], &messages["id"]];
    let stranger = server.token(json!({"role": "admin", "tenant": "strangers"})).await;

    for (method, path) in batch_paths() {
        let fitting = if path.contains("/files/") {
            vec![&openai["input_file_id"], &openai["output_file_id"]]
        } else if path.contains("/messages/") {
            vec![&messages["id"]]
        } else {
            vec![&openai["id"]]
        };
        for id in fitting {
            let path = path.replace("{id}", id.as_str().unwrap());
            let request = server.request_with(&stranger, method.clone(), &path);
            let request = match (&method, path.as_str()) {
                (&Method::POST, "/v1/batches") => {
                    request.json(&json!({"input_file_id": openai["input_file_id"], "endpoint": super::CHAT}))
                }
                _ => request,
            };
            let response = request.send().await.unwrap();
            let status = response.status();
            let text = response.text().await.unwrap();
            if path.contains(id.as_str().unwrap()) || path == "/v1/batches" && method == Method::POST {
                assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}: {text}");
            } else {
                assert!(ids.iter().all(|id| !text.contains(id.as_str().unwrap())), "{method} {path}: {text}");
            }
        }
    }
    let audit = server.get_with(&stranger, "/audit").await;
    assert_eq!(audit["items"].as_array().unwrap().len(), 1, "the stranger's own token: {audit}");
}

#[tokio::test]
async fn each_role_reads_and_observers_change_nothing() {
    let server = Server::start().await;
    let batch = server.batch(&["q1"]).await;
    for (method, path) in batch_paths() {
        let anonymous = server.anonymous(method.clone(), path);
        let error = server.refusal(401, anonymous).await;
        assert!(error["message"].as_str().unwrap().contains("Bearer"), "{error}");
        if method != Method::GET {
            server.refusal(403, server.request_as(Role::Observe, method, path)).await;
        }
    }
    let path = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    let seen = server.answer(server.request_as(Role::Observe, Method::GET, &path)).await;
    assert_eq!(seen["id"], batch["id"]);
}

#[tokio::test]
async fn each_change_is_in_the_audit_log() {
    let server = Server::start().await;
    let batch = server.batch(&["q1"]).await;
    let id = batch["id"].as_str().unwrap();
    server.answer(server.post(&format!("/v1/batches/{id}/cancel"))).await;
    let file = batch["input_file_id"].as_str().unwrap();
    server.answer(server.request(Method::DELETE, &format!("/v1/files/{file}"))).await;

    let audit = server.get("/audit").await;

    let told = |entry: &Value| (entry["action"].clone(), entry["object"].clone());
    let entries: Vec<_> = audit["items"].as_array().unwrap().iter().map(told).take(4).collect();
    let want = [
        (json!("file.delete"), json!(file)),
        (json!("batch.cancel"), json!(id)),
        (json!("batch.create"), json!(id)),
        (json!("file.create"), json!(file)),
    ];
    assert_eq!(entries, want);
}

#[tokio::test]
async fn a_token_uses_its_own_providers_alone() {
    let server = Server::start().await;
    let provider = server.new_provider().await;
    let other = json!({"name": "other", "kind": "custom", "base_url": "http://127.0.0.1:9/v1"});
    let other = server.created(server.post("/providers").json(&other)).await;
    let token = server.token(json!({"providers": [other["id"]]})).await;
    let file = line("q1").replace("\"m\"", "\"ours/m\"");
    let upload = form(
        server.request_with(&token, Method::POST, "/v1/files"),
        &[("purpose", "batch"), ("file", &file)],
    );
    let file = server.answer(upload).await;
    let body = json!({"input_file_id": file["id"], "endpoint": super::CHAT});

    let own = server.answer(server.post("/v1/batches").json(&body)).await;
    let run = server.get(&format!("/runs/{}", own["runmill"]["run_id"].as_str().unwrap())).await;
    assert_eq!((&run["provider_id"], &run["model"]), (&provider["id"], &json!("m")));

    // Its only provider has a model of this name, for all that is known.
    let by_token = server.request_with(&token, Method::POST, "/v1/batches").json(&body);
    let by_token = server.answer(by_token).await;
    let run = server.get(&format!("/runs/{}", by_token["runmill"]["run_id"].as_str().unwrap())).await;
    assert_eq!(run["provider_id"], other["id"]);
}
