//! Parts of records that jobs and the calls of clients share.

use std::fmt::Display;

use runmill_llm::ChatResponse;
use runmill_proto::{ErrorKind, InvocationId, Outcome, message::Invocation};
use uuid::Uuid;

/// Returns the id of a new call.
pub fn new_id() -> InvocationId {
    InvocationId::from_uuid(Uuid::now_v7())
}

/// Adds an answer to the record of its call.
pub fn with_answer(invocation: Invocation, response: &ChatResponse) -> Invocation {
    let text = response.refusal.as_ref().filter(|_| response.text.is_empty()).unwrap_or(&response.text);
    Invocation {
        response: Some(text.clone()),
        reasoning: response.reasoning.clone(),
        tool_calls: response.tool_calls.clone(),
        logprobs: response.logprobs.clone(),
        ..invocation
    }
}

/// Returns the record of a failure that keeps the call and its cost, and drops the answer. Returns `None` if there is
/// nothing to drop.
pub fn without_answer(invocation: Invocation, reason: &dyn Display) -> Option<Invocation> {
    (invocation.error_kind != Some(ErrorKind::AnswerTooLarge)).then(|| Invocation {
        outcome: Outcome::Failed,
        error_kind: Some(ErrorKind::AnswerTooLarge),
        error: Some(reason.to_string()),
        response: None,
        reasoning: None,
        tool_calls: Vec::new(),
        logprobs: None,
        finish: None,
        answer_usage: None,
        score: None,
        reused_from: None,
        ..invocation
    })
}
