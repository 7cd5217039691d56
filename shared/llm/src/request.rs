use runmill_pricing::{TOKENS_PER_MESSAGE, estimate_message_tokens, estimate_tokens};
use runmill_proto::{Generation, Image};

/// A request to a model, independent of the provider's protocol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatRequest {
    /// Name of the model at the provider.
    pub model: String,
    pub system: Option<String>,
    pub messages: Vec<ChatMessage>,
    pub generation: Generation,
    /// Id by which the provider can identify the call: each request has the header `X-Client-Request-Id:
    /// {call_id}:{attempt}`, with attempts counted from 0. Visible ASCII only.
    pub call_id: String,
    /// True to leave thinking that a server sends inside of the answer's text where it is. Otherwise it becomes the
    /// answer's reasoning.
    pub keep_thinking: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ChatMessage {
    pub role: Role,
    pub parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    User,
    Assistant,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Text(String),
    Image(Image),
}

impl ChatRequest {
    /// Estimates the tokens of the prompt's texts, and adds the longest answer if the request limits it.
    pub fn estimated_tokens(&self) -> u64 {
        let system = self.system.as_deref().map_or(0, estimate_message_tokens);
        let messages: u64 = self.messages.iter().map(ChatMessage::estimated_tokens).sum();
        system + messages + self.generation.max_new_tokens.map_or(0, u64::from)
    }
}

impl ChatMessage {
    /// Returns a message that is only text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::Text(text.into())] }
    }

    fn estimated_tokens(&self) -> u64 {
        let texts = self.parts.iter().map(|part| match part {
            Part::Text(text) => estimate_tokens(text),
            Part::Image(_) => 0,
        });
        texts.sum::<u64>() + TOKENS_PER_MESSAGE
    }
}
