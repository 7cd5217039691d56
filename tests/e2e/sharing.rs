//! Clients of the front door and a batch share one provider: its limits hold, the clients do not wait long, and the batch
//! uses the rest.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::Method;
use runmill_gateway::{CallRecord, Peaks};
use runmill_proto::{RunId, RunStatus};
use runmill_runtime::Clock;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{Api, Cluster};

const CONCURRENCY: u64 = 16;
/// Calls that each client has in flight.
const PARALLEL: usize = 2;
/// Time in which executors divide the limits among themselves.
const SETTLED_AFTER: i64 = 4_000_000;

/// Number of the batch's last calls that are not looked at: those that executors hold at once.
const LAST_CALLS: usize = 32;

/// A client, as harnesses are: its endpoint, and if it reads streams.
#[derive(Clone, Copy)]
struct Client {
    path: &'static str,
    streams: bool,
}

const CLIENTS: [Client; 5] = [
    Client { path: "/v1/chat/completions", streams: false },
    Client { path: "/v1/chat/completions", streams: true },
    Client { path: "/v1/completions", streams: true },
    Client { path: "/v1/responses", streams: false },
    Client { path: "/v1/messages", streams: true },
];

/// An answered call of a client.
struct Answered {
    began_us: i64,
    took: Duration,
}

impl Client {
    /// Asks again and again until `over`.
    async fn ask(self, api: Api, model: String, over: CancellationToken) -> Vec<Answered> {
        let mut all = Vec::new();
        while !over.is_cancelled() {
            let (began_us, began) = (Clock::system().now().as_microsecond(), Instant::now());
            let response =
                api.request(Method::POST, self.path).json(&self.body(&model)).send().await.unwrap();
            let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
            assert_eq!(status, 200, "{}: {text}", self.path);
            assert!(text.contains("two"), "{}: {text}", self.path);
            all.push(Answered { began_us, took: began.elapsed() });
        }
        all
    }

    fn body(self, model: &str) -> Value {
        let messages = json!([{"role": "user", "content": "two words"}]);
        let mut body = match self.path {
            "/v1/completions" => json!({"prompt": "two words"}),
            "/v1/responses" => json!({"input": "two words"}),
            _ => json!({"messages": messages, "max_tokens": 9}),
        };
        body["model"] = model.into();
        body["stream"] = self.streams.into();
        body
    }
}

/// Record of a batch beside clients.
struct Seen {
    /// All calls, by the gateway's record.
    calls: Vec<Arc<CallRecord>>,
    /// Answered calls of each client.
    clients: Vec<Vec<Answered>>,
    /// Begin and end of the steady state, in microseconds since 1970. Calls of the batch wait all the time.
    steady: (i64, i64),
}

/// Model of the batch, and that of the clients.
struct Models {
    batch: &'static str,
    clients: &'static str,
}

impl Seen {
    async fn of(rate_limit: Value, lines: usize, models: &Models) -> Self {
        let cluster = Cluster::start(2, 1).await;
        let api = &cluster.api;
        let base_url = cluster.gateway.base_url();
        api.create_provider(json!({"name": "shared", "base_url": base_url, "rate_limit": rate_limit})).await;
        let run = batch(api, &format!("shared/{}", models.batch), lines).await;
        let (over, mut asking) = (CancellationToken::new(), JoinSet::new());
        for (number, client) in CLIENTS.into_iter().enumerate() {
            for _ in 0..PARALLEL {
                let model = format!("shared/{}", models.clients);
                let calls = client.ask(api.clone(), model, over.clone());
                asking.spawn(async move { (number, calls.await) });
            }
        }
        let ended = api.ended(run).await;
        assert_eq!(
            (ended.status, ended.counters.succeeded),
            (RunStatus::Completed, lines as u64),
            "{ended:?}"
        );
        over.cancel();
        let mut clients: Vec<_> = CLIENTS.iter().map(|_| Vec::new()).collect();
        for (number, calls) in asking.join_all().await {
            clients[number].extend(calls);
        }
        let calls = cluster.gateway.calls(0, usize::MAX);
        let of_batch = calls.iter().filter(|call| &*call.model == models.batch);
        let mut starts: Vec<_> = of_batch.map(|call| call.in_us).collect();
        starts.sort_unstable();
        // Its last calls are with one executor or the other, so that not both have some that wait.
        let steady = (starts[0] + SETTLED_AFTER, starts[starts.len() - LAST_CALLS]);
        Self { calls, clients, steady }
    }

    /// Returns the time that the calls of a model had in flight in the steady state, in microseconds.
    fn in_flight_us(&self, model: &str) -> f64 {
        let (from, to) = self.steady;
        let within = |call: &Arc<CallRecord>| (call.out_us.min(to) - call.in_us.max(from)).max(0);
        let calls = self.calls.iter().filter(|call| &*call.model == model);
        Duration::from_micros(calls.map(within).sum::<i64>().unsigned_abs()).as_secs_f64() * 1e6
    }

    fn steady_us(&self) -> f64 {
        let (from, to) = self.steady;
        Duration::from_micros((to - from).unsigned_abs()).as_secs_f64() * 1e6
    }

