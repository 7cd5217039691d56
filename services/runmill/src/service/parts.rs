use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use axum::Router;
use prometheus::Registry;
use runmill_broker::{
    Broker, SharedBroker,
    amqp::{AmqpBroker, AmqpSettings},
};
use runmill_config::{Config, ProviderNetwork, Token};
use runmill_dispatcher::{
    Dispatcher, DispatcherMetrics, FeederHealth, FrontDoorSettings, Listening, ScalingSettings, SignInCodes,
    WebhookSettings,
};
use runmill_egress::Egress;
use runmill_executor::{Executor, ExecutorMetrics, LaneHealth, ListenerHealth, Programs};
use runmill_lighteval::Program;
use runmill_llm::{Factory, FactorySettings};
use runmill_log_sink::{ConsumerHealth, LogSink, LogSinkMetrics, StoreHealth};
use runmill_quota::Lanes;
use runmill_runtime::{
    Clock, Lifecycle, Readiness,
    http::{HttpLimits, HttpMetrics, HttpServer},
    ops::{self, OpsState},
};
use runmill_store::{
    SharedStore,
    postgres::{PgSettings, PgStore},
};
use runmill_tls::ServerTls;
use runmill_vault::{Keyring, Sealer};
use secrecy::SecretString;
use tokio::{net::TcpListener, sync::Notify};
use uuid::Uuid;

use super::database::DatabaseHealth;
use crate::{exit::UsageError, open_files::open_files_max};

/// Time that a stopping log-sink waits for one more message of a broker on the network.
pub const DRAIN_WAIT: Duration = Duration::from_millis(100);

/// Returns what runs the programs of answers, as far as that is allowed and possible.
pub async fn programs(config: &Config) -> Programs {
    if config.code_scorer { Programs::detect().await } else { Programs::off() }
}

/// Parts that all services of a process share.
pub struct Parts {
    pub store: SharedStore,
    pub broker: SharedBroker,
    pub clock: Clock,
    pub registry: Registry,
    pub database: DatabaseHealth,
}

/// States if a dispatcher feeds jobs or only serves the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feeding {
    Yes,
    No,
}

/// Tokens that a dispatcher accepts, and the key with which it seals the providers' secrets.
pub struct DispatcherSecrets {
    pub tokens: Vec<Token>,
    pub sealer: Sealer,
    /// Codes that sign browsers in.
    pub sign_in_codes: SignInCodes,
}

/// Socket of the API, with the certificates of its TLS. Without them, it speaks plain HTTP.
pub struct ApiListener {
    pub socket: TcpListener,
    /// Socket of the front door. `None`: it is served with the API.
    pub front_door: Option<TcpListener>,
    pub tls: Option<Arc<ServerTls>>,
}

impl ApiListener {
    /// Listens where the settings say.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let tls = config.api_tls.clone().map(ServerTls::load).transpose().map_err(UsageError::new)?;
        let front_door = match config.front_door_listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        Ok(Self { socket: listen(config.listen).await?, front_door, tls: tls.map(Arc::new) })
    }
}

/// Returns the limits of the API's connections: files must be left for all else.
fn api_limits(config: &Config) -> HttpLimits {
    let files = open_files_max().map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let limits = HttpLimits::new(config.connections_max.min(files / 2), config.idle_timeout);
    if limits.connections < config.connections_max {
        tracing::warn!(
            event = "http.connections_reduced",
            connections = limits.connections,
            "the process may open too few files for RUNMILL_CONNECTIONS_MAX: raise LimitNOFILE or `ulimit -n`"
        );
    }
    HttpLimits { strangers: limits.strangers.min(files / 8), ..limits }
}

pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))
}

/// Serves the routes of health and metrics where the settings say. They answer during the drain, too, because operators
/// want to see the state of the process then.
pub async fn serve_ops(
    config: &Config,
    registry: &Registry,
    routes: Router,
    life: &Lifecycle,
) -> anyhow::Result<()> {
    let listener = listen(config.ops_listen).await?;
    tracing::info!(event = "ops.listening", address = %listener.local_addr()?);
    let metrics = HttpMetrics::register(registry, "ops")?;
    let http = HttpServer { limits: HttpLimits::OPS, metrics, tls: None };
    life.spawn_aside("ops", http.serve(listener, routes, life.kill.clone()));
    Ok(())
}

