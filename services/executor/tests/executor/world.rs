use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use prometheus::Registry;
use runmill_broker::{Broker, Envelope, Queue};
use runmill_executor::{Executor, ExecutorMetrics, LaneHealth, ListenerHealth, Programs};
use runmill_lighteval::Program;
use runmill_llm::{Factory, FactorySettings};
use runmill_proto::{
    DatasetId, ProviderId, Role, RunId, RunKind, Tenant, TokenId,
    api::{Budget, Capabilities, ProviderKind, RateLimit, SettingsOverride},
    lease::WithoutStore,
    message::{Invocation, Job, JobItem, JobKey, SmokeTest},
    testing,
};
use runmill_quota::Lanes;
use runmill_runtime::{Clock, Lifecycle, Shutdown};
use runmill_store::{
    DatasetWriter, Feed, NewDataset, ProviderReader, ProviderRow, ProviderWriter, RunReader, RunRow,
    RunWriter, SealedSecret, SecretKind, StoredItem, TokenRow, Tokens, sqlite::SqliteStore, testing::run_of,
};
use runmill_vault::{Keyring, Owner, generate_hex};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use uuid::Uuid;

use crate::{
    model::Model,
    watched::{Seen, WatchedBroker},
};

const ITEM: &str = r#"{"id":"q","type":"freeform","inputs":{"text":"2 + 2?"},"answer":"4"}"#;
pub const JOBS: u32 = 3;

/// An executor, a provider with a model, and a run of three jobs.
pub struct World {
    pub model: Model,
    pub store: SqliteStore,
    pub broker: Arc<WatchedBroker>,
    pub run_id: RunId,
    pub life: Lifecycle,
    pub lane: Queue,
    pub health: LaneHealth,
    pub listener: ListenerHealth,
    pub provider_id: ProviderId,
    lanes: Arc<Lanes>,
    /// LightEval, if the executor has it.
    pub lighteval: Option<Program>,
    /// Keys that the executor opens with, as a dispatcher has them.
    pub keyring: Keyring,
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
    /// Key of the provider.
    pub key: Option<&'static str>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    /// Makes a world whose broker refuses the first logs, in the given number.
    pub async fn with_refusals(refusals: u32) -> Self {
        Self::with(Setup { refusals, ..Setup::default() }).await
    }

    pub async fn with(Setup { refusals, budget, rate_limit, token_budget, key }: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("runmill.db")).await.unwrap();
        let model = Model::start().await;
        let (broker, seen) = WatchedBroker::new(refusals);
        let keyring = Keyring::parse(&generate_hex()).unwrap();
        let secrets = key.map(|key| sealed(&keyring, key)).into_iter().collect();
        let provider = ProviderRow { rate_limit, secrets, ..provider(&model.base_url) };
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
            listener: ListenerHealth::default(),
            provider_id,
            lanes: Arc::new(Lanes::leased()),
            lighteval: None,
            keyring,
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
        let (clock, lanes) = (Clock::system(), self.lanes.clone());
        let settings = FactorySettings::new(clients, lanes.clone());
        let executor = Executor {
            name: "tested".into(),
            store: Arc::new(self.store.clone()),
            broker: self.broker.clone(),
            opener: self.keyring.opener(),
            factory: Arc::new(Factory::new(settings, &registry).unwrap()),
            lanes,
            lane_concurrency: 1,
            limits_without_store: WithoutStore::Stop,
            clock,
            metrics: ExecutorMetrics::register(&registry).unwrap(),
            log_partitions: 1,
            lane_health: self.health.clone(),
            listener_health: self.listener.clone(),
            lighteval: self.lighteval.clone(),
            programs: Programs::off(),
        };
        executor.start(&self.life);
    }

    /// Waits until no attempt is in flight.
    pub async fn until_idle(&self) {
        let lane = self.lanes.lane(self.provider_id);
        let idle = async {
            while lane.in_flight() > 0 {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(Duration::from_secs(30), idle).await.expect("the attempts end");
    }

    /// Changes the provider, before the executor starts.
    pub async fn change_provider(&self, change: impl FnOnce(&mut ProviderRow)) {
        let mut row = ProviderReader::provider(&self.store, self.provider_id).await.unwrap();
        change(&mut row);
        row.version += 1;
        self.store.update_provider(&row).await.unwrap();
    }

    /// Creates a client's batch, all of whose jobs were fed. Returns the job of a line.
    pub async fn job_of_batch(&self, line: &str) -> Job {
        let (now, total) = (Timestamp::UNIX_EPOCH, u64::from(JOBS));
        let id = RunId::from_uuid(Uuid::now_v7());
        let dataset_id = self.store_run().await.submission.dataset_id;
        let mut row = run_of(id, self.provider_id, dataset_id, total);
        row.submission.kind = RunKind::Batch;
        self.store.create_run(&row).await.unwrap();
        self.store.mark_fed(id, total, &[], now).await.unwrap();
        Job { run_id: id, item: JobItem::Inline(line.into()), ..self.job(0) }
    }

    pub async fn store_run(&self) -> RunRow {
        self.store.run(self.run_id).await.unwrap()
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

fn sealed(keyring: &Keyring, key: &str) -> SealedSecret {
    let id = Uuid::now_v7();
    SealedSecret {
        id,
        kind: SecretKind::ApiKey,
        name: "main".into(),
        sealed: keyring.sealer().seal(Owner::provider_secret(id), &key.into()),
        masked: "s...".into(),
        weight: 1,
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
        run_id: None,
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
