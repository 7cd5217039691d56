//! A provider's secrets are sent to that provider and appear nowhere else. Nor do tokens and passwords.

mod dump;
mod echo;
mod needles;
mod passwords;

use reqwest::Method;
use runmill_broker::{Broker as _, Envelope, Queue, log_partition};
use runmill_proto::{
    InvocationId, ProviderId, RunId, api::RunEvent, codec::Message as _, message::Invocation,
};
use runmill_testkit::Tap;
use serde_json::{Value, json};
use uuid::Uuid;

use self::{
    echo::EchoServer,
    needles::{ENCRYPTION_KEY, HEADER, KEY, PASSWORD, TOKEN, assert_clean},
    passwords::refusals,
};
use crate::support::{
    Cluster, Command, LOG_PARTITIONS, Plan, Sink, data::questions, sink::text, until, within,
};

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

fn plan() -> Plan {
    Plan {
        log_level: LOG_EVERYTHING,
        token: TOKEN,
        encryption_key: ENCRYPTION_KEY,
        database_password: Some(PASSWORD),
        ..Plan::default()
    }
}

#[tokio::test]
async fn what_is_planted_appears_nowhere_after_answers_and_failures_of_every_kind() {
    let sink = Sink::start().await;
    let cluster = Cluster::planned(Plan { otlp_endpoint: Some(sink.endpoint.clone()), ..plan() }).await;
    let echo = EchoServer::start().await;
    let mut answers = Answers { cluster: &cluster, texts: Vec::new() };
    answers.request(Method::PUT, "/settings", Some(&json!({"retry": {"backoff_base_seconds": 0.01}}))).await;
    let gateway = answers.plant("gateway", &cluster.gateway.base_url()).await;
    let server = answers.plant("echo", &echo.base_url).await;
    let forbidding = answers.plant("forbidding echo", &echo.base_url).await;
    // The runs below have the key refused.
    assert_discloses_the_key(&cluster, server).await;
    let lanes = [gateway, server, forbidding].map(|id| id.to_string());
    let [jobs, logs] = [tap(&cluster, "jobs", &lanes).await, tap_logs(&cluster).await];
    let dead = tap(&cluster, "dead", &[String::new()]).await;

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
    answers.smoke_tests(&echo).await;
    answers.everything(&runs).await;
    answers.exports(&runs).await;
    answers.texts.extend(refusals(&cluster.servers).await);
    let logs = logs.bodies().await;
    claim_a_job_that_does_not_exist(&cluster, &logs).await;

    // Without these calls, the test would pass for the wrong reason.
    assert_eq!(cluster.gateway.calls(0, usize::MAX).iter().find(|call| &*call.key != KEY_LABEL), None);
    assert!(cluster.gateway.calls(0, usize::MAX).len() > GATEWAY_MODELS.len());
    assert!(echo.got_key_and_header(), "the echo server was called with both");
    let answer = r#""response":"Incorrect API key provided: Bearer [redacted]"#;
    let told =
        answers.texts.iter().filter(|(from, text)| from.ends_with("/results") && text.contains(answer));
    assert_eq!(told.count(), 2, "an answer and a stream repeat both");
    let preview = r#""preview":"Incorrect API key provided: Bearer [redacted]"#;
    assert!(answers.texts.iter().any(|(_, text)| text.contains(preview)), "a smoke test repeats both");

    let metrics = metrics(&cluster).await;
    cluster.stop().await;
    for process in cluster.processes() {
        assert!(process.log().contains(r#""level":"debug""#), "a service did not log at level debug");
        assert_clean("a log", process.log().as_bytes());
    }
    assert_no_trace_has_a_secret(&sink);
    for (from, text) in answers.texts.iter().chain(&metrics) {
        assert_clean(from, text.as_bytes());
    }
    for bodies in [jobs.bodies().await, logs, dead.bodies().await] {
        assert!(!bodies.is_empty(), "the tap saw nothing");
        for body in &bodies {
            assert_clean("a message", body);
        }
    }
    for (table, rows) in tables(&cluster.servers.database_url).await {
        assert_clean(&table, rows.as_bytes());
    }
}

/// Has the key disclosed, in the one answer of the API that may have it.
async fn assert_discloses_the_key(cluster: &Cluster, provider: ProviderId) {
    let path = format!("/providers/{provider}/lighteval-config?model=m&include_api_key=true");
    let request = cluster.api.request(Method::GET, &path);
    let text = within(&path, async { request.send().await.unwrap().text().await.unwrap() }).await;
    assert!(text.contains(KEY), "{text}");
}

/// Checks the exported spans, which every service must have sent, and those of failed calls among them.
fn assert_no_trace_has_a_secret(sink: &Sink) {
    let spans = sink.spans();
    for service in ["dispatcher", "executor", "log-sink"].map(|name| format!("runmill-{name}")) {
        assert!(spans.iter().any(|(of, _)| *of == service), "{service} exported no span");
    }
    let failed = spans.iter().filter(|(_, span)| !text(&span.attributes, "error.type").is_empty());
    assert!(failed.count() > GATEWAY_MODELS.len(), "the failures are among the spans");
    sink.each(|export| assert_clean("a trace", &export.body));
}

async fn tap(cluster: &Cluster, exchange: &str, keys: &[String]) -> Tap {
    let servers = &cluster.servers;
    Tap::open(&servers.amqp_url, &format!("{}.{exchange}", servers.prefix), keys).await
}

async fn tap_logs(cluster: &Cluster) -> Tap {
    let keys: Vec<_> = (0..LOG_PARTITIONS).map(|partition| partition.to_string()).collect();
    tap(cluster, "logs", &keys).await
}

/// Publishes one of the logs again, for an item that its run does not have, and waits until it is put aside.
async fn claim_a_job_that_does_not_exist(cluster: &Cluster, logs: &[Vec<u8>]) {
    let read = |body: &Vec<u8>| {
        let message = Envelope { body: body.clone().into(), ..empty(Invocation::TYPE) };
        message.decode::<Invocation>().ok().filter(|invocation| invocation.response.is_some())
    };
    let mut claim = logs.iter().find_map(read).expect("a log of an answer");
    (claim.ordinal, claim.call.id) = (4, InvocationId::from_uuid(Uuid::now_v7()));
    let broker = cluster.servers.broker().await;
    let queue = Queue::Logs(log_partition(claim.run_id, LOG_PARTITIONS));
    broker.publish(queue, Envelope::new(&claim)).await.unwrap();

    until("a dead letter", async || {
        broker.depth(Queue::Dead).await.unwrap().is_some_and(|depth| depth.ready == 1)
    })
    .await;

    let mut letters = broker.subscribe(Queue::Dead, 1).await.unwrap();
    let letter = letters.next().await.unwrap();
    let reason = letter.message.reason.clone().unwrap_or_default();
    assert!(reason.contains("item 4") && reason.contains("has 4 items"), "{reason}");
    letter.ack().await.unwrap();
    let calls = cluster.api.get(&format!("/runs/{}/invocations", claim.run_id)).await.to_string();
    assert!(!calls.contains(&claim.call.id.to_string()), "it was not recorded");
    broker.close().await;
}

fn empty(message_type: &str) -> Envelope {
    Envelope {
        id: Uuid::now_v7(),
        message_type: message_type.into(),
        body: Vec::new().into(),
        traceparent: None,
        reason: None,
    }
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

    /// Makes a smoke test with each answer and failure of a server that repeats the key.
    async fn smoke_tests(&mut self, echo: &EchoServer) {
        let provider = self.plant("smoke-tested echo", &echo.base_url).await;
        for model in EchoServer::MODELS {
            let path = format!("/providers/{provider}/smoke-test");
            self.request(Method::POST, &path, Some(&json!({"model": model}))).await;
        }
    }

    async fn everything(&mut self, runs: &[RunId]) {
        for path in ["/providers", "/runs", "/datasets", "/settings", "/executors", "/openapi.json"] {
            self.request(Method::GET, path, None).await;
        }
        for run in runs {
            for part in ["", "/results", "/invocations", "/events", "/lighteval-config?direct=true"] {
                self.request(Method::GET, &format!("/runs/{run}{part}"), None).await;
            }
        }
    }
}

impl Answers<'_> {
    /// Prints runs and their results with the command, as a user exports them.
    async fn exports(&mut self, runs: &[RunId]) {
        let server = &self.cluster.api.base_url;
        for run in runs.iter().map(ToString::to_string) {
            for action in ["results", "show"] {
                let args = ["runs", "--server", server, action, &run];
                let output = Command::runmill(&args).env("RUNMILL_TOKEN", TOKEN).output().await;
                let printed = [output.stdout, output.stderr].concat();
                let printed = String::from_utf8_lossy(&printed).into_owned();
                assert!(action == "results" || printed.contains(&run), "{args:?}: {printed}");
                self.texts.push((format!("{args:?}"), printed));
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
