//! Which errors say that another form of the request may be accepted.

use super::detail::Detail;
use crate::{Fix, protocol::Form};

/// Whether another form may be accepted, and which.
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

/// That the limit is unknown, not that it is too high.
fn refuses_token_limit(detail: &Detail) -> bool {
    let is_unknown = matches!(detail.code.as_str(), "unsupported_parameter" | "unknown_parameter");
    let is_named = detail.is_about("max_tokens") || detail.is_about("max_completion_tokens");
    is_named && (is_unknown || detail.says(UNKNOWN))
}

/// In the words of: OpenAI; the same, older; Azure, older; Mistral and others by pydantic, newer and older; Groq;
/// Azure's model inference.
const UNKNOWN: &[&str] = &[
    "unsupported parameter",
    "unknown parameter",
    "unrecognized request argument",
    "extra inputs are not permitted",
    "extra fields not permitted",
    "is unsupported",
    "are not allowed",
];

/// In the words of: `DashScope`, and the same of models that think, twice; OpenAI's responses.
const MUST_STREAM: &[&str] = &[
    "only support stream mode",
    "only support stream call",
    "for non-streaming calls",
    "stream must be set to true",
];

/// In the words of: OpenAI and Azure (o1); OpenAI (o3, gpt-5), also nested by `OpenRouter`; Bedrock.
const NO_STREAM: &[&str] = &[
    "'stream' does not support true",
    "must be verified to stream",
    "model is unsupported for streaming",
    "doesn't support tool use in streaming mode",
];
