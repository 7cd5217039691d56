use std::collections::{HashMap, HashSet};

use runmill_gateway::Gateway;
use runmill_proto::{ProviderId, RunId};
use serde_json::{Value, json};

use crate::support::{Api, data::questions, until};

/// Number of calls in flight, of 100 ms each: slow enough for all changes to come while the run goes on.
const CONCURRENCY: u32 = 16;
/// Some calls fail, so that calls are also repeated.
pub const MODEL: &str = "lorem+ttft=100ms+fail=500:0.02";
/// Number of results between two changes, by which the parts have exchanged messages.
const STEP: u64 = 40;

/// The run that goes on meanwhile. It reads the API as JSON, because both releases serve it.
pub struct Work {
    pub provider: ProviderId,
    run: RunId,
    items: u64,
}

impl Work {
    pub async fn start(api: &Api, gateway: &Gateway, items: usize) -> Self {
        let provider = api.create_provider(provider(&gateway.base_url())).await;
        let dataset = api.dataset(questions(items)).await;
        let body = json!({"provider_id": provider, "model": MODEL, "dataset_id": dataset});
        let (status, run) = api.post("/runs", &body).await;
        assert_eq!(status, 201, "{run}");
        let run = run["id"].as_str().unwrap().parse().unwrap();
        Self { provider, run, items: items as u64 }
    }

    async fn read(&self, api: &Api) -> Value {
        api.get(&format!("/runs/{}", self.run)).await
    }

    /// Waits until the run has made progress, and checks that it is not over.
    pub async fn goes_on(&self, api: &Api) {
        let enough = settled(&self.read(api).await) + STEP;
        until("progress of the run", async || settled(&self.read(api).await) >= enough).await;
        let run = self.read(api).await;
        assert_eq!(run["status"], "running", "it is over before the last change: {run}");
    }

    /// Lets the rest of the run be quick, and waits for its end. Checks that each item has one result and one answered call.
    pub async fn assert_complete(&self, api: &Api, gateway: &Gateway) {
        let change = json!({"rate_limit": {"concurrency": 20 * CONCURRENCY}});
        api.change(reqwest::Method::PATCH, &format!("/providers/{}", self.provider), &change).await;
        until("the end of the run", async || self.read(api).await["finished_at"].is_string()).await;
        self.assert_results(api).await;
        let mut answered: HashMap<String, u32> = HashMap::new();
        for call in gateway.calls(0, usize::MAX).iter().filter(|call| call.status == 200) {
            let id = call.client_request_id.as_deref().unwrap();
            *answered.entry(id.rsplitn(3, ':').nth(2).unwrap().to_owned()).or_default() += 1;
        }
        let doubled: Vec<_> = answered.iter().filter(|(_, count)| **count != 1).collect();
        assert_eq!((doubled, answered.len() as u64), (vec![], self.items));
    }

    /// Checks that each item has one result, and that the counters say the same.
    pub async fn assert_results(&self, api: &Api) {
        let run = self.read(api).await;
        assert_eq!(
            (&run["status"], &run["counters"]["succeeded"]),
            (&"completed".into(), &self.items.into())
        );
        let request = api.request(reqwest::Method::GET, &format!("/runs/{}/results", self.run));
        let results = request.header("accept", "application/x-ndjson").send().await.unwrap();
        let results = results.text().await.unwrap();
        let results = results.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let ordinals: Vec<_> = results.map(|result| result["ordinal"].as_u64().unwrap()).collect();
        let distinct: HashSet<_> = ordinals.iter().collect();
        assert_eq!((ordinals.len() as u64, distinct.len() as u64), (self.items, self.items));
    }
}

fn provider(base_url: &str) -> Value {
    json!({
        "base_url": base_url,
        "api_keys": [{"label": "main", "value": "sk-upgraded"}],
        "rate_limit": {"concurrency": CONCURRENCY},
    })
}

fn settled(run: &Value) -> u64 {
    run["counters"]["settled"].as_u64().unwrap_or_else(|| panic!("{run}"))
}
