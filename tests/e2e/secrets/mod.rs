//! A provider's secrets are sent to that provider and appear nowhere else.

mod echo;
mod needles;

use reqwest::Method;
use runmill_proto::{ProviderId, RunId, api::RunEvent};
use runmill_testkit::Tap;
use serde_json::{Value, json};

use self::{
    echo::EchoServer,
    needles::{HEADER, KEY, assert_clean},
};
use crate::support::{Cluster, LOG_PARTITIONS, Plan, data::questions, within};

/// Label that the gateway gives to [`KEY`]: the beginning of `printf %s KEY | sha256sum`.
const KEY_LABEL: &str = "key-95f8e454";

/// Log filter that includes the crates through which keys and headers pass.
const LOG_EVERYTHING: &str = "trace,reqwest=trace,hyper=trace,hyper_util=trace,h2=trace,rustls=trace,axum=trace,tower_http=trace,\
                       tokio_postgres=trace,deadpool_postgres=trace,lapin=trace";

/// Every failure of the gateway. Those that pause the runs of a provider come last.
const GATEWAY_MODELS: &[&str] = &[
    "echo",
    "lorem+fail=400:1",
    "lorem+fail=404:1",
    "lorem+fail=429:0.5",
    "lorem+fail=500:1",
    "lorem+fail=503:0.5",
    "lorem+cut=2",
    "lorem+malformed",
    "lorem+hang",
    "lorem+nostream",
    "lorem+fail=401:1",
];

