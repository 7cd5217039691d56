//! A feeder and a reconciler for tests, over an `SQLite` file and a broker in this process. They run only when a test
//! calls them.

mod broker;

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::stream;
use jiff::Timestamp;
use prometheus::Registry;
use runmill_broker::{Broker, Envelope, Queue};
use runmill_proto::{
    DatasetId, InvocationId, Outcome, ProviderId, RunId, Tenant,
    api::{
        Capabilities, ExecutorLane, ExecutorRun, ExecutorStatus, NewRun, ProviderKind, RateLimit,
        SettingsOverride,
    },
    message::Job,
    testing,
};
use runmill_runtime::ManualClock;
use runmill_store::{
    DatasetWriter, Exchange, Leader, LogBatch, LogEntry, LogWriter, NewDataset, ProviderRow, ProviderWriter,
    RunReader, RunRow, RunWriter, StoredItem, sqlite::SqliteStore, testing::beat,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::Notify, time::advance};
use uuid::Uuid;

use crate::{
    announcer::Announcer,
    feeder::{Feeder, FeederHealth, LEASE, Lanes, Leading},
    judging::Judges,
    metrics::DispatcherMetrics,
    reconciler::{LastMovement, Reconciler},
    rescoring::Rescorer,
    retention::Retention,
    reuse::EarlierAnswers,
    run_control::RunControl,
    webhooks::{WebhookSettings, Webhooks},
};
pub use broker::FaultyBroker;

