use axum::{
    Json,
    body::Bytes,
    extract::rejection::BytesRejection,
    response::{IntoResponse, Response},
};
use runmill_front_door::{Dialect, Endpoint, Refusal, estimate_prompt_tokens, read_value, token_count};
use serde_json::Value;

use super::{ask::unreadable, refused};
use crate::caller::Caller;

/// Estimates the tokens of a prompt. No model is asked.
pub async fn count(_caller: Caller, body: Result<Bytes, BytesRejection>) -> Response {
    let counted = body.map_err(|rejection| unreadable(&rejection)).and_then(|body| estimate(&body));
    match counted {
        Ok(tokens) => Json(token_count(tokens)).into_response(),
        Err(refusal) => refused::response(&refusal, Dialect::Anthropic),
    }
}

fn estimate(body: &[u8]) -> Result<u64, Refusal> {
    let invalid = |error: serde_json::Error| Refusal::new(400, format!("the body is not JSON: {error}"));
    let mut body: Value = serde_json::from_slice(body).map_err(invalid)?;
    // The request is that of a message without its largest answer.
    if let Some(fields) = body.as_object_mut() {
        fields.entry("max_tokens").or_insert(1.into());
    }
    Ok(estimate_prompt_tokens(&read_value(Endpoint::Messages, &body)?.conversation))
}
