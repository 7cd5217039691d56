use std::{sync::Arc, time::Duration};

use axum::Router;
use jiff::Timestamp;
use prometheus::Registry;
use reqwest::{Method, RequestBuilder, Response};
use runmill_address::AddressRules;
use runmill_broker::{SharedBroker, memory::MemoryBroker};
use runmill_config::{Role, Token};
use runmill_dispatcher::{
    Dispatcher, DispatcherMetrics, FeederHealth, FrontDoorSettings, Listening, ScalingSettings, SignInCodes,
    WebhookSettings,
};
use runmill_proto::{
    ErrorKind, InvocationId, Outcome,
    api::Problem,
    message::{Invocation, JobKey},
    testing,
};
use runmill_runtime::{
    Lifecycle, ManualClock, Readiness,
    http::{HttpLimits, HttpMetrics, HttpServer},
    ops::{self, OpsState},
};
use runmill_store::{LogBatch, LogEntry, SharedStore, sqlite::SqliteStore};
use runmill_vault::{Keyring, Signer, generate_hex};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::Notify};
use uuid::Uuid;

/// Small, so that a test can exceed it.
pub const BODY_MAX_BYTES: usize = 4 * 1024;

/// A dispatcher that serves the API, and that feeds only after [`Server::feed`].
pub struct Server {
    pub base_url: String,
    pub store: SharedStore,
    pub broker: SharedBroker,
    pub clock: ManualClock,
    /// Keys that the dispatcher seals with, as an executor has them.
    pub keyring: Keyring,
    pub sign_in_codes: SignInCodes,
    http: reqwest::Client,
    dispatcher: Dispatcher,
    wake: Arc<Notify>,
    life: Lifecycle,
    _folder: TempDir,
}

/// Settings in which servers differ.
struct Setup {
    hold: Duration,
    webhooks: WebhookSettings,
    public_url: Option<String>,
    cors_origins: Vec<String>,
}

impl Default for Setup {
    fn default() -> Self {
        let signer = Signer::parse(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()).unwrap();
        Self {
            hold: Duration::from_millis(100),
            webhooks: WebhookSettings { signer: Some(signer), ..WebhookSettings::default() },
            public_url: None,
            cors_origins: Vec::new(),
        }
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    /// Starts a server that holds what finds no executor for long enough that one can start.
    pub async fn holding() -> Self {
        Self::with(Setup { hold: Duration::from_millis(2_500), ..Setup::default() }).await
    }

    pub async fn start_without_webhooks() -> Self {
        Self::with(Setup { webhooks: WebhookSettings::default(), ..Setup::default() }).await
    }

    /// Starts a server whose settings state the URL under which clients reach it.
    pub async fn start_at(public_url: Option<&str>) -> Self {
        Self::with(Setup { public_url: public_url.map(str::to_owned), ..Setup::default() }).await
    }

    /// Starts a server whose API pages of other origins may call.
    pub async fn start_for_origins(origins: &[&str]) -> Self {
        let cors_origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        Self::with(Setup { cors_origins, ..Setup::default() }).await
    }

    async fn with(setup: Setup) -> Self {
        let Setup { hold, webhooks, public_url, cors_origins } = setup;
        // Fails if another test has installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let store: SharedStore = Arc::new(SqliteStore::open(folder.path().join("runmill.db")).await.unwrap());
        let broker: SharedBroker = Arc::new(MemoryBroker::new());
        let clock = ManualClock::new(Timestamp::from_second(1_760_000_000).unwrap());
        let registry = Registry::new();
        let token = |role: Role| Token { role, value: token_of(role).into() };
        let keyring = Keyring::parse(&generate_hex()).unwrap();
        let sign_in_codes = SignInCodes::default();
        let dispatcher = Dispatcher {
            store: store.clone(),
            broker: broker.clone(),
            sealer: keyring.sealer(),
            clock: clock.clock(),
            metrics: DispatcherMetrics::register(&registry).unwrap(),
            address_rules: AddressRules::default(),
            public_url,
            cors_origins,
            tokens: Role::ALL.iter().copied().map(token).collect(),
            body_max_bytes: BODY_MAX_BYTES,
            line_max_bytes: 64 * 1024,
            lane_concurrency: 1,
            log_partitions: 1,
            feeder_health: FeederHealth::default(),
            reconcile_period: Duration::from_millis(20),
            keep: None,
            front_door: front_door(),
            webhooks,
            scaling: ScalingSettings { executor_calls: 2, scale_down: Duration::from_mins(2), hold },
            sign_in_codes: sign_in_codes.clone(),
            prices: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let life = Lifecycle::default();
        let http = HttpServer {
            limits: HttpLimits::new(64, Duration::from_secs(75)),
            metrics: HttpMetrics::register(&registry, "api").unwrap(),
            tls: None,
        };
        let health: Router = ops::router(OpsState { registry, readiness: Readiness::default() });
        let wake = Arc::default();
        dispatcher.serve(Listening { http, socket: listener }, None, health, &wake, &life);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            base_url,
            store,
            broker,
            clock,
            keyring,
            sign_in_codes,
            http,
            dispatcher,
            wake,
            life,
            _folder: folder,
        }
    }

    /// Starts the feeder and the reconciler.
    pub fn feed(&self) {
        self.dispatcher.feed(&self.wake, &self.life);
    }

    /// Starts the shutdown. Requests that arrived before are still answered.
    pub fn stop(&self) {
        self.life.stop.cancel();
    }

    /// Makes a request without a token.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base_url))
    }

