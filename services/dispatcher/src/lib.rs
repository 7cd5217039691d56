//! Dispatcher service: its HTTP API accepts datasets and runs and shows their progress, and its feeder puts jobs into the
//! queues. It also tells webhooks that their runs have ended.
//!
//! It never calls a model, and it can encrypt secrets but not decrypt them: it has a sealer and no opener.

mod announcer;
mod api;
mod asking;
mod caller;
mod dead_letters;
mod error;
mod evaluations;
mod executors;
mod exporting;
mod feeder;
mod front_door;
mod idempotency_key;
mod judging;
mod lighteval;
mod limits;
mod metrics;
mod obstacles;
mod paced;
mod pages;
mod provider_changes;
mod reconciler;
mod rescoring;
mod results;
mod retention;
mod reuse;
mod run_control;
mod run_faults;
mod scaling;
mod scores;
mod series;
mod settings_change;
mod sign_in_codes;
mod smoke_testing;
mod submission;
mod token_changes;
mod view;
mod watcher;
mod webhooks;
#[cfg(test)]
mod world;

use std::{sync::Arc, time::Duration};

use axum::Router;
use runmill_address::AddressRules;
use runmill_broker::SharedBroker;
use runmill_config::Token;
use runmill_pricing::PriceTable;
use runmill_runtime::{Clock, Lifecycle, http::HttpServer};
use runmill_store::DispatcherStore;
use runmill_vault::Sealer;
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;

pub use api::{openapi, read_items};
pub use feeder::{FeederHealth, NotFeeding};
pub use front_door::{FrontDoorSettings, ROUTES as FRONT_DOOR_ROUTES, batch_paths};
pub use metrics::DispatcherMetrics;
pub use rescoring::rescore;
pub use scaling::ScalingSettings;
pub use sign_in_codes::SignInCodes;
pub use webhooks::WebhookSettings;

use crate::{
    announcer::Announcer,
    api::{ApiState, KnownTokens, PublicUrl, SentEvents},
    asking::Asking,
    evaluations::NewEvaluations,
    exporting::Exports,
    feeder::Feeder,
    front_door::FrontDoor,
    judging::Judges,
    lighteval::LightevalConfigs,
    limits::BudgetWatch,
    obstacles::{Lookout, Obstacles},
    pages::Pages,
    provider_changes::ProviderChanges,
    reconciler::Reconciler,
    rescoring::Rescorer,
    retention::Retention,
    reuse::EarlierAnswers,
    run_control::RunControl,
    scaling::{Scaler, Starting, Waiting},
    smoke_testing::SmokeTesting,
    submission::Submission,
    token_changes::TokenChanges,
    watcher::Watcher,
    webhooks::Webhooks,
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
    /// URL under which clients reach the API, without a slash at its end. `None` if it is the host that a request names.
    pub public_url: Option<String>,
    /// Origins whose pages may call the API, as `https://platform.example.com`.
    pub cors_origins: Vec<String>,
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
    pub front_door: FrontDoorSettings,
    pub webhooks: WebhookSettings,
    pub scaling: ScalingSettings,
    /// Codes that sign browsers in.
    pub sign_in_codes: SignInCodes,
    /// Prices by which a run is estimated before it starts.
    pub prices: Arc<PriceTable>,
}

/// A socket, and the way in which it is served.
pub struct Listening {
    pub http: HttpServer,
    pub socket: TcpListener,
}

impl Dispatcher {
    /// Serves the API on `api`, as tasks of `life`, and the endpoints of models' clients on `front_door`, or on `api` if they
    /// have no socket of their own. `health` has the routes of [`runmill_runtime::ops`]. Notifies the feeder through `wake`
    /// when there may be something new to feed.
    pub fn serve(
        &self,
        api: Listening,
        front_door: Option<Listening>,
        health: Router,
        wake: &Arc<Notify>,
        life: &Lifecycle,
    ) {
        let public_url = PublicUrl {
            stated: self.public_url.clone(),
            is_tls: api.http.tls.is_some(),
            own_port: front_door.as_ref().and_then(|it| it.socket.local_addr().ok()).map(|it| it.port()),
        };
        let waiting = Waiting::default();
        let starting = self.starting(&waiting);
        let state = self.api_state(public_url, wake, &starting, self.scaler(waiting), &life.stop);
        life.spawn("scaling", state.scaler.clone().run(life.stop.clone()));
        let door = front_door::router(
            self.front_door(&state, starting),
            front_door::batch_router(state.clone()),
            self.metrics.clone(),
        );
        life.spawn("stray answers", front_door::watch_strays(self.broker.clone(), life.stop.clone()));
        life.spawn("lookout", self.lookout(&state.obstacles).run(life.stop.clone()));
        let watching = state.watcher.clone().run(self.store.clone(), self.clock.clone(), life.stop.clone());
        life.spawn("watcher", watching);
        life.spawn("budgets", self.budget_watch().run(life.stop.clone()));
        let letters = self.metrics.dead_letters.clone();
        life.spawn("dead letters", dead_letters::watch(self.broker.clone(), letters, life.stop.clone()));
        let others = match front_door {
            Some(Listening { http, socket }) => {
                let routes = api::complete(door, front_door::unfit);
                life.spawn("front door", http.serve(socket, routes, life.stop.clone()));
                health
            }
            None => health.merge(door),
        };
        let others = others.merge(pages::router(self.pages(&state)));
        let Listening { http, socket } = api;
        life.spawn(
            "http",
            http.serve(socket, api::router(state, others, front_door::unfit), life.stop.clone()),
        );
    }

