//! The HTTP API: decode, call, encode. Every route is in this file; no decision is.

mod auth;
mod base_url;
mod datasets;
mod events;
mod executors;
mod extract;
mod lines;
mod ndjson;
mod page;
mod problem;
mod providers;
mod records;
mod request_id;
mod runs;
mod settings;
mod smoke_tests;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
    response::Response,
};
use runmill_broker::SharedBroker;
use runmill_config::AddressRules;
use runmill_runtime::Clock;
use runmill_store::DispatcherStore;
use runmill_vault::Sealer;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{metrics::DispatcherMetrics, steering::Steering, watcher::Watcher};
pub use auth::Tokens;
use problem::ApiError;

/// What handlers work with.
#[derive(Clone)]
pub struct ApiState {
    pub store: Arc<dyn DispatcherStore>,
    pub broker: SharedBroker,
    pub sealer: Sealer,
    pub clock: Clock,
    pub metrics: DispatcherMetrics,
    pub watcher: Watcher,
    pub steering: Steering,
    /// Where providers may be.
    pub address_rules: AddressRules,
    pub tokens: Arc<Tokens>,
    pub body_max_bytes: usize,
    /// The longest line of a dataset.
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

/// Everything under authorization, and its description.
fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(ApiDoc::openapi())
        .routes(routes!(providers::create, providers::list))
        .routes(routes!(providers::get, providers::patch, providers::delete))
        .routes(routes!(smoke_tests::create))
        .routes(routes!(datasets::create, datasets::list))
        .routes(routes!(datasets::get))
        .routes(routes!(datasets::items))
        .routes(routes!(runs::create, runs::list))
        .routes(routes!(events::of_all_runs))
        .routes(routes!(runs::get))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::pause))
        .routes(routes!(runs::resume))
        .routes(routes!(runs::retry_failed))
        .routes(routes!(records::results))
        .routes(routes!(records::invocations))
        .routes(routes!(events::of_run))
        .routes(routes!(settings::get, settings::put))
        .routes(routes!(executors::list))
}

/// The API's description, as `/openapi.json` serves it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

/// The whole public API. `ops` are the routes that need no token: health and metrics.
pub fn router(state: ApiState, ops: Router) -> Router {
    let (api, openapi) = routes().split_for_parts();
    let docs = utoipa_swagger_ui::SwaggerUi::new("/docs").url("/openapi.json", openapi);
    api.layer(from_fn_with_state(state.tokens.clone(), auth::authorize))
        .layer(DefaultBodyLimit::max(state.body_max_bytes))
        .layer(from_fn_with_state(state.metrics.clone(), crate::metrics::count_request))
        .with_state(state)
        .merge(docs)
        .merge(ops)
        .fallback(async || ApiError::new(StatusCode::NOT_FOUND, "no such path; /docs lists them all"))
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "no such method on this path; /docs lists them all")
        })
        .layer(CatchPanicLayer::custom(|_| -> Response {
            use axum::response::IntoResponse;
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "the request failed inside runmill")
                .into_response()
        }))
        .layer(from_fn(request_id::tag))
}