    pub fn request_as(&self, role: Role, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(token_of(role))
    }

    /// Makes a request as an admin.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_as(Role::Admin, method, path)
    }

    pub async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "GET {path}");
        response.json().await.unwrap()
    }

    /// Sends the request, and returns the JSON of what it created.
    pub async fn created(&self, request: RequestBuilder) -> Value {
        let response = request.send().await.unwrap();
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert_eq!(status, 201, "{body}");
        body
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Value {
        let response = self.request(Method::PATCH, path).json(body).send().await.unwrap();
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Creates a provider and a dataset. Returns the body of a `POST /runs` that uses them.
    pub async fn new_run(&self) -> Value {
        let provider = json!({"name": "ours", "kind": "custom", "base_url": "http://127.0.0.1:9/v1"});
        let provider = self.created(self.request(Method::POST, "/providers").json(&provider)).await;
        let lines = format!("{}\n{}\n", line("a"), line("b"));
        let dataset = self.created(self.request(Method::POST, "/datasets?name=two").body(lines)).await;
        json!({"provider_id": provider["id"], "model": "echo", "dataset_id": dataset["id"]})
    }
}

/// Returns settings with short waits, and few calls at once.
fn front_door() -> FrontDoorSettings {
    FrontDoorSettings {
        calls_max: 8,
        token_calls_max: 6,
        status_after: Duration::from_secs(2),
        stream_after: Duration::from_secs(1),
        sign_every: Duration::from_millis(50),
        retry_within: Duration::from_secs(20),
        look_every: Duration::from_millis(200),
        ..FrontDoorSettings::default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.life.stop.cancel();
    }
}

/// Records that all jobs of a run failed, after which the run has completed.
pub async fn settle_as_failed(server: &Server, run: &str) {
    let run_id = run.parse().unwrap();
    let (store, now) = (&server.store, server.clock.now());
    let total = store.run(run_id).await.unwrap().total;
    store.mark_fed(run_id, total, &[], now).await.unwrap();
    let failed = |ordinal| {
        let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
        let key = JobKey { run_id, ordinal, sample: 0 };
        let failed = testing::invocation(key, call, Outcome::Failed);
        LogEntry::Invocation(Box::new(Invocation { error_kind: Some(ErrorKind::Overloaded), ..failed }))
    };
    let jobs = (0..u32::try_from(total).unwrap()).map(failed).collect();
    store.write_logs(&LogBatch(jobs), now).await.unwrap();
}

pub fn token_of(role: Role) -> String {
    format!("{role}-0123456789abcdef")
}

/// Makes a line of a dataset.
pub fn line(id: &str) -> String {
    format!(r#"{{"id":"{id}","type":"freeform","inputs":{{"text":"?"}}}}"#)
}

/// Sends a request that must fail, and returns the problem.
pub async fn refused(request: RequestBuilder) -> Problem {
    problem(request.send().await.unwrap()).await
}

pub async fn problem(response: Response) -> Problem {
    let status = response.status().as_u16();
    let content_type = response.headers().get("content-type").cloned();
    let body = response.text().await.unwrap();
    assert_eq!(content_type.unwrap(), "application/problem+json", "{status} {body}");
    let problem: Problem = serde_json::from_str(&body).unwrap();
    assert_eq!(problem.status, status, "{body}");
    assert!(!problem.title.is_empty() && !problem.detail.is_empty(), "{body}");
    problem
}

/// Returns the pointers of a problem's faults.
pub fn pointers(problem: &Problem) -> Vec<&str> {
    problem.errors.iter().map(|error| error.pointer.as_str()).collect()
}
