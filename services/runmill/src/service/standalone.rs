use std::{fs, net::SocketAddr, os::unix::fs::DirBuilderExt, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use axum::Router;
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use prometheus::Registry;
use runmill_broker::{SharedBroker, memory::MemoryBroker};
use runmill_config::{Config, Role, ServerTrust, Token};
use runmill_dispatcher::SignInCodes;
use runmill_proto::RunId;
use runmill_runtime::{Clock, Lifecycle, Shutdown, stop_signals};
use runmill_store::{
    ActiveRuns, Exchange, RunWriter, SharedStore, StoreError, Transition,
    sqlite::{OpenMode, SqliteStore},
};
use secrecy::ExposeSecret;
use tokio::sync::Notify;

use super::{
    clock,
    data_dir::DATABASE_FILE,
    database::DatabaseHealth,
    lighteval,
    parts::{
        self, ApiListener, DispatcherSecrets, Feeding, Parts, connect_broker, connect_store, listen,
        serve_ops,
    },
    secrets,
};
use crate::{client::Client, exit::ExitCode, process::Process, screen::note};

/// All services in one process. Each has its own [`Lifecycle`], so that they can stop in the order in which work flows.
pub struct Standalone {
    /// Client of this process's own API.
    pub client: Client,
    pub address: SocketAddr,
    sign_in_codes: SignInCodes,
    /// Token of a command's pages, which show and change nothing.
    watcher: Token,
    store: SharedStore,
    /// The store of a command, which claims the runs that it works on.
    claims: Option<SqliteStore>,
    clock: Clock,
    /// Wakes the feeder.
    wake: Arc<Notify>,
    registry: Registry,
    /// Routes of health and metrics.
    ops: Router,
    broker: SharedBroker,
    executor: Lifecycle,
    log_sink: Lifecycle,
    dispatcher: Lifecycle,
    drain_timeout: Duration,
}

/// Number of rows of each table that one transaction deletes, so that other commands can write in between.
const SWEPT_AT_ONCE: u32 = 5_000;

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
    /// Both are in this process and its data directory, which it shares with other commands; `DATABASE_URL` and
    /// `AMQP_URL` are ignored.
    Always,
    /// They are at `DATABASE_URL` and `AMQP_URL`. If a variable is not set, that server is embedded.
    WhereUnset,
}

/// Runs all services as a server, until a signal or until one of them ends.
pub async fn serve() -> anyhow::Result<ExitCode> {
    // From the beginning on, as in a cluster.
    let mut signals = stop_signals()?;
    let process = Process::load()?;
    process.log_as("standalone")?;
    let listener = ApiListener::open(&process.config).await?;
    let scheme = if listener.tls.is_some() { "https" } else { "http" };
    let server = tokio::select! {
        started = Standalone::start(&process, listener, Services::All, Embedded::WhereUnset) => started?,
        _ = signals.next() => return Ok(ExitCode::Completed),
    };
    serve_ops(&process.config, &server.registry, server.ops.clone(), &server.dispatcher).await?;
    note!("runmill serves {scheme}://{}  (pages: /ui, API: /docs, health: /readyz)", server.address);
    if process.config.tokens.is_empty() {
        let file = process.config.data_dir.join("token");
        note!("its token is in {}", file.display());
    }
    let stopped = server.dispatcher.stop.clone();
    tokio::select! {
        _ = signals.next() => {}
        () = stopped.cancelled() => {}
        () = server.executor.stop.cancelled() => {}
        () = server.log_sink.stop.cancelled() => {}
    }
    server.stop(signals).await
}

