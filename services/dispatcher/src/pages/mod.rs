//! Pages for people, under `/ui`: handlers call what the API's handlers call, and show the result as HTML.
//!
//! They are no part of the API's description. A browser signs in with a token, which it keeps in a cookie.

mod assets;
mod compare;
mod csp_report;
mod estimate;
mod forms;
mod headers;
mod items;
mod log;
mod new_run;
mod providers;
mod rates;
mod refusals;
mod results;
mod run;
mod runs;
mod session;
mod steering;
mod understood;
mod upload;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef, Request},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{MethodRouter, get, post},
};
use runmill_config::Role;
use runmill_pages::{Page, Viewer};
use runmill_pricing::PriceTable;

use crate::{
    api::{ApiState, admission, auth, record_changes},
    caller::Caller,
    metrics::count_request,
    sign_in_codes::SignInCodes,
};
use csp_report::CspReports;
use rates::Rates;
use understood::Understood;

/// Everything that handlers of pages use.
#[derive(Clone)]
pub struct Pages {
    api: ApiState,
    codes: SignInCodes,
    rates: Rates,
    reports: CspReports,
    understood: Understood,
    prices: Arc<PriceTable>,
    lane_concurrency: u32,
}

impl Pages {
    /// * `prices`: prices by which a run is estimated.
    /// * `lane_concurrency`: number of calls in flight for a provider that states no limit.
    pub fn new(api: ApiState, codes: SignInCodes, prices: Arc<PriceTable>, lane_concurrency: u32) -> Self {
        let (rates, reports, understood) = (Rates::default(), CspReports::default(), Understood::default());
        Self { api, codes, rates, reports, understood, prices, lane_concurrency }
    }
}

impl FromRef<Pages> for ApiState {
    fn from_ref(pages: &Pages) -> Self {
        pages.api.clone()
    }
}

/// First page of all.
const HOME: &str = "/ui/runs";

/// Returns the pages' routes, which sign in by themselves.
pub fn router(pages: Pages) -> Router {
    let open = Router::new()
        .route("/", get(async || Redirect::to(HOME)))
        .route("/ui", get(async || Redirect::to(HOME)))
        .route("/ui/assets/{version}/{name}", get(assets::get))
        .route("/ui/csp-report", post(csp_report::take).layer(DefaultBodyLimit::max(csp_report::BODY_MAX)))
        .route("/ui/sign-in", get(session::form).post(session::sign_in))
        .route("/ui/sign-out", post(session::sign_out))
        .route("/ui/open", get(session::open));
    let closed = watching().merge(steering());
    let closed = closed
        .fallback(refusals::no_such_page)
        .layer(from_fn_with_state(pages.api.clone(), record_changes))
        .layer(from_fn(refusals::as_pages))
        .layer(from_fn(admission::admit))
        .layer(from_fn_with_state(pages.clone(), session::require));
    let closed = Router::new().nest("/ui", closed);
    open.merge(closed)
        .layer(DefaultBodyLimit::max(pages.api.body_max_bytes))
        .layer(from_fn(headers::protect))
        .layer(from_fn_with_state(pages.api.metrics.clone(), count_request))
        .with_state(pages)
}

/// Returns the pages that every role sees, without their prefix.
fn watching() -> Router<Pages> {
    Router::new()
        .route("/runs", get(runs::list))
        .route("/runs/{id}", get(run::overview))
        .route("/runs/{id}/results", get(results::page))
        .route("/runs/{id}/results/rows", get(results::rows))
        .route("/runs/{id}/items/{ordinal}", get(items::page))
        .route("/runs/{id}/log", get(log::page))
        .route("/runs/{id}/log/lines", get(log::lines))
        .route("/compare", get(compare::page))
        .route("/providers", get(providers::page))
}

/// Returns the pages and forms of those who may start and steer runs.
fn steering() -> Router<Pages> {
    let routes: [(&str, MethodRouter<Pages>); 9] = [
        ("/runs/{id}/pause", post(steering::pause)),
        ("/runs/{id}/resume", post(steering::resume)),
        ("/runs/{id}/cancel", post(steering::cancel)),
        ("/runs/{id}/retry-failed", post(steering::retry_failed)),
        ("/new", get(new_run::page)),
        ("/new/start", post(new_run::start)),
        ("/new/smoke-test", post(new_run::smoke_test)),
        ("/new/estimate", post(new_run::estimate)),
        ("/datasets", post(upload::create)),
    ];
    let require = from_fn(|request: Request, next: Next| auth::require(Role::Submit, request, next));
    let add = |router: Router<Pages>, (path, route): (&str, MethodRouter<Pages>)| {
        router.route(path, route.layer(require.clone()))
    };
    routes.into_iter().fold(Router::new(), add)
}

/// A page for its viewer.
struct Shown(Page, Viewer);

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        let Self(page, viewer) = self;
        Html(page.document(Some(&viewer)).into_string()).into_response()
    }
}

fn viewer(caller: &Caller) -> Viewer {
    Viewer { name: caller.name.clone(), role: caller.role, tenant: caller.tenant.clone() }
}
