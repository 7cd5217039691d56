//! HTTP endpoints for the operators of a process: `/healthz`, `/readyz` and `/metrics`.

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus::{Registry, TEXT_FORMAT, TextEncoder};
use serde_json::{Value, json};

use crate::Readiness;

/// State that the endpoints show.
#[derive(Clone)]
pub struct OpsState {
    pub registry: Registry,
    pub readiness: Readiness,
}

/// Returns the three routes, to be merged into a service's own router or served alone.
pub fn router(state: OpsState) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(state)
}

/// Answers that the process runs. It checks nothing else, because a restart of the process would not repair a broker.
async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn readyz(State(state): State<OpsState>) -> (StatusCode, Json<Value>) {
    let unready = state.readiness.unready();
    if unready.is_empty() {
        return (StatusCode::OK, Json(json!({"status": "ready"})));
    }
    let parts: Vec<_> = unready.iter().map(|it| json!({"part": it.part, "reason": it.reason})).collect();
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "unready", "unready": parts})))
}

async fn metrics(State(state): State<OpsState>) -> Response {
    let parts = state.readiness.metrics().map(|parts| [state.registry.gather(), parts].concat());
    match parts.and_then(|families| TextEncoder::new().encode_to_string(&families)) {
        Ok(text) => ([(CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(event = "metrics.encode_failed", error = %error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt;
    use prometheus::IntCounter;
    use tower::ServiceExt;

    use super::*;

    fn state() -> OpsState {
        OpsState { registry: Registry::new(), readiness: Readiness::default() }
    }

    async fn get(state: &OpsState, path: &str) -> (u16, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router(state.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_process_that_runs_is_healthy_even_when_it_is_not_ready() {
        let mut state = state();
        state.readiness.add("broker", || Err("gone"));

        assert_eq!(get(&state, "/healthz").await, (200, r#"{"status":"ok"}"#.into()));
    }

    #[tokio::test]
    async fn readyz_says_which_part_is_not_ready_and_why() {
        let mut state = state();
        let connected = Arc::new(AtomicBool::new(false));
        let seen = connected.clone();
        state.readiness.add("store", || Ok::<_, &str>(()));
        state
            .readiness
            .add("broker", move || seen.load(Ordering::Relaxed).then_some(()).ok_or("connection refused"));

        let (status, body) = get(&state, "/readyz").await;
        let want =
            json!({"status": "unready", "unready": [{"part": "broker", "reason": "connection refused"}]});
        assert_eq!((status, body), (503, want.to_string()));

        connected.store(true, Ordering::Relaxed);
        assert_eq!(get(&state, "/readyz").await, (200, r#"{"status":"ready"}"#.into()));
    }

    #[tokio::test]
    async fn metrics_are_prometheus_text() {
        let state = state();
        let counter = IntCounter::new("runmill_tests_total", "Tests.").unwrap();
        state.registry.register(Box::new(counter.clone())).unwrap();
        counter.inc();

        let (status, body) = get(&state, "/metrics").await;

        assert_eq!(status, 200);
        assert!(body.contains("# HELP runmill_tests_total Tests.\n"), "{body}");
        assert!(body.ends_with("runmill_tests_total 1\n"), "{body}");
    }

    #[tokio::test]
    async fn metrics_tell_of_each_part_if_it_is_ready() {
        let mut state = state();
        state.readiness.add("store", || Ok::<_, &str>(()));
        state.readiness.add("broker", || Err("gone"));

        let (_, body) = get(&state, "/metrics").await;

        assert!(body.contains("runmill_part_ready{part=\"store\"} 1\n"), "{body}");
        assert!(body.contains("runmill_part_ready{part=\"broker\"} 0\n"), "{body}");
    }
}