impl Standalone {
    /// Starts services for one command: embedded, on a free port of the loopback address.
    pub async fn for_command(process: &Process, services: Services) -> anyhow::Result<Self> {
        Self::for_command_at(process, services, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// As [`Self::for_command`], at `address`.
    pub async fn for_command_at(
        process: &Process,
        services: Services,
        address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let listener = ApiListener { socket: listen(address).await?, front_door: None, tls: None };
        Self::start(process, listener, services, Embedded::Always).await
    }

    /// Returns a URL that signs a browser in, once, to look at the pages of this command.
    pub fn sign_in_link(&self) -> String {
        let code = self.sign_in_codes.issue(self.watcher.value.clone());
        format!("http://{}/ui/open?code={}", self.address, code.expose_secret())
    }

    async fn start(
        process: &Process,
        listener: ApiListener,
        services: Services,
        embedded: Embedded,
    ) -> anyhow::Result<Self> {
        let config = &process.config;
        make_folder(&config.data_dir)?;
        let keyring = secrets::keyring(process)?;
        // Only the clients of a server need its tokens.
        let mut tokens = match embedded {
            Embedded::Always => Vec::new(),
            Embedded::WhereUnset => secrets::tokens(process)?,
        };
        let own = Token { role: Role::Admin, value: runmill_vault::generate_hex() };
        tokens.push(own.clone());
        let watcher = Token { role: Role::Observe, value: runmill_vault::generate_hex() };
        if embedded == Embedded::Always {
            tokens.push(watcher.clone());
        }
        let address = listener.socket.local_addr()?;
        let client = Client::new(&format!("http://{address}"), Some(own.value), &ServerTrust::default())?;
        let (store, claims) = open_store(config, embedded).await?;
        let broker = connect_broker_of(config, embedded).await?;
        if let Some(store) = claims.as_ref().filter(|_| services == Services::All) {
            store.reserve_space().await.context("there is too little space for results")?;
        }
        clock::begin(&*store, &process.server_clock).await.context("reading the time of the database")?;
        // A command recovers a run when it begins to work on it.
        if embedded == Embedded::WhereUnset && broker_url(config, embedded).is_none() {
            recover(&*store, process).await?;
        }
        let parts = Parts {
            store,
            broker,
            clock: process.clock.clone(),
            registry: Registry::new(),
            database: DatabaseHealth::default(),
        };
        let [executor, log_sink, dispatcher] =
            [Lifecycle::default(), Lifecycle::default(), Lifecycle::default()];
        let following =
            clock::follow(parts.store.clone(), process.server_clock.clone(), dispatcher.stop.clone());
        dispatcher.spawn("clock", following);
        let feeding = match services {
            Services::All => Feeding::Yes,
            Services::WithoutRuns | Services::ApiOnly => Feeding::No,
        };
        if services == Services::All {
            // An embedded broker delivers at once.
            let is_remote = broker_url(config, embedded).is_some();
            let drain_wait = if is_remote { parts::DRAIN_WAIT } else { Duration::ZERO };
            parts.start_log_sink(config, drain_wait, &log_sink)?;
        }
        if services != Services::ApiOnly {
            // The queue of a command is its own, and its front door goes with it.
            let program = match embedded {
                Embedded::WhereUnset => lighteval::program(&config.lighteval)?,
                Embedded::Always => None,
            };
            let programs = parts::programs(config).await;
            parts.start_executor(config, &keyring, (program, programs), &executor)?;
        }
        let sign_in_codes = SignInCodes::default();
        let sealer = keyring.sealer();
        let secrets = DispatcherSecrets { tokens, sealer, sign_in_codes: sign_in_codes.clone() };
        let (wake, ops) = parts.start_dispatcher(config, secrets, listener, feeding, &dispatcher)?;
        let Parts { store, broker, clock, registry, .. } = parts;
        let drain_timeout = config.drain_timeout;
        Ok(Self {
            client,
            address,
            sign_in_codes,
            watcher,
            store,
            claims,
            clock,
            wake,
            registry,
            ops,
            broker,
            executor,
            log_sink,
            dispatcher,
            drain_timeout,
        })
    }

    /// Claims `name` among the commands that share the data directory. Returns false if another one has claimed it.
    pub fn claim(&self, name: &str) -> anyhow::Result<bool> {
        Ok(self.claims.as_ref().map_or(Ok(true), |store| store.claim(name))?)
    }

    /// Begins to work on a run: it alone makes progress in this process. Returns false if another command works on it.
    pub async fn work_on(&self, run: RunId) -> anyhow::Result<bool> {
        // The feeder sees the run as soon as it is claimed, and feeds it only from where `Recover` leaves it: so the
        // claim that excludes other commands comes first, and that of the feeder last.
        if !self.claim(&format!("{run}.worker"))? {
            return Ok(false);
        }
        if self.store.run(run).await?.cursor.fed > 0 {
            self.store.transition(run, Transition::Recover, self.clock.now()).await?;
        }
        self.claim(&run.to_string())?;
        self.wake.notify_one();
        Ok(true)
    }

    /// Ends a run whose cancellation is requested, if no process works on it.
    pub async fn end_canceled(&self, run: RunId) -> anyhow::Result<()> {
        if self.claim(&format!("{run}.worker"))? {
            let now = self.clock.now();
            self.store.end_canceled(run, now, now).await?;
        }
        Ok(())
    }

    /// Makes the scores of a run that are asked for: no leader does it beside a command that does not work on runs.
    pub async fn rescore(&self, run: RunId) -> anyhow::Result<()> {
        match runmill_dispatcher::rescore(self.store.clone(), self.clock.clone(), run).await {
            // Another process is at it, or will be.
            Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes the rows of what was removed: no feeder runs beside a command that does not work on runs.
    pub async fn sweep(&self) -> anyhow::Result<()> {
        while self.store.sweep(SWEPT_AT_ONCE).await? {}
        Ok(())
    }

    /// Returns true if another command works on the run.
    pub fn is_worked_on(&self, run: RunId) -> anyhow::Result<bool> {
        Ok(self.claims.as_ref().map_or(Ok(false), |store| store.is_claimed(&format!("{run}.worker")))?)
    }

    /// Stops the services that work on runs: calls in flight finish, and their results are written. The API goes on, so
    /// that the results can be read. A signal ends the drain early.
    pub async fn drain(&self, mut signals: impl Stream<Item = ()> + Unpin) {
        for life in [&self.executor, &self.log_sink] {
            self.end(life, &mut signals).await;
        }
    }

    /// Stops each service after the service that sends it messages, so that no message is left between them. A signal
    /// ends the drain early.
    pub async fn stop(self, mut signals: impl Stream<Item = ()> + Unpin) -> anyhow::Result<ExitCode> {
        let mut faults = Vec::new();
        for life in [&self.executor, &self.log_sink, &self.dispatcher] {
            match self.end(life, &mut signals).await {
                Shutdown::OnRequest => {}
                other => faults.push(other.to_string()),
            }
        }
        parts::close(&*self.broker).await;
        if faults.is_empty() { Ok(ExitCode::Completed) } else { Err(anyhow::anyhow!(faults.join("; "))) }
    }

    async fn end(&self, life: &Lifecycle, signals: impl Stream<Item = ()> + Unpin) -> Shutdown {
        life.stop.cancel();
        life.clone().run_until(signals, self.drain_timeout).await
    }

    /// Waits until a service ends by itself, or until the disk is full. Returns the file that could not be written, with
    /// the reason.
    pub async fn ended(&self) -> Option<String> {
        let full = async {
            match &self.claims {
                Some(store) => store.full().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.executor.stop.cancelled() => None,
            () = self.log_sink.stop.cancelled() => None,
            () = self.dispatcher.stop.cancelled() => None,
            reason = full => Some(reason),
        }
    }
}

fn broker_url(config: &Config, embedded: Embedded) -> Option<&secrecy::SecretString> {
    config.amqp_url.as_ref().filter(|_| embedded == Embedded::WhereUnset)
}

/// Returns the store. An embedded one is also returned as what it is, for its claims.
async fn open_store(
    config: &Config,
    embedded: Embedded,
) -> anyhow::Result<(SharedStore, Option<SqliteStore>)> {
    let mode = match (embedded, &config.database_url) {
        (Embedded::WhereUnset, Some(url)) => return Ok((connect_store(config, url).await?, None)),
        (Embedded::WhereUnset, None) => OpenMode::Alone,
        (Embedded::Always, _) => OpenMode::Shared,
    };
    let path = config.data_dir.join(DATABASE_FILE);
    let opened = SqliteStore::open_as(&path, mode).await;
    let store = opened.with_context(|| format!("opening {}", path.display()))?;
    if mode == OpenMode::Alone {
        // An executor of an earlier process that was killed would be waited for, and none is alive.
        store.forget_executors(Timestamp::MAX).await?;
    }
    Ok((Arc::new(store.clone()), Some(store)))
}

async fn connect_broker_of(config: &Config, embedded: Embedded) -> anyhow::Result<SharedBroker> {
    Ok(match broker_url(config, embedded) {
        Some(url) => connect_broker(config, url).await?,
        None => Arc::new(MemoryBroker::new()),
    })
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
