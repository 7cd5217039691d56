use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{body::Bytes, extract::State, http::StatusCode};
use serde_json::Value;

use super::Pages;

/// Largest report that is read, in bytes.
pub const BODY_MAX: usize = 16 * 1024;
/// Number of reports after which no more are logged: anybody can send some.
const LOGGED_MAX: u64 = 100;

/// Number of reports since the start of the process.
#[derive(Clone, Default)]
pub struct CspReports(Arc<AtomicU64>);

/// Takes a browser's report that a page did what its policy forbids. There should be none.
///
/// Only the rule is logged: the rest of a report is text of a page, or of whoever sent it.
pub async fn take(State(pages): State<Pages>, body: Bytes) -> StatusCode {
    let number = pages.reports.0.fetch_add(1, Ordering::Relaxed) + 1;
    if number <= LOGGED_MAX {
        let rule = rule(&body).unwrap_or_else(|| "unknown".to_owned());
        tracing::warn!(event = "pages.policy_violated", number, rule);
    }
    StatusCode::NO_CONTENT
}

/// Returns the name of the rule, such as `script-src-elem`.
fn rule(body: &[u8]) -> Option<String> {
    const CHARS_MAX: usize = 40;
    let report: Value = serde_json::from_slice(body).ok()?;
    let report = report.get("csp-report")?;
    let rule = ["effective-directive", "violated-directive"]
        .into_iter()
        .find_map(|name| report.get(name)?.as_str())?;
    let rule = rule.split(' ').next()?;
    let is_name = rule.chars().all(|char| char.is_ascii_lowercase() || char == '-');
    (is_name && rule.len() <= CHARS_MAX).then(|| rule.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_a_rule_is_taken() {
        for (report, want) in [
            (
                r#"{"csp-report":{"effective-directive":"script-src-elem","document-uri":"x"}}"#,
                Some("script-src-elem"),
            ),
            (r#"{"csp-report":{"violated-directive":"style-src 'self'"}}"#, Some("style-src")),
            (r#"{"csp-report":{"effective-directive":"<b>"}}"#, None),
            (r#"{"other":1}"#, None),
            ("{", None),
        ] {
            assert_eq!(rule(report.as_bytes()).as_deref(), want, "{report}");
        }
    }
}
