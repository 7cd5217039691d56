use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use prometheus::Registry;
use runmill_broker::{Broker, Envelope, Queue};
use runmill_executor::{Executor, ExecutorMetrics, LaneHealth};
use runmill_llm::{Factory, FactorySettings};
use runmill_proto::{
    DatasetId, ProviderId, Role, RunId, Tenant, TokenId,
    api::{Budget, Capabilities, ProviderKind, RateLimit, SettingsOverride},
    lease::WithoutStore,
    message::{Invocation, Job, JobItem, JobKey, SmokeTest},
    testing,
};
use runmill_quota::Lanes;
use runmill_runtime::{Clock, Lifecycle, Shutdown};
use runmill_store::{
    DatasetWriter, Feed, NewDataset, ProviderRow, ProviderWriter, RunWriter, StoredItem, TokenRow, Tokens,
    sqlite::SqliteStore, testing::run_of,
};
use runmill_vault::{Keyring, generate_hex};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};
use uuid::Uuid;

use crate::{
    model::Model,
    watched::{Seen, WatchedBroker},
};

const ITEM: &str = r#"{"id":"q","type":"freeform","inputs":{"text":"2 + 2?"},"answer":"4"}"#;
const JOBS: u32 = 3;

/// An executor, a provider with a model, and a run of three jobs.
pub struct World {
    pub model: Model,
    pub store: SqliteStore,
    pub broker: Arc<WatchedBroker>,
    pub run_id: RunId,
    pub life: Lifecycle,
    pub lane: Queue,
    pub health: LaneHealth,
    provider_id: ProviderId,
    seen: mpsc::Receiver<Seen>,
    _folder: TempDir,
}

/// Parts of a world that differ between tests.
#[derive(Default)]
pub struct Setup {
    /// Number of first logs that the broker refuses.
    pub refusals: u32,
    /// Budget of the run.
    pub budget: Option<Value>,
    pub rate_limit: RateLimit,
    /// Budget of the token that submitted the run.
    pub token_budget: Option<Budget>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    /// Makes a world whose broker refuses the first logs, in the given number.
    pub async fn with_refusals(refusals: u32) -> Self {
        Self::with(Setup { refusals, ..Setup::default() }).await
    }

