//! Takes jobs, calls the model, scores the answer, publishes the result, and only then acks.
//!
//! The one service that opens sealed keys and reaches providers. It writes no result: its logs go to the log-sinks, and
//! a job is acked once the broker has confirmed its log.

mod ack;
mod consumers;
mod environment;
mod heartbeat;
mod job;
mod metrics;
mod requests;

use std::sync::Arc;

use runmill_broker::SharedBroker;
use runmill_llm::Factory;
use runmill_quota::Lanes;
use runmill_runtime::{Clock, Lifecycle};
use runmill_store::ExecutorStore;
use runmill_vault::Opener;

pub use metrics::ExecutorMetrics;

use crate::{
    consumers::Consumers, environment::Environment, heartbeat::Heartbeat, job::Pipeline, requests::Requests,
};

/// Everything that an executor is given.
pub struct Executor {
    /// Host and process id, as people find it in `/executors`.
    pub name: String,
    pub store: Arc<dyn ExecutorStore>,
    pub broker: SharedBroker,
    pub opener: Opener,
    pub factory: Arc<Factory>,
    /// Limits of the providers: those that the factory's clients ask.
    pub lanes: Arc<Lanes>,
    pub clock: Clock,
    pub metrics: ExecutorMetrics,
    /// Number of partitions of the logs; the same in every process.
    pub log_partitions: u16,
}

impl Executor {
    /// Starts everything as tasks of `life`. At its stop nothing new is taken and what has not started is requeued; calls
    /// in flight at its kill are interrupted, reported, and fed again at no cost of an attempt.
    pub fn start(self, life: &Lifecycle) {
        let environment = Arc::new(Environment::new(
            self.store,
            self.opener,
            self.factory,
            self.lanes,
            self.clock,
            life.kill.clone(),
        ));
        let pipeline = Arc::new(Pipeline::new(
            environment.clone(),
            self.broker.clone(),
            self.metrics,
            self.log_partitions,
            life.kill.clone(),
        ));
        let requests = Requests { environment: environment.clone() };
        life.spawn("requests", requests.run(self.broker.clone(), life.stop.clone()));
        let consumers = Consumers::new(environment.clone(), pipeline);
        let heartbeat =
            Heartbeat { name: self.name, environment, consumers: consumers.clone(), stop: life.stop.clone() };
        life.spawn("heartbeat", heartbeat.run());
        life.spawn("consumers", consumers.run(self.broker, life.stop.clone()));
    }
}
