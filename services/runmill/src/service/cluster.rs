use anyhow::Context;
use prometheus::Registry;
use runmill_config::Service;
use runmill_runtime::{Lifecycle, Shutdown, stop_signals};
use runmill_vault::Keyring;
use secrecy::SecretString;

use super::{
    clock,
    database::{self, DatabaseHealth},
    dead_letters, first_token,
    parts::{self, ApiListener, DispatcherSecrets, Feeding, Parts, connect_broker, connect_store, serve_ops},
};
use crate::{exit::ExitCode, process::Process};

/// Runs the service that has the API and feeds jobs.
pub async fn dispatcher() -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    let (parts, life) = start(&process, Service::Dispatcher).await?;
    let keyring = keyring(&process)?;
    let listener = ApiListener::open(&process.config).await?;
    tracing::info!(event = "dispatcher.listening", address = %listener.socket.local_addr()?);
    let secrets = DispatcherSecrets { tokens: process.config.tokens.clone(), sealer: keyring.sealer() };
    let (_wake, ops) = parts.start_dispatcher(&process.config, secrets, listener, Feeding::Yes, &life)?;
    serve_ops(&process.config, &parts.registry, ops, &life).await?;
    run(process, parts, life).await
}

/// Runs the service that calls models.
pub async fn executor() -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    let (parts, life) = start(&process, Service::Executor).await?;
    let lanes = parts.start_executor(&process.config, &keyring(&process)?, &life)?;
    let mut readiness = parts.readiness(&life);
    readiness.add("lanes", move || lanes.check());
    serve_ops(&process.config, &parts.registry, parts.ops(readiness), &life).await?;
    run(process, parts, life).await
}

/// Runs the service that writes results.
pub async fn log_sink() -> anyhow::Result<ExitCode> {
    let process = Process::load()?;
    let (parts, life) = start(&process, Service::LogSink).await?;
    let (store, consumers) = parts.start_log_sink(&process.config, &life)?;
    let mut readiness = parts.readiness(&life);
    readiness.add("store", move || store.check());
    readiness.add("logs", move || consumers.check());
    serve_ops(&process.config, &parts.registry, parts.ops(readiness), &life).await?;
    run(process, parts, life).await
}

async fn start(process: &Process, service: Service) -> anyhow::Result<(Parts, Lifecycle)> {
    let cluster = process.config.require_cluster(service)?;
    process.log_as(service.as_str())?;
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

async fn run(process: Process, parts: Parts, life: Lifecycle) -> anyhow::Result<ExitCode> {
    let ended = life.run_until(stop_signals()?, process.config.drain_timeout).await;
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
