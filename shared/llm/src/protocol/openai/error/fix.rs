//! Finds the errors after which another form of the request may be accepted.

use runmill_proto::Fix;

use super::detail::Detail;
use crate::protocol::{
    Form,
    refusal::{Refusal, UNKNOWN},
};

/// Returns the form in which the provider may accept the request. It equals `form` if there is none.
pub(super) fn find(status: u16, form: Form, detail: &Detail) -> Form {
    let is_refusal = matches!(status, 400 | 404 | 422);
    if is_refusal && form.streams() && !form.has(Fix::NoStreamOptions) && detail.is_about("stream_options") {
        return form.with(Fix::NoStreamOptions);
    }
    if is_refusal && !form.has(Fix::OtherTokenLimit) && refuses_token_limit(detail) {
        return form.with(Fix::OtherTokenLimit);
    }
    if is_refusal && !form.streams() && detail.says(MUST_STREAM) {
        return form.with(Fix::Streamed);
    }
    if form.streams() && refuses_stream(status, detail) {
        return form.with(Fix::Buffered);
    }
    let Detail { code, param, message, .. } = detail;
    Refusal { status, code, param, message }.fixes().fixes().fold(form, Form::with)
}

fn refuses_stream(status: u16, detail: &Detail) -> bool {
    match status {
        405 | 501 => true,
        400 | 404 | 422 => detail.param == "stream" || detail.says(NO_STREAM),
        _ => false,
    }
}

/// Returns true if the server does not know the token limit's name, and false if the limit is only too high.
fn refuses_token_limit(detail: &Detail) -> bool {
    let is_unknown = matches!(detail.code.as_str(), "unsupported_parameter" | "unknown_parameter");
    let is_named = detail.is_about("max_tokens") || detail.is_about("max_completion_tokens");
    is_named && (is_unknown || detail.says(UNKNOWN))
}

/// Phrases of, in this order: `DashScope`; `DashScope` for its reasoning models, two phrases; OpenAI's responses.
const MUST_STREAM: &[&str] = &[
    "only support stream mode",
    "only support stream call",
    "for non-streaming calls",
    "stream must be set to true",
];

/// Phrases of, in this order: OpenAI and Azure (o1); OpenAI (o3, gpt-5), also nested by `OpenRouter`; two
/// phrases of Bedrock; llama.cpp, for log probabilities.
const NO_STREAM: &[&str] = &[
    "'stream' does not support true",
    "must be verified to stream",
    "model is unsupported for streaming",
    "doesn't support tool use in streaming mode",
    "not supported with tools + stream",
];
