use std::{fs, net::SocketAddr, os::unix::fs::DirBuilderExt, path::Path, sync::Arc};

use anyhow::Context;
use futures::Stream;
use prometheus::Registry;
use runmill_broker::{SharedBroker, memory::MemoryBroker};
use runmill_config::{Access, Config, Token};
use runmill_runtime::{Lifecycle, stop_signals};
use runmill_store::{ActiveRuns, RunWriter, SharedStore, Transition, sqlite::SqliteStore};
use tokio::net::TcpListener;

use super::{
    cluster::listen,
    parts::{self, Feeding, Parts, connect_broker, connect_store},
    secrets,
};
use crate::{client::Client, exit::Exit, process::Process};

/// All services in this process, each with a life of its own, so that they can end in the order in which work flows.
pub struct Standalone {
    /// Speaks to our own API.
    pub client: Client,
    pub address: SocketAddr,
    broker: SharedBroker,
    executor: Lifecycle,
    log_sink: Lifecycle,
    front: Lifecycle,
    drain_timeout: std::time::Duration,
}

/// Which services are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Everything.
    Whole,
    /// Only what calls models and who asks it to: no run goes on.
    WithoutRuns,
    /// Only what looks at runs and steers them.
    FrontOnly,
}

/// Where state is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// In this process and its data directory, whatever the environment says.
    Always,
    /// Where `DATABASE_URL` and `AMQP_URL` say, and embedded where they say nothing.
    WhereUnset,
}

/// The server of everything, until a signal.
pub async fn serve() -> anyhow::Result<Exit> {
    let process = Process::load()?;
    process.log_as("standalone")?;
    let listener = listen(process.config.listen).await?;
    let server = Standalone::start(&process, listener, Shape::Whole, Embedded::WhereUnset).await?;
    eprintln!("runmill serves http://{}  (API: /docs, health: /readyz)", server.address);
    if process.config.tokens.is_empty() {
        let file = process.config.data_dir.join("token");
        eprintln!("its token is in {}", file.display());
    }
    let stopped = server.front.stop.clone();
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
    /// For a command that works by itself: embedded, on a free port of the loopback address.
    pub async fn private(process: &Process, shape: Shape) -> anyhow::Result<Self> {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        Self::start(process, listener, shape, Embedded::Always).await
    }

    async fn start(
        process: &Process,
        listener: TcpListener,
        shape: Shape,
        embedded: Embedded,
    ) -> anyhow::Result<Self> {
        let config = &process.config;
        make_folder(&config.data_dir)?;
        let keyring = secrets::keyring(process)?;
        let mut tokens = secrets::tokens(process)?;
        let own = Token { access: Access::Admin, value: runmill_vault::generate_hex() };
        tokens.push(own.clone());
        let address = listener.local_addr()?;
        let client = Client::new(&format!("http://{address}"), Some(own.value))?;
        let (store, broker) = connect(config, embedded).await?;
        if shape == Shape::Whole && config_broker(config, embedded).is_none() {
            recover(&*store, process).await?;
        }
        let parts = Parts { store, broker, clock: process.clock.clone(), registry: Registry::new() };
        let this = Self {
            client,
            address,
            broker: parts.broker.clone(),
            executor: Lifecycle::default(),
            log_sink: Lifecycle::default(),
            front: Lifecycle::default(),
            drain_timeout: config.drain_timeout,
        };
        let feeding = match shape {
            Shape::Whole => Feeding::Yes,
            Shape::WithoutRuns | Shape::FrontOnly => Feeding::No,
        };
        if shape == Shape::Whole {
            parts.start_log_sink(config, &this.log_sink)?;
        }
        if shape != Shape::FrontOnly {
            parts.start_executor(config, &keyring, &this.executor)?;
        }
        let access = parts::Access { tokens, sealer: keyring.sealer() };
        parts.start_dispatcher(config, access, listener, feeding, &this.front)?;
        Ok(this)
    }

    /// Ends a service after the one that it gets its work from, so that nothing is left in between. `signals` cut the drain
    /// short.
    pub async fn stop(self, mut signals: impl Stream<Item = ()> + Unpin) -> anyhow::Result<Exit> {
        let mut faults = Vec::new();
        for life in [self.executor, self.log_sink, self.front] {
            life.stop.cancel();
            match life.run_until(&mut signals, self.drain_timeout).await {
                runmill_runtime::Exit::OnRequest => {}
                other => faults.push(other.to_string()),
            }
        }
        parts::close(&*self.broker).await;
        if faults.is_empty() { Ok(Exit::Completed) } else { Err(anyhow::anyhow!(faults.join("; "))) }
    }

    /// Ends when any service has, of itself.
    pub async fn ended(&self) {
        tokio::select! {
            () = self.executor.stop.cancelled() => {}
            () = self.log_sink.stop.cancelled() => {}
            () = self.front.stop.cancelled() => {}
        }
    }
}

fn config_broker(config: &Config, embedded: Embedded) -> Option<&secrecy::SecretString> {
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
    let broker: SharedBroker = match config_broker(config, embedded) {
        Some(url) => connect_broker(config, url).await?,
        None => Arc::new(MemoryBroker::new()),
    };
    Ok((store, broker))
}

/// The queue of the process before us died with it: what was in it is fed again.
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
        format!("making the data directory {}; RUNMILL_DATA_DIR names another", folder.display())
    })
}
