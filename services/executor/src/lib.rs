//! Takes jobs, calls the model, scores the answer, publishes the result, and only then acks. Makes the calls of the front
//! door's clients in the same way, and answers them as the model does.
//!
//! Only this service decrypts keys and calls providers. It writes no result: it publishes a log of each job for the
//! log-sinks, and acks the job once the broker has confirmed that log.

mod ack;
mod budgets;
mod charge;
mod client_calls;
mod client_request;
mod consumers;
mod environment;
mod exchange;
mod heartbeat;
mod invocation;
mod job;
mod leases;
mod lighteval;
mod listener_health;
mod logs;
mod metrics;
mod open_files;
mod output_tokens;
mod programs;
mod requests;
mod texts;

use std::sync::Arc;

use runmill_broker::SharedBroker;
use runmill_lighteval::Program;
use runmill_llm::Factory;
use runmill_proto::lease::WithoutStore;
use runmill_quota::Lanes;
use runmill_runtime::{Clock, Lifecycle};
use runmill_store::ExecutorStore;
use runmill_vault::Opener;
use tokio_util::sync::CancellationToken;

pub use consumers::LaneHealth;
pub use listener_health::ListenerHealth;
pub use metrics::{ExecutorMetrics, LimitMetrics};
pub use programs::Programs;

use crate::{
    budgets::BudgetKeeper, client_calls::ClientCalls, consumers::Consumers, environment::Environment,
    exchange::Fleet, heartbeat::Heartbeat, job::Pipeline, leases::Keeper, lighteval::Evaluator,
    logs::LogPublisher, requests::Requests,
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
    /// Says if requests and control messages reach this executor.
    pub listener_health: ListenerHealth,
    /// LightEval, if this executor has it.
    pub lighteval: Option<Program>,
    /// Programs of answers, if this executor may run them.
    pub programs: Programs,
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
            self.store.clone(),
            self.opener.clone(),
            self.factory,
            self.lanes,
            leases.clone(),
            self.clock.clone(),
            life.kill.clone(),
        ));
        let fleet = Fleet::new(self.name.clone());
        let logs = LogPublisher {
            broker: self.broker.clone(),
            metrics: self.metrics.clone(),
            partitions: self.log_partitions,
            kill: life.kill.clone(),
        };
        let has_lighteval = self.lighteval.is_some();
        if let Some(program) = self.lighteval {
            let evaluator = Evaluator {
                name: self.name.clone(),
                program,
                store: self.store,
                opener: self.opener,
                logs: logs.clone(),
                clock: self.clock,
                stop: life.stop.clone(),
            };
            life.spawn("lighteval", evaluator.run());
        }
        let pipeline = Arc::new(Pipeline::new(
            environment.clone(),
            self.broker.clone(),
            logs.clone(),
            self.metrics.clone(),
            fleet.clone(),
            self.programs,
        ));
        let calls = Arc::new(ClientCalls::new(
            self.name.clone(),
            environment.clone(),
            logs,
            self.metrics.clone(),
            fleet.clone(),
        ));
        let listener = self.listener_health;
        let requests = Requests { environment: environment.clone(), health: listener.clone() };
        life.spawn("requests", requests.run(self.broker.clone(), life.stop.clone()));
        let consumers = Consumers::new(environment.clone(), pipeline, calls, self.lane_health);
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
            has_lighteval,
        };
        life.spawn("heartbeat", heartbeat.run());
        let consuming = consumers.run(self.broker, listener, life.stop.clone());
        life.spawn("consumers", async move {
            let _drained = drained.drop_guard();
            consuming.await
        });
    }
}
