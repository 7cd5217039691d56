//! HTTP API: handlers decode a request, call one use case or the store, and encode the result. This file has every route.

pub mod admission;
mod audit;
pub mod auth;
mod cors;
mod dataset_file;
pub mod datasets;
mod description;
mod events;
pub mod executors;
mod export;
pub mod extract;
mod lighteval;
mod lines;
mod ndjson;
pub mod page;
mod problem;
pub mod providers;
mod public_url;
mod query_names;
pub mod records;
mod request_id;
mod routes;
pub mod runs;
mod scaling;
pub mod scores;
mod series;
mod settings;
pub mod smoke_tests;
mod tokens;
mod usage;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderMap, StatusCode},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use runmill_config::Role;
use runmill_runtime::Clock;
use runmill_store::DispatcherStore;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    announcer::Announcer, exporting::Exports, lighteval::LightevalConfigs, metrics::DispatcherMetrics,
    obstacles::Obstacles, provider_changes::ProviderChanges, run_control::RunControl, scaling::Scaler,
    smoke_testing::SmokeTesting, submission::Submission, token_changes::TokenChanges, watcher::Watcher,
};
pub use audit::{Change, Changed, record as record_changes};
pub use auth::KnownTokens;
pub use datasets::BAD_LINE;
pub use events::SentEvents;
pub use lines::{LineSplitter, items as read_items};
pub use problem::{ApiError, is_too_slow};
pub use public_url::PublicUrl;
use query_names::QueryNames;
use routes::Routes;

/// Everything that handlers use.
#[derive(Clone)]
pub struct ApiState {
    pub store: Arc<dyn DispatcherStore>,
    pub announcer: Announcer,
    pub clock: Clock,
    pub metrics: DispatcherMetrics,
    pub watcher: Watcher,
    pub sent_events: SentEvents,
    pub obstacles: Obstacles,
    pub submission: Submission,
    pub runs: RunControl,
    pub exports: Exports,
    pub providers: ProviderChanges,
    pub smoke_tests: SmokeTesting,
    pub lighteval: LightevalConfigs,
    pub scaler: Scaler,
    pub public_url: PublicUrl,
    /// Origins whose pages may call the API.
    pub cors_origins: Arc<[String]>,
    pub token_changes: TokenChanges,
    pub tokens: Arc<KnownTokens>,
    pub body_max_bytes: usize,
    /// Longest line of a dataset, in bytes.
    pub line_max_bytes: usize,
    /// Ends the streams of observers.
    pub stop: CancellationToken,
}

#[derive(OpenApi)]
#[openapi(info(
    title = "runmill",
    description = "Submit LLM evaluation runs, watch them, and read their results.\n\n\
                   Send a token as `Authorization: Bearer <token>`. Errors are RFC 9457 problem details."
))]
struct ApiDoc;

/// Returns every route that needs a token, with its lowest role and its description.
fn routes() -> OpenApiRouter<ApiState> {
    let reading = [
        routes!(providers::list),
        routes!(providers::get),
        routes!(providers::limits),
        routes!(datasets::list),
        routes!(datasets::get),
        routes!(datasets::items),
        routes!(runs::list),
        routes!(events::of_all_runs),
        routes!(runs::get),
        routes!(scores::comparison),
        routes!(scores::of_run),
        routes!(series::series),
        routes!(records::results),
        routes!(records::verdicts),
        routes!(records::invocations),
        routes!(export::of_run),
        routes!(events::of_run),
        routes!(lighteval::of_run),
        routes!(lighteval::of_provider),
        routes!(settings::get),
        routes!(executors::list),
        routes!(scaling::get),
        routes!(usage::list),
    ];
    let submitting = [
        routes!(smoke_tests::create),
        routes!(datasets::create),
        routes!(runs::create),
        routes!(runs::cancel),
        routes!(runs::pause),
        routes!(runs::resume),
        routes!(runs::retry_failed),
        routes!(runs::extend),
        routes!(runs::rescore),
        routes!(runs::patch),
    ];
    let administering = [
        routes!(providers::create),
        routes!(providers::patch, providers::delete),
        routes!(runs::delete),
        routes!(datasets::delete),
        routes!(settings::put),
        routes!(tokens::create, tokens::list),
        routes!(tokens::patch),
        routes!(tokens::revoke),
        routes!(audit::list),
    ];
    Routes::new(ApiDoc::openapi())
        .needing(Role::Observe, reading)
        .needing(Role::Submit, submitting)
        .needing(Role::Admin, administering)
        .into_router()
}

/// Returns the API's description, as `/openapi.json` serves it.
pub fn openapi() -> serde_json::Value {
    description::complete(&routes().into_openapi())
}

/// Returns the whole public API. `others` has the routes that do not sign in here: health and metrics, and the front door's.
pub fn router(state: ApiState, others: Router, unfit: Unfit) -> Router {
    let (api, openapi) = routes().split_for_parts();
    let names = Arc::new(QueryNames::of(&openapi));
    let docs = description::Docs::new(openapi).into_router();
    let origins = state.cors_origins.clone();
    let api = api
        .layer(from_fn_with_state(names, query_names::refuse_unknown))
        .layer(from_fn_with_state(state.clone(), audit::record))
        .layer(from_fn(admission::admit))
        .layer(from_fn_with_state(state.clone(), auth::authenticate))
        .layer(DefaultBodyLimit::max(state.body_max_bytes))
        .layer(from_fn_with_state(state.metrics.clone(), crate::metrics::count_request))
        .with_state(state);
    let all = complete(api.merge(docs).merge(others), unfit);
    // Outermost, because a browser asks for the rules of a route by a method that it does not have.
    if origins.is_empty() { all } else { all.layer(cors::layer(origins)) }
}

/// Answers a request to a path that no route takes, with a status and words, if its client reads another shape than ours.
pub type Unfit = fn(&str, &HeaderMap, StatusCode, &str) -> Option<Response>;

/// Adds to the routes of a listener what all of them have in common.
pub fn complete(routes: Router, unfit: Unfit) -> Router {
    routes
        .fallback(async move |request: Request| {
            refuse(&request, unfit, StatusCode::NOT_FOUND, "this path does not exist; /docs lists all paths")
        })
        .method_not_allowed_fallback(async move |request: Request| {
            let detail = "this path does not have this method; /docs lists the methods of every path";
            refuse(&request, unfit, StatusCode::METHOD_NOT_ALLOWED, detail)
        })
        .layer(from_fn(move |request: Request, next: Next| async move {
            match admission::too_long(request.uri()) {
                Some(detail) => refuse(&request, unfit, StatusCode::URI_TOO_LONG, &detail),
                None => next.run(request).await,
            }
        }))
        .layer(CatchPanicLayer::custom(|_| -> Response { ApiError::internal().into_response() }))
        .layer(from_fn(request_id::tag))
}

fn refuse(request: &Request, unfit: Unfit, status: StatusCode, detail: &str) -> Response {
    let refused = unfit(request.uri().path(), request.headers(), status, detail);
    refused.unwrap_or_else(|| ApiError::new(status, detail).into_response())
}