pub const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub struct World {
    pub store: SqliteStore,
    pub broker: Arc<FaultyBroker>,
    pub clock: ManualClock,
    pub feeder: Arc<Feeder>,
    pub leading: Leading,
    pub lanes: Lanes,
    pub reconciler: Reconciler,
    pub last_movements: HashMap<RunId, LastMovement>,
    _folder: TempDir,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("db")).await.unwrap();
        let broker = Arc::new(FaultyBroker::new());
        let clock = ManualClock::new(NOW);
        let metrics = DispatcherMetrics::register(&Registry::new()).unwrap();
        let runs = RunControl {
            store: Arc::new(store.clone()),
            announcer: Announcer(broker.clone()),
            clock: clock.clock(),
            wake: Arc::new(Notify::new()),
        };
        let feeder = Arc::new(Feeder {
            runs: runs.clone(),
            broker: broker.clone(),
            metrics: metrics.clone(),
            lane_concurrency: 1,
            log_partitions: 1,
            judges: Judges { runs: runs.clone() },
            answers: EarlierAnswers::new(runs.store.clone(), runs.wake.clone()),
            rescorer: Rescorer { store: runs.store.clone(), clock: clock.clock() },
            retention: Retention { store: runs.store.clone(), clock: clock.clock(), keep: None },
            webhooks: Webhooks {
                store: runs.store.clone(),
                clock: clock.clock(),
                settings: WebhookSettings::default(),
            },
            health: FeederHealth::default(),
        });
        let reconciler = Reconciler { runs, metrics, period: Duration::from_secs(20) };
        let leading = lead(&store, clock.now()).await;
        Self {
            store,
            broker,
            clock,
            feeder,
            leading,
            lanes: Lanes::default(),
            reconciler,
            last_movements: HashMap::new(),
            _folder: folder,
        }
    }

    /// Lets another leader follow, which knows nothing of this one.
    pub async fn replace_leader(&mut self) {
        self.leading.release().await;
        self.leading = lead(&self.store, self.clock.now()).await;
        self.lanes = Lanes::default();
    }

    /// Creates provider number `n` with a dataset of `items`, and a run of them.
    pub async fn run(&self, n: u128, items: usize, config: Value) -> RunId {
        let provider = provider(n);
        self.store.create_provider(&provider).await.unwrap();
        self.another_run(n, n, items, config).await
    }

    /// Creates run number `id` of provider number `n`, with a dataset of its own.
    pub async fn another_run(&self, n: u128, id: u128, items: usize, config: Value) -> RunId {
        let dataset_id = DatasetId::from_uuid(Uuid::from_u128(id));
        let dataset =
            NewDataset { id: dataset_id, tenant: Tenant::default(), name: "d".into(), created_at: NOW };
        let item = |n| Ok(item(n));
        self.store.create_dataset(dataset, Box::pin(stream::iter((0..items).map(item)))).await.unwrap();
        let config = serde_json::from_value(config).unwrap();
        let new = NewRun { config, ..testing::new_run(provider(n).id, dataset_id) };
        let id = RunId::from_uuid(Uuid::from_u128(id));
        self.store.create_run(&RunRow::new(id, new, items as u64, self.clock.now())).await.unwrap();
        id
    }

    /// Runs one pass of the feeder.
    pub async fn feed(&mut self) {
        self.feeder.feed(&self.leading, &mut self.lanes).await;
    }

    /// Runs one pass of the feeder in each of `seconds`.
    pub async fn feed_for(&mut self, seconds: u64) {
        for _ in 0..seconds {
            advance(Duration::from_secs(1)).await;
            self.clock.advance(Duration::from_secs(1));
            self.feed().await;
        }
    }

    /// Runs one pass of each. Returns the number of jobs fed so far.
    pub async fn pass(&mut self) -> u64 {
        self.reconciler.reconcile(&mut self.last_movements).await.unwrap();
        self.feed().await;
        self.feeder.metrics.jobs_fed.get()
    }

    /// Takes all jobs that wait in the queue of a provider.
    pub async fn take(&self, n: u128) -> Vec<Job> {
        self.take_some(n, u64::MAX).await
    }

    /// Takes as many jobs that wait in the queue of a provider, at most.
    pub async fn take_some(&self, n: u128, most: u64) -> Vec<Job> {
        let queue = Queue::Jobs(provider(n).id);
        let mut ready = self.broker.depth(queue).await.unwrap().map_or(0, |depth| depth.ready).min(most);
        let mut taking = self.broker.subscribe(queue, 1_000).await.unwrap();
        let mut jobs = Vec::new();
        while ready > 0 {
            let delivery = taking.next().await.unwrap();
            jobs.push(delivery.message.decode().unwrap());
            delivery.ack().await.unwrap();
            ready -= 1;
        }
        jobs
    }

    /// Records an answer to each of the jobs.
    pub async fn answer(&self, jobs: &[Job]) {
        let answered = |job: &Job| {
            let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
            LogEntry::Invocation(Box::new(testing::invocation(job.key(), call, Outcome::Succeeded)))
        };
        let batch = LogBatch(jobs.iter().map(answered).collect());
        self.store.write_logs(&batch, self.clock.now()).await.unwrap();
    }

    /// Puts a log into the partition of all runs, where no log-sink takes it.
    pub async fn leave_log(&self, job: &Job) {
        let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
        let log = testing::invocation(job.key(), call, Outcome::Succeeded);
        self.broker.declare(Queue::Logs(0)).await.unwrap();
        self.broker.publish(Queue::Logs(0), Envelope::new(&log)).await.unwrap();
    }

    /// Writes the heartbeat of an executor with `jobs` of the run in hand. One of an older release does not say so.
    pub async fn beat(&self, run_id: RunId, jobs: u32, is_older: bool) {
        let lane = ExecutorLane {
            provider_id: provider(1).id,
            concurrency: 9,
            in_flight: jobs,
            keys: Vec::new(),
            fault: None,
        };
        let status = ExecutorStatus {
            version: "1".into(),
            started_at: NOW,
            lanes: vec![lane],
            runs: if is_older { Vec::new() } else { vec![ExecutorRun { run_id, jobs }] },
            ..runmill_proto::testing::executor("a:1", self.clock.now())
        };
        self.store.exchange(&beat(status)).await.unwrap();
    }

    pub async fn row(&self, id: RunId) -> RunRow {
        self.store.run(id).await.unwrap()
    }
}

async fn lead(store: &SqliteStore, now: Timestamp) -> Leading {
    // No test takes as long as this lease.
    Leading::new(store.try_lead(LEASE * 100).await.unwrap().unwrap(), now)
}

/// Returns an item whose right answer is 4.
pub fn item(n: usize) -> StoredItem {
    let item_id = format!("q{n}");
    let body = json!({"id": item_id, "type": "freeform", "inputs": {"text": "2 + 2?"}, "answer": "4"});
    StoredItem { body: body.to_string(), item_id }
}

pub fn provider(n: u128) -> ProviderRow {
    ProviderRow {
        id: ProviderId::from_uuid(Uuid::from_u128(n)),
        tenant: Tenant::default(),
        shared: false,
        name: format!("p{n}"),
        kind: ProviderKind::Custom,
        protocol: None,
        base_url: "http://127.0.0.1:9".into(),
        proxy: None,
        secrets: Vec::new(),
        capabilities: Capabilities::default(),
        rate_limit: RateLimit::default(),
        settings: SettingsOverride::default(),
        version: 1,
        created_at: NOW,
        updated_at: NOW,
    }
}