    pub async fn with(Setup { refusals, budget, rate_limit, token_budget }: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("runmill.db")).await.unwrap();
        let model = Model::start().await;
        let (broker, seen) = WatchedBroker::new(refusals);
        let provider = ProviderRow { rate_limit, ..provider(&model.base_url) };
        let (provider_id, lane) = (provider.id, Queue::Jobs(provider.id));
        store.create_provider(&provider).await.unwrap();
        let token_id = create_token(&store, token_budget).await;
        let run_id = fed_run(&store, provider_id, token_id, budget).await;
        for queue in [lane, Queue::Logs(0)] {
            broker.declare(queue).await.unwrap();
        }
        Self {
            model,
            store,
            broker: Arc::new(broker),
            run_id,
            life: Lifecycle::default(),
            lane,
            health: LaneHealth::default(),
            provider_id,
            seen,
            _folder: folder,
        }
    }

    /// Publishes a job to the lane; returns its message's id.
    pub async fn publish(&self, ordinal: u32) -> Uuid {
        self.publish_as(Envelope::new(&self.job(ordinal))).await
    }

    pub async fn publish_as(&self, message: Envelope) -> Uuid {
        let id = message.id;
        self.broker.inner.publish(self.lane, message).await.unwrap();
        id
    }

    pub fn job(&self, ordinal: u32) -> Job {
        Job {
            provider_id: self.provider_id,
            model: "slow".into(),
            item: JobItem::Inline(ITEM.into()),
            ..testing::job(JobKey { run_id: self.run_id, ordinal, sample: 0 })
        }
    }

    pub fn smoke_test(&self) -> SmokeTest {
        SmokeTest { provider_id: self.provider_id, model: "slow".into() }
    }

    pub fn start(&self) {
        self.start_by(Clock::system());
    }

    /// Starts the executor with another clock for the model client.
    pub fn start_by(&self, clients: Clock) {
        let registry = Registry::new();
        let (clock, lanes) = (Clock::system(), Arc::new(Lanes::leased()));
        let settings = FactorySettings::new(clients, lanes.clone());
        let executor = Executor {
            name: "tested".into(),
            store: Arc::new(self.store.clone()),
            broker: self.broker.clone(),
            opener: Keyring::parse(&generate_hex()).unwrap().opener(),
            factory: Arc::new(Factory::new(settings, &registry).unwrap()),
            lanes,
            lane_concurrency: 1,
            limits_without_store: WithoutStore::Stop,
            clock,
            metrics: ExecutorMetrics::register(&registry).unwrap(),
            log_partitions: 1,
            lane_health: self.health.clone(),
        };
        executor.start(&self.life);
    }

    /// Waits for the next event.
    pub async fn next(&mut self) -> Seen {
        timeout(Duration::from_secs(30), self.seen.recv())
            .await
            .expect("something happens")
            .expect("it is open")
    }

    /// Waits for the next log of a job that ended.
    pub async fn next_invocation(&mut self) -> Invocation {
        match self.next().await {
            Seen::Published(log) => log.decode().unwrap(),
            other => panic!("{other:?} instead of a log"),
        }
    }

    /// Waits for the end of the executor, and returns the events that were not taken yet.
    pub async fn end(mut self) -> (Shutdown, Vec<Seen>) {
        let ended = self.life.clone().run_until(stream::pending(), Duration::from_secs(30)).await;
        let mut seen = Vec::new();
        while let Ok(next) = self.seen.try_recv() {
            seen.push(next);
        }
        assert!(!self.model.was_asked(), "of this no test knows");
        (ended, seen)
    }
}

fn provider(base_url: &str) -> ProviderRow {
    ProviderRow {
        id: ProviderId::from_uuid(Uuid::now_v7()),
        tenant: Tenant::default(),
        shared: false,
        name: "ours".into(),
        kind: ProviderKind::Custom,
        protocol: None,
        base_url: base_url.into(),
        proxy: None,
        secrets: Vec::new(),
        capabilities: Capabilities::default(),
        rate_limit: RateLimit::default(),
        settings: SettingsOverride::default(),
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

async fn create_token(store: &SqliteStore, budget: Option<Budget>) -> TokenId {
    let row = TokenRow {
        id: TokenId::from_uuid(Uuid::now_v7()),
        name: "ci".into(),
        prefix: "rmt_1".into(),
        hash: vec![0; 32],
        role: Role::Submit,
        tenant: None,
        providers: None,
        budget,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    store.create_token(&row).await.unwrap();
    row.id
}

/// Creates a run all of whose jobs were fed.
async fn fed_run(
    store: &SqliteStore,
    provider_id: ProviderId,
    token_id: TokenId,
    budget: Option<Value>,
) -> RunId {
    let now = Timestamp::UNIX_EPOCH;
    let id = DatasetId::from_uuid(Uuid::now_v7());
    let new = NewDataset { id, tenant: Tenant::default(), name: "three".into(), created_at: now };
    let line = |n| Ok(StoredItem { item_id: format!("q{n}"), body: ITEM.into() });
    let dataset = store.create_dataset(new, stream::iter((0..JOBS).map(line)).boxed()).await.unwrap();
    let id = RunId::from_uuid(Uuid::now_v7());
    let mut row = run_of(id, provider_id, dataset.id, u64::from(JOBS));
    row.submission.budget = budget;
    row.submission.token_id = Some(token_id);
    store.create_run(&row).await.unwrap();
    store.mark_fed(id, u64::from(JOBS), &[], now).await.unwrap();
    id
}
