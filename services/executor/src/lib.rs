//! Takes jobs, calls the model, scores the answer, publishes the result, and only then acks.
//!
//! Only this service decrypts keys and calls providers. It writes no result: it publishes a log of each job for the
//! log-sinks, and acks the job once the broker has confirmed that log.

mod ack;
mod budgets;
mod consumers;
mod environment;
mod exchange;
mod heartbeat;
mod job;
mod leases;
mod metrics;
mod requests;

use std::sync::Arc;

use runmill_broker::SharedBroker;
use runmill_llm::Factory;
use runmill_proto::lease::WithoutStore;
use runmill_quota::Lanes;
use runmill_runtime::{Clock, Lifecycle};
use runmill_store::ExecutorStore;
use runmill_vault::Opener;
use tokio_util::sync::CancellationToken;

pub use consumers::LaneHealth;
pub use metrics::{ExecutorMetrics, LimitMetrics};

use crate::{
    budgets::BudgetKeeper, consumers::Consumers, environment::Environment, exchange::Fleet,
    heartbeat::Heartbeat, job::Pipeline, leases::Keeper, requests::Requests,
};

/// Parts and settings of an executor.
pub struct Executor {
    /// Unique name, which `GET /executors` shows. The other executors know this one by it.
    pub name: String,
    pub store: Arc<dyn ExecutorStore>,
    pub broker: SharedBroker,
    pub opener: Opener,
    pub factory: Arc<Factory>,
    /// Limits of the providers. The factory's clients must use the same ones.
    pub lanes: Arc<Lanes>,
    /// Maximum number of calls of this executor in flight at a provider that states no concurrency.
    pub lane_concurrency: u32,
    pub limits_without_store: WithoutStore,
    pub clock: Clock,
    pub metrics: ExecutorMetrics,
    /// Number of partitions of the logs. Must be the same in every process.
    pub log_partitions: u16,
    /// Tells which lanes are not consumed.
    pub lane_health: LaneHealth,
}

impl Executor {
    /// Starts everything as tasks of `life`. At its stop, no further jobs are taken, and jobs that have not started
    /// are requeued. At its kill, calls in flight are interrupted and reported; their jobs are fed again, and the
    /// interruption does not count as an attempt.
    pub fn start(self, life: &Lifecycle) {
        let leases = Arc::new(Keeper::new(
            self.name.clone(),
            self.lanes.clone(),
            self.clock.clone(),
            self.lane_concurrency,
            self.limits_without_store,
        ));
        let environment = Arc::new(Environment::new(
            self.store,
            self.opener,
            self.factory,
            self.lanes,
            leases.clone(),
            self.clock,
            life.kill.clone(),
        ));
        let fleet = Fleet::new(self.name.clone());
        let pipeline = Arc::new(Pipeline::new(
            environment.clone(),
            self.broker.clone(),
            self.metrics.clone(),
            fleet.clone(),
            self.log_partitions,
            life.kill.clone(),
        ));
        let requests = Requests { environment: environment.clone() };
        life.spawn("requests", requests.run(self.broker.clone(), life.stop.clone()));
        let consumers = Consumers::new(environment.clone(), pipeline, self.lane_health);
        let drained = CancellationToken::new();
        let keeper = BudgetKeeper { environment: environment.clone(), drained: drained.clone() };
        life.spawn("budgets", keeper.run());
        let heartbeat = Heartbeat {
            name: self.name,
            environment,
            consumers: consumers.clone(),
            fleet,
            leases,
            broker: self.broker.clone(),
            metrics: self.metrics,
            stop: life.stop.clone(),
            drained: drained.clone(),
        };
        life.spawn("heartbeat", heartbeat.run());
        let consuming = consumers.run(self.broker, life.stop.clone());
        life.spawn("consumers", async move {
            let _drained = drained.drop_guard();
            consuming.await
        });
    }
}
