//! Turns the failure of a call into the words for its client.

use std::time::Duration;

use runmill_proto::{ErrorKind, message::CallFailure};

use super::{CONTEXT_LENGTH, QUOTA, Refusal};

/// Words by which clients know that a prompt is too long.
const TOO_LONG: &str = "This model's maximum context length is";

/// Waiting times for failures that tell none.
const SHORT_WAIT: Duration = Duration::from_secs(1);
const WAIT: Duration = Duration::from_secs(5);
const LONG_WAIT: Duration = Duration::from_mins(1);

impl From<&CallFailure> for Refusal {
    fn from(failure: &CallFailure) -> Self {
        let words = |ours: &str| said(ours, &failure.message);
        let wait = failure.retry_after_ms.map(Duration::from_millis);
        match failure.kind {
            ErrorKind::InvalidRequest => invalid_request(failure),
            ErrorKind::BadItem | ErrorKind::NoAnswer => Self::new(400, words("No request can be made from this one.")),
            ErrorKind::ContextLength => too_long(&failure.message),
            ErrorKind::ContentPolicy => {
                Self::new(400, words("The provider's content filter refused the request.")).with_code("content_filter")
            }
            ErrorKind::RateLimited => Self::new(429, words("The provider's rate limit is reached."))
                .with_code("rate_limit_exceeded")
                .retry_after(wait.unwrap_or(WAIT)),
            ErrorKind::BudgetUsedUp => Self::new(429, words("The budget of these calls is used up."))
                .with_code(QUOTA)
                .retry_after(wait.unwrap_or(LONG_WAIT))
                .final_answer(),
            ErrorKind::Overloaded => {
                Self::new(503, words("The provider is overloaded.")).retry_after(wait.unwrap_or(WAIT))
            }
            ErrorKind::Interrupted => {
                Self::new(503, words("The process that made the call was stopped. Send the request again."))
                    .retry_after(SHORT_WAIT)
            }
            ErrorKind::Authentication => Self::new(
                502,
                words(
                    "The provider refused its API key, which runmill has. The token of this request is valid: \
                     runmill's operator must correct the provider's keys.",
                ),
            )
            .with_code("provider_authentication_failed")
            .final_answer(),
            ErrorKind::QuotaExhausted => {
                Self::new(503, words("The quota of runmill's account at the provider is exhausted."))
                    .with_code("provider_quota_exhausted")
                    .final_answer()
            }
            ErrorKind::ProviderUnavailable => {
                Self::new(503, words("The provider was deleted, or its API key cannot be read."))
                    .with_code("provider_unavailable")
                    .final_answer()
            }
            ErrorKind::ConnectTimeout
            | ErrorKind::FirstTokenTimeout
            | ErrorKind::IdleTimeout
            | ErrorKind::TotalTimeout => Self::new(504, words("The provider did not answer in time.")),
            ErrorKind::DeadlinePassed => Self::new(504, words("The call had no answer before its deadline.")),
            ErrorKind::Connection => Self::new(502, words("The provider cannot be reached.")),
            ErrorKind::ServerError => Self::new(502, words("The provider has an internal error.")),
            ErrorKind::TruncatedStream
            | ErrorKind::MalformedResponse
            | ErrorKind::EmptyAnswer => Self::new(502, words("The provider's answer is not whole or not valid.")),
            ErrorKind::StreamRejected => {
                Self::new(502, words("The provider requires a form of request that runmill cannot send."))
                    .final_answer()
            }
            ErrorKind::AnswerTooLarge => {
                Self::new(502, words("The answer is larger than the largest message.")).final_answer()
            }
            ErrorKind::Poisoned | ErrorKind::Quarantined => {
                Self::new(500, words("The call failed inside runmill; its log says why.")).final_answer()
            }
        }
    }
}

/// Keeps the status of the provider where clients tell it from others.
fn invalid_request(failure: &CallFailure) -> Refusal {
    let refusal = |status, ours| Refusal::new(status, said(ours, &failure.message));
    match failure.status {
        Some(404) => {
            refusal(404, "The provider does not know the model or the path.").with_code("model_not_found")
        }
        Some(413) => refusal(413, "The request is larger than the provider takes."),
        Some(_) => refusal(400, "The provider refused the request."),
        // It may not have gone to the provider at all.
        None => refusal(400, "The request cannot be answered."),
    }
}

fn too_long(words: &str) -> Refusal {
    let message = if words.contains(TOO_LONG) {
        words.to_owned()
    } else {
        said(&format!("{TOO_LONG} exceeded by the prompt, with the tokens of the answer."), words)
    };
    Refusal { param: Some("messages".into()), ..Refusal::new(400, message).with_code(CONTEXT_LENGTH) }
}

/// Returns our words, followed by those that came with the failure.
fn said(ours: &str, theirs: &str) -> String {
    if theirs.is_empty() { ours.to_owned() } else { format!("{ours} {theirs}") }
}