/// Connects to `PostgreSQL`. Fails within ten seconds if it cannot be reached.
pub async fn open_store(config: &Config, url: &SecretString) -> anyhow::Result<PgStore> {
    let settings = PgSettings { pool_size: config.database_pool, ..PgSettings::new(url.clone()) };
    PgStore::connect(&settings).await.context("DATABASE_URL")
}

/// Connects to `PostgreSQL`, checks how it is set up, and migrates it. Fails within ten seconds if it cannot be reached.
pub async fn connect_store(config: &Config, url: &SecretString) -> anyhow::Result<Arc<PgStore>> {
    let store = open_store(config, url).await?;
    store.require_suitable().await.context("DATABASE_URL")?;
    store.migrate().await.context("cannot migrate the database")?;
    Ok(Arc::new(store))
}

/// Connects to `RabbitMQ`. Fails within ten seconds if it cannot be reached.
pub async fn connect_broker(config: &Config, url: &SecretString) -> anyhow::Result<Arc<AmqpBroker>> {
    Ok(Arc::new(AmqpBroker::connect(broker_settings(config, url)).await.context("AMQP_URL")?))
}

pub fn broker_settings(config: &Config, url: &SecretString) -> AmqpSettings {
    AmqpSettings {
        prefix: config.queue_prefix.clone(),
        queue_expires: config.queue_expires,
        ..AmqpSettings::new(url.clone())
    }
}

impl Parts {
    pub fn readiness(&self, life: &Lifecycle) -> Readiness {
        let mut readiness = life.readiness();
        let broker = self.broker.clone();
        let database = self.database.clone();
        readiness.add("database", move || database.check());
        readiness.add("broker", move || broker.health().map_err(|error| error.to_string()));
        readiness
    }

    /// Returns the routes `/healthz`, `/readyz` and `/metrics`.
    pub fn ops(&self, readiness: Readiness) -> Router {
        ops::router(OpsState { registry: self.registry.clone(), readiness })
    }

    /// Starts the API, and with [`Feeding::Yes`] the feeding of jobs. Returns the bell that wakes the feeder, and the routes
    /// of health and metrics.
    pub fn start_dispatcher(
        &self,
        config: &Config,
        secrets: DispatcherSecrets,
        listener: ApiListener,
        feeding: Feeding,
        life: &Lifecycle,
    ) -> anyhow::Result<(Arc<Notify>, Router)> {
        let listening = |name: &str, socket: TcpListener| {
            let (limits, metrics) = (api_limits(config), HttpMetrics::register(&self.registry, name)?);
            anyhow::Ok(Listening { http: HttpServer { limits, metrics, tls: listener.tls.clone() }, socket })
        };
        let api = listening("api", listener.socket)?;
        let front_door = listener.front_door.map(|socket| listening("front_door", socket)).transpose()?;
        let dispatcher = Dispatcher {
            store: self.store.clone(),
            broker: self.broker.clone(),
            sealer: secrets.sealer,
            clock: self.clock.clone(),
            metrics: DispatcherMetrics::register(&self.registry)?,
            tokens: secrets.tokens,
            address_rules: config.address_rules,
            public_url: config.public_url.clone(),
            cors_origins: config.cors_origins.clone(),
            body_max_bytes: config.body_max_bytes,
            line_max_bytes: config.line_max_bytes,
            lane_concurrency: config.lane_concurrency,
            log_partitions: config.log_partitions,
            feeder_health: FeederHealth::default(),
            reconcile_period: config.reconcile_interval,
            keep: config.keep,
            front_door: FrontDoorSettings {
                body_max_bytes: config.call_max_bytes,
                ..FrontDoorSettings::default()
            },
            webhooks: WebhookSettings {
                signer: config.webhook_signer.clone(),
                hosts: config.webhook_hosts.clone(),
                address_rules: config.address_rules,
                egress: egress(&config.provider_network),
            },
            scaling: ScalingSettings {
                executor_calls: config.executor_calls,
                scale_down: config.scale_down,
                ..ScalingSettings::default()
            },
            sign_in_codes: secrets.sign_in_codes,
            prices: config.prices.clone(),
        };
        let wake = Arc::new(Notify::new());
        let mut readiness = self.readiness(life);
        let feeder_health = dispatcher.feeder_health.clone();
        readiness.add("feeder", move || feeder_health.check());
        let ops = self.ops(readiness);
        dispatcher.serve(api, front_door, ops.clone(), &wake, life);
        if feeding == Feeding::Yes {
            dispatcher.feed(&wake, life);
        }
        Ok((wake, ops))
    }

