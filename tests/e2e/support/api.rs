use reqwest::{Method, RequestBuilder, StatusCode};
use runmill_proto::{
    DatasetId, ProviderId, RunId,
    api::{Dataset, Provider, ResultRecord, Run, RunCounters},
};
use serde_json::{Value, json};

use super::{sse::Events, until, within};

/// Client of the HTTP API, independent of the client in `runmill`.
#[derive(Clone)]
pub struct Api {
    pub base_url: String,
    token: String,
    http: reqwest::Client,
}

impl Api {
    pub fn new(address: &str, token: &str) -> Self {
        // This fails if another test of this process has already installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            base_url: format!("http://{address}"),
            token: token.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base_url)).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "GET {path}");
        response.json().await.unwrap()
    }

    /// Returns the status and the JSON body; any status is accepted.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let response = self.request(Method::POST, path).json(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Creates a provider at `base_url` with at most `concurrency` calls in flight per executor.
    pub async fn provider(&self, base_url: &str, concurrency: u32) -> ProviderId {
        let rate_limit = json!({"concurrency": concurrency});
        self.create_provider(json!({"base_url": base_url, "rate_limit": rate_limit})).await
    }

    /// Creates a provider with these fields, a unique name, and kind `custom` unless the fields name another.
    pub async fn create_provider(&self, fields: Value) -> ProviderId {
        let mut body = json!({"name": format!("provider {}", uuid::Uuid::now_v7()), "kind": "custom"});
        let fields = fields.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        let (status, body) = self.post("/providers", &body).await;
        assert_eq!(status, 201, "{body}");
        serde_json::from_value::<Provider>(body).unwrap().id
    }

    /// Sends a change. Returns the changed resource.
    pub async fn change(&self, method: Method, path: &str, body: &Value) -> Value {
        let response = self.request(method, path).json(body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    pub async fn dataset(&self, lines: String) -> DatasetId {
        let request = self.request(Method::POST, "/datasets?name=test").body(lines);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        response.json::<Dataset>().await.unwrap().id
    }

    pub async fn start_run(&self, provider: ProviderId, model: &str, dataset: DatasetId) -> RunId {
        self.start_run_with(provider, model, dataset, json!({})).await
    }

    pub async fn start_run_with(
        &self,
        provider: ProviderId,
        model: &str,
        dataset: DatasetId,
        config: Value,
    ) -> RunId {
        let body = json!({"provider_id": provider, "model": model, "dataset_id": dataset, "config": config});
        let (status, body) = self.post("/runs", &body).await;
        assert_eq!(status, 201, "{body}");
        serde_json::from_value::<Run>(body).unwrap().id
    }

    pub async fn run(&self, id: RunId) -> Run {
        serde_json::from_value(self.get(&format!("/runs/{id}")).await).unwrap()
    }

    /// Returns all results of a run.
    pub async fn results(&self, id: RunId) -> Vec<ResultRecord> {
        let request = self.request(Method::GET, &format!("/runs/{id}/results"));
        let response = request.header("accept", "application/x-ndjson").send().await.unwrap();
        let text = response.text().await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Opens a stream of Server-Sent Events; see [`Events`].
    pub async fn events(&self, path: &str) -> Events {
        Events::open(self.request(Method::GET, path)).await
    }

    /// Waits until `reached` returns true for the run's counters, or the run ends. Reads the run after each event.
    pub async fn wait_for(&self, id: RunId, reached: impl Fn(&RunCounters) -> bool) -> Run {
        within("the progress of the run", async {
            let mut events = self.events("/runs/events").await;
            loop {
                let run = self.run(id).await;
                if reached(&run.counters) || run.status.is_terminal() {
                    return run;
                }
                if events.next().await.is_none() {
                    events = self.events("/runs/events").await;
                }
            }
        })
        .await
    }

    /// Waits until the run ends.
    pub async fn ended(&self, id: RunId) -> Run {
        self.wait_for(id, |_| false).await
    }

    /// Waits until `count` executors have sent a heartbeat.
    pub async fn executors(&self, count: usize) {
        let sent = async || self.get("/executors").await.as_array().map_or(0, Vec::len);
        until("the executors' heartbeats", async || sent().await >= count).await;
    }

    /// Waits until the API and its database work again.
    pub async fn answers_again(&self) {
        let answers = async || {
            let response = self.request(Method::GET, "/runs").send().await;
            response.is_ok_and(|response| response.status().is_success())
        };
        until("an answer of the API", answers).await;
    }
}
