use serde_json::{Value, json};

use super::{World, executor::Executor, with};

/// Every endpoint with a request for the answer of a model.
fn requests() -> [(&'static str, Value); 4] {
    let messages = json!([{"role": "user", "content": "2 + 2?"}]);
    [
        ("/v1/chat/completions", json!({"model": "ours/m", "messages": messages})),
        ("/v1/completions", json!({"model": "ours/m", "prompt": "2 + 2?"})),
        ("/v1/responses", json!({"model": "ours/m", "input": "2 + 2?"})),
        ("/v1/messages", json!({"model": "ours/m", "max_tokens": 9, "messages": messages})),
    ]
}

#[tokio::test]
async fn every_endpoint_answers_whole() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    for (path, body) in requests() {
        let asking = tokio::spawn(world.post(path, &body).send());
        let taken = executor.take().await;
        let call = &taken.call;
        assert_eq!(
            (call.provider_id, call.model.as_str(), call.streams),
            (world.provider, "m", false),
            "{path}"
        );
        assert!(!call.conversation.messages.is_empty(), "{path}");
        taken.answer("four").await;

        let response = asking.await.unwrap().unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "application/json");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["model"], "ours/m", "{path}: {body}");
        assert!(body.to_string().contains("four"), "{path}: {body}");
    }
}

#[tokio::test]
async fn every_endpoint_streams_what_comes_as_it_comes() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let ends = ["data: [DONE]", "data: [DONE]", "event: response.completed", "event: message_stop"];
    for ((path, body), end) in requests().into_iter().zip(ends) {
        let asking = tokio::spawn(world.post(path, &with(body, &json!({"stream": true}))).send());
        let taken = executor.take().await;
        assert!(taken.call.streams, "{path}");
        taken.delta("fo").await;

        let mut response = asking.await.unwrap().unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        let mut text = String::new();
        while !text.contains("\"fo\"") {
            text += std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
        }
        taken.delta("ur").await;
        taken.answer("four").await;
        text += &response.text().await.unwrap();

        assert!(text.contains("\"ur\"") && text.contains(end), "{path}: {text}");
    }
}

#[tokio::test]
async fn two_answers_are_two_calls_and_one_reply() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let asking = tokio::spawn(world.chat(&json!({"n": 2})).send());
    let (one, other) = (executor.take().await, executor.take().await);
    assert_ne!(one.call.id, other.call.id);
    assert_eq!(one.call.run_id, other.call.run_id);
    other.answer("vier").await;
    one.answer("four").await;

    let body: Value = asking.await.unwrap().unwrap().json().await.unwrap();

    let mut texts: Vec<_> = body["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|choice| choice["message"]["content"].as_str().unwrap())
        .collect();
    texts.sort_unstable();
    assert_eq!(texts, ["four", "vier"]);
}

#[tokio::test]
async fn calls_of_a_day_are_charged_to_one_run_and_a_named_run_takes_others() {
    let world = World::new().await;
    let mut executor = Executor::start(&world, "a").await;
    let mut runs = Vec::new();
    let new =
        world.server.created(world.server.request(reqwest::Method::POST, "/runs").json(&named(&world).await));
    let named = new.await["id"].as_str().unwrap().to_owned();
    for run in [None, None, Some(&named)] {
        let mut request = world.chat(&json!({}));
        if let Some(run) = run {
            request = request.header("x-runmill-run", run);
        }
        let asking = tokio::spawn(request.send());
        let taken = executor.take().await;
        runs.push(taken.call.run_id.to_string());
        taken.answer("four").await;
        assert_eq!(asking.await.unwrap().unwrap().status(), 200);
    }

    assert_eq!((&runs[0], &runs[2]), (&runs[1], &named));
    let run = world.server.get(&format!("/runs/{}", runs[0])).await;
    assert_eq!(
        (&run["kind"], &run["status"], &run["model"]),
        (&json!("interactive"), &json!("running"), &json!("m"))
    );
    assert_eq!(run["counters"]["total"], 0);
}

/// Returns the body of a request for a run of the provider.
async fn named(world: &World) -> Value {
    let datasets = world.server.get("/datasets").await;
    json!({"provider_id": world.provider, "model": "other", "dataset_id": datasets["items"][0]["id"]})
}
