//! The service that users talk to: takes datasets and runs, feeds jobs, serves observers.
//!
//! Never calls a model, and never opens a sealed key: it has a sealer and no opener.

mod api;
mod feeder;
mod metrics;
mod reconciler;
mod view;
mod watcher;

use std::{sync::Arc, time::Duration};

use axum::Router;
use runmill_broker::SharedBroker;
use runmill_runtime::{Clock, Lifecycle, ops};
use runmill_store::SharedStore;
use runmill_vault::Sealer;
use tokio::{net::TcpListener, sync::Notify};

pub use api::{Role, Token, Tokens, openapi};
pub use metrics::DispatcherMetrics;

use crate::{api::ApiState, feeder::Feeder, reconciler::Reconciler, watcher::Watcher};

/// What a dispatcher works with.
pub struct Dispatcher {
    pub store: SharedStore,
    pub broker: SharedBroker,
    pub sealer: Sealer,
    pub clock: Clock,
    pub metrics: DispatcherMetrics,
    pub tokens: Tokens,
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
    /// Starts everything as tasks of `life`, and serves on `listener` until it stops. `health` are the routes of
    /// [`runmill_runtime::ops`].
    pub fn start(self, listener: TcpListener, health: Router, life: &Lifecycle) {
        let wake = Arc::new(Notify::new());
        let watcher = Watcher::default();
        let feeder = Feeder {
            store: self.store.clone(),
            broker: self.broker.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            wake: wake.clone(),
            lane_concurrency: self.lane_concurrency,
        };
        let reconciler = Reconciler {
            store: self.store.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            wake: wake.clone(),
            period: self.reconcile_period,
        };
        let state = ApiState {
            store: self.store.clone(),
            broker: self.broker,
            sealer: self.sealer,
            clock: self.clock.clone(),
            metrics: self.metrics,
            watcher: watcher.clone(),
            fed: wake,
            tokens: Arc::new(self.tokens),
            body_max_bytes: self.body_max_bytes,
            line_max_bytes: self.line_max_bytes,
            stop: life.stop.clone(),
        };
        life.spawn("feeder", feeder.run(life.stop.clone()));
        life.spawn("reconciler", reconciler.run(life.stop.clone()));
        life.spawn("watcher", watcher.run(self.store, self.clock, life.stop.clone()));
        life.spawn("http", ops::serve(listener, api::router(state, health), life.stop.clone()));
    }
}