#[tokio::test]
async fn a_planted_key_appears_nowhere_after_failures_of_every_kind() {
    let cluster = Cluster::planned(Plan { log_level: LOG_EVERYTHING, ..Plan::default() }).await;
    let echo = EchoServer::start().await;
    let mut answers = Answers { cluster: &cluster, texts: Vec::new() };
    answers.request(Method::PUT, "/settings", Some(&json!({"retry": {"backoff_base_seconds": 0.01}}))).await;
    let gateway = answers.plant("gateway", &cluster.gateway.base_url()).await;
    let server = answers.plant("echo", &echo.base_url).await;
    let forbidding = answers.plant("forbidding echo", &echo.base_url).await;
    let lanes = [gateway, server, forbidding].map(|id| id.to_string());
    let taps = [tap(&cluster, "jobs", &lanes).await, tap_logs(&cluster).await];

    let dataset = cluster.api.dataset(questions(4)).await.to_string();
    let mut runs = Vec::new();
    let models = GATEWAY_MODELS.iter().map(|model| (gateway, *model));
    let models = models.chain(EchoServer::MODELS.iter().map(|model| (server, *model)));
    for (provider, model) in models.chain([(forbidding, EchoServer::FORBIDDEN)]) {
        let run = json!({"provider_id": provider, "model": model, "dataset_id": dataset,
            "config": {"max_retries": 1, "timeout_seconds": 1}});
        let run: Value =
            serde_json::from_str(&answers.request(Method::POST, "/runs", Some(&run)).await).unwrap();
        let id = serde_json::from_value(run["id"].clone()).unwrap();
        stopped_or_ended(&cluster, id).await;
        runs.push(id);
    }
    answers.mistakes().await;
    answers.everything(&runs).await;

    // Without these calls, the test would pass for the wrong reason.
    assert_eq!(cluster.gateway.calls(0, usize::MAX).iter().find(|call| &*call.key != KEY_LABEL), None);
    assert!(cluster.gateway.calls(0, usize::MAX).len() > GATEWAY_MODELS.len());
    assert!(echo.got_key_and_header(), "the echo server was called with both");

    let metrics = metrics(&cluster).await;
    cluster.stop().await;
    for process in cluster.processes() {
        assert!(process.log().contains(r#""level":"debug""#), "a service did not log at level debug");
        assert_clean("a log", process.log().as_bytes());
    }
    for (from, text) in answers.texts.iter().chain(&metrics) {
        assert_clean(from, text.as_bytes());
    }
    for tap in &taps {
        let bodies = tap.bodies().await;
        assert!(!bodies.is_empty(), "the tap saw nothing");
        for body in &bodies {
            assert_clean("a message", body);
        }
    }
    for (table, rows) in tables(&cluster.servers.database_url).await {
        assert_clean(&table, rows.as_bytes());
    }
}

async fn tap(cluster: &Cluster, exchange: &str, keys: &[String]) -> Tap {
    let servers = &cluster.servers;
    Tap::open(&servers.amqp_url, &format!("{}.{exchange}", servers.prefix), keys).await
}

async fn tap_logs(cluster: &Cluster) -> Tap {
    let keys: Vec<_> = (0..LOG_PARTITIONS).map(|partition| partition.to_string()).collect();
    tap(cluster, "logs", &keys).await
}

/// Waits for the end of the run. Cancels it if the provider's refusals pause or defer it.
async fn stopped_or_ended(cluster: &Cluster, id: RunId) {
    within("the run's end", async {
        let mut events = cluster.api.events(&format!("/runs/{id}/events")).await;
        while let Some(event) = events.next().await {
            if matches!(&event, RunEvent::RunStatus(status) if status.paused_at.is_some() || status.retry_count > 0) {
                // A conflict means that the run has ended meanwhile.
                cluster.api.post(&format!("/runs/{id}/cancel"), &Value::Null).await;
            }
        }
    })
    .await;
}

/// All answers of the API, each with its request.
struct Answers<'a> {
    cluster: &'a Cluster,
    texts: Vec<(String, String)>,
}

impl Answers<'_> {
    async fn request(&mut self, method: Method, path: &str, body: Option<&Value>) -> String {
        let mut request = self.cluster.api.request(method.clone(), path);
        if path.contains("/results") || path.contains("/invocations") {
            request = request.header("accept", "application/x-ndjson");
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let text = within(path, async { request.send().await.unwrap().text().await.unwrap() }).await;
        self.texts.push((format!("{method} {path}"), text.clone()));
        text
    }

    /// Creates a provider with the secret key and the secret header.
    async fn plant(&mut self, name: &str, base_url: &str) -> ProviderId {
        let body = json!({"name": name, "kind": "custom", "base_url": base_url,
            "api_keys": [{"label": "main", "value": KEY}], "headers": {"x-team": HEADER},
            "rate_limit": {"concurrency": 4}});
        let answer = self.request(Method::POST, "/providers", Some(&body)).await;
        let id = serde_json::from_str::<Value>(&answer).unwrap()["id"].clone();
        serde_json::from_value(id).unwrap()
    }

    /// Sends bodies with the key in a wrong place, or with another fault.
    async fn mistakes(&mut self) {
        let bodies = [
            json!({"name": "a", "kind": "custom", "base_url": "https://h/v1", "api_keys": KEY}),
            json!({"name": "b", "kind": "custom", "base_url": "https://h/v1", "api_keys": [KEY]}),
            json!({"name": "c", "kind": "custom", "base_url": "https://h/v1", "headers": HEADER}),
            json!({"name": "d", "kind": "custom", "base_url": "nowhere", "api_keys": [{"label": "l", "value": KEY}]}),
            json!({"name": "gateway", "kind": "custom", "base_url": "https://h/v1",
                "api_keys": [{"label": "l", "value": KEY}]}),
            json!({"name": "e", "kind": KEY, "base_url": "https://h/v1"}),
        ];
        for body in bodies {
            self.request(Method::POST, "/providers", Some(&body)).await;
        }
    }

    async fn everything(&mut self, runs: &[RunId]) {
        for path in ["/providers", "/runs", "/datasets", "/settings", "/executors", "/openapi.json"] {
            self.request(Method::GET, path, None).await;
        }
        for run in runs {
            for part in ["", "/results", "/invocations", "/events"] {
                self.request(Method::GET, &format!("/runs/{run}{part}"), None).await;
            }
        }
    }
}

/// Returns the metrics of every process.
async fn metrics(cluster: &Cluster) -> Vec<(String, String)> {
    let mut addresses = vec![cluster.dispatcher.field_of("dispatcher.listening", "address").await];
    for process in cluster.executors.iter().chain(&cluster.log_sinks) {
        addresses.push(process.field_of("ops.listening", "address").await);
    }
    let mut texts = Vec::new();
    for address in addresses {
        let text = reqwest::get(format!("http://{address}/metrics")).await.unwrap().text().await.unwrap();
        assert!(text.contains("runmill_"), "{text}");
        texts.push((format!("metrics of {address}"), text));
    }
    texts
}

/// Returns every row of every table, as text.
async fn tables(database_url: &str) -> Vec<(String, String)> {
    let (client, connection) = tokio_postgres::connect(database_url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let names =
        client.query("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'", &[]).await.unwrap();
    let mut tables = Vec::new();
    for name in names.iter().map(|row| row.get::<_, String>(0)) {
        let rows = client.query(&format!("SELECT t::text FROM {name} t"), &[]).await.unwrap();
        let text: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        tables.push((format!("table {name}"), text.join("\n")));
    }
    let rows = |name: &str| tables.iter().any(|(table, text)| table.ends_with(name) && !text.is_empty());
    assert!(rows("provider_secrets") && rows("invocations") && rows("run_events"), "the tables have rows");
    tables
}
