//! Dispatcher service: its HTTP API accepts datasets and runs and shows their progress, and its feeder puts jobs into the
//! queues.
//!
//! It never calls a model, and it can encrypt secrets but not decrypt them: it has a sealer and no opener.

mod announcer;
mod api;
mod caller;
mod dead_letters;
mod error;
mod executors;
mod feeder;
mod idempotency_key;
mod limits;
mod metrics;
mod obstacles;
mod provider_changes;
mod reconciler;
mod retention;
mod run_control;
mod settings_change;
mod smoke_testing;
mod submission;
mod token_changes;
mod view;
mod watcher;
#[cfg(test)]
mod world;

use std::{sync::Arc, time::Duration};

use axum::Router;
use runmill_address::AddressRules;
use runmill_broker::SharedBroker;
use runmill_config::Token;
use runmill_runtime::{Clock, Lifecycle, http::HttpServer};
use runmill_store::DispatcherStore;
use runmill_vault::Sealer;
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;

pub use api::{openapi, read_items};
pub use feeder::{FeederHealth, NotFeeding};
pub use metrics::DispatcherMetrics;

use crate::{
    announcer::Announcer,
    api::{ApiState, KnownTokens},
    feeder::Feeder,
    obstacles::{Lookout, Obstacles},
    provider_changes::ProviderChanges,
    reconciler::Reconciler,
    retention::Retention,
    run_control::RunControl,
    smoke_testing::SmokeTesting,
    submission::Submission,
    token_changes::TokenChanges,
    watcher::Watcher,
};

/// Parts and settings of a dispatcher.
pub struct Dispatcher {
    pub store: Arc<dyn DispatcherStore>,
    pub broker: SharedBroker,
    pub sealer: Sealer,
    pub clock: Clock,
    pub metrics: DispatcherMetrics,
    /// Tokens that the API accepts beside those of the store.
    pub tokens: Vec<Token>,
    /// Addresses that a provider may have.
    pub address_rules: AddressRules,
    /// Largest JSON body that is read, in bytes.
    pub body_max_bytes: usize,
    /// Longest line of a dataset, in bytes.
    pub line_max_bytes: usize,
    /// Maximum number of calls in flight per executor for a provider that states no limit.
    pub lane_concurrency: u32,
    /// Number of partitions of the logs.
    pub log_partitions: u16,
    /// Health of the feeding, which [`Dispatcher::feed`] keeps up to date.
    pub feeder_health: FeederHealth,
    /// Interval between two passes of the reconciler.
    pub reconcile_period: Duration,
    /// Time for which runs are kept after their end, and datasets that no run uses after their upload. `None`: for ever.
    pub keep: Option<Duration>,
}

impl Dispatcher {
    /// Serves the API on `listener`, as tasks of `life`. `health` has the routes of [`runmill_runtime::ops`]. Notifies
    /// the feeder through `wake` when there may be something new to feed.
    pub fn serve(
        &self,
        http: HttpServer,
        listener: TcpListener,
        health: Router,
        wake: &Arc<Notify>,
        life: &Lifecycle,
    ) {
        let state = self.api_state(wake, &life.stop);
        life.spawn("lookout", self.lookout(&state.obstacles).run(life.stop.clone()));
        let watching = state.watcher.clone().run(self.store.clone(), self.clock.clone(), life.stop.clone());
        life.spawn("watcher", watching);
        let letters = self.metrics.dead_letters.clone();
        life.spawn("dead letters", dead_letters::watch(self.broker.clone(), letters, life.stop.clone()));
        life.spawn("http", http.serve(listener, api::router(state, health), life.stop.clone()));
    }

    /// Feeds jobs and reconciles runs, as tasks of `life`.
    pub fn feed(&self, wake: &Arc<Notify>, life: &Lifecycle) {
        let feeder = Feeder {
            runs: self.run_control(wake),
            broker: self.broker.clone(),
            metrics: self.metrics.clone(),
            lane_concurrency: self.lane_concurrency,
            log_partitions: self.log_partitions,
            retention: Retention { store: self.store.clone(), clock: self.clock.clone(), keep: self.keep },
            health: self.feeder_health.clone(),
        };
        let reconciler = Reconciler {
            runs: self.run_control(wake),
            metrics: self.metrics.clone(),
            period: self.reconcile_period,
        };
        life.spawn("feeder", feeder.run(life.stop.clone()));
        life.spawn("reconciler", reconciler.run(life.stop.clone()));
    }

    fn api_state(&self, wake: &Arc<Notify>, stop: &CancellationToken) -> ApiState {
        ApiState {
            store: self.store.clone(),
            announcer: self.announcer(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            watcher: Watcher::default(),
            obstacles: Obstacles::default(),
            submission: self.submission(wake),
            runs: self.run_control(wake),
            providers: self.provider_changes(wake),
            smoke_tests: self.smoke_testing(stop),
            token_changes: self.token_changes(wake),
            tokens: Arc::new(self.known_tokens()),
            body_max_bytes: self.body_max_bytes,
            line_max_bytes: self.line_max_bytes,
            stop: stop.clone(),
        }
    }

    fn token_changes(&self, wake: &Arc<Notify>) -> TokenChanges {
        TokenChanges { store: self.store.clone(), clock: self.clock.clone(), runs: self.run_control(wake) }
    }

    fn known_tokens(&self) -> KnownTokens {
        KnownTokens::new(self.tokens.clone(), self.store.clone(), self.clock.clone())
    }

    fn lookout(&self, obstacles: &Obstacles) -> Lookout {
        Lookout {
            store: self.store.clone(),
            broker: self.broker.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            obstacles: obstacles.clone(),
            log_partitions: self.log_partitions,
        }
    }

    fn announcer(&self) -> Announcer {
        Announcer(self.broker.clone())
    }

    fn submission(&self, wake: &Arc<Notify>) -> Submission {
        Submission { store: self.store.clone(), clock: self.clock.clone(), wake: wake.clone() }
    }

    fn run_control(&self, wake: &Arc<Notify>) -> RunControl {
        RunControl {
            store: self.store.clone(),
            announcer: self.announcer(),
            clock: self.clock.clone(),
            wake: wake.clone(),
        }
    }

    fn provider_changes(&self, wake: &Arc<Notify>) -> ProviderChanges {
        ProviderChanges {
            store: self.store.clone(),
            announcer: self.announcer(),
            clock: self.clock.clone(),
            sealer: self.sealer.clone(),
            address_rules: self.address_rules,
            runs: self.run_control(wake),
        }
    }

    fn smoke_testing(&self, stop: &CancellationToken) -> SmokeTesting {
        SmokeTesting {
            store: self.store.clone(),
            broker: self.broker.clone(),
            clock: self.clock.clone(),
            stop: stop.clone(),
        }
    }
}
