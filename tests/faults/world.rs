//! A cluster of one scenario: its processes, the links between them, and its work.

use std::path::{Path, PathBuf};

use anyhow::Context;
use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use runmill_broker::amqp::{AmqpBroker, AmqpSettings};
use runmill_gateway::{Gateway, GatewaySettings};
use runmill_proto::{ProviderId, RunId, RunStatus};
use runmill_runtime::Clock;
use runmill_testkit::{Link, postgres::ROLE, unique_prefix};
use serde_json::json;
use tokio::time::Duration;

use crate::{
    api::{Api, TOKEN},
    bouncer::Bouncer,
    items::items,
    scenario::Scenario,
    servers::Servers,
    service::{Role, Service},
    waiting::{seconds, until},
};

const KEY: &str = "e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0e2e0";
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
/// Default of `RUNMILL_LOG_PARTITIONS`.
pub const LOG_PARTITIONS: u16 = 4;

pub struct World<'a> {
    pub scenario: &'a Scenario,
    pub servers: &'a mut Servers,
    pub amqp: Link,
    pub postgres: Link,
    pub model: Link,
    pub gateway: Gateway,
    pub services: Vec<Service>,
    pub api: Api,
    pub clock: Clock,
    pub prefix: String,
    pub database: String,
    pub work: Work,
    pub tally: Tally,
    bouncer: Option<Bouncer>,
}

/// The run that a scenario watches.
#[derive(Clone, Copy)]
pub struct Work {
    pub provider: ProviderId,
    pub run: RunId,
}

/// Costs of the faults, by what they did.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Calls that dead or frozen executors may have had in hand.
    pub in_hand: u64,
    /// Calls of dead executors, which nobody could put into the books.
    pub unbooked: u64,
    /// Messages that the scenario corrupted.
    pub corrupted: u64,
    /// Time of the last death of an executor.
    pub killed_at: Option<Timestamp>,
    /// Time after which no call may begin, because the run was canceled.
    pub canceled_at: Option<Timestamp>,
    /// Faults that did not happen as they should.
    pub notes: Vec<String>,
}

/// Most jobs that an executor takes beside those that its share lets it call.
const PREFETCH_BESIDE: u64 = 4;

/// Longest wait for equal shares: the run goes on meanwhile, and must not be over before the fault.
const EQUAL_SHARES_MAX: Duration = Duration::from_secs(6);