    /// Starts the executor, with LightEval and a sandbox for programs if it has them. Returns its two readiness checks: that the jobs of every provider are taken, and that requests
    /// and control messages reach it.
    pub fn start_executor(
        &self,
        config: &Config,
        keyring: &Keyring,
        (lighteval, programs): (Option<Program>, Programs),
        life: &Lifecycle,
    ) -> anyhow::Result<(LaneHealth, ListenerHealth)> {
        let (lane_health, listener_health) = (LaneHealth::default(), ListenerHealth::default());
        let lanes = Arc::new(Lanes::leased());
        let factory = FactorySettings {
            prices: config.prices.clone(),
            address_rules: config.address_rules,
            egress: egress(&config.provider_network),
            ..FactorySettings::new(self.clock.clone(), lanes.clone())
        };
        let executor = Executor {
            name: executor_name(),
            store: self.store.clone(),
            broker: self.broker.clone(),
            opener: keyring.opener(),
            factory: Arc::new(Factory::new(factory, &self.registry)?),
            lanes,
            lane_concurrency: config.lane_concurrency,
            limits_without_store: config.limits_without_store,
            clock: self.clock.clone(),
            metrics: ExecutorMetrics::register(&self.registry)?,
            log_partitions: config.log_partitions,
            lane_health: lane_health.clone(),
            listener_health: listener_health.clone(),
            lighteval,
            programs,
        };
        executor.start(life);
        Ok((lane_health, listener_health))
    }

    /// Starts the log-sink, which waits `drain_wait` for one more message when it stops. Returns its two readiness checks: that
    /// the store accepts writes, and that every partition of the logs is consumed.
    pub fn start_log_sink(
        &self,
        config: &Config,
        drain_wait: Duration,
        life: &Lifecycle,
    ) -> anyhow::Result<(StoreHealth, ConsumerHealth)> {
        let store_health = StoreHealth::default();
        let consumer_health = ConsumerHealth::new(config.log_partitions);
        let sink = LogSink {
            broker: self.broker.clone(),
            results: self.store.clone(),
            clock: self.clock.clone(),
            metrics: LogSinkMetrics::register(&self.registry)?,
            store_health: store_health.clone(),
            consumer_health: consumer_health.clone(),
            partitions: config.log_partitions,
            drain_wait,
        };
        life.spawn("log-sink", sink.run(life.stop.clone()));
        Ok((store_health, consumer_health))
    }
}

fn egress(network: &ProviderNetwork) -> Egress {
    let ProviderNetwork { proxy, no_proxy, roots } = network.clone();
    Egress { proxy, no_proxy, roots }
}

/// Returns host name and process id, which show where the process runs, and a random end. Containers often have the same
/// process id, and some the same host name.
fn executor_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "localhost" } else { host.trim() };
    let id = Uuid::now_v7().simple().to_string();
    // The last digits of a UUIDv7 are random.
    format!("{host}:{}:{}", std::process::id(), &id[26..])
}

/// Time for closing the broker's connections: longer than a broker with a slow disk needs to write the last acks.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Closes the broker's connections.
pub async fn close(broker: &dyn Broker) {
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, broker.close()).await;
}
