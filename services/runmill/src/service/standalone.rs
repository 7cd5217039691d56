use std::{fs, net::SocketAddr, os::unix::fs::DirBuilderExt, path::Path, sync::Arc};

use anyhow::Context;
use futures::Stream;
use prometheus::Registry;
use runmill_broker::{SharedBroker, memory::MemoryBroker};
use runmill_config::{Config, Role, Token};
use runmill_runtime::{Lifecycle, Shutdown, stop_signals};
use runmill_store::{ActiveRuns, RunWriter, SharedStore, Transition, sqlite::SqliteStore};
use tokio::net::TcpListener;

use super::{
    clock,
    cluster::listen,
    database::DatabaseHealth,
    parts::{self, DispatcherSecrets, Feeding, Parts, connect_broker, connect_store},
    secrets,
};
use crate::{client::Client, exit::ExitCode, process::Process};

/// All services in one process. Each has its own [`Lifecycle`], so that they can stop in the order in which work flows.
pub struct Standalone {
    /// Client of this process's own API.
    pub client: Client,
    pub address: SocketAddr,
    broker: SharedBroker,
    executor: Lifecycle,
    log_sink: Lifecycle,
    dispatcher: Lifecycle,
    drain_timeout: std::time::Duration,
}

/// Services that a standalone process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Services {
    All,
    /// The executor and the API, for smoke tests. No run makes progress.
    WithoutRuns,
    /// The API, to show and to change runs.
    ApiOnly,
}

/// Place of the database and the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// Both are in this process and its data directory; `DATABASE_URL` and `AMQP_URL` are ignored.
    Always,
    /// They are at `DATABASE_URL` and `AMQP_URL`. If a variable is not set, that server is embedded.
    WhereUnset,
}

/// Runs all services as a server, until a signal or until one of them ends.
pub async fn serve() -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    process.log_as("standalone")?;
    let listener = listen(process.config.listen).await?;
    let server = Standalone::start(&process, listener, Services::All, Embedded::WhereUnset).await?;
    eprintln!("runmill serves http://{}  (API: /docs, health: /readyz)", server.address);
    if process.config.tokens.is_empty() {
        let file = process.config.data_dir.join("token");
        eprintln!("its token is in {}", file.display());
    }
    let stopped = server.dispatcher.stop.clone();
    let mut signals = stop_signals()?;
    tokio::select! {
        _ = futures::StreamExt::next(&mut signals) => {}
        () = stopped.cancelled() => {}
        () = server.executor.stop.cancelled() => {}
        () = server.log_sink.stop.cancelled() => {}
    }
    server.stop(signals).await
}

impl Standalone {
    /// Starts services for one command: embedded, on a free port of the loopback address.
    pub async fn for_command(process: &Process, services: Services) -> anyhow::Result<Self> {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        Self::start(process, listener, services, Embedded::Always).await
    }

    async fn start(
        process: &Process,
        listener: TcpListener,
        services: Services,
        embedded: Embedded,
    ) -> anyhow::Result<Self> {
        let config = &process.config;
        make_folder(&config.data_dir)?;
        let keyring = secrets::keyring(process)?;
        let mut tokens = secrets::tokens(process)?;
        let own = Token { role: Role::Admin, value: runmill_vault::generate_hex() };
        tokens.push(own.clone());
        let address = listener.local_addr()?;
        let client = Client::new(&format!("http://{address}"), Some(own.value))?;
        let (store, broker) = connect(config, embedded).await?;
        clock::begin(&*store, &process.server_clock).await.context("reading the time of the database")?;
        if services == Services::All && broker_url(config, embedded).is_none() {
            recover(&*store, process).await?;
        }
        let parts = Parts {
            store,
            broker,
            clock: process.clock.clone(),
            registry: Registry::new(),
            database: DatabaseHealth::default(),
        };
        let this = Self {
            client,
            address,
            broker: parts.broker.clone(),
            executor: Lifecycle::default(),
            log_sink: Lifecycle::default(),
            dispatcher: Lifecycle::default(),
            drain_timeout: config.drain_timeout,
        };
        let following =
            clock::follow(parts.store.clone(), process.server_clock.clone(), this.dispatcher.stop.clone());
        this.dispatcher.spawn("clock", following);
        let feeding = match services {
            Services::All => Feeding::Yes,
            Services::WithoutRuns | Services::ApiOnly => Feeding::No,
        };
        if services == Services::All {
            parts.start_log_sink(config, &this.log_sink)?;
        }
        if services != Services::ApiOnly {
            parts.start_executor(config, &keyring, &this.executor)?;
        }
        let secrets = DispatcherSecrets { tokens, sealer: keyring.sealer() };
        parts.start_dispatcher(config, secrets, listener, feeding, &this.dispatcher)?;
        Ok(this)
    }

    /// Stops each service after the service that sends it messages, so that no message is left between them. A signal
    /// ends the drain early.
    pub async fn stop(self, mut signals: impl Stream<Item = ()> + Unpin) -> anyhow::Result<ExitCode> {
        let mut faults = Vec::new();
        for life in [self.executor, self.log_sink, self.dispatcher] {
            life.stop.cancel();
            match life.run_until(&mut signals, self.drain_timeout).await {
                Shutdown::OnRequest => {}
                other => faults.push(other.to_string()),
            }
        }
        parts::close(&*self.broker).await;
        if faults.is_empty() { Ok(ExitCode::Completed) } else { Err(anyhow::anyhow!(faults.join("; "))) }
    }

    /// Waits until a service ends by itself.
    pub async fn ended(&self) {
        tokio::select! {
            () = self.executor.stop.cancelled() => {}
            () = self.log_sink.stop.cancelled() => {}
            () = self.dispatcher.stop.cancelled() => {}
        }
    }
}

fn broker_url(config: &Config, embedded: Embedded) -> Option<&secrecy::SecretString> {
    config.amqp_url.as_ref().filter(|_| embedded == Embedded::WhereUnset)
}

async fn connect(config: &Config, embedded: Embedded) -> anyhow::Result<(SharedStore, SharedBroker)> {
    let database = config.database_url.as_ref().filter(|_| embedded == Embedded::WhereUnset);
    let store: SharedStore = if let Some(url) = database {
        connect_store(config, url).await?
    } else {
        let path = config.data_dir.join("runmill.db");
        let opened = SqliteStore::open(&path).await;
        Arc::new(opened.with_context(|| format!("opening {}", path.display()))?)
    };
    let broker: SharedBroker = match broker_url(config, embedded) {
        Some(url) => connect_broker(config, url).await?,
        None => Arc::new(MemoryBroker::new()),
    };
    Ok((store, broker))
}

/// Defers all fed jobs without a result to now, so that they are fed again: an embedded queue is lost with its
/// process.
async fn recover(store: &(impl ActiveRuns + RunWriter + ?Sized), process: &Process) -> anyhow::Result<()> {
    for active in store.active_runs().await? {
        if active.run.cursor.fed > 0 {
            store.transition(active.run.id, Transition::Recover, process.clock.now()).await?;
        }
    }
    Ok(())
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(|| {
        format!("creating the data directory {}; RUNMILL_DATA_DIR can name another one", folder.display())
    })
}