    /// Returns the sorted times that clients waited beyond `call`, the time of a call itself.
    fn waits(&self, call: Duration) -> Vec<Duration> {
        let (from, to) = self.steady;
        let steady = self.clients.iter().flatten().filter(|call| (from..to).contains(&call.began_us));
        let mut waits: Vec<_> = steady.map(|answered| answered.took.saturating_sub(call)).collect();
        waits.sort_unstable();
        waits
    }

    fn starts(&self, model: &str) -> usize {
        let (from, to) = self.steady;
        let calls = self.calls.iter().filter(|call| &*call.model == model);
        calls.filter(|call| (from..to).contains(&call.in_us)).count()
    }

    /// Checks that no client had much fewer answers than the others.
    fn assert_clients_are_equal(&self) {
        let answers: Vec<_> = self.clients.iter().map(Vec::len).collect();
        let all: usize = answers.iter().sum();
        let fair = all / CLIENTS.len();
        assert!(answers.iter().all(|count| 2 * count >= fair), "{answers:?}");
    }
}

/// Makes a batch with so many lines for a model. Returns its run.
async fn batch(api: &Api, model: &str, lines: usize) -> RunId {
    let line = |number| {
        let body =
            json!({"model": model, "messages": [{"role": "user", "content": format!("item {number}")}]});
        json!({"custom_id": format!("{number}"), "method": "POST", "url": "/v1/chat/completions", "body": body})
            .to_string()
    };
    let file = (0..lines).map(line).collect::<Vec<_>>().join("\n");
    let part = |head: &str, body: &str| {
        format!("--bound\r\ncontent-disposition: form-data; {head}\r\n\r\n{body}\r\n")
    };
    let form = part("name=\"purpose\"", "batch") + &part("name=\"file\"; filename=\"lines.jsonl\"", &file);
    let upload = api.request(Method::POST, "/v1/files");
    let upload = upload.header("content-type", "multipart/form-data; boundary=bound");
    let uploaded = upload.body(form + "--bound--\r\n").send().await.unwrap();
    let uploaded: Value = uploaded.error_for_status().unwrap().json().await.unwrap();
    let new = json!({"input_file_id": uploaded["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"});
    let (status, made) = api.post("/v1/batches", &new).await;
    assert_eq!(status, 200, "{made}");
    made["runmill"]["run_id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
#[ignore = "needs a quiet machine"]
async fn clients_wait_less_than_two_seconds_while_a_batch_fills_the_rest() {
    const CALL: Duration = Duration::from_millis(500);
    let models = Models { batch: "lorem+ttft=500ms", clients: "echo+ttft=500ms" };
    let seen = Seen::of(json!({"concurrency": CONCURRENCY}), 400, &models).await;

    assert_eq!(Peaks::in_flight(seen.calls.iter().map(|call| &**call)), CONCURRENCY);
    let waits = seen.waits(CALL);
    let p99 = waits[waits.len() * 99 / 100];
    let capacity = 16.0 * seen.steady_us();
    let by_clients = seen.in_flight_us(models.clients);
    let rest_used = seen.in_flight_us(models.batch) / (capacity - by_clients);
    println!(
        "{} calls of clients in {:.1} s waited {:?} (p50), {p99:?} (p99); they had {:.2} of the provider, and the batch {rest_used:.3} of the rest",
        waits.len(),
        seen.steady_us() / 1e6,
        waits[waits.len() / 2],
        by_clients / capacity,
    );
    assert!(p99 < Duration::from_secs(2), "{p99:?}");
    assert!(rest_used >= 0.9, "the batch had {rest_used} of the rest");
    seen.assert_clients_are_equal();
}

#[tokio::test]
#[ignore = "needs a quiet machine"]
async fn a_rate_holds_for_clients_and_a_batch_together() {
    let models = Models { batch: "lorem+ttft=50ms", clients: "echo+ttft=50ms" };
    let seen = Seen::of(json!({"concurrency": CONCURRENCY, "rpm": 600}), 120, &models).await;

    let calls = || seen.calls.iter().map(|call| &**call);
    assert!(Peaks::in_flight(calls()) <= CONCURRENCY);
    // Ten calls per second, in bursts of at most eight.
    for seconds in [1, 5, 10, 60] {
        let most = Peaks::starts(calls(), Duration::from_secs(seconds));
        assert!(most <= 10 * seconds + 8, "{most} calls within {seconds} s");
    }
    let (by_clients, by_batch) = (seen.starts(models.clients), seen.starts(models.batch));
    println!("{by_clients} calls of clients and {by_batch} of the batch in {:.1} s", seen.steady_us() / 1e6);
    let all = by_clients + by_batch;
    assert!(
        u32::try_from(all).is_ok_and(|all| f64::from(all) >= 9.0 * seen.steady_us() / 1e6),
        "the rate is used"
    );
    // A quarter of the starts is theirs while calls of both wait.
    assert!((20..=30).contains(&(100 * by_clients / all)), "{by_clients} of {all}");
    seen.assert_clients_are_equal();
}
