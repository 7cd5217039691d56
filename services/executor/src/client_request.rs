//! The request of a client of the front door, which is one call or a line of a batch.

use runmill_llm::{ChatRequest, Part};
use runmill_proto::{
    Generation, JobConfig, ResponseFormat,
    api::Capabilities,
    chat::{Conversation, Message},
};

use crate::environment::Callee;

/// Reason why the provider cannot be asked what the client asks.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("this model takes no images (the provider's `capabilities.images` is false)")]
    Images,
    #[error("this model writes no JSON on request (the provider's `capabilities.json_mode` is false)")]
    Json,
}

/// Returns the request of a conversation, in the form that its provider takes.
pub fn of(
    conversation: Conversation,
    model: &str,
    call_id: String,
    config: &JobConfig,
    callee: &Callee<'_>,
) -> Result<ChatRequest, RequestError> {
    let Conversation { system, messages, generation } = conversation;
    let capabilities = callee.capabilities();
    check(&messages, &generation, capabilities)?;
    Ok(ChatRequest {
        model: model.to_owned(),
        system,
        messages,
        generation: callee.supported(generation),
        form: callee.form(),
        call_id,
        keep_thinking: capabilities.thinking_tags == Some(false),
        is_strict: true,
        hides_words: !config.texts.are_kept(),
    })
}

/// Checks that the provider takes everything that changes the answer. A client is refused rather than answered without it.
fn check(
    messages: &[Message],
    generation: &Generation,
    capabilities: &Capabilities,
) -> Result<(), RequestError> {
    let mut parts = messages.iter().flat_map(|message| &message.parts);
    if capabilities.images == Some(false) && parts.any(|part| matches!(part, Part::Image(_))) {
        return Err(RequestError::Images);
    }
    let format = generation.response_format.as_ref();
    if capabilities.json_mode == Some(false) && format.is_some_and(|format| *format != ResponseFormat::Text) {
        return Err(RequestError::Json);
    }
    Ok(())
}

/// Returns the names of the parameters that a client asked for and that have no effect, because the provider is known not
/// to support them, or because its protocol or the model lacks them.
pub fn without_effect(asked: &Generation, request: &ChatRequest, callee: &Callee<'_>) -> Vec<&'static str> {
    let mut names = callee.client.left_out(request);
    if asked.reasoning_effort.is_some() && request.generation.reasoning_effort.is_none() {
        names.push("reasoning_effort");
    }
    names
}
