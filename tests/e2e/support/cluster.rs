use std::time::Duration;

use runmill_broker::{
    Broker as _, Queue,
    amqp::{AmqpBroker, AmqpSettings},
};
use runmill_gateway::{Gateway, GatewaySettings};
use runmill_proto::ProviderId;
use runmill_testkit::{
    amqp_url, delete_queues, finish_in_drop,
    postgres::{TestDatabase, texts},
    unique_prefix,
};

use serde_json::Value;

use super::{Api, Command, Process, Release, until};

/// Default of `RUNMILL_LOG_PARTITIONS`.
pub const LOG_PARTITIONS: u16 = 4;
const QUEUE_EXPIRES: Duration = Duration::from_mins(5);
const TOKEN: &str = "e2e-admin-0123456789";
const ENCRYPTION_KEY: &str = "e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0";

/// Size, servers and log level of a cluster.
pub struct Plan {
    pub release: Release,
    pub executors: usize,
    pub log_sinks: usize,
    pub log_level: &'static str,
    /// Administrator's token of the API.
    pub token: &'static str,
    pub encryption_key: &'static str,
    /// Password in the URL of the shared database, unless the URL has one. The server need not ask for it.
    pub database_password: Option<&'static str>,
    /// URL of the database. `None` stands for a new database on the server that tests share.
    pub database_url: Option<String>,
    /// URL of the broker. `None` stands for new queues on the server that tests share.
    pub amqp_url: Option<String>,
    /// URL of the collector of traces. `None` means no traces.
    pub otlp_endpoint: Option<String>,
    /// Further settings of all processes.
    pub settings: Vec<(&'static str, String)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            release: Release::Now,
            executors: 1,
            log_sinks: 1,
            log_level: "info",
            token: TOKEN,
            encryption_key: ENCRYPTION_KEY,
            database_password: None,
            database_url: None,
            amqp_url: None,
            otlp_endpoint: None,
            settings: Vec::new(),
        }
    }
}

/// A cluster of real processes and real servers, with the gateway as its model.
pub struct Cluster {
    pub api: Api,
    pub dispatcher: Process,
    pub executors: Vec<Process>,
    pub log_sinks: Vec<Process>,
    pub gateway: Gateway,
    pub servers: Servers,
}

/// Database and broker of a cluster, and the settings by which its processes use them.
pub struct Servers {
    /// Release of the processes that are started from now on.
    pub release: Release,
    pub database_url: String,
    pub amqp_url: String,
    pub prefix: String,
    token: &'static str,
    encryption_key: &'static str,
    log_level: &'static str,
    otlp_endpoint: Option<String>,
    settings: Vec<(&'static str, String)>,
    database: Option<TestDatabase>,
    /// True if the broker is the one that tests share, and only the queues are the cluster's own.
    shares_broker: bool,
}

impl Cluster {
    pub async fn start(executors: usize, log_sinks: usize) -> Self {
        Self::planned(Plan { executors, log_sinks, ..Plan::default() }).await
    }

    pub async fn planned(plan: Plan) -> Self {
        let servers = Servers::new(&plan).await;
        let settings = GatewaySettings { calls_kept_max: 1_000_000, ..GatewaySettings::default() };
        let gateway = Gateway::start(settings).await.unwrap();
        let dispatcher = servers.service("dispatcher").start();
        let executors: Vec<_> = (0..plan.executors).map(|_| servers.service("executor").start()).collect();
        let log_sinks: Vec<_> = (0..plan.log_sinks).map(|_| servers.service("log-sink").start()).collect();
        let address = dispatcher.field_of("dispatcher.listening", "address").await;
        for process in executors.iter().chain(&log_sinks) {
            process.field_of("ops.listening", "address").await;
        }
        let api = Api::new(&address, servers.token);
        api.executors(executors.len()).await;
        Self { api, dispatcher, executors, log_sinks, gateway, servers }
    }

