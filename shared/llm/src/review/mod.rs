//! Review of a whole answer, the same for every protocol: which part of its text is thinking, whether it is empty, and how
//! it differs from what was asked for. No wire format tells these.

mod other_model;
mod thinking;

use runmill_proto::{Generation, Note, ResponseFormat};
use serde::de::IgnoredAny;

use crate::{ChatRequest, ChatResponse, Finish, ModelError};

/// Reviews a whole answer to `request`. Returns an error if it contains no answer.
///
/// * `keeps_thinking`: true to leave thinking in the answer's text.
/// * `hides_limit`: true if the provider may report that the model stopped when the token limit was reached.
pub(crate) fn review(
    mut answer: ChatResponse,
    request: &ChatRequest,
    keeps_thinking: bool,
    hides_limit: bool,
) -> Result<ChatResponse, ModelError> {
    if !keeps_thinking {
        thinking::separate(&mut answer);
    }
    let mut answer = answer.unless_empty()?;
    if hides_limit && has_reached_limit(&answer, &request.generation) {
        answer.finish = Finish::Length;
        answer.remarks.notes.push(Note::StoppedAtLimit);
    }
    let notes = [
        other_model::note(&mut answer.remarks, &request.model),
        breaks_format(&answer, &request.generation).then_some(Note::FormatNotHeld),
        lacks_logprobs(&answer, &request.generation).then_some(Note::NoLogprobs),
    ];
    answer.remarks.notes.extend(notes.into_iter().flatten());
    Ok(answer)
}

/// Returns true if the answer has as many tokens as it may have. A model that stops by itself at exactly that number
/// is taken for a truncated one.
fn has_reached_limit(answer: &ChatResponse, asked: &Generation) -> bool {
    let tokens = answer.usage.map(|usage| usage.completion_tokens);
    matches!(answer.finish, Finish::Stop | Finish::Other)
        && answer.refusal.is_none()
        && tokens.zip(asked.max_new_tokens).is_some_and(|(tokens, max)| tokens >= u64::from(max))
}

/// Returns true if a whole answer is not the JSON that was asked for.
fn breaks_format(answer: &ChatResponse, asked: &Generation) -> bool {
    let objects_only = match &asked.response_format {
        None | Some(ResponseFormat::Text) => return false,
        Some(ResponseFormat::JsonObject) => true,
        Some(ResponseFormat::JsonSchema { .. }) => false,
    };
    if !matches!(answer.finish, Finish::Stop | Finish::Other) || answer.refusal.is_some() {
        return false;
    }
    let is_json = serde_json::from_str::<IgnoredAny>(&answer.text).is_ok();
    !is_json || (objects_only && !answer.text.trim_start().starts_with('{'))
}

fn lacks_logprobs(answer: &ChatResponse, asked: &Generation) -> bool {
    asked.wants_logprobs() && answer.logprobs.is_none() && !answer.text.is_empty()
}

#[cfg(test)]
mod tests;
