//! Tenants see nothing of each other, beside the table of routes in `walk`.

use futures::StreamExt as _;
use reqwest::Method;
use runmill_proto::api::{ExecutorLane, ExecutorRun, ExecutorStatus};
use runmill_store::testing::beat;
use serde_json::{Value, json};

use crate::server::{Server, line, refused};

/// A tenant with an admin's token and a run.
struct Tenant {
    token: Value,
    run: Value,
}

impl Tenant {
    async fn new(server: &Server, name: &str) -> Self {
        let token = server.token(json!({"role": "admin", "tenant": name})).await;
        let provider = json!({"name": "same", "kind": "custom", "base_url": "http://127.0.0.1:9/v1",
            "api_keys": [{"label": "main", "value": "sk-0123456789abcdef"}]});
        let post = |path: &str| server.request_with(&token, Method::POST, path);
        let provider = server.created(post("/providers").json(&provider)).await;
        let dataset = server.created(post("/datasets?name=same").body(line("a"))).await;
        let run = json!({"provider_id": provider["id"], "model": "m", "dataset_id": dataset["id"]});
        let run = server.created(post("/runs").header("idempotency-key", "nightly").json(&run)).await;
        Self { token, run }
    }

    fn run_path(&self) -> String {
        format!("/runs/{}", self.run["id"].as_str().unwrap())
    }

    fn provider_path(&self) -> String {
        format!("/providers/{}", self.run["provider_id"].as_str().unwrap())
    }

