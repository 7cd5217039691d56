mod detail;

use detail::Detail;

use runmill_proto::Fix;

use crate::{
    ModelError,
    protocol::{ErrorAnswer, Form, cause::Cause, refusal::Refusal, status::ErrorHead},
};

/// Reads an answer with an error status. The body takes precedence over the status, because it is more specific.
pub(super) fn read(answer: &ErrorAnswer<'_>) -> ModelError {
    let detail = Detail::read(answer.body);
    let form = if answer.fixable { fixed(answer.status, answer.form, &detail) } else { answer.form };
    if form != answer.form {
        return ModelError::Rejected { form, message: detail.message };
    }
    classify(ErrorHead::of(answer), detail)
}

/// Reads the error in a stream or answer that began with status 200. The error gets the status that belongs to its
/// type, or 500 if the type has none, because the server had already accepted the request.
pub(super) fn in_band(event: &str) -> ModelError {
    let detail = Detail::read(event.as_bytes());
    let status = match detail.kind.as_str() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    };
    classify(ErrorHead::in_band(status), detail)
}

fn classify(head: ErrorHead, detail: Detail) -> ModelError {
    let topic = detail.topic(head.status);
    let message = detail.message;
    match topic {
        Some(Topic::Quota) => ModelError::QuotaExhausted { message, after: head.after },
        Some(Topic::Account) => ModelError::Authentication { message },
        Some(Topic::Policy) => ModelError::ContentPolicy { message },
        Some(Topic::Shared(cause)) => cause.error(head, message),
        None => head.error(message),
    }
}

/// Cause of an error, if its status alone does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Quota,
    Account,
    Policy,
    Shared(Cause),
}

impl Detail {
    fn topic(&self, status: u16) -> Option<Topic> {
        // The message of a failing server is not reliable about the request, so only statuses of bad requests are
        // examined.
        let of_request = (400..429).contains(&status);
        if self.kind == "billing_error" || (status < 500 && self.says(QUOTA)) {
            Some(Topic::Quota)
        } else if of_request && self.says(&["organization has been disabled"]) {
            Some(Topic::Account)
        } else if of_request && self.says(&["blocked by content filtering policy"]) {
            Some(Topic::Policy)
        } else {
            Cause::find(status, &self.kind, &self.message).map(Topic::Shared)
        }
    }
}

/// Phrases of errors that have the status and the type of a bad request, although the prepaid credit is used up, or
/// the organization or the workspace has reached its own limit.
const QUOTA: &[&str] = &[
    "credit balance is too low",
    "reached your specified api usage limits",
    "reached your specified workspace api usage limits",
];

/// Returns the form in which the provider may accept the request. It equals `form` if there is none.
fn fixed(status: u16, form: Form, detail: &Detail) -> Form {
    // This is an error of Anthropic's own clients, which some gateways use.
    if !form.streams() && detail.says(&["streaming is required for operations"]) {
        return form.with(Fix::Streamed);
    }
    let no_stream = match status {
        405 | 501 => true,
        400 | 422 => detail.says(NO_STREAM),
        _ => false,
    };
    if form.streams() && no_stream {
        return form.with(Fix::Buffered);
    }
    let Detail { kind, message, .. } = detail;
    Refusal { status, code: kind, param: "", message }.fixes().fixes().fold(form, Form::with)
}

/// Phrases of, in this order: Bedrock behind gateways, two phrases; other servers that speak Anthropic's protocol.
const NO_STREAM: &[&str] = &[
    "model is unsupported for streaming",
    "doesn't support tool use in streaming mode",
    "does not support streaming",
];
