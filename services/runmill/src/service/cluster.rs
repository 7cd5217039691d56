use anyhow::Context;
use futures::{Stream, StreamExt};
use prometheus::Registry;
use runmill_config::{Cluster, Service};
use runmill_dispatcher::SignInCodes;
use runmill_runtime::{Lifecycle, Shutdown, stop_signals};
use runmill_vault::Keyring;
use secrecy::SecretString;

use super::{
    clock,
    database::{self, DatabaseHealth},
    dead_letters, first_token, lighteval,
    parts::{self, ApiListener, DispatcherSecrets, Feeding, Parts, connect_broker, connect_store, serve_ops},
};
use crate::{exit::ExitCode, process::Process};

/// Runs the service that has the API and feeds jobs.
pub async fn dispatcher() -> anyhow::Result<ExitCode> {
    let mut signals = stop_signals()?;
    let process = Process::load()?;
    let Some((parts, life)) = start(&process, Service::Dispatcher, &mut signals).await? else {
        return Ok(ExitCode::Completed);
    };
    let keyring = keyring(&process)?;
    let listener = ApiListener::open(&process.config).await?;
    tracing::info!(event = "dispatcher.listening", address = %listener.socket.local_addr()?);
    let secrets = DispatcherSecrets {
        tokens: process.config.tokens.clone(),
        sealer: keyring.sealer(),
        // Only a process that a person has started shows one.
        sign_in_codes: SignInCodes::default(),
    };
    let (_wake, ops) = parts.start_dispatcher(&process.config, secrets, listener, Feeding::Yes, &life)?;
    serve_ops(&process.config, &parts.registry, ops, &life).await?;
    run(process, parts, life, signals).await
}

/// Runs the service that calls models.
pub async fn executor() -> anyhow::Result<ExitCode> {
    let mut signals = stop_signals()?;
    let process = Process::load()?;
    let Some((parts, life)) = start(&process, Service::Executor, &mut signals).await? else {
        return Ok(ExitCode::Completed);
    };
    let program = lighteval::program(&process.config.lighteval)?;
    let programs = parts::programs(&process.config).await;
    let (lanes, listener) =
        parts.start_executor(&process.config, &keyring(&process)?, (program, programs), &life)?;
    let mut readiness = parts.readiness(&life);
    readiness.add("lanes", move || lanes.check());
    readiness.add("listener", move || listener.check());
    serve_ops(&process.config, &parts.registry, parts.ops(readiness), &life).await?;
    run(process, parts, life, signals).await
}

/// Runs the service that writes results.
pub async fn log_sink() -> anyhow::Result<ExitCode> {
    let mut signals = stop_signals()?;
    let process = Process::load()?;
    let Some((parts, life)) = start(&process, Service::LogSink, &mut signals).await? else {
        return Ok(ExitCode::Completed);
    };
    let (store, consumers) = parts.start_log_sink(&process.config, parts::DRAIN_WAIT, &life)?;
    let mut readiness = parts.readiness(&life);
    readiness.add("store", move || store.check());
    readiness.add("logs", move || consumers.check());
    serve_ops(&process.config, &parts.registry, parts.ops(readiness), &life).await?;
    run(process, parts, life, signals).await
}

/// Connects to the servers. Returns nothing if the process is asked to stop meanwhile.
///
/// The first process of a container is not ended by a signal that it does not wait for. So signals are taken from the
/// beginning on: otherwise a SIGTERM during a migration would be lost, and the service would work until it is killed.
async fn start(
    process: &Process,
    service: Service,
    signals: &mut (impl Stream<Item = ()> + Unpin),
) -> anyhow::Result<Option<(Parts, Lifecycle)>> {
    let cluster = process.config.require_cluster(service)?;
    process.log_as(service.as_str())?;
    tokio::select! {
        connected = connect(process, service, cluster) => connected.map(Some),
        _ = signals.next() => {
            tracing::info!(event = "process.stopping", "asked to stop before it had started");
            Ok(None)
        }
    }
}

async fn connect(
    process: &Process,
    service: Service,
    cluster: Cluster,
) -> anyhow::Result<(Parts, Lifecycle)> {
    let store = connect_store(&process.config, &cluster.database_url).await?;
    clock::begin(&*store, &process.server_clock).await.context("reading the time of the database")?;
    if service == Service::Dispatcher && process.config.tokens.is_empty() {
        first_token::require_admin(&*store, process.clock.now()).await?;
    }
    let broker = connect_broker(&process.config, &cluster.amqp_url).await?;
    let life = Lifecycle::default();
    life.spawn("clock", clock::follow(store.clone(), process.server_clock.clone(), life.stop.clone()));
    if service == Service::Dispatcher {
        life.spawn("old dead letters", dead_letters::move_old(broker.clone(), life.stop.clone()));
    }
    let database = DatabaseHealth::default();
    life.spawn("database", database::watch(store.clone(), database.clone(), life.stop.clone()));
    let parts = Parts { store, broker, clock: process.clock.clone(), registry: Registry::new(), database };
    Ok((parts, life))
}

async fn run(
    process: Process,
    parts: Parts,
    life: Lifecycle,
    signals: impl Stream<Item = ()> + Unpin,
) -> anyhow::Result<ExitCode> {
    let ended = life.run_until(signals, process.config.drain_timeout).await;
    parts::close(&*parts.broker).await;
    match ended {
        Shutdown::OnRequest => Ok(ExitCode::Completed),
        other => Err(anyhow::anyhow!("{other}")),
    }
}

fn keyring(process: &Process) -> anyhow::Result<Keyring> {
    let key: SecretString = process.config.encryption_key.clone().context("ENCRYPTION_KEY is not set")?;
    Ok(Keyring::parse(&key)?)
}
