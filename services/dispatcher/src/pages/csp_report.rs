use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{body::Bytes, extract::State, http::StatusCode};

use super::Pages;

/// Largest report that is read, in bytes.
pub const BODY_MAX: usize = 16 * 1024;
/// Largest part of a report in the log, in characters.
const LOGGED_CHARS: usize = 2_000;
/// Number of reports after which no more are logged: anybody can send some.
const LOGGED_MAX: u64 = 100;

/// Number of reports since the start of the process.
#[derive(Clone, Default)]
pub struct CspReports(Arc<AtomicU64>);

/// Takes a browser's report that a page did what its policy forbids. There should be none.
pub async fn take(State(pages): State<Pages>, body: Bytes) -> StatusCode {
    let number = pages.reports.0.fetch_add(1, Ordering::Relaxed) + 1;
    if number <= LOGGED_MAX {
        let report: String = String::from_utf8_lossy(&body).chars().take(LOGGED_CHARS).collect();
        tracing::warn!(event = "pages.policy_violated", number, report);
    }
    StatusCode::NO_CONTENT
}
