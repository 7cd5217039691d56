//! Endpoints that clients of OpenAI and Anthropic know, over any provider.
//!
//! A request is read, and goes as one call for each answer through the broker to an executor, whose events become the reply.
//! Its client waits rather than is refused while limits hold the call up.

mod ask;
mod batches;
mod bodies;
mod bounds;
mod charge;
mod count_tokens;
mod extract;
mod files;
mod flight;
mod ids;
mod joins;
mod known;
mod list;
mod message_batches;
pub mod model;
mod models;
mod progress;
mod refused;
mod reply;
mod settings;
mod sign_in;
mod strays;
mod uploads;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, Method, StatusCode},
    middleware::from_fn_with_state,
    response::Response,
    routing::{MethodRouter, delete, get, post},
};
use runmill_broker::SharedBroker;
use runmill_front_door::{Endpoint, Refusal};
use runmill_runtime::Clock;
use runmill_store::DispatcherStore;

pub use batches::expire;
pub use settings::FrontDoorSettings;
pub use strays::watch as watch_strays;

use self::{bounds::Bounds, charge::Charges, joins::Joins, model::Names};
use crate::{
    announcer::Announcer,
    api::{ApiState, KnownTokens, record_changes},
    caller::Caller,
    metrics::{DispatcherMetrics, count_request},
    scaling::Starting,
};

/// Everything that the endpoints use.
#[derive(Clone)]
pub struct FrontDoor {
    store: Arc<dyn DispatcherStore>,
    broker: SharedBroker,
    announcer: Announcer,
    clock: Clock,
    tokens: Arc<KnownTokens>,
    starting: Starting,
    settings: FrontDoorSettings,
    bounds: Arc<Bounds>,
    charges: Arc<Charges>,
    names: Arc<Names>,
    joins: Arc<Joins>,
}

impl FrontDoor {
    pub fn new(
        store: Arc<dyn DispatcherStore>,
        broker: SharedBroker,
        clock: Clock,
        tokens: Arc<KnownTokens>,
        starting: Starting,
        settings: FrontDoorSettings,
    ) -> Self {
        Self {
            charges: Arc::new(Charges::new(store.clone(), clock.clone())),
            announcer: Announcer(broker.clone()),
            bounds: Bounds::new(settings.calls_max, settings.token_calls_max),
            joins: Arc::default(),
            names: Arc::default(),
            store,
            broker,
            clock,
            tokens,
            starting,
            settings,
        }
    }
}

/// Every route with its method, as `docs/security.md` lists them.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model}"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("POST", "/v1/responses"),
];

/// Largest body of a request for a batch, in bytes. Its lines are in a file.
const BATCH_BODY_MAX: usize = 64 * 1024;

/// Routes of files and batches, each with its method and path.
type BatchRoute = (Method, &'static str, MethodRouter<ApiState>);

fn batch_routes() -> [BatchRoute; 14] {
    [
        (Method::POST, "/v1/files", post(files::create)),
        (Method::GET, "/v1/files", get(files::list)),
        (Method::GET, "/v1/files/{id}", get(files::get)),
        (Method::DELETE, "/v1/files/{id}", delete(files::delete)),
        (Method::GET, "/v1/files/{id}/content", get(files::content)),
        (Method::POST, "/v1/batches", post(batches::create).layer(DefaultBodyLimit::max(BATCH_BODY_MAX))),
        (Method::GET, "/v1/batches", get(batches::list)),
        (Method::GET, "/v1/batches/{id}", get(batches::get)),
        (Method::POST, "/v1/batches/{id}/cancel", post(batches::cancel)),
        (Method::POST, "/v1/messages/batches", post(message_batches::create)),
        (Method::GET, "/v1/messages/batches", get(message_batches::list)),
        (Method::GET, "/v1/messages/batches/{id}", get(message_batches::get)),
        (Method::GET, "/v1/messages/batches/{id}/results", get(message_batches::results)),
        (Method::POST, "/v1/messages/batches/{id}/cancel", post(message_batches::cancel)),
    ]
}

/// Returns the methods and paths of files and batches.
pub fn batch_paths() -> Vec<(Method, &'static str)> {
    batch_routes().into_iter().map(|(method, path, _)| (method, path)).collect()
}

/// Returns the routes of files and batches. Like those of the API, they record changes in the audit log.
pub fn batch_router(state: ApiState) -> Router {
    let routes = batch_routes().into_iter();
    routes
        .fold(Router::new(), |router, (_, path, route)| router.route(path, route))
        .layer(from_fn_with_state(state.clone(), record_changes))
        .with_state(state)
}

/// Returns the routes, which sign in by themselves. `batches` has those of files and batches.
pub fn router(door: FrontDoor, batches: Router, metrics: DispatcherMetrics) -> Router {
    let mut router = Router::new()
        .route("/v1/models", get(models::all))
        .route("/v1/models/{*name}", get(models::single))
        .route("/v1/messages/count_tokens", post(count_tokens::count));
    for endpoint in Endpoint::ALL {
        let ask = async move |State(door): State<FrontDoor>,
                              caller: Caller,
                              headers: HeaderMap,
                              body: Result<Bytes, BytesRejection>| {
            ask::answer(door, caller, endpoint, headers, body).await
        };
        router = router.route(endpoint.path(), post(ask));
    }
    let body_max = DefaultBodyLimit::max(door.settings.body_max_bytes);
    router
        .with_state(door.clone())
        .merge(batches)
        .layer(from_fn_with_state(door, sign_in::sign_in))
        .layer(body_max)
        .layer(from_fn_with_state(metrics, count_request))
}

/// Returns the refusal of a request that no route takes, if its client reads one of the protocols.
pub fn unfit(path: &str, headers: &HeaderMap, status: StatusCode, words: &str) -> Option<Response> {
    let is_ours = path == "/v1" || path.starts_with("/v1/");
    let refusal = Refusal::new(status.as_u16(), words);
    is_ours.then(|| refused::response(&refusal, sign_in::dialect(path, headers)))
}
