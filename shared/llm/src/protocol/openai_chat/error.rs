mod detail;

use detail::Detail;

use crate::{
    Fix, ModelError,
    protocol::{ErrorAnswer, Form, status::Signs},
};

/// Reads an answer whose status is no success. The most telling sign decides: what the provider says of
/// itself first, its status last.
pub(super) fn read(answer: &ErrorAnswer<'_>) -> ModelError {
    let detail = Detail::read(answer.body);
    if let Some(fix) = fix(answer.status, answer.form, &detail) {
        return ModelError::Rejected { fix, message: detail.message };
    }
    classify(Signs::of(answer), detail)
}

/// Reads the error in a stream or answer that began with status 200. Its status is what its code says, else
/// what goes with its type, else 500: whatever it is, it came after the request was accepted.
pub(super) fn in_band(error: &str) -> ModelError {
    let detail = Detail::read(error.as_bytes());
    let status = match (detail.status, detail.kind.as_str(), detail.code.as_str()) {
        (Some(status), ..) => status,
        (_, "rate_limit_error" | "tokens" | "requests", _) | (_, _, "rate_limit_exceeded") => 429,
        (_, "overloaded_error", _) => 529,
        (_, "invalid_request_error" | "BadRequestError", _) => 400,
        (_, "authentication_error", _) | (_, _, "invalid_api_key") => 401,
        _ => 500,
    };
    classify(Signs::in_band(status), detail)
}

fn classify(signs: Signs, detail: Detail) -> ModelError {
    let topic = detail.topic(signs.status);
    let message = detail.message;
    match topic {
        Some(Topic::Quota) => ModelError::QuotaExhausted { message, after: signs.after },
        Some(Topic::Context) => ModelError::ContextLength { message },
        Some(Topic::Policy) => ModelError::ContentPolicy { message },
        None => signs.error(message),
    }
}

/// What an error is about, where its status alone does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Quota,
    Context,
    Policy,
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
        // A server that is failing may say anything; what it says of the request is not to be believed.
        if !(400..429).contains(&status) {
            return None;
        }
        if code(&["context_length_exceeded", "exceed_context_size_error"]) || self.says(CONTEXT) {
            return Some(Topic::Context);
        }
        let policy = code(&["content_policy_violation", "content_filter", "invalid_prompt"]);
        (policy || self.says(POLICY)).then_some(Topic::Policy)
    }
}

/// In the words of: OpenAI and vLLM; llama.cpp; TGI; Mistral.
const CONTEXT: &[&str] = &[
    "maximum context length",
    "exceeds the available context size",
    "`inputs` tokens + `max_new_tokens` must be",
    "too large for model with",
];

/// In the words of: Azure; OpenAI; `OpenRouter`.
const POLICY: &[&str] =
    &["content management policy", "safety system", "requires moderation and your input was flagged"];

/// Whether another form of the request may be accepted, and which.
fn fix(status: u16, form: Form, detail: &Detail) -> Option<Fix> {
    if !form.stream {
        let must_stream = status == 400 && detail.says(&["only support stream mode"]);
        return must_stream.then_some(Fix::Stream);
    }
    if form.stream_options && matches!(status, 400 | 422) && detail.is_about("stream_options") {
        return Some(Fix::OmitStreamOptions);
    }
    let no_stream = match status {
        405 | 501 => true,
        400 | 422 => detail.param == "stream" || detail.says(NO_STREAM),
        _ => false,
    };
    no_stream.then_some(Fix::Buffer)
}

/// In the words of: OpenAI and Azure (o1); OpenAI (o3, gpt-5), also nested by `OpenRouter`; Bedrock.
const NO_STREAM: &[&str] = &[
    "'stream' does not support true",
    "must be verified to stream",
    "model is unsupported for streaming",
    "doesn't support tool use in streaming mode",
];