    async fn list(&self, server: &Server, path: &str) -> Vec<Value> {
        let page = server.get_with(&self.token, path).await;
        page["items"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect()
    }
}

#[tokio::test]
async fn each_tenant_has_its_own_names_keys_and_lists() {
    let server = Server::start().await;
    let (one, other) = (Tenant::new(&server, "one").await, Tenant::new(&server, "other").await);

    assert_ne!(one.run["id"], other.run["id"], "the same idempotency key stands for two runs");
    assert_eq!((&one.run["tenant"], &other.run["tenant"]), (&json!("one"), &json!("other")));
    for tenant in [&one, &other] {
        let run = &tenant.run;
        assert_eq!(tenant.list(&server, "/runs").await, [run["id"].clone()]);
        assert_eq!(tenant.list(&server, "/runs?key_prefix=night").await, [run["id"].clone()]);
        assert_eq!(tenant.list(&server, "/datasets").await, [run["dataset_id"].clone()]);
        assert_eq!(tenant.list(&server, "/providers").await, [run["provider_id"].clone()]);
        let dataset = format!("/datasets/{}", run["dataset_id"].as_str().unwrap());
        let hash = server.get_with(&tenant.token, &dataset).await["version_hash"].clone();
        let by_hash = format!("/datasets?version_hash={}", hash.as_str().unwrap());
        assert_eq!(tenant.list(&server, &by_hash).await, [run["dataset_id"].clone()]);
    }
    assert_eq!(server.get("/runs").await["items"].as_array().unwrap().len(), 2, "all tenants'");
    let stolen =
        json!({"provider_id": one.run["provider_id"], "model": "m", "dataset_id": other.run["dataset_id"]});
    let problem = refused(server.request(Method::POST, "/runs").json(&stolen)).await;
    assert_eq!(problem.status, 400, "not even by an admin of all: {problem:?}");
}

#[tokio::test]
async fn a_stream_of_all_runs_has_those_of_its_tenant() {
    let server = Server::start().await;
    let (one, other) = (Tenant::new(&server, "one").await, Tenant::new(&server, "other").await);
    let stream = server.request_with(&one.token, Method::GET, "/runs/events?limit=2").send().await.unwrap();
    let mut stream = stream.bytes_stream();
    stream.next().await.unwrap().unwrap();

    for tenant in [&other, &one] {
        let path = format!("{}/cancel", tenant.run_path());
        let canceled = server.request_with(&tenant.token, Method::POST, &path).send().await.unwrap();
        assert_eq!(canceled.status(), 200);
    }

    let mut text = String::new();
    while let Some(piece) = stream.next().await {
        text += std::str::from_utf8(&piece.unwrap()).unwrap();
    }
    assert!(text.contains(one.run["id"].as_str().unwrap()), "{text}");
    assert!(!text.contains(other.run["id"].as_str().unwrap()), "{text}");
}

#[tokio::test]
async fn a_shared_provider_is_used_by_others_who_see_no_keys_and_no_use() {
    let server = Server::start().await;
    let (one, other) = (Tenant::new(&server, "one").await, Tenant::new(&server, "other").await);
    let shared = json!({"shared": true});
    let path = one.provider_path();
    let problem = refused(server.request_with(&one.token, Method::PATCH, &path).json(&shared)).await;
    assert!(problem.status == 403 && problem.detail.contains("all"), "{problem:?}");
    let owned = server.patch(&path, &shared).await;
    assert_eq!((&owned["tenant"], owned["api_keys"].as_array().unwrap().len()), (&json!("one"), 1));

    let seen = server.get_with(&other.token, &path).await;
    assert_eq!((&seen["api_keys"], &seen["headers"]), (&json!([]), &json!([])));
    assert_eq!(other.list(&server, "/providers").await.len(), 2);
    let run = json!({"provider_id": seen["id"], "model": "m", "dataset_id": other.run["dataset_id"]});
    let run = server.created(server.request_with(&other.token, Method::POST, "/runs").json(&run)).await;
    assert_eq!(run["tenant"], "other");
    let renaming = json!({"name": "mine"});
    for request in [
        server.request_with(&other.token, Method::PATCH, &path).json(&renaming),
        server.request_with(&other.token, Method::DELETE, &path),
        server.request_with(&other.token, Method::GET, &format!("{path}/limits")),
    ] {
        let problem = refused(request).await;
        assert!(problem.status == 403 && problem.detail.contains("another tenant"), "{problem:?}");
    }
}

#[tokio::test]
async fn executors_show_a_tenant_its_own_providers_and_runs() {
    let server = Server::start().await;
    let (one, other) = (Tenant::new(&server, "one").await, Tenant::new(&server, "other").await);
    let id = |tenant: &Tenant, field: &str| tenant.run[field].as_str().unwrap().to_owned();
    let lane = |tenant: &Tenant| ExecutorLane {
        provider_id: id(tenant, "provider_id").parse().unwrap(),
        concurrency: 9,
        in_flight: 1,
        keys: Vec::new(),
        fault: None,
    };
    let run = |tenant: &Tenant| ExecutorRun { run_id: id(tenant, "id").parse().unwrap(), jobs: 1 };
    let status = ExecutorStatus {
        version: "1".into(),
        lanes: vec![lane(&one), lane(&other)],
        runs: vec![run(&one), run(&other)],
        ..runmill_proto::testing::executor("a:1", server.clock.now())
    };
    server.store.exchange(&beat(status)).await.unwrap();

    let seen = server.get_with(&one.token, "/executors").await;
    let [executor] = seen.as_array().unwrap().as_slice() else { panic!("{seen}") };
    assert_eq!(executor["lanes"].as_array().unwrap().len(), 1);
    assert_eq!(executor["lanes"][0]["provider_id"], one.run["provider_id"]);
    assert_eq!(executor["runs"], json!([{"run_id": one.run["id"], "jobs": 1}]));
    let all = server.get("/executors").await;
    assert_eq!(all[0]["lanes"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_audit_log_says_who_changed_what_and_no_secret() {
    let server = Server::start().await;
    let (one, other) = (Tenant::new(&server, "one").await, Tenant::new(&server, "other").await);
    let keys = json!({"api_keys": [{"label": "new", "value": "sk-planted-0123456789"}], "name": "renamed"});
    let patch = server.request_with(&one.token, Method::PATCH, &one.provider_path()).json(&keys);
    assert_eq!(patch.send().await.unwrap().status(), 200);
    let refusal = server.request_with(&one.token, Method::PATCH, &other.provider_path()).json(&keys);
    assert_eq!(refused(refusal).await.status, 404);

    let page = server.get_with(&one.token, "/audit").await;
    let entries = page["items"].as_array().unwrap();
    let told = |entry: &Value| (entry["action"].clone(), entry["object"].clone(), entry["detail"].clone());
    let (run, provider, dataset) = (&one.run["id"], &one.run["provider_id"], &one.run["dataset_id"]);
    let want = [
        (json!("provider.change"), provider.clone(), json!("name, api_keys")),
        (json!("run.create"), run.clone(), Value::Null),
        (json!("dataset.create"), dataset.clone(), json!("same")),
        (json!("provider.create"), provider.clone(), json!("same")),
        (json!("token.create"), one.token["id"].clone(), json!("ci (admin, one)")),
    ];
    assert_eq!(entries.iter().map(told).collect::<Vec<_>>(), want);
    assert_eq!((&entries[0]["token"], &entries[0]["token_id"]), (&json!("ci"), &one.token["id"]));
    assert_eq!((&entries[4]["token"], &entries[4]["token_id"]), (&json!("environment"), &Value::Null));
    let everything = server.get("/audit").await;
    assert_eq!(everything["items"].as_array().unwrap().len(), 9);
    assert!(!everything.to_string().contains("sk-planted"), "{everything}");
    let second = server.get(&format!("/audit?limit=4&after={}", entries[1]["id"].as_str().unwrap())).await;
    assert_eq!(second["items"][0]["id"], entries[2]["id"]);
}