    /// Starts another dispatcher in place of one that was killed.
    pub async fn restart_dispatcher(&mut self) {
        assert_eq!(self.dispatcher.ended().await, None, "a signal ended it");
        self.start_dispatcher().await;
    }

    /// Starts another dispatcher beside the first. Returns it, with a client of its API.
    pub async fn second_dispatcher(&self) -> (Process, Api) {
        let dispatcher = self.servers.service("dispatcher").start();
        let address = dispatcher.field_of("dispatcher.listening", "address").await;
        (dispatcher, Api::new(&address, self.servers.token))
    }

    /// Replaces the dispatcher by one of `release`.
    pub async fn replace_dispatcher(&mut self, release: Release) {
        self.servers.release = release;
        drained(&self.dispatcher).await;
        self.start_dispatcher().await;
    }

    async fn start_dispatcher(&mut self) {
        self.dispatcher = self.servers.service("dispatcher").start();
        let address = self.dispatcher.field_of("dispatcher.listening", "address").await;
        self.api = Api::new(&address, self.servers.token);
    }

    /// Replaces one executor after the other by one of `release`.
    pub async fn replace_executors(&mut self, release: Release) {
        self.servers.release = release;
        for executor in &mut self.executors {
            replace(executor, self.servers.service("executor")).await;
        }
    }

    /// Replaces one log-sink after the other by one of `release`.
    pub async fn replace_log_sinks(&mut self, release: Release) {
        self.servers.release = release;
        for log_sink in &mut self.log_sinks {
            replace(log_sink, self.servers.service("log-sink")).await;
        }
    }

    pub async fn add_executor(&mut self) {
        self.add_executor_at(&self.servers.database_url.clone()).await;
    }

    /// Adds an executor that reaches the cluster's database by another URL.
    pub async fn add_executor_at(&mut self, database_url: &str) {
        self.executors.push(self.servers.service("executor").env("DATABASE_URL", database_url).start());
        self.api.executors(self.executors.len()).await;
    }

    /// Waits until an executor reports calls in flight. Returns it: others may have none.
    pub async fn busy_executor(&self) -> &Process {
        let busy = async || {
            let executors = self.api.get("/executors").await;
            let calls = |executor: &Value| executor["lanes"][0]["in_flight"].as_u64().unwrap_or(0);
            let busy = executors.as_array()?.iter().find(|executor| calls(executor) > 0)?;
            let name = busy["name"].as_str()?.to_owned();
            self.executors.iter().find(|process| name.contains(&format!(":{}:", process.pid())))
        };
        until("an executor with calls", async || busy().await.is_some()).await;
        busy().await.expect("its calls are held")
    }

    /// Returns all processes of the cluster.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.executors.iter().chain(&self.log_sinks).chain([&self.dispatcher])
    }

    /// Stops the processes that still run.
    pub async fn stop(&self) {
        for process in self.processes() {
            if process.is_running().await {
                drained(process).await;
            }
        }
    }

    /// Waits until no job is in the provider's queue or at an executor. Copies of jobs that are done may still be there when
    /// a run ends.
    pub async fn calm(&self, provider: ProviderId) {
        let broker = self.servers.broker().await;
        until("an empty queue and idle executors", async || {
            let depth = broker.depth(Queue::Jobs(provider)).await.unwrap();
            let executors = self.api.get("/executors").await;
            let idle = |executor: &Value| executor["runs"].as_array().is_some_and(Vec::is_empty);
            depth.is_none_or(|depth| depth.ready == 0) && executors.as_array().unwrap().iter().all(idle)
        })
        .await;
        broker.close().await;
    }

    /// Stops every process, and checks that all queues are empty. Unacked messages would be in the queues again.
    pub async fn assert_nothing_left(self, provider: ProviderId) {
        self.stop().await;
        let queues = queues(&self.servers.prefix, &[provider.to_string()]);
        for (queue, ready) in runmill_testkit::ready_messages(&self.servers.amqp_url, &queues).await {
            assert_eq!(ready, 0, "{queue} is not empty");
        }
    }
}

