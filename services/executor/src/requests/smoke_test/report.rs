use std::time::Duration;

use runmill_llm::{Invoked, ModelError, TimeoutPhase, Unanswered};
use runmill_proto::{
    ErrorKind,
    api::{SmokeTestError, SmokeTestReport},
    message::Invocation,
};

use super::advice::advice;

/// Returns the report of a call that was made. `total` is the longest time of each of its attempts.
pub fn answered(invoked: &Invoked, total: Duration) -> SmokeTestReport {
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
        error: invoked.result.as_ref().err().map(|error| fault(error, last.and_then(|it| it.status), total)),
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

fn fault(unanswered: &Unanswered, status: Option<u16>, total: Duration) -> SmokeTestError {
    let error = unanswered.error();
    let message = match error {
        // The test may have less time than the setting allows, so that the setting is not to blame.
        ModelError::TimedOut(TimeoutPhase::Total) => {
            format!("no complete answer within {} s", total.as_secs_f64())
        }
        error => error.to_string(),
    };
    SmokeTestError { kind: error.kind(), status, message, advice: advice(error.kind()).to_owned() }
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

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
