//! Finds the errors after which another form of the request may be accepted.

use super::detail::Detail;
use crate::{Fix, protocol::Form};

/// Returns the change of the form after which the provider may accept the request, if there is one.
pub(super) fn find(status: u16, form: Form, detail: &Detail) -> Option<Fix> {
    let is_refusal = matches!(status, 400 | 404 | 422);
    if is_refusal && form.stream && form.stream_options && detail.is_about("stream_options") {
        return Some(Fix::OmitStreamOptions);
    }
    if is_refusal && !form.other_token_limit && refuses_token_limit(detail) {
        return Some(Fix::OtherTokenLimit);
    }
    if !form.stream {
        return (is_refusal && detail.says(MUST_STREAM)).then_some(Fix::Stream);
    }
    let no_stream = match status {
        405 | 501 => true,
        _ => is_refusal && (detail.param == "stream" || detail.says(NO_STREAM)),
    };
    no_stream.then_some(Fix::Buffer)
}

/// Returns true if the server does not know the token limit's name, and false if the limit is only too high.
fn refuses_token_limit(detail: &Detail) -> bool {
    let is_unknown = matches!(detail.code.as_str(), "unsupported_parameter" | "unknown_parameter");
    let is_named = detail.is_about("max_tokens") || detail.is_about("max_completion_tokens");
    is_named && (is_unknown || detail.says(UNKNOWN))
}

/// Phrases of, in this order: OpenAI; older OpenAI; older Azure; Mistral and other users of pydantic, newer and
/// older; Groq; Azure's model inference.
const UNKNOWN: &[&str] = &[
    "unsupported parameter",
    "unknown parameter",
    "unrecognized request argument",
    "extra inputs are not permitted",
    "extra fields not permitted",
    "is unsupported",
    "are not allowed",
];

/// Phrases of, in this order: `DashScope`; `DashScope` for its reasoning models, two phrases; OpenAI's responses.
const MUST_STREAM: &[&str] = &[
    "only support stream mode",
    "only support stream call",
    "for non-streaming calls",
    "stream must be set to true",
];

/// Phrases of, in this order: OpenAI and Azure (o1); OpenAI (o3, gpt-5), also nested by `OpenRouter`; Bedrock.
const NO_STREAM: &[&str] = &[
    "'stream' does not support true",
    "must be verified to stream",
    "model is unsupported for streaming",
    "doesn't support tool use in streaming mode",
];
