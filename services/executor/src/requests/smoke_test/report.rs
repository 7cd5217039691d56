use runmill_llm::{Invoked, Unanswered};
use runmill_proto::{
    ErrorKind,
    api::{SmokeTestError, SmokeTestReport},
    message::Invocation,
};

use super::advice::advice;

/// Returns the report of a call that was made.
pub fn answered(invoked: &Invoked) -> SmokeTestReport {
    let last = invoked.attempts.last();
    let answer = invoked.result.as_ref().ok();
    SmokeTestReport {
        ok: answer.is_some(),
        latency_ms: milliseconds(invoked.latency),
        ttft_ms: invoked.ttft.map(milliseconds),
        streamed: invoked.streamed,
        preview: answer.map(|answer| Invocation::preview(&answer.text)),
        usage: invoked.usage,
        cost_usd: invoked.cost_usd(),
        key: last.and_then(|attempt| attempt.key.clone()).filter(|label| !label.is_empty()),
        answered_by: answer.and_then(|answer| answer.remarks.answered_by.clone()),
        error: invoked.result.as_ref().err().map(|error| fault(error, last.and_then(|it| it.status))),
        ..nothing()
    }
}

/// Returns the report of a call that could not be made.
pub fn unusable(message: &str) -> SmokeTestReport {
    let kind = ErrorKind::ProviderUnavailable;
    let error =
        SmokeTestError { kind, status: None, message: message.to_owned(), advice: advice(kind).to_owned() };
    SmokeTestReport { error: Some(error), ..nothing() }
}

fn fault(unanswered: &Unanswered, status: Option<u16>) -> SmokeTestError {
    let error = unanswered.error();
    SmokeTestError {
        kind: error.kind(),
        status,
        message: error.to_string(),
        advice: advice(error.kind()).to_owned(),
    }
}

fn nothing() -> SmokeTestReport {
    SmokeTestReport {
        ok: false,
        latency_ms: 0,
        ttft_ms: None,
        streamed: false,
        preview: None,
        usage: None,
        json_mode: None,
        cost_usd: None,
        key: None,
        answered_by: None,
        error: None,
    }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
