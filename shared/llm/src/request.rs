use runmill_proto::{Generation, Image};

/// A request to a model, independent of the provider's protocol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatRequest {
    /// Name of the model at the provider.
    pub model: String,
    pub system: Option<String>,
    pub messages: Vec<ChatMessage>,
    pub generation: Generation,
    /// Identifies the call to the provider: each request has the header `X-Client-Request-Id: {call_id}:{attempt}`,
    /// with attempts counted from 0. Visible ASCII only.
    pub call_id: String,
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

impl ChatMessage {
    /// Returns a message that is only text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::Text(text.into())] }
    }
}