    /// Feeds jobs and reconciles runs, as tasks of `life`.
    pub fn feed(&self, wake: &Arc<Notify>, life: &Lifecycle) {
        let feeder = Feeder {
            runs: self.run_control(wake),
            broker: self.broker.clone(),
            metrics: self.metrics.clone(),
            lane_concurrency: self.lane_concurrency,
            log_partitions: self.log_partitions,
            judges: Judges { runs: self.run_control(wake) },
            answers: EarlierAnswers::new(self.store.clone(), wake.clone()),
            rescorer: Rescorer { store: self.store.clone(), clock: self.clock.clone() },
            retention: Retention { store: self.store.clone(), clock: self.clock.clone(), keep: self.keep },
            webhooks: Webhooks {
                store: self.store.clone(),
                clock: self.clock.clone(),
                settings: self.webhooks.clone(),
            },
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

    fn api_state(
        &self,
        public_url: PublicUrl,
        wake: &Arc<Notify>,
        starting: &Starting,
        scaler: Scaler,
        stop: &CancellationToken,
    ) -> ApiState {
        ApiState {
            store: self.store.clone(),
            announcer: self.announcer(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            watcher: Watcher::default(),
            sent_events: SentEvents::default(),
            obstacles: Obstacles::default(),
            submission: self.submission(
                self.lighteval_configs(starting, stop),
                public_url.stated.clone(),
                wake,
            ),
            runs: self.run_control(wake),
            exports: Exports::new(self.store.clone()),
            providers: self.provider_changes(wake),
            smoke_tests: self.smoke_testing(starting, stop),
            lighteval: self.lighteval_configs(starting, stop),
            scaler,
            public_url,
            cors_origins: self.cors_origins.clone().into(),
            token_changes: self.token_changes(wake),
            tokens: Arc::new(self.known_tokens()),
            body_max_bytes: self.body_max_bytes,
            line_max_bytes: self.line_max_bytes,
            stop: stop.clone(),
        }
    }

    fn pages(&self, state: &ApiState) -> Pages {
        Pages::new(state.clone(), self.sign_in_codes.clone(), self.prices.clone(), self.lane_concurrency)
    }

    fn scaler(&self, waiting: Waiting) -> Scaler {
        Scaler {
            store: self.store.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            waiting,
            settings: self.scaling,
            lane_concurrency: self.lane_concurrency,
            last: Arc::default(),
        }
    }

    fn starting(&self, waiting: &Waiting) -> Starting {
        Starting::new(self.store.clone(), self.clock.clone(), waiting.clone(), self.scaling.hold)
    }

    fn front_door(&self, state: &ApiState, starting: Starting) -> FrontDoor {
        FrontDoor::new(
            self.store.clone(),
            self.broker.clone(),
            self.clock.clone(),
            state.tokens.clone(),
            starting,
            self.front_door,
        )
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

    fn budget_watch(&self) -> BudgetWatch {
        BudgetWatch {
            store: self.store.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.budgets.clone(),
        }
    }

    fn announcer(&self) -> Announcer {
        Announcer(self.broker.clone())
    }

    fn submission(
        &self,
        configs: LightevalConfigs,
        public_url: Option<String>,
        wake: &Arc<Notify>,
    ) -> Submission {
        let evaluations = NewEvaluations {
            store: self.store.clone(),
            clock: self.clock.clone(),
            configs,
            sealer: self.sealer.clone(),
            public_url,
        };
        Submission {
            store: self.store.clone(),
            clock: self.clock.clone(),
            wake: wake.clone(),
            webhooks: self.webhooks.clone(),
            evaluations,
        }
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

    fn smoke_testing(&self, starting: &Starting, stop: &CancellationToken) -> SmokeTesting {
        SmokeTesting { store: self.store.clone(), asking: self.asking(starting, stop) }
    }

    fn lighteval_configs(&self, starting: &Starting, stop: &CancellationToken) -> LightevalConfigs {
        LightevalConfigs {
            store: self.store.clone(),
            asking: self.asking(starting, stop),
            sealer: self.sealer.clone(),
            lane_concurrency: self.lane_concurrency,
        }
    }

    fn asking(&self, starting: &Starting, stop: &CancellationToken) -> Asking {
        Asking { broker: self.broker.clone(), starting: starting.clone(), stop: stop.clone() }
    }
}
