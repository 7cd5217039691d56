mod budgets;

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use tokio::time::Instant;

pub use budgets::BudgetMetrics;

/// All metrics of the dispatcher. Dashboards and alerts are written against this file.
#[derive(Clone)]
pub struct DispatcherMetrics {
    pub requests: IntCounterVec,
    pub request_seconds: HistogramVec,
    pub jobs_fed: IntCounter,
    pub feed_failures: IntCounter,
    pub is_leader: IntGauge,
    pub jobs_in_queue: IntGauge,
    pub reconciler_refed: IntCounter,
    pub lost_jobs: IntCounter,
    pub runs_held_back: IntGaugeVec,
    pub dead_letters: IntGauge,
    pub budgets: BudgetMetrics,
    pub executors_wanted: IntGauge,
    pub executors_alive: IntGauge,
}

/// Bounds of the buckets, in seconds.
const REQUEST_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

impl DispatcherMetrics {
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new("runmill_http_requests_total", "Requests to the API, by route and status."),
                &["method", "route", "status"],
            )?,
            request_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "runmill_http_request_seconds",
                    "Seconds until the headers of the response, by route.",
                )
                .buckets(REQUEST_BUCKETS.to_vec()),
                &["method", "route"],
            )?,
            jobs_fed: IntCounter::new("runmill_jobs_fed_total", "Jobs put into a lane's queue.")?,
            feed_failures: IntCounter::new(
                "runmill_feed_failures_total",
                "Failures to feed a lane; each is retried.",
            )?,
            is_leader: IntGauge::new(
                "runmill_feeder_is_leader",
                "1 while this dispatcher is the leader and feeds jobs.",
            )?,
            jobs_in_queue: IntGauge::new("runmill_jobs_in_queue", "Jobs fed and not settled, in all lanes.")?,
            reconciler_refed: IntCounter::new(
                "runmill_reconciler_refed_total",
                "Jobs of runs that stood still for longer than their calls can take, which were fed again.",
            )?,
            lost_jobs: IntCounter::new(
                "runmill_lost_jobs_total",
                "Jobs that were in no queue and at no executor, and were fed again; if it keeps growing, \
                 something loses messages.",
            )?,
            runs_held_back: IntGaugeVec::new(
                Opts::new(
                    "runmill_runs_held_back",
                    "Runs that stand still by a fault of the installation, by cause.",
                ),
                &["cause"],
            )?,
            dead_letters: IntGauge::new(
                "runmill_dead_letters",
                "Messages that no service could handle, and that wait for an operator.",
            )?,
            budgets: BudgetMetrics::register(registry)?,
            executors_wanted: IntGauge::new(
                "runmill_executors_wanted",
                "Executors that should run, by the work that waits and the providers' limits.",
            )?,
            executors_alive: IntGauge::new(
                "runmill_executors_alive",
                "Living executors that take work, by their heartbeats.",
            )?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.request_seconds.clone()))?;
        registry.register(Box::new(metrics.jobs_fed.clone()))?;
        registry.register(Box::new(metrics.feed_failures.clone()))?;
        registry.register(Box::new(metrics.is_leader.clone()))?;
        registry.register(Box::new(metrics.jobs_in_queue.clone()))?;
        registry.register(Box::new(metrics.reconciler_refed.clone()))?;
        registry.register(Box::new(metrics.lost_jobs.clone()))?;
        registry.register(Box::new(metrics.runs_held_back.clone()))?;
        registry.register(Box::new(metrics.dead_letters.clone()))?;
        registry.register(Box::new(metrics.executors_wanted.clone()))?;
        registry.register(Box::new(metrics.executors_alive.clone()))?;
        Ok(metrics)
    }
}

/// Counts a request by its route. The path itself would be a label with unbounded values.
pub async fn count_request(
    State(metrics): State<DispatcherMetrics>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let method = method_label(request.method());
    let start = Instant::now();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    metrics.requests.with_label_values(&[method, route, response.status().as_str()]).inc();
    let seconds = start.elapsed().as_secs_f64();
    metrics.request_seconds.with_label_values(&[method, route]).observe(seconds);
    response
}

/// Returns the method as a label from a closed set, because clients can send any method.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [Method; 6] =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    const LABELS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    KNOWN.iter().position(|known| known == method).map_or("other", |n| LABELS[n])
}
