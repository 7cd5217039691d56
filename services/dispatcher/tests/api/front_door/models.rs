use reqwest::Method;
use runmill_config::Role;
use serde_json::{Value, json};

use super::{World, refused};

impl World {
    async fn get(&self, path: &str) -> Value {
        let response = self.server.request_as(Role::Observe, Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }
}

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn models_are_those_with_limits_and_those_that_runs_have_used() {
    let world = World::new().await;
    let run = world.server.get("/datasets").await["items"][0]["id"].clone();
    let run = json!({"provider_id": world.provider, "model": "org/used", "dataset_id": run});
    world.server.created(world.server.request(Method::POST, "/runs").json(&run)).await;
    let limits = json!({"rate_limit": {"models": {"limited": {"rpm": 5}}}});
    world.server.patch(&format!("/providers/{}", world.provider), &limits).await;

    let list = world.get("/v1/models").await;

    let mut found = ids(&list);
    found.sort_unstable();
    assert_eq!(found, ["limited", "org/used", "ours/limited", "ours/org/used"]);
    for path in ["/v1/models/ours%2Forg%2Fused", "/v1/models/ours/org/used"] {
        assert_eq!(world.get(path).await["id"], "ours/org/used", "{path}");
    }

    let other = json!({"name": "other", "kind": "custom", "base_url": "http://127.0.0.1:9/v1"});
    world.server.created(world.server.request(Method::POST, "/providers").json(&other)).await;
    assert_eq!(world.get("/v1/models/org/used").await["id"], "org/used", "one provider has used it");
    let absent = world.server.request_as(Role::Observe, Method::GET, "/v1/models/absent");
    let (status, error, _) = refused(absent).await;
    assert_eq!((status, &error["code"]), (404, &json!("model_not_found")));
    assert!(error["message"].as_str().unwrap().contains("ours/absent"), "{error}");
    let (status, error, _) = refused(world.chat(&json!({"model": "absent"}))).await;
    assert_eq!((status, &error["code"]), (404, &json!("model_not_found")));
}

#[tokio::test]
async fn a_stranger_sees_no_model_of_another_tenant() {
    let world = World::new().await;
    let stranger = json!({"name": "s", "role": "submit", "tenant": "strangers"});
    let stranger = world.server.created(world.server.request(Method::POST, "/tokens").json(&stranger)).await;
    let stranger = stranger["secret"].as_str().unwrap();
    let list = world.server.anonymous(Method::GET, "/v1/models").bearer_auth(stranger).send().await.unwrap();
    assert_eq!(ids(&list.json().await.unwrap()), Vec::<&str>::new());
    for (method, path) in [(Method::GET, "/v1/models/ours/m"), (Method::POST, "/v1/chat/completions")] {
        let request = world.server.anonymous(method, path).bearer_auth(stranger).json(&super::chat());
        let (status, error, _) = refused(request).await;
        assert_eq!(status, 404, "{path}");
        assert!(!error.to_string().contains("ours/m` or"), "{error}");
    }
}

#[tokio::test]
async fn tokens_of_a_prompt_are_estimated() {
    let world = World::new().await;
    let body = json!({"model": "ours/m", "messages": [{"role": "user", "content": "2 + 2?"}]});
    let response = world.post("/v1/messages/count_tokens", &body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let counted: Value = response.json().await.unwrap();
    assert!(counted["input_tokens"].as_u64().unwrap() > 0, "{counted}");
    assert_eq!(refused(world.post("/v1/messages/count_tokens", &json!([]))).await.0, 400);
}
