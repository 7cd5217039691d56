use runmill_gateway::{Gateway, GatewaySettings};
use runmill_proto::ProviderId;
use runmill_testkit::{amqp_url, postgres::TestDatabase, unique_prefix};

use super::{Api, Command, Process};

/// The default.
const LOG_PARTITIONS: u16 = 4;
const TOKEN: &str = "e2e-admin-0123456789";
const KEY: &str = "e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0";

/// A cluster of real processes over real servers, with a model of our own.
pub struct Cluster {
    pub api: Api,
    pub dispatcher: Process,
    pub executors: Vec<Process>,
    pub log_sinks: Vec<Process>,
    pub gateway: Gateway,
    pub database: TestDatabase,
    pub prefix: String,
}

impl Cluster {
    pub async fn start(executors: usize, log_sinks: usize) -> Self {
        let database = TestDatabase::create().await;
        let prefix = unique_prefix();
        let settings = GatewaySettings { calls_kept_max: 1_000_000, ..GatewaySettings::default() };
        let gateway = Gateway::start(settings).await.unwrap();
        let service = |name| service(name, &database, &prefix).start();
        let dispatcher = service("dispatcher");
        let executors: Vec<_> = (0..executors).map(|_| service("executor")).collect();
        let log_sinks: Vec<_> = (0..log_sinks).map(|_| service("log-sink")).collect();
        let address = dispatcher.field_of("dispatcher.listening", "address").await;
        for process in executors.iter().chain(&log_sinks) {
            process.field_of("ops.listening", "address").await;
        }
        let api = Api::new(&address, TOKEN);
        Self { api, dispatcher, executors, log_sinks, gateway, database, prefix }
    }

    /// Stops every process, and looks into the queues: what was unacked would be ready again.
    pub async fn assert_nothing_left(self, provider: ProviderId) {
        for process in self.executors.iter().chain(&self.log_sinks).chain([&self.dispatcher]) {
            if process.is_running().await {
                process.signal("TERM");
                assert_eq!(process.ended().await, Some(0), "{}", process.log());
            }
        }
        let logs = (0..LOG_PARTITIONS).map(|partition| format!("{}.logs.{partition}", self.prefix));
        let queues: Vec<_> = [format!("{}.jobs.{provider}", self.prefix), format!("{}.dead", self.prefix)]
            .into_iter()
            .chain(logs)
            .collect();
        for (queue, ready) in runmill_testkit::ready_messages(&queues).await {
            assert_eq!(ready, 0, "{queue} is not empty");
        }
    }

    /// One more service, with the cluster's environment.
    pub fn service(&self, name: &str) -> Command {
        service(name, &self.database, &self.prefix)
    }
}

fn service(name: &str, database: &TestDatabase, prefix: &str) -> Command {
    Command::runmill(&[name])
        .env("DATABASE_URL", database.url())
        .env("AMQP_URL", &amqp_url())
        .env("ENCRYPTION_KEY", KEY)
        .env("RUNMILL_TOKENS", &format!("admin:{TOKEN}"))
        .env("RUNMILL_QUEUE_PREFIX", prefix)
        .env("RUNMILL_QUEUE_EXPIRES_SECONDS", "300")
        .env("RUNMILL_LISTEN", "127.0.0.1:0")
        .env("RUNMILL_OPS_LISTEN", "127.0.0.1:0")
}
