//! Errors of OpenAI and of the servers that speak its protocols.

mod detail;
mod fix;

use detail::Detail;

use crate::{
    ModelError,
    protocol::{ErrorAnswer, cause::Cause, delay, gemini::error as google, status::ErrorHead},
};

/// Reads an answer with an error status. The body takes precedence over the status, because it is more specific.
pub(in crate::protocol) fn read(answer: &ErrorAnswer<'_>) -> ModelError {
    let detail = Detail::read(answer.body);
    let form = if answer.fixable { fix::find(answer.status, answer.form, &detail) } else { answer.form };
    if form != answer.form {
        return ModelError::Rejected { form, message: detail.message };
    }
    if detail.is_google_status {
        return google::read(answer);
    }
    classify(ErrorHead::of(answer), detail)
}

/// Reads the error in a stream or answer that began with status 200. The error's status is its code if that is a
/// status, or else the status that belongs to its type. If it has neither, the status is 500, because the server had
/// already accepted the request.
pub(in crate::protocol) fn in_band(error: impl AsRef<[u8]>) -> ModelError {
    let detail = Detail::read(error.as_ref());
    if detail.is_google_status {
        return google::in_band(error);
    }
    let status = match (detail.status, detail.kind.as_str(), detail.code.as_str()) {
        (Some(status), ..) => status,
        (_, "rate_limit_error" | "tokens" | "requests", _) | (_, _, "rate_limit_exceeded") => 429,
        (_, "overloaded_error" | "overloaded", _) | (_, _, "server_is_overloaded" | "slow_down") => 529,
        (_, "authentication_error", _) | (_, _, "invalid_api_key") => 401,
        (_, "invalid_request_error" | "BadRequestError" | "validation", _) => 400,
        (_, _, code) if is_of_request(code) => 400,
        _ => 500,
    };
    classify(ErrorHead::in_band(status), detail)
}

/// Returns true for codes of errors in the prompt, which the responses API has: `invalid_prompt`, `image_too_large`
/// and others.
fn is_of_request(code: &str) -> bool {
    let parts = ["invalid_", "image", "context_length_exceeded", "content_filter", "content_policy"];
    parts.iter().any(|part| code.contains(part))
}

fn classify(head: ErrorHead, detail: Detail) -> ModelError {
    let topic = detail.topic(head.status);
    let after = head.after.or_else(|| if head.status == 429 { delay::read(&detail.message) } else { None });
    let message = detail.message;
    match topic {
        Some(Topic::Quota) => ModelError::QuotaExhausted { message, after: head.after },
        Some(Topic::Policy) => ModelError::ContentPolicy { message },
        Some(Topic::Shared(cause)) => cause.error(ErrorHead { after, ..head }, message),
        None => ErrorHead { after, ..head }.error(message),
    }
}

/// Cause of an error, if its status alone does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Quota,
    Policy,
    Shared(Cause),
}

impl Detail {
    fn topic(&self, status: u16) -> Option<Topic> {
        let code =
            |codes: &[&str]| codes.contains(&self.code.as_str()) || codes.contains(&self.kind.as_str());
        if code(&["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"])
            || self.says(&["exceeded your current quota"])
        {
            return Some(Topic::Quota);
        }
        let name = if self.kind.is_empty() { &self.code } else { &self.kind };
        if let Some(cause) = Cause::find(status, name, &self.message) {
            return Some(Topic::Shared(cause));
        }
        // The message of a failing server is not reliable about the request, so only statuses of bad requests are
        // examined.
        if !(400..429).contains(&status) {
            return None;
        }
        if code(&["context_length_exceeded"]) {
            return Some(Topic::Shared(Cause::Context));
        }
        (code(POLICY_CODES) || self.says(POLICY)).then_some(Topic::Policy)
    }
}

const POLICY_CODES: &[&str] =
    &["content_policy_violation", "content_filter", "image_content_policy_violation", "invalid_prompt"];

/// Phrases of, in this order: Azure; OpenAI; `OpenRouter`.
const POLICY: &[&str] =
    &["content management policy", "safety system", "requires moderation and your input was flagged"];
