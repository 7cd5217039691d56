//! A client of the HTTP API that outlives faults: it asks each dispatcher in turn until one answers.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Method, RequestBuilder, Response};
use runmill_proto::{
    DatasetId, ProviderId, RunId,
    api::{Dataset, ExecutorStatus, Provider, ResultRecord, Run},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::waiting::POLL;

pub const TOKEN: &str = "faults-admin-0123456789";
/// Longest time in which some dispatcher must answer.
const ANSWER_MAX: Duration = Duration::from_mins(1);

#[derive(Clone)]
pub struct Api {
    pub http: reqwest::Client,
    base_urls: Vec<String>,
}

impl Api {
    pub fn new(base_urls: Vec<String>) -> anyhow::Result<Self> {
        // A frozen dispatcher takes connections and never answers.
        let http = reqwest::Client::builder().no_proxy().read_timeout(Duration::from_secs(20)).build()?;
        Ok(Self { http, base_urls })
    }

    pub fn request(&self, dispatcher: usize, method: Method, path: &str) -> RequestBuilder {
        let base_url = &self.base_urls[dispatcher % self.base_urls.len()];
        self.http.request(method, format!("{base_url}{path}")).bearer_auth(TOKEN)
    }

    /// Sends a request to each dispatcher in turn, until one answers with a status below 500.
    async fn send(
        &self,
        method: Method,
        path: &str,
        fill: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<Response> {
        let deadline = Instant::now() + ANSWER_MAX;
        let mut last = String::new();
        for dispatcher in 0.. {
            let request = fill(self.request(dispatcher, method.clone(), path));
            let once = request.timeout(Duration::from_secs(15)).send().await;
            match once {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) if answer.status().is_client_error() => {
                    bail!("{method} {path}: {}: {}", answer.status(), answer.text().await?);
                }
                Ok(answer) => {
                    last = format!("{}: {}", answer.status(), answer.text().await.unwrap_or_default());
                }
                Err(error) => last = format!("{error:#}"),
            }
            if Instant::now() >= deadline {
                break;
            }
            sleep(POLL).await;
        }
        bail!("{method} {path}: no answer within {} s: {last}", ANSWER_MAX.as_secs())
    }

    /// Creates a provider at `base_url` with these limits for each executor.
    pub async fn provider(&self, base_url: &str, rate_limit: &Value) -> anyhow::Result<ProviderId> {
        let name = format!("provider {}", uuid::Uuid::now_v7());
        let body = json!({"name": name, "kind": "custom", "base_url": base_url, "rate_limit": rate_limit});
        let answer = self.send(Method::POST, "/providers", |request| request.json(&body)).await?;
        Ok(answer.json::<Provider>().await?.id)
    }

    pub async fn dataset(&self, lines: String) -> anyhow::Result<DatasetId> {
        let answer =
            self.send(Method::POST, "/datasets?name=faults", |request| request.body(lines.clone())).await?;
        Ok(answer.json::<Dataset>().await?.id)
    }

    pub async fn start_run(
        &self,
        provider: ProviderId,
        model: &str,
        dataset: DatasetId,
        config: &Value,
    ) -> anyhow::Result<RunId> {
        let body = json!({"provider_id": provider, "model": model, "dataset_id": dataset, "config": config});
        let key = uuid::Uuid::now_v7().to_string();
        let fill = |request: RequestBuilder| request.header("idempotency-key", &key).json(&body);
        let answer = self.send(Method::POST, "/runs", fill).await?;
        Ok(answer.json::<Run>().await?.id)
    }

    pub async fn run(&self, id: RunId) -> anyhow::Result<Run> {
        let answer = self.send(Method::GET, &format!("/runs/{id}"), |request| request).await?;
        Ok(answer.json().await?)
    }

    /// Returns the executors that are alive.
    pub async fn executors(&self) -> anyhow::Result<Vec<ExecutorStatus>> {
        let answer = self.send(Method::GET, "/executors", |request| request).await?;
        Ok(answer.json().await?)
    }

    /// Sends `cancel`, `pause`, `resume` or `retry-failed`.
    pub async fn act(&self, id: RunId, action: &str) -> anyhow::Result<()> {
        let body = json!({});
        self.send(Method::POST, &format!("/runs/{id}/{action}"), |request| request.json(&body))
            .await
            .map(drop)
    }

    pub async fn results(&self, id: RunId) -> anyhow::Result<Vec<ResultRecord>> {
        let fill = |request: RequestBuilder| request.header("accept", "application/x-ndjson");
        let answer = self.send(Method::GET, &format!("/runs/{id}/results"), fill).await?;
        let text = answer.text().await?;
        text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
    }
}
