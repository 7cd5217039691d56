//! Takes jobs, calls the model, scores the answer, publishes what came of it, and only then acks.
//!
//! The one service that opens sealed keys and reaches providers. It writes no result: what it learns goes to the
//! log-sinks, and the broker's confirm of that is what lets a job go.

mod gates;
mod job;
mod lane;
mod lanes;
mod metrics;
mod outcome;
mod prompts;
mod providers;
mod recent;
mod report;
mod run_states;
mod settings;
mod smoke_test;

use std::sync::Arc;

use runmill_broker::SharedBroker;
use runmill_llm::Factory;
use runmill_runtime::{Clock, Lifecycle};
use runmill_store::ExecutorStore;
use runmill_vault::Opener;

pub use metrics::ExecutorMetrics;

use crate::{
    gates::Gates, job::JobRunner, lanes::Lanes, prompts::Prompts, providers::ProviderCache, recent::Recent,
    report::Report, run_states::RunStates, settings::SettingsCache, smoke_test::SmokeTests,
};

/// What an executor works with.
pub struct Executor {
    /// Host and process id, as people find it in `/executors`.
    pub name: String,
    pub store: Arc<dyn ExecutorStore>,
    pub broker: SharedBroker,
    pub opener: Opener,
    pub factory: Arc<Factory>,
    pub clock: Clock,
    pub metrics: ExecutorMetrics,
    /// How many partitions the logs have; the same in every process.
    pub log_partitions: u16,
    /// Calls in flight for a provider that states no limit.
    pub lane_concurrency: u32,
}

impl Executor {
    /// Starts everything as tasks of `life`. At its stop nothing new is taken and what has not started is handed back; what
    /// is in flight at its kill is interrupted, reported, and fed again at no cost of an attempt.
    pub fn start(self, life: &Lifecycle) {
        let states = RunStates::new(life.kill.clone());
        let settings = SettingsCache::default();
        let runner = Arc::new(JobRunner {
            store: self.store.clone(),
            broker: self.broker.clone(),
            providers: ProviderCache::new(self.store.clone(), self.opener),
            factory: self.factory,
            clock: self.clock.clone(),
            metrics: self.metrics,
            states: states.clone(),
            settings: settings.clone(),
            prompts: Prompts::default(),
            recent: Recent::default(),
            log_partitions: self.log_partitions,
            kill: life.kill.clone(),
        });
        let gates = Gates::new(self.lane_concurrency);
        let desk = SmokeTests { runner: runner.clone(), gates: gates.clone(), store: self.store.clone() };
        life.spawn("smoke tests", desk.run(self.broker.clone(), life.stop.clone()));
        let lanes = Lanes::new(runner, gates);
        let report = Report {
            name: self.name,
            store: self.store.clone(),
            clock: self.clock,
            lanes: lanes.clone(),
            stop: life.stop.clone(),
        };
        life.spawn("report", report.run());
        life.spawn("lanes", lanes.run(self.store, self.broker, states, settings, life.stop.clone()));
    }
}
