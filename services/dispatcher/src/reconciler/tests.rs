use std::sync::Arc;

use futures::stream;
use jiff::Timestamp;
use prometheus::Registry;
use runmill_broker::memory::MemoryBroker;
use runmill_proto::{
    DatasetId, ProviderId,
    api::{Capabilities, NewRun, ProviderKind, RateLimit, SettingsOverride},
    testing,
};
use runmill_runtime::Clock;
use runmill_store::{DispatcherStore, NewDataset, ProviderRow, StoredItem, sqlite::SqliteStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::Notify, time::advance};
use uuid::Uuid;

use super::*;
use crate::{announcer::Announcer, feeder::{Feeder, Lanes, Leading}};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A feeder and a reconciler that run only when a test calls them.
struct World {
    store: Arc<dyn DispatcherStore>,
    feeder: Arc<Feeder>,
    leading: Leading,
    reconciler: Reconciler,
    last_movements: HashMap<RunId, LastMovement>,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn DispatcherStore> =
            Arc::new(SqliteStore::open(folder.path().join("db")).await.unwrap());
        let broker = Arc::new(MemoryBroker::new());
        let clock = Clock::fixed(NOW);
        let metrics = DispatcherMetrics::register(&Registry::new()).unwrap();
        let wake = Arc::new(Notify::new());
        let runs = RunControl { store: store.clone(), announcer: Announcer(broker.clone()), clock, wake };
        let feeder = Arc::new(Feeder {
            runs: runs.clone(),
            broker,
            metrics: metrics.clone(),
            lane_concurrency: 1,
            log_partitions: 1,
        });
        let lead = store.try_lead(Duration::from_mins(5)).await.unwrap().unwrap();
        let leading = Leading::new(lead, NOW);
        let reconciler = Reconciler { runs, metrics, period: Duration::from_secs(20) };
        Self { store, feeder, leading, reconciler, last_movements: HashMap::new(), _folder: folder }
    }

    /// Creates a run of one job.
    async fn run(&self, config: Value) {
        let provider_id = ProviderId::from_uuid(Uuid::from_u128(1));
        let provider = ProviderRow {
            id: provider_id,
            name: "p".into(),
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
        };
        self.store.create_provider(&provider).await.unwrap();
        let dataset_id = DatasetId::from_uuid(Uuid::from_u128(2));
        let dataset = NewDataset { id: dataset_id, name: "d".into(), created_at: NOW };
        let item = StoredItem { item_id: "q".into(), body: "{}".into() };
        self.store.create_dataset(dataset, Box::pin(stream::iter([Ok(item)]))).await.unwrap();
        let config = serde_json::from_value(config).unwrap();
        let new = NewRun { config, ..testing::new_run(provider_id, dataset_id) };
        let row = RunRow::new(RunId::from_uuid(Uuid::from_u128(3)), new, 1, NOW);
        self.store.create_run(&row).await.unwrap();
    }

    /// Runs one pass of each. Returns the number of jobs fed so far.
    async fn pass(&mut self) -> u64 {
        self.reconciler.reconcile(&mut self.last_movements).await.unwrap();
        self.feeder.feed(&self.leading, &mut Lanes::default()).await;
        self.feeder.metrics.jobs_fed.get()
    }

    async fn pass_after(&mut self, time: Duration) -> u64 {
        advance(time).await;
        self.pass().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_is_fed_again_only_after_the_longest_time_that_its_run_allows() {
    let mut world = World::new().await;
    let retry = json!({"wait_max_seconds": 1, "backoff_base_seconds": 0.01, "backoff_max_seconds": 0.01,
        "budget_percent": 1000});
    world.run(json!({"timeout_seconds": 8, "max_retries": 15, "retry": retry})).await;
    assert_eq!(world.pass().await, 1);
    // The job's executor is healthy. Its attempts fail until the last one, so no result comes for a long time.
    assert_eq!(world.pass().await, 1, "the reconciler first sees the job");
    assert_eq!(world.pass_after(Duration::from_secs(105)).await, 1);
    assert_eq!(world.pass_after(Duration::from_secs(75)).await, 1);
    let longest = 16 * (8 + 1) + 60;
    assert_eq!(world.pass_after(Duration::from_secs(longest - 180 - 1)).await, 1);

    assert_eq!(world.pass_after(Duration::from_secs(1)).await, 2);
}