impl<'a> World<'a> {
    /// Starts a cluster and its run.
    pub async fn start(
        scenario: &'a Scenario,
        servers: &'a mut Servers,
        logs: &Path,
    ) -> anyhow::Result<World<'a>> {
        let plan = &scenario.plan;
        for (name, value) in plan.broker_settings {
            let set = format!("application:set_env(rabbit, {name}, {value}).");
            servers.rabbits[0].ctl(&["eval", &set]).await?;
            servers.spoiled = true;
        }
        let database = format!("scenario_{}", uuid::Uuid::now_v7().simple());
        servers.sql(&format!("CREATE DATABASE {database} OWNER {ROLE}")).await?;
        let postgres = Link::start(vec![servers.postgres.address()]).await?;
        let nodes = servers.rabbits.iter().map(runmill_testkit::PrivateRabbit::address).collect();
        let amqp = Link::start(nodes).await?;
        let settings = GatewaySettings { calls_kept_max: 2_000_000, ..GatewaySettings::default() };
        let gateway = Gateway::start(settings).await?;
        let model = Link::start(vec![gateway.address().to_string()]).await?;
        let bouncer = if plan.pooled {
            Some(Bouncer::start(&postgres.address().to_string(), logs).await?)
        } else {
            None
        };
        let database_at = bouncer.as_ref().map_or(postgres.address().to_string(), Bouncer::address);
        let prefix = unique_prefix();
        let environment = vec![
            ("APP_LOG_LEVEL", "info".to_owned()),
            ("DATABASE_URL", format!("postgresql://{ROLE}:{ROLE}@{database_at}/{database}")),
            ("AMQP_URL", format!("amqp://guest:guest@{}/%2f", amqp.address())),
            ("ENCRYPTION_KEY", KEY.to_owned()),
            ("RUNMILL_TOKENS", format!("admin:{TOKEN}")),
            ("RUNMILL_QUEUE_PREFIX", prefix.clone()),
            ("RUNMILL_DRAIN_TIMEOUT_SECONDS", plan.drain_seconds.to_string()),
            ("RUN_RETRY_POLL_INTERVAL_SECONDS", "2".to_owned()),
        ];
        let services = services(scenario, &environment, logs);
        let api = Api::new(of(&services, Role::Dispatcher).map(|one| one.url("")).collect())?;
        let nobody = uuid::Uuid::nil();
        let work = Work { provider: ProviderId::from_uuid(nobody), run: RunId::from_uuid(nobody) };
        let (clock, tally) = (Clock::system(), Tally::default());
        let mut world = Self {
            scenario,
            servers,
            amqp,
            postgres,
            model,
            gateway,
            services,
            api,
            clock,
            prefix,
            database,
            work,
            tally,
            bouncer,
        };
        for service in &mut world.services {
            service.start()?;
        }
        world.ready().await?;
        world.submit().await?;
        Ok(world)
    }

    /// Waits until every process is ready.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let http = self.api.http.clone();
        let running = self.services.iter_mut().filter(|service| service.pid().is_some() && !service.frozen);
        try_join_all(running.map(|service| service.ready(&http))).await.map(drop)
    }

    async fn submit(&mut self) -> anyhow::Result<()> {
        let (plan, api) = (&self.scenario.plan, &self.api);
        let base_url = format!("http://{}/v1", self.model.address());
        let provider = api.provider(&base_url, &self.scenario.limits()).await?;
        let dataset = api.dataset(items(plan.items, plan.first_item_bytes)).await?;
        let mut config = plan.config.clone();
        if let Some(after) = plan.deadline_seconds {
            config["deadline"] = json!(self.clock.now() + SignedDuration::from_secs(after));
        }
        let run = api.start_run(provider, plan.model, dataset, &config).await?;
        self.work = Work { provider, run };
        Ok(())
    }

    /// Waits until calls end, and then for some seconds of steady work.
    pub async fn steady(&mut self) -> anyhow::Result<()> {
        let answered = async || self.gateway.stats().all.calls > 0;
        until("the first call", Duration::from_mins(1), answered).await?;
        seconds(self.scenario.plan.steady_seconds).await;
        Ok(())
    }

    /// Returns the most calls that an executor has or may have, by what each told last. Waits until they have equal shares, if
    /// they soon do: long calls keep their slots, so an executor that came first has more for a while.
    async fn largest_share(&self) -> u64 {
        let (equal, begun) = (self.scenario.plan.concurrency, self.clock.now());
        let mut largest = equal;
        // Who tells nothing new may be frozen, and what it told before counts.
        let _waited = until("equal shares", EQUAL_SHARES_MAX, async || {
            let Ok(executors) = self.api.executors().await else { return false };
            let lanes = executors.iter().flat_map(|executor| &executor.lanes);
            let shares = lanes.map(|lane| u64::from(lane.concurrency.max(lane.in_flight)));
            largest = shares.max().unwrap_or(0).max(equal);
            largest == equal && executors.iter().all(|executor| executor.seen_at > begun)
        })
        .await;
        largest
    }

    /// Notes a fault that came too late to test anything.
    pub fn note_if_over(&mut self, fault: &str) {
        let calls = self.gateway.stats().all;
        if calls.calls >= self.scenario.plan.items as u64 && calls.in_flight == 0 {
            let note = format!("the run was over before this fault: {fault}");
            self.tally.notes.push(note);
        }
    }

    /// Waits until the run has ended, for at most `longest`. Returns the last status that was seen.
    pub async fn ended(&self, longest: Duration) -> anyhow::Result<RunStatus> {
        let mut status = RunStatus::Pending;
        let waited = until("the end of the run", longest, async || {
            if let Ok(run) = self.api.run(self.work.run).await {
                status = run.status;
            }
            status.is_terminal()
        });
        match waited.await {
            Ok(()) => Ok(status),
            Err(_bound) => Ok(status),
        }
    }

    /// Returns the place of the first service of this role among [`World::services`].
    pub fn position(&self, role: Role) -> usize {
        self.services.iter().position(|service| service.role == role).expect("every plan has each role")
    }

    /// Returns the dispatcher that leads.
    pub async fn leader(&mut self) -> anyhow::Result<usize> {
        let http = self.api.http.clone();
        let mut found = None;
        until("a leader", Duration::from_secs(30), async || {
            for (index, service) in self.services.iter().enumerate() {
                if service.role == Role::Dispatcher
                    && !service.frozen
                    && service.pid().is_some()
                    && service.metric(&http, "runmill_feeder_is_leader").await == Some(1.0)
                {
                    found = Some(index);
                }
            }
            found.is_some()
        })
        .await?;
        found.context("the wait found it")
    }

    /// Waits until most slots are in use: long calls begin and end together.
    pub async fn busy(&self) -> anyhow::Result<()> {
        let plan = &self.scenario.plan;
        let most = plan.concurrency * plan.executors as u64;
        let is_busy = async || 3 * self.gateway.stats().all.in_flight >= 2 * most;
        until("most slots in use", Duration::from_secs(10), is_busy).await
    }

    /// Kills a process, and allows the calls that it may have had in hand.
    pub async fn kill(&mut self, victim: usize) -> anyhow::Result<()> {
        if self.services[victim].role == Role::Executor {
            self.allow_in_hand(true).await;
        }
        self.kill_now(victim).await
    }

    /// Kills a process whose calls in hand are allowed.
    pub async fn kill_now(&mut self, victim: usize) -> anyhow::Result<()> {
        if self.services[victim].role == Role::Executor {
            self.tally.killed_at = Some(self.clock.now());
        }
        self.services[victim].kill().await
    }

    /// Counts the calls that an executor that will be dead or frozen may have in hand: those in flight, and those whose logs
    /// the broker has not confirmed yet. It is kept busy, so these are as many as its prefetch: its share and a few more.
    pub async fn allow_in_hand(&mut self, dead: bool) {
        let calls = self.largest_share().await + PREFETCH_BESIDE;
        self.tally.in_hand += calls;
        if dead {
            self.tally.unbooked += calls;
        }
    }

    /// Connects to the cluster's queues, beside the link.
    pub async fn broker(&self) -> anyhow::Result<AmqpBroker> {
        let url = self.servers.rabbits.iter().find(|rabbit| rabbit.is_running()).context("no broker")?.url();
        let settings = AmqpSettings { prefix: self.prefix.clone(), ..AmqpSettings::new(url) };
        Ok(AmqpBroker::connect(settings).await?)
    }

    /// Stops every process. Returns the names of those that did not end well.
    pub async fn stop(&mut self) -> anyhow::Result<Vec<String>> {
        let mut bad = Vec::new();
        let stopping = self.services.iter_mut().map(async |service| (service.role, service.stop().await));
        for (role, status) in futures::future::join_all(stopping).await {
            let status = status?;
            if status != Some(0) {
                bad.push(format!("{} ended with {status:?}", role.name()));
            }
        }
        Ok(bad)
    }

    /// Drops the database. The queues go with the broker.
    pub async fn clean_up(&mut self) -> anyhow::Result<()> {
        self.bouncer = None;
        self.servers.sql(&format!("DROP DATABASE {} WITH (FORCE)", self.database)).await
    }
}

fn of(services: &[Service], role: Role) -> impl Iterator<Item = &Service> {
    services.iter().filter(move |service| service.role == role)
}

fn services(scenario: &Scenario, environment: &[(&'static str, String)], logs: &Path) -> Vec<Service> {
    let plan = &scenario.plan;
    let mut services = Vec::new();
    for role in Role::ALL {
        let count = match role {
            Role::Dispatcher => plan.dispatchers,
            Role::Executor => plan.executors,
            Role::LogSink => plan.log_sinks,
        };
        for number in 0..count {
            let mut environment: Vec<(String, String)> =
                environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            if let Some(offset) = plan.clock.filter(|_| role == Role::Executor && number + 1 == count) {
                let faked = [
                    ("LD_PRELOAD", FAKETIME),
                    ("FAKETIME", offset),
                    ("DONT_FAKE_MONOTONIC", "1"),
                    ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                ];
                environment.extend(faked.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            let log: PathBuf = logs.join(format!("{}-{number}.log", role.name()));
            let files = plan.open_files.filter(|_| role == Role::Executor);
            services.push(Service::new(role, log, environment, files));
        }
    }
    services
}