impl Servers {
    async fn new(plan: &Plan) -> Self {
        let database = match plan.database_url {
            Some(_) => None,
            None => Some(TestDatabase::create().await),
        };
        let shared = database.as_ref().map(|database| with_password(database.url(), plan.database_password));
        Self {
            release: plan.release,
            database_url: plan.database_url.clone().or(shared).expect("it is given or made"),
            amqp_url: plan.amqp_url.clone().unwrap_or_else(amqp_url),
            prefix: unique_prefix(),
            token: plan.token,
            encryption_key: plan.encryption_key,
            log_level: plan.log_level,
            otlp_endpoint: plan.otlp_endpoint.clone(),
            settings: plan.settings.clone(),
            database,
            shares_broker: plan.amqp_url.is_none(),
        }
    }

    /// Returns the command of a service, with the cluster's environment.
    pub fn service(&self, name: &str) -> Command {
        let command = Command::of(self.release, &[name])
            .env("APP_LOG_LEVEL", self.log_level)
            .env("DATABASE_URL", &self.database_url)
            .env("AMQP_URL", &self.amqp_url)
            .env("ENCRYPTION_KEY", self.encryption_key)
            .env("RUNMILL_TOKENS", &format!("admin:{}", self.token))
            .env("RUNMILL_QUEUE_PREFIX", &self.prefix)
            .env("RUNMILL_QUEUE_EXPIRES_SECONDS", &QUEUE_EXPIRES.as_secs().to_string())
            .env("RUNMILL_LISTEN", "127.0.0.1:0")
            .env("RUNMILL_OPS_LISTEN", "127.0.0.1:0")
            // An empty value is the same as none.
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", self.otlp_endpoint.as_deref().unwrap_or_default());
        self.settings.iter().fold(command, |command, (name, value)| command.env(name, value))
    }

    /// Connects to the cluster's queues.
    pub async fn broker(&self) -> AmqpBroker {
        let settings = AmqpSettings {
            prefix: self.prefix.clone(),
            queue_expires: Some(QUEUE_EXPIRES),
            ..AmqpSettings::new(self.amqp_url.clone())
        };
        AmqpBroker::connect(settings).await.unwrap()
    }
}

fn with_password(url: &str, password: Option<&str>) -> String {
    let mut url: reqwest::Url = url.parse().unwrap();
    if url.password().is_none() {
        url.set_password(password).expect("the URL has a host");
    }
    url.into()
}

/// Asks a process to end. Returns when it has.
async fn drained(process: &Process) {
    process.signal("TERM");
    assert_eq!(process.ended().await, Some(0), "{}", process.log());
}

/// Replaces an executor or a log-sink by a new process, and waits until that has started.
async fn replace(process: &mut Process, by: Command) {
    drained(process).await;
    *process = by.start();
    process.field_of("ops.listening", "address").await;
}

/// Returns the names of the job queues, then of all other queues.
fn queues(prefix: &str, providers: &[String]) -> Vec<String> {
    let lanes = providers.iter().map(|provider| format!("jobs.{provider}"));
    let logs = (0..LOG_PARTITIONS).map(|partition| format!("logs.{partition}"));
    let others = ["dead-letters", "requests"].map(str::to_owned);
    lanes.chain(logs).chain(others).map(|name| format!("{prefix}.{name}")).collect()
}

/// Deletes the queues at once. Expired queues would burden the tests of the next minutes.
impl Drop for Servers {
    fn drop(&mut self) {
        let Some(database) = self.database.as_ref().filter(|_| self.shares_broker) else { return };
        let (database, amqp_url) = (database.url().to_owned(), self.amqp_url.clone());
        let prefix = self.prefix.clone();
        finish_in_drop(&format!("queues of {prefix}"), async move {
            let providers = texts(&database, "SELECT id::text FROM providers").await;
            delete_queues(
                &amqp_url,
                &queues(&prefix, &providers),
                &["control", "direct"].map(|name| format!("{prefix}.{name}")),
            )
            .await;
        });
    }
}
