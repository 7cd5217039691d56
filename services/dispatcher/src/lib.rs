//! The service that users talk to: takes datasets and runs, feeds jobs, serves observers.
//!
//! Never calls a model, and never opens a sealed key: it has a sealer and no opener.

mod api;
mod executors;
mod feeder;
mod metrics;
mod reconciler;
mod steering;
mod view;
mod watcher;

use std::{sync::Arc, time::Duration};

use axum::Router;
use runmill_broker::SharedBroker;
use runmill_config::{AddressRules, Token};
use runmill_runtime::{Clock, Lifecycle, ops};
use runmill_store::DispatcherStore;
use runmill_vault::Sealer;
use tokio::{net::TcpListener, sync::Notify};

pub use api::openapi;
pub use metrics::DispatcherMetrics;

use crate::{
    api::{ApiState, Tokens},
    feeder::Feeder,
    reconciler::Reconciler,
    steering::Steering,
    watcher::Watcher,
};

/// What a dispatcher works with.
pub struct Dispatcher {
    pub store: Arc<dyn DispatcherStore>,
    pub broker: SharedBroker,
    pub sealer: Sealer,
    pub clock: Clock,
    pub metrics: DispatcherMetrics,
    /// Who may use the API.
    pub tokens: Vec<Token>,
    /// Where providers may be.
    pub address_rules: AddressRules,
    /// The largest JSON body that is read, in bytes.
    pub body_max_bytes: usize,
    /// The longest line of a dataset, in bytes.
    pub line_max_bytes: usize,
    /// Calls in flight per executor for a provider that states no limit.
    pub lane_concurrency: u32,
    /// The reconciler's period.
    pub reconcile_period: Duration,
}

impl Dispatcher {
    /// Serves the API on `listener`, as tasks of `life`. `health` are the routes of [`runmill_runtime::ops`]. The feeder is told
    /// through `wake` when there may be something new.
    pub fn serve(&self, listener: TcpListener, health: Router, wake: &Arc<Notify>, life: &Lifecycle) {
        let watcher = Watcher::default();
        let state = ApiState {
            store: self.store.clone(),
            broker: self.broker.clone(),
            sealer: self.sealer.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            watcher: watcher.clone(),
            steering: self.steering(wake),
            address_rules: self.address_rules,
            tokens: Arc::new(Tokens(self.tokens.clone())),
            body_max_bytes: self.body_max_bytes,
            line_max_bytes: self.line_max_bytes,
            stop: life.stop.clone(),
        };
        life.spawn("watcher", watcher.run(self.store.clone(), self.clock.clone(), life.stop.clone()));
        life.spawn("http", ops::serve(listener, api::router(state, health), life.stop.clone()));
    }

    /// Feeds jobs and looks after them, as tasks of `life`.
    pub fn feed(&self, wake: &Arc<Notify>, life: &Lifecycle) {
        let feeder = Feeder {
            store: self.store.clone(),
            broker: self.broker.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            wake: wake.clone(),
            lane_concurrency: self.lane_concurrency,
        };
        let reconciler = Reconciler {
            steering: self.steering(wake),
            metrics: self.metrics.clone(),
            period: self.reconcile_period,
        };
        life.spawn("feeder", feeder.run(life.stop.clone()));
        life.spawn("reconciler", reconciler.run(life.stop.clone()));
    }

    fn steering(&self, wake: &Arc<Notify>) -> Steering {
        Steering {
            store: self.store.clone(),
            broker: self.broker.clone(),
            clock: self.clock.clone(),
            wake: wake.clone(),
        }
    }
}
